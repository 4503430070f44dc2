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
    bool out_of_memory; /* a candidate could not be parsed for want of it */
#if !defined(MBEDTLS_X509_TRUSTED_CERTIFICATE_CALLBACK)
    mbedtls_x509_crt list; /* of all, for mbedTLS cannot ask for them */
#endif
};

/** Looks at the anchors, which are lent. ACME_OK: one at least can be used; ACME_ERR_CERT_PARSE,
 * ACME_ERR_TLS_MEMORY. After an error acme_trust_free is due, too. */
int32_t acme_trust_init(struct acme_trust *t, const struct acme_port *port,
                        const struct acme_clock *clock, const struct acme_trust_anchor *anchors,
                        size_t count);
void acme_trust_free(struct acme_trust *t);
/** Gives them to a configuration, which then must go before them. */
void acme_trust_use(struct acme_trust *t, mbedtls_ssl_config *config);
/** Of a certificate at a depth of a chain that mbedTLS does not trust: whether it would have been
 * trusted, or could not be looked at, for mbedTLS says the same when memory fails. */
bool acme_trust_lacked_memory(struct acme_trust *t, const mbedtls_x509_crt *child, int depth);
