/*
 * The steps of an order that several rooms take. It must not know requests.
 */
#include "client/order_state.h"

#include <string.h>

#include "client/reply.h"
#include "client/state.h"

#define MISSING_MAX 3u

int32_t acme_order_begin(struct acme_client *c)
{
    uint8_t generation = c->order.generation;

    memset(&c->order, 0, sizeof(c->order));
    c->order.generation = generation;
    return acme_machine_go(c, ACME_ENABLED(CONFIG_ACME_PRE_AUTHORIZATION)
                                  ? ACME_STATE_NEW_AUTHORIZATION
                                  : ACME_STATE_NEW_ORDER);
}

int32_t acme_order_leave(struct acme_client *c, enum acme_state next, int32_t error)
{
    c->order.next = (uint8_t)next;
    c->machine.error = error;
    return acme_machine_go(c, ACME_STATE_LEAVE_ORDER);
}

int32_t acme_order_count_poll(struct acme_client *c)
{
    uint32_t limit = CONFIG_ACME_POLL_MAX * ((uint32_t)c->order.authorization_count + 1u);

    c->order.polls++;
    return c->order.polls > limit ? ACME_ERR_POLL_LIMIT : ACME_OK;
}

int32_t acme_order_wait_for_verdict(struct acme_client *c, uint32_t default_ms)
{
    int32_t rc = acme_order_count_poll(c);

    if (rc == ACME_OK) {
        acme_machine_go(c, ACME_STATE_AUTHORIZATION_WAIT);
        acme_machine_wait(c, acme_reply_retry_after(c, default_ms, ACME_POLL_CEILING_MS));
    }
    return rc;
}

/* A CA has several servers, and what one has made the others may not know yet: it is asked again,
 * three times. */
static bool asks_again(struct acme_client *c)
{
    if (c->problem.status != 404 || c->order.missing >= MISSING_MAX) {
        return false;
    }
    acme_machine_wait(c, ACME_POLL_DEFAULT_MS << c->order.missing);
    c->order.missing++;
    return true;
}

int32_t acme_order_problem(struct acme_client *c, int32_t error)
{
    bool unknown = c->problem.status == 404 || c->problem.status == 403 ||
                   c->problem.status == 410 || acme_problem_is(&c->problem, "malformed");

    if (!unknown || error == ACME_ERR_SERVER || error == ACME_ERR_RATE_LIMITED ||
        error == ACME_ERR_ACCOUNT_NONE || error == ACME_ERR_TOS) {
        return error;
    }
    if (asks_again(c)) {
        return ACME_OK;
    }
    return c->order.resumed ? acme_order_leave(c, ACME_STATE_ORDER_GONE, error) : error;
}

bool acme_order_is_kept(const struct acme_client *c)
{
    return c->order.finalized;
}
