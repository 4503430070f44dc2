/*
 * acme_cert_hold in whole lives: a renewal does not take the key away from a TLS handshake, and is
 * not kept waiting for ever. It must not know how the client waits.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <psa/crypto.h>

#include "sim_world.h"

static const char *const names[] = {"device.example.org"};
static const struct acme_cert_request request = {.names = names, .names_count = 1};
static struct sim_world w;
static uint32_t installed;
static uint64_t first_look_ms; /* when the renewed chain could be had */

static void on_event(void *ctx, const struct acme_event *event)
{
    (void)ctx;
    if (event->type == ACME_EVENT_INSTALLED) {
        installed++;
    }
    if (event->type == ACME_EVENT_STATE && strcmp(event->text, "INSTALL") == 0) {
        first_look_ms = w.clock.now_ms;
    }
}

/* A device with a certificate that is asked for another. */
static int set_up(void **state)
{
    const struct sim_options options = {4096, 8, 4, 5, 0, 0};

    (void)state;
    assert_true(sim_world_init(&w, &options));
    w.config.certs = &request;
    w.config.certs_count = 1;
    w.config.on_event = on_event;
    assert_int_equal(sim_world_boot(&w), ACME_OK);
    assert_int_equal(acme_start(w.client), ACME_OK);
    assert_int_equal(sim_world_drive(&w), ACME_OK);
    assert_int_equal(acme_renew_start(w.client), ACME_OK);
    installed = 0;
    first_look_ms = 0;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    sim_world_halt(&w);
    sim_world_free(&w);
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
    acme_cert_hold(w.client, true);
    assert_true(run_to(10000));
    assert_int_equal(installed, 0);
    assert_int_equal(acme_cert_get_status(w.client, 0, &after), ACME_OK);
    assert_int_equal(after.key_id, before.key_id);
    assert_true(can_sign(before.key_id));
    acme_cert_hold(w.client, false);
    assert_false(run_to(10500));
    assert_int_equal(installed, 1);
    assert_int_equal(acme_cert_get_status(w.client, 0, &after), ACME_OK);
    assert_int_not_equal(after.key_id, before.key_id);
    assert_true(can_sign(after.key_id));
    assert_false(can_sign(before.key_id));
}

static void test_nobody_holds_it_for_ever(void **state)
{
    (void)state;
    acme_cert_hold(w.client, true);
    assert_true(run_to(29000));
    assert_int_equal(installed, 0);
    assert_false(run_to(31000));
    assert_int_equal(installed, 1);
    /* The next renewal waits as well. */
    first_look_ms = 0;
    assert_int_equal(acme_renew_start(w.client), ACME_OK);
    assert_true(run_to(29000));
    assert_int_equal(installed, 1);
    assert_false(run_to(31000));
    assert_int_equal(installed, 2);
}

static void test_who_lets_go_in_time_delays_nothing(void **state)
{
    (void)state;
    acme_cert_hold(w.client, true);
    acme_cert_hold(w.client, false);
    assert_false(run_to(1000));
    assert_int_equal(installed, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_the_key_stays_while_it_is_held, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nobody_holds_it_for_ever, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_who_lets_go_in_time_delays_nothing, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
