/*
 * NOR flash over semihosting: programming takes erased units only, one by one, and erasing goes
 * page by page, so that a killed emulator leaves what a power cut leaves. It must not know what is
 * stored.
 */
#include "flash_semihost.h"

#include <string.h>

#include "semihost.h"

#define PAGE     256u
#define UNIT_MAX 32u

static int32_t chip = -1;

static int32_t write_at(uint32_t offset, const void *data, size_t len)
{
    return semihost_seek(chip, offset) && semihost_write(chip, data, len) ? ACME_OK
                                                                          : ACME_ERR_STORE_IO;
}

static int32_t fill(uint32_t offset, uint32_t len)
{
    static const uint8_t erased[PAGE] = {[0 ... PAGE - 1] = 0xff};
    int32_t rc = ACME_OK;

    for (uint32_t done = 0; done < len && rc == ACME_OK; done += PAGE) {
        rc = write_at(offset + done, erased, PAGE);
    }
    return rc;
}

int32_t flash_semihost_open(const char *path, uint32_t size)
{
    int32_t length;

    chip = semihost_open(path, SEMIHOST_UPDATE);
    if (chip < 0) {
        chip = semihost_open(path, SEMIHOST_CREATE);
    }
    length = chip < 0 ? -1 : semihost_length(chip);
    if (length < 0) {
        return ACME_ERR_STORE_IO;
    }
    /* A new file, one whose making was cut, or one of firmware that had less: what is there stays.
     */
    length -= length % (int32_t)PAGE;
    return (uint32_t)length < size ? fill((uint32_t)length, size - (uint32_t)length) : ACME_OK;
}

static int32_t flash_geometry(void *ctx, struct acme_flash_geometry *geometry)
{
    *geometry = ((const struct flash_semihost *)ctx)->geometry;
    return ACME_OK;
}

static bool is_inside(const struct flash_semihost *f, uint32_t offset, size_t len)
{
    uint32_t size = f->geometry.sector_size * f->geometry.sector_count;

    return offset <= size && len <= size - offset;
}

static int32_t flash_read(void *ctx, uint32_t offset, void *data, size_t len)
{
    const struct flash_semihost *f = ctx;

    if (!is_inside(f, offset, len) || !semihost_seek(chip, f->base + offset) ||
        !semihost_read(chip, data, len)) {
        return ACME_ERR_STORE_IO;
    }
    return ACME_OK;
}

static int32_t program_unit(const struct flash_semihost *f, uint32_t offset, const uint8_t *data)
{
    uint8_t now[UNIT_MAX];
    uint32_t unit = f->geometry.program_size;

    if (!semihost_seek(chip, f->base + offset) || !semihost_read(chip, now, unit)) {
        return ACME_ERR_STORE_IO;
    }
    for (uint32_t i = 0; i < unit; i++) {
        if (now[i] != 0xff) {
            return ACME_ERR_STORE_IO; /* chips with ECC refuse or spoil a unit programmed twice */
        }
    }
    return write_at(f->base + offset, data, unit);
}

static int32_t flash_program(void *ctx, uint32_t offset, const void *data, size_t len)
{
    const struct flash_semihost *f = ctx;
    uint32_t unit = f->geometry.program_size;
    const uint8_t *from = data;
    int32_t rc = ACME_OK;

    if (!is_inside(f, offset, len) || offset % unit != 0 || len % unit != 0) {
        return ACME_ERR_STORE_IO;
    }
    for (size_t done = 0; done < len && rc == ACME_OK; done += unit) {
        rc = program_unit(f, offset + (uint32_t)done, from + done);
    }
    return rc;
}

static int32_t flash_erase(void *ctx, uint32_t offset)
{
    const struct flash_semihost *f = ctx;

    if (!is_inside(f, offset, f->geometry.sector_size) || offset % f->geometry.sector_size != 0) {
        return ACME_ERR_STORE_IO;
    }
    return fill(f->base + offset, f->geometry.sector_size);
}

static int32_t flash_sync(void *ctx)
{
    (void)ctx;
    return ACME_OK; /* written to the file at once */
}

const struct acme_flash_ops flash_semihost_ops = {flash_geometry, flash_read, flash_program,
                                                  flash_erase, flash_sync};
