/*
 * Names, severities and sentences of the errors, from the one list in acme/error.h.
 */
#include "acme/error.h"

#include <stddef.h>

struct error_row {
    int16_t value;
    uint8_t severity;
    const char *name;
    const char *text;
};

static const struct error_row rows[] = {
#define ROW(name, value, severity, sentence) {value, ACME_SEVERITY_##severity, #name, sentence},
    ACME_ERROR_LIST(ROW)
#undef ROW
};

static const struct error_row *find(int32_t error)
{
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].value == error) {
            return &rows[i];
        }
    }
    return NULL;
}

const char *acme_error_name(int32_t error)
{
    const struct error_row *row = find(error);

    return row != NULL ? row->name : "ACME_ERR_UNKNOWN";
}

const char *acme_error_text(int32_t error)
{
    const struct error_row *row = find(error);

    return row != NULL ? row->text : "an unknown error";
}

enum acme_severity acme_error_severity(int32_t error)
{
    const struct error_row *row = find(error);

    return row != NULL ? (enum acme_severity)row->severity : ACME_SEVERITY_FATAL;
}
