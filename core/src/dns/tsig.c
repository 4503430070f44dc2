/*
 * TSIG records: MAC input, appending, verifying. It must not know what a message asks for.
 */
#include "dns/tsig.h"

#include <string.h>

#include <mbedtls/constant_time.h>

#include "base/assert.h"
#include "base/buf.h"

#define TIME_SIZE 6u
#define FIXED_SIZE                                                                                 \
    16u /* of the data after the algorithm: time, fudge, MAC size; id, error, other */

struct algorithm {
    const char *name;
    psa_algorithm_t hash;
    uint8_t mac_len;
};

static const struct algorithm algorithms[] = {
    [ACME_TSIG_HMAC_SHA256] = {"hmac-sha256", PSA_ALG_SHA_256, 32},
    [ACME_TSIG_HMAC_SHA384] = {"hmac-sha384", PSA_ALG_SHA_384, 48},
    [ACME_TSIG_HMAC_SHA512] = {"hmac-sha512", PSA_ALG_SHA_512, 64},
};

/* The data of a TSIG record. */
struct tsig {
    uint64_t time_s;
    uint16_t fudge, original_id, error;
    const uint8_t *mac, *other;
    uint16_t mac_len, other_len;
};

static uint16_t get16(const uint8_t *at)
{
    return (uint16_t)((uint32_t)at[0] << 8 | at[1]);
}

static uint64_t get48(const uint8_t *at)
{
    return (uint64_t)get16(at) << 32 | (uint64_t)get16(at + 2) << 16 | get16(at + 4);
}

static void set16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void set48(uint8_t *at, uint64_t value)
{
    set16(at, (uint32_t)(value >> 32) & 0xffffu);
    set16(at + 2, (uint32_t)(value >> 16) & 0xffffu);
    set16(at + 4, (uint32_t)value & 0xffffu);
}

int32_t acme_tsig_check_key(const struct acme_tsig_key *key)
{
    if (key->name == NULL || key->name[0] == '\0' || acme_dns_check_name(key->name) != ACME_OK) {
        return ACME_ERR_NAME;
    }
    if (key->algorithm >= sizeof(algorithms) / sizeof(algorithms[0])) {
        return ACME_ERR_UNSUPPORTED;
    }
    return key->psa_key == 0 && (key->secret == NULL || key->secret_len == 0) ? ACME_ERR_ARGUMENT
                                                                              : ACME_OK;
}

/* ---- the MAC ---- */

struct mac {
    psa_mac_operation_t op;
    psa_key_id_t key;
    bool own; /* the key was imported for this MAC */
    psa_status_t status;
};

static void mac_begin(struct mac *m, const struct acme_tsig_key *key)
{
    psa_algorithm_t alg = PSA_ALG_HMAC(algorithms[key->algorithm].hash);
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;

    memset(m, 0, sizeof(*m));
    m->op = psa_mac_operation_init();
    m->key = key->psa_key;
    m->own = key->psa_key == 0;
    m->status = PSA_SUCCESS;
    if (m->own) {
        psa_set_key_type(&attributes, PSA_KEY_TYPE_HMAC);
        psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_SIGN_MESSAGE);
        psa_set_key_algorithm(&attributes, alg);
        m->status = psa_import_key(&attributes, key->secret, key->secret_len, &m->key);
        m->own = m->status == PSA_SUCCESS;
    }
    if (m->status == PSA_SUCCESS) {
        m->status = psa_mac_sign_setup(&m->op, m->key, alg);
    }
}

static void mac_add(struct mac *m, const uint8_t *data, size_t len)
{
    if (m->status == PSA_SUCCESS && len > 0) {
        m->status = psa_mac_update(&m->op, data, len);
    }
}

static void mac_add_name(struct mac *m, const char *name)
{
    uint8_t wire[ACME_DNS_WIRE_SIZE];
    int32_t n = acme_dns_name_to_wire(name, true, wire, sizeof(wire));

    mac_add(m, wire, n > 0 ? (size_t)n : 0);
}

/* RFC 8945 4.3.3: the variables of the record, names in canonical form. */
static void mac_add_variables(struct mac *m, const struct acme_tsig_key *key, const struct tsig *t)
{
    static const uint8_t class_ttl[] = {0, ACME_DNS_CLASS_ANY, 0, 0, 0, 0};
    uint8_t fixed[TIME_SIZE + 6];

    mac_add_name(m, key->name);
    mac_add(m, class_ttl, sizeof(class_ttl));
    mac_add_name(m, algorithms[key->algorithm].name);
    set48(fixed, t->time_s);
    set16(fixed + TIME_SIZE, t->fudge);
    set16(fixed + TIME_SIZE + 2, t->error);
    set16(fixed + TIME_SIZE + 4, t->other_len);
    mac_add(m, fixed, sizeof(fixed));
    mac_add(m, t->other, t->other_len);
}

static int32_t mac_end(struct mac *m, uint8_t mac[ACME_TSIG_MAC_MAX])
{
    size_t len;

    if (m->status == PSA_SUCCESS) {
        m->status = psa_mac_sign_finish(&m->op, mac, ACME_TSIG_MAC_MAX, &len);
    }
    (void)psa_mac_abort(&m->op);
    if (m->own) {
        (void)psa_destroy_key(m->key);
    }
    return m->status == PSA_SUCCESS ? ACME_OK : ACME_ERR_CRYPTO;
}

/* ---- signing ---- */

static void append(struct acme_dns_writer *w, const struct acme_tsig_key *key, const struct tsig *t)
{
    uint8_t rdata[16 + FIXED_SIZE + ACME_TSIG_MAC_MAX];
    int32_t n = acme_dns_name_to_wire(algorithms[key->algorithm].name, true, rdata, 16);
    uint8_t *at = rdata + n;

    set48(at, t->time_s);
    set16(at + 6, t->fudge);
    set16(at + 8, t->mac_len);
    memcpy(at + 10, t->mac, t->mac_len);
    at += 10 + t->mac_len;
    set16(at, t->original_id);
    set16(at + 2, 0);
    set16(at + 4, 0);
    acme_dns_write_record(w, ACME_DNS_ADDITIONAL, key->name, ACME_DNS_TYPE_TSIG, ACME_DNS_CLASS_ANY,
                          0, rdata, (size_t)(at + 6 - rdata));
}

int32_t acme_tsig_sign(const struct acme_tsig_key *key, uint8_t *message, size_t len, size_t size,
                       int64_t now_s, struct acme_tsig_request *request)
{
    struct tsig t = {.time_s = (uint64_t)now_s, .fudge = ACME_TSIG_FUDGE_S, .mac = request->mac};
    struct acme_dns_writer w = {.data = message, .size = size, .len = len};
    struct mac m;
    int32_t rc = acme_tsig_check_key(key);

    memset(request, 0, sizeof(*request));
    if (rc != ACME_OK) {
        return rc;
    }
    if (len < ACME_DNS_HEAD_SIZE || len > size) {
        return ACME_ERR_BUFFER;
    }
    ACME_ASSERT(algorithms[key->algorithm].mac_len <= ACME_TSIG_MAC_MAX);
    t.original_id = get16(message);
    t.mac_len = algorithms[key->algorithm].mac_len;
    mac_begin(&m, key);
    mac_add(&m, message, len);
    mac_add_variables(&m, key, &t);
    rc = mac_end(&m, request->mac);
    if (rc != ACME_OK) {
        return rc;
    }
    request->mac_len = (uint8_t)t.mac_len;
    request->time_s = now_s;
    append(&w, key, &t);
    return acme_dns_write_result(&w);
}

/* ---- verifying ---- */

/* Finds the TSIG record: it is the last of the message, and there is one. */
static int32_t find(struct acme_dns_reader *r, struct acme_dns_entry *record)
{
    struct acme_dns_entry next;
    int32_t rc = acme_dns_read_next(r, &next);

    memset(record, 0, sizeof(*record));
    while (rc == ACME_OK) {
        if (record->type == ACME_DNS_TYPE_TSIG) {
            return ACME_ERR_DNS_MESSAGE;
        }
        *record = next;
        rc = acme_dns_read_next(r, &next);
    }
    if (rc != ACME_ERR_NOT_FOUND) {
        return rc;
    }
    if (record->type != ACME_DNS_TYPE_TSIG || record->section != ACME_DNS_ADDITIONAL) {
        return ACME_ERR_DNS_REPLY_SIG;
    }
    return record->rclass == ACME_DNS_CLASS_ANY && record->ttl == 0 ? ACME_OK
                                                                    : ACME_ERR_DNS_MESSAGE;
}

/* Splits the record's data; its algorithm must be the key's. */
static int32_t split(const struct acme_dns_reader *r, const struct acme_dns_entry *record,
                     const struct acme_tsig_key *key, struct tsig *t)
{
    char name[ACME_DNS_NAME_SIZE];
    size_t at = 0, end = record->rdata + record->rdata_len;
    const uint8_t *data = r->data;

    /* The record is the message's last, so the name ends within it. */
    if (acme_dns_read_name(r, record->rdata, name, &at) != ACME_OK || end - at < FIXED_SIZE) {
        return ACME_ERR_DNS_MESSAGE;
    }
    t->time_s = get48(data + at);
    t->fudge = get16(data + at + 6);
    t->mac_len = get16(data + at + 8);
    t->mac = data + at + 10;
    at += 10;
    if (end - at < t->mac_len + 6u) {
        return ACME_ERR_DNS_MESSAGE;
    }
    at += t->mac_len;
    t->original_id = get16(data + at);
    t->error = get16(data + at + 2);
    t->other_len = get16(data + at + 4);
    t->other = data + at + 6;
    if (end - at - 6 != t->other_len) {
        return ACME_ERR_DNS_MESSAGE;
    }
    return acme_dns_same_name(name, algorithms[key->algorithm].name) &&
                   acme_dns_is_name(r, record->start, key->name)
               ? ACME_OK
               : ACME_ERR_DNS_REPLY_SIG;
}

/* RFC 8945 5.2.2.1: not longer than the hash, not shorter than half of it or 10 bytes. */
static bool is_mac_len(const struct acme_tsig_key *key, uint16_t len)
{
    uint16_t whole = algorithms[key->algorithm].mac_len;

    return len <= whole && len >= 10 && len >= whole / 2;
}

/* The MAC of a reply covers the request's, and the message as it was before TSIG was added. */
static int32_t check_mac(const struct acme_tsig_key *key, const uint8_t *message, size_t tsig_at,
                         const struct acme_tsig_request *request, const struct tsig *t)
{
    uint8_t head[ACME_DNS_HEAD_SIZE], len[2], want[ACME_TSIG_MAC_MAX];
    struct mac m;
    int32_t rc;

    if (!is_mac_len(key, t->mac_len)) {
        return ACME_ERR_DNS_REPLY_SIG;
    }
    memcpy(head, message, sizeof(head));
    set16(head, t->original_id);
    set16(head + 10, get16(head + 10) - 1u);
    set16(len, request->mac_len);
    mac_begin(&m, key);
    mac_add(&m, len, sizeof(len));
    mac_add(&m, request->mac, request->mac_len);
    mac_add(&m, head, sizeof(head));
    mac_add(&m, message + sizeof(head), tsig_at - sizeof(head));
    mac_add_variables(&m, key, t);
    rc = mac_end(&m, want);
    if (rc == ACME_OK && mbedtls_ct_memcmp(want, t->mac, t->mac_len) != 0) {
        rc = ACME_ERR_DNS_REPLY_SIG;
    }
    acme_zeroize(want, sizeof(want));
    return rc;
}

static bool is_in_window(const struct tsig *t, int64_t now_s)
{
    uint64_t now = (uint64_t)now_s;
    uint64_t apart = t->time_s > now ? t->time_s - now : now - t->time_s;

    return apart <= t->fudge;
}

static int32_t check_signed(const struct tsig *t, int64_t now_s, int64_t *server_s)
{
    if (t->error == ACME_TSIG_BADTIME) {
        if (server_s != NULL && t->other_len == TIME_SIZE) {
            *server_s = (int64_t)get48(t->other);
        }
        return ACME_ERR_DNS_TIME;
    }
    if (t->error == ACME_TSIG_BADTRUNC) {
        return ACME_ERR_DNS_SIG;
    }
    return is_in_window(t, now_s) ? ACME_OK : ACME_ERR_DNS_REPLY_SIG;
}

/* A server that does not have the key cannot sign what it says about the key. */
static int32_t check_unsigned(const struct tsig *t)
{
    if (t->mac_len != 0) {
        return ACME_OK;
    }
    switch (t->error) {
    case ACME_TSIG_BADKEY:
        return ACME_ERR_DNS_KEY;
    case ACME_TSIG_BADSIG:
    case ACME_TSIG_BADTRUNC:
        return ACME_ERR_DNS_SIG;
    default:
        return ACME_OK;
    }
}

int32_t acme_tsig_verify(const struct acme_tsig_key *key, const uint8_t *message, size_t len,
                         const struct acme_tsig_request *request, int64_t now_s, int64_t *server_s)
{
    struct acme_dns_reader r;
    struct acme_dns_entry record;
    struct tsig t = {0};
    int32_t rc = acme_dns_read_begin(&r, message, len);

    if (server_s != NULL) {
        *server_s = 0;
    }
    if (rc == ACME_OK) {
        rc = find(&r, &record);
    }
    if (rc == ACME_OK) {
        rc = split(&r, &record, key, &t);
    }
    if (rc == ACME_OK || rc == ACME_ERR_DNS_REPLY_SIG) {
        int32_t unsigned_rc = check_unsigned(&t);

        rc = unsigned_rc != ACME_OK ? unsigned_rc : rc;
    }
    if (rc == ACME_OK) {
        rc = check_mac(key, message, record.start, request, &t);
    }
    return rc == ACME_OK ? check_signed(&t, now_s, server_s) : rc;
}
