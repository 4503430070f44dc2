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

/* RFC 7468 2: text for people, what is no certificate, and line ends of any kind. */
static void test_sink_skips_text(void **state)
{
    static const char *const good[] = {
        "subject=/CN=device\nissuer=/CN=x\n" BEGIN "QUJD" END,
        "# one\r\n\r\n-----BEGIN CERTIFICATE-----\r\nQUJD\r\n-----END CERTIFICATE-----\r\n\r\n",
        BEGIN "QUJD" END "-x\n",
        BEGIN "QUJD" END "trailing",
        BEGIN "QUJD" END "---",
        "x" BEGIN "QUJD" END BEGIN "QUJD" END,
        "-----BEGIN X509 CRL-----\nRUZH\n-----END X509 CRL-----\n" BEGIN "QUJD" END,
        "-----BEGIN CERTIFICATE\n" BEGIN "QUJD" END,
        "-----BEGIN CERTIFICAT\r" BEGIN "QUJD" END,
        "\xc3\xa4\x01 text\n \t" BEGIN "QUJD" END "Bag Attributes\n    localKeyID: 01\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct acme_chain_sink s = new_sink();
        uint8_t out[3];

        assert_int_equal(push(&s, good[i]), ACME_OK);
        assert_int_equal(acme_chain_sink_finish(&s), ACME_OK);
        assert_int_equal(s.count, 1);
        assert_int_equal(s.lengths[0], 3);
        assert_int_equal(acme_store_read_chain(&bench_log, 0, 0, 0, out, sizeof(out)), ACME_OK);
        assert_memory_equal(out, "ABC", 3);
    }
}

static void test_sink_refuses(void **state)
{
    static const char *const bad[] = {
        BEGIN "QUJD-----END PRIVATE KEY-----\n", /* another end */
        BEGIN "QU*D" END,                        /* no base64 */
        BEGIN "QUJDQ" END,                       /* half a byte */
        BEGIN "QQ==QUJD" END,                    /* goes on after its end */
        BEGIN END,                               /* nothing in it */
    };
    static const char *const unfinished[] = {"",       "\n",  "---",        "text",
                                             "text\n", BEGIN, BEGIN "QUJD", BEGIN "QUJD---"};
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
    assert_int_equal(push(&s, "-----BEGIN CERTIFICATE-----"), ACME_ERR_CERT_LIMIT);
    assert_int_equal(s.limit.id, ACME_LIMIT_CHAIN_CERTS);
    assert_int_equal(s.limit.size, CONFIG_ACME_CHAIN_CERTS_MAX + 1);
    s = new_sink();
    assert_int_equal(push(&s, BEGIN), ACME_OK);
    for (i = 0; i + 3 <= CONFIG_ACME_CERT_SIZE_MAX; i += 3) {
        assert_int_equal(push(&s, "QUJD"), ACME_OK);
    }
    assert_int_equal(push(&s, "QUJD"), ACME_ERR_CERT_LIMIT);
}

/* The largest certificate is taken, and one of a byte more is not. */
static void test_sink_has_a_largest_certificate(void **state)
{
    static const char *const tails[] = {"", "QQ==", "QUI=", "QUJD"};
    uint32_t more, i;

    (void)state;
    for (more = 0; more < 2; more++) {
        struct acme_chain_sink s = new_sink();

        assert_int_equal(push(&s, BEGIN), ACME_OK);
        for (i = 0; i + 3 <= CONFIG_ACME_CERT_SIZE_MAX; i += 3) {
            assert_int_equal(push(&s, "QUJD"), ACME_OK);
        }
        assert_int_equal(push(&s, tails[CONFIG_ACME_CERT_SIZE_MAX - i + more]),
                         more == 0 ? ACME_OK : ACME_ERR_CERT_LIMIT);
        if (more == 0) {
            assert_int_equal(push(&s, END), ACME_OK);
            assert_int_equal(s.lengths[0], CONFIG_ACME_CERT_SIZE_MAX);
        } else {
            assert_int_equal(s.limit.id, ACME_LIMIT_CERT_SIZE);
            assert_int_equal(s.limit.size, CONFIG_ACME_CERT_SIZE_MAX + 1);
        }
    }
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

/* Certificates of sizes around a chunk's, moved from everywhere to everywhere. */
static void test_move(void **state)
{
    static const uint16_t sizes[] = {1, 511, 512, 513, 1100};
    static uint8_t bytes[4000], scratch[1100], got[4000];
    size_t total = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)(i * 7 + i / 256);
    }
    for (size_t i = 0; i < 5; i++) {
        total += sizes[i];
    }
    for (uint8_t from = 0; from < 5; from++) {
        for (uint8_t to = 0; to <= from; to++) {
            struct acme_cert_record r = {.chain_count = 5};
            size_t at = 0;

            assert_int_equal(acme_store_remove_chain(&bench_log, 0, 0), ACME_OK);
            for (uint16_t chunk = 0; (size_t)chunk * ACME_CHAIN_CHUNK < total; chunk++) {
                size_t start = (size_t)chunk * ACME_CHAIN_CHUNK, rest = total - start;

                assert_int_equal(
                    acme_store_write_chunk(&bench_log, 0, 0, chunk, bytes + start,
                                           rest < ACME_CHAIN_CHUNK ? rest : ACME_CHAIN_CHUNK),
                    ACME_OK);
            }
            memcpy(r.lengths, sizes, sizeof(sizes));
            assert_int_equal(acme_chain_move(&bench_log, 0, 0, &r, from, to, scratch), ACME_OK);
            assert_int_equal(acme_store_read_chain(&bench_log, 0, 0, 0, got, total), ACME_OK);
            for (uint8_t i = 0, old = 0; i < 5; i++) {
                size_t place = 0;
                uint8_t which = from;

                if (i != to) {
                    old = (uint8_t)(old + (old == from ? 1 : 0));
                    which = old++;
                }
                for (uint8_t k = 0; k < which; k++) {
                    place += sizes[k];
                }
                assert_int_equal(r.lengths[i], sizes[which]);
                assert_memory_equal(got + at, bytes + place, sizes[which]);
                at += sizes[which];
            }
            assert_int_equal(acme_store_read_chain(&bench_log, 0, 0, (uint32_t)total, got, 1),
                             ACME_ERR_STORE_CORRUPT);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sink_takes_pem),
        cmocka_unit_test(test_sink_skips_text),
        cmocka_unit_test(test_sink_refuses),
        cmocka_unit_test(test_move),
        cmocka_unit_test(test_sink_has_limits),
        cmocka_unit_test(test_sink_has_a_largest_certificate),
        cmocka_unit_test(test_sink_ends_with_a_chunk),
        cmocka_unit_test(test_sink_says_that_the_flash_fails),
    };

    return cmocka_run_group_tests(tests, bench_up, bench_down);
}
