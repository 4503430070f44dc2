/*
 * The CA's directory (RFC 8555 7.1.1) and its nonces (7.2). It must not know accounts or orders.
 */
#pragma once

#include "acme/client.h"
#include "base/buf.h"
#include "json/json.h"

struct acme_client;

/** What a directory names with a URL. The first ones are needed by every job. */
enum acme_directory_url {
    ACME_URL_NEW_NONCE,
    ACME_URL_NEW_ACCOUNT,
    ACME_URL_NEW_ORDER,
    ACME_URL_NEEDED, /* what follows is missed only by who wants it */
    ACME_URL_REVOKE_CERT = ACME_URL_NEEDED,
    ACME_URL_KEY_CHANGE,
    ACME_URL_RENEWAL_INFO,
    ACME_URL_NEW_AUTHZ,
    ACME_URL_COUNT
};

/** Texts are in the pool; 0: none. */
struct acme_directory {
    uint16_t urls[ACME_URL_COUNT];
    uint16_t tos;
    uint16_t issuers; /* for dns-persist-01: the CA's names for itself, with spaces between */
    bool subdomains;  /* the CA takes proofs of a domain above (RFC 9444) */
    bool terms;       /* there are terms of service, be they fit to be shown (tos) or not */
    bool binding;     /* a new account needs an external binding */
};

int32_t acme_enter_directory(struct acme_client *c);
int32_t acme_reply_directory(struct acme_client *c);
int32_t acme_enter_new_nonce(struct acme_client *c);
int32_t acme_reply_new_nonce(struct acme_client *c);
int32_t acme_problem_new_nonce(struct acme_client *c, int32_t error);

/** Writes the names of an array that a CA has for itself: ten at most, in normal form, with spaces
 * between. ACME_ERR_FIELD. */
int32_t acme_directory_write_issuers(acme_json_value array, struct acme_buf *out);
