/*
 * Other anchors for the CA, between two jobs. It must not know where they come from.
 */
#include "acme/roots.h"

#include "client/fallback.h"
#include "client/machine.h"
#include "client/request.h"
#include "client/state.h"

static int32_t use(struct acme_client *c, const struct acme_trust_anchor *anchors, uint16_t count)
{
    acme_exchange_close(&c->exchange);
    acme_tls_free(&c->exchange.tls);
    c->config.anchors = anchors;
    c->config.anchors_count = count;
    return acme_request_use_ca(c);
}

int32_t acme_use_anchors(acme_client *c, const struct acme_trust_anchor *anchors, uint16_t count)
{
    const struct acme_trust_anchor *old_anchors;
    uint16_t old_count;
    int32_t rc;

    if (c == NULL || (anchors == NULL && count > 0)) {
        return ACME_ERR_ARGUMENT;
    }
    if (acme_machine_is_busy(c)) {
        return ACME_ERR_STATE;
    }
    rc = acme_fallback_reset(c);
    if (rc != ACME_OK) {
        return rc;
    }
    old_anchors = c->config.anchors;
    old_count = c->config.anchors_count;
    rc = use(c, anchors, count);
    if (rc != ACME_OK) {
        int32_t again = use(c, old_anchors, old_count);

        return again == ACME_OK ? rc : again;
    }
    acme_fallback_keep_anchors(c);
    return ACME_OK;
}
