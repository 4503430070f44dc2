/*
 * The acme-dns provider: one POST over a TLS connection of its own. It must not know what the
 * record proves.
 */
#include "acme/config.h"

#if defined(CONFIG_ACME_DNS_ACMEDNS)

#include "acme/dns_acmedns.h"

#include <string.h>

#include "base/assert.h"
#include "base/buf.h"
#include "base/clock.h"
#include "dns/provider.h"
#include "net/exchange.h"
#include "json/json.h"
#include "base/log.h"

#define PATH       "/update"
#define OUT_SIZE   1024u
#define BODY_SIZE  512u
#define ARENA_SIZE 1024u

/* Steps after those of acme_dns_base_zone. */
enum step { STEP_POST = 2, STEP_REPLY };

struct acme_dns_acmedns {
    struct acme_dns_base base;
    struct acme_dns_acmedns_config config;
    struct acme_clock clock;
    struct acme_exchange exchange;
    bool tls_up;
    uint16_t body_len;
    struct acme_uri uri; /* of url */
    char url[CONFIG_ACME_URL_MAX + 1];
    char out[OUT_SIZE];
    char body[BODY_SIZE];
    _Alignas(8) uint8_t arena[ARENA_SIZE];
};

_Static_assert(sizeof(struct acme_dns_acmedns) <= ACME_DNS_ACMEDNS_SIZE, "ACME_DNS_ACMEDNS_SIZE");

/* What goes into a header field or a URL must not be able to end it. */
static bool is_token(const char *text)
{
    if (text == NULL || text[0] == '\0') {
        return false;
    }
    for (; *text != '\0'; text++) {
        if (*text <= ' ' || *text > '~') {
            return false;
        }
    }
    return true;
}

static int32_t check_config(const struct acme_dns_acmedns_config *config)
{
    uint16_t i;

    if (config->port == NULL || config->url == NULL || config->accounts == NULL) {
        return ACME_ERR_ARGUMENT;
    }
    for (i = 0; i < config->accounts_count; i++) {
        const struct acme_dns_acmedns_account *a = &config->accounts[i];

        if (!is_token(a->fulldomain) || !is_token(a->subdomain) || !is_token(a->username) ||
            !is_token(a->password)) {
            return ACME_ERR_ARGUMENT;
        }
    }
    return config->accounts_count > 0 ? ACME_OK : ACME_ERR_ARGUMENT;
}

static int32_t set_url(acme_dns_acmedns *a)
{
    size_t len = strlen(a->config.url);
    struct acme_buf b;

    while (len > 0 && a->config.url[len - 1] == '/') {
        len--;
    }
    acme_buf_init(&b, a->url, sizeof(a->url));
    acme_buf_add_n(&b, a->config.url, len);
    acme_buf_add(&b, PATH);
    return acme_buf_result(&b) > 0 && acme_uri_parse(a->url, &a->uri) == ACME_OK ? ACME_OK
                                                                                 : ACME_ERR_URL;
}

int32_t acme_dns_acmedns_init(acme_dns_acmedns **acmedns,
                              const struct acme_dns_acmedns_config *config, void *memory,
                              size_t memory_size)
{
    acme_dns_acmedns *a = memory;
    int32_t rc = config != NULL ? check_config(config) : ACME_ERR_ARGUMENT;

    if (rc != ACME_OK || acmedns == NULL || a == NULL || (uintptr_t)memory % 8u != 0) {
        return ACME_ERR_ARGUMENT;
    }
    if (memory_size < sizeof(*a)) {
        return ACME_ERR_MEMORY;
    }
    *acmedns = a;
    memset(a, 0, sizeof(*a));
    a->config = *config;
    a->exchange.port = config->port;
    a->exchange.clock = &a->clock;
    a->exchange.tls.stream = ACME_HANDLE_NONE;
    acme_clock_init(&a->clock, config->port->clock, config->port->clock_ctx, config->build_time_s);
    rc = acme_dns_base_init(&a->base, config->port, config->resolver, config->ns_port);
    return rc == ACME_OK ? set_url(a) : rc;
}

/* ---- the request ---- */

static int32_t on_body(void *ctx, const uint8_t *data, size_t len)
{
    acme_dns_acmedns *a = ctx;

    ACME_ASSERT(len <= sizeof(a->body) - a->body_len); /* the parser's limit */
    memcpy(a->body + a->body_len, data, len);
    a->body_len = (uint16_t)(a->body_len + len);
    return ACME_OK;
}

static const struct acme_dns_acmedns_account *find_account(const acme_dns_acmedns *a)
{
    uint16_t i;

    for (i = 0; i < a->config.accounts_count; i++) {
        if (acme_dns_same_name(a->config.accounts[i].fulldomain, a->base.zone.target)) {
            return &a->config.accounts[i];
        }
    }
    ACME_LOG(a->config.port, ACME_LOG_WARNING, "dns: no acme-dns account for", a->base.zone.target,
             0);
    return NULL;
}

/* The head with the body's fields and acme-dns's own in front of the empty line that ends it. */
static int32_t write_head(acme_dns_acmedns *a, const struct acme_dns_acmedns_account *account,
                          struct acme_http_request *request, size_t body_len)
{
    struct acme_buf b;
    int32_t n = acme_http_request_write(request, a->out, sizeof(a->out));

    if (n < 0) {
        return n;
    }
    acme_buf_init(&b, a->out + n - 2, sizeof(a->out) - (size_t)n + 2);
    acme_buf_add(&b, "Content-Type: application/json\r\nContent-Length: ");
    acme_buf_add_u32(&b, (uint32_t)body_len);
    acme_buf_add(&b, "\r\nX-Api-User: ");
    acme_buf_add(&b, account->username);
    acme_buf_add(&b, "\r\nX-Api-Key: ");
    acme_buf_add(&b, account->password);
    acme_buf_add(&b, "\r\n\r\n");
    return acme_buf_result(&b) < 0 ? ACME_ERR_BUFFER : n - 2 + (int32_t)b.len;
}

static int32_t write_request(acme_dns_acmedns *a, const struct acme_dns_acmedns_account *account,
                             struct acme_http_request *request, const char *value)
{
    struct acme_buf b;
    int32_t head;

    /* The reply's buffer holds the body until its length is in the head. */
    acme_buf_init(&b, a->body, sizeof(a->body));
    acme_buf_add(&b, "{\"subdomain\":\"");
    acme_buf_add_json(&b, account->subdomain);
    acme_buf_add(&b, "\",\"txt\":\"");
    acme_buf_add_json(&b, value);
    acme_buf_add(&b, "\"}");
    if (acme_buf_result(&b) < 0) {
        return ACME_ERR_BUFFER;
    }
    head = write_head(a, account, request, b.len);
    if (head < 0) {
        return head;
    }
    if (b.len > sizeof(a->out) - (size_t)head) {
        return ACME_ERR_BUFFER;
    }
    memcpy(a->out + head, a->body, b.len);
    return head + (int32_t)b.len;
}

static int32_t post(acme_dns_acmedns *a, const char *value)
{
    const struct acme_dns_acmedns_account *account = find_account(a);
    struct acme_http_request request = {.method = "POST", .url = a->url, .uri = a->uri};
    int32_t n;

    if (account == NULL) {
        return ACME_ERR_DNS_API;
    }
    n = acme_tls_init(&a->exchange.tls, a->config.port, &a->clock, a->config.anchors,
                      a->config.anchors_count);
    a->tls_up = true; /* at least in part: stop frees it */
    if (n != ACME_OK) {
        return n;
    }
    n = write_request(a, account, &request, value);
    if (n < 0) {
        return n;
    }
    a->body_len = 0;
    acme_http_parser_init(&a->exchange.parser, false, BODY_SIZE, on_body, a);
    a->base.step = STEP_REPLY;
    return acme_exchange_start(&a->exchange, a->url, &a->uri, (const uint8_t *)a->out, (size_t)n);
}

/* ---- the reply ---- */

/* What a status means that has no use for the body; ACME_OK: the body says more. */
static int32_t status_error(uint16_t status)
{
    if (status >= 500) {
        return ACME_ERR_SERVER;
    }
    return status >= 300 && status < 400 ? ACME_ERR_HTTP_REDIRECT : ACME_OK;
}

static int32_t on_reply(acme_dns_acmedns *a, const char *value)
{
    uint16_t status = a->exchange.parser.response.status;
    int32_t rc = status_error(status);
    struct acme_json_arena arena;
    acme_json_value root;
    const char *txt;

    if (rc != ACME_OK) {
        return rc;
    }
    acme_json_init(&arena, a->arena, sizeof(a->arena));
    if (acme_json_parse(&arena, a->body, a->body_len, &root) != ACME_OK) {
        return status == 200 ? ACME_ERR_JSON : ACME_ERR_DNS_API;
    }
    if (status != 200) {
        const char *error = acme_json_string(root, "error");

        ACME_LOG(a->config.port, ACME_LOG_WARNING, "dns: acme-dns says",
                 error != NULL && is_token(error) ? error : "no", status);
        return ACME_ERR_DNS_API;
    }
    txt = acme_json_string(root, "txt");
    return txt != NULL && strcmp(txt, value) == 0 ? ACME_OK : ACME_ERR_FIELD;
}

static int32_t poll_reply(acme_dns_acmedns *a, const char *value, uint32_t *wait_ms)
{
    int32_t rc = acme_exchange_poll(&a->exchange);

    if (rc == ACME_ERR_AGAIN && a->exchange.more) {
        *wait_ms = 0;
    }
    return rc == ACME_OK ? on_reply(a, value) : rc;
}

static int32_t poll_present(acme_dns_acmedns *a, const struct acme_dns_record *record,
                            uint32_t *wait_ms)
{
    int32_t rc = ACME_OK;

    if (a->base.step < STEP_POST) {
        rc = acme_dns_base_zone(&a->base, record->name, wait_ms);
    }
    if (rc == ACME_OK && a->base.step == STEP_POST) {
        rc = post(a, record->value);
    }
    return rc == ACME_OK ? poll_reply(a, record->value, wait_ms) : rc;
}

/* ---- the provider ---- */

static void acmedns_stop(void *ctx)
{
    acme_dns_acmedns *a = ctx;

    acme_dns_base_stop(&a->base);
    acme_exchange_close(&a->exchange);
    acme_zeroize(a->out, sizeof(a->out)); /* the password is in it */
    if (a->tls_up) {
        acme_tls_free(&a->exchange.tls);
        a->tls_up = false;
    }
}

static int32_t acmedns_present(void *ctx, const struct acme_dns_record *record, uint32_t *wait_ms)
{
    acme_dns_acmedns *a = ctx;
    int32_t rc;

    if (a->base.op != ACME_DNS_OP_PRESENT) {
        acmedns_stop(a);
    }
    acme_dns_base_enter(&a->base, ACME_DNS_OP_PRESENT);
    rc = acme_dns_base_leave(&a->base, poll_present(a, record, wait_ms));
    if (rc != ACME_ERR_AGAIN) {
        acmedns_stop(a); /* the next request may be weeks away: give TLS's memory back */
    }
    return rc;
}

static int32_t acmedns_ready(void *ctx, const struct acme_dns_record *record, uint32_t *wait_ms)
{
    acme_dns_acmedns *a = ctx;

    return acme_dns_base_ready(&a->base, record, wait_ms);
}

static int32_t acmedns_lookup(void *ctx, const char *name, acme_dns_txt_fn found, void *found_ctx,
                              uint32_t *wait_ms)
{
    acme_dns_acmedns *a = ctx;

    return acme_dns_base_lookup(&a->base, name, found, found_ctx, wait_ms);
}

static void acmedns_end(void *ctx)
{
    acme_dns_acmedns *a = ctx;

    acme_dns_base_forget(&a->base);
}

const struct acme_dns_ops acme_dns_acmedns_ops = {
    .present = acmedns_present,
    .ready = acmedns_ready,
    .lookup = acmedns_lookup,
    .stop = acmedns_stop,
    .end = acmedns_end,
};

#endif
