/*
 * The arithmetic of renewals. It must not know how a renewal is done.
 */
#include "client/renewal.h"

#include "base/option.h"

#define DAY_S       INT64_C(86400)
#define CALM_MOST_S 3600

static int64_t lifetime_of(int64_t not_before_s, int64_t not_after_s)
{
    return not_after_s > not_before_s ? not_after_s - not_before_s : 0;
}

int64_t acme_renewal_time(int64_t not_before_s, int64_t not_after_s)
{
    int64_t lifetime = lifetime_of(not_before_s, not_after_s);

    return not_after_s - lifetime / (lifetime < 10 * DAY_S ? 2 : 3);
}

int64_t acme_renewal_backoff(uint16_t failures, int64_t lifetime_s, uint32_t random)
{
    int64_t pause = CONFIG_ACME_RETRY_MIN_S, most = CONFIG_ACME_RETRY_MAX_S;

    for (; failures > 1 && pause < most; failures--) {
        pause *= 2;
    }
    if (lifetime_s > 0 && lifetime_s / 20 < most) {
        most = lifetime_s / 20;
    }
    pause = pause < most ? pause : most;
    pause -= pause / 2 * (random & 0xffff) / 0x10000;
    return pause > 0 ? pause : 1;
}

#if defined(CONFIG_ACME_SCHEDULE)
int64_t acme_renewal_spread(int64_t not_before_s, int64_t not_after_s, uint32_t seed)
{
    int64_t most = lifetime_of(not_before_s, not_after_s) / 20;
    int64_t at = acme_renewal_time(not_before_s, not_after_s);

    if (ACME_ENABLED(ACME_MUTATE_LATE)) { /* a bug that test/host/years must find */
        at = not_after_s + most;
    }
    return at - most * (seed & 0xffff) / 0x10000;
}

int64_t acme_renewal_latest(int64_t not_before_s, int64_t not_after_s)
{
    return not_after_s - lifetime_of(not_before_s, not_after_s) / 10;
}

int64_t acme_renewal_calm(uint8_t quick, int64_t left_s)
{
    int64_t pause = ACME_RENEWAL_CALM_S;

    for (; quick > 1 && pause < CALM_MOST_S; quick--) {
        pause *= 2;
    }
    pause = pause < CALM_MOST_S ? pause : CALM_MOST_S;
    if (left_s / 2 > ACME_RENEWAL_CALM_S && left_s / 2 < pause) {
        pause = left_s / 2;
    } else if (left_s / 2 <= ACME_RENEWAL_CALM_S && left_s > ACME_RENEWAL_CALM_S) {
        pause = ACME_RENEWAL_CALM_S; /* it is in time, if barely */
    }
    return pause;
}
#endif

#if defined(CONFIG_ACME_ARI)
int64_t acme_renewal_draw(int64_t start_s, int64_t end_s, int64_t not_before_s, int64_t not_after_s,
                          uint64_t random)
{
    int64_t latest = acme_renewal_latest(not_before_s, not_after_s);

    if (start_s < not_before_s && end_s > not_before_s) {
        start_s = not_before_s;
    }
    end_s = end_s < latest ? end_s : latest;
    start_s = start_s < end_s ? start_s : end_s;
    return start_s + (int64_t)(random % ((uint64_t)(end_s - start_s) + 1u));
}

int64_t acme_renewal_look(int64_t asked_s, int64_t lifetime_s)
{
    int64_t pause = asked_s < DAY_S ? asked_s : DAY_S;

    if (lifetime_s / 8 < pause) {
        pause = lifetime_s / 8;
    }
    return pause > 60 ? pause : 60;
}
#endif
