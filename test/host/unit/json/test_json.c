/*
 * JSON in its arena, problem documents and dates: shapes that a CA sends, shapes
 * that it should not, and the limits.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/date.h"
#include "json/json.h"
#include "json/arena.h"
#include "json/problem.h"
#include "client/renewal.h"

static _Alignas(8) uint8_t memory[16384];
static struct acme_json_arena arena;

static int32_t parse(const char *text, acme_json_value *root)
{
    acme_json_init(&arena, memory, sizeof(memory));
    return acme_json_parse(&arena, text, strlen(text), root);
}

static void test_order(void **state)
{
    acme_json_value root, item;

    (void)state;
    assert_int_equal(
        parse("{\"status\":\"valid\",\"n\":7,\"neg\":-1,\"big\":99999999999,\"t\":true,"
              "\"half\":1.5,\"exp\":1e3,\"twice\":\"x\",\"twice\":\"y\","
              "\"o\":{\"a\":\"\\u0041\\n\"},\"l\":[\"x\",{\"y\":1},null]}\r\n\t ",
              &root),
        ACME_OK);
    assert_string_equal(acme_json_string(root, "status"), "valid");
    assert_null(acme_json_string(root, "n"));
    assert_null(acme_json_string(root, "missing"));
    assert_int_equal(acme_json_int(root, "n", 3), 7);
    assert_int_equal(acme_json_int(root, "neg", 3), 3);
    assert_int_equal(acme_json_int(root, "status", 3), 3);
    assert_int_equal(acme_json_int(root, "missing", 3), 3);
    assert_int_equal(acme_json_int(root, "big", 3), INT32_MAX);
    assert_int_equal(acme_json_int(root, "half", 3), 3); /* no integer, whatever it is worth */
    assert_int_equal(acme_json_int(root, "exp", 3), 3);
    assert_string_equal(acme_json_string(root, "twice"), "y");
    assert_true(acme_json_true(root, "t"));
    assert_false(acme_json_true(root, "status"));
    assert_string_equal(acme_json_string(acme_json_object(root, "o"), "a"), "A\n");
    assert_null(acme_json_object(root, "l"));
    assert_null(acme_json_array(root, "o"));
    assert_null(acme_json_string(acme_json_array(root, "l"), "x")); /* elements have no names */
    item = acme_json_first(acme_json_array(root, "l"));
    assert_string_equal(acme_json_text(item), "x");
    item = acme_json_next(item);
    assert_null(acme_json_text(item));
    item = acme_json_next(acme_json_next(item));
    assert_null(item);
    assert_null(acme_json_next(NULL));
    assert_null(acme_json_first(NULL));
    assert_null(acme_json_string(NULL, "a"));
    assert_null(acme_json_text(NULL));
    assert_true(arena.peak > 0);
}

static void test_refused(void **state)
{
    static const char *const bad[] = {"",
                                      " ",
                                      "{",
                                      "}",
                                      "[]",
                                      "\"x\"",
                                      "1",
                                      "null",
                                      "{} {}",
                                      "{}x",
                                      "{\"a\"}",
                                      "{\"a\":}",
                                      "{a:1}",
                                      "{\"a\":1,}",
                                      "{'a':1}",
                                      "{\"a\":tru}",
                                      "{\"a\":\"x}",
                                      "{\"a\":\"\\x\"}",
                                      "{\"a\":-}",
                                      "{\"a\":.5}",
                                      "{\"a\":[[[[[[[[[1]]]]]]]]]}",
                                      "{\"a\":\"\\ud800\"}"};
    acme_json_value root;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (parse(bad[i], &root) != ACME_ERR_JSON || root != NULL) {
            fail_msg("accepted: %s", bad[i]);
        }
    }
}

/* Too small an arena is told apart from bad JSON, at every size. */
static void test_arena(void **state)
{
    static const char text[] = "{\"a\":\"0123456789\",\"b\":[{\"c\":\"d\"}]}";
    acme_json_value root;
    size_t size, good = 0;

    (void)state;
    for (size = 0; size <= sizeof(memory); size++) {
        int32_t rc;

        acme_json_init(&arena, memory, size);
        rc = acme_json_parse(&arena, text, strlen(text), &root);
        assert_true(rc == ACME_ERR_ARENA || rc == ACME_OK);
        assert_true(arena.peak <= size);
        good += rc == ACME_OK ? 1 : 0;
        assert_true(good == 0 || rc == ACME_OK);
    }
    assert_true(good > 0);
    assert_null(acme_json_arena_malloc(8)); /* outside of a parse */
    assert_null(acme_json_arena_realloc(memory, 8));
    acme_json_arena_free(memory);
    assert_int_equal(parse("{}", &root), ACME_OK);
    acme_json_reset(&arena);
    assert_int_equal(arena.used, 0);
}

static void test_problems(void **state)
{
    static const struct {
        const char *type;
        uint16_t status;
        int32_t error;
    } cases[] = {
        {"urn:ietf:params:acme:error:badNonce", 400, ACME_ERR_NONCE},
        {"urn:ietf:params:acme:error:rateLimited", 429, ACME_ERR_RATE_LIMITED},
        {"urn:ietf:params:acme:error:accountDoesNotExist", 400, ACME_ERR_ACCOUNT_NONE},
        {"urn:ietf:params:acme:error:externalAccountRequired", 403, ACME_ERR_EAB},
        {"urn:ietf:params:acme:error:userActionRequired", 403, ACME_ERR_TOS},
        {"urn:ietf:params:acme:error:serverInternal", 500, ACME_ERR_SERVER},
        {"urn:ietf:params:acme:error:badCSR", 400, ACME_ERR_ORDER},
        {"urn:ietf:params:acme:error:alreadyRevoked", 400, ACME_ERR_ALREADY_REVOKED},
        {"about:blank", 429, ACME_ERR_RATE_LIMITED},
        {"about:blank", 503, ACME_ERR_SERVER},
        {"about:blank", 404, ACME_ERR_PROBLEM},
    };
    struct acme_problem p;
    acme_json_value root;
    static char longer[sizeof(p.detail) + 400];
    char text[400];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        (void)snprintf(text, sizeof(text), "{\"type\":\"%s\",\"detail\":\"d\"}", cases[i].type);
        assert_int_equal(parse(text, &root), ACME_OK);
        acme_problem_read(&p, root, cases[i].status);
        assert_int_equal(acme_problem_error(&p), cases[i].error);
    }
    assert_int_equal(parse("{\"type\":\"x\",\"detail\":\"a\\u001b[31m\\u00fc\","
                           "\"subproblems\":[{\"identifier\":{\"value\":\"b.example\"}}]}",
                           &root),
                     ACME_OK);
    acme_problem_read(&p, root, 400);
    assert_string_equal(p.detail, "a?[31m??");
    assert_string_equal(p.identifier, "b.example");
    acme_problem_read(&p, NULL, 418);
    assert_string_equal(p.type, "");
    assert_int_equal(p.status, 418);
    memset(longer, 'x', sizeof(longer));
    memcpy(longer, "{\"detail\":\"", 11);
    memcpy(longer + sizeof(longer) - 3, "\"}", 3);
    assert_int_equal(parse(longer, &root), ACME_OK);
    acme_problem_read(&p, root, 400);
    assert_int_equal(strlen(p.detail), sizeof(p.detail) - 1);
}

/* ---- time ---- */

#if defined(CONFIG_ACME_ARI)
static void assert_parsed(const char *text, int64_t want)
{
    int64_t got = -1;

    assert_int_equal(acme_date_parse(text, &got), ACME_OK);
    assert_true(got == want);
}
#endif

static void test_dates(void **state)
{
#if defined(CONFIG_ACME_ARI)
    static const char *const bad[] = {
        "",
        "2025-01-02",
        "2025-01-02T04:00:00",
        "2025-01-02 04:00:00Z",
        "2025-01-02T04:00:00Zx",
        "2025-01-02T04:00:00.Z",
        "2025-01-02T04:00:00.1",
        "2025-01-02T04:00:00+1:00",
        "2025-01-02T04:00:00+24:00",
        "2025-01-02T04:00:00+01:60",
        "2025-01-02T04:00:00+01:00Z",
        "2025-01-02T04:00:0:Z", /* what follows 9 */
        "2025-01-02T04:00:0/Z", /* what precedes 0 */
        "1969-12-31T23:59:59Z",
        "2025-00-02T04:00:00Z",
        "2025-13-02T04:00:00Z",
        "2025-01-00T04:00:00Z",
        "2025-01-32T04:00:00Z",
        "2025-04-31T04:00:00Z",
        "2025-02-29T04:00:00Z",
        "2100-02-29T04:00:00Z", /* no leap year */
        "2024-02-30T04:00:00Z",
        "2025-01-02T24:00:00Z",
        "2025-01-02T04:60:00Z",
        "2025-01-02T04:00:61Z",
    };
    int64_t t;
    size_t i;
#endif

    (void)state;
    assert_true(acme_date_to_unix(1970, 1, 1, 0, 0, 0) == 0);
    assert_true(acme_date_to_unix(2000, 2, 29, 12, 0, 0) == 951825600);
    assert_true(acme_date_to_unix(2000, 3, 1, 0, 0, 0) == 951868800);
    assert_true(acme_date_to_unix(2038, 1, 19, 3, 14, 8) == INT64_C(2147483648));
    assert_true(acme_date_to_unix(2100, 2, 28, 23, 59, 59) == INT64_C(4107542399));
    assert_true(acme_date_to_unix(2100, 3, 1, 0, 0, 0) == INT64_C(4107542400));
    assert_true(acme_date_to_unix(9999, 12, 31, 23, 59, 59) == INT64_C(253402300799));
#if defined(CONFIG_ACME_ARI)
    assert_parsed("1970-01-01T00:00:00Z", 0);
    assert_parsed("2000-02-29T12:00:00Z", 951825600);
    assert_parsed("2024-02-29T12:00:00.123456789Z", 1709208000);
    assert_parsed("2016-12-31T23:59:60Z", 1483228800); /* a leap second */
    assert_parsed("2025-01-02T04:00:00+05:30", 1735770600);
    assert_parsed("2025-01-02T04:00:00-23:59", 1735876740);
    assert_int_equal(acme_date_parse(NULL, &t), ACME_ERR_FIELD);
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(acme_date_parse(bad[i], &t), ACME_ERR_FIELD);
    }
#endif
    assert_true(acme_renewal_time(0, 90) == 45);   /* short-lived */
    assert_true(acme_renewal_time(100, 50) == 50); /* never valid: at once */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order), cmocka_unit_test(test_refused),
        cmocka_unit_test(test_arena), cmocka_unit_test(test_problems),
        cmocka_unit_test(test_dates),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
