/*
 * The self-test of a network port as a server: listeners, visitors, and how connections end. It
 * must not know what the client answers.
 */
#include "net_checks.h"

#include <string.h>

#define LINE_MAX   128u
#define FIRST_LINE "nanoacme self-test\n"

/* A line that a visitor sends, and gets back. */
struct line {
    uint8_t text[LINE_MAX];
    uint32_t len, sent;
};

/* The device's own visitor, where there is a loopback. */
struct visitor {
    acme_handle stream;
    bool connected, sent, done; /* done: it has closed, or has had everything */
    uint32_t received;
    bool wrong;
};

static void visit_start(struct selftest_net_run *n, struct visitor *v)
{
    memset(v, 0, sizeof(*v));
    v->stream = ACME_HANDLE_NONE;
    if (n->t->options->self_host != NULL) {
        v->stream = selftest_dial(n, n->t->options->self_host, n->t->options->listen_port);
    }
}

static bool visit_connected(struct selftest_net_run *n, struct visitor *v)
{
    if (v->stream >= 0 && !v->connected) {
        v->connected = n->ops->connected(n->ctx, v->stream) == ACME_OK;
    }
    return v->connected;
}

/* First visit: sends a line, takes it back, closes. */
static void visit_line(struct selftest_net_run *n, struct visitor *v)
{
    uint8_t data[LINE_MAX];
    int32_t rc;

    if (v->done || !visit_connected(n, v)) {
        return;
    }
    if (!v->sent) {
        v->sent = selftest_send(n, v->stream, (const uint8_t *)FIRST_LINE,
                                sizeof(FIRST_LINE) - 1u) == (int32_t)sizeof(FIRST_LINE) - 1;
        return;
    }
    rc = selftest_recv(n, v->stream, data, sizeof(data));
    v->received += rc > 0 ? (uint32_t)rc : 0u;
    if (v->received >= sizeof(FIRST_LINE) - 1u) {
        selftest_hang_up(n, v->stream);
        v->stream = ACME_HANDLE_NONE;
        v->done = true;
    }
}

/* Second visit: takes everything until the device has closed. */
static void visit_take(struct selftest_net_run *n, struct visitor *v)
{
    uint8_t data[SELFTEST_PART];
    int32_t rc;

    if (v->done || !visit_connected(n, v)) {
        return;
    }
    rc = selftest_recv(n, v->stream, data, sizeof(data));
    for (int32_t i = 0; i < rc; i++) {
        v->wrong = v->wrong || data[i] != selftest_pattern(v->received, 3);
        v->received++;
    }
    if (rc < 0 && rc != ACME_ERR_AGAIN) {
        v->wrong = v->wrong || rc != ACME_ERR_CLOSED;
        v->done = true;
    }
}

static int32_t wait_for_visitor(struct selftest_net_run *n, acme_handle listener, struct visitor *v,
                                acme_handle *stream)
{
    selftest_begin_wait(n);
    do {
        (void)visit_connected(n, v);
        *stream = selftest_accept(n, listener);
    } while (*stream == ACME_ERR_AGAIN && selftest_wait_on(n));
    return *stream >= 0 ? ACME_OK : *stream == ACME_ERR_AGAIN ? ACME_ERR_TIMEOUT : *stream;
}

/* Takes what there is of a line. Returns what recv did. */
static int32_t take_line(struct selftest_net_run *n, acme_handle stream, struct line *l)
{
    int32_t rc = l->len < sizeof(l->text)
                     ? selftest_recv(n, stream, l->text + l->len, sizeof(l->text) - l->len)
                     : ACME_ERR_LIMIT;

    l->len += rc > 0 ? (uint32_t)rc : 0u;
    return rc;
}

static int32_t return_line(struct selftest_net_run *n, acme_handle stream, struct line *l)
{
    int32_t rc = selftest_send(n, stream, l->text + l->sent, l->len - l->sent);

    l->sent += rc > 0 ? (uint32_t)rc : 0u;
    return rc;
}

static bool is_whole(const struct line *l)
{
    return l->len > 0 && l->text[l->len - 1u] == '\n';
}

/* Takes a line and sends it back: ACME_OK or an error. */
static int32_t serve_line(struct selftest_net_run *n, acme_handle stream, struct visitor *v)
{
    struct line l = {.len = 0};
    int32_t rc;

    selftest_begin_wait(n);
    do {
        visit_line(n, v);
        rc = is_whole(&l) ? return_line(n, stream, &l) : take_line(n, stream, &l);
        if (!selftest_goes_on(rc)) {
            return rc == 0 ? ACME_ERR_INTERNAL : rc;
        }
    } while ((l.sent == 0 || l.sent < l.len) && selftest_wait_on(n));
    return l.sent == l.len && l.len > 0 ? ACME_OK : ACME_ERR_TIMEOUT;
}

/* The visitor closes, and recv must say so. */
static const char *wait_for_finish(struct selftest_net_run *n, acme_handle stream,
                                   struct visitor *v)
{
    uint8_t byte;
    int32_t rc;

    selftest_begin_wait(n);
    do {
        visit_line(n, v);
        rc = selftest_recv(n, stream, &byte, 1);
    } while (rc == ACME_ERR_AGAIN && selftest_wait_on(n));
    return rc == ACME_ERR_CLOSED  ? NULL
           : rc == ACME_ERR_AGAIN ? "recv never says CLOSED after the peer has closed"
                                  : selftest_why(n, rc);
}

static void first_visit(struct selftest_net_run *n, acme_handle listener)
{
    struct visitor v;
    acme_handle stream;
    int32_t rc;

    visit_start(n, &v);
    rc = wait_for_visitor(n, listener, &v, &stream);
    selftest_net_judge_rc(n, "net.accept", rc);
    if (rc == ACME_OK) {
        rc = serve_line(n, stream, &v);
        selftest_net_judge_rc(n, "net.serve", rc == ACME_ERR_INTERNAL ? 0 : rc);
        if (rc == ACME_OK) {
            selftest_net_judge(n, "net.closed", wait_for_finish(n, stream, &v));
        }
        selftest_hang_up(n, stream);
    }
    selftest_hang_up(n, v.stream);
}

/* Sends the next bytes of the pattern, of which *sent have gone. Returns what send did. */
static int32_t send_pattern(struct selftest_net_run *n, acme_handle stream, uint32_t *sent)
{
    uint8_t data[SELFTEST_PART];
    uint32_t left = ACME_SELFTEST_DELIVERED - *sent;
    uint32_t len = left < SELFTEST_PART ? left : SELFTEST_PART;
    int32_t rc;

    for (uint32_t i = 0; i < len; i++) {
        data[i] = selftest_pattern(*sent + i, 3);
    }
    rc = selftest_send(n, stream, data, len);
    *sent += rc > 0 ? (uint32_t)rc : 0u;
    return rc;
}

/* Sends a pattern and closes at once: what send has taken must still arrive. */
static int32_t send_and_close(struct selftest_net_run *n, acme_handle stream, struct visitor *v)
{
    uint32_t sent = 0;
    int32_t rc;

    selftest_begin_wait(n);
    do {
        rc = send_pattern(n, stream, &sent);
        if (rc == ACME_ERR_AGAIN) {
            visit_take(n, v);
        }
    } while (selftest_goes_on(rc) && sent < ACME_SELFTEST_DELIVERED && selftest_wait_on(n));
    selftest_hang_up(n, stream);
    if (sent == ACME_SELFTEST_DELIVERED) {
        return ACME_OK;
    }
    return rc < 0 ? rc : ACME_ERR_TIMEOUT;
}

static void second_visit(struct selftest_net_run *n, acme_handle listener)
{
    struct visitor v;
    acme_handle stream;
    int32_t rc;

    visit_start(n, &v);
    rc = wait_for_visitor(n, listener, &v, &stream);
    if (rc == ACME_OK) {
        rc = send_and_close(n, stream, &v);
    }
    selftest_begin_wait(n);
    while (rc == ACME_OK && v.stream >= 0 && !v.done && selftest_wait_on(n)) {
        visit_take(n, &v);
    }
    if (rc != ACME_OK) {
        selftest_net_judge_rc(n, "net.delivered", rc);
    } else if (v.stream < 0) {
        selftest_ok(n->t, "net.delivered", "if the visitor has # bytes", ACME_SELFTEST_DELIVERED);
    } else if (v.wrong || v.received != ACME_SELFTEST_DELIVERED) {
        selftest_failed(n->t, "net.delivered", "after close only # bytes arrive, or wrong ones",
                        v.received);
    } else {
        selftest_ok(n->t, "net.delivered", NULL, 0);
    }
    selftest_hang_up(n, v.stream);
}

void selftest_net_server(struct selftest_net_run *n)
{
    uint16_t port = n->t->options->listen_port;
    acme_handle listener = n->ops->listen(n->ctx, port), stream;

    selftest_net_judge_rc(n, "net.listen", listener < 0 ? listener : ACME_OK);
    if (listener < 0) {
        return;
    }
    if (n->t->options->self_host != NULL) {
        stream = selftest_accept(n, listener);
        selftest_judge(n->t, "net.nobody",
                       stream == ACME_ERR_AGAIN ? NULL : "accept does not say AGAIN to nobody", 0);
        selftest_hang_up(n, stream);
    }
    first_visit(n, listener);
    second_visit(n, listener);
    n->ops->unlisten(n->ctx, listener);
    /* The client listens for each challenge anew, seconds after the last one. */
    listener = n->ops->listen(n->ctx, port);
    selftest_net_judge_rc(n, "net.listen_again", listener < 0 ? listener : ACME_OK);
    if (listener >= 0) {
        n->ops->unlisten(n->ctx, listener);
    }
}
