/*
 * The doctor's look at the CA: rate limit, reachability by layers, captive portal, clock. It must
 * not know the names that certificates are for.
 */
#include "acme/config.h"

#if defined(CONFIG_ACME_DOCTOR)

#include <string.h>

#include "base/date.h"
#include "doctor/steps.h"
#include "client/reply.h"
#include "client/schedule.h"

#define CLOCK_TOLERANCE_S 300

/* ---- rate limit ---- */

static bool take_number(const char **at, size_t digits, int32_t *value, char after)
{
    const char *p = *at;

    for (*value = 0; digits > 0; digits--, p++) {
        if (*p < '0' || *p > '9') {
            return false;
        }
        *value = *value * 10 + (*p - '0');
    }
    if (*p != after) {
        return false;
    }
    *at = p + 1;
    return true;
}

/* A number and what follows it, in a text of "retry after". */
struct part {
    uint8_t digits;
    char after;
    uint16_t least, most;
};

/* "... retry after 2026-01-31 23:59:59 UTC ...", as Let's Encrypt words it, in UTC. 0: no such. */
static int64_t end_of(const char *detail)
{
    static const struct part parts[] = {{4, '-', 1970, 9999}, {2, '-', 1, 12}, {2, ' ', 1, 31},
                                        {2, ':', 0, 23},      {2, ':', 0, 59}, {2, ' ', 0, 60}};
    static const char words[] = "retry after ";
    const char *at = strstr(detail, words);
    int32_t v[6];
    size_t i;

    if (at == NULL) {
        return 0;
    }
    at += sizeof(words) - 1;
    for (i = 0; i < 6; i++) {
        const struct part *p = &parts[i];

        if (!take_number(&at, p->digits, &v[i], p->after) || v[i] < p->least || v[i] > p->most) {
            return 0;
        }
    }
    return acme_date_to_unix(v[0], v[1], v[2], v[3], v[4], v[5]);
}

#if defined(CONFIG_ACME_SCHEDULE)
#include "client/schedule.h"

/* The store knows of pauses from before a reset, too; what the CA said is known in this run only.
 */
static void tell_pauses(struct acme_doctor *d)
{
    const struct acme_client *c = d->client;
    uint16_t i;

    for (i = 0; i < c->config.certs_count; i++) {
        struct acme_finding more = {.value = c->slots[i].schedule.retry_at_s};

        if (acme_schedule_is_blocked(c, &c->slots[i])) {
            acme_doctor_tell(d, ACME_FINDING_PAUSED, c->config.certs[i].names[0], "", &more);
        }
    }
}
#else
static void tell_pauses(struct acme_doctor *d)
{
    (void)d;
}
#endif

int32_t acme_doctor_rate_limit(struct acme_doctor *d, uint32_t *wait_ms)
{
    const struct acme_problem *problem = &d->client->slot_problem;
    struct acme_finding more = {.error = ACME_ERR_RATE_LIMITED};
    bool limited = acme_problem_error(problem) == ACME_ERR_RATE_LIMITED;
    int64_t now;

    (void)wait_ms;
    more.value = limited ? end_of(problem->detail) : 0;
    if (more.value == 0 && d->config.rate_limited_until_s != 0) {
        more.value = d->config.rate_limited_until_s;
        limited = true;
    }
    if (acme_clock_now(&d->client->clock, &now) == ACME_OK && more.value != 0 &&
        more.value <= now) {
        limited = false;
    }
    if (limited) {
        acme_doctor_tell(d, ACME_FINDING_RATE_LIMITED, "", problem->detail, &more);
    }
    tell_pauses(d);
    return ACME_OK;
}

/* ---- the directory ---- */

static int32_t start(struct acme_doctor *d)
{
    struct acme_client *c = d->client;
    int32_t rc;

    acme_exchange_close(&c->exchange); /* what is open proves nothing about now */
    rc = acme_request_plain(c, "GET", c->config.directory_url);
    memcpy(d->ca_host, c->exchange.origin, sizeof(c->exchange.origin));
    return rc;
}

/* How far it came says which layer is in the way. */
static enum acme_finding_code layer_of(const struct acme_doctor *d, int32_t error)
{
    switch (error) {
    case ACME_ERR_RESOLVE:
        return ACME_FINDING_CA_NAME;
    case ACME_ERR_TLS_VERIFY:
        return ACME_FINDING_CA_CERTIFICATE;
    case ACME_ERR_TLS_DATES:
        return ACME_FINDING_CA_DATES;
    case ACME_ERR_TLS:
    case ACME_ERR_TLS_MEMORY:
        return ACME_FINDING_CA_TLS;
    default:
        break;
    }
    if (d->client->exchange.out_sent > 0) { /* TLS was up */
        return ACME_FINDING_CA_HTTP;
    }
    return d->ca_connected ? ACME_FINDING_CA_TLS : ACME_FINDING_CA_CONNECT;
}

void acme_doctor_check_clock(struct acme_doctor *d)
{
    const struct acme_port *port = d->client->config.port;
    const struct acme_http_response *r = &d->client->exchange.parser.response;
    struct acme_finding more = {0};
    int64_t now;

    if (port->clock->wall_s(port->clock_ctx, &now) != ACME_OK) {
        acme_doctor_tell(d, ACME_FINDING_CLOCK_UNKNOWN, "", "", NULL);
        return;
    }
    more.value = now - r->date_s;
    if (r->has_date && (more.value > CLOCK_TOLERANCE_S || more.value < -CLOCK_TOLERANCE_S)) {
        acme_doctor_tell(d, ACME_FINDING_CLOCK_WRONG, d->ca_host, "", &more);
    }
}

/* meta.caaIdentities, one after the other. */
static void take_identities(struct acme_doctor *d, acme_json_value root)
{
    acme_json_value element =
        acme_json_first(acme_json_array(acme_json_object(root, "meta"), "caaIdentities"));
    size_t used = 0;

    for (; element != NULL; element = acme_json_next(element)) {
        const char *text = acme_json_text(element);
        size_t len = text == NULL ? 0 : strlen(text) + 1;

        if (len >= sizeof(d->identities) - used) {
            d->identities[0] = '\0'; /* who knows some only, does not know who may issue */
            return;
        }
        if (len > 1) {
            memcpy(d->identities + used, text, len);
            used += len;
        }
    }
}

static void on_directory(struct acme_doctor *d)
{
    struct acme_client *c = d->client;
    const struct acme_http_response *r = &c->exchange.parser.response;
    struct acme_finding more = {.error = ACME_ERR_HTTP_STATUS};
    acme_json_value root = NULL;

    d->ca_reached = true;
    acme_doctor_check_clock(d);
    if (r->status == 200) {
        more.error = acme_reply_json(c, &root);
        if (more.error == ACME_OK && acme_json_string(root, "newOrder") == NULL) {
            more.error = ACME_ERR_FIELD;
        }
    }
    if (more.error != ACME_OK) {
        more.value = r->status;
        acme_doctor_tell(d, ACME_FINDING_CA_HTTP, d->ca_host, r->location, &more);
        return;
    }
    take_identities(d, root);
    acme_json_reset(&c->arena);
}

static void watch(struct acme_doctor *d)
{
    const struct acme_exchange *x = &d->client->exchange;

    if (x->state == ACME_EXCHANGE_CONNECT && !d->ca_connected) {
        d->ca_connected = x->port->net->connected(x->port->net_ctx, x->tls.stream) == ACME_OK;
    }
}

int32_t acme_doctor_ca(struct acme_doctor *d, uint32_t *wait_ms)
{
    struct acme_client *c = d->client;
    struct acme_finding more = {0};
    uint64_t now = acme_doctor_now_ms(d);
    int32_t rc = ACME_OK;

    if (d->sub == 0) {
        d->sub = 1;
        rc = start(d);
    }
    if (rc == ACME_OK) {
        watch(d);
        rc = acme_exchange_poll(&c->exchange);
        watch(d);
    }
    if (rc == ACME_ERR_AGAIN) {
        uint64_t left = c->exchange.deadline_ms + 1u - now; /* it would be TIMEOUT after that */

        *wait_ms = c->exchange.more ? 0 : left < *wait_ms ? (uint32_t)left : *wait_ms;
        return rc;
    }
    c->io.in_exchange = false;
    if (rc == ACME_OK) {
        on_directory(d);
    } else {
        more.error = rc;
        acme_doctor_tell(d, layer_of(d, rc), d->ca_host, "", &more);
    }
    acme_exchange_close(&c->exchange);
    return ACME_OK;
}

/* ---- captive portal ---- */

static bool leads_elsewhere(const struct acme_doctor *d, const char *location)
{
    const char *host = strstr(location, "://");
    size_t len = strlen(d->ca_host);

    if (host == NULL) {
        return false; /* another path of the same host */
    }
    host += 3;
    return !(
        acme_str_equal_nocase(host, strlen(host) < len ? strlen(host) : len, d->ca_host, len) &&
        strchr(":/?#", host[len]) != NULL);
}

static void on_plain_reply(struct acme_doctor *d)
{
    const struct acme_http_response *r = &d->client->exchange.parser.response;

    if (r->status == 511 ||
        (r->status >= 300 && r->status < 400 && leads_elsewhere(d, r->location))) {
        acme_doctor_tell(d, ACME_FINDING_CAPTIVE_PORTAL, d->ca_host, r->location, NULL);
    }
}

static int32_t ignore_body(void *ctx, const uint8_t *data, size_t len)
{
    (void)ctx;
    (void)data;
    (void)len;
    return ACME_ERR_NOT_FOUND; /* the head is all that counts: ends the parsing */
}

static int32_t open_plain(struct acme_doctor *d)
{
    struct acme_client *c = d->client;
    const struct acme_port *port = c->config.port;
    char url[ACME_URI_AUTHORITY + ACME_URI_HOST_MAX + 2];
    struct acme_http_request request = {.method = "GET", .url = url};
    struct acme_buf b;

    _Static_assert(CONFIG_ACME_WORK_SIZE >= ACME_URI_HOST_MAX + 512, "the head fits");
    d->trip.out = port->net->connect(port->net_ctx, d->ca_host,
                                     d->config.probe_port != 0 ? d->config.probe_port : 80);
    if (d->trip.out < 0) {
        d->trip.out = ACME_HANDLE_NONE;
        return ACME_ERR_CONNECT;
    }
    /* The scheme is not sent: the connection is a plain one. */
    acme_buf_init(&b, url, sizeof(url));
    acme_buf_add(&b, "https://");
    acme_buf_add(&b, d->ca_host);
    request.uri.authority_len = (uint16_t)(b.len - ACME_URI_AUTHORITY);
    request.uri.path_offset = (uint16_t)b.len;
    acme_buf_add(&b, "/");
    d->request_len = (uint32_t)acme_http_request_write(
        &request, c->work.text, sizeof(c->work.text)); /* of the request, here */
    acme_http_parser_init(&c->exchange.parser, false, 65536, ignore_body, d);
    d->trip.deadline_ms = acme_doctor_now_ms(d) + ACME_DOCTOR_CONNECT_MS;
    return ACME_OK;
}

/* Sends the request and parses the head of the reply. */
static int32_t poll_plain(struct acme_doctor *d)
{
    struct acme_client *c = d->client;
    const struct acme_port *port = c->config.port;
    uint8_t data[128];
    int32_t n = port->net->connected(port->net_ctx, d->trip.out);

    while (n == ACME_OK && d->request_len > 0) {
        n = port->net->send(port->net_ctx, d->trip.out, c->work.bytes, d->request_len);
        if (n > 0) {
            memmove(c->work.text, c->work.text + n, d->request_len - (uint32_t)n);
            d->request_len -= (uint32_t)n;
            n = ACME_OK;
        }
    }
    while (n == ACME_OK) {
        size_t used;

        n = port->net->recv(port->net_ctx, d->trip.out, data, sizeof(data));
        if (n > 0) {
            n = acme_http_parser_feed(&c->exchange.parser, data, (size_t)n, &used);
            n = n == ACME_ERR_AGAIN ? ACME_OK : n == ACME_OK ? ACME_ERR_NOT_FOUND : n;
        }
    }
    return n;
}

int32_t acme_doctor_portal(struct acme_doctor *d, uint32_t *wait_ms)
{
    const struct acme_port *port = d->client->config.port;
    uint64_t now = acme_doctor_now_ms(d);
    int32_t rc;

    if (d->ca_reached) {
        return ACME_OK;
    }
    if (d->sub == 0) {
        d->sub = 1;
        rc = open_plain(d);
        if (rc != ACME_OK) {
            return ACME_OK;
        }
    }
    rc = poll_plain(d);
    if (rc == ACME_ERR_AGAIN && now < d->trip.deadline_ms) {
        *wait_ms =
            d->trip.deadline_ms - now < *wait_ms ? (uint32_t)(d->trip.deadline_ms - now) : *wait_ms;
        return rc;
    }
    on_plain_reply(d);
    port->net->close(port->net_ctx, d->trip.out);
    d->trip.out = ACME_HANDLE_NONE;
    return ACME_OK;
}

#endif
