/*
 * Time that is poisoned, with the real TLS at both ends: a CA whose own certificate lives 90 days,
 * from 30 days ago to 60 days from now, and which tells a wrong Date, or makes certificates with
 * wrong dates, and is honest afterwards. The device must come back, and nothing that was said once
 * may shut it out later.
 */
#include "device.h"

#include "client/state.h"
#include "sim_tls.h"

#define DAY_S INT64_C(86400)

static char logged[128];
static uint32_t sunk; /* how often the log has said that the floor sinks */

static void write_log(void *ctx, enum acme_log_level level, const char *line)
{
    (void)ctx;
    (void)level;
    if (strstr(line, "floor sinks") != NULL) {
        sunk++;
        (void)strncpy(logged, line, sizeof(logged) - 1);
    }
}

static const struct acme_log_ops log_ops = {write_log};

static int set_up(void **state)
{
    w.transport = sim_tls_transport;
    (void)device_set_up(state);
    w.port.log = &log_ops;
    w.ca->options.https_life_s = 90 * DAY_S;
    w.ca->options.https_age_s = 30 * DAY_S;
    w.ca->options.https_left_s = 0; /* it is renewed at the last moment */
    w.ca->options.ari_retry_after_s = 86400;
    sunk = 0;
    return 0;
}

static int tear_down(void **state)
{
    w.transport = NULL;
    return device_tear_down(state);
}

static void pass_days(uint64_t count)
{
    w.clock.now_ms += count * (uint64_t)DAY_S * 1000u;
}

/* A job that asks the CA, be there anything to do or not. */
static int32_t ask(void)
{
    return device_finish(acme_account_start(w.client));
}

static int64_t stored_floor(void)
{
    struct acme_client *c = w.client;
    int64_t floor_s = 0;

    assert_int_equal(acme_store_read_floor(&c->log, &floor_s), ACME_OK);
    return floor_s;
}

static int64_t true_s(void)
{
    return sim_clock_true_s(&w.clock);
}

/* Issued, and then one job in which the CA's Date is wrong by so much. */
static void lie_once(int64_t days)
{
    device_boot();
    assert_int_equal(device_run(), ACME_OK);
    pass_days(1);
    w.ca->options.date_skew_s = days * DAY_S;
    assert_int_equal(ask(), ACME_OK);
    w.ca->options.date_skew_s = 0;
}

/* So many honest days with a job each; a reboot in the middle, and one at the end. */
static void honest_days(uint32_t count)
{
    uint32_t i;

    for (i = 0; i < count; i++) {
        pass_days(1);
        if (i == count / 2) {
            device_reboot();
        }
        assert_int_equal(ask(), ACME_OK);
        assert_int_equal(device_finish(acme_start_due(w.client)), ACME_OK);
    }
    device_reboot();
    assert_int_equal(ask(), ACME_OK);
    assert_true(device_has_cert(0));
}

/* ---- a right wall clock ---- */

static void test_years_ahead(void **state)
{
    (void)state;
    lie_once(2000);
    honest_days(10);
    assert_true(stored_floor() <= true_s());
    honest_days(110); /* over two renewals of the server's certificate */
    assert_true(stored_floor() > true_s() - 8 * DAY_S && stored_floor() <= true_s());
}

static void test_a_hundred_days_ahead(void **state)
{
    (void)state;
    lie_once(100);
    honest_days(70);
    assert_true(stored_floor() <= true_s());
}

/* As far as the chain lets it. */
static void test_fifty_days_ahead(void **state)
{
    (void)state;
    lie_once(50);
    assert_true(stored_floor() <= true_s());
    honest_days(70);
    assert_true(stored_floor() <= true_s());
}

static void test_clocks_that_must_agree(void **state)
{
    (void)state;
    w.config.clock_policy = ACME_CLOCK_AGREE;
    lie_once(2000);
    pass_days(1);
    w.ca->options.date_skew_s = 50 * DAY_S;
    assert_int_equal(ask(), ACME_OK);
    w.ca->options.date_skew_s = 0;
    honest_days(70);
    assert_true(stored_floor() <= true_s());
}

static void test_a_proxy_that_lies(void **state)
{
    (void)state;
    device_boot();
    assert_int_equal(device_run(), ACME_OK);
    pass_days(1);
    device_fault(CA_SIM_DIRECTORY_GET, 503, NULL, 50);
    w.ca->options.date_skew_s = 50 * DAY_S;
    assert_int_not_equal(ask(), ACME_OK);
    w.clock.unknown = true;
    assert_int_not_equal(ask(), ACME_OK);
    assert_true(stored_floor() <= true_s() + 8 * DAY_S);
    w.ca->options.date_skew_s = 0;
    memset(w.ca->faults, 0, sizeof(w.ca->faults));
    honest_days(70);
    assert_true(stored_floor() <= true_s());
}

/* Ahead of all: an earlier version wrote such floors, and a store can be damaged. */
static void floor_ahead(int64_t days)
{
    struct acme_client *c;

    device_boot();
    assert_int_equal(device_run(), ACME_OK);
    c = w.client;
    assert_int_equal(acme_store_write_floor(&c->log, true_s() + days * DAY_S), ACME_OK);
    device_reboot();
}

static void test_wall_clock_and_ca_outweigh_the_floor(void **state)
{
    (void)state;
    floor_ahead(2000);
    assert_int_equal(ask(), ACME_OK);
    assert_int_equal(sunk, 1);
    assert_non_null(strstr(logged, "2000"));
    assert_true(stored_floor() <= true_s());
    honest_days(10);
    assert_int_equal(sunk, 1);
}

static void test_a_dead_clock_and_a_floor_ahead(void **state)
{
    int32_t rc = ACME_ERR_STATE;
    uint32_t jobs;

    (void)state;
    w.clock.unknown = true;
    floor_ahead(2000);
    for (jobs = 0; jobs < 12 && rc != ACME_OK; jobs++) { /* each doubts twice as much */
        rc = ask();
        assert_true(rc == ACME_OK || rc == ACME_ERR_TLS_DATES);
    }
    assert_int_equal(rc, ACME_OK);
    assert_true(sunk > 0);
    honest_days(10);
    assert_true(stored_floor() <= true_s());
}

static void test_reset(void **state)
{
    (void)state;
    w.clock.unknown = true;
    floor_ahead(2000);
    assert_int_equal(ask(), ACME_ERR_TLS_DATES);
    assert_int_equal(acme_start(w.client), ACME_OK);
    assert_int_equal(acme_clock_reset(w.client), ACME_ERR_STATE);
    (void)sim_world_drive(&w);
    assert_int_equal(acme_clock_reset(w.client), ACME_OK);
    assert_int_equal(ask(), ACME_OK);
    assert_int_equal(acme_clock_reset(w.client), ACME_OK);
    device_reboot();
    assert_int_equal(ask(), ACME_OK);
    honest_days(10);
}

/* ---- no clock at all ---- */

static void test_no_clock_and_one_lie(void **state)
{
    (void)state;
    w.clock.unknown = true;
    lie_once(50);
    assert_true(stored_floor() <= true_s() + 8 * DAY_S);
    pass_days(1);
    assert_int_equal(ask(), ACME_OK);
    assert_true(stored_floor() <= true_s());
    honest_days(130);
    assert_true(stored_floor() > true_s() - 8 * DAY_S && stored_floor() <= true_s());
}

static void test_no_clock_and_the_past(void **state)
{
    (void)state;
    w.clock.unknown = true;
    lie_once(-25);
    honest_days(70);
    sim_world_halt(&w);
    lie_once(-2000);
    honest_days(70);
}

/* The lie is what the running device goes by, until it finds the CA's chain out of date. */
static void test_no_clock_and_no_other_answer(void **state)
{
    uint32_t jobs;
    int32_t rc;

    (void)state;
    w.clock.unknown = true;
    lie_once(50);
    pass_days(20); /* by the lie the chain has ended 10 days ago */
    rc = ask();
    assert_int_equal(rc, ACME_ERR_TLS_DATES);
    for (jobs = 0; jobs < 3 && rc != ACME_OK; jobs++) {
        rc = ask();
    }
    assert_int_equal(rc, ACME_OK);
    honest_days(10);
}

/* For weeks, each day anew. */
static void test_no_clock_and_many_lies(void **state)
{
    uint32_t i, failed = 0;

    (void)state;
    w.clock.unknown = true;
    lie_once(55);
    w.ca->options.date_skew_s = 45 * DAY_S;
    for (i = 0; i < 14; i++) {
        pass_days(1);
        device_reboot();
        assert_int_equal(ask(), ACME_OK);
    }
    w.ca->options.date_skew_s = 0;
    for (i = 0; i < 60; i++) {
        pass_days(1);
        failed += ask() != ACME_OK ? 1u : 0u;
    }
    assert_in_range(failed, 0, 3);
    honest_days(10);
    assert_true(stored_floor() <= true_s());
}

/* ---- a CA that makes certificates for another time ---- */

static struct acme_cert_status status(void)
{
    struct acme_cert_status s;

    assert_int_equal(acme_cert_get_status(w.client, 0, &s), ACME_OK);
    return s;
}

/* Days go by, with what is due each day, until the certificate is good now. */
static uint32_t days_until_good(uint32_t most)
{
    uint32_t i;

    for (i = 0; i < most; i++) {
        if (status().stored && status().not_before_s <= true_s()) {
            return i;
        }
        pass_days(1);
        (void)device_finish(acme_start_due(w.client));
    }
    return i;
}

static void test_born_in_ten_years(void **state)
{
    (void)state;
    w.ca->options.birth_skew_s = 3650 * DAY_S; /* a private CA with a dead clock */
    device_boot();
    assert_int_equal(device_run(), ACME_ERR_CERT_DATES);
    assert_int_equal(device_run(), ACME_ERR_ORDER_PAUSE);
    w.ca->options.birth_skew_s = 0;
    assert_in_range(days_until_good(20), 0, 12);
    honest_days(70);
    assert_true(stored_floor() <= true_s());
}

static void test_no_clock_and_born_in_ten_years(void **state)
{
    (void)state;
    w.clock.unknown = true;
    w.ca->options.birth_skew_s = 3650 * DAY_S;
    w.ca->options.date_skew_s = 3650 * DAY_S; /* outside its own chain: says nothing */
    device_boot();
    assert_int_equal(device_run(), ACME_OK);
    assert_true(status().not_before_s > true_s() + 3600 * DAY_S);
    device_reboot();
    w.ca->options.birth_skew_s = w.ca->options.date_skew_s = 0;
    assert_in_range(days_until_good(20), 0, 2);
    honest_days(70);
    assert_true(stored_floor() <= true_s());
    assert_in_range(w.ca->orders_count, 2, 4);
}

/* Its own server's certificate is good for 60 years: nothing bounds its Date but the leap. */
static void test_a_private_ca_with_a_dead_clock(void **state)
{
    uint32_t i;

    (void)state;
    w.ca->options.https_life_s = 0;
    w.clock.unknown = true;
    w.ca->options.birth_skew_s = w.ca->options.date_skew_s = 3650 * DAY_S;
    device_boot();
    assert_int_equal(device_run(), ACME_OK);
    for (i = 0; i < 10; i++) {
        pass_days(1);
        assert_int_equal(ask(), ACME_OK);
    }
    assert_true(stored_floor() <= true_s() + 11 * 8 * DAY_S);
    w.ca->options.birth_skew_s = w.ca->options.date_skew_s = 0;
    w.ca->options.https_life_s = 90 * DAY_S; /* mended, all of it */
    assert_in_range(days_until_good(30), 0, 12);
    honest_days(70);
    assert_true(stored_floor() <= true_s());
}

/* The wall clock is five days late when the certificate is renewed: what the CA makes is born in
 * five days, by that clock. It is waited for, since the present one lasts longer; none is ordered
 * beside. */
static void test_a_clock_that_is_days_late(void **state)
{
    uint32_t orders, i;
    int64_t first;

    (void)state;
    device_boot();
    assert_int_equal(device_run(), ACME_OK);
    first = status().not_after_s;
    orders = w.ca->orders_count;
    w.clock.skew_s = -5 * DAY_S;
    for (i = 0; status().not_after_s == first; i++) {
        assert_true(true_s() < first);
        pass_days(1);
        device_reboot(); /* the time floor stays where the last job has put it */
        (void)acme_start_due(w.client);
        (void)sim_world_drive(&w);
    }
    assert_int_equal(w.ca->orders_count, orders + 1);
}

int main(void)
{
#define TIME_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TIME_TEST(test_years_ahead),
        TIME_TEST(test_a_hundred_days_ahead),
        TIME_TEST(test_fifty_days_ahead),
        TIME_TEST(test_clocks_that_must_agree),
        TIME_TEST(test_a_proxy_that_lies),
        TIME_TEST(test_wall_clock_and_ca_outweigh_the_floor),
        TIME_TEST(test_a_dead_clock_and_a_floor_ahead),
        TIME_TEST(test_reset),
        TIME_TEST(test_no_clock_and_one_lie),
        TIME_TEST(test_no_clock_and_the_past),
        TIME_TEST(test_no_clock_and_no_other_answer),
        TIME_TEST(test_no_clock_and_many_lies),
        TIME_TEST(test_born_in_ten_years),
        TIME_TEST(test_no_clock_and_born_in_ten_years),
        TIME_TEST(test_a_private_ca_with_a_dead_clock),
        TIME_TEST(test_a_clock_that_is_days_late),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
