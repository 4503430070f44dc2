/*
 * The self-test of a clock: does it move, steadily and in milliseconds, and does the wall clock go
 * with it? It must not know what the times are for.
 */
#include "checks.h"

#define EARLIEST_S INT64_C(1704067200) /* 2024: no device of today is older */
#define LATEST_S   INT64_C(7258118400) /* 2200 */

#define CLOCK_READS   10000000u /* of a clock that stands still, before it is given up */
#define CLOCK_WATCH   300u      /* milliseconds in which it must not go back or jump */
#define CLOCK_STEP    100u      /* coarser than this is no use for time-outs */
#define RATE_SECONDS  3
#define SECOND_MAX_MS 5000u /* a second that is longer never comes */
#define RATE_LEEWAY   300u  /* milliseconds: the wall clock may be corrected meanwhile */

/* A clock that stands still must not hang the test, so the reads are counted. */
static void check_clock_moves(struct selftest *t)
{
    uint64_t first = selftest_now_ms(t);

    for (uint32_t i = 0; i < CLOCK_READS && !t->clock_moves; i++) {
        t->clock_moves = selftest_now_ms(t) != first;
        if (i % 1000u == 0) {
            selftest_idle(t);
        }
    }
    selftest_judge(t, "clock.moves", t->clock_moves ? NULL : "uptime_ms stands still", 0);
}

static void check_clock_is_steady(struct selftest *t)
{
    uint64_t first = selftest_now_ms(t), before = first, step = UINT32_MAX;
    const char *wrong = NULL;

    while (wrong == NULL && before - first < CLOCK_WATCH) {
        uint64_t now = selftest_now_ms(t);

        if (now < before) {
            wrong = "uptime_ms goes back";
        } else if (now != before && now - before < step) {
            step =
                now - before; /* the smallest: an interrupt or another task may make one longer */
        }
        before = now;
    }
    selftest_judge(t, "clock.monotonic", wrong, 0);
    if (wrong == NULL && step > CLOCK_STEP) {
        selftest_failed(t, "clock.step", "uptime_ms moves # ms at once; is its unit milliseconds?",
                        (uint32_t)step);
    } else if (wrong == NULL) {
        selftest_ok(t, "clock.step", "# ms", (uint32_t)step);
    }
}

static int32_t read_wall(struct selftest *t, int64_t *unix_s)
{
    return t->port->clock->wall_s(t->port->clock_ctx, unix_s);
}

/* Waits until the wall clock's next second. False: it does not come. */
static bool next_second(struct selftest *t, int64_t *unix_s)
{
    uint64_t start = selftest_now_ms(t);
    int64_t before = *unix_s;

    while (read_wall(t, unix_s) == ACME_OK && *unix_s == before) {
        selftest_idle(t);
        if (selftest_now_ms(t) - start > SECOND_MAX_MS) {
            return false;
        }
    }
    return *unix_s == before + 1;
}

static void check_rate(struct selftest *t, int64_t now)
{
    uint64_t start;
    uint32_t took;
    bool steady = next_second(t, &now);

    start = selftest_now_ms(t);
    for (int i = 0; i < RATE_SECONDS && steady; i++) {
        steady = next_second(t, &now);
    }
    took = (uint32_t)(selftest_now_ms(t) - start);
    if (!steady) {
        selftest_failed(t, "clock.rate", "wall_s does not go on second by second", 0);
    } else if (took < RATE_SECONDS * 1000u - RATE_LEEWAY ||
               took > RATE_SECONDS * 1000u + RATE_LEEWAY) {
        selftest_failed(t, "clock.rate", "uptime_ms counts # ms in 3 s of wall_s", took);
    } else {
        selftest_ok(t, "clock.rate", "# ms in 3 s", took);
    }
}

static void check_wall(struct selftest *t)
{
    int64_t now = INT64_MIN;
    int32_t rc = read_wall(t, &now);

    if (rc == ACME_ERR_NO_CLOCK) {
        selftest_judge(t, "clock.wall",
                       now == INT64_MIN ? NULL : "wall_s says NO_CLOCK, and gives a time", 0);
        selftest_skipped(t, "clock.rate", "no wall clock yet");
        return;
    }
    if (rc != ACME_OK) {
        selftest_failed(t, "clock.wall", "wall_s answers neither OK nor NO_CLOCK", 0);
    } else if (now < EARLIEST_S || now > LATEST_S) {
        selftest_failed(t, "clock.wall", "not a time of today; say NO_CLOCK while it is not known",
                        0);
    } else {
        selftest_ok(t, "clock.wall", NULL, 0);
        check_rate(t, now);
    }
}

void selftest_clock(struct selftest *t)
{
    check_clock_moves(t);
    if (t->clock_moves) {
        check_clock_is_steady(t);
        check_wall(t);
    }
}
