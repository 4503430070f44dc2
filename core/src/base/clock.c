/*
 * Trusted time and its floor. It must not read the store or the network: whoever does, tells it
 * what they say.
 */
#include "base/clock.h"

#include <string.h>

#include "base/assert.h"

/* The clocks of a CA's servers differ by seconds, so that a certificate may be born after the
 * answer that it came with. */
#define SKEW_S  60
#define AGREE_S 3600 /* a wall clock and a CA that agree are not further apart */

/* A time that was true at this uptime, moved on. */
static int64_t moved_on(const struct acme_clock *c, int64_t unix_s, uint64_t at_ms)
{
    return unix_s + (int64_t)((acme_clock_uptime_ms(c) - at_ms) / 1000u);
}

#if defined(CONFIG_ACME_SCHEDULE)
static void set_floor(struct acme_clock *c, int64_t unix_s)
{
    c->floor_s = unix_s;
    c->floor_at = acme_clock_uptime_ms(c);
}

/* The latest time that is surely not in the future. */
static int64_t floor_now(const struct acme_clock *c)
{
    return moved_on(c, c->floor_s, c->floor_at);
}
#else
static void set_floor(struct acme_clock *c, int64_t unix_s)
{
    c->floor_s = unix_s;
}

static int64_t floor_now(const struct acme_clock *c)
{
    return c->floor_s;
}
#endif

#if defined(CONFIG_ACME_CLOCK_POLICY)
/* The port's clock, where the policy lets it count. */
static int32_t wall_now(const struct acme_clock *c, int64_t *unix_s)
{
    return c->policy == ACME_CLOCK_CA ? ACME_ERR_NO_CLOCK : c->ops->wall_s(c->ctx, unix_s);
}

bool acme_clock_disagrees(const struct acme_clock *c)
{
    int64_t wall = 0, offered = acme_clock_offered(c);

    if (c->policy != ACME_CLOCK_AGREE) {
        return false;
    }
    return c->ops->wall_s(c->ctx, &wall) != ACME_OK || offered == 0 || wall > offered + AGREE_S ||
           wall < offered - AGREE_S;
}
#else
static int32_t wall_now(const struct acme_clock *c, int64_t *unix_s)
{
    return c->ops->wall_s(c->ctx, unix_s);
}
#endif

void acme_clock_init(struct acme_clock *c, const struct acme_clock_ops *ops, void *ctx,
                     int64_t floor_s)
{
    memset(c, 0, sizeof(*c));
    c->ops = ops;
    c->ctx = ctx;
    set_floor(c, floor_s);
}

uint64_t acme_clock_uptime_ms(const struct acme_clock *c)
{
    return c->ops->uptime_ms(c->ctx);
}

int64_t acme_clock_offered(const struct acme_clock *c)
{
    return c->offered_s == 0 ? 0 : moved_on(c, c->offered_s, c->offered_at);
}

int32_t acme_clock_now(const struct acme_clock *c, int64_t *unix_s)
{
    int64_t now = 0, least = floor_now(c);
    int32_t rc = wall_now(c, &now);

    if (rc != ACME_OK || now < least) { /* a dead battery, a year that wrapped */
        now = acme_clock_offered(c);
    }
    if (now < least || now == 0) { /* nobody has told the time, and there may be no floor either */
        *unix_s = least;
        return ACME_ERR_NO_CLOCK;
    }
    ACME_ASSERT(now >= c->floor_s);
    *unix_s = now;
    return ACME_OK;
}

void acme_clock_raise_floor(struct acme_clock *c, int64_t unix_s)
{
    if (unix_s > floor_now(c)) {
        ACME_ASSERT(unix_s > c->floor_s);
        set_floor(c, unix_s);
    }
}

void acme_clock_offer(struct acme_clock *c, int64_t unix_s)
{
    if (unix_s > c->floor_s - SKEW_S) {
        c->offered_s = unix_s > c->floor_s ? unix_s : c->floor_s;
        c->offered_at = acme_clock_uptime_ms(c);
    }
}
