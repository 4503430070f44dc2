/*
 * The CA's crypto. It must not know what is signed, or why.
 */
#include "ca_pki.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <mbedtls/asn1.h>
#include <mbedtls/oid.h>
#include <mbedtls/pem.h>
#include <mbedtls/pk.h>
#include <mbedtls/psa_util.h>
#include <mbedtls/x509_crt.h>
#include <psa/crypto.h>

/* ---- base64url ---- */

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

size_t ca_pki_b64(const uint8_t *data, size_t len, char *out)
{
    uint32_t bits = 0, have = 0;
    size_t i, at = 0;

    for (i = 0; i < len; i++) {
        bits = bits << 8 | data[i];
        for (have += 8; have >= 6; have -= 6) {
            out[at++] = alphabet[bits >> (have - 6) & 63u];
        }
    }
    if (have > 0) {
        out[at++] = alphabet[bits << (6 - have) & 63u];
    }
    out[at] = '\0';
    return at;
}

int32_t ca_pki_unb64(const char *text, size_t len, uint8_t *out, size_t size)
{
    uint32_t bits = 0, have = 0;
    size_t i, at = 0;

    for (i = 0; i < len; i++) {
        const char *found = text[i] == '\0' ? NULL : strchr(alphabet, text[i]);

        if (found == NULL) {
            return -1;
        }
        bits = bits << 6 | (uint32_t)(found - alphabet);
        have += 6;
        if (have >= 8) {
            if (at == size) {
                return -1;
            }
            have -= 8;
            out[at++] = (uint8_t)(bits >> have);
        }
    }
    /* Left-over bits are zero, and less than a character's. */
    return len % 4 == 1 || (bits & ((1u << have) - 1u)) != 0 ? -1 : (int32_t)at;
}

/* ---- keys and signatures ---- */

bool ca_pki_sha256(const void *data, size_t len, uint8_t hash[32])
{
    size_t hash_len;

    return psa_hash_compute(PSA_ALG_SHA_256, data, len, hash, 32, &hash_len) == PSA_SUCCESS;
}

static psa_key_id_t import(psa_key_type_t type, psa_key_usage_t usage, const uint8_t *data,
                           size_t len)
{
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    psa_key_id_t id = 0;

    psa_set_key_type(&attributes, type);
    psa_set_key_usage_flags(&attributes, usage);
    psa_set_key_algorithm(&attributes, PSA_ALG_ECDSA(PSA_ALG_SHA_256));
    return psa_import_key(&attributes, data, len, &id) == PSA_SUCCESS ? id : 0;
}

static psa_key_id_t import_private(const uint8_t key[32])
{
    return import(PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1), PSA_KEY_USAGE_SIGN_HASH, key,
                  32);
}

static psa_key_id_t import_public(const uint8_t point[CA_PKI_POINT])
{
    return import(PSA_KEY_TYPE_ECC_PUBLIC_KEY(PSA_ECC_FAMILY_SECP_R1), PSA_KEY_USAGE_VERIFY_HASH,
                  point, CA_PKI_POINT);
}

bool ca_pki_point(const uint8_t key[32], uint8_t point[CA_PKI_POINT])
{
    psa_key_id_t id = import_private(key);
    size_t len = 0;
    bool ok = id != 0 && psa_export_public_key(id, point, CA_PKI_POINT, &len) == PSA_SUCCESS;

    (void)psa_destroy_key(id);
    return ok && len == CA_PKI_POINT;
}

bool ca_pki_verify(const uint8_t point[CA_PKI_POINT], const void *data, size_t len,
                   const uint8_t signature[64])
{
    psa_key_id_t id = import_public(point);
    uint8_t hash[32];
    bool ok = id != 0 && ca_pki_sha256(data, len, hash) &&
              psa_verify_hash(id, PSA_ALG_ECDSA(PSA_ALG_SHA_256), hash, sizeof(hash), signature,
                              64) == PSA_SUCCESS;

    (void)psa_destroy_key(id);
    return ok;
}

bool ca_pki_thumbprint(const uint8_t point[CA_PKI_POINT], char out[44])
{
    char text[160], x[44], y[44];
    uint8_t hash[32];
    int len;

    (void)ca_pki_b64(point + 1, 32, x);
    (void)ca_pki_b64(point + 33, 32, y);
    len = snprintf(text, sizeof(text),
                   "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"%s\",\"y\":\"%s\"}", x, y);
    if (!ca_pki_sha256(text, (size_t)len, hash)) {
        return false;
    }
    (void)ca_pki_b64(hash, sizeof(hash), out);
    return true;
}

bool ca_pki_key_id(const uint8_t point[CA_PKI_POINT], uint8_t id[20])
{
    uint8_t hash[32];

    /* RFC 7093 method 1: the leftmost 160 bits of SHA-256. */
    if (!ca_pki_sha256(point, CA_PKI_POINT, hash)) {
        return false;
    }
    memcpy(id, hash, 20);
    return true;
}

/* ---- certificate requests (RFC 2986) ----
 * mbedTLS's own reader refuses an empty subject, which ACME allows; its ASN.1 reader serves. */

struct span {
    unsigned char *at, *end;
};

/* Steps over the next element, which must have this tag: its contents. */
static bool take(struct span *from, int tag, struct span *contents)
{
    size_t len;

    if (mbedtls_asn1_get_tag(&from->at, from->end, &len, tag) != 0) {
        return false;
    }
    contents->at = from->at;
    contents->end = from->at + len;
    from->at += len;
    return true;
}

#define SEQUENCE (MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE)
#define SET      (MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SET)
#define CONTEXT  (MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_CONTEXT_SPECIFIC)

static bool is_oid(const struct span *s, const char *oid, size_t len)
{
    return (size_t)(s->end - s->at) == len && memcmp(s->at, oid, len) == 0;
}

/* The names in the extensions of the attributes; nothing but names is allowed there. */
static const char *read_names(struct span attributes,
                              bool (*name)(void *ctx, const char *text, size_t len), void *ctx)
{
    struct span attribute, oid, values, extensions, extension, value, names, text;

    if (!take(&attributes, SEQUENCE, &attribute) || !take(&attribute, MBEDTLS_ASN1_OID, &oid) ||
        !is_oid(&oid, MBEDTLS_OID_PKCS9_CSR_EXT_REQ,
                MBEDTLS_OID_SIZE(MBEDTLS_OID_PKCS9_CSR_EXT_REQ)) ||
        !take(&attribute, SET, &values) || !take(&values, SEQUENCE, &extensions) ||
        !take(&extensions, SEQUENCE, &extension) || !take(&extension, MBEDTLS_ASN1_OID, &oid) ||
        !is_oid(&oid, MBEDTLS_OID_SUBJECT_ALT_NAME,
                MBEDTLS_OID_SIZE(MBEDTLS_OID_SUBJECT_ALT_NAME)) ||
        !take(&extension, MBEDTLS_ASN1_OCTET_STRING, &value) || !take(&value, SEQUENCE, &names) ||
        attributes.at != attributes.end || extensions.at != extensions.end) {
        return "the CSR does not ask for names, and names only";
    }
    while (names.at < names.end) {
        if (!take(&names, MBEDTLS_ASN1_CONTEXT_SPECIFIC | MBEDTLS_X509_SAN_DNS_NAME, &text) ||
            !name(ctx, (const char *)text.at, (size_t)(text.end - text.at))) {
            return "the CSR has a name that is not the order's";
        }
    }
    return NULL;
}

/* ECDSA with SHA-256 over the request's body, by the key in it. */
static bool csr_signature_holds(const struct span *body, struct span *rest, mbedtls_pk_context *pk)
{
    struct span algorithm, oid, bits;
    uint8_t hash[32];

    return take(rest, SEQUENCE, &algorithm) && take(&algorithm, MBEDTLS_ASN1_OID, &oid) &&
           is_oid(&oid, MBEDTLS_OID_ECDSA_SHA256, MBEDTLS_OID_SIZE(MBEDTLS_OID_ECDSA_SHA256)) &&
           take(rest, MBEDTLS_ASN1_BIT_STRING, &bits) && rest->at == rest->end &&
           bits.at < bits.end && *bits.at == 0 &&
           ca_pki_sha256(body->at, (size_t)(body->end - body->at), hash) &&
           mbedtls_pk_verify(pk, MBEDTLS_MD_SHA256, hash, sizeof(hash), bits.at + 1,
                             (size_t)(bits.end - bits.at) - 1) == 0;
}

static const char *read_csr(struct span all, mbedtls_pk_context *pk,
                            bool (*name)(void *ctx, const char *text, size_t len), void *ctx)
{
    struct span request, body, inside, version, subject, attributes;

    if (!take(&all, SEQUENCE, &request) || all.at != all.end) {
        return "the CSR is no sequence";
    }
    body.at = request.at;
    if (!take(&request, SEQUENCE, &inside)) {
        return "the CSR has no body";
    }
    body.end = request.at;
    if (!take(&inside, MBEDTLS_ASN1_INTEGER, &version) || !take(&inside, SEQUENCE, &subject) ||
        mbedtls_pk_parse_subpubkey(&inside.at, inside.end, pk) != 0 ||
        !take(&inside, CONTEXT, &attributes) || inside.at != inside.end) {
        return "the CSR cannot be parsed";
    }
    if (mbedtls_pk_get_type(pk) != MBEDTLS_PK_ECKEY || mbedtls_pk_get_bitlen(pk) != 256) {
        return "the CSR's key is not P-256";
    }
    if (!csr_signature_holds(&body, &request, pk)) {
        return "the CSR's signature is wrong";
    }
    return read_names(attributes, name, ctx);
}

const char *ca_pki_csr(const uint8_t *der, size_t len, uint8_t point[CA_PKI_POINT],
                       bool (*name)(void *ctx, const char *text, size_t len), void *ctx)
{
    struct span all = {(unsigned char *)(uintptr_t)der, (unsigned char *)(uintptr_t)der + len};
    uint8_t spki[128];
    mbedtls_pk_context pk;
    const char *wrong;

    mbedtls_pk_init(&pk);
    wrong = read_csr(all, &pk, name, ctx);
    if (wrong == NULL && mbedtls_pk_write_pubkey_der(&pk, spki, sizeof(spki)) > 0) {
        /* The point ends the SubjectPublicKeyInfo. */
        memcpy(point, spki + sizeof(spki) - CA_PKI_POINT, CA_PKI_POINT);
    }
    mbedtls_pk_free(&pk);
    return wrong;
}

/* ---- certificates ---- */

static void x509_date(int64_t unix_s, char out[16])
{
    time_t t = (time_t)unix_s;
    struct tm tm;

    (void)gmtime_r(&t, &tm);
    (void)strftime(out, 16, "%Y%m%d%H%M%S", &tm);
}

static int add_key_ids(mbedtls_x509write_cert *w, const struct ca_pki_template *t)
{
    uint8_t authority[24] = {0x30, 0x16, 0x80, 0x14}, subject[22] = {0x04, 0x14};
    int ret;

    if (!ca_pki_key_id(t->issuer_point, authority + 4) ||
        !ca_pki_key_id(t->subject_point, subject + 2)) {
        return -1;
    }
    ret = mbedtls_x509write_crt_set_extension(
        w, MBEDTLS_OID_AUTHORITY_KEY_IDENTIFIER,
        MBEDTLS_OID_SIZE(MBEDTLS_OID_AUTHORITY_KEY_IDENTIFIER), 0, authority, sizeof(authority));
    return ret != 0 ? ret
                    : mbedtls_x509write_crt_set_extension(
                          w, MBEDTLS_OID_SUBJECT_KEY_IDENTIFIER,
                          MBEDTLS_OID_SIZE(MBEDTLS_OID_SUBJECT_KEY_IDENTIFIER), 0, subject,
                          sizeof(subject));
}

static void set_name(mbedtls_x509_san_list *node, int type, const void *name, size_t len)
{
    node->node.type = type;
    node->node.san.unstructured_name.p = (unsigned char *)(uintptr_t)name;
    node->node.san.unstructured_name.len = len;
}

static int add_names(mbedtls_x509write_cert *w, const struct ca_pki_template *t)
{
    mbedtls_x509_san_list list[5];
    size_t i, count = 0;

    memset(list, 0, sizeof(list));
    for (i = 0; i < 4 && t->names[i] != NULL; i++) {
        set_name(&list[count++], MBEDTLS_X509_SAN_DNS_NAME, t->names[i], strlen(t->names[i]));
    }
    if (t->address != NULL) {
        set_name(&list[count++],
                 t->address_kind != 0 ? t->address_kind : MBEDTLS_X509_SAN_IP_ADDRESS, t->address,
                 t->address_len);
    }
    for (i = 1; i < count; i++) {
        list[i - 1].next = &list[i];
    }
    return count == 0 ? 0 : mbedtls_x509write_crt_set_subject_alternative_name(w, list);
}

/* They say nothing, but for a policy that nobody knows. */
static int add_critical(mbedtls_x509write_cert *w, const struct ca_pki_template *t)
{
    static const uint8_t policy[] = {0x30, 7, 0x30, 5, 0x06, 3, 0x2a, 3, 4}, nothing[] = {0x30, 0};
    char oid[] = MBEDTLS_OID_ID_CE "?";
    int ret = 0;

    for (const char *number = t->critical; number != NULL && *number != '\0' && ret == 0;
         number++) {
        bool policies = *number == 32;

        oid[2] = *number;
        ret = mbedtls_x509write_crt_set_extension(w, oid, 3, 1, policies ? policy : nothing,
                                                  policies ? sizeof(policy) : sizeof(nothing));
    }
    return ret;
}

/* RFC 5280 4.2.1.10: one permitted subtree, of one DNS name. */
static int add_constraints(mbedtls_x509write_cert *w, const struct ca_pki_template *t)
{
    size_t len = t->permits == NULL ? 0 : strlen(t->permits);
    uint8_t der[8 + 64] = {0x30, (uint8_t)(len + 6), 0xa0, (uint8_t)(len + 4),
                           0x30, (uint8_t)(len + 2), 0x82, (uint8_t)len};

    if (len == 0) {
        return 0;
    }
    if (len > sizeof(der) - 8) {
        return MBEDTLS_ERR_X509_BAD_INPUT_DATA;
    }
    memcpy(der + 8, t->permits, len);
    return mbedtls_x509write_crt_set_extension(w, MBEDTLS_OID_NAME_CONSTRAINTS,
                                               MBEDTLS_OID_SIZE(MBEDTLS_OID_NAME_CONSTRAINTS), 0,
                                               der, len + 8);
}

static int fill(mbedtls_x509write_cert *w, const struct ca_pki_template *t)
{
    char from[16], to[16];
    int ret;

    x509_date(t->not_before_s, from);
    x509_date(t->not_after_s, to);
    mbedtls_x509write_crt_set_version(w, MBEDTLS_X509_CRT_VERSION_3);
    mbedtls_x509write_crt_set_md_alg(w, MBEDTLS_MD_SHA256);
    ret = mbedtls_x509write_crt_set_subject_name(w, t->subject);
    ret = ret != 0 ? ret : mbedtls_x509write_crt_set_issuer_name(w, t->issuer);
    ret = ret != 0 ? ret
                   : mbedtls_x509write_crt_set_serial_raw(w, (unsigned char *)(uintptr_t)t->serial,
                                                          sizeof(t->serial));
    ret = ret != 0 ? ret : mbedtls_x509write_crt_set_validity(w, from, to);
    ret = ret != 0 ? ret : mbedtls_x509write_crt_set_basic_constraints(w, t->is_ca, -1);
    ret =
        ret != 0
            ? ret
            : mbedtls_x509write_crt_set_key_usage(w, t->is_ca ? MBEDTLS_X509_KU_KEY_CERT_SIGN
                                                              : MBEDTLS_X509_KU_DIGITAL_SIGNATURE);
    ret = ret != 0 ? ret : add_key_ids(w, t);
    ret = ret != 0 ? ret : add_critical(w, t);
    ret = ret != 0 ? ret : add_constraints(w, t);
    return ret != 0 ? ret : add_names(w, t);
}

size_t ca_pki_write(const struct ca_pki_template *t, uint8_t *der, size_t size)
{
    psa_key_id_t subject_id = import_public(t->subject_point);
    psa_key_id_t issuer_id = import_private(t->issuer_key);
    mbedtls_pk_context subject, issuer;
    mbedtls_x509write_cert w;
    int ret, len = 0;

    mbedtls_pk_init(&subject);
    mbedtls_pk_init(&issuer);
    mbedtls_x509write_crt_init(&w);
    ret = mbedtls_pk_copy_public_from_psa(subject_id, &subject);
    ret = ret != 0 ? ret : mbedtls_pk_setup_opaque(&issuer, issuer_id);
    if (ret == 0) {
        mbedtls_x509write_crt_set_subject_key(&w, &subject);
        mbedtls_x509write_crt_set_issuer_key(&w, &issuer);
        ret = fill(&w, t);
    }
    if (ret == 0) {
        len = mbedtls_x509write_crt_der(&w, der, size, mbedtls_psa_get_random,
                                        MBEDTLS_PSA_RANDOM_STATE);
    }
    mbedtls_x509write_crt_free(&w);
    mbedtls_pk_free(&subject);
    mbedtls_pk_free(&issuer);
    (void)psa_destroy_key(subject_id);
    (void)psa_destroy_key(issuer_id);
    if (ret != 0 || len <= 0) {
        return 0;
    }
    memmove(der, der + size - (size_t)len, (size_t)len);
    return (size_t)len;
}

size_t ca_pki_pem(const uint8_t *der, size_t len, char *out, size_t size)
{
    size_t written = 0;
    int ret =
        mbedtls_pem_write_buffer("-----BEGIN CERTIFICATE-----\n", "-----END CERTIFICATE-----\n",
                                 der, len, (unsigned char *)out, size, &written);

    return ret == 0 && written > 0 ? written - 1 : 0;
}
