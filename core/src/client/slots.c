/*
 * The slots, and what the store has of them. It must not know how a certificate is obtained.
 */
#include "client/slots.h"

#include "base/buf.h"
#include "client/state.h"

#if CONFIG_ACME_CERT_SLOTS > 1
struct acme_slot *acme_slots_at(struct acme_client *c, uint16_t request)
{
    ACME_ASSERT(request < CONFIG_ACME_CERT_SLOTS);
    return &c->slots[request];
}

const struct acme_cert_request *acme_slots_request(const struct acme_client *c)
{
    ACME_ASSERT(c->slot >= 0 && c->slot < (int16_t)c->config.certs_count);
    return &c->config.certs[c->slot];
}

struct acme_slot *acme_slots_current(struct acme_client *c)
{
    return acme_slots_at(c, (uint16_t)c->slot);
}
#endif

#if defined(ACME_SLOT_PROBLEM)
struct acme_problem *acme_slots_problem(struct acme_client *c)
{
    return &c->slot_problem;
}

void acme_slots_keep_problem(struct acme_client *c)
{
    c->slot_problem = c->problem;
    c->problem_slot = c->slot;
    if (ACME_ENABLED(CONFIG_ACME_ERROR_TEXTS)) {
        c->machine.slot_place = c->machine.place;
    }
}
#else
struct acme_problem *acme_slots_problem(struct acme_client *c)
{
    return &c->problem;
}

void acme_slots_keep_problem(struct acme_client *c)
{
    c->problem_slot = c->slot;
    if (ACME_ENABLED(CONFIG_ACME_ERROR_TEXTS)) {
        c->machine.slot_place = c->machine.place;
    }
}
#endif

int32_t acme_slots_join_names(struct acme_client *c, const struct acme_cert_request *request)
{
    struct acme_buf b;
    uint16_t i;

    acme_buf_init(&b, c->work.text, sizeof(c->work.text));
    for (i = 0; i < request->names_count; i++) {
        if (!acme_str_is_repeated(request->names, i)) {
            acme_buf_add_form(&b, i == 0 ? "$" : ",$", request->names[i]);
        }
    }
    return acme_buf_result(&b) < 0 ? ACME_ERR_BUFFER : ACME_OK;
}

uint16_t acme_slots_count_names(const struct acme_cert_request *request)
{
    uint16_t i, count = 0;

    for (i = 0; i < request->names_count; i++) {
        count = (uint16_t)(count + (acme_str_is_repeated(request->names, i) ? 0 : 1));
    }
    return count;
}

struct acme_names_ids acme_slots_names_ids(const struct acme_cert_request *request)
{
    struct acme_names_ids ids = {acme_store_names_id(request->names, request->names_count),
                                 acme_store_names_id_v1(request->names, request->names_count)};

    return ids;
}

bool acme_slots_names_are(const struct acme_cert_request *request, uint64_t names_id)
{
    struct acme_names_ids ids = acme_slots_names_ids(request);

    return acme_names_ids_have(&ids, names_id);
}

int32_t acme_slots_check_chain(struct acme_client *c, uint8_t store_slot,
                               const struct acme_cert_record *record)
{
    uint32_t size = 0;
    uint8_t i;

    for (i = 0; i < record->chain_count; i++) {
        size += record->lengths[i];
    }
    return acme_store_check_chain(&c->log, store_slot, record->key_generation, size);
}

int32_t acme_slots_look_at_chain(struct acme_client *c, struct acme_slot *s)
{
    int32_t rc = acme_slots_check_chain(c, s->store_slot, &s->cert);

    if (rc == ACME_OK || rc == ACME_ERR_STORE_CORRUPT) {
        s->damaged = rc != ACME_OK;
    }
    return rc;
}

int32_t acme_slots_load_order(struct acme_client *c, uint8_t store_slot,
                              const struct acme_order_record **r)
{
    acme_json_reset(&c->arena); /* its memory is the record's now */
    *r = &c->arena_memory.order;
    return acme_store_read_order(&c->log, store_slot, &c->arena_memory.order, c->work.bytes,
                                 sizeof(c->work.bytes));
}

int32_t acme_slots_drop_order(struct acme_client *c)
{
    return acme_store_remove(&c->log, ACME_SPACE_ORDER, acme_slots_current(c)->store_slot);
}
