/*
 * The steps of an order that several rooms take. It must not know requests.
 */
#include "client/order_state.h"

#include <string.h>

#include "base/error.h"
#include "client/reply.h"
#include "client/state.h"

#define MISSING_MAX       3u
#define WAIT_MOST_MS      300000u
#define ANSWERING_MOST_MS 3600000u
#define EARLY_MOST_MS     10000u /* the pause that some CAs ask for with every reply is shorter */

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

/* Waits, unless that is for longer than the job is to last. While the device itself answers the CA,
 * which comes when it likes, the job lasts. */
static int32_t wait_in_job(struct acme_client *c, enum acme_state state, uint32_t ms,
                           uint32_t asked_ms)
{
    int32_t rc = acme_order_count_poll(c);
    uint32_t most = acme_challenges_is_open(&c->challenges) ? ANSWERING_MOST_MS : WAIT_MOST_MS;

    if (rc == ACME_OK) {
        acme_machine_go(c, state);
        acme_machine_wait(c, asked_ms > most ? asked_ms : ms); /* and says so */
        rc = asked_ms > most ? ACME_ERR_POLL_LIMIT : ACME_OK;
    }
    return rc;
}

int32_t acme_order_wait(struct acme_client *c, enum acme_state state, uint32_t default_ms)
{
    uint32_t ms = acme_reply_retry_after(c, default_ms, UINT32_MAX);

    return wait_in_job(c, state, ms, ms);
}

int32_t acme_order_wait_early(struct acme_client *c, enum acme_state state, uint32_t early_ms)
{
    uint32_t ms = acme_reply_retry_after(c, early_ms, UINT32_MAX);

    return wait_in_job(c, state, ms > EARLY_MOST_MS ? ms : early_ms, ms);
}

int32_t acme_order_wait_for_verdict(struct acme_client *c, uint32_t default_ms)
{
    return acme_order_wait(c, ACME_STATE_AUTHORIZATION_WAIT, default_ms);
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

/* Whether the CA may mean that it does not know what was asked for. */
static bool is_unknown(const struct acme_problem *problem, int32_t error)
{
    if (acme_error_is_busy(error) || error == ACME_ERR_ACCOUNT_NONE || error == ACME_ERR_TOS) {
        return false;
    }
    return problem->status == 404 || problem->status == 403 || problem->status == 410 ||
           acme_problem_is(problem, "malformed");
}

int32_t acme_order_problem(struct acme_client *c, int32_t error)
{
    if (!is_unknown(&c->problem, error)) {
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
