/*
 * The application on bare metal: a device that gets its certificate on its first boot and shows its
 * status page with it ever after. One loop, which sleeps until the next deadline or an interrupt.
 * This file, with app.c, is the example to begin with; it must not know which board it runs on.
 */
#include "acme_lwip_raw.h"
#include "app.h"
#include "board.h"
#include "ethif.h"
#include "https.h"

/* Memory for both at once, or one after the other? The board says. */
#ifndef BOARD_HTTPS_ALONGSIDE
#define BOARD_HTTPS_ALONGSIDE 1
#endif

/* Streams of the status page; lwipopts.h has the sum. */
#ifndef BOARD_HTTPS_STREAMS
#define BOARD_HTTPS_STREAMS 4
#endif

#define WAKE_MAX_S 3600u

static struct acme_lwip_raw net;
static acme_client *client;

static uint64_t next_start_ms; /* when the client is asked to look again */
static bool working;           /* the client has a job */

/* While mbedTLS computes. */
static void breathe(void *ctx)
{
    (void)ctx;
    app_end_step();
    board_watchdog_feed();
    ethif_breathe();
}

static struct acme_port port = {
    .net = &acme_lwip_raw_net_ops,
    .net_ctx = &net,
    .clock = &acme_lwip_clock_ops,
    .clock_ctx = &app_clock,
    .entropy = &board_entropy_ops,
    .log = &app_log_ops,
    .breathe = breathe,
#if defined(CONFIG_ACME_DNS_CLIENT)
    .udp = &acme_lwip_raw_udp_ops,
    .udp_ctx = &net,
#endif
};

/* A done job is looked at again when the certificate is due; a failed one after its pause. */
static void plan_next(int32_t error)
{
    uint32_t pause = app_report_job(error);

    if (error == ACME_OK) {
        pause = pause < WAKE_MAX_S ? pause : WAKE_MAX_S;
    }
    next_start_ms = board_uptime_ms() + pause * UINT64_C(1000);
}

static void poll_and_measure(struct acme_poll_result *result)
{
    app_begin_step(APP_STEP_CLIENT);
    (void)acme_poll(client, result);
    app_end_step();
}

/* The client's turn: it begins as soon as the memory is free. */
static bool is_client_due(void)
{
    return ethif_is_ready() && board_uptime_ms() >= next_start_ms;
}

static bool serve(void)
{
    bool more;

    app_begin_step(APP_STEP_HTTPS);
    more = https_poll(BOARD_HTTPS_ALONGSIDE || (!working && !is_client_due()));
    app_end_step();
    return more;
}

/* Only now: what is asked without a network is asked again after a quarter of a minute. */
static void start_time(void)
{
    static bool started;

    if (!started && ethif_is_ready()) {
        started = true;
        (void)acme_lwip_sntp_start(&app_clock, app_time_server());
    }
}

/* One turn of the client: how long it may wait for the next, in ms. */
static uint32_t poll_client(void)
{
    struct acme_poll_result result;

    if (!working) {
        if (!is_client_due() || (!BOARD_HTTPS_ALONGSIDE && https_is_busy())) {
            return UINT32_MAX;
        }
        working = app_start_job() == ACME_OK;
    }
    poll_and_measure(&result);
    if (result.want == ACME_WANT_IDLE) {
        working = false;
        plan_next(result.error);
        return 0;
    }
    return result.wait_ms;
}

static void sleep_and_measure(void)
{
    uint64_t start = board_uptime_us();

    board_sleep();
    app_slept(board_uptime_us() - start);
}

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

int main(void)
{
    uint64_t deadline = 0;

    board_init();
    client = app_start(&port);
    ethif_start();
    acme_lwip_raw_init(&net);
    acme_lwip_raw_reserve(&net, HTTPS_PORT, BOARD_HTTPS_STREAMS);
    https_init(client, &port, app_write_page);
    board_watchdog_start(APP_WATCHDOG_MS);
    app_report_certificate();
    for (;;) {
        bool more, active = ethif_poll();

        board_watchdog_feed();
        start_time();
        if (!working && app_take_roots()) {
            next_start_ms = deadline = 0;
        }
        if (active || board_uptime_ms() >= deadline) {
            uint32_t wait_ms = poll_client();

            more = serve();
            /* A second is soon enough for the server's time-outs. */
            deadline = board_uptime_ms() + (more ? 0 : least(wait_ms, 1000u));
            continue;
        }
        if (ethif_next_ms() > 0) {
            sleep_and_measure();
        }
    }
}
