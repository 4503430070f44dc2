/*
 * The crypto of the simulated CA, over PSA and mbedTLS: JWS signatures, certificate requests, the
 * writing of certificates, base64url. It knows no ACME resource and keeps no state.
 */
#ifndef CA_PKI_H
#define CA_PKI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CA_PKI_POINT 65u

/** base64url without padding; NUL-terminates. The length. */
size_t ca_pki_b64(const uint8_t *data, size_t len, char *out);
/** The other way; -1 for anything else than canonical base64url. */
int32_t ca_pki_unb64(const char *text, size_t len, uint8_t *out, size_t size);
bool ca_pki_sha256(const void *data, size_t len, uint8_t hash[32]);
/** The public point of a private scalar. */
bool ca_pki_point(const uint8_t key[32], uint8_t point[CA_PKI_POINT]);
/** Verifies an ES256 signature of 64 bytes over data. */
bool ca_pki_verify(const uint8_t point[CA_PKI_POINT], const void *data, size_t len,
                   const uint8_t signature[64]);
/** RFC 7638. */
bool ca_pki_thumbprint(const uint8_t point[CA_PKI_POINT], char out[44]);

/** Reads a CSR: verifies its signature, takes its key, and calls name for each DNS name. What else
 * is asked for (a common name that is no such name, other extensions) is refused. NULL when fine,
 * or a sentence. */
const char *ca_pki_csr(const uint8_t *der, size_t len, uint8_t point[CA_PKI_POINT],
                       bool (*name)(void *ctx, const char *text, size_t len), void *ctx);

struct ca_pki_template {
    const char *subject, *issuer; /* as "CN=..." */
    const uint8_t *subject_point; /* CA_PKI_POINT bytes */
    const uint8_t *issuer_key;    /* 32 bytes */
    const uint8_t *issuer_point;  /* CA_PKI_POINT bytes */
    uint8_t serial[16];
    int64_t not_before_s, not_after_s;
    bool is_ca;
    const char *names[4];   /* DNS names; NULL ends them */
    const uint8_t *address; /* one more name, of address_len bytes; or NULL */
    size_t address_len;
    uint8_t address_kind; /* MBEDTLS_X509_SAN_...; 0: it is an address */
    const char *critical; /* more critical extensions, of id-ce: their numbers; or NULL */
    const char *permits;  /* name constraints: the DNS names below it, up to 64 bytes; or NULL */
};
/** Writes a certificate: its length, or 0. */
size_t ca_pki_write(const struct ca_pki_template *t, uint8_t *der, size_t size);
/** The key identifier that ca_pki_write puts into certificates. */
bool ca_pki_key_id(const uint8_t point[CA_PKI_POINT], uint8_t id[20]);
/** PEM of DER, NUL-terminated: its length, or 0. */
size_t ca_pki_pem(const uint8_t *der, size_t len, char *out, size_t size);

#endif
