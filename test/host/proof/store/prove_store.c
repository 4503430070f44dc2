/*
 * store: the records as they come back from a place that may hold anything, read by functions that
 * get any bytes, or any error. URLs have 6 characters at most here instead of CONFIG_ACME_URL_MAX.
 */
#include "proof.h"

#include "acme/config.h"
#undef CONFIG_ACME_URL_MAX
#define CONFIG_ACME_URL_MAX 6

#include "store/store.c"

/* What record.h promises of a read: an error, or how many bytes it put there; any bytes. */
int32_t acme_record_read(struct acme_store *store, uint64_t key, size_t offset, void *data,
                         size_t size)
{
    int32_t n = nondet_i32();

    (void)store;
    (void)key;
    (void)offset;
    PROVE(__CPROVER_w_ok(data, size));
    ASSUME(n < 0 || (size_t)n <= size);
    return n;
}

int32_t acme_record_set(struct acme_store *store, uint64_t key, const void *data, size_t len)
{
    (void)store;
    (void)key;
    PROVE(__CPROVER_r_ok(data, len));
    return nondet_i32();
}

/* proof: account; unwind 26; any record in any scratch memory of 16 to 40 bytes */
/* of: store/store.c read_texts; a record of count texts; size (>= HEAD_LEN) bytes; "if (n >=
 * TEXT_SIZE) {" -> "if (n > TEXT_SIZE) {" */
/* plant: store/store.c read_texts; "len < HEAD_LEN || raw[0]" -> "len < HEAD_LEN - 1 || raw[0]" */
/* of: store/store.c acme_store_read_account; size (>= HEAD_LEN) bytes; "size, r, 3)" -> "size, r,
 * 4)" */
void account(void)
{
    struct acme_account_record r;
    size_t size = any_size(40);

    ASSUME(size >= HEAD_LEN); /* store.h: it is big enough for the record */
    if (acme_store_read_account(NULL, nondet_u8(), &r, any_bytes(size, 40), size) == ACME_OK) {
        PROVE(strlen(r.directory_url) <= 6 && strlen(r.url) <= 6 && strlen(r.tos_url) <= 6);
        SHOW(strlen(r.url) == 6);
    }
}

/* proof: order; unwind 26; any record in any scratch memory of 16 to 40 bytes */
/* of: store/store.c acme_store_read_order; size (>= HEAD_LEN) bytes; "size, r, 1)" -> "size, r, 9)"
 */
void order(void)
{
    struct acme_order_record r;
    size_t size = any_size(40);

    ASSUME(size >= HEAD_LEN);
    SHOW(acme_store_read_order(NULL, nondet_u8(), &r, any_bytes(size, 40), size) == ACME_OK);
}

/* proof: write_account; unwind 20; any account whose texts end, into any scratch memory of 16 to 40
 */
/* of: store/store.c write_texts; a record of count texts that end; size (>= HEAD_LEN) bytes; "if (n
 * > size - at) {" -> "if (n > size - at + 1) {" */
/* of: store/store.c acme_store_write_account; a record whose texts end; size (>= HEAD_LEN) bytes;
 * "size, r, 3)" -> "size, r, 9)" */
void write_account(void)
{
    struct acme_account_record r;
    size_t size = any_size(40);

    FORGET(r);
    ASSUME(size >= HEAD_LEN);
    r.directory_url[6] = r.url[6] = r.tos_url[6] = '\0';
    SHOW(acme_store_write_account(NULL, nondet_u8(), &r, any_bytes(size, 40), size) == ACME_OK);
}

/* proof: cert; unwind 12; any record */
/* of: store/store.c acme_store_read_cert; nothing; "raw[4] > CONFIG_ACME_CHAIN_CERTS_MAX ||
 * (size_t)len != CERT_FIXED + 2u * raw[4]" -> "(size_t)len < CERT_FIXED" */
void cert(void)
{
    struct acme_cert_record r;

    if (acme_store_read_cert(NULL, nondet_u8(), &r) == ACME_OK) {
        PROVE(r.chain_count <= CONFIG_ACME_CHAIN_CERTS_MAX);
        SHOW(r.chain_count == CONFIG_ACME_CHAIN_CERTS_MAX);
    }
}

/* proof: names; unwind 2; any record into any room of up to 64 bytes */
/* of: store/store.c acme_store_read_names; size bytes; "if ((size_t)len == size) {" -> "if
 * ((size_t)len > size) {" */
void names(void)
{
    size_t size = any_size(64);

    SHOW(acme_store_read_names(NULL, nondet_u8(), any_bytes(size, 64), size) == ACME_OK);
}

/* proof: schedule; unwind 2; any record */
/* of: store/store.c acme_store_read_schedule; nothing; "sizeof(raw) - (size_t)len);" ->
 * "sizeof(raw) - (size_t)len + 1);" */
/* of: store/store.c acme_store_read_floor; nothing; "acme_get64(raw)" -> "acme_get64(raw + 1)" */
void schedule(void)
{
    struct acme_schedule s;
    int64_t floor_s;

    SHOW(acme_store_read_schedule(NULL, nondet_u8(), &s) == ACME_OK);
    SHOW(acme_store_read_floor(NULL, &floor_s) == ACME_OK);
}

/* proof: chain; unwind 4; any 1 to 600 bytes from anywhere in any chain */
/* of: store/store.c acme_store_read_chain; len bytes; "n = n > len ? len : n;" -> "n = n > len ?
 * len + 1 : n;" */
void chain(void)
{
    size_t len = any_size(600);
    uint32_t offset = nondet_u32();

    ASSUME(offset <= (uint32_t)CONFIG_ACME_CHAIN_CERTS_MAX * CONFIG_ACME_CERT_SIZE_MAX);
    SHOW(acme_store_read_chain(NULL, nondet_u8(), nondet_u8(), offset, any_bytes(len, 600), len) ==
         ACME_OK);
}

/* not: store/store.c acme_store_check_chain chunk_key; they count what is there, and read no byte
 * of it */
/* not: store/store.c end_batch acme_store_write_order acme_store_install remove_key
 * acme_store_remove_cert acme_store_remove acme_store_write_schedule acme_store_write_floor
 * acme_store_write_chunk acme_store_remove_chain; they write, or remove */
/* not: store/store.c lower compare next_name add_byte add_name acme_store_names_id
 * acme_store_names_id_v1; they read the application's names */
