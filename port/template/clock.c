/*
 * acme_clock_ops: to be written. It must not judge what time it is.
 */
#include "acme_template.h"

/* Write: the milliseconds since the start, from a tick or a timer.
 * - 64 bits, so that it never wraps; a counter of 32 bits is extended in its interrupt, or by
 * adding up differences as port/freertos/clock.c does, at least once in each wrap.
 * - It never goes back, whatever happens to the wall clock, and moves in steps of 10 ms or less.
 * - Where an interrupt counts, read both halves with interrupts off, or twice until they agree. */
static uint64_t uptime_ms(void *ctx)
{
    (void)ctx;
    return 0;
}

/* Write: the seconds since 1970-01-01T00:00:00Z into *unix_s, and return ACME_OK, if a
 * battery-backed clock, SNTP or the like has said what time it is since the start. Otherwise leave
 * *unix_s alone and return ACME_ERR_NO_CLOCK: a guess is worse than none, for the client then uses
 * its time floor. */
static int32_t wall_s(void *ctx, int64_t *unix_s)
{
    (void)ctx;
    (void)unix_s;
    return ACME_ERR_NO_CLOCK;
}

const struct acme_clock_ops acme_template_clock_ops = {uptime_ms, wall_s};
