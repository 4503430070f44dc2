/*
 * The application under FreeRTOS: the client's task (port/freertos), the server's, which also
 * starts the others, the Ethernet's, lwIP's own, and above all of them a control loop that none may
 * disturb. This file is the example to begin with where there is an RTOS; it must not know the
 * board.
 */
#include <FreeRTOS.h>
#include <semphr.h>
#include <task.h>

#include <lwip/tcpip.h>

#include "acme_freertos.h"
#include "acme_lwip_socket.h"
#include "app.h"
#include "board.h"
#include "control.h"
#include "ethif.h"
#include "https.h"
#include "kernel.h"
#include "kernel_memory.h"

/* The client and the server share what they compute with, in turns: neither goes before the other.
 */
enum { PRIORITY_APPLICATION = 2, PRIORITY_NETWORK = 3, PRIORITY_CONTROL = 4 };

#define SERVER_STACK_WORDS  (8192u / sizeof(StackType_t))
#define NETWORK_STACK_WORDS (2048u / sizeof(StackType_t))
#define TURN_MS             200u /* soon enough for the server's time-outs and for the watchdog */

/* Each task has sockets of its own. */
static struct acme_lwip_socket client_net, server_net;
static struct acme_freertos_task client_task;
static struct acme_config config;
static StaticTask_t server_control, network_control;
static StackType_t server_stack[SERVER_STACK_WORDS], network_stack[NETWORK_STACK_WORDS];

static struct acme_port client_port = {
    .net = &acme_lwip_socket_net_ops,
    .net_ctx = &client_net,
    .clock = &acme_lwip_clock_ops,
    .clock_ctx = &app_clock,
    .entropy = &board_entropy_ops,
    .log = &app_log_ops,
};
static struct acme_port server_port = {
    .net = &acme_lwip_socket_net_ops,
    .net_ctx = &server_net,
    .clock = &acme_lwip_clock_ops,
    .clock_ctx = &app_clock,
};

/* ---- the network ---- */

/* The Ethernet's interrupt ends its sleep. Frames go to lwIP here, under lwIP's lock. */
static void run_network(void *unused)
{
    bool was_ready = false;

    (void)unused;
    for (;;) {
        bool active;

        LOCK_TCPIP_CORE();
        active = ethif_poll();
        UNLOCK_TCPIP_CORE();
        if (ethif_is_ready() != was_ready) {
            was_ready = !was_ready;
            acme_task_wake(&client_task.task);
        }
        if (!active && ethif_next_ms() > 0) {
            board_sleep();
        }
    }
}

static void start_network(void)
{
    tcpip_init(NULL, NULL);
    LOCK_TCPIP_CORE();
    ethif_start();
    UNLOCK_TCPIP_CORE();
    acme_lwip_socket_init(&client_net);
    acme_lwip_socket_init(&server_net);
}

/* Only now: what is asked without a network is asked again after a quarter of a minute. */
static void start_time(void)
{
    static bool started;

    if (!started && ethif_is_ready()) {
        started = acme_lwip_sntp_start(&app_clock, app_time_server()) == ACME_OK;
    }
}

/* ---- the client ---- */

static bool is_ready(void *ctx)
{
    (void)ctx;
    return ethif_is_ready();
}

static void wait_for_net(void *ctx, uint32_t wait_ms)
{
    acme_lwip_socket_wait(ctx, wait_ms);
}

static void start_client(void)
{
    struct acme_task_config task = {
        .client = &config,
        .memory = app_hand_over(&config),
        .memory_size = ACME_MEMORY_SIZE,
        .start_at_once = true,
        .is_ready = is_ready,
        .net_wait = wait_for_net,
        .net_wait_ctx = &client_net,
    };
    struct acme_task_status status;

    if (acme_freertos_task_start(&client_task, &task, "acme", PRIORITY_APPLICATION) != ACME_OK) {
        board_panic("the client's task cannot be created");
    }
    kernel_watch_stack((TaskHandle_t)&client_task.control, sizeof(client_task.stack));
    do {
        vTaskDelay(1);
        acme_task_get_status(&client_task.task, &status);
    } while (!status.running && !status.ended);
    if (status.ended) {
        board_panic(acme_error_name(status.error));
    }
}

/* ---- the server ---- */

static void report_control(void)
{
    uint32_t periods, worst_us = control_worst_us(&periods);

    app_say("control: periods", NULL, periods);
    app_say("control: latest start in us", NULL, worst_us);
    app_say("memory: kernel's blocks", NULL, kernel_memory_peak());
    app_say("memory: kernel's refusals", NULL, kernel_memory_refused());
    app_say("memory: server's stack left", NULL,
            (int64_t)(uxTaskGetStackHighWaterMark(NULL) * sizeof(StackType_t)));
}

/* What the client's task has ended since the last time. */
static void report_jobs(void)
{
    static uint32_t reported;
    struct acme_task_status status;

    acme_task_get_status(&client_task.task, &status);
    if (status.jobs != reported) {
        reported = status.jobs;
        report_control();
        (void)app_report_job(status.error);
    }
}

/* A turn needs the client and lwIP, and it is nobody's turn before those of a higher priority rest:
 * the watchdog that is fed here sees each of them hang. */
static bool take_turn(void)
{
    bool more;

    board_watchdog_feed();
    start_time();
    /* mbedTLS has no locks here: whoever has the client may call it, nobody else. */
    (void)acme_task_borrow(&client_task.task);
    report_jobs();
    more = https_poll(true);
    acme_task_give_back(&client_task.task);
    return more;
}

static void run_server(void *unused)
{
    acme_client *client = app_start(&client_port);

    (void)unused;
    start_network();
    start_client();
    board_watchdog_start(APP_WATCHDOG_MS); /* before a task of a higher priority may hang */
    (void)xTaskCreateStatic(run_network, "net", NETWORK_STACK_WORDS, NULL, PRIORITY_NETWORK,
                            network_stack, &network_control);
    https_init(client, &server_port, app_write_page);
    app_report_certificate();
    for (;;) {
        if (!take_turn()) {
            acme_lwip_socket_wait(&server_net, TURN_MS);
        }
    }
}

int main(void)
{
    board_init();
    kernel_init();
    control_start(PRIORITY_CONTROL);
    (void)xTaskCreateStatic(run_server, "server", SERVER_STACK_WORDS, NULL, PRIORITY_APPLICATION,
                            server_stack, &server_control);
    vTaskStartScheduler();
    board_panic("the scheduler has returned");
}
