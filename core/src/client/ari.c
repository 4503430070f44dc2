/*
 * Renewal information (RFC 9773): asks the CA when a certificate should be renewed. Whatever goes
 * wrong here is not the job's failure: the dates of the certificate decide then. It must not renew.
 */
#include "client/ari.h"

#if defined(CONFIG_ACME_ARI)

#include <string.h>

#include "base/date.h"
#include "base/error.h"
#include "base/log.h"
#include "client/machine.h"
#include "client/pool.h"
#include "client/renewal.h"
#include "client/reply.h"
#include "client/request.h"
#include "client/schedule.h"
#include "client/slots.h"
#include "client/state.h"
#include "crypto/cert.h"

#define LOOK_DEFAULT_S  (6 * 3600)
#define LOOK_CEILING_MS (86400u * 1000u)

int32_t acme_ari_cert_id(struct acme_client *c, const struct acme_slot *s, char *out, size_t size)
{
    struct acme_chain_check check = {
        .log = &c->log,
        .slot = s->store_slot,
        .generation = s->cert.key_generation,
        .scratch = c->work.bytes,
        .scratch_size = sizeof(c->work.bytes),
    };
    struct acme_buf id;

    acme_buf_init(&id, out, size);
    return acme_cert_id(&check, &s->cert, &id);
}

static void set_next_look(struct acme_client *c, struct acme_slot *s, int64_t pause_s)
{
    int64_t lifetime = s->cert.not_after_s - s->cert.not_before_s;

    s->schedule.look_at_s = acme_schedule_settle(c, s) + acme_renewal_look(pause_s, lifetime);
    acme_schedule_write(c, s);
}

/* Whether a slot's CA is asked now. One that has no such resource may learn it. */
static bool is_asked(struct acme_client *c, struct acme_slot *s)
{
    if (!s->pending || s->looked || !acme_schedule_is_look_due(c, s)) {
        return false;
    }
    s->looked = true;
    if (c->directory.urls[ACME_URL_RENEWAL_INFO] == 0) {
        set_next_look(c, s, LOOK_CEILING_MS / 1000u);
        return false;
    }
    return true;
}

bool acme_ari_next(struct acme_client *c)
{
    int16_t i;

    for (i = 0; i < (int16_t)c->config.certs_count; i++) {
        if (is_asked(c, &c->slots[i])) {
            c->slot = i;
            acme_machine_go(c, ACME_STATE_RENEWAL_INFO);
            return true;
        }
    }
    return false;
}

int32_t acme_enter_renewal_info(struct acme_client *c)
{
    char id[ACME_CERT_ID_MAX];
    struct acme_buf url;
    int32_t rc = acme_ari_cert_id(c, acme_slots_current(c), id, sizeof(id));

    if (rc != ACME_OK) {
        return rc;
    }
    acme_json_reset(&c->arena); /* lends its memory */
    acme_buf_init(&url, c->arena_memory.url, sizeof(c->arena_memory.url));
    acme_buf_add(&url, acme_pool_get(c, c->directory.urls[ACME_URL_RENEWAL_INFO]));
    acme_buf_add_char(&url, '/');
    acme_buf_add(&url, id);
    return acme_buf_result(&url) < 0 ? ACME_ERR_LIMIT : acme_request_plain(c, "GET", url.data);
}

static int32_t next_look(struct acme_client *c, struct acme_slot *s, int64_t pause_s)
{
    set_next_look(c, s, pause_s);
    c->slot = -1;
    return acme_machine_go(c, ACME_STATE_SELECT);
}

int32_t acme_failed_renewal_info(struct acme_client *c, int32_t error)
{
    struct acme_slot *s = acme_slots_current(c);
    uint32_t ms = 0;

    if (acme_error_severity(error) == ACME_SEVERITY_FATAL) {
        return error;
    }
    ACME_LOG(c->config.port, ACME_LOG_INFO, "acme: no renewal information:", acme_error_text(error),
             error);
    if (acme_error_is_busy(error)) {
        ms = acme_reply_retry_after(c, 0, LOOK_CEILING_MS);
    }
    memset(&c->problem, 0, sizeof(c->problem));
    return next_look(c, s, ms > 0 ? ms / 1000u : LOOK_DEFAULT_S);
}

static void take_window(struct acme_client *c, struct acme_slot *s, int64_t start_s, int64_t end_s,
                        const char *explanation)
{
    uint64_t random = 0;

    if (s->schedule.renew_at_s != 0 && s->schedule.window_start_s == start_s &&
        s->schedule.window_end_s == end_s) {
        return; /* the instant that was drawn stays; a new certificate starts without one */
    }
    (void)psa_generate_random((uint8_t *)&random, sizeof(random));
    s->schedule.window_start_s = start_s;
    s->schedule.window_end_s = end_s;
    s->schedule.generation = s->cert.key_generation;
    s->schedule.renew_at_s =
        acme_renewal_draw(start_s, end_s, s->cert.not_before_s, s->cert.not_after_s, random);
    acme_machine_emit(c, ACME_EVENT_RENEWAL_INFO, explanation);
}

/* It is shown to people: nothing but visible ASCII of an https or http URL. */
static const char *check_explanation(const char *url)
{
    const char *p;

    if (url == NULL || (strncmp(url, "https://", 8) != 0 && strncmp(url, "http://", 7) != 0)) {
        return NULL;
    }
    for (p = url; *p != '\0'; p++) {
        if (*p <= ' ' || *p > '~') {
            return NULL;
        }
    }
    return url;
}

int32_t acme_reply_renewal_info(struct acme_client *c)
{
    struct acme_slot *s = acme_slots_current(c);
    acme_json_value root, window;
    int64_t start_s = 0, end_s = 0;
    int32_t rc = acme_reply_json(c, &root);

    if (rc != ACME_OK) {
        return rc;
    }
    window = acme_json_object(root, "suggestedWindow");
    rc = acme_date_parse(acme_json_string(window, "start"), &start_s);
    if (rc == ACME_OK) {
        rc = acme_date_parse(acme_json_string(window, "end"), &end_s);
    }
    if (rc != ACME_OK || end_s <= start_s) {
        return acme_error_at(&c->machine.place, "suggestedWindow", ACME_ERR_FIELD);
    }
    take_window(c, s, start_s, end_s, check_explanation(acme_json_string(root, "explanationURL")));
    return next_look(c, s,
                     acme_reply_retry_after(c, LOOK_DEFAULT_S * 1000u, LOOK_CEILING_MS) / 1000u);
}
#endif
