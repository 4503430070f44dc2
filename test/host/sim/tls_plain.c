/*
 * Stands in for core/src/net/tls.c in simulations: the same interface over plain text, so that a
 * life takes milliseconds. The real one has its own tests, and a variant of the runner. It must not
 * know what is said inside.
 */
#include "net/tls.h"

#include <string.h>

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
    return ACME_OK;
}

void acme_tls_free(struct acme_tls *t)
{
    acme_tls_close(t);
}

int32_t acme_tls_start(struct acme_tls *t, acme_handle stream, const char *host)
{
    (void)host;
    t->stream = stream;
    return ACME_OK;
}

int32_t acme_tls_handshake(struct acme_tls *t)
{
    return t->port->net->connected(t->port->net_ctx, t->stream);
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
