/*
 * acme_clock_ops over the board's tick and lwIP's SNTP. It must not judge what time it is.
 */
#include "acme_lwip_raw.h"

#include <lwip/apps/sntp.h>

static struct acme_lwip_raw_clock *sntp_clock;

static uint64_t uptime_ms(void *ctx)
{
    const struct acme_lwip_raw_clock *clock = ctx;

    return clock->uptime_ms();
}

static int32_t wall_s(void *ctx, int64_t *unix_s)
{
    const struct acme_lwip_raw_clock *clock = ctx;

    if (clock->unix_s == 0) {
        return ACME_ERR_NO_CLOCK;
    }
    *unix_s = clock->unix_s + (int64_t)((clock->uptime_ms() - clock->set_at_ms) / 1000u);
    return ACME_OK;
}

const struct acme_clock_ops acme_lwip_raw_clock_ops = {uptime_ms, wall_s};

void acme_lwip_raw_sntp_start(struct acme_lwip_raw_clock *clock, const char *server)
{
    sntp_clock = clock;
    sntp_setoperatingmode(SNTP_OPMODE_POLL);
    sntp_servermode_dhcp(1);
    if (server != NULL) {
        sntp_setservername(0, server);
    }
    sntp_init();
}

void acme_lwip_raw_set_time(uint32_t unix_s)
{
    /* NTP's era 0 ends in 2036, and 32 bits of Unix time in 2106; what is before 2024 is after. */
    const uint32_t earliest = 1704067200u;

    sntp_clock->unix_s = (int64_t)unix_s + (unix_s < earliest ? INT64_C(0x100000000) : 0);
    sntp_clock->set_at_ms = sntp_clock->uptime_ms();
}
