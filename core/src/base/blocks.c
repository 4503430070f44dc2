/*
 * Blocks of memory out of one piece. What is free is a list in the order of addresses, so that
 * neighbours become one again. It must not know who asks.
 */
#include "base/blocks.h"

#if defined(ACME_BLOCKS)

#include <string.h>

#include "base/assert.h"

/* In front of each block's bytes is its size; next is there only while it is free. */
struct block {
    size_t size; /* of all of it */
    struct block *next;
};
#define HEAD offsetof(struct block, next)

/* From here on a block lies at the upper end: TLS's buffers come and go there, in one piece, while
 * small blocks that stay fill the lower end. */
#define LARGE 3072u

static struct {
    struct block *first; /* that is free */
    const uint8_t *begin, *end;
    size_t used, peak;
    size_t over, to; /* see acme_blocks_shorten */
    uint8_t count;
} blocks;

void acme_blocks_open(void *memory, size_t size)
{
    memset(&blocks, 0, sizeof(blocks));
    blocks.begin = memory;
    blocks.end = blocks.begin + size / HEAD * HEAD;
    blocks.first = memory;
    blocks.first->size = (size_t)(blocks.end - blocks.begin);
    blocks.first->next = NULL;
}

void acme_blocks_close(void)
{
    memset(&blocks, 0, sizeof(blocks));
}

static size_t shorten(size_t size)
{
    if (blocks.count == 0 || size <= blocks.over) {
        return size;
    }
    blocks.count--;
    return blocks.to;
}

/* The bytes of a block for so many; 0: there is no such block. */
static size_t block_size(size_t count, size_t size)
{
    if (size != 0 && count > SIZE_MAX / size) {
        return 0;
    }
    size = shorten(count * size);
    if (size > (size_t)(blocks.end - blocks.begin)) {
        return 0;
    }
    size = (HEAD + size + HEAD - 1) / HEAD * HEAD;
    return size < sizeof(struct block) ? sizeof(struct block) : size;
}

/* Takes a block out of a free one: its beginning, or its end. What is left of it stays in the list.
 */
static struct block *take(struct block **link, size_t size, bool end)
{
    struct block *b = *link, *rest;
    size_t left = b->size - size;

    if (left < sizeof(struct block)) {
        *link = b->next;
        return b;
    }
    if (end) {
        b->size = left;
        b = (struct block *)(void *)((uint8_t *)b + left);
    } else {
        rest = (struct block *)(void *)((uint8_t *)b + size);
        rest->size = left;
        rest->next = b->next;
        *link = rest;
    }
    b->size = size;
    return b;
}

/* The first that is large enough, or the last; NULL: there is none. */
static struct block **find(size_t size, bool last)
{
    struct block **link, **found = NULL;

    for (link = &blocks.first; *link != NULL && (last || found == NULL); link = &(*link)->next) {
        if ((*link)->size >= size) {
            found = link;
        }
    }
    return found;
}

void *acme_blocks_calloc(size_t count, size_t size)
{
    size_t wanted = block_size(count, size);
    bool large = wanted >= LARGE;
    struct block **link = wanted > 0 ? find(wanted, large) : NULL, *b;

    if (link == NULL) {
        return NULL;
    }
    b = take(link, wanted, large);
    blocks.used += b->size;
    blocks.peak = blocks.used > blocks.peak ? blocks.used : blocks.peak;
    return memset((uint8_t *)b + HEAD, 0, b->size - HEAD);
}

static bool are_neighbours(const struct block *lower, const struct block *upper)
{
    return (const uint8_t *)lower + lower->size == (const uint8_t *)upper;
}

/* Makes one of two, if nothing is between them. */
static void join(struct block *lower, struct block *upper)
{
    if (upper != NULL && are_neighbours(lower, upper)) {
        lower->size += upper->size;
        lower->next = upper->next;
    }
}

void acme_blocks_free(void *place)
{
    struct block *lower = NULL, *upper = blocks.first, *b;

    if (place == NULL) {
        return;
    }
    b = (struct block *)(void *)((uint8_t *)place - HEAD);
    ACME_ASSERT((const uint8_t *)b >= blocks.begin && (const uint8_t *)b < blocks.end);
    ACME_ASSERT(b->size >= sizeof(*b) && b->size <= (size_t)(blocks.end - (const uint8_t *)b));
    blocks.used -= b->size;
    while (upper != NULL && upper < b) {
        lower = upper;
        upper = upper->next;
    }
    ACME_ASSERT(upper != b);
    b->next = upper;
    join(b, upper);
    if (lower == NULL) {
        blocks.first = b;
        return;
    }
    lower->next = b;
    join(lower, b);
}

size_t acme_blocks_peak(void)
{
    return blocks.peak;
}

void acme_blocks_shorten(size_t over, size_t to, uint8_t count)
{
    blocks.over = over;
    blocks.to = to;
    blocks.count = count;
}

bool acme_blocks_shortened(void)
{
    bool all = blocks.count == 0;

    blocks.count = 0;
    return all;
}

#endif
