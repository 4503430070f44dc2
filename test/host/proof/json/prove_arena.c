/*
 * arena: the arena under cJSON, and the number reader that cJSON calls. cJSON itself is not ours
 * and is not proved: the fuzz target json runs it, and the arena bounds it.
 */
#include "proof.h"

#include "json/arena.c"

/* proof: arena; unwind 2; any request in any state of an arena of up to 64 bytes */
/* wraps: acme_json_arena_malloc; "size + 7"; what is asked for is compared before it is used */
/* mutant: arena; json/arena.c; "size > current->size - current->used" -> "size > current->size" */
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
/* mutant: number; json/arena.c; "value >= INT32_MAX / 10" -> "value > INT32_MAX / 10" */
void number(void)
{
    char *text = malloc(14), *end;

    text[13] = '\0'; /* cJSON copies a number, so that a NUL ends it */
    ASSUME(text[0] == '-' || (text[0] >= '0' && text[0] <= '9'));
    (void)acme_json_strtod(text, &end);
    PROVE(end >= text && end <= text + 13);
    SHOW(end == text + 12);
}
