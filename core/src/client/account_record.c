/*
 * The account's record. It shares memory with the JSON arena: neither outlives a state.
 */
#include "client/account_record.h"

#include <string.h>

#include "base/buf.h"
#include "client/keys.h"
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
    return acme_store_write_account(&c->log, c->account.slot, &c->arena_memory.account,
                                    c->work.bytes, sizeof(c->work.bytes));
}

static void take_record(struct acme_client *c, uint8_t slot)
{
    const struct acme_account_record *r = &c->arena_memory.account;

    c->account.slot = slot;
    c->account.type = r->key_type;
    c->account.generation = r->key_generation;
    if (ACME_ENABLED(CONFIG_ACME_KEY_ROLLOVER)) {
        /* A key of the firmware's ends whatever was under way with the client's own. */
        c->account.rollover = acme_keys_is_external(c) ? 0 : r->rollover;
        c->account.rollover_in_doubt = c->account.rollover != 0;
    }
    c->account.exists = r->url[0] != '\0' && acme_jws_key_exists(acme_keys_account(c));
    (void)acme_str_copy(c->account_url, sizeof(c->account_url), r->url);
}

/* The CA is not known: its account will have the first slot that is free. */
static void take_none(struct acme_client *c, uint8_t unused)
{
    c->account.slot = unused;
    c->account.type = c->config.account_key_type;
    c->account.generation = 0;
    c->account.rollover = 0;
    c->account.rollover_in_doubt = false;
    c->account.exists = false;
    c->account_url[0] = '\0';
}

int32_t acme_account_load(struct acme_client *c)
{
    uint8_t i, unused = UINT8_MAX;

    for (i = 0; i < CONFIG_ACME_ACCOUNT_SLOTS; i++) {
        int32_t rc = acme_account_read_record(c, i);

        if (rc == ACME_ERR_STORE_IO) {
            return rc;
        }
        if (rc != ACME_OK) {
            unused = unused == UINT8_MAX ? i : unused;
        } else if (strcmp(c->arena_memory.account.directory_url, c->config.directory_url) == 0) {
            take_record(c, i);
            return ACME_OK;
        }
    }
    take_none(c, unused);
    return ACME_OK;
}

/* All three texts were measured by CONFIG_ACME_URL_MAX when they came. */
int32_t acme_account_write_record(struct acme_client *c, const char *tos_url)
{
    struct acme_account_record *r = &c->arena_memory.account;

    acme_json_reset(&c->arena);
    r->rollover = 0;
    r->key_type = c->account.type;
    r->key_generation = c->account.generation;
    (void)acme_str_copy(r->directory_url, sizeof(r->directory_url), c->config.directory_url);
    (void)acme_str_copy(r->url, sizeof(r->url), c->account_url);
    (void)acme_str_copy(r->tos_url, sizeof(r->tos_url), tos_url);
    return write_arena_record(c);
}

int32_t acme_account_rewrite_keys(struct acme_client *c)
{
    struct acme_account_record *r = &c->arena_memory.account;
    int32_t rc = acme_account_read_record(c, c->account.slot);

    r->key_type = c->account.type;
    r->key_generation = c->account.generation;
    r->rollover = c->account.rollover;
    return rc != ACME_OK ? rc : write_arena_record(c);
}

int32_t acme_account_forget_url(struct acme_client *c)
{
    c->account.exists = false;
    c->account_url[0] = '\0';
    return acme_account_write_record(c, "");
}

uint8_t acme_account_next_type(const struct acme_client *c)
{
    ACME_ASSERT(c->account.rollover > 0);
    return (uint8_t)(c->account.rollover - 1u);
}
