/*
 * Revocation (RFC 8555 7.6): of a certificate that is asked for, and of the one that a new one has
 * replaced. It must not know how a certificate is obtained.
 */
#include "client/revoke.h"

#include <string.h>

#include "client/certificate.h"
#include "client/job.h"
#include "client/keys.h"
#include "client/request.h"
#include "client/schedule.h"
#include "client/slots.h"
#include "client/state.h"
#include "crypto/jws.h"

#if defined(CONFIG_ACME_REVOCATION)
/* The request for the leaf of so many bytes of one of the slot's generations. */
static int32_t request_revocation(struct acme_client *c, uint8_t generation, size_t len,
                                  uint8_t reason, enum acme_signer signer)
{
    struct acme_buf payload;
    int32_t rc;

    if (!acme_request_has_nonce(c)) {
        return ACME_OK;
    }
    if (len > sizeof(c->work.bytes)) {
        return ACME_ERR_BUFFER;
    }
    rc = acme_store_read_chain(&c->log, acme_slots_current(c)->store_slot, generation, 0,
                               c->work.bytes + sizeof(c->work.bytes) - len, len);
    if (rc != ACME_OK) {
        return rc;
    }
    acme_request_der_payload(c, &payload, "certificate", len);
    acme_buf_add_form(&payload, ",\"reason\":#}", (uint32_t)reason);
    return acme_request_post_at(c, c->directory.urls[ACME_URL_REVOKE_CERT], &payload, signer);
}

int32_t acme_enter_revoke(struct acme_client *c)
{
    const struct acme_slot *s = acme_slots_current(c);

    if (c->directory.urls[ACME_URL_REVOKE_CERT] == 0) {
        return acme_error_at(&c->machine.place, "revokeCert", ACME_ERR_FIELD);
    }
    return request_revocation(c, s->cert.key_generation, s->cert.lengths[0], c->revoke_reason,
                              c->revoke_with_cert_key ? ACME_SIGNER_CERT_JWK : ACME_SIGNER_ACCOUNT);
}

#if defined(CONFIG_ACME_REVOKE_REPLACED)
#define REASON_SUPERSEDED 4u

int32_t acme_enter_revoke_replaced(struct acme_client *c)
{
    return request_revocation(c, c->order.generation ^ 1u, c->order.use.replaced_len,
                              REASON_SUPERSEDED, ACME_SIGNER_ACCOUNT);
}

int32_t acme_reply_revoke_replaced(struct acme_client *c)
{
    acme_certificate_remove_replaced(c);
    return acme_machine_end_slot(c, ACME_OK);
}

/* The new certificate is good all the same. */
int32_t acme_failed_revoke_replaced(struct acme_client *c, int32_t error)
{
    acme_machine_emit_failure(c, ACME_EVENT_ERROR, error, NULL);
    return acme_reply_revoke_replaced(c);
}
#endif

/* The key goes first: after a cut the slot has a certificate without a key, which is no
 * certificate, and never a key that a next order could take for its own. */
int32_t acme_reply_revoke(struct acme_client *c)
{
    struct acme_slot *s = acme_slots_current(c);
    int32_t rc = acme_jws_destroy_key(acme_keys_cert(s->store_slot, s->cert.key_generation));

    if (rc == ACME_OK) {
        rc = acme_store_remove_cert(&c->log, s->store_slot);
    }
    if (rc == ACME_OK) {
        rc = acme_store_remove_chain(&c->log, s->store_slot, s->cert.key_generation);
    }
    if (rc != ACME_OK) {
        return rc;
    }
    s->has_cert = s->occupied = false;
    acme_schedule_forget(c, s);
    acme_machine_emit(c, ACME_EVENT_REVOKED, NULL);
    return acme_machine_end(c, ACME_OK);
}

/* An earlier run was cut after the CA had been told. */
int32_t acme_problem_revoke(struct acme_client *c, int32_t error)
{
    return error == ACME_ERR_ALREADY_REVOKED ? acme_reply_revoke(c) : error;
}

int32_t acme_revoke_start(acme_client *c, uint16_t slot, uint8_t reason, bool with_certificate_key)
{
    int32_t rc;

    if (slot >= c->config.certs_count || reason > 10 || reason == 7) {
        return ACME_ERR_ARGUMENT;
    }
    if (!c->slots[slot].has_cert) {
        return ACME_ERR_CERT_NONE;
    }
    rc = acme_job_begin(c, ACME_JOB_REVOKE, ACME_STATE_REVOKE);
    if (rc == ACME_OK) {
        c->slot = (int16_t)slot;
        c->revoke_reason = reason;
        c->revoke_with_cert_key = with_certificate_key;
    }
    return rc;
}
#else
int32_t acme_revoke_start(acme_client *c, uint16_t slot, uint8_t reason, bool with_certificate_key)
{
    (void)c;
    (void)slot;
    (void)reason;
    (void)with_certificate_key;
    return ACME_ERR_UNSUPPORTED;
}
#endif
