/*
 * mbedTLS's memory, where its own buffer allocator is configured out: blocks out of one piece, in
 * the order of their addresses, small ones at the lower end and large ones at the upper. A block
 * costs a word, where mbedTLS's costs eight: 2 KB in a TLS handshake, which has seventy. It is not
 * for threads. It must not know who asks.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mbedtls/build_info.h>

#include "acme/config.h"

#if defined(CONFIG_ACME_MBEDTLS_POOL) && !defined(MBEDTLS_MEMORY_BUFFER_ALLOC_C)
#define ACME_BLOCKS       1
#define ACME_BLOCKS_APART true /* small ones are not where a large one would be */

/** Takes over the piece, which is aligned as its blocks shall be: to a size_t at least. */
void acme_blocks_open(void *memory, size_t size);
/** All blocks are gone, and there are none any more. */
void acme_blocks_close(void);
/** As calloc and free. */
void *acme_blocks_calloc(size_t count, size_t size);
void acme_blocks_free(void *place);
/** The most that was taken, with what the blocks cost. */
size_t acme_blocks_peak(void);
/** The next so many allocations of more than `over` bytes get `to` bytes, whatever they ask for:
 * for a caller that knows that nothing is written there until it has told its owner. */
void acme_blocks_shorten(size_t over, size_t to, uint8_t count);
/** Ends that. True: it was done so many times. */
bool acme_blocks_shortened(void);
#else
#define ACME_BLOCKS_APART false

static inline void acme_blocks_shorten(size_t over, size_t to, uint8_t count)
{
    (void)over;
    (void)to;
    (void)count;
}

static inline bool acme_blocks_shortened(void)
{
    return false;
}
#endif
