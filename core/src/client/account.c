/*
 * The account (RFC 8555 7.3): found, made, found again. An account that the CA does not seem to
 * know is asked for once more, then looked up by its key, and only then made anew; nothing of it is
 * given up before another is stored. It must not know orders beyond leaving one.
 */
#include "client/account.h"

#include <string.h>

#include "client/account_manage.h"
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

/* A CA of several servers may know an account at one of them, and not yet at the others. */
#define LAG_MS 3000u

/* ---- terms ---- */

static const char *terms_of(const struct acme_client *c)
{
    return acme_pool_get(c, c->directory.tos);
}

/* Whether the record says that the CA's terms were agreed to. */
static bool has_agreed(struct acme_client *c)
{
    return c->directory.tos != 0 && c->account.recorded &&
           acme_account_read_record(c, c->account.slot) == ACME_OK &&
           strcmp(c->arena_memory.account.tos_url, terms_of(c)) == 0;
}

/* Whether the operator agrees to them. */
static bool agrees(const struct acme_client *c)
{
    const char *accepted = c->config.tos_accepted_url;

    return c->config.tos_agreed && (c->config.tos_policy != ACME_TOS_STOP ||
                                    (accepted != NULL && strcmp(accepted, terms_of(c)) == 0));
}

/* Terms that were not agreed to are of interest where something is ordered, or the account itself
 * is what the job is about. */
static bool has_new_terms(struct acme_client *c)
{
    return c->directory.tos != 0 &&
           (c->machine.goal == ACME_STATE_SELECT || c->machine.goal == ACME_STATE_DONE) &&
           !has_agreed(c);
}

/* They change nothing by themselves: the CA asks when it wants something (userActionRequired). */
static int32_t pass_terms(struct acme_client *c, int32_t error)
{
    acme_machine_emit_failure(c, ACME_EVENT_TOS, error, terms_of(c));
    memset(&c->problem, 0, sizeof(c->problem));
    return acme_machine_go(c, ACME_STATE_ACCOUNT_READY);
}

int32_t acme_enter_terms(struct acme_client *c)
{
    struct acme_buf payload;

    if (!agrees(c)) {
        return pass_terms(c, ACME_ERR_TOS);
    }
    acme_request_payload(c, &payload);
    acme_buf_add(&payload, "{\"termsOfServiceAgreed\":true}");
    return acme_request_post(c, c->account_url, &payload, ACME_SIGNER_ACCOUNT);
}

int32_t acme_reply_terms(struct acme_client *c)
{
    int32_t rc = acme_account_write_record(c, terms_of(c));

    if (rc != ACME_OK) {
        return rc;
    }
    acme_machine_emit(c, ACME_EVENT_TOS, terms_of(c));
    return acme_machine_go(c, ACME_STATE_ACCOUNT_READY);
}

int32_t acme_failed_terms(struct acme_client *c, int32_t error)
{
    return pass_terms(c, error);
}

/* ---- found ---- */

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

/* Whether the job is to end the account, and nothing is left to be told to the CA. */
static bool is_end_wanted(const struct acme_client *c)
{
    return ACME_ENABLED(CONFIG_ACME_ACCOUNT_MANAGEMENT) &&
           c->machine.job == ACME_JOB_ACCOUNT_DEACTIVATE;
}

/* Whether the job is about what an account has: a new one has none of it. */
static bool is_for_old(const struct acme_client *c)
{
    return (ACME_ENABLED(CONFIG_ACME_REVOCATION) && c->machine.job == ACME_JOB_REVOKE) ||
           is_end_wanted(c);
}

/* Whether a new account may be made: by this job, and with what it takes at this CA. */
static int32_t check_new(struct acme_client *c)
{
    if (c->config.account_only_existing || is_for_old(c)) {
        return ACME_ERR_ACCOUNT_NONE;
    }
    if (ACME_ENABLED(CONFIG_ACME_EAB) && c->directory.binding && c->config.eab_kid == NULL) {
        return ACME_ERR_EAB;
    }
    return !c->directory.terms || agrees(c) || has_agreed(c) ? ACME_OK : ACME_ERR_TOS;
}

/* There is neither key nor account: a slot and a record for them. The record has no URL before
 * there is a key: an account without its key is worth nothing, and must not be taken for that of
 * another key. */
static int32_t begin_new(struct acme_client *c)
{
    int32_t rc = check_new(c);

    if (rc == ACME_OK && c->account.slot == UINT8_MAX) {
        rc = acme_account_make_room(c);
    }
    c->account_url[0] = '\0';
    return rc == ACME_OK ? acme_account_write_record(c, "") : rc;
}

/* The key is on flash before anybody hears of it. One that was there before may be an account's: it
 * is looked up. */
static int32_t claim(struct acme_client *c)
{
    bool made;
    int32_t rc = ACME_OK;

    if (c->account.slot == UINT8_MAX ||
        (!acme_keys_is_external(c) && acme_jws_key_lost(acme_keys_account(c)))) {
        rc = begin_new(c);
    }
    if (rc == ACME_OK) {
        rc = ensure_account_key(c, &made);
    }
    if (rc != ACME_OK) {
        return rc;
    }
    c->account.creating = made;
    return c->account.recorded ? ACME_OK : acme_account_write_record(c, "");
}

int32_t acme_enter_account(struct acme_client *c)
{
    int32_t rc;

    if (goes_elsewhere(c)) {
        return ACME_OK;
    }
    if (c->account.exists) {
        return acme_machine_go(c, has_new_terms(c) ? ACME_STATE_TERMS : ACME_STATE_ACCOUNT_READY);
    }
    rc = claim(c);
    return rc == ACME_OK ? acme_machine_go(c, ACME_STATE_NEW_ACCOUNT) : rc;
}

/* ---- asked for ---- */

#if defined(CONFIG_ACME_EAB)
/* A number for the binding that is configured, or 0. */
static uint32_t binding_id(const struct acme_client *c)
{
    return c->config.eab_kid == NULL ? 0 : (uint32_t)acme_store_names_id(&c->config.eab_kid, 1);
}

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
static uint32_t binding_id(const struct acme_client *c)
{
    (void)c;
    return 0;
}

static int32_t add_eab(struct acme_client *c, struct acme_buf *payload)
{
    (void)c;
    (void)payload;
    return ACME_OK;
}
#endif

/* What makes a new account. A binding goes over a connection of its own: on one that was kept
 * alive, a request whose answer is lost is sent again, and the binding is good once. A CA without
 * terms wants no agreement, and takes one all the same. */
static int32_t write_new(struct acme_client *c, struct acme_buf *payload)
{
    acme_buf_add(payload, "{\"termsOfServiceAgreed\":true");
    if (c->config.contact != NULL) {
        acme_buf_add_form(payload, ",\"contact\":[\"@\"]", c->config.contact);
    }
    return add_eab(c, payload);
}

/* After an answer that was lost, the account may be there, and its binding used. */
static bool is_answer_lost(const struct acme_client *c)
{
    return ACME_ENABLED(CONFIG_ACME_EAB) && c->account.sent != 0 &&
           c->io.transient_retries >= c->account.sent;
}

int32_t acme_enter_new_account(struct acme_client *c)
{
    struct acme_buf payload;
    int32_t rc = ACME_OK;

    if (!acme_request_has_nonce(c)) {
        return ACME_OK;
    }
    acme_request_payload(c, &payload);
    c->account.creating = c->account.creating && !is_answer_lost(c);
    if (c->account.creating) {
        rc = write_new(c, &payload);
        if (ACME_ENABLED(CONFIG_ACME_EAB) && c->config.eab_kid != NULL) {
            acme_exchange_close(&c->exchange);
        }
        c->account.sent = (uint8_t)(c->io.transient_retries + 1u);
    } else { /* RFC 8555 7.3.1 */
        acme_buf_add(&payload, "{\"onlyReturnExisting\":true");
    }
    if (rc != ACME_OK) {
        return rc;
    }
    acme_buf_add(&payload, "}");
    return acme_request_post_at(c, c->directory.urls[ACME_URL_NEW_ACCOUNT], &payload,
                                ACME_SIGNER_ACCOUNT_JWK);
}

/* Of two keys the one that is not the valid account's goes, once the record does not need it. */
static int32_t end_succession(struct acme_client *c)
{
    const char *terms = c->account.creating ? terms_of(c) : NULL;
    uint8_t successor = c->account.successor;
    int32_t rc;

    c->account.successor = 0;
    rc = acme_account_write_record(c, terms);
    return ACME_ENABLED(CONFIG_ACME_ACCOUNT_MANAGEMENT) && rc == ACME_OK && successor != 0
               ? acme_jws_destroy_key(acme_keys_next_account(c))
               : rc;
}

static int32_t account_valid(struct acme_client *c, const char *location)
{
    struct acme_uri uri;
    int32_t rc = acme_uri_parse(location, &uri);

    if (rc != ACME_OK) {
        return rc;
    }
    (void)acme_str_copy(c->account_url, sizeof(c->account_url), location);
    if (ACME_ENABLED(CONFIG_ACME_EAB) && c->account.sent != 0) {
        c->account.binding = binding_id(c);
    }
    rc = end_succession(c);
    if (rc != ACME_OK) {
        return rc;
    }
    c->account.exists = true;
    if (c->account.creating && c->directory.tos != 0) {
        acme_machine_emit(c, ACME_EVENT_TOS, terms_of(c));
    }
    /* What was looked up may have been agreed to other terms. */
    return acme_machine_go(c, c->account.creating ? ACME_STATE_ACCOUNT_READY : ACME_STATE_ACCOUNT);
}

/* The CA has the account, and will not have anything to do with it: for a person to see to. */
static int32_t account_refused(struct acme_client *c, const char *status)
{
    struct acme_buf detail;

    acme_problem_read(&c->problem, NULL, c->exchange.parser.response.status);
    if (acme_str_visible(status, strlen(status))) {
        acme_buf_init(&detail, c->problem.detail, sizeof(c->problem.detail));
        acme_buf_add_form(&detail, "the account's status is $", status);
    }
    return ACME_ERR_ACCOUNT;
}

int32_t acme_reply_new_account(struct acme_client *c)
{
    const struct acme_http_response *r = &c->exchange.parser.response;
    acme_json_value root;
    const char *status;
    int32_t rc;

    if (r->status != 200 && r->status != 201) {
        return ACME_ERR_HTTP_STATUS;
    }
    rc = acme_reply_json(c, &root);
    if (rc != ACME_OK) {
        return rc;
    }
    status = acme_json_string(root, "status");
    if (status == NULL) {
        return acme_error_at(&c->machine.place, "status", ACME_ERR_FIELD);
    }
    if (r->location[0] == '\0') {
        return acme_error_at(&c->machine.place, "Location", ACME_ERR_FIELD);
    }
    if (strcmp(status, "valid") == 0) {
        return account_valid(c, r->location);
    }
    rc = account_refused(c, status);
    return ACME_ENABLED(CONFIG_ACME_ACCOUNT_MANAGEMENT) && strcmp(status, "deactivated") == 0
               ? acme_account_replace(c)
               : rc;
}

/* Whether the CA has no account of the key, as far as it can be understood: a CA that looks at the
 * demands on a new account first is believed where the account was never known. */
static bool is_unknown(const struct acme_client *c, int32_t error)
{
    return error == ACME_ERR_ACCOUNT_NONE ||
           (c->account_url[0] == '\0' &&
            (error == ACME_ERR_TOS ||
             (error == ACME_ERR_EAB && c->account.binding != binding_id(c))));
}

int32_t acme_problem_new_account(struct acme_client *c, int32_t error)
{
    int32_t rc;

    if (c->account.creating) {
        return error; /* whatever it is: the key stays, and so does an account of old */
    }
    /* Without a binding, only the account can be what is not right. */
    if (ACME_ENABLED(CONFIG_ACME_ACCOUNT_MANAGEMENT) &&
        acme_problem_is(&c->problem, "unauthorized") &&
        strstr(c->problem.detail, "deactivated") != NULL) {
        return acme_account_replace(c);
    }
    if (!is_unknown(c, error)) {
        return error;
    }
    if (ACME_ENABLED(CONFIG_ACME_ACCOUNT_MANAGEMENT) && is_end_wanted(c)) {
        return acme_reply_account_deactivate(c);
    }
    rc = check_new(c);
    if (rc != ACME_OK) {
        return rc;
    }
    c->account.creating = true;
    c->account.sent = 0;
    return acme_machine_go(c, ACME_STATE_NEW_ACCOUNT);
}

/* ---- in doubt ---- */

int32_t acme_account_lost(struct acme_client *c)
{
    if (!c->account.asked_again) {
        c->account.asked_again = true;
        acme_machine_wait(c, LAG_MS);
        return ACME_OK;
    }
    if (c->account.retried) {
        return ACME_ERR_ACCOUNT_NONE;
    }
    c->account.retried = true;
    c->account.exists = false;
    if (c->machine.job == ACME_JOB_RUN && c->slot >= 0) {
        return acme_order_leave(c, ACME_STATE_ACCOUNT, ACME_OK);
    }
    return acme_machine_go(c, ACME_STATE_ACCOUNT);
}

/* Every job needs the account; here they part. */
int32_t acme_enter_account_ready(struct acme_client *c)
{
    int32_t rc = acme_account_touch(c);

    if (rc == ACME_OK) {
        rc = acme_jws_thumbprint(acme_keys_account(c), c->thumbprint, c->arena_memory.bytes,
                                 sizeof(c->arena_memory.bytes));
    }
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
/* The key of the other generation is the new account's, which the record knows before there is such
 * a key: a cut leaves nothing that it does not name. One that a change of keys has left goes. */
static int32_t prepare_successor(struct acme_client *c)
{
    int32_t rc = acme_jws_destroy_key(acme_keys_next_account(c));

    if (rc == ACME_OK) {
        c->account.successor = (uint8_t)(c->config.account_key_type + 1u);
        rc = acme_account_rewrite_keys(c);
    }
    return rc;
}

/* In the client's memory the new key is the account's from now on; in the record the old one, with
 * its URL, until the CA has the new account. */
int32_t acme_account_replace(struct acme_client *c)
{
    bool made;
    int32_t rc = check_new(c);

    if (is_end_wanted(c)) {
        return acme_reply_account_deactivate(c);
    }
    if (c->account.replaced || rc == ACME_ERR_ACCOUNT_NONE || acme_keys_is_external(c)) {
        return ACME_ERR_ACCOUNT;
    }
    if (rc == ACME_OK && c->account.successor == 0) {
        rc = prepare_successor(c);
    }
    if (rc == ACME_OK) {
        rc = acme_jws_ensure_key(acme_keys_next_account(c), (uint8_t)(c->account.successor - 1u),
                                 false, &made);
    }
    if (rc != ACME_OK) {
        return rc;
    }
    c->account.replaced = true;
    c->account.creating = made;
    c->account.sent = 0;
    c->account.generation ^= 1u;
    c->account.type = (uint8_t)(c->account.successor - 1u);
    memset(&c->problem, 0, sizeof(c->problem));
    return acme_machine_go(c, ACME_STATE_NEW_ACCOUNT);
}
#endif
