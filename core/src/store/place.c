/*
 * The choice between the flash log and a back end of the configuration. It must not know what the
 * values mean.
 */
#include "store/place.h"

#if defined(CONFIG_ACME_STORE_BACKENDS)

int32_t acme_place_open(struct acme_store *s, const struct acme_config *config, bool sealed)
{
    const struct acme_port *port = config->port;

    s->ops = config->records;
    s->ops_ctx = config->records_ctx;
    if (s->ops != NULL) {
        return s->ops->open(s->ops_ctx);
    }
    if (port->flash == NULL) {
        return ACME_ERR_ARGUMENT;
    }
    return sealed ? acme_flashlog_mount_sealed(&s->log, port->flash, port->flash_ctx)
                  : acme_flashlog_mount(&s->log, port->flash, port->flash_ctx);
}

int32_t acme_place_give_up(struct acme_store *s)
{
    return s->ops != NULL ? ACME_OK : acme_flashlog_give_up(&s->log);
}

int32_t acme_place_begin(struct acme_store *s, size_t len, size_t count)
{
    return s->ops != NULL ? s->ops->begin(s->ops_ctx, len, count)
                          : acme_flashlog_begin(&s->log, len, count);
}

#if defined(CONFIG_ACME_STORE_ROLLBACK)
int32_t acme_place_begin_counted(struct acme_store *s, size_t len, size_t count)
{
    return s->ops != NULL ? s->ops->begin(s->ops_ctx, 0, count)
                          : acme_flashlog_begin_counted(&s->log, len, count);
}
#endif

int32_t acme_place_put(struct acme_store *s, uint64_t key, const void *data, size_t len)
{
    return s->ops != NULL ? s->ops->put(s->ops_ctx, key, data, len)
                          : acme_flashlog_put(&s->log, key, data, len);
}

int32_t acme_place_remove(struct acme_store *s, uint64_t key)
{
    return s->ops != NULL ? s->ops->remove(s->ops_ctx, key) : acme_flashlog_delete(&s->log, key);
}

/* A batch of one value at a back end. */
static int32_t set_foreign(struct acme_store *s, uint64_t key, const void *data, size_t len)
{
    int32_t rc = s->ops->begin(s->ops_ctx, len, 1);

    if (rc == ACME_OK) {
        rc = s->ops->put(s->ops_ctx, key, data, len);
    }
    if (rc != ACME_OK) {
        s->ops->abort(s->ops_ctx);
        return rc;
    }
    return s->ops->commit(s->ops_ctx);
}

int32_t acme_place_set(struct acme_store *s, uint64_t key, const void *data, size_t len)
{
    return s->ops != NULL ? set_foreign(s, key, data, len)
                          : acme_flashlog_set(&s->log, key, data, len);
}

int32_t acme_place_commit(struct acme_store *s)
{
    return s->ops != NULL ? s->ops->commit(s->ops_ctx) : acme_flashlog_commit(&s->log);
}

void acme_place_abort(struct acme_store *s)
{
    if (s->ops != NULL) {
        s->ops->abort(s->ops_ctx);
    } else {
        acme_flashlog_abort(&s->log);
    }
}

int32_t acme_place_read(struct acme_store *s, uint64_t key, size_t offset, void *data, size_t size)
{
    return s->ops != NULL ? s->ops->read(s->ops_ctx, key, offset, data, size)
                          : acme_flashlog_read(&s->log, key, offset, data, size);
}

int32_t acme_place_next(struct acme_store *s, uint64_t *key)
{
    return s->ops != NULL ? s->ops->next(s->ops_ctx, key) : acme_flashlog_next(&s->log, key);
}

#endif
