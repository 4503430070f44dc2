/*
 * Proofs by DNS records: set, told to the CA, removed. It must not know how a type is chosen.
 */
#include "client/proof.h"

#if defined(CONFIG_ACME_DNS)

#include <string.h>

#include "base/log.h"
#include "challenge/persist.h"
#include "client/challenge.h"
#include "client/directory.h"
#include "client/machine.h"
#include "client/pool.h"
#include "client/reply.h"
#include "client/state.h"
#include "client/way.h"
#include "net/uri.h"

/* ---- records ---- */

void acme_proof_reset(struct acme_client *c)
{
    memset(&c->proofs, 0, sizeof(c->proofs));
}

bool acme_proof_is_wanted(const struct acme_client *c)
{
    return c->order.type != NULL && c->order.type->record != NULL;
}

bool acme_proof_has_records(const struct acme_client *c)
{
    return c->proofs.count > 0;
}

/* A challenge object of dns-persist-01 may name the account that it wants: it had better be ours.
 */
static bool is_our_account(const struct acme_client *c, acme_json_value challenge)
{
    const char *uri = acme_json_string(challenge, "accounturi");

    return uri == NULL || strcmp(uri, c->account_url) == 0;
}

static int32_t describe_record(struct acme_client *c, const struct acme_challenge_ops *ops,
                               acme_json_value json, struct acme_challenge *challenge,
                               struct acme_buf *text)
{
    int32_t rc;

    acme_challenge_describe(c, challenge);
    if (ops->publishes) {
        rc = acme_challenge_add_key_authorization(c, acme_json_string(json, "token"), text);
        challenge->key_authorization = text->data;
    } else {
        rc = is_our_account(c, json)
                 ? acme_directory_write_issuers(acme_persist_issuers(json), text)
                 : ACME_ERR_FIELD;
        challenge->issuers = text->data;
    }
    return rc == ACME_OK && acme_buf_result(text) < 0 ? ACME_ERR_FIELD : rc;
}

/* Writes the record's place, its name and its value into the pool; the reply is in the arena by
 * now, so that the work buffer is free. */
static int32_t write_record(struct acme_client *c, const struct acme_challenge_ops *ops,
                            acme_json_value json, struct acme_proof_record *r)
{
    struct acme_buf text, name, value;
    struct acme_challenge challenge;
    int32_t rc;

    acme_buf_init(&text, c->work.proof.text, sizeof(c->work.proof.text));
    acme_buf_init(&value, c->work.proof.value, sizeof(c->work.proof.value));
    acme_buf_init(&name, c->work.proof.name, sizeof(c->work.proof.name));
    rc = describe_record(c, ops, json, &challenge, &text);
    if (rc == ACME_OK) {
        ops->record(&challenge, &name, &value);
        rc = acme_buf_result(&name) < 0 || acme_buf_result(&value) <= 0 ? ACME_ERR_NAME : ACME_OK;
    }
    if (rc == ACME_OK) {
        rc = acme_error_at(&c->machine.place, "url",
                           acme_pool_add_url(c, acme_json_string(json, "url"), &r->url));
    }
    if (rc == ACME_OK) {
        rc = acme_pool_add(c, name.data, &r->name);
    }
    return rc == ACME_OK ? acme_pool_add(c, value.data, &r->value) : rc;
}

/* What is taken here stays until clean-up. */
static int32_t take_record(struct acme_client *c, const struct acme_challenge_ops *ops,
                           acme_json_value json, bool stale)
{
    struct acme_order *o = &c->order;
    struct acme_proof_record *r = &c->proofs.records[c->proofs.count];
    int32_t rc;

    if (c->proofs.count == CONFIG_ACME_NAMES_MAX) {
        return ACME_ERR_LIMIT;
    }
    rc = write_record(c, ops, json, r);
    if (rc != ACME_OK) {
        c->pool_len = o->challenge_mark;
        return rc;
    }
    r->authorization = o->authorization_index;
    r->name_index = o->name;
    r->type = ops;
    r->alternatives = o->alternatives;
    r->by_ancestor = o->by_ancestor;
    r->sent = acme_reply_status(json) == ACME_STATUS_PROCESSING;
    r->stale = stale;
    if (c->proofs.count++ == 0) {
        c->proofs.mark = o->challenge_mark;
    }
    o->challenge_mark = c->pool_len;
    return ACME_OK;
}

void acme_proof_take_stale(struct acme_client *c, acme_json_value authorization)
{
    acme_json_value item = acme_json_first(acme_json_array(authorization, "challenges"));

    if (!c->order.resumed || c->proofs.proving || c->challenges.dns == NULL ||
        c->challenges.dns->cleanup == NULL) {
        return;
    }
    for (; item != NULL; item = acme_json_next(item)) {
        const char *type = acme_json_string(item, "type");
        const struct acme_challenge_ops *ops = type == NULL ? NULL : acme_challenge_find_name(type);

        if (ops != NULL && ops->publishes && acme_reply_status(item) == ACME_STATUS_VALID) {
            (void)take_record(c, ops, item, true); /* without room it stays: no harm done */
        }
    }
}

static void start_operation(struct acme_client *c)
{
    c->proofs.deadline_ms =
        acme_clock_uptime_ms(&c->clock) + CONFIG_ACME_DNS_TIMEOUT_S * UINT64_C(1000);
}

/* ---- from one record to the next ---- */

int32_t acme_proof_take(struct acme_client *c, acme_json_value challenge)
{
    int32_t rc = take_record(c, c->order.type, challenge, false);

    if (rc == ACME_ERR_LIMIT && c->proofs.count > 0) {
        c->order.type = NULL;
        return acme_proof_next(c); /* makes room; this one comes after them */
    }
    if (rc != ACME_OK) {
        return rc;
    }
    start_operation(c);
    return acme_machine_go(c, ACME_STATE_PRESENT);
}

bool acme_proof_is_told(const struct acme_client *c, uint16_t *authorization)
{
    if (c->proofs.proving) {
        ACME_ASSERT(c->proofs.record < c->proofs.count);
        *authorization = c->proofs.records[c->proofs.record].authorization;
    }
    return c->proofs.proving;
}

int32_t acme_proof_next(struct acme_client *c)
{
    struct acme_proofs *p = &c->proofs;
    const struct acme_proof_record *r;

    p->record = p->proving ? p->record : 0;
    p->proving = true;
    while (p->record < p->count && p->records[p->record].stale) {
        p->record++;
    }
    if (p->record == p->count) {
        c->order.next = ACME_STATE_NEXT_AUTHORIZATION;
        (void)acme_proof_clean_up(c);
        return ACME_OK;
    }
    r = &p->records[p->record];
    c->order.name = r->name_index;
    c->order.type = r->type;
    c->order.alternatives = r->alternatives;
    c->order.challenge_sent = r->sent;
    c->order.by_ancestor = r->by_ancestor;
    start_operation(c);
    return acme_machine_go(c, ACME_STATE_READY);
}

int32_t acme_proof_is_done(struct acme_client *c)
{
    c->proofs.record++;
    return acme_proof_next(c);
}

static void stop_provider(struct acme_client *c)
{
    if (c->challenges.dns != NULL && c->challenges.dns->stop != NULL) {
        c->challenges.dns->stop(c->challenges.dns_ctx);
    }
}

bool acme_proof_clean_up(struct acme_client *c)
{
    if (c->proofs.count == 0) {
        return false;
    }
    c->proofs.record = 0;
    stop_provider(c);
    start_operation(c);
    acme_machine_go(c, ACME_STATE_CLEAN_UP);
    return true;
}

/* ---- states ---- */

uint64_t acme_proof_turn_ms(const struct acme_client *c)
{
    return c->proofs.turn_ms;
}

/* What an operation of the provider says, with a bound on how long it may say "later". */
static int32_t bound_operation(struct acme_client *c, int32_t rc, uint32_t wait_ms)
{
    uint64_t now = acme_clock_uptime_ms(&c->clock), deadline = c->proofs.deadline_ms;

    if (rc != ACME_ERR_AGAIN) {
        return rc > 0 ? ACME_ERR_DNS : rc;
    }
    if (now >= deadline) {
        stop_provider(c);
        return ACME_ERR_DNS_TIMEOUT;
    }
    c->proofs.turn_ms = now + wait_ms < deadline ? now + wait_ms : deadline;
    return rc;
}

static void get_record(const struct acme_client *c, uint16_t index, struct acme_dns_record *record)
{
    int64_t now_s;

    record->name = acme_pool_get(c, c->proofs.records[index].name);
    record->value = acme_pool_get(c, c->proofs.records[index].value);
    record->now_s = acme_clock_now(&c->clock, &now_s) == ACME_OK ? now_s : 0;
}

int32_t acme_enter_present(struct acme_client *c)
{
    const struct acme_dns_ops *dns = c->challenges.dns;
    uint32_t wait_ms = 1000;
    struct acme_dns_record record;
    int32_t rc = ACME_OK;

    get_record(c, (uint16_t)(c->proofs.count - 1), &record);
    if (c->order.type->publishes) {
        rc = dns->present(c->challenges.dns_ctx, &record, &wait_ms);
    }
    rc = bound_operation(c, rc, wait_ms);
    if (rc != ACME_OK) {
        return rc == ACME_ERR_AGAIN ? rc : acme_way_fail_here(c, rc);
    }
    c->order.type = NULL;
    c->order.authorization_index++;
    return acme_machine_go(c, ACME_STATE_NEXT_AUTHORIZATION);
}

int32_t acme_enter_ready(struct acme_client *c)
{
    struct acme_order *o = &c->order;
    uint32_t wait_ms = 1000;
    struct acme_challenge challenge;
    struct acme_dns_record record;
    int32_t rc;

    acme_challenge_describe(c, &challenge);
    get_record(c, c->proofs.record, &record);
    challenge.issuers = record.value;
    rc = bound_operation(c, o->type->ready(&c->challenges, &challenge, &record, &wait_ms), wait_ms);
    if (rc != ACME_OK) {
        return rc == ACME_ERR_AGAIN ? rc : acme_way_fail_here(c, rc);
    }
    o->challenge = c->proofs.records[c->proofs.record].url;
    return acme_machine_go(c, ACME_STATE_CHALLENGE);
}

static int32_t end_clean_up(struct acme_client *c)
{
    c->pool_len = c->order.challenge_mark = c->proofs.mark;
    acme_proof_reset(c);
    acme_challenge_stop(c);
    return acme_machine_go(c, (enum acme_state)c->order.next);
}

int32_t acme_enter_clean_up(struct acme_client *c)
{
    struct acme_proofs *p = &c->proofs;
    const struct acme_dns_ops *dns = c->challenges.dns;
    uint32_t wait_ms = 1000;
    struct acme_dns_record record;
    int32_t rc = ACME_OK;

    if (p->record >= p->count) {
        return end_clean_up(c);
    }
    get_record(c, p->record, &record);
    if (p->records[p->record].type->publishes && dns->cleanup != NULL) {
        rc = dns->cleanup(c->challenges.dns_ctx, &record, &wait_ms);
    }
    rc = bound_operation(c, rc, wait_ms);
    if (rc == ACME_ERR_AGAIN) {
        return rc;
    }
    if (rc != ACME_OK) {
        ACME_LOG(c->config.port, ACME_LOG_WARNING, "dns: a record stays behind:", record.name, rc);
    }
    p->record++;
    start_operation(c);
    return ACME_OK;
}
#endif
