/*
 * A device on lwIP: time from SNTP, a certificate for one name from a CA, proven by http-01 that
 * the device answers itself, then HTTPS with it until SIGTERM. The flash is a file. The same for
 * both lwIP ports; the HTTPS server is the boards'. Run by test_lwip.py.
 *
 * usage: device_PORT DIRECTORY CA_FILE STORE HTTP_PORT NAME
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "acme/client.h"
#include "acme_posix.h"
#include "bench.h"
#include "board.h"
#include "https.h"
#include "pem_anchor.h"

#define LIMIT_MS 60000u /* for the whole of it */

static _Alignas(8) uint8_t memory[ACME_MEMORY_SIZE];
static struct acme_port port;
static struct acme_posix_flash flash;
static const char *name;
static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
    stopped = number;
}

/* ---- what the boards' HTTPS server wants of a board ---- */

void board_write(const char *text)
{
    (void)fputs(text, stdout);
}

_Noreturn void board_panic(const char *why)
{
    (void)fprintf(stderr, "%s\n", why);
    exit(3);
}

static bool page(const char *path, struct text *body)
{
    (void)path;
    text_add(body, "this is ");
    text_add(body, name);
    return true;
}

/* ---- */

static uint64_t now_ms(void)
{
    return port.clock->uptime_ms(port.clock_ctx);
}

static bool is_late(void)
{
    static uint64_t end_ms;

    if (end_ms == 0) {
        end_ms = now_ms() + LIMIT_MS;
    }
    return now_ms() > end_ms;
}

static void log_line(void *ctx, enum acme_log_level level, const char *line)
{
    (void)ctx;
    if (level <= ACME_LOG_INFO) {
        (void)printf("%s\n", line);
    }
}

static const struct acme_log_ops log_ops = {log_line};

/* Starts as soon as SNTP has told the time. */
static int32_t start(acme_client *client)
{
    int64_t wall_s = 0;
    int32_t rc;

    while ((rc = acme_start(client)) == ACME_ERR_NO_CLOCK && !is_late()) {
        bench_wait(50);
    }
    (void)port.clock->wall_s(port.clock_ctx, &wall_s);
    (void)printf("time %lld\n", (long long)wall_s);
    return rc;
}

static int32_t obtain(acme_client *client)
{
    struct acme_poll_result result;
    int32_t rc = start(client);

    if (rc != ACME_OK) {
        return rc;
    }
    while (acme_poll(client, &result) != ACME_WANT_IDLE) {
        if (is_late()) {
            return ACME_ERR_TIMEOUT;
        }
        if (result.want == ACME_WANT_EVENT) {
            bench_wait(result.wait_ms);
        }
    }
    return result.error;
}

static void serve(acme_client *client)
{
    https_init(client, &port, page);
    (void)printf("serving\n");
    (void)fflush(stdout);
    while (stopped == 0) {
        if (!https_poll(true)) {
            bench_wait(200);
        }
    }
}

static void configure(struct acme_config *config, char **argv)
{
    static unsigned char der[4096];
    static struct acme_trust_anchor anchor = {der, 0};
    static struct acme_cert_request request;

    anchor.len = pem_anchor_read(argv[2], der, sizeof(der));
    name = argv[5];
    request.names = &name;
    request.names_count = 1;
    config->port = &port;
    config->directory_url = argv[1];
    config->anchors = &anchor;
    config->anchors_count = 1;
    config->certs = &request;
    config->certs_count = 1;
    config->tos_agreed = true;
    config->http_port = (uint16_t)atoi(argv[4]);
    config->clock_required = true;
}

int main(int argc, char **argv)
{
    const struct acme_flash_geometry geometry = {4096, 32, 8};
    struct acme_config config = {0};
    struct acme_counters n;
    acme_client *client;
    int32_t rc;

    if (argc != 6 || acme_posix_flash_open(&flash, argv[3], &geometry) != ACME_OK) {
        return 2;
    }
    (void)signal(SIGTERM, on_signal);
    port.entropy = &acme_posix_entropy_ops;
    port.flash = &acme_posix_flash_ops;
    port.flash_ctx = &flash;
    port.log = &log_ops;
    configure(&config, argv);
    bench_start(&port);
    rc = acme_init(&client, &config, memory, sizeof(memory));
    if (rc == ACME_OK) {
        rc = obtain(client);
        acme_get_counters(client, &n);
        (void)printf("result %s, %u orders, %u connections\n", acme_error_name(rc),
                     (unsigned)n.new_orders, (unsigned)n.connections);
        if (rc == ACME_OK) {
            serve(client);
        }
        acme_deinit(client);
    }
    acme_posix_flash_close(&flash);
    return rc == ACME_OK ? 0 : 1;
}
