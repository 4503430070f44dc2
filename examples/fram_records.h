/*
 * See fram_records.c. config.records is fram_records_ops, config.records_ctx a struct fram_records.
 */
#ifndef FRAM_RECORDS_H
#define FRAM_RECORDS_H

#include <stdbool.h>

#include "acme/record.h"

/** Bytes of one image; the chip holds two. A certificate with its chain and keys takes 3 to 4 KB.
 */
#define FRAM_IMAGE 8192u

struct fram_records {
    /** Yours: read and write bytes of the chip, of 2 * FRAM_IMAGE bytes; false: the bus failed. */
    bool (*read)(void *bus, uint32_t at, void *data, size_t len);
    bool (*write)(void *bus, uint32_t at, const void *data, size_t len);
    void *bus;
    uint8_t image[FRAM_IMAGE]; /**< the records that count */
    uint8_t next[FRAM_IMAGE];  /**< the batch under way */
    uint8_t place;             /**< which of the two the chip has them in */
    bool in_batch;
};

extern const struct acme_record_ops fram_records_ops;

#endif
