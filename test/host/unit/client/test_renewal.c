/* Dates of renewals, back-off, draws within a CA's window. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "acme/error.h"
#include "base/date.h"
#include "client/renewal.h"

#define DAY  INT64_C(86400)
#define BORN INT64_C(1800000000)

static void test_fractions(void **state)
{
    (void)state;
    assert_int_equal(acme_renewal_time(BORN, BORN + 90 * DAY), BORN + 60 * DAY);
    assert_int_equal(acme_renewal_time(BORN, BORN + 45 * DAY), BORN + 30 * DAY);
    assert_int_equal(acme_renewal_time(BORN, BORN + 6 * DAY), BORN + 3 * DAY);
    assert_int_equal(acme_renewal_time(BORN, BORN + 3600), BORN + 1800);
    /* From ten days on it is a third that must be left, below a half. */
    assert_int_equal(acme_renewal_time(BORN, BORN + 10 * DAY), BORN + 10 * DAY - 10 * DAY / 3);
    assert_int_equal(acme_renewal_time(BORN, BORN + 10 * DAY - 2), BORN + 5 * DAY - 1);
    assert_int_equal(acme_renewal_time(BORN, BORN), BORN);
    assert_int_equal(acme_renewal_time(BORN, BORN - 1), BORN - 1);
    assert_int_equal(acme_renewal_time(BORN, BORN - 100), BORN - 100);
    /* Beyond 2038 and 2106. */
    assert_true(acme_renewal_time(4400000000, 4400000000 + 9 * 365 * DAY) ==
                4400000000 + 6 * 365 * DAY);
}

static void test_spread(void **state)
{
    int64_t at = acme_renewal_time(BORN, BORN + 90 * DAY);
    int64_t first = at;
    uint32_t seed;

    (void)state;
    for (seed = 0; seed < 100000; seed += 7) {
        int64_t t = acme_renewal_spread(BORN, BORN + 90 * DAY, seed * 2654435761u);

        assert_true(t <= at && t > at - 90 * DAY / 20);
        first = t < first ? t : first;
    }
    assert_true(first < at - 90 * DAY / 21); /* over all of the twentieth */
    assert_true(acme_renewal_spread(BORN, BORN + 90 * DAY, 0) == at);
    assert_true(acme_renewal_spread(BORN, BORN + 90 * DAY, 0) !=
                acme_renewal_spread(BORN, BORN + 90 * DAY, 0x8000));
    assert_true(acme_renewal_latest(BORN, BORN + 100 * DAY) == BORN + 90 * DAY);
}

static void test_backoff(void **state)
{
    uint16_t i;

    (void)state;
    assert_int_equal(acme_renewal_backoff(1, 0, 0), CONFIG_ACME_RETRY_MIN_S);
    assert_int_equal(acme_renewal_backoff(2, 0, 0), 2 * CONFIG_ACME_RETRY_MIN_S);
    assert_int_equal(acme_renewal_backoff(UINT16_MAX, 0, 0), CONFIG_ACME_RETRY_MAX_S);
    assert_true(acme_renewal_backoff(UINT16_MAX, 0, 0xffff) >= CONFIG_ACME_RETRY_MAX_S / 2);
    for (i = 1; i < 100; i++) { /* a certificate of two minutes cannot wait for minutes */
        assert_in_range(acme_renewal_backoff(i, 120, i * 12345u), 1, 6);
    }
    assert_int_equal(acme_renewal_backoff(9, 1, 0), 1);
    /* By chance it is down to half of it, so that those that failed together do not come together.
     */
    assert_int_equal(acme_renewal_backoff(1, 0, 0x8000),
                     CONFIG_ACME_RETRY_MIN_S - CONFIG_ACME_RETRY_MIN_S / 4);
    assert_int_equal(acme_renewal_backoff(UINT16_MAX, 0, 0x8000),
                     CONFIG_ACME_RETRY_MAX_S - CONFIG_ACME_RETRY_MAX_S / 4);
    assert_int_equal(acme_renewal_backoff(UINT16_MAX, 20 * 3600, 0), 3600); /* a twentieth */
    assert_int_equal(acme_renewal_backoff(0, 0, 0), CONFIG_ACME_RETRY_MIN_S);
}

/* After an installation. */
static void test_calm(void **state)
{
    const int64_t calm = ACME_RENEWAL_CALM_S;

    (void)state;
    assert_int_equal(acme_renewal_calm(0, 90 * DAY), calm);
    assert_int_equal(acme_renewal_calm(1, 90 * DAY), calm);
    assert_int_equal(acme_renewal_calm(2, 90 * DAY), 2 * calm);
    assert_int_equal(acme_renewal_calm(3, 90 * DAY), 4 * calm);
    assert_int_equal(acme_renewal_calm(UINT8_MAX, 90 * DAY), 3600);
    /* At most half of what is left, and the least pause where that is less. */
    assert_int_equal(acme_renewal_calm(UINT8_MAX, 7198), 3599);
    assert_int_equal(acme_renewal_calm(UINT8_MAX, 2 * calm + 2), calm + 1);
    assert_int_equal(acme_renewal_calm(UINT8_MAX, 2 * calm), calm);
    assert_int_equal(acme_renewal_calm(UINT8_MAX, calm + 1), calm);
    /* It runs out before the least pause: then nothing is in time, and it is the CA that is spared.
     */
    assert_int_equal(acme_renewal_calm(UINT8_MAX, calm), 3600);
    assert_int_equal(acme_renewal_calm(UINT8_MAX, -DAY), 3600);
    assert_int_equal(acme_renewal_calm(2, 0), 2 * calm);
}

static void test_draw(void **state)
{
    int64_t born = BORN, end = BORN + 90 * DAY;
    uint64_t random;

    (void)state;
    for (random = 0; random < 1000; random++) {
        uint64_t r = random * UINT64_C(0x9e3779b97f4a7c15);
        int64_t t = acme_renewal_draw(born + 60 * DAY, born + 62 * DAY, born, end, r);

        assert_true(t >= born + 60 * DAY && t <= born + 62 * DAY);
        /* A window in the past: at once. */
        assert_true(acme_renewal_draw(born - 9, born - 5, born, end, r) <= born - 5);
        /* One that is wider than the certificate lives is cut at both ends. */
        t = acme_renewal_draw(born - DAY, born + DAY, born, born + 120, r);
        assert_true(t >= born && t <= born + 108);
        /* Too late, or for ever: the last moment. */
        assert_true(acme_renewal_draw(end, INT64_MAX / 2, born, end, r) == end - 9 * DAY);
        assert_true(acme_renewal_draw(0, INT64_MAX / 2, born, end, r) <= end - 9 * DAY);
        /* One that ends too late is cut, and what is left of it is drawn from, ends included. */
        t = acme_renewal_draw(end - 9 * DAY - 4, end, born, end, random);
        assert_int_equal(t, end - 9 * DAY - 4 + (int64_t)(random % 5));
        /* One that begins before the certificate does begins with it. */
        t = acme_renewal_draw(born - DAY, born + 4, born, end, random);
        assert_int_equal(t, born + (int64_t)(random % 5));
        t = acme_renewal_draw(born + 7, born + 7, born, end, r);
        assert_int_equal(t, born + 7);
    }
}

static void test_look(void **state)
{
    (void)state;
    assert_int_equal(acme_renewal_look(21600, 90 * DAY), 21600);
    assert_int_equal(acme_renewal_look(0, 90 * DAY), 60);
    assert_int_equal(acme_renewal_look(1000 * DAY, 90 * DAY), DAY);
    assert_int_equal(acme_renewal_look(21600, 3600), 450);
    assert_int_equal(acme_renewal_look(21600, 120), 60);
    assert_int_equal(acme_renewal_look(21600, 0), 60);
    assert_int_equal(acme_renewal_look(61, 90 * DAY), 61);
}

static void test_rfc3339(void **state)
{
    static const char *const bad[] = {"",
                                      "2026",
                                      "2026-01-02",
                                      "2026-01-02T03:04:05",
                                      "2026-01-02 03:04:05Z",
                                      "2026-13-02T03:04:05Z",
                                      "2026-02-29T03:04:05Z",
                                      "2026-01-00T03:04:05Z",
                                      "2026-01-02T24:04:05Z",
                                      "2026-01-02T03:60:05Z",
                                      "2026-01-02T03:04:61Z",
                                      "2026-01-02T03:04:05.Z",
                                      "2026-01-02T03:04:05z",
                                      "2026-01-02T03:04:05+24:00",
                                      "2026-01-02T03:04:05+0100",
                                      "2026-01-02T03:04:05Z ",
                                      "1969-01-02T03:04:05Z",
                                      "-026-01-02T03:04:05Z"};
    int64_t t = 0;
    size_t i;

    (void)state;
    assert_int_equal(acme_date_parse("1970-01-01T00:00:00Z", &t), ACME_OK);
    assert_int_equal(t, 0);
    assert_int_equal(acme_date_parse("2024-02-29T12:00:00.123456789Z", &t), ACME_OK);
    assert_int_equal(t, acme_date_to_unix(2024, 2, 29, 12, 0, 0));
    assert_int_equal(acme_date_parse("2038-01-19T03:14:08+00:00", &t), ACME_OK);
    assert_true(t == INT64_C(2147483648));
    assert_int_equal(acme_date_parse("2026-01-02T03:04:05+01:30", &t), ACME_OK);
    assert_int_equal(t, acme_date_to_unix(2026, 1, 2, 1, 34, 5));
    assert_int_equal(acme_date_parse("2026-01-02T03:04:05-01:30", &t), ACME_OK);
    assert_int_equal(t, acme_date_to_unix(2026, 1, 2, 4, 34, 5));
    assert_int_equal(acme_date_parse(NULL, &t), ACME_ERR_FIELD);
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(acme_date_parse(bad[i], &t), ACME_ERR_FIELD);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fractions), cmocka_unit_test(test_spread),
        cmocka_unit_test(test_backoff),   cmocka_unit_test(test_calm),
        cmocka_unit_test(test_draw),      cmocka_unit_test(test_look),
        cmocka_unit_test(test_rfc3339),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
