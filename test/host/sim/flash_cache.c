/*
 * The cache of the simulated flash.
 */
#include "flash_cache.h"

#include <string.h>

#include "flash_sim.h"

void flash_cache_flush(struct flash_sim *f)
{
    f->cache.count = f->cache.used = 0;
    f->cache.turn++;
}

static void keep_block(struct flash_sim *f, uint32_t block)
{
    struct flash_cache *c = &f->cache;
    uint32_t at = block * FLASH_BLOCK, unit = f->geometry.program_size;

    if (c->touched[block] == c->turn) {
        return;
    }
    c->touched[block] = c->turn;
    memcpy(c->data + at, f->data + at, FLASH_BLOCK);
    memcpy(c->between + at, f->between + at, FLASH_BLOCK);
    memcpy(c->programmed + at / unit, f->programmed + at / unit, FLASH_BLOCK / unit);
    c->unstable[at / f->geometry.sector_size] = f->unstable[at / f->geometry.sector_size];
}

void flash_cache_note(struct flash_sim *f, uint32_t at, const uint8_t *bytes, uint32_t len)
{
    struct flash_cache *c = &f->cache;
    uint32_t block, take = bytes != NULL ? len : 0;

    /* A cache has an end: then it makes room. */
    if (c->count == FLASH_CACHE_OPS || c->used + take > sizeof(c->bytes)) {
        flash_cache_flush(f);
    }
    for (block = at / FLASH_BLOCK; block <= (at + len - 1) / FLASH_BLOCK; block++) {
        keep_block(f, block);
    }
    c->ops[c->count].at = at;
    c->ops[c->count].len = len;
    c->ops[c->count].bytes = bytes != NULL ? c->used : UINT32_MAX;
    if (bytes != NULL) {
        memcpy(c->bytes + c->used, bytes, len);
    }
    c->count++;
    c->used += take;
}

/* Of an operation the part from one offset to another; torn: some of its bits. */
static void replay(struct flash_sim *f, uint32_t op, uint32_t from, uint32_t to, bool torn)
{
    const struct flash_cache *c = &f->cache;
    uint32_t unit = f->geometry.program_size, at;
    uint8_t state = torn ? FLASH_UNIT_SET | FLASH_UNIT_TORN : FLASH_UNIT_SET;

    for (at = from; at < to; at++) {
        uint8_t haze = torn ? (uint8_t)flash_sim_random(f) : 0;

        if (c->ops[op].bytes == UINT32_MAX) {
            f->data[at] |= (uint8_t)~haze;
            f->between[at] = 0;
            f->programmed[at / unit] = torn ? state : 0;
        } else {
            f->data[at] &= c->bytes[c->ops[op].bytes + at - c->ops[op].at] | haze;
            f->programmed[at / unit] = state;
        }
    }
}

static void restore(struct flash_sim *f, uint32_t at, uint32_t len)
{
    struct flash_cache *c = &f->cache;
    uint32_t unit = f->geometry.program_size, block;

    for (block = at / FLASH_BLOCK; block < (at + len) / FLASH_BLOCK; block++) {
        uint32_t from = block * FLASH_BLOCK;

        if (c->touched[block] == c->turn) {
            memcpy(f->data + from, c->data + from, FLASH_BLOCK);
            memcpy(f->between + from, c->between + from, FLASH_BLOCK);
            memcpy(f->programmed + from / unit, c->programmed + from / unit, FLASH_BLOCK / unit);
            c->behind[block] = c->turn;
        }
    }
}

/* Of a page's row the first so many have come, and a part of the next one, if tear says so. */
static void settle(struct flash_sim *f, uint32_t page, uint32_t size, uint32_t come, bool tear)
{
    struct flash_cache *c = &f->cache;
    uint32_t op, unit = f->geometry.program_size, sector = page / f->geometry.sector_size;
    bool erased = false;

    restore(f, page, size);
    for (op = 0; op < c->count && (come > 0 || tear); op++) {
        uint32_t from = c->ops[op].at > page ? c->ops[op].at : page;
        uint32_t to = c->ops[op].at + c->ops[op].len, middle;

        to = to < page + size ? to : page + size;
        if (from >= to) {
            continue;
        }
        if (come == 0 && c->ops[op].bytes == UINT32_MAX) {
            break; /* an erase comes to whole pages */
        }
        if (come == 0) {
            middle = from + flash_sim_random(f) % (to - from) / unit * unit;
            replay(f, op, from, middle, false);
            replay(f, op, middle, middle + unit, true);
            break;
        }
        replay(f, op, from, to, false);
        erased = erased || c->ops[op].bytes == UINT32_MAX;
        come--;
    }
    if (!erased) {
        f->unstable[sector] = f->unstable[sector] || c->unstable[sector];
    }
}

/* How many operations are in a page's row; *erase is the place of the last erase among them. */
static uint32_t row_of(const struct flash_cache *c, uint32_t page, uint32_t size, uint32_t *erase)
{
    uint32_t row = 0, op;

    *erase = 0;
    for (op = 0; op < c->count; op++) {
        if (c->ops[op].at < page + size && c->ops[op].at + c->ops[op].len > page) {
            row++;
            *erase = c->ops[op].bytes == UINT32_MAX ? row : *erase;
        }
    }
    return row;
}

void flash_cache_cut(struct flash_sim *f)
{
    enum { ALL, NONE, PAGES, SECTORS } mode;
    uint32_t area = f->geometry.sector_size * f->geometry.sector_count, page, size, erase;
    bool tear, erased = true;

    if (f->cache.count == 0) {
        return;
    }
    mode = flash_sim_random(f) % 4;
    size = mode == SECTORS ? f->geometry.sector_size : FLASH_BLOCK;
    tear = mode >= PAGES && flash_sim_random(f) % 2 == 0;
    for (page = 0; page < area && mode != ALL; page += size) {
        uint32_t row = row_of(&f->cache, page, size, &erase), draw, come;

        if (row == 0) {
            continue;
        }
        draw = flash_sim_random(f);
        come = mode == NONE || draw % 3 == 0 ? 0 : draw % 3 == 1 ? row : draw / 3 % (row + 1);
        if (page % f->geometry.sector_size == 0) {
            erased = come >= erase; /* a sector's first page is erased first */
        }
        come = erased ? come : 0;
        if (come < row) {
            settle(f, page, size, come, tear && erased);
            tear = tear && !erased;
        }
    }
    f->cache.count = f->cache.used = 0;
}

bool flash_cache_reached(const struct flash_sim *f, uint32_t at, uint32_t len)
{
    uint32_t block = at / FLASH_BLOCK;

    while (block <= (at + len - 1) / FLASH_BLOCK && f->cache.behind[block] != f->cache.turn) {
        block++;
    }
    return block > (at + len - 1) / FLASH_BLOCK;
}
