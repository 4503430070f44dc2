/*
 * crc.c's CRC-32 eight bytes at a time, in its place in the simulated world: years of virtual time
 * read the flash log more than they do anything else. It must not know what it protects.
 */
#include "base/crc.h"

#include <stdbool.h>
#include <stdlib.h>

static uint32_t tables[8][256];

static uint32_t one_by_one(uint32_t crc, const uint8_t *p, size_t len)
{
    while (len-- > 0) {
        crc = (crc >> 8) ^ tables[0][(crc ^ *p++) & 255];
    }
    return crc;
}

/* tables[n][b] is what a byte b does to the CRC when n more follow it. */
static void fill_tables(void)
{
    uint32_t i, j;

    for (i = 0; i < 256; i++) {
        uint32_t crc = i;

        for (j = 0; j < 8; j++) {
            crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xedb88320u : 0);
        }
        tables[0][i] = crc;
    }
    for (i = 0; i < 256; i++) {
        for (j = 1; j < 8; j++) {
            tables[j][i] = (tables[j - 1][i] >> 8) ^ tables[0][tables[j - 1][i] & 255];
        }
    }
}

static uint32_t by_eight(uint32_t crc, const uint8_t *p)
{
    crc ^= (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
    return tables[7][crc & 255] ^ tables[6][(crc >> 8) & 255] ^ tables[5][(crc >> 16) & 255] ^
           tables[4][crc >> 24] ^ tables[3][p[4]] ^ tables[2][p[5]] ^ tables[1][p[6]] ^
           tables[0][p[7]];
}

uint32_t acme_crc32(uint32_t crc, const void *data, size_t len)
{
    static bool ready;
    const uint8_t *p = data;

    if (!ready) {
        ready = true;
        fill_tables();
        if (acme_crc32(0, "12345678123456789", 17) != acme_crc32(0x9ae0daaf, "123456789", 9) ||
            acme_crc32(0, "123456789", 9) != 0xcbf43926) {
            abort(); /* not the CRC of crc.c */
        }
    }
    crc = ~crc;
    for (; len >= 8; len -= 8, p += 8) {
        crc = by_eight(crc, p);
    }
    return ~one_by_one(crc, p, len);
}
