/*
 * Other CAs: when the one in use does not deliver a certificate that is urgent enough, the job goes
 * on with the next. It must not know how a certificate is obtained.
 */
#include "client/fallback.h"

#if defined(CONFIG_ACME_FALLBACK)

#include "base/error.h"
#include "client/account_record.h"
#include "client/done.h"
#include "client/machine.h"
#include "client/schedule.h"
#include "client/slots.h"
#include "client/state.h"

#define CA_NONE UINT16_MAX /* turning to one has failed: the first has to be set up again */

static int32_t use(struct acme_client *c, uint16_t index)
{
    const struct acme_ca *ca = index == 0 ? &c->first_ca : &c->config.fallbacks[index - 1];
    int32_t rc;

    acme_exchange_close(&c->exchange);
    acme_tls_free(&c->exchange.tls);
    c->config.directory_url = ca->directory_url;
    c->config.anchors = ca->anchors;
    c->config.anchors_count = ca->anchors_count;
    c->config.eab_kid = ca->eab_kid;
    c->config.eab_hmac_key = ca->eab_hmac_key;
    rc = acme_request_use_ca(c);
    c->ca_index = rc == ACME_OK ? index : CA_NONE;
    return rc;
}

int32_t acme_fallback_reset(struct acme_client *c)
{
    return c->ca_index == 0 ? ACME_OK : use(c, 0);
}

void acme_fallback_keep_anchors(struct acme_client *c)
{
    c->first_ca.anchors = c->config.anchors;
    c->first_ca.anchors_count = c->config.anchors_count;
}

static bool wants_another(const struct acme_client *c, const struct acme_slot *s)
{
    return acme_error_is_of_ca(s->error) && acme_schedule_is_due(c, s) &&
           (!s->has_cert || s->schedule.failures >= CONFIG_ACME_FALLBACK_AFTER);
}

/* Marks the certificates that want another CA. Whether there are any. */
static bool mark_pending(struct acme_client *c)
{
    bool wanted = false;
    uint16_t i;

    for (i = 0; i < c->config.certs_count; i++) {
        c->slots[i].pending = wants_another(c, &c->slots[i]);
        wanted = wanted || c->slots[i].pending;
    }
    return wanted;
}

/* Begins anew with the next CA for the certificates that want it. */
static bool begin_anew(struct acme_client *c)
{
    uint16_t i;

    if (c->machine.job != ACME_JOB_RUN || c->ca_index == c->config.fallbacks_count ||
        !mark_pending(c) || use(c, (uint16_t)(c->ca_index + 1u)) != ACME_OK ||
        acme_account_load(c) != ACME_OK) {
        return false;
    }
    c->slot = c->problem_slot = -1;
    c->io.transient_retries = c->io.nonce_retries = 0;
    c->account.retried = false;
    c->machine.result = ACME_OK;
    for (i = 0; i < c->config.certs_count; i++) {
        struct acme_slot *s = &c->slots[i];

        s->error = s->pending ? ACME_OK : s->error;
        c->machine.result = s->error != ACME_OK ? s->error : c->machine.result;
    }
    acme_machine_emit(c, ACME_EVENT_CA, c->config.directory_url);
    return true;
}

int32_t acme_enter_next_ca(struct acme_client *c)
{
    if (begin_anew(c)) {
        return acme_machine_go(c, ACME_STATE_DIRECTORY);
    }
    if (acme_fallback_reset(c) == ACME_OK) {
        (void)acme_account_load(c); /* what is said of the client is said of the first CA */
    }
    acme_done_end_job(c);
    return ACME_OK;
}
#endif
