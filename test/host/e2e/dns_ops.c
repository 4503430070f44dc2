/*
 * A firmware with a DNS provider of its own, which does as a test says: it is late, it never comes
 * to an end, it fails. Its clock leaps while it is late, so that time-outs come soon. Prints each
 * call and each event. Run by test_dns_ops.py.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "acme/client.h"
#include "acme_posix.h"
#include "pem_anchor.h"

#define LATE   3   /* calls that say "later" before one that does not */
#define LEAP_S 50u /* of the clock, for each call of a function that never ends */
#define NAMES  4

static const char *scenario;
static uint64_t leapt_ms;
static int late;

static uint64_t uptime_ms(void *ctx)
{
    return acme_posix_clock_ops.uptime_ms(ctx) + leapt_ms;
}

static int32_t wall_s(void *ctx, int64_t *unix_s)
{
    return acme_posix_clock_ops.wall_s(ctx, unix_s);
}

static const struct acme_clock_ops clock_ops = {uptime_ms, wall_s};

/* The scenario is words like "never-present": what a function does, for the first type only. */
static bool is_asked(const char *how, const char *what, const char *name)
{
    char word[32];

    (void)snprintf(word, sizeof(word), "%s-%s", how, what);
    return strstr(scenario, word) != NULL && strncmp(name, "_acme-challenge.", 16) == 0;
}

static int32_t act(const char *what, const struct acme_dns_record *record, uint32_t *wait_ms)
{
    *wait_ms = 5;
    if (is_asked("never", what, record->name)) {
        leapt_ms += LEAP_S * 1000u;
        return ACME_ERR_AGAIN;
    }
    if (late++ < LATE) {
        return ACME_ERR_AGAIN;
    }
    late = 0;
    (void)printf("%s %s %s\n", what, record->name, record->value);
    if (is_asked("fail", what, record->name)) {
        return ACME_ERR_DNS;
    }
    return is_asked("odd", what, record->name) ? 5 : ACME_OK;
}

static int32_t present(void *ctx, const struct acme_dns_record *record, uint32_t *wait_ms)
{
    (void)ctx;
    return act("present", record, wait_ms);
}

static int32_t ready(void *ctx, const struct acme_dns_record *record, uint32_t *wait_ms)
{
    (void)ctx;
    return act("ready", record, wait_ms);
}

static int32_t cleanup(void *ctx, const struct acme_dns_record *record, uint32_t *wait_ms)
{
    (void)ctx;
    return act("cleanup", record, wait_ms);
}

static void stop(void *ctx)
{
    (void)ctx;
    late = 0;
    (void)printf("stop\n");
}

static const struct acme_dns_ops whole = {
    .present = present, .ready = ready, .cleanup = cleanup, .stop = stop};
static const struct acme_dns_ops least = {.present = present};
static const struct acme_dns_ops nothing = {.present = NULL};

static void on_event(void *ctx, const struct acme_event *event)
{
    (void)ctx;
    if (event->type == ACME_EVENT_AUTHORIZED) {
        (void)printf("authorized %s\n", event->text);
    } else if (event->type == ACME_EVENT_CHALLENGE_FAILED) {
        (void)printf("failed %s %s\n", event->text, acme_error_name(event->error));
    } else if (event->type == ACME_EVENT_ERROR) {
        (void)printf("error %s\n", acme_error_name(event->error));
    }
}

static int32_t drive(acme_client *client, struct acme_posix_net *net)
{
    struct acme_poll_result result;

    while (acme_poll(client, &result) != ACME_WANT_IDLE) {
        if (result.want == ACME_WANT_EVENT) {
            acme_posix_net_wait(net, result.wait_ms);
        }
    }
    return result.error;
}

/* usage: dns_ops DIRECTORY CA_FILE STORE SCENARIO NAME... */
int main(int argc, char **argv)
{
    static _Alignas(8) uint8_t memory[ACME_MEMORY_SIZE];
    static struct acme_posix_net net;
    static struct acme_posix_flash flash;
    static unsigned char der[4096];
    const struct acme_flash_geometry geometry = {4096, 32, 8};
    const struct acme_port port = {.net = &acme_posix_net_ops,
                                   .net_ctx = &net,
                                   .clock = &clock_ops,
                                   .entropy = &acme_posix_entropy_ops,
                                   .flash = &acme_posix_flash_ops,
                                   .flash_ctx = &flash};
    struct acme_trust_anchor anchor = {der, 0};
    const char *names[NAMES];
    struct acme_cert_request request = {
        .names = names, .challenges = {ACME_CHALLENGE_DNS_01, ACME_CHALLENGE_DNS_ACCOUNT_01}};
    struct acme_config config = {0};
    acme_client *client;
    int32_t rc;

    if (argc < 6 || argc > 5 + NAMES) {
        return 2;
    }
    scenario = argv[4];
    anchor.len = pem_anchor_read(argv[2], der, sizeof(der));
    for (int i = 5; i < argc; i++) {
        names[request.names_count++] = argv[i];
    }
    config.port = &port;
    config.directory_url = argv[1];
    config.anchors = &anchor;
    config.anchors_count = 1;
    config.certs = &request;
    config.certs_count = 1;
    config.tos_agreed = true;
    config.on_event = on_event;
    config.dns = strstr(scenario, "nothing") != NULL ? &nothing
                 : strstr(scenario, "least") != NULL ? &least
                                                     : &whole;
    if (acme_posix_net_init(&net) != ACME_OK ||
        acme_posix_flash_open(&flash, argv[3], &geometry) != ACME_OK ||
        acme_init(&client, &config, memory, sizeof(memory)) != ACME_OK) {
        return 3;
    }
    rc = acme_start(client);
    rc = rc == ACME_OK ? drive(client, &net) : rc;
    acme_deinit(client);
    acme_posix_flash_close(&flash);
    (void)printf("result %s\n", acme_error_name(rc));
    return rc == ACME_OK ? 0 : 1;
}
