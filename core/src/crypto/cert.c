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
    size_t i, count = 0;

    for (i = 0; i < request->names_count; i++) {
        if (acme_str_is_repeated(request->names, i)) {
            continue;
        }
        set_name(&nodes[count], request->names[i]);
        nodes[count].san.next = NULL;
        if (count > 0) {
            nodes[count - 1].san.next = &nodes[count].san;
        }
        count++;
    }
    return mbedtls_x509write_csr_set_subject_alternative_name(csr, &nodes[0].san);
}

/* For the names and the public key, which mbedTLS calls a bad one where there is no room for it.
 * The whole CSR, with its signature, takes more. */
static size_t least_room(const struct san_node *first)
{
    size_t room = 48 + 1 + 2 * 48; /* what is around the names; the point of a key of P-384 */

    for (const mbedtls_x509_san_list *san = &first->san; san != NULL; san = san->next) {
        size_t len = san->node.san.unstructured_name.len;

        room += len + (len < 128 ? 2 : 3);
    }
    return room;
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
    if (rc == 0 &&
        least_room((const struct san_node *)(void *)(out + skip)) > size - skip - nodes_size) {
        rc = MBEDTLS_ERR_ASN1_BUF_TOO_SMALL;
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

static bool has_all_names(const struct acme_cert_request *request, const mbedtls_x509_crt *leaf)
{
    size_t i;

    for (i = 0; i < request->names_count; i++) {
        if (!has_san(leaf, request->names[i])) {
            return false;
        }
    }
    return true;
}

/* Shown to people: cut to fit, and nothing that a terminal would obey. */
static void tell_name(const struct acme_chain_check *check, const mbedtls_x509_buf *san)
{
    size_t i;

    for (i = 0; check->added != NULL && i < san->len && i + 1 < check->added_size; i++) {
        check->added[i] = san->p[i] > ' ' && san->p[i] <= '~' ? (char)san->p[i] : '?';
        check->added[i + 1] = '\0';
    }
}

static bool has_more_names(const struct acme_chain_check *check, const mbedtls_x509_crt *leaf)
{
    const mbedtls_x509_sequence *san;

    for (san = &leaf->subject_alt_names; san != NULL; san = san->next) {
        if (san->buf.p != NULL && !is_wanted(check->request, &san->buf)) {
            tell_name(check, &san->buf);
            return true;
        }
    }
    return false;
}

/* A CA backdates by an hour or so, and clocks differ: a minute of the future is not refused. */
#define SKEW_S 60

/* What is wrong with the leaf, but for what passes: ACME_ERR_CERT_NAMES_ADDED, _EARLY come last. */
static int32_t check_leaf(const struct acme_chain_check *check, const mbedtls_x509_crt *leaf,
                          struct acme_cert_record *record, int32_t *passing)
{
    struct acme_span span = {INT64_MIN, INT64_MAX};
    uint32_t dates = acme_x509_bad_dates(check->clock, leaf, SKEW_S, &span);

    record->not_before_s = span.from_s;
    record->not_after_s = span.to_s;
    if (!has_all_names(check->request, leaf)) {
        return ACME_ERR_CERT_NAMES;
    }
    if ((dates & MBEDTLS_X509_BADCERT_EXPIRED) != 0) {
        return ACME_ERR_CERT_DATES;
    }
    if (!check->may_add_names && has_more_names(check, leaf)) {
        *passing = ACME_ERR_CERT_NAMES_ADDED;
    } else if (dates != 0) {
        *passing = ACME_ERR_CERT_EARLY;
    }
    return ACME_OK;
}

/* The same without a word about dates. */
static int verify_link(mbedtls_x509_crt *child, mbedtls_x509_crt *issuer, uint32_t *flags)
{
    int ret = mbedtls_x509_crt_verify(child, issuer, NULL, NULL, flags, NULL, NULL);

    *flags &= ~(uint32_t)(MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE);
    return ret == MBEDTLS_ERR_X509_CERT_VERIFY_FAILED && *flags == 0 ? 0 : ret;
}

/* Whether child is signed by issuer: only the signature and the CA rights; dates are ours. An
 * allocation that fails makes mbedTLS call a good signature bad: so that is looked at twice. */
static int32_t check_link(mbedtls_x509_crt *child, mbedtls_x509_crt *issuer)
{
    uint32_t flags = 0;
    int ret = verify_link(child, issuer, &flags);

    if (ret == MBEDTLS_ERR_X509_CERT_VERIFY_FAILED) {
        int32_t rc = acme_x509_look_again(child, issuer, 0, true);

        if (rc != ACME_OK) {
            return rc;
        }
        ret = verify_link(child, issuer, &flags);
    }
    return acme_x509_error(ret, ACME_ERR_CERT_CHAIN);
}

/* ---- the chain in its order ---- */

/* The certificates from the leaf up, each signed by the next, as their places in the store. A root
 * is none of them: whoever trusts it has it. */
struct path {
    uint8_t places[CONFIG_ACME_CHAIN_CERTS_MAX];
    uint8_t known[CONFIG_ACME_CHAIN_CERTS_MAX]; /* by place: what follows */
    uint8_t count;
    bool complete; /* up to a root */
    int32_t found; /* of the search for one more, see find_issuer */
};
enum { UNKNOWN, RELATED /* by its name */, TAKEN /* on the path, or its root */ };

static bool same_name(const mbedtls_x509_buf *a, const mbedtls_x509_buf *b)
{
    return a->len == b->len && memcmp(a->p, b->p, a->len) == 0;
}

static bool is_root(const mbedtls_x509_crt *crt)
{
    return same_name(&crt->issuer_raw, &crt->subject_raw);
}

/* The first certificate that is for our key. */
static int32_t find_leaf(const struct acme_chain_check *check, struct acme_cert_record *record,
                         struct path *path, int32_t *passing)
{
    int32_t rc = ACME_ERR_CERT_KEY;
    uint8_t i;

    for (i = 0; i < record->chain_count && rc == ACME_ERR_CERT_KEY; i++) {
        mbedtls_x509_crt crt;

        mbedtls_x509_crt_init(&crt);
        rc = load(check, record, i, &crt);
        if (rc == ACME_OK) {
            rc = check_key(check, &crt);
        }
        if (rc == ACME_OK) {
            rc = check_leaf(check, &crt, record, passing);
            path->places[0] = i;
            path->count = 1;
            path->known[i] = TAKEN;
        }
        mbedtls_x509_crt_free(&crt);
    }
    return rc;
}

/* Looks at a certificate that by its name is the issuer of child, and takes it if it has signed. */
static int32_t take_issuer(const struct acme_chain_check *check, uint8_t place,
                           mbedtls_x509_crt *child, mbedtls_x509_crt *issuer, struct path *path)
{
    struct acme_span span = {0, 0};
    int32_t rc = check_link(child, issuer);

    if (rc == ACME_ERR_CERT_CHAIN) { /* there may be another of that name */
        path->found = rc;
        return ACME_OK;
    }
    if (rc != ACME_OK) {
        return rc;
    }
    path->known[place] = TAKEN;
    if (is_root(issuer)) {
        path->complete = true;
        return ACME_OK;
    }
    path->found = ACME_OK;
    path->places[path->count++] = place;
    return acme_x509_bad_dates(check->clock, issuer, SKEW_S, &span) == 0 ? ACME_OK
                                                                         : ACME_ERR_CERT_DATES;
}

static int32_t try_place(const struct acme_chain_check *check,
                         const struct acme_cert_record *record, uint8_t place,
                         mbedtls_x509_crt *child, struct path *path)
{
    mbedtls_x509_crt crt;
    int32_t rc;

    mbedtls_x509_crt_init(&crt);
    rc = load(check, record, place, &crt);
    if (rc == ACME_OK) {
        bool issuer = same_name(&child->issuer_raw, &crt.subject_raw);

        if (issuer || same_name(&child->subject_raw, &crt.subject_raw)) {
            path->known[place] = RELATED;
        }
        if (issuer && path->found != ACME_OK) {
            rc = take_issuer(check, place, child, &crt, path);
        }
    }
    mbedtls_x509_crt_free(&crt);
    return rc;
}

/* Takes the issuer of the path's last certificate from what is left, the next in the store first.
 * path->found says whether there is one: ACME_ERR_NOT_FOUND where the path ends. */
static int32_t find_issuer(const struct acme_chain_check *check,
                           const struct acme_cert_record *record, struct path *path)
{
    uint8_t last = path->places[path->count - 1u], i;
    mbedtls_x509_crt child;
    int32_t rc;

    path->found = ACME_ERR_NOT_FOUND;
    mbedtls_x509_crt_init(&child);
    rc = load(check, record, last, &child);
    for (i = 1; i < record->chain_count && rc == ACME_OK; i++) {
        uint8_t place = (uint8_t)((last + i) % record->chain_count);

        if (path->known[place] != TAKEN) {
            rc = try_place(check, record, place, &child, path);
        }
    }
    mbedtls_x509_crt_free(&child);
    return rc;
}

/* What is left may be given twice, or be another way up: it is not served. What has nothing to do
 * with the path means that a link between them is missing. */
static int32_t find_path(const struct acme_chain_check *check,
                         const struct acme_cert_record *record, struct path *path)
{
    int32_t rc;
    uint8_t i;

    do {
        rc = find_issuer(check, record, path);
    } while (rc == ACME_OK && path->found == ACME_OK);
    if (rc != ACME_OK || (path->found == ACME_ERR_CERT_CHAIN && !path->complete)) {
        return rc != ACME_OK ? rc : ACME_ERR_CERT_CHAIN;
    }
    for (i = 0; i < record->chain_count && path->known[i] != UNKNOWN; i++) {
    }
    return i == record->chain_count ? ACME_OK : ACME_ERR_CERT_CHAIN;
}

/* Brings the certificates in the store into the path's order, and lets the record end with it. */
static int32_t arrange(const struct acme_chain_check *check, struct acme_cert_record *record,
                       struct path *path)
{
    int32_t rc = ACME_OK;
    uint8_t i, k;

    for (i = 0; i < path->count && rc == ACME_OK; i++) {
        uint8_t from = path->places[i];

        if (from == i) {
            continue;
        }
        rc = acme_chain_move(check->log, check->slot, check->generation, record, from, i,
                             check->scratch);
        for (k = 0; k < path->count; k++) { /* those that it was moved in front of */
            if (path->places[k] >= i && path->places[k] < from) {
                path->places[k]++;
            }
        }
        path->places[i] = i;
    }
    record->chain_count = path->count;
    return rc;
}

int32_t acme_cert_check_chain(const struct acme_chain_check *check, struct acme_cert_record *record)
{
    struct path path = {.count = 0};
    int32_t passing = ACME_OK, rc;

    if (record->chain_count == 0) {
        return ACME_ERR_CERT_PARSE;
    }
    rc = find_leaf(check, record, &path, &passing);
    if (rc == ACME_OK) {
        rc = find_path(check, record, &path);
    }
    if (rc == ACME_OK) {
        rc = passing;
    }
    return rc == ACME_OK ? arrange(check, record, &path) : rc;
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

static bool has_common_name(const mbedtls_x509_name *part, const char *name)
{
    for (; part != NULL; part = part->next) {
        if (MBEDTLS_OID_CMP(MBEDTLS_OID_AT_CN, &part->oid) == 0 && part->val.len == strlen(name) &&
            memcmp(part->val.p, name, part->val.len) == 0) {
            return true;
        }
    }
    return false;
}

int32_t acme_cert_issued_by(const struct acme_chain_check *check,
                            const struct acme_cert_record *record, const char *name)
{
    struct acme_cert_record copy = *record;
    struct path path = {.count = 0};
    int32_t ignored, rc = find_leaf(check, &copy, &path, &ignored);
    mbedtls_x509_crt last;

    if (rc == ACME_OK) {
        rc = find_path(check, record, &path);
    }
    mbedtls_x509_crt_init(&last);
    if (rc == ACME_OK) {
        rc = load(check, record, path.places[path.count - 1u], &last);
    }
    if (rc == ACME_OK && !has_common_name(&last.issuer, name)) {
        rc = ACME_ERR_NOT_FOUND;
    }
    mbedtls_x509_crt_free(&last);
    return rc;
}
