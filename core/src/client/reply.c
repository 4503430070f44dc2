/*
 * What any reply has. It must not know a resource.
 */
#include "client/reply.h"

#include <string.h>

#include "client/machine.h"
#include "client/state.h"

#define LEAST_PAUSE_MS  1000u /* for who says "at once", or a date that is past */
#define SETTLE_LEAST_MS 25u
#define SETTLE_MOST_MS  250u

int32_t acme_reply_json(struct acme_client *c, acme_json_value *root)
{
    const struct acme_http_response *r = &c->exchange.parser.response;
    int32_t len, rc;

    *root = NULL;
    if (r->content != ACME_HTTP_CONTENT_JSON && r->content != ACME_HTTP_CONTENT_PROBLEM) {
        return acme_error_at(&c->machine.place, "Content-Type", ACME_ERR_CONTENT_TYPE);
    }
    if (!c->io.has_json) {
        return ACME_ERR_JSON;
    }
    len = acme_json_filter_finish(&c->body.filter);
    c->io.has_json = false;
    if (len < 0) {
        c->where.limit = c->body.filter.limit;
        return len;
    }
    rc = acme_json_parse(&c->arena, c->work.text, (size_t)len, root);
    if (rc == ACME_ERR_ARENA) {
        acme_limit_note(&c->where.limit, ACME_LIMIT_ARENA, sizeof(c->arena_memory.bytes) + 1u);
    }
    return rc;
}

enum acme_status acme_reply_status(acme_json_value object)
{
    static const char names[][11] = {"pending", "processing", "ready", "valid", "invalid"};
    const char *text = acme_json_string(object, "status");
    uint32_t i;

    if (text == NULL) {
        return ACME_STATUS_NONE;
    }
    for (i = 0; i < sizeof(names) / sizeof(names[0]) && strcmp(names[i], text) != 0; i++) {
    }
    return (enum acme_status)(ACME_STATUS_PENDING + i);
}

uint32_t acme_reply_retry_after(const struct acme_client *c, uint32_t fallback_ms,
                                uint32_t ceiling_ms)
{
    const struct acme_http_response *r = &c->exchange.parser.response;
    int64_t seconds = r->retry_after, now;

    if (!r->has_retry_after) {
        return fallback_ms;
    }
    if (r->retry_after_is_date) {
        if (r->has_date) {
            now = r->date_s; /* the server's own clock is the fair one */
        } else if (acme_clock_now(&c->clock, &now) != ACME_OK) {
            return fallback_ms;
        }
        seconds -= now;
    }
    if (seconds > (int64_t)(ceiling_ms / 1000u)) {
        return ceiling_ms;
    }
    return seconds > 0 ? (uint32_t)seconds * 1000u : LEAST_PAUSE_MS;
}

#if defined(CONFIG_ACME_PROBLEM_LINKS)
static void take_terms(struct acme_client *c)
{
    (void)acme_str_copy(c->problem.terms, sizeof(c->problem.terms),
                        c->exchange.parser.response.terms);
}
#else
static void take_terms(struct acme_client *c)
{
    (void)c;
}
#endif

int32_t acme_reply_problem(struct acme_client *c)
{
    const struct acme_http_response *r = &c->exchange.parser.response;
    acme_json_value root = NULL;
    int32_t error;

    if (r->content == ACME_HTTP_CONTENT_PROBLEM || r->content == ACME_HTTP_CONTENT_JSON) {
        (void)acme_reply_json(c, &root); /* an unreadable document is as good as none */
    }
    acme_problem_read(&c->problem, root, r->status);
    take_terms(c);
    error = acme_problem_error(&c->problem);
    return error == ACME_ERR_PROBLEM && c->problem.type[0] == '\0' ? ACME_ERR_HTTP_STATUS : error;
}

/* A CA on the same machine has it in no time; one on the other side of the world
 * looks from several places, and it should be left until they have all been. */
uint16_t acme_reply_settle_time(const struct acme_client *c)
{
    /* 32 bits are enough: an exchange ends in time. */
    uint32_t start_ms = (uint32_t)c->exchange.deadline_ms - CONFIG_ACME_TIMEOUT_MS;
    uint32_t ms = ((uint32_t)acme_clock_uptime_ms(&c->clock) - start_ms) * 8u;

    return (uint16_t)(ms < SETTLE_LEAST_MS  ? SETTLE_LEAST_MS
                      : ms > SETTLE_MOST_MS ? SETTLE_MOST_MS
                                            : ms);
}
