/*
 * A second image: the self-test of the board's drivers and of the network port over them. It waits
 * for what to test on the serial line, one setting a line, and does nothing to the flash before it
 * is told "destroy". It must not know the client.
 */
#include <string.h>

#include <lwip/def.h>
#include <lwip/inet_chksum.h>

#include "acme_lwip_raw.h"
#include "acme_selftest.h"
#include "board.h"
#include "ethif.h"

#define LINE_SIZE 96

static struct acme_lwip_raw net;
static struct acme_lwip_clock wall_clock = {.uptime_ms = board_uptime_ms};
static struct acme_selftest_options options;

static void say(const char *text)
{
    board_write(text);
    board_write("\r\n");
}

static void report(void *ctx, const char *line)
{
    (void)ctx;
    say(line);
}

static void log_write(void *ctx, enum acme_log_level level, const char *line)
{
    (void)ctx;
    (void)level;
    say(line);
}

static const struct acme_log_ops log_ops = {log_write};

static void idle(void *ctx)
{
    (void)ctx;
    (void)ethif_poll();
}

/* A line from the serial line; the network goes on meanwhile. */
static void read_line(char line[LINE_SIZE])
{
    size_t len = 0;
    int c;

    do {
        c = board_read();
        if (c < 0 && !ethif_poll()) {
            board_sleep();
        } else if (c >= ' ' && len + 1 < LINE_SIZE) {
            line[len++] = (char)c;
        }
    } while (c != '\n' && c != '\r');
    line[len] = '\0';
}

static uint16_t port_of(const char *text)
{
    uint32_t port = 0;

    for (; *text >= '0' && *text <= '9' && port <= UINT16_MAX; text++) {
        port = port * 10u + (uint32_t)(*text - '0');
    }
    return port <= UINT16_MAX ? (uint16_t)port : 0;
}

static bool take_setting(char *line)
{
    static char peer[LINE_SIZE], missing[LINE_SIZE];
    char *value = strchr(line, ' ');

    if (value == NULL) {
        return false;
    }
    *value++ = '\0';
    if (strcmp(line, "peer") == 0) {
        memcpy(peer, value, strlen(value) + 1);
        options.peer_host = peer;
    } else if (strcmp(line, "missing") == 0) {
        memcpy(missing, value, strlen(value) + 1);
        options.missing_name = missing;
    } else if (strcmp(line, "echo") == 0) {
        options.echo_port = port_of(value);
    } else if (strcmp(line, "http") == 0) {
        options.http_port = port_of(value);
    } else if (strcmp(line, "refused") == 0) {
        options.refused_port = port_of(value);
    } else if (strcmp(line, "listen") == 0) {
        options.listen_port = port_of(value);
    } else {
        return false;
    }
    return true;
}

/* The lease has come in frames; without their interrupt it has, too, but at the pace of the tick.
 */
static void check_interrupt(void)
{
    say(board_wakes() > 0 ? "selftest: board.interrupt ok"
                          : "selftest: board.interrupt FAILED: frames came, but BOARD_ETH_IRQ did "
                            "not");
}

/* RFC 1071, byte by byte: nothing that a compiler could make faster, and wrong. */
static uint16_t plain_checksum(const volatile uint8_t *data, size_t len)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < len; i++) {
        sum += i % 2 == 0 ? (uint32_t)data[i] << 8 : data[i];
        sum = (sum & 0xffffu) + (sum >> 16);
    }
    return lwip_htons((uint16_t)~sum);
}

/* lwIP's own, as this compiler has compiled it: each length that a header has, and frames, wherever
 * they begin in a word. */
static void check_checksums(void)
{
    static _Alignas(4) uint8_t frame[1500 + 4];
    uint32_t wrong = 0;

    for (size_t i = 0; i < sizeof(frame); i++) {
        frame[i] = (uint8_t)(i * 167u + i / 256u);
    }
    for (uint16_t len = 0; len <= 1500; len = (uint16_t)(len < 128 ? len + 1 : len + 49)) {
        for (uint32_t at = 0; at < 4; at++) {
            wrong += inet_chksum(frame + at, len) != plain_checksum(frame + at, len) ? 1u : 0u;
        }
    }
    say(wrong == 0
            ? "selftest: board.checksum ok"
            : "selftest: board.checksum FAILED: lwIP's checksums are wrong, as this compiler "
              "compiles them");
}

static void run(bool destroy, bool again)
{
    static struct acme_port port = {
        .net = &acme_lwip_raw_net_ops,
        .net_ctx = &net,
        .clock = &acme_lwip_clock_ops,
        .clock_ctx = &wall_clock,
        .entropy = &board_entropy_ops,
        .log = &log_ops,
    };

    port.flash = board_flash_ops;
    port.flash_ctx = board_store_flash;
    /* An emulated chip may be asked everything; real ones see acme_selftest.h. */
    options.destroy_flash = options.try_reprogram = options.probe_bounds = destroy;
    options.after_power_cycle = again;
    options.idle = idle;
    options.timeout_ms = 60000;
    check_checksums(); /* with wrong ones there might never be a lease */
    while (!ethif_is_ready()) {
        idle(NULL);
    }
    check_interrupt();
    (void)acme_selftest_run(&port, &options, report, NULL);
}

int main(void)
{
    char line[LINE_SIZE];

    board_init();
    ethif_start();
    acme_lwip_raw_init(&net);
    say("selftest: say what to test, then: look, destroy (ERASES THE STORE), or again (after a "
        "cut)");
    for (;;) {
        read_line(line);
        if (strcmp(line, "look") == 0) {
            run(false, false);
        } else if (strcmp(line, "destroy") == 0) {
            run(true, false);
        } else if (strcmp(line, "again") == 0) {
            run(false, true);
        } else if (line[0] != '\0') {
            say(take_setting(line) ? "selftest: set" : "selftest: not understood");
        }
    }
}
