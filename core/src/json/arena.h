/* The allocator that the private copy of cJSON is bound to; json.c owns it. */
#pragma once

#include <stddef.h>

void *acme_json_arena_malloc(size_t size);
void *acme_json_arena_realloc(void *old, size_t size);
void acme_json_arena_free(void *old);
/** Integers only: ACME has no other numbers. Fractions and exponents end the number early, which
 * the parser then refuses. */
double acme_json_strtod(const char *text, char **end);
