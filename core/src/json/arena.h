/* The allocator that the private copy of cJSON is bound to; json.c owns it. */
#pragma once

#include <stddef.h>

void *acme_json_arena_malloc(size_t size);
void *acme_json_arena_realloc(void *old, size_t size);
void acme_json_arena_free(void *old);
/** Reads a number (RFC 8259 section 6). Its value is an integer, for ACME has no others: INT32_MAX
 * where an int32_t does not hold it, and -1 where it is spelled with a fraction or an exponent. */
double acme_json_strtod(const char *text, char **end);
