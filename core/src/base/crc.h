/* CRC-32 (IEEE 802.3, reflected) for the flash log. Small and shared; knows nothing else. */
#ifndef ACME_CRC_H
#define ACME_CRC_H

#include <stddef.h>
#include <stdint.h>

/** Continues a CRC over len bytes; start with 0. */
uint32_t acme_crc32(uint32_t crc, const void *data, size_t len);

#endif
