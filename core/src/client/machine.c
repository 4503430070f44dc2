/*
 * The machine's state, its waits and its events. It must not know what a state does.
 */
#include "client/machine.h"

#include <string.h>

#include "base/breathe.h"
#include "base/log.h"
#include "client/state.h"

const char *acme_state_name(uint8_t state)
{
#define NAME(name) #name,
    static const char *const names[] = {ACME_STATE_LIST(NAME)};

    if (!ACME_ENABLED(CONFIG_ACME_ERROR_TEXTS)) {
        return "STATE";
    }
    return state < ACME_STATE_COUNT ? names[state] : "UNKNOWN";
}

bool acme_machine_is_busy(const struct acme_client *c)
{
    return c->machine.job != ACME_JOB_NONE || acme_breathe_is_inside();
}

void acme_machine_note_url(struct acme_client *c, const char *url)
{
    memset(&c->where, 0, sizeof(c->where));
    c->where.url = url;
}

int32_t acme_machine_limit(struct acme_client *c, enum acme_limit_id id, size_t size)
{
    acme_limit_note(&c->where.limit, id, size);
    return ACME_ERR_LIMIT;
}

/* What goes with an error: where it was met, the limit that was hit, the CA's problem. */
static void add_cause(struct acme_client *c, struct acme_event *event)
{
    if (ACME_ENABLED(CONFIG_ACME_ERROR_TEXTS)) {
        event->route = c->machine.place.route;
        event->member = c->machine.place.member;
    }
    event->url = c->where.url;
    if (c->where.limit.id != ACME_LIMIT_NONE) {
        event->limit = acme_limit_name(c->where.limit.id);
        event->limit_size = c->where.limit.size;
        ACME_LOG(c->config.port, ACME_LOG_ERROR, "acme: limit hit:", event->limit,
                 (int32_t)event->limit_size);
    }
    if (c->problem.status != 0 || c->problem.type[0] != '\0' || c->problem.detail[0] != '\0' ||
        c->problem.identifier[0] != '\0') {
        event->problem = &c->problem;
    }
}

static void deliver(struct acme_client *c, enum acme_event_type type, const char *text,
                    int32_t error, uint32_t wait_ms)
{
    struct acme_event event = {.type = type,
                               .error = error,
                               .slot = c->slot,
                               .state = c->machine.state,
                               .wait_ms = wait_ms,
                               .text = text};

    if (error != ACME_OK) {
        add_cause(c, &event);
    }
    if (c->config.on_event != NULL) {
        c->config.on_event(c->config.event_ctx, &event);
    }
}

void acme_machine_set_place(struct acme_client *c)
{
    const char *route = acme_state_name(c->machine.state);

    if (c->machine.place.route != route) {
        c->machine.place.route = route;
        c->machine.place.member = NULL;
    }
}

void acme_machine_emit(struct acme_client *c, enum acme_event_type type, const char *text)
{
    deliver(c, type, text, ACME_OK, 0);
}

void acme_machine_emit_failure(struct acme_client *c, enum acme_event_type type, int32_t error,
                               const char *text)
{
    ACME_LOG(c->config.port, ACME_LOG_WARNING, "acme:", acme_error_text(error), error);
    deliver(c, type, text, error, 0);
}

void acme_machine_emit_next(struct acme_client *c, uint32_t next_s)
{
    deliver(c, ACME_EVENT_NEXT, NULL, ACME_OK,
            next_s < UINT32_MAX / 1000u ? next_s * 1000u : UINT32_MAX);
}

int32_t acme_machine_go(struct acme_client *c, enum acme_state state)
{
    c->machine.state = (uint8_t)state;
    c->machine.wait_until_ms = 0;
    ACME_LOG(c->config.port, ACME_LOG_DEBUG, "acme: state", acme_state_name(c->machine.state), 0);
    acme_machine_emit(c, ACME_EVENT_STATE, acme_state_name(c->machine.state));
    return ACME_OK;
}

void acme_machine_wait(struct acme_client *c, uint32_t ms)
{
    c->machine.wait_until_ms = acme_clock_uptime_ms(&c->clock) + ms;
    deliver(c, ACME_EVENT_WAIT, NULL, ACME_OK, ms);
}

int32_t acme_machine_end(struct acme_client *c, int32_t error)
{
    c->machine.error = error;
    return acme_machine_go(c, ACME_STATE_DONE);
}

int32_t acme_machine_end_slot(struct acme_client *c, int32_t error)
{
    c->machine.error = error;
    return acme_machine_go(c, ACME_STATE_SLOT_DONE);
}
