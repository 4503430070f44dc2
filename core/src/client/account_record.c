/*
 * The account's record. It shares memory with the JSON arena: neither outlives a state.
 */
#include "client/account_record.h"

#include <string.h>

#include "base/buf.h"
#include "client/keys.h"
#include "client/slots.h"
#include "client/state.h"
#include "crypto/jws.h"

int32_t acme_account_read_record(struct acme_client *c, uint8_t slot)
{
    acme_json_reset(&c->arena);
    return acme_store_read_account(&c->log, slot, &c->arena_memory.account, c->work.bytes,
                                   sizeof(c->work.bytes));
}

static int32_t write_arena_record(struct acme_client *c)
{
    c->arena_memory.account.used = c->account.used;
    return acme_store_write_account(&c->log, c->account.slot, &c->arena_memory.account,
                                    c->work.bytes, sizeof(c->work.bytes));
}

/* ---- loaded ---- */

/* The CA is not known: its account will have the first slot that is free. */
static void take_none(struct acme_client *c, uint8_t unused)
{
    memset(&c->account, 0, sizeof(c->account));
    c->account.slot = unused;
    c->account.type = c->config.account_key_type;
    c->account_url[0] = '\0';
}

static void take_record(struct acme_client *c, uint8_t slot)
{
    const struct acme_account_record *r = &c->arena_memory.account;

    take_none(c, slot);
    c->account.recorded = true;
    c->account.type = r->key_type;
    c->account.generation = r->key_generation;
    c->account.successor = r->successor;
    c->account.used = r->used;
    c->account.binding = r->binding;
    if (ACME_ENABLED(CONFIG_ACME_KEY_ROLLOVER)) {
        /* A key of the firmware's ends whatever was under way with the client's own. */
        c->account.rollover = acme_keys_is_external(c) ? 0 : r->rollover;
        c->account.rollover_in_doubt = c->account.rollover != 0;
    }
    c->account.exists = r->url[0] != '\0' && acme_jws_key_exists(acme_keys_account(c));
    (void)acme_str_copy(c->account_url, sizeof(c->account_url), r->url);
}

/* A damaged record's account is found again by its key, which the CA knows: it is of the generation
 * that there is. */
static void find_key(struct acme_client *c)
{
    uint8_t slot = c->account.slot;

    if ((ACME_ENABLED(CONFIG_ACME_KEY_ROLLOVER) || ACME_ENABLED(CONFIG_ACME_ACCOUNT_MANAGEMENT)) &&
        acme_jws_key_lost(acme_keys_account_of(slot, 0)) &&
        acme_jws_key_exists(acme_keys_account_of(slot, 1))) {
        c->account.generation = 1;
    }
}

/* The account in use is younger than all others in the store. */
static void set_used(struct acme_client *c, uint32_t used)
{
    if (c->account.used < used) {
        c->account.used = (uint16_t)(used > UINT16_MAX ? UINT16_MAX : used);
    }
}

int32_t acme_account_load(struct acme_client *c)
{
    uint8_t i, unused = UINT8_MAX;
    uint32_t used = 0; /* above all others */

    take_none(c, UINT8_MAX);
    for (i = 0; i < CONFIG_ACME_ACCOUNT_SLOTS; i++) {
        int32_t rc = acme_account_read_record(c, i);

        if (!acme_store_has_said(rc)) {
            return rc;
        }
        if (rc != ACME_OK) { /* a damaged one is likelier this CA's than an empty one */
            unused = unused == UINT8_MAX || rc == ACME_ERR_STORE_CORRUPT ? i : unused;
        } else if (strcmp(c->arena_memory.account.directory_url, c->config.directory_url) == 0) {
            take_record(c, i);
        } else if (CONFIG_ACME_ACCOUNT_SLOTS > 1 && c->arena_memory.account.used >= used) {
            used = c->arena_memory.account.used + 1u;
        }
    }
    if (!c->account.recorded) {
        take_none(c, unused);
        find_key(c);
    }
    set_used(c, used);
    return ACME_OK;
}

/* ---- written ---- */

/* All three texts were measured by CONFIG_ACME_URL_MAX when they came. */
int32_t acme_account_write_record(struct acme_client *c, const char *tos_url)
{
    struct acme_account_record *r = &c->arena_memory.account;
    int32_t rc;

    if (tos_url == NULL && acme_account_read_record(c, c->account.slot) != ACME_OK) {
        tos_url = "";
    }
    acme_json_reset(&c->arena);
    if (tos_url != NULL) {
        (void)acme_str_copy(r->tos_url, sizeof(r->tos_url), tos_url);
    }
    r->rollover = 0;
    r->successor = c->account.successor;
    r->key_type = c->account.type;
    r->key_generation = c->account.generation;
    r->binding = c->account.binding;
    (void)acme_str_copy(r->directory_url, sizeof(r->directory_url), c->config.directory_url);
    (void)acme_str_copy(r->url, sizeof(r->url), c->account_url);
    rc = write_arena_record(c);
    c->account.recorded = c->account.recorded || rc == ACME_OK;
    return rc;
}

int32_t acme_account_rewrite_keys(struct acme_client *c)
{
    struct acme_account_record *r = &c->arena_memory.account;
    int32_t rc = acme_account_read_record(c, c->account.slot);

    r->key_type = c->account.type;
    r->key_generation = c->account.generation;
    r->rollover = c->account.rollover;
    r->successor = c->account.successor;
    return rc != ACME_OK ? rc : write_arena_record(c);
}

uint8_t acme_account_next_type(const struct acme_client *c)
{
    ACME_ASSERT(c->account.rollover > 0);
    return (uint8_t)(c->account.rollover - 1u);
}

/* ---- several CAs ---- */

#if CONFIG_ACME_ACCOUNT_SLOTS > 1
/* One write when the CA in use changes, none as long as it stays. */
int32_t acme_account_touch(struct acme_client *c)
{
    int32_t rc = acme_account_read_record(c, c->account.slot);

    return rc != ACME_OK || c->arena_memory.account.used == c->account.used ? rc
                                                                            : write_arena_record(c);
}
#else
int32_t acme_account_touch(struct acme_client *c)
{
    (void)c;
    return ACME_OK;
}
#endif

/* The orders of an account mean nothing to the one that has its slot next. */
static int32_t remove_orders(struct acme_client *c, uint8_t slot)
{
    uint8_t i;

    for (i = 0; i < CONFIG_ACME_CERT_SLOTS; i++) {
        const struct acme_order_record *r;

        if (acme_slots_load_order(c, i, &r) == ACME_OK && r->account_slot == slot) {
            int32_t rc = acme_store_remove(&c->log, ACME_SPACE_ORDER, i);

            if (rc != ACME_OK) {
                return rc;
            }
        }
    }
    return ACME_OK;
}

/* The keys go first: after a cut there is a record without a key, which is no account, and never a
 * key that a next account could take for its own. */
int32_t acme_account_remove(struct acme_client *c, uint8_t slot)
{
    int32_t rc = acme_jws_destroy_key(acme_keys_account_of(slot, 0));

    if (rc == ACME_OK) {
        rc = acme_jws_destroy_key(acme_keys_account_of(slot, 1));
    }
    if (rc == ACME_OK) {
        rc = remove_orders(c, slot);
    }
    return rc == ACME_OK ? acme_store_remove(&c->log, ACME_SPACE_ACCOUNT, slot) : rc;
}

#if defined(CONFIG_ACME_FALLBACK)
static bool is_configured(const struct acme_client *c, const char *directory_url)
{
    uint16_t i;

    for (i = 0; i < c->config.fallbacks_count; i++) {
        if (strcmp(c->config.fallbacks[i].directory_url, directory_url) == 0) {
            return true;
        }
    }
    return strcmp(c->first_ca.directory_url, directory_url) == 0;
}
#else
static bool is_configured(const struct acme_client *c, const char *directory_url)
{
    return strcmp(c->config.directory_url, directory_url) == 0;
}
#endif

int32_t acme_account_make_room(struct acme_client *c)
{
    const struct acme_account_record *r = &c->arena_memory.account;
    uint8_t i, oldest = UINT8_MAX;
    uint32_t used = UINT32_MAX;
    int32_t rc;

    for (i = 0; i < CONFIG_ACME_ACCOUNT_SLOTS; i++) {
        rc = acme_account_read_record(c, i);
        if (rc != ACME_OK) {
            return rc; /* all of them were read when the job began */
        }
        if (!is_configured(c, r->directory_url) && r->used < used) {
            oldest = i;
            used = r->used;
        }
    }
    if (oldest == UINT8_MAX) {
        return ACME_ERR_LIMIT;
    }
    rc = acme_account_remove(c, oldest);
    c->account.slot = rc == ACME_OK ? oldest : UINT8_MAX;
    return rc;
}

int32_t acme_account_forget(acme_client *c, const char *directory_url)
{
    uint8_t i;

    if (directory_url == NULL) {
        return ACME_ERR_ARGUMENT;
    }
    if (acme_machine_is_busy(c)) {
        return ACME_ERR_STATE; /* the memory for the record is in use */
    }
    for (i = 0; i < CONFIG_ACME_ACCOUNT_SLOTS; i++) {
        int32_t rc = acme_account_read_record(c, i);

        if (rc == ACME_ERR_STORE_IO) {
            return rc;
        }
        if (rc == ACME_OK && strcmp(c->arena_memory.account.directory_url, directory_url) == 0) {
            rc = acme_account_remove(c, i);
            return rc == ACME_OK ? acme_account_load(c) : rc;
        }
    }
    return ACME_ERR_NOT_FOUND;
}
