/*
 * What the DNS parts of the core share with their users: TSIG keys.
 *
 * @code{.c}
 * #include "acme/dns_types.h"
 *
 * static const uint8_t secret[32] = {0x01}; // 32 random bytes, the same at the name server
 *
 * extern const struct acme_tsig_key update_key;
 * const struct acme_tsig_key update_key = {.name = "device-0001.example.org",
 *                                          .algorithm = ACME_TSIG_HMAC_SHA256,
 *                                          .secret = secret,
 *                                          .secret_len = sizeof(secret)};
 * @endcode
 */
#ifndef ACME_DNS_TYPES_H
#define ACME_DNS_TYPES_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Algorithms of TSIG keys (RFC 8945 section 6). */
enum acme_tsig_algorithm {
    ACME_TSIG_HMAC_SHA256 = 0, /**< hmac-sha256 */
    ACME_TSIG_HMAC_SHA384 = 1, /**< hmac-sha384 */
    ACME_TSIG_HMAC_SHA512 = 2  /**< hmac-sha512 */
};

/** A TSIG key. The secret is either lent bytes, or a PSA key that lives in the device's key store:
 * type PSA_KEY_TYPE_HMAC, usage PSA_KEY_USAGE_SIGN_MESSAGE, algorithm PSA_ALG_HMAC(hash). */
struct acme_tsig_key {
    const char *name;      /**< as the server has it, without a dot at the end */
    uint8_t algorithm;     /**< enum acme_tsig_algorithm */
    uint32_t psa_key;      /**< PSA key identifier, or 0: secret */
    const uint8_t *secret; /**< raw bytes, not base64 */
    size_t secret_len;     /**< bytes of it */
};

#ifdef __cplusplus
}
#endif
#endif
