/*
 * One record of each kind is damaged in flash, as a bit that turns in it does. The device starts,
 * says so, and recovers by itself or says what a person can do; nothing else is lost, and what is
 * whole is kept: keys, accounts, certificates.
 */
#include <psa/crypto.h>

#include "client/keys.h"
#include "client/state.h"
#include "device.h"
#include "store/store.h"

#define KEY_CERT    acme_keys_cert(0, w.client->slots[0].cert.key_generation)
#define KEY_ACCOUNT acme_keys_account(w.client)

/* Turns a bit of a record's value where it lies in flash. The place that was written last counts.
 */
static void damage(enum acme_store_space space, uint64_t id)
{
    static uint8_t value[4096];
    size_t size = (size_t)w.flash.geometry.sector_size * w.flash.geometry.sector_count;
    int32_t len = acme_record_read(&w.client->log, ACME_KEY(space, id), 0, value, sizeof(value));
    uint8_t *at = w.flash.data, *found = NULL;

    assert_true(len > 0);
    while ((at = memmem(at, size - (size_t)(at - w.flash.data), value, (size_t)len)) != NULL) {
        found = at++;
    }
    assert_non_null(found);
    found[len / 2] ^= 0x04;
    assert_int_equal(acme_record_read(&w.client->log, ACME_KEY(space, id), 0, value, sizeof(value)),
                     ACME_ERR_STORE_CORRUPT);
}

/* The device is switched off and on, when no pause is on; it says that something is damaged. */
static void restart(void)
{
    w.clock.now_ms += 3601000u;
    sim_world_halt(&w);
    device_forget();
    device_boot();
    assert_true(heard.events[ACME_EVENT_ERROR] > 0);
    assert_int_equal(heard.error, ACME_ERR_STORE_CORRUPT);
}

static bool exists(psa_key_id_t id)
{
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    bool there = psa_get_key_attributes(id, &attributes) == PSA_SUCCESS;

    psa_reset_key_attributes(&attributes);
    (void)psa_purge_key(id);
    return there;
}

static uint32_t accounts(void)
{
    return w.ca->accounts_count;
}

/* All is well: the next renewal works, and so does the next start. */
static void expect_well(void)
{
    assert_int_equal(device_renew(), ACME_OK);
    assert_true(device_has_cert(0));
    sim_world_halt(&w);
    device_boot();
    assert_true(device_has_cert(0));
    assert_true(acme_next_wakeup_s(w.client) > 3600);
    assert_int_equal(device_run(), ACME_OK);
    assert_int_equal(device_entered("NEW_ORDER") > 0, true);
}

/* ---- accounts ---- */

/* Its key is whole: the CA finds the account by it (RFC 8555 7.3.1). */
static void test_an_account_record(void **state)
{
    psa_key_id_t key = KEY_ACCOUNT;
    uint32_t before = accounts();

    (void)state;
    damage(ACME_SPACE_ACCOUNT, 0);
    restart();
    assert_true(device_has_cert(0)); /* it does not need the account */
    assert_true(exists(key));
    expect_well();
    assert_int_equal(accounts(), before);
    assert_int_equal(KEY_ACCOUNT, key);
}

/* The same where the key is the second one: it was changed once. */
static void test_an_account_record_after_a_key_change(void **state)
{
    psa_key_id_t key, first = KEY_ACCOUNT;
    uint32_t before = accounts();

    (void)state;
    assert_int_equal(device_finish(acme_account_rollover(w.client)), ACME_OK);
    key = KEY_ACCOUNT;
    assert_int_not_equal(key, first);
    damage(ACME_SPACE_ACCOUNT, 0);
    restart();
    assert_true(exists(key));
    expect_well();
    assert_int_equal(accounts(), before);
    assert_int_equal(KEY_ACCOUNT, key);
    assert_false(exists(first));
}

/* And while a key change is under way, both keys stay until it is known which of them counts. */
static void test_an_account_record_in_a_key_change(void **state)
{
    psa_key_id_t first = KEY_ACCOUNT, other = acme_keys_next_account(w.client);
    uint32_t before = accounts(), n;

    (void)state;
    for (n = 0; n < 40 && !exists(other); n++) {
        struct acme_poll_result result;

        if (n == 0) {
            assert_int_equal(acme_account_rollover(w.client), ACME_OK);
        }
        if (acme_poll(w.client, &result) == ACME_WANT_EVENT) {
            w.clock.now_ms += result.wait_ms < 50 ? result.wait_ms : 50;
        }
    }
    assert_true(exists(other));
    damage(ACME_SPACE_ACCOUNT, 0);
    restart();
    assert_true(exists(first));
    assert_true(exists(other));
    expect_well();
    assert_int_equal(accounts(), before);
}

/* An account without its key is lost: there is another, and the certificate is renewed with it. */
static void test_an_account_key(void **state)
{
    uint32_t before = accounts();

    (void)state;
    damage(ACME_SPACE_ITS, KEY_ACCOUNT);
    restart();
    assert_true(device_has_cert(0));
    expect_well();
    assert_int_equal(accounts(), before + 1);
}

/* ---- certificates ---- */

static void test_a_certificate_record(void **state)
{
    psa_key_id_t key = KEY_CERT;
    uint8_t generation = w.client->slots[0].cert.key_generation;
    struct acme_cert_status status;
    uint32_t size;

    (void)state;
    assert_int_equal(acme_cert_get_status(w.client, 0, &status), ACME_OK);
    size = status.chain_size;
    damage(ACME_SPACE_CERT, 0);
    restart();
    assert_int_equal(acme_cert_get_status(w.client, 0, &status), ACME_OK);
    assert_false(status.stored);
    assert_int_equal(acme_next_wakeup_s(w.client), 0);
    assert_true(exists(key)); /* nothing goes before there is another */
    device_fault(CA_SIM_NEW_ORDER, 503, NULL, 20);
    assert_true(device_run() != ACME_OK);
    assert_true(exists(key));
    memset(w.ca->faults, 0, sizeof(w.ca->faults));
    device_renew_to(
        "INSTALL"); /* the new chain is there, and key and chain of the damaged record, too */
    assert_true(exists(key));
    assert_int_equal(acme_store_check_chain(&w.client->log, 0, generation, size), ACME_OK);
    assert_int_equal(sim_world_drive(&w), ACME_OK);
    assert_true(device_has_cert(0));
    assert_int_not_equal(KEY_CERT, key);
    assert_false(exists(key));
    expect_well();
}

static void test_a_certificate_key(void **state)
{
    struct acme_cert_status status;

    (void)state;
    damage(ACME_SPACE_ITS, KEY_CERT);
    restart();
    assert_int_equal(acme_cert_get_status(w.client, 0, &status), ACME_OK);
    assert_true(status.stored && status.readable && !status.key_usable);
    assert_int_equal(acme_next_wakeup_s(w.client), 0);
    assert_int_equal(device_run(), ACME_OK);
    assert_true(device_has_cert(0));
    expect_well();
}

/* The names are for lists: the certificate is there without them. */
static void test_names(void **state)
{
    struct acme_cert_status status;
    uint32_t cursor = 0;
    char names[100] = "x";

    (void)state;
    damage(ACME_SPACE_NAMES, 0);
    restart();
    assert_true(device_has_cert(0));
    assert_int_equal(acme_cert_list(w.client, &cursor, names, sizeof(names), &status), ACME_OK);
    assert_string_equal(names, "");
    assert_int_equal(status.error, ACME_ERR_STORE_CORRUPT);
    assert_true(acme_cert_can_serve(&status));
    expect_well();
    cursor = 0;
    assert_int_equal(acme_cert_list(w.client, &cursor, names, sizeof(names), &status), ACME_OK);
    assert_string_equal(names, "device.example.org");
    assert_int_equal(status.error, ACME_OK);
}

/* ---- what is under way ---- */

static void test_an_order_record(void **state)
{
    uint32_t orders = w.ca->orders_count;

    (void)state;
    device_renew_to("AUTHORIZATION");
    damage(ACME_SPACE_ORDER, 0);
    restart();
    assert_true(device_has_cert(0));
    assert_int_equal(device_renew(), ACME_OK);
    assert_int_equal(w.ca->orders_count, orders + 2); /* it is made anew, once */
    expect_well();
}

/* Finalized with a key that is damaged since: its certificate would be of no use. */
static void test_the_key_of_an_order(void **state)
{
    uint32_t orders = w.ca->orders_count;

    (void)state;
    device_renew_to("CERTIFICATE");
    damage(ACME_SPACE_ITS, acme_keys_cert(0, w.client->order.generation));
    restart();
    assert_true(device_has_cert(0));
    assert_int_equal(device_renew(), ACME_OK);
    assert_int_equal(w.ca->orders_count, orders + 2);
    expect_well();
}

/* A chain that was under way is fetched again. */
static void test_the_chain_of_an_order(void **state)
{
    uint32_t orders = w.ca->orders_count;
    uint64_t chunk;

    (void)state;
    device_renew_to("INSTALL");
    chunk = (uint64_t)w.client->order.generation << 16;
    damage(ACME_SPACE_CHAIN, chunk);
    restart();
    assert_true(device_has_cert(0));
    assert_int_equal(device_renew(), ACME_OK);
    assert_int_equal(w.ca->orders_count, orders + 1);
    expect_well();
}

/* ---- times ---- */

static void test_a_schedule(void **state)
{
    (void)state;
    damage(ACME_SPACE_SCHEDULE, 0);
    restart();
    assert_true(device_has_cert(0));
    assert_true(acme_next_wakeup_s(w.client) <= 86400);
    assert_int_equal(device_run(), ACME_OK);
    expect_well();
}

static void test_a_floor(void **state)
{
    int64_t floor_s;

    (void)state;
    damage(ACME_SPACE_TIME, 0);
    restart();
    assert_true(device_has_cert(0));
    expect_well();
    w.clock.now_ms += 30 * 86400000ull;
    assert_int_equal(device_renew(), ACME_OK);
    assert_int_equal(acme_store_read_floor(&w.client->log, &floor_s), ACME_OK);
}

/* ---- damage in what nothing replaces: it comes in the way of writing ---- */

#define UNKNOWN ACME_KEY(13, 1) /* a record of a later version, say */

static uint8_t *turned; /* where its value has a bit that has turned */

/* Renews until the record's place is needed. Returns how the renewal ended. */
static int32_t renew_until_refused(void)
{
    int32_t rc;
    uint32_t n = 0;

    assert_int_equal(acme_record_set(&w.client->log, UNKNOWN, "a value of its own", 18), ACME_OK);
    turned = memmem(w.flash.data, sizeof(w.flash.data), "a value of its own", 18);
    assert_non_null(turned);
    *turned ^= 0x04;
    do {
        rc = device_renew();
        w.clock.now_ms += 3601000u;
        assert_true(++n < 200);
    } while (rc == ACME_OK);
    return rc;
}

/* While the certificate is good nothing is given up: renewals fail, and say so. When the place can
 * be read again, they work. */
static void test_damage_in_the_way(void **state)
{
    char value[30];
    uint32_t n;

    (void)state;
    assert_int_equal(renew_until_refused(), ACME_ERR_STORE_CORRUPT);
    for (n = 0; n < 5; n++) {
        w.clock.now_ms += 3601000u;
        device_forget();
        assert_int_equal(device_renew(), ACME_ERR_STORE_CORRUPT);
        assert_int_equal(heard.error, ACME_ERR_STORE_CORRUPT);
        restart();
        assert_true(device_has_cert(0));
    }
    *turned ^= 0x04;
    assert_int_equal(device_renew(), ACME_OK);
    assert_int_equal(acme_record_read(&w.client->log, UNKNOWN, 0, value, sizeof(value)), 18);
    expect_well();
}

/* The certificate's last day. */
static void sleep_to_last_day(void)
{
    int64_t now_s = SIM_EPOCH_S + (int64_t)(w.clock.now_ms / 1000u);

    w.clock.now_ms += (uint64_t)(w.client->slots[0].cert.not_after_s - now_s - 86400) * 1000u;
}

/* Nothing is damaged any more, and renewals work. */
static void expect_nothing_damaged(void)
{
    uint32_t n;

    sim_world_halt(&w);
    device_forget();
    device_boot();
    assert_int_equal(heard.events[ACME_EVENT_ERROR], 0);
    assert_true(device_has_cert(0));
    for (n = 0; n < 20; n++) {
        assert_int_equal(device_renew(), ACME_OK);
        w.clock.now_ms += 3601000u;
    }
}

/* Not so when waiting would cost the certificate: the next try goes well, and no start says
 * anything any more. */
static void test_damage_and_a_certificate_that_ends(void **state)
{
    uint32_t n = 0;
    int32_t rc;

    (void)state;
    assert_int_equal(renew_until_refused(), ACME_ERR_STORE_CORRUPT);
    do { /* what was under way may have room for its end */
        sleep_to_last_day();
        restart();
        assert_true(device_has_cert(0));
        rc = device_renew();
        assert_true(++n < 5);
    } while (rc == ACME_OK);
    assert_int_equal(rc, ACME_ERR_STORE_CORRUPT);
    w.clock.now_ms += 3601000u;
    assert_int_equal(device_renew(), ACME_OK);
    expect_nothing_damaged();
}

/* Whoever says so gives it up at once, but not while a job is under way. */
static void test_damage_that_is_given_up(void **state)
{
    (void)state;
    assert_int_equal(renew_until_refused(), ACME_ERR_STORE_CORRUPT);
    device_renew_to("SELECT");
    assert_int_equal(acme_store_give_up(w.client), ACME_ERR_STATE);
    restart();
    assert_int_equal(acme_store_give_up(w.client), ACME_OK);
    assert_true(device_has_cert(0));
    expect_nothing_damaged();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DEVICE_TEST_ISSUED(test_damage_in_the_way),
        DEVICE_TEST_ISSUED(test_damage_and_a_certificate_that_ends),
        DEVICE_TEST_ISSUED(test_damage_that_is_given_up),
        DEVICE_TEST_ISSUED(test_an_account_record),
        DEVICE_TEST_ISSUED(test_an_account_record_after_a_key_change),
        DEVICE_TEST_ISSUED(test_an_account_record_in_a_key_change),
        DEVICE_TEST_ISSUED(test_an_account_key),
        DEVICE_TEST_ISSUED(test_a_certificate_record),
        DEVICE_TEST_ISSUED(test_a_certificate_key),
        DEVICE_TEST_ISSUED(test_names),
        DEVICE_TEST_ISSUED(test_an_order_record),
        DEVICE_TEST_ISSUED(test_the_key_of_an_order),
        DEVICE_TEST_ISSUED(test_the_chain_of_an_order),
        DEVICE_TEST_ISSUED(test_a_schedule),
        DEVICE_TEST_ISSUED(test_a_floor),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
