/*
 * Time as the core trusts it: a wall clock that never reads below the floor, which is the latest
 * time that is known to be past (docs/security.md says why). It knows the port's clock, not where
 * the floor is kept.
 */
#pragma once

#include <stdbool.h>

#include "acme/client.h"

struct acme_clock {
    const struct acme_clock_ops *ops;
    void *ctx;
    int64_t floor_s;     /* it is not earlier than this; 0: unknown */
    int64_t offered_s;   /* authenticated time from the CA, or 0 */
    uint64_t offered_at; /* uptime when offered_s came */
#if defined(CONFIG_ACME_SCHEDULE)
    uint64_t floor_at; /* uptime when floor_s was true: the floor moves on with the uptime */
#endif
#if defined(CONFIG_ACME_CLOCK_POLICY)
    uint8_t policy; /* enum acme_clock_policy */
#endif
};

void acme_clock_init(struct acme_clock *c, const struct acme_clock_ops *ops, void *ctx,
                     int64_t floor_s);
uint64_t acme_clock_uptime_ms(const struct acme_clock *c);
/** Wall-clock seconds: ACME_OK, or ACME_ERR_NO_CLOCK and *unix_s = the floor, which moves on with
 * the uptime. A wall clock below the floor is wrong for sure, and so is no clock. */
int32_t acme_clock_now(const struct acme_clock *c, int64_t *unix_s);
/** Raises the floor; never lowers it. */
void acme_clock_raise_floor(struct acme_clock *c, int64_t unix_s);
/** Takes the authenticated Date of a CA whose TLS chain was verified; used while the port has no
 * wall clock, or as the policy says. */
void acme_clock_offer(struct acme_clock *c, int64_t unix_s);
/** The CA's time, moved on by the uptime; 0: it has not told. */
int64_t acme_clock_offered(const struct acme_clock *c);
/** Whether the policy wants wall clock and CA to agree, and they do not. Only with
 * CONFIG_ACME_CLOCK_POLICY. */
bool acme_clock_disagrees(const struct acme_clock *c);
