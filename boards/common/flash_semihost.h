/*
 * The flash of an emulated board: NOR semantics over a file of the machine that runs the emulator,
 * which outlives resets and a killed emulator.
 */
#ifndef FLASH_SEMIHOST_H
#define FLASH_SEMIHOST_H

#include "acme/port.h"

/** An area of the chip. */
struct flash_semihost {
    uint32_t base; /**< offset of the area within the chip; a multiple of the sector size */
    struct acme_flash_geometry geometry;
};

/** Its context is a struct flash_semihost. */
extern const struct acme_flash_ops flash_semihost_ops;

/** Opens the chip's image; a new one is erased. ACME_ERR_STORE_IO. */
int32_t flash_semihost_open(const char *path, uint32_t size);

#endif
