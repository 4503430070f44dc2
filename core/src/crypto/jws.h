/*
 * Keys as JWK (RFC 7517), thumbprints (RFC 7638), and flattened JWS (RFC 7515) as ACME wants them
 * (RFC 8555 6.2), signed by PSA keys that nobody here can read. It knows no HTTP and no ACME
 * resource.
 */
#pragma once

#include <psa/crypto.h>

#include "acme/client.h"
#include "base/buf.h"

/** Whether a key type is built in: ACME_OK or ACME_ERR_KEY_TYPE. */
int32_t acme_jws_check_key_type(uint8_t key_type);
/** Makes sure that the persistent key `id` of this type exists: finds it or generates it. *made
 * says which. ACME_OK, ACME_ERR_KEY_TYPE, ACME_ERR_CRYPTO, ACME_ERR_STORE_*. */
int32_t acme_jws_ensure_key(psa_key_id_t id, uint8_t key_type, bool exportable, bool *made);
/** The same for a key that can be copied: one that is not there becomes a copy of `old` (or 0:
 * none), if that has this type, may be exported just so, and its place lets it be copied
 * (*copied); else a new one is made. No new one for a failure that may pass. */
int32_t acme_jws_ensure_copy(psa_key_id_t id, psa_key_id_t old, uint8_t key_type, bool exportable,
                             bool *made, bool *copied);
/** Destroys a persistent key; fine if there is none. */
int32_t acme_jws_destroy_key(psa_key_id_t id);
/** Whether the key is there and can be used now. */
bool acme_jws_key_exists(psa_key_id_t id);
/** Whether the key is gone for good. A flash that cannot be read, or a pool without room, says
 * neither this nor that it exists: no order is made for such a reason. */
bool acme_jws_key_lost(psa_key_id_t id);

/** Adds the public key as a JWK with its members in the order of RFC 7638. scratch holds the
 * exported public key (at most 560 bytes). */
int32_t acme_jws_add_jwk(struct acme_buf *out, psa_key_id_t id, uint8_t *scratch, size_t size);
/** The RFC 7638 thumbprint as 43 characters and NUL. scratch as above, 1400 bytes for RSA 4096. */
int32_t acme_jws_thumbprint(psa_key_id_t id, char out[44], uint8_t *scratch, size_t size);

struct acme_jws_params {
    psa_key_id_t key;
    uint8_t key_type;
    const char *kid;   /**< account URL, or NULL: the JWK goes into the header */
    const char *nonce; /**< NULL: none (EAB) */
    const char *url;
};

/** A signature under way. It lies at the start of the scratch memory that acme_jws_start was given,
 * so that memory is not to be touched before the end. */
struct acme_jws_signing {
    psa_sign_hash_interruptible_operation_t op;
    struct acme_buf out;
    psa_key_id_t key;
    psa_algorithm_t alg;
    size_t hash_len;
    uint8_t hash[64];
};

/**
 * Writes a JWS but for its signature into work from `offset` on, where the payload stands at the
 * end of work (payload_len bytes, right-aligned). scratch (8-byte aligned, at least 1024 bytes,
 * 2048 with RSA) is overwritten. ACME_OK: go on with acme_jws_sign; ACME_ERR_BUFFER,
 * ACME_ERR_CRYPTO, ACME_ERR_KEY_TYPE.
 */
int32_t acme_jws_start(const struct acme_jws_params *params, char *work, size_t work_size,
                       size_t offset, size_t payload_len, uint8_t *scratch, size_t scratch_size);
/** Signs. Where mbedTLS is built with MBEDTLS_ECP_RESTARTABLE an elliptic curve's signature takes
 * several calls, which return ACME_ERR_AGAIN; each does CONFIG_ACME_ECC_MAX_OPS operations. Returns
 * the length of the JWS, ACME_ERR_BUFFER, ACME_ERR_CRYPTO. */
int32_t acme_jws_sign(uint8_t *scratch, size_t scratch_size);
/** Gives up a signature under way. */
void acme_jws_abort(uint8_t *scratch);

/** Whether the HMAC key of an external account binding can be read: base64url of 1 to 128 bytes;
 * also taken are padding, '+' and '/', and blanks and line ends at its end. ACME_OK, or
 * ACME_ERR_EAB_KEY: another text, or one that was encoded twice. For before a CA is talked to. */
int32_t acme_jws_check_eab_key(const char *hmac_key);
/** Adds an external account binding (RFC 8555 7.3.4), HS256, for the account key to out.
 * ACME_ERR_EAB_KEY as acme_jws_check_eab_key says it. */
int32_t acme_jws_add_eab(struct acme_buf *out, psa_key_id_t account_key, const char *kid,
                         const char *hmac_key, const char *url, uint8_t *scratch, size_t size);
