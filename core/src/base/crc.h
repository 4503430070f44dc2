/*
 * CRC-32 (IEEE 802.3, reflected), which the flash log protects its records with. It knows nothing
 * of records.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/** Continues a CRC over len bytes; start with 0. */
uint32_t acme_crc32(uint32_t crc, const void *data, size_t len);
