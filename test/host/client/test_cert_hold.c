/*
 * acme_cert_hold in whole lives: a renewal does not take the key away from a TLS handshake, and is
 * not kept waiting for ever. It must not know how the client waits.
 */
#include <psa/crypto.h>

#include "device.h"

static uint64_t first_look_ms; /* when the renewed chain could be had */

/* A device with a certificate that is asked for another. */
static int set_up(void **state)
{
    (void)device_set_up_issued(state);
    assert_int_equal(acme_renew_start(w.client), ACME_OK);
    first_look_ms = 0;
    return 0;
}

static bool can_sign(uint32_t key_id)
{
    static const uint8_t hash[32] = {1};
    uint8_t signature[64];
    size_t len;

    return psa_sign_hash(key_id, PSA_ALG_ECDSA(PSA_ALG_SHA_256), hash, sizeof(hash), signature,
                         sizeof(signature), &len) == PSA_SUCCESS;
}

/* Polls until the renewed chain was there for so long, or the job has ended. */
static bool run_to(uint32_t after_ms)
{
    struct acme_poll_result result;

    while (first_look_ms == 0 || w.clock.now_ms < first_look_ms + after_ms) {
        if (acme_poll(w.client, &result) == ACME_WANT_IDLE) {
            return false;
        }
        if (first_look_ms == 0 && device_entered("INSTALL") > 0) {
            first_look_ms = w.clock.now_ms;
        }
        ca_sim_tick(w.ca, w.clock.now_ms);
        w.clock.now_ms += 10;
    }
    return true;
}

static void test_the_key_stays_while_it_is_held(void **state)
{
    struct acme_cert_status before, after;

    (void)state;
    assert_int_equal(acme_cert_get_status(w.client, 0, &before), ACME_OK);
    acme_cert_hold(w.client);
    assert_true(run_to(10000));
    assert_int_equal(heard.events[ACME_EVENT_INSTALLED], 0);
    assert_int_equal(acme_cert_get_status(w.client, 0, &after), ACME_OK);
    assert_int_equal(after.key_id, before.key_id);
    assert_true(can_sign(before.key_id));
    acme_cert_release(w.client);
    assert_false(run_to(10500));
    assert_int_equal(heard.events[ACME_EVENT_INSTALLED], 1);
    assert_int_equal(acme_cert_get_status(w.client, 0, &after), ACME_OK);
    assert_int_not_equal(after.key_id, before.key_id);
    assert_true(can_sign(after.key_id));
    assert_false(can_sign(before.key_id));
}

static void test_nobody_holds_it_for_ever(void **state)
{
    (void)state;
    acme_cert_hold(w.client);
    assert_true(run_to(29000));
    assert_int_equal(heard.events[ACME_EVENT_INSTALLED], 0);
    assert_false(run_to(31000));
    assert_int_equal(heard.events[ACME_EVENT_INSTALLED], 1);
    /* The next renewal waits as well. */
    device_forget();
    first_look_ms = 0;
    assert_int_equal(acme_renew_start(w.client), ACME_OK);
    assert_true(run_to(29000));
    assert_int_equal(heard.events[ACME_EVENT_INSTALLED], 0);
    assert_false(run_to(31000));
    assert_int_equal(heard.events[ACME_EVENT_INSTALLED], 1);
}

static void test_who_lets_go_in_time_delays_nothing(void **state)
{
    (void)state;
    acme_cert_hold(w.client);
    acme_cert_release(w.client);
    assert_false(run_to(1000));
    assert_int_equal(heard.events[ACME_EVENT_INSTALLED], 1);
}

/* Two handshakes at once: what the first gives back is not the second's. */
static void test_the_last_one_counts(void **state)
{
    (void)state;
    acme_cert_hold(w.client);
    acme_cert_hold(w.client);
    acme_cert_release(w.client);
    assert_true(run_to(10000));
    assert_int_equal(heard.events[ACME_EVENT_INSTALLED], 0);
    acme_cert_release(w.client);
    assert_false(run_to(10500));
    assert_int_equal(heard.events[ACME_EVENT_INSTALLED], 1);
}

/* A release too many owes nothing to the next hold. */
static void test_a_release_too_many(void **state)
{
    (void)state;
    acme_cert_release(w.client);
    acme_cert_release(w.client);
    acme_cert_hold(w.client);
    assert_true(run_to(10000));
    assert_int_equal(heard.events[ACME_EVENT_INSTALLED], 0);
    acme_cert_release(w.client);
    assert_false(run_to(10500));
}

/* More than can be counted: it waits, at worst too long. */
static void test_holds_beyond_counting(void **state)
{
    uint32_t i;

    (void)state;
    for (i = 0; i < UINT16_MAX + 2u; i++) {
        acme_cert_hold(w.client);
    }
    assert_true(run_to(10000));
    assert_int_equal(heard.events[ACME_EVENT_INSTALLED], 0);
    for (i = 0; i < UINT16_MAX + 2u; i++) {
        acme_cert_release(w.client);
    }
    assert_false(run_to(10500));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_the_key_stays_while_it_is_held, set_up,
                                        device_tear_down),
        cmocka_unit_test_setup_teardown(test_nobody_holds_it_for_ever, set_up, device_tear_down),
        cmocka_unit_test_setup_teardown(test_the_last_one_counts, set_up, device_tear_down),
        cmocka_unit_test_setup_teardown(test_a_release_too_many, set_up, device_tear_down),
        cmocka_unit_test_setup_teardown(test_holds_beyond_counting, set_up, device_tear_down),
        cmocka_unit_test_setup_teardown(test_who_lets_go_in_time_delays_nothing, set_up,
                                        device_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
