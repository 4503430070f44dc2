/*
 * Gives names, sentences and severities to error values, from the one list in acme/error.h. It
 * must not know who returns them or why.
 */
#include "acme/error.h"

#include <stddef.h>

struct entry {
    const char *name;
    const char *text;
    int16_t value;
    uint8_t severity;
};

#define ENTRY(name, value, severity, sentence)                                                     \
    {#name, sentence, value, (uint8_t)ACME_SEVERITY_##severity},
static const struct entry entries[] = {ACME_ERROR_LIST(ENTRY)};
#undef ENTRY

/* Ports may return values that are in no list: those are faults of the port. */
static const struct entry unknown = {"ACME_ERR_UNKNOWN", "an unknown error; check the port's code",
                                     0, (uint8_t)ACME_SEVERITY_FATAL};

static const struct entry *find(int32_t error)
{
    for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
        if (entries[i].value == error) {
            return &entries[i];
        }
    }
    return &unknown;
}

const char *acme_error_name(int32_t error)
{
    return find(error)->name;
}

const char *acme_error_text(int32_t error)
{
    return find(error)->text;
}

enum acme_severity acme_error_severity(int32_t error)
{
    return (enum acme_severity)find(error)->severity;
}
