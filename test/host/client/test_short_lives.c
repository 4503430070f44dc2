/*
 * Certificates that live for a day, for minutes, for seconds: renewed in time where that can be,
 * and never so often that the flash wears out. The device only does what a firmware does: it sleeps
 * for as long as acme_next_wakeup_s says, and calls acme_start_due.
 */
#include "device.h"

#include "client/renewal.h"
#include "client/state.h"

#define HOUR_S 3600u
#define DAY_S  86400u

/* The bound of docs/store_format.md: 15 renewals in an hour, which cost half an erase each in the
 * area here, 16 sectors of 4096 bytes. */
#define ERASES(hours) ((hours)*8u + 2u)

static int set_up(void **state)
{
    const struct sim_options options = {4096, 16, 4, 5, 2, 4000};
    struct acme_config config;

    (void)device_set_up(state);
    config = w.config;
    sim_world_free(&w);
    assert_true(sim_world_init(&w, &options));
    sim_edits_begin(&edits, &w);
    config.port = w.config.port;
    config.anchors = w.config.anchors;
    w.config = config;
    w.ca->options.authorization_s = 30 * DAY_S;
    return 0;
}

static uint32_t erases(void)
{
    uint32_t i, sum = 0;

    for (i = 0; i < 16; i++) {
        sum += w.flash.erases[i];
    }
    return sum;
}

struct spent {
    uint32_t certificates, erases, jobs;
    int64_t uncovered_s; /* without a valid certificate, after the first one */
};

/* Lives for so long; with a reset each time that reset_s have passed, if that is not 0. */
static struct spent live(uint32_t seconds, uint32_t reset_s)
{
    uint64_t end = w.clock.now_ms + seconds * 1000ull, reset = w.clock.now_ms + reset_s * 1000ull;
    struct spent s = {w.ca->counters.certificates, erases(), 0, 0};
    int64_t covered_s = 0;

    while (w.clock.now_ms < end) {
        uint32_t pause_s = acme_next_wakeup_s(w.client);
        uint64_t at = w.clock.now_ms;
        struct acme_cert_status status;

        if (pause_s == 0) {
            s.jobs++;
            assert_int_equal(device_finish(acme_start_due(w.client)), ACME_OK);
            pause_s = 1;
        }
        sim_world_sleep(&w, pause_s * 1000ull);
        if (covered_s != 0) {
            int64_t from = w.ca->epoch_s + (int64_t)(at / 1000u);

            from = from > covered_s ? from : covered_s;
            s.uncovered_s +=
                sim_clock_true_s(&w.clock) > from ? sim_clock_true_s(&w.clock) - from : 0;
        }
        assert_int_equal(acme_cert_get_status(w.client, 0, &status), ACME_OK);
        covered_s = status.not_after_s;
        if (reset_s != 0 && w.clock.now_ms >= reset) {
            device_reboot();
            reset = w.clock.now_ms + reset_s * 1000ull;
        }
    }
    s.certificates = w.ca->counters.certificates - s.certificates;
    s.erases = erases() - s.erases;
    print_message("%u certificates, %u jobs, %u erases, %lld s without one\n", s.certificates,
                  s.jobs, s.erases, (long long)s.uncovered_s);
    return s;
}

static void begin(uint32_t lifetime_s, uint32_t backdate_s)
{
    w.ca->options.lifetime_s = lifetime_s + backdate_s;
    w.ca->options.backdate_s = backdate_s;
    device_boot();
}

static void test_twenty_seconds(void **state)
{
    struct spent first, later;

    (void)state;
    begin(20, 1);
    first = live(HOUR_S, 0);
    assert_in_range(first.certificates, 2, 15);
    later = live(12 * HOUR_S, 0);
    assert_in_range(later.certificates, 11, 15);
    assert_true(later.erases < ERASES(12));
}

/* The count outlives resets, and so does the pause, without a clock, too. */
static void test_twenty_seconds_and_resets(void **state)
{
    (void)state;
    begin(20, 1);
    (void)live(HOUR_S, 0);
    assert_in_range(live(6 * HOUR_S, 600).certificates, 4, 8);
    sim_world_halt(&w);
    w.clock.unknown = true;
    device_boot();
    assert_in_range(live(6 * HOUR_S, 600).certificates, 4, 8);
}

static void live_in_time(uint32_t lifetime_s, uint32_t backdate_s)
{
    struct spent s;

    begin(lifetime_s, backdate_s);
    s = live(3 * HOUR_S, 0);
    assert_int_equal(s.uncovered_s, 0);
    assert_in_range(s.certificates, 3 * HOUR_S / lifetime_s, 45);
    assert_true(s.erases < ERASES(3));
}

static void test_ten_minutes(void **state)
{
    (void)state;
    live_in_time(600, 1);
}

static void test_ten_minutes_backdated(void **state)
{
    (void)state;
    live_in_time(600, 60);
}

/* Due at birth by its dates, but good for half an hour. */
static void test_backdated_by_more_than_it_lives(void **state)
{
    (void)state;
    live_in_time(1800, 7200);
}

static void test_five_minutes(void **state)
{
    (void)state;
    live_in_time(300, 1);
}

static void test_a_day(void **state)
{
    struct spent s;

    (void)state;
    begin(DAY_S, 60);
    s = live(10 * DAY_S, 0);
    assert_int_equal(s.uncovered_s, 0);
    assert_in_range(s.certificates, 10, 25);
    assert_true(s.erases < ERASES(10));
}

/* A CA that fails with certificates of seconds is not asked in circles, either. */
static void test_failures_wear_little(void **state)
{
    uint32_t before;
    uint64_t end;

    (void)state;
    begin(20, 1);
    (void)live(HOUR_S, 0);
    before = erases();
    end = w.clock.now_ms + 6ull * HOUR_S * 1000u;
    w.ca->options.down_from_ms = w.clock.now_ms;
    w.ca->options.down_until_ms = end;
    while (w.clock.now_ms < end) {
        if (acme_next_wakeup_s(w.client) == 0) {
            (void)device_finish(acme_start_due(w.client));
        }
        sim_world_sleep(&w, acme_next_wakeup_s(w.client) * 1000ull + 1000u);
    }
    assert_true(erases() - before < ERASES(6));
}

/* What bounds a day, whatever lifetime a CA chooses. */
static void test_the_bound_is_computed(void **state)
{
    int64_t left;
    uint8_t quick;

    (void)state;
    for (left = 0; left < 100 * 86400; left = left * 5 / 4 + 7) {
        for (quick = 0; quick < 20; quick++) {
            int64_t pause = acme_renewal_calm(quick, left);

            assert_in_range(pause, ACME_RENEWAL_CALM_S, 3600);
            assert_true(left <= ACME_RENEWAL_CALM_S || pause < left);
        }
    }
    assert_int_equal(acme_renewal_calm(0, -100), 240);
    assert_int_equal(acme_renewal_calm(1, 20), 240);
    assert_int_equal(acme_renewal_calm(2, 20), 480);
    assert_int_equal(acme_renewal_calm(5, 20), 3600);
    assert_int_equal(acme_renewal_calm(255, 90 * 86400), 3600);
    assert_int_equal(acme_renewal_calm(255, 600), 300);
    assert_int_equal(acme_renewal_calm(255, 300), 240);
}

#define SHORT_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, device_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SHORT_TEST(test_the_bound_is_computed),
        SHORT_TEST(test_twenty_seconds),
        SHORT_TEST(test_twenty_seconds_and_resets),
        SHORT_TEST(test_ten_minutes),
        SHORT_TEST(test_ten_minutes_backdated),
        SHORT_TEST(test_backdated_by_more_than_it_lives),
        SHORT_TEST(test_five_minutes),
        SHORT_TEST(test_a_day),
        SHORT_TEST(test_failures_wear_little),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
