/*
 * What TLS and the check of a new chain have in common. It must not know where certificates come
 * from.
 */
#define MBEDTLS_ALLOW_PRIVATE_ACCESS /* the algorithm of a certificate's signature */
#include "net/x509.h"

#include <string.h>

#include <mbedtls/asn1.h>
#include <mbedtls/bignum.h>
#include <mbedtls/oid.h>
#include <mbedtls/pk.h>
#include <mbedtls/psa_util.h>
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

/* As mbedTLS decides before it looks at a signature. */
static bool may_sign(const mbedtls_x509_crt *parent, int depth, bool anchor)
{
    if (parent->max_pathlen > 0 && parent->max_pathlen < 1 + depth) { /* theirs is one higher */
        return false;
    }
    return (anchor && parent->version < 3) ||
           (parent->ca_istrue != 0 &&
            mbedtls_x509_crt_check_key_usage(parent, MBEDTLS_X509_KU_KEY_CERT_SIGN) == 0);
}

static int check_signature(const mbedtls_x509_crt *child, mbedtls_x509_crt *parent)
{
    psa_algorithm_t alg = mbedtls_md_psa_alg_from_type(child->sig_md);
    uint8_t hash[PSA_HASH_MAX_SIZE];
    size_t len;
    psa_status_t status =
        psa_hash_compute(alg, child->tbs.p, child->tbs.len, hash, sizeof(hash), &len);

    if (status != PSA_SUCCESS) {
        return status == PSA_ERROR_INSUFFICIENT_MEMORY ? MBEDTLS_ERR_X509_ALLOC_FAILED
                                                       : MBEDTLS_ERR_X509_SIG_MISMATCH;
    }
    return mbedtls_pk_verify_ext(child->sig_pk, child->sig_opts, &parent->pk, child->sig_md, hash,
                                 len, child->sig.p, child->sig.len);
}

int32_t acme_x509_look_again(const mbedtls_x509_crt *child, mbedtls_x509_crt *parent, int depth,
                             bool anchor)
{
    return may_sign(parent, depth, anchor)
               ? acme_x509_error(check_signature(child, parent), ACME_ERR_CERT_CHAIN)
               : ACME_ERR_CERT_CHAIN;
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
