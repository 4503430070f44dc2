/*
 * Trusted time and its floor. It must not read the store or the network: whoever does, tells it
 * what they say. The rules are those of docs/security.md, "Whom the device believes about the
 * time".
 */
#include "base/clock.h"

#include <string.h>

#include "base/option.h"

#define SKEW_S   60 /* the clocks of a CA's servers differ by seconds */
#define DAY_S    86400
#define AGREE_S  3600               /* two who agree are not further apart */
#define NO_FLOOR INT64_C(315532800) /* 1980: before that there is none */

static int64_t uptime_s(const struct acme_clock *c)
{
    return (int64_t)(acme_clock_uptime_ms(c) / 1000u);
}

/* A wall clock may say anything: no sum of it may overflow. */
static bool agree(int64_t wall_s, int64_t told_s)
{
    return (uint64_t)wall_s - (uint64_t)told_s + AGREE_S <= UINT64_C(2) * AGREE_S;
}

#if defined(CONFIG_ACME_CLOCK_POLICY)
/* The port's clock, where the policy lets it count. */
static int32_t wall_now(const struct acme_clock *c, int64_t *unix_s)
{
    return c->policy == ACME_CLOCK_CA ? ACME_ERR_NO_CLOCK : c->ops->wall_s(c->ctx, unix_s);
}

bool acme_clock_disagrees(const struct acme_clock *c)
{
    int64_t wall = 0;

    return c->policy == ACME_CLOCK_AGREE &&
           (!c->heard || wall_now(c, &wall) != ACME_OK || !agree(wall, c->told + uptime_s(c)));
}
#else
static int32_t wall_now(const struct acme_clock *c, int64_t *unix_s)
{
    return c->ops->wall_s(c->ctx, unix_s);
}
#endif

/* An instant as one of the start. The part of a second counts for the device: else a clock that is
 * right to the second may be found to be a second late. */
static int64_t since_start(const struct acme_clock *c, int64_t unix_s)
{
    return unix_s - (int64_t)((acme_clock_uptime_ms(c) + 999u) / 1000u);
}

void acme_clock_init(struct acme_clock *c, const struct acme_clock_ops *ops, void *ctx,
                     int64_t build_s)
{
    memset(c, 0, sizeof(*c));
    c->ops = ops;
    c->ctx = ctx;
    acme_clock_start_over(c, build_s);
}

void acme_clock_start_over(struct acme_clock *c, int64_t build_s)
{
    c->heard = false;
    c->floor = c->born = since_start(c, build_s);
}

uint64_t acme_clock_uptime_ms(const struct acme_clock *c)
{
    return c->ops->uptime_ms(c->ctx);
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

int32_t acme_clock_now(const struct acme_clock *c, int64_t *unix_s)
{
    int64_t up = uptime_s(c), now = later(c->floor, c->born);
    int32_t rc = ACME_ERR_NO_CLOCK; /* there may be no floor either */

    if (wall_now(c, unix_s) == ACME_OK &&
        (*unix_s >= now + up || (c->heard && agree(*unix_s, c->told + up)))) {
        return ACME_OK;
    }
    if (c->heard && c->told >= c->floor - AGREE_S) {
        now = later(c->told, c->floor);
        rc = ACME_OK;
    }
    *unix_s = now + up;
    return rc;
}

void acme_clock_raise_born(struct acme_clock *c, int64_t not_before_s)
{
    c->born = later(c->born, since_start(c, not_before_s));
    if (ACME_ENABLED(ACME_MUTATE_BORN)) { /* bugs for test/host/years/lies.c to find: this, */
        c->floor = later(c->floor, c->born);
    }
}

static bool has(const struct acme_span *span, int64_t unix_s)
{
    return unix_s >= span->from_s && unix_s <= span->to_s;
}

void acme_clock_offer(struct acme_clock *c, int64_t unix_s, const struct acme_span *chain)
{
    if (!has(chain, unix_s)) {
        return;
    }
    c->told = unix_s - uptime_s(c);
    c->heard = true;
#if defined(CONFIG_ACME_SCHEDULE)
    c->fresh = true;
#endif
}

bool acme_clock_is_past(const struct acme_clock *c, const struct acme_span *span)
{
    int64_t wall;

    return span->to_s < acme_clock_floor(c) && (wall_now(c, &wall) != ACME_OK || !has(span, wall));
}

int64_t acme_clock_floor(const struct acme_clock *c)
{
    return c->floor + uptime_s(c);
}

#if defined(CONFIG_ACME_SCHEDULE)

static void set_floor(struct acme_clock *c, int64_t unix_s)
{
    c->floor = unix_s - uptime_s(c);
}

void acme_clock_raise_floor(struct acme_clock *c, int64_t unix_s)
{
    c->floor = later(c->floor, since_start(c, unix_s));
}

/* Whether there is a wall clock, and it is not below what is known. */
static bool has_good_wall(const struct acme_clock *c, int64_t *wall_s)
{
    return wall_now(c, wall_s) == ACME_OK && *wall_s >= later(c->floor, c->born) + uptime_s(c);
}

/* Whether wall clock and CA say the same, be it below the floor. */
static bool has_agreement(const struct acme_clock *c, int64_t *wall_s)
{
    return c->heard && wall_now(c, wall_s) == ACME_OK && agree(*wall_s, c->told + uptime_s(c));
}

/* The CA alone moves the floor by a leap at most, and up by one a day: a job may be tried again
 * many times while something is wrong. Without a floor nothing is a leap: it stays. */
static bool follow_ca(struct acme_clock *c, int64_t told_s, uint32_t leap_s)
{
    int64_t floor = acme_clock_floor(c);
    uint32_t up = (uint32_t)uptime_s(c);

    if (told_s > floor && up >= c->leap_at) {
        c->leap_at = up + DAY_S;
        set_floor(c, told_s < floor + leap_s ? told_s : floor + leap_s);
    } else if (told_s < floor - AGREE_S && !ACME_ENABLED(ACME_MUTATE_NO_SINK)) { /* this, */
        set_floor(c, later(told_s, floor - leap_s));
    }
    return floor >= NO_FLOOR;
}

bool acme_clock_weigh(struct acme_clock *c, uint32_t leap_s)
{
    int64_t told = c->told + uptime_s(c) - SKEW_S, wall;

    if (!c->fresh) {
        return false;
    }
    c->fresh = false;
    if (has_agreement(c, &wall)) {
        set_floor(c, wall < told ? wall : told);
        c->born = c->born < c->floor ? c->born : c->floor;
        return true;
    }
    return !has_good_wall(c, &wall) && follow_ca(c, told, leap_s);
}

bool acme_clock_doubt(struct acme_clock *c, uint32_t leap_s)
{
    int64_t wall, least = c->born < c->floor ? c->born + uptime_s(c) : INT64_MIN;

    if (has_good_wall(c, &wall) || ACME_ENABLED(ACME_MUTATE_NO_DOUBT)) { /* and this */
        return false;
    }
    c->heard = false;
    set_floor(c, later(least, acme_clock_floor(c) - leap_s));
    return true;
}

#endif
