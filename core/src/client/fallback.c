/*
 * Other CAs: when the one in use does not deliver a certificate that is urgent enough, the job goes
 * on with the next. It must not know how a certificate is obtained.
 */
#include "client/client_state.h"

#if defined(CONFIG_ACME_FALLBACK)

#include "client/schedule.h"

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
    rc = acme_tls_init(&c->exchange.tls, c->config.port, &c->clock, ca->anchors, ca->anchors_count);
#if defined(CONFIG_ACME_PINNING)
    c->exchange.tls.pins = c->config.pins;
    c->exchange.tls.pins_count = c->config.pins_count;
#endif
    c->ca_index = rc == ACME_OK ? index : CA_NONE;
    return rc;
}

int32_t acme_fallback_reset(struct acme_client *c)
{
    return c->ca_index == 0 ? ACME_OK : use(c, 0);
}

/* Whether another CA could do better: not where the fault is the device's. */
static bool is_of_ca(int32_t error)
{
    switch (error) {
    case ACME_OK:
    case ACME_ERR_LISTEN:
    case ACME_ERR_AUTHORIZATION:
    case ACME_ERR_CLOCK:
    case ACME_ERR_NO_CLOCK:
    case ACME_ERR_STORE_FULL:
    case ACME_ERR_STORE_CORRUPT:
        return false;
    default:
        return acme_error_severity(error) != ACME_SEVERITY_FATAL;
    }
}

static bool wants_another(const struct acme_client *c, const struct acme_slot *s)
{
    return is_of_ca(s->error) && acme_schedule_is_due(c, s) &&
           (!s->has_cert || s->schedule.failures >= CONFIG_ACME_FALLBACK_AFTER);
}

bool acme_fallback_next(struct acme_client *c)
{
    bool wanted = false;
    uint16_t i;

    if (c->job != ACME_JOB_RUN || c->ca_index == c->config.fallbacks_count) {
        return false;
    }
    for (i = 0; i < c->config.certs_count; i++) {
        c->slots[i].pending = wants_another(c, &c->slots[i]);
        wanted = wanted || c->slots[i].pending;
    }
    if (!wanted || use(c, (uint16_t)(c->ca_index + 1u)) != ACME_OK ||
        acme_account_load(c) != ACME_OK) {
        return false;
    }
    for (i = 0; i < c->config.certs_count; i++) {
        c->slots[i].error = c->slots[i].pending ? ACME_OK : c->slots[i].error;
    }
    c->slot = c->problem_slot = -1;
    c->transient_retries = c->nonce_retries = 0;
    c->account_retried = false;
    c->result = ACME_OK;
    for (i = 0; i < c->config.certs_count; i++) {
        c->result = c->slots[i].error != ACME_OK ? c->slots[i].error : c->result;
    }
    acme_client_emit(c, ACME_EVENT_CA, c->config.directory_url);
    acme_client_go(c, ACME_STATE_DIRECTORY);
    return true;
}
#endif
