/*
 * The name of dns-account-01's record (draft-ietf-acme-dns-account-label), which is the same as
 * long as the account is. It knows text, not the DNS.
 */
#pragma once

#include "base/buf.h"

/** Adds "_LABEL._acme-challenge." for an account's URL: base32 of the first ten bytes of its
 * SHA-256. Needs PSA Crypto. */
void acme_challenge_add_account_label(struct acme_buf *out, const char *account_url);
