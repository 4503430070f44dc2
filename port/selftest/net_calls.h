/*
 * The calls of a network port as the checks make them: each is timed, and waits end.
 */
#ifndef SELFTEST_NET_CALLS_H
#define SELFTEST_NET_CALLS_H

#include "report.h"

#define SELFTEST_PART 256u /* bytes that a check sends or takes at once */

struct selftest_net_run {
    struct selftest *t;
    const struct acme_net_ops *ops;
    void *ctx;
    uint64_t start;      /* of the wait under way */
    uint32_t longest_ms; /* of a call */
    uint32_t number;     /* for the '#' of the text that says what is wrong */
};

acme_handle selftest_dial(struct selftest_net_run *n, const char *host, uint16_t port);
int32_t selftest_send(struct selftest_net_run *n, acme_handle stream, const uint8_t *data,
                      size_t len);
int32_t selftest_recv(struct selftest_net_run *n, acme_handle stream, uint8_t *data, size_t size);
acme_handle selftest_accept(struct selftest_net_run *n, acme_handle listener);
/** Closes a stream, if it is one. */
void selftest_hang_up(struct selftest_net_run *n, acme_handle stream);

void selftest_begin_wait(struct selftest_net_run *n);
/** One turn of a wait: false when it is over. */
bool selftest_wait_on(struct selftest_net_run *n);
/** ACME_OK, the error that the port gave, or ACME_ERR_TIMEOUT. *stream is -1 unless there is one.
 */
int32_t selftest_dial_and_wait(struct selftest_net_run *n, const char *host, uint16_t port,
                               acme_handle *stream);
/** Whether a call that moves bytes answers that more may come: some bytes, or AGAIN. */
bool selftest_goes_on(int32_t rc);

/** What is wrong, for a person; it may use n->number. */
const char *selftest_why(struct selftest_net_run *n, int32_t rc);
void selftest_net_judge(struct selftest_net_run *n, const char *name, const char *wrong);
void selftest_net_judge_rc(struct selftest_net_run *n, const char *name, int32_t rc);

#endif
