/*
 * What lets a test cut the program's power at any event, and hurry its time. Only nanoacme-test has
 * it.
 */
#define NANOACME_TEST_HOOKS 1
#include "test_hooks.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include <mbedtls/memory_buffer_alloc.h>

/* NANOACME_TEST_HURRY=N: the device's time goes N times as fast, so that time-outs are tested. */
static uint32_t hurry = 1;
/* NANOACME_TEST_LEAP=1: a pause that the client announces is over at once. */
static bool leaps;
static uint64_t leapt_ms;

static uint64_t hurried_ms(void *ctx)
{
    return acme_posix_clock_ops.uptime_ms(ctx) * hurry + leapt_ms;
}

static int32_t wall_s(void *ctx, int64_t *unix_s)
{
    return acme_posix_clock_ops.wall_s(ctx, unix_s);
}

static const struct acme_clock_ops hurried_clock = {hurried_ms, wall_s};

static FILE *pool_notes; /* opened while files may be */

const struct acme_clock_ops *cli_test_clock(void)
{
    const char *text = getenv("NANOACME_TEST_HURRY"), *notes = getenv("NANOACME_TEST_POOL");

    pool_notes = notes != NULL ? fopen(notes, "ae") : NULL;

    hurry = text != NULL ? (uint32_t)strtoul(text, NULL, 10) : 1;
    leaps = getenv("NANOACME_TEST_LEAP") != NULL;
    return &hurried_clock;
}

uint32_t cli_test_real_ms(uint32_t ms)
{
    return leaps && ms > 100 ? 100 : ms / hurry;
}

/* NANOACME_TEST_POOL=FILE: what of mbedTLS's pool is taken before a job and after it. */
void cli_test_note_pool(const char *when)
{
    size_t bytes = 0, blocks = 0;

    mbedtls_memory_buffer_alloc_cur_get(&bytes, &blocks);
    if (pool_notes != NULL) {
        (void)fprintf(pool_notes, "%s %zu %zu\n", when, bytes, blocks);
        (void)fflush(pool_notes);
    }
}

/* NANOACME_KILL_AT=N: the process kills itself at the n-th event, as a power cut would. */
static void kill_at(const struct acme_event *event)
{
    static long count;
    const char *at = getenv("NANOACME_KILL_AT");

    if (event->type == ACME_EVENT_ERROR || event->type == ACME_EVENT_WAIT) {
        return;
    }
    count++;
    if (getenv("NANOACME_TRACE_EVENTS") != NULL) {
        (void)fprintf(stderr, "event %ld %d %s\n", count, (int)event->type,
                      acme_state_name(event->state));
    }
    if (at != NULL && count == strtol(at, NULL, 10)) {
        (void)raise(SIGKILL);
    }
}

void cli_test_event(const struct acme_event *event)
{
    if (leaps && event->type == ACME_EVENT_WAIT) {
        leapt_ms += event->wait_ms;
    }
    kill_at(event);
}
