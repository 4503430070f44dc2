/*
 * Name constraints, as issuers have them: what is within, what is not, and what cannot be read.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "net/constraints.h"

/* The issuer's extensions, written from the back. */
static uint8_t der[512];
static size_t at;

static void begin(void)
{
    at = sizeof(der);
}

static void put(const void *data, size_t len)
{
    assert_true(len <= at);
    at -= len;
    memcpy(der + at, data, len);
}

/* All that was written since `end` becomes the content of an element. */
static void wrap(uint8_t tag, size_t end)
{
    size_t len = end - at;
    uint8_t head[3] = {tag, (uint8_t)len, 0};

    if (len < 128) {
        put(head, 2);
        return;
    }
    head[1] = 0x81;
    head[2] = (uint8_t)len;
    put(head, 3);
}

struct subtree {
    uint8_t tag;
    const void *data;
    size_t len;
};

static void put_subtrees(uint8_t tag, const struct subtree *list, size_t count)
{
    size_t end = at;

    while (count-- > 0) {
        size_t one = at;

        put(list[count].data, list[count].len);
        wrap(list[count].tag, one);
        wrap(0x30, one);
    }
    if (end != at) {
        wrap(tag, end);
    }
}

static mbedtls_x509_crt issuer, leaf;
static size_t behind_len; /* of what stands behind both lists, where nothing can be */
static const char *behind = "";
static mbedtls_x509_sequence second;

/* The constraints between another extension and its end. */
static void constrain(const struct subtree *permitted, size_t permitted_count,
                      const struct subtree *excluded, size_t excluded_count)
{
    static const uint8_t number[] = {0x06, 3, 0x55, 0x1d, 30, 0x01, 1, 0xff};
    static const uint8_t other[] = {0x30, 11, 0x06, 3, 0x55, 0x1d, 15, 0x04, 4, 3, 2, 1, 6};

    begin();
    put(behind, behind_len);
    put_subtrees(0xa1, excluded, excluded_count);
    put_subtrees(0xa0, permitted, permitted_count);
    wrap(0x30, sizeof(der));
    wrap(0x04, sizeof(der));
    put(number, sizeof(number));
    wrap(0x30, sizeof(der));
    put(other, sizeof(other));
    wrap(0x30, sizeof(der));
    memset(&issuer, 0, sizeof(issuer));
    issuer.v3_ext.p = der + at;
    issuer.v3_ext.len = sizeof(der) - at;
}

static bool allows(uint8_t kind, const void *name, size_t len)
{
    memset(&leaf, 0, sizeof(leaf));
    leaf.subject_alt_names.buf.tag = MBEDTLS_ASN1_CONTEXT_SPECIFIC | kind;
    leaf.subject_alt_names.buf.p = (unsigned char *)(uintptr_t)name;
    leaf.subject_alt_names.buf.len = len;
    return acme_constraints_allow(&issuer, &leaf);
}

static bool allows_name(const char *name)
{
    return allows(2, name, strlen(name));
}

#define DNS(text)                                                                                  \
    {                                                                                              \
        0x82, text, sizeof(text) - 1                                                               \
    }

static void test_none(void **state)
{
    (void)state;
    memset(&issuer, 0, sizeof(issuer));
    assert_true(allows_name("device.example.org"));
    constrain(NULL, 0, NULL, 0);
    assert_true(allows_name("device.example.org"));
}

static void test_names(void **state)
{
    static const struct subtree good[] = {DNS("Example.org"), DNS(".example.net")};
    static const struct subtree bad[] = {DNS("no.example.org")};

    (void)state;
    constrain(good, 2, bad, 1);
    assert_true(allows_name("example.org"));
    assert_true(allows_name("device.EXAMPLE.org"));
    assert_true(allows_name("a.example.net"));
    assert_false(allows_name("notexample.org"));
    assert_false(allows_name("example.net"));
    assert_false(allows_name("org"));
    assert_false(allows_name(""));
    assert_false(allows_name("no.example.org"));
    assert_false(allows_name("a.no.example.org"));
    assert_true(allows_name("yesno.example.org"));
    assert_true(allows(7, "\x0a\x00\x02\x02", 4)); /* nothing is said of addresses */
    assert_true(allows_name("device.example.org"));
    leaf.subject_alt_names.next = &second; /* each of them counts */
    memset(&second, 0, sizeof(second));
    second.buf = leaf.subject_alt_names.buf;
    assert_true(acme_constraints_allow(&issuer, &leaf));
    second.buf.p = (unsigned char *)(uintptr_t) "example.com";
    second.buf.len = 11;
    assert_false(acme_constraints_allow(&issuer, &leaf));
}

static void test_every_name(void **state)
{
    static const struct subtree all[] = {{0x82, "", 0}};

    (void)state;
    constrain(all, 1, NULL, 0);
    assert_true(allows_name("example.org"));
    constrain(NULL, 0, all, 1);
    assert_false(allows_name("example.org"));
    assert_true(allows(7, "\x0a\x00\x02\x02", 4));
}

static void test_addresses(void **state)
{
    static const struct subtree net[] = {{0x87, "\x0a\x00\x00\x00\xff\x00\x00\x00", 8}};

    (void)state;
    constrain(net, 1, NULL, 0);
    assert_true(allows(7, "\x0a\x00\x02\x02", 4));
    assert_false(allows(7, "\x0b\x00\x02\x02", 4));
    assert_false(allows(7, "\x0a\x00\x02\x02\x0a\x00\x02\x02\x0a\x00\x02\x02\x0a\x00\x02\x02", 16));
    assert_true(allows_name("example.org"));
}

/* Names of directories are not looked at, so that whoever is constrained to some is refused; kinds
 * that a server's certificate does not have say nothing. */
static void test_other_kinds(void **state)
{
    static const struct subtree directory[] = {{0xa4, "\x30\x00", 2}};
    static const struct subtree mail[] = {{0x81, "example.org", 11}};

    (void)state;
    constrain(directory, 1, NULL, 0);
    assert_false(allows_name("example.org"));
    constrain(NULL, 0, directory, 1);
    assert_false(allows_name("example.org"));
    constrain(mail, 1, NULL, 0);
    assert_true(allows_name("example.org"));
    assert_false(allows(1, "a@example.org", 13));
}

/* Cut anywhere it is refused, and nothing is read behind its end (the sanitizer looks). */
static void test_cut(void **state)
{
    static const struct subtree good[] = {DNS("example.org")};
    uint8_t copy[128];
    size_t len;

    (void)state;
    behind = "\x05";
    behind_len = 2;
    constrain(good, 1, NULL, 0);
    assert_false(allows_name("example.org"));
    behind =
        "\xa0\xa1"; /* a list whose length cannot be read, which looks like another, empty one */
    behind_len = 3;
    constrain(NULL, 0, NULL, 0);
    assert_false(allows_name("example.org"));
    behind_len = 0;
    constrain(good, 1, NULL, 0);
    assert_true(allows_name("example.org"));
    constrain(good, 1, good, 1);
    for (len = 1; len < sizeof(der) - at; len++) {
        memcpy(copy + sizeof(copy) - len, der + at, len);
        issuer.v3_ext.p = copy + sizeof(copy) - len;
        issuer.v3_ext.len = len;
        assert_false(allows_name("example.org"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_none),        cmocka_unit_test(test_names),
        cmocka_unit_test(test_every_name),  cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_other_kinds), cmocka_unit_test(test_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
