/*
 * acme_clock_ops over the kernel's tick count, which wraps: the differences between two readings
 * are added up. It must not judge what time it is.
 */
#include "acme_freertos.h"

/* With several processors a critical section has a lock (ESP-IDF). One is enough for all clocks: it
 * is held for a sum. */
#if defined(portMUX_INITIALIZER_UNLOCKED)
static portMUX_TYPE reading = portMUX_INITIALIZER_UNLOCKED;
#define ENTER() taskENTER_CRITICAL(&reading)
#define EXIT()  taskEXIT_CRITICAL(&reading)
#else
#define ENTER() taskENTER_CRITICAL()
#define EXIT()  taskEXIT_CRITICAL()
#endif

static uint64_t advance(struct acme_freertos_clock *clock)
{
    TickType_t now = xTaskGetTickCount();

    clock->ticks += (TickType_t)(now - clock->last);
    clock->last = now;
    return clock->ticks * 1000u / configTICK_RATE_HZ;
}

static uint64_t uptime_ms(void *ctx)
{
    uint64_t ms;

    /* Two tasks may read it: a reading and its sum are one step. */
    ENTER();
    ms = advance(ctx);
    EXIT();
    return ms;
}

static int32_t wall_s(void *ctx, int64_t *unix_s)
{
    struct acme_freertos_clock *clock = ctx;
    int32_t rc = ACME_ERR_NO_CLOCK;

    ENTER();
    if (clock->unix_s != 0) {
        *unix_s = clock->unix_s + (int64_t)((advance(clock) - clock->set_at_ms) / 1000u);
        rc = ACME_OK;
    }
    EXIT();
    return rc;
}

const struct acme_clock_ops acme_freertos_clock_ops = {uptime_ms, wall_s};

void acme_freertos_clock_set(struct acme_freertos_clock *clock, int64_t unix_s)
{
    ENTER();
    clock->unix_s = unix_s;
    clock->set_at_ms = advance(clock);
    EXIT();
}
