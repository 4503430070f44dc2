/*
 * mbedTLS's X.509 in the core's terms: dates against the trusted clock, and errors.
 */
#pragma once

#include <mbedtls/x509_crt.h>

#include "base/clock.h"

/** Parses a certificate of the CA's side, whose constraints on others are not ours to enforce:
 * where it is only looked at how a chain fits together, or which anchor is trusted. Critical
 * nameConstraints, policyConstraints, policyMappings, inhibitAnyPolicy and certificatePolicies are
 * let pass, other critical extensions that mbedTLS does not know are refused. The bytes are copied,
 * or lent. What mbedTLS returns. */
int acme_x509_parse(mbedtls_x509_crt *crt, const uint8_t *der, size_t len, bool copy);
/** MBEDTLS_X509_BADCERT_EXPIRED and _FUTURE, or 0, by the trusted clock; skew_s of the future is
 * not refused. Without a clock only what is expired for sure is refused. The span of the chain is
 * narrowed to that of the certificate. */
uint32_t acme_x509_bad_dates(const struct acme_clock *clock, const mbedtls_x509_crt *crt,
                             uint32_t skew_s, struct acme_span *chain);
/** The error for what mbedTLS's X.509 and PK functions return: ACME_ERR_TLS_MEMORY where the pool
 * is exhausted, ACME_ERR_BUFFER, other for all other errors, and ret itself where it is none. */
int32_t acme_x509_error(int ret, int32_t other);
/** Unix seconds of an X.509 date. */
int64_t acme_x509_time(const mbedtls_x509_time *t);
/** What becomes clear of a certificate that mbedTLS does not trust, though parent has its issuer's
 * name, when its signature is looked at once more (depth certificates are below child; anchor:
 * parent is trusted by itself): mbedTLS says the same of a bad signature and of a failed
 * allocation. ACME_OK: parent has signed it and may; ACME_ERR_TLS_MEMORY: that cannot be seen for
 * want of memory; ACME_ERR_CERT_CHAIN: it has not, or may not. */
int32_t acme_x509_look_again(const mbedtls_x509_crt *child, mbedtls_x509_crt *parent, int depth,
                             bool anchor);
