/*
 * An order that ends with the wrong certificate: more names, dates of another time, another's key.
 * None is installed, what serves stays, no order is made for each failure; and a CA that mends its
 * certificate, or a person who accepts it, gets the device further.
 */
#include "device.h"

/* Drives a job until the CA has issued its order's certificate, which is made anew for each
 * download from what the order says. */
static struct ca_sim_order *drive_until_issued(void)
{
    uint32_t last = w.ca->orders_count;
    struct acme_poll_result result;

    assert_int_equal(acme_start(w.client), ACME_OK);
    while (w.ca->orders_count == last ||
           ca_sim_order(w.ca, w.ca->orders_count - 1)->status != CA_SIM_VALID) {
        (void)acme_poll(w.client, &result);
        assert_true(result.want != ACME_WANT_IDLE);
        w.clock.now_ms += 10;
    }
    return ca_sim_order(w.ca, w.ca->orders_count - 1);
}

static void expect_refused(int32_t error)
{
    assert_int_equal(sim_world_drive(&w), error);
    assert_int_equal(heard.error, error);
    assert_int_equal(heard.events[ACME_EVENT_INSTALLED], 0);
    assert_false(device_has_cert(0));
}

/* The certificate has it; the order does not say so. */
static void add_name(struct ca_sim_order *order)
{
    strcpy(order->authorizations[1].name, "other.example.org");
    order->names_count = 2;
    sim_edits_add(&edits, CA_SIM_ORDER, ",{\"type\":\"dns\",\"value\":\"other.example.org\"}", "");
}

/* What a person has to decide about waits for the person: no order is given up for it. */
static void test_a_name_that_was_not_asked_for(void **state)
{
    (void)state;
    device_boot();
    add_name(drive_until_issued());
    expect_refused(ACME_ERR_CERT_NAMES_ADDED);
    for (uint32_t i = 0; i < 12; i++) {
        assert_int_equal(device_run(), ACME_ERR_CERT_NAMES_ADDED);
    }
    assert_int_equal(w.ca->orders_count, 1);
    requests[0].may_add_names = true;
    device_reboot();
    assert_int_equal(device_run(), ACME_OK);
    assert_int_equal(w.ca->orders_count, 1);
    assert_true(device_has_cert(0));
}

/* The CA's mistake is mended while the order lives. */
static void test_a_certificate_for_another_key(void **state)
{
    uint8_t key[CA_SIM_POINT];
    struct ca_sim_order *order;

    (void)state;
    device_boot();
    order = drive_until_issued();
    memcpy(key, order->key, sizeof(key));
    memcpy(order->key, w.ca->point, sizeof(key));
    expect_refused(ACME_ERR_CERT_KEY);
    assert_int_equal(device_run(), ACME_ERR_CERT_KEY);
    memcpy(order->key, key, sizeof(key));
    assert_int_equal(device_run(), ACME_OK);
    assert_int_equal(w.ca->orders_count, 1);
    assert_true(device_has_cert(0));
}

/* It is never mended: after some jobs another order takes its place. */
static void test_a_certificate_for_another_key_for_ever(void **state)
{
    uint32_t jobs = 1;

    (void)state;
    device_boot();
    memcpy(drive_until_issued()->key, w.ca->point, CA_SIM_POINT);
    expect_refused(ACME_ERR_CERT_KEY);
    while (w.ca->orders_count == 1 && jobs < 40) {
        w.clock.now_ms += 7200000u;
        (void)device_run();
        jobs++;
    }
    assert_in_range(jobs, 3, 39);
    assert_int_equal(device_run(), ACME_OK);
    assert_int_equal(w.ca->orders_count, 2);
    assert_true(device_has_cert(0));
}

/* A certificate that has run out while the device was off will never do: another is ordered, after
 * the pause that a burnt order asks for. */
static void test_a_certificate_that_ran_out_meanwhile(void **state)
{
    struct ca_sim_order *order;

    (void)state;
    w.clock.now_ms += UINT64_C(864000000); /* the clock is above the floor, and so believed */
    device_boot();
    order = drive_until_issued();
    sim_world_halt(&w);
    order->not_before_s -= 864000;
    order->not_after_s = order->not_before_s + 3600;
    device_forget();
    device_boot();
    assert_int_equal(device_run(), ACME_ERR_ORDER_PAUSE);
    assert_int_equal(w.ca->orders_count, 1);
    w.clock.now_ms += UINT64_C(2) * 86400000u;
    assert_int_equal(device_run(), ACME_OK);
    assert_int_equal(w.ca->orders_count, 2);
    assert_int_equal(heard.events[ACME_EVENT_INSTALLED], 1);
    assert_true(device_has_cert(0));
}

/* One that is born hours from now is not waited for in the job; it does when its hour has come. */
static void test_a_certificate_of_another_hour(void **state)
{
    (void)state;
    w.clock.now_ms += UINT64_C(864000000); /* the clock is above the floor, and so believed */
    device_boot();
    drive_until_issued()->not_before_s += 20 * 3600;
    expect_refused(ACME_ERR_CERT_EARLY);
    w.clock.now_ms += UINT64_C(86400000);
    assert_int_equal(device_run(), ACME_OK);
    assert_int_equal(w.ca->orders_count, 1);
    assert_true(device_has_cert(0));
}

/* The download breaks off in the middle, and is whole the next time. */
static void test_a_download_that_breaks_off(void **state)
{
    (void)state;
    device_boot();
    sim_edits_add(&edits, CA_SIM_CERTIFICATE, NULL,
                  REPLY("200", "pem-certificate-chain",
                        "-----BEGIN CERTIFICATE-----\r\nMIIBszCCAVmgAwIBAgIQ"))
        ->count = 1;
    assert_int_equal(device_run(), ACME_ERR_CERT_PARSE);
    assert_false(device_has_cert(0));
    assert_int_equal(device_run(), ACME_OK);
    assert_int_equal(w.ca->orders_count, 1);
    assert_true(device_has_cert(0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DEVICE_TEST(test_a_name_that_was_not_asked_for),
        DEVICE_TEST(test_a_certificate_for_another_key),
        DEVICE_TEST(test_a_certificate_for_another_key_for_ever),
        DEVICE_TEST(test_a_certificate_that_ran_out_meanwhile),
        DEVICE_TEST(test_a_certificate_of_another_hour),
        DEVICE_TEST(test_a_download_that_breaks_off),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
