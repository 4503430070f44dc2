/*
 * Protection of sealed records against an older image of the flash: the board's counter (struct
 * acme_counter_ops) goes up with each batch, and the store says what it has to be. Without
 * CONFIG_ACME_STORE_ROLLBACK nothing counts. It must not know what a batch changes.
 */
#pragma once

#include "store/place.h"

#if defined(CONFIG_ACME_STORE_ROLLBACK)

/** Takes the configuration's counter, if there is one, and reads it. ACME_OK, ACME_ERR_STORE_IO. */
int32_t acme_counter_start(struct acme_store *s, const struct acme_config *config);
/** Whether batches are counted. */
bool acme_counter_counts(const struct acme_store *s);
/** What the counter has said last. */
uint32_t acme_counter_value(const struct acme_store *s);
/** Adds 1 after a batch. ACME_OK, ACME_ERR_STORE_IO. */
int32_t acme_counter_count(struct acme_store *s);
/** Holds the number that the store has against the counter. A cut between a batch and its count
 * leaves the store one ahead: then it is counted now. ACME_OK, ACME_ERR_STORE_IO,
 * ACME_ERR_STORE_ROLLBACK. */
int32_t acme_counter_check(struct acme_store *s, uint32_t stored);

#else

static inline int32_t acme_counter_start(struct acme_store *s, const struct acme_config *config)
{
    (void)s;
    (void)config;
    return ACME_OK;
}

static inline bool acme_counter_counts(const struct acme_store *s)
{
    (void)s;
    return false;
}

static inline uint32_t acme_counter_value(const struct acme_store *s)
{
    (void)s;
    return 0;
}

static inline int32_t acme_counter_count(struct acme_store *s)
{
    (void)s;
    return ACME_OK;
}

static inline int32_t acme_counter_check(struct acme_store *s, uint32_t stored)
{
    (void)s;
    (void)stored;
    return ACME_OK;
}

#endif
