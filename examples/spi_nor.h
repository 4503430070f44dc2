/*
 * See spi_nor.c. port.flash is spi_nor_ops, port.flash_ctx a struct spi_nor.
 */
#ifndef SPI_NOR_H
#define SPI_NOR_H

#include <stdbool.h>

#include "acme/port.h"

struct spi_nor {
    /** Yours: selects the chip, sends head, then sends out or receives into in (one of them may be
     * NULL) len bytes, deselects. False: the bus failed. */
    bool (*transfer)(void *bus, const uint8_t *head, size_t head_len, const uint8_t *out,
                     uint8_t *in, size_t len);
    /** Yours: waits a little (10 us or so), feeds the watchdog. */
    void (*pause)(void *bus);
    void *bus;
    uint32_t base;    /**< where the area starts in the chip: a multiple of 4096 */
    uint32_t sectors; /**< of 4096 bytes: 2 at least */
};

extern const struct acme_flash_ops spi_nor_ops;

#endif
