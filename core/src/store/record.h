/*
 * What keeps the records: values under 64-bit keys, changed in atomic batches. It is the flash log;
 * where CONFIG_ACME_STORE_BACKENDS is set, it may be another back end that the configuration names
 * (acme/record.h), and where CONFIG_ACME_STORE_SEAL is set, values are encrypted and authenticated
 * on their way. With neither, these are the log's functions by other names. It must not know what
 * the values mean.
 */
#ifndef ACME_SRC_RECORD_H
#define ACME_SRC_RECORD_H

#include "acme/client.h"
#include "store/flashlog.h"

#if defined(CONFIG_ACME_STORE_BACKENDS) || defined(CONFIG_ACME_STORE_SEAL)
#define ACME_RECORD_LAYERS 1
#endif

/** An open store. The caller owns the memory and does not look inside. */
struct acme_store {
    struct acme_flashlog log;
#if defined(CONFIG_ACME_STORE_BACKENDS)
    const struct acme_record_ops *ops;
    void *ops_ctx;
#endif
#if defined(CONFIG_ACME_STORE_SEAL)
    uint32_t seal_key;  /* PSA key identifier; 0: nothing is sealed */
    uint32_t batch_len; /* of the batch under way */
    uint8_t sealed[CONFIG_ACME_STORE_SEAL_MAX + 28];
    uint8_t plain[CONFIG_ACME_STORE_SEAL_MAX];
#if defined(CONFIG_ACME_STORE_ROLLBACK)
    const struct acme_counter_ops *counter;
    void *counter_ctx;
    uint32_t count; /* the counter's value */
#endif
#endif
};

#if !defined(ACME_RECORD_LAYERS)

static inline int32_t acme_store_open(struct acme_store *store, const struct acme_config *config)
{
    return acme_flashlog_mount(&store->log, config->port->flash, config->port->flash_ctx);
}

static inline int32_t acme_record_begin(struct acme_store *store, size_t data_len, size_t count)
{
    return acme_flashlog_begin(&store->log, data_len, count);
}

static inline int32_t acme_record_put(struct acme_store *store, uint64_t key, const void *data,
                                      size_t len)
{
    return acme_flashlog_put(&store->log, key, data, len);
}

static inline int32_t acme_record_delete(struct acme_store *store, uint64_t key)
{
    return acme_flashlog_delete(&store->log, key);
}

static inline int32_t acme_record_commit(struct acme_store *store)
{
    return acme_flashlog_commit(&store->log);
}

static inline void acme_record_abort(struct acme_store *store)
{
    acme_flashlog_abort(&store->log);
}

static inline int32_t acme_record_set(struct acme_store *store, uint64_t key, const void *data,
                                      size_t len)
{
    return acme_flashlog_set(&store->log, key, data, len);
}

static inline int32_t acme_record_read(struct acme_store *store, uint64_t key, size_t offset,
                                       void *data, size_t size)
{
    return acme_flashlog_read(&store->log, key, offset, data, size);
}

static inline int32_t acme_record_next(struct acme_store *store, uint64_t *key)
{
    return acme_flashlog_next(&store->log, key);
}

#else

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

#endif

/** The length of a value (>= 0), or the errors of read. */
static inline int32_t acme_record_length(struct acme_store *store, uint64_t key)
{
    return acme_record_read(store, key, 0, NULL, SIZE_MAX);
}

#endif
