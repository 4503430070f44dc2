/*
 * arena: the arena under cJSON, and the number reader that cJSON calls. cJSON itself is not ours
 * and is not proved: the fuzz target json runs it, and the arena bounds it.
 */
#include "proof.h"

#include "json/arena.c"

/* proof: arena; unwind 2; any request in any state of an arena of up to 64 bytes */
/* wraps: acme_json_arena_malloc; "size + 7"; what is asked for is compared before it is used */
/* of: json/arena.c acme_json_arena_malloc; an arena that was set up, or none; "size > current->size - current->used" -> "size > current->size" */
void arena(void)
{
    struct acme_json_arena a;
    size_t size = nondet_size();
    uint8_t *at;

    FORGET(a);
    ASSUME(a.size <= 64 && a.used <= a.size && a.size % 8 == 0 && a.used % 8 == 0);
    a.data = malloc(64);
    current = nondet_bool() ? &a : NULL;
    at = acme_json_arena_malloc(size);
    PROVE(a.used <= a.size && a.used % 8 == 0);
    PROVE(at == NULL || (at >= a.data && size <= 64 && at + size <= a.data + a.size));
    SHOW(at != NULL && size == 64);
}

/* proof: number; unwind 16; any string of up to 12 characters whose first is a sign or a digit */
/* of: json/arena.c acme_json_strtod; a string that begins with a sign or a digit; "value >= INT32_MAX / 10" -> "value > INT32_MAX / 10" */
void number(void)
{
    char *text = malloc(14), *end;

    text[13] = '\0'; /* cJSON copies a number, so that a NUL ends it */
    ASSUME(text[0] == '-' || (text[0] >= '0' && text[0] <= '9'));
    (void)acme_json_strtod(text, &end);
    PROVE(end >= text && end <= text + 13);
    SHOW(end == text + 12);
}

/* not: json/arena.c acme_json_init acme_json_reset acme_json_arena_use acme_json_arena_realloc acme_json_arena_free;
 * they read no foreign byte */
