/*
 * The trusted-time floor. It must not read the store or the network: others tell it.
 */
#include "clock.h"

#include <string.h>

void acme_clock_init(struct acme_clock *c, const struct acme_clock_ops *ops, void *ctx,
                     int64_t floor_s)
{
    memset(c, 0, sizeof(*c));
    c->ops = ops;
    c->ctx = ctx;
    c->floor_s = floor_s;
}

uint64_t acme_clock_uptime_ms(const struct acme_clock *c)
{
    return c->ops->uptime_ms(c->ctx);
}

int32_t acme_clock_now(const struct acme_clock *c, int64_t *unix_s)
{
    int64_t now = 0;
    int32_t rc = c->ops->wall_s(c->ctx, &now);

    if (rc != ACME_OK && c->offered_s != 0) {
        now = c->offered_s + (int64_t)((acme_clock_uptime_ms(c) - c->offered_at) / 1000u);
        rc = ACME_OK;
    }
    if (rc != ACME_OK) {
        *unix_s = c->floor_s;
        return ACME_ERR_NO_CLOCK;
    }
    *unix_s = now > c->floor_s ? now : c->floor_s;
    return ACME_OK;
}

void acme_clock_raise_floor(struct acme_clock *c, int64_t unix_s)
{
    if (unix_s > c->floor_s) {
        c->floor_s = unix_s;
    }
}

void acme_clock_offer(struct acme_clock *c, int64_t unix_s)
{
    if (unix_s > c->floor_s) {
        c->offered_s = unix_s;
        c->offered_at = acme_clock_uptime_ms(c);
    }
}
