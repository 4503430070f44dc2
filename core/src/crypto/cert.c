/*
 * CSR and chain checks. mbedTLS parses and verifies; this file decides what has to hold. It must
 * not know where a chain comes from.
 */
#include "crypto/cert.h"

#include <string.h>

#include <mbedtls/oid.h>
#include <mbedtls/pk.h>
#include <mbedtls/x509_crt.h>
#include <mbedtls/x509_csr.h>
#include <mbedtls/psa_util.h>

#include "base/buf.h"
#include "base/ipaddr.h"
#include "base/option.h"
#include "net/x509.h"

/* ---- CSR ---- */

struct san_node {
    mbedtls_x509_san_list san;
    uint8_t address[ACME_ENABLED(CONFIG_ACME_IP_IDENTIFIERS) ? 16 : 1];
};

/* The length of the address that name is, 4 or 16; negative if it is none. */
static int32_t read_address(const char *name, uint8_t address[16])
{
    return ACME_ENABLED(CONFIG_ACME_IP_IDENTIFIERS) ? acme_ipaddr_parse(name, address)
                                                    : ACME_ERR_NAME;
}

static void set_name(struct san_node *node, const char *name)
{
    int32_t len = read_address(name, node->address);

    memset(&node->san, 0, sizeof(node->san));
    if (len > 0) {
        node->san.node.type = MBEDTLS_X509_SAN_IP_ADDRESS;
        node->san.node.san.unstructured_name.p = node->address;
        node->san.node.san.unstructured_name.len = (size_t)len;
    } else {
        node->san.node.type = MBEDTLS_X509_SAN_DNS_NAME;
        node->san.node.san.unstructured_name.p = (unsigned char *)(uintptr_t)name;
        node->san.node.san.unstructured_name.len = strlen(name);
    }
}

/* One node of the SAN list; the lists live on this frame, so names are added one at a time from the
 * caller's array without allocation. */
static int set_names(mbedtls_x509write_csr *csr, const struct acme_cert_request *request,
                     struct san_node *nodes)
{
    size_t i;

    for (i = 0; i < request->names_count; i++) {
        set_name(&nodes[i], request->names[i]);
        nodes[i].san.next = i + 1 < request->names_count ? &nodes[i + 1].san : NULL;
    }
    return mbedtls_x509write_csr_set_subject_alternative_name(csr, &nodes[0].san);
}

int32_t acme_cert_write_csr(const struct acme_cert_request *request, psa_key_id_t key, uint8_t *out,
                            size_t size)
{
    size_t nodes_size = request->names_count * sizeof(struct san_node);
    size_t misalign = (uintptr_t)out % _Alignof(struct san_node);
    size_t skip = misalign == 0 ? 0 : _Alignof(struct san_node) - misalign;
    mbedtls_x509write_csr csr;
    mbedtls_pk_context pk;
    int rc;

    /* The list of names stands at the start of out while the CSR grows from its end. */
    if (skip + nodes_size > size / 2) {
        return ACME_ERR_BUFFER;
    }
    mbedtls_x509write_csr_init(&csr);
    mbedtls_pk_init(&pk);
    rc = mbedtls_pk_setup_opaque(&pk, key);
    if (rc == 0) {
        mbedtls_x509write_csr_set_key(&csr, &pk);
        mbedtls_x509write_csr_set_md_alg(
            &csr, request->key_type == ACME_KEY_EC_P384 ? MBEDTLS_MD_SHA384 : MBEDTLS_MD_SHA256);
        rc = set_names(&csr, request, (struct san_node *)(void *)(out + skip));
    }
    if (rc == 0) {
        rc = mbedtls_x509write_csr_der(&csr, out + skip + nodes_size, size - skip - nodes_size,
                                       mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE);
    }
    mbedtls_x509write_csr_free(&csr);
    mbedtls_pk_free(&pk);
    return acme_x509_error(rc, ACME_ERR_CRYPTO);
}

/* ---- checks ---- */

static int32_t load(const struct acme_chain_check *check, const struct acme_cert_record *record,
                    uint8_t index, mbedtls_x509_crt *crt)
{
    uint32_t offset = 0;
    uint8_t i;
    int32_t rc;

    for (i = 0; i < index; i++) {
        offset += record->lengths[i];
    }
    if (record->lengths[index] > check->scratch_size) {
        return ACME_ERR_CERT_LIMIT;
    }
    rc = acme_store_read_chain(check->log, check->slot, check->generation, offset, check->scratch,
                               record->lengths[index]);
    if (rc != ACME_OK) {
        return rc;
    }
    return acme_x509_error(acme_x509_parse(crt, check->scratch, record->lengths[index], true),
                           ACME_ERR_CERT_PARSE);
}

/* The leaf's SubjectPublicKeyInfo is the one of our key. */
static int32_t check_key(const struct acme_chain_check *check, const mbedtls_x509_crt *leaf)
{
    size_t half = check->scratch_size / 2;
    uint8_t *our_half = check->scratch, *leaf_half = check->scratch + half;
    mbedtls_pk_context ours;
    int our_len, leaf_len;

    mbedtls_pk_init(&ours);
    our_len = mbedtls_pk_setup_opaque(&ours, check->key);
    if (our_len == 0) {
        our_len = mbedtls_pk_write_pubkey_der(&ours, our_half, half);
    }
    mbedtls_pk_free(&ours);
    leaf_len = mbedtls_pk_write_pubkey_der(&leaf->pk, leaf_half, half);
    if (our_len <= 0) {
        return ACME_ERR_CRYPTO;
    }
    /* Both stand at the end of their half. */
    if (leaf_len != our_len ||
        memcmp(our_half + half - our_len, leaf_half + half - our_len, (size_t)our_len) != 0) {
        return ACME_ERR_CERT_KEY;
    }
    return ACME_OK;
}

bool acme_cert_has_name(const struct acme_cert_request *request, const char *name, size_t len)
{
    size_t i;

    for (i = 0; i < request->names_count; i++) {
        if (acme_str_is(name, len, request->names[i])) {
            return true;
        }
    }
    return false;
}

/* Whether a subject alternative name is this one of a request. */
static bool san_is(const mbedtls_x509_buf *san, const char *name)
{
    int kind = san->tag & MBEDTLS_ASN1_TAG_VALUE_MASK;
    uint8_t address[16];
    int32_t len = read_address(name, address);

    if (len > 0) {
        return kind == MBEDTLS_X509_SAN_IP_ADDRESS && san->len == (size_t)len &&
               memcmp(san->p, address, san->len) == 0;
    }
    return kind == MBEDTLS_X509_SAN_DNS_NAME && acme_str_is((const char *)san->p, san->len, name);
}

static bool has_san(const mbedtls_x509_crt *leaf, const char *name)
{
    const mbedtls_x509_sequence *san;

    for (san = &leaf->subject_alt_names; san != NULL; san = san->next) {
        if (san->buf.p != NULL && san_is(&san->buf, name)) {
            return true;
        }
    }
    return false;
}

static bool is_wanted(const struct acme_cert_request *request, const mbedtls_x509_buf *san)
{
    size_t i;

    if (!ACME_ENABLED(CONFIG_ACME_IP_IDENTIFIERS)) {
        return acme_cert_has_name(request, (const char *)san->p, san->len);
    }
    for (i = 0; i < request->names_count; i++) {
        if (san_is(san, request->names[i])) {
            return true;
        }
    }
    return false;
}

/* Every name that was asked for, and none besides. */
static int32_t check_names(const struct acme_cert_request *request, const mbedtls_x509_crt *leaf)
{
    const mbedtls_x509_sequence *san;
    size_t i;

    for (i = 0; i < request->names_count; i++) {
        if (!has_san(leaf, request->names[i])) {
            return ACME_ERR_CERT_NAMES;
        }
    }
    for (san = &leaf->subject_alt_names; san != NULL; san = san->next) {
        if (san->buf.p != NULL && !is_wanted(request, &san->buf)) {
            return ACME_ERR_CERT_NAMES;
        }
    }
    return ACME_OK;
}

/* A CA backdates by an hour or so, and clocks differ: a minute of the future is not refused. */
#define SKEW_S 60

static int32_t check_leaf(const struct acme_chain_check *check, const mbedtls_x509_crt *leaf,
                          struct acme_cert_record *record)
{
    int32_t rc = check_key(check, leaf);

    if (rc == ACME_OK) {
        rc = check_names(check->request, leaf);
    }
    if (rc == ACME_OK) {
        record->not_before_s = acme_x509_time(&leaf->valid_from);
        record->not_after_s = acme_x509_time(&leaf->valid_to);
    }
    return rc;
}

/* Whether child is signed by issuer: only the signature and the CA rights; dates are ours. */
static int32_t check_link(mbedtls_x509_crt *child, mbedtls_x509_crt *issuer)
{
    uint32_t flags = 0;
    int ret = mbedtls_x509_crt_verify(child, issuer, NULL, NULL, &flags, NULL, NULL);

    flags &= ~(uint32_t)(MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE);
    if (ret == MBEDTLS_ERR_X509_CERT_VERIFY_FAILED) {
        return flags == 0 ? ACME_OK : ACME_ERR_CERT_CHAIN;
    }
    return acme_x509_error(ret, ACME_ERR_CERT_CHAIN);
}

static int32_t check_one(const struct acme_chain_check *check, struct acme_cert_record *record,
                         uint8_t index)
{
    mbedtls_x509_crt child, issuer;
    int32_t rc;

    mbedtls_x509_crt_init(&child);
    mbedtls_x509_crt_init(&issuer);
    rc = load(check, record, index, &child);
    if (rc == ACME_OK && acme_x509_bad_dates(check->clock, &child, SKEW_S) != 0) {
        rc = ACME_ERR_CERT_DATES;
    }
    if (rc == ACME_OK && index == 0) {
        rc = check_leaf(check, &child, record);
    }
    if (rc == ACME_OK && index + 1 < record->chain_count) {
        rc = load(check, record, (uint8_t)(index + 1), &issuer);
        if (rc == ACME_OK) {
            rc = check_link(&child, &issuer);
        }
    }
    mbedtls_x509_crt_free(&child);
    mbedtls_x509_crt_free(&issuer);
    return rc;
}

int32_t acme_cert_check_chain(const struct acme_chain_check *check, struct acme_cert_record *record)
{
    uint8_t i;

    for (i = 0; i < record->chain_count; i++) {
        int32_t rc = check_one(check, record, i);

        if (rc != ACME_OK) {
            return rc;
        }
    }
    return record->chain_count > 0 ? ACME_OK : ACME_ERR_CERT_PARSE;
}

int32_t acme_cert_id(const struct acme_chain_check *check, const struct acme_cert_record *record,
                     struct acme_buf *out)
{
    mbedtls_x509_crt leaf;
    int32_t rc;

    mbedtls_x509_crt_init(&leaf);
    rc = load(check, record, 0, &leaf);
    if (rc == ACME_OK && leaf.authority_key_id.keyIdentifier.len == 0) {
        rc = ACME_ERR_CERT_PARSE;
    }
    if (rc == ACME_OK) {
        acme_b64url_add(out, leaf.authority_key_id.keyIdentifier.p,
                        leaf.authority_key_id.keyIdentifier.len);
        acme_buf_add_char(out, '.');
        acme_b64url_add(out, leaf.serial.p, leaf.serial.len);
        rc = acme_buf_result(out) < 0 ? ACME_ERR_BUFFER : ACME_OK;
    }
    mbedtls_x509_crt_free(&leaf);
    return rc;
}

int32_t acme_cert_issued_by(const struct acme_chain_check *check,
                            const struct acme_cert_record *record, const char *name)
{
    const mbedtls_x509_name *part;
    mbedtls_x509_crt last;
    int32_t rc;

    mbedtls_x509_crt_init(&last);
    rc = load(check, record, (uint8_t)(record->chain_count - 1u), &last);
    if (rc == ACME_OK) {
        rc = ACME_ERR_NOT_FOUND;
        for (part = &last.issuer; part != NULL && rc != ACME_OK; part = part->next) {
            if (MBEDTLS_OID_CMP(MBEDTLS_OID_AT_CN, &part->oid) == 0 &&
                part->val.len == strlen(name) && memcmp(part->val.p, name, part->val.len) == 0) {
                rc = ACME_OK;
            }
        }
    }
    mbedtls_x509_crt_free(&last);
    return rc;
}
