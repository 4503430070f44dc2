/*
 * Takes back what was proven (RFC 8555 7.5.2): deactivates the authorizations of an order, and lets
 * the order go. It must not know how the order was made.
 */
#include "client/deauthorize.h"

#include "acme/client.h"

#if defined(CONFIG_ACME_DEAUTHORIZATION)

#include "base/error.h"
#include "client/job.h"
#include "client/machine.h"
#include "client/request.h"
#include "client/slots.h"
#include "client/state.h"

int32_t acme_enter_deauthorize(struct acme_client *c)
{
    const struct acme_order *o = &c->order;
    struct acme_buf payload;

    if (o->authorization_count == 0) { /* CAs leave them out of an order that is done */
        return acme_reply_deauthorize(c);
    }
    acme_request_payload(c, &payload);
    acme_buf_add(&payload, "{\"status\":\"deactivated\"}");
    return acme_request_post_at(c, o->authorizations[o->authorization_index], &payload,
                                ACME_SIGNER_ACCOUNT);
}

int32_t acme_reply_deauthorize(struct acme_client *c)
{
    struct acme_order *o = &c->order;
    int32_t rc;

    o->authorization_index++;
    if (o->authorization_index < o->authorization_count) {
        return acme_machine_go(c, ACME_STATE_DEAUTHORIZE);
    }
    rc = acme_slots_drop_order(c);
    return rc == ACME_OK ? acme_machine_end(c, ACME_OK) : rc;
}

/* An authorization that the CA refuses to deactivate was of no use any more. */
int32_t acme_problem_deauthorize(struct acme_client *c, int32_t error)
{
    return acme_error_is_busy(error) || error == ACME_ERR_ACCOUNT_NONE ? error
                                                                       : acme_reply_deauthorize(c);
}

int32_t acme_deauthorize(acme_client *c, uint16_t slot)
{
    int32_t rc = slot < c->config.certs_count
                     ? acme_job_begin(c, ACME_JOB_DEAUTHORIZE, ACME_STATE_SELECT)
                     : ACME_ERR_ARGUMENT;

    if (rc == ACME_OK) {
        c->slot = (int16_t)slot;
    }
    return rc;
}
#else
int32_t acme_deauthorize(acme_client *c, uint16_t slot)
{
    (void)c;
    (void)slot;
    return ACME_ERR_UNSUPPORTED;
}
#endif
