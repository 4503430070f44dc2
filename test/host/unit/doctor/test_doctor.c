/*
 * The doctor's words and its reading of a rate limit; what needs servers is in e2e/test_doctor.py.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "doctor/steps.h"

static int64_t wall;
static int told;
static struct acme_finding last;

static uint64_t uptime_ms(void *ctx)
{
    (void)ctx;
    return 1;
}

static int32_t wall_s(void *ctx, int64_t *unix_s)
{
    (void)ctx;
    *unix_s = wall;
    return wall != 0 ? ACME_OK : ACME_ERR_NO_CLOCK;
}

static const struct acme_clock_ops clock_ops = {uptime_ms, wall_s};

static void on_finding(void *ctx, const struct acme_finding *finding)
{
    (void)ctx;
    told++;
    last = *finding;
}

static int look(const char *type, const char *detail, int64_t known_until)
{
    static struct acme_client client;
    static struct acme_doctor doctor;
    uint32_t wait = 1000;

    memset(&client, 0, sizeof(client));
    memset(&doctor, 0, sizeof(doctor));
    acme_clock_init(&client.clock, &clock_ops, NULL, 0);
    strncpy(client.slot_problem.type, type, sizeof(client.slot_problem.type) - 1);
    strncpy(client.slot_problem.detail, detail, sizeof(client.slot_problem.detail) - 1);
    doctor.client = &client;
    doctor.config.on_finding = on_finding;
    doctor.config.rate_limited_until_s = known_until;
    told = 0;
    memset(&last, 0, sizeof(last));
    assert_int_equal(acme_doctor_rate_limit(&doctor, &wait), ACME_OK);
    return told;
}

#define WORDS "too many certificates (5) already issued, retry after "

static void test_rate_limit(void **state)
{
    (void)state;
    wall = 1700000000; /* 2023-11-14 22:13:20 */
    assert_int_equal(look("rateLimited", WORDS "2023-11-15 00:00:01 UTC: see", 0), 1);
    assert_int_equal(last.code, ACME_FINDING_RATE_LIMITED);
    assert_int_equal(last.severity, ACME_FINDING_ERROR);
    assert_int_equal(last.value, 1700006401);
    assert_int_equal(look("rateLimited", WORDS "2023-11-14 22:13:19 UTC", 0), 0); /* it is over */
    assert_int_equal(look("rateLimited", WORDS "2023-11-15 23:59:60 UTC", 0), 1);
    assert_int_equal(last.value, 1700092800);
    assert_int_equal(look("rateLimited", "slow down", 0), 1);
    assert_int_equal(last.value, 0);
    assert_int_equal(look("rateLimited", "slow down", 1700000777), 1);
    assert_int_equal(last.value, 1700000777);
    assert_int_equal(look("malformed", WORDS "2023-11-15 00:00:01 UTC", 0), 0);
    assert_int_equal(look("", "", 0), 0);
    assert_int_equal(look("", "", 1700000001), 1);
    assert_int_equal(look("", "", 1700000000), 0); /* to the second */
    assert_int_equal(look("", "", 1699999999), 0);
    wall = 0; /* without a clock nobody knows that it is over */
    assert_int_equal(look("", "", 1699999999), 1);
}

static void test_bad_dates(void **state)
{
    static const char *const bad[] = {
        WORDS "",
        WORDS "2023-11-15",
        WORDS "2023-13-15 00:00:01 UTC",
        WORDS "2023-00-15 00:00:01 UTC",
        WORDS "2023-11-32 00:00:01 UTC",
        WORDS "2023-11-15 24:00:01 UTC",
        WORDS "2023-11-15T00:00:01 UTC",
        WORDS "20231-11-15 00:00:01 UTC",
        WORDS "1969-11-15 00:00:01 UTC",
        WORDS "202a-11-15 00:00:01 UTC",
        WORDS "2023-11 15 00:00:01 UTC",
        WORDS "2023-11-00 00:00:01 UTC",
        WORDS "2023-11-15 00-00:01 UTC",
        WORDS "2023-11-15 00:00-01 UTC",
        WORDS "2023-11-15 00:60:01 UTC",
        WORDS "2023-11-15 00:00:61 UTC",
        WORDS "2023-11-15 00:00:01",
    };

    (void)state;
    wall = 1700000000;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(look("rateLimited", bad[i], 0), 1);
        assert_int_equal(last.value, 0);
    }
}

/* The clock against the CA's Date: how far it is ahead, with a tolerance of five minutes. */
static int clock_finding(int64_t own, int64_t date, int64_t *ahead)
{
    static struct acme_client client;
    static struct acme_doctor doctor;
    static const struct acme_port port = {.clock = &clock_ops};

    memset(&client, 0, sizeof(client));
    memset(&doctor, 0, sizeof(doctor));
    client.config.port = &port;
    client.exchange.parser.response.has_date = date != 0;
    client.exchange.parser.response.date_s = date;
    doctor.client = &client;
    doctor.config.on_finding = on_finding;
    wall = own;
    told = 0;
    memset(&last, 0, sizeof(last));
    acme_doctor_check_clock(&doctor);
    *ahead = last.value;
    return told == 0 ? 0 : (int)last.code;
}

static void test_clock(void **state)
{
    int64_t ahead;

    (void)state;
    assert_int_equal(clock_finding(1700000000, 1700000000, &ahead), 0);
    assert_int_equal(clock_finding(1700000300, 1700000000, &ahead), 0);
    assert_int_equal(clock_finding(1700000301, 1700000000, &ahead), ACME_FINDING_CLOCK_WRONG);
    assert_int_equal(ahead, 301);
    assert_int_equal(clock_finding(1699999000, 1700000000, &ahead), ACME_FINDING_CLOCK_WRONG);
    assert_int_equal(ahead, -1000);
    assert_int_equal(clock_finding(1699999000, 0, &ahead), 0); /* the CA does not say */
    assert_int_equal(clock_finding(0, 1700000000, &ahead), ACME_FINDING_CLOCK_UNKNOWN);
    assert_int_equal(last.severity, ACME_FINDING_WARNING);
}

static void test_words(void **state)
{
    int code;

    (void)state;
    for (code = ACME_FINDING_RATE_LIMITED; code <= ACME_FINDING_PAUSED; code++) {
        const char *name = acme_finding_name((enum acme_finding_code)code);

        assert_string_not_equal(name, "unknown");
        assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz-6"), strlen(name));
        assert_true(strlen(acme_finding_text((enum acme_finding_code)code)) > 20);
    }
    assert_string_equal(acme_finding_name((enum acme_finding_code)code), "unknown");
    /* Scripts know these. */
    assert_string_equal(acme_finding_name(ACME_FINDING_CAA_FORBIDS), "caa-forbids");
    assert_string_equal(acme_finding_name(ACME_FINDING_IPV6_DEAD), "ipv6-dead");
    assert_int_equal(ACME_FINDING_CAA_FORBIDS, 18);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rate_limit),
        cmocka_unit_test(test_bad_dates),
        cmocka_unit_test(test_clock),
        cmocka_unit_test(test_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
