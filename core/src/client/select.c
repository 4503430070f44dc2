/*
 * The choice of what is next: a look at renewal information, a certificate that is due, or the end.
 * It must not know how a certificate is obtained.
 */
#include "client/select.h"

#include "client/ari.h"
#include "client/machine.h"
#include "client/order.h"
#include "client/schedule.h"
#include "client/slots.h"
#include "client/state.h"

/* The next certificate that is due, or -1. Those before it have nothing to be done. */
static int32_t next_due(struct acme_client *c)
{
    uint16_t i;

    for (i = 0; i < c->config.certs_count; i++) {
        struct acme_slot *s = acme_slots_at(c, i);

        if (s->pending && acme_schedule_is_due(c, s)) {
            return i;
        }
        s->pending = false;
    }
    return -1;
}

int32_t acme_enter_select(struct acme_client *c)
{
    int32_t due;

    if (c->machine.job == ACME_JOB_DEAUTHORIZE) { /* it has its slot */
        return acme_order_take_up(c);
    }
    if (ACME_ENABLED(CONFIG_ACME_CLOCK_POLICY) && acme_clock_disagrees(&c->clock)) {
        return ACME_ERR_CLOCK;
    }
    (void)acme_schedule_look_again(c, true);
    if (ACME_ENABLED(CONFIG_ACME_ARI) && acme_ari_next(c)) {
        return ACME_OK;
    }
    due = next_due(c);
    if (due < 0) {
        return acme_machine_end(c, ACME_OK);
    }
    c->slot = (int16_t)due;
    return acme_order_take_up(c);
}
