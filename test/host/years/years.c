/*
 * Device-years in seconds: whole lives of ten years in the simulated world, with resets, power cuts
 * inside jobs, a network that fails, CA outages of weeks, accounts that the CA drops, windows that
 * the CA moves, and clocks that are dead, put forth, put back or unknown. The device only does what
 * a firmware does: it sleeps for as long as acme_next_wakeup_s says, and calls acme_start_due.
 *
 * The oracle: never is the true time past the end of the certificate in force, unless the CA could
 * not be reached; once it can, no longer than the longest pause after failures. What is not the
 * CA's fault costs it nothing: orders and requests stay in proportion. Where the key is to be kept,
 * it is the first one for ever.
 *
 * usage: years [--seed N] [--lives N] [--years N] [--plan N]
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sim_world.h"

#define MINUTE_MS 60000ull
#define HOUR_MS   (60 * MINUTE_MS)
#define DAY_MS    (24 * HOUR_MS)

struct plan {
    const char *name;
    uint32_t lifetime_s;
    uint8_t policy;
    bool clockless;    /* the device never has a wall clock */
    bool clock_faults; /* it has one that goes wrong */
    bool no_ari;
    uint32_t outage_days; /* the longest */
    bool key_reuse;
};

static const struct plan plans[] = {
    {"90 days, a good clock", 90 * 86400, ACME_CLOCK_WALL, false, false, false, 21, false},
    {"90 days, a clock put back and dead", 90 * 86400, ACME_CLOCK_WALL, false, true, false, 21,
     false},
    {"90 days, no clock", 90 * 86400, ACME_CLOCK_WALL, true, false, false, 21, false},
    {"45 days, the CA's time, any clock", 45 * 86400, ACME_CLOCK_CA, false, true, false, 10, true},
    {"45 days, no renewal information", 45 * 86400, ACME_CLOCK_WALL, false, true, true, 10, false},
    {"6 days, no clock", 6 * 86400, ACME_CLOCK_WALL, true, false, false, 2, false},
    {"6 days, the CA's time, any clock", 6 * 86400, ACME_CLOCK_CA, false, true, false, 2, true},
    {"a year, a clock put back and dead", 365 * 86400, ACME_CLOCK_WALL, false, true, false, 60,
     false},
};

struct life {
    const struct plan *plan;
    struct sim_world *world;
    uint64_t seed, random;
    uint64_t end_ms;
    uint64_t next_trouble_ms;
    uint64_t hindered_until_ms; /* nobody could have reached the CA before */
    uint64_t fault_until_ms;    /* of the clock */
    int64_t covered_until_s;    /* end of the certificate in force */
    uint32_t resets, cuts, outages, clock_faults, drops, moved, jobs, failed, excused_days;
    bool lost;
};

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

static void lose(struct life *l, const char *what)
{
    if (!l->lost) {
        (void)printf("LOST: %s, seed %" PRIu64 ", day %" PRIu64 ": %s\n", l->plan->name, l->seed,
                     (uint64_t)(l->world->clock.now_ms / DAY_MS), what);
    }
    l->lost = true;
}

/* The longest time from the moment the CA can be reached to a new certificate: the longest pause
 * after failures, the CA's own Retry-After, and some hours for whatever is left. */
static uint64_t grace_ms(const struct life *l)
{
    uint64_t pause = l->plan->lifetime_s / 20u;

    pause = pause < CONFIG_ACME_RETRY_MAX_S ? pause : CONFIG_ACME_RETRY_MAX_S;
    return pause * 1000u + 6 * HOUR_MS;
}

static void look_at_certificate(struct life *l)
{
    struct sim_world *w = l->world;
    struct acme_cert_status status;

    if (acme_cert_get_status(w->client, 0, &status) == ACME_OK && acme_cert_can_serve(&status)) {
        if (status.not_after_s < l->covered_until_s) {
            lose(l, "an older certificate came back");
        }
        l->covered_until_s = status.not_after_s;
    } else if (l->covered_until_s != 0) {
        lose(l, "the certificate is gone");
    }
}

/* Time has passed up to now: was there a good certificate, or a reason for none? */
static void judge(struct life *l)
{
    uint64_t now_ms = l->world->clock.now_ms;
    int64_t now_s = sim_clock_true_s(&l->world->clock);

    if (now_s < l->covered_until_s) {
        return;
    }
    if (now_ms > l->hindered_until_ms + grace_ms(l)) {
        lose(l, "no valid certificate, and the CA could be reached");
    }
    l->excused_days++;
}

static void hinder(struct life *l, uint64_t until_ms)
{
    if (until_ms > l->hindered_until_ms) {
        l->hindered_until_ms = until_ms;
    }
}

/* ---- troubles ---- */

static void ca_outage(struct life *l)
{
    struct sim_world *w = l->world;
    uint64_t ms = HOUR_MS + up_to(l, l->plan->outage_days * DAY_MS);

    w->ca->options.down_from_ms = w->clock.now_ms;
    w->ca->options.down_until_ms = w->clock.now_ms + ms;
    w->ca->options.down_retry_after_s = (uint32_t)up_to(l, 7200);
    hinder(l, w->ca->options.down_until_ms);
    l->outages++;
}

static void network_outage(struct life *l)
{
    struct sim_world *w = l->world;

    w->net.outage_from_ms = w->clock.now_ms;
    w->net.outage_until_ms = w->clock.now_ms + MINUTE_MS + up_to(l, 12 * HOUR_MS);
    hinder(l, w->net.outage_until_ms);
    l->outages++;
}

/* A wall clock can be dead (1970), unknown, put back or put forth. One that is put forth can only
 * be borne by who does not look at it. */
static void clock_fault(struct life *l)
{
    static const int64_t far_s[] = {
        60, 3600, 86400, 40 * 86400, 3 * 365 * 86400ll, 90ll * 31536000};
    struct sim_clock *c = &l->world->clock;
    int64_t by = far_s[up_to(l, 5)];

    c->unknown = false;
    switch (up_to(l, l->plan->policy == ACME_CLOCK_CA ? 3 : 2)) {
    case 0:
        c->unknown = true;
        break;
    case 1:
        c->skew_s = -sim_clock_true_s(c) + (int64_t)(c->now_ms / 1000u) % 1000;
        break;
    case 2:
        c->skew_s = -by;
        break;
    default:
        c->skew_s = by;
        break;
    }
    l->fault_until_ms = c->now_ms + up_to(l, 100 * DAY_MS);
    l->clock_faults++;
}

static void clock_mended(struct life *l)
{
    l->world->clock.skew_s = (int64_t)up_to(l, 4) - 2;
    l->world->clock.unknown = l->plan->clockless;
    l->fault_until_ms = UINT64_MAX;
}

/* The CA wants the newest certificate gone, as after a mass revocation. */
static void move_window(struct life *l)
{
    struct ca_sim *ca = l->world->ca;
    int64_t now = sim_clock_true_s(&l->world->clock);

    if (ca->orders_count > 0) {
        struct ca_sim_order *o = ca_sim_order(ca, ca->orders_count - 1);

        o->window_start_s = now - 7200;
        o->window_end_s = now - 3600;
        l->moved++;
    }
}

static void drop_account(struct life *l)
{
    struct ca_sim *ca = l->world->ca;

    if (ca->accounts_count > 0) {
        ca_sim_account(ca, ca->accounts_count - 1)->status = CA_SIM_DEACTIVATED;
        l->drops++;
    }
}

static void reset(struct life *l)
{
    sim_world_halt(l->world);
    l->resets++;
    if (up_to(l, 20) == 0) { /* in a drawer for a while */
        sim_world_sleep(l->world, up_to(l, 10 * DAY_MS));
        hinder(l, l->world->clock.now_ms);
        judge(l);
    }
    if (sim_world_boot(l->world) != ACME_OK) {
        lose(l, "it does not boot");
    }
}

static void trouble(struct life *l)
{
    uint64_t kind = up_to(l, 99);

    if (kind < 45) {
        reset(l);
    } else if (kind < 60) {
        network_outage(l);
    } else if (kind < 70) {
        ca_outage(l);
    } else if (kind < 85 && l->plan->clock_faults) {
        clock_fault(l);
    } else if (kind < 90) {
        move_window(l);
    } else if (kind < 91) {
        drop_account(l);
    }
    l->next_trouble_ms = l->world->clock.now_ms + up_to(l, 14 * DAY_MS);
}

/* ---- what a firmware does ---- */

static void work(struct life *l)
{
    struct sim_world *w = l->world;
    int32_t rc;

    l->jobs++;
    if (up_to(l, 9) == 0) { /* power goes somewhere in the job, if it does that much */
        w->flash.operations = 0;
        w->flash.cut_at = 1 + (uint32_t)up_to(l, 60);
        w->flash.cut_kind = (enum flash_sim_cut)up_to(l, 2);
    }
    rc = acme_start_due(w->client);
    rc = rc == ACME_OK ? sim_world_drive(w) : rc;
    if (w->hung) {
        lose(l, "a job hangs");
    }
    if (w->flash.off) {
        l->cuts++;
        sim_world_halt(w);
        sim_world_sleep(w, MINUTE_MS);
        if (sim_world_boot(w) != ACME_OK) {
            lose(l, "it does not boot after a cut");
        }
    } else {
        l->failed += rc != ACME_OK ? 1 : 0;
        w->flash.cut_at = 0;
    }
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void turn(struct life *l)
{
    struct sim_world *w = l->world;
    uint64_t pause_ms = acme_next_wakeup_s(w->client) * 1000ull, until;

    if (pause_ms == 0) {
        work(l);
        pause_ms = 1000;
    }
    if (l->lost) {
        return;
    }
    look_at_certificate(l);
    /* In slices, so that the oracle misses nothing. */
    until = least(w->clock.now_ms + least(pause_ms, HOUR_MS * 12), l->next_trouble_ms);
    until = least(until, l->fault_until_ms);
    sim_world_sleep(w, until > w->clock.now_ms ? until - w->clock.now_ms : 1);
    judge(l);
    if (w->clock.now_ms >= l->fault_until_ms) {
        clock_mended(l);
    }
    if (w->clock.now_ms >= l->next_trouble_ms) {
        trouble(l);
    }
}

static const char *const name = "device.example.org";
static const struct acme_cert_request requests[2] = {
    {.names = &name, .names_count = 1}, {.names = &name, .names_count = 1, .key_reuse = true}};

/* How many certificates have a key that the one before did not have. */
static uint32_t new_keys(struct ca_sim *ca)
{
    const struct ca_sim_order *last = NULL;
    uint32_t i, count = 0;

    for (i = 0; i < ca->orders_count; i++) {
        const struct ca_sim_order *o = ca_sim_order(ca, i);

        if (o->status == CA_SIM_VALID) {
            count += last == NULL || memcmp(last->key, o->key, sizeof(o->key)) != 0 ? 1u : 0u;
            last = o;
        }
    }
    return count;
}

/* What a life cost, and whether it was too much. */
static void judge_ca(struct life *l)
{
    const struct ca_sim_counters *n = &l->world->ca->counters;
    uint32_t keys = new_keys(l->world->ca);
    /* A renewal every half of a life, and what the troubles cost. */
    uint32_t expected = (uint32_t)(l->end_ms / 1000u / l->plan->lifetime_s * 2u) + l->moved +
                        l->drops + 2u + l->cuts;

    if (n->orders > expected) {
        lose(l, "too many orders");
    }
    if (n->violations > 0) {
        lose(l, n->violation);
    }
    if (keys != (l->plan->key_reuse ? 1 : n->certificates)) {
        lose(l, l->plan->key_reuse ? "the key was not kept" : "a key was used again");
    }
}

static bool live(struct life *l, uint32_t years)
{
    const struct sim_options options = {4096, 16, 8, l->seed, 32, 6000};
    struct sim_world *w = l->world;

    if (!sim_world_init(w, &options)) {
        lose(l, "no world");
        return false;
    }
    w->ca->options.lifetime_s = l->plan->lifetime_s;
    w->ca->options.no_renewal_info = l->plan->no_ari;
    w->ca->options.ari_retry_after_s = 86400;
    w->config.certs = &requests[l->plan->key_reuse ? 1 : 0];
    w->config.certs_count = 1;
    w->config.clock_policy = l->plan->policy;
    l->random = l->seed;
    l->end_ms = (uint64_t)years * 365u * DAY_MS;
    l->fault_until_ms = UINT64_MAX;
    l->next_trouble_ms = DAY_MS;
    clock_mended(l);
    if (sim_world_boot(w) != ACME_OK) {
        lose(l, "it does not boot");
    }
    while (!l->lost && w->clock.now_ms < l->end_ms) {
        turn(l);
    }
    if (!l->lost) {
        judge_ca(l);
    }
    (void)printf(
        "%-36s %3" PRIu32 " certificates (%3" PRIu32 " keys), %4" PRIu32 " orders, %6" PRIu32
        " jobs (%4" PRIu32 " failed), %4" PRIu32 " resets, %3" PRIu32 " cuts, %3" PRIu32
        " outages, %3" PRIu32 " clock faults, %2" PRIu32 " accounts dropped\n",
        l->plan->name, w->ca->counters.certificates, new_keys(w->ca), w->ca->counters.orders,
        l->jobs, l->failed, l->resets, l->cuts, l->outages, l->clock_faults, l->drops);
    sim_world_halt(w);
    sim_world_free(w);
    return !l->lost;
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
    static struct sim_world world;
    uint64_t seed = number(argc, argv, "--seed", 1), lives = number(argc, argv, "--lives", 1), i;
    uint32_t years = (uint32_t)number(argc, argv, "--years", 10), lived = 0;
    uint64_t only = number(argc, argv, "--plan", 0);
    clock_t start = clock();
    size_t p;

    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    for (i = 0; i < lives; i++) {
        for (p = 0; p < sizeof(plans) / sizeof(plans[0]); p++) {
            struct life l = {.plan = &plans[p], .world = &world, .seed = seed + i};

            if (only != 0 && only != p + 1) {
                continue;
            }
            if (!live(&l, years)) {
                return 1;
            }
            lived += years;
        }
    }
    (void)printf("years: %" PRIu32
                 " device-years in %.1f s, never without a valid certificate while "
                 "the CA could be reached\n",
                 lived, (double)(clock() - start) / CLOCKS_PER_SEC);
    return 0;
}
