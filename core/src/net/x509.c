/*
 * What TLS and the check of a new chain have in common. It must not know where certificates come
 * from.
 */
#include "net/x509.h"

#include <string.h>

#include <mbedtls/asn1.h>
#include <mbedtls/bignum.h>
#include <mbedtls/oid.h>
#include <mbedtls/pk.h>
#include <mbedtls/ssl.h>

#include "base/date.h"

/* id-ce and a number. */
static int let_pass(void *ctx, const mbedtls_x509_crt *crt, const mbedtls_x509_buf *oid,
                    int critical, const unsigned char *p, const unsigned char *end)
{
    static const unsigned char numbers[] = {30 /* nameConstraints */, 32 /* certificatePolicies */,
                                            33 /* policyMappings */, 36 /* policyConstraints */,
                                            54 /* inhibitAnyPolicy */};

    (void)ctx;
    (void)crt;
    (void)p;
    (void)end;
    if (critical == 0 || (oid->len == 3 && memcmp(oid->p, MBEDTLS_OID_ID_CE, 2) == 0 &&
                          memchr(numbers, oid->p[2], sizeof(numbers)) != NULL)) {
        return 0;
    }
    return MBEDTLS_ERR_X509_FEATURE_UNAVAILABLE;
}

int acme_x509_parse(mbedtls_x509_crt *crt, const uint8_t *der, size_t len, bool copy)
{
    return mbedtls_x509_crt_parse_der_with_ext_cb(crt, der, len, copy ? 1 : 0, let_pass, NULL);
}

int64_t acme_x509_time(const mbedtls_x509_time *t)
{
    return acme_date_to_unix(t->year, t->mon, t->day, t->hour, t->min, t->sec);
}

uint32_t acme_x509_bad_dates(const struct acme_clock *clock, const mbedtls_x509_crt *crt,
                             uint32_t skew_s, struct acme_span *chain)
{
    struct acme_span span = {acme_x509_time(&crt->valid_from), acme_x509_time(&crt->valid_to)};
    int64_t now;

    chain->from_s = span.from_s > chain->from_s ? span.from_s : chain->from_s;
    chain->to_s = span.to_s < chain->to_s ? span.to_s : chain->to_s;
    if (acme_clock_now(clock, &now) != ACME_OK) {
        return acme_clock_is_past(clock, &span) ? MBEDTLS_X509_BADCERT_EXPIRED : 0;
    }
    return (span.to_s < now ? MBEDTLS_X509_BADCERT_EXPIRED : 0U) |
           (span.from_s - skew_s > now ? MBEDTLS_X509_BADCERT_FUTURE : 0U);
}

int32_t acme_x509_error(int ret, int32_t other)
{
    int low;

    if (ret >= 0) {
        return (int32_t)ret;
    }
    low = -(-ret & 0x7f); /* X.509 adds its own to what ASN.1 and big numbers say */
    if (low == MBEDTLS_ERR_ASN1_ALLOC_FAILED || low == MBEDTLS_ERR_MPI_ALLOC_FAILED ||
        ret == MBEDTLS_ERR_X509_ALLOC_FAILED || ret == MBEDTLS_ERR_SSL_ALLOC_FAILED ||
        ret == MBEDTLS_ERR_PK_ALLOC_FAILED) {
        return ACME_ERR_TLS_MEMORY;
    }
    return low == MBEDTLS_ERR_ASN1_BUF_TOO_SMALL ? ACME_ERR_BUFFER : other;
}
