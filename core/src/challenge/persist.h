/*
 * The record of dns-persist-01 (draft-ietf-acme-dns-persist), which a person sets once: what the
 * CA's challenge says of it, how it is written, and how it is read back. It knows text, not the
 * DNS.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "acme/config.h"
#include "base/buf.h"
#include "json/json.h"

#define ACME_PERSIST_LABEL "_validation-persist."

struct acme_persist {
    const char *issuers;     /* the CA's names with spaces between; the first is written */
    const char *account_url; /* the client's */
    bool wildcard;           /* policy=wildcard is to be written, or is wanted */
    int64_t until_s;         /* persistUntil to be written (0: none), or the time now */
};

/** The CA's names for itself in a challenge object: by the newest draft's name of the member, else
 * by the one of older drafts, which CAs in use have. NULL: there is no such array. */
acme_json_value acme_persist_issuers(acme_json_value challenge);
/** Adds the value: issue-value syntax of RFC 8659 4.2. */
void acme_persist_add(struct acme_buf *b, const struct acme_persist *p);
/** Whether a record's text gives this account leave, as a CA reads it: one of the issuers, exactly
 * this account, the policy where it is wanted, not past its persistUntil; anything malformed or
 * given twice is no leave. Where the account is a hash (newest draft), the CA decides. */
bool acme_persist_allows(const char *text, size_t len, const struct acme_persist *p);
