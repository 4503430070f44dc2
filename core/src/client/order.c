/*
 * Orders (RFC 8555 7.4, 7.5): from the choice of the next certificate to its installation, and
 * revocation (7.6). It must not know sockets, or how a reply came.
 */
#include "client/client_state.h"

#include <string.h>

#include "base/b64url.h"
#include "base/ipaddr.h"
#include "client/schedule.h"
#include "net/uri.h"

#define POLL_DEFAULT_MS 3000u
#define POLL_CEILING_MS 300000u
#define HOLD_MOST_MS    30000u
#define HOLD_LOOK_MS    100u

/* ---- the choice of what is next ---- */

static int32_t drop_order_record(struct acme_client *c)
{
    return acme_store_remove(&c->log, ACME_SPACE_ORDER, acme_client_slot(c)->store_slot);
}

static struct acme_order_record *arena_record(struct acme_client *c)
{
    acme_json_reset(&c->arena);
    return (struct acme_order_record *)(void *)c->arena_data;
}

int32_t acme_order_load(struct acme_client *c, uint8_t store_slot,
                        const struct acme_order_record **r)
{
    struct acme_order_record *record = arena_record(c);

    *r = record;
    return acme_store_read_order(&c->log, store_slot, record, (uint8_t *)c->work, sizeof(c->work));
}

/* An order of an earlier run is taken up again, if it is for the same work. */
static int32_t find_order(struct acme_client *c)
{
    const struct acme_cert_request *request = acme_client_request(c);
    const struct acme_order_record *r;
    struct acme_slot *s = acme_client_slot(c);
    int32_t rc;

    memset(&c->order, 0, sizeof(c->order));
    c->pool_len = c->pool_order_mark;
    c->polls = 0;
    acme_authorization_begin(c);
    c->order.generation = s->occupied ? s->cert.key_generation ^ 1u : 0u;
    rc = acme_order_load(c, s->store_slot, &r);
    if (rc == ACME_ERR_NOT_FOUND || rc == ACME_ERR_STORE_IO) {
        return rc;
    }
    if (rc != ACME_OK || r->key_type != request->key_type || r->account_slot != c->account_slot ||
        r->names_id != acme_store_names_id(request->names, request->names_count) ||
        (s->occupied && r->key_generation == s->cert.key_generation)) {
        rc = drop_order_record(c);
        return rc == ACME_OK ? ACME_ERR_NOT_FOUND : rc;
    }
    c->order.generation = r->key_generation;
    c->order.resumed = true;
    return acme_pool_add(c, r->url, &c->order.url);
}

int32_t acme_order_take_up(struct acme_client *c)
{
    int32_t rc = find_order(c);

    if (rc != ACME_OK && rc != ACME_ERR_NOT_FOUND) {
        return rc;
    }
    if (rc == ACME_OK) {
        acme_client_go(c, ACME_STATE_ORDER);
    } else {
        acme_authorization_start(c);
    }
    return ACME_OK;
}

int32_t acme_enter_select(struct acme_client *c)
{
    uint32_t i;

#if defined(CONFIG_ACME_CLOCK_POLICY)
    if (acme_clock_disagrees(&c->clock)) {
        return ACME_ERR_CLOCK;
    }
#endif
#if defined(CONFIG_ACME_ARI)
    if (acme_ari_next(c)) {
        return ACME_OK;
    }
#endif
    for (i = 0; i < c->config.certs_count; i++) {
        struct acme_slot *s = acme_client_slot_of(c, (uint16_t)i);

        if (s->pending && acme_schedule_is_due(c, s)) {
            break;
        }
        s->pending = false;
    }
    if (i == c->config.certs_count) {
        acme_client_finish(c, ACME_OK);
        return ACME_OK;
    }
    c->slot = (int16_t)i;
    return acme_order_take_up(c);
}

/* ---- the order ---- */

#if defined(CONFIG_ACME_ARI)
/* The certificate that the order replaces (RFC 9773 5), if it is one of this CA. */
static bool replaced_id(struct acme_client *c, char id[ACME_CERT_ID_MAX])
{
    const struct acme_slot *s = acme_client_slot(c);

#if defined(CONFIG_ACME_DEAUTHORIZATION)
    if (c->job == ACME_JOB_DEAUTHORIZE) {
        return false; /* an order that is never finalized replaces nothing */
    }
#endif
    return s->has_cert && c->directory.urls[ACME_URL_RENEWAL_INFO] != 0 && !c->order.no_replaces &&
           s->schedule.ca == acme_schedule_ca(c) &&
           acme_ari_cert_id(c, s, id, ACME_CERT_ID_MAX) == ACME_OK;
}
#endif

/* "ip" for an address (RFC 8738), else "dns". */
static const char *identifier_type(const char *name)
{
#if defined(CONFIG_ACME_IP_IDENTIFIERS)
    uint8_t bytes[16];

    if (acme_ipaddr_parse(name, bytes) > 0) {
        return "ip";
    }
#endif
    (void)name;
    return "dns";
}

/* An identifier object (RFC 8555 7.1.3). */
static void add_identifier(const struct acme_client *c, struct acme_buf *out, const char *name)
{
    acme_buf_add_form(out, "{\"type\":\"$\",\"value\":\"@", identifier_type(name), name);
#if defined(CONFIG_ACME_SUBDOMAINS)
    if (acme_authorization_has_ancestor(c, name)) {
        acme_buf_add(out, "\",\"ancestorDomain\":\"");
        acme_buf_add_json(out, acme_client_request(c)->ancestor);
    }
#endif
    (void)c;
    acme_buf_add(out, "\"}");
}

int32_t acme_enter_new_order(struct acme_client *c)
{
    const struct acme_cert_request *request = acme_client_request(c);
    struct acme_buf payload;
    uint16_t i;
#if defined(CONFIG_ACME_ARI)
    char replaces[ACME_CERT_ID_MAX];

    if (!acme_request_has_nonce(c)) {
        return ACME_OK;
    }
    c->order.says_replaces = replaced_id(c, replaces);
#endif

    acme_request_payload(c, &payload);
    acme_buf_add(&payload, "{\"identifiers\":[");
    for (i = 0; i < request->names_count; i++) {
        acme_buf_add(&payload, i == 0 ? "" : ",");
        add_identifier(c, &payload, request->names[i]);
    }
    acme_buf_add(&payload, "]");
#if defined(CONFIG_ACME_PROFILES)
    if (request->profile != NULL) {
        if (acme_client_slot(c)->profile_missing) {
            return ACME_ERR_PROFILE;
        }
        acme_buf_add(&payload, ",\"profile\":\"");
        acme_buf_add_json(&payload, request->profile);
        acme_buf_add(&payload, "\"");
    }
#endif
#if defined(CONFIG_ACME_ARI)
    if (c->order.says_replaces) {
        acme_buf_add(&payload, ",\"replaces\":\"");
        acme_buf_add_json(&payload, replaces);
        acme_buf_add(&payload, "\"");
    }
#endif
    acme_buf_add(&payload, "}");
    return acme_request_post_at(c, c->directory.urls[ACME_URL_NEW_ORDER], &payload,
                                ACME_SIGNER_ACCOUNT);
}

/* The order must be for what was asked: as many names, and each of them ours. */
static int32_t check_identifiers(const struct acme_client *c, acme_json_value root)
{
    const struct acme_cert_request *request = acme_client_request(c);
    acme_json_value array = acme_json_array(root, "identifiers");
    acme_json_value item;
    uint16_t count = 0;

    if (array == NULL) {
        return ACME_ERR_FIELD;
    }
    for (item = acme_json_first(array); item != NULL; item = acme_json_next(item)) {
        const char *type = acme_json_string(item, "type");
        const char *value = acme_json_string(item, "value");

        if (type == NULL || value == NULL) {
            return ACME_ERR_FIELD;
        }
        if (strcmp(type, identifier_type(value)) != 0 ||
            !acme_cert_has_name(request, value, strlen(value))) {
            return ACME_ERR_ORDER_IDENTIFIERS;
        }
        count++;
    }
    return count == request->names_count ? ACME_OK : ACME_ERR_ORDER_IDENTIFIERS;
}

static int32_t take_authorizations(struct acme_client *c, acme_json_value root)
{
    struct acme_order_state *o = &c->order;
    acme_json_value item = acme_json_first(acme_json_array(root, "authorizations"));

    o->authorization_count = 0;
    o->authorization_index = 0;
    for (; item != NULL; item = acme_json_next(item)) {
        int32_t rc;

        if (o->authorization_count == CONFIG_ACME_NAMES_MAX) {
            return ACME_ERR_LIMIT;
        }
        rc = acme_pool_add_url(c, acme_json_text(item), &o->authorizations[o->authorization_count]);
        if (rc != ACME_OK) {
            return rc;
        }
        o->authorization_count++;
    }
    return o->authorization_count > 0 ? ACME_OK : ACME_ERR_FIELD;
}

/* Takes the order's URLs into the pool, from the order's mark on. */
static int32_t take_order(struct acme_client *c, acme_json_value root)
{
    struct acme_order_state *o = &c->order;
    const char *certificate = acme_json_string(root, "certificate");
    int32_t rc = check_identifiers(c, root);

    c->pool_len = o->pool_mark;
    if (rc == ACME_OK) {
        rc = acme_pool_add_url(c, acme_json_string(root, "finalize"), &o->finalize);
    }
    o->certificate = 0;
    if (rc == ACME_OK && certificate != NULL) {
        rc = acme_pool_add_url(c, certificate, &o->certificate);
    }
    if (rc == ACME_OK) {
        rc = take_authorizations(c, root);
    }
    o->challenge_mark = c->pool_len;
    return rc;
}

int32_t acme_order_count_poll(struct acme_client *c)
{
    uint32_t limit = CONFIG_ACME_POLL_MAX * ((uint32_t)c->order.authorization_count + 1u);

    c->polls++;
    return c->polls > limit ? ACME_ERR_POLL_LIMIT : ACME_OK;
}

static int32_t wait_for_order(struct acme_client *c)
{
    int32_t rc = acme_order_count_poll(c);
    uint32_t ms = c->settle_ms; /* after finalize */

    if (c->order.finalize_polls == 1) {
        ms = c->settle_ms * 4u;
    } else if (c->order.finalize_polls > 1) {
        ms = acme_reply_retry_after(c, POLL_DEFAULT_MS, POLL_CEILING_MS);
    }
    c->order.finalize_polls++;
    if (rc == ACME_OK) {
        acme_client_go(c, ACME_STATE_ORDER_WAIT);
        acme_client_wait(c, ms);
    }
    return rc;
}

int32_t acme_order_again(struct acme_client *c)
{
    int32_t rc;

    if (acme_authorization_clean_up(c, ACME_AFTER_NEW_ORDER, ACME_OK)) {
        return ACME_OK;
    }
    rc = drop_order_record(c);
    if (rc != ACME_OK) {
        return rc;
    }
    acme_authorization_stop(c); /* what answers the CA is in the pool */
    acme_authorization_start(c);
    return ACME_OK;
}

int32_t acme_order_is_gone(struct acme_client *c, int32_t error)
{
    int32_t rc;

    if (acme_authorization_clean_up(c, ACME_AFTER_GONE, error)) {
        return ACME_OK;
    }
    if (c->order.resumed) { /* the new one is not */
        return acme_order_again(c);
    }
    rc = drop_order_record(c);
    return rc == ACME_OK ? error : rc;
}

static psa_key_id_t order_key(struct acme_client *c)
{
    return acme_client_cert_key(acme_client_slot(c)->store_slot, c->order.generation);
}

/* Where an order's status leads (RFC 8555 7.1.6). */
int32_t acme_reply_order(struct acme_client *c)
{
    acme_json_value root;
    enum acme_status status;
    int32_t rc = acme_reply_json(c, &root);

    if (rc != ACME_OK) {
        return rc;
    }
#if defined(CONFIG_ACME_EARLY_FINALIZE)
    if (c->state == ACME_STATE_FINALIZE && c->order.early) {
        acme_authorization_was_early(c);
    }
#endif
    status = acme_reply_status(root);
    if (status == ACME_STATUS_NONE) {
        return ACME_ERR_FIELD;
    }
    if (status == ACME_STATUS_INVALID) {
        acme_problem_read_error(&c->problem, root);
        return acme_order_is_gone(c, ACME_ERR_ORDER_INVALID);
    }
    rc = take_order(c, root);
    if (rc != ACME_OK) {
        return rc;
    }
#if defined(CONFIG_ACME_DEAUTHORIZATION)
    if (c->job == ACME_JOB_DEAUTHORIZE) {
        return acme_client_go(c, ACME_STATE_DEAUTHORIZE);
    }
#endif
    /* A finalized order is of no use without the key it was finalized with. */
    if (c->order.resumed && (status == ACME_STATUS_PROCESSING || status == ACME_STATUS_VALID) &&
        acme_jws_key_lost(order_key(c))) {
        return acme_order_is_gone(c, ACME_ERR_CERT_KEY);
    }
    if (status == ACME_STATUS_PROCESSING) {
        return wait_for_order(c);
    }
    if (status == ACME_STATUS_VALID && c->order.certificate != 0) {
        return acme_client_go(c, ACME_STATE_CERTIFICATE);
    }
    if (status >= ACME_STATUS_VALID) {
        return ACME_ERR_FIELD;
    }
    acme_client_go(c,
                   status == ACME_STATUS_PENDING ? ACME_STATE_AUTHORIZATION : ACME_STATE_FINALIZE);
    return acme_order_count_poll(c);
}

/* The order's URL is on flash before anything is done with the order. */
static int32_t record_order(struct acme_client *c, const char *url)
{
    const struct acme_cert_request *request = acme_client_request(c);
    struct acme_order_record *r = arena_record(c);
    uint8_t scratch[16 + CONFIG_ACME_URL_MAX + 1];

    _Static_assert(sizeof(*r) <= sizeof(c->arena_data), "the arena also holds an order's record");
    r->names_id = acme_store_names_id(request->names, request->names_count);
    r->key_type = request->key_type;
    r->key_generation = c->order.generation;
    r->account_slot = c->account_slot;
    (void)acme_str_copy(r->url, sizeof(r->url), url); /* one that was parsed: it fits */
    return acme_store_write_order(&c->log, acme_client_slot(c)->store_slot, r, scratch,
                                  sizeof(scratch));
}

int32_t acme_reply_new_order(struct acme_client *c)
{
    const struct acme_http_response *r = &c->exchange.parser.response;
    int32_t rc;

    c->new_orders++;
    if (r->status != 201) {
        return ACME_ERR_HTTP_STATUS;
    }
    if (r->location[0] == '\0') {
        return ACME_ERR_FIELD;
    }
    c->pool_len = c->pool_order_mark;
    rc = acme_pool_add_url(c, r->location, &c->order.url);
    c->order.pool_mark = c->pool_len;
#if !defined(ACME_MUTATE_ORDER_LATE)
    if (rc == ACME_OK) {
        rc = record_order(c, r->location);
    }
#endif
    if (rc != ACME_OK) {
        return rc;
    }
    acme_client_emit(c, ACME_EVENT_ORDER, acme_pool_get(c, c->order.url));
    return acme_reply_order(c);
}

int32_t acme_enter_order(struct acme_client *c)
{
    if (c->order.pool_mark == 0) {
        c->order.pool_mark = c->pool_len; /* an order of an earlier run: only its URL is known */
    }
    return acme_request_post_at(c, c->order.url, NULL, ACME_SIGNER_ACCOUNT);
}

#if defined(CONFIG_ACME_KEY_REUSE)
/* A CA that has come to know a key as compromised or weak refuses it for ever: better another key
 * than no certificate. Asked once in an order. */
static bool is_key_refused(struct acme_client *c)
{
    return c->state == ACME_STATE_FINALIZE && acme_client_request(c)->key_reuse &&
           acme_client_slot(c)->has_cert && !c->order.key_refused &&
           (acme_problem_is(&c->problem, "badPublicKey") || acme_problem_is(&c->problem, "badCSR"));
}
#endif

int32_t acme_order_refused(struct acme_client *c, int32_t error)
{
#if defined(CONFIG_ACME_ARI)
    /* alreadyReplaced, or another account's: then an order that replaces nothing. */
    if (c->state == ACME_STATE_NEW_ORDER && c->order.says_replaces) {
        c->order.no_replaces = true;
        return acme_client_go(c, ACME_STATE_NEW_ORDER);
    }
#endif
#if defined(CONFIG_ACME_EARLY_FINALIZE)
    /* orderNotReady, or what else a CA calls it: the authorization knows best. */
    if (c->state == ACME_STATE_FINALIZE && c->order.early) {
        return acme_authorization_not_yet(c);
    }
#endif
    if (c->state == ACME_STATE_FINALIZE && acme_problem_is(&c->problem, "orderNotReady")) {
        return wait_for_order(c);
    }
#if defined(CONFIG_ACME_KEY_REUSE)
    if (is_key_refused(c)) {
        int32_t rc = acme_jws_destroy_key(order_key(c));

        c->order.key_refused = true;
        return rc == ACME_OK ? acme_client_go(c, ACME_STATE_FINALIZE) : rc;
    }
#endif
    /* A challenge that was sent before a reset may be refused now; the authorization knows best. */
    if (c->state == ACME_STATE_CHALLENGE && error == ACME_ERR_PROBLEM) {
        return acme_authorization_wait(c);
    }
    /* The CA no longer knows what was under way. */
    if (c->order.resumed &&
        (c->problem.status == 404 || c->problem.status == 403 || c->problem.status == 410 ||
         acme_problem_is(&c->problem, "malformed"))) {
        return acme_order_is_gone(c, error);
    }
    return error;
}

/* The wait ends at wait_until_ms, which acme_poll watches. */
int32_t acme_enter_order_wait(struct acme_client *c)
{
    return acme_client_go(c, ACME_STATE_ORDER);
}

/* ---- finalize, certificate, installation ---- */

/* Writes {"<name>":"<base64url of der>" with der at the end of the work buffer. */
static void add_der(struct acme_client *c, struct acme_buf *payload, const char *name,
                    size_t der_len)
{
    acme_request_payload(c, payload);
    acme_buf_add_form(payload, "{\"$\":\"", name);
    acme_b64url_add(payload, (const uint8_t *)c->work + sizeof(c->work) - der_len, der_len);
    acme_buf_add(payload, "\"");
}

static bool is_early(const struct acme_client *c)
{
#if defined(CONFIG_ACME_EARLY_FINALIZE)
    return c->order.early;
#else
    (void)c;
    return false;
#endif
}

/* The key of the new generation: the old one's copy where that is wanted and can be had. */
static int32_t ensure_key(struct acme_client *c, psa_key_id_t key)
{
    const struct acme_cert_request *request = acme_client_request(c);
    bool made;

#if defined(CONFIG_ACME_KEY_REUSE)
    if (request->key_reuse) {
        const struct acme_slot *s = acme_client_slot(c);
        psa_key_id_t old = acme_client_cert_key(s->store_slot, c->order.generation ^ 1u);
        bool copied, keep = s->has_cert && !c->order.key_refused;
        int32_t rc = acme_jws_ensure_copy(key, keep ? old : PSA_KEY_ID_NULL, request->key_type,
                                          request->key_exportable, &made, &copied);

        if (rc == ACME_OK && made && !copied && s->has_cert) {
            ACME_LOG(c->config.port, ACME_LOG_WARNING,
                     "acme: the old key cannot be kept; a new one is made for", request->names[0],
                     0);
        }
        return rc;
    }
#endif
    return acme_jws_ensure_key(key, request->key_type, request->key_exportable, &made);
}

int32_t acme_enter_finalize(struct acme_client *c)
{
    const struct acme_cert_request *request = acme_client_request(c);
    psa_key_id_t key = order_key(c);
    struct acme_buf payload;
    int32_t rc;

    if (!is_early(c)) { /* else the CA may come again */
        acme_challenges_close(&c->challenges);
    }
    if (!acme_request_has_nonce(c)) {
        return ACME_OK;
    }
#if defined(ACME_MUTATE_ORDER_LATE)
    /* A deliberate bug, for the runner of lives to find: the order is used before it is stored. */
    if (!c->order.resumed) {
        (void)record_order(c, acme_pool_get(c, c->order.url));
    }
#endif
    rc = ensure_key(c, key);
    if (rc == ACME_OK) {
        rc = acme_cert_write_csr(request, key, (uint8_t *)c->work, sizeof(c->work));
    }
    if (rc < 0) {
        return rc;
    }
    add_der(c, &payload, "csr", (size_t)rc);
    acme_buf_add(&payload, "}");
    return acme_request_post_at(c, c->order.finalize, &payload, ACME_SIGNER_ACCOUNT);
}

int32_t acme_reply_finalize(struct acme_client *c)
{
    c->order.finalize_polls = 0;
    return acme_reply_order(c);
}

int32_t acme_enter_certificate(struct acme_client *c)
{
    uint8_t slot = acme_client_slot(c)->store_slot;
    int32_t rc;

    if (!acme_request_has_nonce(c)) {
        return ACME_OK;
    }
    rc = acme_store_remove_chain(&c->log, slot, c->order.generation);
    if (rc != ACME_OK) {
        return rc;
    }
    acme_chain_sink_init(&c->sink, &c->log, c->arena_data, slot, c->order.generation);
    return acme_request_post_at(c, c->order.certificate, NULL, ACME_SIGNER_ACCOUNT);
}

int32_t acme_reply_certificate(struct acme_client *c)
{
    int32_t rc;

    if (c->exchange.parser.response.status != 200) {
        return ACME_ERR_HTTP_STATUS;
    }
    rc = acme_chain_sink_finish(&c->sink);
#if defined(CONFIG_ACME_ALTERNATE_CHAINS)
    return rc == ACME_OK ? acme_alternate_next(c) : rc;
#else
    if (rc == ACME_OK) {
        acme_client_go(c, ACME_STATE_INSTALL);
    }
    return rc;
#endif
}

/* The new chain and key are whole and in force; what they replace can go. A cut here leaves
 * remains, which acme_init removes. */
static void remove_replaced(struct acme_client *c, const struct acme_slot *s)
{
    uint8_t old = c->order.generation ^ 1u;

    (void)acme_jws_destroy_key(acme_client_cert_key(s->store_slot, old));
    (void)acme_store_remove_chain(&c->log, s->store_slot, old);
}

#if !defined(CONFIG_ACME_ALTERNATE_CHAINS)
static
#endif
    void
    acme_order_chain_check(struct acme_client *c, struct acme_chain_check *check)
{
    const struct acme_slot *s = acme_client_slot(c);

    check->log = &c->log;
    check->clock = &c->clock;
    check->request = acme_client_request(c);
    check->key = order_key(c);
    check->slot = s->store_slot;
    check->generation = c->order.generation;
    check->scratch = (uint8_t *)c->work;
    check->scratch_size = sizeof(c->work);
}

static int32_t check_chain(struct acme_client *c, struct acme_cert_record *record)
{
    struct acme_chain_check check;

    acme_order_chain_check(c, &check);
    memset(record, 0, sizeof(*record));
    record->names_id = acme_store_names_id(check.request->names, check.request->names_count);
    record->key_type = check.request->key_type;
    record->key_exportable = check.request->key_exportable;
    record->key_generation = c->order.generation;
    record->chain_count = c->sink.count;
    memcpy(record->lengths, c->sink.lengths, sizeof(record->lengths));
    return acme_cert_check_chain(&check, record);
}

#if defined(CONFIG_ACME_CERT_HOLD)
/* At its end the count stays: to wait too long is better than to take a key away. */
void acme_cert_hold(acme_client *c)
{
    c->held = c->held < UINT16_MAX ? (uint16_t)(c->held + 1u) : UINT16_MAX;
}

void acme_cert_release(acme_client *c)
{
    c->held = c->held > 0 ? (uint16_t)(c->held - 1u) : 0;
}

/* The handshakes under way get their time; whoever holds the keys for longer loses them. */
static bool must_wait(struct acme_client *c)
{
    uint64_t now_ms = acme_clock_uptime_ms(&c->clock);

    if (c->held_up_to_ms == 0) {
        c->held_up_to_ms = now_ms + HOLD_MOST_MS;
    }
    if (c->held > 0 && now_ms < c->held_up_to_ms) {
        acme_client_wait(c, HOLD_LOOK_MS);
        return true;
    }
    c->held_up_to_ms = 0;
    return false;
}
#else
static bool must_wait(struct acme_client *c)
{
    (void)c;
    return false;
}
#endif

int32_t acme_enter_install(struct acme_client *c)
{
    struct acme_slot *s = acme_client_slot(c);
    struct acme_cert_record record;
    int32_t rc;

    if (must_wait(c)) {
        return ACME_ERR_AGAIN;
    }
    rc = check_chain(c, &record);

#if defined(ACME_MUTATE_REPLACE_FIRST)
    /* A deliberate bug, for the runner of lives to find: the old key goes before the new chain is
     * in force. */
    remove_replaced(c, s);
#endif
    if (rc == ACME_OK) {
        rc = acme_client_join_names(c, acme_client_request(c));
    }
    if (rc == ACME_OK) {
        rc = acme_store_install(&c->log, s->store_slot, &record, c->work);
    }
    if (rc != ACME_OK) {
        return rc;
    }
#if defined(CONFIG_ACME_REVOKE_REPLACED)
    if (s->has_cert && acme_client_request(c)->revoke_replaced &&
        c->directory.urls[ACME_URL_REVOKE_CERT] != 0) {
        c->order.replaced_len = s->cert.lengths[0];
    }
#endif
    s->cert = record;
    s->has_cert = s->occupied = true;
    acme_clock_raise_floor(&c->clock, record.not_before_s);
#if defined(CONFIG_ACME_SCHEDULE)
    acme_schedule_installed(c, s);
#endif
    acme_client_emit(c, ACME_EVENT_INSTALLED, NULL);
#if defined(CONFIG_ACME_REVOKE_REPLACED)
    if (c->order.replaced_len != 0) {
        return acme_client_go(c, ACME_STATE_REVOKE_REPLACED);
    }
#endif
    remove_replaced(c, s);
    acme_client_slot_done(c, ACME_OK);
    return ACME_OK;
}

/* ---- revocation ---- */

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
    if (len > sizeof(c->work)) {
        return ACME_ERR_BUFFER;
    }
    rc = acme_store_read_chain(&c->log, acme_client_slot(c)->store_slot, generation, 0,
                               (uint8_t *)c->work + sizeof(c->work) - len, len);
    if (rc != ACME_OK) {
        return rc;
    }
    add_der(c, &payload, "certificate", len);
    acme_buf_add_form(&payload, ",\"reason\":#}", (uint32_t)reason);
    return acme_request_post_at(c, c->directory.urls[ACME_URL_REVOKE_CERT], &payload, signer);
}

int32_t acme_enter_revoke(struct acme_client *c)
{
    const struct acme_slot *s = acme_client_slot(c);

    if (c->directory.urls[ACME_URL_REVOKE_CERT] == 0) {
        return ACME_ERR_FIELD;
    }
    return request_revocation(c, s->cert.key_generation, s->cert.lengths[0], c->revoke_reason,
                              c->revoke_with_cert_key ? ACME_SIGNER_CERT_JWK : ACME_SIGNER_ACCOUNT);
}

#if defined(CONFIG_ACME_REVOKE_REPLACED)
#define REASON_SUPERSEDED 4u

int32_t acme_enter_revoke_replaced(struct acme_client *c)
{
    return request_revocation(c, c->order.generation ^ 1u, c->order.replaced_len, REASON_SUPERSEDED,
                              ACME_SIGNER_ACCOUNT);
}

int32_t acme_reply_revoke_replaced(struct acme_client *c)
{
    remove_replaced(c, acme_client_slot(c));
    acme_client_slot_done(c, ACME_OK);
    return ACME_OK;
}
#endif

/* The key goes first: after a cut the slot has a certificate without a key, which is no
 * certificate, and never a key that a next order could take for its own. */
int32_t acme_reply_revoke(struct acme_client *c)
{
    struct acme_slot *s = acme_client_slot(c);
    int32_t rc = acme_jws_destroy_key(acme_client_cert_key(s->store_slot, s->cert.key_generation));

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
#if defined(CONFIG_ACME_SCHEDULE)
    memset(&s->schedule, 0, sizeof(s->schedule));
    (void)acme_store_remove(&c->log, ACME_SPACE_SCHEDULE, s->store_slot);
#endif
    acme_client_emit(c, ACME_EVENT_REVOKED, NULL);
    acme_client_finish(c, ACME_OK);
    return ACME_OK;
}
#endif
