/*
 * record and place: what comes back from flash or a back end, sealed. The place may hold anything;
 * PSA may say of anything that it is right. Sealed values have 24 bytes at most here.
 */
#include "proof.h"

#include "acme/config.h"
#undef CONFIG_ACME_STORE_SEAL_MAX
#define CONFIG_ACME_STORE_SEAL_MAX 24

#include "store/record.h"

#include <psa/crypto.h>

#include "base/bytes.h"
#include "store/counter.h"

static struct acme_store store;

/* What place.h promises of a read: an error, or how many bytes it put there; any bytes. */
int32_t any_place(struct acme_store *s, uint64_t key, size_t offset, void *data, size_t size)
{
    int32_t n = nondet_i32();

    (void)key;
    (void)offset;
    PROVE(data == NULL || __CPROVER_w_ok(data, size));
    PROVE(data != s->sealed || size <= sizeof(s->sealed));
    ASSUME(n < 0 || (size_t)n <= size);
    return n;
}

int32_t any_put(struct acme_store *s, uint64_t key, const void *data, size_t len)
{
    (void)key;
    PROVE(__CPROVER_r_ok(data, len));
    PROVE(data != s->sealed || len <= sizeof(s->sealed));
    return nondet_i32();
}

int32_t any_open(struct acme_store *s, const struct acme_config *config, bool sealed)
{
    (void)s;
    (void)config;
    (void)sealed;
    return nondet_i32();
}

#define AEAD_NONCE 12U
#define AEAD_TAG   16U

psa_status_t psa_aead_decrypt(psa_key_id_t key, psa_algorithm_t alg, const uint8_t *nonce,
                              size_t nonce_len, const uint8_t *aad, size_t aad_len,
                              const uint8_t *in, size_t len, uint8_t *out, size_t size, size_t *got)
{
    psa_status_t status = nondet_i32();

    (void)key;
    (void)alg;
    PROVE(__CPROVER_r_ok(nonce, nonce_len) && __CPROVER_r_ok(aad, aad_len));
    PROVE(in >= store.sealed && in + len <= store.sealed + sizeof(store.sealed));
    PROVE(out == store.plain && size <= sizeof(store.plain));
    if (status == PSA_SUCCESS) {
        ASSUME(len >= AEAD_TAG && len - AEAD_TAG <= size);
        *got = len - AEAD_TAG;
    }
    return status;
}

psa_status_t psa_aead_encrypt(psa_key_id_t key, psa_algorithm_t alg, const uint8_t *nonce,
                              size_t nonce_len, const uint8_t *aad, size_t aad_len,
                              const uint8_t *in, size_t len, uint8_t *out, size_t size, size_t *got)
{
    (void)key;
    (void)alg;
    PROVE(__CPROVER_r_ok(nonce, nonce_len) && __CPROVER_r_ok(aad, aad_len));
    PROVE(__CPROVER_r_ok(in, len));
    PROVE(out >= store.sealed && out + size <= store.sealed + sizeof(store.sealed));
    *got = any_size(size);
    return nondet_i32();
}

psa_status_t psa_generate_random(uint8_t *out, size_t len)
{
    PROVE(out >= store.sealed && out + len <= store.sealed + sizeof(store.sealed));
    return nondet_i32();
}

psa_status_t psa_get_key_attributes(psa_key_id_t key, psa_key_attributes_t *attributes)
{
    (void)key;
    (void)attributes;
    return nondet_i32();
}

void psa_reset_key_attributes(psa_key_attributes_t *attributes)
{
    (void)attributes;
}

void acme_zeroize(void *data, size_t len)
{
    PROVE(data == store.plain && len <= sizeof(store.plain));
}

#include "store/place.c"
#include "store/record.c"

struct acme_store nondet_store(void);

static void any_store(void)
{
    store = nondet_store();
    store.ops = NULL;
}

/* proof: value; unwind 2; whatever is at the place, sealed or not, into any room of up to 40 bytes
 */
/* calls: acme_place_read -> any_place */
/* of: store/record.c acme_record_read; size bytes, or NULL; "(size_t)len - offset < size ?" ->
 * "(size_t)len - offset > size ?" */
/* plant: store/record.c acme_record_read; "if (offset < (size_t)len) {" -> "if (offset <=
 * (size_t)len
 * + 1) {" */
/* of: store/record.c unseal; a store with a key; "(size_t)len < OVERHEAD" -> "(size_t)len <
 * NONCE_LEN - 1" */
/* plant: store/record.c unseal; "s->plain,\n                              sizeof(s->plain), &got"
 * -> "s->plain,\n                              sizeof(s->plain) + 1, &got" */
/* of: store/record.c make_aad; AAD_LEN bytes; "aad + 1" -> "aad + 2" */
void value(void)
{
    size_t size = any_size(40);
    void *data = nondet_bool() ? any_bytes(size, 40) : NULL;
    int32_t n;

    any_store();
    n = acme_record_read(&store, nondet_u64(), nondet_size(), data, size);
    PROVE(n < 0 || (size_t)n <= size);
    SHOW(store.seal_key != 0 && n == 24);
}

/* proof: seal; unwind 2; any value of up to 40 bytes */
/* calls: acme_place_put -> any_put */
/* of: store/record.c seal_put; a store with a key; len bytes; "len + OVERHEAD);" -> "len + OVERHEAD
 * + 1);" */
/* plant: store/record.c seal_put; "sizeof(s->sealed) - NONCE_LEN, &got" -> "sizeof(s->sealed),
 * &got"
 */
void seal(void)
{
    size_t len = any_size(40);

    any_store();
    ASSUME(store.seal_key != 0);
    SHOW(seal_put(&store, nondet_u64(), any_bytes(len, 40), len) == ACME_OK);
}

static size_t opened; /* bytes that any_unseal has put into plain */

int32_t any_unseal(struct acme_store *s, uint64_t key)
{
    int32_t n = nondet_i32();

    (void)s;
    (void)key;
    ASSUME(n < 0 || (size_t)n <= sizeof(s->plain));
    opened = n > 0 ? (size_t)n : 0;
    return n;
}

int32_t acme_counter_check(struct acme_store *s, uint32_t stored)
{
    (void)s;
    (void)stored;
    PROVE(opened == STATE_LEN); /* it is the state that is looked at */
    return nondet_i32();
}

int32_t any_renew(struct acme_store *s)
{
    (void)s;
    return nondet_i32();
}

int32_t any_next_key(struct acme_store *s, uint64_t *key)
{
    (void)s;
    *key = nondet_u64();
    return nondet_i32();
}

/* proof: state; unwind 2; whatever is found under the key of the store's state */
/* calls: unseal -> any_unseal */
/* calls: renew_state -> any_renew */
/* calls: write_state -> any_renew */
/* calls: acme_record_next -> any_next_key */
/* of: store/record.c open_state; a store with a key; "rc == (int32_t)STATE_LEN" -> "rc >= 0" */
void state(void)
{
    any_store();
    SHOW(open_state(&store) == ACME_OK);
}

/* not: store/record.c try_others algorithm put_state acme_record_delete acme_record_abort
 * begin_values begin_deletions acme_record_begin acme_record_put acme_record_commit acme_record_set
 * acme_record_next write_state renew_state take_seal check_seal acme_store_open; they read no
 * foreign byte: keys, counts and results of the functions above */

/* ---- place ---- */

static int32_t back_read(void *ctx, uint64_t key, size_t offset, void *data, size_t size)
{
    (void)ctx;
    return any_place(&store, key, offset, data, size);
}

static int32_t back_put(void *ctx, uint64_t key, const void *data, size_t len)
{
    (void)ctx;
    return any_put(&store, key, data, len);
}

static int32_t back_begin(void *ctx, size_t len, size_t count)
{
    (void)ctx;
    (void)len;
    (void)count;
    return nondet_i32();
}

static int32_t back_commit(void *ctx)
{
    (void)ctx;
    return nondet_i32();
}

static void back_abort(void *ctx)
{
    (void)ctx;
}

static int32_t back_next(void *ctx, uint64_t *key)
{
    (void)ctx;
    *key = nondet_u64();
    return nondet_i32();
}

static const struct acme_record_ops back = {.read = back_read,
                                            .put = back_put,
                                            .begin = back_begin,
                                            .commit = back_commit,
                                            .abort = back_abort,
                                            .next = back_next};

int32_t acme_flashlog_read(struct acme_flashlog *log, uint64_t key, size_t offset, void *data,
                           size_t size)
{
    (void)log;
    return any_place(&store, key, offset, data, size);
}

int32_t acme_flashlog_put(struct acme_flashlog *log, uint64_t key, const void *data, size_t len)
{
    (void)log;
    return any_put(&store, key, data, len);
}

int32_t acme_flashlog_set(struct acme_flashlog *log, uint64_t key, const void *data, size_t len)
{
    return acme_flashlog_put(log, key, data, len);
}

int32_t acme_flashlog_next(struct acme_flashlog *log, uint64_t *key)
{
    (void)log;
    *key = nondet_u64();
    return nondet_i32();
}

/* proof: at_place; unwind 2; any value of up to 40 bytes, of the log or of a back end */
/* of: store/place.c acme_place_read; size bytes, or NULL; "read(s->ops_ctx, key, offset, data,
 * size)"
 * -> "read(s->ops_ctx, key, offset, data, size + 1)" */
/* of: store/place.c acme_place_put; len bytes; "put(s->ops_ctx, key, data, len)" ->
 * "put(s->ops_ctx, key, data, len + 1)" */
/* of: store/place.c acme_place_set; len bytes; "acme_flashlog_set(&s->log, key, data, len)" ->
 * "acme_flashlog_set(&s->log, key, data, len + 1)" */
/* of: store/place.c set_foreign; len bytes; "put(s->ops_ctx, key, data, len)" -> "put(s->ops_ctx,
 * key, data, len + 1)" */
/* of: store/place.c acme_place_next; a key; "next(s->ops_ctx, key)" -> "next(s->ops_ctx, key + 1)"
 */
void at_place(void)
{
    size_t size = any_size(40);
    uint8_t *data = any_bytes(size, 40);
    uint64_t key = nondet_u64();
    int32_t n;

    any_store();
    store.ops = nondet_bool() ? &back : NULL;
    n = acme_place_read(&store, key, nondet_size(), data, size);
    PROVE(n < 0 || (size_t)n <= size);
    SHOW(n == 40);
    (void)acme_place_put(&store, key, data, size);
    (void)acme_place_set(&store, key, data, size);
    (void)acme_place_next(&store, &key);
}

/* not: store/place.c acme_place_open acme_place_give_up acme_place_begin acme_place_begin_counted
 * acme_place_remove acme_place_commit acme_place_abort; they read no byte of a place */
