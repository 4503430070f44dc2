/*
 * The results of commands, on standard output as text or JSON. It must not change anything.
 */
#include "show.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "clean.h"
#include "exit.h"
#include "json.h"
#include "say.h"
#include "words.h"

/* JSON that was gathered beside the text: printed where it was asked for. */
static void finish_json(const struct cli_session *s, cJSON *root)
{
    if (s->options->json) {
        cli_json_print(root, s->options->events);
    } else {
        cJSON_Delete(root);
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
        cli_json_error(o, status->error);
    }
    if (status->problem.type[0] != '\0') {
        cli_json_problem(o, &status->problem);
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
    cli_clean_line(stdout, "%s: %s%s until %s, renewed from %s on, %s key", name,
                   status->error != ACME_OK ? "failed this time; " : "", state_of(status), to,
                   renew, cli_key_type_name(status->key_type));
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
        if (!s->options->json && !s->options->quiet && status.chain_count > 0) {
            text_cert(r->names[0], &status);
        }
    }
    cJSON_AddStringToObject(root, "result", acme_error_name(result));
    cJSON_AddItemToObject(root, "counters", json_counters(s));
    finish_json(s, root);
    if (s->options->verbose > 0) {
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
        if (!s->options->json) {
            text_cert(names[0] != '\0' ? names : "(names damaged)", &status);
        }
        count = cli_split_names(names, each, CONFIG_ACME_NAMES_MAX);
        cJSON_AddItemToArray(list, json_cert(each, count, &status));
    }
    if (s->options->json) {
        cli_json_print(list, s->options->events);
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
    if (s->options->json) {
        cJSON *o = cJSON_CreateObject();

        cJSON_AddBoolToObject(o, "exists", a.exists);
        cJSON_AddStringToObject(o, "server", s->config.directory_url);
        cJSON_AddStringToObject(o, "url", a.url);
        cJSON_AddStringToObject(o, "termsOfService", a.tos_url);
        cJSON_AddStringToObject(o, "thumbprint", a.thumbprint);
        cJSON_AddStringToObject(o, "keyType", cli_key_type_name(a.key_type));
        cli_json_print(o, s->options->events);
    } else if (a.exists) {
        cli_clean_line(stdout, "account     %s", a.url);
        cli_clean_line(stdout, "terms       %s", a.tos_url[0] != '\0' ? a.tos_url : "none");
        cli_clean_line(stdout, "key         %s", cli_key_type_name(a.key_type));
        cli_clean_line(stdout, "thumbprint  %s", a.thumbprint);
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
    if (s->options->json) {
        cJSON *o = cJSON_CreateObject();

        cJSON_AddNumberToObject(o, "usedBytes", n.store_used);
        cJSON_AddNumberToObject(o, "capacityBytes", n.store_capacity);
        cli_json_print(o, s->options->events);
    } else {
        cli_clean_line(stdout, "%s: %u of %u bytes used", s->options->store, n.store_used,
                       n.store_capacity);
    }
    return CLI_OK;
}

/* A TXT record as a zone file has it: character strings of at most 255 characters. */
static void print_record(const char *name, const char *value)
{
    size_t len = strlen(value), at;

    cli_clean_write(stdout, name);
    (void)fputs(". IN TXT", stdout);
    for (at = 0; at < len; at += 255) {
        char part[256];

        (void)snprintf(part, sizeof(part), "%.255s", value + at);
        (void)fputs(" \"", stdout);
        cli_clean_write(stdout, part);
        (void)putchar('"');
    }
    (void)putchar('\n');
}

struct dns_names {
    char name[256], value[CONFIG_ACME_URL_MAX + 512], account_name[256];
};

static void show_dns_names(const struct cli_session *s, const struct dns_names *d)
{
    if (s->options->json) {
        cJSON *o = cJSON_CreateObject();

        cJSON_AddStringToObject(o, "name", d->name);
        cJSON_AddStringToObject(o, "value", d->value);
        cJSON_AddStringToObject(o, "accountName", d->account_name);
        cli_json_print(o, s->options->events);
        return;
    }
    cli_say("for --challenge dns-persist-01, set this once:");
    print_record(d->name, d->value);
    cli_say("for --challenge dns-account-01, delegate this name (by CNAME), if you want:");
    cli_clean_line(stdout, "%s", d->account_name);
}

int cli_show_dns_record(struct cli_session *s)
{
    struct acme_dns_persist what = {.name = s->options->domains[0],
                                    .wildcard = s->options->wildcard,
                                    .issuer = s->options->issuer};
    struct dns_names d;
    int32_t rc;

    if (s->options->days > 0) {
        what.until_s = (int64_t)time(NULL) + s->options->days * INT64_C(86400);
    }
    rc =
        acme_dns_persist_record(s->client, &what, d.name, sizeof(d.name), d.value, sizeof(d.value));
    if (rc == ACME_OK) {
        rc = acme_dns_account_name(s->client, what.name, d.account_name, sizeof(d.account_name));
    }
    if (rc == ACME_ERR_FIELD) {
        cli_error("the CA does not say its name; give it with --issuer (see its documentation)");
        return CLI_REFUSED;
    }
    if (rc != ACME_OK) {
        cli_error_core("dns-record", rc, NULL);
        return cli_exit_code(rc);
    }
    show_dns_names(s, &d);
    return CLI_OK;
}

/* When there is something to do for one certificate, as JSON. */
static cJSON *json_next(const struct acme_cert_request *r, const struct acme_cert_status *status)
{
    cJSON *o = json_cert(r->names, r->names_count, status);
    char text[32];

    cli_format_time(status->next_s, text);
    cJSON_AddStringToObject(o, "next", text);
    cJSON_AddBoolToObject(o, "suggestedByCa", status->suggested);
    cJSON_AddNumberToObject(o, "failures", status->failures);
    if (status->look_at_s != 0) {
        cli_format_time(status->look_at_s, text);
        cJSON_AddStringToObject(o, "lookAt", text);
    }
    if (status->retry_at_s != 0) {
        cli_format_time(status->retry_at_s, text);
        cJSON_AddStringToObject(o, "retryAt", text);
    }
    return o;
}

static void text_next(const char *name, const struct acme_cert_status *status)
{
    char next[32];

    cli_format_time(status->next_s, next);
    text_cert(name, status);
    (void)printf("  next work: %s%s%s\n", next,
                 status->suggested ? "; the CA has suggested when to renew" : "",
                 status->failures > 0 ? "; the last tries failed" : "");
}

int cli_show_next(struct cli_session *s)
{
    cJSON *root = cJSON_CreateObject(), *list = cJSON_AddArrayToObject(root, "certificates");
    uint16_t i;

    cJSON_AddNumberToObject(root, "nextWakeupSeconds", acme_next_wakeup_s(s->client));
    for (i = 0; i < s->config.certs_count; i++) {
        const struct acme_cert_request *r = &s->config.certs[i];
        struct acme_cert_status status;

        (void)acme_cert_get_status(s->client, i, &status);
        cJSON_AddItemToArray(list, json_next(r, &status));
        if (!s->options->json) {
            text_next(r->names[0], &status);
        }
    }
    finish_json(s, root);
    return CLI_OK;
}
