/*
 * What stands between the store and the place of its records, where there is more than one place
 * or a seal: the choice of the back end; sealing; protection against older images. It must not know
 * what the values mean. docs/store_format.md says why a sealed store is safe, and against what.
 */
#include "store/record.h"

#if defined(ACME_RECORD_LAYERS)

#include <string.h>

#include <psa/crypto.h>

#include "base/buf.h"
#include "base/bytes.h"

/* ---- the back end ---- */

#if defined(CONFIG_ACME_STORE_BACKENDS)
#define DISPATCH(store, foreign, own) ((store)->ops != NULL ? (foreign) : (own))
#else
#define DISPATCH(store, foreign, own) (own)
#endif

static int32_t place_begin(struct acme_store *s, size_t len, size_t count)
{
    return DISPATCH(s, s->ops->begin(s->ops_ctx, len, count),
                    acme_flashlog_begin(&s->log, len, count));
}

static int32_t place_put(struct acme_store *s, uint64_t key, const void *data, size_t len)
{
    return DISPATCH(s, s->ops->put(s->ops_ctx, key, data, len),
                    acme_flashlog_put(&s->log, key, data, len));
}

static int32_t place_commit(struct acme_store *s)
{
    return DISPATCH(s, s->ops->commit(s->ops_ctx), acme_flashlog_commit(&s->log));
}

static int32_t place_read(struct acme_store *s, uint64_t key, size_t offset, void *data,
                          size_t size)
{
    return DISPATCH(s, s->ops->read(s->ops_ctx, key, offset, data, size),
                    acme_flashlog_read(&s->log, key, offset, data, size));
}

int32_t acme_record_next(struct acme_store *s, uint64_t *key)
{
    int32_t rc;

    do {
        rc = DISPATCH(s, s->ops->next(s->ops_ctx, key), acme_flashlog_next(&s->log, key));
    } while (rc == ACME_OK && ACME_KEY_SPACE(*key) >= 14); /* not the store's */
    return rc;
}

int32_t acme_record_delete(struct acme_store *s, uint64_t key)
{
    return DISPATCH(s, s->ops->remove(s->ops_ctx, key), acme_flashlog_delete(&s->log, key));
}

void acme_record_abort(struct acme_store *s)
{
#if defined(CONFIG_ACME_STORE_BACKENDS)
    if (s->ops != NULL) {
        s->ops->abort(s->ops_ctx);
        return;
    }
#endif
    acme_flashlog_abort(&s->log);
}

static int32_t place_open(struct acme_store *s, const struct acme_config *config, bool sealed)
{
#if defined(CONFIG_ACME_STORE_BACKENDS)
    s->ops = config->records;
    s->ops_ctx = config->records_ctx;
    if (s->ops != NULL) {
        return s->ops->open(s->ops_ctx);
    }
#endif
    if (config->port->flash == NULL) {
        return ACME_ERR_ARGUMENT;
    }
#if defined(CONFIG_ACME_STORE_SEAL)
    if (sealed) {
        return acme_flashlog_mount_sealed(&s->log, config->port->flash, config->port->flash_ctx);
    }
#endif
    (void)sealed;
    return acme_flashlog_mount(&s->log, config->port->flash, config->port->flash_ctx);
}

#if !defined(CONFIG_ACME_STORE_SEAL)

int32_t acme_store_open(struct acme_store *s, const struct acme_config *config)
{
    return place_open(s, config, false);
}

int32_t acme_record_begin(struct acme_store *s, size_t data_len, size_t count)
{
    return place_begin(s, data_len, count);
}

int32_t acme_record_put(struct acme_store *s, uint64_t key, const void *data, size_t len)
{
    return place_put(s, key, data, len);
}

int32_t acme_record_commit(struct acme_store *s)
{
    return place_commit(s);
}

int32_t acme_record_read(struct acme_store *s, uint64_t key, size_t offset, void *data, size_t size)
{
    return place_read(s, key, offset, data, size);
}

#else

/* ---- the seal: nonce, ciphertext, tag; the key of the record is authenticated with it ---- */

#define NONCE_LEN    12u
#define TAG_LEN      16u
#define OVERHEAD     (NONCE_LEN + TAG_LEN)
#define SEAL_VERSION 1u
#define AAD_LEN      9u
/* Written before anything else, and with each batch where there is a counter: its next value. */
#define KEY_STATE    ACME_KEY(14, 0)
#define STATE_LEN    4u

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
    return place_put(s, key, s->sealed, len + OVERHEAD);
}

/* Opens a value into plain. Returns its length. */
static int32_t unseal(struct acme_store *s, uint64_t key)
{
    int32_t len = place_read(s, key, 0, s->sealed, sizeof(s->sealed));
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
    return (int32_t)got;
}

int32_t acme_record_read(struct acme_store *s, uint64_t key, size_t offset, void *data, size_t size)
{
    int32_t len;
    size_t n = 0;

    if (s->seal_key == 0) {
        return place_read(s, key, offset, data, size);
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

/* ---- the counter ---- */

#if defined(CONFIG_ACME_STORE_ROLLBACK)

static bool counts(const struct acme_store *s)
{
    return s->counter != NULL && s->seal_key != 0;
}

static int32_t count_up(struct acme_store *s)
{
    if (s->counter->increment(s->counter_ctx) != ACME_OK) {
        return ACME_ERR_STORE_IO;
    }
    s->count++;
    return ACME_OK;
}

static int32_t read_counter(struct acme_store *s, const struct acme_config *config)
{
    s->counter = config->counter;
    s->counter_ctx = config->counter_ctx;
    s->count = 0;
    if (counts(s) && s->counter->read(s->counter_ctx, &s->count) != ACME_OK) {
        return ACME_ERR_STORE_IO;
    }
    return ACME_OK;
}

/* A cut between a batch and its count leaves the store one ahead. */
static int32_t check_count(struct acme_store *s, uint32_t stored)
{
    if (!counts(s) || stored == s->count) {
        return ACME_OK;
    }
    return stored == s->count + 1 ? count_up(s) : ACME_ERR_STORE_ROLLBACK;
}

#else

static bool counts(const struct acme_store *s)
{
    (void)s;
    return false;
}

static int32_t count_up(struct acme_store *s)
{
    (void)s;
    return ACME_OK;
}

static int32_t read_counter(struct acme_store *s, const struct acme_config *config)
{
    (void)s;
    (void)config;
    return ACME_OK;
}

static int32_t check_count(struct acme_store *s, uint32_t stored)
{
    (void)s;
    (void)stored;
    return ACME_OK;
}

#endif

static int32_t put_state(struct acme_store *s, uint32_t count)
{
    uint8_t raw[STATE_LEN];

    acme_put32(raw, count);
    return seal_put(s, KEY_STATE, raw, sizeof(raw));
}

static uint32_t current_count(const struct acme_store *s)
{
#if defined(CONFIG_ACME_STORE_ROLLBACK)
    return s->count;
#else
    (void)s;
    return 0;
#endif
}

/* ---- batches ---- */

int32_t acme_record_begin(struct acme_store *s, size_t data_len, size_t count)
{
    if (s->seal_key != 0 && data_len <= INT32_MAX / 8 && count <= 4096) {
        size_t extra = counts(s) ? 1 : 0;

        data_len += count * OVERHEAD + extra * (STATE_LEN + OVERHEAD);
        count += extra;
    }
    return place_begin(s, data_len, count);
}

int32_t acme_record_put(struct acme_store *s, uint64_t key, const void *data, size_t len)
{
    return s->seal_key != 0 ? seal_put(s, key, data, len) : place_put(s, key, data, len);
}

int32_t acme_record_commit(struct acme_store *s)
{
    int32_t rc = ACME_OK;

    if (!counts(s)) {
        return place_commit(s);
    }
    rc = put_state(s, current_count(s) + 1);
    if (rc != ACME_OK) {
        acme_record_abort(s);
        return rc;
    }
    rc = place_commit(s);
    return rc == ACME_OK ? count_up(s) : rc;
}

/* ---- opening ---- */

/* A store with nothing in it begins here, whatever the counter says: there is nothing to protect.
 * One with records must have a state under this key. */
static int32_t open_state(struct acme_store *s)
{
    uint64_t key = 0;
    int32_t rc = unseal(s, KEY_STATE);

    if (rc == (int32_t)STATE_LEN) {
        return check_count(s, acme_get32(s->plain));
    }
    if (rc != ACME_ERR_NOT_FOUND) {
        return rc >= 0 || rc == ACME_ERR_STORE_CORRUPT ? ACME_ERR_STORE_SEAL : rc;
    }
    rc = acme_record_next(s, &key);
    if (rc != ACME_ERR_NOT_FOUND) {
        return rc == ACME_OK ? ACME_ERR_STORE_SEAL : rc;
    }
    rc = place_begin(s, STATE_LEN + OVERHEAD, 1);
    if (rc == ACME_OK) {
        rc = put_state(s, current_count(s));
    }
    if (rc != ACME_OK) {
        acme_record_abort(s);
        return rc;
    }
    return place_commit(s);
}

int32_t acme_store_open(struct acme_store *s, const struct acme_config *config)
{
    int32_t mounted, rc = ACME_OK;

    s->seal_key = 0;
    if (config->seal != NULL) {
        rc = config->seal->key(config->seal_ctx, &s->seal_key);
        if (rc == ACME_OK && s->seal_key == 0) {
            rc = ACME_ERR_CRYPTO;
        }
    }
    if (rc == ACME_OK) {
        rc = read_counter(s, config);
    }
    if (rc != ACME_OK) {
        return rc;
    }
    mounted = place_open(s, config, s->seal_key != 0);
    if (s->seal_key != 0 && (mounted == ACME_OK || mounted == ACME_ERR_STORE_CORRUPT)) {
        rc = open_state(s);
    }
#if defined(CONFIG_ACME_STORE_BACKENDS)
    else if (s->ops != NULL && mounted == ACME_OK && place_read(s, KEY_STATE, 0, NULL, 1) >= 0) {
        rc = ACME_ERR_STORE_SEAL; /* sealed, but there is no key */
    }
#endif
    return rc != ACME_OK ? rc : mounted;
}

#endif

int32_t acme_record_set(struct acme_store *s, uint64_t key, const void *data, size_t len)
{
    int32_t rc = acme_record_begin(s, len, 1);

    if (rc == ACME_OK) {
        rc = acme_record_put(s, key, data, len);
    }
    if (rc != ACME_OK) {
        acme_record_abort(s);
        return rc;
    }
    return acme_record_commit(s);
}

#else

typedef int acme_record_is_not_needed;

#endif
