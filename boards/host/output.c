/*
 * What the command line says: progress and errors on stderr, results on stdout as text or JSON. It
 * must not change anything.
 */
#include "cli.h"

#include <cJSON.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const struct cli_options *options;
static bool colour;

void cli_output_init(const struct cli_options *o)
{
    /* https://no-color.org */
    const char *no_color = getenv("NO_COLOR");

    options = o;
    colour = isatty(STDERR_FILENO) != 0 && (no_color == NULL || *no_color == '\0');
}

static void print(const char *before, const char *format, va_list arguments)
{
    (void)fputs(before, stderr);
    (void)vfprintf(stderr, format, arguments);
    (void)fputc('\n', stderr);
}

void cli_error(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    print(colour ? "\033[31mnanoacme: error:\033[0m " : "nanoacme: error: ", format, arguments);
    va_end(arguments);
}

void cli_say(const char *format, ...)
{
    va_list arguments;

    if (options != NULL && options->quiet) {
        return;
    }
    va_start(arguments, format);
    print("nanoacme: ", format, arguments);
    va_end(arguments);
}

void cli_error_core(const char *what, int32_t error, const struct acme_problem *problem)
{
    cli_error("%s: %s (%s)", what, acme_error_text(error), acme_error_name(error));
    if (problem == NULL) {
        return;
    }
    (void)fprintf(stderr, "  the CA says: %s%s%s", problem->type,
                  problem->type[0] != '\0' ? ": " : "", problem->detail);
    if (problem->identifier[0] != '\0') {
        (void)fprintf(stderr, " (%s)", problem->identifier);
    }
    (void)fprintf(stderr, " [HTTP %u]\n", problem->status);
}

static void log_write(void *ctx, enum acme_log_level level, const char *line)
{
    (void)ctx;
    if ((int)level <= ACME_LOG_WARNING + options->verbose) {
        (void)fprintf(stderr, "  %s\n", line);
    }
}

const struct acme_log_ops cli_log_ops = {log_write};

/* ---- progress ---- */

#if defined(NANOACME_TEST_HOOKS)
/* For the tests: the process kills itself at the n-th event, as a power cut would. */
static void test_hook(const struct acme_event *event)
{
    static long count;
    const char *at = getenv("NANOACME_KILL_AT");

    if (event->type == ACME_EVENT_ERROR || event->type == ACME_EVENT_WAIT) {
        return;
    }
    count++;
    if (getenv("NANOACME_TRACE_EVENTS") != NULL) {
        (void)fprintf(stderr, "event %ld %d %s\n", count, (int)event->type,
                      acme_state_name(event->state));
    }
    if (at != NULL && count == atol(at)) {
        (void)kill(getpid(), SIGKILL);
    }
}
#endif

static const char *slot_name(const struct cli_session *s, int16_t slot)
{
    return slot >= 0 && slot < (int16_t)s->config.certs_count ? s->config.certs[slot].names[0]
                                                              : s->config.directory_url;
}

static void json_print(cJSON *o)
{
    char *text = options->events ? cJSON_PrintUnformatted(o) : cJSON_Print(o);

    if (text != NULL) {
        (void)puts(text);
        (void)fflush(stdout);
    }
    free(text);
    cJSON_Delete(o);
}

static cJSON *add_problem(cJSON *o, const struct acme_problem *problem)
{
    cJSON *p = cJSON_AddObjectToObject(o, "problem");

    cJSON_AddNumberToObject(p, "status", problem->status);
    cJSON_AddStringToObject(p, "type", problem->type);
    cJSON_AddStringToObject(p, "detail", problem->detail);
    cJSON_AddStringToObject(p, "identifier", problem->identifier);
    return p;
}

static void print_event(const struct cli_session *s, const struct acme_event *event)
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
        cJSON_AddStringToObject(o, "error", acme_error_name(event->error));
        cJSON_AddStringToObject(o, "message", acme_error_text(event->error));
    }
    if (event->route != NULL) {
        cJSON_AddStringToObject(o, "route", event->route);
    }
    if (event->member != NULL) {
        cJSON_AddStringToObject(o, "member", event->member);
    }
    if (event->type == ACME_EVENT_WAIT || event->type == ACME_EVENT_NEXT) {
        cJSON_AddNumberToObject(o, "waitMs", event->wait_ms);
    }
    if (event->problem != NULL) {
        (void)add_problem(o, event->problem);
    }
    json_print(o);
}

/* Which request the error is about, and what of its reply. */
static void print_place(const struct acme_event *event)
{
    if (event->route != NULL) {
        (void)fprintf(stderr, "  at %s%s%s\n", event->route,
                      event->member != NULL ? ": " : "",
                      event->member != NULL ? event->member : "");
    }
}

void cli_on_event(void *ctx, const struct acme_event *event)
{
    struct cli_session *s = ctx;

#if defined(NANOACME_TEST_HOOKS)
    test_hook(event);
#endif
    if (options->events) {
        print_event(s, event);
    }
    switch (event->type) {
    case ACME_EVENT_RENEWAL_INFO:
        cli_say("%s: the CA suggests when to renew%s%s", slot_name(s, event->slot),
                event->text != NULL ? "; see " : "", event->text != NULL ? event->text : "");
        break;
    case ACME_EVENT_CA:
        cli_say("turning to %s", event->text);
        break;
    case ACME_EVENT_TOS:
        cli_say("agreed to the terms of service: %s", event->text);
        break;
    case ACME_EVENT_ACCOUNT:
        cli_say("account %s", event->text);
        break;
    case ACME_EVENT_ORDER:
        cli_say("%s: ordered", slot_name(s, event->slot));
        break;
    case ACME_EVENT_AUTHORIZED:
        cli_say("%s: proven", event->text);
        break;
    case ACME_EVENT_INSTALLED:
        s->installed[event->slot] = true;
        cli_say("%s: certificate stored", slot_name(s, event->slot));
        break;
    case ACME_EVENT_REVOKED:
        cli_say("%s: revoked", slot_name(s, event->slot));
        break;
    case ACME_EVENT_WAIT:
        cli_say("waiting up to %u.%u s (%s)", (unsigned)(event->wait_ms / 1000u),
                (unsigned)(event->wait_ms % 1000u / 100u), acme_state_name(event->state));
        break;
    case ACME_EVENT_CHALLENGE_FAILED:
        cli_say("%s: %s failed: %s (%s)%s%s; trying the next way", slot_name(s, event->slot),
                event->text, acme_error_text(event->error), acme_error_name(event->error),
                event->problem != NULL ? ": " : "",
                event->problem != NULL ? event->problem->detail : "");
        break;
    case ACME_EVENT_ERROR:
        cli_error_core(slot_name(s, event->slot), event->error, event->problem);
        print_place(event);
        break;
    default:
        break;
    }
}

/* ---- results ---- */

void cli_format_time(int64_t unix_s, char out[32])
{
    time_t t = (time_t)unix_s;
    struct tm tm;

    if (gmtime_r(&t, &tm) == NULL || strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0) {
        (void)snprintf(out, 32, "?");
    }
}

static cJSON *json_cert(const char *const *names, uint16_t count,
                        const struct acme_cert_status *status)
{
    cJSON *o = cJSON_CreateObject();
    char from[32], to[32], renew[32];

    cli_format_time(status->not_before_s, from);
    cli_format_time(status->not_after_s, to);
    cli_format_time(status->renew_after_s, renew);
    cJSON_AddItemToObject(o, "names", cJSON_CreateStringArray(names, count));
    cJSON_AddBoolToObject(o, "valid", acme_cert_can_serve(status) && status->unexpired);
    cJSON_AddBoolToObject(o, "stored", status->stored);
    cJSON_AddBoolToObject(o, "readable", status->readable);
    cJSON_AddBoolToObject(o, "unexpired", status->unexpired);
    cJSON_AddBoolToObject(o, "keyUsable", status->key_usable);
    if (status->chain_count > 0) {
        cJSON_AddStringToObject(o, "notBefore", from);
        cJSON_AddStringToObject(o, "notAfter", to);
        cJSON_AddStringToObject(o, "renewAfter", renew);
        cJSON_AddStringToObject(o, "keyType", cli_key_type_name(status->key_type));
        cJSON_AddBoolToObject(o, "keyExportable", status->key_exportable);
        cJSON_AddNumberToObject(o, "chainCertificates", status->chain_count);
        cJSON_AddNumberToObject(o, "chainBytes", status->chain_size);
    }
    if (status->error != ACME_OK) {
        cJSON_AddStringToObject(o, "error", acme_error_name(status->error));
        cJSON_AddStringToObject(o, "message", acme_error_text(status->error));
    }
    if (status->problem.type[0] != '\0') {
        (void)add_problem(o, &status->problem);
    }
    return o;
}

static cJSON *json_counters(struct cli_session *s)
{
    struct acme_counters n;
    cJSON *o = cJSON_CreateObject();

    acme_get_counters(s->client, &n);
    cJSON_AddNumberToObject(o, "requests", n.requests);
    cJSON_AddNumberToObject(o, "connections", n.connections);
    cJSON_AddNumberToObject(o, "badNonces", n.bad_nonces);
    cJSON_AddNumberToObject(o, "newOrders", n.new_orders);
    cJSON_AddNumberToObject(o, "jsonArenaPeak", n.arena_peak);
    cJSON_AddNumberToObject(o, "mbedtlsPoolPeak", n.pool_peak);
    return o;
}

static const char *state_of(const struct acme_cert_status *status)
{
    if (!status->key_usable) {
        return "without its key: run again;";
    }
    if (!status->readable) {
        return "damaged in the store: run again;";
    }
    return status->unexpired ? "good" : "expired; it was good";
}

static void text_cert(const char *name, const struct acme_cert_status *status)
{
    char to[32], renew[32];

    cli_format_time(status->not_after_s, to);
    cli_format_time(status->renew_after_s, renew);
    (void)printf("%s: %s%s until %s, renewed from %s on, %s key\n", name,
                 status->error != ACME_OK ? "failed this time; " : "", state_of(status), to, renew,
                 cli_key_type_name(status->key_type));
}

void cli_show_run(struct cli_session *s, int32_t result)
{
    cJSON *root = cJSON_CreateObject(), *list = cJSON_AddArrayToObject(root, "certificates");
    uint16_t i;

    for (i = 0; i < s->config.certs_count; i++) {
        const struct acme_cert_request *r = &s->config.certs[i];
        struct acme_cert_status status;

        (void)acme_cert_get_status(s->client, i, &status);
        cJSON_AddItemToArray(list, json_cert(r->names, r->names_count, &status));
        if (!options->json && !options->quiet && status.chain_count > 0) {
            text_cert(r->names[0], &status);
        }
    }
    cJSON_AddStringToObject(root, "result", acme_error_name(result));
    cJSON_AddItemToObject(root, "counters", json_counters(s));
    if (options->json) {
        json_print(root);
    } else {
        cJSON_Delete(root);
    }
    if (options->verbose > 0) {
        struct acme_counters n;

        acme_get_counters(s->client, &n);
        cli_say("%u requests on %u connections, %u bad nonces; peaks: mbedTLS pool %u bytes, JSON "
                "arena %u bytes",
                n.requests, n.connections, n.bad_nonces, n.pool_peak, n.arena_peak);
    }
}

int cli_show_list(struct cli_session *s)
{
    static char names[CONFIG_ACME_NAMES_MAX * 254 + 1];
    cJSON *list = cJSON_CreateArray();
    struct acme_cert_status status;
    uint32_t cursor = 0;
    uint16_t found = 0;

    while (acme_cert_list(s->client, &cursor, names, sizeof(names), &status) == ACME_OK) {
        const char *each[CONFIG_ACME_NAMES_MAX];
        uint16_t count;

        found++;
        if (!options->json) {
            text_cert(names, &status);
        }
        count = cli_split_names(names, each, CONFIG_ACME_NAMES_MAX);
        cJSON_AddItemToArray(list, json_cert(each, count, &status));
    }
    if (options->json) {
        json_print(list);
    } else {
        cJSON_Delete(list);
        if (found == 0) {
            cli_say("the store has no certificates; get one with: nanoacme run --domain NAME");
        }
    }
    return CLI_OK;
}

int cli_show_account(struct cli_session *s)
{
    struct acme_account_status a;
    int32_t rc = acme_account_get_status(s->client, &a);

    if (rc != ACME_OK) {
        cli_error_core("account", rc, NULL);
        return cli_exit_code(rc);
    }
    if (options->json) {
        cJSON *o = cJSON_CreateObject();

        cJSON_AddBoolToObject(o, "exists", a.exists);
        cJSON_AddStringToObject(o, "server", s->config.directory_url);
        cJSON_AddStringToObject(o, "url", a.url);
        cJSON_AddStringToObject(o, "termsOfService", a.tos_url);
        cJSON_AddStringToObject(o, "thumbprint", a.thumbprint);
        cJSON_AddStringToObject(o, "keyType", cli_key_type_name(a.key_type));
        json_print(o);
    } else if (a.exists) {
        (void)printf("account     %s\nterms       %s\nkey         %s\nthumbprint  %s\n", a.url,
                     a.tos_url[0] != '\0' ? a.tos_url : "none", cli_key_type_name(a.key_type),
                     a.thumbprint);
    } else {
        cli_say("no account at %s yet; make one with: nanoacme account create --accept-tos",
                s->config.directory_url);
    }
    return a.exists ? CLI_OK : CLI_CONFIG;
}

int cli_show_store(struct cli_session *s)
{
    struct acme_counters n;

    acme_get_counters(s->client, &n);
    if (options->json) {
        cJSON *o = cJSON_CreateObject();

        cJSON_AddNumberToObject(o, "usedBytes", n.store_used);
        cJSON_AddNumberToObject(o, "capacityBytes", n.store_capacity);
        json_print(o);
    } else {
        (void)printf("%s: %u of %u bytes used\n", options->store, n.store_used, n.store_capacity);
    }
    return CLI_OK;
}

/* A TXT record as a zone file has it: character strings of at most 255 characters. */
static void print_record(const char *name, const char *value)
{
    size_t len = strlen(value), at;

    (void)printf("%s. IN TXT", name);
    for (at = 0; at < len; at += 255) {
        (void)printf(" \"%.255s\"", value + at);
    }
    (void)putchar('\n');
}

int cli_show_dns_record(struct cli_session *s)
{
    struct acme_dns_persist what = {
        .name = options->domains[0], .wildcard = options->wildcard, .issuer = options->issuer};
    char name[256], value[CONFIG_ACME_URL_MAX + 512], account_name[256];
    int32_t rc;

    if (options->days > 0) {
        what.until_s = (int64_t)time(NULL) + options->days * INT64_C(86400);
    }
    rc = acme_dns_persist_record(s->client, &what, name, sizeof(name), value, sizeof(value));
    if (rc == ACME_OK) {
        rc = acme_dns_account_name(s->client, what.name, account_name, sizeof(account_name));
    }
    if (rc == ACME_ERR_FIELD) {
        cli_error("the CA does not say its name; give it with --issuer (see its documentation)");
        return CLI_REFUSED;
    }
    if (rc != ACME_OK) {
        cli_error_core("dns-record", rc, NULL);
        return cli_exit_code(rc);
    }
    if (options->json) {
        cJSON *o = cJSON_CreateObject();

        cJSON_AddStringToObject(o, "name", name);
        cJSON_AddStringToObject(o, "value", value);
        cJSON_AddStringToObject(o, "accountName", account_name);
        json_print(o);
        return CLI_OK;
    }
    cli_say("for --challenge dns-persist-01, set this once:");
    print_record(name, value);
    cli_say("for --challenge dns-account-01, delegate this name (by CNAME), if you want:");
    (void)puts(account_name);
    return CLI_OK;
}

int cli_show_next(struct cli_session *s)
{
    cJSON *root = cJSON_CreateObject(), *list = cJSON_AddArrayToObject(root, "certificates");
    uint16_t i;

    cJSON_AddNumberToObject(root, "nextWakeupSeconds", acme_next_wakeup_s(s->client));
    for (i = 0; i < s->config.certs_count; i++) {
        const struct acme_cert_request *r = &s->config.certs[i];
        struct acme_cert_status status;
        char next[32], look[32], retry[32];
        cJSON *o;

        (void)acme_cert_get_status(s->client, i, &status);
        cli_format_time(status.next_s, next);
        cli_format_time(status.look_at_s, look);
        cli_format_time(status.retry_at_s, retry);
        o = json_cert(r->names, r->names_count, &status);
        cJSON_AddStringToObject(o, "next", next);
        cJSON_AddBoolToObject(o, "suggestedByCa", status.suggested);
        cJSON_AddNumberToObject(o, "failures", status.failures);
        if (status.look_at_s != 0) {
            cJSON_AddStringToObject(o, "lookAt", look);
        }
        if (status.retry_at_s != 0) {
            cJSON_AddStringToObject(o, "retryAt", retry);
        }
        cJSON_AddItemToArray(list, o);
        if (!options->json) {
            text_cert(r->names[0], &status);
            (void)printf("  next work: %s%s%s\n", next,
                         status.suggested ? "; the CA has suggested when to renew" : "",
                         status.failures > 0 ? "; the last tries failed" : "");
        }
    }
    if (options->json) {
        json_print(root);
    } else {
        cJSON_Delete(root);
    }
    return CLI_OK;
}
