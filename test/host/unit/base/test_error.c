/*
 * Names and numbers of errors never change: firmware in the field stores them, scripts look for
 * them. The table below is what was released; a line may be added, none may change. What the client
 * does about each error is held here, too: it was in four places once, and this is what they said.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "acme/config.h"
#include "base/error.h"

struct released {
    const char *name;
    int32_t value;
    enum acme_severity severity;
    bool is_global;
    bool is_passing;
    bool is_of_ca;
};

static const struct released table[] = {
    {"ACME_OK", 0, ACME_SEVERITY_NONE, false, false, false},
    {"ACME_ERR_AGAIN", -1, ACME_SEVERITY_NONE, false, false, true},
    {"ACME_ERR_ARGUMENT", -2, ACME_SEVERITY_PERMANENT, false, false, true},
    {"ACME_ERR_MEMORY", -3, ACME_SEVERITY_FATAL, true, false, false},
    {"ACME_ERR_BUFFER", -4, ACME_SEVERITY_PERMANENT, false, false, true},
    {"ACME_ERR_ARENA", -5, ACME_SEVERITY_PERMANENT, false, false, true},
    {"ACME_ERR_LIMIT", -6, ACME_SEVERITY_PERMANENT, false, false, true},
    {"ACME_ERR_STATE", -7, ACME_SEVERITY_PERMANENT, false, false, true},
    {"ACME_ERR_NOT_FOUND", -8, ACME_SEVERITY_PERMANENT, false, false, true},
    {"ACME_ERR_INTERNAL", -9, ACME_SEVERITY_FATAL, true, false, false},
    {"ACME_ERR_UNSUPPORTED", -10, ACME_SEVERITY_PERMANENT, false, false, true},
    {"ACME_ERR_RESOLVE", -20, ACME_SEVERITY_TRANSIENT, true, true, true},
    {"ACME_ERR_CONNECT", -21, ACME_SEVERITY_TRANSIENT, true, true, true},
    {"ACME_ERR_NET", -22, ACME_SEVERITY_TRANSIENT, true, true, true},
    {"ACME_ERR_CLOSED", -23, ACME_SEVERITY_TRANSIENT, true, true, true},
    {"ACME_ERR_TIMEOUT", -24, ACME_SEVERITY_TRANSIENT, true, true, true},
    {"ACME_ERR_LISTEN", -25, ACME_SEVERITY_PERMANENT, true, false, false},
    {"ACME_ERR_DNS", -26, ACME_SEVERITY_TRANSIENT, false, false, true},
    {"ACME_ERR_DNS_TIMEOUT", -27, ACME_SEVERITY_TRANSIENT, false, false, true},
    {"ACME_ERR_DNS_RECORD", -28, ACME_SEVERITY_PERMANENT, false, false, true},
    {"ACME_ERR_TLS", -30, ACME_SEVERITY_TRANSIENT, true, true, true},
    {"ACME_ERR_TLS_VERIFY", -31, ACME_SEVERITY_PERMANENT, true, false, true},
    {"ACME_ERR_TLS_DATES", -32, ACME_SEVERITY_PERMANENT, true, false, true},
    {"ACME_ERR_TLS_MEMORY", -33, ACME_SEVERITY_PERMANENT, true, false, true},
    {"ACME_ERR_ROOTS_FORMAT", -34, ACME_SEVERITY_PERMANENT, false, false, false},
    {"ACME_ERR_ROOTS_SIGNATURE", -35, ACME_SEVERITY_PERMANENT, false, false, false},
    {"ACME_ERR_ROOTS_VERSION", -36, ACME_SEVERITY_PERMANENT, false, false, false},
    {"ACME_ERR_URL", -40, ACME_SEVERITY_PERMANENT, false, false, true},
    {"ACME_ERR_URL_POLICY", -41, ACME_SEVERITY_PERMANENT, false, false, true},
    {"ACME_ERR_HTTP", -42, ACME_SEVERITY_TRANSIENT, false, false, true},
    {"ACME_ERR_HTTP_LIMIT", -43, ACME_SEVERITY_PERMANENT, false, false, true},
    {"ACME_ERR_HTTP_STATUS", -44, ACME_SEVERITY_TRANSIENT, false, false, true},
    {"ACME_ERR_HTTP_REDIRECT", -45, ACME_SEVERITY_PERMANENT, false, false, true},
    {"ACME_ERR_CONTENT_TYPE", -46, ACME_SEVERITY_PERMANENT, false, false, true},
    {"ACME_ERR_JSON", -47, ACME_SEVERITY_PERMANENT, false, false, true},
    {"ACME_ERR_FIELD", -48, ACME_SEVERITY_PERMANENT, false, false, true},
    {"ACME_ERR_NONCE", -49, ACME_SEVERITY_TRANSIENT, true, false, true},
    {"ACME_ERR_NO_CLOCK", -50, ACME_SEVERITY_TRANSIENT, false, false, false},
    {"ACME_ERR_ENTROPY", -51, ACME_SEVERITY_FATAL, true, false, false},
    {"ACME_ERR_CRYPTO", -52, ACME_SEVERITY_FATAL, true, false, false},
    {"ACME_ERR_KEY_TYPE", -53, ACME_SEVERITY_PERMANENT, false, false, true},
    {"ACME_ERR_KEY_EXPORT", -54, ACME_SEVERITY_PERMANENT, false, false, true},
    {"ACME_ERR_STORE_IO", -60, ACME_SEVERITY_FATAL, true, false, false},
    {"ACME_ERR_STORE_FULL", -61, ACME_SEVERITY_PERMANENT, true, false, false},
    {"ACME_ERR_STORE_CORRUPT", -62, ACME_SEVERITY_PERMANENT, false, false, false},
    {"ACME_ERR_STORE_FORMAT", -63, ACME_SEVERITY_PERMANENT, false, false, true},
    {"ACME_ERR_STORE_GEOMETRY", -64, ACME_SEVERITY_PERMANENT, false, false, true},
    {"ACME_ERR_STORE_SEAL", -65, ACME_SEVERITY_PERMANENT, false, false, true},
    {"ACME_ERR_STORE_ROLLBACK", -66, ACME_SEVERITY_PERMANENT, false, false, true},
    {"ACME_ERR_STORE_VERSION", -67, ACME_SEVERITY_PERMANENT, false, false, true},
    {"ACME_ERR_NAME", -70, ACME_SEVERITY_PERMANENT, false, false, true},
    {"ACME_ERR_TOS", -71, ACME_SEVERITY_PERMANENT, true, false, true},
    {"ACME_ERR_ACCOUNT", -72, ACME_SEVERITY_PERMANENT, true, false, true},
    {"ACME_ERR_ACCOUNT_NONE", -73, ACME_SEVERITY_PERMANENT, true, false, true},
    {"ACME_ERR_EAB", -74, ACME_SEVERITY_PERMANENT, true, false, true},
    {"ACME_ERR_ORDER", -75, ACME_SEVERITY_PERMANENT, false, false, true},
    {"ACME_ERR_ORDER_INVALID", -76, ACME_SEVERITY_PERMANENT, false, false, true},
    {"ACME_ERR_ORDER_IDENTIFIERS", -77, ACME_SEVERITY_PERMANENT, false, false, true},
    {"ACME_ERR_AUTHORIZATION", -78, ACME_SEVERITY_PERMANENT, false, false, false},
    {"ACME_ERR_CHALLENGE_NONE", -79, ACME_SEVERITY_PERMANENT, false, false, true},
    {"ACME_ERR_RATE_LIMITED", -80, ACME_SEVERITY_TRANSIENT, false, false, true},
    {"ACME_ERR_POLL_LIMIT", -81, ACME_SEVERITY_TRANSIENT, false, false, true},
    {"ACME_ERR_PROBLEM", -82, ACME_SEVERITY_PERMANENT, false, false, true},
    {"ACME_ERR_SERVER", -83, ACME_SEVERITY_TRANSIENT, false, true, true},
    {"ACME_ERR_CERT_PARSE", -90, ACME_SEVERITY_PERMANENT, false, false, true},
    {"ACME_ERR_CERT_KEY", -91, ACME_SEVERITY_PERMANENT, false, false, true},
    {"ACME_ERR_CERT_NAMES", -92, ACME_SEVERITY_PERMANENT, false, false, true},
    {"ACME_ERR_CERT_DATES", -93, ACME_SEVERITY_PERMANENT, false, false, true},
    {"ACME_ERR_CERT_CHAIN", -94, ACME_SEVERITY_PERMANENT, false, false, true},
    {"ACME_ERR_CERT_LIMIT", -95, ACME_SEVERITY_PERMANENT, false, false, true},
    {"ACME_ERR_CERT_NONE", -96, ACME_SEVERITY_PERMANENT, false, false, true},
    {"ACME_ERR_ALREADY_REVOKED", -97, ACME_SEVERITY_NONE, false, false, true},
    {"ACME_ERR_ORDER_PAUSE", -85, ACME_SEVERITY_TRANSIENT, false, false, true},
    {"ACME_ERR_CERT_NAMES_ADDED", -98, ACME_SEVERITY_PERMANENT, false, false, true},
    {"ACME_ERR_CERT_EARLY", -100, ACME_SEVERITY_TRANSIENT, false, false, true},
    {"ACME_ERR_CLOCK", -120, ACME_SEVERITY_TRANSIENT, false, false, false},
    {"ACME_ERR_NOT_OFFERED", -122, ACME_SEVERITY_PERMANENT, false, false, true},
    {"ACME_ERR_PROFILE", -121, ACME_SEVERITY_PERMANENT, false, false, true},
    {"ACME_ERR_EAB_KEY", -55, ACME_SEVERITY_PERMANENT, true, false, true},
    {"ACME_ERR_NONCE_NONE", -84, ACME_SEVERITY_TRANSIENT, true, false, true},
    {"ACME_ERR_DNS_MESSAGE", -110, ACME_SEVERITY_TRANSIENT, false, false, true},
    {"ACME_ERR_DNS_SERVER", -111, ACME_SEVERITY_TRANSIENT, false, false, true},
    {"ACME_ERR_DNS_REFUSED", -112, ACME_SEVERITY_PERMANENT, false, false, true},
    {"ACME_ERR_DNS_ZONE", -113, ACME_SEVERITY_PERMANENT, false, false, true},
    {"ACME_ERR_DNS_KEY", -114, ACME_SEVERITY_PERMANENT, false, false, true},
    {"ACME_ERR_DNS_SIG", -115, ACME_SEVERITY_PERMANENT, false, false, true},
    {"ACME_ERR_DNS_TIME", -116, ACME_SEVERITY_PERMANENT, false, false, true},
    {"ACME_ERR_DNS_REPLY_SIG", -117, ACME_SEVERITY_TRANSIENT, false, false, true},
    {"ACME_ERR_DNS_API", -118, ACME_SEVERITY_PERMANENT, false, false, true},
    {"ACME_ERR_DNS_HOOK", -119, ACME_SEVERITY_PERMANENT, false, false, true},
};
#define COUNT (sizeof(table) / sizeof(table[0]))

static const int32_t built_in[] = {
#define VALUE(name, value, ...) name,
    ACME_ERROR_LIST(VALUE) ACME_ERROR_LIST_DNS(VALUE)
#undef VALUE
};
#define BUILT_IN (sizeof(built_in) / sizeof(built_in[0]))

static void test_released_errors_stay(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < COUNT; i++) {
        assert_string_equal(acme_error_name(table[i].value), table[i].name);
        assert_int_equal(acme_error_severity(table[i].value), table[i].severity);
    }
}

/* Each error of the list is in the table: a new one needs a thought about its class. */
static void test_each_error_has_its_class(void **state)
{
    size_t i;

    (void)state;
    assert_int_equal(BUILT_IN, COUNT);
    for (i = 0; i < COUNT; i++) {
        const struct released *e = &table[i];

        assert_true(acme_error_is_global(e->value) == e->is_global);
        assert_true(acme_error_is_passing(e->value) == e->is_passing);
        assert_true(acme_error_is_of_ca(e->value) == e->is_of_ca);
    }
}

/* Two, and no other: what is taken for "later" is never taken for an answer. */
static void test_a_busy_ca_is_one_that_says_so(void **state)
{
    size_t busy = 0;

    (void)state;
    for (size_t i = 0; i < BUILT_IN; i++) {
        busy += acme_error_is_busy(built_in[i]) ? 1u : 0u;
    }
    assert_int_equal(busy, 2);
    assert_true(acme_error_is_busy(ACME_ERR_SERVER));
    assert_true(acme_error_is_busy(ACME_ERR_RATE_LIMITED));
}

/* What holds between the classes, whatever an error means. */
static void test_classes_agree(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < BUILT_IN; i++) {
        enum acme_severity severity = acme_error_severity(built_in[i]);

        if (severity == ACME_SEVERITY_FATAL) { /* a fault of the device stops everything */
            assert_true(acme_error_is_global(built_in[i]));
            assert_false(acme_error_is_of_ca(built_in[i]));
        }
        if (acme_error_is_passing(built_in[i])) { /* a person is not waited for by the second */
            assert_int_equal(severity, ACME_SEVERITY_TRANSIENT);
        }
    }
}

static void test_each_has_its_own_name_and_number(void **state)
{
    size_t i, j;

    (void)state;
    assert_true(BUILT_IN >= COUNT);
    for (i = 0; i < BUILT_IN; i++) {
        assert_true(built_in[i] <= 0 && built_in[i] >= INT16_MIN);
        assert_string_not_equal(acme_error_name(built_in[i]), "ACME_ERR_UNKNOWN");
        for (j = 0; j < i; j++) {
            assert_int_not_equal(built_in[i], built_in[j]);
            assert_string_not_equal(acme_error_name(built_in[i]), acme_error_name(built_in[j]));
            assert_string_not_equal(acme_error_text(built_in[i]), acme_error_text(built_in[j]));
        }
    }
}

/* A log puts "name: sentence" on a line of its own. */
static void test_each_has_a_sentence(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < BUILT_IN; i++) {
        const char *text = acme_error_text(built_in[i]);
        size_t len = strlen(text);

        assert_true(len >= 7 && len <= 100);
        assert_true(text[len - 1] != '.');
        assert_null(strpbrk(text, "\r\n\t"));
    }
}

/* Of a port that returns what is in no list. */
static void test_unknown_is_fatal(void **state)
{
    static const int32_t unknown[] = {1,    -11,    -19,   -123,      -128,     -256,
                                      -999, -65537, 65531, INT32_MIN, INT32_MAX};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
        assert_string_equal(acme_error_name(unknown[i]), "ACME_ERR_UNKNOWN");
        assert_string_equal(acme_error_text(unknown[i]), "an unknown error; check the port's code");
        assert_int_equal(acme_error_severity(unknown[i]), ACME_SEVERITY_FATAL);
        assert_true(acme_error_is_global(unknown[i]));
        assert_false(acme_error_is_passing(unknown[i]));
        assert_false(acme_error_is_of_ca(unknown[i]));
    }
}

static void test_a_member_is_noted_of_an_error(void **state)
{
    struct acme_error_place place = {NULL, NULL};

    (void)state;
    assert_int_equal(acme_error_at(&place, "finalize", ACME_OK), ACME_OK);
    assert_int_equal(acme_error_at(&place, "finalize", 7), 7);
    assert_null(place.member);
    assert_int_equal(acme_error_at(&place, "finalize", ACME_ERR_FIELD), ACME_ERR_FIELD);
    assert_string_equal(place.member, "finalize");
    assert_null(place.route);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_released_errors_stay),
        cmocka_unit_test(test_each_error_has_its_class),
        cmocka_unit_test(test_a_busy_ca_is_one_that_says_so),
        cmocka_unit_test(test_classes_agree),
        cmocka_unit_test(test_each_has_its_own_name_and_number),
        cmocka_unit_test(test_each_has_a_sentence),
        cmocka_unit_test(test_unknown_is_fatal),
        cmocka_unit_test(test_a_member_is_noted_of_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
