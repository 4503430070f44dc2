/*
 * acme_net_ops over lwIP's raw TCP and DNS. It must not know what the bytes mean.
 */
#include "acme_lwip_raw.h"

#include <string.h>

#include <lwip/priv/tcp_priv.h> /* tcp_abandon: an end that the peer is not told of */
#include <lwip/sys.h>

#if !SO_REUSE
#error "lwipopts.h needs SO_REUSE 1: else the port of the last challenge is taken for two TCP_MSL"
#endif
#if !TCP_LISTEN_BACKLOG
#error "lwipopts.h needs TCP_LISTEN_BACKLOG 1: by it each listener has streams of its own"
#endif

#define STREAMS   ACME_LWIP_RAW_STREAMS
#define LISTENERS ACME_LWIP_RAW_LISTENERS

_Static_assert(MEMP_NUM_TCP_PCB >= STREAMS, "lwipopts.h: a TCP pcb for each stream");
_Static_assert(STREAMS > LISTENERS, "a stream for each listener, and the device's own");

/* Callers whom nobody accepts: how long they may wait when they have said something, and when not;
 * and the latter where their listener has no stream left. A caller speaks first in HTTP and in TLS,
 * and what is lost on the way comes again within the second. */
#define SPOKEN_MS         30000u
#define SILENT_MS         10000u
#define SILENT_FULL_MS    3000u
#define POLL_HALF_SECONDS 1
/* What one of them may send meanwhile: it has room in one buffer. */
#define WAITING_WND LWIP_MIN(TCP_MSS, TCP_WND)

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

        if (!s->used) {
            memset(s, 0, sizeof(*s));
            s->used = true;
            s->listener = -1;
            return s;
        }
    }
    return NULL;
}

/* ---- lwIP's callbacks ---- */

/* Bytes that have room behind those of a buffer of lwIP's pool that nobody else holds. */
static size_t room_behind(const struct pbuf *p)
{
    const uint8_t *end = (const uint8_t *)p + LWIP_MEM_ALIGN_SIZE(sizeof(*p)) +
                         LWIP_MEM_ALIGN_SIZE(PBUF_POOL_BUFSIZE);

    return pbuf_match_allocsrc(p, PBUF_TYPE_ALLOC_SRC_MASK_STD_MEMP_PBUF_POOL) && p->ref == 1
               ? (size_t)(end - ((const uint8_t *)p->payload + p->len))
               : 0;
}

/* Copies more behind the last bytes of a chain, where there is room: a thousand segments of a byte
 * must not hold a thousand buffers. */
static bool append(struct pbuf *chain, const struct pbuf *more)
{
    struct pbuf *last = chain, *p;

    while (last->next != NULL) {
        last = last->next;
    }
    if (room_behind(last) < more->tot_len) {
        return false;
    }
    (void)pbuf_copy_partial(more, (uint8_t *)last->payload + last->len, more->tot_len, 0);
    last->len = (u16_t)(last->len + more->tot_len);
    for (p = chain; p != NULL; p = p->next) {
        p->tot_len = (u16_t)(p->tot_len + more->tot_len);
    }
    return true;
}

/* A buffer that a driver has lent, perhaps one of few, is not kept for who may never be accepted:
 * one of lwIP's is, if there is any. */
static struct pbuf *own_buffer(struct pbuf *p)
{
    struct pbuf *copy = pbuf_match_allocsrc(p, PBUF_TYPE_ALLOC_SRC_MASK_STD_MEMP_PBUF_POOL)
                            ? NULL
                            : pbuf_clone(PBUF_RAW, PBUF_POOL, p);

    if (copy == NULL) {
        return p;
    }
    (void)pbuf_free(p);
    return copy;
}

static err_t on_recv(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
    struct acme_lwip_raw_stream *s = arg;

    (void)pcb;
    (void)err;
    if (p == NULL) {
        s->finished = true;
    } else if (s->first == NULL) {
        s->first = s->listener >= 0 ? own_buffer(p) : p;
        s->offset = 0;
    } else if (append(s->first, p)) {
        (void)pbuf_free(p);
    } else {
        pbuf_cat(s->first, p);
    }
    return ERR_OK;
}

static void release(struct acme_lwip_raw_stream *s)
{
    if (s->first != NULL) {
        (void)pbuf_free(s->first);
    }
    s->first = NULL;
    s->pcb = NULL;
    s->used = false;
}

/* Ends a stream, at once and for lwIP. A reset tells its peer, who may come again at once: not
 * whoever came and said nothing. */
static void abandon(struct acme_lwip_raw_stream *s, bool reset)
{
    tcp_err(s->pcb, NULL);
    tcp_abandon(s->pcb, reset);
    s->pcb = NULL;
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
        release(s);
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

/* Whether callers of the listener get no stream. The backlog counts those who came through it until
 * they are closed: it is the listener's share. */
static bool is_full(const struct tcp_pcb *listener)
{
    const struct tcp_pcb_listen *l = (const struct tcp_pcb_listen *)listener;

    return l->accepts_pending >= l->backlog;
}

static bool has_spoken(const struct acme_lwip_raw_stream *s)
{
    return s->first != NULL || s->finished;
}

/* lwIP calls this twice a second for one that nobody has accepted. */
static err_t on_poll(void *arg, struct tcp_pcb *pcb)
{
    struct acme_lwip_raw_stream *s = arg;
    uint32_t age_ms = sys_now() - s->since_ms, limit_ms = SPOKEN_MS;

    (void)pcb;
    if (!has_spoken(s)) {
        limit_ms = is_full(bound->listeners[s->listener]) ? SILENT_FULL_MS : SILENT_MS;
    }
    if (age_ms < limit_ms) {
        return ERR_OK;
    }
    abandon(s, has_spoken(s));
    release(s);
    return ERR_ABRT;
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
    if (s == NULL) { /* streams of a listener that was closed live on */
        tcp_abandon(pcb, 0);
        return ERR_ABRT;
    }
    attach(s, pcb);
    tcp_backlog_delayed(pcb); /* it counts until it is closed */
    tcp_poll(pcb, on_poll, POLL_HALF_SECONDS);
    pcb->rcv_wnd = WAITING_WND; /* what comes beyond is dropped, and sent again */
    s->since_ms = sys_now();
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
    s->since_ms = sys_now();
    if (tcp_connect(pcb, address, s->port, on_connected) != ERR_OK) {
        abandon(s, true);
        return false;
    }
    return true;
}

static int32_t look_up(struct acme_lwip_raw *net, struct acme_lwip_raw_stream *s, const char *host)
{
    for (size_t i = 0; i < ACME_LWIP_LOOKUPS; i++) {
        struct acme_lwip_lookup *lookup = &net->lookups[i];

        if (acme_lwip_lookup_is_free(lookup)) {
            int32_t rc = acme_lwip_lookup_begin(lookup, host);

            if (rc == ACME_OK) {
                s->lookup = lookup;
                acme_lwip_lookup_step(lookup);
            }
            return rc;
        }
    }
    return ACME_ERR_LIMIT;
}

static void end_lookup(struct acme_lwip_raw_stream *s)
{
    if (s->lookup != NULL) {
        acme_lwip_lookup_end(s->lookup);
        acme_lwip_lookup_step(s->lookup);
    }
    s->lookup = NULL;
}

static acme_handle net_connect(void *ctx, const char *host, uint16_t port)
{
    struct acme_lwip_raw *net = ctx;
    struct acme_lwip_raw_stream *s = take_slot(net);
    ip_addr_t address;

    if (s == NULL) {
        return ACME_ERR_LIMIT;
    }
    s->port = port;
    /* A colon is in no name: an address, if it is one of a family that is built in. */
    if (ipaddr_aton(host, &address)) {
        s->error = start_connect(s, &address) ? ACME_OK : ACME_ERR_CONNECT;
    } else {
        s->error = strchr(host, ':') != NULL ? ACME_ERR_RESOLVE : look_up(net, s, host);
    }
    if (s->error == ACME_ERR_LIMIT) {
        s->used = false;
        return ACME_ERR_LIMIT;
    }
    return (acme_handle)(s - net->streams);
}

/* The next address to try, as acme_lwip_lookup_next says it: a literal has no other. */
static int32_t next_address(struct acme_lwip_raw_stream *s, ip_addr_t *address)
{
    return s->lookup != NULL ? acme_lwip_lookup_next(s->lookup, address) : ACME_ERR_CONNECT;
}

/* Tries one address after the other, until one is under way or there is none. */
static void try_next(struct acme_lwip_raw_stream *s)
{
    ip_addr_t address;

    while (s->pcb == NULL && s->error == ACME_OK) {
        int32_t rc = next_address(s, &address);

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
        end_lookup(s);
        return ACME_OK;
    }
    if (s->lookup != NULL && acme_lwip_lookup_is_due(s->lookup)) {
        acme_lwip_lookup_step(s->lookup);
    }
    if (s->pcb != NULL && s->lookup != NULL && acme_lwip_lookup_has_next(s->lookup) &&
        sys_now() - s->since_ms > ACME_NET_ATTEMPT_MS) {
        abandon(s, true);
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
    s->answered = true;
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

/* In an orderly way: what was sent is delivered, if the peer takes it before the pcb is needed. */
static void finish(struct acme_lwip_raw_stream *s)
{
    struct tcp_pcb *pcb = s->pcb;

    tcp_arg(pcb, NULL);
    tcp_recv(pcb, NULL);
    tcp_err(pcb, NULL);
    tcp_poll(pcb, NULL, 0);
    /* With bytes not taken lwIP would reset the stream, and lose what was sent. */
    tcp_recved(pcb, s->first == NULL ? 0 : (u16_t)(s->first->tot_len - s->offset));
    tcp_backlog_accepted(pcb);
    tcp_setprio(pcb, TCP_PRIO_MIN);
    if (tcp_close(pcb) != ERR_OK) {
        tcp_abort(pcb);
    }
}

static void net_close(void *ctx, acme_handle stream)
{
    struct acme_lwip_raw_stream *s = stream_of(ctx, stream);

    end_lookup(s);
    if (s->pcb != NULL) {
        if (s->inbound && !s->answered && !s->finished) {
            abandon(s, false);
        } else {
            finish(s);
        }
    }
    release(s);
}

/* ---- listeners: handles after the streams' ---- */

void acme_lwip_raw_reserve(struct acme_lwip_raw *net, uint16_t port, uint8_t streams)
{
    net->reserved_port = port;
    net->reserved_streams = streams;
}

/* Streams that a listener's callers may have. */
static uint8_t share_of(const struct acme_lwip_raw *net, uint16_t port)
{
    uint8_t others = net->reserved_port != 0 && LISTENERS > 1 ? LISTENERS - 1 : LISTENERS;

    if (port == net->reserved_port) {
        return net->reserved_streams;
    }
    return (uint8_t)((STREAMS - 1 - net->reserved_streams) / others);
}

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
    listener = tcp_bind(pcb, IP_ANY_TYPE, port) == ERR_OK
                   ? tcp_listen_with_backlog(pcb, share_of(net, port))
                   : NULL;
    if (listener == NULL) {
        (void)tcp_close(pcb);
        return ACME_ERR_LISTEN;
    }
    net->listeners[i] = listener;
    tcp_arg(listener, (void *)(uintptr_t)i);
    tcp_accept(listener, on_accept);
    return (acme_handle)(STREAMS + i);
}

/* Who has waited longest at a listener: of those who have said something, or of all. Or NULL. */
static struct acme_lwip_raw_stream *next_caller(struct acme_lwip_raw *net, size_t listener,
                                                bool spoken)
{
    struct acme_lwip_raw_stream *found = NULL;

    for (size_t i = 0; i < STREAMS; i++) {
        struct acme_lwip_raw_stream *s = &net->streams[i];

        if (s->used && s->listener == (int8_t)listener && (!spoken || has_spoken(s)) &&
            (found == NULL || (int32_t)(s->since_ms - found->since_ms) < 0)) {
            found = s;
        }
    }
    return found;
}

static acme_handle net_accept(void *ctx, acme_handle listener)
{
    struct acme_lwip_raw *net = ctx;
    size_t index = (size_t)(listener - STREAMS);
    struct acme_lwip_raw_stream *s = next_caller(net, index, true);

    s = s != NULL ? s : next_caller(net, index, false);
    if (s == NULL) {
        return ACME_ERR_AGAIN;
    }
    s->listener = -1;
    if (s->pcb != NULL) {
        tcp_poll(s->pcb, NULL, 0);
        s->pcb->rcv_wnd = (tcpwnd_size_t)(s->pcb->rcv_wnd + TCP_WND_MAX(s->pcb) - WAITING_WND);
        tcp_recved(s->pcb, 0); /* tells the peer */
    }
    return (acme_handle)(s - net->streams);
}

static void net_unlisten(void *ctx, acme_handle listener)
{
    struct acme_lwip_raw *net = ctx;
    size_t index = (size_t)(listener - STREAMS);
    acme_handle waiting;

    for (waiting = net_accept(ctx, listener); waiting >= 0; waiting = net_accept(ctx, listener)) {
        net->streams[waiting].answered = true; /* with an end that it sees */
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
