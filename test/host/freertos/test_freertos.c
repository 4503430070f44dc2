/*
 * The clock over the kernel's tick, and what the client's task answers without a network. Whole
 * issuances are in rtos_task.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "acme_freertos.h"
#include "acme_posix.h"
#include "flash_sim.h"
#include "kernel.h"

#define HALF ((TickType_t)(portMAX_DELAY / 2u + 1u))

/* ---- clock ---- */

static void test_uptime_survives_wraps(void **state)
{
    struct acme_freertos_clock clock = {0};
    uint64_t before, first;

    (void)state;
    first = before = acme_freertos_clock_ops.uptime_ms(&clock);
    for (uint64_t i = 1; i <= 7; i++) {
        uint64_t now;

        kernel_advance(HALF);
        now = acme_freertos_clock_ops.uptime_ms(&clock);
        assert_true(now > before);
        assert_int_equal(now - first, i * HALF);
        before = now;
    }
}

static void test_uptime_counts_one_tick_over_the_wrap(void **state)
{
    struct acme_freertos_clock clock = {.last = portMAX_DELAY};
    TickType_t now = xTaskGetTickCount();

    (void)state;
    kernel_advance((TickType_t)(portMAX_DELAY - now)); /* the last tick before the wrap */
    assert_int_equal(xTaskGetTickCount(), portMAX_DELAY);
    assert_int_equal(acme_freertos_clock_ops.uptime_ms(&clock), 0);
    kernel_advance(1);
    assert_int_equal(xTaskGetTickCount(), 0);
    assert_int_equal(acme_freertos_clock_ops.uptime_ms(&clock), 1);
}

static void test_wall_clock(void **state)
{
    struct acme_freertos_clock clock = {0};
    int64_t now = 42;

    (void)state;
    assert_int_equal(acme_freertos_clock_ops.wall_s(&clock, &now), ACME_ERR_NO_CLOCK);
    assert_int_equal(now, 42);
    acme_freertos_clock_set(&clock, INT64_C(1800000000));
    assert_int_equal(acme_freertos_clock_ops.wall_s(&clock, &now), ACME_OK);
    assert_int_equal(now, INT64_C(1800000000));
    for (int i = 0; i < 4; i++) {
        kernel_advance(HALF);
        (void)acme_freertos_clock_ops.uptime_ms(&clock);
    }
    assert_int_equal(acme_freertos_clock_ops.wall_s(&clock, &now), ACME_OK);
    assert_int_equal(now, INT64_C(1800000000) + (int64_t)(UINT64_C(4) * HALF / 1000u));
}

/* ---- the task's answers ---- */

static struct flash_sim flash;
static _Alignas(8) uint8_t memory[ACME_MEMORY_SIZE];
static const char *const name = "device.example.org";
static struct acme_cert_request request = {.names = &name, .names_count = 1};
static struct acme_port port = {
    .net = &acme_posix_net_ops,
    .clock = &acme_posix_clock_ops,
    .entropy = &acme_posix_entropy_ops,
    .flash = &flash_sim_ops,
    .flash_ctx = &flash,
};
static struct acme_config client_config = {
    .port = &port, .directory_url = "https://ca.example/dir", .certs = &request, .certs_count = 1};
static bool network_is_up;

static bool is_ready(void *ctx)
{
    (void)ctx;
    return network_is_up;
}

static struct acme_task_config task_config(void)
{
    struct acme_task_config config = {.client = &client_config,
                                      .memory = memory,
                                      .memory_size = sizeof(memory),
                                      .is_ready = is_ready};

    return config;
}

static void pause_ms(long ms)
{
    struct timespec t = {0, ms * 1000000};

    (void)nanosleep(&t, NULL);
}

static struct acme_task_status wait_for_end(struct acme_freertos_task *t, unsigned deleted)
{
    struct acme_task_status status;

    for (int i = 0; i < 6000; i++) {
        acme_task_get_status(&t->task, &status);
        if (status.ended && kernel_deleted() == deleted) {
            return status;
        }
        pause_ms(10);
    }
    fail_msg("the task did not end");
    return status;
}

static void test_requests_wait_for_the_network(void **state)
{
    static struct acme_freertos_task t;
    struct acme_task_config config = task_config();
    struct acme_cert_status cert;
    struct acme_task_status status;
    uint32_t number = 0;

    (void)state;
    flash_sim_init(&flash, 4096, 8, 8, 1);
    network_is_up = false;
    assert_int_equal(acme_freertos_task_start(&t, &config, "acme", 3), ACME_OK);
    for (uint32_t i = 1; i <= ACME_TASK_REQUESTS; i++) {
        assert_int_equal(
            acme_task_request(&t.task, i % 2 ? ACME_TASK_START : ACME_TASK_RENEW, &number),
            ACME_OK);
        assert_int_equal(number, i);
    }
    assert_int_equal(acme_task_request(&t.task, ACME_TASK_START, NULL), ACME_ERR_LIMIT);
    assert_int_equal(acme_task_request(&t.task, (enum acme_task_job)9, NULL), ACME_ERR_ARGUMENT);
    pause_ms(50);
    acme_task_get_status(&t.task, &status);
    assert_int_equal(status.done, 0);
    assert_int_equal(status.jobs, 0);
    assert_int_equal(acme_task_get_cert(&t.task, 0, &cert), ACME_OK);
    assert_false(cert.stored);
    assert_int_equal(acme_task_get_cert(&t.task, 1, &cert), ACME_ERR_ARGUMENT);
    acme_task_stop(&t.task);
    status = wait_for_end(&t, 1);
    assert_false(status.running);
    assert_int_equal(status.error, ACME_OK);
    assert_int_equal(acme_task_request(&t.task, ACME_TASK_START, NULL), ACME_ERR_STATE);
    assert_null(acme_task_borrow(&t.task));
}

static void test_init_fails(void **state)
{
    static struct acme_freertos_task t;
    struct acme_task_config config = task_config();
    struct acme_task_status status;

    (void)state;
    config.memory_size = 16;
    assert_int_equal(acme_freertos_task_start(&t, &config, "acme", 3), ACME_OK);
    status = wait_for_end(&t, 2);
    assert_false(status.running);
    assert_int_equal(status.error, ACME_ERR_MEMORY);
    assert_null(acme_task_borrow(&t.task));
}

static void test_arguments(void **state)
{
    static struct acme_freertos_task t;
    struct acme_task_config config = task_config();

    (void)state;
    config.client = NULL;
    assert_int_equal(acme_freertos_task_start(&t, &config, "acme", 3), ACME_ERR_ARGUMENT);
    config = task_config();
    config.memory = NULL;
    assert_int_equal(acme_freertos_task_start(&t, &config, "acme", 3), ACME_ERR_ARGUMENT);
}

static void test_kernel_refuses(void **state)
{
    static struct acme_freertos_task t;
    struct acme_task_config config = task_config();

    (void)state;
    for (unsigned creations = 0; creations < 4; creations++) {
        kernel_refuse_after(creations);
        assert_int_equal(acme_freertos_task_start(&t, &config, "acme", 3), ACME_ERR_INTERNAL);
    }
}

static void test_wake_from_interrupt(void **state)
{
    static struct acme_freertos_task t;
    BaseType_t woken = pdFALSE;

    (void)state;
    t.wake = xSemaphoreCreateBinaryStatic(&t.wake_memory);
    assert_int_equal(xSemaphoreTake(t.wake, 0), pdFALSE);
    acme_freertos_task_wake_from_isr(&t, &woken);
    assert_int_equal(woken, pdTRUE);
    assert_int_equal(xSemaphoreTake(t.wake, 0), pdTRUE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_uptime_survives_wraps),
        cmocka_unit_test(test_uptime_counts_one_tick_over_the_wrap),
        cmocka_unit_test(test_wall_clock),
        cmocka_unit_test(test_requests_wait_for_the_network),
        cmocka_unit_test(test_init_fails),
        cmocka_unit_test(test_arguments),
        cmocka_unit_test(test_kernel_refuses),
        cmocka_unit_test(test_wake_from_interrupt),
    };

    kernel_stop_time();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
