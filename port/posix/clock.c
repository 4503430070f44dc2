/*
 * acme_clock_ops over the kernel's clocks. It must not judge what time it is.
 */
#include "acme_posix.h"

#include <time.h>

static uint64_t uptime_ms(void *ctx)
{
    struct timespec t = {0};

    (void)ctx;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

static int32_t wall_s(void *ctx, int64_t *unix_s)
{
    struct timespec t;

    (void)ctx;
    if (clock_gettime(CLOCK_REALTIME, &t) != 0) {
        return ACME_ERR_NO_CLOCK;
    }
    *unix_s = (int64_t)t.tv_sec;
    return ACME_OK;
}

const struct acme_clock_ops acme_posix_clock_ops = {uptime_ms, wall_s};
