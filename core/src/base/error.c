/*
 * Gives names, sentences and classes to error values, from the one list in acme/error.h. It must
 * not know who returns them or why.
 */
#include "base/error.h"

#include <stddef.h>

#include "acme/config.h"

#if defined(CONFIG_ACME_ERROR_TEXTS)

/* Sentences are long: those of a part that is not built are left out. */
#if defined(CONFIG_ACME_DNS_CLIENT)
#define LIST(X) ACME_ERROR_LIST(X) ACME_ERROR_LIST_DNS(X)
#else
#define LIST(X) ACME_ERROR_LIST(X)
#endif

struct entry {
    const char *name;
    const char *text;
    int16_t value;
};

#define ENTRY(name, value, severity, scope, stay, whose, sentence) {#name, sentence, value},
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

/* A byte for each error, at the number of the error. Zero is what a gap in the numbers and an error
 * that is in no list have: fatal, and so global, lasting, and not of the CA. */
#define SEVERITY      3 /* mask: ACME_SEVERITY_FATAL less the severity */
#define SCOPE_CERT    4
#define STAY_PASSING  8
#define WHOSE_THIS_CA 16
#define SCOPE_GLOBAL  0
#define STAY_LASTING  0
#define WHOSE_ALL_CAS 0

#define CLASS(name, value, severity, scope, stay, whose, sentence)                                 \
    [-(value)] = (ACME_SEVERITY_FATAL - ACME_SEVERITY_##severity) | SCOPE_##scope | STAY_##stay |  \
                 WHOSE_##whose,
static const uint8_t classes[] = {ACME_ERROR_LIST(CLASS) ACME_ERROR_LIST_DNS(CLASS)};
#undef CLASS

static uint8_t class_of(int32_t error)
{
    return error <= 0 && error > -(int32_t)sizeof(classes) ? classes[-error] : 0;
}

enum acme_severity acme_error_severity(int32_t error)
{
    return (enum acme_severity)(ACME_SEVERITY_FATAL - (class_of(error) & SEVERITY));
}

bool acme_error_is_global(int32_t error)
{
    return (class_of(error) & SCOPE_CERT) == 0;
}

bool acme_error_is_passing(int32_t error)
{
    return (class_of(error) & STAY_PASSING) != 0;
}

bool acme_error_is_of_ca(int32_t error)
{
    return (class_of(error) & WHOSE_THIS_CA) != 0;
}

bool acme_error_is_busy(int32_t error)
{
    return error == ACME_ERR_SERVER || error == ACME_ERR_RATE_LIMITED;
}
