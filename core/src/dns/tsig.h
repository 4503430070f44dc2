/*
 * TSIG (RFC 8945): signs a DNS request with a shared secret and verifies its reply, with PSA's
 * HMAC. It knows no server and no socket. One message a reply: no zone transfers.
 */
#pragma once

#include <psa/crypto.h>

#include "acme/dns_types.h"
#include "dns/message.h"

#define ACME_TSIG_MAC_MAX 64
#define ACME_TSIG_FUDGE_S 300u

/* Errors of TSIG records. */
enum acme_tsig_code {
    ACME_TSIG_BADSIG = 16,
    ACME_TSIG_BADKEY = 17,
    ACME_TSIG_BADTIME = 18,
    ACME_TSIG_BADTRUNC = 22
};

/** What a reply is held against. */
struct acme_tsig_request {
    uint8_t mac[ACME_TSIG_MAC_MAX];
    uint8_t mac_len;
    int64_t time_s;
};

/** ACME_OK, ACME_ERR_NAME (of the key), ACME_ERR_UNSUPPORTED (algorithm), ACME_ERR_ARGUMENT (no
 * secret). */
int32_t acme_tsig_check_key(const struct acme_tsig_key *key);
/** Signs the message of len bytes, whose buffer has size: appends the record and counts it, fills
 * *request for the reply. The new length, ACME_ERR_BUFFER, ACME_ERR_CRYPTO, as check_key. */
int32_t acme_tsig_sign(const struct acme_tsig_key *key, uint8_t *message, size_t len, size_t size,
                       int64_t now_s, struct acme_tsig_request *request);
/** Verifies a reply. ACME_OK: it is the server's. ACME_ERR_DNS_KEY, ACME_ERR_DNS_SIG,
 * ACME_ERR_DNS_TIME: the server says BADKEY, BADSIG (or BADTRUNC), BADTIME; the first two are never
 * signed (RFC 8945 5.3.2). *server_s (or NULL) is the server's time where it said BADTIME, else 0.
 * ACME_ERR_DNS_REPLY_SIG: not signed, another key, a MAC that is too short or wrong, or a time
 * outside the window. ACME_ERR_DNS_MESSAGE: malformed. ACME_ERR_CRYPTO. */
int32_t acme_tsig_verify(const struct acme_tsig_key *key, const uint8_t *message, size_t len,
                         const struct acme_tsig_request *request, int64_t now_s, int64_t *server_s);
