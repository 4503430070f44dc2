/* Dates as text and as seconds: all forms, and none that is nearly one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "acme/error.h"
#include "base/date.h"

/* Every character counts: no other one passes in its place, but a digit for a digit. */
static void test_each_character(void **state)
{
    static const char *const good[] = {"2026-01-02T03:04:05Z", "2026-01-02T03:04:05+01:30",
                                       "2026-01-02T03:04:05-01:30", "2026-01-02T03:04:05.1Z"};
    static const char others[] = "/:;a -+.TZt9";
    char text[40];
    int64_t t;
    size_t i, at, k;

    (void)state;
    for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_int_equal(acme_date_parse(good[i], &t), ACME_OK);
        for (at = 0; at < strlen(good[i]); at++) {
            for (k = 0; k < sizeof(others) - 1; k++) {
                bool digits = others[k] == '9' && good[i][at] >= '0' && good[i][at] <= '9';
                bool signs = at == 19 && strchr("+-", others[k]) && strchr("+-", good[i][at]);

                (void)strcpy(text, good[i]);
                text[at] = others[k];
                if (text[at] != good[i][at] && !digits && !signs) {
                    assert_int_equal(acme_date_parse(text, &t), ACME_ERR_FIELD);
                }
            }
            (void)strcpy(text, good[i]);
            text[at] = '\0';
            assert_int_equal(acme_date_parse(text, &t), ACME_ERR_FIELD);
        }
    }
}

static void test_bounds(void **state)
{
    static const struct {
        const char *text;
        bool good;
    } table[] = {{"1970-01-01T00:00:00Z", true},      {"1969-12-31T23:59:59Z", false},
                 {"2026-12-31T23:59:60Z", true},      {"2026-12-31T23:59:61Z", false},
                 {"2026-12-31T23:60:00Z", false},     {"2026-12-31T24:00:00Z", false},
                 {"2026-12-32T00:00:00Z", false},     {"2026-04-30T00:00:00Z", true},
                 {"2026-04-31T00:00:00Z", false},     {"2026-13-01T00:00:00Z", false},
                 {"2026-00-01T00:00:00Z", false},     {"2026-01-00T00:00:00Z", false},
                 {"2028-02-29T00:00:00Z", true},      {"2026-02-29T00:00:00Z", false},
                 {"2100-02-29T00:00:00Z", false},     {"2000-02-29T00:00:00Z", true},
                 {"2026-01-01T00:00:00+23:59", true}, {"2026-01-01T00:00:00+24:00", false},
                 {"2026-01-01T00:00:00+00:60", false}};
    int64_t t;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        assert_int_equal(acme_date_parse(table[i].text, &t),
                         table[i].good ? ACME_OK : ACME_ERR_FIELD);
    }
}

/* Written and read again it is the same, over leap years and centuries. */
static void test_there_and_back(void **state)
{
    char text[24];
    struct acme_buf b;
    int64_t t, again;

    (void)state;
    for (t = 0; t < INT64_C(7000000000); t += 86399 * 7) {
        acme_buf_init(&b, text, sizeof(text));
        acme_date_add(&b, t);
        assert_int_equal(acme_buf_result(&b), 20);
        assert_int_equal(acme_date_parse(text, &again), ACME_OK);
        assert_true(again == t);
    }
    acme_buf_init(&b, text, sizeof(text));
    acme_date_add(&b, INT64_C(4107542399));
    assert_string_equal(text, "2100-02-28T23:59:59Z");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_character),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_there_and_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
