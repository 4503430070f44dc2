/*
 * The simulated CA: resources and their states. What it does with bytes is in ca_pki.c.
 */
#include "ca_sim.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <mbedtls/x509_crt.h>

#include "acme/error.h"
#include "ca_pki.h"
#include "cJSON.h"

#define URL          "https://" CA_SIM_HOST
#define NONE         UINT32_MAX
#define BODY_MAX     16384u
#define FETCH_MS     10000u
#define ORDER_S      (7u * 86400u) /* a pending order is good for this long */
#define DAY_MS       86400000u
#define INTERMEDIATE "CN=Simulated CA"
#define ROOT         "CN=Simulated root"

/* ---- the block ---- */

static size_t orders_at(void)
{
    return (sizeof(struct ca_sim) + 15u) & ~(size_t)15u;
}

static size_t accounts_at(const struct ca_sim *ca)
{
    return orders_at() + ca->orders_max * sizeof(struct ca_sim_order);
}

static size_t active_at(const struct ca_sim *ca)
{
    return accounts_at(ca) + ca->accounts_max * sizeof(struct ca_sim_account);
}

size_t ca_sim_size(uint32_t accounts_max, uint32_t orders_max)
{
    struct ca_sim ca;

    ca.accounts_max = accounts_max;
    ca.orders_max = orders_max;
    return active_at(&ca) + orders_max * sizeof(uint32_t);
}

struct ca_sim_order *ca_sim_order(struct ca_sim *ca, uint32_t index)
{
    return (struct ca_sim_order *)(void *)((char *)ca + orders_at()) + index;
}

struct ca_sim_account *ca_sim_account(struct ca_sim *ca, uint32_t index)
{
    return (struct ca_sim_account *)(void *)((char *)ca + accounts_at(ca)) + index;
}

static uint32_t *active(struct ca_sim *ca)
{
    return (uint32_t *)(void *)((char *)ca + active_at(ca));
}

void ca_sim_copy(struct ca_sim *to, const struct ca_sim *from)
{
    memcpy(to, from, sizeof(*from));
    memcpy((char *)to + orders_at(), (const char *)from + orders_at(),
           from->orders_count * sizeof(struct ca_sim_order));
    memcpy((char *)to + accounts_at(from), (const char *)from + accounts_at(from),
           from->accounts_count * sizeof(struct ca_sim_account));
    memcpy((char *)to + active_at(from), (const char *)from + active_at(from),
           from->active_count * sizeof(uint32_t));
}

/* ---- numbers nobody else has ---- */

static uint64_t mix(uint64_t a, uint64_t b)
{
    uint64_t x = a ^ (b * 0x9e3779b97f4a7c15u);

    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static void put64(uint8_t *p, uint64_t v)
{
    size_t i;

    for (i = 0; i < 8; i++) {
        p[i] = (uint8_t)(v >> (56 - 8 * i));
    }
}

static uint64_t get64(const uint8_t *p)
{
    uint64_t v = 0;
    size_t i;

    for (i = 0; i < 8; i++) {
        v = v << 8 | p[i];
    }
    return v;
}

static void derive_key(uint64_t seed, uint64_t which, uint8_t key[32])
{
    size_t i;

    for (i = 0; i < 4; i++) {
        put64(key + 8 * i, mix(mix(seed, which), i + 1));
    }
    key[0] &= 0x7f; /* below the order of the curve */
}

static void serial_of(const struct ca_sim *ca, uint32_t order, uint8_t serial[16])
{
    memset(serial, 0, 16);
    put64(serial + 4, mix(ca->seed, order));
    put64(serial + 8, mix(ca->seed, order) << 32 | order);
    memcpy(serial, "NaCA", 4);
}

static void token_of(const struct ca_sim *ca, uint32_t order, uint32_t index, char token[23])
{
    uint8_t raw[16];

    put64(raw, mix(ca->seed ^ 0x746f6b656e, order));
    put64(raw + 8, mix(get64(raw), index));
    (void)ca_pki_b64(raw, sizeof(raw), token);
}

/* ---- defaults and time ---- */

static uint32_t or_default(uint32_t value, uint32_t fallback)
{
    return value != 0 ? value : fallback;
}

static int64_t true_s(const struct ca_sim *ca)
{
    return ca->epoch_s + (int64_t)(ca->now_ms / 1000u);
}

/* RFC 3339 in a buffer of the caller. */
static const char *date(int64_t unix_s, char out[24])
{
    time_t t = (time_t)unix_s;
    struct tm tm;

    (void)gmtime_r(&t, &tm);
    (void)strftime(out, 24, "%Y-%m-%dT%H:%M:%SZ", &tm);
    return out;
}

/* ---- a request under way ---- */

struct buffer {
    char *text;
    size_t size, len;
};

__attribute__((format(printf, 2, 3))) static void add(struct buffer *b, const char *format, ...)
{
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(b->text + b->len, b->size - b->len, format, args);
    va_end(args);
    if (n < 0 || (size_t)n >= b->size - b->len) {
        (void)fprintf(stderr, "ca_sim: a reply is too long\n");
        abort();
    }
    b->len += (size_t)n;
}

struct call {
    struct ca_sim *ca;
    char method[8], path[160];
    const char *body;
    size_t body_len;
    /* of a signed request */
    cJSON *outer, *header, *payload;
    bool as_get; /* an empty payload */
    bool has_jwk;
    uint8_t point[CA_SIM_POINT];
    uint32_t account;
    /* of the reply */
    uint16_t status;
    const char *content;
    uint32_t retry_after_s;
    bool nonce;
    char location[160];
    struct buffer reply;
};

/* A problem document; what a well-behaved client never does is counted. */
static bool problem(struct call *k, uint16_t status, const char *type, const char *detail)
{
    k->status = status;
    k->content = "application/problem+json";
    k->reply.len = 0;
    add(&k->reply, "{\"type\":\"urn:ietf:params:acme:error:%s\",\"detail\":\"%s\",\"status\":%u}",
        type, detail, status);
    k->ca->counters.problems++;
    return false;
}

static bool violation(struct call *k, uint16_t status, const char *type, const char *detail)
{
    k->ca->counters.violations++;
    (void)snprintf(k->ca->counters.violation, sizeof(k->ca->counters.violation), "%s", detail);
    return problem(k, status, type, detail);
}

static bool json(struct call *k, uint16_t status)
{
    k->status = status;
    k->content = "application/json";
    return true;
}

static const char *text_of(const cJSON *object, const char *name)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
}

/* ---- nonces ---- */

static void nonce_make(struct ca_sim *ca, char out[23])
{
    uint64_t n = ca->nonce_next++;
    uint8_t raw[16];

    ca->nonce_used[n % CA_SIM_NONCES / 8] &= (uint8_t) ~(1u << n % 8);
    put64(raw, n);
    put64(raw + 8, mix(ca->seed ^ 0x6e6f6e6365, n));
    (void)ca_pki_b64(raw, sizeof(raw), out);
}

static bool nonce_take(struct ca_sim *ca, const char *text)
{
    uint8_t raw[16];
    uint64_t n;

    if (ca_pki_unb64(text, strlen(text), raw, sizeof(raw)) != 16) {
        return false;
    }
    n = get64(raw);
    if (get64(raw + 8) != mix(ca->seed ^ 0x6e6f6e6365, n) || n >= ca->nonce_next ||
        n + CA_SIM_NONCES < ca->nonce_next ||
        ((uint32_t)ca->nonce_used[n % CA_SIM_NONCES / 8] >> n % 8 & 1u) != 0) {
        return false;
    }
    ca->nonce_used[n % CA_SIM_NONCES / 8] |= (uint8_t)(1u << n % 8);
    ca->nonces_taken++;
    return ca->options.bad_nonce_every == 0 || ca->nonces_taken % ca->options.bad_nonce_every != 0;
}

/* ---- JWS (RFC 7515, RFC 8555 6.2) ---- */

static cJSON *decode(const char *b64)
{
    static uint8_t raw[12288];
    int32_t len = b64 == NULL ? -1 : ca_pki_unb64(b64, strlen(b64), raw, sizeof(raw));

    return len <= 0 ? NULL : cJSON_ParseWithLength((const char *)raw, (size_t)len);
}

static bool read_jwk(const cJSON *jwk, uint8_t point[CA_SIM_POINT])
{
    const char *kty = text_of(jwk, "kty"), *crv = text_of(jwk, "crv");
    const char *x = text_of(jwk, "x"), *y = text_of(jwk, "y");

    point[0] = 4;
    return kty != NULL && strcmp(kty, "EC") == 0 && crv != NULL && strcmp(crv, "P-256") == 0 &&
           x != NULL && ca_pki_unb64(x, strlen(x), point + 1, 32) == 32 && y != NULL &&
           ca_pki_unb64(y, strlen(y), point + 33, 32) == 32 && text_of(jwk, "d") == NULL;
}

/* The signature over "protected.payload" with the point. */
static bool signature_holds(const cJSON *jws, const uint8_t point[CA_SIM_POINT])
{
    static char text[24576];
    const char *p = text_of(jws, "protected"), *q = text_of(jws, "payload");
    const char *s = text_of(jws, "signature");
    uint8_t raw[64];
    int len;

    if (p == NULL || q == NULL || s == NULL || ca_pki_unb64(s, strlen(s), raw, 64) != 64) {
        return false;
    }
    len = snprintf(text, sizeof(text), "%s.%s", p, q);
    return len > 0 && (size_t)len < sizeof(text) && ca_pki_verify(point, text, (size_t)len, raw);
}

static uint32_t find_account(struct ca_sim *ca, const uint8_t point[CA_SIM_POINT])
{
    uint32_t i;

    for (i = 0; i < ca->accounts_count; i++) {
        if (memcmp(ca_sim_account(ca, i)->key, point, CA_SIM_POINT) == 0) {
            return i;
        }
    }
    return NONE;
}

/* The number behind a prefix, the whole of the rest. */
static bool number_behind(const char *text, const char *prefix, uint32_t *number, const char **rest)
{
    size_t len = strlen(prefix);
    char *end;

    if (strncmp(text, prefix, len) != 0 || text[len] < '0' || text[len] > '9') {
        return false;
    }
    *number = (uint32_t)strtoul(text + len, &end, 10);
    *rest = end;
    return true;
}

static bool check_kid(struct call *k, const char *kid)
{
    const char *rest;

    if (!number_behind(kid, URL "/account/", &k->account, &rest) || *rest != '\0' ||
        k->account >= k->ca->accounts_count) {
        return problem(k, 400, "accountDoesNotExist", "no such account");
    }
    memcpy(k->point, ca_sim_account(k->ca, k->account)->key, CA_SIM_POINT);
    return true;
}

static bool check_header(struct call *k)
{
    const char *alg = text_of(k->header, "alg"), *url = text_of(k->header, "url");
    const char *kid = text_of(k->header, "kid");
    const cJSON *jwk = cJSON_GetObjectItemCaseSensitive(k->header, "jwk");
    const char *nonce = text_of(k->header, "nonce");
    char here[sizeof(k->path) + 32];

    (void)snprintf(here, sizeof(here), URL "%s", k->path);
    if (alg == NULL || strcmp(alg, "ES256") != 0) {
        return violation(k, 400, "badSignatureAlgorithm", "ES256 only");
    }
    if (url == NULL || strcmp(url, here) != 0) {
        return violation(k, 403, "unauthorized", "the url is not the request's");
    }
    if ((kid == NULL) == (jwk == NULL)) {
        return violation(k, 400, "malformed", "kid or jwk, one of them");
    }
    if (nonce == NULL) {
        return violation(k, 400, "malformed", "no nonce");
    }
    if (!nonce_take(k->ca, nonce)) {
        k->ca->counters.bad_nonces++;
        return problem(k, 400, "badNonce", "the nonce is not good");
    }
    k->has_jwk = jwk != NULL;
    if (k->has_jwk && !read_jwk(jwk, k->point)) {
        return violation(k, 400, "badPublicKey", "the jwk is not a P-256 key");
    }
    if (k->has_jwk) {
        k->account = find_account(k->ca, k->point);
        return true;
    }
    return check_kid(k, kid);
}

static bool read_payload(struct call *k)
{
    const char *payload = text_of(k->outer, "payload");

    k->as_get = payload != NULL && payload[0] == '\0';
    k->payload = k->as_get ? NULL : decode(payload);
    if (!k->as_get && !cJSON_IsObject(k->payload)) {
        return violation(k, 400, "malformed", "the payload is not an object");
    }
    return true;
}

/* Reads and checks a signed request; false with the reply made. */
static bool read_jws(struct call *k, bool jwk_allowed, bool kid_allowed)
{
    k->outer = cJSON_ParseWithLength(k->body, k->body_len);
    k->header = decode(text_of(k->outer, "protected"));
    if (k->header == NULL) {
        return violation(k, 400, "malformed", "the body is not a JWS");
    }
    if (!check_header(k)) {
        return false;
    }
    if (!(k->has_jwk ? jwk_allowed : kid_allowed)) {
        return violation(k, 400, "malformed", "kid where jwk is due, or the other way");
    }
    if (!signature_holds(k->outer, k->point)) {
        return violation(k, 400, "malformed", "the signature is wrong");
    }
    if (!k->has_jwk && ca_sim_account(k->ca, k->account)->status != CA_SIM_VALID) {
        return problem(k, 401, "unauthorized", "the account is not in use");
    }
    return read_payload(k);
}

/* ---- directory and account ---- */

static bool do_directory(struct call *k)
{
    add(&k->reply, "{\"newNonce\":\"" URL "/new-nonce\",\"newAccount\":\"" URL "/new-account\","
                   "\"newOrder\":\"" URL "/new-order\",\"revokeCert\":\"" URL "/revoke-cert\","
                   "\"keyChange\":\"" URL "/key-change\"");
    if (!k->ca->options.no_renewal_info) {
        add(&k->reply, ",\"renewalInfo\":\"" URL "/renewal-info\"");
    }
    if (k->ca->options.pre_authorization) {
        add(&k->reply, ",\"newAuthz\":\"" URL "/new-authz\"");
    }
    add(&k->reply, ",\"meta\":{%s\"termsOfService\":\"" URL "/terms/%u\"}}",
        k->ca->options.bindings ? "\"externalAccountRequired\":true," : "",
        k->ca->options.terms + 1);
    return json(k, 200);
}

static bool do_new_nonce(struct call *k)
{
    k->nonce = true;
    k->status = strcmp(k->method, "HEAD") == 0 ? 200 : 204;
    return true;
}

static const char *status_name(uint8_t status)
{
    static const char *const names[] = {"pending", "ready",       "processing", "valid",
                                        "invalid", "deactivated", "revoked"};

    return names[status];
}

static bool show_account(struct call *k, uint16_t status)
{
    const struct ca_sim_account *a = ca_sim_account(k->ca, k->account);

    (void)snprintf(k->location, sizeof(k->location), URL "/account/%u", k->account);
    add(&k->reply, "{\"status\":\"%s\",\"contact\":[", status_name(a->status));
    if (a->contact[0] != '\0') {
        add(&k->reply, "\"%s\"", a->contact);
    }
    add(&k->reply, "],\"orders\":\"" URL "/account/%u/orders\"}", k->account);
    return json(k, status);
}

static bool take_contact(struct call *k, struct ca_sim_account *a)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(k->payload, "contact");
    const char *first = cJSON_GetStringValue(cJSON_GetArrayItem(list, 0));

    if (list == NULL) {
        return true;
    }
    if (!cJSON_IsArray(list) || (cJSON_GetArraySize(list) > 0 && first == NULL)) {
        return violation(k, 400, "malformed", "contact is no list of strings");
    }
    if (first != NULL && strncmp(first, "mailto:", 7) != 0) {
        return problem(k, 400, "unsupportedContact", "mailto only");
    }
    (void)snprintf(a->contact, sizeof(a->contact), "%s", first != NULL ? first : "");
    return true;
}

/* An external binding is good once; its MAC is another test's. */
static bool take_binding(struct call *k)
{
    const cJSON *binding = cJSON_GetObjectItemCaseSensitive(k->payload, "externalAccountBinding");
    cJSON *header = decode(text_of(binding, "protected"));
    const char *kid = text_of(header, "kid");
    bool used = kid != NULL && strcmp(kid, k->ca->binding) == 0;

    if (kid != NULL) {
        (void)snprintf(k->ca->binding, sizeof(k->ca->binding), "%s", kid);
    }
    cJSON_Delete(header);
    if (kid == NULL) {
        return problem(k, 403, "externalAccountRequired", "a binding is needed");
    }
    if (used && k->ca->options.binding_is_malformed) {
        return problem(k, 400, "malformed", "The account is not awaiting external account binding");
    }
    return !used || problem(k, 403, "unauthorized", "Unknown external account binding (EAB) key.");
}

static bool do_new_account(struct call *k)
{
    bool agreed, existing;
    struct ca_sim_account *a;

    if (!read_jws(k, true, false)) {
        return false;
    }
    agreed = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(k->payload, "termsOfServiceAgreed"));
    existing = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(k->payload, "onlyReturnExisting"));
    k->ca->counters.lookups += existing ? 1u : 0u;
    if (cJSON_HasObjectItem(k->payload, "externalAccountBinding")) {
        k->ca->counters.bindings++;
        if (k->account != NONE && k->ca->options.bindings && !take_binding(k)) {
            return false;
        }
    }
    if (k->account != NONE) {
        a = ca_sim_account(k->ca, k->account);
        if (a->status != CA_SIM_VALID && !k->ca->options.shows_account) {
            return problem(k, 403, "unauthorized",
                           a->status == CA_SIM_REVOKED ? "the account is revoked"
                                                       : "the account is deactivated");
        }
        a->agreed = agreed ? k->ca->options.terms + 1 : a->agreed;
        return show_account(k, 200);
    }
    if (existing) {
        return problem(k, 400, "accountDoesNotExist", "no account has this key");
    }
    if (!agreed) {
        return problem(k, 400, "userActionRequired", "the terms are to be agreed to");
    }
    if (k->ca->options.bindings && !take_binding(k)) {
        return false;
    }
    if (k->ca->accounts_count == k->ca->accounts_max) {
        return problem(k, 429, "rateLimited", "no more accounts");
    }
    k->account = k->ca->accounts_count;
    a = ca_sim_account(k->ca, k->account);
    memset(a, 0, sizeof(*a));
    if (!take_contact(k, a) || !ca_pki_thumbprint(k->point, a->thumbprint)) {
        return false;
    }
    memcpy(a->key, k->point, CA_SIM_POINT);
    a->status = CA_SIM_VALID;
    a->agreed = k->ca->options.terms + 1;
    k->ca->accounts_count++;
    k->ca->counters.accounts++;
    return show_account(k, 201);
}

static bool do_account(struct call *k, uint32_t index)
{
    const char *status;
    struct ca_sim_account *a;

    if (!read_jws(k, false, true)) {
        return false;
    }
    if (index != k->account) {
        return violation(k, 403, "unauthorized", "another account");
    }
    a = ca_sim_account(k->ca, index);
    status = text_of(k->payload, "status");
    if (status != NULL && strcmp(status, "deactivated") == 0) {
        a->status = CA_SIM_DEACTIVATED;
    } else if (!take_contact(k, a)) {
        return false;
    }
    if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(k->payload, "termsOfServiceAgreed"))) {
        a->agreed = k->ca->options.terms + 1;
    }
    return show_account(k, 200);
}

/* RFC 8555 7.3.5: the old key signs a JWS that the new key has signed. */
static bool check_key_change(struct call *k, const cJSON *header, const cJSON *inner,
                             uint8_t point[CA_SIM_POINT])
{
    const char *url = text_of(header, "url"), *account = text_of(inner, "account");
    uint8_t old[CA_SIM_POINT];
    char here[sizeof(k->path) + 32], mine[64];

    (void)snprintf(here, sizeof(here), URL "%s", k->path);
    (void)snprintf(mine, sizeof(mine), URL "/account/%u", k->account);
    return url != NULL && strcmp(url, here) == 0 && text_of(header, "nonce") == NULL &&
           read_jwk(cJSON_GetObjectItemCaseSensitive(header, "jwk"), point) && account != NULL &&
           strcmp(account, mine) == 0 &&
           read_jwk(cJSON_GetObjectItemCaseSensitive(inner, "oldKey"), old) &&
           memcmp(old, k->point, CA_SIM_POINT) == 0 && signature_holds(k->payload, point);
}

static bool do_key_change(struct call *k)
{
    struct ca_sim_account *a;
    uint8_t point[CA_SIM_POINT];
    cJSON *header, *inner;
    uint32_t other;
    bool fine;

    if (!read_jws(k, false, true)) {
        return false;
    }
    header = decode(text_of(k->payload, "protected"));
    inner = decode(text_of(k->payload, "payload"));
    fine = check_key_change(k, header, inner, point);
    cJSON_Delete(header);
    cJSON_Delete(inner);
    if (!fine) {
        return violation(k, 400, "malformed", "the inner JWS of keyChange is wrong");
    }
    other = find_account(k->ca, point);
    if (other != NONE) {
        (void)snprintf(k->location, sizeof(k->location), URL "/account/%u", other);
        return problem(k, 409, "conflict", "the new key is an account's already");
    }
    a = ca_sim_account(k->ca, k->account);
    memcpy(a->key, point, CA_SIM_POINT);
    k->ca->counters.key_changes++;
    return ca_pki_thumbprint(point, a->thumbprint) && show_account(k, 200);
}

/* ---- orders ---- */

void ca_sim_order_url(uint32_t index, char *url, size_t size)
{
    (void)snprintf(url, size, URL "/order/%u", index);
}

uint32_t ca_sim_count_orders(struct ca_sim *ca, enum ca_sim_status status)
{
    uint32_t i, count = 0;

    for (i = 0; i < ca->orders_count; i++) {
        count += ca_sim_order(ca, i)->status == (uint8_t)status ? 1u : 0u;
    }
    return count;
}

static void add_names(struct call *k, const struct ca_sim_order *o)
{
    uint32_t i;

    add(&k->reply, "\"identifiers\":[");
    for (i = 0; i < o->names_count; i++) {
        add(&k->reply, "%s{\"type\":\"dns\",\"value\":\"%s\"}", i > 0 ? "," : "",
            o->authorizations[i].name);
    }
    add(&k->reply, "]");
}

static bool show_order(struct call *k, uint32_t index, uint16_t status)
{
    const struct ca_sim_order *o = ca_sim_order(k->ca, index);
    char when[24];
    uint32_t i;

    ca_sim_order_url(index, k->location, sizeof(k->location));
    add(&k->reply, "{\"status\":\"%s\",\"expires\":\"%s\",", status_name(o->status),
        date(k->ca->epoch_s + (int64_t)(o->created_ms / 1000u) + ORDER_S, when));
    add_names(k, o);
    add(&k->reply, ",\"authorizations\":[");
    for (i = 0; i < o->names_count; i++) {
        add(&k->reply, "%s\"" URL "/authorization/%u/%u\"", i > 0 ? "," : "", index, i);
    }
    add(&k->reply, "],\"finalize\":\"" URL "/order/%u/finalize\"", index);
    if (o->status == CA_SIM_VALID) {
        add(&k->reply, ",\"certificate\":\"" URL "/certificate/%u\"", index);
    }
    if (o->status == CA_SIM_INVALID) {
        add(&k->reply, ",\"error\":{\"type\":\"urn:ietf:params:acme:error:unauthorized\","
                       "\"detail\":\"a name was not proven in time\",\"status\":403}");
    }
    add(&k->reply, "}");
    return json(k, status);
}

static bool is_over_limit(const struct call *k)
{
    uint32_t i, count = 0;

    for (i = 0; i < k->ca->orders_count && k->ca->options.orders_per_day > 0; i++) {
        const struct ca_sim_order *o = ca_sim_order(k->ca, i);

        count += o->account == k->account && o->created_ms + DAY_MS > k->ca->now_ms ? 1u : 0u;
    }
    return k->ca->options.orders_per_day > 0 && count >= k->ca->options.orders_per_day;
}

/* A proof of an earlier order of the account that is still good. */
static uint64_t proven_until(struct ca_sim *ca, uint32_t account, const char *name)
{
    uint64_t until = 0;
    uint32_t i, j;

    for (i = 0; i < ca->orders_count && ca->options.authorization_s > 0; i++) {
        const struct ca_sim_order *o = ca_sim_order(ca, i);

        for (j = 0; o->account == account && j < o->names_count; j++) {
            const struct ca_sim_authorization *a = &o->authorizations[j];

            if (a->status == CA_SIM_VALID && strcmp(a->name, name) == 0 &&
                a->valid_until_ms > until) {
                until = a->valid_until_ms;
            }
        }
    }
    return until > ca->now_ms ? until : 0;
}

static bool take_names(struct call *k, struct ca_sim_order *o)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(k->payload, "identifiers");
    const cJSON *item;

    cJSON_ArrayForEach(item, list)
    {
        const char *type = text_of(item, "type"), *value = text_of(item, "value");
        struct ca_sim_authorization *a = &o->authorizations[o->names_count];

        if (type == NULL || value == NULL || o->names_count == CA_SIM_NAMES_MAX ||
            strlen(value) >= CA_SIM_NAME_MAX) {
            return violation(k, 400, "malformed", "the identifiers are not usable");
        }
        if (strcmp(type, "dns") != 0) {
            return problem(k, 400, "unsupportedIdentifier", "DNS names only");
        }
        (void)snprintf(a->name, sizeof(a->name), "%s", value);
        a->probe = -1;
        a->valid_until_ms = proven_until(k->ca, k->account, value);
        a->status = a->challenge = a->valid_until_ms > 0 ? CA_SIM_VALID : CA_SIM_PENDING;
        o->names_count++;
    }
    return o->names_count > 0 || violation(k, 400, "malformed", "no identifiers");
}

static void update_order(struct ca_sim *ca, struct ca_sim_order *o);

/* RFC 9773 4.1: base64url of the authority key identifier, a dot, base64url of the serial. */
static bool find_certificate(struct ca_sim *ca, const char *id, uint32_t *order)
{
    const char *dot = strchr(id, '.');
    uint8_t authority[20], serial[16], want[20], want_serial[16];

    if (dot == NULL || ca_pki_unb64(id, (size_t)(dot - id), authority, 20) != 20 ||
        ca_pki_unb64(dot + 1, strlen(dot + 1), serial, 16) != 16 ||
        !ca_pki_key_id(ca->point, want) || memcmp(authority, want, 20) != 0) {
        return false;
    }
    *order = (uint32_t)get64(serial + 8);
    if (*order >= ca->orders_count || ca_sim_order(ca, *order)->status != CA_SIM_VALID) {
        return false;
    }
    serial_of(ca, *order, want_serial);
    return memcmp(serial, want_serial, 16) == 0;
}

static bool take_replaces(struct call *k, struct ca_sim_order *o)
{
    const char *id = text_of(k->payload, "replaces");
    uint32_t old;

    if (id == NULL) {
        return true;
    }
    if (!find_certificate(k->ca, id, &old) || ca_sim_order(k->ca, old)->account != k->account) {
        return problem(k, 404, "malformed", "replaces names no certificate of the account");
    }
    if (ca_sim_order(k->ca, old)->replaced_by != 0) {
        return problem(k, 409, "alreadyReplaced", "the certificate was replaced before");
    }
    o->replaces = old + 1;
    return true;
}

static bool do_new_order(struct call *k)
{
    struct ca_sim *ca = k->ca;
    struct ca_sim_account *a;
    struct ca_sim_order *o = ca_sim_order(ca, ca->orders_count);

    if (!read_jws(k, false, true)) {
        return false;
    }
    a = ca_sim_account(ca, k->account);
    if (ca->options.terms_enforced && a->agreed != ca->options.terms + 1) {
        return problem(k, 403, "userActionRequired", "the terms have changed");
    }
    if (is_over_limit(k) || ca->orders_count == ca->orders_max) {
        k->retry_after_s = 86400;
        return problem(k, 429, "rateLimited", "too many orders");
    }
    memset(o, 0, sizeof(*o));
    o->account = k->account;
    o->created_ms = ca->now_ms;
    if (!take_names(k, o) || !take_replaces(k, o)) {
        return false;
    }
    if (o->replaces != 0) {
        ca_sim_order(ca, o->replaces - 1)->replaced_by = ca->orders_count + 1;
    }
    a->orders++;
    ca->orders_count++;
    ca->counters.orders++;
    update_order(ca, o);
    return show_order(k, ca->orders_count - 1, 201);
}

/* The order of a URL, if it is the account's. */
static struct ca_sim_order *own_order(struct call *k, uint32_t index)
{
    struct ca_sim_order *o = ca_sim_order(k->ca, index);

    if (index >= k->ca->orders_count || o->account != k->account) {
        (void)problem(k, 404, "malformed", "the account has no such order");
        return NULL;
    }
    o->touched = true;
    update_order(k->ca, o);
    return o;
}

static bool do_order(struct call *k, uint32_t index)
{
    if (!read_jws(k, false, true) || own_order(k, index) == NULL) {
        return false;
    }
    if (!k->as_get) {
        return violation(k, 400, "malformed", "an order is read by POST-as-GET");
    }
    return show_order(k, index, 200);
}

/* ---- authorizations ---- */

static const char *types_of(const struct ca_sim *ca)
{
    return ca->options.types != NULL ? ca->options.types : "http-01";
}

/* The types share all but their names: one of them is answered. */
static void add_challenge(struct call *k, uint32_t order, uint32_t index, const char *type,
                          size_t type_len)
{
    const struct ca_sim_authorization *a = &ca_sim_order(k->ca, order)->authorizations[index];
    char token[23];

    token_of(k->ca, order, index, token);
    add(&k->reply,
        "{\"type\":\"%.*s\",\"status\":\"%s\",\"url\":\"" URL "/challenge/%u/%u\","
        "\"token\":\"%s\"",
        (int)type_len, type, status_name(a->challenge), order, index, token);
    if (a->challenge == CA_SIM_INVALID) {
        add(&k->reply, ",\"error\":{\"type\":\"urn:ietf:params:acme:error:connection\","
                       "\"detail\":\"the proof was not found\",\"status\":400}");
    }
    add(&k->reply, "}");
}

static void add_challenges(struct call *k, uint32_t order, uint32_t index)
{
    const char *type = types_of(k->ca);

    while (*type != '\0') {
        size_t len = strcspn(type, " ");

        add_challenge(k, order, index, type, len);
        type += len;
        if (*type == ' ') {
            type++;
            add(&k->reply, ",");
        }
    }
}

static bool show_authorization(struct call *k, uint32_t order, uint32_t index)
{
    const struct ca_sim_authorization *a = &ca_sim_order(k->ca, order)->authorizations[index];
    bool wildcard = strncmp(a->name, "*.", 2) == 0;
    char when[24];

    add(&k->reply,
        "{\"identifier\":{\"type\":\"dns\",\"value\":\"%s\"},\"status\":\"%s\","
        "\"expires\":\"%s\",%s\"challenges\":[",
        a->name + (wildcard ? 2 : 0), status_name(a->status), date(true_s(k->ca) + ORDER_S, when),
        wildcard ? "\"wildcard\":true," : "");
    add_challenges(k, order, index);
    add(&k->reply, "]}");
    return json(k, 200);
}

/* It belongs to an order that nobody knows of. */
static bool do_new_authorization(struct call *k)
{
    struct ca_sim_order *o = ca_sim_order(k->ca, k->ca->orders_count);
    const cJSON *identifier;
    const char *value;

    if (!read_jws(k, false, true)) {
        return false;
    }
    identifier = cJSON_GetObjectItemCaseSensitive(k->payload, "identifier");
    value = text_of(identifier, "value");
    if (value == NULL || strlen(value) >= CA_SIM_NAME_MAX || value[0] == '*') {
        return violation(k, 400, "malformed", "the identifier is not usable");
    }
    if (strcmp(text_of(identifier, "type"), "dns") != 0 ||
        k->ca->orders_count == k->ca->orders_max) {
        return problem(k, 400, "unsupportedIdentifier", "DNS names only");
    }
    memset(o, 0, sizeof(*o));
    o->account = k->account;
    o->created_ms = k->ca->now_ms;
    o->names_count = 1;
    (void)snprintf(o->authorizations[0].name, CA_SIM_NAME_MAX, "%s", value);
    o->authorizations[0].probe = -1;
    k->ca->orders_count++;
    (void)snprintf(k->location, sizeof(k->location), URL "/authorization/%u/0",
                   k->ca->orders_count - 1);
    (void)show_authorization(k, k->ca->orders_count - 1, 0);
    return json(k, 201);
}

static bool do_authorization(struct call *k, uint32_t order, uint32_t index)
{
    const struct ca_sim_order *o = read_jws(k, false, true) ? own_order(k, order) : NULL;

    if (o == NULL) {
        return false;
    }
    if (index >= o->names_count) {
        return problem(k, 404, "malformed", "no such authorization");
    }
    return show_authorization(k, order, index);
}

static void activate(struct ca_sim *ca, uint32_t order)
{
    uint32_t i;

    for (i = 0; i < ca->active_count; i++) {
        if (active(ca)[i] == order) {
            return;
        }
    }
    active(ca)[ca->active_count++] = order;
}

static bool do_challenge(struct call *k, uint32_t order, uint32_t index)
{
    struct ca_sim_order *o = read_jws(k, false, true) ? own_order(k, order) : NULL;
    struct ca_sim_authorization *a;

    if (o == NULL) {
        return false;
    }
    if (index >= o->names_count || k->as_get) {
        return violation(k, 400, "malformed", "a challenge is answered with an object");
    }
    a = &o->authorizations[index];
    if (a->status == CA_SIM_PENDING && a->challenge == CA_SIM_PENDING) {
        a->challenge = CA_SIM_PROCESSING;
        a->next_ms = k->ca->now_ms + or_default(k->ca->options.validate_ms, 1000);
        activate(k->ca, order);
    }
    add_challenge(k, order, index, types_of(k->ca), strcspn(types_of(k->ca), " "));
    return json(k, 200);
}

/* ---- certificates ---- */

struct csr_names {
    const struct ca_sim_order *order;
    uint32_t seen;
};

static bool csr_name(void *ctx, const char *text, size_t len)
{
    struct csr_names *n = ctx;
    uint32_t i;

    for (i = 0; i < n->order->names_count; i++) {
        if (strlen(n->order->authorizations[i].name) == len &&
            strncasecmp(n->order->authorizations[i].name, text, len) == 0) {
            n->seen |= 1u << i;
            return true;
        }
    }
    return false;
}

static bool do_finalize(struct call *k, uint32_t index)
{
    struct ca_sim_order *o = read_jws(k, false, true) ? own_order(k, index) : NULL;
    const char *csr = text_of(k->payload, "csr"), *wrong;
    struct csr_names names = {o, 0};
    uint8_t der[2048], point[CA_SIM_POINT];
    int32_t len;

    if (o == NULL) {
        return false;
    }
    if (o->status != CA_SIM_READY) {
        return problem(k, 403, "orderNotReady", "the order is not ready");
    }
    len = csr == NULL ? -1 : ca_pki_unb64(csr, strlen(csr), der, sizeof(der));
    wrong = len < 0 ? "no CSR" : ca_pki_csr(der, (size_t)len, point, csr_name, &names);
    if (wrong == NULL && names.seen != (1u << o->names_count) - 1u) {
        wrong = "the CSR lacks a name of the order";
    }
    if (wrong == NULL && find_account(k->ca, point) != NONE) {
        wrong = "the CSR's key is an account's";
    }
    if (wrong != NULL) {
        return violation(k, 400, "badCSR", wrong);
    }
    memcpy(o->key, point, CA_SIM_POINT);
    o->status = CA_SIM_PROCESSING;
    o->ready_ms = k->ca->now_ms + or_default(k->ca->options.issue_ms, 500);
    activate(k->ca, index);
    return show_order(k, index, 200);
}

size_t ca_sim_leaf(struct ca_sim *ca, uint32_t order, uint8_t *der, size_t size)
{
    const struct ca_sim_order *o = ca_sim_order(ca, order);
    struct ca_pki_template t = {0};
    char subject[CA_SIM_NAME_MAX + 4];
    uint32_t i;

    if (order >= ca->orders_count || o->status != CA_SIM_VALID) {
        return 0;
    }
    (void)snprintf(subject, sizeof(subject), "CN=%s", o->authorizations[0].name);
    t.subject = subject;
    t.issuer = INTERMEDIATE;
    t.subject_point = o->key;
    t.issuer_key = ca->key;
    t.issuer_point = ca->point;
    serial_of(ca, order, t.serial);
    t.not_before_s = o->not_before_s;
    t.not_after_s = o->not_after_s;
    for (i = 0; i < o->names_count; i++) {
        t.names[i] = o->authorizations[i].name;
    }
    return ca_pki_write(&t, der, size);
}

static bool do_certificate(struct call *k, uint32_t index)
{
    static char pem[4096];
    uint8_t der[2048];
    size_t len;

    if (!read_jws(k, false, true) || own_order(k, index) == NULL) {
        return false;
    }
    len = ca_sim_leaf(k->ca, index, der, sizeof(der));
    if (len == 0 || ca_pki_pem(der, len, pem, sizeof(pem)) == 0) {
        return problem(k, 404, "malformed", "there is no certificate yet");
    }
    add(&k->reply, "%s", pem);
    if (ca_pki_pem(k->ca->intermediate, k->ca->intermediate_len, pem, sizeof(pem)) == 0) {
        return problem(k, 500, "serverInternal", "the intermediate cannot be written");
    }
    add(&k->reply, "%s", pem);
    k->status = 200;
    k->content = "application/pem-certificate-chain";
    return true;
}

/* The order whose certificate this is, byte for byte. */
static uint32_t order_of(struct ca_sim *ca, const uint8_t *der, size_t len)
{
    uint8_t mine[2048];
    mbedtls_x509_crt crt;
    uint32_t order = NONE;

    mbedtls_x509_crt_init(&crt);
    if (mbedtls_x509_crt_parse_der(&crt, der, len) == 0 && crt.serial.len == 16) {
        order = (uint32_t)get64(crt.serial.p + 8);
    }
    mbedtls_x509_crt_free(&crt);
    if (order < ca->orders_count && ca_sim_leaf(ca, order, mine, sizeof(mine)) == len &&
        memcmp(mine, der, len) == 0) {
        return order;
    }
    return NONE;
}

static bool do_revoke(struct call *k)
{
    const char *certificate;
    uint8_t der[2048];
    struct ca_sim_order *o;
    int32_t len;
    uint32_t order;

    if (!read_jws(k, true, true)) {
        return false;
    }
    certificate = text_of(k->payload, "certificate");
    len =
        certificate == NULL ? -1 : ca_pki_unb64(certificate, strlen(certificate), der, sizeof(der));
    order = len < 0 ? NONE : order_of(k->ca, der, (size_t)len);
    if (order == NONE) {
        return violation(k, 404, "malformed", "the certificate is not ours");
    }
    o = ca_sim_order(k->ca, order);
    if (k->has_jwk ? memcmp(o->key, k->point, CA_SIM_POINT) != 0 : o->account != k->account) {
        return violation(k, 403, "unauthorized", "neither the account nor the certificate's key");
    }
    if (o->revoked) {
        return problem(k, 400, "alreadyRevoked", "revoked before");
    }
    o->revoked = true;
    o->revoke_reason =
        (uint8_t)cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(k->payload, "reason"));
    k->ca->counters.revocations++;
    k->status = 200;
    return true;
}

static bool do_renewal_info(struct call *k, const char *id)
{
    char from_text[24], to_text[24];
    const struct ca_sim_order *o;
    int64_t life, from, to;
    uint32_t order;

    if (!find_certificate(k->ca, id, &order)) {
        return problem(k, 404, "malformed", "no such certificate");
    }
    o = ca_sim_order(k->ca, order);
    life = o->not_after_s - o->not_before_s;
    from = o->not_before_s + life * or_default(k->ca->options.window_from_permille, 667) / 1000;
    to = o->not_before_s + life * or_default(k->ca->options.window_to_permille, 700) / 1000;
    if (o->window_end_s != 0) {
        from = o->window_start_s;
        to = o->window_end_s;
    }
    add(&k->reply, "{\"suggestedWindow\":{\"start\":\"%s\",\"end\":\"%s\"}}", date(from, from_text),
        date(to, to_text));
    k->retry_after_s = or_default(k->ca->options.ari_retry_after_s, 21600);
    return json(k, 200);
}

/* ---- what takes time ---- */

/* An order's status follows from its authorizations'. */
static void update_order(struct ca_sim *ca, struct ca_sim_order *o)
{
    uint32_t i, valid = 0;

    if (o->status != CA_SIM_PENDING && o->status != CA_SIM_READY) {
        return;
    }
    for (i = 0; i < o->names_count; i++) {
        if (o->authorizations[i].status == CA_SIM_INVALID) {
            o->status = CA_SIM_INVALID;
        }
        valid += o->authorizations[i].status == CA_SIM_VALID ? 1u : 0u;
    }
    if (ca->now_ms > o->created_ms + ORDER_S * 1000ull) {
        o->status = CA_SIM_INVALID;
    }
    if (o->status == CA_SIM_PENDING && valid == o->names_count) {
        o->status = CA_SIM_READY;
    }
}

/* Whether the response of a device is the key authorization (RFC 8555 8.3). */
static bool is_proof(struct ca_sim *ca, uint32_t order, uint32_t index, const char *text,
                     size_t len)
{
    char want[80], token[23];
    const char *body = memmem(text, len, "\r\n\r\n", 4);
    int want_len;

    token_of(ca, order, index, token);
    want_len = snprintf(want, sizeof(want), "%s.%s", token,
                        ca_sim_account(ca, ca_sim_order(ca, order)->account)->thumbprint);
    return len > 12 && strncmp(text, "HTTP/1.1 200", 12) == 0 && body != NULL &&
           (size_t)(text + len - body - 4) >= (size_t)want_len &&
           strncmp(body + 4, want, (size_t)want_len) == 0;
}

static void proven(struct ca_sim *ca, struct ca_sim_authorization *a)
{
    a->status = a->challenge = CA_SIM_VALID;
    a->valid_until_ms = ca->now_ms + ca->options.authorization_s * 1000ull;
}

static void fetch_failed(struct ca_sim *ca, struct ca_sim_authorization *a)
{
    a->probe = -1;
    a->next_ms = ca->now_ms + or_default(ca->options.validate_retry_ms, 3000);
    if (a->tries >= or_default(ca->options.validate_tries, 1000)) {
        a->status = a->challenge = CA_SIM_INVALID;
    }
}

static void fetch_start(struct ca_sim *ca, uint32_t order, uint32_t index)
{
    struct ca_sim_authorization *a = &ca_sim_order(ca, order)->authorizations[index];
    char path[64] = "/.well-known/acme-challenge/";

    token_of(ca, order, index, path + strlen(path));
    a->tries++;
    ca->counters.fetches++;
    a->probe = ca->fetcher.start(ca->fetcher.ctx, a->name, path);
    a->next_ms = ca->now_ms + FETCH_MS;
    if (a->probe < 0) {
        fetch_failed(ca, a);
    }
}

static void fetch_poll(struct ca_sim *ca, uint32_t order, uint32_t index)
{
    struct ca_sim_authorization *a = &ca_sim_order(ca, order)->authorizations[index];
    char text[1024];
    int32_t len = ca->fetcher.poll(ca->fetcher.ctx, a->probe, text, sizeof(text));

    if (len == ACME_ERR_AGAIN && ca->now_ms < a->next_ms) {
        return;
    }
    if (len == ACME_ERR_AGAIN) {
        ca->fetcher.cancel(ca->fetcher.ctx, a->probe);
    }
    a->probe = -1;
    if (len > 0 && is_proof(ca, order, index, text, (size_t)len)) {
        proven(ca, a);
    } else {
        fetch_failed(ca, a);
    }
}

/* Whether the order still has something to wait for. */
static bool tick_order(struct ca_sim *ca, uint32_t order)
{
    struct ca_sim_order *o = ca_sim_order(ca, order);
    bool waits = false;
    uint32_t i;

    for (i = 0; i < o->names_count; i++) {
        struct ca_sim_authorization *a = &o->authorizations[i];

        if (a->challenge == CA_SIM_PROCESSING && ca->options.trusting) {
            if (ca->now_ms >= a->next_ms) {
                proven(ca, a);
            }
        } else if (a->challenge == CA_SIM_PROCESSING && a->probe >= 0) {
            fetch_poll(ca, order, i);
        } else if (a->challenge == CA_SIM_PROCESSING && ca->now_ms >= a->next_ms) {
            fetch_start(ca, order, i);
        }
        waits = waits || a->challenge == CA_SIM_PROCESSING;
    }
    update_order(ca, o);
    if (o->status == CA_SIM_PROCESSING && ca->now_ms >= o->ready_ms) {
        o->status = CA_SIM_VALID;
        o->not_before_s = true_s(ca) + ca->options.birth_skew_s -
                          (int64_t)or_default(ca->options.backdate_s, 3600);
        o->not_after_s =
            o->not_before_s + (int64_t)or_default(ca->options.lifetime_s, 90 * 86400) - 1;
        ca->counters.certificates++;
    }
    return waits || o->status == CA_SIM_PROCESSING;
}

void ca_sim_tick(struct ca_sim *ca, uint64_t now_ms)
{
    uint32_t i = 0;

    ca->now_ms = now_ms;
    while (i < ca->active_count) {
        if (tick_order(ca, active(ca)[i])) {
            i++;
        } else {
            active(ca)[i] = active(ca)[--ca->active_count];
        }
    }
}

uint64_t ca_sim_next_ms(struct ca_sim *ca)
{
    uint64_t next = UINT64_MAX;
    uint32_t i, j;

    for (i = 0; i < ca->active_count; i++) {
        const struct ca_sim_order *o = ca_sim_order(ca, active(ca)[i]);

        if (o->status == CA_SIM_PROCESSING && o->ready_ms < next) {
            next = o->ready_ms;
        }
        for (j = 0; j < o->names_count; j++) {
            if (o->authorizations[j].challenge == CA_SIM_PROCESSING &&
                o->authorizations[j].next_ms < next) {
                next = o->authorizations[j].next_ms;
            }
        }
    }
    return next;
}

void ca_sim_hang_up(struct ca_sim *ca)
{
    uint32_t i, j;

    for (i = 0; i < ca->active_count; i++) {
        struct ca_sim_order *o = ca_sim_order(ca, active(ca)[i]);

        for (j = 0; j < o->names_count; j++) {
            struct ca_sim_authorization *a = &o->authorizations[j];

            if (a->probe >= 0) {
                ca->fetcher.cancel(ca->fetcher.ctx, a->probe);
                fetch_failed(ca, a);
            }
        }
    }
}

/* ---- HTTP ---- */

static uint8_t route_of(const char *path, uint32_t *index, uint32_t *sub, const char **rest)
{
    static const struct {
        const char *path;
        uint8_t route;
    } fixed[] = {{"/directory", CA_SIM_DIRECTORY_GET},     {"/new-nonce", CA_SIM_NEW_NONCE},
                 {"/new-account", CA_SIM_NEW_ACCOUNT},     {"/new-order", CA_SIM_NEW_ORDER},
                 {"/new-authz", CA_SIM_NEW_AUTHORIZATION}, {"/revoke-cert", CA_SIM_REVOKE},
                 {"/key-change", CA_SIM_KEY_CHANGE}};
    static const struct {
        const char *path;
        uint8_t route;
        bool with_sub;
    } numbered[] = {{"/account/", CA_SIM_ACCOUNT, false},
                    {"/order/", CA_SIM_ORDER, false},
                    {"/authorization/", CA_SIM_AUTHORIZATION, true},
                    {"/challenge/", CA_SIM_CHALLENGE, true},
                    {"/certificate/", CA_SIM_CERTIFICATE, false}};
    size_t i;

    for (i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
        if (strcmp(path, fixed[i].path) == 0) {
            return fixed[i].route;
        }
    }
    if (strncmp(path, "/directory/", 11) == 0) {
        return CA_SIM_DIRECTORY_GET; /* other URLs of it */
    }
    if (strncmp(path, "/renewal-info/", 14) == 0) {
        *rest = path + 14;
        return CA_SIM_RENEWAL_INFO;
    }
    for (i = 0; i < sizeof(numbered) / sizeof(numbered[0]); i++) {
        if (!number_behind(path, numbered[i].path, index, rest)) {
            continue;
        }
        if (numbered[i].route == CA_SIM_ORDER && strcmp(*rest, "/finalize") == 0) {
            return CA_SIM_FINALIZE;
        }
        if (numbered[i].with_sub ? number_behind(*rest, "/", sub, rest) && **rest == '\0'
                                 : **rest == '\0') {
            return numbered[i].route;
        }
    }
    return CA_SIM_ROUTES;
}

/* A failure that a test has asked for. */
static bool is_faulty(struct call *k, uint8_t route)
{
    struct ca_sim *ca = k->ca;
    size_t i;

    if (ca->now_ms >= ca->options.down_from_ms && ca->now_ms < ca->options.down_until_ms) {
        k->retry_after_s = ca->options.down_retry_after_s;
        (void)problem(k, 503, "serverInternal", "down for maintenance");
        return true;
    }
    for (i = 0; i < CA_SIM_FAULTS; i++) {
        struct ca_sim_fault *f = &ca->faults[i];

        if (f->count > 0 && f->route == route) {
            f->count--;
            k->retry_after_s = f->retry_after_s;
            k->status = f->status;
            if (f->type != NULL) {
                (void)problem(k, f->status, f->type, "as the test has asked");
            }
            return true;
        }
    }
    return false;
}

static void dispatch(struct call *k)
{
    const char *rest = "";
    uint32_t index = 0, sub = 0;
    uint8_t route = route_of(k->path, &index, &sub, &rest);
    bool post = strcmp(k->method, "POST") == 0;
    bool read =
        route == CA_SIM_DIRECTORY_GET || route == CA_SIM_NEW_NONCE || route == CA_SIM_RENEWAL_INFO;

    k->nonce = post;
    if (route == CA_SIM_ROUTES || post == read) {
        (void)violation(k, route == CA_SIM_ROUTES ? 404 : 405, "malformed", "no such resource");
        return;
    }
    k->ca->counters.requests[route]++;
    k->ca->route = route;
    if (is_faulty(k, route)) {
        return;
    }
    switch (route) {
    case CA_SIM_DIRECTORY_GET:
        (void)do_directory(k);
        break;
    case CA_SIM_NEW_NONCE:
        (void)do_new_nonce(k);
        break;
    case CA_SIM_NEW_ACCOUNT:
        (void)do_new_account(k);
        break;
    case CA_SIM_ACCOUNT:
        (void)do_account(k, index);
        break;
    case CA_SIM_KEY_CHANGE:
        (void)do_key_change(k);
        break;
    case CA_SIM_NEW_ORDER:
        (void)do_new_order(k);
        break;
    case CA_SIM_NEW_AUTHORIZATION:
        (void)do_new_authorization(k);
        break;
    case CA_SIM_ORDER:
        (void)do_order(k, index);
        break;
    case CA_SIM_AUTHORIZATION:
        (void)do_authorization(k, index, sub);
        break;
    case CA_SIM_CHALLENGE:
        (void)do_challenge(k, index, sub);
        break;
    case CA_SIM_FINALIZE:
        (void)do_finalize(k, index);
        break;
    case CA_SIM_CERTIFICATE:
        (void)do_certificate(k, index);
        break;
    case CA_SIM_REVOKE:
        (void)do_revoke(k);
        break;
    default:
        (void)do_renewal_info(k, rest);
        break;
    }
}

static bool has_header(const char *request, const char *head_end, const char *header)
{
    const char *line;

    for (line = request; line != NULL && line < head_end;
         line = memchr(line, '\n', (size_t)(head_end - line))) {
        line += *line == '\n' ? 1 : 0;
        if (strncasecmp(line, header, strlen(header)) == 0) {
            return true;
        }
    }
    return false;
}

static void read_head(struct call *k, const char *request, size_t len)
{
    const char *end = memmem(request, len, "\r\n\r\n", 4);

    if (end == NULL || sscanf(request, "%7s %159s HTTP/1.1", k->method, k->path) != 2 ||
        !has_header(request, end, "Host: " CA_SIM_HOST "\r\n") ||
        !has_header(request, end, "User-Agent: ") ||
        (strcmp(k->method, "POST") == 0 &&
         !has_header(request, end, "Content-Type: application/jose+json\r\n"))) {
        k->path[0] = '\0'; /* no such resource */
        return;
    }
    k->body = end + 4;
    k->body_len = len - (size_t)(end + 4 - request);
}

static size_t write_reply(struct call *k, char *out, size_t size, bool *close)
{
    struct buffer b = {out, size, 0};
    char when[40], nonce[23];
    time_t t = (time_t)(true_s(k->ca) + k->ca->options.date_skew_s);
    struct tm tm;

    if (k->ca->options.date_lies > 0 && --k->ca->options.date_lies == 0) {
        k->ca->options.date_skew_s = 0;
    }
    (void)gmtime_r(&t, &tm);
    (void)strftime(when, sizeof(when), "%a, %d %b %Y %H:%M:%S GMT", &tm);
    add(&b, "HTTP/1.1 %u X\r\nDate: %s\r\nContent-Length: %zu\r\n", k->status, when, k->reply.len);
    if (k->content != NULL) {
        add(&b, "Content-Type: %s\r\n", k->content);
    }
    if (k->location[0] != '\0') {
        add(&b, "Location: %s\r\n", k->location);
    }
    if (k->retry_after_s != 0) {
        add(&b, "Retry-After: %u\r\n", k->retry_after_s);
    }
    if (k->nonce) {
        nonce_make(k->ca, nonce);
        add(&b, "Replay-Nonce: %s\r\n", nonce);
    }
    add(&b, "Connection: %s\r\n\r\n", *close ? "close" : "keep-alive");
    if (strcmp(k->method, "HEAD") != 0) {
        add(&b, "%.*s", (int)k->reply.len, k->reply.text);
    }
    return b.len;
}

size_t ca_sim_request(void *ctx, const char *request, size_t len, char *reply, size_t size,
                      bool *close)
{
    static char body[BODY_MAX];
    struct call k;

    memset(&k, 0, sizeof(k));
    k.ca = ctx;
    k.account = NONE;
    k.reply.text = body;
    k.reply.size = sizeof(body);
    body[0] = '\0';
    read_head(&k, request, len);
    dispatch(&k);
    cJSON_Delete(k.outer);
    cJSON_Delete(k.header);
    cJSON_Delete(k.payload);
    return write_reply(&k, reply, size, close);
}

/* ---- the CA's own certificates ---- */

static size_t write_ca(const char *subject, const uint8_t *point, const uint8_t *issuer_key,
                       const uint8_t *issuer_point, int64_t epoch_s, uint8_t number, uint8_t *der,
                       size_t size)
{
    struct ca_pki_template t = {0};

    t.subject = subject;
    t.issuer = ROOT;
    t.subject_point = point;
    t.issuer_key = issuer_key;
    t.issuer_point = issuer_point;
    t.is_ca = true;
    memset(t.serial, number, sizeof(t.serial));
    t.not_before_s = epoch_s - 365ll * 86400;
    t.not_after_s = epoch_s + 60ll * 365 * 86400;
    return ca_pki_write(&t, der, size);
}

void ca_sim_https_dates(const struct ca_sim *ca, int64_t now_s, int64_t *from_s, int64_t *to_s)
{
    const struct ca_sim_options *o = &ca->options;
    int64_t every = (int64_t)o->https_life_s - o->https_left_s, age = o->https_age_s;

    *from_s = ca->epoch_s - 365ll * 86400;
    *to_s = ca->epoch_s + 60ll * 365 * 86400;
    if (every > 0) {
        *from_s = ca->epoch_s - age;
        *from_s += (now_s - *from_s) / every * every;
        *to_s = *from_s + o->https_life_s;
    }
}

size_t ca_sim_server_certificate(struct ca_sim *ca, const uint8_t key[32], int64_t now_s,
                                 uint8_t *der, size_t size)
{
    uint8_t point[CA_SIM_POINT], root_point[CA_SIM_POINT];
    struct ca_pki_template t = {0};

    if (!ca_pki_point(key, point) || !ca_pki_point(ca->root_key, root_point)) {
        return 0;
    }
    t.subject = "CN=" CA_SIM_HOST;
    t.issuer = ROOT;
    t.subject_point = point;
    t.issuer_key = ca->root_key;
    t.issuer_point = root_point;
    memset(t.serial, 3, sizeof(t.serial));
    ca_sim_https_dates(ca, now_s, &t.not_before_s, &t.not_after_s);
    t.names[0] = CA_SIM_HOST;
    return ca_pki_write(&t, der, size);
}

bool ca_sim_init(struct ca_sim *ca, uint32_t accounts_max, uint32_t orders_max, uint64_t seed,
                 int64_t epoch_s, const struct ca_sim_fetcher *fetcher)
{
    uint8_t root_point[CA_SIM_POINT];

    memset(ca, 0, sizeof(*ca));
    ca->accounts_max = accounts_max;
    ca->orders_max = orders_max;
    ca->seed = seed;
    ca->epoch_s = epoch_s;
    ca->fetcher = *fetcher;
    derive_key(seed, 1, ca->root_key);
    derive_key(seed, 2, ca->key);
    if (!ca_pki_point(ca->root_key, root_point) || !ca_pki_point(ca->key, ca->point)) {
        return false;
    }
    ca->root_len = (uint16_t)write_ca(ROOT, root_point, ca->root_key, root_point, epoch_s, 1,
                                      ca->root, sizeof(ca->root));
    ca->intermediate_len =
        (uint16_t)write_ca(INTERMEDIATE, ca->point, ca->root_key, root_point, epoch_s, 2,
                           ca->intermediate, sizeof(ca->intermediate));
    return ca->root_len > 0 && ca->intermediate_len > 0;
}
