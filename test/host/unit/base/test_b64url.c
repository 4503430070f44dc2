/*
 * The behaviour of b64url: the vectors of RFC 4648 and RFC 7515, and all that a strict decoder
 * refuses.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "acme/error.h"
#include "base/b64url.h"

struct vector {
    const char *plain, *url, *padded;
};

static const struct vector rfc4648[] = {
    {"", "", ""},
    {"f", "Zg", "Zg=="},
    {"fo", "Zm8", "Zm8="},
    {"foo", "Zm9v", "Zm9v"},
    {"foob", "Zm9vYg", "Zm9vYg=="},
    {"fooba", "Zm9vYmE", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy", "Zm9vYmFy"},
};
#define VECTORS (sizeof(rfc4648) / sizeof(rfc4648[0]))

static void test_encoded_len(void **state)
{
    (void)state;
    for (size_t i = 0; i < VECTORS; i++) {
        assert_int_equal(acme_b64url_encoded_len(i), strlen(rfc4648[i].url));
    }
    assert_int_equal(acme_b64url_encoded_len(SIZE_MAX), 0);
    assert_int_equal(acme_b64url_encoded_len(SIZE_MAX / 4 * 3 + 9), 0);
    assert_int_equal(acme_b64url_encoded_len(SIZE_MAX / 8), SIZE_MAX / 8 / 3 * 4 + 2);
}

/* What an int32_t cannot tell is refused before a byte is touched, whatever room there is. */
static void test_more_than_can_be_told(void **state)
{
    const size_t len = (size_t)INT32_MAX + 1;
    uint8_t raw[1] = {0};
    char text[1] = {0};

    (void)state;
    assert_int_equal(acme_b64url_encode(raw, len / 4 * 3, text, SIZE_MAX), ACME_ERR_BUFFER);
    assert_int_equal(acme_b64url_encode(raw, SIZE_MAX, text, SIZE_MAX), ACME_ERR_BUFFER);
    assert_int_equal(acme_b64url_decode(text, len / 3 * 4 + 4, raw, SIZE_MAX), ACME_ERR_BUFFER);
}

static void test_encode(void **state)
{
    /* RFC 7515 appendix C */
    static const uint8_t octets[] = {3, 236, 255, 224, 193};
    char out[16];

    (void)state;
    for (size_t i = 0; i < VECTORS; i++) {
        int32_t want = (int32_t)strlen(rfc4648[i].url);

        memset(out, '#', sizeof(out));
        assert_int_equal(acme_b64url_encode((const uint8_t *)rfc4648[i].plain, i, out, sizeof(out)),
                         want);
        assert_memory_equal(out, rfc4648[i].url, (size_t)want);
        assert_int_equal(out[want], '#');
        if (want > 0) {
            assert_int_equal(
                acme_b64url_encode((const uint8_t *)rfc4648[i].plain, i, out, (size_t)want - 1),
                ACME_ERR_BUFFER);
        }
    }
    assert_int_equal(acme_b64url_encode(octets, sizeof(octets), out, 7), 7);
    assert_memory_equal(out, "A-z_4ME", 7);
    assert_int_equal(acme_b64url_encode(octets, SIZE_MAX, out, SIZE_MAX), ACME_ERR_BUFFER);
    assert_int_equal(acme_b64url_encode(octets, SIZE_MAX / 2, out, SIZE_MAX), ACME_ERR_BUFFER);
}

/* The jws room encodes in place, towards the start of its buffer. */
static void test_encode_in_place(void **state)
{
    (void)state;
    for (size_t len = 0; len < 200; len++) {
        size_t need = acme_b64url_encoded_len(len);
        uint8_t plain[200];
        char want[300];
        uint8_t shared[300];

        for (size_t i = 0; i < len; i++) {
            plain[i] = (uint8_t)(i * 37 + len);
        }
        memcpy(shared + need - len, plain, len);
        assert_int_equal(acme_b64url_encode(plain, len, want, sizeof(want)), need);
        assert_int_equal(acme_b64url_encode(shared + need - len, len, (char *)shared, need), need);
        assert_memory_equal(shared, want, need);
    }
}

/* What has overflowed takes nothing, not even the end of nothing. */
static void test_add_to_nothing(void **state)
{
    char room[2] = "x";
    struct acme_buf b;

    (void)state;
    acme_buf_init(&b, room, 0);
    acme_b64url_add(&b, (const uint8_t *)"", 0);
    assert_true(b.overflow);
    assert_string_equal(room, "x");
}

static void test_decode(void **state)
{
    uint8_t out[16];

    (void)state;
    for (size_t i = 0; i < VECTORS; i++) {
        size_t len = strlen(rfc4648[i].url);

        memset(out, '#', sizeof(out));
        assert_int_equal(acme_b64url_decode(rfc4648[i].url, len, out, i), i);
        assert_memory_equal(out, rfc4648[i].plain, i);
        assert_int_equal(out[i], '#');
        if (i > 0) {
            assert_int_equal(acme_b64url_decode(rfc4648[i].url, len, out, i - 1), ACME_ERR_BUFFER);
        }
    }
    assert_int_equal(acme_b64url_decode("A-z_4ME", 7, out, sizeof(out)), 5);
    assert_memory_equal(out, "\x03\xec\xff\xe0\xc1", 5);
}

static void test_decode_refuses(void **state)
{
    static const char *const bad[] = {"A",       "AAAAA", "Zg==", "Zm8=", "Zm9v\n", " Zm9",
                                      "Zm+v",    "Zm/v",  "Zm.v", "Zh",   "Zm9",    "__",
                                      "Zm\xc3v", "Zm@v",  "Zm[v", "Zm`v", "Zm{v",   "Zm:v"};
    uint8_t out[16];

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(acme_b64url_decode(bad[i], strlen(bad[i]), out, sizeof(out)),
                         ACME_ERR_ARGUMENT);
    }
    assert_int_equal(acme_b64url_decode("Zm\0v", 4, out, sizeof(out)), ACME_ERR_ARGUMENT);
}

static void test_all_bytes(void **state)
{
    uint8_t plain[256], back[256];
    char text[400];
    int32_t len;

    (void)state;
    for (size_t i = 0; i < sizeof(plain); i++) {
        plain[i] = (uint8_t)i;
    }
    len = acme_b64url_encode(plain, sizeof(plain), text, sizeof(text));
    assert_int_equal(len, 342);
    assert_int_equal(acme_b64url_decode(text, (size_t)len, back, sizeof(back)), sizeof(plain));
    assert_memory_equal(back, plain, sizeof(plain));
    /* in place, too */
    assert_int_equal(acme_b64url_decode(text, (size_t)len, (uint8_t *)text, sizeof(text)), 256);
    assert_memory_equal(text, plain, sizeof(plain));
}

/* Decodes text as a stream; returns the bytes, or the error. */
static int32_t stream(const char *text, size_t len, uint8_t *out)
{
    struct acme_b64_stream s = {0};
    int32_t at = 0;

    for (size_t i = 0; i < len; i++) {
        uint8_t piece[3];
        int32_t n = acme_b64_stream_push(&s, text[i], piece);

        if (n < 0) {
            return n;
        }
        assert_in_range(n, 0, 3);
        memcpy(out + at, piece, (size_t)n);
        at += n;
    }
    return acme_b64_stream_end(&s) == ACME_OK ? at : ACME_ERR_ARGUMENT;
}

static void test_stream(void **state)
{
    uint8_t out[64];

    (void)state;
    for (size_t i = 0; i < VECTORS; i++) {
        assert_int_equal(stream(rfc4648[i].padded, strlen(rfc4648[i].padded), out), i);
        assert_memory_equal(out, rfc4648[i].plain, i);
    }
    assert_int_equal(stream("Zm 9v\r\n\tYm\nE\n=\n", 15, out), 5);
    assert_memory_equal(out, "fooba", 5);
    assert_int_equal(stream("+/+/", 4, out), 3);
    assert_memory_equal(out, "\xfb\xff\xbf", 3);
}

static void test_stream_refuses(void **state)
{
    static const char *const bad[] = {"Z",        "Zg",      "Zg=",  "Zm8",   "Zm9",   "=",
                                      "Z=",       "Z===",    "A===", "Zg===", "Zm9v=", "Zg==Z",
                                      "Zg==Zg==", "Zg=g",    "Zh==", "Zm9=",  "Zm-v",  "Zm_v",
                                      "Zm9v\x01", "Zm\xc3v", "Zg==="};
    uint8_t out[64];

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(stream(bad[i], strlen(bad[i]), out), ACME_ERR_ARGUMENT);
    }
    assert_int_equal(stream("\0", 1, out), ACME_ERR_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_encoded_len),    cmocka_unit_test(test_more_than_can_be_told),
        cmocka_unit_test(test_encode),         cmocka_unit_test(test_encode_in_place),
        cmocka_unit_test(test_decode),         cmocka_unit_test(test_decode_refuses),
        cmocka_unit_test(test_all_bytes),      cmocka_unit_test(test_stream),
        cmocka_unit_test(test_add_to_nothing), cmocka_unit_test(test_stream_refuses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
