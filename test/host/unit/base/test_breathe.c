/*
 * Breaths inside computations: how often, never inside one another, and that what mbedTLS computes
 * comes by there: elliptic curves, RSA, hashes, ciphers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <mbedtls/platform_util.h>
#include <psa/crypto.h>

#include "acme/client.h"
#include "base/breathe.h"
#include "base/entropy.h"

#define LOOK 512U /* bytes */

static uint64_t now_ms;
static uint32_t looks, breaths, step_ms;
static uint8_t ctx;

static uint64_t uptime_ms(void *given)
{
    assert_null(given);
    looks++;
    now_ms += step_ms;
    return now_ms;
}

static const struct acme_clock_ops clock_ops = {.uptime_ms = uptime_ms};

static void breathe(void *given)
{
    uint8_t data[4 * LOOK];

    assert_ptr_equal(given, &ctx);
    assert_true(acme_breathe_is_inside());
    breaths++;
    now_ms += 100;
    mbedtls_platform_zeroize(data, sizeof(data)); /* it may wipe, and does not breathe in there */
}

static const struct acme_port port = {.clock = &clock_ops, .breathe = breathe, .breathe_ctx = &ctx};

static int set_up(void **state)
{
    (void)state;
    now_ms = 1000;
    looks = breaths = step_ms = 0;
    acme_breathe_bind(&port);
    acme_breathe_after(LOOK); /* of what the test before has left */
    now_ms += 1000;
    looks = breaths = 0;
    return 0;
}

static void test_when(void **state)
{
    (void)state;
    acme_breathe_after(LOOK - 1); /* too little for a look */
    assert_int_equal(looks, 0);
    acme_breathe_after(1);
    assert_int_equal(breaths, 1);
    assert_false(acme_breathe_is_inside());
    now_ms -= 100 - 4; /* 4 ms since then */
    acme_breathe_after(LOOK);
    assert_int_equal(looks, 2);
    assert_int_equal(breaths, 1);
    now_ms += 1;
    acme_breathe_after(LOOK);
    assert_int_equal(breaths, 2);
}

static void test_nobody_wants_to(void **state)
{
    static const struct acme_port without = {.clock = &clock_ops};

    (void)state;
    acme_breathe_bind(&without);
    acme_breathe_after(LOOK);
    acme_breathe_bind(NULL);
    acme_breathe_after(LOOK);
    assert_int_equal(looks, 0);
    assert_int_equal(breaths, 0);
}

static void test_memory(void **state)
{
    uint8_t a[2 * LOOK], b[2 * LOOK];
    size_t i;

    (void)state;
    step_ms = 5;
    assert_ptr_equal(acme_breathe_memset(a, 0xa5, sizeof(a)), a);
    assert_int_equal(breaths, 1);
    assert_ptr_equal(acme_breathe_memcpy(b, a, sizeof(b) - 1), (void *)b);
    assert_int_equal(breaths, 2);
    b[sizeof(b) - 1] = 1;
    for (i = 0; i < sizeof(a); i++) {
        assert_int_equal(a[i], 0xa5);
        assert_int_equal(b[i], i + 1 < sizeof(b) ? 0xa5 : 1);
    }
    mbedtls_platform_zeroize(b, sizeof(b) - 1);
    assert_int_equal(breaths, 3);
    for (i = 0; i < sizeof(b); i++) {
        assert_int_equal(b[i], i + 1 < sizeof(b) ? 0 : 1);
    }
    mbedtls_platform_zeroize(NULL, 0);
}

/* ---- what is computed ---- */

static void make_key(psa_key_type_t type, size_t bits, psa_algorithm_t alg, psa_key_usage_t usage,
                     psa_key_id_t *key)
{
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;

    psa_set_key_type(&attributes, type);
    psa_set_key_bits(&attributes, bits);
    psa_set_key_algorithm(&attributes, alg);
    psa_set_key_usage_flags(&attributes, usage);
    looks = 0;
    assert_int_equal(psa_generate_key(&attributes, key), PSA_SUCCESS);
}

/* A curve of so many bits, in whose computations there are at least so many looks. */
static void check_curve(size_t bits, uint32_t least)
{
    const psa_algorithm_t alg = PSA_ALG_ECDSA(PSA_ALG_SHA_256);
    const psa_key_type_t type = PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1);
    uint8_t hash[32] = {7}, out[128];
    psa_key_id_t key;
    size_t len;

    make_key(type, bits, alg, PSA_KEY_USAGE_SIGN_HASH | PSA_KEY_USAGE_VERIFY_HASH, &key);
    looks = 0;
    assert_int_equal(psa_sign_hash(key, alg, hash, sizeof(hash), out, sizeof(out), &len),
                     PSA_SUCCESS);
    assert_true(looks > least);
    looks = 0;
    assert_int_equal(psa_verify_hash(key, alg, hash, sizeof(hash), out, len), PSA_SUCCESS);
    assert_true(looks > least);
    hash[0]++;
    assert_int_equal(psa_verify_hash(key, alg, hash, sizeof(hash), out, len),
                     PSA_ERROR_INVALID_SIGNATURE);
    assert_int_equal(psa_destroy_key(key), PSA_SUCCESS);
    make_key(type, bits, PSA_ALG_ECDH, PSA_KEY_USAGE_DERIVE, &key);
    assert_int_equal(psa_export_public_key(key, out, sizeof(out), &len), PSA_SUCCESS);
    looks = 0;
    assert_int_equal(psa_raw_key_agreement(PSA_ALG_ECDH, key, out, len, out, sizeof(out), &len),
                     PSA_SUCCESS);
    assert_true(looks > least);
    assert_int_equal(psa_destroy_key(key), PSA_SUCCESS);
}

static void test_curves(void **state)
{
    (void)state;
    step_ms = 5; /* a breath at each look: nothing is spoilt */
    check_curve(256, 200);
    check_curve(384, 300);
    assert_true(breaths > 1000);
}

/* A verification with 65537 is seventeen multiplications, and what goes in front. */
static void test_rsa(void **state)
{
    const psa_algorithm_t alg = PSA_ALG_RSA_PKCS1V15_SIGN(PSA_ALG_SHA_256);
    uint8_t hash[32] = {7}, out[256];
    psa_key_id_t key;
    size_t len;

    (void)state;
    make_key(PSA_KEY_TYPE_RSA_KEY_PAIR, 2048, alg,
             PSA_KEY_USAGE_SIGN_HASH | PSA_KEY_USAGE_VERIFY_HASH, &key);
    assert_int_equal(psa_sign_hash(key, alg, hash, sizeof(hash), out, sizeof(out), &len),
                     PSA_SUCCESS);
    looks = 0;
    assert_int_equal(psa_verify_hash(key, alg, hash, sizeof(hash), out, len), PSA_SUCCESS);
    assert_true(looks > 30);
    assert_int_equal(psa_destroy_key(key), PSA_SUCCESS);
}

/* A record of TLS: 16 KB. */
static void test_records(void **state)
{
    static uint8_t plain[16384], sealed[16384 + 16];
    uint8_t nonce[12] = {0}, hash[32];
    psa_key_id_t key;
    size_t len;

    (void)state;
    looks = 0;
    assert_int_equal(
        psa_hash_compute(PSA_ALG_SHA_256, plain, sizeof(plain), hash, sizeof(hash), &len),
        PSA_SUCCESS);
    assert_true(looks > 100);
    make_key(PSA_KEY_TYPE_AES, 256, PSA_ALG_GCM, PSA_KEY_USAGE_ENCRYPT, &key);
    looks = 0;
    assert_int_equal(psa_aead_encrypt(key, PSA_ALG_GCM, nonce, sizeof(nonce), NULL, 0, plain,
                                      sizeof(plain), sealed, sizeof(sealed), &len),
                     PSA_SUCCESS);
    assert_true(looks > 20);
    assert_int_equal(psa_destroy_key(key), PSA_SUCCESS);
}

int main(void)
{
    extern const struct acme_entropy_ops acme_posix_entropy_ops;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_when, set_up),
        cmocka_unit_test_setup(test_nobody_wants_to, set_up),
        cmocka_unit_test_setup(test_memory, set_up),
        cmocka_unit_test_setup(test_curves, set_up),
        cmocka_unit_test_setup(test_rsa, set_up),
        cmocka_unit_test_setup(test_records, set_up),
    };

    acme_entropy_bind(&acme_posix_entropy_ops, NULL);
    if (psa_crypto_init() != PSA_SUCCESS) {
        return 1;
    }
    return cmocka_run_group_tests_name("breathe", tests, NULL, NULL);
}
