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

/* ---- damage in flash ---- */

/* The place in flash of a byte of the certificate's chain: of its DER, at an offset. All of the DER
 * in the same piece is looked for, since certificates have much in common. The last place counts:
 * compaction may have left others. */
static uint8_t *find_der(uint8_t index, size_t offset)
{
    static uint8_t der[4096];
    size_t size = (size_t)w.flash.geometry.sector_size * w.flash.geometry.sector_count;
    uint8_t *at = w.flash.data, *found = NULL;
    size_t from, to, before = 0;
    uint8_t i;
    int32_t len = 0;

    for (i = 0; i <= index; i++) {
        before += (size_t)len;
        len = acme_cert_read(w.client, 0, i, der, sizeof(der));
        assert_true(len > 0);
    }
    assert_true((size_t)len > offset);
    from = (before + offset) / ACME_CHAIN_CHUNK * ACME_CHAIN_CHUNK;
    to = from + ACME_CHAIN_CHUNK - before < (size_t)len ? from + ACME_CHAIN_CHUNK - before
                                                        : (size_t)len;
    from = from > before ? from - before : 0;
    while ((at = memmem(at, size - (size_t)(at - w.flash.data), der + from, to - from)) != NULL) {
        found = at++;
    }
    assert_non_null(found);
    return found + (offset - from);
}

static void expect_due(void)
{
    assert_int_equal(look(0), ALL_OF_IT & ~READABLE);
    assert_int_equal(acme_next_wakeup_s(w.client), 0);
}

/* The pause after an installation is over, be it the longest, after several damaged ones. */
static void calm_down(void)
{
    w.clock.now_ms += 3601 * 1000ull;
}

/* A job that does what is due and no more obtains another one. Until it has, the damaged one and
 * its key are there. */
static void expect_renewal(void)
{
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    struct acme_cert_status before, after;
    uint32_t orders = w.ca->orders_count;

    assert_int_equal(acme_cert_get_status(w.client, 0, &before), ACME_OK);
    device_fault(CA_SIM_NEW_ORDER, 503, NULL, 20);
    assert_true(device_finish(acme_start_due(w.client)) != ACME_OK);
    device_forget();
    memset(w.ca->faults, 0, sizeof(w.ca->faults));
    assert_int_equal(look(0), ALL_OF_IT & ~READABLE);
    w.clock.now_ms += 2 * 86400ull * 1000u;
    assert_int_equal(device_finish(acme_start_due(w.client)), ACME_OK);
    assert_int_equal(w.ca->orders_count, orders + 1);
    assert_true(acme_next_wakeup_s(w.client) > 3600); /* before anybody looks again */
    assert_int_equal(look(0), ALL_OF_IT);
    assert_int_equal(acme_cert_get_status(w.client, 0, &after), ACME_OK);
    assert_int_not_equal(after.key_id, before.key_id);
    assert_int_equal(psa_get_key_attributes(before.key_id, &attributes), PSA_ERROR_INVALID_HANDLE);
    assert_true(acme_next_wakeup_s(w.client) > 3600);
}

/* Every piece of it, found at the next start. */
static void test_damage_is_found_at_the_start(void **state)
{
    static const struct {
        uint8_t index;
        size_t offset;
    } places[] = {{0, 0}, {0, 300}, {1, 30}, {1, 200}};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        calm_down();
        *find_der(places[i].index, places[i].offset) ^= 0x10;
        sim_world_halt(&w);
        device_forget();
        device_boot();
        assert_true(heard.events[ACME_EVENT_ERROR] > 0);
        assert_int_equal(heard.error, ACME_ERR_STORE_CORRUPT);
        assert_int_equal(heard.slot, 0); /* whose it is */
        expect_due();
        expect_renewal();
    }
}

/* And while the device runs: by who reads it, or asks how it is. */
static void test_damage_is_found_when_it_is_read(void **state)
{
    struct acme_cert_status status;
    static uint8_t der[4096];

    (void)state;
    calm_down();
    *find_der(0, 100) ^= 1;
    assert_true(acme_next_wakeup_s(w.client) > 3600); /* nobody has looked */
    assert_int_equal(acme_cert_read(w.client, 0, 0, der, sizeof(der)), ACME_ERR_STORE_CORRUPT);
    assert_int_equal(acme_next_wakeup_s(w.client), 0);
    expect_renewal();
    calm_down();
    *find_der(1, 100) ^= 1;
    assert_int_equal(acme_cert_get_status(w.client, 0, &status), ACME_OK);
    assert_false(status.readable);
    expect_due();
    expect_renewal();
}

/* What is whole at another look, be it after a while, is not due. */
static void test_damage_that_passes(void **state)
{
    static uint8_t der[4096];
    uint8_t *at;

    (void)state;
    calm_down();
    at = find_der(0, 100);
    *at ^= 1;
    assert_int_equal(acme_cert_read(w.client, 0, 0, der, sizeof(der)), ACME_ERR_STORE_CORRUPT);
    *at ^= 1;
    assert_int_equal(look(0), ALL_OF_IT);
    assert_true(acme_next_wakeup_s(w.client) > 3600);
    assert_true(acme_cert_read(w.client, 0, 0, der, sizeof(der)) > 0);
}

/* A chain that is longer than the record says has a piece of another one at its end. */
/* A longer last piece is none: it may have the certificates that were left out behind the end. */
static void test_a_piece_that_is_too_short(void **state)
{
    struct acme_cert_status status;
    uint8_t piece[ACME_CHAIN_CHUNK] = {0};
    uint8_t generation = w.client->slots[0].cert.key_generation;

    (void)state;
    calm_down();
    assert_int_equal(acme_cert_get_status(w.client, 0, &status), ACME_OK);
    assert_true(status.chain_size % ACME_CHAIN_CHUNK > 1);
    assert_int_equal(acme_store_write_chunk(&w.client->log, w.client->slots[0].store_slot,
                                            generation,
                                            (uint16_t)(status.chain_size / ACME_CHAIN_CHUNK), piece,
                                            status.chain_size % ACME_CHAIN_CHUNK - 1u),
                     ACME_OK);
    expect_due();
    device_reboot();
    expect_due();
    expect_renewal();
}

/* The key is whole, and is kept where keys are. */
static void test_the_key_is_kept(void **state)
{
    uint8_t before[100], after[100];
    struct acme_cert_status status;
    size_t before_len, after_len;

    (void)state;
    sim_world_halt(&w);
    requests[0].key_reuse = true;
    device_boot();
    assert_int_equal(device_renew(), ACME_OK); /* with a key that may be kept */
    assert_int_equal(acme_cert_get_status(w.client, 0, &status), ACME_OK);
    assert_int_equal(psa_export_public_key(status.key_id, before, sizeof(before), &before_len),
                     PSA_SUCCESS);
    calm_down();
    *find_der(0, 100) ^= 1;
    device_reboot();
    expect_renewal();
    assert_int_equal(acme_cert_get_status(w.client, 0, &status), ACME_OK);
    assert_int_equal(psa_export_public_key(status.key_id, after, sizeof(after), &after_len),
                     PSA_SUCCESS);
    assert_int_equal(before_len, after_len);
    assert_memory_equal(before, after, after_len);
}

/* A flash that damages each certificate: the CA is asked less and less often, once an hour in the
 * end, as for those that are due at their birth. */
static void test_a_flash_that_damages_each(void **state)
{
    uint32_t orders = w.ca->orders_count, hours = 12;
    uint64_t end = w.clock.now_ms + hours * 3600000ull;

    (void)state;
    while (w.clock.now_ms < end) {
        if (look(0) == ALL_OF_IT) {
            *find_der(0, 100) ^= 1;
            (void)look(0);
        }
        assert_int_equal(device_finish(acme_start_due(w.client)), ACME_OK);
        w.clock.now_ms += 120000u;
    }
    orders = w.ca->orders_count - orders;
    assert_in_range(orders, hours / 2, hours + 8);
}

/* A failed read is no damage, whenever it comes. */
static void test_a_failed_read_at_the_start_is_no_damage(void **state)
{
    uint32_t n, failed = 0;

    (void)state;
    for (n = 1; n < 4000; n += 7) {
        int32_t rc;

        sim_world_halt(&w);
        w.flash.fail_read_at = w.flash.reads + n;
        rc = sim_world_boot(&w);
        w.flash.fail_read_at = 0;
        if (rc != ACME_OK) {
            assert_int_equal(rc, ACME_ERR_STORE_IO);
            failed++;
            continue;
        }
        assert_true(acme_next_wakeup_s(w.client) > 3600);
    }
    assert_true(failed > 10);
    device_reboot();
    assert_int_equal(look(0), ALL_OF_IT);
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
        DEVICE_TEST_ISSUED(test_damage_is_found_at_the_start),
        DEVICE_TEST_ISSUED(test_damage_is_found_when_it_is_read),
        DEVICE_TEST_ISSUED(test_damage_that_passes),
        DEVICE_TEST_ISSUED(test_a_piece_that_is_too_short),
        DEVICE_TEST_ISSUED(test_the_key_is_kept),
        DEVICE_TEST_ISSUED(test_a_flash_that_damages_each),
        DEVICE_TEST_ISSUED(test_a_failed_read_at_the_start_is_no_damage),
        DEVICE_TEST_ISSUED(test_it_has_expired),
        DEVICE_TEST_ISSUED(test_one_failed_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
