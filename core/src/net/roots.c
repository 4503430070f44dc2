/*
 * A vendor's signed bundle of roots: its form, its signature, its version, its roots, in this
 * order; nothing of it counts before its signature is good. It must not know where it is kept.
 */
#include "acme/roots.h"

#include <string.h>

#include <psa/crypto.h>

#include "net/trust.h"

#define CHUNK 64U

struct bundle {
    const struct acme_port *port;
    const uint8_t *at;
    size_t len;   /* all of it */
    size_t roots; /* bytes of the roots */
    uint32_t version;
    uint16_t count;
};

static uint32_t number_at(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int32_t read_head(struct bundle *b)
{
    static const uint8_t magic[4] = {'N', 'A', 'R', '1'};
    uint8_t head[ACME_ROOTS_HEAD_SIZE];
    int32_t rc;

    if (b->len < ACME_ROOTS_HEAD_SIZE + ACME_ROOTS_SIGNATURE_SIZE) {
        return ACME_ERR_ROOTS_FORMAT;
    }
    rc = acme_trust_read(b->port, b->at, head, sizeof(head));
    if (rc != ACME_OK) {
        return rc;
    }
    b->roots = b->len - ACME_ROOTS_HEAD_SIZE - ACME_ROOTS_SIGNATURE_SIZE;
    b->version = number_at(head + 4);
    b->count = (uint16_t)(head[12] << 8 | head[13]);
    return memcmp(head, magic, sizeof(magic)) == 0 && number_at(head + 8) == b->roots &&
                   head[14] == 0 && head[15] == 0
               ? ACME_OK
               : ACME_ERR_ROOTS_FORMAT;
}

/* Certificates, one after the other, as many as it says. */
static int32_t walk_roots(const struct bundle *b)
{
    const uint8_t *at = b->at + ACME_ROOTS_HEAD_SIZE;
    size_t left = b->roots;
    uint32_t count = 0;

    while (left > 0) {
        size_t len;
        int32_t rc = acme_trust_der_len(b->port, at, left, &len);

        if (rc != ACME_OK || len == 0) {
            return rc != ACME_OK ? rc : ACME_ERR_ROOTS_FORMAT;
        }
        at += len;
        left -= len;
        count++;
    }
    return count > 0 && count == b->count ? ACME_OK : ACME_ERR_ROOTS_FORMAT;
}

/* All but the signature. */
static int32_t hash_bundle(const struct bundle *b, psa_hash_operation_t *hash)
{
    size_t end = b->len - ACME_ROOTS_SIGNATURE_SIZE, at, n;
    uint8_t chunk[CHUNK];

    for (at = 0; at < end; at += n) {
        int32_t rc;

        n = end - at < sizeof(chunk) ? end - at : sizeof(chunk);
        rc = acme_trust_read(b->port, b->at + at, chunk, n);
        if (rc != ACME_OK) {
            return rc;
        }
        if (psa_hash_update(hash, chunk, n) != PSA_SUCCESS) {
            return ACME_ERR_CRYPTO;
        }
    }
    return ACME_OK;
}

static int32_t digest_of(const struct bundle *b, uint8_t digest[32])
{
    psa_hash_operation_t hash = PSA_HASH_OPERATION_INIT;
    size_t len;
    int32_t rc = ACME_ERR_CRYPTO;

    if (psa_hash_setup(&hash, PSA_ALG_SHA_256) == PSA_SUCCESS) {
        rc = hash_bundle(b, &hash);
    }
    if (rc == ACME_OK && psa_hash_finish(&hash, digest, 32, &len) != PSA_SUCCESS) {
        rc = ACME_ERR_CRYPTO;
    }
    (void)psa_hash_abort(&hash);
    return rc;
}

static int32_t to_error(psa_status_t status)
{
    switch (status) {
    case PSA_SUCCESS:
        return ACME_OK;
    case PSA_ERROR_INVALID_SIGNATURE:
        return ACME_ERR_ROOTS_SIGNATURE;
    case PSA_ERROR_INSUFFICIENT_MEMORY:
        return ACME_ERR_TLS_MEMORY;
    default:
        return ACME_ERR_CRYPTO;
    }
}

static int32_t verify(const uint8_t *key, const uint8_t digest[32],
                      const uint8_t signature[ACME_ROOTS_SIGNATURE_SIZE])
{
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    mbedtls_svc_key_id_t id = MBEDTLS_SVC_KEY_ID_INIT;
    psa_status_t status;

    psa_set_key_type(&attributes, PSA_KEY_TYPE_ECC_PUBLIC_KEY(PSA_ECC_FAMILY_SECP_R1));
    psa_set_key_bits(&attributes, 256);
    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_VERIFY_HASH);
    psa_set_key_algorithm(&attributes, PSA_ALG_ECDSA(PSA_ALG_SHA_256));
    status = psa_import_key(&attributes, key, ACME_ROOTS_KEY_SIZE, &id);
    if (status == PSA_SUCCESS) {
        status = psa_verify_hash(id, PSA_ALG_ECDSA(PSA_ALG_SHA_256), digest, 32, signature,
                                 ACME_ROOTS_SIGNATURE_SIZE);
        (void)psa_destroy_key(id);
    }
    return to_error(status);
}

static int32_t check_signature(const struct bundle *b, const uint8_t *key)
{
    uint8_t digest[32], signature[ACME_ROOTS_SIGNATURE_SIZE];
    int32_t rc = digest_of(b, digest);

    if (rc == ACME_OK) {
        rc = acme_trust_read(b->port, b->at + b->len - sizeof(signature), signature,
                             sizeof(signature));
    }
    return rc == ACME_OK ? verify(key, digest, signature) : rc;
}

/* By the same look that the client takes at its anchors. */
static int32_t check_use(const struct acme_port *port, const struct acme_trust_anchor *anchor)
{
    struct acme_trust trust;
    int32_t rc = acme_trust_init(&trust, port, NULL, anchor, 1);

    acme_trust_free(&trust);
    return rc;
}

int32_t acme_roots_check(const struct acme_port *port, const uint8_t *bundle, size_t len,
                         const uint8_t *key, uint32_t after, struct acme_roots *roots)
{
    struct bundle b = {port, bundle, len, 0, 0, 0};
    struct acme_trust_anchor anchor;
    int32_t rc;

    if (port == NULL || bundle == NULL || key == NULL || roots == NULL) {
        return ACME_ERR_ARGUMENT;
    }
    rc = read_head(&b);
    rc = rc == ACME_OK ? walk_roots(&b) : rc;
    rc = rc == ACME_OK ? check_signature(&b, key) : rc;
    if (rc == ACME_OK && b.version <= after) {
        rc = ACME_ERR_ROOTS_VERSION;
    }
    if (rc != ACME_OK) {
        return rc;
    }
    anchor = (struct acme_trust_anchor){bundle + ACME_ROOTS_HEAD_SIZE, b.roots};
    rc = check_use(port, &anchor);
    if (rc == ACME_OK) {
        *roots = (struct acme_roots){b.version, b.count, anchor};
    }
    return rc;
}
