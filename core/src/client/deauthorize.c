/*
 * Takes back what was proven (RFC 8555 7.5.2): deactivates the authorizations of an order, and lets
 * the order go. It must not know how the order was made.
 */
#include "client/client_state.h"

#if defined(CONFIG_ACME_DEAUTHORIZATION)

int32_t acme_enter_deauthorize(struct acme_client *c)
{
    const struct acme_order_state *o = &c->order;
    struct acme_buf payload;

    acme_request_payload(c, &payload);
    acme_buf_add(&payload, "{\"status\":\"deactivated\"}");
    return acme_request_post_at(c, o->authorizations[o->authorization_index], &payload,
                                ACME_SIGNER_ACCOUNT);
}

int32_t acme_reply_deauthorize(struct acme_client *c)
{
    struct acme_order_state *o = &c->order;
    int32_t rc;

    o->authorization_index++;
    if (o->authorization_index < o->authorization_count) {
        return acme_client_go(c, ACME_STATE_DEAUTHORIZE);
    }
    rc = acme_store_remove(&c->log, ACME_SPACE_ORDER, acme_client_slot(c)->store_slot);
    if (rc == ACME_OK) {
        acme_client_finish(c, ACME_OK);
    }
    return rc;
}
#endif
