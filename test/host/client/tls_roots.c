/*
 * Roots, with the real TLS at both ends: each CA is held against its own anchors, and no other's.
 */
#include "device.h"
#include "acme/roots.h"
#include "sim_tls.h"

#define DOWN "https://down.example.org/directory"

static struct acme_trust_anchor foreign; /* which has not signed the server's certificate */
static struct acme_ca other;

static int set_up(void **state)
{
    w.transport = sim_tls_transport;
    (void)device_set_up(state);
    foreign = (struct acme_trust_anchor){w.ca->intermediate, w.ca->intermediate_len};
    other = (struct acme_ca){CA_SIM_DIRECTORY, &w.anchor, 1, NULL, NULL};
    w.config.directory_url = DOWN;
    w.config.fallbacks = &other;
    w.config.fallbacks_count = 1;
    return 0;
}

static int tear_down(void **state)
{
    w.transport = NULL;
    return device_tear_down(state);
}

static void test_the_other_has_a_root_of_its_own(void **state)
{
    (void)state;
    w.config.anchors = &foreign;
    w.config.anchors_count = 1;
    device_boot();
    assert_int_equal(device_run(), ACME_OK);
    assert_int_equal(heard.events[ACME_EVENT_CA], 1);
    assert_true(device_has_cert(0));
}

static void test_the_first_one_s_root_is_not_the_other_s(void **state)
{
    (void)state;
    other.anchors = &foreign;
    device_boot();
    assert_int_equal(device_run(), ACME_ERR_TLS_VERIFY);
    assert_int_equal(heard.events[ACME_EVENT_CA], 1);
    assert_int_equal(w.ca->counters.orders, 0);
    assert_false(device_has_cert(0));
}

/* The CA has moved to a root that the device does not know, and back: what was believed before
 * counts no more, a kept connection and a session among it. */
static void test_other_anchors_between_two_jobs(void **state)
{
    static const uint8_t junk[] = {0x30, 0x03, 0x02, 0x01, 0x00};
    struct acme_trust_anchor broken = {junk, sizeof(junk)};

    (void)state;
    w.config.directory_url = CA_SIM_DIRECTORY;
    w.config.fallbacks_count = 0;
    w.config.anchors = &foreign;
    w.config.anchors_count = 1;
    device_boot();
    assert_int_equal(device_run(), ACME_ERR_TLS_VERIFY);
    assert_int_equal(acme_use_anchors(w.client, &broken, 1), ACME_ERR_CERT_PARSE);
    assert_int_equal(acme_use_anchors(w.client, NULL, 1), ACME_ERR_ARGUMENT);
    assert_int_equal(acme_use_anchors(NULL, &w.anchor, 1), ACME_ERR_ARGUMENT);
    assert_int_equal(device_run(), ACME_ERR_TLS_VERIFY); /* with the old ones, as before */
    assert_int_equal(acme_start(w.client), ACME_OK);
    assert_int_equal(acme_use_anchors(w.client, &w.anchor, 1), ACME_ERR_STATE);
    acme_cancel(w.client);
    while (acme_use_anchors(w.client, &w.anchor, 1) == ACME_ERR_STATE) {
        struct acme_poll_result result;

        (void)acme_poll(w.client, &result);
    }
    assert_int_equal(device_run(), ACME_OK);
    assert_true(device_has_cert(0));
    assert_int_equal(acme_use_anchors(w.client, &foreign, 1), ACME_OK);
    assert_int_equal(device_renew(), ACME_ERR_TLS_VERIFY);
    assert_int_equal(acme_use_anchors(w.client, &w.anchor, 1), ACME_OK);
    assert_int_equal(device_renew(), ACME_OK);
}

/* Where another CA was turned to last, the first one's anchors are meant all the same. */
static void test_other_anchors_of_the_first_ca(void **state)
{
    (void)state;
    w.config.directory_url = CA_SIM_DIRECTORY;
    w.config.anchors = &foreign;
    w.config.anchors_count = 1;
    other.directory_url = DOWN;
    device_boot();
    assert_int_not_equal(device_run(), ACME_OK);
    assert_int_equal(acme_use_anchors(w.client, &w.anchor, 1), ACME_OK);
    w.net.outage_until_ms = w.clock.now_ms + 600000u;
    w.net.outage_from_ms = w.clock.now_ms;
    assert_int_not_equal(device_run(), ACME_OK); /* it goes to the other one, and back */
    w.clock.now_ms = w.net.outage_until_ms;
    assert_int_equal(device_run(), ACME_OK);
    assert_true(device_has_cert(0));
}

/* Of the anchors before nothing stays in mbedTLS's memory, which has an end. */
static void test_other_anchors_again_and_again(void **state)
{
    uint32_t n;

    (void)state;
    w.config.directory_url = CA_SIM_DIRECTORY;
    device_boot();
    for (n = 0; n < 2000; n++) {
        assert_int_equal(acme_use_anchors(w.client, n % 2 == 0 ? &foreign : &w.anchor, 1), ACME_OK);
    }
    assert_int_equal(device_run(), ACME_OK);
    assert_true(device_has_cert(0));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_the_other_has_a_root_of_its_own),
        TEST(test_the_first_one_s_root_is_not_the_other_s),
        TEST(test_other_anchors_between_two_jobs),
        TEST(test_other_anchors_of_the_first_ca),
        TEST(test_other_anchors_again_and_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
