/*
 * acme_net_ops over lwIP's raw TCP and DNS. It must not know what the bytes mean.
 */
#include "acme_lwip_raw.h"

#include <string.h>

#include <lwip/sys.h>

#if !SO_REUSE
#error "lwipopts.h needs SO_REUSE 1: else the port of the last challenge is taken for two TCP_MSL"
#endif

#define STREAMS   ACME_LWIP_RAW_STREAMS
#define LISTENERS ACME_LWIP_RAW_LISTENERS
#define BACKLOG   4

/* One address that does not answer must not use up the time of the other. */
#define ATTEMPT_MS 5000u

/* A listener's argument is its number, not a context: there is one context. */
static struct acme_lwip_raw *bound;

void acme_lwip_raw_init(struct acme_lwip_raw *net)
{
    memset(net, 0, sizeof(*net));
    bound = net;
}

static struct acme_lwip_raw_stream *stream_of(struct acme_lwip_raw *net, acme_handle handle)
{
    return &net->streams[handle];
}

static struct acme_lwip_raw_stream *take_slot(struct acme_lwip_raw *net)
{
    for (size_t i = 0; i < STREAMS; i++) {
        struct acme_lwip_raw_stream *s = &net->streams[i];

        if (!s->used && acme_lwip_lookup_is_over(&s->lookup)) {
            memset(s, 0, sizeof(*s));
            s->used = true;
            s->listener = -1;
            return s;
        }
    }
    return NULL;
}

/* ---- lwIP's callbacks ---- */

static err_t on_recv(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
    struct acme_lwip_raw_stream *s = arg;

    (void)pcb;
    (void)err;
    if (p == NULL) {
        s->finished = true;
    } else if (s->first == NULL) {
        s->first = p;
        s->offset = 0;
    } else {
        pbuf_cat(s->first, p);
    }
    return ERR_OK;
}

/* lwIP has freed the pcb. */
static void on_error(void *arg, err_t err)
{
    struct acme_lwip_raw_stream *s = arg;

    (void)err;
    s->pcb = NULL;
    if (s->connected) {
        s->error = ACME_ERR_NET;
    }
    if (s->listener >= 0) { /* nobody has accepted it */
        if (s->first != NULL) {
            pbuf_free(s->first);
        }
        s->first = NULL;
        s->used = false;
    }
}

static err_t on_connected(void *arg, struct tcp_pcb *pcb, err_t err)
{
    struct acme_lwip_raw_stream *s = arg;

    (void)pcb;
    (void)err;
    s->connected = true;
    return ERR_OK;
}

static void attach(struct acme_lwip_raw_stream *s, struct tcp_pcb *pcb)
{
    s->pcb = pcb;
    tcp_arg(pcb, s);
    tcp_recv(pcb, on_recv);
    tcp_err(pcb, on_error);
    tcp_nagle_disable(pcb); /* requests and replies: nothing is gained by waiting */
}

/* Those who call must not take the last stream from the device's own connection. */
static bool has_room_for_inbound(const struct acme_lwip_raw *net)
{
    size_t inbound = 0;

    for (size_t i = 0; i < STREAMS; i++) {
        inbound += net->streams[i].used && net->streams[i].inbound ? 1u : 0u;
    }
    return inbound < STREAMS - 1;
}

static err_t on_accept(void *arg, struct tcp_pcb *pcb, err_t err)
{
    size_t listener = (size_t)(uintptr_t)arg;
    struct acme_lwip_raw_stream *s;

    if (err != ERR_OK || pcb == NULL) {
        return ERR_VAL;
    }
    s = has_room_for_inbound(bound) ? take_slot(bound) : NULL;
    if (s == NULL) {
        return ERR_MEM; /* lwIP resets it; the peer may try again */
    }
    attach(s, pcb);
    tcp_backlog_delayed(pcb); /* it counts against the backlog until net_accept */
    s->listener = (int8_t)listener;
    s->connected = true;
    s->inbound = true;
    return ERR_OK;
}

/* ---- connecting ---- */

/* Begins with an address. False: it cannot be reached from here, or there is no pcb. */
static bool start_connect(struct acme_lwip_raw_stream *s, const ip_addr_t *address)
{
    struct tcp_pcb *pcb = tcp_new_ip_type(IP_GET_TYPE(address));

    if (pcb == NULL) {
        return false;
    }
    attach(s, pcb);
    s->attempt_ms = sys_now();
    if (tcp_connect(pcb, address, s->port, on_connected) != ERR_OK) {
        tcp_err(pcb, NULL);
        tcp_abort(pcb);
        s->pcb = NULL;
        return false;
    }
    return true;
}

static void give_up_attempt(struct acme_lwip_raw_stream *s)
{
    tcp_err(s->pcb, NULL);
    tcp_abort(s->pcb);
    s->pcb = NULL;
}

static acme_handle net_connect(void *ctx, const char *host, uint16_t port)
{
    struct acme_lwip_raw *net = ctx;
    struct acme_lwip_raw_stream *s = take_slot(net);

    if (s == NULL) {
        return ACME_ERR_LIMIT;
    }
    s->port = port;
    if (!acme_lwip_lookup_literal(&s->lookup, host)) {
        acme_lwip_lookup_begin(&s->lookup);
        acme_lwip_lookup_ask(&s->lookup, host);
    }
    return (acme_handle)(s - net->streams);
}

/* Tries one address after the other, until one is under way or there is none. */
static void try_next(struct acme_lwip_raw_stream *s)
{
    ip_addr_t address;

    while (s->pcb == NULL && s->error == ACME_OK) {
        int32_t rc = acme_lwip_lookup_next(&s->lookup, &address);

        if (rc == ACME_ERR_AGAIN) {
            break;
        }
        if (rc != ACME_OK) {
            s->error = rc;
        } else {
            (void)start_connect(s, &address);
        }
    }
}

static int32_t net_connected(void *ctx, acme_handle stream)
{
    struct acme_lwip_raw_stream *s = stream_of(ctx, stream);

    if (s->connected && s->error == ACME_OK) {
        return ACME_OK;
    }
    if (s->pcb != NULL && acme_lwip_lookup_has_next(&s->lookup) &&
        sys_now() - s->attempt_ms > ATTEMPT_MS) {
        give_up_attempt(s);
    }
    try_next(s);
    return s->error != ACME_OK ? s->error : ACME_ERR_AGAIN;
}

/* ---- bytes ---- */

static int32_t net_send(void *ctx, acme_handle stream, const uint8_t *data, size_t len)
{
    struct acme_lwip_raw_stream *s = stream_of(ctx, stream);
    u16_t room, n;

    if (s->pcb == NULL) {
        return s->error != ACME_OK ? s->error : ACME_ERR_AGAIN;
    }
    room = tcp_sndbuf(s->pcb);
    n = len < room ? (u16_t)len : room;
    if (n == 0 || tcp_write(s->pcb, data, n, TCP_WRITE_FLAG_COPY) != ERR_OK) {
        return ACME_ERR_AGAIN; /* until the peer has acknowledged some */
    }
    (void)tcp_output(s->pcb);
    return n;
}

static int32_t net_recv(void *ctx, acme_handle stream, uint8_t *data, size_t size)
{
    struct acme_lwip_raw_stream *s = stream_of(ctx, stream);
    u16_t n;

    if (s->first == NULL) {
        if (s->finished) {
            return ACME_ERR_CLOSED;
        }
        return s->error != ACME_OK ? s->error : ACME_ERR_AGAIN;
    }
    n = pbuf_copy_partial(s->first, data, size < UINT16_MAX ? (u16_t)size : UINT16_MAX, s->offset);
    s->offset = (uint16_t)(s->offset + n);
    while (s->first != NULL && s->offset >= s->first->len) {
        struct pbuf *rest = s->first->next;

        s->offset = (uint16_t)(s->offset - s->first->len);
        if (rest != NULL) {
            pbuf_ref(rest);
        }
        (void)pbuf_free(s->first);
        s->first = rest;
    }
    if (s->pcb != NULL) {
        tcp_recved(s->pcb, n);
    }
    return n;
}

static void net_close(void *ctx, acme_handle stream)
{
    struct acme_lwip_raw_stream *s = stream_of(ctx, stream);
    u16_t unread = s->first == NULL ? 0 : (u16_t)(s->first->tot_len - s->offset);

    if (s->pcb != NULL) {
        tcp_arg(s->pcb, NULL);
        tcp_recv(s->pcb, NULL);
        tcp_err(s->pcb, NULL);
        /* With bytes not taken lwIP would reset the stream, and lose what was sent. */
        tcp_recved(s->pcb, unread);
        if (tcp_close(s->pcb) != ERR_OK) {
            tcp_abort(s->pcb);
        }
    }
    if (s->first != NULL) {
        (void)pbuf_free(s->first);
    }
    s->first = NULL;
    s->pcb = NULL;
    s->used = false;
}

/* ---- listeners: handles after the streams' ---- */

static acme_handle net_listen(void *ctx, uint16_t port)
{
    struct acme_lwip_raw *net = ctx;
    struct tcp_pcb *pcb, *listener;
    size_t i = 0;

    while (i < LISTENERS && net->listeners[i] != NULL) {
        i++;
    }
    pcb = i < LISTENERS ? tcp_new_ip_type(IPADDR_TYPE_ANY) : NULL;
    if (pcb == NULL) {
        return ACME_ERR_LIMIT;
    }
    ip_set_option(pcb, SOF_REUSEADDR);
    listener =
        tcp_bind(pcb, IP_ANY_TYPE, port) == ERR_OK ? tcp_listen_with_backlog(pcb, BACKLOG) : NULL;
    if (listener == NULL) {
        (void)tcp_close(pcb);
        return ACME_ERR_LISTEN;
    }
    net->listeners[i] = listener;
    tcp_arg(listener, (void *)(uintptr_t)i);
    tcp_accept(listener, on_accept);
    return (acme_handle)(STREAMS + i);
}

static acme_handle net_accept(void *ctx, acme_handle listener)
{
    struct acme_lwip_raw *net = ctx;

    for (size_t i = 0; i < STREAMS; i++) {
        struct acme_lwip_raw_stream *s = &net->streams[i];

        if (s->used && s->listener == listener - STREAMS) {
            s->listener = -1;
            if (s->pcb != NULL) {
                tcp_backlog_accepted(s->pcb);
            }
            return (acme_handle)i;
        }
    }
    return ACME_ERR_AGAIN;
}

static void net_unlisten(void *ctx, acme_handle listener)
{
    struct acme_lwip_raw *net = ctx;
    size_t index = (size_t)(listener - STREAMS);
    acme_handle waiting;

    for (waiting = net_accept(ctx, listener); waiting >= 0; waiting = net_accept(ctx, listener)) {
        net_close(ctx, waiting);
    }
    (void)tcp_close(net->listeners[index]);
    net->listeners[index] = NULL;
}

const struct acme_net_ops acme_lwip_raw_net_ops = {
    .connect = net_connect,
    .connected = net_connected,
    .send = net_send,
    .recv = net_recv,
    .close = net_close,
    .listen = net_listen,
    .accept = net_accept,
    .unlisten = net_unlisten,
};
