/*
 * Whole lives of a device, step by step, in a simulated world: what a life consists of, how a step
 * is run, and what must hold after it was disturbed. The power-cut runner (lives.c) and the fault
 * runner (../fault/faults.c) disturb them. It knows the public API, and the store's records for the
 * search of orphans; nothing of how the client works.
 *
 * The oracle, after a disturbance in a step:
 * - the store mounts;
 * - the account is there as before, with the same key, or with the one that a change of keys has
 *   brought, or that of the account in place of one that the CA has deactivated; at the end it is
 *   the one that the CA has, and after such a change another one;
 * - each certificate is there as before, and its key is its leaf's (a revocation may take its one);
 * - the step, run again, ends as it does in a life without disturbance, and so do the steps after;
 * - then every key and every chain in the store belongs to an account, a certificate or an order;
 * - the CA has one account a key, and no more orders than without disturbance. What the protocol
 *   forces is excepted, and counted: an order whose creation the device could not record any more
 *   (the CA has it, the client never asked for anything of it, the store does not name it), and the
 *   successor of an order that became invalid at the CA while the device was off. Where a fault
 * made the client fail with a permanent error, it gives up the order at hand and makes a new one.
 */
#ifndef LIFE_H
#define LIFE_H

#include "sim_world.h"

#define LIFE_STEPS_MAX 8u

enum life_kind {
    LIFE_RUN,        /* acme_start */
    LIFE_REVOKE,     /* acme_revoke_start of certificate .argument */
    LIFE_CONTACT,    /* acme_account_update with another address */
    LIFE_DEACTIVATE, /* acme_account_deactivate */
    LIFE_ROLLOVER,   /* acme_account_rollover */
    LIFE_TERMS,      /* the CA's terms change, then acme_start */
    LIFE_CLOSED,     /* the CA deactivates the account, then acme_start */
    LIFE_MOVE        /* another directory URL, then acme_account_start */
};

struct life_step {
    uint8_t kind;  /* enum life_kind */
    uint8_t certs; /* how many certificates are wanted from here on */
    uint8_t argument;
    uint16_t sleep_days; /* before the step */
};

struct life_scenario {
    const char *name;
    struct life_step steps[LIFE_STEPS_MAX];
    uint8_t count;
    bool impatient;         /* the CA looks for a proof once */
    uint16_t fill_permille; /* of the store's capacity is taken before the first boot */
    /** Makes the flash of an earlier format, or NULL. */
    void (*old_format)(struct flash_sim *flash);
};
extern const struct life_scenario life_scenarios[];
extern const uint32_t life_scenarios_count;

struct life_geometry {
    uint32_t sector_size, sector_count, program_size;
};
extern const struct life_geometry life_geometries[12];

/** What is to be seen of a life after a step. */
struct life_view {
    int32_t result;
    bool account;
    char thumbprint[44];
    char key_at_ca[44]; /* the thumbprint of the newest account's key there */
    uint8_t valid;      /* a bit for each certificate that works */
    uint32_t accounts, orders, certificates, revocations;
    char contact[128];   /* at the CA */
    uint32_t operations; /* on flash, programs and erases */
    uint32_t reads, programs, erases;
    uint32_t net_calls[SIM_NET_CALLS], replies, entropy_calls;
    uint32_t pool_calls, arena_calls; /* see life_pool_calls below */
};

struct life {
    const struct life_scenario *scenario;
    const struct life_geometry *geometry;
    struct sim_world *world;
    struct sim_snapshot before[LIFE_STEPS_MAX]; /* each step */
    struct life_view undisturbed[LIFE_STEPS_MAX];
    struct life_view now;
    uint32_t excepted; /* orders that the protocol forces */
    bool tight;        /* the store promises less room than the life takes: it may be full */
    bool faults;       /* disturbances are errors, not cuts */
    bool lost;
    char loss[160]; /* what the oracle says */
};

/** Allocations in the try under way, counted by a runner that wraps the allocators. */
extern uint32_t life_pool_calls, life_arena_calls;

/** Lives the life without disturbance, and keeps a snapshot before each step. False: it does not
 * end well (l->loss), or the flash is too small for it and the life is of no use. */
bool life_build(struct life *l, const struct life_scenario *scenario,
                const struct life_geometry *geometry, uint64_t seed, struct sim_world *world);
void life_free(struct life *l);

/** Goes to the start of a step. */
void life_rewind(struct life *l, uint32_t step);
/** Runs a step once; disturbances are whatever the caller has set in l->world. Then the device is
 * off. Returns the job's result; ACME_ERR_AGAIN without power. recovering: an earlier try of it was
 * disturbed, so what was there is checked before anything is done. */
int32_t life_try(struct life *l, uint32_t step, bool recovering);
/** Runs the step again, undisturbed, and the others after it up to and with step last; then looks
 * for orphans and compares the end. True: nothing was lost. */
bool life_recover(struct life *l, uint32_t step, uint32_t last);
/** Records a loss; the first one counts. */
__attribute__((format(printf, 2, 3))) void life_lose(struct life *l, const char *format, ...);

#endif
