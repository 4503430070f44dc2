/*
 * The life-cycle: the table of the states, what a reply and a failed step lead to, and what
 * acme_poll tells its caller. It must not know what a request or a reply contains.
 */
#include "acme/client.h"

#include <string.h>

#include "base/breathe.h"
#include "base/error.h"
#include "base/log.h"
#include "client/account.h"
#include "client/account_manage.h"
#include "client/alternate.h"
#include "client/ari.h"
#include "client/authorization.h"
#include "client/certificate.h"
#include "client/challenge.h"
#include "client/deauthorize.h"
#include "client/directory.h"
#include "client/done.h"
#include "client/fallback.h"
#include "client/machine.h"
#include "client/order.h"
#include "client/pre_authorization.h"
#include "client/proof.h"
#include "client/reply.h"
#include "client/request.h"
#include "client/revoke.h"
#include "client/rollover.h"
#include "client/select.h"
#include "client/state.h"

#define TRANSIENT_RETRIES 3u
#define RETRY_FIRST_MS    1000u
#define RETRY_CEILING_MS  60000u
#define RESPONDER_TICK_MS 1000u

/* ---- the tables ---- */

/* What a state does. enter starts a request or decides where to go: ACME_OK, ACME_ERR_AGAIN (to
 * wait until wait_until_ms) or an error. reply takes a reply that is no problem document. */
static const struct {
    int32_t (*enter)(struct acme_client *c);
    int32_t (*reply)(struct acme_client *c);
} states[] = {
    [ACME_STATE_DIRECTORY] = {acme_enter_directory, acme_reply_directory},
    [ACME_STATE_NEW_NONCE] = {acme_enter_new_nonce, acme_reply_new_nonce},
    [ACME_STATE_ACCOUNT] = {acme_enter_account, NULL},
    [ACME_STATE_NEW_ACCOUNT] = {acme_enter_new_account, acme_reply_new_account},
    [ACME_STATE_TERMS] = {acme_enter_terms, acme_reply_terms},
    [ACME_STATE_ACCOUNT_READY] = {acme_enter_account_ready, NULL},
    [ACME_STATE_SELECT] = {acme_enter_select, NULL},
    [ACME_STATE_NEW_ORDER] = {acme_enter_new_order, acme_reply_new_order},
    [ACME_STATE_ORDER] = {acme_enter_order, acme_reply_order},
    [ACME_STATE_NEXT_AUTHORIZATION] = {acme_enter_next_authorization, NULL},
    [ACME_STATE_AUTHORIZATION] = {acme_enter_authorization, acme_reply_authorization},
    [ACME_STATE_CHALLENGE] = {acme_enter_challenge, acme_reply_challenge},
    [ACME_STATE_AUTHORIZATION_WAIT] = {acme_enter_authorization_wait, NULL},
    [ACME_STATE_FINALIZE] = {acme_enter_finalize, acme_reply_finalize},
    [ACME_STATE_ORDER_WAIT] = {acme_enter_order_wait, NULL},
    [ACME_STATE_CERTIFICATE] = {acme_enter_certificate, acme_reply_certificate},
    [ACME_STATE_INSTALL] = {acme_enter_install, NULL},
    [ACME_STATE_LEAVE_ORDER] = {acme_enter_leave_order, NULL},
    [ACME_STATE_ORDER_AGAIN] = {acme_enter_order_again, NULL},
    [ACME_STATE_ORDER_GONE] = {acme_enter_order_gone, NULL},
    [ACME_STATE_SLOT_DONE] = {acme_enter_slot_done, NULL},
    [ACME_STATE_DONE] = {acme_enter_done, NULL},
#if defined(CONFIG_ACME_PRE_AUTHORIZATION)
    [ACME_STATE_NEW_AUTHORIZATION] = {acme_enter_new_authorization, acme_reply_new_authorization},
#endif
#if defined(CONFIG_ACME_DNS)
    [ACME_STATE_PRESENT] = {acme_enter_present, NULL},
    [ACME_STATE_READY] = {acme_enter_ready, NULL},
    [ACME_STATE_CLEAN_UP] = {acme_enter_clean_up, NULL},
#endif
#if defined(CONFIG_ACME_ALTERNATE_CHAINS)
    [ACME_STATE_CHAIN_CHOICE] = {acme_enter_chain_choice, NULL},
#endif
#if defined(CONFIG_ACME_REVOCATION)
    [ACME_STATE_REVOKE] = {acme_enter_revoke, acme_reply_revoke},
#endif
#if defined(CONFIG_ACME_REVOKE_REPLACED)
    [ACME_STATE_REVOKE_REPLACED] = {acme_enter_revoke_replaced, acme_reply_revoke_replaced},
#endif
#if defined(CONFIG_ACME_ACCOUNT_MANAGEMENT)
    [ACME_STATE_ACCOUNT_UPDATE] = {acme_enter_account_update, acme_reply_account_update},
    [ACME_STATE_ACCOUNT_DEACTIVATE] = {acme_enter_account_deactivate,
                                       acme_reply_account_deactivate},
#endif
#if defined(CONFIG_ACME_KEY_ROLLOVER)
    [ACME_STATE_KEY_CHANGE] = {acme_enter_key_change, acme_reply_key_change},
    [ACME_STATE_KEY_PROBE] = {acme_enter_key_probe, acme_reply_key_probe},
#endif
#if defined(CONFIG_ACME_DEAUTHORIZATION)
    [ACME_STATE_DEAUTHORIZE] = {acme_enter_deauthorize, acme_reply_deauthorize},
#endif
#if defined(CONFIG_ACME_ARI)
    [ACME_STATE_RENEWAL_INFO] = {acme_enter_renewal_info, acme_reply_renewal_info},
#endif
#if defined(CONFIG_ACME_FALLBACK)
    [ACME_STATE_NEXT_CA] = {acme_enter_next_ca, NULL},
#endif
};

/* Who handles which setback in which state: ACME_OK where it is handled, or the error to go on
 * with. problem gets a problem document of the CA, failed what ends the step. A state that is not
 * here has no more to say than on_problem and on_error. */
static const struct setback {
    uint8_t state;
    bool at_once; /* failed comes before any retry of a passing failure, not after them */
    int32_t (*problem)(struct acme_client *c, int32_t error);
    int32_t (*failed)(struct acme_client *c, int32_t error);
} setbacks[] = {
    {ACME_STATE_NEW_NONCE, false, acme_problem_new_nonce, NULL},
    {ACME_STATE_NEW_ACCOUNT, false, acme_problem_new_account, NULL},
    {ACME_STATE_TERMS, false, NULL, acme_failed_terms},
    {ACME_STATE_NEW_ORDER, false, acme_problem_new_order, NULL},
    {ACME_STATE_ORDER, false, acme_order_problem, NULL},
    {ACME_STATE_AUTHORIZATION, false, acme_order_problem, NULL},
    {ACME_STATE_CHALLENGE, false, acme_problem_challenge, NULL},
    {ACME_STATE_FINALIZE, false, acme_problem_finalize, NULL},
#if defined(CONFIG_ACME_ALTERNATE_CHAINS)
    {ACME_STATE_CERTIFICATE, false, acme_problem_chain, acme_failed_chain},
    {ACME_STATE_INSTALL, false, NULL, acme_failed_chain},
#else
    {ACME_STATE_CERTIFICATE, false, acme_order_problem, acme_failed_certificate},
    {ACME_STATE_INSTALL, false, NULL, acme_failed_certificate},
#endif
#if defined(CONFIG_ACME_PRE_AUTHORIZATION)
    {ACME_STATE_NEW_AUTHORIZATION, false, acme_order_problem, NULL},
#endif
#if defined(CONFIG_ACME_REVOCATION)
    {ACME_STATE_REVOKE, false, acme_problem_revoke, NULL},
#endif
#if defined(CONFIG_ACME_REVOKE_REPLACED)
    {ACME_STATE_REVOKE_REPLACED, false, NULL, acme_failed_revoke_replaced},
#endif
#if defined(CONFIG_ACME_ACCOUNT_MANAGEMENT)
    {ACME_STATE_ACCOUNT_DEACTIVATE, false, acme_problem_account_deactivate, NULL},
#endif
#if defined(CONFIG_ACME_KEY_ROLLOVER)
    {ACME_STATE_KEY_CHANGE, false, acme_problem_key_change, NULL},
    {ACME_STATE_KEY_PROBE, false, acme_problem_key_probe, NULL},
#endif
#if defined(CONFIG_ACME_DEAUTHORIZATION)
    {ACME_STATE_DEAUTHORIZE, false, acme_problem_deauthorize, NULL},
#endif
#if defined(CONFIG_ACME_ARI)
    {ACME_STATE_RENEWAL_INFO, true, NULL, acme_failed_renewal_info},
#endif
};

/* What the current state does about setbacks. */
static const struct setback *find_setback(const struct acme_client *c)
{
    static const struct setback none = {0};
    size_t i;

    for (i = 0; i < sizeof(setbacks) / sizeof(setbacks[0]); i++) {
        if (setbacks[i].state == c->machine.state) {
            return &setbacks[i];
        }
    }
    return &none;
}

/* ---- failures ---- */

/* Waits before the step is tried again, where that may help and the CA does not ask for longer. */
static bool waits_for_retry(struct acme_client *c, int32_t error)
{
    uint32_t ms = RETRY_FIRST_MS << c->io.transient_retries;

    if ((!acme_error_is_passing(error) && error != ACME_ERR_RATE_LIMITED) ||
        c->io.transient_retries >= TRANSIENT_RETRIES) {
        return false;
    }
    if (error == ACME_ERR_SERVER) {
        ms = acme_reply_retry_after(c, ms, RETRY_CEILING_MS + 1u);
    } else if (error ==
               ACME_ERR_RATE_LIMITED) { /* one that does not say for how long is a long one */
        ms = acme_reply_retry_after(c, RETRY_CEILING_MS + 1u, RETRY_CEILING_MS + 1u);
    }
    if (ms > RETRY_CEILING_MS) {
        return false;
    }
    c->io.transient_retries++;
    ACME_LOG(c->config.port, ACME_LOG_INFO, "acme: trying again:", acme_error_text(error), error);
    acme_machine_wait(c, ms);
    return true;
}

/* What has failed for good ends the slot's work, or the job. */
static void give_up(struct acme_client *c, int32_t error)
{
    if (c->machine.job != ACME_JOB_RUN || c->slot < 0) {
        (void)acme_machine_end(c, error);
        return;
    }
    (void)acme_order_leave(c, acme_error_is_global(error) ? ACME_STATE_DONE : ACME_STATE_SLOT_DONE,
                           error);
}

static void on_error(struct acme_client *c, int32_t error)
{
    const struct setback *setback = find_setback(c);

    if (ACME_ENABLED(CONFIG_ACME_ERROR_TEXTS) && states[c->machine.state].reply != NULL) {
        acme_machine_set_place(c);
    }
    if (!setback->at_once && waits_for_retry(c, error)) {
        return;
    }
    if (setback->failed != NULL) {
        error = setback->failed(c, error);
        if (error == ACME_OK || (setback->at_once && waits_for_retry(c, error))) {
            return;
        }
    }
    give_up(c, error);
}

/* The state is entered again, with the nonce that came with the refusal. */
static int32_t on_bad_nonce(struct acme_client *c)
{
    c->io.bad_nonces++;
    c->io.nonce_retries++;
    memset(&c->problem, 0, sizeof(c->problem));
    if (ACME_ENABLED(CONFIG_ACME_KEY_ROLLOVER) && c->machine.state == ACME_STATE_KEY_CHANGE) {
        c->account.rollover_in_doubt = false; /* the CA has not looked at the change */
    }
    return c->io.nonce_retries <= CONFIG_ACME_NONCE_RETRIES ? ACME_OK : ACME_ERR_NONCE;
}

static int32_t on_problem(struct acme_client *c)
{
    const struct setback *setback = find_setback(c);
    int32_t error = acme_reply_problem(c);

    ACME_LOG(c->config.port, ACME_LOG_DEBUG, "acme: problem", c->problem.type, c->problem.status);
    if (error == ACME_ERR_NONCE) {
        return on_bad_nonce(c);
    }
    if (setback->problem != NULL) {
        error = setback->problem(c, error);
    }
    if (error == ACME_ERR_ACCOUNT_NONE && c->machine.state != ACME_STATE_NEW_ACCOUNT) {
        return acme_account_lost(c);
    }
    return error;
}

/* ---- steps ---- */

static int32_t on_reply(struct acme_client *c)
{
    const struct acme_http_response *r = &c->exchange.parser.response;
    uint8_t from = c->machine.state;
    int32_t rc;

    if (r->nonce[0] != '\0') {
        (void)acme_str_copy(c->nonce, sizeof(c->nonce), r->nonce);
    }
    if (r->has_date) {
        acme_clock_offer(&c->clock, r->date_s, &c->exchange.tls.chain);
    }
    c->io.settle_ms = acme_reply_settle_time(c);
    if (ACME_ENABLED(CONFIG_ACME_ERROR_TEXTS)) {
        c->machine.place.route = NULL; /* of an earlier reply */
        acme_machine_set_place(c);
    }
    if (r->status >= 400) {
        return on_problem(c);
    }
    if (r->status >= 300) {
        return ACME_ERR_HTTP_REDIRECT;
    }
    memset(&c->problem, 0, sizeof(c->problem));
    rc = states[from].reply(c);
    if (rc == ACME_OK && from != ACME_STATE_NEW_NONCE) {
        c->io.transient_retries = c->io.nonce_retries = 0;
        c->order.missing = 0;
    }
    return rc;
}

/* One bounded step of the job. ACME_ERR_AGAIN: there is nothing to do before an event. */
static int32_t step(struct acme_client *c)
{
    int32_t rc;

    if (c->io.signing != NULL) {
        return acme_request_sign(c);
    }
    if (c->io.in_exchange) {
        rc = acme_exchange_poll(&c->exchange);
        if (rc == ACME_ERR_AGAIN) {
            return c->exchange.more ? ACME_OK : ACME_ERR_AGAIN;
        }
        c->io.in_exchange = false;
        c->where.limit = c->exchange.parser.response.limit;
        return rc == ACME_OK ? on_reply(c) : rc;
    }
    if (acme_clock_uptime_ms(&c->clock) < c->machine.wait_until_ms) {
        return ACME_ERR_AGAIN;
    }
    ACME_ASSERT(c->machine.state < sizeof(states) / sizeof(states[0]) &&
                states[c->machine.state].enter != NULL);
    return states[c->machine.state].enter(c);
}

/* The CA has fetched the proof: its answer is near, so the wait for it is cut short. */
static void watch_responder(struct acme_client *c, uint64_t now_ms)
{
    uint32_t served;

    acme_challenges_poll(&c->challenges, now_ms);
    served = acme_challenges_served(&c->challenges);
    if (served == c->served_seen || c->machine.state != ACME_STATE_AUTHORIZATION_WAIT) {
        return; /* a CA may come before it has answered that it will */
    }
    c->served_seen = served;
    c->order.proof_fetched = true;
    if (c->machine.wait_until_ms > now_ms + c->io.settle_ms) {
        c->machine.wait_until_ms = now_ms + c->io.settle_ms;
    }
}

static uint32_t time_left(const struct acme_client *c, uint64_t now_ms)
{
    uint64_t until =
        c->io.in_exchange ? acme_exchange_turn_ms(&c->exchange) : c->machine.wait_until_ms;
    uint64_t left;

    if (until == 0) {
        until = acme_proof_turn_ms(c);
    }
    left = until > now_ms ? until - now_ms : 0;
    if (acme_challenges_is_open(&c->challenges) && left > RESPONDER_TICK_MS) {
        left = RESPONDER_TICK_MS;
    }
    if (acme_challenges_has_more(&c->challenges)) {
        left = 0;
    }
    return (uint32_t)left; /* no wait is longer than 32 bits */
}

static enum acme_want poll_side(struct acme_client *c, struct acme_poll_result *result)
{
    int32_t rc;

    result->wait_ms = 1000;
    result->error = ACME_OK;
    rc = c->machine.side->poll(c, &result->wait_ms);
    result->want = rc == ACME_ERR_AGAIN ? ACME_WANT_EVENT : ACME_WANT_NOW;
    if (c->machine.job == ACME_JOB_NONE) {
        result->want = ACME_WANT_IDLE;
        result->wait_ms = UINT32_MAX;
    }
    return result->want;
}

enum acme_want acme_poll(acme_client *c, struct acme_poll_result *result)
{
    int32_t rc = ACME_ERR_AGAIN;

    if (acme_breathe_is_inside()) {
        *result = (struct acme_poll_result){ACME_WANT_EVENT, 1, ACME_ERR_STATE};
        return result->want;
    }
    watch_responder(c, acme_clock_uptime_ms(&c->clock));
    if (ACME_ENABLED(CONFIG_ACME_DOCTOR) && c->machine.job == ACME_JOB_SIDE) {
        return poll_side(c, result);
    }
    if (c->machine.job != ACME_JOB_NONE) {
        rc = step(c);
        if (rc < 0 && rc != ACME_ERR_AGAIN) {
            on_error(c, rc);
        }
    }
    result->wait_ms = 0;
    result->error = c->machine.result;
    if (c->machine.job == ACME_JOB_NONE) {
        result->want = ACME_WANT_IDLE;
        result->wait_ms = UINT32_MAX;
    } else if (rc == ACME_ERR_AGAIN) {
        result->want = ACME_WANT_EVENT;
        result->wait_ms = time_left(c, acme_clock_uptime_ms(&c->clock));
    } else {
        result->want = ACME_WANT_NOW;
    }
    return result->want;
}

int32_t acme_cancel(acme_client *c)
{
    if (acme_breathe_is_inside()) {
        return ACME_ERR_STATE;
    }
    if (c->machine.job == ACME_JOB_SIDE) {
        c->machine.side->stop(c);
        return ACME_OK;
    }
    if (c->machine.job == ACME_JOB_NONE) {
        return ACME_OK;
    }
    acme_request_abort(c);
    acme_done_cancel_job(c);
    return ACME_OK;
}
