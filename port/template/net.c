/*
 * acme_net_ops: to be written, unless the device has lwIP (port/lwip_raw) or POSIX sockets
 * (port/posix). TCP streams, TCP listeners and name resolution; nothing here ever waits. It must
 * not know what is said over a stream.
 */
#include "acme_template.h"

/* Write: begin to resolve host (a DNS name, or an address without brackets) and to connect to port.
 * Return a handle of your own (an index, say) at once. Copy host if you need it later. When there
 * is no stream left: ACME_ERR_LIMIT; the client needs two at once and the responder's. */
static acme_handle connect(void *ctx, const char *host, uint16_t port)
{
    (void)ctx;
    (void)host;
    (void)port;
    return ACME_ERR_NET;
}

/* Write: how far connect has come. ACME_ERR_AGAIN while it goes on; ACME_OK when connected;
 * ACME_ERR_RESOLVE if there is no such name; ACME_ERR_CONNECT if nobody answers or it is refused,
 * after all addresses of the name were tried. */
static int32_t connected(void *ctx, acme_handle stream)
{
    (void)ctx;
    (void)stream;
    return ACME_ERR_NET;
}

/* Write: take as many of the len bytes as fit the send buffer now, and return how many. If none
 * fits: ACME_ERR_AGAIN, never 0. If the peer has reset the stream: ACME_ERR_CLOSED. What was taken
 * must be kept until the peer has acknowledged it. */
static int32_t send(void *ctx, acme_handle stream, const uint8_t *data, size_t len)
{
    (void)ctx;
    (void)stream;
    (void)data;
    (void)len;
    return ACME_ERR_NET;
}

/* Write: hand over as many bytes as have come, up to size, and return how many. If there is none:
 * ACME_ERR_AGAIN, never 0. If the peer has finished, and only after all its bytes were taken:
 * ACME_ERR_CLOSED. */
static int32_t recv(void *ctx, acme_handle stream, uint8_t *data, size_t size)
{
    (void)ctx;
    (void)stream;
    (void)data;
    (void)size;
    return ACME_ERR_NET;
}

/* Write: give the handle back, in whatever state it is: resolving, connecting, failed. What send
 * has taken is still delivered, in the background. */
static void close(void *ctx, acme_handle stream)
{
    (void)ctx;
    (void)stream;
}

/* Write: listen on the port on all addresses, IPv4 and IPv6. It must work seconds after the last
 * time, while old connections linger in TIME_WAIT (SO_REUSEADDR). ACME_ERR_LISTEN if it cannot be.
 */
static acme_handle listen(void *ctx, uint16_t port)
{
    (void)ctx;
    (void)port;
    return ACME_ERR_LISTEN;
}

/* Write: the handle of a connection that has come; ACME_ERR_AGAIN if none has. Three may come at
 * once: a backlog keeps those that find no free stream. */
static acme_handle accept(void *ctx, acme_handle listener)
{
    (void)ctx;
    (void)listener;
    return ACME_ERR_AGAIN;
}

/* Write: stop listening. Streams that were accepted live on; those that were not are closed. */
static void unlisten(void *ctx, acme_handle listener)
{
    (void)ctx;
    (void)listener;
}

const struct acme_net_ops acme_template_net_ops = {connect, connected, send,   recv,
                                                   close,   listen,    accept, unlisten};

/* Write: feed the network stack what has come and run its timers; then sleep, until an interrupt or
 * for wait_ms at most (wfi, or the operating system's wait). */
void acme_template_wait(uint32_t wait_ms)
{
    (void)wait_ms;
}
