/*
 * See roots.h. An area for a bundle begins with marks of a chunk each: one is programmed when the
 * bundle behind them was found good, one of three when the CA was reached with it (a cut may spoil
 * two), one of eight when the bundle in the other area makes room before it was confirmed: they
 * remember its version. Flash is believed as far as its CRC goes: whoever can write it can write
 * the firmware. Places that acme_trust_anchor names are addresses, or an area's number and an
 * offset, above all addresses that memory has on a Cortex-M.
 */
#include "roots.h"

#include <string.h>

#include "acme/roots.h"
#include "board.h"

#define CHUNK     64u         /* a multiple of every program unit */
#define MARK      0x314D524Eu /* "NRM1" */
#define CONFIRMED 0x3143524Eu /* "NRC1" */
#define FLOOR     0x3146524Eu /* "NRF1" */
#define CONFIRMS  3u
#define FLOORS    8u
#define DATA_AT   (CHUNK * (1u + CONFIRMS + FLOORS))

#define BUNDLE_MIN (ACME_ROOTS_HEAD_SIZE + ACME_ROOTS_SIGNATURE_SIZE)

#define PLACE(area, offset) ((uintptr_t)0xE0000000u + ((uintptr_t)(area) << 24) + (offset))
#define AREA_SETTINGS       2u

struct mark {
    uint32_t magic, version, len, crc, own_crc; /* of the bundle; of the four before */
};

__attribute__((weak)) const struct roots_build roots_build = {NULL, 0, NULL};

static const struct settings *settings;
static struct slot {
    uint32_t version, len; /* 0: there is none */
    bool confirmed;
} slots[2];
static uint8_t newest;         /* of the slots */
static uint32_t floor_version; /* the highest that this device has had, as far as it remembers */

/* What is being written. */
static struct {
    uint8_t slot;
    bool begun;
    uint32_t len, fill, crc;
    uint8_t chunk[CHUNK];
} coming;

static uint32_t crc32(uint32_t crc, const uint8_t *data, size_t len)
{
    crc = ~crc;
    while (len-- > 0) {
        crc ^= *data++;
        for (int bit = 0; bit < 8; bit++) {
            crc = (crc >> 1) ^ (0xEDB88320u & (0u - (crc & 1u)));
        }
    }
    return ~crc;
}

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
        crc = crc32(crc, chunk, n);
    }
    return crc == m->crc;
}

static bool is_good(const struct mark *m, uint32_t magic)
{
    return m->magic == magic &&
           crc32(0, (const uint8_t *)m, sizeof(*m) - sizeof(m->own_crc)) == m->own_crc;
}

/* A mark of the slot that is good; false: there is none in this chunk. */
static bool read_mark(uint8_t slot, uint32_t chunk, uint32_t magic, struct mark *m)
{
    return read_at(slot, chunk * CHUNK, m, sizeof(*m)) && is_good(m, magic);
}

static void raise_floor(uint32_t version)
{
    floor_version = version > floor_version ? version : floor_version;
}

static void load_slot(uint8_t slot)
{
    struct mark m;

    memset(&slots[slot], 0, sizeof(slots[slot]));
    for (uint32_t i = 0; i < FLOORS; i++) {
        if (read_mark(slot, 1u + CONFIRMS + i, FLOOR, &m)) {
            raise_floor(m.version);
        }
    }
    if (!read_mark(slot, 0, MARK, &m) || m.len > room(slot) || m.len <= BUNDLE_MIN ||
        !is_bundle_whole(slot, &m)) {
        return;
    }
    raise_floor(m.version);
    slots[slot] = (struct slot){m.version, m.len, false};
    for (uint32_t i = 1; i <= CONFIRMS; i++) {
        slots[slot].confirmed = slots[slot].confirmed || read_mark(slot, i, CONFIRMED, &m);
    }
}

static void find_newest(void)
{
    newest = slots[1].version > slots[0].version ? 1 : 0;
}

void roots_load(const struct settings *s)
{
    settings = s;
    floor_version = 0;
    load_slot(0);
    load_slot(1);
    find_newest();
    coming.begun = false;
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
    uint8_t slot = which == ROOTS_BEFORE && roots_on_trial() ? (uint8_t)(1u - newest) : newest;

    return slots[slot].version > 0 ? bundle_anchor(slot) : roots_typed();
}

uint32_t roots_version(void)
{
    return slots[newest].version;
}

bool roots_on_trial(void)
{
    return slots[newest].version > 0 && !slots[newest].confirmed;
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

static bool put_mark(uint8_t slot, uint32_t at, uint32_t magic, const struct mark *of)
{
    uint8_t chunk[CHUNK] = {0};
    struct mark m = *of;

    m.magic = magic;
    m.own_crc = crc32(0, (const uint8_t *)&m, sizeof(m) - sizeof(m.own_crc));
    memcpy(chunk, &m, sizeof(m));
    return program(slot, at, chunk) && board_flash_ops->sync(board_roots_flash[slot]) == ACME_OK;
}

static bool erase(uint8_t slot)
{
    uint32_t sector, size = area_size(slot, &sector), at;
    bool done = size > 0;

    memset(&slots[slot], 0, sizeof(slots[slot]));
    for (at = 0; done && at < size; at += sector) { /* the mark goes first */
        board_watchdog_feed();
        done = board_flash_ops->erase(board_roots_flash[slot], at) == ACME_OK;
    }
    return done;
}

bool roots_confirm(void)
{
    struct mark m = {0};
    bool done = !roots_on_trial();

    for (uint32_t i = 1; i <= CONFIRMS && !done; i++) { /* a cut may have spoilt one */
        done = put_mark(newest, i * CHUNK, CONFIRMED, &m);
    }
    slots[newest].confirmed = slots[newest].confirmed || (done && slots[newest].version > 0);
    return done;
}

/* The older one first: in between, the newest is there. */
bool roots_forget(void)
{
    uint8_t last = newest;
    bool done = erase((uint8_t)(1u - last)) && erase(last);

    find_newest();
    floor_version = done ? 0 : floor_version;
    return done;
}

/* The bundle on trial makes room: the other area remembers its version, so that none before it can
 * be played back. */
static bool keep_floor(uint8_t slot)
{
    struct mark m = {.version = floor_version};
    bool done = false;

    if (slots[slot].version == 0 && !erase(slot)) {
        return false;
    }
    for (uint32_t i = 0; i < FLOORS && !done; i++) {
        done = put_mark(slot, (1u + CONFIRMS + i) * CHUNK, FLOOR, &m);
    }
    return done;
}

/* What the CA was reached with is never written over, whichever it is: neither a bundle that is
 * confirmed, nor, while the newest is on trial, the one before. */
const char *roots_begin(void)
{
    if (roots_build.key == NULL) {
        return "this firmware pins no key for signed roots";
    }
    coming.begun = false;
    coming.slot = roots_on_trial() ? newest : (uint8_t)(1u - newest);
    if (roots_on_trial() && !keep_floor((uint8_t)(1u - newest))) {
        return "the flash refused them";
    }
    coming.len = coming.fill = 0;
    coming.crc = 0;
    coming.begun = erase(coming.slot);
    find_newest();
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
    coming.crc = crc32(coming.crc, data, len);
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
    if (coming.fill > 0 && !flush()) {
        coming.begun = false;
        return ACME_ERR_STORE_IO;
    }
    rc = acme_roots_check(port, (const uint8_t *)PLACE(coming.slot, DATA_AT), coming.len,
                          roots_build.key, floor_version, &found);
    if (rc == ACME_ERR_TLS_MEMORY) {
        return rc; /* a visitor has it: once more, later */
    }
    coming.begun = false;
    if (rc != ACME_OK) {
        return rc;
    }
    m.version = found.version;
    if (!put_mark(coming.slot, 0, MARK, &m)) {
        return ACME_ERR_STORE_IO;
    }
    load_slot(coming.slot);
    find_newest();
    return slots[coming.slot].version == found.version ? ACME_OK : ACME_ERR_STORE_IO;
}
