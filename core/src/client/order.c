/*
 * Orders: taken up or made, read, finalized, left. It must not know how a name is proven, or how a
 * certificate is stored.
 */
#include "client/order.h"

#include <string.h>

#include "base/date.h"
#include "base/error.h"
#include "base/log.h"
#include "client/ari.h"
#include "client/authorization.h"
#include "client/challenge.h"
#include "client/keys.h"
#include "client/pool.h"
#include "client/proof.h"
#include "client/reply.h"
#include "client/request.h"
#include "client/schedule.h"
#include "client/slots.h"
#include "client/state.h"
#include "client/way.h"
#include "crypto/cert.h"
#include "crypto/jws.h"

/* So many looks at an order that is finalized and says that it is ready. */
#define READY_POLLS 6u

static psa_key_id_t order_key(struct acme_client *c)
{
    return acme_keys_cert(acme_slots_current(c)->store_slot, c->order.generation);
}

/* ---- taken up or made ---- */

/* Whether the work of a stored order is still the work that is wanted. */
static bool is_same_work(const struct acme_client *c, const struct acme_slot *s,
                         const struct acme_order_record *r)
{
    const struct acme_cert_request *request = acme_slots_request(c);

    return r->key_type == request->key_type && r->account_slot == c->account.slot &&
           acme_slots_names_are(request, r->names_id) &&
           !(s->occupied && r->key_generation == s->cert.key_generation);
}

/* An order of an earlier run is taken up again, if it is for the same work. */
static int32_t find_order(struct acme_client *c)
{
    const struct acme_order_record *r;
    struct acme_slot *s = acme_slots_current(c);
    int32_t rc = acme_slots_load_order(c, s->store_slot, &r);

    if (rc == ACME_ERR_NOT_FOUND || rc == ACME_ERR_STORE_IO) {
        return rc;
    }
    if (rc != ACME_OK || !is_same_work(c, s, r) || acme_request_check_url(c, r->url) != ACME_OK) {
        rc = acme_slots_drop_order(c);
        return rc == ACME_OK ? ACME_ERR_NOT_FOUND : rc;
    }
    c->order.generation = r->key_generation;
    c->order.resumed = true;
    return acme_pool_add(c, r->url, &c->order.url);
}

int32_t acme_order_take_up(struct acme_client *c)
{
    const struct acme_slot *s = acme_slots_current(c);
    int32_t rc;

    memset(&c->order, 0, sizeof(c->order));
    acme_proof_reset(c);
    acme_way_begin(c);
    c->pre_authorized = false;
    c->pool_len = c->pool_order_mark;
    c->order.generation = s->occupied ? s->cert.key_generation ^ 1u : 0u;
    rc = find_order(c);
    if (rc == ACME_ERR_NOT_FOUND) {
        return acme_order_begin(c);
    }
    return rc == ACME_OK ? acme_machine_go(c, ACME_STATE_ORDER) : rc;
}

#if defined(CONFIG_ACME_ARI)
/* Names the certificate that the order replaces (RFC 9773 5), if it is one of this CA. */
static void add_replaces(struct acme_client *c, struct acme_buf *payload, const char *id)
{
    if (c->order.says_replaces) {
        acme_buf_add_form(payload, ",\"replaces\":\"@\"", id);
    }
}

/* The identifier has to be had before the payload: it takes the work buffer. An order that is never
 * finalized replaces nothing. */
static void find_replaced(struct acme_client *c, char id[ACME_CERT_ID_MAX])
{
    const struct acme_slot *s = acme_slots_current(c);

    c->order.says_replaces = c->machine.job == ACME_JOB_RUN && s->has_cert &&
                             c->directory.urls[ACME_URL_RENEWAL_INFO] != 0 &&
                             !c->order.no_replaces && s->schedule.ca == acme_schedule_ca(c) &&
                             acme_ari_cert_id(c, s, id, ACME_CERT_ID_MAX) == ACME_OK;
}
#else
static void add_replaces(struct acme_client *c, struct acme_buf *payload, const char *id)
{
    (void)c;
    (void)payload;
    (void)id;
}

static void find_replaced(struct acme_client *c, char id[ACME_CERT_ID_MAX])
{
    (void)c;
    (void)id;
}
#endif

#if defined(CONFIG_ACME_PROFILES)
static int32_t add_profile(struct acme_client *c, struct acme_buf *payload)
{
    const char *profile = acme_slots_request(c)->profile;

    if (profile == NULL) {
        return ACME_OK;
    }
    acme_buf_add_form(payload, ",\"profile\":\"@\"", profile);
    return acme_slots_current(c)->profile_missing ? ACME_ERR_PROFILE : ACME_OK;
}
#else
static int32_t add_profile(struct acme_client *c, struct acme_buf *payload)
{
    (void)c;
    (void)payload;
    return ACME_OK;
}
#endif

static void add_date(struct acme_buf *payload, const char *member, int64_t unix_s)
{
    if (unix_s > 0) {
        acme_buf_add_form(payload, ",\"$\":\"", member);
        acme_date_add(payload, unix_s);
        acme_buf_add(payload, "\"");
    }
}

static void add_dates(const struct acme_client *c, struct acme_buf *payload)
{
    const struct acme_cert_request *request = acme_slots_request(c);
    int64_t now, not_after = request->not_after_s;

    if (not_after == 0 && request->validity_s > 0 && acme_clock_now(&c->clock, &now) == ACME_OK) {
        not_after = now + request->validity_s;
    }
    add_date(payload, "notBefore", request->not_before_s);
    add_date(payload, "notAfter", not_after);
}

/* "ip" for an address (RFC 8738), else "dns". */
static const char *identifier_type(const char *name)
{
    return acme_way_is_address(name) ? "ip" : "dns";
}

/* An identifier object (RFC 8555 7.1.3). */
static void add_identifier(const struct acme_client *c, struct acme_buf *out, const char *name)
{
    acme_buf_add_form(out, "{\"type\":\"$\",\"value\":\"@\"", identifier_type(name), name);
    if (acme_authorization_has_ancestor(c, name)) {
        acme_buf_add_form(out, ",\"ancestorDomain\":\"@\"", acme_slots_request(c)->ancestor);
    }
    acme_buf_add(out, "}");
}

int32_t acme_enter_new_order(struct acme_client *c)
{
    const struct acme_cert_request *request = acme_slots_request(c);
    char replaces[ACME_CERT_ID_MAX];
    struct acme_buf payload;
    uint16_t i;
    int32_t rc;

    if (c->machine.job == ACME_JOB_RUN && !acme_schedule_may_order(c, acme_slots_current(c))) {
        return ACME_ERR_ORDER_PAUSE;
    }
    if (!acme_request_has_nonce(c)) {
        return ACME_OK;
    }
    find_replaced(c, replaces);
    acme_request_payload(c, &payload);
    acme_buf_add(&payload, "{\"identifiers\":[");
    for (i = 0; i < request->names_count; i++) {
        if (!acme_str_is_repeated(request->names, i)) {
            acme_buf_add(&payload, i == 0 ? "" : ",");
            add_identifier(c, &payload, request->names[i]);
        }
    }
    acme_buf_add(&payload, "]");
    rc = add_profile(c, &payload);
    if (rc != ACME_OK) {
        return rc;
    }
    if (ACME_ENABLED(CONFIG_ACME_ORDER_DATES)) {
        add_dates(c, &payload);
    }
    add_replaces(c, &payload, replaces);
    acme_buf_add(&payload, "}");
    return acme_request_post_at(c, c->directory.urls[ACME_URL_NEW_ORDER], &payload,
                                ACME_SIGNER_ACCOUNT);
}

/* The order's URL is on flash before anything is done with the order. */
static int32_t record_order(struct acme_client *c, const char *url)
{
    const struct acme_cert_request *request = acme_slots_request(c);
    struct acme_order_record *r = &c->arena_memory.order;
    uint8_t scratch[16 + CONFIG_ACME_URL_MAX + 1];

    acme_json_reset(&c->arena); /* its memory is the record's now */
    r->names_id = acme_store_names_id(request->names, request->names_count);
    r->key_type = request->key_type;
    r->key_generation = c->order.generation;
    r->account_slot = c->account.slot;
    (void)acme_str_copy(r->url, sizeof(r->url), url); /* one that was parsed: it fits */
    return acme_store_write_order(&c->log, acme_slots_current(c)->store_slot, r, scratch,
                                  sizeof(scratch));
}

int32_t acme_reply_new_order(struct acme_client *c)
{
    const struct acme_http_response *r = &c->exchange.parser.response;
    int32_t rc;

    c->new_orders++;
    if (r->status != 201 && r->status != 200) { /* some CAs say 200 */
        return ACME_ERR_HTTP_STATUS;
    }
    if (r->location[0] == '\0') {
        return acme_error_at(&c->machine.place, "Location", ACME_ERR_FIELD);
    }
    c->pool_len = c->pool_order_mark;
    rc = acme_error_at(&c->machine.place, "Location", acme_request_check_url(c, r->location));
    if (rc == ACME_OK) {
        rc = acme_pool_add_url(c, r->location, &c->order.url);
    }
    c->order.pool_mark = c->pool_len;
    if (!ACME_ENABLED(ACME_MUTATE_ORDER_LATE) && rc == ACME_OK) {
        rc = record_order(c, r->location);
    }
    if (rc != ACME_OK) {
        return rc;
    }
    acme_schedule_ordered(c, acme_slots_current(c));
    acme_machine_emit(c, ACME_EVENT_ORDER, acme_pool_get(c, c->order.url));
    return acme_reply_order(c);
}

/* Another account's certificate, or one that is replaced already (RFC 9773 5): then an order that
 * replaces nothing. A CA may also stumble over what it has forgotten. */
static bool is_about_replaces(const struct acme_client *c, int32_t error)
{
    return c->order.says_replaces && error != ACME_ERR_RATE_LIMITED &&
           (error != ACME_ERR_SERVER || c->problem.status == 500);
}

int32_t acme_problem_new_order(struct acme_client *c, int32_t error)
{
    if (error != ACME_ERR_ACCOUNT_NONE && is_about_replaces(c, error)) {
        c->order.no_replaces = true;
        return acme_machine_go(c, ACME_STATE_NEW_ORDER);
    }
    /* Who may not even order may have been deactivated: a look-up of the account tells. */
    if (!c->account.retried && acme_problem_is(&c->problem, "unauthorized")) {
        return ACME_ERR_ACCOUNT_NONE;
    }
    return error;
}

/* ---- read ---- */

/* Whether an identifier object is one of the request's. */
static int32_t check_identifier(const struct acme_client *c, acme_json_value item)
{
    const char *type = acme_json_string(item, "type");
    const char *value = acme_json_string(item, "value");

    if (type == NULL || value == NULL) {
        return ACME_ERR_FIELD;
    }
    return strcmp(type, identifier_type(value)) == 0 &&
                   acme_cert_has_name(acme_slots_request(c), value, strlen(value))
               ? ACME_OK
               : ACME_ERR_ORDER_IDENTIFIERS;
}

/* The order must be for what was asked: as many names, and each of them ours. The reply to newOrder
 * has to say it, later ones may. */
static int32_t check_identifiers(struct acme_client *c, acme_json_value root)
{
    acme_json_value array = acme_json_array(root, "identifiers");
    acme_json_value item = acme_json_first(array);
    uint16_t count = 0;
    int32_t rc = ACME_OK;

    if (array == NULL) {
        return c->order.known || c->order.resumed ? ACME_OK : ACME_ERR_FIELD;
    }
    for (; item != NULL && rc == ACME_OK; item = acme_json_next(item)) {
        rc = check_identifier(c, item);
        count++;
    }
    if (rc == ACME_OK && count != acme_slots_count_names(acme_slots_request(c))) {
        rc = ACME_ERR_ORDER_IDENTIFIERS;
    }
    c->order.known = rc == ACME_OK;
    return rc;
}

static int32_t take_authorizations(struct acme_client *c, acme_json_value item)
{
    struct acme_order *o = &c->order;

    o->authorization_count = 0;
    o->authorization_index = 0;
    for (; item != NULL; item = acme_json_next(item)) {
        int32_t rc;

        if (o->authorization_count == CONFIG_ACME_NAMES_MAX) {
            return acme_machine_limit(c, ACME_LIMIT_NAMES, CONFIG_ACME_NAMES_MAX + 1u);
        }
        rc = acme_pool_add_url(c, acme_json_text(item), &o->authorizations[o->authorization_count]);
        if (rc != ACME_OK) {
            return acme_error_at(&c->machine.place, "authorizations", rc);
        }
        o->authorization_count++;
    }
    return ACME_OK;
}

/* Takes an URL that a reply may have; what was learned before stays. */
static int32_t take_url(struct acme_client *c, acme_json_value root, const char *member,
                        uint16_t *offset)
{
    const char *url = acme_json_string(root, member);

    if (url == NULL || url[0] == '\0' || *offset != 0) {
        return ACME_OK;
    }
    return acme_error_at(&c->machine.place, member, acme_pool_add_url(c, url, offset));
}

/* Takes what a reply says of the order. A whole one replaces what is known, from the order's mark
 * in the pool on; one that lacks members adds to it. */
static int32_t take_order(struct acme_client *c, acme_json_value root)
{
    struct acme_order *o = &c->order;
    acme_json_value first = acme_json_first(acme_json_array(root, "authorizations"));
    int32_t rc = acme_error_at(&c->machine.place, "identifiers", check_identifiers(c, root));

    if (first != NULL) {
        c->pool_len = o->pool_mark;
        o->finalize = o->certificate = 0;
    }
    if (rc == ACME_OK) {
        rc = take_url(c, root, "finalize", &o->finalize);
    }
    if (rc == ACME_OK) {
        rc = take_url(c, root, "certificate", &o->certificate);
    }
    if (rc == ACME_OK && first != NULL) {
        rc = take_authorizations(c, first);
    }
    o->challenge_mark = c->pool_len;
    return rc;
}

static int32_t wait_for_order(struct acme_client *c)
{
    uint16_t looks = c->order.finalize_polls++; /* since finalize */

    return looks > 1 ? acme_order_wait(c, ACME_STATE_ORDER_WAIT, ACME_POLL_DEFAULT_MS)
                     : acme_order_wait_early(c, ACME_STATE_ORDER_WAIT,
                                             looks == 0 ? c->io.settle_ms : c->io.settle_ms * 4u);
}

/* A finalized order is of no use without the key it was finalized with. */
static bool is_key_lost(struct acme_client *c, enum acme_status status)
{
    return c->order.resumed && (status == ACME_STATUS_PROCESSING || status == ACME_STATUS_VALID) &&
           acme_jws_key_lost(order_key(c));
}

/* A CA may have taken the request for the certificate and say for a while that it is ready to take
 * one: signing another is no way to make it faster. */
static int32_t order_ready(struct acme_client *c)
{
    struct acme_order *o = &c->order;

    if (o->finalized && o->finalize_polls < READY_POLLS) {
        return wait_for_order(c);
    }
    o->finalized = false;
    if (o->finalize == 0) {
        return acme_error_at(&c->machine.place, "finalize", ACME_ERR_FIELD);
    }
    acme_machine_go(c, ACME_STATE_FINALIZE);
    return acme_order_count_poll(c);
}

static int32_t order_valid(struct acme_client *c)
{
    c->order.finalized = true;
    if (c->order.certificate == 0) { /* it may come a little later */
        return acme_error_at(&c->machine.place, "certificate", wait_for_order(c));
    }
    return acme_machine_go(c, ACME_STATE_CERTIFICATE);
}

/* Where an order's status leads (RFC 8555 7.1.6). Each demands the members that it needs. */
static int32_t follow_status(struct acme_client *c, enum acme_status status)
{
    if (is_key_lost(c, status)) {
        return acme_order_leave(c, ACME_STATE_ORDER_GONE, ACME_ERR_CERT_KEY);
    }
    switch (status) {
    case ACME_STATUS_PROCESSING:
        c->order.finalized = true;
        return wait_for_order(c);
    case ACME_STATUS_VALID:
        return order_valid(c);
    case ACME_STATUS_PENDING:
        if (c->order.authorization_count == 0) {
            return acme_error_at(&c->machine.place, "authorizations", ACME_ERR_FIELD);
        }
        acme_machine_go(c, ACME_STATE_AUTHORIZATION);
        return acme_order_count_poll(c);
    case ACME_STATUS_READY:
        return order_ready(c);
    default:
        return acme_error_at(&c->machine.place, "status", ACME_ERR_FIELD);
    }
}

int32_t acme_reply_order(struct acme_client *c)
{
    acme_json_value root;
    enum acme_status status;
    int32_t rc = acme_reply_json(c, &root);

    if (rc != ACME_OK) {
        return rc;
    }
    if (c->order.early) { /* the reply to an early finalize */
        acme_authorization_was_early(c);
    }
    status = acme_reply_status(root);
    if (status == ACME_STATUS_INVALID) {
        acme_problem_read_error(&c->problem, root);
        return acme_order_leave(c, ACME_STATE_ORDER_GONE, ACME_ERR_ORDER_INVALID);
    }
    rc = take_order(c, root);
    if (rc != ACME_OK) {
        return rc;
    }
    if (ACME_ENABLED(CONFIG_ACME_DEAUTHORIZATION) && c->machine.job == ACME_JOB_DEAUTHORIZE) {
        return acme_machine_go(c, ACME_STATE_DEAUTHORIZE);
    }
    return follow_status(c, status);
}

int32_t acme_enter_order(struct acme_client *c)
{
    if (c->order.pool_mark == 0) {
        c->order.pool_mark = c->pool_len; /* an order of an earlier run: only its URL is known */
    }
    return acme_request_post_at(c, c->order.url, NULL, ACME_SIGNER_ACCOUNT);
}

/* The wait ends at wait_until_ms, which acme_poll watches. */
int32_t acme_enter_order_wait(struct acme_client *c)
{
    return acme_machine_go(c, ACME_STATE_ORDER);
}

/* ---- finalized ---- */

#if defined(CONFIG_ACME_KEY_REUSE)
/* The key of the new generation: the old one's copy where that is wanted and can be had. */
static int32_t ensure_key(struct acme_client *c, psa_key_id_t key)
{
    const struct acme_cert_request *request = acme_slots_request(c);
    const struct acme_slot *s = acme_slots_current(c);
    psa_key_id_t old = acme_keys_cert(s->store_slot, c->order.generation ^ 1u);
    bool made, copied, keep = s->has_cert && !c->order.key_refused;
    int32_t rc;

    if (!request->key_reuse) {
        return acme_jws_ensure_key(key, request->key_type, request->key_exportable, &made);
    }
    rc = acme_jws_ensure_copy(key, keep ? old : PSA_KEY_ID_NULL, request->key_type,
                              request->key_exportable, &made, &copied);
    if (rc == ACME_OK && made && !copied && s->has_cert) {
        ACME_LOG(c->config.port, ACME_LOG_WARNING,
                 "acme: the old key cannot be kept; a new one is made for", request->names[0], 0);
    }
    return rc;
}

/* A CA that has come to know a key as compromised or weak refuses it for ever: better another key
 * than no certificate. Asked once in an order. */
static bool is_key_refused(struct acme_client *c)
{
    return acme_slots_request(c)->key_reuse && acme_slots_current(c)->has_cert &&
           !c->order.key_refused &&
           (acme_problem_is(&c->problem, "badPublicKey") || acme_problem_is(&c->problem, "badCSR"));
}
#else
static int32_t ensure_key(struct acme_client *c, psa_key_id_t key)
{
    const struct acme_cert_request *request = acme_slots_request(c);
    bool made;

    return acme_jws_ensure_key(key, request->key_type, request->key_exportable, &made);
}

static bool is_key_refused(struct acme_client *c)
{
    (void)c;
    return false;
}
#endif

int32_t acme_enter_finalize(struct acme_client *c)
{
    const struct acme_cert_request *request = acme_slots_request(c);
    psa_key_id_t key = order_key(c);
    struct acme_buf payload;
    int32_t rc;

    if (!c->order.early) { /* else the CA may come again */
        acme_challenges_close(&c->challenges);
    }
    if (!acme_request_has_nonce(c)) {
        return ACME_OK;
    }
    /* A deliberate bug, for the runner of lives to find: the order is used before it is stored. */
    if (ACME_ENABLED(ACME_MUTATE_ORDER_LATE) && !c->order.resumed) {
        (void)record_order(c, acme_pool_get(c, c->order.url));
    }
    rc = ensure_key(c, key);
    if (rc == ACME_OK) {
        rc = acme_cert_write_csr(request, key, c->work.bytes, sizeof(c->work.bytes));
    }
    if (rc < 0) {
        return rc;
    }
    acme_request_der_payload(c, &payload, "csr", (size_t)rc);
    acme_buf_add(&payload, "}");
    return acme_request_post_at(c, c->order.finalize, &payload, ACME_SIGNER_ACCOUNT);
}

/* The request is with the CA, whatever else its reply says: some say nothing at all. */
int32_t acme_reply_finalize(struct acme_client *c)
{
    const struct acme_http_response *r = &c->exchange.parser.response;

    c->order.finalize_polls = 0;
    c->order.finalized = true;
    if (r->body_len == 0 || r->content != ACME_HTTP_CONTENT_JSON) {
        if (c->order.early) {
            acme_authorization_was_early(c);
        }
        return wait_for_order(c);
    }
    return acme_reply_order(c);
}

int32_t acme_problem_finalize(struct acme_client *c, int32_t error)
{
    if (error == ACME_ERR_ACCOUNT_NONE) {
        return error;
    }
    /* orderNotReady, or what else a CA calls it, be it 429: the authorization knows best. */
    if (c->order.early) {
        return acme_authorization_not_yet(c);
    }
    if (acme_error_is_busy(error)) {
        return error;
    }
    if (acme_problem_is(&c->problem, "orderNotReady")) {
        return wait_for_order(c);
    }
    if (is_key_refused(c)) {
        int32_t rc = acme_jws_destroy_key(order_key(c));

        c->order.key_refused = true;
        return rc == ACME_OK ? acme_machine_go(c, ACME_STATE_FINALIZE) : rc;
    }
    return acme_order_problem(c, error);
}

/* ---- left ---- */

/* The one way out of what is under way, whatever the reason. */
int32_t acme_enter_leave_order(struct acme_client *c)
{
    acme_challenge_stop(c); /* what answers the CA is in the pool */
    c->pool_len = c->order.challenge_mark > 0 ? c->order.challenge_mark : c->pool_len;
    if (acme_proof_clean_up(c)) {
        return ACME_OK;
    }
    return acme_machine_go(c, (enum acme_state)c->order.next);
}

/* A new order takes the place of this one, to try other ways of proving. */
int32_t acme_enter_order_again(struct acme_client *c)
{
    int32_t rc = acme_slots_drop_order(c);

    return rc == ACME_OK ? acme_order_begin(c) : rc;
}

/* An order of an earlier run may have died meanwhile: then a new one takes its place, once, for the
 * new one is not of an earlier run. */
int32_t acme_enter_order_gone(struct acme_client *c)
{
    int32_t rc;

    if (c->order.resumed) {
        return acme_machine_go(c, ACME_STATE_ORDER_AGAIN);
    }
    rc = acme_slots_drop_order(c);
    return rc == ACME_OK ? c->machine.error : rc;
}
