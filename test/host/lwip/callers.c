/*
 * A device among bad callers, with as few buffers as the small board has: the core's http-01
 * responder (compiled once more here) on one port, on another a server that has no time for
 * anybody, and every half second a connection of its own to the peer. Run by test_callers.py, which
 * looks whether the responder and the device's own connections go on. Until SIGTERM.
 *
 * usage: callers_lwip_raw RESPONDER_PORT BUSY_PORT PEER_PORT
 */
#include "acme/config.h"

#undef CONFIG_ACME_HTTP_01_STREAMS
#define CONFIG_ACME_HTTP_01_STREAMS 3 /* the small board's */

#include "challenge/http.c"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "acme_lwip_raw.h"
#include "bench.h"

#define EVERY_MS   500u
#define BUSY_SHARE 2
#define TOKEN      "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA" /* RFC 8555's */

static struct acme_port port;
static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
    stopped = number;
}

static uint64_t now_ms(void)
{
    return port.clock->uptime_ms(port.clock_ctx);
}

/* One after the other; whoever is connected, or is not in time, goes. */
static void connect_out(uint16_t to)
{
    static acme_handle stream = ACME_HANDLE_NONE;
    static uint64_t next_ms;

    if (stream >= 0 &&
        (port.net->connected(port.net_ctx, stream) != ACME_ERR_AGAIN || now_ms() >= next_ms)) {
        port.net->close(port.net_ctx, stream);
        stream = ACME_HANDLE_NONE;
    }
    if (stream < 0 && now_ms() >= next_ms) {
        stream = port.net->connect(port.net_ctx, BENCH_PEER_4, to);
        next_ms = now_ms() + EVERY_MS;
    }
}

int main(int argc, char **argv)
{
    static struct acme_responder responder;

    if (argc != 4) {
        return 2;
    }
    (void)signal(SIGTERM, on_signal);
    bench_start(&port);
    acme_lwip_raw_reserve(port.net_ctx, (uint16_t)atoi(argv[2]), BUSY_SHARE);
    acme_responder_init(&responder, port.net, port.net_ctx);
    if (port.net->listen(port.net_ctx, (uint16_t)atoi(argv[2])) < 0 ||
        acme_responder_open(&responder, (uint16_t)atoi(argv[1])) != ACME_OK) {
        return 3;
    }
    acme_responder_set(&responder, TOKEN, TOKEN ".thumbprint");
    (void)printf("ready\n");
    (void)fflush(stdout);
    while (stopped == 0) {
        acme_responder_poll(&responder, now_ms());
        connect_out((uint16_t)atoi(argv[3]));
        bench_wait(20);
    }
    acme_responder_close(&responder);
    return 0;
}
