/*
 * The board's counter, which tells an older image of the flash from the newest. It must not know
 * what a batch changes. docs/store_format.md says against what it protects.
 */
#include "store/counter.h"

#if defined(CONFIG_ACME_STORE_ROLLBACK)

#include "base/assert.h"

int32_t acme_counter_start(struct acme_store *s, const struct acme_config *config)
{
    s->counter = config->counter;
    s->counter_ctx = config->counter_ctx;
    s->count = 0;
    if (acme_counter_counts(s) && s->counter->read(s->counter_ctx, &s->count) != ACME_OK) {
        return ACME_ERR_STORE_IO;
    }
    return ACME_OK;
}

bool acme_counter_counts(const struct acme_store *s)
{
    return s->counter != NULL && s->seal_key != 0;
}

uint32_t acme_counter_value(const struct acme_store *s)
{
    return s->count;
}

int32_t acme_counter_count(struct acme_store *s)
{
    ACME_ASSERT(acme_counter_counts(s));
    if (s->counter->increment(s->counter_ctx) != ACME_OK) {
        return ACME_ERR_STORE_IO;
    }
    s->count++;
    return ACME_OK;
}

int32_t acme_counter_check(struct acme_store *s, uint32_t stored)
{
    if (!acme_counter_counts(s) || stored == s->count) {
        return ACME_OK;
    }
    return stored == s->count + 1 ? acme_counter_count(s) : ACME_ERR_STORE_ROLLBACK;
}

#endif
