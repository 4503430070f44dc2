/*
 * tsig: what a server's reply says of its signature. The message's reader and PSA are stand-ins,
 * which may find or compute anything.
 */
#include "proof.h"

#include "acme/error.h"
#include "dns/message.h"
#include "proof_dns.h"

#include "dns/tsig.h"

psa_status_t any_update(psa_mac_operation_t *op, const uint8_t *data, size_t len)
{
    (void)op;
    PROVE(__CPROVER_r_ok(data, len));
    return nondet_i32();
}

psa_status_t psa_mac_sign_setup(psa_mac_operation_t *op, psa_key_id_t key, psa_algorithm_t alg)
{
    (void)op;
    (void)key;
    (void)alg;
    return nondet_i32();
}

psa_status_t psa_mac_update(psa_mac_operation_t *op, const uint8_t *data, size_t len)
{
    return any_update(op, data, len);
}

psa_status_t psa_mac_sign_finish(psa_mac_operation_t *op, uint8_t *mac, size_t size, size_t *len)
{
    (void)op;
    PROVE(__CPROVER_w_ok(mac, size));
    __CPROVER_havoc_slice(mac, size);
    *len = any_size(size);
    return nondet_i32();
}

psa_status_t psa_mac_abort(psa_mac_operation_t *op)
{
    (void)op;
    return nondet_i32();
}

psa_status_t psa_import_key(const psa_key_attributes_t *attributes, const uint8_t *data, size_t len,
                            psa_key_id_t *key)
{
    (void)attributes;
    PROVE(__CPROVER_r_ok(data, len));
    *key = nondet_u32();
    return nondet_i32();
}

psa_status_t psa_destroy_key(psa_key_id_t key)
{
    (void)key;
    return nondet_i32();
}

int mbedtls_ct_memcmp(const void *a, const void *b, size_t len)
{
    PROVE(__CPROVER_r_ok(a, len) && __CPROVER_r_ok(b, len));
    return nondet_i32();
}

void acme_zeroize(void *data, size_t len)
{
    PROVE(__CPROVER_w_ok(data, len));
}

int32_t acme_dns_name_to_wire(const char *name, bool lower, uint8_t *out, size_t size)
{
    int32_t n = nondet_i32();

    (void)lower;
    PROVE(__CPROVER_r_ok(name, 1) && __CPROVER_w_ok(out, size));
    ASSUME(n == ACME_ERR_NAME || n == ACME_ERR_BUFFER || (n > 0 && (size_t)n <= size));
    return n;
}

/* Of the message that is read, for the loop's invariant. */
static const uint8_t *the_data;
static size_t the_len;

#define IS_LAST(r, e) (IS_ENTRY(r, e) && (e).rdata + (e).rdata_len == (r).len)

#include "dns/tsig.c"

/* A key that acme_tsig_check_key has passed. */
static struct acme_tsig_key any_key(void)
{
    struct acme_tsig_key key = {"k", (uint8_t)any_size(2), nondet_u32(), NULL, any_size(64)};

    key.secret = any_bytes(key.secret_len, 64);
    return key;
}

static struct acme_tsig_request any_request(void)
{
    struct acme_tsig_request request;

    ASSUME(request.mac_len <= ACME_TSIG_MAC_MAX);
    return request;
}

/* proof: last; unwind 2; any message of any number of entries */
/* invariant: dns/tsig.c find; "while (rc == ACME_OK) {"; __CPROVER_assigns(rc, next, *record, *r)
 * __CPROVER_loop_invariant(r->data == the_data && r->len == the_len && IS_READER(*r) && (rc !=
 * ACME_OK || (IS_ENTRY(*r, next) && next.rdata + next.rdata_len == r->at)) && (rc !=
 * ACME_ERR_NOT_FOUND || r->at == r->len) && (record->type == 0 || rc == ACME_OK || rc ==
 * ACME_ERR_DNS_MESSAGE || IS_LAST(*r, *record))) */
/* of: dns/tsig.c find; a message that was begun; "if (rc != ACME_ERR_NOT_FOUND) {" -> "if (rc ==
 * ACME_ERR_BUFFER) {" */
void last(void)
{
    struct acme_dns_reader r;
    struct acme_dns_entry record;

    any_message(&r, 60);
    the_data = r.data;
    the_len = r.len;
    if (find(&r, &record) == ACME_OK) {
        PROVE(IS_READER(r) && IS_LAST(r, record));
        SHOW(record.rdata_len == 7);
    }
}

static bool is_tsig(const struct tsig *t)
{
    return __CPROVER_r_ok(t->mac, t->mac_len) && __CPROVER_r_ok(t->other, t->other_len);
}

/* proof: parts; unwind 2; any last record of a message of up to 60 bytes */
/* of: dns/tsig.c split; the last record of a message; "end - at < FIXED_SIZE" -> "end - at <
 * FIXED_SIZE - 7" */
/* plant: dns/tsig.c split; "end - at < t->mac_len + 6u" -> "end - at < t->mac_len" */
/* plant: dns/tsig.c split; "end - at - 6 != t->other_len" -> "end - at - 6 > t->other_len" */
/* of: dns/tsig.c get16; two bytes; "at[1]" -> "at[200]" */
/* of: dns/tsig.c get48; six bytes; "get16(at + 4)" -> "get16(at + 100)" */
void parts(void)
{
    struct acme_dns_reader r;
    struct acme_dns_entry record;
    struct acme_tsig_key key = any_key();
    struct tsig t;
    int32_t rc;

    any_message(&r, 60);
    record = any_entry_of(&r);
    ASSUME(IS_LAST(r, record));
    rc = split(&r, &record, &key, &t);
    PROVE((rc != ACME_OK && rc != ACME_ERR_DNS_REPLY_SIG) || is_tsig(&t));
    SHOW(rc == ACME_OK && t.other_len == 6 && t.mac_len == 32);
}

static struct tsig any_tsig(void)
{
    struct tsig t = {nondet_u64(), nondet_u16(), nondet_u16(), nondet_u16()};

    ASSUME(t.time_s < 1ULL << 48);
    t.mac_len = (uint16_t)any_size(300);
    t.other_len = (uint16_t)any_size(300);
    t.mac = any_bytes(t.mac_len, 300);
    t.other = any_bytes(t.other_len, 300);
    return t;
}

/* proof: mac; unwind 2; any message and any MAC of up to 300 bytes */
/* wraps: check_mac; "return_value_get16 - 1u"; without additional records there is no TSIG record to take away, and set16 cuts it */
/* of: dns/tsig.c check_mac; a message up to its TSIG record, which split has taken apart; "message +
 * sizeof(head), tsig_at - sizeof(head)" -> "message + sizeof(head), tsig_at" */
/* plant: dns/tsig.c check_mac; "want, t->mac, t->mac_len)" -> "want, t->mac, t->mac_len + 1u)" */
/* of: dns/tsig.c is_mac_len; a key that was checked; "len <= whole &&" -> "len <= whole + 1 &&" */
/* of: dns/tsig.c mac_begin; a key that was checked; "key->secret_len, &m->key" -> "key->secret_len +
 * 1, &m->key" */
/* of: dns/tsig.c mac_add; len bytes; "data, len);" -> "data, len + 1);" */
/* of: dns/tsig.c mac_add_name; a name; "n > 0 ? (size_t)n : 0" -> "(size_t)n" */
/* of: dns/tsig.c mac_add_variables; a key that was checked; a record's data; "t->other,
 * t->other_len" -> "t->other, t->other_len + 1u" */
/* of: dns/tsig.c mac_end; ACME_TSIG_MAC_MAX bytes; "mac, ACME_TSIG_MAC_MAX, &len" -> "mac,
 * ACME_TSIG_MAC_MAX + 1, &len" */
/* of: dns/tsig.c set16; two bytes; "at[1] =" -> "at[12] =" */
/* of: dns/tsig.c set48; six bytes; "set16(at + 4," -> "set16(at + 11," */
void mac(void)
{
    struct acme_tsig_key key = any_key();
    struct acme_tsig_request request = any_request();
    struct tsig t = any_tsig();
    size_t at = any_size(300);

    ASSUME(at >= ACME_DNS_HEAD_SIZE);
    SHOW(check_mac(&key, any_bytes(at, 300), at, &request, &t) == ACME_OK);
}

/* proof: says; unwind 2; whatever a record of which the MAC is right, or missing, says */
/* of: dns/tsig.c check_signed; a record's data; "t->other_len == TIME_SIZE" -> "t->other_len > 0" */
/* of: dns/tsig.c is_in_window; a time of 48 bits; "t->time_s > now ? t->time_s - now : now -
 * t->time_s" -> "t->time_s - now" */
/* of: dns/tsig.c check_unsigned; a record's data; "if (t->mac_len != 0) {" -> "if (t->mac_len > 1)
 * {" */
void says(void)
{
    struct tsig t = any_tsig();
    int64_t server_s = 0;
    int32_t rc = check_signed(&t, nondet_i64(), nondet_bool() ? &server_s : NULL);

    PROVE(server_s >= 0 && server_s < INT64_C(1) << 48);
    SHOW(rc == ACME_OK);
    SHOW(server_s == 7);
    PROVE(check_unsigned(&t) == ACME_OK || t.mac_len == 0); /* what is signed is not taken so */
}

int32_t any_find(struct acme_dns_reader *r, struct acme_dns_entry *record)
{
    PROVE(IS_READER(*r));
    *record = nondet_entry();
    if (nondet_bool()) {
        return ACME_ERR_DNS_REPLY_SIG;
    }
    ASSUME(IS_LAST(*r, *record));
    return ACME_OK;
}

int32_t any_split(const struct acme_dns_reader *r, const struct acme_dns_entry *record,
                  const struct acme_tsig_key *key, struct tsig *t)
{
    PROVE(IS_READER(*r) && IS_LAST(*r, *record) && key->algorithm <= ACME_TSIG_HMAC_SHA512);
    *t = any_tsig();
    return nondet_bool() ? ACME_OK : nondet_bool() ? ACME_ERR_DNS_REPLY_SIG : ACME_ERR_DNS_MESSAGE;
}

int32_t any_check_mac(const struct acme_tsig_key *key, const uint8_t *message, size_t tsig_at,
                      const struct acme_tsig_request *request, const struct tsig *t)
{
    (void)key;
    PROVE(tsig_at >= ACME_DNS_HEAD_SIZE && __CPROVER_r_ok(message, tsig_at));
    PROVE(is_tsig(t) && request->mac_len <= ACME_TSIG_MAC_MAX);
    return nondet_i32();
}

int32_t any_check_signed(const struct tsig *t, int64_t now_s, int64_t *server_s)
{
    (void)now_s;
    (void)server_s;
    PROVE(is_tsig(t));
    return nondet_i32();
}

/* proof: verify; unwind 2; any message of up to 60 bytes */
/* calls: find -> any_find */
/* calls: split -> any_split */
/* calls: check_mac -> any_check_mac */
/* calls: check_signed -> any_check_signed */
/* of: dns/tsig.c acme_tsig_verify; len bytes; a key that was checked; a request that was signed;
 * "if (rc == ACME_OK) {\n        rc = check_mac(" -> "if (rc != ACME_ERR_DNS_MESSAGE) {\n        rc
 * = check_mac(" */
/* plant: dns/tsig.c acme_tsig_verify; "check_mac(key, message, record.start," -> "check_mac(key,
 * message, record.start + len," */
void verify(void)
{
    struct acme_tsig_key key = any_key();
    struct acme_tsig_request request = any_request();
    size_t len = any_size(60);
    int64_t server_s;

    SHOW(acme_tsig_verify(&key, any_bytes(len, 60), len, &request, nondet_i64(),
                          nondet_bool() ? &server_s : NULL) == ACME_OK);
}

/* not: dns/tsig.c acme_tsig_check_key acme_tsig_sign append; they read the application's key, and
 * write: no byte of the network */
