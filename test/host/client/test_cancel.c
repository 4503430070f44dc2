/*
 * acme_cancel after any number of steps of a job: the client is idle at once, nothing has failed,
 * and the next job ends what was begun, with the same account and the same order.
 */
#include "device.h"

static void cancel(void)
{
    struct acme_poll_result result;
    uint32_t errors = heard.events[ACME_EVENT_ERROR];

    assert_int_equal(acme_cancel(w.client), ACME_OK);
    assert_int_equal(acme_poll(w.client, &result), ACME_WANT_IDLE);
    assert_int_equal(result.error, ACME_OK);
    assert_int_equal(heard.events[ACME_EVENT_ERROR], errors);
}

/* False: the job has ended before. */
static bool poll_for(uint32_t polls)
{
    struct acme_poll_result result;

    while (polls-- > 0) {
        if (acme_poll(w.client, &result) == ACME_WANT_IDLE) {
            return false;
        }
        ca_sim_tick(w.ca, w.clock.now_ms);
        w.clock.now_ms += 10;
    }
    return true;
}

static void test_an_idle_client(void **state)
{
    (void)state;
    device_boot();
    cancel();
    cancel();
    assert_int_equal(device_run(), ACME_OK);
    cancel();
    assert_true(device_has_cert(0));
}

static void test_after_any_number_of_steps(void **state)
{
    uint32_t polls, cancelled = 0;

    for (polls = 1; polls < 2000; polls++) {
        bool under_way;

        (void)device_set_up(state);
        device_boot();
        assert_int_equal(acme_start(w.client), ACME_OK);
        under_way = poll_for(polls);
        if (under_way) {
            struct acme_cert_status status;

            cancelled++;
            cancel();
            assert_int_equal(acme_cert_get_status(w.client, 0, &status), ACME_OK);
            assert_int_equal(status.error, ACME_OK);
            assert_int_equal(status.failures, 0);
            assert_int_equal(acme_start_due(w.client), ACME_OK); /* no pause has begun */
            assert_int_equal(device_finish(ACME_OK), ACME_OK);
        }
        assert_true(device_has_cert(0));
        assert_int_equal(heard.events[ACME_EVENT_ERROR], 0);
        assert_int_equal(heard.events[ACME_EVENT_INSTALLED], 1);
        assert_true(w.ca->counters.violations == 0);
        assert_true(device_asked(CA_SIM_NEW_ORDER) <= 2); /* one may have been sent, unanswered */
        assert_int_equal(device_tear_down(state), 0);
        if (!under_way) {
            break;
        }
    }
    assert_true(cancelled > 30 && polls < 2000);
}

/* Between two jobs the certificate in force stays. */
static void test_a_renewal_that_is_cancelled(void **state)
{
    (void)state;
    assert_int_equal(acme_renew_start(w.client), ACME_OK);
    assert_true(poll_for(20));
    cancel();
    assert_true(device_has_cert(0));
    device_reboot();
    assert_true(device_has_cert(0));
    assert_int_equal(device_renew(), ACME_OK);
    assert_int_equal(heard.events[ACME_EVENT_INSTALLED], 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DEVICE_TEST(test_an_idle_client),
        cmocka_unit_test(test_after_any_number_of_steps),
        DEVICE_TEST_ISSUED(test_a_renewal_that_is_cancelled),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
