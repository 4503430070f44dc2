/*
 * Pauses that the CA asks for: never less than it says, be they hours or days, with resets in
 * between, on a device that has a clock and on one that has none; and never more requests than
 * those that are told to come.
 */
#include "device.h"

#include <stdio.h>

#include "client/state.h"

#define DAY_S 86400

/* Each reply of a route asks for this pause. */
static void ask(enum ca_sim_route route, const char *retry_after)
{
    static char puts[SIM_EDITS_MAX][96];
    char *put = puts[edits.count];

    assert_true((size_t)snprintf(put, sizeof(puts[0]),
                                 "\r\nRetry-After: %s\r\nDate:", retry_after) < sizeof(puts[0]));
    sim_edits_add(&edits, route, "\r\nDate:", put);
}

/* ---- in a job ---- */

static void poll_for(const char *retry_after, uint32_t most)
{
    uint64_t since;

    w.ca->options.issue_ms = 40000;
    device_boot();
    ask(CA_SIM_ORDER, retry_after);
    ask(CA_SIM_FINALIZE, retry_after);
    since = w.clock.now_ms;
    assert_int_equal(device_run(), ACME_OK);
    assert_true(device_asked(CA_SIM_ORDER) <= most);
    assert_true(w.clock.now_ms - since >= 40000);
    assert_int_equal(device_asked(CA_SIM_NEW_ORDER), 1);
}

static void test_at_once_is_a_second(void **state)
{
    (void)state;
    poll_for("0", 45);
}

static void test_a_date_that_is_past_is_a_second(void **state)
{
    (void)state;
    poll_for("Thu, 01 Jan 2015 00:00:00 GMT", 45);
}

/* A CA that asks for nothing sees a poll in three seconds. */
static void test_the_default_is_three_seconds(void **state)
{
    (void)state;
    w.ca->options.issue_ms = 40000;
    device_boot();
    assert_int_equal(device_run(), ACME_OK);
    assert_in_range(device_asked(CA_SIM_ORDER), 10, 18);
}

static void test_minutes_are_waited_for(void **state)
{
    (void)state;
    poll_for("20", 4);
}

static void test_authorizations_at_once(void **state)
{
    uint64_t since;

    (void)state;
    w.ca->options.validate_ms = 40000;
    device_boot();
    ask(CA_SIM_AUTHORIZATION, "0");
    ask(CA_SIM_CHALLENGE, "0");
    since = w.clock.now_ms;
    assert_int_equal(device_run(), ACME_OK);
    assert_true(device_asked(CA_SIM_AUTHORIZATION) <= 45);
    assert_true(w.clock.now_ms - since >= 40000);
}

/* The CA comes when it likes: while it is told to wait, the device answers. */
static void test_answers_while_it_waits(void **state)
{
    (void)state;
    w.ca->options.validate_ms = 1200000;
    device_boot();
    ask(CA_SIM_AUTHORIZATION, "1800");
    ask(CA_SIM_CHALLENGE, "1800");
    assert_int_equal(device_run(), ACME_OK);
    assert_true(device_has_cert(0));
    assert_true(device_asked(CA_SIM_AUTHORIZATION) <= 3);
}

/* A step that is tried again after the CA's trouble keeps a second, too. */
static void test_trouble_at_once(void **state)
{
    uint64_t since;

    (void)state;
    device_boot();
    sim_edits_add(&edits, CA_SIM_NEW_ORDER, NULL,
                  "HTTP/1.1 503 X\r\nRetry-After: 0\r\nContent-Type: text/plain\r\n\r\n");
    since = w.clock.now_ms;
    assert_int_equal(device_run(), ACME_ERR_SERVER);
    assert_true(w.clock.now_ms - since >= 3000);
    assert_true(device_asked(CA_SIM_NEW_ORDER) <= 5);
}

/* ---- too long for a job ---- */

/* The order is polled when that was asked for, with a reset in each quarter of the pause. */
static void long_poll(const char *retry_after, int64_t seconds)
{
    uint32_t i, asked;

    w.ca->options.issue_ms = 3000;
    device_boot();
    ask(CA_SIM_ORDER, retry_after);
    ask(CA_SIM_FINALIZE, retry_after);
    assert_int_equal(device_run(), ACME_ERR_POLL_LIMIT);
    assert_int_equal(device_asked(CA_SIM_NEW_ORDER), 1);
    asked = device_asked(CA_SIM_ORDER) + device_asked(CA_SIM_FINALIZE);
    for (i = 0; i < 4; i++) {
        assert_int_equal(device_finish(acme_start_due(w.client)), ACME_OK);
        sim_world_halt(&w);
        sim_world_sleep(&w, (uint64_t)(seconds - 120) * 250u);
        device_boot();
    }
    assert_int_equal(device_asked(CA_SIM_ORDER) + device_asked(CA_SIM_FINALIZE), asked);
    assert_false(device_has_cert(0));
    device_forget();
    sim_world_sleep(&w, (uint64_t)seconds * 1000u / 8u + 240000u);
    assert_int_equal(device_finish(acme_start_due(w.client)), ACME_OK);
    assert_true(device_has_cert(0));
    assert_int_equal(device_asked(CA_SIM_NEW_ORDER), 0);
    assert_int_equal(device_asked(CA_SIM_FINALIZE), 0);
}

static void test_an_hour(void **state)
{
    (void)state;
    long_poll("3600", 3600);
}

static void test_a_day(void **state)
{
    (void)state;
    long_poll("86400", DAY_S);
}

static void test_a_date_three_days_ahead(void **state)
{
    (void)state;
    long_poll("Sun, 04 Jan 2026 00:00:00 GMT", 3 * DAY_S);
}

static void test_a_day_without_a_clock(void **state)
{
    (void)state;
    w.clock.unknown = true;
    long_poll("86400", DAY_S);
}

/* Beyond the week. */
static void test_ten_days(void **state)
{
    (void)state;
    device_boot();
    device_fault(CA_SIM_NEW_ORDER, 503, NULL, 1);
    w.ca->faults[0].retry_after_s = 10 * DAY_S;
    assert_int_equal(device_run(), ACME_ERR_SERVER);
    assert_in_range(acme_next_wakeup_s(w.client), 10 * DAY_S - 60, 12 * DAY_S);
}

/* One answer, be it wrong, does not take the certificate away. */
static void test_no_answer_outlasts_the_certificate(void **state)
{
    (void)state;
    w.ca->options.lifetime_s = 30 * DAY_S;
    device_boot();
    assert_int_equal(device_run(), ACME_OK);
    sim_world_sleep(&w, 24ull * DAY_S * 1000u); /* six days are left */
    device_fault(CA_SIM_NEW_ORDER, 503, NULL, 1);
    w.ca->faults[0].retry_after_s = 20 * DAY_S;
    assert_int_equal(device_finish(acme_start_due(w.client)), ACME_ERR_SERVER);
    assert_in_range(acme_next_wakeup_s(w.client), 2 * DAY_S, 4 * DAY_S);
}

/* ---- resets, without a clock ---- */

static void begin_pause(uint32_t seconds)
{
    w.clock.unknown = true;
    sim_world_sleep(&w, DAY_S * 1000ull); /* which the floor knows nothing of */
    device_boot();
    device_fault(CA_SIM_NEW_ORDER, 429, "rateLimited", 1);
    w.ca->faults[0].retry_after_s = seconds;
    assert_int_equal(device_run(), ACME_ERR_RATE_LIMITED);
    device_forget();
}

static void test_resets_within_three_days(void **state)
{
    uint32_t i;

    (void)state;
    begin_pause(3 * DAY_S);
    for (i = 0; i < 5; i++) {
        sim_world_halt(&w);
        sim_world_sleep(&w, 6ull * 3600u * 1000u);
        device_boot();
        assert_int_equal(acme_next_wakeup_s(w.client), 0); /* the CA is to tell the time */
        assert_int_equal(device_finish(acme_start_due(w.client)), ACME_OK);
        assert_true(acme_next_wakeup_s(w.client) > DAY_S);
        assert_int_equal(device_asked(CA_SIM_DIRECTORY_GET), i + 1);
    }
    assert_int_equal(device_asked(CA_SIM_NEW_NONCE), 0);
    assert_int_equal(device_asked(CA_SIM_NEW_ORDER), 0);
    sim_world_halt(&w);
    sim_world_sleep(&w, 3ull * DAY_S * 1000u);
    device_boot();
    assert_int_equal(device_finish(acme_start_due(w.client)), ACME_OK);
    assert_true(device_has_cert(0));
}

/* The pause of a newAccount, which comes before any certificate is chosen. */
static void test_an_account_is_not_asked_for_too_early(void **state)
{
    uint32_t i;

    (void)state;
    w.clock.unknown = true;
    sim_world_sleep(&w, DAY_S * 1000ull); /* which the floor knows nothing of */
    device_boot();
    device_fault(CA_SIM_NEW_ACCOUNT, 429, "rateLimited", 1);
    w.ca->faults[0].retry_after_s = 2 * DAY_S;
    assert_int_equal(device_run(), ACME_ERR_RATE_LIMITED);
    device_forget();
    for (i = 0; i < 5; i++) {
        device_reboot();
        assert_int_equal(device_finish(acme_start_due(w.client)), ACME_OK);
    }
    assert_int_equal(device_asked(CA_SIM_NEW_ACCOUNT), 0);
    assert_int_equal(device_asked(CA_SIM_NEW_ORDER), 0);
}

/* A network that is out at each start neither shortens the pause nor is tried in circles. */
static void test_resets_without_a_network(void **state)
{
    uint32_t i;

    (void)state;
    begin_pause(3 * DAY_S);
    for (i = 0; i < 5; i++) {
        device_reboot();
        w.net.outage_from_ms = w.clock.now_ms;
        w.net.outage_until_ms = w.clock.now_ms + 3600000u;
        assert_int_not_equal(device_finish(acme_start_due(w.client)), ACME_OK);
        assert_in_range(acme_next_wakeup_s(w.client), 15, DAY_S);
        assert_int_equal(device_finish(acme_start_due(w.client)), ACME_OK); /* not yet */
        sim_world_sleep(&w, 3600000u);
    }
    sim_world_sleep(&w, acme_next_wakeup_s(w.client) * 1000ull);
    assert_int_equal(acme_next_wakeup_s(w.client), 0);
    assert_int_equal(device_finish(acme_start_due(w.client)), ACME_OK);
    assert_int_equal(device_asked(CA_SIM_NEW_ORDER), 0);
    assert_true(acme_next_wakeup_s(w.client) > DAY_S);
}

static void hide_dates(void)
{
    static const enum ca_sim_route routes[] = {CA_SIM_DIRECTORY_GET, CA_SIM_NEW_NONCE,
                                               CA_SIM_NEW_ACCOUNT,   CA_SIM_ACCOUNT,
                                               CA_SIM_NEW_ORDER,     CA_SIM_ORDER};
    size_t i;

    for (i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        sim_edits_add(&edits, routes[i], "\r\nDate:", "\r\nX-Date:");
    }
}

/* Where nobody ever tells the time, the pause runs by the uptime. */
static void test_nobody_tells_the_time(void **state)
{
    uint32_t pause_s;

    (void)state;
    begin_pause(3 * DAY_S);
    hide_dates();
    device_reboot();
    assert_int_equal(device_finish(acme_start_due(w.client)), ACME_OK);
    assert_int_equal(device_asked(CA_SIM_NEW_ORDER), 0);
    pause_s = acme_next_wakeup_s(w.client);
    assert_in_range(pause_s, DAY_S, 4 * DAY_S);
    sim_world_sleep(&w, (pause_s - 60) * 1000ull);
    assert_int_equal(device_finish(acme_start_due(w.client)), ACME_OK);
    assert_int_equal(device_asked(CA_SIM_NEW_ORDER), 0);
    sim_world_sleep(&w, 61000);
    assert_int_equal(acme_next_wakeup_s(w.client), 0);
    (void)device_finish(acme_start_due(w.client));
    assert_int_equal(device_asked(CA_SIM_NEW_ORDER), 1);
}

/* And a device that is reset over and over comes to its end. */
static void test_nobody_tells_the_time_to_one_that_is_reset(void **state)
{
    uint32_t resets = 0;

    (void)state;
    begin_pause(3 * DAY_S);
    while (device_asked(CA_SIM_NEW_ORDER) == 0) {
        resets++;
        assert_true(resets <= 25);
        device_forget();
        hide_dates();
        device_reboot();
        (void)device_finish(acme_start_due(w.client));
    }
    assert_true(resets >= 8);
}

/* ---- every job looks ---- */

static void test_a_look_in_each_job_is_no_reason_for_one(void **state)
{
    (void)state;
    sim_world_halt(&w);
    w.config.look_now = true;
    device_boot();
    sim_world_sleep(&w, 300000u);
    assert_true(acme_next_wakeup_s(w.client) > 3600);
    assert_int_equal(device_run(), ACME_OK);
    assert_int_equal(device_asked(CA_SIM_RENEWAL_INFO), 1);
    assert_true(acme_next_wakeup_s(w.client) > 3600);
    assert_int_equal(device_finish(acme_start_due(w.client)), ACME_OK);
    assert_int_equal(device_asked(CA_SIM_RENEWAL_INFO), 2);
    sim_world_sleep(&w, acme_next_wakeup_s(w.client) * 1000ull);
    assert_int_equal(acme_next_wakeup_s(w.client), 0);
    assert_int_equal(device_finish(acme_start_due(w.client)), ACME_OK);
    assert_true(acme_next_wakeup_s(w.client) > 0);
}

/* ---- orders that were finalized and given up ---- */

/* Whoever gives up each certificate orders at most so many in a month, resets or not. */
static void test_burnt_orders_are_few(void **state)
{
    uint32_t hour, orders = 0;

    (void)state;
    device_boot();
    for (hour = 0; hour < 30 * 24; hour++) {
        struct acme_client *c = w.client;

        if (acme_schedule_may_order(c, &c->slots[0])) {
            acme_schedule_ordered(c, &c->slots[0]);
            acme_schedule_burnt(c, &c->slots[0]);
            orders++;
        }
        sim_world_sleep(&w, 3600000u);
        if (hour % 5 == 0) {
            device_reboot();
        }
    }
    assert_in_range(orders, 3, 6);
    {
        struct acme_client *c = w.client;
        struct acme_slot *s = &c->slots[0];

        assert_true(s->schedule.burnt == orders);
        s->schedule.burnt = UINT8_MAX;
        acme_schedule_burnt(c, s);
        assert_int_equal(s->schedule.burnt, UINT8_MAX);
        assert_true(acme_schedule_order_time(s) == s->schedule.ordered_s + 16 * DAY_S);
        w.config.build_time_s = 0;
    }
}

static void test_an_installation_forgets_the_burnt(void **state)
{
    struct acme_client *c;

    (void)state;
    device_boot();
    c = w.client;
    acme_schedule_ordered(c, &c->slots[0]);
    acme_schedule_burnt(c, &c->slots[0]);
    assert_false(acme_schedule_may_order(c, &c->slots[0]));
    w.clock.skew_s = 2 * DAY_S - 60;
    assert_false(acme_schedule_may_order(c, &c->slots[0]));
    w.clock.skew_s = 2 * DAY_S + 1;
    assert_true(acme_schedule_may_order(c, &c->slots[0]));
    w.clock.skew_s = 0;
    acme_schedule_installed(c, &c->slots[0]);
    assert_true(acme_schedule_may_order(c, &c->slots[0]));
    assert_true(acme_schedule_order_time(&c->slots[0]) == 0);
    sim_world_halt(&w);
    w.clock.unknown = true;
    device_boot();
    c = w.client;
    acme_schedule_burnt(c, &c->slots[0]);
    assert_true(acme_schedule_may_order(c, &c->slots[0])); /* nobody knows the time */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DEVICE_TEST(test_at_once_is_a_second),
        DEVICE_TEST(test_a_date_that_is_past_is_a_second),
        DEVICE_TEST(test_the_default_is_three_seconds),
        DEVICE_TEST(test_minutes_are_waited_for),
        DEVICE_TEST(test_authorizations_at_once),
        DEVICE_TEST(test_answers_while_it_waits),
        DEVICE_TEST(test_trouble_at_once),
        DEVICE_TEST(test_an_hour),
        DEVICE_TEST(test_a_day),
        DEVICE_TEST(test_a_date_three_days_ahead),
        DEVICE_TEST(test_a_day_without_a_clock),
        DEVICE_TEST(test_ten_days),
        DEVICE_TEST(test_no_answer_outlasts_the_certificate),
        DEVICE_TEST(test_resets_within_three_days),
        DEVICE_TEST(test_an_account_is_not_asked_for_too_early),
        DEVICE_TEST(test_resets_without_a_network),
        DEVICE_TEST(test_nobody_tells_the_time),
        DEVICE_TEST(test_nobody_tells_the_time_to_one_that_is_reset),
        DEVICE_TEST_ISSUED(test_a_look_in_each_job_is_no_reason_for_one),
        DEVICE_TEST(test_burnt_orders_are_few),
        DEVICE_TEST(test_an_installation_forgets_the_burnt),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
