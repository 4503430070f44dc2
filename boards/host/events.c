/*
 * The client's events: a line of progress for each, and a line of JSON where that is asked for. It
 * must not change anything but what it notes for others.
 */
#include "events.h"

#include <inttypes.h>
#include <stdio.h>

#include "json.h"
#include "say.h"
#include "test_hooks.h"

static const char *slot_name(const struct cli_events *s, int16_t slot)
{
    return slot >= 0 && slot < (int16_t)s->config->certs_count ? s->config->certs[slot].names[0]
                                                               : s->config->directory_url;
}

/* What more is known of a failure. */
static void add_place(cJSON *o, const struct acme_event *event)
{
    if (event->route != NULL) {
        cJSON_AddStringToObject(o, "route", event->route);
    }
    if (event->member != NULL) {
        cJSON_AddStringToObject(o, "member", event->member);
    }
    if (event->limit != NULL) {
        cJSON_AddStringToObject(o, "limit", event->limit);
        cJSON_AddNumberToObject(o, "limitSize", event->limit_size);
    }
    if (event->url != NULL) {
        cJSON_AddStringToObject(o, "url", event->url);
    }
}

static void print_event(const struct cli_events *s, const struct acme_event *event)
{
    /* As enum acme_event_type. */
    static const char *const names[] = {"state",      "account",     "terms",   "order",
                                        "authorized", "installed",   "revoked", "error",
                                        "wait",       "renewalInfo", "next",    "ca"};
    cJSON *o = cJSON_CreateObject();

    cJSON_AddStringToObject(
        o, "event", event->type < sizeof(names) / sizeof(names[0]) ? names[event->type] : "other");
    cJSON_AddStringToObject(o, "state", acme_state_name(event->state));
    if (event->slot >= 0) {
        cJSON_AddStringToObject(o, "certificate", slot_name(s, event->slot));
    }
    if (event->text != NULL) {
        cJSON_AddStringToObject(o, "text", event->text);
    }
    if (event->error != ACME_OK) {
        cli_json_error(o, event->error);
    }
    add_place(o, event);
    if (event->type == ACME_EVENT_WAIT || event->type == ACME_EVENT_NEXT) {
        cJSON_AddNumberToObject(o, "waitMs", event->wait_ms);
    }
    if (event->problem != NULL) {
        cli_json_problem(o, event->problem);
    }
    cli_json_print(o, true);
}

/* Events whose text says it all. Returns whether this is one. */
static bool say_text(const struct acme_event *event)
{
    switch (event->type) {
    case ACME_EVENT_CA:
        cli_say("turning to %s", event->text);
        return true;
    case ACME_EVENT_TOS:
        cli_say("%s the terms of service: %s",
                event->error == ACME_OK ? "agreed to" : "not agreed to, though they are new:",
                event->text);
        return true;
    case ACME_EVENT_ACCOUNT:
        cli_say("account %s", event->text);
        return true;
    case ACME_EVENT_AUTHORIZED:
        cli_say("%s: proven", event->text);
        return true;
    case ACME_EVENT_WAIT:
        cli_say("waiting up to %u.%u s (%s)", (unsigned)(event->wait_ms / 1000u),
                (unsigned)(event->wait_ms % 1000u / 100u), acme_state_name(event->state));
        return true;
    default:
        return false;
    }
}

static void say_challenge_failed(const char *name, const struct acme_event *event)
{
    cli_say("%s: %s failed: %s (%s)%s%s; trying the next way", name, event->text,
            acme_error_text(event->error), acme_error_name(event->error),
            event->problem != NULL ? ": " : "",
            event->problem != NULL ? event->problem->detail : "");
}

/* Which request the error is about, and what of its reply. */
static void print_place(const struct acme_event *event)
{
    if (event->route != NULL) {
        (void)fprintf(stderr, "  at %s%s%s\n", event->route, event->member != NULL ? ": " : "",
                      event->member != NULL ? event->member : "");
    }
    if (event->limit != NULL) {
        (void)fprintf(stderr, "  %s is too small for %" PRIu32 "%s%s\n", event->limit,
                      event->limit_size, event->url != NULL ? ", from " : "",
                      event->url != NULL ? event->url : "");
    }
    if (event->error == ACME_ERR_CERT_NAMES_ADDED && event->problem != NULL) {
        (void)fprintf(stderr, "  it also has %s; --allow-added-names takes it\n",
                      event->problem->identifier);
    }
}

/* What is said of a certificate in the same words each time; NULL: there is more to say. */
static const char *words_of(uint32_t type)
{
    switch (type) {
    case ACME_EVENT_ORDER:
        return "ordered";
    case ACME_EVENT_INSTALLED:
        return "certificate stored";
    case ACME_EVENT_REVOKED:
        return "revoked";
    case ACME_EVENT_CHAIN_CUT:
        return "the end of the chain is left out, for TLS cannot send all of it";
    default:
        return NULL;
    }
}

/* Events of one certificate. */
static void say_slot(const char *name, const struct acme_event *event)
{
    switch (event->type) {
    case ACME_EVENT_RENEWAL_INFO:
        cli_say("%s: the CA suggests when to renew%s%s", name, event->text != NULL ? "; see " : "",
                event->text != NULL ? event->text : "");
        break;
    case ACME_EVENT_CHALLENGE_FAILED:
        say_challenge_failed(name, event);
        break;
    case ACME_EVENT_ERROR:
        cli_error_core(name, event->error,
                       event->error == ACME_ERR_CERT_NAMES_ADDED ? NULL : event->problem);
        print_place(event);
        break;
    default:
        if (words_of(event->type) != NULL) {
            cli_say("%s: %s", name, words_of(event->type));
        }
        break;
    }
}

void cli_on_event(void *ctx, const struct acme_event *event)
{
    struct cli_events *s = ctx;

    cli_test_event(event);
    if (s->lines) {
        print_event(s, event);
    }
    if (event->type == ACME_EVENT_ERROR) {
        s->asked = event->problem != NULL;
    }
    if (event->type == ACME_EVENT_INSTALLED) {
        s->installed[event->slot] = true;
    }
    if (!say_text(event)) {
        say_slot(slot_name(s, event->slot), event);
    }
}
