/*
 * A run of the self-test as its checks see it: the port, the options, and how results are reported.
 */
#ifndef SELFTEST_REPORT_H
#define SELFTEST_REPORT_H

#include "acme_selftest.h"

#include <stddef.h>

#define SELFTEST_FRESH 16u /* bytes of the first draw after boot */

struct selftest {
    const struct acme_port *port;
    const struct acme_selftest_options *options;
    acme_selftest_report_fn report;
    void *report_ctx;
    int32_t passed, failed, skipped;
    bool clock_moves;              /* else nothing may wait */
    uint8_t fresh[SELFTEST_FRESH]; /* the first random bytes of this boot */
};

/** Reports a check; a '#' in the text (which may be NULL) becomes the number. */
void selftest_ok(struct selftest *t, const char *name, const char *text, uint32_t number);
void selftest_failed(struct selftest *t, const char *name, const char *text, uint32_t number);
void selftest_skipped(struct selftest *t, const char *name, const char *text);
/** OK if text is NULL, else failed. */
void selftest_judge(struct selftest *t, const char *name, const char *text, uint32_t number);

uint64_t selftest_now_ms(const struct selftest *t);
/** Lets the rest of the system work. */
void selftest_idle(const struct selftest *t);
/** A byte of a pattern that differs from place to place and from seed to seed. */
uint8_t selftest_pattern(uint32_t at, uint32_t seed);

/** "selftest: 31 passed, 0 failed, 2 skipped". */
void selftest_say_sums(struct selftest *t);

#endif
