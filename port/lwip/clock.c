/*
 * acme_clock_ops over the board's tick and lwIP's SNTP. lwIP's thread sets the time, the client's
 * reads it: both under lwIP's lightweight protection, which is nothing where there are no threads.
 * It must not judge what time it is.
 */
#include "acme_lwip.h"

#include <lwip/apps/sntp.h>
#include <lwip/sys.h>
#include <lwip/tcpip.h>

static struct acme_lwip_clock *sntp_clock;
static const char *sntp_server;

static uint64_t uptime_ms(void *ctx)
{
    struct acme_lwip_clock *clock = ctx;
    uint64_t ms;
    uint32_t now;
    SYS_ARCH_DECL_PROTECT(level);

    if (clock->uptime_ms != NULL) {
        return clock->uptime_ms();
    }
    SYS_ARCH_PROTECT(level);
    now = sys_now();
    if (now < clock->last_ms) {
        clock->wraps++;
    }
    clock->last_ms = now;
    ms = ((uint64_t)clock->wraps << 32) | now;
    SYS_ARCH_UNPROTECT(level);
    return ms;
}

static int32_t wall_s(void *ctx, int64_t *unix_s)
{
    const struct acme_lwip_clock *clock = ctx;
    uint64_t now_ms = uptime_ms(ctx), set_at_ms;
    int64_t set_s;
    SYS_ARCH_DECL_PROTECT(level);

    SYS_ARCH_PROTECT(level);
    set_s = clock->unix_s;
    set_at_ms = clock->set_at_ms;
    SYS_ARCH_UNPROTECT(level);
    if (set_s == 0) {
        return ACME_ERR_NO_CLOCK;
    }
    /* SNTP may have set it after now was read. */
    *unix_s = now_ms < set_at_ms ? set_s : set_s + (int64_t)((now_ms - set_at_ms) / 1000u);
    return ACME_OK;
}

const struct acme_clock_ops acme_lwip_clock_ops = {uptime_ms, wall_s};

static void start(void *unused)
{
    (void)unused;
    sntp_setoperatingmode(SNTP_OPMODE_POLL);
    sntp_servermode_dhcp(1);
    if (sntp_server != NULL) {
        sntp_setservername(0, sntp_server);
    }
    sntp_init();
}

int32_t acme_lwip_sntp_start(struct acme_lwip_clock *clock, const char *server)
{
    sntp_clock = clock;
    sntp_server = server;
#if NO_SYS
    start(NULL);
    return ACME_OK;
#else
    return tcpip_try_callback(start, NULL) == ERR_OK ? ACME_OK : ACME_ERR_NET;
#endif
}

void acme_lwip_set_time(uint32_t unix_s)
{
    /* NTP's era 0 ends in 2036, and 32 bits of Unix time in 2106; what is before 2024 is after. */
    const uint32_t earliest = 1704067200u;
    uint64_t now_ms = uptime_ms(sntp_clock);
    SYS_ARCH_DECL_PROTECT(level);

    SYS_ARCH_PROTECT(level);
    sntp_clock->unix_s = (int64_t)unix_s + (unix_s < earliest ? INT64_C(0x100000000) : 0);
    sntp_clock->set_at_ms = now_ms;
    SYS_ARCH_UNPROTECT(level);
}
