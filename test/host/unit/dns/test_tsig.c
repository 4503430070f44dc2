/*
 * TSIG against messages that dnspython made with the same key (bytes 0 to 31, name "Key.Example"):
 * what is signed has the same bytes, its replies verify, and every bit of a reply counts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "crypto_bench.h"
#include "dns/tsig.h"
#include "tsig_reply.h"
#include "wipe_watch.h"

#define NOW 1700000000

static uint8_t secret[32];
static struct acme_tsig_key key = {.name = "key.example", .secret = secret, .secret_len = 32};

/* By algorithm: a signed update, its reply a second later, and a reply with BADTIME. */
static const char *const vectors[][3] = {
    {"123428000001000000010001076578616d706c65036f726700000600010f5f61636d652d6368616c6c656e6765c0"
     "0c001000010000003c00060568656c6c6f034b6579074578616d706c650000fa00ff00000000003d0b686d61632d"
     "7368613235360000006553f100012c002007c047e9e1848bae8169e3d8fa4aa9d1eb3f01aa15e725d0fdc82c17c8"
     "4884b6123400000000",
     "1234a8000001000000000001076578616d706c65036f72670000060001034b6579074578616d706c650000fa00ff"
     "00000000003d0b686d61632d7368613235360000006553f101012c0020eaba843f0c0309d1d14bbcd775da853e23"
     "a9decc4848d8ec25ebe9d3938874e6123400000000",
     "1234a8090001000000000001076578616d706c65036f72670000060001034b6579074578616d706c650000fa00ff"
     "0000000000430b686d61632d7368613235360000006553f100012c0020c5cb1bd66699fb646c99ff74eb2d478b23"
     "36a3a8872f859de6fe7ec6214bfcf5123400120006000065540488"},
    {"123428000001000000010001076578616d706c65036f726700000600010f5f61636d652d6368616c6c656e6765c0"
     "0c001000010000003c00060568656c6c6f034b6579074578616d706c650000fa00ff00000000004d0b686d61632d"
     "7368613338340000006553f100012c0030ecdc9a0aad9e786aa7c8cd7d2bbd87a9eb9b043e5e841afa90ae9eb366"
     "3fde2943e6f68af6699a0717caa367bd272aeb123400000000",
     "1234a8000001000000000001076578616d706c65036f72670000060001034b6579074578616d706c650000fa00ff"
     "00000000004d0b686d61632d7368613338340000006553f101012c0030f085a2563d8f2b0ac2f53ed06d913d9910"
     "4291dc3a8bb2c9045fbaaf9caa163d0a4e76fb83f866e6a28ca1a5b450d71d123400000000",
     "1234a8090001000000000001076578616d706c65036f72670000060001034b6579074578616d706c650000fa00ff"
     "0000000000530b686d61632d7368613338340000006553f100012c0030ee7f5ef72c76c4c220995adda2c269cab0"
     "a6f3215966288ad478a113ef68ad57061e5b300d5307e137cb7cf8085a1441123400120006000065540488"},
    {"123428000001000000010001076578616d706c65036f726700000600010f5f61636d652d6368616c6c656e6765c0"
     "0c001000010000003c00060568656c6c6f034b6579074578616d706c650000fa00ff00000000005d0b686d61632d"
     "7368613531320000006553f100012c00402303b5066d834c8965742b231343326766c4ff995f28675c2c327bfabb"
     "e271a2f1a5426066c91bf35cadc8a1494407f383874d1c3f8a5c4cf81fab2440fe4c86123400000000",
     "1234a8000001000000000001076578616d706c65036f72670000060001034b6579074578616d706c650000fa00ff"
     "00000000005d0b686d61632d7368613531320000006553f101012c0040da8eb60060cbaffec81f9193887b83e25a"
     "dd5efdd8906e1a00b2308b8568e2fd7ffe2240ea6b5510688a204c9cea7f52374ccba0aabf705d739e74c6d26e8b"
     "b7123400000000",
     "1234a8090001000000000001076578616d706c65036f72670000060001034b6579074578616d706c650000fa00ff"
     "0000000000630b686d61632d7368613531320000006553f100012c0040837ea9cae6e42009c2e69e26e62089b0bb"
     "940183701539e961ce88a9a40ee31e362ecf1b60835e71363b957aaf14907af804f07417a360f0ac1c2f211e4c3b"
     "33123400120006000065540488"}};

static size_t bytes(const char *hex, uint8_t *out)
{
    size_t i, len = strlen(hex) / 2;

    for (i = 0; i < len; i++) {
        unsigned int value;

        assert_int_equal(sscanf(hex + 2 * i, "%2x", &value), 1);
        out[i] = (uint8_t)value;
    }
    return len;
}

static size_t tsig_at(const uint8_t *message, size_t len)
{
    struct acme_dns_reader r;
    struct acme_dns_entry record;

    assert_int_equal(acme_dns_read_begin(&r, message, len), ACME_OK);
    while (acme_dns_read_next(&r, &record) == ACME_OK) {
        if (record.type == ACME_DNS_TYPE_TSIG) {
            return record.start;
        }
    }
    fail();
    return 0;
}

/* Signs the update of a vector; its key's name is in capitals there. */
static void sign(uint8_t algorithm, struct acme_tsig_request *request)
{
    uint8_t want[512], got[512];
    size_t len = bytes(vectors[algorithm][0], want), at = tsig_at(want, len);

    key.algorithm = algorithm;
    key.name = "Key.Example";
    memcpy(got, want, at);
    got[11] = 0; /* ARCOUNT */
    assert_int_equal(acme_tsig_sign(&key, got, at, sizeof(got), NOW, request), (int32_t)len);
    assert_memory_equal(got, want, len);
    key.name = "key.example";
}

static void test_vectors(void **state)
{
    struct acme_tsig_request request;
    uint8_t reply[512];
    int64_t server;
    size_t len;

    (void)state;
    for (uint8_t i = 0; i < 3; i++) {
        sign(i, &request);
        len = bytes(vectors[i][1], reply);
        assert_int_equal(acme_tsig_verify(&key, reply, len, &request, NOW + 1, &server), ACME_OK);
        assert_int_equal(server, 0);
        assert_int_equal(acme_tsig_verify(&key, reply, len, &request, NOW + 301, NULL), ACME_OK);
        assert_int_equal(acme_tsig_verify(&key, reply, len, &request, NOW + 302, NULL),
                         ACME_ERR_DNS_REPLY_SIG);
        assert_int_equal(acme_tsig_verify(&key, reply, len, &request, NOW - 300, NULL),
                         ACME_ERR_DNS_REPLY_SIG);
        len = bytes(vectors[i][2], reply);
        assert_int_equal(acme_tsig_verify(&key, reply, len, &request, NOW, &server),
                         ACME_ERR_DNS_TIME);
        assert_int_equal(server, NOW + 5000);
    }
}

/* The MAC that a reply should have had is what a forger wants to know: it does not stay. */
static void test_the_right_mac_is_wiped(void **state)
{
    struct acme_tsig_request request;
    uint8_t reply[512], mac[32];
    size_t len;

    (void)state;
    sign(0, &request);
    len = bytes(vectors[0][1], reply);
    memcpy(mac, reply + len - 6 - sizeof(mac), sizeof(mac));
    wipe_watch(mac, sizeof(mac));
    assert_int_equal(acme_tsig_verify(&key, reply, len, &request, NOW + 1, NULL), ACME_OK);
    assert_int_equal(wiped, 1);
    reply[len - 7] ^= 1;
    assert_int_equal(acme_tsig_verify(&key, reply, len, &request, NOW + 1, NULL),
                     ACME_ERR_DNS_REPLY_SIG);
    assert_int_equal(wiped, 2);
    wipe_watch(NULL, 0);
}

/* The identifier may be rewritten on the way; nothing else may. */
static void test_every_bit(void **state)
{
    struct acme_tsig_request request;
    uint8_t reply[512];
    size_t len, i, at;

    (void)state;
    sign(0, &request);
    len = bytes(vectors[0][1], reply);
    at = tsig_at(reply, len);
    for (i = 2; i < len; i++) {
        bool letter =
            i >= at && (reply[i] | 0x20) >= 'a' && (reply[i] | 0x20) <= 'z' && i < at + 60;

        for (int bit = 0; bit < 8; bit++) {
            if (bit == 5 && letter) {
                continue; /* the case of letters in names does not count */
            }
            reply[i] ^= (uint8_t)(1 << bit);
            assert_int_not_equal(acme_tsig_verify(&key, reply, len, &request, NOW + 1, NULL),
                                 ACME_OK);
            reply[i] ^= (uint8_t)(1 << bit);
        }
    }
    reply[0] ^= 1;
    assert_int_equal(acme_tsig_verify(&key, reply, len, &request, NOW + 1, NULL), ACME_OK);
    request.mac[3] ^= 1; /* the reply to another request */
    assert_int_equal(acme_tsig_verify(&key, reply, len, &request, NOW + 1, NULL),
                     ACME_ERR_DNS_REPLY_SIG);
}

/* In memory that ends with the message. */
static int32_t verify_exactly(const uint8_t *reply, size_t len,
                              const struct acme_tsig_request *request)
{
    uint8_t *copy = malloc(len > 0 ? len : 1);
    int32_t rc;

    assert_non_null(copy);
    memcpy(copy, reply, len);
    rc = acme_tsig_verify(&key, copy, len, request, NOW + 1, NULL);
    free(copy);
    return rc;
}

static void test_cut(void **state)
{
    struct acme_tsig_request request;
    uint8_t reply[512];
    size_t len, i, at;

    (void)state;
    sign(2, &request);
    len = bytes(vectors[2][1], reply);
    for (i = 0; i < len; i++) {
        assert_int_equal(verify_exactly(reply, i, &request), ACME_ERR_DNS_MESSAGE);
    }
    /* The record's own data is cut, and the message ends with it. */
    at = tsig_at(reply, len) + 13 + 10;
    for (i = 0; i < len - at; i++) {
        reply[at - 2] = (uint8_t)(i >> 8);
        reply[at - 1] = (uint8_t)i;
        assert_int_equal(verify_exactly(reply, at + i, &request), ACME_ERR_DNS_MESSAGE);
    }
    /* Or something stands behind it. */
    reply[at - 2] = (uint8_t)((len - at + 1) >> 8);
    reply[at - 1] = (uint8_t)(len - at + 1);
    reply[len] = 0;
    assert_int_equal(verify_exactly(reply, len + 1, &request), ACME_ERR_DNS_MESSAGE);
}

/* Makes a reply with a MAC of mac_len bytes: of the right one where right. */
static size_t reply_with(uint8_t *out, uint16_t mac_len, uint16_t error, int additional)
{
    struct acme_dns_writer w;
    uint8_t rdata[13 + 10 + 64 + 6], full[512];
    size_t n = bytes(vectors[0][1], full);

    memset(rdata, 0, sizeof(rdata));
    memcpy(rdata, "\x0bhmac-sha256\0\0\0\x65\x53\xf1\x01\x01\x2c", 21);
    rdata[22] = (uint8_t)mac_len;
    memcpy(rdata + 23, full + n - 6 - 32, mac_len < 32 ? mac_len : 32);
    rdata[23 + mac_len] = 0x12;
    rdata[24 + mac_len] = 0x34;
    rdata[26 + mac_len] = (uint8_t)error;
    acme_dns_write_begin(&w, out, 512, 0x1234, 0xa800);
    acme_dns_write_question(&w, "example.org", ACME_DNS_TYPE_SOA, ACME_DNS_CLASS_IN);
    for (int i = 0; i < additional; i++) {
        acme_dns_write_record(&w, ACME_DNS_ADDITIONAL, "Key.Example", ACME_DNS_TYPE_TSIG,
                              ACME_DNS_CLASS_ANY, 0, rdata, 29u + mac_len);
    }
    assert_true(acme_dns_write_result(&w) > 0);
    return w.len;
}

static void test_truncation(void **state)
{
    struct acme_tsig_request request;
    uint8_t reply[512];

    (void)state;
    sign(0, &request);
    for (uint16_t n = 1; n <= 64; n++) {
        size_t len = reply_with(reply, n, 0, 1);
        int32_t want = n >= 16 && n <= 32 ? ACME_OK : ACME_ERR_DNS_REPLY_SIG;

        assert_int_equal(acme_tsig_verify(&key, reply, len, &request, NOW, NULL), want);
    }
}

static void test_unsigned_errors(void **state)
{
    static const struct {
        uint16_t code;
        int32_t error;
    } cases[] = {{16, ACME_ERR_DNS_SIG},
                 {17, ACME_ERR_DNS_KEY},
                 {22, ACME_ERR_DNS_SIG},
                 {18, ACME_ERR_DNS_REPLY_SIG},
                 {0, ACME_ERR_DNS_REPLY_SIG}};
    struct acme_tsig_request request;
    uint8_t reply[512];

    (void)state;
    sign(0, &request);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t len = reply_with(reply, 0, cases[i].code, 1);

        assert_int_equal(acme_tsig_verify(&key, reply, len, &request, NOW, NULL), cases[i].error);
    }
    assert_int_equal(
        acme_tsig_verify(&key, reply, reply_with(reply, 32, 0, 0), &request, NOW, NULL),
        ACME_ERR_DNS_REPLY_SIG);
    assert_int_equal(
        acme_tsig_verify(&key, reply, reply_with(reply, 32, 0, 2), &request, NOW, NULL),
        ACME_ERR_DNS_MESSAGE);
    /* Who signs must be able to: an error does not excuse a MAC that is wrong. */
    for (uint16_t code = 16; code <= 17; code++) {
        size_t len = bytes(vectors[0][1], reply);

        reply[len - 3] = (uint8_t)code;
        assert_int_equal(acme_tsig_verify(&key, reply, len, &request, NOW + 1, NULL),
                         ACME_ERR_DNS_REPLY_SIG);
    }
    key.name = "other.example";
    assert_int_equal(
        acme_tsig_verify(&key, reply, reply_with(reply, 32, 0, 1), &request, NOW, NULL),
        ACME_ERR_DNS_REPLY_SIG);
    key.name = "key.example";
    key.algorithm = 1;
    assert_int_equal(
        acme_tsig_verify(&key, reply, reply_with(reply, 32, 0, 1), &request, NOW, NULL),
        ACME_ERR_DNS_REPLY_SIG);
    key.algorithm = 0;
}

/* Errors that the server signs, as who asked has the key. */
static void test_signed_errors(void **state)
{
    struct tsig_reply t = {"key.example", secret, 32, NOW, 0, NULL, 0};
    struct acme_tsig_request request;
    static uint8_t reply[TSIG_REPLY_MAX];
    struct acme_dns_writer w;
    int64_t server = 1;
    size_t len;

    (void)state;
    sign(0, &request);
    acme_dns_write_begin(&w, reply, sizeof(reply), 0x1234, 0xa800);
    len = tsig_sign_reply(&t, request.mac, reply, w.len);
    assert_int_equal(acme_tsig_verify(&key, reply, len, &request, NOW, &server), ACME_OK);
    assert_int_equal(server, 0);
    acme_dns_write_begin(&w, reply, sizeof(reply), 0x1234, 0xa809);
    t.error = ACME_TSIG_BADTRUNC;
    len = tsig_sign_reply(&t, request.mac, reply, w.len);
    assert_int_equal(acme_tsig_verify(&key, reply, len, &request, NOW, &server), ACME_ERR_DNS_SIG);
    /* The server's time counts where it is one. */
    t.error = ACME_TSIG_BADTIME;
    t.other = (const uint8_t *)"\0\0\x65\x53\xf1\x2c";
    for (t.other_len = 0; t.other_len <= 6; t.other_len++) {
        acme_dns_write_begin(&w, reply, sizeof(reply), 0x1234, 0xa809);
        len = tsig_sign_reply(&t, request.mac, reply, w.len);
        assert_int_equal(acme_tsig_verify(&key, reply, len, &request, NOW, NULL),
                         ACME_ERR_DNS_TIME);
        assert_int_equal(acme_tsig_verify(&key, reply, len, &request, NOW, &server),
                         ACME_ERR_DNS_TIME);
        assert_int_equal(server, t.other_len == 6 ? 0x6553f12c : 0);
    }
}

/* The record where it must not be, and with data that lies about its lengths. */
static void test_records_that_are_none(void **state)
{
    static const struct {
        uint8_t section;
        size_t len;
        int32_t error;
        const char *data;
    } cases[] = {
        {ACME_DNS_ANSWER, 0, ACME_ERR_DNS_REPLY_SIG, ""},
        {ACME_DNS_ADDITIONAL, 0, ACME_ERR_DNS_MESSAGE, ""},
        {ACME_DNS_ADDITIONAL, 2, ACME_ERR_DNS_MESSAGE, "\1a"},
        {ACME_DNS_ADDITIONAL, 3 + 15, ACME_ERR_DNS_MESSAGE, "\1a\0......\0\0\0\0......"},
        {ACME_DNS_ADDITIONAL, 3 + 16, ACME_ERR_DNS_REPLY_SIG, "\1a\0......\0\0\0\0....\0\0"},
        {ACME_DNS_ADDITIONAL, 3 + 16, ACME_ERR_DNS_MESSAGE, "\1a\0......\0\0\0\1....\0\0"},
        {ACME_DNS_ADDITIONAL, 3 + 16, ACME_ERR_DNS_MESSAGE, "\1a\0......\0\0\0\0....\0\1"}};
    struct acme_tsig_request request;
    struct acme_dns_writer w;
    uint8_t reply[512];
    size_t i;

    (void)state;
    sign(0, &request);
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        memset(reply, 0, sizeof(reply)); /* a name that leaves its record ends there */
        acme_dns_write_begin(&w, reply, sizeof(reply), 0x1234, 0xa800);
        acme_dns_write_record(&w, (enum acme_dns_section)cases[i].section, "key.example",
                              ACME_DNS_TYPE_TSIG, ACME_DNS_CLASS_ANY, 0,
                              (const uint8_t *)cases[i].data, cases[i].len);
        assert_int_equal(acme_tsig_verify(&key, reply, w.len, &request, NOW, NULL), cases[i].error);
    }
}

static void test_keys(void **state)
{
    struct acme_tsig_request request;
    struct acme_tsig_key k = key;
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    static uint8_t large[10000]; /* more bits than PSA takes */
    uint8_t message[512] = {0}, other[512] = {0};
    psa_key_id_t id;
    int32_t n;

    (void)state;
    for (size_t size = 12; size < 100; size++) {
        n = acme_tsig_sign(&key, message, 12, size, NOW, &request);
        assert_true(n == ACME_ERR_BUFFER || (size >= 96 && n > 12));
    }
    assert_int_equal(acme_tsig_sign(&key, message, 11, 512, NOW, &request), ACME_ERR_BUFFER);
    k.name = "a..b";
    assert_int_equal(acme_tsig_sign(&k, message, 12, 512, NOW, &request), ACME_ERR_NAME);
    k.name = "";
    assert_int_equal(acme_tsig_check_key(&k), ACME_ERR_NAME);
    k = key;
    k.algorithm = 3;
    assert_int_equal(acme_tsig_check_key(&k), ACME_ERR_UNSUPPORTED);
    k.name = NULL;
    assert_int_equal(acme_tsig_check_key(&k), ACME_ERR_NAME);
    k = key;
    k.secret_len = 0;
    assert_int_equal(acme_tsig_check_key(&k), ACME_ERR_ARGUMENT);
    k = key;
    k.secret = NULL;
    assert_int_equal(acme_tsig_check_key(&k), ACME_ERR_ARGUMENT);
    assert_int_equal(acme_tsig_sign(&key, message, 13, 12, NOW, &request), ACME_ERR_BUFFER);
    /* A key in the key store signs the same, and without the right to it, nothing. */
    psa_set_key_type(&attributes, PSA_KEY_TYPE_HMAC);
    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_SIGN_MESSAGE);
    psa_set_key_algorithm(&attributes, PSA_ALG_HMAC(PSA_ALG_SHA_256));
    assert_int_equal(psa_import_key(&attributes, secret, 32, &id), PSA_SUCCESS);
    k = (struct acme_tsig_key){.name = key.name, .psa_key = id};
    memset(message, 0, sizeof(message));
    n = acme_tsig_sign(&key, message, 12, 512, NOW, &request);
    assert_int_equal(acme_tsig_sign(&k, other, 12, 512, NOW, &request), n);
    assert_memory_equal(message, other, 512);
    k.algorithm = 1;
    assert_int_equal(acme_tsig_sign(&k, other, 12, 512, NOW, &request), ACME_ERR_CRYPTO);
    assert_int_equal(psa_destroy_key(id), PSA_SUCCESS);
    /* Neither does one that has gone, or one that PSA does not take; and nothing verifies. */
    k.algorithm = 0;
    assert_int_equal(acme_tsig_sign(&k, other, 12, 512, NOW, &request), ACME_ERR_CRYPTO);
    assert_int_equal(acme_tsig_verify(&k, other, reply_with(other, 32, 0, 1), &request, NOW, NULL),
                     ACME_ERR_CRYPTO);
    k = key;
    k.secret = large;
    k.secret_len = sizeof(large);
    assert_int_equal(acme_tsig_sign(&k, other, 12, 512, NOW, &request), ACME_ERR_CRYPTO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_vectors, bench_up, bench_down),
        cmocka_unit_test_setup_teardown(test_the_right_mac_is_wiped, bench_up, bench_down),
        cmocka_unit_test_setup_teardown(test_every_bit, bench_up, bench_down),
        cmocka_unit_test_setup_teardown(test_cut, bench_up, bench_down),
        cmocka_unit_test_setup_teardown(test_truncation, bench_up, bench_down),
        cmocka_unit_test_setup_teardown(test_unsigned_errors, bench_up, bench_down),
        cmocka_unit_test_setup_teardown(test_signed_errors, bench_up, bench_down),
        cmocka_unit_test_setup_teardown(test_records_that_are_none, bench_up, bench_down),
        cmocka_unit_test_setup_teardown(test_keys, bench_up, bench_down),
    };

    for (uint8_t i = 0; i < sizeof(secret); i++) {
        secret[i] = i;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
