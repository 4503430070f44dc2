/*
 * The fault runner over whole lives (life.h): in each step of a life, the n-th call of one kind
 * fails, for each n: flash reads, programs and erases, sectors that are bad for good, the network's
 * calls, replies that break off, streams of single bytes, entropy, a clock that is not known,
 * mbedTLS's pool, the JSON arena. The step must overcome it, or end with an error; the next try of
 * it must succeed, and the oracle of the lives holds.
 *
 *   faults [--geometry G] [--stride N] [--at SCENARIO,KIND,STEP,N] [--verbose 1]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto_memo.h"
#include "life.h"

enum fault {
    FLASH_READ,
    FLASH_PROGRAM,
    FLASH_ERASE,
    FLASH_BAD, /* sector n, from then on */
    NET_CONNECT,
    NET_CONNECTED,
    NET_SEND,
    NET_RECV,
    NET_LISTEN,
    NET_ACCEPT,
    NET_REPLY, /* breaks off in its middle */
    NET_BYTES, /* no failure: n bytes at a time */
    CLOCK,     /* no wall clock in the step */
    ENTROPY,
    POOL,
    ARENA,
    FAULTS
};

static const char *const fault_names[FAULTS] = {
    "flash read", "flash program", "flash erase", "bad sector", "connect", "connected",
    "send",       "recv",          "listen",      "accept",     "reply",   "byte by byte",
    "no clock",   "entropy",       "pool",        "arena"};

static struct sim_world world;
static unsigned long tried, failed, losses, excepted;

/* ---- allocators, wrapped by the linker ---- */

static uint32_t pool_fail_at, arena_fail_at; /* of the try under way; 0: none */

void *__real_mbedtls_calloc(size_t n, size_t size);
void *__wrap_mbedtls_calloc(size_t n, size_t size);
void *__real_acme_json_arena_malloc(size_t size);
void *__wrap_acme_json_arena_malloc(size_t size);

void *__wrap_mbedtls_calloc(size_t n, size_t size)
{
    if (!world.in_ca && ++life_pool_calls == pool_fail_at) {
        return NULL;
    }
    return __real_mbedtls_calloc(n, size);
}

void *__wrap_acme_json_arena_malloc(size_t size)
{
    /* As the real one when nothing is left: it says so to the parse under way. */
    return __real_acme_json_arena_malloc(++life_arena_calls == arena_fail_at ? SIZE_MAX / 2 : size);
}

/* ---- one fault ---- */

static void arm(enum fault fault, uint32_t n)
{
    static const int32_t errors[SIM_NET_CALLS] = {ACME_ERR_CONNECT, ACME_ERR_NET,    ACME_ERR_NET,
                                                  ACME_ERR_NET,     ACME_ERR_LISTEN, ACME_ERR_NET};
    struct flash_sim *f = &world.flash;

    pool_fail_at = arena_fail_at = 0;
    world.clock.unknown = false;
    switch (fault) {
    case FLASH_READ:
        f->fail_read_at = n;
        break;
    case FLASH_PROGRAM:
        f->fail_program_at = n;
        break;
    case FLASH_ERASE:
        f->fail_erase_at = n;
        break;
    case FLASH_BAD:
        f->bad[n - 1] = true;
        break;
    case NET_REPLY:
        world.net.break_reply_at = n;
        break;
    case NET_BYTES:
        world.net.chunk = n;
        break;
    case CLOCK:
        world.clock.unknown = true;
        break;
    case ENTROPY:
        world.entropy.fail_at = n;
        break;
    case POOL:
        pool_fail_at = n;
        break;
    case ARENA:
        arena_fail_at = n;
        break;
    default:
        world.net.fail_call = (uint32_t)fault - NET_CONNECT;
        world.net.fail_at = n;
        world.net.fail_error = errors[world.net.fail_call];
        break;
    }
}

static void disarm(void)
{
    pool_fail_at = arena_fail_at = 0;
    world.clock.unknown = false;
    world.entropy.fail_at = 0;
    sim_net_clear_faults(&world.net);
}

/* How often the step makes the call when nothing fails. */
static uint32_t count_of(const struct life *l, enum fault fault, uint32_t step)
{
    const struct life_view *v = &l->undisturbed[step];

    switch (fault) {
    case FLASH_READ:
        return v->reads;
    case FLASH_PROGRAM:
        return v->programs;
    case FLASH_ERASE:
        return v->erases;
    case FLASH_BAD:
        return l->geometry->sector_count;
    case NET_REPLY:
        return v->replies;
    case NET_BYTES:
    case CLOCK:
        return 1;
    case ENTROPY:
        return v->entropy_calls;
    case POOL:
        return v->pool_calls;
    case ARENA:
        return v->arena_calls;
    default:
        return v->net_calls[fault - NET_CONNECT];
    }
}

static void report(const struct life *l, enum fault fault, uint32_t step, uint32_t n)
{
    losses++;
    if (losses <= 20) {
        (void)printf("faults: LOSS in \"%s\", %s: %s\n        --geometry %ld --at %ld,%u,%u,%u\n",
                     l->scenario->name, fault_names[fault], l->loss,
                     (long)(l->geometry - life_geometries), (long)(l->scenario - life_scenarios),
                     (unsigned)fault, step, n);
    }
}

static void one_fault(struct life *l, enum fault fault, uint32_t step, uint32_t n)
{
    int32_t rc;

    crypto_memo_enable(fault != POOL);
    life_rewind(l, step);
    arm(fault, n);
    rc = life_try(l, step, false);
    disarm();
    tried++;
    failed += rc != ACME_OK ? 1u : 0u;
    if (rc == ACME_ERR_INTERNAL || rc == ACME_ERR_ARGUMENT) {
        life_lose(l, "no clear error: %s", acme_error_name(rc));
    }
    if (!life_recover(l, step, l->scenario->count - 1u)) {
        report(l, fault, step, n);
    }
    excepted += l->excepted;
    crypto_memo_enable(true);
}

/* Every call of the rare ones, ever larger steps through the frequent ones. */
static uint32_t next_of(enum fault fault, uint32_t n, uint32_t stride)
{
    uint32_t start = fault == POOL ? 20 : 60;

    return n + stride + n / start;
}

static void one_life(uint32_t s, uint32_t g, uint32_t stride)
{
    uint32_t fault, step, n;
    struct life l;

    if (!life_build(&l, &life_scenarios[s], &life_geometries[g], 1, &world)) {
        report(&l, FLASH_READ, 0, 0);
        return;
    }
    l.faults = true;
    for (fault = 0; fault < FAULTS; fault++) {
        unsigned long before = tried, before_failed = failed;

        for (step = 0; step < l.scenario->count; step++) {
            for (n = 1; n <= count_of(&l, fault, step); n = next_of(fault, n, stride)) {
                one_fault(&l, fault, step, n);
            }
        }
        (void)printf("faults: %-24s %-14s %5lu faults, %lu with an error\n", l.scenario->name,
                     fault_names[fault], tried - before, failed - before_failed);
        (void)fflush(stdout);
    }
    life_free(&l);
}

static int repeat(const char *at, uint32_t g)
{
    unsigned v[4] = {0};
    struct life l;

    if (sscanf(at, "%u,%u,%u,%u", &v[0], &v[1], &v[2], &v[3]) != 4 ||
        v[0] >= life_scenarios_count || v[1] >= FAULTS ||
        !life_build(&l, &life_scenarios[v[0]], &life_geometries[g], 1, &world)) {
        return 2;
    }
    l.faults = true;
    one_fault(&l, (enum fault)v[1], v[2], v[3]);
    (void)printf("faults: %s\n", losses > 0 ? "lost" : "nothing lost");
    life_free(&l);
    return losses > 0 ? 1 : 0;
}

int main(int argc, char **argv)
{
    /* Several certificates with a renewal, revocation, contact, deactivation, terms. */
    static const uint8_t scenarios[] = {2, 4, 5, 6, 7};
    uint32_t g = 6, stride = 1;
    const char *at = NULL;
    size_t i;
    int a;

    for (a = 1; a + 1 < argc; a += 2) {
        if (strcmp(argv[a], "--geometry") == 0) {
            g = (uint32_t)strtoul(argv[a + 1], NULL, 10) % 12u;
        } else if (strcmp(argv[a], "--stride") == 0) {
            stride = (uint32_t)strtoul(argv[a + 1], NULL, 10);
        } else if (strcmp(argv[a], "--verbose") == 0) {
            world.verbose = atoi(argv[a + 1]) != 0;
        } else if (strcmp(argv[a], "--at") == 0) {
            at = argv[a + 1];
        } else {
            break;
        }
    }
    if (a < argc || stride == 0) {
        (void)fprintf(stderr, "usage: faults [--geometry G] [--stride N] [--at ...]\n");
        return 2;
    }
    if (at != NULL) {
        return repeat(at, g);
    }
    for (i = 0; i < sizeof(scenarios); i++) {
        one_life(scenarios[i], g, stride);
    }
    (void)printf("faults: %lu faults of %u kinds in %zu scenarios, %lu ended with an error, %lu "
                 "orders excepted, %lu losses\n",
                 tried, (unsigned)FAULTS, sizeof(scenarios), failed, excepted, losses);
    sim_world_free(&world);
    return losses == 0 ? 0 : 1;
}
