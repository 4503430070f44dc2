/*
 * The arena under the private cJSON, and typed access to parsed values. It must not know what a
 * document means, and never keeps more than one.
 */
#include "json/json.h"

#include <string.h>

#include "base/assert.h"
#include "base/buf.h"
#include "json/arena.h"
#include "json/cjson.h"

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

double acme_json_strtod(const char *text, char **end)
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

/* A value of a type, or NULL. */
static const cJSON *typed(acme_json_value value, int type)
{
    return value != NULL && (value->type & 0xff) == type ? value : NULL;
}

int32_t acme_json_parse(struct acme_json_arena *arena, const char *text, size_t len,
                        acme_json_value *root)
{
    const char *end = NULL;
    const cJSON *parsed;

    acme_json_reset(arena);
    *root = NULL;
    current = arena;
    parsed = cJSON_ParseWithLengthOpts(text, len, &end, 0);
    current = NULL;
    if (parsed == NULL) {
        return arena->exhausted ? ACME_ERR_ARENA : ACME_ERR_JSON;
    }
    while (end < text + len && (*end == ' ' || *end == '\n' || *end == '\r' || *end == '\t')) {
        end++;
    }
    if (end != text + len || typed(parsed, cJSON_Object) == NULL) {
        return ACME_ERR_JSON;
    }
    *root = parsed;
    return ACME_OK;
}

static const cJSON *member(acme_json_value object, const char *name, int type)
{
    const cJSON *child = acme_json_first(object), *found = NULL;

    for (; child != NULL; child = child->next) {
        if (child->string != NULL && strcmp(child->string, name) == 0) {
            found = child;
        }
    }
    return typed(found, type);
}

const char *acme_json_string(acme_json_value object, const char *name)
{
    return acme_json_text(member(object, name, cJSON_String));
}

acme_json_value acme_json_object(acme_json_value object, const char *name)
{
    return member(object, name, cJSON_Object);
}

acme_json_value acme_json_array(acme_json_value object, const char *name)
{
    return member(object, name, cJSON_Array);
}

bool acme_json_true(acme_json_value object, const char *name)
{
    return member(object, name, cJSON_True) != NULL;
}

int32_t acme_json_int(acme_json_value object, const char *name, int32_t fallback)
{
    const cJSON *value = member(object, name, cJSON_Number);

    return value != NULL && value->valueint >= 0 ? (int32_t)value->valueint : fallback;
}

acme_json_value acme_json_first(acme_json_value array)
{
    return array == NULL ? NULL : array->child;
}

acme_json_value acme_json_next(acme_json_value element)
{
    return element == NULL ? NULL : element->next;
}

const char *acme_json_text(acme_json_value value)
{
    value = typed(value, cJSON_String);
    return value != NULL ? value->valuestring : NULL;
}
