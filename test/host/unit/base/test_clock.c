/*
 * Whom the clock believes: wall clock, CA and floor that agree, contradict each other, lie, fall
 * silent. Every number of the rules in docs/security.md is met from both sides.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"

#define DAY   INT64_C(86400)
#define BUILD INT64_C(1800000000)
#define LEAP  (4 * DAY)
#define NONE  (-1) /* no wall clock */

static uint64_t uptime;
static int64_t wall, build;
static struct acme_clock c;

static uint64_t t_uptime(void *ctx)
{
    (void)ctx;
    return uptime;
}

static int32_t t_wall(void *ctx, int64_t *unix_s)
{
    (void)ctx;
    if (wall == NONE) {
        return ACME_ERR_NO_CLOCK;
    }
    *unix_s = wall;
    return ACME_OK;
}

static const struct acme_clock_ops ops = {t_uptime, t_wall};

static int set_up(void **state)
{
    (void)state;
    uptime = 5000;
    wall = NONE;
    build = BUILD;
    acme_clock_init(&c, &ops, NULL, BUILD);
    return 0;
}

static void expect(int32_t rc, int64_t want)
{
    int64_t now = 0;

    assert_int_equal(acme_clock_now(&c, &now), rc);
    assert_int_equal(now, want);
}

static void offer_in(int64_t unix_s, int64_t from_s, int64_t to_s)
{
    const struct acme_span chain = {from_s, to_s};

    acme_clock_offer(&c, unix_s, &chain);
}

static bool is_past(int64_t from_s, int64_t to_s)
{
    const struct acme_span span = {from_s, to_s};

    return acme_clock_is_past(&c, &span);
}

static void offer(int64_t unix_s)
{
    offer_in(unix_s, 0, INT64_MAX);
}

/* A job in which the CA says this. */
static bool job(int64_t told_s)
{
    bool weighed;

    offer(told_s);
    weighed = acme_clock_weigh(&c, LEAP);
    acme_clock_raise_floor(&c, build);
    return weighed;
}

/* ---- what time it is ---- */

static void test_nobody_knows(void **state)
{
    (void)state;
    expect(ACME_ERR_NO_CLOCK, BUILD);
    uptime += 3600 * 1000;
    expect(ACME_ERR_NO_CLOCK, BUILD + 3600);
    acme_clock_init(&c, &ops, NULL, 0); /* no floor either: that is not the year 1970 */
    expect(ACME_ERR_NO_CLOCK, 0);
}

static void test_wall_clock(void **state)
{
    (void)state;
    wall = BUILD;
    expect(ACME_OK, BUILD);
    uptime += 10000;
    expect(ACME_ERR_NO_CLOCK, BUILD + 10); /* it stands still: the floor has moved on */
    wall = BUILD + 10;
    expect(ACME_OK, wall);
    wall = INT64_C(5000000000); /* beyond 32 bits, signed and unsigned */
    expect(ACME_OK, wall);
    wall = INT64_MAX;
    offer(BUILD);
    expect(ACME_OK, wall); /* years ahead: who has one, and wants it believed, is believed */
    wall = INT64_MIN;
    expect(ACME_OK, BUILD + 10);
}

static void test_the_ca_tells(void **state)
{
    (void)state;
    offer(BUILD - 3601); /* before the floor by more than they may differ */
    expect(ACME_ERR_NO_CLOCK, BUILD);
    offer(BUILD - 3600);
    expect(ACME_OK, BUILD);
    offer(BUILD + 1000);
    uptime += 10500;
    expect(ACME_OK, BUILD + 1010);
    offer(BUILD + 500); /* what it said last counts, if it is not below the floor */
    expect(ACME_OK, BUILD + 500);
    wall = BUILD + 5000; /* a clock of one's own comes first */
    expect(ACME_OK, wall);
    wall = 100; /* but not where it is wrong for sure */
    expect(ACME_OK, BUILD + 500);
    acme_clock_forget_told(&c);
    expect(ACME_ERR_NO_CLOCK, BUILD + 10);
}

static void test_a_date_is_within_the_chain(void **state)
{
    (void)state;
    offer_in(BUILD + 99, BUILD + 100, BUILD + 200);
    offer_in(BUILD + 201, BUILD + 100, BUILD + 200);
    expect(ACME_ERR_NO_CLOCK, BUILD);
    assert_false(acme_clock_weigh(&c, LEAP));
    offer_in(BUILD + 100, BUILD + 100, BUILD + 200);
    expect(ACME_OK, BUILD + 100);
    offer_in(BUILD + 201, BUILD + 100, BUILD + 200); /* says nothing at all */
    expect(ACME_OK, BUILD + 100);
    offer_in(BUILD + 200, BUILD + 100, BUILD + 200);
    expect(ACME_OK, BUILD + 200);
}

static void test_a_wall_clock_below_needs_the_ca(void **state)
{
    (void)state;
    acme_clock_raise_floor(&c, BUILD + 30 * DAY);
    wall = BUILD + 30 * DAY - 1;
    expect(ACME_ERR_NO_CLOCK, BUILD + 30 * DAY);
    wall = BUILD + DAY;
    expect(ACME_ERR_NO_CLOCK, BUILD + 30 * DAY);
    offer(BUILD + DAY + 3601); /* not the same */
    expect(ACME_ERR_NO_CLOCK, BUILD + 30 * DAY);
    offer(BUILD + DAY - 3601);
    expect(ACME_ERR_NO_CLOCK, BUILD + 30 * DAY);
    offer(BUILD + DAY + 3600);
    expect(ACME_OK, wall);
    offer(BUILD + DAY - 3600);
    expect(ACME_OK, wall);
    wall = BUILD - DAY; /* a build machine's clock can be ahead */
    offer(BUILD - DAY);
    expect(ACME_OK, wall);
}

/* What a certificate says is reason to ask the CA, and proves nothing. */
static void test_not_before(void **state)
{
    (void)state;
    acme_clock_raise_born(&c, BUILD + 3000 * DAY);
    acme_clock_raise_born(&c, BUILD + 2000 * DAY);
    expect(ACME_ERR_NO_CLOCK, BUILD + 3000 * DAY);
    assert_false(is_past(0, BUILD));
    assert_int_equal(acme_clock_floor(&c), BUILD);
    wall = BUILD + DAY;
    expect(ACME_ERR_NO_CLOCK, BUILD + 3000 * DAY);
    offer(BUILD + 2 * DAY);
    expect(ACME_OK, BUILD + 2 * DAY);
    wall = BUILD + 2 * DAY - 5;
    expect(ACME_OK, wall);
    assert_true(acme_clock_weigh(&c, LEAP)); /* they agree: it is no reason any more */
    acme_clock_forget_told(&c);
    expect(ACME_OK, wall);
}

static void test_policies(void **state)
{
    (void)state;
    wall = BUILD + 1000 * DAY;
    c.policy = ACME_CLOCK_CA; /* the wall clock is not looked at */
    expect(ACME_ERR_NO_CLOCK, BUILD);
    offer(BUILD + DAY);
    uptime += 5000;
    expect(ACME_OK, BUILD + DAY + 5);
    assert_false(acme_clock_disagrees(&c));
    c.policy = ACME_CLOCK_WALL;
    expect(ACME_OK, wall);
    assert_false(acme_clock_disagrees(&c));
    c.policy = ACME_CLOCK_AGREE;
    assert_true(acme_clock_disagrees(&c));
    wall = BUILD + DAY + 5 + 3600;
    assert_false(acme_clock_disagrees(&c));
    wall = BUILD + DAY + 5 - 3600;
    assert_false(acme_clock_disagrees(&c));
    wall--;
    assert_true(acme_clock_disagrees(&c));
    wall += 7202;
    assert_true(acme_clock_disagrees(&c));
    wall = NONE;
    assert_true(acme_clock_disagrees(&c));
    wall = BUILD;
    acme_clock_forget_told(&c);
    assert_true(acme_clock_disagrees(&c));
}

/* ---- what the floor becomes ---- */

static void test_the_ca_alone_moves_it_by_a_leap(void **state)
{
    (void)state;
    assert_true(job(BUILD + LEAP + 60));
    assert_int_equal(acme_clock_floor(&c), BUILD + LEAP);
    assert_false(acme_clock_weigh(&c, LEAP)); /* one answer, once */
    assert_int_equal(acme_clock_floor(&c), BUILD + LEAP);
    uptime += 1000 * DAY - 1000; /* not a day yet */
    assert_true(job(BUILD + 2000 * DAY));
    assert_int_equal(acme_clock_floor(&c), BUILD + LEAP + DAY - 1);
    uptime += 1000;
    assert_true(job(BUILD + 2000 * DAY));
    assert_int_equal(acme_clock_floor(&c), BUILD + 2 * LEAP + DAY);
    acme_clock_raise_floor(&c, BUILD + 3 * LEAP + DAY);
    assert_true(job(BUILD + DAY)); /* and back */
    assert_int_equal(acme_clock_floor(&c), BUILD + 2 * LEAP + DAY);
    assert_true(job(BUILD + DAY));
    assert_true(job(BUILD + DAY));
    assert_int_equal(acme_clock_floor(&c), BUILD + DAY);
    assert_true(job(BUILD + DAY - 3540)); /* that is no contradiction */
    assert_int_equal(acme_clock_floor(&c), BUILD + DAY);
    assert_true(job(BUILD + DAY - 3541));
    assert_int_equal(acme_clock_floor(&c), BUILD + DAY - 3601);
    assert_true(job(BUILD - 2 * DAY)); /* never below the build time */
    assert_int_equal(acme_clock_floor(&c), BUILD);
}

static void test_two_who_agree_move_it_at_once(void **state)
{
    (void)state;
    wall = BUILD + 900 * DAY;
    assert_true(job(wall + 100));
    assert_int_equal(acme_clock_floor(&c), wall);
    assert_true(job(wall + 30));
    assert_int_equal(acme_clock_floor(&c), wall - 30);
    wall = BUILD + 10 * DAY; /* the floor was wrong */
    assert_true(job(wall + 60));
    assert_int_equal(acme_clock_floor(&c), wall);
    expect(ACME_OK, wall);
    wall = BUILD - 5 * DAY; /* as was the build machine's clock */
    assert_true(job(wall + 60));
    expect(ACME_OK, wall);
    assert_int_equal(acme_clock_floor(&c), BUILD);
}

static void test_two_who_disagree_do_not_move_it(void **state)
{
    (void)state;
    wall = BUILD + 10 * DAY;
    assert_false(job(wall + 3661));
    assert_int_equal(acme_clock_floor(&c), BUILD);
    assert_false(job(wall + 2000 * DAY));
    assert_int_equal(acme_clock_floor(&c), BUILD);
    assert_false(job(wall - 3601));
    assert_int_equal(acme_clock_floor(&c), BUILD);
    wall = BUILD - 1; /* a clock that is wrong for sure has no say */
    assert_true(job(BUILD + DAY));
    assert_int_equal(acme_clock_floor(&c), BUILD + DAY - 60);
    acme_clock_raise_born(&c, BUILD + 20 * DAY); /* or may be wrong */
    wall = BUILD + 15 * DAY;
    uptime += 1000 * DAY;
    assert_true(job(BUILD + 21 * DAY));
    assert_int_equal(acme_clock_floor(&c), BUILD + 2 * DAY - 60 + LEAP);
}

static void test_without_a_build_time(void **state)
{
    (void)state;
    acme_clock_init(&c, &ops, NULL, 0);
    build = 0;
    assert_false(job(BUILD)); /* one alone founds none */
    assert_true(acme_clock_floor(&c) <= LEAP);
    expect(ACME_OK, BUILD);
    wall = BUILD;
    assert_true(job(BUILD));
    assert_int_equal(acme_clock_floor(&c), BUILD - 60);
}

static void test_a_floor_that_was_stored(void **state)
{
    (void)state;
    acme_clock_raise_floor(&c, BUILD + DAY);
    acme_clock_raise_floor(&c, BUILD - DAY);
    assert_int_equal(acme_clock_floor(&c), BUILD + DAY);
    offer(BUILD + 2 * DAY);
    acme_clock_start_over(&c, BUILD);
    expect(ACME_ERR_NO_CLOCK, BUILD);
    assert_int_equal(acme_clock_floor(&c), BUILD);
}

/* ---- what has ended ---- */

static void test_what_is_past(void **state)
{
    (void)state;
    assert_false(is_past(0, BUILD));
    assert_true(is_past(0, BUILD - 1));
    wall = BUILD - 100; /* contests the floor, where the certificate says the same */
    assert_false(is_past(BUILD - 100, BUILD - 1));
    assert_false(is_past(BUILD - DAY, BUILD - 100));
    assert_true(is_past(BUILD - 99, BUILD - 1));
    assert_true(is_past(BUILD - DAY, BUILD - 101));
    c.policy = ACME_CLOCK_CA;
    assert_true(is_past(BUILD - 100, BUILD - 1));
}

static void test_doubt(void **state)
{
    (void)state;
    acme_clock_raise_floor(&c, BUILD + 2000 * DAY);
    offer(BUILD + 2001 * DAY);
    assert_true(acme_clock_doubt(&c, DAY));
    expect(ACME_ERR_NO_CLOCK, BUILD + 1999 * DAY);
    assert_true(acme_clock_doubt(&c, 2 * DAY));
    assert_int_equal(acme_clock_floor(&c), BUILD + 1997 * DAY);
    acme_clock_raise_born(&c, BUILD + 1995 * DAY); /* this is not doubted with it */
    assert_true(acme_clock_doubt(&c, UINT32_MAX));
    assert_int_equal(acme_clock_floor(&c), BUILD + 1995 * DAY);
    wall = BUILD + 3000 * DAY; /* it is the wall clock that says that it is over */
    assert_false(acme_clock_doubt(&c, DAY));
}

static void test_doubt_ends_at_the_build_time(void **state)
{
    (void)state;
    acme_clock_raise_floor(&c, BUILD + 3000 * DAY);
    acme_clock_raise_born(&c, BUILD + 5000 * DAY); /* by which nothing is past */
    assert_true(acme_clock_doubt(&c, UINT32_MAX));
    acme_clock_raise_floor(&c, BUILD);
    assert_int_equal(acme_clock_floor(&c), BUILD);
}

/* Uptime and wall clock tick at different instants: what was born in this very second is no reason
 * to doubt a clock that is right. */
static void test_parts_of_a_second(void **state)
{
    uint64_t up, part, on;

    (void)state;
    for (up = 7000; up < 8000; up += 100) {
        for (part = 0; part < 1000; part += 100) { /* of the wall clock's second */
            for (on = 0; on < 2000; on += 100) {
                uptime = up;
                wall = BUILD + DAY;
                acme_clock_init(&c, &ops, NULL, BUILD);
                acme_clock_raise_born(&c, wall);
                acme_clock_raise_floor(&c, wall);
                uptime = up + on;
                wall += (int64_t)((part + on) / 1000u);
                expect(ACME_OK, wall);
                uptime += 3000; /* and a clock that stood still meanwhile is not believed */
                expect(ACME_ERR_NO_CLOCK, acme_clock_floor(&c));
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_nobody_knows, set_up),
        cmocka_unit_test_setup(test_wall_clock, set_up),
        cmocka_unit_test_setup(test_the_ca_tells, set_up),
        cmocka_unit_test_setup(test_a_date_is_within_the_chain, set_up),
        cmocka_unit_test_setup(test_a_wall_clock_below_needs_the_ca, set_up),
        cmocka_unit_test_setup(test_not_before, set_up),
        cmocka_unit_test_setup(test_policies, set_up),
        cmocka_unit_test_setup(test_the_ca_alone_moves_it_by_a_leap, set_up),
        cmocka_unit_test_setup(test_two_who_agree_move_it_at_once, set_up),
        cmocka_unit_test_setup(test_two_who_disagree_do_not_move_it, set_up),
        cmocka_unit_test_setup(test_without_a_build_time, set_up),
        cmocka_unit_test_setup(test_a_floor_that_was_stored, set_up),
        cmocka_unit_test_setup(test_what_is_past, set_up),
        cmocka_unit_test_setup(test_doubt, set_up),
        cmocka_unit_test_setup(test_doubt_ends_at_the_build_time, set_up),
        cmocka_unit_test(test_parts_of_a_second),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
