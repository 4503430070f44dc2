/*
 * bytes.h and crc: what stands under the flash log and the records.
 */
#include "proof.h"

#include "base/bytes.h"
#include "base/crc.c"

/* proof: numbers; unwind 2; any numbers, any bytes */
void numbers(void)
{
    uint8_t raw[8];
    uint64_t v = nondet_u64();

    acme_put64(raw, v);
    PROVE(acme_get64(raw) == v);
    acme_put32(raw + 4, nondet_u32());
    acme_put16(raw + 6, (uint32_t)v);
    PROVE(acme_get16(raw + 6) == (uint16_t)v);
    SHOW(acme_get32(raw + 4) == 0x01020304);
}

/* proof: crc; unwind 18; any 0 to 16 bytes, any sum of what came before */
/* wraps: acme_crc32; "len - 1"; the count goes on once after the last byte, and is not read again
 */
/* of: base/crc.c acme_crc32; len bytes; "table[crc & 15];\n        crc" -> "table[crc & 31];\n        crc" */
void crc(void)
{
    size_t len = any_size(16);

    SHOW(acme_crc32(nondet_u32(), any_bytes(len, 16), len) == 0);
}
