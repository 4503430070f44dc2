/*
 * A main to begin with: the self-test while the port is being written (ACME_TEMPLATE_SELFTEST),
 * else the client in a loop, which no failure ends. It must not know the board.
 */
#include "acme/client.h"
#include "acme_template.h"

#if defined(ACME_TEMPLATE_SELFTEST)
#include "acme_selftest.h"
#endif

static const struct acme_port port = {
    .net = &acme_template_net_ops,
    .clock = &acme_template_clock_ops,
    .entropy = &acme_template_entropy_ops,
    .flash = &acme_template_flash_ops,
    .log = &acme_template_log_ops,
};

#if defined(ACME_TEMPLATE_SELFTEST)

/* Write: the line to where a person reads it. */
static void report(void *ctx, const char *line)
{
    port.log->write(ctx, ACME_LOG_INFO, line);
}

static void idle(void *ctx)
{
    (void)ctx;
    acme_template_wait(0);
}

int main(void)
{
    /* Write: your bench's addresses; set destroy_flash when the area may be erased. */
    const struct acme_selftest_options options = {.peer_host = "192.0.2.1",
                                                  .echo_port = 7,
                                                  .http_port = 80,
                                                  .refused_port = 1,
                                                  .missing_name = "no-such-host.invalid",
                                                  .listen_port = 80,
                                                  .idle = idle};

    return (int)acme_selftest_run(&port, &options, report, NULL);
}

#else

static _Alignas(8) uint8_t memory[ACME_MEMORY_SIZE];

/* Write: the root certificate of your CA, in DER. */
static const uint8_t ca_root[] = {0x30, 0x00};

static void on_event(void *ctx, const struct acme_event *event)
{
    (void)ctx;
    if (event->type == ACME_EVENT_ERROR) {
        port.log->write(NULL, ACME_LOG_ERROR, acme_error_text(event->error));
    }
}

/* Seconds since 1970, by the build system: a device without a clock is not fooled by what expired
 * before. */
#ifndef ACME_TEMPLATE_BUILD_TIME_S
#error "define ACME_TEMPLATE_BUILD_TIME_S, as CMakeLists.txt does"
#endif

/* One job, of what is due, with the CA's pauses kept: returns how it ended. */
static int32_t run(acme_client *client)
{
    struct acme_poll_result result = {.error = acme_start_due(client)};

    if (result.error != ACME_OK) {
        return result.error;
    }
    while (acme_poll(client, &result) != ACME_WANT_IDLE) {
        acme_template_wait(result.want == ACME_WANT_EVENT ? result.wait_ms : 0);
    }
    return result.error;
}

/* Between two jobs. An hour is enough: a look at what is due costs nothing. */
static void wait_s(uint32_t s)
{
    uint64_t end_ms = port.clock->uptime_ms(NULL) + (s < 3600u ? s : 3600u) * UINT64_C(1000);

    while (port.clock->uptime_ms(NULL) < end_ms) {
        acme_template_wait(1000); /* Write: the device's own work. */
    }
}

int main(void)
{
    static const char *const names[] = {"device.example.org"};
    static const struct acme_cert_request request = {.names = names, .names_count = 1};
    static const struct acme_trust_anchor anchor = {ca_root, sizeof(ca_root)};
    const struct acme_config config = {.port = &port,
                                       .directory_url = "https://ca.example.org/directory",
                                       .anchors = &anchor,
                                       .anchors_count = 1,
                                       .certs = &request,
                                       .certs_count = 1,
                                       .tos_agreed = true,
                                       .build_time_s = ACME_TEMPLATE_BUILD_TIME_S,
                                       .on_event = on_event};
    acme_client *client;

    if (acme_init(&client, &config, memory, sizeof(memory)) != ACME_OK) {
        return 1; /* Write: say why acme_init has refused; a reset would not help. */
    }
    for (;;) {
        wait_s(acme_next_start_s(client, run(client)));
    }
}

#endif
