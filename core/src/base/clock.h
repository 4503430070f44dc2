/*
 * Time as the core trusts it: what the wall clock, the CA's Date and the floor together prove
 * (docs/security.md: whom the device believes). It knows the port's clock, not where the floor is
 * kept, and not who has told the time.
 */
#pragma once

#include <stdbool.h>

#include "acme/client.h"

/** When something is valid, in Unix seconds, both included. */
struct acme_span {
    int64_t from_s, to_s;
};

/** Its times are those of uptime 0: each moves on with the uptime. */
struct acme_clock {
    const struct acme_clock_ops *ops;
    void *ctx;
    int64_t floor; /* it is not earlier than this, by the build time and what was weighed */
    int64_t born;  /* a certificate says that it is not earlier: reason to doubt a wall clock */
    int64_t told;  /* authenticated time from the CA, if heard */
#if defined(CONFIG_ACME_SCHEDULE)
    uint32_t leap_at; /* uptime from which the CA alone may raise the floor again */

    bool fresh; /* what was told is not weighed yet */
#endif
    bool heard;
#if defined(CONFIG_ACME_CLOCK_POLICY)
    uint8_t policy; /* enum acme_clock_policy */
#endif
};

void acme_clock_init(struct acme_clock *c, const struct acme_clock_ops *ops, void *ctx,
                     int64_t build_s);
uint64_t acme_clock_uptime_ms(const struct acme_clock *c);
/** Wall-clock seconds: ACME_OK, or ACME_ERR_NO_CLOCK and *unix_s = the latest time that the floor
 * or a certificate names. A wall clock below that counts only where the CA agrees. */
int32_t acme_clock_now(const struct acme_clock *c, int64_t *unix_s);
/** Whether a certificate has ended for sure, while nobody knows the time (acme_clock_now): by the
 * floor, which a wall clock within the certificate's span contests. */
bool acme_clock_is_past(const struct acme_clock *c, const struct acme_span *span);
/** The latest time is not earlier than a stored certificate's notBefore, if its CA is right. */
void acme_clock_raise_born(struct acme_clock *c, int64_t not_before_s);
/** Takes the Date of a CA whose TLS chain was verified, and has this span: what lies outside is no
 * evidence. The last one counts. */
void acme_clock_offer(struct acme_clock *c, int64_t unix_s, const struct acme_span *chain);
/** Whether the policy wants wall clock and CA to agree, and they do not. Only with
 * CONFIG_ACME_CLOCK_POLICY. */
bool acme_clock_disagrees(const struct acme_clock *c);
/** The floor in Unix seconds. */
int64_t acme_clock_floor(const struct acme_clock *c);
/** All that was heard and weighed is forgotten: the build time is left. */
void acme_clock_start_over(struct acme_clock *c, int64_t build_s);
/** What the CA has told is forgotten. */
static inline void acme_clock_forget_told(struct acme_clock *c)
{
    c->heard = false;
}

#if defined(CONFIG_ACME_SCHEDULE)
/** Raises the floor, to one that was stored, or to the build time, which it was to stay above. */
void acme_clock_raise_floor(struct acme_clock *c, int64_t unix_s);
/** Weighs what the CA has told since the last call, once: the floor follows a wall clock that
 * agrees with it, and the CA alone by leap_s at most, down, or up once a day. Where they disagree
 * it stays. True: it was weighed, and there is a floor to be kept. */
bool acme_clock_weigh(struct acme_clock *c, uint32_t leap_s);
/** All connections of a job have found the CA's chain to be out of date. Where no wall clock says
 * so (false: it does), what the CA has told is forgotten, and the floor sinks by leap_s, but
 * not below what a certificate says. */
bool acme_clock_doubt(struct acme_clock *c, uint32_t leap_s);
#endif
