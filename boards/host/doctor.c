/*
 * The command `doctor`: runs the core's doctor over the options of a run, and shows what it finds.
 * It must not know how the doctor finds out.
 */
#include "doctor.h"

#include <arpa/inet.h>
#include <cJSON.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <string.h>
#include <time.h>

#include "acme/doctor.h"
#include "dns.h"

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

/* Whether the rest of the world could know the machine by it: not private (RFC 1918, 6598, 4193),
 * not local to a link or the machine. */
static bool is_public_v4(const uint8_t *b)
{
    return b[0] != 0 && b[0] != 10 && b[0] != 127 && !(b[0] == 172 && (b[1] & 0xf0) == 16) &&
           !(b[0] == 192 && b[1] == 168) && !(b[0] == 169 && b[1] == 254) &&
           !(b[0] == 100 && (b[1] & 0xc0) == 64);
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

static void format_time(int64_t unix_s, char text[32])
{
    time_t t = (time_t)unix_s;
    struct tm tm;

    (void)gmtime_r(&t, &tm);
    (void)strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

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
        format_time(f->value, text);
        cJSON_AddStringToObject(o, "until", text);
    }
    cJSON_AddItemToArray(list, o);
}

static void show_line(const struct acme_finding *f)
{
    char text[32];

    printf("%s: %s", f->severity == ACME_FINDING_ERROR ? "error" : "warning",
           acme_finding_name(f->code));
    if (f->subject[0] != '\0') {
        printf(" %s", f->subject);
    }
    if (f->detail[0] != '\0') {
        printf(" (%s)", f->detail);
    }
    if (f->port != 0) {
        printf(" port %u", f->port);
    }
    if (f->code == ACME_FINDING_CLOCK_WRONG) {
        printf(" %+lld s", (long long)f->value);
    }
    if (has_end(f)) {
        format_time(f->value, text);
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
    char *text;

    if (!json) {
        printf("%d in the way, %d to look at\n", errors, warnings);
        return;
    }
    text = cJSON_Print(list);
    if (text != NULL) {
        puts(text);
    }
    cJSON_free(text);
    cJSON_Delete(list);
    list = NULL;
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

    json = o->json;
    if (o->doctor.own_address == NULL) {
        find_own();
    } else if (!take_address(o->doctor.own_address)) {
        cli_error("--own-address: '%s' is no address", o->doctor.own_address);
        return CLI_USAGE;
    }
    config.own_count = own_count;
    if (uses(&s->config, ACME_CHALLENGE_HTTP_01)) {
        config.http_port = o->http_port != 0 ? o->http_port : CONFIG_ACME_HTTP_PORT;
    }
    if (uses(&s->config, ACME_CHALLENGE_TLS_ALPN_01)) {
        config.tls_port = o->tls_port != 0 ? o->tls_port : CONFIG_ACME_TLS_PORT;
    }
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
