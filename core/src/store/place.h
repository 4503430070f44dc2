/*
 * The place of the records: the flash log, or the back end that the configuration names
 * (acme/record.h) where CONFIG_ACME_STORE_BACKENDS is set. Each function does what its namesake in
 * flashlog.h does. It must not know seals, nor what the values mean.
 */
#pragma once

#include "acme/client.h"
#include "store/flashlog.h"

/** An open store. The caller owns the memory and does not look inside. */
struct acme_store {
    struct acme_flashlog log;
#if defined(CONFIG_ACME_STORE_BACKENDS)
    const struct acme_record_ops *ops; /* NULL: the place is the log */
    void *ops_ctx;
#endif
#if defined(CONFIG_ACME_STORE_SEAL)
    uint32_t seal_key; /* PSA key identifier; 0: nothing is sealed */
    uint8_t sealed[CONFIG_ACME_STORE_SEAL_MAX + 28];
    uint8_t plain[CONFIG_ACME_STORE_SEAL_MAX];
#endif
#if defined(CONFIG_ACME_STORE_ROLLBACK)
    const struct acme_counter_ops *counter; /* NULL: there is none */
    void *counter_ctx;
    uint32_t count; /* the counter's value */
#endif
};

#if defined(CONFIG_ACME_STORE_BACKENDS)

/** Opens the place that the configuration names; sealed as acme_flashlog_mount_sealed has it.
 * ACME_ERR_ARGUMENT: it names none. */
int32_t acme_place_open(struct acme_store *s, const struct acme_config *config, bool sealed);
/** Whether it is a back end, which unlike the log does not know whether its values are sealed. */
static inline bool acme_place_is_foreign(const struct acme_store *s)
{
    return s->ops != NULL;
}
/** Gives up what is damaged in the log; ACME_OK at a back end, which has to know itself. */
int32_t acme_place_give_up(struct acme_store *s);
/** Whether damage is in the way of writing to the log. */
static inline bool acme_place_is_refusing(const struct acme_store *s)
{
    return s->ops == NULL && s->log.refused;
}
int32_t acme_place_begin(struct acme_store *s, size_t len, size_t count);
#if defined(CONFIG_ACME_STORE_ROLLBACK)
int32_t acme_place_begin_counted(struct acme_store *s, size_t len, size_t count);
#endif
int32_t acme_place_put(struct acme_store *s, uint64_t key, const void *data, size_t len);
int32_t acme_place_remove(struct acme_store *s, uint64_t key);
int32_t acme_place_set(struct acme_store *s, uint64_t key, const void *data, size_t len);
int32_t acme_place_commit(struct acme_store *s);
void acme_place_abort(struct acme_store *s);
int32_t acme_place_read(struct acme_store *s, uint64_t key, size_t offset, void *data, size_t size);
int32_t acme_place_next(struct acme_store *s, uint64_t *key);

#else

static inline int32_t acme_place_open(struct acme_store *s, const struct acme_config *config,
                                      bool sealed)
{
    const struct acme_port *port = config->port;

    return sealed ? acme_flashlog_mount_sealed(&s->log, port->flash, port->flash_ctx)
                  : acme_flashlog_mount(&s->log, port->flash, port->flash_ctx);
}

static inline bool acme_place_is_foreign(const struct acme_store *s)
{
    (void)s;
    return false;
}

static inline int32_t acme_place_give_up(struct acme_store *s)
{
    return acme_flashlog_give_up(&s->log);
}

static inline bool acme_place_is_refusing(const struct acme_store *s)
{
    return s->log.refused;
}

static inline int32_t acme_place_begin(struct acme_store *s, size_t len, size_t count)
{
    return acme_flashlog_begin(&s->log, len, count);
}

#if defined(CONFIG_ACME_STORE_ROLLBACK)
static inline int32_t acme_place_begin_counted(struct acme_store *s, size_t len, size_t count)
{
    return acme_flashlog_begin_counted(&s->log, len, count);
}
#endif

static inline int32_t acme_place_put(struct acme_store *s, uint64_t key, const void *data,
                                     size_t len)
{
    return acme_flashlog_put(&s->log, key, data, len);
}

static inline int32_t acme_place_remove(struct acme_store *s, uint64_t key)
{
    return acme_flashlog_delete(&s->log, key);
}

static inline int32_t acme_place_set(struct acme_store *s, uint64_t key, const void *data,
                                     size_t len)
{
    return acme_flashlog_set(&s->log, key, data, len);
}

static inline int32_t acme_place_commit(struct acme_store *s)
{
    return acme_flashlog_commit(&s->log);
}

static inline void acme_place_abort(struct acme_store *s)
{
    acme_flashlog_abort(&s->log);
}

static inline int32_t acme_place_read(struct acme_store *s, uint64_t key, size_t offset, void *data,
                                      size_t size)
{
    return acme_flashlog_read(&s->log, key, offset, data, size);
}

static inline int32_t acme_place_next(struct acme_store *s, uint64_t *key)
{
    return acme_flashlog_next(&s->log, key);
}

#endif
