/*
 * Fuzzes the records of dns-persist-01: what gives leave names the account and an issuer, and gives
 * it still when nothing more is wanted of it; a record of ours always does.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "challenge/persist.h"
#include "check.h"

#define ACCOUNT "https://ca.example/acct/1"

static bool contains(const char *text, size_t len, const char *what)
{
    size_t i, n = strlen(what);

    for (i = 0; i + n <= len; i++) {
        if (memcmp(text + i, what, n) == 0) {
            return true;
        }
    }
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct acme_persist strict = {"ca.example b.example", ACCOUNT, true, 1800000000};
    struct acme_persist lax = {"ca.example b.example", ACCOUNT, false, INT64_MIN};
    char *text = malloc(size > 0 ? size : 1); /* not terminated, as it comes */

    if (text == NULL) {
        return 0;
    }
    if (size > 0) {
        memcpy(text, data, size);
    }
    if (acme_persist_allows(text, size, &strict)) {
        CHECK(acme_persist_allows(text, size, &lax));
    }
    if (acme_persist_allows(text, size, &lax)) {
        CHECK(contains(text, size, ACCOUNT));
        CHECK(contains(text, size, "ca.example") || contains(text, size, "b.example"));
    }
    free(text);
    return 0;
}
