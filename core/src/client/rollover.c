/*
 * Another key for the account (RFC 8555 7.3.5). Both keys are on flash until the CA is known to
 * have taken the new one: an account whose key is lost cannot be got back. It must not know orders.
 */
#include "client/rollover.h"

#include "acme/client.h"

#if defined(CONFIG_ACME_KEY_ROLLOVER)

#include <string.h>

#include "base/error.h"
#include "client/account_record.h"
#include "client/job.h"
#include "client/keys.h"
#include "client/machine.h"
#include "client/pool.h"
#include "client/request.h"
#include "client/state.h"
#include "crypto/jws.h"

/* The new key is on flash, and the record says so, before the CA hears of it. */
static int32_t prepare(struct acme_client *c)
{
    bool made;
    int32_t rc =
        acme_jws_destroy_key(acme_keys_next_account(c)); /* one that an earlier change retired */

    if (rc == ACME_OK) {
        rc = acme_jws_ensure_key(acme_keys_next_account(c), c->config.account_key_type, false,
                                 &made);
    }
    if (rc == ACME_OK) {
        c->account.rollover = (uint8_t)(c->config.account_key_type + 1u);
        rc = acme_account_rewrite_keys(c);
    }
    return rc;
}

/* The inner JWS, signed by the new key, as the payload at the start of work. */
static int32_t write_inner(struct acme_client *c, const char *url, struct acme_buf *payload)
{
    struct acme_jws_params params = {acme_keys_next_account(c), acme_account_next_type(c), NULL,
                                     NULL, url};
    int32_t rc;

    acme_request_payload(c, payload);
    acme_buf_add(payload, "{\"account\":\"");
    acme_buf_add_json(payload, c->account_url);
    acme_buf_add(payload, "\",\"oldKey\":");
    rc = acme_jws_add_jwk(payload, acme_keys_account(c), c->arena_memory.bytes,
                          sizeof(c->arena_memory.bytes));
    acme_buf_add(payload, "}");
    if (rc != ACME_OK || acme_buf_result(payload) < 0) {
        return rc != ACME_OK ? rc : ACME_ERR_BUFFER;
    }
    memmove(c->work.text + sizeof(c->work.text) - payload->len, c->work.text, payload->len);
    rc = acme_jws_start(&params, c->work.text, sizeof(c->work.text), 0, payload->len,
                        c->arena_memory.bytes, sizeof(c->arena_memory.bytes));
    if (rc == ACME_OK) {
        /* In one go, even where signatures are made in steps: this is done once in years. */
        do {
            rc = acme_jws_sign(c->arena_memory.bytes, sizeof(c->arena_memory.bytes));
        } while (rc == ACME_ERR_AGAIN);
    }
    payload->len = rc > 0 ? (size_t)rc : 0;
    return rc > 0 ? ACME_OK : rc;
}

int32_t acme_enter_key_change(struct acme_client *c)
{
    const char *url = acme_pool_get(c, c->directory.urls[ACME_URL_KEY_CHANGE]);
    struct acme_buf payload;
    int32_t rc = ACME_OK;

    if (c->directory.urls[ACME_URL_KEY_CHANGE] == 0) {
        return acme_error_at(&c->machine.place, "keyChange", ACME_ERR_FIELD);
    }
    if (c->account.rollover_in_doubt) { /* sent, and no answer came */
        return acme_machine_go(c, ACME_STATE_KEY_PROBE);
    }
    if (!acme_request_has_nonce(c)) {
        return ACME_OK;
    }
    if (c->account.rollover == 0) {
        rc = prepare(c);
    }
    if (rc == ACME_OK) {
        rc = write_inner(c, url, &payload);
    }
    if (rc != ACME_OK) {
        return rc;
    }
    /* Over a connection of its own: on one that was kept alive, a request whose answer is lost is
     * sent again, and the CA may have taken the key of the first. */
    acme_exchange_close(&c->exchange);
    c->account.rollover_in_doubt = true;
    return acme_request_post(c, url, &payload, ACME_SIGNER_ACCOUNT);
}

/* The CA has the new key: from the record's change on it is the account's, and the old one goes. */
static int32_t commit(struct acme_client *c)
{
    psa_key_id_t old = acme_keys_account(c);
    int32_t rc;

    c->account.generation ^= 1u;
    c->account.type = acme_account_next_type(c);
    c->account.rollover = 0;
    c->account.rollover_in_doubt = false;
    rc = acme_account_rewrite_keys(c);
    return rc == ACME_OK ? acme_jws_destroy_key(old) : rc;
}

int32_t acme_reply_key_change(struct acme_client *c)
{
    int32_t rc = commit(c);

    if (rc == ACME_OK) {
        acme_machine_emit(c, ACME_EVENT_ACCOUNT, c->account_url);
        return acme_machine_end(c, ACME_OK);
    }
    return rc;
}

/* The CA refused the change, or has not heard of it: the old key stays, the new one goes. */
static int32_t undo(struct acme_client *c)
{
    int32_t rc;

    c->account.rollover = 0;
    c->account.rollover_in_doubt = false;
    rc = acme_account_rewrite_keys(c);
    return rc == ACME_OK ? acme_jws_destroy_key(acme_keys_next_account(c)) : rc;
}

int32_t acme_problem_key_change(struct acme_client *c, int32_t error)
{
    int32_t rc;

    if (error == ACME_ERR_NONCE) { /* it was not looked at */
        c->account.rollover_in_doubt = false;
        return error;
    }
    if (acme_error_is_busy(error)) {
        return error;
    }
    rc = undo(c);
    return rc == ACME_OK ? error : rc;
}

/* Whether the CA knows the new key: newAccount that creates none. */
int32_t acme_enter_key_probe(struct acme_client *c)
{
    struct acme_buf payload;

    acme_request_payload(c, &payload);
    acme_buf_add(&payload, "{\"onlyReturnExisting\":true}");
    return acme_request_post_at(c, c->directory.urls[ACME_URL_NEW_ACCOUNT], &payload,
                                ACME_SIGNER_NEXT_JWK);
}

int32_t acme_reply_key_probe(struct acme_client *c)
{
    int32_t rc;

    if (strcmp(c->exchange.parser.response.location, c->account_url) != 0) {
        return ACME_ERR_ACCOUNT; /* another account's key: nothing is changed */
    }
    rc = commit(c);
    if (rc != ACME_OK) {
        return rc;
    }
    if (c->machine.job == ACME_JOB_ACCOUNT_ROLLOVER) {
        acme_machine_emit(c, ACME_EVENT_ACCOUNT, c->account_url);
        return acme_machine_end(c, ACME_OK);
    }
    return acme_machine_go(c, ACME_STATE_ACCOUNT);
}

int32_t acme_problem_key_probe(struct acme_client *c, int32_t error)
{
    int32_t rc = error == ACME_ERR_ACCOUNT_NONE ? undo(c) : error;

    /* In ACCOUNT a job for a change begins one anew. */
    return rc == ACME_OK ? acme_machine_go(c, ACME_STATE_ACCOUNT) : rc;
}

int32_t acme_account_rollover(acme_client *c)
{
    if (acme_keys_next_account(c) == PSA_KEY_ID_NULL) {
        return ACME_ERR_UNSUPPORTED; /* the key is not ours to replace */
    }
    return acme_job_begin(c, ACME_JOB_ACCOUNT_ROLLOVER, ACME_STATE_KEY_CHANGE);
}
#else
int32_t acme_account_rollover(acme_client *c)
{
    (void)c;
    return ACME_ERR_UNSUPPORTED;
}
#endif
