/*
 * The command `doctor`: runs the core's doctor over the options of a run, and shows what it finds.
 * It must not know how the doctor finds out.
 */
#include "doctor.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <string.h>
#include <stdio.h>

#include "acme/doctor.h"
#include "clean.h"
#include "dns.h"
#include "exit.h"
#include "json.h"
#include "say.h"
#include "words.h"

#define OWN_MAX 16

static _Alignas(8) uint8_t memory[ACME_DOCTOR_SIZE];
static struct acme_address own[OWN_MAX];
static uint16_t own_count;
static cJSON *list;
static bool json;
static int errors, warnings;

/* ---- this machine's addresses ---- */

static bool take_address(const char *text)
{
    struct acme_address *a = &own[own_count];

    if (own_count == OWN_MAX) {
        return false;
    }
    memset(a, 0, sizeof(*a));
    if (inet_pton(AF_INET, text, a->bytes) == 1) {
        a->family = 4;
    } else if (inet_pton(AF_INET6, text, a->bytes) == 1) {
        a->family = 6;
    } else {
        return false;
    }
    own_count++;
    return true;
}

/* What the rest of the world does not know a machine by: "this network", private (RFC 1918, 6598),
 * local to a link or the machine. */
static const struct {
    uint8_t first, second, mask;
} not_public_v4[] = {
    {0, 0, 0},        {10, 0, 0},       {127, 0, 0},     {172, 16, 0xf0},
    {192, 168, 0xff}, {169, 254, 0xff}, {100, 64, 0xc0},
};

static bool is_public_v4(const uint8_t *b)
{
    size_t i;

    for (i = 0; i < sizeof(not_public_v4) / sizeof(not_public_v4[0]); i++) {
        if (b[0] == not_public_v4[i].first &&
            (b[1] & not_public_v4[i].mask) == not_public_v4[i].second) {
            return false;
        }
    }
    return true;
}

static void take_interface(const struct ifaddrs *at)
{
    struct acme_address *a = &own[own_count];

    if (at->ifa_addr == NULL || own_count == OWN_MAX) {
        return;
    }
    memset(a, 0, sizeof(*a));
    if (at->ifa_addr->sa_family == AF_INET) {
        a->family = 4;
        memcpy(a->bytes, &((const struct sockaddr_in *)(const void *)at->ifa_addr)->sin_addr, 4);
        own_count = (uint16_t)(own_count + (is_public_v4(a->bytes) ? 1 : 0));
    } else if (at->ifa_addr->sa_family == AF_INET6) {
        a->family = 6;
        memcpy(a->bytes, &((const struct sockaddr_in6 *)(const void *)at->ifa_addr)->sin6_addr, 16);
        own_count = (uint16_t)(own_count + ((a->bytes[0] & 0xe0) == 0x20 ? 1 : 0));
    }
}

static void find_own(void)
{
    struct ifaddrs *first, *at;

    if (getifaddrs(&first) != 0) {
        return;
    }
    for (at = first; at != NULL; at = at->ifa_next) {
        take_interface(at);
    }
    freeifaddrs(first);
}

/* ---- findings ---- */

static bool has_end(const struct acme_finding *f)
{
    return (f->code == ACME_FINDING_RATE_LIMITED || f->code == ACME_FINDING_PAUSED) &&
           f->value != 0;
}

static void show_json(const struct acme_finding *f)
{
    cJSON *o = cJSON_CreateObject();
    char text[32];

    cJSON_AddStringToObject(o, "code", acme_finding_name(f->code));
    cJSON_AddStringToObject(o, "severity", f->severity == ACME_FINDING_ERROR ? "error" : "warning");
    cJSON_AddStringToObject(o, "subject", f->subject);
    cJSON_AddStringToObject(o, "detail", f->detail);
    cJSON_AddStringToObject(o, "text", acme_finding_text(f->code));
    if (f->error != ACME_OK) {
        cJSON_AddStringToObject(o, "error", acme_error_name(f->error));
    }
    if (f->port != 0) {
        cJSON_AddNumberToObject(o, "port", f->port);
    }
    if (f->code == ACME_FINDING_CLOCK_WRONG) {
        cJSON_AddNumberToObject(o, "aheadSeconds", (double)f->value);
    }
    if (has_end(f)) {
        cli_format_time(f->value, text);
        cJSON_AddStringToObject(o, "until", text);
    }
    cJSON_AddItemToArray(list, o);
}

/* "word text" or nothing: of text that others wrote, too. */
static void show_word(const char *before, const char *text, const char *after)
{
    if (text[0] != '\0') {
        (void)fputs(before, stdout);
        cli_clean_write(stdout, text);
        (void)fputs(after, stdout);
    }
}

static void show_line(const struct acme_finding *f)
{
    char text[32];

    printf("%s: %s", f->severity == ACME_FINDING_ERROR ? "error" : "warning",
           acme_finding_name(f->code));
    show_word(" ", f->subject, "");
    show_word(" (", f->detail, ")");
    if (f->port != 0) {
        printf(" port %u", f->port);
    }
    if (f->code == ACME_FINDING_CLOCK_WRONG) {
        printf(" %+lld s", (long long)f->value);
    }
    if (has_end(f)) {
        cli_format_time(f->value, text);
        printf(" until %s", text);
    }
    printf("\n  %s\n", acme_finding_text(f->code));
    if (f->error != ACME_OK) {
        printf("  [%s]\n", acme_error_name(f->error));
    }
}

static void on_finding(void *ctx, const struct acme_finding *f)
{
    (void)ctx;
    errors += f->severity == ACME_FINDING_ERROR ? 1 : 0;
    warnings += f->severity == ACME_FINDING_WARNING ? 1 : 0;
    if (json) {
        show_json(f);
    } else {
        show_line(f);
    }
}

/* ---- the command ---- */

static bool uses(const struct acme_config *config, uint8_t challenge)
{
    size_t i;

    for (i = 0; i < ACME_CHALLENGE_TYPES; i++) {
        if (config->challenges[i] == challenge) {
            return true;
        }
    }
    return false;
}

static void finish(void)
{
    if (!json) {
        printf("%d in the way, %d to look at\n", errors, warnings);
        return;
    }
    cli_json_print(list, false);
    list = NULL;
}

static bool find_addresses(const struct cli_options *o)
{
    if (o->doctor.own_address == NULL) {
        find_own();
        return true;
    }
    if (!take_address(o->doctor.own_address)) {
        cli_error("--own-address: '%s' is no address", o->doctor.own_address);
        return false;
    }
    return true;
}

/* Where the challenges that are to be tried are answered. */
static void set_ports(const struct cli_session *s, struct acme_doctor_config *config)
{
    const struct cli_options *o = s->options;

    if (uses(&s->config, ACME_CHALLENGE_HTTP_01)) {
        config->http_port = o->http_port != 0 ? o->http_port : CONFIG_ACME_HTTP_PORT;
    }
    if (uses(&s->config, ACME_CHALLENGE_TLS_ALPN_01)) {
        config->tls_port = o->tls_port != 0 ? o->tls_port : CONFIG_ACME_TLS_PORT;
    }
}

int cli_doctor(struct cli_session *s)
{
    const struct cli_options *o = s->options;
    struct acme_doctor_config config = {.on_finding = on_finding,
                                        .resolver = cli_dns_resolver(o),
                                        .own = own,
                                        .http_public = o->doctor.http_public,
                                        .tls_public = o->doctor.tls_public,
                                        .probe_port = o->doctor.portal_port};
    int32_t rc;

    if (!find_addresses(o)) {
        return CLI_USAGE;
    }
    config.own_count = own_count;
    set_ports(s, &config);
    json = o->json;
    if (json) {
        list = cJSON_CreateArray();
    }
    rc = acme_doctor_start(s->client, &config, memory, sizeof(memory));
    if (rc == ACME_OK) {
        rc = cli_session_drive(s);
    } else {
        cli_error_core("doctor", rc, NULL);
    }
    finish();
    if (rc != ACME_OK) {
        return cli_exit_code(rc);
    }
    return errors > 0 ? CLI_SOME_FAILED : CLI_OK;
}
