/*
 * The self-test of a flash driver: geometry, erasing, programming, reading, boundaries, and whether
 * all of it outlives the power. It must not know the log that will live there.
 */
#include "checks.h"

#include <string.h>

#define CHUNK 64u /* a multiple of every program unit */
#define GUARD 0x5a

/* What the first run leaves at the start of the area. */
struct record {
    char magic[32];
    uint8_t fresh[SELFTEST_FRESH];
    uint8_t zero[16];
};

_Static_assert(sizeof(struct record) == CHUNK, "the record is one chunk");

static const char magic[32] = "nanoacme self-test, first run\n";

struct area {
    struct selftest *t;
    struct acme_flash_geometry g;
    uint32_t size;
};

static int32_t read_at(const struct area *a, uint32_t offset, void *data, size_t len)
{
    return a->t->port->flash->read(a->t->port->flash_ctx, offset, data, len);
}

static int32_t program_at(const struct area *a, uint32_t offset, const void *data, size_t len)
{
    return a->t->port->flash->program(a->t->port->flash_ctx, offset, data, len);
}

static int32_t erase_at(const struct area *a, uint32_t offset)
{
    return a->t->port->flash->erase(a->t->port->flash_ctx, offset);
}

static uint32_t sector(const struct area *a, uint32_t number)
{
    return number * a->g.sector_size;
}

/* Where each sector has its pattern: in its last chunk. */
static uint32_t tail(const struct area *a, uint32_t number)
{
    return sector(a, number + 1u) - CHUNK;
}

static void fill_pattern(uint8_t data[CHUNK], uint32_t offset, uint32_t seed)
{
    for (uint32_t i = 0; i < CHUNK; i++) {
        data[i] = selftest_pattern(offset + i, seed);
    }
}

static bool has_pattern(const struct area *a, uint32_t offset, uint32_t seed)
{
    uint8_t data[CHUNK], expected[CHUNK];

    fill_pattern(expected, offset, seed);
    return read_at(a, offset, data, CHUNK) == ACME_OK && memcmp(data, expected, CHUNK) == 0;
}

static bool program_pattern(const struct area *a, uint32_t offset, uint32_t seed)
{
    uint8_t data[CHUNK];

    fill_pattern(data, offset, seed);
    return program_at(a, offset, data, CHUNK) == ACME_OK;
}

/* The offset of the first byte between from and to that is not erased; to if there is none. */
static uint32_t first_programmed(const struct area *a, uint32_t from, uint32_t to)
{
    uint8_t data[CHUNK];

    for (; from < to; from += CHUNK) {
        memset(data, 0, sizeof(data));
        if (read_at(a, from, data, CHUNK) != ACME_OK) {
            return from;
        }
        for (uint32_t i = 0; i < CHUNK; i++) {
            if (data[i] != 0xff) {
                return from + i;
            }
        }
    }
    return to;
}

/* ---- geometry ---- */

static bool is_power_of_two(uint32_t n)
{
    return n != 0 && (n & (n - 1u)) == 0;
}

static bool is_same(const struct acme_flash_geometry *a, const struct acme_flash_geometry *b)
{
    return a->sector_size == b->sector_size && a->sector_count == b->sector_count &&
           a->program_size == b->program_size;
}

static const char *check_geometry(struct area *a)
{
    const struct acme_port *port = a->t->port;
    struct acme_flash_geometry again = {0};

    if (port->flash->geometry(port->flash_ctx, &a->g) != ACME_OK ||
        port->flash->geometry(port->flash_ctx, &again) != ACME_OK) {
        return "geometry fails";
    }
    if (!is_same(&a->g, &again)) {
        return "it changes from call to call";
    }
    if (!is_power_of_two(a->g.sector_size) || a->g.sector_size < 256) {
        return "a sector of # bytes; it must be a power of two, 256 at least";
    }
    if (a->g.sector_count < 2 || a->g.sector_count > UINT32_MAX / a->g.sector_size) {
        return "it needs two sectors at least, and offsets of 32 bits";
    }
    if (!is_power_of_two(a->g.program_size) || a->g.program_size > 32) {
        return "the program unit must be a power of two, 1 to 32";
    }
    a->size = a->g.sector_size * a->g.sector_count;
    return NULL;
}

/* ---- erasing and programming ---- */

static void check_erase(struct area *a)
{
    uint64_t start = selftest_now_ms(a->t);

    for (uint32_t i = 0; i < a->g.sector_count; i++) {
        if (erase_at(a, sector(a, i)) != ACME_OK) {
            selftest_failed(a->t, "flash.erase", "erase fails at offset #", sector(a, i));
            return;
        }
        selftest_idle(a->t);
    }
    start = selftest_now_ms(a->t) - start;
    for (uint32_t i = 0; i < a->g.sector_count; i++) {
        uint32_t at = first_programmed(a, sector(a, i), sector(a, i + 1u));

        if (at != sector(a, i + 1u)) {
            selftest_failed(a->t, "flash.erase", "after erase it does not read 0xff at offset #",
                            at);
            return;
        }
        selftest_idle(a->t);
    }
    selftest_ok(a->t, "flash.erase", "# ms for the area", (uint32_t)start);
}

/* One unit at the start of the area, on its own. */
static const char *check_one_unit(struct area *a)
{
    uint8_t unit[32], back[32];

    for (uint32_t i = 0; i < a->g.program_size; i++) {
        unit[i] = selftest_pattern(i, 7);
    }
    if (program_at(a, 0, unit, a->g.program_size) != ACME_OK) {
        return "program fails for one unit";
    }
    if (read_at(a, 0, back, a->g.program_size) != ACME_OK ||
        memcmp(unit, back, a->g.program_size) != 0) {
        return "what was programmed does not read back";
    }
    /* Its neighbours, by the bytes: the unit is not a chunk. */
    for (uint32_t at = a->g.program_size; at < CHUNK; at += a->g.program_size) {
        uint8_t next[32];

        if (read_at(a, at, next, a->g.program_size) != ACME_OK) {
            return "read fails";
        }
        for (uint32_t i = 0; i < a->g.program_size; i++) {
            if (next[i] != 0xff) {
                return "programming one unit changes the next";
            }
        }
    }
    return NULL;
}

/* Every sector has a pattern of its own: an address line that is stuck shows. */
static const char *check_addresses(struct area *a, uint32_t *at)
{
    for (uint32_t i = 0; i < a->g.sector_count; i++) {
        *at = tail(a, i);
        if (!program_pattern(a, *at, i)) {
            return "program fails at offset #";
        }
    }
    for (uint32_t i = 0; i < a->g.sector_count; i++) {
        *at = tail(a, i);
        if (!has_pattern(a, *at, i)) {
            return "what was programmed does not read back at offset #";
        }
        selftest_idle(a->t);
    }
    for (uint32_t i = 0; i < a->g.sector_count; i++) {
        uint32_t from = sector(a, i) + (i == 0 ? CHUNK : 0u);

        *at = first_programmed(a, from, tail(a, i));
        if (*at != tail(a, i)) {
            return "programming changes another place: offset #";
        }
    }
    return NULL;
}

/* Any offset, any length, over a sector's end, and nothing beyond the buffer. */
static const char *check_reads(struct area *a, uint32_t *at)
{
    uint32_t end = sector(a, 1);

    for (uint32_t len = 1; len <= 2u * CHUNK; len++) {
        uint8_t data[2u * CHUNK + 2u];

        *at = end - CHUNK + (CHUNK + 1u - len % CHUNK) % CHUNK;
        memset(data, GUARD, sizeof(data));
        if (read_at(a, *at, data + 1, len) != ACME_OK) {
            return "read fails at offset #";
        }
        if (data[0] != GUARD || data[len + 1u] != GUARD) {
            return "read writes beyond the buffer, for offset #";
        }
        for (uint32_t i = 0; i < len; i++) {
            uint8_t expected = *at + i < end ? selftest_pattern(*at + i, 0) : 0xff;

            if (data[i + 1u] != expected) {
                return "a read that is not aligned differs, at offset #";
            }
        }
    }
    return NULL;
}

/* Sector 1 goes; its neighbours stay. */
static const char *check_erase_one(struct area *a)
{
    if (erase_at(a, sector(a, 1)) != ACME_OK) {
        return "erase fails";
    }
    if (first_programmed(a, sector(a, 1), sector(a, 2)) != sector(a, 2)) {
        return "a sector that was programmed does not read 0xff after erase";
    }
    if (!has_pattern(a, tail(a, 0), 0) ||
        (a->g.sector_count > 2 && !has_pattern(a, tail(a, 2), 2))) {
        return "erasing one sector changes another";
    }
    return program_pattern(a, tail(a, 1), 1) && has_pattern(a, tail(a, 1), 1)
               ? NULL
               : "an erased sector cannot be programmed again";
}

/* What programming data over before did, in after. NULL: neither of the two. */
static const char *kind_of(const uint8_t *before, const uint8_t *data, const uint8_t *after)
{
    bool cleared = true, replaced = true;

    for (uint32_t i = 0; i < CHUNK; i++) {
        cleared = cleared && after[i] == (before[i] & data[i]);
        replaced = replaced && after[i] == data[i];
    }
    if (cleared) {
        return "clears bits, as NOR does";
    }
    return replaced ? "replaces, as no NOR does; is it an EEPROM?" : NULL;
}

/* The core programs a unit once only. What a second time does must still be one of three things. */
static const char *check_reprogram(struct area *a, const char **kind)
{
    uint8_t before[CHUNK], after[CHUNK], data[CHUNK];
    int32_t rc;

    memset(data, 0xa5, sizeof(data));
    if (read_at(a, tail(a, 1), before, CHUNK) != ACME_OK) {
        return "read fails";
    }
    rc = program_at(a, tail(a, 1), data, CHUNK);
    if (read_at(a, tail(a, 1), after, CHUNK) != ACME_OK) {
        return "read fails afterwards";
    }
    if (memcmp(before, after, CHUNK) == 0) {
        *kind = rc == ACME_OK ? NULL : "refused";
        return rc == ACME_OK ? "program says OK, and nothing has changed" : NULL;
    }
    *kind = kind_of(before, data, after);
    return *kind != NULL ? NULL : "a unit programmed twice has neither old, new, nor both";
}

/* ---- boundaries ---- */

static const char *check_read_bounds(struct area *a)
{
    uint8_t data[2];

    if (read_at(a, a->size - 1u, data, 1) != ACME_OK) {
        return "the last byte cannot be read";
    }
    if (read_at(a, a->size - 1u, data, 2) == ACME_OK || read_at(a, a->size, data, 1) == ACME_OK ||
        read_at(a, UINT32_MAX, data, 2) == ACME_OK) {
        return "reads beyond the area";
    }
    return NULL;
}

static const char *check_alignment(struct area *a)
{
    uint8_t data[2u * CHUNK];
    uint32_t unit = a->g.program_size, at = sector(a, 1);

    memset(data, 0x11, sizeof(data));
    if (unit > 1 && (program_at(a, at + 1u, data, unit) == ACME_OK ||
                     program_at(a, at, data, unit + 1u) == ACME_OK)) {
        return "programs what is not a multiple of the unit";
    }
    if (first_programmed(a, at, tail(a, 1)) != tail(a, 1)) {
        return "a program that was refused has changed something";
    }
    if (erase_at(a, at + a->g.sector_size / 2u) == ACME_OK) {
        return "erases at an offset within a sector";
    }
    return has_pattern(a, tail(a, 1), 1) && has_pattern(a, tail(a, 0), 0)
               ? NULL
               : "an erase that was refused has changed something";
}

static const char *check_write_bounds(struct area *a)
{
    uint8_t data[CHUNK];

    memset(data, 0xff, sizeof(data));
    if (program_at(a, a->size, data, a->g.program_size) == ACME_OK ||
        program_at(a, a->size - CHUNK / 2u, data, CHUNK) == ACME_OK) {
        return "programs beyond the area";
    }
    if (erase_at(a, a->size) == ACME_OK) {
        return "erases beyond the area";
    }
    return has_pattern(a, tail(a, a->g.sector_count - 1u), a->g.sector_count - 1u)
               ? NULL
               : "an operation that was refused has changed something";
}

/* ---- power ---- */

/* Sector 0 has a unit of another check at its start: erased, and written with the record. */
static const char *leave_record(struct area *a)
{
    struct record r = {.zero = {0}};

    memcpy(r.magic, magic, sizeof(magic));
    memcpy(r.fresh, a->t->fresh, sizeof(r.fresh));
    if (erase_at(a, 0) != ACME_OK || !program_pattern(a, tail(a, 0), 0) ||
        erase_at(a, sector(a, 1)) != ACME_OK || !program_pattern(a, tail(a, 1), 1) ||
        program_at(a, 0, &r, sizeof(r)) != ACME_OK) {
        return "erase or program fails";
    }
    return a->t->port->flash->sync(a->t->port->flash_ctx) == ACME_OK ? NULL : "sync fails";
}

static void check_kept(struct area *a)
{
    struct record r;
    const char *wrong = NULL;
    uint32_t i;

    if (read_at(a, 0, &r, sizeof(r)) != ACME_OK || memcmp(r.magic, magic, sizeof(magic)) != 0) {
        selftest_failed(a->t, "flash.kept", "there is nothing of a first run", 0);
        return;
    }
    for (i = 0; i < a->g.sector_count && wrong == NULL; i++) {
        uint32_t from = sector(a, i) + (i == 0 ? CHUNK : 0u);

        if (!has_pattern(a, tail(a, i), i)) {
            wrong = "the power has changed sector #";
        } else if (first_programmed(a, from, tail(a, i)) != tail(a, i)) {
            wrong = "what was erased in sector # is not erased any more";
        }
    }
    selftest_judge(a->t, "flash.kept", wrong, i - 1u);
    selftest_judge(a->t, "entropy.fresh",
                   memcmp(r.fresh, a->t->fresh, sizeof(r.fresh)) != 0
                       ? NULL
                       : "the first bytes after two boots are the same: a fixed seed",
                   0);
}

/* ---- all of them ---- */

static void check_all(struct area *a)
{
    const char *wrong, *kind = NULL;
    uint32_t at = 0;

    check_erase(a);
    selftest_judge(a->t, "flash.program", check_one_unit(a), 0);
    wrong = check_addresses(a, &at);
    selftest_judge(a->t, "flash.addresses", wrong, at);
    wrong = check_reads(a, &at);
    selftest_judge(a->t, "flash.read", wrong, at);
    selftest_judge(a->t, "flash.erase_one", check_erase_one(a), 0);
    selftest_judge(a->t, "flash.read_bounds", check_read_bounds(a), 0);
    selftest_judge(a->t, "flash.alignment", check_alignment(a), 0);
    if (a->t->options->probe_bounds) {
        selftest_judge(a->t, "flash.bounds", check_write_bounds(a), 0);
    } else {
        selftest_skipped(a->t, "flash.bounds", "not asked for");
    }
    if (!a->t->options->try_reprogram) {
        selftest_skipped(a->t, "flash.reprogram", "not asked for");
    } else if ((wrong = check_reprogram(a, &kind)) != NULL) {
        selftest_failed(a->t, "flash.reprogram", wrong, 0);
    } else {
        selftest_ok(a->t, "flash.reprogram", kind, 0);
    }
    wrong = leave_record(a);
    selftest_judge(a->t, "flash.sync", wrong, 0);
}

void selftest_flash(struct selftest *t)
{
    struct area a = {.t = t};
    const char *wrong = check_geometry(&a);

    if (wrong != NULL) {
        selftest_failed(t, "flash.geometry", wrong, a.g.sector_size);
        return;
    }
    selftest_ok(t, "flash.geometry", "# bytes", a.size);
    if (t->options->after_power_cycle) {
        check_kept(&a);
    } else if (t->options->destroy_flash) {
        check_all(&a);
    } else {
        selftest_skipped(t, "flash.erase", "it would erase the area, and was not asked for");
    }
}
