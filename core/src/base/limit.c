/*
 * The names of the limits. It must not know who has hit one.
 */
#include "base/limit.h"

#include "acme/config.h"
#include "base/option.h"

const char *acme_limit_name(uint8_t id)
{
#define NAME(name, option) option "\0"
    static const char names[] = ACME_WHERE(CONFIG_ACME_ERROR_TEXTS, ACME_LIMIT_LIST(NAME)) "";
    const char *name = names;

    if (!ACME_ENABLED(CONFIG_ACME_ERROR_TEXTS)) {
        return names;
    }
    for (; id > 0 && name < names + sizeof(names) - 1; id--) {
        while (*name++ != '\0') {
        }
    }
    return name;
}
