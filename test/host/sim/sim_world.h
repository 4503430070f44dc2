/*
 * One device's world in one process and in virtual time: flash, network, clock, entropy, and a CA
 * at the other end, around the real core. A boot is acme_init on the same flash; switching off is
 * acme_deinit, with or without warning. Everything is decided by the seed: the same calls lead to
 * the same bytes. The world can be saved while the device is off, and restored.
 */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include "acme/client.h"
#include "ca_sim.h"
#include "flash_sim.h"
#include "sim_net.h"

#define SIM_EPOCH_S 1767225600 /* 2026-01-01 */

/** Random bytes for the device: its seed, how often it has been switched on, and a counter. */
struct sim_entropy {
    uint64_t seed, state;
    uint32_t boots;
    uint32_t calls, fail_at; /* the n-th call since power on fails; 0: none */
};

struct sim_world {
    struct sim_clock clock;
    struct sim_net net;
    struct sim_entropy entropy;
    struct flash_sim flash;
    struct ca_sim *ca;
    struct sim_server server;
    struct acme_port port;
    struct acme_config config; /* set by the test before a boot; .port is the world's */
    acme_client *client;       /* NULL: switched off */
    uint32_t polls;            /* of the last job */
    bool in_ca;                /* the CA is at work: not the device */
    bool hung;                 /* the last job did not end in time */
    /** Makes the transport of the network, given the CA; NULL: plain text. Set before init. */
    const struct sim_transport *(*transport)(struct ca_sim *ca);
    /** Sees each reply of the CA, and may change it: the new length, at most size. NULL: none. */
    size_t (*on_reply)(void *ctx, enum ca_sim_route route, char *reply, size_t len, size_t size);
    void *on_reply_ctx;
    bool verbose;         /* the client's log goes to stderr; set before init */
    uint32_t job_limit_s; /* what "in time" is; default 2 days */
    uint32_t polls_max;   /* likewise, in calls of acme_poll; set after init; default a million */
    struct acme_trust_anchor anchor;
    _Alignas(8) uint8_t memory[ACME_MEMORY_SIZE];
};

/** What a world is made of. */
struct sim_options {
    uint32_t sector_size, sector_count, program_size; /* of the flash */
    uint64_t seed;
    uint32_t accounts_max, orders_max; /* of the CA; 0: 4 and 64 */
};

/** Builds a world with a blank flash. The block for its CA is allocated, or taken over from
 * w->ca. False: a crypto call failed. */
bool sim_world_init(struct sim_world *w, const struct sim_options *options);
/** Frees what init allocated. */
void sim_world_free(struct sim_world *w);

/** Switches the device on: acme_init with w->config. */
int32_t sim_world_boot(struct sim_world *w);
/** Drives a job that was started until it ends, the device loses power, or it takes too long
 * (w->hung). Returns the job's result; ACME_ERR_AGAIN without power or when hung. */
int32_t sim_world_drive(struct sim_world *w);
/** Switches the device off. Afterwards its flash has power again, for whoever looks at it. */
void sim_world_halt(struct sim_world *w);
/** Time passes with the device off. */
void sim_world_sleep(struct sim_world *w, uint64_t ms);

/** A world at rest: the device is off. */
struct sim_snapshot {
    struct sim_clock clock;
    struct sim_entropy entropy;
    struct ca_sim *ca;
    struct flash_sim_image *flash;
};
void sim_world_save(struct sim_world *w, struct sim_snapshot *s);
void sim_world_restore(struct sim_world *w, const struct sim_snapshot *s);
void sim_snapshot_free(struct sim_snapshot *s);

#endif
