/*
 * What the harnesses share: unknown values, memory that ends where a parser was told that it does,
 * and the functions of libc that CBMC does not bring. A harness calls a room's functions with
 * inputs that are bounded in size and in nothing else; scripts/proof says how it is run and how the
 * comments that begin with a word and a colon are read.
 *
 * PROVE states what has to hold. A function that stands in for another (any_...) states with PROVE what
 * the callers of the other must keep, and may do with ASSUME what the other is proved to do. It is not
 * static: what nobody calls would be left out before the calls are turned to it. SHOW states what some input must be able to do: were it not so,
 * the assumptions would leave nothing to prove, and the proof would hold for that reason alone.
 */
#ifndef ACME_PROOF_H
#define ACME_PROOF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ASSUME(what)     __CPROVER_assume(what)
#define PROVE(what)      __CPROVER_assert(what, #what)
#if defined(PROOF_PLANTED) /* a run that looks for a bug has nothing to show */
#define SHOW(what) ((void)(what))
#else
#define SHOW(what) __CPROVER_assert(!(what), "shown: " #what)
#endif
#define FORGET(variable) __CPROVER_havoc_object(&(variable))

bool nondet_bool(void);
size_t nondet_size(void);
uint8_t nondet_u8(void);
uint16_t nondet_u16(void);
uint32_t nondet_u32(void);
uint64_t nondet_u64(void);
int32_t nondet_i32(void);
int64_t nondet_i64(void);

static inline size_t any_size(size_t most)
{
    size_t n = nondet_size();

    ASSUME(n <= most);
    return n;
}

/* Any bytes, len of them, most at most: at the end of memory whose size does not depend on len,
 * which is much easier to reason about. A step to behind the last byte always leaves the memory,
 * one to before the first where there are as many as may be. */
static inline void *any_bytes(size_t len, size_t most)
{
    uint8_t *box = malloc(most);

    ASSUME(len <= most);
    return box + (most - len);
}

/* Any string of at most so many characters. */
static inline char *any_text(size_t most)
{
    size_t len = any_size(most);
    char *text = any_bytes(len + 1, most + 1);

    text[len] = '\0';
    return text;
}

/* Any string of at most so many characters, at the beginning of memory for the longest: easier
 * still, for long ones. */
static inline char *any_long_text(size_t most)
{
    char *text = malloc(most + 1);

    text[most] = '\0';
    return text;
}

/* ---- libc ---- */

void *memchr(const void *data, int c, size_t len)
{
    const unsigned char *p = data;

    for (size_t i = 0; i < len; i++) {
        if (p[i] == (unsigned char)c) {
            return (void *)(uintptr_t)(p + i);
        }
    }
    return NULL;
}

size_t strspn(const char *text, const char *set)
{
    size_t n = 0;

    while (text[n] != '\0' && strchr(set, text[n]) != NULL) {
        n++;
    }
    return n;
}

size_t strcspn(const char *text, const char *set)
{
    size_t n = 0;

    while (text[n] != '\0' && strchr(set, text[n]) == NULL) {
        n++;
    }
    return n;
}

#endif
