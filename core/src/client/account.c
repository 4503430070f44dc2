/*
 * The account (RFC 8555 7.3): found, made, found again. It must not know orders beyond leaving one.
 */
#include "client/account.h"

#include <string.h>

#include "client/account_record.h"
#include "client/directory.h"
#include "client/keys.h"
#include "client/machine.h"
#include "client/order_state.h"
#include "client/pool.h"
#include "client/reply.h"
#include "client/request.h"
#include "client/state.h"
#include "crypto/jws.h"
#include "net/uri.h"

/* RFC 8555 7.3.3: the terms may change; the operator's policy decides. */
static int32_t check_terms(struct acme_client *c, bool *agreed_to_others)
{
    const char *terms = acme_pool_get(c, c->directory.tos);

    *agreed_to_others = false;
    if (terms[0] == '\0') {
        return ACME_OK;
    }
    if (acme_account_read_record(c, c->account.slot) == ACME_OK &&
        strcmp(c->arena_memory.account.tos_url, terms) == 0) {
        return ACME_OK;
    }
    *agreed_to_others = true;
    if (!c->config.tos_agreed) {
        return ACME_ERR_TOS;
    }
    if (c->config.tos_policy == ACME_TOS_STOP &&
        (c->config.tos_accepted_url == NULL || strcmp(c->config.tos_accepted_url, terms) != 0)) {
        return ACME_ERR_TOS;
    }
    return ACME_OK;
}

#if defined(CONFIG_ACME_ACCOUNT_KEY_EXTERNAL)
static int32_t ensure_account_key(struct acme_client *c, bool *made)
{
    psa_key_id_t key = acme_keys_account(c);

    if (!acme_keys_is_external(c)) {
        return acme_jws_ensure_key(key, c->account.type, false, made);
    }
    *made = false;
    c->account.type = c->config.account_key_type;
    return acme_jws_key_exists(key) ? ACME_OK : ACME_ERR_NOT_FOUND;
}
#else
static int32_t ensure_account_key(struct acme_client *c, bool *made)
{
    return acme_jws_ensure_key(acme_keys_account(c), c->account.type, false, made);
}
#endif

/* Where a job goes that does not need to look at the account: false where it has to. */
static bool goes_elsewhere(struct acme_client *c)
{
    if (ACME_ENABLED(CONFIG_ACME_REVOCATION) && c->machine.job == ACME_JOB_REVOKE &&
        c->revoke_with_cert_key) {
        acme_machine_go(c, ACME_STATE_REVOKE); /* the certificate's key speaks for itself */
        return true;
    }
    if (ACME_ENABLED(CONFIG_ACME_KEY_ROLLOVER) && c->account.rollover_in_doubt) {
        acme_machine_go(c, ACME_STATE_KEY_PROBE);
        return true;
    }
    return false;
}

int32_t acme_enter_account(struct acme_client *c)
{
    bool made, changed = false;
    int32_t rc = ACME_OK;

    if (goes_elsewhere(c)) {
        return ACME_OK;
    }
    if (!c->account.exists && c->account.slot == UINT8_MAX) {
        return ACME_ERR_LIMIT;
    }
    if (c->account.exists || !c->config.account_only_existing) {
        rc = check_terms(c, &changed);
    }
    if (rc != ACME_OK) {
        return rc;
    }
    if (c->account.exists && !changed) {
        return acme_machine_go(c, ACME_STATE_ACCOUNT_READY);
    }
    /* newAccount with a known key finds the account again, and carries a new agreement. The key is
     * on flash before anybody hears of it. */
    rc = ensure_account_key(c, &made);
    if (rc == ACME_OK && !c->account.exists) {
        rc = acme_account_forget_url(c);
    }
    return rc == ACME_OK ? acme_machine_go(c, ACME_STATE_NEW_ACCOUNT) : rc;
}

#if defined(CONFIG_ACME_EAB)
static int32_t add_eab(struct acme_client *c, struct acme_buf *payload)
{
    if (c->config.eab_kid == NULL) {
        return ACME_OK;
    }
    acme_buf_add(payload, ",\"externalAccountBinding\":");
    return acme_jws_add_eab(payload, acme_keys_account(c), c->config.eab_kid,
                            c->config.eab_hmac_key,
                            acme_pool_get(c, c->directory.urls[ACME_URL_NEW_ACCOUNT]),
                            c->arena_memory.bytes, sizeof(c->arena_memory.bytes));
}
#else
static int32_t add_eab(struct acme_client *c, struct acme_buf *payload)
{
    (void)c;
    (void)payload;
    return ACME_OK;
}
#endif

int32_t acme_enter_new_account(struct acme_client *c)
{
    struct acme_buf payload;
    int32_t rc;

    if (!acme_request_has_nonce(c)) {
        return ACME_OK;
    }
    acme_request_payload(c, &payload);
    /* A CA without terms wants no agreement, and takes one all the same. */
    acme_buf_add_form(&payload, "{\"termsOfServiceAgreed\":$",
                      c->config.tos_agreed || c->directory.tos == 0 ? "true" : "false");
    if (c->config.account_only_existing) {
        acme_buf_add(&payload, ",\"onlyReturnExisting\":true");
    }
    if (c->config.contact != NULL) {
        acme_buf_add_form(&payload, ",\"contact\":[\"@\"]", c->config.contact);
    }
    rc = add_eab(c, &payload);
    if (rc != ACME_OK) {
        return rc;
    }
    acme_buf_add(&payload, "}");
    return acme_request_post_at(c, c->directory.urls[ACME_URL_NEW_ACCOUNT], &payload,
                                ACME_SIGNER_ACCOUNT_JWK);
}

static int32_t account_valid(struct acme_client *c, const char *location)
{
    struct acme_uri uri;
    int32_t rc = acme_uri_parse(location, &uri);

    if (rc != ACME_OK) {
        return rc;
    }
    (void)acme_str_copy(c->account_url, sizeof(c->account_url), location);
    rc = acme_account_write_record(c, acme_pool_get(c, c->directory.tos));
    if (rc != ACME_OK) {
        return rc;
    }
    c->account.exists = true;
    if (c->directory.tos != 0) {
        acme_machine_emit(c, ACME_EVENT_TOS, acme_pool_get(c, c->directory.tos));
    }
    return acme_machine_go(c, ACME_STATE_ACCOUNT_READY);
}

int32_t acme_reply_new_account(struct acme_client *c)
{
    const struct acme_http_response *r = &c->exchange.parser.response;
    acme_json_value root;
    enum acme_status status;
    int32_t rc;

    if (r->status != 200 && r->status != 201) {
        return ACME_ERR_HTTP_STATUS;
    }
    rc = acme_reply_json(c, &root);
    if (rc != ACME_OK) {
        return rc;
    }
    status = acme_reply_status(root);
    if (status == ACME_STATUS_NONE) {
        return acme_error_at(&c->machine.place, "status", ACME_ERR_FIELD);
    }
    if (r->location[0] == '\0') {
        return acme_error_at(&c->machine.place, "Location", ACME_ERR_FIELD);
    }
    return status == ACME_STATUS_VALID ? account_valid(c, r->location) : acme_account_replace(c);
}

int32_t acme_problem_new_account(struct acme_client *c, int32_t error)
{
    return acme_problem_is(&c->problem, "unauthorized") ? acme_account_replace(c) : error;
}

int32_t acme_account_lost(struct acme_client *c)
{
    int32_t rc;

    if (c->account.retried || c->config.account_only_existing) {
        return ACME_ERR_ACCOUNT_NONE;
    }
    c->account.retried = true;
    rc = acme_account_forget_url(c);
    if (rc != ACME_OK) {
        return rc;
    }
    if (c->machine.job == ACME_JOB_RUN && c->slot >= 0) {
        return acme_order_leave(c, ACME_STATE_ACCOUNT, ACME_OK);
    }
    return acme_machine_go(c, ACME_STATE_ACCOUNT);
}

/* Every job needs the account; here they part. */
int32_t acme_enter_account_ready(struct acme_client *c)
{
    int32_t rc = acme_jws_thumbprint(acme_keys_account(c), c->thumbprint, c->arena_memory.bytes,
                                     sizeof(c->arena_memory.bytes));

    if (rc != ACME_OK) {
        return rc;
    }
    acme_machine_emit(c, ACME_EVENT_ACCOUNT, c->account_url);
    if (c->machine.goal == ACME_STATE_DONE) {
        return acme_machine_end(c, ACME_OK);
    }
    return acme_machine_go(c, (enum acme_state)c->machine.goal);
}

#if defined(CONFIG_ACME_ACCOUNT_MANAGEMENT)
int32_t acme_account_replace(struct acme_client *c)
{
    psa_key_id_t old = acme_keys_account(c);
    int32_t rc;

    if (c->account.replaced || c->config.account_only_existing || acme_keys_is_external(c)) {
        return ACME_ERR_ACCOUNT;
    }
    /* The record without a URL comes first: then the old key is nobody's. */
    c->account.replaced = true;
    c->account.generation ^= 1u;
    c->account.type = c->config.account_key_type;
    rc = acme_account_forget_url(c);
    if (rc == ACME_OK) {
        rc = acme_jws_destroy_key(old);
    }
    return rc == ACME_OK ? acme_machine_go(c, ACME_STATE_ACCOUNT) : rc;
}
#else
int32_t acme_account_replace(struct acme_client *c)
{
    (void)c;
    return ACME_ERR_ACCOUNT;
}
#endif
