/*
 * See roots.h. There are three areas; each begins with a chunk for a mark, which is programmed when
 * the bundle behind it was found good. What the marks say is all there is to remember:
 * - the highest version is the newest, and the lowest led to the CA before (version 0 stands for
 * the typed roots, without a bundle);
 * - the newest is on trial as long as there is another; when it has led to the CA, the others are
 *   erased;
 * - a new one comes into an area that is neither, so each of these is there until its successor is.
 * An area is erased before anything is written to it, whatever a cut has left there. Flash is
 * believed as far as its CRC goes: whoever can write it can write the firmware. Places that
 * acme_trust_anchor names are addresses, or an area's number and an offset, above all addresses
 * that memory has on a Cortex-M.
 */
#include "roots.h"

#include <string.h>

#include "acme/roots.h"
#include "board.h"

#define CHUNK   64u         /* a multiple of every program unit */
#define MARK    0x314D524Eu /* "NRM1" */
#define DATA_AT CHUNK
#define SLOTS   BOARD_ROOTS_AREAS
#define NONE    SLOTS

#define BUNDLE_MIN (ACME_ROOTS_HEAD_SIZE + ACME_ROOTS_SIGNATURE_SIZE)

#define PLACE(area, offset) ((uintptr_t)0xE0000000u + ((uintptr_t)(area) << 24) + (offset))
#define AREA_SETTINGS       SLOTS

struct mark {
    uint32_t magic, version, len, crc, own_crc; /* of the bundle; of the four before */
};

__attribute__((weak)) const struct roots_build roots_build = {NULL, 0, NULL};

static const struct settings *settings;
static struct slot {
    bool valid;
    uint32_t version, len;
} slots[SLOTS];

/* What is being written. */
static struct {
    uint8_t slot;
    bool begun;
    uint32_t len, fill, crc;
    uint8_t chunk[CHUNK];
} coming;

/* ---- what is kept ---- */

static bool read_at(uint8_t slot, uint32_t at, void *to, size_t len)
{
    return board_flash_ops->read(board_roots_flash[slot], at, to, len) == ACME_OK;
}

static uint32_t area_size(uint8_t slot, uint32_t *sector)
{
    struct acme_flash_geometry g = {0};

    *sector = 0;
    if (board_flash_ops->geometry(board_roots_flash[slot], &g) != ACME_OK) {
        return 0;
    }
    *sector = g.sector_size;
    return g.sector_size * g.sector_count;
}

static uint32_t room(uint8_t slot)
{
    uint32_t sector, size = area_size(slot, &sector);

    return size > DATA_AT ? size - DATA_AT : 0;
}

static bool is_bundle_whole(uint8_t slot, const struct mark *m)
{
    uint8_t chunk[CHUNK];
    uint32_t crc = 0, at, n;

    for (at = 0; at < m->len; at += n) {
        n = m->len - at < CHUNK ? m->len - at : CHUNK;
        if (!read_at(slot, DATA_AT + at, chunk, n)) {
            return false;
        }
        crc = settings_crc32(crc, chunk, n);
    }
    return crc == m->crc;
}

static uint32_t own_crc(const struct mark *m)
{
    return settings_crc32(0, (const uint8_t *)m, offsetof(struct mark, own_crc));
}

static void load_slot(uint8_t slot)
{
    struct mark m;
    bool good = read_at(slot, 0, &m, sizeof(m)) && m.magic == MARK && m.own_crc == own_crc(&m);

    slots[slot] = (struct slot){false, 0, 0};
    if (good && m.version == 0) {
        slots[slot].valid = true;
    } else if (good && m.len > BUNDLE_MIN && m.len <= room(slot) && is_bundle_whole(slot, &m)) {
        slots[slot] = (struct slot){true, m.version, m.len};
    }
}

void roots_load(const struct settings *s)
{
    settings = s;
    for (uint8_t slot = 0; slot < SLOTS; slot++) {
        load_slot(slot);
    }
    coming.begun = false;
}

/* The one with the highest or the lowest version; NONE. */
static uint8_t find(bool highest)
{
    uint8_t found = NONE;

    for (uint8_t slot = 0; slot < SLOTS; slot++) {
        if (slots[slot].valid &&
            (found == NONE || (slots[slot].version > slots[found].version) == highest)) {
            found = slot;
        }
    }
    return found;
}

static struct acme_trust_anchor anchor_at(uintptr_t place, uint32_t len)
{
    return (struct acme_trust_anchor){(const uint8_t *)place, len};
}

static struct acme_trust_anchor bundle_anchor(uint8_t slot)
{
    return anchor_at(PLACE(slot, DATA_AT + ACME_ROOTS_HEAD_SIZE), slots[slot].len - BUNDLE_MIN);
}

struct acme_trust_anchor roots_typed(void)
{
    return settings->anchor_len > 0
               ? anchor_at(PLACE(AREA_SETTINGS, settings->anchor_at), settings->anchor_len)
               : (struct acme_trust_anchor){roots_build.roots, roots_build.len};
}

struct acme_trust_anchor roots_anchor(enum roots_which which)
{
    uint8_t slot = find(which == ROOTS_NEWEST);

    return slot != NONE && slots[slot].version > 0 ? bundle_anchor(slot) : roots_typed();
}

uint32_t roots_version(void)
{
    uint8_t newest = find(true);

    return newest == NONE ? 0 : slots[newest].version;
}

bool roots_on_trial(void)
{
    return find(true) != find(false);
}

int32_t roots_read(void *ctx, const uint8_t *at, void *to, size_t len)
{
    uintptr_t place = (uintptr_t)at;
    uint32_t area;

    (void)ctx;
    if (place < PLACE(0, 0) || place >= PLACE(AREA_SETTINGS + 1u, 0)) {
        memcpy(to, at, len);
        return ACME_OK;
    }
    area = (uint32_t)((place - PLACE(0, 0)) >> 24);
    return board_flash_ops->read(area == AREA_SETTINGS ? board_settings_flash
                                                       : board_roots_flash[area],
                                 (uint32_t)(place & 0xFFFFFFu), to, len);
}

/* ---- what is written ---- */

static bool program(uint8_t slot, uint32_t at, const uint8_t chunk[CHUNK])
{
    return board_flash_ops->program(board_roots_flash[slot], at, chunk, CHUNK) == ACME_OK;
}

static bool sync(uint8_t slot)
{
    return board_flash_ops->sync(board_roots_flash[slot]) == ACME_OK;
}

static bool put_mark(uint8_t slot, struct mark m)
{
    uint8_t chunk[CHUNK] = {0};

    m.magic = MARK;
    m.own_crc = own_crc(&m);
    memcpy(chunk, &m, sizeof(m));
    return program(slot, 0, chunk) && sync(slot);
}

/* The mark goes first, with the first sector. */
static bool erase(uint8_t slot)
{
    uint32_t sector, size = area_size(slot, &sector), at;
    bool done = size > 0;

    slots[slot] = (struct slot){false, 0, 0};
    for (at = 0; done && at < size; at += sector) {
        board_watchdog_feed();
        done = board_flash_ops->erase(board_roots_flash[slot], at) == ACME_OK;
    }
    return done && sync(slot);
}

/* Those that were tried in vain, then what was before them. */
bool roots_confirm(void)
{
    uint8_t newest = find(true), before = find(false);
    bool done = true;

    for (uint8_t slot = 0; slot < SLOTS; slot++) {
        if (slots[slot].valid && slot != newest && slot != before) {
            done = erase(slot) && done;
        }
    }
    return (before == newest || erase(before)) && done;
}

bool roots_forget(void)
{
    bool done = true;

    while (done && find(false) != NONE) {
        done = erase(find(false));
    }
    return done;
}

static uint8_t free_slot(void)
{
    uint8_t slot = 0;

    while (slot == find(true) || slot == find(false)) {
        slot++;
    }
    return slot;
}

/* Without a bundle, the typed roots are what was before. */
static bool note_typed(void)
{
    static const struct mark typed;
    uint8_t slot = free_slot();

    if (find(true) != NONE) {
        return true;
    }
    slots[slot].valid = erase(slot) && put_mark(slot, typed);
    return slots[slot].valid;
}

const char *roots_begin(void)
{
    if (roots_build.key == NULL) {
        return "this firmware pins no key for signed roots";
    }
    memset(&coming, 0, sizeof(coming));
    coming.begun = note_typed();
    coming.slot = free_slot();
    coming.begun = coming.begun && erase(coming.slot);
    return coming.begun ? NULL : "the flash refused them";
}

static bool flush(void)
{
    uint32_t at = DATA_AT + (coming.len - 1u) / CHUNK * CHUNK;

    memset(coming.chunk + coming.fill, 0, CHUNK - coming.fill);
    coming.fill = 0;
    return program(coming.slot, at, coming.chunk);
}

const char *roots_add(const uint8_t *data, uint32_t len)
{
    if (!coming.begun) {
        return "first: roots begin";
    }
    if (len > room(coming.slot) - coming.len) {
        coming.begun = false;
        return "too long: BOARD_ROOTS_SECTORS has no room for it";
    }
    coming.crc = settings_crc32(coming.crc, data, len);
    while (len-- > 0) {
        coming.chunk[coming.fill++] = *data++;
        coming.len++;
        if (coming.fill == CHUNK && !flush()) {
            coming.begun = false;
            return "the flash refused them";
        }
    }
    return NULL;
}

int32_t roots_end(const struct acme_port *port)
{
    struct mark m = {.len = coming.len, .crc = coming.crc};
    struct acme_roots found;
    int32_t rc;

    if (!coming.begun || coming.len == 0) {
        return ACME_ERR_STATE;
    }
    if ((coming.fill > 0 && !flush()) || !sync(coming.slot)) { /* before the mark */
        coming.begun = false;
        return ACME_ERR_STORE_IO;
    }
    rc = acme_roots_check(port, (const uint8_t *)PLACE(coming.slot, DATA_AT), coming.len,
                          roots_build.key, roots_version(), &found);
    if (rc == ACME_ERR_TLS_MEMORY) {
        return rc; /* a visitor has it: once more, later */
    }
    coming.begun = false;
    if (rc != ACME_OK) {
        return rc;
    }
    m.version = found.version;
    if (!put_mark(coming.slot, m)) {
        return ACME_ERR_STORE_IO;
    }
    load_slot(coming.slot);
    return slots[coming.slot].version == found.version ? ACME_OK : ACME_ERR_STORE_IO;
}
