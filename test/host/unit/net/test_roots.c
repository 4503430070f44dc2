/*
 * Signed bundles of roots (net/roots): a good one, each way to be refused, every cut and every
 * changed byte, from memory and through the port's read_anchor.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <psa/crypto.h>

#include "crypto_bench.h"
#include "roots_maker.h"

#define HEAD ACME_ROOTS_HEAD_SIZE
#define SIG  ACME_ROOTS_SIGNATURE_SIZE

static const uint8_t vendor_key[32] = {0x44, 4}, other_key[32] = {0x55, 5};
static uint8_t vendor_point[CA_PKI_POINT];
static const struct acme_port memory_port;
static struct acme_roots found;
static const struct acme_roots untouched = {77, 7, {vendor_key, 1}};

/* ---- making ---- */

static struct roots_maker made;

static void begin(uint32_t version)
{
    roots_maker_begin(&made, version);
}

static void add_bytes(const void *data, size_t n)
{
    roots_maker_add_bytes(&made, data, n);
}

static void add_root(const char *name)
{
    assert_true(roots_maker_add_root(&made, name));
}

static void finish_by(const uint8_t key[32])
{
    assert_true(roots_maker_finish(&made, key));
}

static void finish(void)
{
    finish_by(vendor_key);
}

/* ---- looking ---- */

static uint32_t reads, fail_read_at;

static int32_t read_anchor(void *ctx, const uint8_t *at, void *to, size_t n)
{
    (void)ctx;
    if (++reads == fail_read_at) {
        return ACME_ERR_NET; /* whatever a driver says */
    }
    assert_true(at >= (const uint8_t *)0x1000 && (uintptr_t)at - 0x1000 + n <= sizeof(made.data));
    memcpy(to, made.data + ((uintptr_t)at - 0x1000), n);
    return ACME_OK;
}

static const struct acme_port flash_port = {.read_anchor = read_anchor};

static int32_t check_after(uint32_t after)
{
    int32_t rc, read_rc;
    struct acme_roots read_found = untouched;
    /* of its very size, so that a sanitizer sees who reads on */
    uint8_t *copy = test_malloc(made.len + 1);

    memcpy(copy, made.data, made.len);
    found = untouched;
    rc = acme_roots_check(&memory_port, copy, made.len, vendor_point, after, &found);
    if (rc == ACME_OK) {
        assert_ptr_equal(found.anchor.der, copy + HEAD);
    }
    test_free(copy);
    read_rc = acme_roots_check(&flash_port, (const uint8_t *)0x1000, made.len, vendor_point, after,
                               &read_found);
    assert_int_equal(read_rc, rc);
    assert_int_equal(read_found.version, found.version);
    assert_int_equal(read_found.count, found.count);
    assert_int_equal(read_found.anchor.len, found.anchor.len);
    if (rc != ACME_OK) {
        assert_memory_equal(&found, &untouched, sizeof(found));
    }
    return rc;
}

static int32_t check(void)
{
    return check_after(4);
}

/* ---- tests ---- */

static void test_good(void **state)
{
    (void)state;
    begin(5);
    add_root("CN=One");
    finish();
    assert_int_equal(check(), ACME_OK);
    assert_int_equal(found.version, 5);
    assert_int_equal(found.count, 1);
    assert_int_equal(found.anchor.len, made.len - HEAD - SIG);
    begin(0xFFFFFFFFu);
    add_root("CN=One");
    add_root("CN=Two");
    add_root("CN=Three");
    finish();
    assert_int_equal(check(), ACME_OK);
    assert_int_equal(found.version, 0xFFFFFFFFu);
    assert_int_equal(found.count, 3);
}

static void test_versions(void **state)
{
    (void)state;
    begin(5);
    add_root("CN=One");
    finish();
    assert_int_equal(check_after(0), ACME_OK);
    assert_int_equal(check_after(4), ACME_OK);
    assert_int_equal(check_after(5), ACME_ERR_ROOTS_VERSION); /* the same once more */
    assert_int_equal(check_after(6), ACME_ERR_ROOTS_VERSION);
    assert_int_equal(check_after(UINT32_MAX), ACME_ERR_ROOTS_VERSION);
    begin(0); /* which is that of no bundle */
    add_root("CN=One");
    finish();
    assert_int_equal(check_after(0), ACME_ERR_ROOTS_VERSION);
}

static void test_signatures(void **state)
{
    (void)state;
    begin(5);
    add_root("CN=One");
    finish_by(other_key);
    assert_int_equal(check(), ACME_ERR_ROOTS_SIGNATURE);
    /* An old one that nobody has signed is not an old one. */
    assert_int_equal(check_after(9), ACME_ERR_ROOTS_SIGNATURE);
    memset(made.data + made.len - SIG, 0, SIG);
    assert_int_equal(check(), ACME_ERR_ROOTS_SIGNATURE);
    memset(made.data + made.len - SIG, 0xff, SIG);
    assert_int_equal(check(), ACME_ERR_ROOTS_SIGNATURE);
}

static void test_every_changed_byte(void **state)
{
    (void)state;
    begin(5);
    add_root("CN=One");
    finish();
    for (size_t i = 0; i < made.len; i++) {
        int32_t rc;

        made.data[i] ^= 1;
        rc = check();
        assert_true(rc == ACME_ERR_ROOTS_SIGNATURE || rc == ACME_ERR_ROOTS_FORMAT);
        made.data[i] ^= 1;
    }
    assert_int_equal(check(), ACME_OK);
}

static void test_every_cut(void **state)
{
    size_t whole;

    (void)state;
    begin(5);
    add_root("CN=One");
    add_root("CN=Two");
    finish();
    whole = made.len;
    for (made.len = 0; made.len < whole; made.len++) {
        assert_int_equal(check(), ACME_ERR_ROOTS_FORMAT);
    }
    made.data[made.len++] = 0; /* something behind it */
    assert_int_equal(check(), ACME_ERR_ROOTS_FORMAT);
}

/* Signed by the vendor, whose tool has erred. */
static void test_forms(void **state)
{
    static const uint8_t not_der[] = {0x31, 0x01, 0x00}, endless[] = {0x30, 0x80, 0x00, 0x00},
                         too_long[] = {0x30, 0x05, 0x00}, huge[] = {0x30, 0x83, 0x00, 0x00, 0x01},
                         half[] = {0x30, 0x82, 0x01}, one[] = {0x30};
    static const struct {
        const uint8_t *data;
        size_t len;
    } wrong[] = {{not_der, sizeof(not_der)},   {endless, sizeof(endless)},
                 {too_long, sizeof(too_long)}, {huge, sizeof(huge)},
                 {half, sizeof(half)},         {one, sizeof(one)}};
    uint32_t length;

    (void)state;
    begin(5); /* no root */
    finish();
    assert_int_equal(check(), ACME_ERR_ROOTS_FORMAT);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        begin(5);
        add_root("CN=One");
        add_bytes(wrong[i].data, wrong[i].len);
        finish();
        assert_int_equal(check(), ACME_ERR_ROOTS_FORMAT);
    }
    for (uint8_t count = 0; count < 4; count++) {
        begin(5);
        add_root("CN=One");
        add_root("CN=Two");
        made.data[13] = count;
        finish();
        assert_int_equal(check(), count == 2 ? ACME_OK : ACME_ERR_ROOTS_FORMAT);
    }
    begin(5);
    add_root("CN=One");
    length = (uint32_t)(made.len - ACME_ROOTS_HEAD_SIZE);
    add_root("CN=Two");
    roots_maker_put(&made, 8, length); /* of the first alone */
    assert_true(roots_maker_sign(&made, vendor_key));
    assert_int_equal(check(), ACME_ERR_ROOTS_FORMAT);
    begin(5);
    add_root("CN=One");
    made.data[15] = 1; /* a later format's */
    finish();
    assert_int_equal(check(), ACME_ERR_ROOTS_FORMAT);
}

static void test_roots_that_cannot_be_read(void **state)
{
    static const uint8_t odd[] = {0x30, 0x03, 0x02, 0x01, 0x00};

    (void)state;
    begin(5);
    add_bytes(odd, sizeof(odd));
    finish();
    assert_int_equal(check(), ACME_ERR_CERT_PARSE);
    add_root("CN=One"); /* behind the signature */
    begin(5);
    add_bytes(odd, sizeof(odd));
    add_root("CN=One"); /* one that can be used is enough, as with any anchors */
    finish();
    assert_int_equal(check(), ACME_OK);
}

static void test_flash_that_cannot_be_read(void **state)
{
    uint32_t n;
    int32_t rc;

    (void)state;
    begin(5);
    add_root("CN=One");
    finish();
    for (n = 1, rc = -1; rc != ACME_OK; n++) {
        reads = 0;
        fail_read_at = n;
        found = untouched;
        rc = acme_roots_check(&flash_port, (const uint8_t *)0x1000, made.len, vendor_point, 4,
                              &found);
        assert_true(rc == ACME_OK || rc == ACME_ERR_STORE_IO);
    }
    fail_read_at = 0;
    assert_true(n > 8);
}

static void test_arguments(void **state)
{
    uint8_t bad_key[CA_PKI_POINT] = {4, 1};

    (void)state;
    begin(5);
    add_root("CN=One");
    finish();
    assert_int_equal(acme_roots_check(NULL, made.data, made.len, vendor_point, 4, &found),
                     ACME_ERR_ARGUMENT);
    assert_int_equal(acme_roots_check(&memory_port, NULL, made.len, vendor_point, 4, &found),
                     ACME_ERR_ARGUMENT);
    assert_int_equal(acme_roots_check(&memory_port, made.data, made.len, NULL, 4, &found),
                     ACME_ERR_ARGUMENT);
    assert_int_equal(acme_roots_check(&memory_port, made.data, made.len, vendor_point, 4, NULL),
                     ACME_ERR_ARGUMENT);
    assert_int_equal(acme_roots_check(&memory_port, made.data, made.len, bad_key, 4, &found),
                     ACME_ERR_CRYPTO);
}

/* What may not be left behind: keys in PSA Crypto's slots. */
static void test_again_and_again(void **state)
{
    (void)state;
    begin(5);
    add_root("CN=One");
    finish_by(other_key);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(check(), ACME_ERR_ROOTS_SIGNATURE);
    }
}

static int group_up(void **state)
{
    return bench_up(state) == 0 && ca_pki_point(vendor_key, vendor_point) ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_versions),
        cmocka_unit_test(test_signatures),
        cmocka_unit_test(test_every_changed_byte),
        cmocka_unit_test(test_every_cut),
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_roots_that_cannot_be_read),
        cmocka_unit_test(test_flash_that_cannot_be_read),
        cmocka_unit_test(test_arguments),
        cmocka_unit_test(test_again_and_again),
    };
    return cmocka_run_group_tests(tests, group_up, bench_down);
}
