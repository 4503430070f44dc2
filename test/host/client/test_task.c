/*
 * The client's task (port/rtos_task) in the simulated world, on an operating system of one thread
 * whose waits pass virtual time: what it does by itself keeps the CA's pauses, what it is asked for
 * is done at once, and a stop is never late.
 */
#include "device.h"

#include "acme_task.h"

#define DAY_MS  UINT64_C(86400000)
#define WEEK_MS (7 * DAY_MS)

static struct acme_task task;
static struct acme_task_config config;
static uint64_t stop_at_ms, ask_at_ms;
static enum acme_task_job ask_for;
static bool wake_pending;
static uint32_t locks, stop_at_lock; /* the n-th taking of the state's lock: somebody comes first */
static uint64_t stopped_ms;
static bool stopped;

/* ---- the operating system ---- */

/* Just before the lock is taken, another task that wants the client stops this one: what the wait
 * for that other task eats may be the wake of the stop. */
static void os_lock(void *ctx, enum acme_task_lock which)
{
    (void)ctx;
    if (which == ACME_TASK_LOCK_STATE && ++locks == stop_at_lock) {
        task.borrowers = 1;
        stopped_ms = w.clock.now_ms;
        stopped = true;
        acme_task_stop(&task);
    }
}

static void os_unlock(void *ctx, enum acme_task_lock which)
{
    (void)ctx;
    (void)which;
}

static void os_wake(void *ctx)
{
    (void)ctx;
    wake_pending = true;
}

static void at_its_time(void)
{
    if (stop_at_ms != 0 && w.clock.now_ms >= stop_at_ms) {
        stop_at_ms = 0;
        acme_task_stop(&task);
    }
    if (ask_at_ms != 0 && w.clock.now_ms >= ask_at_ms) {
        ask_at_ms = 0;
        assert_int_equal(acme_task_request(&task, ask_for, NULL), ACME_OK);
    }
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void os_wait(void *ctx, uint32_t wait_ms)
{
    uint64_t end_ms = w.clock.now_ms + wait_ms, next, now = w.clock.now_ms;

    (void)ctx;
    task.borrowers = 0; /* whoever waited for the client has had it */
    if (wake_pending) {
        wake_pending = false;
        return;
    }
    next = least(least(end_ms, ca_sim_next_ms(w.ca)), sim_net_next_ms(&w.net));
    next = stop_at_ms > now ? least(next, stop_at_ms) : next;
    next = ask_at_ms > now ? least(next, ask_at_ms) : next;
    w.clock.now_ms = next > now ? next : now + 1;
    ca_sim_tick(w.ca, w.clock.now_ms);
    at_its_time();
}

static const struct acme_task_os os = {os_lock, os_unlock, os_wait, os_wake};

/* ---- */

static void run_until(uint64_t end_ms)
{
    config = (struct acme_task_config){.os = &os,
                                       .client = &w.config,
                                       .memory = w.memory,
                                       .memory_size = sizeof(w.memory),
                                       .start_at_once = true};
    assert_int_equal(acme_task_init(&task, &config), ACME_OK);
    stop_at_ms = end_ms;
    assert_int_equal(acme_task_run(&task), ACME_OK);
}

static void refuse_for_a_week(void)
{
    sim_edits_add(&edits, CA_SIM_NEW_ORDER, NULL,
                  "HTTP/1.1 429 X\r\nRetry-After: 604800\r\n"
                  "Content-Type: application/problem+json\r\n\r\n" ERROR_TYPE("rateLimited"));
}

static int set_up(void **state)
{
    stop_at_ms = ask_at_ms = 0;
    wake_pending = false;
    locks = stop_at_lock = 0;
    return device_set_up(state);
}

static void test_a_pause_of_a_week_is_kept(void **state)
{
    (void)state;
    refuse_for_a_week();
    run_until(WEEK_MS - DAY_MS / 24);
    assert_int_equal(device_asked(CA_SIM_NEW_ORDER), 1);
    /* Over a reset, too; and then it ends. */
    run_until(w.clock.now_ms + DAY_MS / 48);
    assert_int_equal(device_asked(CA_SIM_NEW_ORDER), 1);
    run_until(w.clock.now_ms + 2 * DAY_MS);
    assert_true(device_asked(CA_SIM_NEW_ORDER) >= 2);
}

static void test_who_asks_does_not_wait(void **state)
{
    (void)state;
    refuse_for_a_week();
    ask_at_ms = DAY_MS;
    ask_for = ACME_TASK_START;
    run_until(2 * DAY_MS);
    assert_int_equal(device_asked(CA_SIM_NEW_ORDER), 2);
}

/* A renewal that somebody has asked for, and that has failed, is tried again: after the pause. */
static void test_a_renewal_is_owed_until_the_pause_is_over(void **state)
{
    struct acme_task_status status;

    (void)state;
    run_until(DAY_MS / 2);
    device_forget();
    refuse_for_a_week();
    ask_at_ms = w.clock.now_ms + 1000;
    ask_for = ACME_TASK_RENEW;
    run_until(w.clock.now_ms + WEEK_MS - DAY_MS / 24);
    assert_int_equal(device_asked(CA_SIM_NEW_ORDER), 1);
    acme_task_get_status(&task, &status);
    assert_int_equal(status.failed, 1);
}

/* A CA that is not there is not asked more and more often, nor given up. */
static void test_a_ca_that_is_not_there(void **state)
{
    struct acme_task_status status;

    (void)state;
    w.net.outage_until_ms = UINT64_MAX;
    run_until(2 * DAY_MS);
    acme_task_get_status(&task, &status);
    assert_in_range(status.failed, 3, 40);
}

/* At many points of a first boot at a CA that takes its time. */
static void test_a_stop_is_never_late(void **state)
{
    uint32_t at;

    for (at = 1; at < 900; at += 3) {
        device_tear_down(state);
        assert_int_equal(set_up(state), 0);
        w.ca->options.issue_ms = 40000;
        sim_edits_add(&edits, CA_SIM_ORDER, "\r\nDate:", "\r\nRetry-After: 20\r\nDate:");
        stop_at_lock = at;
        stopped = false;
        run_until(DAY_MS / 48);
        if (!stopped) {
            break;
        }
        assert_in_range(w.clock.now_ms - stopped_ms, 0, 1000);
    }
    assert_true(at > 100);
}

#define TASK_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, device_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TASK_TEST(test_a_pause_of_a_week_is_kept),
        TASK_TEST(test_who_asks_does_not_wait),
        TASK_TEST(test_a_renewal_is_owed_until_the_pause_is_over),
        TASK_TEST(test_a_ca_that_is_not_there),
        TASK_TEST(test_a_stop_is_never_late),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
