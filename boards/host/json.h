/*
 * Results as JSON on standard output.
 */
#ifndef NANOACME_JSON_H
#define NANOACME_JSON_H

#include <stdbool.h>

#include <cJSON.h>

#include "acme/client.h"

/** Prints an object, on one line or on many, and deletes it. */
void cli_json_print(cJSON *o, bool one_line);
/** Adds what the CA said of a failure, as the member "problem". */
void cli_json_problem(cJSON *o, const struct acme_problem *problem);
/** Adds an error of the core by name and sentence. */
void cli_json_error(cJSON *o, int32_t error);

#endif
