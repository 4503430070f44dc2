/*
 * Whom a TLS client trusts. Anchors stay where they are, in flash as a rule; with
 * MBEDTLS_X509_TRUSTED_CERTIFICATE_CALLBACK only those that may have signed a certificate are
 * parsed, while it is checked, so that ten roots take no more memory than one. It must not know
 * connections.
 */
#pragma once

#include <mbedtls/ssl.h>
#include <mbedtls/x509_crt.h>

#include "acme/client.h"
#include "base/clock.h"

struct acme_trust {
    const struct acme_clock *clock;
    const struct acme_trust_anchor *anchors;
    size_t count;
    const struct acme_port *port;
    int32_t failed; /* why a candidate could not be looked at, or ACME_OK: there was no memory, or
                       the flash could not be read */
#if !defined(MBEDTLS_X509_TRUSTED_CERTIFICATE_CALLBACK)
    mbedtls_x509_crt list; /* of all, for mbedTLS cannot ask for them */
#endif
};

/** Looks at the anchors, which are lent. ACME_OK: one at least can be used; ACME_ERR_CERT_PARSE,
 * ACME_ERR_TLS_MEMORY, ACME_ERR_STORE_IO. After an error acme_trust_free is due, too. */
int32_t acme_trust_init(struct acme_trust *t, const struct acme_port *port,
                        const struct acme_clock *clock, const struct acme_trust_anchor *anchors,
                        size_t count);
void acme_trust_free(struct acme_trust *t);
/** Gives them to a configuration, which then must go before them. */
void acme_trust_use(struct acme_trust *t, mbedtls_ssl_config *config);
/** Reads len bytes of an anchor: memory, or what the port reads. ACME_OK, ACME_ERR_STORE_IO. */
int32_t acme_trust_read(const struct acme_port *port, const uint8_t *at, void *to, size_t len);
/** The bytes of the certificate that begins at at, by its own length, which left bytes are there
 * for. ACME_OK; *len is 0: it has none. ACME_ERR_STORE_IO. */
int32_t acme_trust_der_len(const struct acme_port *port, const uint8_t *at, size_t left,
                           size_t *len);
/** Of a certificate at a depth of a chain that mbedTLS does not trust: whether it would have been
 * trusted, or could not be looked at, for mbedTLS says the same when memory fails. */
bool acme_trust_lacked_memory(struct acme_trust *t, const mbedtls_x509_crt *child, int depth);
