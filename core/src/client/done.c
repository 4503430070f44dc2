/*
 * The end of a slot's work (SLOT_DONE) and of a job (DONE). It must not know what the work was.
 */
#include "client/done.h"

#include "base/error.h"
#include "client/keys.h"
#include "client/machine.h"
#include "client/reply.h"
#include "client/schedule.h"
#include "client/slots.h"
#include "client/state.h"

/* What a CA asks for is kept, up to 30 days: who says more is mistaken (docs/fleet.md). */
#define PAUSE_CEILING_MS (30u * 86400000u)

/* What the CA asks for in the reply that an error came with, in seconds; 0: nothing. */
static uint32_t asked_pause(const struct acme_client *c, int32_t error)
{
    return acme_error_is_busy(error) || error == ACME_ERR_POLL_LIMIT
               ? acme_reply_retry_after(c, 0, PAUSE_CEILING_MS) / 1000u
               : 0;
}

/* What could not be written failed for damage in the store, which may be readable again some day.
 * Where waiting for that would cost the certificate, it is given up now; the next try has room. */
static void give_up_damage(struct acme_client *c, const struct acme_slot *s)
{
    if (acme_place_is_refusing(&c->log) && acme_schedule_is_late(c, s)) {
        (void)acme_place_give_up(&c->log);
    }
}

static void slot_failed(struct acme_client *c, struct acme_slot *s, int32_t error)
{
    c->machine.result = error;
    acme_slots_keep_problem(c);
    acme_machine_emit_failure(c, ACME_EVENT_ERROR, error, NULL);
    give_up_damage(c, s);
    acme_schedule_failed(c, s, asked_pause(c, error));
    if (acme_error_severity(error) == ACME_SEVERITY_PERMANENT && !acme_order_is_kept(c)) {
        /* Nothing is gained by going on with this order: the next try gets a new one. */
        (void)acme_slots_drop_order(c);
    }
}

/* The current slot's work ends; others go on. */
int32_t acme_enter_slot_done(struct acme_client *c)
{
    struct acme_slot *s = acme_slots_current(c);
    int32_t error = c->machine.error;

    s->error = error;
    s->pending = false;
    acme_challenges_close(&c->challenges);
    if (error != ACME_OK) {
        slot_failed(c, s, error);
    }
    c->slot = -1;
    return acme_machine_go(c, ACME_STATE_SELECT);
}

/* What was still to be done fails as the job does; only ACME_JOB_RUN has such. */
static void end_slots(struct acme_client *c, int32_t error)
{
    uint16_t i;

    for (i = 0; i < c->config.certs_count; i++) {
        struct acme_slot *s = acme_slots_at(c, i);

        if (s->pending) {
            s->error = error;
            if (error != ACME_OK && acme_schedule_wants(c, s)) {
                give_up_damage(c, s);
                acme_schedule_failed(c, s, asked_pause(c, error));
            }
        }
        s->pending = false;
    }
}

static void close_all(struct acme_client *c)
{
    acme_challenges_close(&c->challenges);
    acme_exchange_close(&c->exchange);
    acme_keys_purge(c);
    c->io.in_exchange = false;
    c->nonce[0] = '\0';
    if (c->forced_once) {
        c->config.force_renewal = c->forced_once = false;
    }
}

int32_t acme_enter_done(struct acme_client *c)
{
    int32_t error = c->machine.error;

    if (error != ACME_OK) {
        c->machine.result = error;
        acme_machine_emit_failure(c, ACME_EVENT_ERROR, error, NULL);
    }
    end_slots(c, error);
    close_all(c);
    if (ACME_ENABLED(CONFIG_ACME_FALLBACK)) {
        return acme_machine_go(c, ACME_STATE_NEXT_CA);
    }
    acme_done_end_job(c);
    return ACME_OK;
}

void acme_done_cancel_job(struct acme_client *c)
{
    end_slots(c, ACME_OK);
    close_all(c);
    c->machine.error = c->machine.result = ACME_OK;
    acme_done_end_job(c);
}

void acme_done_end_job(struct acme_client *c)
{
    c->machine.job = ACME_JOB_NONE;
    c->slot = -1;
    acme_machine_go(c, ACME_STATE_IDLE);
    acme_schedule_job_ended(c, c->machine.error);
}
