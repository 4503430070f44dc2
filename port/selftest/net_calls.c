/*
 * The calls of a network port, each timed, and waits that end. It must not know what is checked.
 */
#include "net_calls.h"

#define TIMEOUT_MS 20000u

static void note_time(struct selftest_net_run *n, uint64_t before)
{
    uint64_t took = selftest_now_ms(n->t) - before;

    if (took > n->longest_ms) {
        n->longest_ms = took > UINT32_MAX ? UINT32_MAX : (uint32_t)took;
    }
}

acme_handle selftest_dial(struct selftest_net_run *n, const char *host, uint16_t port)
{
    uint64_t before = selftest_now_ms(n->t);
    acme_handle stream = n->ops->connect(n->ctx, host, port);

    note_time(n, before);
    return stream;
}

int32_t selftest_send(struct selftest_net_run *n, acme_handle stream, const uint8_t *data,
                      size_t len)
{
    uint64_t before = selftest_now_ms(n->t);
    int32_t rc = n->ops->send(n->ctx, stream, data, len);

    note_time(n, before);
    return rc;
}

int32_t selftest_recv(struct selftest_net_run *n, acme_handle stream, uint8_t *data, size_t size)
{
    uint64_t before = selftest_now_ms(n->t);
    int32_t rc = n->ops->recv(n->ctx, stream, data, size);

    note_time(n, before);
    return rc;
}

acme_handle selftest_accept(struct selftest_net_run *n, acme_handle listener)
{
    uint64_t before = selftest_now_ms(n->t);
    acme_handle stream = n->ops->accept(n->ctx, listener);

    note_time(n, before);
    return stream;
}

void selftest_hang_up(struct selftest_net_run *n, acme_handle stream)
{
    if (stream >= 0) {
        n->ops->close(n->ctx, stream);
    }
}

/* ---- waiting ---- */

void selftest_begin_wait(struct selftest_net_run *n)
{
    n->start = selftest_now_ms(n->t);
}

/* One turn of a wait: false when it is over. */
bool selftest_wait_on(struct selftest_net_run *n)
{
    uint32_t most = n->t->options->timeout_ms;

    selftest_idle(n->t);
    return selftest_now_ms(n->t) - n->start < (most != 0 ? most : TIMEOUT_MS);
}

/* ACME_OK, the error that the port gave, or ACME_ERR_TIMEOUT. *stream is -1 unless there is one. */
int32_t selftest_dial_and_wait(struct selftest_net_run *n, const char *host, uint16_t port,
                               acme_handle *stream)
{
    int32_t rc;

    *stream = selftest_dial(n, host, port);
    if (*stream < 0) {
        rc = *stream;
        *stream = ACME_HANDLE_NONE;
        return rc;
    }
    selftest_begin_wait(n);
    do {
        rc = n->ops->connected(n->ctx, *stream);
    } while (rc == ACME_ERR_AGAIN && selftest_wait_on(n));
    return rc == ACME_ERR_AGAIN ? ACME_ERR_TIMEOUT : rc;
}

const char *selftest_why(struct selftest_net_run *n, int32_t rc)
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

void selftest_net_judge(struct selftest_net_run *n, const char *name, const char *wrong)
{
    selftest_judge(n->t, name, wrong, n->number);
}

void selftest_net_judge_rc(struct selftest_net_run *n, const char *name, int32_t rc)
{
    selftest_net_judge(n, name, rc == ACME_OK ? NULL : selftest_why(n, rc));
}

bool selftest_goes_on(int32_t rc)
{
    return rc > 0 || rc == ACME_ERR_AGAIN;
}
