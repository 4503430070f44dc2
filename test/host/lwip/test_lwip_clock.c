/*
 * The clock of the lwIP ports: lwIP's 32 bits of milliseconds widened, SNTP's 32 bits of seconds
 * told apart by their era. sys_now is the test's own (the linker's --wrap).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <lwip/init.h>
#include <lwip/sys.h>

#include "acme_lwip.h"

static uint32_t now = 1000;
static uint64_t board_ms;

u32_t __wrap_sys_now(void);
u32_t __wrap_sys_now(void)
{
    return now;
}

static uint64_t board_uptime_ms(void)
{
    return board_ms;
}

static uint64_t uptime(struct acme_lwip_clock *clock)
{
    return acme_lwip_clock_ops.uptime_ms(clock);
}

static int64_t wall(struct acme_lwip_clock *clock)
{
    int64_t unix_s = -1;

    assert_int_equal(acme_lwip_clock_ops.wall_s(clock, &unix_s), ACME_OK);
    return unix_s;
}

static void test_uptime_survives_wraps(void **state)
{
    struct acme_lwip_clock clock = {0};

    (void)state;
    now = 0xfffffff0u;
    assert_int_equal(uptime(&clock), 0xfffffff0u);
    now = 0x10u;
    assert_int_equal(uptime(&clock), 0x100000010u);
    now = 0x80000000u;
    assert_int_equal(uptime(&clock), 0x180000000u);
    now = 0x7fffffffu;
    assert_int_equal(uptime(&clock), 0x27fffffffu);
}

static void test_wall_time(void **state)
{
    static struct acme_lwip_clock clock;
    int64_t unix_s = 7;

    (void)state;
    now = 0xffffff00u;
    assert_int_equal(acme_lwip_sntp_start(&clock, NULL), ACME_OK);
    assert_int_equal(acme_lwip_clock_ops.wall_s(&clock, &unix_s), ACME_ERR_NO_CLOCK);
    assert_int_equal(unix_s, 7);
    acme_lwip_set_time(1800000000u);
    assert_int_equal(wall(&clock), 1800000000);
    now += 2500; /* past the wrap */
    assert_int_equal(wall(&clock), 1800000002);
    acme_lwip_set_time(1800000010u); /* set again */
    assert_int_equal(wall(&clock), 1800000010);
    acme_lwip_set_time(4294967295u); /* the last second of 32 bits, and the first after them */
    assert_int_equal(wall(&clock), 4294967295);
    acme_lwip_set_time(5);
    assert_int_equal(wall(&clock), INT64_C(0x100000005));
}

static void test_uptime_of_the_board(void **state)
{
    struct acme_lwip_clock clock = {.uptime_ms = board_uptime_ms};

    (void)state;
    board_ms = UINT64_C(0x1234567890);
    now = 3;
    assert_int_equal(uptime(&clock), UINT64_C(0x1234567890));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_uptime_survives_wraps),
        cmocka_unit_test(test_wall_time),
        cmocka_unit_test(test_uptime_of_the_board),
    };

    lwip_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
