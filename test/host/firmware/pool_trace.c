/*
 * Writes each allocation of mbedTLS's pool, and each release, to the file pool.trace of the machine
 * that runs the emulator, with what lies on the stack: pool_trace.py tells by it who holds what at
 * the peak. The linker takes these functions in place of mbedTLS's (ACME_POOL_TRACE of
 * firmware.cmake). It must not take memory that the image would miss.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/blocks.h"
#include "semihost.h"

#define WORDS 320u /* of the stack */

void *__real_mbedtls_calloc(size_t n, size_t size);
void __real_mbedtls_free(void *place);
void *__wrap_mbedtls_calloc(size_t n, size_t size);
void __wrap_mbedtls_free(void *place);

static int32_t file;

/* What the allocator has in front of a block, and the bytes that it gave. */
#if defined(ACME_BLOCKS)
#define HEAD 4u
static uint32_t given(const void *place, uint32_t size)
{
    return place == NULL ? size : ((const uint32_t *)place)[-1] - HEAD;
}
#else
#define HEAD 32u
static uint32_t given(const void *place, uint32_t size)
{
    (void)place;
    return (size + 3u) / 4u * 4u;
}
#endif

/* The record is the bottom of this function's frame and what lies above it. */
static void note(uint32_t size, const void *place, uint32_t from)
{
    volatile uint32_t record[4] = {size, (uint32_t)(uintptr_t)place, from, HEAD};

    if (file == 0) {
        file = semihost_open("pool.trace", SEMIHOST_CREATE);
    }
    (void)semihost_write(file, (const void *)record, sizeof(record) + WORDS * sizeof(uint32_t));
}

void *__wrap_mbedtls_calloc(size_t n, size_t size)
{
    void *place = __real_mbedtls_calloc(n, size);

    note(given(place, (uint32_t)(n * size)), place,
         (uint32_t)(uintptr_t)__builtin_return_address(0));
    return place;
}

void __wrap_mbedtls_free(void *place)
{
    if (place != NULL) {
        note(UINT32_MAX, place, 0);
    }
    __real_mbedtls_free(place);
}
