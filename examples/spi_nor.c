/*
 * A flash driver (acme/port.h): an area of a serial NOR chip as nearly all makers have it, with
 * sectors of 4 KB, pages of 256 bytes, and the commands of JEDEC. It knows SPI only as the board's
 * transfer.
 *
 * What a driver owes the store: each program unit is programmed once between erases; a call returns
 * when the chip is done, or the wait was too long; after sync nothing is on its way any more. The
 * chip programs single bytes, so the unit is 1. After a power cut it reads what it reads: the
 * store's checksums find that.
 */
#include "spi_nor.h"

#define SECTOR      4096u
#define PAGE        256u
#define READ        0x03
#define PROGRAM     0x02
#define ERASE       0x20
#define WRITE_ON    0x06
#define READ_STATUS 0x05
#define BUSY        0x01
#define WAITS_MAX   100000u /* of 10 us: a second, twice what the slowest erase takes */

static bool command(const struct spi_nor *f, uint8_t code, uint32_t offset, const uint8_t *out,
                    uint8_t *in, size_t len)
{
    uint32_t at = f->base + offset;
    const uint8_t head[4] = {code, (uint8_t)(at >> 16), (uint8_t)(at >> 8), (uint8_t)at};

    return f->transfer(f->bus, head, sizeof(head), out, in, len);
}

static int32_t wait_ready(const struct spi_nor *f)
{
    const uint8_t head = READ_STATUS;
    uint8_t status = BUSY;
    uint32_t i;

    for (i = 0; i < WAITS_MAX; i++) {
        if (!f->transfer(f->bus, &head, 1, NULL, &status, 1)) {
            return ACME_ERR_STORE_IO;
        }
        if ((status & BUSY) == 0) {
            return ACME_OK;
        }
        f->pause(f->bus);
    }
    return ACME_ERR_STORE_IO;
}

static bool is_inside(const struct spi_nor *f, uint32_t offset, size_t len)
{
    uint32_t size = f->sectors * SECTOR;

    return offset <= size && len <= size - offset;
}

static int32_t geometry(void *ctx, struct acme_flash_geometry *out)
{
    const struct spi_nor *f = ctx;

    out->sector_size = SECTOR;
    out->sector_count = f->sectors;
    out->program_size = 1;
    return ACME_OK;
}

static int32_t read_bytes(void *ctx, uint32_t offset, void *data, size_t len)
{
    const struct spi_nor *f = ctx;

    return is_inside(f, offset, len) && command(f, READ, offset, NULL, data, len)
               ? ACME_OK
               : ACME_ERR_STORE_IO;
}

/* One command must not cross a page: the chip would go on at the page's start. */
static int32_t program(void *ctx, uint32_t offset, const void *data, size_t len)
{
    const struct spi_nor *f = ctx;
    const uint8_t write_on = WRITE_ON;
    const uint8_t *from = data;
    int32_t rc = is_inside(f, offset, len) ? ACME_OK : ACME_ERR_STORE_IO;

    while (rc == ACME_OK && len > 0) {
        size_t part = PAGE - offset % PAGE;

        part = part < len ? part : len;
        if (!f->transfer(f->bus, &write_on, 1, NULL, NULL, 0) ||
            !command(f, PROGRAM, offset, from, NULL, part)) {
            return ACME_ERR_STORE_IO;
        }
        rc = wait_ready(f);
        offset += (uint32_t)part;
        from += part;
        len -= part;
    }
    return rc;
}

static int32_t erase(void *ctx, uint32_t offset)
{
    const struct spi_nor *f = ctx;
    const uint8_t write_on = WRITE_ON;

    if (offset % SECTOR != 0 || !is_inside(f, offset, SECTOR) ||
        !f->transfer(f->bus, &write_on, 1, NULL, NULL, 0) ||
        !command(f, ERASE, offset, NULL, NULL, 0)) {
        return ACME_ERR_STORE_IO;
    }
    return wait_ready(f);
}

static int32_t sync(void *ctx)
{
    return wait_ready(ctx);
}

const struct acme_flash_ops spi_nor_ops = {geometry, read_bytes, program, erase, sync};
