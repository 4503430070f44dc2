/*
 * Authorizations and challenges (RFC 8555 7.5): proving that the names are ours, one after the
 * other, each in the first way that works. It must not know how an order begins or ends, or how a
 * challenge is met.
 *
 * Ways with a DNS record go in two rounds: first the records of all authorizations are set, so that
 * a wildcard and its base name have both of theirs before a CA looks and a cache remembers; then
 * the CA is told of one after the other, and in the end all records go.
 */
#include "client/client_state.h"

#include <string.h>

#include "acme/tls_alpn.h"
#include "base/ipaddr.h"

#define POLL_DEFAULT_MS 3000u
#define POLL_CEILING_MS 300000u
#define TOKEN_MAX       128u

/* ---- whose authorization it is ---- */

static uint16_t current_authorization(const struct acme_order_state *o)
{
#if defined(CONFIG_ACME_DNS)
    if (o->proving) {
        return o->records[o->record].authorization;
    }
#endif
    return o->authorization_index;
}

int32_t acme_enter_authorization(struct acme_client *c)
{
    struct acme_order_state *o = &c->order;

    return acme_request_post_at(c, o->authorizations[current_authorization(o)], NULL,
                                ACME_SIGNER_ACCOUNT);
}

#if defined(CONFIG_ACME_SUBDOMAINS)
static bool is_below(const char *name, const char *domain)
{
    size_t len = strlen(name), domain_len = strlen(domain);

    return len > domain_len && name[len - domain_len - 1] == '.' &&
           acme_str_equal_nocase(name + len - domain_len, domain_len, domain, domain_len);
}

bool acme_authorization_has_ancestor(const struct acme_client *c, const char *name)
{
    const char *ancestor = acme_client_request(c)->ancestor;

    return ancestor != NULL && c->directory.subdomains && is_below(name, ancestor);
}

/* An authorization for the ancestor stands for the first name below it, and for all others. */
static int32_t find_ancestor(struct acme_client *c, acme_json_value root, const char *value)
{
    const struct acme_cert_request *request = acme_client_request(c);
    uint16_t i;

    c->order.by_ancestor =
        request->ancestor != NULL && acme_json_true(root, "subdomainAuthAllowed") &&
        acme_str_equal_nocase(value, strlen(value), request->ancestor, strlen(request->ancestor));
    for (i = 0; i < request->names_count && c->order.by_ancestor; i++) {
        if (is_below(request->names[i], request->ancestor)) {
            return i;
        }
    }
    c->order.by_ancestor = false;
    return -1;
}
#endif

/* The index of the name that an authorization is for, or -1. That of a wildcard has the base name
 * and says so (RFC 8555 7.1.4). */
static int32_t find_name(struct acme_client *c, acme_json_value root, const char *value)
{
    const struct acme_cert_request *request = acme_client_request(c);
    uint16_t i;

#if defined(CONFIG_ACME_SUBDOMAINS)
    c->order.by_ancestor = false;
#else
    (void)root;
#endif
    for (i = 0; i < request->names_count; i++) {
        const char *name = request->names[i];

#if defined(CONFIG_ACME_DNS)
        if ((name[0] == '*') != acme_json_true(root, "wildcard")) {
            continue;
        }
        name += name[0] == '*' ? 2 : 0;
#endif
        if (acme_str_is(value, strlen(value), name)) {
            return i;
        }
    }
#if defined(CONFIG_ACME_SUBDOMAINS)
    return find_ancestor(c, root, value);
#else
    return -1;
#endif
}

/* The name that the authorization under way is for, as it was asked for. */
static const char *name_under_way(const struct acme_client *c)
{
#if defined(CONFIG_ACME_SUBDOMAINS)
    if (c->order.by_ancestor) {
        return acme_client_request(c)->ancestor;
    }
#endif
    return acme_client_request(c)->names[c->order.name];
}

/* ---- the choice of a way ---- */

static acme_json_value find_challenge(acme_json_value root, const char *type)
{
    acme_json_value item = acme_json_first(acme_json_array(root, "challenges"));

    for (; item != NULL; item = acme_json_next(item)) {
        const char *have = acme_json_string(item, "type");

        if (have != NULL && strcmp(have, type) == 0) {
            return item;
        }
    }
    return NULL;
}

#if defined(ACME_CHALLENGE_CHOICE)
#define BIT(type) (1u << (type))

/* The types to try, in order, ended by ACME_CHALLENGE_NONE or by the array. */
static const uint8_t *wanted_types(const struct acme_client *c)
{
    static const uint8_t all[ACME_CHALLENGE_TYPES] = {
        ACME_CHALLENGE_HTTP_01, ACME_CHALLENGE_TLS_ALPN_01, ACME_CHALLENGE_DNS_01,
        ACME_CHALLENGE_DNS_ACCOUNT_01, ACME_CHALLENGE_DNS_PERSIST_01};

    if (acme_client_request(c)->challenges[0] != ACME_CHALLENGE_NONE) {
        return acme_client_request(c)->challenges;
    }
    return c->config.challenges[0] != ACME_CHALLENGE_NONE ? c->config.challenges : all;
}

static uint8_t kind_of(const char *name)
{
#if defined(CONFIG_ACME_IP_IDENTIFIERS)
    uint8_t bytes[16];

    if (acme_ipaddr_parse(name, bytes) > 0) {
        return ACME_PROVES_ADDRESS;
    }
#endif
    return name[0] == '*' ? ACME_PROVES_WILDCARD : ACME_PROVES_NAME;
}

/* Whether the surroundings let us; a type that nobody named is not tried in the dark. */
static bool is_possible(const struct acme_client *c, const struct acme_challenge_ops *ops)
{
#if defined(CONFIG_ACME_DNS)
    const struct acme_dns_ops *dns = c->challenges.dns;
    bool named = acme_client_request(c)->challenges[0] != ACME_CHALLENGE_NONE ||
                 c->config.challenges[0] != ACME_CHALLENGE_NONE;

    if (ops->publishes) {
        return dns != NULL && dns->present != NULL;
    }
    if (ops->record != NULL) {
        return named || (dns != NULL && dns->lookup != NULL);
    }
#else
    (void)c;
    (void)ops;
#endif
    return true;
}

/* The type for a name: the first in order that suits, is offered, and has not failed for it; one
 * that has failed for another name comes last. The CA may be at one already: then it is that. What
 * is left for a next try goes to o->alternatives. */
static const struct acme_challenge_ops *choose(struct acme_client *c, acme_json_value root)
{
    const uint8_t *types = wanted_types(c);
    uint16_t name = c->order.name;
    uint8_t kind = kind_of(name_under_way(c));
    const struct acme_challenge_ops *best = NULL;
    uint32_t left = 0;
    bool best_is_sent = false;
    size_t i;

    for (i = 0; i < ACME_CHALLENGE_TYPES && types[i] != ACME_CHALLENGE_NONE; i++) {
        const struct acme_challenge_ops *ops = acme_challenge_find(types[i]);
        acme_json_value challenge = ops == NULL ? NULL : find_challenge(root, ops->name);
        bool sent = acme_reply_status(challenge) == ACME_STATUS_PROCESSING;

        if (challenge == NULL || (ops->proves & kind) == 0 || !is_possible(c, ops) ||
            (c->failed[name] & BIT(ops->type)) != 0) {
            continue;
        }
        left |= BIT(ops->type);
        if (best == NULL || (sent && !best_is_sent) ||
            (!best_is_sent && (c->failed_once & BIT(best->type)) != 0 &&
             (c->failed_once & BIT(ops->type)) == 0)) {
            best = ops;
            best_is_sent = sent;
        }
    }
    c->order.alternatives = (uint8_t)(best == NULL ? 0U : left & ~BIT(best->type));
    return best;
}

/* Remembers that the type under way does not work for its name. Whether there is another one. */
static bool note_failure(struct acme_client *c, int32_t error)
{
    struct acme_order_state *o = &c->order;

    if (o->type == NULL) {
        return false;
    }
    c->failed[o->name] = (uint8_t)(c->failed[o->name] | BIT(o->type->type));
    c->failed_once = (uint8_t)(c->failed_once | BIT(o->type->type));
    if (o->alternatives != 0) {
        acme_client_emit_failure(c, ACME_EVENT_CHALLENGE_FAILED, error, o->type->name);
    }
    return o->alternatives != 0;
}

void acme_authorization_begin(struct acme_client *c)
{
#if defined(CONFIG_ACME_PRE_AUTHORIZATION)
    c->pre_authorized = false;
#endif
    memset(c->failed, 0, sizeof(c->failed));
    c->failed_once = 0;
}
#endif

/* ---- a challenge, as the types see it ---- */

#if defined(ACME_CHALLENGE_CHOICE)
static void describe(const struct acme_client *c, struct acme_challenge *challenge)
{
    const struct acme_order_state *o = &c->order;
    const char *name = name_under_way(c);

    memset(challenge, 0, sizeof(*challenge));
    challenge->wildcard = name[0] == '*';
    challenge->identifier = name + (challenge->wildcard ? 2 : 0);
    challenge->token = acme_pool_get(c, o->token);
    challenge->key_authorization = acme_pool_get(c, o->key_authorization);
    challenge->account_url = c->account_url;
#if defined(CONFIG_ACME_DNS_PERSIST_01)
    (void)acme_clock_now(&c->clock, &challenge->now_s);
#endif
}
#endif

void acme_authorization_stop(struct acme_client *c)
{
#if defined(ACME_CHALLENGE_CHOICE)
    if (c->order.type != NULL && c->order.type->stop != NULL) {
        c->order.type->stop(&c->challenges);
    }
    c->order.type = NULL;
#else
    acme_responder_set(&c->challenges.http, NULL, NULL);
#endif
    c->order.challenge = 0;
}

/* ---- from one authorization to the next ---- */

#if defined(CONFIG_ACME_DNS)
static void start_operation(struct acme_client *c)
{
    c->order.deadline_ms =
        acme_clock_uptime_ms(&c->clock) + CONFIG_ACME_DNS_TIMEOUT_S * UINT64_C(1000);
}

/* The next record that the CA has not been told about; the end of them. */
static void prove_next(struct acme_client *c)
{
    struct acme_order_state *o = &c->order;

    while (o->record < o->record_count && o->records[o->record].stale) {
        o->record++;
    }
    if (o->record == o->record_count) {
        (void)acme_authorization_clean_up(c, ACME_AFTER_GO_ON, ACME_OK);
        return;
    }
    o->name = o->records[o->record].name_index;
    o->type = o->records[o->record].type;
    o->alternatives = o->records[o->record].alternatives;
    o->challenge_sent = o->records[o->record].sent;
#if defined(CONFIG_ACME_SUBDOMAINS)
    o->by_ancestor = o->records[o->record].by_ancestor;
#endif
    start_operation(c);
    acme_client_go(c, ACME_STATE_READY);
}

static void prove_records(struct acme_client *c)
{
    c->order.proving = true;
    c->order.record = 0;
    prove_next(c);
}
#endif

/* Nothing of an order but the key that it is going to use. */
static void clear_order(struct acme_client *c)
{
    uint8_t generation = c->order.generation;

    memset(&c->order, 0, sizeof(c->order));
    c->order.generation = generation;
    c->polls = 0;
}

void acme_authorization_start(struct acme_client *c)
{
    clear_order(c);
#if defined(CONFIG_ACME_PRE_AUTHORIZATION)
    if (acme_client_request(c)->pre_authorize && !c->pre_authorized &&
        c->directory.urls[ACME_URL_NEW_AUTHZ] != 0) {
        c->order.pre_authorizing = true;
        c->pool_len = c->pool_order_mark;
        acme_client_go(c, ACME_STATE_NEW_AUTHORIZATION);
        return;
    }
#endif
    acme_client_go(c, ACME_STATE_NEW_ORDER);
}

/* All that was to be proven is proven. */
static void leave(struct acme_client *c)
{
#if defined(CONFIG_ACME_PRE_AUTHORIZATION)
    if (c->order.pre_authorizing) {
        c->pre_authorized = true;
        acme_authorization_start(c);
        return;
    }
#endif
    acme_client_go(c, ACME_STATE_FINALIZE);
}

static void go_on(struct acme_client *c)
{
    struct acme_order_state *o = &c->order;

    if (o->authorization_index < o->authorization_count) {
        acme_client_go(c, ACME_STATE_AUTHORIZATION);
        return;
    }
#if defined(CONFIG_ACME_DNS)
    if (o->record_count > 0) {
        prove_records(c);
        return;
    }
#endif
    leave(c);
}

static void next_authorization(struct acme_client *c, const char *name)
{
    struct acme_order_state *o = &c->order;

    acme_client_emit(c, ACME_EVENT_AUTHORIZED, name);
    acme_authorization_stop(c);
    c->pool_len = o->challenge_mark;
#if defined(CONFIG_ACME_DNS)
    if (o->proving) {
        o->record++;
        prove_next(c);
        return;
    }
#endif
    o->authorization_index++;
    go_on(c);
}

/* ---- failures ---- */

#if defined(CONFIG_ACME_DNS)
bool acme_authorization_clean_up(struct acme_client *c, enum acme_after after, int32_t error)
{
    struct acme_order_state *o = &c->order;

    if (o->record_count == 0 || c->state == ACME_STATE_CLEAN_UP) {
        return false;
    }
    o->after = (uint8_t)after;
    o->error = error;
    o->record = 0;
    if (c->challenges.dns != NULL && c->challenges.dns->stop != NULL) {
        c->challenges.dns->stop(c->challenges.dns_ctx);
    }
    start_operation(c);
    acme_client_go(c, ACME_STATE_CLEAN_UP);
    return true;
}
#endif

#if defined(ACME_CHALLENGE_CHOICE)
/* From the first authorization again, within the same order: those that are proven say so. */
static void restart(struct acme_client *c)
{
    acme_authorization_stop(c);
    c->pool_len = c->order.challenge_mark;
    c->order.authorization_index = 0;
    acme_client_go(c, ACME_STATE_AUTHORIZATION);
}

#if defined(CONFIG_ACME_DNS)
/* What comes after a failure, once nothing of ours is left in the DNS. */
static int32_t settle(struct acme_client *c, enum acme_after after, int32_t error)
{
    switch (after) {
    case ACME_AFTER_RESTART:
        restart(c);
        return ACME_OK;
    case ACME_AFTER_NEW_ORDER:
        return acme_order_again(c);
    case ACME_AFTER_GONE:
        return acme_order_is_gone(c, error);
    default:
        return error;
    }
}
#endif
#endif

#if defined(ACME_CHALLENGE_CHOICE)
/* We could not do our part: the CA knows nothing of it, so another type can have the challenge. */
static int32_t fail_here(struct acme_client *c, int32_t error)
{
    if (!note_failure(c, error)) {
        return error;
    }
#if defined(CONFIG_ACME_DNS)
    if (acme_authorization_clean_up(c, ACME_AFTER_RESTART, error)) {
        return ACME_OK;
    }
#endif
    restart(c);
    return ACME_OK;
}
#else
static int32_t fail_here(struct acme_client *c, int32_t error)
{
    (void)c;
    return error;
}
#endif

/* The problem is in the challenge that failed; the name is the authorization's. */
static int32_t authorization_failed(struct acme_client *c, acme_json_value root, const char *name)
{
    acme_json_value item = acme_json_first(acme_json_array(root, "challenges"));

    for (; item != NULL; item = acme_json_next(item)) {
        acme_problem_read_error(&c->problem, item);
    }
    (void)acme_str_copy(c->problem.identifier, sizeof(c->problem.identifier), name);
#if defined(ACME_CHALLENGE_CHOICE)
    if (note_failure(c, ACME_ERR_AUTHORIZATION)) {
        return acme_order_again(c); /* a failed authorization stays failed */
    }
#endif
    return acme_order_is_gone(c, ACME_ERR_AUTHORIZATION);
}

/* ---- taking a challenge up ---- */

/* A token goes into a URL path and a file of ours: base64url only (RFC 8555 8.3). */
static bool is_token(const char *token)
{
    size_t len = strlen(token);

    /* 128 bits of entropy at least */
    return len >= 22 && len <= TOKEN_MAX && acme_word_len(token, len, "-_") == len;
}

/* The key authorization (RFC 8555 8.1): token, a dot, the thumbprint of the account key. */
static int32_t write_key_authorization(const struct acme_client *c, const char *token,
                                       struct acme_buf *b)
{
    if (token == NULL || !is_token(token)) {
        return ACME_ERR_FIELD;
    }
    acme_buf_add_form(b, "$.$", token, c->thumbprint);
    return ACME_OK;
}

#if defined(CONFIG_ACME_DNS)
/* The CA's names for itself, ten at most, in normal form, with spaces between. */
static int32_t write_issuers(acme_json_value array, struct acme_buf *b)
{
    acme_json_value item = acme_json_first(array);
    int count = 0;

    for (; item != NULL; item = acme_json_next(item)) {
        const char *name = acme_json_text(item);

        if (name == NULL || ++count > 10 || acme_uri_check_name(name, false) != ACME_OK) {
            return ACME_ERR_FIELD;
        }
        acme_buf_add(b, b->len > 0 ? " " : "");
        acme_buf_add(b, name);
    }
    return count > 0 ? ACME_OK : ACME_ERR_FIELD;
}

/* A challenge object of dns-persist-01 may name the account that it wants: it had better be ours.
 */
static bool is_our_account(const struct acme_client *c, acme_json_value challenge)
{
    const char *uri = acme_json_string(challenge, "accounturi");

    return uri == NULL || strcmp(uri, c->account_url) == 0;
}

static int32_t describe_record(struct acme_client *c, const struct acme_challenge_ops *ops,
                               acme_json_value json, struct acme_challenge *challenge,
                               struct acme_buf *text)
{
    int32_t rc;

    describe(c, challenge);
    if (ops->publishes) {
        rc = write_key_authorization(c, acme_json_string(json, "token"), text);
        challenge->key_authorization = text->data;
    } else {
        rc = is_our_account(c, json)
                 ? write_issuers(acme_json_array(json, "issuer-domain-names"), text)
                 : ACME_ERR_FIELD;
        challenge->issuers = text->data;
    }
    return rc == ACME_OK && acme_buf_result(text) < 0 ? ACME_ERR_FIELD : rc;
}

/* The record's place, its name and its value; they stay until clean-up. */
static int32_t take_record(struct acme_client *c, const struct acme_challenge_ops *ops,
                           acme_json_value json, bool stale)
{
    struct acme_order_state *o = &c->order;
    struct acme_proof_record *r = &o->records[o->record_count];
    struct acme_buf text, name, value;
    struct acme_challenge challenge;
    int32_t rc;

    if (o->record_count == CONFIG_ACME_NAMES_MAX) {
        return ACME_ERR_LIMIT;
    }
    /* The reply is in the arena by now: the work buffer is free. */
    acme_buf_init(&text, c->work, 512);
    acme_buf_init(&value, c->work + 512, 512);
    acme_buf_init(&name, c->work + 1024, ACME_URI_HOST_MAX + 1);
    rc = describe_record(c, ops, json, &challenge, &text);
    if (rc == ACME_OK) {
        ops->record(&challenge, &name, &value);
        rc = acme_buf_result(&name) < 0 || acme_buf_result(&value) <= 0 ? ACME_ERR_NAME : ACME_OK;
    }
    if (rc == ACME_OK) {
        rc = acme_pool_add_url(c, acme_json_string(json, "url"), &r->url);
    }
    if (rc == ACME_OK) {
        rc = acme_pool_add(c, name.data, &r->name);
    }
    if (rc == ACME_OK) {
        rc = acme_pool_add(c, value.data, &r->value);
    }
    if (rc != ACME_OK) {
        c->pool_len = o->challenge_mark;
        return rc;
    }
    r->authorization = o->authorization_index;
    r->name_index = o->name;
    r->type = ops;
    r->alternatives = o->alternatives;
#if defined(CONFIG_ACME_SUBDOMAINS)
    r->by_ancestor = o->by_ancestor;
#endif
    r->sent = acme_reply_status(json) == ACME_STATUS_PROCESSING;
    r->stale = stale;
    if (o->record_count++ == 0) {
        o->records_mark = o->challenge_mark;
    }
    o->challenge_mark = c->pool_len;
    return ACME_OK;
}

/* A record that an earlier run set and that was proven meanwhile: it still has to go. */
static void take_stale_record(struct acme_client *c, acme_json_value root)
{
    acme_json_value item = acme_json_first(acme_json_array(root, "challenges"));

    if (!c->order.resumed || c->order.proving || c->challenges.dns == NULL ||
        c->challenges.dns->cleanup == NULL) {
        return;
    }
    for (; item != NULL; item = acme_json_next(item)) {
        const char *type = acme_json_string(item, "type");
        const struct acme_challenge_ops *ops = type == NULL ? NULL : acme_challenge_find_name(type);

        if (ops != NULL && ops->publishes && acme_reply_status(item) == ACME_STATUS_VALID) {
            (void)take_record(c, ops, item, true); /* without room it stays: no harm done */
        }
    }
}

static int32_t take_dns_challenge(struct acme_client *c, const struct acme_challenge_ops *ops,
                                  acme_json_value json)
{
    int32_t rc = take_record(c, ops, json, false);

    if (rc == ACME_ERR_LIMIT && c->order.record_count > 0) {
        c->order.type = NULL;
        prove_records(c); /* makes room; this one comes after them */
        return ACME_OK;
    }
    if (rc == ACME_OK) {
        start_operation(c);
        acme_client_go(c, ACME_STATE_PRESENT);
    }
    return rc;
}
#endif

static int32_t take_challenge(struct acme_client *c, acme_json_value challenge)
{
    const char *token = acme_json_string(challenge, "token");
    struct acme_order_state *o = &c->order;
    char text[TOKEN_MAX + 1 + 43 + 1];
    struct acme_buf b;
    int32_t rc;

    acme_buf_init(&b, text, sizeof(text));
    rc = write_key_authorization(c, token, &b);
    if (rc == ACME_OK) {
        rc = acme_pool_add_url(c, acme_json_string(challenge, "url"), &o->challenge);
    }
    if (rc == ACME_OK) {
        rc = acme_pool_add(c, token, &o->token);
    }
    if (rc == ACME_OK) {
        rc = acme_pool_add(c, text, &o->key_authorization);
    }
    o->challenge_sent = acme_reply_status(challenge) == ACME_STATUS_PROCESSING;
    if (rc == ACME_OK) {
        acme_client_go(c, ACME_STATE_CHALLENGE);
    }
    return rc;
}

static int32_t wait_for_verdict(struct acme_client *c, uint32_t default_ms)
{
    int32_t rc = acme_order_count_poll(c);

    if (rc == ACME_OK) {
        acme_client_go(c, ACME_STATE_AUTHORIZATION_WAIT);
        acme_client_wait(c, acme_reply_retry_after(c, default_ms, POLL_CEILING_MS));
    }
    return rc;
}

int32_t acme_authorization_wait(struct acme_client *c)
{
    return wait_for_verdict(c, POLL_DEFAULT_MS);
}

/* A challenge that cannot be used leaves the others of its authorization. */
static int32_t reject_malformed(struct acme_client *c, int32_t rc)
{
    if (rc == ACME_OK || rc == ACME_ERR_LIMIT) {
        return rc;
    }
    return fail_here(c, rc);
}

static int32_t authorization_pending(struct acme_client *c, acme_json_value root)
{
#if defined(ACME_CHALLENGE_CHOICE)
    const struct acme_challenge_ops *ops;
#endif
    acme_json_value challenge;

    if (c->order.challenge != 0) {
        return acme_authorization_wait(c); /* our challenge is with the CA already */
    }
#if defined(ACME_CHALLENGE_CHOICE)
    ops = choose(c, root);
    challenge = ops == NULL ? NULL : find_challenge(root, ops->name);
    c->order.type = ops;
#else
    challenge = find_challenge(root, "http-01");
#endif
    if (challenge == NULL) {
        return ACME_ERR_CHALLENGE_NONE;
    }
#if defined(CONFIG_ACME_DNS)
    if (ops->record != NULL) {
        return reject_malformed(c, take_dns_challenge(c, ops, challenge));
    }
#endif
    return reject_malformed(c, take_challenge(c, challenge));
}

int32_t acme_reply_authorization(struct acme_client *c)
{
    acme_json_value root;
    enum acme_status status;
    const char *value;
    int32_t name, rc = acme_reply_json(c, &root);

    if (rc != ACME_OK) {
        return rc;
    }
    status = acme_reply_status(root);
    value = acme_json_string(acme_json_object(root, "identifier"), "value");
    if (status == ACME_STATUS_NONE || value == NULL) {
        return ACME_ERR_FIELD;
    }
    name = find_name(c, root, value);
    if (name < 0) {
        return ACME_ERR_ORDER_IDENTIFIERS;
    }
    c->order.name = (uint16_t)name;
    if (status == ACME_STATUS_PENDING) {
        return authorization_pending(c, root);
    }
    if (status != ACME_STATUS_VALID) { /* invalid, deactivated, expired, revoked */
        return authorization_failed(c, root, name_under_way(c));
    }
#if defined(CONFIG_ACME_DNS)
    take_stale_record(c, root);
#endif
    next_authorization(c, name_under_way(c));
    return ACME_OK;
}

/* ---- states of a challenge ---- */

#if defined(CONFIG_ACME_DNS)
/* What an operation of the provider says, with a bound on how long it may say "later". */
static int32_t bound_operation(struct acme_client *c, int32_t rc, uint32_t wait_ms)
{
    uint64_t now = acme_clock_uptime_ms(&c->clock), deadline = c->order.deadline_ms;

    if (rc != ACME_ERR_AGAIN) {
        return rc > 0 ? ACME_ERR_DNS : rc;
    }
    if (now >= deadline) {
        if (c->challenges.dns->stop != NULL) {
            c->challenges.dns->stop(c->challenges.dns_ctx);
        }
        return ACME_ERR_DNS_TIMEOUT;
    }
    c->call_again_ms = now + wait_ms < deadline ? now + wait_ms : deadline;
    return rc;
}

static void get_record(const struct acme_client *c, uint16_t index, struct acme_dns_record *record)
{
    int64_t now_s;

    record->name = acme_pool_get(c, c->order.records[index].name);
    record->value = acme_pool_get(c, c->order.records[index].value);
    record->now_s = acme_clock_now(&c->clock, &now_s) == ACME_OK ? now_s : 0;
}

int32_t acme_enter_present(struct acme_client *c)
{
    struct acme_order_state *o = &c->order;
    const struct acme_dns_ops *dns = c->challenges.dns;
    uint32_t wait_ms = 1000;
    struct acme_dns_record record;
    int32_t rc = ACME_OK;

    get_record(c, (uint16_t)(o->record_count - 1), &record);
    if (o->type->publishes) {
        rc = dns->present(c->challenges.dns_ctx, &record, &wait_ms);
    }
    rc = bound_operation(c, rc, wait_ms);
    if (rc == ACME_ERR_AGAIN) {
        return rc;
    }
    if (rc != ACME_OK) {
        return fail_here(c, rc);
    }
    o->type = NULL;
    o->authorization_index++;
    go_on(c);
    return ACME_OK;
}

int32_t acme_enter_ready(struct acme_client *c)
{
    struct acme_order_state *o = &c->order;
    uint32_t wait_ms = 1000;
    struct acme_challenge challenge;
    struct acme_dns_record record;
    int32_t rc;

    describe(c, &challenge);
    get_record(c, o->record, &record);
    challenge.issuers = record.value;
    rc = bound_operation(c, o->type->ready(&c->challenges, &challenge, &record, &wait_ms), wait_ms);
    if (rc == ACME_ERR_AGAIN) {
        return rc;
    }
    if (rc != ACME_OK) {
        return fail_here(c, rc);
    }
    o->challenge = o->records[o->record].url;
    return acme_client_go(c, ACME_STATE_CHALLENGE);
}

static int32_t end_clean_up(struct acme_client *c)
{
    struct acme_order_state *o = &c->order;
    int32_t rc;

    c->pool_len = o->challenge_mark = o->records_mark;
    o->record_count = 0;
    o->proving = false;
    acme_authorization_stop(c);
    if (o->after == ACME_AFTER_GO_ON) {
        go_on(c);
        return ACME_OK;
    }
    rc = settle(c, (enum acme_after)o->after, o->error);
    return rc;
}

int32_t acme_enter_clean_up(struct acme_client *c)
{
    struct acme_order_state *o = &c->order;
    const struct acme_dns_ops *dns = c->challenges.dns;
    uint32_t wait_ms = 1000;
    struct acme_dns_record record;
    int32_t rc = ACME_OK;

    if (o->record >= o->record_count) {
        return end_clean_up(c);
    }
    get_record(c, o->record, &record);
    if (o->records[o->record].type->publishes && dns->cleanup != NULL) {
        rc = dns->cleanup(c->challenges.dns_ctx, &record, &wait_ms);
    }
    rc = bound_operation(c, rc, wait_ms);
    if (rc == ACME_ERR_AGAIN) {
        return rc;
    }
    if (rc != ACME_OK) {
        ACME_LOG(c->config.port, ACME_LOG_WARNING, "dns: a record stays behind:", record.name, rc);
    }
    o->record++;
    start_operation(c);
    return ACME_OK;
}
#endif

/* From now on the CA is answered, if the way is one that answers. */
static int32_t answer(struct acme_client *c)
{
#if defined(ACME_CHALLENGE_CHOICE)
    struct acme_challenge challenge;

    if (c->order.type->answer == NULL) {
        return ACME_OK;
    }
    describe(c, &challenge);
    return c->order.type->answer(&c->challenges, &challenge);
#else
    struct acme_challenges *s = &c->challenges;
    int32_t rc = acme_responder_open(&s->http, s->http_port);

    if (rc == ACME_OK) {
        acme_responder_set(&s->http, acme_pool_get(c, c->order.token),
                           acme_pool_get(c, c->order.key_authorization));
    }
    return rc;
#endif
}

int32_t acme_enter_challenge(struct acme_client *c)
{
    struct acme_order_state *o = &c->order;
    struct acme_buf payload;
    int32_t rc = answer(c);

    if (rc != ACME_OK) {
        return fail_here(c, rc);
    }
    c->served_seen = acme_challenges_served(&c->challenges);
#if defined(CONFIG_ACME_EARLY_FINALIZE)
    o->proof_fetched = false;
#endif
    if (o->challenge_sent) { /* by an earlier run: the CA may come at any time */
        return acme_authorization_wait(c);
    }
    acme_request_payload(c, &payload);
    acme_buf_add(&payload, "{}");
    return acme_request_post_at(c, o->challenge, &payload, ACME_SIGNER_ACCOUNT);
}

int32_t acme_reply_challenge(struct acme_client *c)
{
    return acme_authorization_wait(c);
}

/* The wait ends at wait_until_ms, which acme_poll watches. */
#if defined(CONFIG_ACME_EARLY_FINALIZE)
/* Whether, as far as this side can tell, only the CA's verdict on the last name is missing. */
static bool seems_proven(const struct acme_client *c)
{
    const struct acme_order_state *o = &c->order;

#if defined(CONFIG_ACME_PRE_AUTHORIZATION)
    if (o->pre_authorizing) {
        return false;
    }
#endif
#if defined(CONFIG_ACME_DNS)
    if (o->record_count > 0) {
        return false;
    }
#endif
    return o->proof_fetched && !o->early_tried &&
           o->authorization_index + 1u == o->authorization_count;
}

/* A refusal says seldom when to come again: sooner to a CA that is near. */
int32_t acme_authorization_not_yet(struct acme_client *c)
{
    c->order.early = false;
    return wait_for_verdict(c, c->settle_ms * 12u);
}

void acme_authorization_was_early(struct acme_client *c)
{
    c->order.early = false;
    acme_client_emit(c, ACME_EVENT_AUTHORIZED, name_under_way(c));
    acme_authorization_stop(c);
    acme_challenges_close(&c->challenges);
}
#endif

int32_t acme_enter_authorization_wait(struct acme_client *c)
{
#if defined(CONFIG_ACME_EARLY_FINALIZE)
    /* RFC 8555 7.4: "Once the client believes it has fulfilled the server's requirements". Right,
     * it saves a request; wrong, it costs none more, for the authorization was not ready either. */
    if (seems_proven(c)) {
        c->order.early = c->order.early_tried = true;
        return acme_client_go(c, ACME_STATE_FINALIZE);
    }
#endif
    return acme_client_go(c, ACME_STATE_AUTHORIZATION);
}

/* ---- the directory, and authorizations before an order ---- */

int32_t acme_authorization_read_directory(struct acme_client *c, acme_json_value root)
{
    acme_json_value meta = acme_json_object(root, "meta");
    int32_t rc = ACME_OK;

#if defined(CONFIG_ACME_DNS_PERSIST_01)
    struct acme_buf issuers;

    acme_buf_init(&issuers, c->work, 512);
    c->directory.issuers = 0;
    if (write_issuers(acme_json_array(meta, "caaIdentities"), &issuers) == ACME_OK &&
        acme_buf_result(&issuers) > 0) {
        rc = acme_pool_add(c, issuers.data, &c->directory.issuers);
    }
#endif
#if defined(CONFIG_ACME_SUBDOMAINS)
    c->directory.subdomains = acme_json_true(meta, "subdomainAuthAllowed");
#endif
    (void)c;
    (void)meta;
    return rc;
}

#if defined(CONFIG_ACME_PRE_AUTHORIZATION)
/* The next name that can be proven before an order: not a wildcard, and once for all names that
 * have their ancestor proven. NULL: there is none. */
static const char *next_to_authorize(struct acme_client *c, bool *by_ancestor)
{
    const struct acme_cert_request *request = acme_client_request(c);
    struct acme_order_state *o = &c->order;

    *by_ancestor = false;
    for (; o->next_name < request->names_count; o->next_name++) {
        const char *name = request->names[o->next_name];

#if defined(CONFIG_ACME_SUBDOMAINS)
        if (acme_authorization_has_ancestor(c, name)) {
            if (o->by_ancestor) {
                continue; /* asked for already */
            }
            *by_ancestor = true;
            return request->ancestor;
        }
#endif
        if (name[0] != '*') {
            return name;
        }
    }
    return NULL;
}

int32_t acme_enter_new_authorization(struct acme_client *c)
{
    struct acme_order_state *o = &c->order;
    struct acme_buf payload;
    bool by_ancestor;
    const char *name = next_to_authorize(c, &by_ancestor);

    if (name == NULL) {
        o->challenge_mark = c->pool_len;
        go_on(c);
        return ACME_OK;
    }
    acme_request_payload(c, &payload);
    acme_buf_add(&payload, "{\"identifier\":{\"type\":\"");
    acme_buf_add(&payload, kind_of(name) == ACME_PROVES_ADDRESS ? "ip" : "dns");
    acme_buf_add(&payload, "\",\"value\":\"");
    acme_buf_add_json(&payload, name);
    acme_buf_add(&payload, by_ancestor ? "\",\"subdomainAuthAllowed\":true}}" : "\"}}");
    return acme_request_post_at(c, c->directory.urls[ACME_URL_NEW_AUTHZ], &payload,
                                ACME_SIGNER_ACCOUNT);
}

int32_t acme_reply_new_authorization(struct acme_client *c)
{
    const struct acme_http_response *r = &c->exchange.parser.response;
    struct acme_order_state *o = &c->order;
    bool by_ancestor;
    int32_t rc;

    if (r->status != 201 && r->status != 200) {
        return ACME_ERR_HTTP_STATUS;
    }
    if (r->location[0] == '\0') {
        return ACME_ERR_FIELD;
    }
    rc = acme_pool_add_url(c, r->location, &o->authorizations[o->authorization_count]);
    if (rc != ACME_OK) {
        return rc;
    }
    (void)next_to_authorize(c, &by_ancestor);
#if defined(CONFIG_ACME_SUBDOMAINS)
    o->by_ancestor = o->by_ancestor || by_ancestor;
#endif
    o->next_name++;
    o->authorization_count++;
    return acme_client_go(c, ACME_STATE_NEW_AUTHORIZATION);
}
#endif

/* ---- tls-alpn-01 on the firmware's own port ---- */

#if defined(CONFIG_ACME_TLS_ALPN_01)
bool acme_tls_alpn_is_wanted(acme_client *c)
{
    return c->challenges.tls.identifier != NULL;
}

int acme_tls_alpn_select(acme_client *c, mbedtls_ssl_context *ssl)
{
    int verdict = acme_tls_alpn_choose(&c->challenges.tls, ssl);

    if (verdict == ACME_TLS_ALPN_OURS) {
        c->challenges.tls.served++;
    }
    return verdict;
}
#endif
