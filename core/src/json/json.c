/*
 * Parsing by the private cJSON, and typed access to parsed values. It must not know what a document
 * means, and never keeps more than one.
 */
#include "json/json.h"

#include <string.h>

#include "json/cjson.h"

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
    acme_json_arena_use(arena);
    parsed = cJSON_ParseWithLengthOpts(text, len, &end, 0);
    acme_json_arena_use(NULL);
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
