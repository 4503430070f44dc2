/*
 * mbedTLS's entropy hook: no bytes without a source, none of one that fails, and the reason is kept
 * for whoever asks why no key could be made.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <mbedtls/build_info.h>

#include <entropy_poll.h>
#include <psa/crypto.h>

#include "acme/error.h"
#include "base/entropy.h"

static int32_t result;
static const uint8_t *given_ctx;

static int32_t fill(void *ctx, uint8_t *data, size_t len)
{
    given_ctx = ctx;
    memset(data, 0x5a, len);
    return result;
}

static const struct acme_entropy_ops ops = {fill};

static void test_hook(void **state)
{
    static uint8_t ctx;
    uint8_t out[16] = {0};
    size_t len = 99;

    (void)state;
    acme_entropy_bind(NULL, NULL);
    assert_int_not_equal(mbedtls_hardware_poll(NULL, out, sizeof(out), &len), 0);
    assert_int_equal(len, 0);
    assert_int_equal(acme_entropy_result(), ACME_ERR_ENTROPY);
    acme_entropy_bind(&ops, &ctx);
    assert_int_equal(acme_entropy_result(), ACME_OK);
    result = ACME_ERR_ENTROPY;
    len = 99;
    assert_int_not_equal(mbedtls_hardware_poll(NULL, out, sizeof(out), &len), 0);
    assert_int_equal(len, 0);
    assert_int_equal(acme_entropy_result(), ACME_ERR_ENTROPY);
    result = ACME_OK;
    assert_int_equal(mbedtls_hardware_poll(NULL, out, sizeof(out), &len), 0);
    assert_int_equal(len, sizeof(out));
    assert_int_equal(out[15], 0x5a);
    assert_ptr_equal(given_ctx, &ctx);
    assert_int_equal(acme_entropy_result(), ACME_OK);
}

/* Without entropy PSA does not come up, rather than with bytes that can be guessed. */
static void test_no_entropy_no_crypto(void **state)
{
    (void)state;
    acme_entropy_bind(NULL, NULL);
    assert_int_not_equal(psa_crypto_init(), PSA_SUCCESS);
    assert_int_equal(acme_entropy_result(), ACME_ERR_ENTROPY);
    mbedtls_psa_crypto_free();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hook),
        cmocka_unit_test(test_no_entropy_no_crypto),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
