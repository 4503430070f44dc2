/*
 * acme_flash_ops: to be written, for an area that nothing else writes: not the firmware, not the
 * boot loader, not another store. It must not know what is stored.
 */
#include "acme_template.h"

/* Write: the shape of the area, the same at every call and every boot.
 * - sector_size: what one erase erases; a power of two, 256 at least. Join smaller pages.
 * - sector_count: two at least; docs/porting.md says how large the area should be.
 * - program_size: the smallest unit that may be programmed once between erases, with its ECC: 1 to
 * 32, a power of two. A chip that cannot program a unit twice says so in its manual. */
static int32_t geometry(void *ctx, struct acme_flash_geometry *geometry)
{
    (void)ctx;
    (void)geometry;
    return ACME_ERR_STORE_IO;
}

/* Write: the copy of len bytes at offset (from the area's start), at any offset and of any length.
 * Return ACME_ERR_STORE_IO if it would leave the area, or if the chip reports an error (ECC): where
 * a read of a damaged unit raises a fault, catch it, for a power cut leaves such units. */
static int32_t read(void *ctx, uint32_t offset, void *data, size_t len)
{
    (void)ctx;
    (void)offset;
    (void)data;
    (void)len;
    return ACME_ERR_STORE_IO;
}

/* Write: the programming of len bytes at offset, and return when the chip is done.
 * - Refuse with ACME_ERR_STORE_IO, and do nothing, if offset or len is not a multiple of the
 * program unit, or if it would leave the area.
 * - data may lie at any address: copy it to an aligned buffer if the controller wants words.
 * - Compare afterwards, or look at the controller's flags: what the chip did not take is an error.
 * - Code that runs from the same bank stalls, or must run from RAM. */
static int32_t program(void *ctx, uint32_t offset, const void *data, size_t len)
{
    (void)ctx;
    (void)offset;
    (void)data;
    (void)len;
    return ACME_ERR_STORE_IO;
}

/* Write: the erasure of the sector that starts at offset, so that it reads 0xFF; return when the
 * chip is done. Refuse an offset that is no sector's start, or is outside the area. */
static int32_t erase(void *ctx, uint32_t offset)
{
    (void)ctx;
    (void)offset;
    return ACME_ERR_STORE_IO;
}

/* Write: nothing but "return ACME_OK" where program and erase return when the chip is done. Where
 * there is a cache or a file below, write it out. */
static int32_t sync(void *ctx)
{
    (void)ctx;
    return ACME_ERR_STORE_IO;
}

const struct acme_flash_ops acme_template_flash_ops = {geometry, read, program, erase, sync};
