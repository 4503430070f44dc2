/*
 * The simulated NOR flash. It knows the rules of the chip and nothing of the log above it.
 */
#include "flash_sim.h"

#include <stdlib.h>
#include <string.h>

uint32_t flash_sim_random(struct flash_sim *f)
{
    f->random ^= f->random << 13;
    f->random ^= f->random >> 7;
    f->random ^= f->random << 17;
    return (uint32_t)(f->random >> 16);
}

void flash_sim_init(struct flash_sim *f, uint32_t sector_size, uint32_t sector_count,
                    uint32_t program_size, uint64_t seed)
{
    size_t bytes = (size_t)sector_size * sector_count;

    memset(f->data, 0xff, bytes);
    memset(f->programmed, 0, bytes);
    memset(f->between, 0, bytes);
    memset(f->unstable, 0, (char *)(f + 1) - (char *)f->unstable);
    f->geometry.sector_size = sector_size;
    f->geometry.sector_count = sector_count;
    f->geometry.program_size = program_size;
    flash_cache_flush(f);
    f->random = seed * 2654435761u + 88172645463325252u;
}

void flash_sim_power_on(struct flash_sim *f)
{
    flash_cache_cut(f);
    flash_cache_flush(f);
    f->off = false;
    f->operations = f->reads = f->programs = f->erase_calls = f->syncs = 0;
    f->cut_at = f->fail_read_at = f->fail_program_at = f->fail_erase_at = f->fail_sync_at = 0;
}

static int32_t sim_geometry(void *ctx, struct acme_flash_geometry *geometry)
{
    *geometry = ((struct flash_sim *)ctx)->geometry;
    return ACME_OK;
}

static uint32_t area(const struct flash_sim *f)
{
    return f->geometry.sector_size * f->geometry.sector_count;
}

static int32_t sim_read(void *ctx, uint32_t offset, void *data, size_t len)
{
    struct flash_sim *f = ctx;
    size_t i;

    if (offset > area(f) || len > area(f) - offset) {
        f->violation = true;
        return ACME_ERR_STORE_IO;
    }
    f->reads++;
    if (f->off || (f->fail_read_at > 0 && f->reads >= f->fail_read_at &&
                   f->reads - f->fail_read_at <= f->fail_reads_more)) {
        return ACME_ERR_STORE_IO;
    }
    memcpy(data, f->data + offset, len);
    for (i = 0; f->any_between && i < len; i++) {
        uint8_t between = f->between[offset + i];

        if (between != 0) {
            ((uint8_t *)data)[i] ^= between & (uint8_t)flash_sim_random(f);
        }
    }
    for (i = 0; f->any_unstable && i < len; i++) {
        if (f->unstable[(offset + i) / f->geometry.sector_size] && flash_sim_random(f) % 4 == 0) {
            ((uint8_t *)data)[i] ^= (uint8_t)(1u << (flash_sim_random(f) % 8));
        }
    }
    return ACME_OK;
}

/* Whether the operation takes place: 1 whole, 0 not at all, -1 in part. */
static int power(struct flash_sim *f)
{
    if (f->off) {
        return 0;
    }
    if (++f->operations != f->cut_at) {
        return 1;
    }
    f->off = true;
    if (f->cut_kind != FLASH_SIM_CUT_AFTER) {
        flash_cache_cut(f); /* what is under way comes behind that */
    }
    return f->cut_kind == FLASH_SIM_CUT_BEFORE ? 0 : f->cut_kind == FLASH_SIM_CUT_AFTER ? 1 : -1;
}

/* Of the bits of a byte that an operation changes, those that it has not changed, and those that
 * are in between. Progress of 0 to 15, of 16. */
static uint8_t half_done(struct flash_sim *f, uint8_t changes, uint32_t progress, uint8_t *between)
{
    uint8_t left = 0, bit;

    *between = 0;
    for (bit = 1; bit != 0; bit = (uint8_t)(bit << 1)) {
        uint32_t r = flash_sim_random(f);

        if ((changes & bit) == 0 || r % 16 < progress) {
            continue;
        }
        left |= bit;
        *between |= r / 16 % 2 == 0 ? bit : 0;
    }
    return left;
}

static void program_unstable(struct flash_sim *f, uint32_t at, const uint8_t *bytes)
{
    uint32_t progress = flash_sim_random(f) % 17, i; /* 16: done, but for one bit */

    for (i = 0; i < f->geometry.program_size; i++) {
        uint8_t changes = f->data[at + i] & (uint8_t)~bytes[i];
        uint8_t left = half_done(f, changes, progress, &f->between[at + i]);

        if (progress == 16 && changes != 0) {
            left = changes & (uint8_t)-changes;
            f->between[at + i] = left;
            progress++;
        }
        f->data[at + i] &= bytes[i] | left;
    }
    f->any_between = true;
}

static void erase_unstable(struct flash_sim *f, uint32_t at)
{
    uint32_t progress = flash_sim_random(f) % 17, i;

    for (i = 0; i < f->geometry.sector_size; i++) {
        uint8_t changes = (uint8_t)~f->data[at + i];
        uint8_t left = half_done(f, changes, progress, &f->between[at + i]);

        f->data[at + i] |= changes & (uint8_t)~left;
    }
    if (progress == 16) {
        f->between[at + flash_sim_random(f) % f->geometry.sector_size] = 1;
    }
    f->any_between = true;
}

/* Whether a sector is too worn for what it is to do now. */
static bool fails(struct flash_sim *f, uint32_t sector)
{
    uint32_t endurance = f->endurance[sector], over = f->erases[sector] - endurance;

    return f->bad[sector] || (endurance != 0 && f->erases[sector] >= endurance &&
                              flash_sim_random(f) % 16 < 4 + over);
}

/* How a whole operation ends: the cut may come right behind it. */
static int32_t ended(struct flash_sim *f)
{
    if (f->off) {
        flash_cache_cut(f);
    }
    return f->off ? ACME_ERR_STORE_IO : ACME_OK;
}

static int32_t sim_program(void *ctx, uint32_t offset, const void *data, size_t len)
{
    struct flash_sim *f = ctx;
    uint32_t unit = f->geometry.program_size;
    uint32_t sector = offset / f->geometry.sector_size;
    const uint8_t *bytes = data;
    size_t i, whole = len;
    int done;

    if (len == 0 || offset % unit != 0 || len % unit != 0 || offset > area(f) ||
        len > area(f) - offset || (offset + len - 1) / f->geometry.sector_size != sector) {
        f->violation = true;
        return ACME_ERR_STORE_IO;
    }
    done = power(f);
    if (done == 0 || ++f->programs == f->fail_program_at || fails(f, sector) ||
        (done < 0 && !flash_cache_reached(f, offset, (uint32_t)len))) {
        return ACME_ERR_STORE_IO;
    }
    if (done > 0) {
        flash_cache_note(f, offset, bytes, (uint32_t)len);
    } else {
        whole = flash_sim_random(f) % (len + 1);
        /* The last unit is where a record may look whole. */
        if (f->cut_kind == FLASH_SIM_CUT_UNSTABLE && flash_sim_random(f) % 2 == 0) {
            whole = len - 1;
        }
    }
    for (i = 0; i < len && (i < whole || i / unit == whole / unit); i++) {
        uint8_t value = bytes[i];
        bool under_way = i >= whole - whole % unit && done < 0;

        if (i % unit == 0 && f->programmed[(offset + i) / unit]) {
            f->violation = true;
        }
        f->programmed[(offset + i) / unit] = FLASH_UNIT_SET | (under_way ? FLASH_UNIT_TORN : 0);
        if (under_way && f->cut_kind == FLASH_SIM_CUT_UNSTABLE) {
            program_unstable(f, offset + (uint32_t)i, bytes + i);
            i += unit - 1;
            continue;
        }
        if (i >= whole) {
            /* the unit under way: some bits are cleared, others not yet */
            value |= (uint8_t)flash_sim_random(f);
        }
        f->data[offset + i] &= value;
    }
    return ended(f);
}

static int32_t sim_erase(void *ctx, uint32_t offset)
{
    struct flash_sim *f = ctx;
    uint32_t size = f->geometry.sector_size;
    uint32_t i;
    int done;

    if (offset % size != 0 || offset >= area(f)) {
        f->violation = true;
        return ACME_ERR_STORE_IO;
    }
    done = power(f);
    if (done == 0 || ++f->erase_calls == f->fail_erase_at || fails(f, offset / size) ||
        (done < 0 && !flash_cache_reached(f, offset, size))) {
        return ACME_ERR_STORE_IO;
    }
    if (done > 0) {
        flash_cache_note(f, offset, NULL, size);
    }
    memset(f->between + offset, 0, size);
    f->unstable[offset / size] = done < 0 && f->cut_kind != FLASH_SIM_CUT_UNSTABLE;
    f->any_unstable = f->any_unstable || f->unstable[offset / size];
    if (done < 0 && f->cut_kind == FLASH_SIM_CUT_UNSTABLE) {
        memset(f->programmed + offset / f->geometry.program_size, FLASH_UNIT_SET,
               size / f->geometry.program_size);
        erase_unstable(f, offset);
        return ACME_ERR_STORE_IO;
    }
    for (i = 0; i < size; i++) {
        f->data[offset + i] |= done < 0 ? (uint8_t)flash_sim_random(f) : 0xffu;
        f->programmed[(offset + i) / f->geometry.program_size] =
            done < 0 ? FLASH_UNIT_SET | FLASH_UNIT_TORN : 0;
    }
    if (done > 0) {
        f->erases[offset / size]++;
    }
    return ended(f);
}

static int32_t sim_sync(void *ctx)
{
    struct flash_sim *f = ctx;

    if (f->off || ++f->syncs == f->fail_sync_at) {
        return ACME_ERR_STORE_IO;
    }
    flash_cache_flush(f);
    return ACME_OK;
}

const struct acme_flash_ops flash_sim_ops = {sim_geometry, sim_read, sim_program, sim_erase,
                                             sim_sync};

/* ---- images ---- */

struct flash_sim_image {
    struct acme_flash_geometry geometry;
    uint64_t random;
    bool any_unstable, any_between, violation;
    bool unstable[FLASH_SIM_MAX / 256], bad[FLASH_SIM_MAX / 256];
    uint32_t erases[FLASH_SIM_MAX / 256];
    uint8_t bytes[]; /* the area, the bits in between, then a byte for each program unit */
};

static size_t units(const struct flash_sim *f)
{
    return area(f) / f->geometry.program_size;
}

struct flash_sim_image *flash_sim_save(const struct flash_sim *f, struct flash_sim_image *old)
{
    uint32_t count = f->geometry.sector_count;
    struct flash_sim_image *image = old;

    if (image == NULL) {
        image = malloc(sizeof(*image) + (size_t)2 * area(f) + units(f));
    }
    if (image == NULL) {
        abort();
    }
    image->geometry = f->geometry;
    image->random = f->random;
    image->any_unstable = f->any_unstable;
    image->any_between = f->any_between;
    image->violation = f->violation;
    memcpy(image->unstable, f->unstable, count * sizeof(f->unstable[0]));
    memcpy(image->bad, f->bad, count * sizeof(f->bad[0]));
    memcpy(image->erases, f->erases, count * sizeof(f->erases[0]));
    memcpy(image->bytes, f->data, area(f));
    memcpy(image->bytes + area(f), f->between, area(f));
    memcpy(image->bytes + (size_t)2 * area(f), f->programmed, units(f));
    return image;
}

void flash_sim_restore(struct flash_sim *f, const struct flash_sim_image *image)
{
    uint32_t count = image->geometry.sector_count;

    flash_cache_flush(f);
    f->geometry = image->geometry;
    f->random = image->random;
    f->any_unstable = image->any_unstable;
    f->any_between = image->any_between;
    f->violation = image->violation;
    memcpy(f->unstable, image->unstable, count * sizeof(f->unstable[0]));
    memcpy(f->bad, image->bad, count * sizeof(f->bad[0]));
    memcpy(f->erases, image->erases, count * sizeof(f->erases[0]));
    memcpy(f->data, image->bytes, area(f));
    memcpy(f->between, image->bytes + area(f), area(f));
    memcpy(f->programmed, image->bytes + (size_t)2 * area(f), units(f));
    flash_sim_power_on(f);
}

void flash_sim_image_free(struct flash_sim_image *image)
{
    free(image);
}
