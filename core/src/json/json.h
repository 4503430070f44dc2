/*
 * JSON (RFC 8259) of the CA's replies: cJSON, as a private copy with its own symbol names, inside
 * one bounded arena. It knows no ACME resource. One document lives at a time; parsing the next one,
 * or acme_json_reset (json/arena.h), ends the last. Nesting deeper than 8 is refused. Of a member
 * given twice the last is read.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "acme/error.h"
#include "json/arena.h"

/** A value inside the parsed document. */
struct cJSON;
typedef const struct cJSON *acme_json_value;

/** Parses len bytes; the root must be an object and nothing but white space may follow. ACME_OK,
 * ACME_ERR_JSON, ACME_ERR_ARENA. */
int32_t acme_json_parse(struct acme_json_arena *arena, const char *text, size_t len,
                        acme_json_value *root);

/** A member that is a string, or NULL when it is missing or of another type. */
const char *acme_json_string(acme_json_value object, const char *name);
/** A member that is an object (array), or NULL. */
acme_json_value acme_json_object(acme_json_value object, const char *name);
acme_json_value acme_json_array(acme_json_value object, const char *name);
/** True if the member is there and is the literal true. */
bool acme_json_true(acme_json_value object, const char *name);
/** A member that is an integer within 0 to INT32_MAX, or fallback. */
int32_t acme_json_int(acme_json_value object, const char *name, int32_t fallback);
/** Walks an array: first, then next; NULL at the end (and for a NULL array). */
acme_json_value acme_json_first(acme_json_value array);
acme_json_value acme_json_next(acme_json_value element);
/** The text of a value that is a string, or NULL. */
const char *acme_json_text(acme_json_value value);
