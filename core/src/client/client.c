/*
 * The life-cycle: which state comes next, what a failed step means, and what acme_poll tells its
 * caller. It must not know what a request or a reply contains.
 */
#include "client/client_state.h"

#include <string.h>

#include "client/schedule.h"

#if defined(CONFIG_ACME_DOCTOR)
#include "doctor/doctor.h"
#endif

#define TRANSIENT_RETRIES 3u
#define RETRY_FIRST_MS    1000u
#define RETRY_CEILING_MS  60000u
#define SETTLE_LEAST_MS   25u
#define SETTLE_MOST_MS    250u
#define RESPONDER_TICK_MS 1000u

typedef int32_t (*state_fn)(struct acme_client *c);

/* Every state, in the order of a first boot. enter starts a request or decides where to go; reply
 * takes a reply that is no problem document. */
static const struct {
#if defined(CONFIG_ACME_ERROR_TEXTS)
    const char *name;
#define NAME(name) name,
#else
#define NAME(name)
#endif
    state_fn enter, reply;
} states[ACME_STATE_COUNT] = {
    [ACME_STATE_IDLE] = {NAME("IDLE") NULL, NULL},
    [ACME_STATE_DIRECTORY] = {NAME("DIRECTORY") acme_enter_directory, acme_reply_directory},
    [ACME_STATE_NEW_NONCE] = {NAME("NEW_NONCE") acme_enter_new_nonce, acme_reply_new_nonce},
    [ACME_STATE_ACCOUNT] = {NAME("ACCOUNT") acme_enter_account, NULL},
    [ACME_STATE_NEW_ACCOUNT] = {NAME("NEW_ACCOUNT") acme_enter_new_account, acme_reply_new_account},
    [ACME_STATE_ACCOUNT_READY] = {NAME("ACCOUNT_READY") acme_enter_account_ready, NULL},
    [ACME_STATE_SELECT] = {NAME("SELECT") acme_enter_select, NULL},
#if defined(CONFIG_ACME_PRE_AUTHORIZATION)
    [ACME_STATE_NEW_AUTHORIZATION] = {NAME("NEW_AUTHORIZATION") acme_enter_new_authorization,
                                      acme_reply_new_authorization},
#endif
    [ACME_STATE_NEW_ORDER] = {NAME("NEW_ORDER") acme_enter_new_order, acme_reply_new_order},
    [ACME_STATE_ORDER] = {NAME("ORDER") acme_enter_order, acme_reply_order},
    [ACME_STATE_AUTHORIZATION] = {NAME("AUTHORIZATION") acme_enter_authorization,
                                  acme_reply_authorization},
#if defined(CONFIG_ACME_DNS)
    [ACME_STATE_PRESENT] = {NAME("PRESENT") acme_enter_present, NULL},
    [ACME_STATE_READY] = {NAME("READY") acme_enter_ready, NULL},
    [ACME_STATE_CLEAN_UP] = {NAME("CLEAN_UP") acme_enter_clean_up, NULL},
#endif
    [ACME_STATE_CHALLENGE] = {NAME("CHALLENGE") acme_enter_challenge, acme_reply_challenge},
    [ACME_STATE_AUTHORIZATION_WAIT] = {NAME("AUTHORIZATION_WAIT") acme_enter_authorization_wait,
                                       NULL},
    [ACME_STATE_FINALIZE] = {NAME("FINALIZE") acme_enter_finalize, acme_reply_finalize},
    [ACME_STATE_ORDER_WAIT] = {NAME("ORDER_WAIT") acme_enter_order_wait, NULL},
    [ACME_STATE_CERTIFICATE] = {NAME("CERTIFICATE") acme_enter_certificate, acme_reply_certificate},
    [ACME_STATE_INSTALL] = {NAME("INSTALL") acme_enter_install, NULL},
#if defined(CONFIG_ACME_REVOCATION)
    [ACME_STATE_REVOKE] = {NAME("REVOKE") acme_enter_revoke, acme_reply_revoke},
#endif
#if defined(CONFIG_ACME_ACCOUNT_MANAGEMENT)
    [ACME_STATE_ACCOUNT_UPDATE] = {NAME("ACCOUNT_UPDATE") acme_enter_account_update,
                                   acme_reply_account_update},
    [ACME_STATE_ACCOUNT_DEACTIVATE] = {NAME("ACCOUNT_DEACTIVATE") acme_enter_account_deactivate,
                                       acme_reply_account_deactivate},
#endif
#if defined(CONFIG_ACME_REVOKE_REPLACED)
    [ACME_STATE_REVOKE_REPLACED] = {NAME("REVOKE_REPLACED") acme_enter_revoke_replaced,
                                    acme_reply_revoke_replaced},
#endif
#if defined(CONFIG_ACME_KEY_ROLLOVER)
    [ACME_STATE_KEY_CHANGE] = {NAME("KEY_CHANGE") acme_enter_key_change, acme_reply_key_change},
    [ACME_STATE_KEY_PROBE] = {NAME("KEY_PROBE") acme_enter_key_probe, acme_reply_key_probe},
#endif
#if defined(CONFIG_ACME_DEAUTHORIZATION)
    [ACME_STATE_DEAUTHORIZE] = {NAME("DEAUTHORIZE") acme_enter_deauthorize, acme_reply_deauthorize},
#endif
#if defined(CONFIG_ACME_ARI)
    [ACME_STATE_RENEWAL_INFO] = {NAME("RENEWAL_INFO") acme_enter_renewal_info,
                                 acme_reply_renewal_info},
#endif
};

const char *acme_state_name(uint8_t state)
{
#if defined(CONFIG_ACME_ERROR_TEXTS)
    return state < ACME_STATE_COUNT ? states[state].name : "UNKNOWN";
#else
    (void)state;
    return "STATE";
#endif
}

/* ---- what the rooms ask for ---- */

/* With an error goes the CA's problem, if there is one. */
static void deliver(struct acme_client *c, enum acme_event_type type, const char *text,
                    int32_t error, uint32_t wait_ms)
{
    struct acme_event event = {.type = type,
                               .error = error,
                               .slot = c->slot,
                               .state = c->state,
                               .wait_ms = wait_ms,
                               .text = text};

    if (error != ACME_OK && (c->problem.status != 0 || c->problem.type[0] != '\0')) {
        event.problem = &c->problem;
    }
    if (c->config.on_event != NULL) {
        c->config.on_event(c->config.event_ctx, &event);
    }
}

void acme_client_emit(struct acme_client *c, enum acme_event_type type, const char *text)
{
    deliver(c, type, text, ACME_OK, 0);
}

void acme_client_emit_failure(struct acme_client *c, enum acme_event_type type, int32_t error,
                              const char *text)
{
    ACME_LOG(c->config.port, ACME_LOG_WARNING, "acme:", acme_error_text(error), error);
    deliver(c, type, text, error, 0);
}

static void emit_error(struct acme_client *c, int32_t error)
{
    acme_client_emit_failure(c, ACME_EVENT_ERROR, error, NULL);
}

int32_t acme_client_go(struct acme_client *c, enum acme_state state)
{
    c->state = (uint8_t)state;
    c->wait_until_ms = 0;
    ACME_LOG(c->config.port, ACME_LOG_DEBUG, "acme: state", acme_state_name(c->state), 0);
    acme_client_emit(c, ACME_EVENT_STATE, acme_state_name(c->state));
    return ACME_OK;
}

void acme_client_wait(struct acme_client *c, uint32_t ms)
{
    c->wait_until_ms = acme_clock_uptime_ms(&c->clock) + ms;
    deliver(c, ACME_EVENT_WAIT, NULL, ACME_OK, ms);
}

/* PSA keeps what it has loaded: keys have no business in RAM between jobs, and in a small pool they
 * would lie in the way of the next TLS buffer. */
static void purge_keys(const struct acme_client *c)
{
    uint8_t i;

    (void)psa_purge_key(acme_client_account_key(c));
#if defined(CONFIG_ACME_KEY_ROLLOVER)
    (void)psa_purge_key(acme_rollover_key(c));
#endif
    for (i = 0; i < CONFIG_ACME_CERT_SLOTS; i++) {
        (void)psa_purge_key(acme_client_cert_key(i, 0));
        (void)psa_purge_key(acme_client_cert_key(i, 1));
    }
}

#if defined(CONFIG_ACME_SCHEDULE)
static void tell_next(struct acme_client *c)
{
    uint32_t next_s = acme_next_wakeup_s(c);

    deliver(c, ACME_EVENT_NEXT, NULL, ACME_OK,
            next_s < UINT32_MAX / 1000u ? next_s * 1000u : UINT32_MAX);
}
#endif

void acme_client_finish(struct acme_client *c, int32_t error)
{
    uint16_t i;

    if (error != ACME_OK) {
        c->result = error;
        emit_error(c, error);
    }
    for (i = 0; i < c->config.certs_count; i++) {
        struct acme_slot *s = acme_client_slot_of(c, i);

        if (s->pending) { /* only ACME_JOB_RUN has such */
            s->error = error;
#if defined(CONFIG_ACME_SCHEDULE)
            if (error != ACME_OK && acme_schedule_wants(c, s)) {
                acme_schedule_failed(c, s, error);
            }
#endif
        }
        s->pending = false;
    }
    acme_challenges_close(&c->challenges);
    acme_exchange_close(&c->exchange);
    purge_keys(c);
    if (c->forced_once) {
        c->config.force_renewal = c->forced_once = false;
    }
    c->in_exchange = false;
    c->nonce[0] = '\0';
#if defined(CONFIG_ACME_FALLBACK)
    if (acme_fallback_next(c)) {
        return;
    }
    if (acme_fallback_reset(c) == ACME_OK) {
        (void)acme_account_load(c); /* what is said of the client is said of the first CA */
    }
#endif
    c->job = ACME_JOB_NONE;
    c->slot = -1;
    acme_client_go(c, ACME_STATE_IDLE);
#if defined(CONFIG_ACME_SCHEDULE)
    c->time_asked = c->time_asked || error == ACME_OK;
    acme_schedule_note_time(c);
    tell_next(c);
#endif
}

void acme_client_slot_done(struct acme_client *c, int32_t error)
{
    struct acme_slot *s = acme_client_slot(c);

    s->error = error;
    s->pending = false;
    acme_challenges_close(&c->challenges);
    if (error != ACME_OK) {
        c->result = error;
#if defined(ACME_SLOT_PROBLEM)
        c->slot_problem = c->problem;
#endif
        c->problem_slot = c->slot;
        emit_error(c, error);
#if defined(CONFIG_ACME_SCHEDULE)
        acme_schedule_failed(c, s, error);
#endif
        if (acme_error_severity(error) == ACME_SEVERITY_PERMANENT) {
            /* Nothing is gained by going on with this order: the next try gets a new one. */
            (void)acme_store_remove(&c->log, ACME_SPACE_ORDER, s->store_slot);
        }
    }
    c->slot = -1;
    acme_client_go(c, ACME_STATE_SELECT);
}

psa_key_id_t acme_client_account_key(const struct acme_client *c)
{
#if defined(CONFIG_ACME_ACCOUNT_KEY_EXTERNAL)
    if (c->config.account_key_id != 0) {
        return c->config.account_key_id;
    }
#endif
    return CONFIG_ACME_KEY_ID_BASE + (psa_key_id_t)c->account_slot * 2u + c->account_generation;
}

psa_key_id_t acme_client_cert_key(uint8_t store_slot, uint8_t generation)
{
    return CONFIG_ACME_KEY_ID_BASE + 0x100u + (psa_key_id_t)store_slot * 2u + generation;
}

#if CONFIG_ACME_CERT_SLOTS > 1
const struct acme_cert_request *acme_client_request(const struct acme_client *c)
{
    return &c->config.certs[c->slot];
}

struct acme_slot *acme_client_slot(struct acme_client *c)
{
    return &c->slots[c->slot];
}
#endif

int32_t acme_client_join_names(struct acme_client *c, const struct acme_cert_request *request)
{
    struct acme_buf b;
    uint16_t i;

    acme_buf_init(&b, c->work, sizeof(c->work));
    for (i = 0; i < request->names_count; i++) {
        acme_buf_add_form(&b, i == 0 ? "$" : ",$", request->names[i]);
    }
    return acme_buf_result(&b) < 0 ? ACME_ERR_BUFFER : ACME_OK;
}

/* ---- failures ---- */

static bool is_order_state(const struct acme_client *c)
{
    return c->job == ACME_JOB_RUN && c->slot >= 0;
}

/* Failures that the next certificate would meet just the same. */
static bool is_global(int32_t error)
{
    switch (error) {
    case ACME_ERR_RESOLVE:
    case ACME_ERR_CONNECT:
    case ACME_ERR_NET:
    case ACME_ERR_CLOSED:
    case ACME_ERR_TIMEOUT:
    case ACME_ERR_LISTEN:
    case ACME_ERR_TLS:
    case ACME_ERR_TLS_VERIFY:
    case ACME_ERR_TLS_DATES:
    case ACME_ERR_TLS_MEMORY:
    case ACME_ERR_NONCE:
    case ACME_ERR_STORE_FULL:
    case ACME_ERR_TOS:
    case ACME_ERR_ACCOUNT:
    case ACME_ERR_ACCOUNT_NONE:
    case ACME_ERR_EAB:
        return true;
    default:
        return acme_error_severity(error) == ACME_SEVERITY_FATAL;
    }
}

/* Failures that may be gone in a second. */
static bool is_passing(int32_t error)
{
    return (error <= ACME_ERR_RESOLVE && error >= ACME_ERR_TIMEOUT) || error == ACME_ERR_TLS ||
           error == ACME_ERR_SERVER;
}

static void on_error(struct acme_client *c, int32_t error)
{
    uint32_t ms = RETRY_FIRST_MS << c->transient_retries;

#if defined(CONFIG_ACME_ARI)
    if (c->state == ACME_STATE_RENEWAL_INFO && acme_error_severity(error) != ACME_SEVERITY_FATAL) {
        acme_ari_failed(c, error);
        return;
    }
#endif
    if (error == ACME_ERR_SERVER) {
        ms = acme_reply_retry_after(c, ms, RETRY_CEILING_MS + 1u);
    }
    if (is_passing(error) && c->transient_retries < TRANSIENT_RETRIES && ms <= RETRY_CEILING_MS) {
        c->transient_retries++;
        ACME_LOG(c->config.port, ACME_LOG_INFO, "acme: trying again:", acme_error_text(error),
                 error);
        acme_client_wait(c, ms);
        return;
    }
#if defined(CONFIG_ACME_REVOKE_REPLACED)
    if (c->state == ACME_STATE_REVOKE_REPLACED) { /* the new certificate is good all the same */
        emit_error(c, error);
        (void)acme_reply_revoke_replaced(c);
        return;
    }
#endif
#if defined(CONFIG_ACME_ALTERNATE_CHAINS)
    if (!is_global(error) && acme_alternate_failed(c, error)) {
        return;
    }
#endif
    if (is_order_state(c) && acme_authorization_clean_up(c, ACME_AFTER_ERROR, error)) {
        return;
    }
    if (is_order_state(c) && !is_global(error)) {
        acme_client_slot_done(c, error);
    } else {
        acme_client_finish(c, error);
    }
}

/* Fills c->problem and names the error of a reply with status 400 and above. */
static int32_t read_problem(struct acme_client *c)
{
    const struct acme_http_response *r = &c->exchange.parser.response;
    acme_json_value root = NULL;
    int32_t error;

    if (r->content == ACME_HTTP_CONTENT_PROBLEM || r->content == ACME_HTTP_CONTENT_JSON) {
        (void)acme_reply_json(c, &root); /* an unreadable document is as good as none */
    }
    acme_problem_read(&c->problem, root, r->status);
    error = acme_problem_error(&c->problem);
    return error == ACME_ERR_PROBLEM && c->problem.type[0] == '\0' ? ACME_ERR_HTTP_STATUS : error;
}

static bool says_replaces(const struct acme_client *c)
{
#if defined(CONFIG_ACME_ARI)
    return c->order.says_replaces;
#else
    (void)c;
    return false;
#endif
}

static int32_t on_problem(struct acme_client *c)
{
    int32_t error = read_problem(c);

    ACME_LOG(c->config.port, ACME_LOG_DEBUG, "acme: problem", c->problem.type, c->problem.status);
    if (error == ACME_ERR_NONCE) {
        c->bad_nonces++;
        c->nonce_retries++;
        memset(&c->problem, 0, sizeof(c->problem));
#if defined(CONFIG_ACME_KEY_ROLLOVER)
        c->rollover_in_doubt = c->rollover_in_doubt && c->state != ACME_STATE_KEY_CHANGE;
#endif
        /* The state is entered again, with the nonce that came with the refusal. */
        return c->nonce_retries <= CONFIG_ACME_NONCE_RETRIES ? ACME_OK : ACME_ERR_NONCE;
    }
#if defined(CONFIG_ACME_ACCOUNT_MANAGEMENT)
    /* An earlier run was cut after the CA had been told (RFC 8555 7.3.6). */
    if (c->state == ACME_STATE_ACCOUNT_DEACTIVATE &&
        (error == ACME_ERR_ACCOUNT_NONE || acme_problem_is(&c->problem, "unauthorized"))) {
        return acme_reply_account_deactivate(c);
    }
#endif
#if defined(CONFIG_ACME_KEY_ROLLOVER)
    if ((error == ACME_ERR_ACCOUNT_NONE && c->state == ACME_STATE_KEY_PROBE) ||
        (c->state == ACME_STATE_KEY_CHANGE && error != ACME_ERR_SERVER &&
         error != ACME_ERR_RATE_LIMITED)) {
        int32_t rc = acme_rollover_undo(c);

        return c->state == ACME_STATE_KEY_CHANGE && rc == ACME_OK ? error : rc;
    }
#endif
    if (error == ACME_ERR_ACCOUNT_NONE && c->state != ACME_STATE_NEW_ACCOUNT) {
        return acme_account_lost(c);
    }
#if defined(CONFIG_ACME_ACCOUNT_MANAGEMENT)
    if (acme_problem_is(&c->problem, "unauthorized")) {
        if (c->state == ACME_STATE_NEW_ACCOUNT) {
            return acme_account_replace(c);
        }
        /* Who may not even order may have been deactivated: newAccount tells. */
        if (c->state == ACME_STATE_NEW_ORDER && !c->account_retried && !says_replaces(c)) {
            return acme_account_lost(c);
        }
    }
#endif
#if defined(CONFIG_ACME_DEAUTHORIZATION)
    if (c->state == ACME_STATE_DEAUTHORIZE && error != ACME_ERR_SERVER &&
        error != ACME_ERR_RATE_LIMITED) {
        return acme_reply_deauthorize(c); /* it was of no use any more */
    }
#endif
#if defined(CONFIG_ACME_REVOCATION)
    if (error == ACME_ERR_ALREADY_REVOKED && c->state == ACME_STATE_REVOKE) {
        return acme_reply_revoke(c);
    }
#endif
    if (c->state == ACME_STATE_NEW_ORDER && c->problem.status == 500 && says_replaces(c)) {
        return acme_order_refused(c, error); /* a CA may stumble over what it has forgotten */
    }
    if (is_order_state(c) && error != ACME_ERR_SERVER && error != ACME_ERR_RATE_LIMITED) {
        return acme_order_refused(c, error);
    }
    return error;
}

/* ---- steps ---- */

/* How soon the CA may be done with what it has been told: some round trips to it, as long as the
 * last one took. A CA on the same machine has it in no time; one on the other side of the world
 * looks from several places, and it should be left until they have all been. */
static uint16_t settle_time(const struct acme_client *c)
{
    /* 32 bits are enough: an exchange ends in time. */
    uint32_t start_ms = (uint32_t)c->exchange.deadline_ms - CONFIG_ACME_TIMEOUT_MS;
    uint32_t ms = ((uint32_t)acme_clock_uptime_ms(&c->clock) - start_ms) * 8u;

    return (uint16_t)(ms < SETTLE_LEAST_MS  ? SETTLE_LEAST_MS
                      : ms > SETTLE_MOST_MS ? SETTLE_MOST_MS
                                            : ms);
}

static int32_t on_reply(struct acme_client *c)
{
    const struct acme_http_response *r = &c->exchange.parser.response;
    uint8_t from = c->state;
    int32_t rc;

    if (r->nonce[0] != '\0') {
        (void)acme_str_copy(c->nonce, sizeof(c->nonce), r->nonce);
    }
    if (r->has_date) {
        acme_clock_offer(&c->clock, r->date_s);
    }
    c->settle_ms = settle_time(c);
    if (r->status >= 400) {
        return on_problem(c);
    }
    if (r->status >= 300) {
        return ACME_ERR_HTTP_REDIRECT;
    }
    memset(&c->problem, 0, sizeof(c->problem));
    rc = states[from].reply(c);
    if (rc == ACME_OK && from != ACME_STATE_NEW_NONCE) {
        c->transient_retries = c->nonce_retries = 0;
    }
    return rc;
}

/* One bounded step of the job. ACME_ERR_AGAIN: there is nothing to do before an event. */
static int32_t step(struct acme_client *c)
{
    int32_t rc;

    if (c->signing != NULL) {
        return acme_request_sign(c);
    }
    if (c->in_exchange) {
        rc = acme_exchange_poll(&c->exchange);
        if (rc == ACME_ERR_AGAIN) {
            return c->exchange.more ? ACME_OK : ACME_ERR_AGAIN;
        }
        c->in_exchange = false;
        return rc == ACME_OK ? on_reply(c) : rc;
    }
    if (acme_clock_uptime_ms(&c->clock) < c->wait_until_ms) {
        return ACME_ERR_AGAIN;
    }
    return states[c->state].enter(c);
}

/* The CA has fetched the proof: its answer is near, so the wait for it is cut short. */
static void watch_responder(struct acme_client *c, uint64_t now_ms)
{
    uint32_t served;

    acme_challenges_poll(&c->challenges, now_ms);
    served = acme_challenges_served(&c->challenges);
    if (served == c->served_seen || c->state != ACME_STATE_AUTHORIZATION_WAIT) {
        return; /* a CA may come before it has answered that it will */
    }
    c->served_seen = served;
#if defined(CONFIG_ACME_EARLY_FINALIZE)
    c->order.proof_fetched = true;
#endif
    if (c->wait_until_ms > now_ms + c->settle_ms) {
        c->wait_until_ms = now_ms + c->settle_ms;
    }
}

static uint32_t time_left(const struct acme_client *c, uint64_t now_ms)
{
    uint64_t until = c->in_exchange ? c->exchange.deadline_ms + 1u : c->wait_until_ms;
    uint64_t left;

#if defined(CONFIG_ACME_DNS)
    if (until == 0) {
        until = c->call_again_ms; /* a state that polls */
    }
#endif
    left = until > now_ms ? until - now_ms : 0;
    if (acme_challenges_is_open(&c->challenges) && left > RESPONDER_TICK_MS) {
        left = RESPONDER_TICK_MS;
    }
    if (acme_challenges_has_more(&c->challenges)) {
        left = 0;
    }
    return (uint32_t)left; /* no wait is longer than 32 bits */
}

#if defined(CONFIG_ACME_DOCTOR)
static enum acme_want poll_doctor(struct acme_client *c, struct acme_poll_result *result)
{
    result->wait_ms = 1000;
    result->error = ACME_OK;
    result->want =
        acme_doctor_poll(c, &result->wait_ms) == ACME_ERR_AGAIN ? ACME_WANT_EVENT : ACME_WANT_NOW;
    if (c->job == ACME_JOB_NONE) {
        result->want = ACME_WANT_IDLE;
        result->wait_ms = UINT32_MAX;
    }
    return result->want;
}
#endif

enum acme_want acme_poll(acme_client *c, struct acme_poll_result *result)
{
    int32_t rc = ACME_ERR_AGAIN;

    watch_responder(c, acme_clock_uptime_ms(&c->clock));
#if defined(CONFIG_ACME_DOCTOR)
    if (c->job == ACME_JOB_DOCTOR) {
        return poll_doctor(c, result);
    }
#endif
    if (c->job != ACME_JOB_NONE) {
        rc = step(c);
        if (rc < 0 && rc != ACME_ERR_AGAIN) {
            on_error(c, rc);
        }
    }
    result->wait_ms = 0;
    result->error = c->result;
    if (c->job == ACME_JOB_NONE) {
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

/* ---- jobs ---- */

static int32_t begin(struct acme_client *c, enum acme_job job)
{
    int64_t now;
    int32_t rc;
    uint16_t i;

    if (c->job != ACME_JOB_NONE) {
        return ACME_ERR_STATE;
    }
    if (c->config.clock_required && acme_clock_now(&c->clock, &now) != ACME_OK) {
        return ACME_ERR_NO_CLOCK;
    }
#if defined(CONFIG_ACME_FALLBACK)
    rc = acme_fallback_reset(c);
    if (rc != ACME_OK) {
        return rc;
    }
#endif
    rc = acme_account_load(c);
    if (rc != ACME_OK) {
        return rc;
    }
    memset(&c->problem, 0, sizeof(c->problem));
    for (i = 0; i < c->config.certs_count; i++) {
        c->slots[i].pending = job == ACME_JOB_RUN;
#if defined(CONFIG_ACME_SCHEDULE)
        c->slots[i].pending =
            c->slots[i].pending && !(c->due_only && acme_schedule_is_blocked(c, &c->slots[i]));
#endif
#if defined(CONFIG_ACME_ARI)
        c->slots[i].looked = false;
#endif
        c->slots[i].error = ACME_OK;
    }
    c->job = (uint8_t)job;
    c->result = ACME_OK;
    c->slot = c->problem_slot = -1;
    c->transient_retries = c->nonce_retries = 0;
    c->account_retried = false;
#if defined(CONFIG_ACME_ACCOUNT_MANAGEMENT)
    c->account_replaced = false;
#endif
    return acme_client_go(c, ACME_STATE_DIRECTORY);
}

/* A device that has what it wants must not bother the network at each boot. */
static bool has_work(const struct acme_client *c)
{
    uint16_t i;

    for (i = 0; i < c->config.certs_count; i++) {
        if (c->slots[i].pending && acme_schedule_wants(c, &c->slots[i])) {
            return true;
        }
    }
    return false;
}

static int32_t start(struct acme_client *c, bool due_only)
{
    int32_t rc;

#if defined(CONFIG_ACME_SCHEDULE)
    c->due_only = due_only;
#else
    (void)due_only;
#endif
    rc = begin(c, ACME_JOB_RUN);
    if (rc == ACME_OK && !has_work(c)) {
        acme_client_finish(c, ACME_OK);
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

#if defined(CONFIG_ACME_SCHEDULE)
    c->due_only = false;
#endif
    rc = begin(c, ACME_JOB_RUN);
    if (rc == ACME_OK && !forced) {
        c->config.force_renewal = c->forced_once = true;
    }
    return rc;
}

int32_t acme_account_start(acme_client *c)
{
    return begin(c, ACME_JOB_ACCOUNT);
}

#if defined(CONFIG_ACME_ACCOUNT_MANAGEMENT)
int32_t acme_account_update(acme_client *c)
{
    return begin(c, ACME_JOB_ACCOUNT_UPDATE);
}

int32_t acme_account_deactivate(acme_client *c)
{
    return begin(c, ACME_JOB_ACCOUNT_DEACTIVATE);
}

int32_t acme_account_recover(acme_client *c)
{
    int32_t rc = begin(c, ACME_JOB_ACCOUNT_RECOVER);

    if (rc == ACME_OK) {
        c->account_exists = false;
    }
    return rc;
}
#else
int32_t acme_account_recover(acme_client *c)
{
    (void)c;
    return ACME_ERR_UNSUPPORTED;
}

int32_t acme_account_update(acme_client *c)
{
    (void)c;
    return ACME_ERR_UNSUPPORTED;
}

int32_t acme_account_deactivate(acme_client *c)
{
    (void)c;
    return ACME_ERR_UNSUPPORTED;
}
#endif

int32_t acme_account_rollover(acme_client *c)
{
#if defined(CONFIG_ACME_KEY_ROLLOVER)
    if (acme_rollover_key(c) == PSA_KEY_ID_NULL) {
        return ACME_ERR_UNSUPPORTED; /* the key is not ours to replace */
    }
    return begin(c, ACME_JOB_ACCOUNT_ROLLOVER);
#else
    (void)c;
    return ACME_ERR_UNSUPPORTED;
#endif
}

int32_t acme_deauthorize(acme_client *c, uint16_t slot)
{
#if defined(CONFIG_ACME_DEAUTHORIZATION)
    int32_t rc = slot < c->config.certs_count ? begin(c, ACME_JOB_DEAUTHORIZE) : ACME_ERR_ARGUMENT;

    if (rc == ACME_OK) {
        c->slot = (int16_t)slot;
    }
    return rc;
#else
    (void)c;
    (void)slot;
    return ACME_ERR_UNSUPPORTED;
#endif
}

#if defined(CONFIG_ACME_REVOCATION)
int32_t acme_revoke_start(acme_client *c, uint16_t slot, uint8_t reason, bool with_certificate_key)
{
    int32_t rc;

    if (slot >= c->config.certs_count || reason > 10 || reason == 7) {
        return ACME_ERR_ARGUMENT;
    }
    if (!c->slots[slot].has_cert) {
        return ACME_ERR_CERT_NONE;
    }
    rc = begin(c, ACME_JOB_REVOKE);
    if (rc == ACME_OK) {
        c->slot = (int16_t)slot;
        c->revoke_reason = reason;
        c->revoke_with_cert_key = with_certificate_key;
    }
    return rc;
}
#else
int32_t acme_revoke_start(acme_client *c, uint16_t slot, uint8_t reason, bool with_certificate_key)
{
    (void)c;
    (void)slot;
    (void)reason;
    (void)with_certificate_key;
    return ACME_ERR_UNSUPPORTED;
}
#endif
