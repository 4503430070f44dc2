/*
 * A sealed store with what it stands on failing: the key store, the random generator, the counter,
 * the flash. Whatever it is, the store stays closed or says so, and nothing that was kept is lost.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <psa/crypto.h>

#include "acme_posix.h"
#include "base/entropy.h"
#include "flash_sim.h"
#include "store/store.h"

#define A         ACME_KEY(3, 1)
#define B         ACME_KEY(3, 2)
#define KEY_STATE ACME_KEY(14, 0) /* record.c's */

static struct flash_sim flash;
static struct acme_store store;
static const struct acme_port port = {.flash = &flash_sim_ops, .flash_ctx = &flash};
static struct acme_config config;
static psa_key_id_t seal_key;

/* ---- what fails ---- */

static bool random_fails, seal_is_short;
static int32_t key_result, counter_result;
static uint32_t counter;

psa_status_t __real_psa_generate_random(uint8_t *out, size_t size);
psa_status_t __wrap_psa_generate_random(uint8_t *out, size_t size);
psa_status_t __wrap_psa_generate_random(uint8_t *out, size_t size)
{
    return random_fails ? PSA_ERROR_INSUFFICIENT_ENTROPY : __real_psa_generate_random(out, size);
}

psa_status_t __real_psa_aead_encrypt(psa_key_id_t key, psa_algorithm_t alg, const uint8_t *nonce,
                                     size_t nonce_len, const uint8_t *aad, size_t aad_len,
                                     const uint8_t *in, size_t len, uint8_t *out, size_t size,
                                     size_t *out_len);
psa_status_t __wrap_psa_aead_encrypt(psa_key_id_t key, psa_algorithm_t alg, const uint8_t *nonce,
                                     size_t nonce_len, const uint8_t *aad, size_t aad_len,
                                     const uint8_t *in, size_t len, uint8_t *out, size_t size,
                                     size_t *out_len);
psa_status_t __wrap_psa_aead_encrypt(psa_key_id_t key, psa_algorithm_t alg, const uint8_t *nonce,
                                     size_t nonce_len, const uint8_t *aad, size_t aad_len,
                                     const uint8_t *in, size_t len, uint8_t *out, size_t size,
                                     size_t *out_len)
{
    psa_status_t status = __real_psa_aead_encrypt(key, alg, nonce, nonce_len, aad, aad_len, in, len,
                                                  out, size, out_len);

    *out_len -= seal_is_short ? 1 : 0; /* a driver that forgets a byte of the tag */
    return status;
}

static int32_t board_key(void *ctx, uint32_t *key_id)
{
    (void)ctx;
    *key_id = seal_key;
    return key_result;
}

static int32_t count_read(void *ctx, uint32_t *value)
{
    (void)ctx;
    *value = counter;
    return counter_result;
}

static int32_t count_up(void *ctx)
{
    (void)ctx;
    counter++;
    return ACME_OK;
}

static const struct acme_seal_ops seal_ops = {board_key};
static const struct acme_counter_ops counter_ops = {count_read, count_up};

static psa_key_id_t import_key(uint8_t first)
{
    const uint8_t bytes[32] = {first};
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    psa_key_id_t id = 0;

    psa_set_key_type(&attributes, PSA_KEY_TYPE_AES);
    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_ENCRYPT | PSA_KEY_USAGE_DECRYPT);
    psa_set_key_algorithm(&attributes, PSA_ALG_GCM);
    assert_int_equal(psa_import_key(&attributes, bytes, sizeof(bytes), &id), PSA_SUCCESS);
    return id;
}

static psa_key_id_t import_seal_key(void)
{
    return import_key(0x42);
}

/* ---- the store ---- */

static int32_t open_again(void)
{
    memset(&store, 0, sizeof(store));
    return acme_store_open(&store, &config);
}

static void expect(uint64_t key, const char *value)
{
    char out[100];

    assert_int_equal(acme_record_read(&store, key, 0, out, sizeof(out)), strlen(value));
    assert_memory_equal(out, value, strlen(value));
}

static int32_t set(uint64_t key, const char *value)
{
    return acme_record_set(&store, key, value, strlen(value));
}

static int set_up(void **state)
{
    (void)state;
    flash_sim_init(&flash, 1024, 16, 8, 7);
    counter = 7;
    random_fails = seal_is_short = false;
    key_result = counter_result = ACME_OK;
    seal_key = import_seal_key();
    config = (struct acme_config){.port = &port, .seal = &seal_ops, .counter = &counter_ops};
    assert_int_equal(open_again(), ACME_OK);
    assert_int_equal(set(A, "kept"), ACME_OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    (void)psa_destroy_key(seal_key);
    return 0;
}

/* ---- opening ---- */

static void test_no_key_no_store(void **state)
{
    psa_key_id_t key = seal_key;

    (void)state;
    key_result = ACME_ERR_CRYPTO;
    assert_int_equal(open_again(), ACME_ERR_CRYPTO);
    key_result = ACME_OK;
    seal_key = 0; /* the board says that it has one, and has none: that is not "unsealed" */
    assert_int_equal(open_again(), ACME_ERR_CRYPTO);
    seal_key = key;
    assert_int_equal(open_again(), ACME_OK);
    expect(A, "kept");
}

static void test_no_place_no_store(void **state)
{
    static const struct acme_port bare = {.flash = NULL};

    (void)state;
    config.port = &bare;
    assert_int_equal(open_again(), ACME_ERR_ARGUMENT);
    config.seal = NULL;
    config.counter = NULL;
    assert_int_equal(open_again(), ACME_ERR_ARGUMENT);
}

static void test_no_counter_no_store(void **state)
{
    (void)state;
    counter_result = ACME_ERR_STORE_IO;
    assert_int_equal(open_again(), ACME_ERR_STORE_IO);
    counter_result = ACME_OK;
    assert_int_equal(open_again(), ACME_OK);
    expect(A, "kept");
}

/* A counter without a seal protects nothing, and is left alone. */
static void test_a_counter_needs_a_seal(void **state)
{
    (void)state;
    flash_sim_init(&flash, 1024, 16, 8, 7);
    config.seal = NULL;
    counter = 7;
    assert_int_equal(open_again(), ACME_OK);
    assert_int_equal(set(A, "plain"), ACME_OK);
    assert_int_equal(counter, 7);
    counter = 99;
    assert_int_equal(open_again(), ACME_OK);
    expect(A, "plain");
}

/* The state's own record is authentic, and not what this version writes. */
static void test_another_state(void **state)
{
    uint32_t n, failed = 0;

    (void)state;
    config.counter = NULL;
    assert_int_equal(open_again(), ACME_OK);
    assert_int_equal(set(KEY_STATE, "12345"), ACME_OK);
    assert_int_equal(open_again(), ACME_ERR_STORE_SEAL);
    for (n = 1; n < 900; n++) {
        int32_t rc;

        flash.fail_read_at = flash.reads + n;
        rc = open_again();
        assert_true(rc == ACME_ERR_STORE_SEAL || rc == ACME_ERR_STORE_IO);
        failed += rc == ACME_ERR_STORE_IO ? 1 : 0;
    }
    assert_true(failed > 20);
}

/* A store with a value, with a counter or without. */
static void open_new(void **state, bool counted)
{
    (void)set_up(state);
    config.counter = counted ? &counter_ops : NULL;
    flash_sim_init(&flash, 1024, 16, 8, 7);
    assert_int_equal(open_again(), ACME_OK);
    assert_int_equal(set(A, "kept"), ACME_OK);
}

/* There are values, but no state: it was given up as damaged. Whoever has the key of a value has
 * the store; one with a counter stays closed. */
static void test_no_state(void **state)
{
    unsigned counted;

    for (counted = 0; counted < 2; counted++) {
        open_new(state, counted != 0);
        assert_int_equal(acme_flashlog_begin(&store.log, 0, 1), ACME_OK);
        assert_int_equal(acme_flashlog_delete(&store.log, KEY_STATE), ACME_OK);
        assert_int_equal(acme_flashlog_commit(&store.log), ACME_OK);
        if (counted != 0) {
            assert_int_equal(open_again(), ACME_ERR_STORE_ROLLBACK);
            continue;
        }
        seal_key = import_key(0x43);
        assert_int_equal(open_again(), ACME_ERR_STORE_SEAL);
        (void)psa_destroy_key(seal_key);
        seal_key = import_seal_key();
        assert_int_equal(open_again(), ACME_OK);
        expect(A, "kept");
        assert_true(acme_flashlog_read(&store.log, KEY_STATE, 0, NULL, 0) >= 0);
    }
}

/* One damaged value does not close a sealed store; it is said, and the others are there. */
static void test_damage(void **state)
{
    uint8_t raw[64], *at;

    (void)state;
    assert_int_equal(set(B, "other"), ACME_OK);
    assert_int_equal(acme_flashlog_read(&store.log, A, 0, raw, sizeof(raw)), 4 + 28);
    at = memmem(flash.data, 16 * 1024, raw, 32);
    assert_non_null(at);
    at[20] ^= 1;
    assert_int_equal(open_again(), ACME_ERR_STORE_CORRUPT);
    expect(B, "other");
    assert_int_equal(acme_record_read(&store, A, 0, raw, sizeof(raw)), ACME_ERR_STORE_CORRUPT);
}

/* The record that tells the key is damaged itself: any other tells it as well, and it is written
 * anew. Where it has the count, nobody can tell whether the image is the newest: the store stays
 * closed, and says so. Nothing else is lost. */
static void test_damaged_state(void **state)
{
    static uint8_t before[16 * 1024];
    uint8_t raw[64], *at, *last = NULL;
    unsigned counted;

    for (counted = 0; counted < 2; counted++) {
        open_new(state, counted != 0);
        assert_int_equal(set(B, "other"), ACME_OK);
        assert_int_equal(acme_flashlog_read(&store.log, KEY_STATE, 0, raw, sizeof(raw)), 32);
        for (at = flash.data;
             (at = memmem(at, (size_t)(flash.data + 16 * 1024 - at), raw, 32)) != NULL; at++) {
            last = at;
        }
        assert_non_null(last);
        last[20] ^= 1;
        memcpy(before, flash.data, sizeof(before));
        if (counted != 0) {
            assert_int_equal(open_again(), ACME_ERR_STORE_ROLLBACK);
            assert_memory_equal(before, flash.data, sizeof(before));
            continue;
        }
        seal_key = import_key(0x43);
        assert_int_equal(open_again(), ACME_ERR_STORE_SEAL); /* no other opens either */
        assert_memory_equal(before, flash.data, sizeof(before));
        (void)psa_destroy_key(seal_key);
        seal_key = import_seal_key();
        assert_int_equal(open_again(), ACME_ERR_STORE_CORRUPT); /* open, and it is said */
        expect(A, "kept");
        expect(B, "other");
        assert_int_equal(set(A, "more"), ACME_OK);
        assert_int_not_equal(open_again(), ACME_ERR_STORE_SEAL);
        expect(A, "more");
        assert_int_equal(acme_flashlog_read(&store.log, KEY_STATE, 0, raw, sizeof(raw)), 32);
    }
}

/* It is the only record: then nothing is to be protected, and nothing is lost. */
static void test_damaged_state_alone(void **state)
{
    uint8_t raw[64], *at;

    (void)state;
    flash_sim_init(&flash, 1024, 16, 8, 7);
    assert_int_equal(open_again(), ACME_OK);
    assert_int_equal(acme_flashlog_read(&store.log, KEY_STATE, 0, raw, sizeof(raw)), 32);
    at = memmem(flash.data, 16 * 1024, raw, 32);
    assert_non_null(at);
    at[20] ^= 1;
    assert_int_equal(open_again(), ACME_ERR_STORE_CORRUPT); /* open, and it is said */
    assert_int_equal(set(A, "kept"), ACME_OK);
    assert_int_not_equal(open_again(), ACME_ERR_STORE_SEAL);
    expect(A, "kept");
}

/* A read that fails is a failed read: it never looks as if the store were empty, or another's. */
static void test_opening_with_failed_reads(void **state)
{
    uint32_t n, failed = 0;

    (void)state;
    for (n = 1; n < 200; n++) {
        int32_t rc;

        flash_sim_power_on(&flash);
        flash.fail_read_at = flash.reads + n;
        rc = open_again();
        assert_true(rc == ACME_OK || rc == ACME_ERR_STORE_IO);
        failed += rc != ACME_OK ? 1 : 0;
        assert_int_equal(flash.programs, 0);
        assert_int_equal(flash.erase_calls, 0);
    }
    assert_true(failed > 20);
    flash_sim_power_on(&flash);
    assert_int_equal(open_again(), ACME_OK);
    expect(A, "kept");
}

/* The first opening of all, with each operation failing once: the next one makes up for it. */
static void test_first_opening(void **state)
{
    uint32_t n, which, failed = 0;

    (void)state;
    for (which = 0; which < 3; which++) {
        for (n = 1; n < (which == 2 ? 700u : 10u);
             n++) { /* looking whether it is empty takes reads */
            int32_t rc;

            flash_sim_init(&flash, 1024, 16, 8, 7);
            flash.fail_program_at = which == 0 ? n : 0;
            flash.fail_erase_at = which == 1 ? n : 0;
            flash.fail_read_at = which == 2 ? n : 0;
            rc = open_again();
            assert_true(rc == ACME_OK || rc == ACME_ERR_STORE_IO);
            failed += rc != ACME_OK ? 1 : 0;
            flash_sim_power_on(&flash);
            assert_int_equal(open_again(), ACME_OK);
            assert_int_equal(set(A, "new"), ACME_OK);
            expect(A, "new");
        }
    }
    assert_true(failed > 5);
    flash_sim_init(&flash, 1024, 16, 8, 7);
    random_fails = true; /* no nonce, no seal */
    assert_int_equal(open_again(), ACME_ERR_CRYPTO);
    random_fails = false;
    assert_int_equal(open_again(), ACME_OK);
    assert_int_equal(set(A, "new"), ACME_OK);
}

static bool all_bad; /* no sector can be erased */

static int32_t stubborn_erase(void *ctx, uint32_t at)
{
    return all_bad ? ACME_ERR_STORE_IO : flash_sim_ops.erase(ctx, at);
}

static void test_a_flash_that_takes_nothing(void **state)
{
    struct acme_flash_ops ops = flash_sim_ops;
    struct acme_port stubborn = {.flash = &ops, .flash_ctx = &flash};

    (void)state;
    ops.erase = stubborn_erase;
    config.port = &stubborn;
    flash_sim_init(&flash, 1024, 16, 8, 7);
    all_bad = true;
    assert_true(open_again() < 0);
    all_bad = false;
    assert_int_equal(open_again(), ACME_OK);
    config.port = &port;
}

/* ---- sealing ---- */

static void test_nothing_is_sealed_badly(void **state)
{
    uint32_t before;

    (void)state;
    before = counter;
    random_fails = true;
    assert_int_equal(set(A, "lost"), ACME_ERR_CRYPTO);
    random_fails = false;
    seal_is_short = true;
    assert_int_equal(set(A, "lost"), ACME_ERR_CRYPTO);
    seal_is_short = false;
    assert_int_equal(counter, before);
    expect(A, "kept");
    assert_int_equal(open_again(), ACME_OK);
    expect(A, "kept");
    /* the batch's own count cannot be sealed: the batch does not come about */
    assert_int_equal(acme_record_begin(&store, 3, 1), ACME_OK);
    assert_int_equal(acme_record_put(&store, A, "new", 3), ACME_OK);
    random_fails = true;
    assert_int_equal(acme_record_commit(&store), ACME_ERR_CRYPTO);
    random_fails = false;
    expect(A, "kept");
    assert_int_equal(set(A, "next"), ACME_OK);
}

/* The key goes away while the store is open, as a secure element's may: that is no damage. */
static void test_the_key_goes_away(void **state)
{
    char out[8];

    (void)state;
    assert_int_equal(psa_destroy_key(seal_key), PSA_SUCCESS);
    assert_int_equal(set(A, "lost"), ACME_ERR_CRYPTO);
    assert_int_equal(acme_record_read(&store, A, 0, out, sizeof(out)), ACME_ERR_CRYPTO);
    assert_int_equal(open_again(), ACME_ERR_CRYPTO);
    seal_key = import_seal_key();
    assert_int_equal(open_again(), ACME_OK);
    expect(A, "kept");
}

/* What no flash holds is refused, however the sums come out. */
static void test_batches_too_large(void **state)
{
    static const size_t lens[] = {INT32_MAX / 8 + 1u, INT32_MAX, SIZE_MAX, SIZE_MAX - 10};
    static const size_t counts[] = {4097, INT32_MAX, SIZE_MAX};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        assert_int_equal(acme_record_begin(&store, lens[i], 1), ACME_ERR_STORE_FULL);
    }
    for (i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        assert_int_equal(acme_record_begin(&store, 1, counts[i]), ACME_ERR_STORE_FULL);
    }
    assert_int_equal(set(B, "fits"), ACME_OK);
}

static int up(void **state)
{
    (void)state;
    acme_entropy_bind(&acme_posix_entropy_ops, NULL);
    return psa_crypto_init() == PSA_SUCCESS ? 0 : -1;
}

static int down(void **state)
{
    (void)state;
    mbedtls_psa_crypto_free();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_no_key_no_store, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_place_no_store, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_counter_no_store, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_counter_needs_a_seal, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_another_state, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_state, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_damage, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_damaged_state, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_damaged_state_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_opening_with_failed_reads, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_first_opening, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_flash_that_takes_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nothing_is_sealed_badly, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_key_goes_away, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_batches_too_large, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, up, down);
}
