/*
 * The arena under the private cJSON: what it allocates, and how it reads a number. It must not know
 * what is parsed.
 */
#include "json/arena.h"

#include <string.h>

#include "base/assert.h"
#include "base/buf.h"

/* cJSON's allocator hooks have no context argument, so the arena in use is named here for the
 * duration of a parse. */
static struct acme_json_arena *current;

void acme_json_init(struct acme_json_arena *arena, uint8_t *data, size_t size)
{
    memset(arena, 0, sizeof(*arena));
    arena->data = data;
    arena->size = size & ~(size_t)7u;
}

void acme_json_reset(struct acme_json_arena *arena)
{
    arena->used = 0;
    arena->exhausted = false;
}

void acme_json_arena_use(struct acme_json_arena *arena)
{
    current = arena;
}

void *acme_json_arena_malloc(size_t size)
{
    size_t rounded = (size + 7u) & ~(size_t)7u;
    void *at;

    /* What is left is a multiple of eight, too: so rounding up neither overflows nor goes beyond.
     */
    if (current == NULL || size > current->size - current->used) {
        if (current != NULL) {
            current->exhausted = true;
        }
        return NULL;
    }
    at = current->data + current->used;
    current->used += rounded;
    ACME_ASSERT(current->used <= current->size);
    if (current->used > current->peak) {
        current->peak = current->used;
    }
    return at;
}

void *acme_json_arena_realloc(void *old, size_t size)
{
    /* Only cJSON's printer reallocates, and the core never prints with it. */
    (void)old;
    (void)size;
    return NULL;
}

void acme_json_arena_free(void *old)
{
    /* The whole arena ends at once. */
    (void)old;
}

acme_json_number acme_json_strtod(const char *text, char **end)
{
    const char *p = *text == '-' ? text + 1 : text;
    int32_t value = 0;

    if (!acme_is_digit(*p)) {
        *end = (char *)(uintptr_t)text;
        return 0;
    }
    /* Larger ones are all the same: what reads a number bounds it. */
    for (; acme_is_digit(*p); p++) {
        value = value >= INT32_MAX / 10 ? INT32_MAX : value * 10 + (*p - '0');
    }
    value = *text == '-' ? -value : value;
    if (*p != '\0') { /* it goes on, so it is not spelled as an integer */
        value = -1;
        p += strspn(p, "0123456789.eE+-");
    }
    *end = (char *)(uintptr_t)p;
    return value;
}
