/*
 * Compiles the private copy of cJSON over the arena of arena.c. It must not reach the process's
 * allocator or its locale: malloc, realloc, free and strtod are the arena's. The core only parses,
 * so cJSON's printing gets a printf that fails: a C library's own may bring its heap into the
 * image.
 */
#include <ctype.h>
#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json/cjson.h"
#include "json/arena.h"

#define malloc  acme_json_arena_malloc
#define realloc acme_json_arena_realloc
#define free    acme_json_arena_free
#define strtod  acme_json_strtod

static int no_text(const char *text, ...)
{
    (void)text;
    return -1;
}
#undef sprintf
#undef sscanf
#define sprintf no_text
#define sscanf  no_text

/* Its numbers are acme_json_number: an integer is always one, and finite. */
#undef isnan
#undef isinf
#undef NAN
#define isnan(number) 0
#define isinf(number) 0
#define NAN           0
#define double acme_json_number

/* cJSON's code is not ours to mend: its warnings are its own. */
#if defined(__GNUC__)
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wundef"
#pragma GCC diagnostic ignored "-Wfloat-equal"
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wstack-usage="
#endif

#include "cJSON.c"
