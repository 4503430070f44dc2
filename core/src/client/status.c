/*
 * What a client tells about itself: certificates, account, counters. It must not change anything.
 */
#include "client/state.h"

#include <string.h>

#include <mbedtls/memory_buffer_alloc.h>

#include "base/blocks.h"
#include "base/breathe.h"
#include "client/account_record.h"
#include "client/keys.h"
#include "client/schedule.h"
#include "client/slots.h"
#include "crypto/jws.h"

const char *acme_version(void)
{
    return ACME_VERSION;
}

/* chain: what a look at the chain has said. ACME_ERR_STORE_IO where the flash does not say whether
 * chain and key are there. */
static int32_t fill(struct acme_client *c, uint8_t store_slot,
                    const struct acme_cert_record *record, int32_t chain,
                    struct acme_cert_status *status)
{
    int64_t now;
    uint8_t i;

    (void)acme_clock_now(&c->clock, &now); /* the floor, without a clock */
    status->stored = true;
    status->unexpired = now < record->not_after_s;
    status->key_id = acme_keys_cert(store_slot, record->key_generation);
    status->not_before_s = record->not_before_s;
    status->not_after_s = record->not_after_s;
    status->renew_after_s = acme_schedule_renew_time(c, store_slot, record);
    status->key_type = record->key_type;
    status->key_exportable = record->key_exportable;
    status->chain_count = record->chain_count;
    for (i = 0; i < record->chain_count; i++) {
        status->chain_size += record->lengths[i];
    }
    status->readable = chain == ACME_OK;
    status->key_usable = acme_jws_key_exists(status->key_id);
    if (!status->key_usable && !acme_jws_key_lost(status->key_id)) {
        return ACME_ERR_STORE_IO;
    }
    return acme_store_has_said(chain) ? ACME_OK : ACME_ERR_STORE_IO;
}

#if defined(CONFIG_ACME_SCHEDULE)
static void fill_schedule(const struct acme_client *c, const struct acme_slot *s,
                          struct acme_cert_status *status)
{
    status->next_s = acme_schedule_next(c, s);
    status->failures = s->schedule.failures;
    status->look_at_s = s->schedule.look_at_s;
    status->suggested = s->schedule.renew_at_s != 0;
    if (acme_schedule_is_blocked(c, s)) {
        status->retry_at_s = s->schedule.retry_at_s;
    }
}
#else
static void fill_schedule(const struct acme_client *c, const struct acme_slot *s,
                          const struct acme_cert_status *status)
{
    (void)c;
    (void)s;
    (void)status;
}
#endif

int32_t acme_cert_get_status(acme_client *c, uint16_t slot, struct acme_cert_status *status)
{
    struct acme_slot *s;
    int32_t chain = ACME_OK;

    if (slot >= c->config.certs_count || status == NULL) {
        return ACME_ERR_ARGUMENT;
    }
    if (acme_breathe_is_inside()) {
        return ACME_ERR_STATE;
    }
    s = acme_slots_at(c, slot);
    if (s->has_cert) {
        chain = acme_slots_look_at_chain(c, s);
    }
    memset(status, 0, sizeof(*status));
    status->error = s->error;
    if (c->problem_slot == (int16_t)slot) {
        status->problem = *acme_slots_problem(c);
        if (ACME_ENABLED(CONFIG_ACME_ERROR_TEXTS)) {
            status->error_route = c->machine.slot_place.route;
            status->error_member = c->machine.slot_place.member;
        }
    }
    fill_schedule(c, s, status);
    return s->has_cert ? fill(c, s->store_slot, &s->cert, chain, status) : ACME_OK;
}

int32_t acme_cert_read(acme_client *c, uint16_t slot, uint8_t index, uint8_t *der, size_t size)
{
    struct acme_slot *s;
    uint32_t offset = 0;
    uint8_t i;
    int32_t rc;

    if (slot >= c->config.certs_count || der == NULL) {
        return ACME_ERR_ARGUMENT;
    }
    if (acme_breathe_is_inside()) {
        return ACME_ERR_STATE;
    }
    s = acme_slots_at(c, slot);
    if (!s->has_cert) {
        return ACME_ERR_CERT_NONE;
    }
    if (index >= s->cert.chain_count) {
        return ACME_ERR_NOT_FOUND;
    }
    for (i = 0; i < index; i++) {
        offset += s->cert.lengths[i];
    }
    if (s->cert.lengths[index] > size) {
        return ACME_ERR_BUFFER;
    }
    rc = acme_store_read_chain(&c->log, s->store_slot, s->cert.key_generation, offset, der,
                               s->cert.lengths[index]);
    if (rc == ACME_ERR_STORE_CORRUPT) {
        (void)acme_slots_look_at_chain(c, s); /* if it is so at a second look, it is due */
    }
    return rc == ACME_OK ? (int32_t)s->cert.lengths[index] : rc;
}

/* One whose names are damaged is there all the same. */
static int32_t list_one(struct acme_client *c, uint8_t slot, const struct acme_cert_record *record,
                        char *names, size_t names_size, struct acme_cert_status *status)
{
    int32_t rc = acme_store_read_names(&c->log, slot, names, names_size);

    if (names_size == 0 || !acme_store_has_said(rc)) {
        return names_size == 0 ? ACME_ERR_BUFFER : rc;
    }
    memset(status, 0, sizeof(*status));
    if (rc != ACME_OK) {
        names[0] = '\0';
        status->error = ACME_ERR_STORE_CORRUPT;
    }
    return fill(c, slot, record, acme_slots_check_chain(c, slot, record), status);
}

int32_t acme_cert_list(acme_client *c, uint32_t *cursor, char *names, size_t names_size,
                       struct acme_cert_status *status)
{
    if (cursor == NULL || names == NULL || status == NULL) {
        return ACME_ERR_ARGUMENT;
    }
    if (acme_breathe_is_inside()) {
        return ACME_ERR_STATE;
    }
    while (*cursor < CONFIG_ACME_CERT_SLOTS) {
        uint8_t slot = (uint8_t)(*cursor);
        struct acme_cert_record record;
        int32_t rc = acme_store_read_cert(&c->log, slot, &record);

        (*cursor)++;
        if (rc == ACME_OK) {
            return list_one(c, slot, &record, names, names_size, status);
        }
        if (!acme_store_has_said(rc)) {
            return rc;
        }
    }
    return ACME_ERR_NOT_FOUND;
}

int32_t acme_account_get_status(acme_client *c, struct acme_account_status *status)
{
    const struct acme_account_record *r = &c->arena_memory.account;
    int32_t rc;

    if (status == NULL) {
        return ACME_ERR_ARGUMENT;
    }
    memset(status, 0, sizeof(*status));
    if (acme_machine_is_busy(c)) {
        return ACME_ERR_STATE; /* the memory for the record is in use */
    }
    rc = acme_account_load(c);
    if (rc != ACME_OK || !c->account.exists) {
        return rc;
    }
    rc = acme_account_read_record(c, c->account.slot);
    if (rc != ACME_OK) {
        return rc;
    }
    status->exists = true;
    status->key_type = r->key_type;
    status->key_id = acme_keys_account(c);
    (void)acme_str_copy(status->url, sizeof(status->url), r->url);
    (void)acme_str_copy(status->tos_url, sizeof(status->tos_url), r->tos_url);
    return acme_jws_thumbprint(status->key_id, status->thumbprint, c->arena_memory.bytes,
                               sizeof(c->arena_memory.bytes));
}

#if defined(ACME_BLOCKS)
static uint32_t pool_peak(void)
{
    return (uint32_t)acme_blocks_peak();
}
#elif defined(CONFIG_ACME_MBEDTLS_POOL) && defined(MBEDTLS_MEMORY_DEBUG)
static uint32_t pool_peak(void)
{
    size_t peak, blocks;

    mbedtls_memory_buffer_alloc_max_get(&peak, &blocks);
    return (uint32_t)peak;
}
#else
static uint32_t pool_peak(void)
{
    return 0; /* not ours, or not counted */
}
#endif

#if defined(CONFIG_ACME_STORE_STAT)
static void count_store(struct acme_client *c, struct acme_counters *counters)
{
    struct acme_flashlog_stat stat;

    if (acme_flashlog_stat(&c->log.log, &stat) == ACME_OK) {
        counters->store_used = stat.live_bytes;
        counters->store_capacity = stat.capacity_bytes;
    }
}
#else
static void count_store(const struct acme_client *c, const struct acme_counters *counters)
{
    (void)c;
    (void)counters;
}
#endif

void acme_get_counters(acme_client *c, struct acme_counters *counters)
{
    if (counters == NULL) {
        return;
    }
    memset(counters, 0, sizeof(*counters));
    if (acme_breathe_is_inside()) {
        return;
    }
    counters->requests = c->exchange.requests;
    counters->connections = c->exchange.connections;
    counters->bad_nonces = c->io.bad_nonces;
    counters->new_orders = c->new_orders;
    counters->arena_peak = (uint32_t)c->arena.peak;
    counters->pool_peak = pool_peak();
    count_store(c, counters);
}
