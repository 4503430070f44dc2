/*
 * The arena, to which the private copy of cJSON is bound. It must not know what is parsed.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A number of the private cJSON: where cJSON says double, it gets this. */
typedef int32_t acme_json_number;

struct acme_json_arena {
    uint8_t *data;
    size_t size;
    size_t used;
    size_t peak;
    bool exhausted;
};

/** Gives the arena its memory (8-byte aligned, lent for the arena's life). */
void acme_json_init(struct acme_json_arena *arena, uint8_t *data, size_t size);
/** Ends the document that lives in the arena. */
void acme_json_reset(struct acme_json_arena *arena);
/** Binds the copy of cJSON to an arena for a parse, or to none (NULL). */
void acme_json_arena_use(struct acme_json_arena *arena);

void *acme_json_arena_malloc(size_t size);
void *acme_json_arena_realloc(void *old, size_t size);
void acme_json_arena_free(void *old);
/** Reads a number (RFC 8259 section 6). Its value is an integer, for ACME has no others: INT32_MAX
 * where an int32_t does not hold it, and -1 where it is spelled with a fraction or an exponent. */
acme_json_number acme_json_strtod(const char *text, char **end);
