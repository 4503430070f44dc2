/*
 * The network in RAM. It must not know what the bytes mean, beyond where an HTTP request ends.
 */
#include "sim_net.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- time ---- */

static uint64_t clock_uptime(void *ctx)
{
    const struct sim_clock *c = ctx;

    return c->now_ms - c->boot_ms;
}

int64_t sim_clock_true_s(const struct sim_clock *c)
{
    return c->epoch_s + (int64_t)(c->now_ms / 1000u);
}

static int32_t clock_wall(void *ctx, int64_t *unix_s)
{
    const struct sim_clock *c = ctx;

    if (c->unknown) {
        return ACME_ERR_NO_CLOCK;
    }
    *unix_s = sim_clock_true_s(c) + c->skew_s;
    return ACME_OK;
}

const struct acme_clock_ops sim_clock_ops = {clock_uptime, clock_wall};

/* ---- streams ---- */

static bool is_off(const struct sim_net *n)
{
    return n->off != NULL && *n->off;
}

static bool is_out(const struct sim_net *n)
{
    return n->clock->now_ms >= n->outage_from_ms && n->clock->now_ms < n->outage_until_ms;
}

/* Counts a call; says whether it is the one that fails. */
static bool fails(struct sim_net *n, enum sim_net_call call)
{
    return ++n->calls[call] == n->fail_at && n->fail_call == (uint32_t)call;
}

static struct sim_stream *at(struct sim_net *n, acme_handle handle)
{
    if (handle < 0 || handle >= SIM_NET_STREAMS || n->streams[handle].kind == SIM_STREAM_FREE) {
        (void)fprintf(stderr, "sim: a handle that is not open is used\n");
        abort();
    }
    return &n->streams[handle];
}

static int32_t new_stream(struct sim_net *n, enum sim_stream_kind kind)
{
    int32_t i;

    for (i = 0; i < SIM_NET_STREAMS; i++) {
        struct sim_stream *s = &n->streams[i];

        if (s->kind == SIM_STREAM_FREE) {
            s->kind = (uint8_t)kind;
            s->served = s->abandoned = false;
            s->connected_ms = n->clock->now_ms + n->latency_ms;
            s->port = 0;
            s->transport = NULL;
            s->request_len = 0;
            s->to_device.len = s->to_device.at = s->from_device.len = s->from_device.at = 0;
            s->to_device.closed = s->from_device.closed = false;
            s->to_device.ready_ms = s->from_device.ready_ms = 0;
            return i;
        }
    }
    return ACME_ERR_LIMIT;
}

static void free_stream(struct sim_net *n, struct sim_stream *s)
{
    if (s->kind == SIM_STREAM_OUT && n->transport != NULL) {
        n->transport->close(n, s);
    }
    s->kind = SIM_STREAM_FREE;
}

size_t sim_net_put(struct sim_net *n, struct sim_pipe *p, const void *data, size_t len)
{
    if (p->at == p->len) {
        p->at = p->len = 0;
    }
    if (len > SIM_NET_PIPE - p->len) {
        len = SIM_NET_PIPE - p->len;
    }
    memcpy(p->data + p->len, data, len);
    p->len += (uint32_t)len;
    p->ready_ms = n->clock->now_ms + n->latency_ms;
    return len;
}

/* ---- the server's side ---- */

/* The length of a whole request at the start of the buffer, or 0. */
static size_t request_size(const char *text, size_t len)
{
    const char *end = memmem(text, len, "\r\n\r\n", 4);
    const char *field;
    size_t head, body = 0;

    if (end == NULL) {
        return 0;
    }
    head = (size_t)(end - text) + 4;
    for (field = text; field < end; field = (const char *)memchr(field, '\n', len) + 1) {
        if (strncasecmp(field, "content-length:", 15) == 0) {
            body = strtoul(field + 15, NULL, 10);
        }
    }
    return len - head >= body ? head + body : 0;
}

static void reply(struct sim_net *n, struct sim_stream *s, const char *data, size_t len, bool close)
{
    if (++n->replies == n->break_reply_at) {
        len /= 2;
        close = true;
    }
    if (len > 0 && n->transport != NULL) {
        n->transport->output(n, s, data, len);
    } else if (len > 0) {
        (void)sim_net_put(n, &s->to_device, data, len);
    }
    s->to_device.closed = close;
}

static void serve(struct sim_net *n, struct sim_stream *s)
{
    static char text[SIM_NET_PIPE];
    size_t len;

    if (n->transport != NULL) {
        n->transport->input(n, s);
    } else {
        struct sim_pipe *p = &s->from_device;
        size_t room = SIM_NET_REQUEST - s->request_len;

        len = p->len - p->at < room ? p->len - p->at : room;
        memcpy(s->request + s->request_len, p->data + p->at, len);
        s->request_len += (uint32_t)len;
        p->at += (uint32_t)len;
    }
    while ((len = request_size(s->request, s->request_len)) > 0 && !s->to_device.closed) {
        bool close = false;
        size_t size =
            n->server->request(n->server->ctx, s->request, len, text, sizeof(text), &close);

        s->served = true;
        s->request_len -= (uint32_t)len;
        memmove(s->request, s->request + len, s->request_len);
        reply(n, s, text, size, close);
    }
}

/* ---- acme_net_ops ---- */

static acme_handle net_connect(void *ctx, const char *host, uint16_t port)
{
    struct sim_net *n = ctx;
    int32_t handle;

    if (is_off(n)) {
        return ACME_ERR_NET;
    }
    if (fails(n, SIM_NET_CONNECT)) {
        return n->fail_error;
    }
    if (is_out(n)) {
        return ACME_ERR_CONNECT;
    }
    handle = new_stream(n, SIM_STREAM_OUT);
    if (handle < 0) {
        return handle;
    }
    n->connections++;
    if (!n->server->listens(n->server->ctx, host, port)) {
        n->streams[handle].port = 1; /* refused, as connected() will tell */
    } else if (n->transport != NULL && !n->transport->open(n, &n->streams[handle])) {
        n->streams[handle].kind = SIM_STREAM_FREE;
        return ACME_ERR_CONNECT;
    }
    return handle;
}

static int32_t net_connected(void *ctx, acme_handle stream)
{
    struct sim_net *n = ctx;
    struct sim_stream *s = at(n, stream);

    if (is_off(n)) {
        return ACME_ERR_NET;
    }
    if (fails(n, SIM_NET_CONNECTED)) {
        return n->fail_error;
    }
    if (n->clock->now_ms < s->connected_ms || is_out(n)) {
        return ACME_ERR_AGAIN;
    }
    return s->port != 0 ? ACME_ERR_CONNECT : ACME_OK;
}

static int32_t net_send(void *ctx, acme_handle stream, const uint8_t *data, size_t len)
{
    struct sim_net *n = ctx;
    struct sim_stream *s = at(n, stream);

    if (is_off(n)) {
        return ACME_ERR_NET;
    }
    if (fails(n, SIM_NET_SEND)) {
        return n->fail_error;
    }
    if (s->to_device.closed && s->to_device.at == s->to_device.len) {
        return ACME_ERR_CLOSED;
    }
    if (is_out(n)) {
        return ACME_ERR_AGAIN;
    }
    len = n->chunk != 0 && len > n->chunk ? n->chunk : len;
    len = sim_net_put(n, &s->from_device, data, len);
    if (len == 0) {
        return ACME_ERR_AGAIN;
    }
    if (s->kind == SIM_STREAM_OUT) {
        serve(n, s);
    }
    return (int32_t)len;
}

static int32_t net_recv(void *ctx, acme_handle stream, uint8_t *data, size_t size)
{
    struct sim_net *n = ctx;
    struct sim_stream *s = at(n, stream);
    struct sim_pipe *p = &s->to_device;
    size_t len = p->len - p->at;

    if (is_off(n)) {
        return ACME_ERR_NET;
    }
    if (fails(n, SIM_NET_RECV)) {
        return n->fail_error;
    }
    if (n->clock->now_ms < p->ready_ms || is_out(n)) {
        return ACME_ERR_AGAIN;
    }
    if (len == 0) {
        return p->closed ? ACME_ERR_CLOSED : ACME_ERR_AGAIN;
    }
    len = len > size ? size : len;
    len = n->chunk != 0 && len > n->chunk ? n->chunk : len;
    memcpy(data, p->data + p->at, len);
    p->at += (uint32_t)len;
    return (int32_t)len;
}

static void net_close(void *ctx, acme_handle stream)
{
    struct sim_net *n = ctx;
    struct sim_stream *s = at(n, stream);

    if (s->kind != SIM_STREAM_IN || s->abandoned) {
        free_stream(n, s);
        return;
    }
    s->from_device.closed = true; /* whoever called still reads the answer */
    if (is_off(n)) {
        s->from_device.len = 0;
    }
}

static acme_handle net_listen(void *ctx, uint16_t port)
{
    struct sim_net *n = ctx;

    if (is_off(n)) {
        return ACME_ERR_LISTEN;
    }
    if (fails(n, SIM_NET_LISTEN)) {
        return n->fail_error;
    }
    if (n->listening != 0) {
        return ACME_ERR_LISTEN;
    }
    n->listening = port;
    return SIM_NET_STREAMS;
}

static acme_handle net_accept(void *ctx, acme_handle listener)
{
    struct sim_net *n = ctx;
    int32_t i;

    (void)listener;
    if (is_off(n)) {
        return ACME_ERR_NET;
    }
    if (fails(n, SIM_NET_ACCEPT)) {
        return n->fail_error;
    }
    for (i = 0; i < SIM_NET_STREAMS; i++) {
        struct sim_stream *s = &n->streams[i];

        if (s->kind == SIM_STREAM_BACKLOG && n->clock->now_ms >= s->connected_ms) {
            s->kind = SIM_STREAM_IN;
            return i;
        }
    }
    return ACME_ERR_AGAIN;
}

static void net_unlisten(void *ctx, acme_handle listener)
{
    struct sim_net *n = ctx;
    int32_t i;

    (void)listener;
    n->listening = 0;
    for (i = 0; i < SIM_NET_STREAMS; i++) {
        if (n->streams[i].kind == SIM_STREAM_BACKLOG) {
            n->streams[i].from_device.closed = true;
            n->streams[i].kind = SIM_STREAM_IN;
        }
    }
}

const struct acme_net_ops sim_net_ops = {net_connect, net_connected, net_send,   net_recv,
                                         net_close,   net_listen,    net_accept, net_unlisten};

/* ---- for the world ---- */

void sim_net_clear_faults(struct sim_net *n)
{
    memset(n->calls, 0, sizeof(n->calls));
    n->replies = n->connections = 0;
    n->fail_at = n->break_reply_at = n->chunk = 0;
    n->outage_from_ms = n->outage_until_ms = 0;
}

void sim_net_reset(struct sim_net *n)
{
    int32_t i;

    n->listening = 0;
    for (i = 0; i < SIM_NET_STREAMS; i++) {
        struct sim_stream *s = &n->streams[i];

        if (s->kind == SIM_STREAM_OUT) {
            free_stream(n, s);
        } else if (s->abandoned) {
            s->kind = SIM_STREAM_FREE;
        } else if (s->kind != SIM_STREAM_FREE) {
            s->kind = SIM_STREAM_IN;
            s->from_device.closed = true;
        }
    }
}

uint64_t sim_net_next_ms(const struct sim_net *n)
{
    uint64_t next = UINT64_MAX;
    int32_t i;

    for (i = 0; i < SIM_NET_STREAMS; i++) {
        const struct sim_stream *s = &n->streams[i];
        uint64_t when = UINT64_MAX;

        if (s->kind == SIM_STREAM_FREE || (s->kind == SIM_STREAM_IN && s->from_device.closed)) {
            continue;
        }
        if (n->clock->now_ms < s->connected_ms || s->kind == SIM_STREAM_BACKLOG) {
            when = s->connected_ms;
        } else if (s->to_device.at < s->to_device.len || s->to_device.closed) {
            when = s->to_device.ready_ms;
        }
        next = when < next ? when : next;
    }
    return next;
}

int32_t sim_net_call(struct sim_net *n, uint16_t port, const char *data, size_t len)
{
    int32_t handle;

    if (n->listening != port || port == 0 || is_out(n) || is_off(n)) {
        return ACME_ERR_CONNECT;
    }
    handle = new_stream(n, SIM_STREAM_BACKLOG);
    if (handle < 0) {
        return ACME_ERR_CONNECT;
    }
    (void)sim_net_put(n, &n->streams[handle].to_device, data, len);
    return handle;
}

int32_t sim_net_answer(struct sim_net *n, int32_t handle, char *data, size_t size)
{
    struct sim_stream *s = at(n, handle);
    size_t len = s->from_device.len;

    if (!s->from_device.closed) {
        return ACME_ERR_AGAIN;
    }
    s->kind = SIM_STREAM_FREE;
    if (len == 0) {
        return ACME_ERR_NET;
    }
    len = len > size ? size : len;
    memcpy(data, s->from_device.data, len);
    return (int32_t)len;
}

void sim_net_hang_up(struct sim_net *n, int32_t handle)
{
    struct sim_stream *s = at(n, handle);

    if (s->kind == SIM_STREAM_IN && !s->from_device.closed) {
        s->to_device.closed = s->abandoned = true;
        return;
    }
    s->kind = SIM_STREAM_FREE;
}
