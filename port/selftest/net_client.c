/*
 * The self-test of a network port as a client: names, connections, and what they carry. It must not
 * know what the client says over a stream.
 */
#include "net_checks.h"

#include <string.h>

#define ECHO_BYTES 8192u
#define REUSES     40u /* more than any port has streams */

static const char expected_answer[] = "HTTP/1.";

static const char *check_refused(struct selftest_net_run *n)
{
    acme_handle stream;
    int32_t rc =
        selftest_dial_and_wait(n, n->t->options->peer_host, n->t->options->refused_port, &stream);

    selftest_hang_up(n, stream);
    if (rc == ACME_OK) {
        return "connects where nobody listens";
    }
    return rc == ACME_ERR_CONNECT || rc == ACME_ERR_NET ? NULL : selftest_why(n, rc);
}

static const char *check_missing(struct selftest_net_run *n)
{
    acme_handle stream;
    int32_t rc = selftest_dial_and_wait(n, n->t->options->missing_name, 80, &stream);

    selftest_hang_up(n, stream);
    if (rc == ACME_OK) {
        return "connects to a name that does not exist";
    }
    return rc == ACME_ERR_RESOLVE ? NULL : selftest_why(n, rc);
}

/* A stream that is to send and get back a pattern. */
struct echo {
    acme_handle stream;
    uint32_t seed, sent, received;
    bool differs;
};

/* What a call that moves bytes has answered, as ACME_OK or an error. AGAIN is not one, and no call
 * may answer 0. */
static int32_t verdict(int32_t rc)
{
    return selftest_goes_on(rc) ? ACME_OK : rc == 0 ? ACME_ERR_INTERNAL : rc;
}

static int32_t echo_send(struct selftest_net_run *n, struct echo *e, uint32_t total)
{
    uint8_t data[SELFTEST_PART];
    uint32_t len = total - e->sent < SELFTEST_PART ? total - e->sent : SELFTEST_PART;
    int32_t rc;

    for (uint32_t i = 0; i < len; i++) {
        data[i] = selftest_pattern(e->sent + i, e->seed);
    }
    rc = selftest_send(n, e->stream, data, len);
    e->sent += rc > 0 ? (uint32_t)rc : 0u;
    return verdict(rc);
}

static int32_t echo_take(struct selftest_net_run *n, struct echo *e)
{
    uint8_t data[SELFTEST_PART];
    int32_t rc = selftest_recv(n, e->stream, data, sizeof(data));

    for (int32_t i = 0; i < rc; i++) {
        e->differs = e->differs || data[i] != selftest_pattern(e->received, e->seed);
        e->received++;
    }
    return verdict(rc);
}

/* One turn: ACME_OK or an error. */
static int32_t echo_turn(struct selftest_net_run *n, struct echo *e, uint32_t total)
{
    int32_t rc = e->sent < total ? echo_send(n, e, total) : ACME_OK;

    return rc == ACME_OK ? echo_take(n, e) : rc;
}

static const char *exchange(struct selftest_net_run *n, struct echo *e, unsigned count,
                            uint32_t total)
{
    bool done;

    selftest_begin_wait(n);
    do {
        done = true;
        for (unsigned i = 0; i < count; i++) {
            int32_t rc = e[i].received < total ? echo_turn(n, &e[i], total) : ACME_OK;

            if (rc != ACME_OK) {
                return rc == ACME_ERR_INTERNAL ? selftest_why(n, 0) : selftest_why(n, rc);
            }
            n->number = e[i].received;
            if (e[i].differs) {
                return "what comes back is not what was sent: byte #";
            }
            done = done && e[i].received >= total;
        }
    } while (!done && selftest_wait_on(n));
    return done ? NULL : "only # bytes came back in time";
}

static void check_echo(struct selftest_net_run *n)
{
    const struct acme_selftest_options *o = n->t->options;
    struct echo e[2] = {{.seed = 1}, {.seed = 2}};
    uint8_t byte;
    const char *wrong;
    int32_t rc = selftest_dial_and_wait(n, o->peer_host, o->echo_port, &e[0].stream);

    selftest_net_judge_rc(n, "net.connect", rc);
    if (rc == ACME_OK) {
        rc = selftest_recv(n, e[0].stream, &byte, 1);
        selftest_judge(
            n->t, "net.again",
            rc == ACME_ERR_AGAIN ? NULL : "recv does not say AGAIN when nothing has come", 0);
        wrong = exchange(n, e, 1, ECHO_BYTES);
        selftest_net_judge(n, "net.echo", wrong);
        rc = selftest_dial_and_wait(n, o->peer_host, o->echo_port, &e[1].stream);
        e[0].sent = e[0].received = 0;
        wrong = rc == ACME_OK ? exchange(n, e, 2, ECHO_BYTES / 4u) : selftest_why(n, rc);
        selftest_net_judge(n, "net.two_streams", wrong);
        selftest_hang_up(n, e[1].stream);
    }
    selftest_hang_up(n, e[0].stream);
}

static void check_reuse(struct selftest_net_run *n)
{
    const struct acme_selftest_options *o = n->t->options;
    int32_t rc = ACME_OK;

    for (uint32_t i = 0; i < REUSES && rc == ACME_OK; i++) {
        struct echo e = {.seed = i};
        const char *wrong;

        rc = selftest_dial_and_wait(n, o->peer_host, o->echo_port, &e.stream);
        wrong = rc == ACME_OK ? exchange(n, &e, 1, 16) : NULL;
        selftest_hang_up(n, e.stream);
        if (wrong != NULL) {
            selftest_net_judge(n, "net.reuse", wrong);
            return;
        }
    }
    selftest_net_judge_rc(n, "net.reuse", rc);
}

/* Whether the bytes that came, from place at on, fit the beginning of an answer. */
static bool fits(const uint8_t *data, int32_t count, uint32_t at)
{
    for (int32_t i = 0; i < count; i++, at++) {
        if (at < sizeof(expected_answer) - 1u && data[i] != (uint8_t)expected_answer[at]) {
            return false;
        }
    }
    return true;
}

/* An answer begins with "HTTP/1.", and then the peer closes. */
static const char *read_answer(struct selftest_net_run *n, acme_handle stream)
{
    uint8_t data[SELFTEST_PART];
    uint32_t len = 0;
    int32_t rc;

    do {
        rc = selftest_recv(n, stream, data, sizeof(data));
        if (!fits(data, rc, len)) {
            return "the peer does not answer with HTTP/1.x";
        }
        len += rc > 0 ? (uint32_t)rc : 0u;
    } while (selftest_goes_on(rc) && selftest_wait_on(n));
    if (selftest_goes_on(rc)) {
        return "recv never says CLOSED after the peer's last byte";
    }
    if (rc != ACME_ERR_CLOSED) {
        return selftest_why(n, rc);
    }
    return len >= sizeof(expected_answer) ? NULL
                                          : "recv says CLOSED before the peer's bytes were taken";
}

static void check_http(struct selftest_net_run *n)
{
    static const char request[] = "GET / HTTP/1.0\r\n\r\n";
    acme_handle stream;
    size_t sent = 0;
    int32_t rc =
        selftest_dial_and_wait(n, n->t->options->peer_host, n->t->options->http_port, &stream);

    while (rc == ACME_OK && sent < sizeof(request) - 1u) {
        rc = selftest_send(n, stream, (const uint8_t *)request + sent, sizeof(request) - 1u - sent);
        sent += rc > 0 ? (size_t)rc : 0u;
        rc = rc > 0 || (rc == ACME_ERR_AGAIN && selftest_wait_on(n)) ? ACME_OK : rc;
    }
    if (rc == ACME_OK) {
        selftest_begin_wait(n);
        selftest_net_judge(n, "net.http", read_answer(n, stream));
    } else {
        selftest_net_judge_rc(n, "net.http", rc);
    }
    selftest_hang_up(n, stream);
}

void selftest_net_client(struct selftest_net_run *n)
{
    const struct acme_selftest_options *o = n->t->options;
    bool peer = o->peer_host != NULL;

    if (peer && o->echo_port != 0) {
        check_echo(n);
        check_reuse(n);
    } else {
        selftest_skipped(n->t, "net.connect", "no echo server was named");
    }
    if (peer && o->http_port != 0) {
        check_http(n);
    }
    if (peer && o->refused_port != 0) {
        selftest_net_judge(n, "net.refused", check_refused(n));
    }
    if (o->missing_name != NULL) {
        selftest_net_judge(n, "net.missing", check_missing(n));
    }
}
