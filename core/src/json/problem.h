/*
 * RFC 7807 problem documents of the CA, turned into the core's errors (RFC 8555 6.7). It knows
 * JSON values, not requests.
 */
#pragma once

#include "acme/client.h"
#include "json/json.h"

/** Fills *problem from a problem object (NULL gives an empty one), with http_status as its status.
 * Its terms are the caller's, who has the reply's fields. Strings are cut to fit; control and
 * non-ASCII characters become '?', so that they can be printed. */
void acme_problem_read(struct acme_problem *problem, acme_json_value object, uint16_t http_status);
/** Reads the problem in an object's "error" (RFC 8555 7.1.3, 8), if it has one; a text in its place
 * is the detail. */
void acme_problem_read_error(struct acme_problem *problem, acme_json_value object);
/** The error for a problem's type and status; ACME_ERR_PROBLEM for types without a meaning here. */
int32_t acme_problem_error(const struct acme_problem *problem);
/** Whether it is of this type (without the urn prefix). */
bool acme_problem_is(const struct acme_problem *problem, const char *type);
