/*
 * Seals the records on their way to their place and back: each value is encrypted, and
 * authenticated together with its key. It must not know what the values mean. docs/store_format.md
 * says why a sealed store is safe, and against what.
 */
#include "store/record.h"

#if defined(CONFIG_ACME_STORE_SEAL)

#include <string.h>

#include <psa/crypto.h>

#include "base/assert.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "store/counter.h"

/* ---- the seal: nonce, ciphertext, tag; the key of the record is authenticated with it ---- */

#define NONCE_LEN    12u
#define TAG_LEN      16u
#define OVERHEAD     (NONCE_LEN + TAG_LEN)
#define SEAL_VERSION 1u
#define AAD_LEN      9u
/* Written before anything else, and with each batch where there is a counter: its next value. */
#define KEY_STATE ACME_KEY(14, 0)
#define STATE_LEN 4u

_Static_assert(sizeof(((struct acme_store *)0)->sealed) >= CONFIG_ACME_STORE_SEAL_MAX + OVERHEAD,
               "a sealed value fits");

static psa_algorithm_t algorithm(psa_key_id_t key)
{
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    psa_key_type_t type = PSA_KEY_TYPE_NONE;

    if (psa_get_key_attributes(key, &attributes) == PSA_SUCCESS) {
        type = psa_get_key_type(&attributes);
    }
    psa_reset_key_attributes(&attributes);
    return type == PSA_KEY_TYPE_CHACHA20 ? PSA_ALG_CHACHA20_POLY1305 : PSA_ALG_GCM;
}

static void make_aad(uint8_t aad[AAD_LEN], uint64_t key)
{
    aad[0] = SEAL_VERSION;
    acme_put64(aad + 1, key);
}

static int32_t seal_put(struct acme_store *s, uint64_t key, const void *data, size_t len)
{
    uint8_t aad[AAD_LEN];
    size_t got = 0;
    psa_status_t status;

    ACME_ASSERT(s->seal_key != 0);
    if (len > CONFIG_ACME_STORE_SEAL_MAX) {
        return ACME_ERR_BUFFER;
    }
    make_aad(aad, key);
    status = psa_generate_random(s->sealed, NONCE_LEN);
    if (status == PSA_SUCCESS) {
        status = psa_aead_encrypt(s->seal_key, algorithm(s->seal_key), s->sealed, NONCE_LEN, aad,
                                  AAD_LEN, data, len, s->sealed + NONCE_LEN,
                                  sizeof(s->sealed) - NONCE_LEN, &got);
    }
    if (status != PSA_SUCCESS || got != len + TAG_LEN) {
        return ACME_ERR_CRYPTO;
    }
    return acme_place_put(s, key, s->sealed, len + OVERHEAD);
}

/* Opens a value into plain. Returns its length. */
static int32_t unseal(struct acme_store *s, uint64_t key)
{
    int32_t len = acme_place_read(s, key, 0, s->sealed, sizeof(s->sealed));
    uint8_t aad[AAD_LEN];
    size_t got = 0;
    psa_status_t status;

    if (len < 0) {
        return len;
    }
    if ((size_t)len < OVERHEAD) {
        return ACME_ERR_STORE_CORRUPT;
    }
    make_aad(aad, key);
    status = psa_aead_decrypt(s->seal_key, algorithm(s->seal_key), s->sealed, NONCE_LEN, aad,
                              AAD_LEN, s->sealed + NONCE_LEN, (size_t)len - NONCE_LEN, s->plain,
                              sizeof(s->plain), &got);
    if (status != PSA_SUCCESS) {
        return status == PSA_ERROR_INVALID_SIGNATURE ? ACME_ERR_STORE_CORRUPT : ACME_ERR_CRYPTO;
    }
    ACME_ASSERT(got == (size_t)len - OVERHEAD);
    return (int32_t)got;
}

int32_t acme_record_read(struct acme_store *s, uint64_t key, size_t offset, void *data, size_t size)
{
    int32_t len;
    size_t n = 0;

    if (s->seal_key == 0) {
        return acme_place_read(s, key, offset, data, size);
    }
    len = unseal(s, key);
    if (len < 0) {
        return len;
    }
    if (offset < (size_t)len) {
        n = (size_t)len - offset < size ? (size_t)len - offset : size;
        if (data != NULL) {
            memcpy(data, s->plain + offset, n);
        }
    }
    acme_zeroize(s->plain, (size_t)len);
    return (int32_t)n;
}

static int32_t put_state(struct acme_store *s, uint32_t count)
{
    uint8_t raw[STATE_LEN];

    acme_put32(raw, count);
    return seal_put(s, KEY_STATE, raw, sizeof(raw));
}

/* ---- batches ---- */

int32_t acme_record_delete(struct acme_store *s, uint64_t key)
{
    return acme_place_remove(s, key);
}

void acme_record_abort(struct acme_store *s)
{
    acme_place_abort(s);
}

/* Values grow by what seals them, and each batch by the count. */
static int32_t begin_values(struct acme_store *s, size_t data_len, size_t count)
{
    if (s->seal_key != 0 && data_len <= INT32_MAX / 8 && count <= 4096) {
        size_t extra = acme_counter_counts(s) ? 1 : 0;

        data_len += count * OVERHEAD + extra * (STATE_LEN + OVERHEAD);
        count += extra;
    }
    return acme_place_begin(s, data_len, count);
}

/* Nothing is added to deletions but the count, which replaces the one before: a full store takes
 * it.
 */
#if defined(CONFIG_ACME_STORE_ROLLBACK)
static int32_t begin_deletions(struct acme_store *s, size_t count)
{
    return acme_counter_counts(s) ? acme_place_begin_counted(s, STATE_LEN + OVERHEAD, count + 1)
                                  : acme_place_begin(s, 0, count);
}
#else
static int32_t begin_deletions(struct acme_store *s, size_t count)
{
    return acme_place_begin(s, 0, count);
}
#endif

int32_t acme_record_begin(struct acme_store *s, size_t data_len, size_t count)
{
    return data_len > 0 ? begin_values(s, data_len, count) : begin_deletions(s, count);
}

int32_t acme_record_put(struct acme_store *s, uint64_t key, const void *data, size_t len)
{
    return s->seal_key != 0 ? seal_put(s, key, data, len) : acme_place_put(s, key, data, len);
}

int32_t acme_record_commit(struct acme_store *s)
{
    int32_t rc = ACME_OK;

    if (!acme_counter_counts(s)) {
        return acme_place_commit(s);
    }
    rc = put_state(s, acme_counter_value(s) + 1);
    if (rc != ACME_OK) {
        acme_record_abort(s);
        return rc;
    }
    rc = acme_place_commit(s);
    return rc == ACME_OK ? acme_counter_count(s) : rc;
}

int32_t acme_record_set(struct acme_store *s, uint64_t key, const void *data, size_t len)
{
    int32_t rc = begin_values(s, len > 0 ? len : 1, 1); /* no bytes at all would be a deletion */

    if (rc == ACME_OK) {
        rc = acme_record_put(s, key, data, len);
    }
    if (rc != ACME_OK) {
        acme_record_abort(s);
        return rc;
    }
    return acme_record_commit(s);
}

int32_t acme_record_next(struct acme_store *s, uint64_t *key)
{
    int32_t rc;

    do {
        rc = acme_place_next(s, key);
    } while (rc == ACME_OK && ACME_KEY_SPACE(*key) >= ACME_KEY_SPACE(KEY_STATE)); /* not theirs */
    return rc;
}

/* ---- opening ---- */

static int32_t write_state(struct acme_store *s)
{
    int32_t rc = acme_place_begin(s, STATE_LEN + OVERHEAD, 1);

    if (rc == ACME_OK) {
        rc = put_state(s, acme_counter_value(s));
    }
    if (rc != ACME_OK) {
        acme_record_abort(s);
        return rc;
    }
    return acme_place_commit(s);
}

/* Whether any other value opens: ACME_OK. ACME_ERR_NOT_FOUND: there is none;
 * ACME_ERR_STORE_CORRUPT: none does. */
static int32_t try_others(struct acme_store *s)
{
    int32_t rc, result = ACME_ERR_NOT_FOUND;
    uint64_t key = 0;

    for (;;) {
        rc = acme_record_next(s, &key);
        if (rc != ACME_OK) {
            return rc == ACME_ERR_NOT_FOUND ? result : rc;
        }
        rc = unseal(s, key);
        if (rc != ACME_ERR_STORE_CORRUPT) {
            acme_zeroize(s->plain, sizeof(s->plain));
            return rc < 0 ? rc : ACME_OK;
        }
        result = rc;
    }
}

/* The state is damaged, or was given up with what was. Another value that opens tells that the key
 * is right: then the state is written anew; but not where it has the count, for nobody knows any
 * more what that was. Where there is no other value there is nothing to protect, and the store
 * begins here. */
static int32_t renew_state(struct acme_store *s)
{
    int32_t rc = try_others(s);

    if (rc == ACME_ERR_NOT_FOUND) {
        return write_state(s);
    }
    if (rc == ACME_OK) {
        return acme_counter_counts(s) ? ACME_ERR_STORE_ROLLBACK : write_state(s);
    }
    return rc == ACME_ERR_STORE_CORRUPT ? ACME_ERR_STORE_SEAL : rc;
}

static int32_t open_state(struct acme_store *s)
{
    int32_t rc = unseal(s, KEY_STATE);

    if (rc == (int32_t)STATE_LEN) {
        return acme_counter_check(s, acme_get32(s->plain));
    }
    if (rc == ACME_ERR_STORE_CORRUPT || rc == ACME_ERR_NOT_FOUND) {
        return renew_state(s);
    }
    return rc >= 0 ? ACME_ERR_STORE_SEAL : rc;
}

/* The key and the counter that the configuration names. */
static int32_t take_seal(struct acme_store *s, const struct acme_config *config)
{
    int32_t rc = ACME_OK;

    s->seal_key = 0;
    if (config->seal != NULL) {
        rc = config->seal->key(config->seal_ctx, &s->seal_key);
        if (rc == ACME_OK && s->seal_key == 0) {
            rc = ACME_ERR_CRYPTO;
        }
    }
    return rc == ACME_OK ? acme_counter_start(s, config) : rc;
}

/* Whether the records are sealed as the configuration wants it. */
static int32_t check_seal(struct acme_store *s, int32_t mounted)
{
    if (s->seal_key != 0) {
        return mounted == ACME_OK || mounted == ACME_ERR_STORE_CORRUPT ? open_state(s) : ACME_OK;
    }
    /* The log has looked when it was mounted. */
    return acme_place_is_foreign(s) && mounted == ACME_OK &&
                   acme_place_read(s, KEY_STATE, 0, NULL, 1) >= 0
               ? ACME_ERR_STORE_SEAL
               : ACME_OK;
}

int32_t acme_store_open(struct acme_store *s, const struct acme_config *config)
{
    int32_t mounted, rc = take_seal(s, config);

    if (rc != ACME_OK) {
        return rc;
    }
    mounted = acme_place_open(s, config, s->seal_key != 0);
    rc = check_seal(s, mounted);
    return rc != ACME_OK ? rc : mounted;
}

#endif
