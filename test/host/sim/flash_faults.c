/*
 * The faulty chip over the simulated one. It must not know the log above it.
 */
#include "flash_faults.h"

#include <string.h>

void flash_faults_init(struct flash_faults *f, struct flash_sim *sim)
{
    memset(f, 0, sizeof(*f));
    f->sim = sim;
}

static int32_t get_geometry(void *ctx, struct acme_flash_geometry *geometry)
{
    struct flash_faults *f = ctx;

    return flash_sim_ops.geometry(f->sim, geometry);
}

static int32_t read_bytes(void *ctx, uint32_t offset, void *data, size_t len)
{
    struct flash_faults *f = ctx;
    uint32_t unit = f->sim->geometry.program_size, i;
    int32_t rc = flash_sim_ops.read(f->sim, offset, data, len);

    for (i = offset / unit; rc == ACME_OK && len > 0 && i <= (offset + len - 1) / unit; i++) {
        rc = f->ecc && (f->sim->programmed[i] & FLASH_UNIT_TORN) != 0 ? ACME_ERR_STORE_CORRUPT
                                                                      : ACME_OK;
    }
    if (rc == ACME_OK && ++f->reads == f->flip_read_at && len > 0) {
        ((uint8_t *)data)[flash_sim_random(f->sim) % len] ^= 0x40;
        f->happened = true;
    }
    return rc;
}

static int32_t program(void *ctx, uint32_t offset, const void *data, size_t len)
{
    struct flash_faults *f = ctx;
    struct flash_sim *sim = f->sim;
    int32_t rc = flash_sim_ops.program(sim, offset, data, len);

    if (rc == ACME_OK && ++f->programs == f->lie_program_at) {
        /* a worn cell does not take its charge */
        sim->data[offset + flash_sim_random(sim) % len] |= (uint8_t)flash_sim_random(sim);
        f->happened = true;
    }
    return rc;
}

static int32_t erase(void *ctx, uint32_t offset)
{
    struct flash_faults *f = ctx;
    struct flash_sim *sim = f->sim;
    uint32_t size = sim->geometry.sector_size;
    int32_t rc = flash_sim_ops.erase(sim, offset);

    if (rc == ACME_OK && ++f->erases == f->lie_erase_at) {
        sim->data[offset + flash_sim_random(sim) % size] &= (uint8_t)~0x11u;
        f->happened = true;
    }
    return rc;
}

static int32_t sync_all(void *ctx)
{
    struct flash_faults *f = ctx;

    return flash_sim_ops.sync(f->sim);
}

const struct acme_flash_ops flash_faults_ops = {get_geometry, read_bytes, program, erase, sync_all};
