/*
 * The behaviour of buf and error: what fits, what is remembered when it does not, and that the list
 * of errors keeps its promises.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "acme/error.h"
#include "base/buf.h"

static void test_empty(void **state)
{
    char text[4] = "xxx";
    struct acme_buf b;

    (void)state;
    acme_buf_init(&b, text, sizeof(text));
    assert_string_equal(text, "");
    assert_int_equal(acme_buf_result(&b), 0);
    acme_buf_init(&b, NULL, 0);
    acme_buf_add(&b, "a");
    assert_int_equal(acme_buf_result(&b), ACME_ERR_BUFFER);
}

static void test_exact_fit(void **state)
{
    char text[4];
    struct acme_buf b;

    (void)state;
    acme_buf_init(&b, text, sizeof(text));
    acme_buf_add(&b, "ab");
    acme_buf_add_char(&b, 'c');
    acme_buf_add(&b, "");
    acme_buf_add_n(&b, NULL, 0);
    assert_string_equal(text, "abc");
    assert_int_equal(acme_buf_result(&b), 3);
}

static void test_overflow_stays(void **state)
{
    char text[4];
    struct acme_buf b;

    (void)state;
    acme_buf_init(&b, text, sizeof(text));
    acme_buf_add(&b, "a");
    acme_buf_add(&b, "bcd");
    assert_string_equal(text, "a");
    acme_buf_add(&b, "b");
    assert_string_equal(text, "a");
    assert_int_equal(acme_buf_result(&b), ACME_ERR_BUFFER);
    acme_buf_init(&b, text, sizeof(text));
    acme_buf_add_n(&b, "a", SIZE_MAX);
    assert_int_equal(acme_buf_result(&b), ACME_ERR_BUFFER);
}

/* A length that an int32_t cannot tell is no length. */
static void test_too_long_to_tell(void **state)
{
    char data[1];
    struct acme_buf b = {.data = data, .size = SIZE_MAX, .len = (size_t)INT32_MAX};

    (void)state;
    assert_int_equal(acme_buf_result(&b), INT32_MAX);
    b.len++;
    assert_int_equal(acme_buf_result(&b), ACME_ERR_BUFFER);
}

static void test_numbers(void **state)
{
    char text[100];
    struct acme_buf b;

    (void)state;
    acme_buf_init(&b, text, sizeof(text));
    acme_buf_add_u32(&b, 0);
    acme_buf_add_char(&b, ' ');
    acme_buf_add_u32(&b, UINT32_MAX);
    acme_buf_add_char(&b, ' ');
    acme_buf_add_i64(&b, INT64_MIN);
    acme_buf_add_char(&b, ' ');
    acme_buf_add_i64(&b, INT64_MAX);
    acme_buf_add_char(&b, ' ');
    acme_buf_add_i64(&b, -7);
    assert_string_equal(text, "0 4294967295 -9223372036854775808 9223372036854775807 -7");
}

static void test_json(void **state)
{
    char text[64];
    struct acme_buf b;

    (void)state;
    acme_buf_init(&b, text, sizeof(text));
    acme_buf_add_json(&b, "a\"b\\c\n\x01\x1f\x7f\xc3\xa9/");
    assert_string_equal(text, "a\\\"b\\\\c\\u000a\\u0001\\u001f\\u007f\xc3\xa9/");
}

static void test_str_copy(void **state)
{
    char text[4] = "xyz";

    (void)state;
    assert_int_equal(acme_str_copy(text, sizeof(text), "abc"), ACME_OK);
    assert_string_equal(text, "abc");
    assert_int_equal(acme_str_copy(text, sizeof(text), "abcd"), ACME_ERR_LIMIT);
    assert_string_equal(text, "");
    assert_int_equal(acme_str_copy(NULL, 0, ""), ACME_ERR_LIMIT);
}

static void test_equal_nocase(void **state)
{
    (void)state;
    assert_true(acme_str_equal_nocase("", 0, "", 0));
    assert_true(acme_str_equal_nocase("aZ9-", 4, "Az9-", 4));
    assert_false(acme_str_equal_nocase("a", 1, "ab", 2));
    assert_false(acme_str_equal_nocase("[", 1, "{", 1)); /* differ by the same bit as letters do */
    assert_false(acme_str_equal_nocase("@", 1, "`", 1));
    assert_false(acme_str_equal_nocase("\xc4", 1, "\xe4", 1));
}

static void test_form(void **state)
{
    char text[40];
    struct acme_buf b;

    (void)state;
    acme_buf_init(&b, text, sizeof(text));
    acme_buf_add_form(&b, "a$b\\@c#", "\"$", "\"#\n", UINT32_C(4294967295));
    assert_string_equal(text, "a\"$b\\\\\"#\\u000ac4294967295");
    acme_buf_init(&b, text, 4);
    acme_buf_add_form(&b, "a$", "bcd");
    assert_int_equal(acme_buf_result(&b), ACME_ERR_BUFFER);
    assert_string_equal(text, "a");
}

static void test_words(void **state)
{
    static const char words[] = "one\0Two\0three\0";

    (void)state;
    assert_int_equal(acme_str_find("one", 3, words), 0);
    assert_int_equal(acme_str_find("tWO!", 3, words), 1);
    assert_int_equal(acme_str_find("THREE", 5, words), 2);
    assert_int_equal(acme_str_find("thre", 4, words), 3);
    assert_int_equal(acme_str_find("", 0, words), 3);
    assert_true(acme_str_is("Two", 3, "two"));
    assert_false(acme_str_is("Twos", 4, "two"));
    assert_int_equal(acme_word_len("az-09AZ_ x", 10, "-_"), 8);
    assert_int_equal(acme_word_len("az-09AZ_ x", 4, "-_"), 4);
    assert_int_equal(acme_word_len("az", SIZE_MAX, ""), 2); /* ends at the NUL */
    assert_int_equal(acme_word_len("@[`{/:", 6, ""), 0);
    assert_int_equal(acme_word_len("\xe4", 1, ""), 0);
    assert_true(acme_str_visible("!~", 2) && acme_str_visible(" ", 0));
    assert_false(acme_str_visible(" ", 1) || acme_str_visible("\x7f", 1) ||
                 acme_str_visible("\r", 1) || acme_str_visible("\xc3", 1));
}

static void test_zeroize(void **state)
{
    char text[4] = {1, 2, 3, 4};

    (void)state;
    acme_zeroize(text, 3);
    assert_memory_equal(text, "\0\0\0\4", 4);
    acme_zeroize(text, 0);
}

struct listed {
    int32_t value;
    const char *name;
};

#define LISTED(name, value, ...) {value, #name},
static const struct listed list[] = {ACME_ERROR_LIST(LISTED) ACME_ERROR_LIST_DNS(LISTED)};
#define LIST_LEN (sizeof(list) / sizeof(list[0]))

static void test_error_values_unique(void **state)
{
    (void)state;
    for (size_t i = 0; i < LIST_LEN; i++) {
        assert_in_range(-list[i].value, 0, INT16_MAX);
        for (size_t k = 0; k < i; k++) {
            assert_int_not_equal(list[i].value, list[k].value);
            assert_string_not_equal(list[i].name, list[k].name);
        }
    }
}

static void test_error_texts(void **state)
{
    (void)state;
    for (size_t i = 0; i < LIST_LEN; i++) {
        const char *text = acme_error_text(list[i].value);
        size_t len = strlen(text);

        assert_string_equal(acme_error_name(list[i].value), list[i].name);
        assert_true(len > 0);
        assert_true(text[len - 1] != '.' && text[len - 1] != ' ');
    }
}

/* Logs and scripts of integrators hold these: they never change. */
static void test_error_names_stable(void **state)
{
    (void)state;
    assert_string_equal(acme_error_name(0), "ACME_OK");
    assert_string_equal(acme_error_name(-1), "ACME_ERR_AGAIN");
    assert_string_equal(acme_error_name(-23), "ACME_ERR_CLOSED");
    assert_string_equal(acme_error_name(-42), "ACME_ERR_HTTP");
    assert_string_equal(acme_error_name(-60), "ACME_ERR_STORE_IO");
    assert_string_equal(acme_error_name(-97), "ACME_ERR_ALREADY_REVOKED");
}

static void test_error_severities(void **state)
{
    (void)state;
    assert_int_equal(acme_error_severity(ACME_OK), ACME_SEVERITY_NONE);
    assert_int_equal(acme_error_severity(ACME_ERR_NET), ACME_SEVERITY_TRANSIENT);
    assert_int_equal(acme_error_severity(ACME_ERR_URL), ACME_SEVERITY_PERMANENT);
    assert_int_equal(acme_error_severity(ACME_ERR_STORE_IO), ACME_SEVERITY_FATAL);
}

static void test_error_unknown(void **state)
{
    static const int32_t values[] = {1, -199, -32768, 65536 - 1, -65536 - 42, INT32_MIN, INT32_MAX};

    (void)state;
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        assert_string_equal(acme_error_name(values[i]), "ACME_ERR_UNKNOWN");
        assert_true(strlen(acme_error_text(values[i])) > 0);
        assert_int_equal(acme_error_severity(values[i]), ACME_SEVERITY_FATAL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_exact_fit),
        cmocka_unit_test(test_overflow_stays),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_too_long_to_tell),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_str_copy),
        cmocka_unit_test(test_equal_nocase),
        cmocka_unit_test(test_form),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_zeroize),
        cmocka_unit_test(test_error_values_unique),
        cmocka_unit_test(test_error_texts),
        cmocka_unit_test(test_error_names_stable),
        cmocka_unit_test(test_error_severities),
        cmocka_unit_test(test_error_unknown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
