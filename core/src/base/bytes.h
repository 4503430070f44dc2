/*
 * Little-endian numbers in bytes, for all wings. It knows nothing else. The functions are always
 * inlined: one load or store each where the processor has it. Left to itself, GCC at -Os counts the
 * shifts, finds them too long to inline, and makes calls that are longer than the loads.
 */
#pragma once

#include <stdint.h>
#include <string.h>

#if defined(__BYTE_ORDER__) && (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
#define ACME_BYTES_LITTLE 1
#else
#define ACME_BYTES_LITTLE 0
#endif
#if defined(__GNUC__)
#define ACME_BYTES_INLINE static inline __attribute__((always_inline))
#else
#define ACME_BYTES_INLINE static inline
#endif

ACME_BYTES_INLINE void acme_put16(uint8_t *p, uint32_t v)
{
    uint16_t v16 = (uint16_t)v;

    if (ACME_BYTES_LITTLE) {
        memcpy(p, &v16, sizeof(v16));
    } else {
        p[0] = (uint8_t)v;
        p[1] = (uint8_t)(v >> 8);
    }
}

ACME_BYTES_INLINE void acme_put32(uint8_t *p, uint32_t v)
{
    if (ACME_BYTES_LITTLE) {
        memcpy(p, &v, sizeof(v));
    } else {
        acme_put16(p, v);
        acme_put16(p + 2, v >> 16);
    }
}

ACME_BYTES_INLINE void acme_put64(uint8_t *p, uint64_t v)
{
    acme_put32(p, (uint32_t)v);
    acme_put32(p + 4, (uint32_t)(v >> 32));
}

ACME_BYTES_INLINE uint16_t acme_get16(const uint8_t *p)
{
    return (uint16_t)(p[0] | (uint16_t)(p[1] << 8));
}

ACME_BYTES_INLINE uint32_t acme_get32(const uint8_t *p)
{
    return acme_get16(p) | ((uint32_t)acme_get16(p + 2) << 16);
}

ACME_BYTES_INLINE uint64_t acme_get64(const uint8_t *p)
{
    return acme_get32(p) | (uint64_t)acme_get32(p + 4) << 32;
}
