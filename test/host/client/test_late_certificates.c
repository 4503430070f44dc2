/*
 * What follows finalize, and what an order may ask for: a leaf of the near future, certificates
 * that can never be installed, dates, nonces of CAs that refuse HEAD.
 */
#include "client/renewal.h"
#include "client/state.h"
#include "device.h"

/* The CA's clock is ahead of the device's: the leaf is waited for, once, if that is soon. */
static void test_a_leaf_of_the_near_future(void **state)
{
    uint64_t since;

    (void)state;
    w.clock.now_ms += UINT64_C(864000000); /* the clock is above the floor, and so believed */
    device_boot();
    w.ca->options.backdate_s = 1;
    w.clock.skew_s = -600;
    since = w.clock.now_ms;
    assert_int_equal(device_run(), ACME_OK);
    assert_true(w.clock.now_ms - since >= 590000); /* not in force before it is valid */
    assert_int_equal(w.ca->orders_count, 1);
    assert_true(device_has_cert(0));
}

static int32_t stand_still(void *ctx, int64_t *unix_s)
{
    (void)ctx;
    *unix_s = SIM_EPOCH_S + 864000 - 600;
    return ACME_OK;
}

/* A clock that stands still is waited for once. */
static void test_a_leaf_that_is_never_valid(void **state)
{
    static struct acme_clock_ops still;

    (void)state;
    still = *w.port.clock;
    still.wall_s = stand_still;
    w.port.clock = &still;
    w.clock.now_ms += UINT64_C(864000000);
    device_boot();
    w.ca->options.backdate_s = 1;
    assert_int_equal(device_run(), ACME_ERR_CERT_EARLY);
    assert_false(device_has_cert(0));
}

/* A device that is hours behind keeps the order, and installs its certificate when it can. */
static void test_a_leaf_of_a_later_hour(void **state)
{
    (void)state;
    w.clock.now_ms += UINT64_C(864000000); /* the clock is above the floor, and so believed */
    device_boot();
    w.ca->options.backdate_s = 1;
    w.clock.skew_s = -5400;
    assert_int_equal(device_run(), ACME_ERR_CERT_EARLY);
    assert_false(device_has_cert(0));
    w.clock.skew_s = 0;
    device_forget();
    assert_int_equal(device_run(), ACME_OK);
    assert_int_equal(w.ca->orders_count, 1);
    assert_true(device_has_cert(0));
}

/* The same certificate is fetched by each job; then the order is given up, and another one waits.
 */
static void test_a_chain_that_is_never_good(void **state)
{
    uint32_t i, orders;

    (void)state;
    device_boot();
    sim_edits_add(&edits, CA_SIM_CERTIFICATE, "-----BEGIN CERTIFICATE-----",
                  "-----BEGIN CERTIFICATES----");
    for (i = 0; i < 5; i++) {
        assert_int_not_equal(device_run(), ACME_OK);
        assert_int_equal(w.ca->orders_count, 1);
    }
    for (i = 0; i < 20; i++) { /* not an order for each failure */
        assert_int_not_equal(device_run(), ACME_OK);
    }
    orders = w.ca->orders_count;
    assert_in_range(orders, 1, 3);
    device_forget();
    assert_int_equal(device_run(), orders > 1 ? ACME_OK : ACME_ERR_ORDER_PAUSE);
}

static void test_dates_are_asked_for(void **state)
{
    (void)state;
    requests[0].not_before_s = 1893456000; /* 2030-01-01 */
    requests[0].not_after_s = 1709164800;  /* a leap day */
    device_boot();
    assert_int_equal(device_run(), ACME_OK);
    requests[0].not_before_s = requests[0].not_after_s = 0;
    requests[0].validity_s = 86400;
    w.config.force_renewal = true;
    device_reboot();
    assert_int_equal(device_run(), ACME_OK);
    assert_true(device_has_cert(0));
}

static void refuse_head(const char *reply)
{
    device_boot();
    sim_edits_add(&edits, CA_SIM_NEW_NONCE, NULL, reply);
}

/* A nonce is good whatever it comes with. */
static void test_a_nonce_with_405(void **state)
{
    (void)state;
    refuse_head(
        "HTTP/1.1 405 X\r\nReplay-Nonce: AAAAAAAAAAAAAAAAAAAAAA\r\nContent-Length: 0\r\n\r\n");
    (void)device_run();
    assert_true(device_asked(CA_SIM_NEW_ACCOUNT) > 0);
}

static void test_no_nonce_with_head(void **state)
{
    (void)state;
    refuse_head("HTTP/1.1 404 X\r\nContent-Length: 0\r\n\r\n");
    assert_int_not_equal(device_run(), ACME_OK); /* it has none for GET, either */
    assert_int_equal(device_asked(CA_SIM_NEW_ACCOUNT), 0);
    assert_true(device_asked(CA_SIM_NEW_NONCE) >= 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, device_set_up, device_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_leaf_of_the_near_future),  TEST(test_a_leaf_of_a_later_hour),
        TEST(test_a_leaf_that_is_never_valid), TEST(test_a_chain_that_is_never_good),
        TEST(test_dates_are_asked_for),        TEST(test_a_nonce_with_405),
        TEST(test_no_nonce_with_head),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
