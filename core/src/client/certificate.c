/*
 * The certificate of an order (RFC 8555 7.4.2): its chain to flash, its check, its installation. It
 * must not know how it was ordered.
 */
#include "client/certificate.h"

#include <string.h>

#include <mbedtls/ssl.h>

#include "base/error.h"
#include "base/log.h"
#include "client/hold.h"
#include "client/keys.h"
#include "client/request.h"
#include "client/schedule.h"
#include "client/slots.h"
#include "client/state.h"
#include "crypto/cert.h"
#include "crypto/jws.h"

#define EARLY_MOST_S (INT64_C(20) * 60)
#define FAR_S        86400

/* Of TLS's Certificate message, in front of all and of each certificate. mbedTLS sends it in one
 * record. */
#if defined(MBEDTLS_SSL_PROTO_TLS1_3)
#define MESSAGE_HEAD 9u /* and the record's type behind it */
#define ENTRY_HEAD   5u
#else
#define MESSAGE_HEAD 7u
#define ENTRY_HEAD   3u
#endif

int32_t acme_enter_certificate(struct acme_client *c)
{
    uint8_t slot = acme_slots_current(c)->store_slot;
    int32_t rc;

    if (!acme_request_has_nonce(c)) {
        return ACME_OK;
    }
    rc = acme_store_remove_chain(&c->log, slot, c->order.generation);
    if (rc != ACME_OK) {
        return rc;
    }
    acme_chain_sink_init(&c->body.sink, &c->log, c->arena_memory.chunk, slot, c->order.generation);
    return acme_request_chain(c, c->order.certificate);
}

int32_t acme_reply_certificate(struct acme_client *c)
{
    int32_t rc;

    if (c->exchange.parser.response.status != 200) {
        return ACME_ERR_HTTP_STATUS;
    }
    rc = acme_chain_sink_finish(&c->body.sink);
    if (rc != ACME_OK) {
        c->where.limit = c->body.sink.limit;
        return rc;
    }
    return acme_machine_go(c, ACME_ENABLED(CONFIG_ACME_ALTERNATE_CHAINS) ? ACME_STATE_CHAIN_CHOICE
                                                                         : ACME_STATE_INSTALL);
}

/* The new chain and key are whole and in force; what they replace can go. A cut here leaves
 * remains, which acme_init removes. */
void acme_certificate_remove_replaced(struct acme_client *c)
{
    const struct acme_slot *s = acme_slots_current(c);
    uint8_t old = c->order.generation ^ 1u;

    (void)acme_jws_destroy_key(acme_keys_cert(s->store_slot, old));
    (void)acme_store_remove_chain(&c->log, s->store_slot, old);
}

void acme_certificate_describe_check(struct acme_client *c, struct acme_chain_check *check)
{
    const struct acme_slot *s = acme_slots_current(c);

    check->log = &c->log;
    check->clock = &c->clock;
    check->request = acme_slots_request(c);
    check->key = acme_keys_cert(s->store_slot, c->order.generation);
    check->slot = s->store_slot;
    check->generation = c->order.generation;
    check->scratch = c->work.bytes;
    check->scratch_size = sizeof(c->work.bytes);
    check->may_add_names = check->request->may_add_names;
    check->added = c->problem.identifier;
    check->added_size = sizeof(c->problem.identifier);
}

bool acme_certificate_has_more_memory(struct acme_client *c, int32_t error)
{
    if (error != ACME_ERR_TLS_MEMORY || !acme_tls_is_open(&c->exchange.tls)) {
        return false;
    }
    acme_exchange_close(&c->exchange);
    return true;
}

static int32_t check_chain(struct acme_client *c, struct acme_cert_record *record)
{
    struct acme_chain_check check;
    int32_t rc;

    acme_certificate_describe_check(c, &check);
    memset(record, 0, sizeof(*record));
    record->names_id = acme_store_names_id(check.request->names, check.request->names_count);
    record->key_type = check.request->key_type;
    record->key_exportable = check.request->key_exportable;
    record->key_generation = c->order.generation;
    record->chain_count = c->body.sink.count;
    memcpy(record->lengths, c->body.sink.lengths, sizeof(record->lengths));
    rc = acme_cert_check_chain(&check, record);
    return acme_certificate_has_more_memory(c, rc) ? acme_cert_check_chain(&check, record) : rc;
}

#if defined(CONFIG_ACME_REVOKE_REPLACED)
static bool revokes_replaced(const struct acme_client *c)
{
    return acme_slots_request(c)->revoke_replaced;
}
#else
static bool revokes_replaced(const struct acme_client *c)
{
    (void)c;
    return false;
}
#endif

/* The record is in force: the slot has the new certificate. */
static int32_t take_new(struct acme_client *c, struct acme_slot *s,
                        const struct acme_cert_record *record)
{
    bool revokes =
        revokes_replaced(c) && s->has_cert && c->directory.urls[ACME_URL_REVOKE_CERT] != 0;

    c->order.use.replaced_len = revokes ? s->cert.lengths[0] : 0;
    s->cert = *record;
    s->has_cert = s->occupied = true;
    acme_clock_raise_born(&c->clock, record->not_before_s);
    acme_schedule_installed(c, s);
    s->damaged = false;
    acme_machine_emit(c, ACME_EVENT_INSTALLED, NULL);
    if (revokes) {
        return acme_machine_go(c, ACME_STATE_REVOKE_REPLACED);
    }
    acme_certificate_remove_replaced(c);
    return acme_machine_end_slot(c, ACME_OK);
}

/* How far ahead a birth may lie. Half of what the present certificate has left: both are held
 * against the same clock, so that one which is days late does no harm, if the new one comes into
 * force before the present one ends. */
static int64_t most_ahead_s(struct acme_client *c, int64_t now_s)
{
    const struct acme_slot *s = acme_slots_current(c);
    int64_t half_s = s->has_cert ? (s->cert.not_after_s - now_s) / 2 : 0;

    return half_s > FAR_S ? half_s : FAR_S;
}

/* A CA's clock may be ahead, or the device's be late: a leaf that is not valid yet is installed
 * when it is. It is waited for once: a clock that stands still is no reason to wait for ever. One
 * that is born too far from now is as bad as one that has ended: the CA's clock was wrong. */
static int32_t wait_for_birth(struct acme_client *c, int64_t not_before_s)
{
    int64_t now_s, left_s;

    (void)acme_clock_now(&c->clock, &now_s);
    left_s = not_before_s - now_s;
    if (c->order.waited || left_s > EARLY_MOST_S) {
        return left_s > most_ahead_s(c, now_s) ? ACME_ERR_CERT_DATES : ACME_ERR_CERT_EARLY;
    }
    c->order.waited = true;
    acme_machine_wait(c, left_s > 0 ? (uint32_t)left_s * 1000u : 1000u);
    return ACME_ERR_AGAIN;
}

bool acme_certificate_can_be_sent(const struct acme_client *c, const uint16_t *lengths,
                                  uint8_t count)
{
    uint32_t most = c->config.chain_max, size = MESSAGE_HEAD;
    uint8_t i;

    for (i = 0; i < count; i++) {
        size += ENTRY_HEAD + lengths[i];
    }
    if (most == UINT16_MAX) {
        return true;
    }
    return size <= (most > 0 ? most : MBEDTLS_SSL_OUT_CONTENT_LEN);
}

/* What cannot be sent is no use in front of clients: the chain ends where it fits. */
static int32_t cut(struct acme_client *c, struct acme_cert_record *record)
{
    uint8_t count = record->chain_count;

    while (count > 0 && !acme_certificate_can_be_sent(c, record->lengths, count)) {
        count--;
    }
    if (count == 0) {
        return ACME_ERR_CERT_LIMIT;
    }
    if (count < record->chain_count) {
        ACME_LOG(c->config.port, ACME_LOG_WARNING,
                 "acme: the chain is too long for TLS; certificates that are left out:", NULL,
                 record->chain_count - count);
        record->chain_count = count;
        acme_machine_emit(c, ACME_EVENT_CHAIN_CUT, NULL);
    }
    return ACME_OK;
}

int32_t acme_enter_install(struct acme_client *c)
{
    struct acme_slot *s = acme_slots_current(c);
    struct acme_cert_record record;
    int32_t rc;

    if (acme_hold_must_wait(c)) {
        return ACME_ERR_AGAIN;
    }
    acme_machine_note_url(c, NULL);
    if (CONFIG_ACME_CERT_SLOTS ==
        1) { /* the CA is not needed any more, its connection's memory is */
        acme_exchange_close(&c->exchange);
    }
    rc = check_chain(c, &record);
    if (rc == ACME_ERR_CERT_EARLY) {
        rc = wait_for_birth(c, record.not_before_s);
    }
    if (rc == ACME_ERR_AGAIN) {
        return rc;
    }
    if (ACME_ENABLED(ACME_MUTATE_REPLACE_FIRST)) {
        /* A deliberate bug, for the runner of lives to find: the old key goes before the new chain
         * is in force. */
        acme_certificate_remove_replaced(c);
    }
    if (rc == ACME_OK) {
        rc = cut(c, &record);
    }
    if (rc == ACME_OK) {
        rc = acme_slots_join_names(c, acme_slots_request(c));
    }
    if (rc == ACME_OK) {
        rc = acme_store_install(&c->log, s->store_slot, &record, c->work.text);
    }
    return rc == ACME_OK ? take_new(c, s, &record) : rc;
}

/* Whether an order's certificate will never do. One that has expired since an earlier run will not;
 * other faults may be mended by the CA, and get so many jobs. More names than were asked for are
 * for a person to decide about. */
static bool is_hopeless(struct acme_client *c, int32_t error)
{
    if (acme_error_is_global(error) || acme_error_is_passing(error) ||
        error == ACME_ERR_CERT_EARLY || error == ACME_ERR_CERT_NAMES_ADDED) {
        return false;
    }
    return (error == ACME_ERR_CERT_DATES && c->order.resumed) ||
           acme_schedule_gives_up(acme_slots_current(c));
}

/* The order is finalized: later jobs fetch its certificate again, rather than order another. */
int32_t acme_failed_certificate(struct acme_client *c, int32_t error)
{
    if (!is_hopeless(c, error)) {
        return error;
    }
    acme_schedule_burnt(c, acme_slots_current(c));
    return acme_order_leave(c, ACME_STATE_ORDER_GONE, error);
}
