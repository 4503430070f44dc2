/*
 * Another key for the account (RFC 8555 7.3.5). Both keys are on flash until the CA is known to
 * have taken the new one: an account whose key is lost cannot be got back. It must not know orders.
 */
#include "client/client_state.h"

#if defined(CONFIG_ACME_KEY_ROLLOVER)

#include <string.h>

psa_key_id_t acme_rollover_key(const struct acme_client *c)
{
#if defined(CONFIG_ACME_ACCOUNT_KEY_EXTERNAL)
    if (c->config.account_key_id != 0) {
        return PSA_KEY_ID_NULL; /* a key of the firmware's has no partner */
    }
#endif
    return CONFIG_ACME_KEY_ID_BASE + (psa_key_id_t)c->account_slot * 2u +
           (c->account_generation ^ 1u);
}

uint8_t acme_rollover_type(const struct acme_client *c)
{
    return (uint8_t)(c->rollover - 1u);
}

/* The new key is on flash, and the record says so, before the CA hears of it. */
static int32_t prepare(struct acme_client *c)
{
    bool made;
    int32_t rc =
        acme_jws_destroy_key(acme_rollover_key(c)); /* one that an earlier change retired */

    if (rc == ACME_OK) {
        rc = acme_jws_ensure_key(acme_rollover_key(c), c->config.account_key_type, false, &made);
    }
    if (rc == ACME_OK) {
        c->rollover = (uint8_t)(c->config.account_key_type + 1u);
        rc = acme_account_rewrite(c);
    }
    return rc;
}

/* The inner JWS, signed by the new key, as the payload at the start of work. */
static int32_t write_inner(struct acme_client *c, const char *url, struct acme_buf *payload)
{
    struct acme_jws_params params = {acme_rollover_key(c), acme_rollover_type(c), NULL, NULL, url};
    int32_t rc;

    acme_request_payload(c, payload);
    acme_buf_add(payload, "{\"account\":\"");
    acme_buf_add_json(payload, c->account_url);
    acme_buf_add(payload, "\",\"oldKey\":");
    rc =
        acme_jws_add_jwk(payload, acme_client_account_key(c), c->arena_data, sizeof(c->arena_data));
    acme_buf_add(payload, "}");
    if (rc != ACME_OK || acme_buf_result(payload) < 0) {
        return rc != ACME_OK ? rc : ACME_ERR_BUFFER;
    }
    memmove(c->work + sizeof(c->work) - payload->len, c->work, payload->len);
    rc = acme_jws_start(&params, c->work, sizeof(c->work), 0, payload->len, c->arena_data,
                        sizeof(c->arena_data));
    if (rc == ACME_OK) {
        /* In one go, even where signatures are made in steps: this is done once in years. */
        do {
            rc = acme_jws_sign(c->arena_data, sizeof(c->arena_data));
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
        return ACME_ERR_FIELD;
    }
    if (c->rollover_in_doubt) { /* sent, and no answer came */
        return acme_client_go(c, ACME_STATE_KEY_PROBE);
    }
    if (!acme_request_has_nonce(c)) {
        return ACME_OK;
    }
    if (c->rollover == 0) {
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
    c->rollover_in_doubt = true;
    return acme_request_post(c, url, &payload, ACME_SIGNER_ACCOUNT);
}

/* The CA has the new key: from the record's change on it is the account's, and the old one goes. */
static int32_t commit(struct acme_client *c)
{
    psa_key_id_t old = acme_client_account_key(c);
    int32_t rc;

    c->account_generation ^= 1u;
    c->account_type = acme_rollover_type(c);
    c->rollover = 0;
    c->rollover_in_doubt = false;
    rc = acme_account_rewrite(c);
    return rc == ACME_OK ? acme_jws_destroy_key(old) : rc;
}

int32_t acme_reply_key_change(struct acme_client *c)
{
    int32_t rc = commit(c);

    if (rc == ACME_OK) {
        acme_client_emit(c, ACME_EVENT_ACCOUNT, c->account_url);
        acme_client_finish(c, ACME_OK);
    }
    return rc;
}

int32_t acme_rollover_undo(struct acme_client *c)
{
    bool probed = c->state == ACME_STATE_KEY_PROBE;
    int32_t rc;

    c->rollover = 0;
    c->rollover_in_doubt = false;
    rc = acme_account_rewrite(c);
    if (rc == ACME_OK) {
        rc = acme_jws_destroy_key(acme_rollover_key(c));
    }
    if (rc == ACME_OK && probed) {
        acme_client_go(c, ACME_STATE_ACCOUNT); /* where a job for a change begins one anew */
    }
    return rc;
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
    if (rc == ACME_OK && c->job == ACME_JOB_ACCOUNT_ROLLOVER) {
        acme_client_emit(c, ACME_EVENT_ACCOUNT, c->account_url);
        acme_client_finish(c, ACME_OK);
    } else if (rc == ACME_OK) {
        acme_client_go(c, ACME_STATE_ACCOUNT);
    }
    return rc;
}
#endif
