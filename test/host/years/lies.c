/*
 * Thousands of device-lives among liars: CAs and proxies whose Date is wrong in one answer, one job
 * or for days, CAs that make certificates for another time, server certificates of 90 days, clocks
 * that are dead, put back, missing or appear late, resets, outages, floors that an earlier version
 * wrote. The device only does what a firmware does.
 *
 * The oracle: from the moment at which the CA is honest and can be reached, a device is without a
 * certificate that is valid now for a bounded time at most: a fifth of a certificate's life, which
 * is less than what one has left when it is to be renewed. Orders stay in proportion.
 *
 * usage: lies [--seed N] [--lives N] [--life N] [--verbose 1]
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/state.h"
#include "sim_world.h"
#include "tls_plain.h"

#define HOUR_MS 3600000ull
#define DAY_MS  (24 * HOUR_MS)
#define DAY_S   INT64_C(86400)

/* How a device is built and used; drawn for each life. */
struct device {
    uint32_t lifetime_days;
    bool has_clock;  /* else none, ever */
    bool deep_sleep; /* it is off between its jobs */
};

struct life {
    struct sim_world *world;
    struct device device;
    uint64_t seed, random;
    uint64_t end_ms, next_trouble_ms;
    uint64_t honest_from_ms; /* the CA is, and can be reached, from then on */
    uint64_t clock_until_ms; /* the clock is wrong until then */
    int64_t good_from_s, good_until_s;
    uint32_t lies, lie_days, jobs, failed, resets, births, poisoned;
    bool lost;
};

static struct sim_world world;
static bool verbose;

static uint64_t random_of(struct life *l)
{
    uint64_t x = l->random += 0x9e3779b97f4a7c15u;

    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static uint64_t up_to(struct life *l, uint64_t most)
{
    return random_of(l) % (most + 1);
}

static bool one_in(struct life *l, uint64_t n)
{
    return up_to(l, n - 1) == 0;
}

static int64_t true_s(void)
{
    return sim_clock_true_s(&world.clock);
}

static void server_dates(int64_t *from_s, int64_t *to_s)
{
    ca_sim_https_dates(world.ca, true_s(), from_s, to_s);
}

/* With what the device thinks of the time, in days from the true one. */
static void tell(const struct life *l, const char *what, int64_t number)
{
    const struct acme_client *c = l->world->client;
    int64_t now;

    if (verbose && c != NULL) {
        int32_t rc = acme_clock_now(&c->clock, &now);

        (void)printf("day %6.2f: %s %" PRId64 " (time %+.2f%s, floor %+.2f)\n",
                     (double)l->world->clock.now_ms / (double)DAY_MS, what, number,
                     (double)(now - true_s()) / (double)DAY_S, rc == ACME_OK ? "" : "?",
                     (double)(acme_clock_floor(&c->clock) - true_s()) / (double)DAY_S);
    }
}

static void lose(struct life *l, const char *what)
{
    if (!l->lost) {
        (void)printf("LOST: life %" PRIu64 ", day %" PRIu64 ": %s (certificates of %" PRIu32
                     " days, %s%s)\n",
                     l->seed, (uint64_t)(l->world->clock.now_ms / DAY_MS), what,
                     l->device.lifetime_days, l->device.has_clock ? "a clock" : "no clock",
                     l->device.deep_sleep ? ", off between jobs" : "");
    }
    l->lost = true;
}

/* ---- the oracle ---- */

/* Who has no certificate has nothing to lose, and waits longer after orders that came to nothing.
 */

static uint64_t bound_ms(const struct life *l)
{
    return l->good_until_s == 0 ? 17 * DAY_MS : l->device.lifetime_days * DAY_MS / 5;
}

static void look_at_certificate(struct life *l)
{
    struct acme_cert_status status;

    if (acme_cert_get_status(l->world->client, 0, &status) == ACME_OK &&
        acme_cert_can_serve(&status)) {
        l->good_from_s = status.not_before_s;
        l->good_until_s = status.not_after_s;
    }
}

static void judge(struct life *l)
{
    int64_t now_s = true_s();

    if ((now_s < l->good_from_s || now_s >= l->good_until_s) &&
        l->world->clock.now_ms > l->honest_from_ms + bound_ms(l)) {
        lose(l, "no valid certificate, and the CA is honest");
    }
}

static void judge_ca(struct life *l)
{
    const struct ca_sim_counters *n = &l->world->ca->counters;
    uint32_t days = (uint32_t)(l->end_ms / DAY_MS);
    /* While a CA says that what it makes has almost ended, it is asked again each hour. */
    uint32_t most = 2 * days / l->device.lifetime_days + 4 + 25 * l->lie_days + 6 * l->births;

    if (n->orders > most) {
        lose(l, "too many orders");
    }
    if (n->violations > 0) {
        lose(l, n->violation);
    }
}

/* ---- troubles ---- */

static void be_honest(struct life *l)
{
    struct ca_sim_options *o = &l->world->ca->options;

    o->date_skew_s = o->birth_skew_s = 0;
    o->date_lies = 0;
}

static void hinder(struct life *l, uint64_t until_ms)
{
    l->honest_from_ms = until_ms > l->honest_from_ms ? until_ms : l->honest_from_ms;
}

static int64_t skew_of(struct life *l)
{
    static const int64_t days[] = {1, 5, 15, 30, 50, 59, 100, 400, 2000};
    int64_t s = days[up_to(l, 8)] * DAY_S - (int64_t)up_to(l, 86400);

    return one_in(l, 3) ? -s : s;
}

/* From one answer to ten days; half of the time from a proxy in front of a CA that is down. */
static void date_lies(struct life *l)
{
    struct sim_world *w = l->world;
    uint64_t until = w->clock.now_ms;

    w->ca->options.date_skew_s = skew_of(l);
    l->lies++;
    switch (up_to(l, 3)) {
    case 0:
        w->ca->options.date_lies = 1 + (uint32_t)up_to(l, 3);
        until += DAY_MS; /* the job in which they are heard */
        break;
    case 1:
        until += DAY_MS;
        break;
    default:
        until += up_to(l, 10) * DAY_MS;
        break;
    }
    if (one_in(l, 3)) {
        w->ca->options.down_from_ms = w->clock.now_ms;
        w->ca->options.down_until_ms = until;
        w->ca->options.down_retry_after_s = (uint32_t)up_to(l, 7200);
    }
    l->lie_days += 1u + (uint32_t)((until - w->clock.now_ms) / DAY_MS);
    hinder(l, until);
    tell(l, "the Date is wrong by days", w->ca->options.date_skew_s / DAY_S);
}

/* Mostly with its Date, as a machine with a dead clock. */
static void birth_lies(struct life *l)
{
    struct sim_world *w = l->world;

    w->ca->options.birth_skew_s = (int64_t)(1 + up_to(l, 3650)) * DAY_S;
    if (!one_in(l, 3)) {
        w->ca->options.date_skew_s = w->ca->options.birth_skew_s;
    }
    l->births++;
    hinder(l, w->clock.now_ms + up_to(l, 10) * DAY_MS);
    tell(l, "births are wrong by days", w->ca->options.birth_skew_s / DAY_S);
}

static void outage(struct life *l)
{
    struct sim_world *w = l->world;

    w->ca->options.down_from_ms = w->clock.now_ms;
    w->ca->options.down_until_ms = w->clock.now_ms + up_to(l, 3 * DAY_MS);
    w->ca->options.down_retry_after_s = (uint32_t)up_to(l, 7200);
    hinder(l, w->ca->options.down_until_ms);
    tell(l, "outage", 0);
}

static void clock_fault(struct life *l)
{
    struct sim_clock *c = &l->world->clock;

    c->unknown = one_in(l, 3);
    c->skew_s = one_in(l, 2) ? -true_s() + (int64_t)(c->now_ms / 1000u) % 1000
                             : -(int64_t)(1 + up_to(l, 700)) * DAY_S;
    l->clock_until_ms = c->now_ms + up_to(l, 60 * DAY_MS);
    tell(l, "the clock is wrong by days", c->unknown ? 0 : c->skew_s / DAY_S);
}

static void clock_mended(struct life *l)
{
    l->world->clock.skew_s = (int64_t)up_to(l, 4) - 2;
    l->world->clock.unknown = !l->device.has_clock;
    l->clock_until_ms = UINT64_MAX;
}

static void boot(struct life *l)
{
    if (sim_world_boot(l->world) != ACME_OK) {
        lose(l, "it does not boot");
    }
}

static void reset(struct life *l)
{
    sim_world_halt(l->world);
    l->resets++;
    boot(l);
}

/* As an earlier version wrote it, which one answer moved by 400 days. */
static void poison(struct life *l)
{
    struct acme_client *c = l->world->client;

    (void)acme_store_write_floor(&c->log, true_s() + (int64_t)up_to(l, 2000) * DAY_S);
    l->poisoned++;
    hinder(l, l->world->clock.now_ms);
    tell(l, "the floor is poisoned", 0);
    reset(l);
}

static void trouble(struct life *l)
{
    uint64_t kind = up_to(l, 99);

    if (kind < 40) {
        date_lies(l);
    } else if (kind < 50) {
        birth_lies(l);
    } else if (kind < 65 && l->device.has_clock) {
        clock_fault(l);
    } else if (kind < 72) {
        outage(l);
    } else if (kind < 74) {
        poison(l);
    } else {
        reset(l);
    }
    l->next_trouble_ms =
        l->world->clock.now_ms + DAY_MS + up_to(l, l->device.lifetime_days * DAY_MS / 2);
}

/* ---- what a firmware does ---- */

static void work(struct life *l)
{
    struct sim_world *w = l->world;
    int32_t rc = acme_start_due(w->client);

    rc = rc == ACME_OK ? sim_world_drive(w) : rc;
    l->jobs++;
    l->failed += rc != ACME_OK ? 1u : 0u;
    tell(l, "a job has ended:", rc);
    tell(l, "orders:", (int64_t)w->ca->counters.orders);
    if (w->hung) {
        lose(l, "a job hangs");
    }
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void rest(struct life *l, uint64_t until_ms)
{
    struct sim_world *w = l->world;

    if (l->device.deep_sleep) {
        sim_world_halt(w);
    }
    sim_world_sleep(w, until_ms > w->clock.now_ms ? until_ms - w->clock.now_ms : 1);
    if (l->device.deep_sleep) {
        boot(l);
    }
    judge(l);
}

static void turn(struct life *l)
{
    struct sim_world *w = l->world;
    uint64_t pause_ms = acme_next_wakeup_s(w->client) * 1000ull, until;

    if (pause_ms == 0) {
        work(l);
        pause_ms = acme_next_wakeup_s(w->client) * 1000ull;
        pause_ms = pause_ms > 60000 ? pause_ms : 60000;
        tell(l, "the next is in seconds:", (int64_t)(pause_ms / 1000u));
    }
    look_at_certificate(l);
    until = least(w->clock.now_ms + least(pause_ms, DAY_MS), l->next_trouble_ms);
    rest(l, least(until, l->clock_until_ms));
    if (w->clock.now_ms >= l->honest_from_ms) {
        be_honest(l);
    }
    if (w->clock.now_ms >= l->clock_until_ms) {
        clock_mended(l);
    }
    if (w->clock.now_ms >= l->next_trouble_ms) {
        trouble(l);
    }
}

static void draw_device(struct life *l)
{
    static const uint32_t lifetimes[] = {90, 45, 45, 6};
    static const uint32_t left_days[] = {30, 30, 15, 1};
    struct ca_sim_options *o = &l->world->ca->options;

    l->device.lifetime_days = lifetimes[up_to(l, 3)];
    l->device.has_clock = one_in(l, 2);
    l->device.deep_sleep = one_in(l, 3);
    o->lifetime_s = (uint32_t)(l->device.lifetime_days * DAY_S);
    o->ari_retry_after_s = 86400;
    o->https_life_s = (uint32_t)(90 * DAY_S);
    o->https_left_s = (uint32_t)(left_days[up_to(l, 3)] * DAY_S);
    o->https_age_s = (uint32_t)up_to(l, o->https_life_s - o->https_left_s - 1);
    l->world->config.clock_policy = one_in(l, 4) ? ACME_CLOCK_CA : ACME_CLOCK_WALL;
    l->world->config.build_time_s = SIM_EPOCH_S - (int64_t)up_to(l, 400) * DAY_S;
    l->end_ms = (40 + l->device.lifetime_days * 3 / 2) * DAY_MS;
}

static bool live(uint64_t seed)
{
    static const char *const name = "device.example.org";
    static const struct acme_cert_request request = {.names = &name, .names_count = 1};
    const struct sim_options options = {4096, 16, 8, 1, 32, 600};
    struct life l = {.world = &world, .seed = seed, .random = seed};

    if (!sim_world_init(&world, &options)) {
        lose(&l, "no world");
        return false;
    }
    draw_device(&l);
    world.config.certs = &request;
    world.config.certs_count = 1;
    clock_mended(&l);
    l.next_trouble_ms = up_to(&l, l.device.lifetime_days * DAY_MS / 2);
    boot(&l);
    while (!l.lost && world.clock.now_ms < l.end_ms) {
        turn(&l);
    }
    if (!l.lost) {
        judge_ca(&l);
    }
    if (verbose) {
        (void)printf("life %" PRIu64 ": %" PRIu32 " jobs (%" PRIu32 " failed), %" PRIu32
                     " orders, %" PRIu32 " lies, %" PRIu32 " resets\n",
                     seed, l.jobs, l.failed, world.ca->counters.orders, l.lies, l.resets);
    }
    sim_world_halt(&world);
    return !l.lost;
}

static uint64_t number(int argc, char **argv, const char *option, uint64_t fallback)
{
    int i;

    for (i = 1; i + 1 < argc; i++) {
        if (strcmp(argv[i], option) == 0) {
            return strtoull(argv[i + 1], NULL, 10);
        }
    }
    return fallback;
}

int main(int argc, char **argv)
{
    uint64_t seed = number(argc, argv, "--seed", 1), lives = number(argc, argv, "--lives", 100);
    uint64_t only = number(argc, argv, "--life", 0), i, lost = 0;
    clock_t start = clock();

    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    tls_plain_dates = server_dates;
    verbose = number(argc, argv, "--verbose", 0) != 0;
    if (only != 0) {
        return live(only) ? 0 : 1;
    }
    for (i = 0; i < lives; i++) {
        lost += live((seed << 32) + i + 1) ? 0u : 1u;
    }
    (void)printf("lies: %" PRIu64 " lives from seed %" PRIu64 " in %.1f s, %" PRIu64 " lost\n",
                 lives, seed, (double)(clock() - start) / CLOCKS_PER_SEC, lost);
    return lost == 0 ? 0 : 1;
}
