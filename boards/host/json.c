/*
 * Results as JSON on standard output. It must not know what they mean.
 */
#include "json.h"

#include <stdio.h>

void cli_json_print(cJSON *o, bool one_line)
{
    char *text = one_line ? cJSON_PrintUnformatted(o) : cJSON_Print(o);

    if (text != NULL) {
        (void)puts(text);
        (void)fflush(stdout);
    }
    cJSON_free(text);
    cJSON_Delete(o);
}

void cli_json_problem(cJSON *o, const struct acme_problem *problem)
{
    cJSON *p = cJSON_AddObjectToObject(o, "problem");

    cJSON_AddNumberToObject(p, "status", problem->status);
    cJSON_AddStringToObject(p, "type", problem->type);
    cJSON_AddStringToObject(p, "detail", problem->detail);
    cJSON_AddStringToObject(p, "identifier", problem->identifier);
    if (problem->instance[0] != '\0') {
        cJSON_AddStringToObject(p, "instance", problem->instance);
    }
    if (problem->terms[0] != '\0') {
        cJSON_AddStringToObject(p, "termsOfService", problem->terms);
    }
}

void cli_json_error(cJSON *o, int32_t error)
{
    cJSON_AddStringToObject(o, "error", acme_error_name(error));
    cJSON_AddStringToObject(o, "message", acme_error_text(error));
}
