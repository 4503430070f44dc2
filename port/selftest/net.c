/*
 * The self-test of a network port: names, connections, data, listeners, and that nothing waits. It
 * must not know what the client says over a stream.
 */
#include "selftest.h"

#include <string.h>

#define TIMEOUT_MS 20000u
#define NO_WAIT_MS 1000u /* longest call; an emulator may be slow */
#define ECHO_BYTES 8192u
#define PART       256u
#define REUSES     40u /* more than any port has streams */
#define LINE_MAX   128u
#define FIRST_LINE "nanoacme self-test\n"

struct net {
    struct selftest *t;
    const struct acme_net_ops *ops;
    void *ctx;
    uint64_t start;      /* of the wait under way */
    uint32_t longest_ms; /* of a call */
    uint32_t number;     /* for the '#' of the text that says what is wrong */
};

/* ---- calls, each timed ---- */

static void note_time(struct net *n, uint64_t before)
{
    uint64_t took = selftest_now_ms(n->t) - before;

    if (took > n->longest_ms) {
        n->longest_ms = took > UINT32_MAX ? UINT32_MAX : (uint32_t)took;
    }
}

static acme_handle dial(struct net *n, const char *host, uint16_t port)
{
    uint64_t before = selftest_now_ms(n->t);
    acme_handle stream = n->ops->connect(n->ctx, host, port);

    note_time(n, before);
    return stream;
}

static int32_t send_some(struct net *n, acme_handle stream, const uint8_t *data, size_t len)
{
    uint64_t before = selftest_now_ms(n->t);
    int32_t rc = n->ops->send(n->ctx, stream, data, len);

    note_time(n, before);
    return rc;
}

static int32_t recv_some(struct net *n, acme_handle stream, uint8_t *data, size_t size)
{
    uint64_t before = selftest_now_ms(n->t);
    int32_t rc = n->ops->recv(n->ctx, stream, data, size);

    note_time(n, before);
    return rc;
}

static acme_handle accept_one(struct net *n, acme_handle listener)
{
    uint64_t before = selftest_now_ms(n->t);
    acme_handle stream = n->ops->accept(n->ctx, listener);

    note_time(n, before);
    return stream;
}

static void hang_up(struct net *n, acme_handle stream)
{
    if (stream >= 0) {
        n->ops->close(n->ctx, stream);
    }
}

/* ---- waiting ---- */

static void begin_wait(struct net *n)
{
    n->start = selftest_now_ms(n->t);
}

/* One turn of a wait: false when it is over. */
static bool wait_on(struct net *n)
{
    uint32_t most = n->t->options->timeout_ms;

    selftest_idle(n->t);
    return selftest_now_ms(n->t) - n->start < (most != 0 ? most : TIMEOUT_MS);
}

/* ACME_OK, the error that the port gave, or ACME_ERR_TIMEOUT. *stream is -1 unless there is one. */
static int32_t dial_and_wait(struct net *n, const char *host, uint16_t port, acme_handle *stream)
{
    int32_t rc;

    *stream = dial(n, host, port);
    if (*stream < 0) {
        rc = *stream;
        *stream = ACME_HANDLE_NONE;
        return rc;
    }
    begin_wait(n);
    do {
        rc = n->ops->connected(n->ctx, *stream);
    } while (rc == ACME_ERR_AGAIN && wait_on(n));
    return rc == ACME_ERR_AGAIN ? ACME_ERR_TIMEOUT : rc;
}

static const char *why(struct net *n, int32_t rc)
{
    n->number = (uint32_t) - (int64_t)rc;
    switch (rc) {
    case 0:
        return "a call that moves bytes returns 0";
    case ACME_ERR_TIMEOUT:
        return "no answer in time";
    case ACME_ERR_RESOLVE:
        return "the name does not resolve";
    case ACME_ERR_CONNECT:
        return "the peer cannot be reached";
    case ACME_ERR_LIMIT:
        return "no free stream; is every close carried out?";
    case ACME_ERR_CLOSED:
        return "the stream was closed early";
    case ACME_ERR_LISTEN:
        return "the port cannot be opened";
    default:
        return "error -# of acme/error.h";
    }
}

static void judge(struct net *n, const char *name, const char *wrong)
{
    selftest_judge(n->t, name, wrong, n->number);
}

static void judge_rc(struct net *n, const char *name, int32_t rc)
{
    judge(n, name, rc == ACME_OK ? NULL : why(n, rc));
}

/* ---- as a client ---- */

static const char *check_refused(struct net *n)
{
    acme_handle stream;
    int32_t rc = dial_and_wait(n, n->t->options->peer_host, n->t->options->refused_port, &stream);

    hang_up(n, stream);
    if (rc == ACME_OK) {
        return "connects where nobody listens";
    }
    return rc == ACME_ERR_CONNECT || rc == ACME_ERR_NET ? NULL : why(n, rc);
}

static const char *check_missing(struct net *n)
{
    acme_handle stream;
    int32_t rc = dial_and_wait(n, n->t->options->missing_name, 80, &stream);

    hang_up(n, stream);
    if (rc == ACME_OK) {
        return "connects to a name that does not exist";
    }
    return rc == ACME_ERR_RESOLVE ? NULL : why(n, rc);
}

/* A stream that is to send and get back a pattern. */
struct echo {
    acme_handle stream;
    uint32_t seed, sent, received;
    bool differs;
};

/* One turn: ACME_OK or an error; AGAIN is not one. */
static int32_t echo_turn(struct net *n, struct echo *e, uint32_t total)
{
    uint8_t data[PART];
    int32_t rc;

    if (e->sent < total) {
        uint32_t len = total - e->sent < PART ? total - e->sent : PART;

        for (uint32_t i = 0; i < len; i++) {
            data[i] = selftest_pattern(e->sent + i, e->seed);
        }
        rc = send_some(n, e->stream, data, len);
        if (rc == 0 || (rc < 0 && rc != ACME_ERR_AGAIN)) {
            return rc == 0 ? ACME_ERR_INTERNAL : rc;
        }
        e->sent += rc > 0 ? (uint32_t)rc : 0u;
    }
    rc = recv_some(n, e->stream, data, sizeof(data));
    if (rc == 0 || (rc < 0 && rc != ACME_ERR_AGAIN)) {
        return rc == 0 ? ACME_ERR_INTERNAL : rc;
    }
    for (int32_t i = 0; i < rc; i++) {
        e->differs = e->differs || data[i] != selftest_pattern(e->received, e->seed);
        e->received++;
    }
    return ACME_OK;
}

static const char *exchange(struct net *n, struct echo *e, unsigned count, uint32_t total)
{
    bool done;

    begin_wait(n);
    do {
        done = true;
        for (unsigned i = 0; i < count; i++) {
            int32_t rc = e[i].received < total ? echo_turn(n, &e[i], total) : ACME_OK;

            if (rc != ACME_OK) {
                return rc == ACME_ERR_INTERNAL ? why(n, 0) : why(n, rc);
            }
            n->number = e[i].received;
            if (e[i].differs) {
                return "what comes back is not what was sent: byte #";
            }
            done = done && e[i].received >= total;
        }
    } while (!done && wait_on(n));
    return done ? NULL : "only # bytes came back in time";
}

static void check_echo(struct net *n)
{
    const struct acme_selftest_options *o = n->t->options;
    struct echo e[2] = {{.seed = 1}, {.seed = 2}};
    uint8_t byte;
    const char *wrong;
    int32_t rc = dial_and_wait(n, o->peer_host, o->echo_port, &e[0].stream);

    judge_rc(n, "net.connect", rc);
    if (rc == ACME_OK) {
        rc = recv_some(n, e[0].stream, &byte, 1);
        selftest_judge(
            n->t, "net.again",
            rc == ACME_ERR_AGAIN ? NULL : "recv does not say AGAIN when nothing has come", 0);
        wrong = exchange(n, e, 1, ECHO_BYTES);
        judge(n, "net.echo", wrong);
        rc = dial_and_wait(n, o->peer_host, o->echo_port, &e[1].stream);
        e[0].sent = e[0].received = 0;
        wrong = rc == ACME_OK ? exchange(n, e, 2, ECHO_BYTES / 4u) : why(n, rc);
        judge(n, "net.two_streams", wrong);
        hang_up(n, e[1].stream);
    }
    hang_up(n, e[0].stream);
}

static void check_reuse(struct net *n)
{
    const struct acme_selftest_options *o = n->t->options;
    int32_t rc = ACME_OK;

    for (uint32_t i = 0; i < REUSES && rc == ACME_OK; i++) {
        struct echo e = {.seed = i};
        const char *wrong;

        rc = dial_and_wait(n, o->peer_host, o->echo_port, &e.stream);
        wrong = rc == ACME_OK ? exchange(n, &e, 1, 16) : NULL;
        hang_up(n, e.stream);
        if (wrong != NULL) {
            judge(n, "net.reuse", wrong);
            return;
        }
    }
    judge_rc(n, "net.reuse", rc);
}

/* An answer begins with "HTTP/1.", and then the peer closes. */
static const char *read_answer(struct net *n, acme_handle stream)
{
    static const char expected[] = "HTTP/1.";
    uint8_t data[PART];
    uint32_t len = 0;
    int32_t rc;

    do {
        rc = recv_some(n, stream, data, sizeof(data));
        for (int32_t i = 0; i < rc; i++, len++) {
            if (len < sizeof(expected) - 1u && data[i] != (uint8_t)expected[len]) {
                return "the peer does not answer with HTTP/1.x";
            }
        }
    } while ((rc > 0 || rc == ACME_ERR_AGAIN) && wait_on(n));
    if (rc == ACME_ERR_AGAIN || rc > 0) {
        return "recv never says CLOSED after the peer's last byte";
    }
    if (rc != ACME_ERR_CLOSED) {
        return why(n, rc);
    }
    return len >= sizeof(expected) ? NULL : "recv says CLOSED before the peer's bytes were taken";
}

static void check_http(struct net *n)
{
    static const char request[] = "GET / HTTP/1.0\r\n\r\n";
    acme_handle stream;
    size_t sent = 0;
    int32_t rc = dial_and_wait(n, n->t->options->peer_host, n->t->options->http_port, &stream);

    while (rc == ACME_OK && sent < sizeof(request) - 1u) {
        rc = send_some(n, stream, (const uint8_t *)request + sent, sizeof(request) - 1u - sent);
        sent += rc > 0 ? (size_t)rc : 0u;
        rc = rc > 0 || (rc == ACME_ERR_AGAIN && wait_on(n)) ? ACME_OK : rc;
    }
    if (rc == ACME_OK) {
        begin_wait(n);
        judge(n, "net.http", read_answer(n, stream));
    } else {
        judge_rc(n, "net.http", rc);
    }
    hang_up(n, stream);
}

/* ---- as a server ---- */

/* The device's own visitor, where there is a loopback. */
struct visitor {
    acme_handle stream;
    bool connected, sent, done; /* done: it has closed, or has had everything */
    uint32_t received;
    bool wrong;
};

static void visit_start(struct net *n, struct visitor *v)
{
    memset(v, 0, sizeof(*v));
    v->stream = ACME_HANDLE_NONE;
    if (n->t->options->self_host != NULL) {
        v->stream = dial(n, n->t->options->self_host, n->t->options->listen_port);
    }
}

static bool visit_connected(struct net *n, struct visitor *v)
{
    if (v->stream >= 0 && !v->connected) {
        v->connected = n->ops->connected(n->ctx, v->stream) == ACME_OK;
    }
    return v->connected;
}

/* First visit: sends a line, takes it back, closes. */
static void visit_line(struct net *n, struct visitor *v)
{
    uint8_t data[LINE_MAX];
    int32_t rc;

    if (v->done || !visit_connected(n, v)) {
        return;
    }
    if (!v->sent) {
        v->sent = send_some(n, v->stream, (const uint8_t *)FIRST_LINE, sizeof(FIRST_LINE) - 1u) ==
                  (int32_t)sizeof(FIRST_LINE) - 1;
        return;
    }
    rc = recv_some(n, v->stream, data, sizeof(data));
    v->received += rc > 0 ? (uint32_t)rc : 0u;
    if (v->received >= sizeof(FIRST_LINE) - 1u) {
        hang_up(n, v->stream);
        v->stream = ACME_HANDLE_NONE;
        v->done = true;
    }
}

/* Second visit: takes everything until the device has closed. */
static void visit_take(struct net *n, struct visitor *v)
{
    uint8_t data[PART];
    int32_t rc;

    if (v->done || !visit_connected(n, v)) {
        return;
    }
    rc = recv_some(n, v->stream, data, sizeof(data));
    for (int32_t i = 0; i < rc; i++) {
        v->wrong = v->wrong || data[i] != selftest_pattern(v->received, 3);
        v->received++;
    }
    if (rc < 0 && rc != ACME_ERR_AGAIN) {
        v->wrong = v->wrong || rc != ACME_ERR_CLOSED;
        v->done = true;
    }
}

static int32_t wait_for_visitor(struct net *n, acme_handle listener, struct visitor *v,
                                acme_handle *stream)
{
    begin_wait(n);
    do {
        (void)visit_connected(n, v);
        *stream = accept_one(n, listener);
    } while (*stream == ACME_ERR_AGAIN && wait_on(n));
    return *stream >= 0 ? ACME_OK : *stream == ACME_ERR_AGAIN ? ACME_ERR_TIMEOUT : *stream;
}

/* Takes a line and sends it back: ACME_OK or an error. */
static int32_t serve_line(struct net *n, acme_handle stream, struct visitor *v)
{
    uint8_t line[LINE_MAX];
    uint32_t len = 0, sent = 0;
    int32_t rc;

    begin_wait(n);
    do {
        visit_line(n, v);
        if (len == 0 || line[len - 1u] != '\n') {
            rc = len < sizeof(line) ? recv_some(n, stream, line + len, sizeof(line) - len)
                                    : ACME_ERR_LIMIT;
            len += rc > 0 ? (uint32_t)rc : 0u;
        } else {
            rc = send_some(n, stream, line + sent, len - sent);
            sent += rc > 0 ? (uint32_t)rc : 0u;
        }
        if (rc == 0 || (rc < 0 && rc != ACME_ERR_AGAIN)) {
            return rc == 0 ? ACME_ERR_INTERNAL : rc;
        }
    } while ((sent == 0 || sent < len) && wait_on(n));
    return sent == len && len > 0 ? ACME_OK : ACME_ERR_TIMEOUT;
}

/* The visitor closes, and recv must say so. */
static const char *wait_for_finish(struct net *n, acme_handle stream, struct visitor *v)
{
    uint8_t byte;
    int32_t rc;

    begin_wait(n);
    do {
        visit_line(n, v);
        rc = recv_some(n, stream, &byte, 1);
    } while (rc == ACME_ERR_AGAIN && wait_on(n));
    return rc == ACME_ERR_CLOSED  ? NULL
           : rc == ACME_ERR_AGAIN ? "recv never says CLOSED after the peer has closed"
                                  : why(n, rc);
}

static void first_visit(struct net *n, acme_handle listener)
{
    struct visitor v;
    acme_handle stream;
    int32_t rc;

    visit_start(n, &v);
    rc = wait_for_visitor(n, listener, &v, &stream);
    judge_rc(n, "net.accept", rc);
    if (rc == ACME_OK) {
        rc = serve_line(n, stream, &v);
        judge_rc(n, "net.serve", rc == ACME_ERR_INTERNAL ? 0 : rc);
        if (rc == ACME_OK) {
            judge(n, "net.closed", wait_for_finish(n, stream, &v));
        }
        hang_up(n, stream);
    }
    hang_up(n, v.stream);
}

/* Sends a pattern and closes at once: what send has taken must still arrive. */
static int32_t send_and_close(struct net *n, acme_handle stream, struct visitor *v)
{
    uint8_t data[PART];
    uint32_t sent = 0;
    int32_t rc;

    begin_wait(n);
    do {
        uint32_t len = ACME_SELFTEST_DELIVERED - sent;

        len = len < PART ? len : PART;
        for (uint32_t i = 0; i < len; i++) {
            data[i] = selftest_pattern(sent + i, 3);
        }
        rc = send_some(n, stream, data, len);
        sent += rc > 0 ? (uint32_t)rc : 0u;
        if (rc == ACME_ERR_AGAIN) {
            visit_take(n, v);
        }
    } while ((rc > 0 || rc == ACME_ERR_AGAIN) && sent < ACME_SELFTEST_DELIVERED && wait_on(n));
    hang_up(n, stream);
    return sent == ACME_SELFTEST_DELIVERED ? ACME_OK : rc < 0 ? rc : ACME_ERR_TIMEOUT;
}

static void second_visit(struct net *n, acme_handle listener)
{
    struct visitor v;
    acme_handle stream;
    int32_t rc;

    visit_start(n, &v);
    rc = wait_for_visitor(n, listener, &v, &stream);
    if (rc == ACME_OK) {
        rc = send_and_close(n, stream, &v);
    }
    begin_wait(n);
    while (rc == ACME_OK && v.stream >= 0 && !v.done && wait_on(n)) {
        visit_take(n, &v);
    }
    if (rc != ACME_OK) {
        judge_rc(n, "net.delivered", rc);
    } else if (v.stream < 0) {
        selftest_ok(n->t, "net.delivered", "if the visitor has # bytes", ACME_SELFTEST_DELIVERED);
    } else if (v.wrong || v.received != ACME_SELFTEST_DELIVERED) {
        selftest_failed(n->t, "net.delivered", "after close only # bytes arrive, or wrong ones",
                        v.received);
    } else {
        selftest_ok(n->t, "net.delivered", NULL, 0);
    }
    hang_up(n, v.stream);
}

static void check_server(struct net *n)
{
    uint16_t port = n->t->options->listen_port;
    acme_handle listener = n->ops->listen(n->ctx, port), stream;

    judge_rc(n, "net.listen", listener < 0 ? listener : ACME_OK);
    if (listener < 0) {
        return;
    }
    if (n->t->options->self_host != NULL) {
        stream = accept_one(n, listener);
        selftest_judge(n->t, "net.nobody",
                       stream == ACME_ERR_AGAIN ? NULL : "accept does not say AGAIN to nobody", 0);
        hang_up(n, stream);
    }
    first_visit(n, listener);
    second_visit(n, listener);
    n->ops->unlisten(n->ctx, listener);
    /* The client listens for each challenge anew, seconds after the last one. */
    listener = n->ops->listen(n->ctx, port);
    judge_rc(n, "net.listen_again", listener < 0 ? listener : ACME_OK);
    if (listener >= 0) {
        n->ops->unlisten(n->ctx, listener);
    }
}

/* ---- all of them ---- */

void selftest_net(struct selftest *t)
{
    const struct acme_selftest_options *o = t->options;
    struct net n = {.t = t, .ops = t->port->net, .ctx = t->port->net_ctx};
    bool peer = o->peer_host != NULL;

    if (!t->clock_moves) {
        selftest_skipped(t, "net", "without a clock a wait would not end");
        return;
    }
    if (peer && o->echo_port != 0) {
        check_echo(&n);
        check_reuse(&n);
    } else {
        selftest_skipped(t, "net.connect", "no echo server was named");
    }
    if (peer && o->http_port != 0) {
        check_http(&n);
    }
    if (peer && o->refused_port != 0) {
        judge(&n, "net.refused", check_refused(&n));
    }
    if (o->missing_name != NULL) {
        judge(&n, "net.missing", check_missing(&n));
    }
    if (o->listen_port != 0) {
        check_server(&n);
    } else {
        selftest_skipped(t, "net.listen", "no port to listen on was named");
    }
    if (n.longest_ms > NO_WAIT_MS) {
        selftest_failed(t, "net.no_wait", "a call took # ms", n.longest_ms);
    } else {
        selftest_ok(t, "net.no_wait", "longest call: # ms", n.longest_ms);
    }
}
