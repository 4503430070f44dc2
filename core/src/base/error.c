/*
 * Gives names, sentences and severities to error values, from the one list in acme/error.h. It
 * must not know who returns them or why.
 */
#include "acme/error.h"
#include "acme/config.h"

#include <stddef.h>

#if defined(CONFIG_ACME_DNS_CLIENT)
#define LIST(X) ACME_ERROR_LIST(X) ACME_ERROR_LIST_DNS(X)
#else
#define LIST(X) ACME_ERROR_LIST(X)
#endif

#if defined(CONFIG_ACME_ERROR_TEXTS)
struct entry {
    const char *name;
    const char *text;
    int16_t value;
};

#define ENTRY(name, value, severity, sentence) {#name, sentence, value},
static const struct entry entries[] = {LIST(ENTRY)};
#undef ENTRY

/* Ports may return values that are in no list: those are faults of the port. */
static const struct entry unknown = {"ACME_ERR_UNKNOWN", "an unknown error; check the port's code",
                                     0};

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
#else
const char *acme_error_name(int32_t error)
{
    (void)error;
    return "ACME_ERR";
}

const char *acme_error_text(int32_t error)
{
    (void)error;
    return "look its number up in acme/error.h";
}
#endif

enum acme_severity acme_error_severity(int32_t error)
{
    switch (error) {
#define CASE(name, value, severity, sentence)                                                      \
    case name:                                                                                     \
        return ACME_SEVERITY_##severity;
        LIST(CASE)
#undef CASE
    default:
        return ACME_SEVERITY_FATAL;
    }
}
