/*
 * A fleet's schedules: a hundred thousand devices in one process, each with the core's own
 * arithmetic of renewals and pauses (renewal.c), against a stand-in for a CA that counts what it is
 * asked in each minute. A fleet of a million is this times ten. Beside it, for comparison, the same
 * devices as clients that renew at a fixed date and try again every hour. Run and drawn by
 * scripts/fleet.
 *
 * Prints a line for each ten minutes: scenario, minutes since the end of the outage (or since the
 * fleet was made), attempts and renewals in the busiest minute of them; and a line of totals.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/renewal.h"

#define DEVICES  100000u
#define MINUTE   60
#define DAY      INT64_C(86400)
#define BORN     INT64_C(1767225600)
#define LIFETIME (90 * DAY)
#define MINUTES  (120u * 1440u)
#define PER_LINE 10u

struct scenario {
    const char *name;
    bool naive;                  /* a fixed date, and another try each hour */
    bool suggested;              /* the CA suggests windows of two days */
    int64_t batch_s;             /* the fleet was made within this time */
    int64_t outage_at, outage_s; /* since BORN */
    uint32_t capacity;           /* orders a minute; more are answered with 429; 0: any */
};

static const struct scenario scenarios[] = {
    {"calm", false, false, DAY / 24, 0, 0, 0},
    {"calm-ari", false, true, DAY / 24, 0, 0, 0},
    {"calm-naive", true, false, DAY / 24, 0, 0, 0},
    {"outage", false, false, 30 * DAY, 50 * DAY, 21 * DAY, 0},
    {"outage-naive", true, false, 30 * DAY, 50 * DAY, 21 * DAY, 0},
    {"outage-limited", false, false, 30 * DAY, 50 * DAY, 21 * DAY, 30},
};

struct device {
    int64_t born, due;
    uint32_t next; /* in the list of its minute */
    uint16_t failures;
    bool late; /* its certificate ended before it was renewed */
};

static struct device devices[DEVICES];
static uint32_t queue[MINUTES + 1]; /* the first of each minute, plus 1 */
static uint32_t attempts[MINUTES], renewals[MINUTES];
static uint64_t state = 1;

static uint64_t next_random(void)
{
    uint64_t x = state += 0x9e3779b97f4a7c15u;

    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static void put(uint32_t i, int64_t at)
{
    int64_t minute = (at - BORN) / MINUTE;

    if (minute >= 0 && minute < (int64_t)MINUTES) {
        devices[i].next = queue[minute];
        queue[minute] = i + 1u;
    }
}

/* When the device renews a certificate of this age: the core's rule, or everybody's. */
static int64_t due_of(const struct scenario *s, int64_t born)
{
    if (s->naive) {
        return acme_renewal_time(born, born + LIFETIME);
    }
    if (s->suggested) {
        return acme_renewal_draw(born + 59 * DAY, born + 61 * DAY, born, born + LIFETIME,
                                 next_random());
    }
    return acme_renewal_spread(born, born + LIFETIME, (uint32_t)next_random());
}

static void attempt(const struct scenario *s, uint32_t i, uint32_t minute)
{
    struct device *d = &devices[i];
    int64_t now = BORN + (int64_t)minute * MINUTE, pause;
    bool out = now >= BORN + s->outage_at && now < BORN + s->outage_at + s->outage_s;
    bool limited = !out && s->capacity != 0 && renewals[minute] >= s->capacity;

    attempts[minute]++;
    if (!out && !limited) {
        renewals[minute]++;
        d->late = d->late || now > d->born + LIFETIME;
        return; /* its next renewal is after the time that is looked at */
    }
    d->failures++;
    pause = s->naive ? 3600 : acme_renewal_backoff(d->failures, LIFETIME, (uint32_t)next_random());
    if (limited && pause < 3600) { /* Retry-After: 3600, and what schedule.c adds to it */
        pause = 3600 + 3600 * (int64_t)(next_random() & 0xff) / 0x800;
    }
    put(i, now + pause);
}

static void run(const struct scenario *s)
{
    uint32_t minute, i, peak = 0, peak_attempts = 0, late = 0, from, all = 0;
    uint64_t total = 0;

    memset(queue, 0, sizeof(queue));
    memset(attempts, 0, sizeof(attempts));
    memset(renewals, 0, sizeof(renewals));
    for (i = 0; i < DEVICES; i++) {
        memset(&devices[i], 0, sizeof(devices[i]));
        devices[i].born = BORN + (int64_t)(next_random() % (uint64_t)s->batch_s);
        devices[i].due = due_of(s, devices[i].born);
        put(i, devices[i].due);
    }
    for (minute = 0; minute < MINUTES; minute++) {
        while (queue[minute] != 0) {
            i = queue[minute] - 1u;
            queue[minute] = devices[i].next;
            attempt(s, i, minute);
        }
    }
    from = (uint32_t)((s->outage_at + s->outage_s) / MINUTE);
    for (minute = 0; minute < MINUTES; minute++) {
        total += attempts[minute];
        peak = minute >= from && renewals[minute] > peak ? renewals[minute] : peak;
        peak_attempts =
            minute >= from && attempts[minute] > peak_attempts ? attempts[minute] : peak_attempts;
        all += renewals[minute];
    }
    for (i = 0; i < DEVICES; i++) {
        late += devices[i].late ? 1u : 0u;
    }
    for (minute = from; minute + PER_LINE <= MINUTES; minute += PER_LINE) {
        uint32_t a = 0, r = 0, j;

        for (j = minute; j < minute + PER_LINE; j++) {
            a = attempts[j] > a ? attempts[j] : a;
            r = renewals[j] > r ? renewals[j] : r;
        }
        if (a > 0) {
            (void)printf("%s %" PRIu32 " %" PRIu32 " %" PRIu32 "\n", s->name, minute - from, a, r);
        }
    }
    (void)printf("total %s devices %u attempts %" PRIu64 " peak_attempts %" PRIu32
                 " peak_renewals %" PRIu32 " renewed %" PRIu32 " late %" PRIu32 "\n",
                 s->name, DEVICES, total, peak_attempts, peak, all, late);
}

int main(void)
{
    size_t i;

    for (i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
        run(&scenarios[i]);
    }
    return 0;
}
