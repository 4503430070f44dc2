/*
 * The whole-life power-cut runner: the real client lives whole lives (life.h) in a simulated world,
 * and power is cut at every flash operation of each of their steps: before it, in its middle (so
 * that what it has left is stable, or is not), and after it. Then the life goes on, and the oracle
 * looks. Pairs of cuts and a long random run follow.
 *
 *   lives [--seconds N] [--random R] [--seed S] [--scenario I] [--geometry G]
 *         [--pairs N] [--every N] [--first-loss 1]
 *   lives --at SCENARIO,GEOMETRY,STEP,OPERATION,KIND[,OPERATION,KIND]    repeats one cut
 *   --verbose 1 shows the client's log
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "crypto_memo.h"
#include "life.h"
#if defined(LIVES_TLS)
#include "sim_tls.h"
#endif

#define CUTS_MAX     4u
#define LOSSES_SHOWN 12u

struct cut {
    uint32_t operation;
    uint8_t kind; /* enum flash_sim_cut */
};

static struct sim_world world;
static unsigned long points, pairs, random_lives, losses, excepted, lives_lived;
static uint64_t life_seed = 1;
static bool first_only; /* end with the first loss */
static uint32_t every = 1, turn;
static uint64_t random_from, random_state;

static void random_seed(uint64_t seed)
{
    random_from = seed;
    random_state = seed * 2654435761u + 88172645463325252u;
}

static uint32_t random_below(uint32_t n)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 20) % n;
}

static void report(const struct life *l, uint32_t step, const struct cut *cuts, uint32_t count)
{
    uint32_t i;

    losses++;
    if (losses > LOSSES_SHOWN) {
        return;
    }
    (void)printf("lives: LOSS in \"%s\": %s\n       --seed %llu --at %ld,%ld,%u", l->scenario->name,
                 l->loss, (unsigned long long)life_seed, (long)(l->scenario - life_scenarios),
                 (long)(l->geometry - life_geometries), step);
    for (i = 0; i < count; i++) {
        (void)printf(",%u,%u", cuts[i].operation, cuts[i].kind);
    }
    (void)printf("\n");
}

/* One step with cuts, each in the try after the one before; then the life goes on to step last.
 * False: the first cut was never reached. */
static bool live_cut(struct life *l, uint32_t step, uint32_t last, const struct cut *cuts,
                     uint32_t count)
{
    uint32_t i;

    life_rewind(l, step);
    /* What a cut leaves half done differs from cut to cut, and not from run to run. */
    world.flash.random += cuts[0].operation * 0x9e3779b97f4a7c15ull;
    for (i = 0; i < count && !l->lost; i++) {
        world.flash.cut_at = cuts[i].operation;
        world.flash.cut_kind = (enum flash_sim_cut)cuts[i].kind;
        if (life_try(l, step, i > 0) != ACME_ERR_AGAIN) {
            if (i == 0) {
                return false;
            }
            break; /* the second cut came too late */
        }
    }
    lives_lived++;
    if (!life_recover(l, step, last)) {
        report(l, step, cuts, count);
    }
    excepted += l->excepted;
    return true;
}

/* Every operation of every step, all kinds of cut, or every n-th of these points. The steps that
 * come after are lived for each eighth of them, the same step for all. */
static void linear(struct life *l)
{
    uint32_t step, last;
    struct cut c;

    for (step = 0; step < l->scenario->count; step++) {
        for (c.operation = 1; c.operation <= l->undisturbed[step].operations; c.operation++) {
            if (first_only && losses > 0) {
                return;
            }
            for (c.kind = 0; c.kind < FLASH_SIM_CUTS; c.kind++) {
                if (turn++ % every != 0) {
                    continue;
                }
                last = points % 8 == 0 ? l->scenario->count - 1u : step;
                if (!live_cut(l, step, last, &c, 1)) {
                    life_lose(l, "a cut was not reached: the life is not repeatable");
                    report(l, step, &c, 1);
                }
                points++;
            }
        }
    }
}

static void pick(struct life *l, uint32_t *step, struct cut *cuts, uint32_t count)
{
    uint32_t i;

    do {
        *step = random_below(l->scenario->count);
    } while (l->undisturbed[*step].operations == 0);
    for (i = 0; i < count; i++) {
        cuts[i].operation = 1 + random_below(l->undisturbed[*step].operations);
        cuts[i].kind = (uint8_t)random_below(FLASH_SIM_CUTS);
    }
}

static void sampled_pairs(struct life *l, uint32_t count)
{
    struct cut cuts[2];
    uint32_t i, step;

    for (i = 0; i < count; i++) {
        pick(l, &step, cuts, 2);
        (void)live_cut(l, step, step, cuts, 2);
        pairs++;
    }
}

/* Random lives from fresh seeds: up to CUTS_MAX cuts in a step, and the life to its end. */
static void random_run(unsigned long seconds, int only_scenario, int only_geometry)
{
    time_t end = time(NULL) + (time_t)seconds;

    while (time(NULL) < end && losses == 0) {
        uint32_t s =
            only_scenario >= 0 ? (uint32_t)only_scenario : random_below(life_scenarios_count);
        uint32_t g = only_geometry >= 0 ? (uint32_t)only_geometry : random_below(12);
        struct cut cuts[CUTS_MAX];
        struct life l;
        uint32_t i, step, count;

        life_seed = random_below(1u << 30);
        if (!life_build(&l, &life_scenarios[s], &life_geometries[g], life_seed, &world)) {
            report(&l, 0, NULL, 0);
        }
        for (i = 0; i < 40 && !l.lost; i++) {
            count = 1 + random_below(CUTS_MAX);
            pick(&l, &step, cuts, count);
            (void)live_cut(&l, step, l.scenario->count - 1u, cuts, count);
            random_lives++;
        }
        life_free(&l);
    }
}

static void one_life(uint32_t s, uint32_t g, uint32_t pair_count)
{
    struct life l;

    if (life_build(&l, &life_scenarios[s], &life_geometries[g], life_seed, &world)) {
        linear(&l);
        sampled_pairs(&l, pair_count);
    } else {
        report(&l, 0, NULL, 0);
    }
    life_free(&l);
}

static int repeat(const char *at)
{
    unsigned v[7] = {0};
    int n = sscanf(at, "%u,%u,%u,%u,%u,%u,%u", &v[0], &v[1], &v[2], &v[3], &v[4], &v[5], &v[6]);
    const struct cut cuts[2] = {{v[3], (uint8_t)v[4]}, {v[5], (uint8_t)v[6]}};
    struct life l;

    if (n < 5 || v[0] >= life_scenarios_count || v[1] >= 12) {
        return 2;
    }
    if (!life_build(&l, &life_scenarios[v[0]], &life_geometries[v[1]], life_seed, &world)) {
        report(&l, 0, NULL, 0);
        return 1;
    }
    (void)live_cut(&l, v[2], l.scenario->count - 1u, cuts, n >= 7 ? 2 : 1);
    (void)printf("lives: %s\n", l.lost ? "lost" : "nothing lost");
    life_free(&l);
    return l.lost ? 1 : 0;
}

static void all_lives(int only_scenario, int only_geometry, uint32_t pair_count)
{
    uint32_t s, g;

    for (s = 0; s < life_scenarios_count; s++) {
        unsigned long before = points, lost = losses;

        if (only_scenario >= 0 && s != (uint32_t)only_scenario) {
            continue;
        }
        for (g = 0; g < 12; g++) {
            if (only_geometry < 0 || g == (uint32_t)only_geometry) {
                one_life(s, g, pair_count);
            }
        }
        (void)printf("lives: %-26s %6lu cut points, %lu losses\n", life_scenarios[s].name,
                     points - before, losses - lost);
        (void)fflush(stdout);
    }
}

int main(int argc, char **argv)
{
    unsigned long seconds = 0;
    int only_scenario = -1, only_geometry = -1, i;
    uint32_t pair_count = 5;
    uint64_t found, computed;
    const char *at = NULL;

    random_seed((uint64_t)time(NULL));
#if defined(LIVES_TLS)
    world.transport = sim_tls_transport;
#endif
    for (i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--seconds") == 0) {
            seconds = strtoul(argv[i + 1], NULL, 10);
        } else if (strcmp(argv[i], "--seed") == 0) {
            life_seed = strtoul(argv[i + 1], NULL, 10);
        } else if (strcmp(argv[i], "--random") == 0) {
            random_seed(strtoull(argv[i + 1], NULL, 10));
        } else if (strcmp(argv[i], "--scenario") == 0) {
            only_scenario = atoi(argv[i + 1]);
        } else if (strcmp(argv[i], "--geometry") == 0) {
            only_geometry = atoi(argv[i + 1]);
        } else if (strcmp(argv[i], "--every") == 0 && atoi(argv[i + 1]) > 0) {
            every = (uint32_t)atoi(argv[i + 1]);
        } else if (strcmp(argv[i], "--pairs") == 0) {
            pair_count = (uint32_t)strtoul(argv[i + 1], NULL, 10);
        } else if (strcmp(argv[i], "--first-loss") == 0) {
            first_only = atoi(argv[i + 1]) != 0;
        } else if (strcmp(argv[i], "--verbose") == 0) {
            world.verbose = atoi(argv[i + 1]) != 0;
        } else if (strcmp(argv[i], "--at") == 0) {
            at = argv[i + 1];
        } else {
            break;
        }
    }
    if (i < argc) {
        (void)fprintf(
            stderr,
            "usage: lives [--seconds N] [--random R] [--seed S] [--scenario I] [--geometry G] "
            "[--pairs N] [--every N] [--first-loss 1] [--at ...]\n");
        return 2;
    }
    if (at != NULL) {
        return repeat(at);
    }
    (void)printf("lives: --random %llu\n", (unsigned long long)random_from);
    all_lives(only_scenario, only_geometry, pair_count);
    random_run(seconds, only_scenario, only_geometry);
    crypto_memo_counts(&found, &computed);
    (void)printf("lives: %lu cut points, %lu pairs, %lu random lives in %u scenarios and 12 "
                 "geometries; %lu orders excepted, %lu losses (curves: %llu computed, %llu "
                 "looked up)\n",
                 points, pairs, random_lives, life_scenarios_count, excepted, losses,
                 (unsigned long long)computed, (unsigned long long)found);
#if defined(LIVES_TLS)
    (void)printf("lives: %u TLS handshakes\n", sim_tls_handshakes());
#endif
    sim_world_free(&world);
    return losses == 0 ? 0 : 1;
}
