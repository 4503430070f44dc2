/*
 * A NOR flash in RAM for the tests: programming only clears bits, and each program unit is
 * programmed at most once between erases (a violation is recorded). Power can be cut at any
 * operation, before, in the middle or after it; operations can be made to fail; sectors can be bad,
 * or wear out. What is not synced is in a cache (flash_cache.h): a cut, or any other power-on,
 * loses it, tears it and brings it out of order.
 *
 * The middle comes in two kinds. TORN: a half programmed unit reads the same from then on, a half
 * erased sector has flipping bits everywhere. UNSTABLE: every bit that was under way, of a unit or
 * of a sector, is by chance as it was, as it was to be, or in between; one in between reads at
 * random, each time, until it is erased. How far the operation has come is drawn too, so that few
 * bits in between are as frequent as many.
 */
#ifndef FLASH_SIM_H
#define FLASH_SIM_H

#include <stdbool.h>
#include <stdint.h>

#include "acme/port.h"
#include "flash_cache.h"

enum flash_sim_cut {
    FLASH_SIM_CUT_BEFORE,
    FLASH_SIM_CUT_TORN,
    FLASH_SIM_CUT_AFTER,
    FLASH_SIM_CUT_UNSTABLE,
    FLASH_SIM_CUTS
};

struct flash_sim {
    struct acme_flash_geometry geometry;
    uint8_t data[FLASH_SIM_MAX];
    uint8_t programmed[FLASH_SIM_MAX]; /* per unit, since the erase: FLASH_UNIT_... */
    uint8_t between[FLASH_SIM_MAX];    /* bits that read at random */
    struct flash_cache cache;
    bool unstable[FLASH_SIM_MAX / 256]; /* per sector: a half-done erase, reads vary */
    bool bad[FLASH_SIM_MAX / 256];
    uint32_t erases[FLASH_SIM_MAX / 256];
    /* A sector takes this many erases; from then on it fails every program or erase at random, more
     * often with each erase. 0: for ever. */
    uint32_t endurance[FLASH_SIM_MAX / 256];
    uint32_t operations; /* programs and erases since power on */
    uint32_t reads;
    uint32_t cut_at; /* cut at this operation (1 is the first); 0: never */
    enum flash_sim_cut cut_kind;
    uint32_t fail_read_at, fail_program_at, fail_erase_at; /* the n-th fails; 0: never */
    uint32_t fail_reads_more;                              /* and so many behind it */
    uint32_t fail_sync_at;
    uint32_t programs, erase_calls, syncs;
    bool any_unstable, any_between;
    bool off;       /* power is cut: every call fails */
    bool violation; /* the driver's rules were broken */
    uint64_t random;
};

extern const struct acme_flash_ops flash_sim_ops;

/** A blank flash. */
void flash_sim_init(struct flash_sim *f, uint32_t sector_size, uint32_t sector_count,
                    uint32_t program_size, uint64_t seed);
/** Power comes back; counters of operations start at 0 and nothing fails. */
void flash_sim_power_on(struct flash_sim *f);
uint32_t flash_sim_random(struct flash_sim *f);

/** A copy of the flash with all its wear; only what the geometry uses. */
struct flash_sim_image;
/** Into a new image, or over an old one of the same geometry. Never NULL: without memory it ends
 * the program. */
struct flash_sim_image *flash_sim_save(const struct flash_sim *f, struct flash_sim_image *old);
void flash_sim_restore(struct flash_sim *f, const struct flash_sim_image *image);
void flash_sim_image_free(struct flash_sim_image *image);

#endif
