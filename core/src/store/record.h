/*
 * The records: values under 64-bit keys, changed in atomic batches. They are in the flash log or in
 * another place that the configuration names (place.h), and where CONFIG_ACME_STORE_SEAL is set,
 * they are encrypted and authenticated on their way (record.c). It must not know what the values
 * mean.
 */
#pragma once

#include "store/place.h"

#if defined(CONFIG_ACME_STORE_SEAL)

/** Opens the store that a configuration describes; PSA Crypto is up when something is sealed. The
 * errors of acme_flashlog_mount, ACME_ERR_STORE_SEAL, ACME_ERR_STORE_ROLLBACK. */
int32_t acme_store_open(struct acme_store *store, const struct acme_config *config);

/* As in flashlog.h. A value that is to be sealed has at most CONFIG_ACME_STORE_SEAL_MAX bytes:
 * else ACME_ERR_BUFFER. What does not authenticate is ACME_ERR_STORE_CORRUPT. */
int32_t acme_record_begin(struct acme_store *store, size_t data_len, size_t count);
int32_t acme_record_put(struct acme_store *store, uint64_t key, const void *data, size_t len);
int32_t acme_record_delete(struct acme_store *store, uint64_t key);
int32_t acme_record_commit(struct acme_store *store);
void acme_record_abort(struct acme_store *store);
int32_t acme_record_set(struct acme_store *store, uint64_t key, const void *data, size_t len);
int32_t acme_record_read(struct acme_store *store, uint64_t key, size_t offset, void *data,
                         size_t size);
int32_t acme_record_next(struct acme_store *store, uint64_t *key);

#else /* the place's functions by other names */

static inline int32_t acme_store_open(struct acme_store *store, const struct acme_config *config)
{
    return acme_place_open(store, config, false);
}

static inline int32_t acme_record_begin(struct acme_store *store, size_t data_len, size_t count)
{
    return acme_place_begin(store, data_len, count);
}

static inline int32_t acme_record_put(struct acme_store *store, uint64_t key, const void *data,
                                      size_t len)
{
    return acme_place_put(store, key, data, len);
}

static inline int32_t acme_record_delete(struct acme_store *store, uint64_t key)
{
    return acme_place_remove(store, key);
}

static inline int32_t acme_record_commit(struct acme_store *store)
{
    return acme_place_commit(store);
}

static inline void acme_record_abort(struct acme_store *store)
{
    acme_place_abort(store);
}

static inline int32_t acme_record_set(struct acme_store *store, uint64_t key, const void *data,
                                      size_t len)
{
    return acme_place_set(store, key, data, len);
}

static inline int32_t acme_record_read(struct acme_store *store, uint64_t key, size_t offset,
                                       void *data, size_t size)
{
    return acme_place_read(store, key, offset, data, size);
}

static inline int32_t acme_record_next(struct acme_store *store, uint64_t *key)
{
    return acme_place_next(store, key);
}

#endif

/** The length of a value (>= 0), or the errors of read. */
static inline int32_t acme_record_length(struct acme_store *store, uint64_t key)
{
    return acme_record_read(store, key, 0, NULL, SIZE_MAX);
}
