/*
 * Handshakes under way hold the stored certificates. It must not know a certificate.
 */
#include "client/hold.h"

#include "acme/config.h"

#if defined(CONFIG_ACME_CERT_HOLD)

#include "client/machine.h"
#include "client/state.h"

#define HOLD_MOST_MS 30000u
#define HOLD_LOOK_MS 100u

/* At its end the count stays: to wait too long is better than to take a key away. */
void acme_cert_hold(acme_client *c)
{
    c->hold.count = c->hold.count < UINT16_MAX ? (uint16_t)(c->hold.count + 1u) : UINT16_MAX;
}

void acme_cert_release(acme_client *c)
{
    c->hold.count = c->hold.count > 0 ? (uint16_t)(c->hold.count - 1u) : 0;
}

/* The handshakes under way get their time; whoever holds the keys for longer loses them. */
bool acme_hold_must_wait(struct acme_client *c)
{
    uint32_t now_ms = (uint32_t)acme_clock_uptime_ms(&c->clock);

    if (!c->hold.waits) {
        c->hold.waits = true;
        c->hold.since_ms = now_ms;
    }
    if (c->hold.count > 0 && now_ms - c->hold.since_ms < HOLD_MOST_MS) {
        acme_machine_wait(c, HOLD_LOOK_MS);
        return true;
    }
    c->hold.waits = false;
    return false;
}
#endif
