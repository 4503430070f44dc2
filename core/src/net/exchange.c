/*
 * The exchange of one request and response. It must not know what is asked.
 */
#include "net/exchange.h"

#include <string.h>

#include "base/assert.h"
#include "base/buf.h"
#include "base/log.h"

/* A port with several addresses goes on to the next when it is asked whether it is connected. */
#define CONNECTING_MS 1000U

/* "Made progress; more may be there already." Not an error code. */
#define MORE ACME_TLS_MORE

static int32_t connect_origin(struct acme_exchange *x)
{
    acme_handle stream = x->port->net->connect(x->port->net_ctx, x->origin, x->origin_port);
    int32_t rc;

    if (stream < 0) {
        return stream;
    }
    rc = acme_tls_start(&x->tls, stream, x->origin);
    if (rc != ACME_OK) {
        return rc;
    }
    x->connections++;
    x->reused = false;
    x->state = ACME_EXCHANGE_CONNECT;
    return ACME_OK;
}

int32_t acme_exchange_start(struct acme_exchange *x, const char *url, const struct acme_uri *uri,
                            const uint8_t *out, size_t out_len)
{
    const char *host = url + uri->host_offset;
    bool same;

    x->url = url;
    x->out = out;
    x->out_len = (uint32_t)out_len;
    x->out_sent = 0;
    x->got_bytes = false;
    x->deadline_ms = acme_clock_uptime_ms(x->clock) + CONFIG_ACME_TIMEOUT_MS;
    x->requests++;
    same = x->origin_port == uri->port && acme_str_is(host, uri->host_len, x->origin);
    if (acme_tls_is_open(&x->tls) && same && acme_tls_rest(&x->tls, false) == ACME_OK) {
        x->reused = true;
        x->state = ACME_EXCHANGE_SEND;
        return ACME_OK;
    }
    acme_tls_close(&x->tls);
    if (!same) {
        acme_session_forget(&x->tls.session);
    }
    memcpy(x->origin, host, uri->host_len);
    x->origin[uri->host_len] = '\0';
    x->origin_port = uri->port;
    return connect_origin(x);
}

static int32_t poll_send(struct acme_exchange *x)
{
    while (x->out_sent < x->out_len) {
        int32_t n = acme_tls_send(&x->tls, x->out + x->out_sent, x->out_len - x->out_sent);

        if (n < 0) {
            return n;
        }
        x->out_sent += (uint32_t)n;
    }
    x->state = ACME_EXCHANGE_RECEIVE;
    return MORE;
}

static int32_t poll_receive(struct acme_exchange *x)
{
    uint8_t data[256];
    size_t used;
    int32_t n = acme_tls_recv(&x->tls, data, sizeof(data));
    int32_t rc;

    if (n == ACME_ERR_CLOSED && x->got_bytes) {
        return acme_http_parser_finish(&x->parser, x->tls.goodbye);
    }
    if (n < 0) {
        return n;
    }
    x->got_bytes = true;
    rc = acme_http_parser_feed(&x->parser, data, (size_t)n, &used);
    if (rc == ACME_OK && used < (size_t)n) {
        x->parser.response.close = true; /* bytes nobody asked for */
    }
    return rc == ACME_ERR_AGAIN ? MORE : rc;
}

static int32_t step(struct acme_exchange *x)
{
    int32_t rc;

    if (x->state == ACME_EXCHANGE_CONNECT) {
        rc = acme_tls_handshake(&x->tls);
        if (rc != ACME_OK) {
            return rc;
        }
        x->state = ACME_EXCHANGE_SEND;
        return MORE;
    }
    return x->state == ACME_EXCHANGE_SEND ? poll_send(x) : poll_receive(x);
}

/* A server may close an idle connection at any time; then nothing was lost but the connection. */
static bool is_stale(const struct acme_exchange *x, int32_t rc)
{
    return x->reused && !x->got_bytes && (rc == ACME_ERR_CLOSED || rc == ACME_ERR_NET);
}

/* The same request once more, over a new connection. */
static int32_t connect_again(struct acme_exchange *x)
{
    int32_t rc;

    ACME_LOG(x->port, ACME_LOG_INFO, "http: connecting again to", x->origin, 0);
    acme_tls_close(&x->tls);
    x->out_sent = 0;
    rc = connect_origin(x);
    return rc == ACME_OK ? ACME_ERR_AGAIN : rc;
}

/* As many steps as there are to be done now. Bounded: a fast server must not keep the caller's loop
 * from turning. */
static int32_t steps(struct acme_exchange *x)
{
    int32_t rc;
    int rounds = 0;

    do {
        rc = step(x);
        rounds++;
    } while (rc == MORE && rounds < 8 && x->state != ACME_EXCHANGE_CONNECT);
    return rc;
}

/* The URLs in a response's fields may be relative (RFC 9110 10.2.2, RFC 8288 3.1). */
static int32_t resolve(struct acme_exchange *x)
{
    struct acme_http_response *r = &x->parser.response;
    struct acme_uri uri;
    char *text;

    (void)acme_uri_parse(x->url, &uri); /* as it was when this began */
    for (size_t i = 0; (text = acme_http_response_url(r, i)) != NULL; i++) {
        size_t len = acme_uri_resolve(x->url, &uri, text, CONFIG_ACME_URL_MAX + 1U);

        if (len > CONFIG_ACME_URL_MAX) {
            acme_limit_note(&r->limit, ACME_LIMIT_URL, len);
            return ACME_ERR_HTTP_LIMIT;
        }
    }
    return ACME_OK;
}

int32_t acme_exchange_poll(struct acme_exchange *x)
{
    int32_t rc;

    ACME_ASSERT(x->state != ACME_EXCHANGE_IDLE && x->out_sent <= x->out_len);
    rc = steps(x);
    x->more = rc == MORE;
    if (rc == MORE) {
        return ACME_ERR_AGAIN;
    }
    if (rc == ACME_ERR_AGAIN) {
        if (acme_clock_uptime_ms(x->clock) <= x->deadline_ms) {
            return rc;
        }
        rc = ACME_ERR_TIMEOUT;
    }
    if (is_stale(x, rc)) {
        return connect_again(x);
    }
    x->state = ACME_EXCHANGE_IDLE;
    if (rc == ACME_OK) {
        rc = resolve(x);
    }
    if (rc != ACME_OK || x->parser.response.close || acme_tls_rest(&x->tls, true) != ACME_OK) {
        acme_tls_close(&x->tls);
    }
    return rc;
}

uint64_t acme_exchange_turn_ms(const struct acme_exchange *x)
{
    uint64_t late = x->deadline_ms + 1U;
    uint64_t soon = acme_clock_uptime_ms(x->clock) + CONNECTING_MS;

    return x->state == ACME_EXCHANGE_CONNECT && soon < late ? soon : late;
}

void acme_exchange_close(struct acme_exchange *x)
{
    acme_tls_close(&x->tls);
    x->state = ACME_EXCHANGE_IDLE;
}
