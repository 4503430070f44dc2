/*
 * How a job begins, and the jobs that are no more than that. It must not know what a job does.
 */
#include "client/job.h"

#include <string.h>

#include "client/account_record.h"
#include "client/done.h"
#include "client/fallback.h"
#include "client/keys.h"
#include "client/schedule.h"
#include "client/slots.h"
#include "client/state.h"

int32_t acme_job_begin(struct acme_client *c, enum acme_job job, enum acme_state goal)
{
    int64_t now;
    int32_t rc;
    uint16_t i;

    if (acme_machine_is_busy(c)) {
        return ACME_ERR_STATE;
    }
    if (c->config.clock_required && acme_clock_now(&c->clock, &now) != ACME_OK) {
        return ACME_ERR_NO_CLOCK;
    }
    rc = acme_fallback_reset(c);
    if (rc == ACME_OK) {
        rc = acme_account_load(c);
    }
    if (rc != ACME_OK) {
        return rc;
    }
    memset(&c->problem, 0, sizeof(c->problem));
    if (ACME_ENABLED(CONFIG_ACME_ERROR_TEXTS)) {
        memset(&c->machine.place, 0, sizeof(c->machine.place));
    }
    acme_schedule_job_begins(c, job);
    for (i = 0; i < c->config.certs_count; i++) {
        struct acme_slot *s = acme_slots_at(c, i);

        s->pending = job == ACME_JOB_RUN && !acme_schedule_is_held_back(c, s);
        s->looked = false;
        s->error = ACME_OK;
    }
    c->machine.job = (uint8_t)job;
    c->machine.goal = (uint8_t)goal;
    c->machine.result = ACME_OK;
    c->slot = c->problem_slot = -1;
    c->io.transient_retries = c->io.nonce_retries = 0;
    c->account.retried = c->account.replaced = false;
    return acme_machine_go(c, ACME_STATE_DIRECTORY);
}

/* A device that has what it wants must not bother the network at each boot. */
static bool has_work(struct acme_client *c)
{
    uint16_t i;

    for (i = 0; i < c->config.certs_count; i++) {
        const struct acme_slot *s = acme_slots_at(c, i);

        if (s->pending && acme_schedule_wants(c, s)) {
            return true;
        }
    }
    return false;
}

static int32_t start(struct acme_client *c, bool due_only)
{
    int32_t rc;
    uint16_t i;

    acme_schedule_hold_back(c, due_only);
    rc = acme_job_begin(c, ACME_JOB_RUN, ACME_STATE_SELECT);
    if (rc == ACME_OK && !has_work(c)) {
        for (i = 0; i < c->config.certs_count; i++) {
            acme_slots_at(c, i)->pending = false;
        }
        c->machine.error = ACME_OK;
        acme_keys_purge(c);
        acme_done_end_job(c);
    }
    return rc;
}

int32_t acme_start(acme_client *c)
{
    return start(c, false);
}

int32_t acme_start_due(acme_client *c)
{
    return start(c, true);
}

int32_t acme_renew_start(acme_client *c)
{
    bool forced = c->config.force_renewal;
    int32_t rc;

    acme_schedule_hold_back(c, false);
    rc = acme_job_begin(c, ACME_JOB_RUN, ACME_STATE_SELECT);
    if (rc == ACME_OK && !forced) {
        c->config.force_renewal = c->forced_once = true;
    }
    return rc;
}

int32_t acme_account_start(acme_client *c)
{
    return acme_job_begin(c, ACME_JOB_ACCOUNT, ACME_STATE_DONE);
}
