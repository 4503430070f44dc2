/*
 * What the client does about an error: its classes, which are columns of the one list in
 * acme/error.h. Severity is public (acme_error_severity), these are not. It must not know what is
 * done in each case. An error that is in no list is fatal: global, lasting, and not of the CA.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "acme/config.h"
#include "acme/error.h"

/** Whether the next certificate would meet the error just the same: then the job ends. */
bool acme_error_is_global(int32_t error);

/** Whether the error may be gone in a second: then the step is worth another try at once. */
bool acme_error_is_passing(int32_t error);

/** Whether another CA could do better: false where the fault is the device's or its owner's. */
bool acme_error_is_of_ca(int32_t error);

/** Whether the CA has no time for the request, which it may well take later: its answer says
 * nothing about what was asked. */
bool acme_error_is_busy(int32_t error);

/** Where an error was met. Both are static strings, or NULL: not known. */
struct acme_error_place {
    const char *route;  /* the request, by the name of its state */
    const char *member; /* of the reply: a member of its JSON ("finalize"), or a header */
};

/** Notes the member that an error is about, and hands the error back, so that a function can end
 * with it. Nothing is noted of a success. Names are for people: without texts they cost nothing. */
static inline int32_t acme_error_at(struct acme_error_place *place, const char *member,
                                    int32_t error)
{
#if defined(CONFIG_ACME_ERROR_TEXTS)
    if (error < 0) {
        place->member = member;
    }
#else
    (void)place;
    (void)member;
#endif
    return error;
}
