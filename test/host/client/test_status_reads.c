/*
 * What a client tells of a certificate: each member of the status is true by itself, whatever the
 * others are. While the flash misreads once, a certificate that is there is not called gone.
 */
#include <psa/crypto.h>

#include "client/state.h"
#include "device.h"

/* What is expected of the four, as bits. */
#define STORED     1u
#define READABLE   2u
#define UNEXPIRED  4u
#define KEY_USABLE 8u
#define ALL_OF_IT  15u

static unsigned int look(uint16_t slot)
{
    struct acme_cert_status status;

    assert_int_equal(acme_cert_get_status(w.client, slot, &status), ACME_OK);
    assert_true(acme_cert_can_serve(&status) ==
                (status.stored && status.readable && status.key_usable));
    return (status.stored ? STORED : 0u) | (status.readable ? READABLE : 0u) |
           (status.unexpired ? UNEXPIRED : 0u) | (status.key_usable ? KEY_USABLE : 0u);
}

static void test_nothing_is_stored_at_first(void **state)
{
    (void)state;
    device_boot();
    assert_int_equal(look(0), 0);
    assert_int_equal(device_run(), ACME_OK);
    assert_int_equal(look(0), ALL_OF_IT);
    device_reboot();
    assert_int_equal(look(0), ALL_OF_IT);
}

static void test_the_key_is_gone(void **state)
{
    struct acme_cert_status status;

    (void)state;
    assert_int_equal(acme_cert_get_status(w.client, 0, &status), ACME_OK);
    assert_int_equal(psa_destroy_key(status.key_id), PSA_SUCCESS);
    assert_int_equal(look(0), ALL_OF_IT & ~KEY_USABLE);
    assert_int_equal(device_run(), ACME_OK); /* it is obtained anew */
    assert_int_equal(look(0), ALL_OF_IT);
}

/* Of each piece of the chain, the last one, too. */
static void test_a_piece_of_the_chain_is_gone(void **state)
{
    struct acme_cert_status status;
    uint32_t piece, pieces;

    (void)state;
    assert_int_equal(acme_cert_get_status(w.client, 0, &status), ACME_OK);
    pieces = (status.chain_size + ACME_CHAIN_CHUNK - 1) / ACME_CHAIN_CHUNK;
    assert_true(pieces >= 2);
    for (piece = 0; piece < pieces; piece++) {
        uint8_t generation = w.client->slots[0].cert.key_generation;
        uint64_t id =
            (uint64_t)w.client->slots[0].store_slot << 24 | (uint64_t)generation << 16 | piece;

        assert_int_equal(acme_store_remove(&w.client->log, ACME_SPACE_CHAIN, id), ACME_OK);
        assert_int_equal(look(0), ALL_OF_IT & ~READABLE);
        assert_int_equal(device_renew(), ACME_OK);
        assert_int_equal(look(0), ALL_OF_IT);
    }
}

static void test_it_has_expired(void **state)
{
    struct acme_cert_status status;
    int64_t left_s;

    (void)state;
    assert_int_equal(acme_cert_get_status(w.client, 0, &status), ACME_OK);
    left_s = status.not_after_s - sim_clock_true_s(&w.clock);
    w.clock.now_ms += (uint64_t)(left_s - 1) * 1000u;
    assert_int_equal(look(0), ALL_OF_IT);
    w.clock.now_ms += 1000u;
    assert_int_equal(look(0), ALL_OF_IT & ~UNEXPIRED);
    assert_int_equal(device_run(), ACME_OK);
    assert_int_equal(look(0), ALL_OF_IT);
}

static void test_one_failed_read(void **state)
{
    struct acme_cert_status status;
    uint32_t n, before, refused = 0;
    uint8_t chain_count;

    (void)state;
    before = w.flash.reads;
    assert_int_equal(acme_cert_get_status(w.client, 0, &status), ACME_OK);
    chain_count = status.chain_count;
    assert_true(acme_cert_can_serve(&status));
    before = w.flash.reads - before;
    assert_true(before > 0);
    for (n = 1; n <= before; n++) {
        w.flash.fail_read_at = w.flash.reads + n;
        if (acme_cert_get_status(w.client, 0, &status) == ACME_OK) {
            assert_true(acme_cert_can_serve(&status));
            assert_true(status.unexpired);
        } else { /* it does not say what it does not know, and says what it knows */
            refused++;
            assert_true(status.stored && status.unexpired);
            assert_int_equal(status.chain_count, chain_count);
        }
    }
    w.flash.fail_read_at = 0;
    assert_true(refused > 0);
    assert_int_equal(look(0), ALL_OF_IT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DEVICE_TEST(test_nothing_is_stored_at_first),
        DEVICE_TEST_ISSUED(test_the_key_is_gone),
        DEVICE_TEST_ISSUED(test_a_piece_of_the_chain_is_gone),
        DEVICE_TEST_ISSUED(test_it_has_expired),
        DEVICE_TEST_ISSUED(test_one_failed_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
