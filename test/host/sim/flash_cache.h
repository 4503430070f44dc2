/*
 * What a simulated flash has taken and not yet made durable: programs and erases since the last
 * sync. At a cut each page has come as far as chance has it in its own row of them, pages of 256
 * bytes or whole sectors, and one may be in the middle of a program: so what is not synced is lost,
 * torn and out of order. Only, an erase comes to whole pages, and to a sector's first one first. It
 * knows the bytes of the flash and no rule of its use.
 */
#ifndef FLASH_CACHE_H
#define FLASH_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#define FLASH_SIM_MAX   (1024u * 1024u)
#define FLASH_CACHE_OPS 256u
#define FLASH_BLOCK     256u
#define FLASH_UNIT_SET  1u /* a unit was programmed */
#define FLASH_UNIT_TORN 2u /* not to its end */

struct flash_sim;

struct flash_cache {
    struct {
        uint32_t at, len; /* of an erase: the sector */
        uint32_t bytes;   /* where its bytes are; UINT32_MAX: an erase */
    } ops[FLASH_CACHE_OPS];
    uint32_t count, used, turn;
    uint32_t touched[FLASH_SIM_MAX / FLASH_BLOCK]; /* since the sync, when it is the turn */
    uint32_t behind[FLASH_SIM_MAX / FLASH_BLOCK];  /* lost something at the cut, likewise */
    /* The blocks that were touched, as they were before. */
    uint8_t data[FLASH_SIM_MAX], between[FLASH_SIM_MAX], programmed[FLASH_SIM_MAX];
    bool unstable[FLASH_SIM_MAX / 256];
    uint8_t bytes[65536];
};

/** What is there is durable from now on. */
void flash_cache_flush(struct flash_sim *f);
/** Takes note of an operation, before it is carried out: an erase where bytes is NULL. */
void flash_cache_note(struct flash_sim *f, uint32_t at, const uint8_t *bytes, uint32_t len);
/** Power is cut. */
void flash_cache_cut(struct flash_sim *f);
/** Whether all before the cut has come to this place: only then what was under way can. */
bool flash_cache_reached(const struct flash_sim *f, uint32_t at, uint32_t len);

#endif
