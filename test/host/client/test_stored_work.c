/*
 * What a job does with what is stored of earlier work: an order of another account, the remains of
 * a chain, a certificate that does not stand the check. Nothing of it passes for the work of now,
 * and what is in force stays so.
 */
#include <psa/crypto.h>

#include "client/keys.h"
#include "client/state.h"
#include "device.h"
#include "store/store.h"

static uint8_t scratch[16 + CONFIG_ACME_URL_MAX + 1];
static struct acme_order_record order;

/* An order that is under way at a reset, with its record changed. Returns whether it was taken up.
 */
static bool is_taken_up(void (*change)(void))
{
    uint32_t orders;

    device_forget();
    device_renew_to("AUTHORIZATION");
    orders = w.ca->orders_count;
    assert_int_equal(acme_store_read_order(&w.client->log, 0, &order, scratch, sizeof(scratch)),
                     ACME_OK);
    change();
    assert_int_equal(acme_store_write_order(&w.client->log, 0, &order, scratch, sizeof(scratch)),
                     ACME_OK);
    device_reboot();
    assert_int_equal(device_renew(), ACME_OK);
    assert_true(device_has_cert(0));
    return w.ca->orders_count == orders;
}

static void change_nothing(void)
{
}

static void change_account(void)
{
    order.account_slot ^= 1u;
}

static void change_names(void)
{
    order.names_id ^= 1u;
}

static void change_key_type(void)
{
    order.key_type = ACME_KEY_EC_P384;
}

/* It would be finalized with the key of the certificate in force. */
static void change_generation(void)
{
    order.key_generation ^= 1u;
}

static void change_url(void)
{
    order.url[4] = ':'; /* http: */
}

static void test_only_an_order_for_the_same_work_is_taken_up(void **state)
{
    static void (*const changes[])(void) = {change_account, change_names, change_key_type,
                                            change_generation, change_url};
    size_t i;

    (void)state;
    assert_true(is_taken_up(change_nothing));
    for (i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        assert_false(is_taken_up(changes[i]));
    }
}

static uint64_t chunk_id(uint8_t generation, uint16_t chunk)
{
    return (uint64_t)w.client->slots[0].store_slot << 24 | (uint64_t)generation << 16 | chunk;
}

/* A longer chain was on its way once, and got no further: nothing of it is behind the new one. */
static void test_remains_of_an_earlier_chain(void **state)
{
    uint8_t data[ACME_CHAIN_CHUNK] = {1}, generation = w.client->slots[0].cert.key_generation ^ 1u;
    struct acme_cert_status status;
    uint16_t chunk, pieces;

    (void)state;
    for (chunk = 0; chunk < 8; chunk++) {
        assert_int_equal(
            acme_store_write_chunk(&w.client->log, 0, generation, chunk, data, sizeof(data)),
            ACME_OK);
    }
    assert_int_equal(device_renew(), ACME_OK);
    assert_int_equal(w.client->slots[0].cert.key_generation, generation);
    assert_int_equal(acme_cert_get_status(w.client, 0, &status), ACME_OK);
    assert_true(acme_cert_can_serve(&status));
    pieces = (uint16_t)((status.chain_size + ACME_CHAIN_CHUNK - 1) / ACME_CHAIN_CHUNK);
    for (chunk = 0; chunk < 8; chunk++) {
        int32_t len = acme_record_length(&w.client->log,
                                         ACME_KEY(ACME_SPACE_CHAIN, chunk_id(generation, chunk)));

        assert_true(chunk < pieces ? len > 0 : len == ACME_ERR_NOT_FOUND);
        assert_int_equal(
            acme_record_length(&w.client->log,
                               ACME_KEY(ACME_SPACE_CHAIN, chunk_id(generation ^ 1u, chunk))),
            ACME_ERR_NOT_FOUND);
    }
}

/* The key of the order is another one by the time that its certificate comes. */
static void exchange_key(void)
{
    psa_key_id_t id = acme_keys_cert(w.client->slots[0].store_slot, w.client->order.generation);
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;

    assert_int_equal(psa_get_key_attributes(id, &attributes), PSA_SUCCESS);
    assert_int_equal(psa_destroy_key(id), PSA_SUCCESS);
    assert_int_equal(psa_generate_key(&attributes, &id), PSA_SUCCESS);
    psa_reset_key_attributes(&attributes);
}

static void test_what_does_not_stand_the_check_is_not_installed(void **state)
{
    struct acme_cert_record before = w.client->slots[0].cert, record;

    (void)state;
    device_renew_to("CERTIFICATE");
    exchange_key();
    assert_int_equal(sim_world_drive(&w), ACME_ERR_CERT_KEY);
    assert_int_equal(device_entered("INSTALL"), 1);
    assert_int_equal(heard.events[ACME_EVENT_INSTALLED], 0);
    assert_memory_equal(&w.client->slots[0].cert, &before, sizeof(before));
    assert_int_equal(acme_store_read_cert(&w.client->log, 0, &record), ACME_OK);
    assert_memory_equal(&record, &before, sizeof(before));
    assert_true(device_has_cert(0));
    device_reboot();
    assert_true(device_has_cert(0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DEVICE_TEST_ISSUED(test_only_an_order_for_the_same_work_is_taken_up),
        DEVICE_TEST_ISSUED(test_remains_of_an_earlier_chain),
        DEVICE_TEST_ISSUED(test_what_does_not_stand_the_check_is_not_installed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
