/*
 * CSR, chain sink, chain checks. mbedTLS parses and verifies; this file decides what has to hold.
 * It must not know where a chain comes from.
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
#include "net/x509.h"

/* ---- CSR ---- */

struct san_node {
    mbedtls_x509_san_list san;
#if defined(CONFIG_ACME_IP_IDENTIFIERS)
    uint8_t address[16];
#endif
};

/* One node of the SAN list; the lists live on this frame, so names are added one at a time from the
 * caller's array without allocation. */
static int set_names(mbedtls_x509write_csr *csr, const struct acme_cert_request *request,
                     struct san_node *nodes)
{
    size_t i;

    for (i = 0; i < request->names_count; i++) {
        memset(&nodes[i].san, 0, sizeof(nodes[i].san));
        nodes[i].san.node.type = MBEDTLS_X509_SAN_DNS_NAME;
        nodes[i].san.node.san.unstructured_name.p = (unsigned char *)(uintptr_t)request->names[i];
        nodes[i].san.node.san.unstructured_name.len = strlen(request->names[i]);
        nodes[i].san.next = i + 1 < request->names_count ? &nodes[i + 1].san : NULL;
#if defined(CONFIG_ACME_IP_IDENTIFIERS)
        {
            int32_t len = acme_ipaddr_parse(request->names[i], nodes[i].address);

            if (len > 0) {
                nodes[i].san.node.type = MBEDTLS_X509_SAN_IP_ADDRESS;
                nodes[i].san.node.san.unstructured_name.p = nodes[i].address;
                nodes[i].san.node.san.unstructured_name.len = (size_t)len;
            }
        }
#endif
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

/* ---- the chain as it streams in ---- */

enum sink_state { SINK_OUTSIDE, SINK_LINE, SINK_BODY, SINK_END_LINE };

#define BEGIN_LINE "-----BEGIN CERTIFICATE-----"
#define END_LINE   "-----END CERTIFICATE-----"

void acme_chain_sink_init(struct acme_chain_sink *s, struct acme_store *log, uint8_t *chunk,
                          uint8_t slot, uint8_t generation)
{
    memset(s, 0, sizeof(*s));
    s->log = log;
    s->chunk = chunk;
    s->slot = slot;
    s->generation = generation;
}

static int32_t flush_chunk(struct acme_chain_sink *s)
{
    int32_t rc = acme_store_write_chunk(s->log, s->slot, s->generation, s->chunk_count, s->chunk,
                                        s->chunk_len);

    s->chunk_count++;
    s->chunk_len = 0;
    return rc;
}

static int32_t add_der(struct acme_chain_sink *s, const uint8_t *bytes, int32_t count)
{
    int32_t i;

    for (i = 0; i < count; i++) {
        if (++s->cert_len > CONFIG_ACME_CERT_SIZE_MAX) {
            return ACME_ERR_CERT_LIMIT;
        }
        s->chunk[s->chunk_len++] = bytes[i];
        if (s->chunk_len == ACME_CHAIN_CHUNK) {
            int32_t rc = flush_chunk(s);

            if (rc != ACME_OK) {
                return rc;
            }
        }
    }
    return ACME_OK;
}

static int32_t end_cert(struct acme_chain_sink *s)
{
    if (acme_b64_stream_end(&s->b64) != ACME_OK || s->cert_len == 0) {
        return ACME_ERR_CERT_PARSE;
    }
    s->lengths[s->count++] = (uint16_t)s->cert_len;
    s->cert_len = 0;
    s->state = SINK_OUTSIDE;
    return ACME_OK;
}

/* Outside a certificate only white space may stand (RFC 8555 9.1 allows nothing else). */
static int32_t outside(struct acme_chain_sink *s, char c)
{
    if (c == '\n' || c == '\r' || c == ' ' || c == '\t') {
        return ACME_OK;
    }
    if (c != '-') {
        return ACME_ERR_CERT_PARSE;
    }
    if (s->count == CONFIG_ACME_CHAIN_CERTS_MAX) {
        return ACME_ERR_CERT_LIMIT;
    }
    s->state = SINK_LINE;
    s->dashes_len = 1;
    return ACME_OK;
}

static int32_t line(struct acme_chain_sink *s, char c, const char *want)
{
    if (want[s->dashes_len++] != c) {
        return ACME_ERR_CERT_PARSE;
    }
    if (want[s->dashes_len] != '\0') {
        return ACME_OK;
    }
    if (s->state == SINK_END_LINE) {
        return end_cert(s);
    }
    memset(&s->b64, 0, sizeof(s->b64));
    s->state = SINK_BODY;
    return ACME_OK;
}

static int32_t body(struct acme_chain_sink *s, char c)
{
    uint8_t out[3];
    int32_t n;

    if (c == '-') {
        s->state = SINK_END_LINE;
        s->dashes_len = 1;
        return ACME_OK;
    }
    n = acme_b64_stream_push(&s->b64, c, out);
    return n < 0 ? ACME_ERR_CERT_PARSE : add_der(s, out, n);
}

int32_t acme_chain_sink_push(struct acme_chain_sink *s, const uint8_t *data, size_t len)
{
    int32_t rc = ACME_OK;

    for (; len > 0 && rc == ACME_OK; data++, len--) {
        char c = (char)*data;

        if (s->state == SINK_OUTSIDE) {
            rc = outside(s, c);
        } else if (s->state == SINK_BODY) {
            rc = body(s, c);
        } else {
            rc = line(s, c, s->state == SINK_LINE ? BEGIN_LINE : END_LINE);
        }
    }
    return rc;
}

int32_t acme_chain_sink_finish(struct acme_chain_sink *s)
{
    if (s->state != SINK_OUTSIDE || s->count == 0) {
        return ACME_ERR_CERT_PARSE;
    }
    return s->chunk_len > 0 ? flush_chunk(s) : ACME_OK;
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
    return acme_x509_error(mbedtls_x509_crt_parse_der(crt, check->scratch, record->lengths[index]),
                           ACME_ERR_CERT_PARSE);
}

/* The leaf's SubjectPublicKeyInfo is the one of our key. */
static int32_t check_key(const struct acme_chain_check *check, const mbedtls_x509_crt *leaf)
{
    size_t half = check->scratch_size / 2;
    mbedtls_pk_context ours;
    int our_len, leaf_len;

    mbedtls_pk_init(&ours);
    our_len = mbedtls_pk_setup_opaque(&ours, check->key);
    if (our_len == 0) {
        our_len = mbedtls_pk_write_pubkey_der(&ours, check->scratch, half);
    }
    mbedtls_pk_free(&ours);
    leaf_len = mbedtls_pk_write_pubkey_der(&leaf->pk, check->scratch + half, half);
    if (our_len <= 0) {
        return ACME_ERR_CRYPTO;
    }
    /* Both stand at the end of their half. */
    if (leaf_len != our_len || memcmp(check->scratch + half - our_len,
                                      check->scratch + 2 * half - our_len, (size_t)our_len) != 0) {
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
#if defined(CONFIG_ACME_IP_IDENTIFIERS)
    uint8_t address[16];
    int32_t len = acme_ipaddr_parse(name, address);

    if (len > 0) {
        return kind == MBEDTLS_X509_SAN_IP_ADDRESS && san->len == (size_t)len &&
               memcmp(san->p, address, san->len) == 0;
    }
#endif
    return kind == MBEDTLS_X509_SAN_DNS_NAME &&
           acme_str_equal_nocase((const char *)san->p, san->len, name, strlen(name));
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
#if !defined(CONFIG_ACME_IP_IDENTIFIERS)
    return acme_cert_has_name(request, (const char *)san->p, san->len);
#else
    size_t i;

    for (i = 0; i < request->names_count; i++) {
        if (san_is(san, request->names[i])) {
            return true;
        }
    }
    return false;
#endif
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

#if defined(CONFIG_ACME_ARI)
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
#endif

#if defined(CONFIG_ACME_ALTERNATE_CHAINS)
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
#endif
