/*
 * The chain on its way to the store: what PEM is taken, what is refused, and what lies in the store
 * then.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "crypto_bench.h"
#include "store/chain.h"

static int32_t push(struct acme_chain_sink *s, const char *text)
{
    return acme_chain_sink_push(s, (const uint8_t *)text, strlen(text));
}

static struct acme_chain_sink new_sink(void)
{
    static uint8_t chunk[ACME_CHAIN_CHUNK];
    struct acme_chain_sink s;

    assert_int_equal(acme_store_remove_chain(&bench_log, 0, 0), ACME_OK);
    acme_chain_sink_init(&s, &bench_log, chunk, 0, 0);
    return s;
}

#define BEGIN "-----BEGIN CERTIFICATE-----\n"
#define END   "-----END CERTIFICATE-----\n"

static void test_sink_takes_pem(void **state)
{
    struct acme_chain_sink s = new_sink();
    static const char text[] = "\r\n \t" BEGIN "QUJD\r\nRA==\n" END "\n" BEGIN "RUZH" END;
    uint8_t out[7];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(text) - 1; i++) { /* in the smallest pieces */
        assert_int_equal(acme_chain_sink_push(&s, (const uint8_t *)text + i, 1), ACME_OK);
    }
    assert_int_equal(acme_chain_sink_finish(&s), ACME_OK);
    assert_int_equal(s.count, 2);
    assert_int_equal(s.lengths[0], 4);
    assert_int_equal(s.lengths[1], 3);
    assert_int_equal(acme_store_read_chain(&bench_log, 0, 0, 0, out, sizeof(out)), ACME_OK);
    assert_memory_equal(out, "ABCDEFG", 7);
}

static void test_sink_refuses(void **state)
{
    static const char *const bad[] = {
        "x" BEGIN "QUJD" END,                         /* text around it */
        BEGIN "QUJD" END "-x",                        /* after it */
        "-----BEGIN X509 CERTIFICATE-----\nQUJD" END, /* another label */
        BEGIN "QUJD-----END PRIVATE KEY-----\n",      /* another end */
        BEGIN "QU*D" END,                             /* no base64 */
        BEGIN "QUJDQ" END,                            /* half a byte */
        BEGIN "QQ==QUJD" END,                         /* goes on after its end */
        BEGIN END,                                    /* nothing in it */
    };
    static const char *const unfinished[] = {"", "\n", "---", BEGIN, BEGIN "QUJD", BEGIN "QUJD---"};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct acme_chain_sink s = new_sink();

        assert_int_equal(push(&s, bad[i]), ACME_ERR_CERT_PARSE);
    }
    for (i = 0; i < sizeof(unfinished) / sizeof(unfinished[0]); i++) {
        struct acme_chain_sink s = new_sink();

        assert_int_equal(push(&s, unfinished[i]), ACME_OK);
        assert_int_equal(acme_chain_sink_finish(&s), ACME_ERR_CERT_PARSE);
    }
}

static void test_sink_has_limits(void **state)
{
    struct acme_chain_sink s = new_sink();
    size_t i;

    (void)state;
    for (i = 0; i < CONFIG_ACME_CHAIN_CERTS_MAX; i++) {
        assert_int_equal(push(&s, BEGIN "QUJD" END), ACME_OK);
    }
    assert_int_equal(acme_chain_sink_finish(&s), ACME_OK);
    assert_int_equal(push(&s, "-"), ACME_ERR_CERT_LIMIT);
    s = new_sink();
    assert_int_equal(push(&s, BEGIN), ACME_OK);
    for (i = 0; i + 3 <= CONFIG_ACME_CERT_SIZE_MAX; i += 3) {
        assert_int_equal(push(&s, "QUJD"), ACME_OK);
    }
    assert_int_equal(push(&s, "QUJD"), ACME_ERR_CERT_LIMIT);
}

/* A chain that ends where a chunk does leaves no empty one behind. */
static void test_sink_ends_with_a_chunk(void **state)
{
    struct acme_chain_sink s = new_sink();
    uint8_t out[ACME_CHAIN_CHUNK];
    size_t i;

    (void)state;
    assert_int_equal(push(&s, BEGIN), ACME_OK);
    for (i = 0; i + 3 < ACME_CHAIN_CHUNK; i += 3) {
        assert_int_equal(push(&s, "QUJD"), ACME_OK);
    }
    assert_int_equal(ACME_CHAIN_CHUNK - i, 2);
    assert_int_equal(push(&s, "QUI=" END), ACME_OK);
    assert_int_equal(acme_chain_sink_finish(&s), ACME_OK);
    assert_int_equal(s.lengths[0], ACME_CHAIN_CHUNK);
    assert_int_equal(s.chunk_count, 1);
    assert_int_equal(acme_store_read_chain(&bench_log, 0, 0, 0, out, sizeof(out)), ACME_OK);
    assert_int_equal(acme_store_read_chain(&bench_log, 0, 0, ACME_CHAIN_CHUNK, out, 1),
                     ACME_ERR_STORE_CORRUPT);
}

static void test_sink_says_that_the_flash_fails(void **state)
{
    struct acme_chain_sink s = new_sink();
    size_t i;
    int32_t rc = push(&s, BEGIN);

    (void)state;
    bench_flash.off = true;
    for (i = 0; i < ACME_CHAIN_CHUNK && rc == ACME_OK; i += 3) {
        rc = push(&s, "QUJD");
    }
    assert_int_equal(rc, ACME_ERR_STORE_IO);
    flash_sim_power_on(&bench_flash);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sink_takes_pem),
        cmocka_unit_test(test_sink_refuses),
        cmocka_unit_test(test_sink_has_limits),
        cmocka_unit_test(test_sink_ends_with_a_chunk),
        cmocka_unit_test(test_sink_says_that_the_flash_fails),
    };

    return cmocka_run_group_tests(tests, bench_up, bench_down);
}
