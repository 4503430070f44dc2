/*
 * Stands in for core/src/net/tls.c in simulations: the same interface over plain text, so that a
 * life takes milliseconds. The real one has its own tests, and a variant of the runner. It must not
 * know what is said inside.
 */
#include "tls_plain.h"

#include <string.h>

void (*tls_plain_dates)(int64_t *from_s, int64_t *to_s);
uint32_t tls_plain_up;

/* The server shows a certificate, if only its dates: they are looked at as the real one does. */
static int32_t look_at_dates(struct acme_tls *t)
{
    int64_t now;

    t->chain.from_s = 0;
    t->chain.to_s = INT64_MAX;
    if (tls_plain_dates == NULL) {
        return ACME_OK;
    }
    tls_plain_dates(&t->chain.from_s, &t->chain.to_s);
    if (acme_clock_now(t->clock, &now) != ACME_OK) {
        return acme_clock_is_past(t->clock, &t->chain) ? ACME_ERR_TLS_DATES : ACME_OK;
    }
    return now < t->chain.from_s || now > t->chain.to_s ? ACME_ERR_TLS_DATES : ACME_OK;
}

int32_t acme_tls_init(struct acme_tls *t, const struct acme_port *port,
                      const struct acme_clock *clock, const struct acme_trust_anchor *anchors,
                      size_t count)
{
    (void)anchors;
    (void)count;
    memset(t, 0, sizeof(*t));
    t->port = port;
    t->clock = clock;
    t->stream = ACME_HANDLE_NONE;
    tls_plain_up++;
    return ACME_OK;
}

void acme_tls_free(struct acme_tls *t)
{
    acme_tls_close(t);
    if (t->port != NULL) {
        t->port = NULL;
        tls_plain_up--;
    }
}

int32_t acme_tls_start(struct acme_tls *t, acme_handle stream, const char *host)
{
    (void)host;
    t->stream = stream;
    return ACME_OK;
}

int32_t acme_tls_handshake(struct acme_tls *t)
{
    int32_t rc = t->port->net->connected(t->port->net_ctx, t->stream);

    return rc == ACME_OK ? look_at_dates(t) : rc;
}

int32_t acme_tls_send(struct acme_tls *t, const uint8_t *data, size_t len)
{
    return t->port->net->send(t->port->net_ctx, t->stream, data, len);
}

int32_t acme_tls_recv(struct acme_tls *t, uint8_t *data, size_t size)
{
    int32_t n = t->port->net->recv(t->port->net_ctx, t->stream, data, size);

    t->goodbye = n == ACME_ERR_CLOSED; /* as a close_notify comes before a proper end */
    return n;
}

int32_t acme_tls_rest(struct acme_tls *t, bool rests)
{
    (void)t;
    (void)rests;
    return ACME_OK;
}

void acme_tls_close(struct acme_tls *t)
{
    if (t->stream != ACME_HANDLE_NONE && t->port != NULL) {
        t->port->net->close(t->port->net_ctx, t->stream);
        t->stream = ACME_HANDLE_NONE;
    }
}

bool acme_tls_is_open(const struct acme_tls *t)
{
    return t->stream != ACME_HANDLE_NONE;
}
