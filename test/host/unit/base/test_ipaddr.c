/*
 * Addresses: every spelling in, one spelling out (RFC 5952), reverse names; and what is no address.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "acme/error.h"
#include "net/address.h"
#include "base/ipaddr.h"

static void canonical(const char *text, char out[ACME_IPADDR_TEXT])
{
    uint8_t bytes[16];
    struct acme_buf b;
    int32_t len = acme_ipaddr_parse(text, bytes);

    assert_true(len == 4 || len == 16);
    acme_buf_init(&b, out, ACME_IPADDR_TEXT);
    acme_ipaddr_add(&b, bytes, (size_t)len);
    assert_true(acme_buf_result(&b) > 0);
}

static void test_canonical(void **state)
{
    static const char *const pairs[][2] = {
        {"192.0.2.1", "192.0.2.1"},
        {"0.0.0.0", "0.0.0.0"},
        {"255.255.255.255", "255.255.255.255"},
        {"::", "::"},
        {"::1", "::1"},
        {"1::", "1::"},
        {"2001:DB8::0001", "2001:db8::1"},
        {"2001:db8:0:0:0:0:2:1", "2001:db8::2:1"},
        {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"}, /* one group is not shortened */
        {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},          /* the longest run */
        {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},    /* the first of two */
        {"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"},
        {"::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"},
        {"0:0:0:0:0:0:0:0", "::"},
        {"fe80:0000:0000:0000:0a0b:0c0d:0e0f:0010", "fe80::a0b:c0d:e0f:10"},
        {"::ffff:192.0.2.1", "::ffff:192.0.2.1"},
        {"::ffff:c000:201", "::ffff:192.0.2.1"},
        {"64:ff9b::192.0.2.33", "64:ff9b::c000:221"},
        {"1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"},
    };
    char text[ACME_IPADDR_TEXT];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        canonical(pairs[i][0], text);
        assert_string_equal(text, pairs[i][1]);
        assert_int_equal(acme_ipaddr_is_canonical(pairs[i][0]),
                         strcmp(pairs[i][0], pairs[i][1]) == 0);
        assert_true(acme_ipaddr_is_canonical(text));
    }
}

static void test_malformed(void **state)
{
    static const char *const texts[] = {
        "",
        "1.2.3",
        "1.2.3.4.5",
        "1.2.3.256",
        "1.2.3.04",
        "1.2.3.",
        ".1.2.3",
        "1.2.3.4 ",
        "1.2.3.4x",
        "1,2.3.4",
        "a.b.c.d",
        "1111.2.3.4",
        ":",
        ":::",
        ":1",
        "1:",
        "1::2::3",
        "1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:8:9",
        "1:2:3:4:5:6:7:8::",
        "::1:2:3:4:5:6:7:8",
        "12345::",
        "g::",
        "1:2:3:4:5:6:7:1.2.3.4",
        "1:2:3:4:5:6:7:8:",
        ":1:2:3:4:5:6:7:8",
        "1::2:",
        "1:2:3:4:5:6:7:8:9:a:b:c:d:e:f:10:11:12:13:14",
        "::1.2.3",
        "::1.2.3.4:5",
        "fe80::1%eth0",
        "[::1]",
        "::1 ",
        "1:2:3:4:5:6:7:8:1.2.3.4",
        "0000:0000:0000:0000:0000:0000:0000:0000:0000:00",
        "example.org",
    };
    uint8_t bytes[16 + 32]; /* and nothing is written behind the first of them */
    size_t i, k;

    (void)state;
    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        memset(bytes, 0x55, sizeof(bytes));
        assert_int_equal(acme_ipaddr_parse(texts[i], bytes), ACME_ERR_NAME);
        for (k = 16; k < sizeof(bytes); k++) {
            assert_int_equal(bytes[k], 0x55);
        }
        assert_false(acme_ipaddr_is_canonical(texts[i]));
    }
}

static void test_reverse(void **state)
{
    static const char *const pairs[][2] = {
        {"192.0.2.1", "1.2.0.192.in-addr.arpa"},
        {"2001:db8::567:89ab",
         "b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"},
    };
    char text[ACME_IPADDR_REVERSE];
    uint8_t bytes[16];
    struct acme_buf b;
    size_t i;

    (void)state;
    for (i = 0; i < 2; i++) {
        int32_t len = acme_ipaddr_parse(pairs[i][0], bytes);

        acme_buf_init(&b, text, sizeof(text));
        acme_ipaddr_add_reverse(&b, bytes, (size_t)len);
        assert_true(acme_buf_result(&b) > 0);
        assert_string_equal(text, pairs[i][1]);
    }
}

#if defined(CONFIG_ACME_DNS_CLIENT)
static bool equal(const char *a, const char *b)
{
    struct acme_address first, second;

    assert_int_equal(acme_address_parse(a, &first), ACME_OK);
    assert_int_equal(acme_address_parse(b, &second), ACME_OK);
    return acme_address_equal(&first, &second);
}

/* All of an address counts, and its family. */
static void test_equal(void **state)
{
    struct acme_address address;

    (void)state;
    assert_true(equal("192.0.2.1", "192.0.2.1"));
    assert_false(equal("192.0.2.1", "192.0.2.2"));
    assert_true(equal("2001:db8::1", "2001:0db8:0::0001"));
    assert_false(equal("2001:db8::1", "2001:db8::2"));
    assert_false(equal("192.0.2.1", "c000:201::"));
    assert_int_equal(acme_address_parse("192.0.2", &address), ACME_ERR_ARGUMENT);
    /* Nothing is left behind a short one: addresses are compared as a whole, too. */
    memset(&address, 0xff, sizeof(address));
    assert_int_equal(acme_address_parse("192.0.2.1", &address), ACME_OK);
    assert_true(address.bytes[3] == 1 && address.bytes[4] == 0 && address.bytes[15] == 0);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_canonical),
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_reverse),
#if defined(CONFIG_ACME_DNS_CLIENT)
        cmocka_unit_test(test_equal),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
