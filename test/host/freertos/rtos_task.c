/*
 * The client's task with other tasks around it that all want something at once: some ask for
 * certificates, some read the status, one reads the chain out of the client. Against a real CA;
 * under the sanitizers, the one for threads among them. Run by test_rtos_task.py.
 *
 * usage: rtos_task DIRECTORY CA_FILE STORE HTTP_PORT NAME poll|events|select|stop|late
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "acme_freertos.h"
#include "acme_posix.h"
#include "kernel.h"
#include "pem_anchor.h"

#define READERS  3
#define ASKERS   3
#define CERT_MAX 2048

static struct acme_posix_net net;
static struct acme_posix_flash flash;
static struct acme_freertos_clock wall_clock;
static _Alignas(8) uint8_t memory[ACME_MEMORY_SIZE];
static struct acme_port port;
static struct acme_config config;
static struct acme_freertos_task tasks[2]; /* one after the other: a task's memory is not reused */
static struct acme_freertos_task *task = &tasks[0];
static atomic_bool network_is_up = true, all_done;
static atomic_uint readings, borrowings;

static void fail(const char *what, int32_t error)
{
    (void)fprintf(stderr, "failed: %s: %s\n", what, acme_error_name(error));
    exit(1);
}

static void pause_ms(long ms)
{
    struct timespec t = {0, ms * 1000000};

    (void)nanosleep(&t, NULL);
}

static bool is_ready(void *ctx)
{
    (void)ctx;
    return atomic_load(&network_is_up);
}

/* ---- other tasks ---- */

static void *read_status(void *argument)
{
    (void)argument;
    while (!atomic_load(&all_done)) {
        struct acme_task_status status;
        struct acme_cert_status cert;

        acme_task_get_status(&tasks[0].task, &status);
        if (status.failed > status.jobs ||
            acme_task_get_cert(&tasks[0].task, 0, &cert) != ACME_OK) {
            fail("status", ACME_ERR_INTERNAL);
        }
        if (cert.stored && cert.not_after_s <= cert.not_before_s) {
            fail("a status that is torn", ACME_ERR_INTERNAL);
        }
        (void)atomic_fetch_add(&readings, 1);
        pause_ms(2);
    }
    return NULL;
}

/* The leaf in force: its length, or an error. */
static int32_t read_leaf(uint8_t der[CERT_MAX])
{
    acme_client *client = acme_task_borrow(&task->task);
    int32_t len;

    if (client == NULL) {
        return ACME_ERR_STATE;
    }
    len = acme_cert_read(client, 0, 0, der, CERT_MAX);
    acme_task_give_back(&task->task);
    return len;
}

static void *read_chain(void *argument)
{
    static uint8_t der[CERT_MAX];

    (void)argument;
    while (!atomic_load(&all_done)) {
        acme_client *client = acme_task_borrow(&tasks[0].task);

        if (client != NULL) {
            int32_t len = acme_cert_read(client, 0, 0, der, sizeof(der));

            acme_task_give_back(&tasks[0].task);
            if (len < 0 ? len != ACME_ERR_CERT_NONE : der[0] != 0x30) {
                fail("acme_cert_read", len);
            }
            (void)atomic_fetch_add(&borrowings, 1);
        }
        pause_ms(3);
    }
    return NULL;
}

/* A network stack that says when something has come. */
static void *network_events(void *argument)
{
    (void)argument;
    while (!atomic_load(&all_done)) {
        acme_task_wake(&tasks[0].task);
        pause_ms(5);
    }
    return NULL;
}

static void wait_for(uint32_t number)
{
    struct acme_task_status status;

    for (int i = 0; i < 30000; i++) {
        acme_task_get_status(&task->task, &status);
        if (status.done >= number) {
            return;
        }
        if (status.ended) {
            fail("the task has ended", status.error);
        }
        pause_ms(10);
    }
    fail("a request was not served", ACME_ERR_TIMEOUT);
}

static void ask(enum acme_task_job job)
{
    uint32_t number;
    int32_t rc = acme_task_request(&task->task, job, &number);

    while (rc == ACME_ERR_LIMIT) {
        pause_ms(5);
        rc = acme_task_request(&task->task, job, &number);
    }
    if (rc != ACME_OK) {
        fail("acme_task_request", rc);
    }
    wait_for(number);
}

static void *ask_for_certificates(void *argument)
{
    (void)argument;
    for (int i = 0; i < 3; i++) {
        ask(ACME_TASK_START);
    }
    return NULL;
}

/* ---- set-up ---- */

static void set_up(char **argv)
{
    static unsigned char der[4096];
    static const char *name;
    static struct acme_trust_anchor anchor = {der, 0};
    static struct acme_cert_request request;
    const struct acme_flash_geometry geometry = {4096, 32, 8};
    int32_t rc = acme_posix_net_init(&net);

    if (rc == ACME_OK) {
        rc = acme_posix_flash_open(&flash, argv[3], &geometry);
    }
    if (rc != ACME_OK) {
        fail("set-up", rc);
    }
    anchor.len = pem_anchor_read(argv[2], der, sizeof(der));
    name = argv[5];
    request.names = &name;
    request.names_count = 1;
    port.net = &acme_posix_net_ops;
    port.net_ctx = &net;
    port.clock = &acme_freertos_clock_ops;
    port.clock_ctx = &wall_clock;
    port.entropy = &acme_posix_entropy_ops;
    port.flash = &acme_posix_flash_ops;
    port.flash_ctx = &flash;
    config.port = &port;
    config.directory_url = argv[1];
    config.anchors = &anchor;
    config.anchors_count = 1;
    config.certs = &request;
    config.certs_count = 1;
    config.tos_agreed = true;
    config.http_port = (uint16_t)atoi(argv[4]);
    acme_freertos_clock_set(&wall_clock, (int64_t)time(NULL));
}

static void net_wait(void *ctx, uint32_t wait_ms)
{
    acme_posix_net_wait(ctx, wait_ms);
}

static void start_task(uint32_t net_poll_ms, bool select)
{
    struct acme_task_config with = {.client = &config,
                                    .memory = memory,
                                    .memory_size = sizeof(memory),
                                    .is_ready = is_ready,
                                    .net_wait = select ? net_wait : NULL,
                                    .net_wait_ctx = &net,
                                    .net_poll_ms = net_poll_ms};
    int32_t rc = acme_freertos_task_start(task, &with, "acme", 3);

    if (rc != ACME_OK) {
        fail("acme_freertos_task_start", rc);
    }
}

static void stop_task(void)
{
    unsigned before = kernel_deleted();

    acme_task_stop(&task->task);
    for (int i = 0; i < 3000 && kernel_deleted() == before; i++) {
        pause_ms(10);
    }
    if (kernel_deleted() == before) {
        fail("the task did not stop", ACME_ERR_TIMEOUT);
    }
}

static void report(const char *when)
{
    struct acme_task_status status;
    struct acme_cert_status cert;

    acme_task_get_status(&task->task, &status);
    (void)acme_task_get_cert(&task->task, 0, &cert);
    (void)printf("%s: valid %d, error %s, jobs %u, failed %u, new orders %u\n", when,
                 (int)acme_cert_can_serve(&cert), acme_error_name(status.error), status.jobs,
                 status.failed, status.counters.new_orders);
}

/* ---- what is tested ---- */

static void issue_and_renew(bool events)
{
    static uint8_t first[CERT_MAX], second[CERT_MAX];
    pthread_t threads[READERS + ASKERS + 2];
    unsigned n = 0;
    int32_t first_len, second_len;

    for (int i = 0; i < READERS; i++) {
        (void)pthread_create(&threads[n++], NULL, read_status, NULL);
    }
    (void)pthread_create(&threads[n++], NULL, read_chain, NULL);
    if (events) {
        (void)pthread_create(&threads[n++], NULL, network_events, NULL);
    }
    for (int i = 0; i < ASKERS; i++) {
        (void)pthread_create(&threads[n++], NULL, ask_for_certificates, NULL);
    }
    for (unsigned i = n - ASKERS; i < n; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    report("issued");
    first_len = read_leaf(first);
    ask(ACME_TASK_RENEW);
    report("renewed");
    second_len = read_leaf(second);
    ask(ACME_TASK_START);
    report("asked again");
    (void)printf("leaf changed %d\n",
                 first_len > 0 && second_len > 0 &&
                     (first_len != second_len || memcmp(first, second, (size_t)first_len) != 0));
    atomic_store(&all_done, true);
    for (unsigned i = 0; i < n - ASKERS; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    (void)printf("read %d, borrowed %d\n", atomic_load(&readings) > 0,
                 atomic_load(&borrowings) > 0);
}

/* Stopped in the middle of an order, and run again. */
static void stop_and_go_on(void)
{
    struct acme_task_status status = {0};

    if (acme_task_request(&task->task, ACME_TASK_START, NULL) != ACME_OK) {
        fail("acme_task_request", ACME_ERR_INTERNAL);
    }
    for (int i = 0; i < 3000 && status.counters.new_orders == 0; i++) {
        acme_task_get_status(&task->task, &status);
        pause_ms(1);
    }
    stop_task();
    report("stopped");
    task = &tasks[1];
    start_task(10, false);
    ask(ACME_TASK_START);
    report("went on");
}

/* The network comes late, and the CA is not there at first. */
static void come_late(void)
{
    char line[8];

    ask(ACME_TASK_START);
    report("no CA");
    (void)fflush(stdout);
    if (fgets(line, sizeof(line), stdin) == NULL) { /* the test has started the CA */
        fail("stdin", ACME_ERR_INTERNAL);
    }
    ask(ACME_TASK_START);
    report("CA back");
}

int main(int argc, char **argv)
{
    const char *mode = argc == 7 ? argv[6] : "";
    bool events = strcmp(mode, "events") == 0, select;

    if (argc != 7) {
        return 2;
    }
    kernel_set_first_tick((TickType_t)(0u - 1500u)); /* it wraps in the middle of the handshake */
    set_up(argv);
    select = strcmp(mode, "select") == 0;
    start_task(events || select ? 0 : 10, select);
    if (strcmp(mode, "stop") == 0) {
        stop_and_go_on();
    } else if (strcmp(mode, "late") == 0) {
        come_late();
    } else {
        issue_and_renew(events);
    }
    stop_task();
    acme_posix_net_close(&net);
    acme_posix_flash_close(&flash);
    return 0;
}
