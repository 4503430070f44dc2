/*
 * The filter in front of the JSON parser: what comes out is what is asked for, however the document
 * is split; all JSON of RFC 8259 is taken, and nothing else; and an authorization that is far
 * larger than the small board's memory passes through it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "acme/client.h"
#include "json/filter.h"
#include "json/json.h"
#include "json/cjson.h"

/* As on the small board (boards/lm3s6965evb/defconfig). */
#define WORK_SIZE  2048U
#define ARENA_SIZE 2304U
#define NODE_32BIT 32U /* of a cJSON value on a 32-bit machine */

static char out[32768]; /* of which most tests use WORK_SIZE */
static struct acme_json_filter filter;

/* Feeds the first bytes, and the rest in pieces of step. */
static int32_t run(const char *text, size_t len, size_t first, size_t step, size_t size)
{
    size_t at = 0, n = first;
    int32_t rc;

    memset(out, '#', sizeof(out));
    acme_json_filter_init(&filter, out, size);
    for (; at < len; at += n, n = step) {
        n = n < len - at ? n : len - at;
        rc = acme_json_filter_feed(&filter, (const uint8_t *)text + at, n);
        if (rc != ACME_OK) {
            assert_int_equal(acme_json_filter_feed(&filter, (const uint8_t *)"{}", 2), rc);
            assert_int_equal(acme_json_filter_finish(&filter), rc);
            return rc;
        }
    }
    rc = acme_json_filter_finish(&filter);
    assert_int_equal(out[size], '#');
    if (rc >= 0) {
        out[rc] = '\0';
    }
    return rc;
}

static void assert_out(const char *text, const char *want)
{
    size_t len = strlen(text);

    for (size_t first = 0; first <= len && first < 400; first++) {
        int32_t rc = run(text, len, first, len, WORK_SIZE);

        if (rc < 0 || strcmp(out, want) != 0) {
            fail_msg("%s: %d: %s", text, rc, rc < 0 ? "" : out);
        }
    }
    assert_int_equal(run(text, len, 1, 1, WORK_SIZE), strlen(want));
    assert_string_equal(out, want);
}

static void assert_refused(const char *text)
{
    if (run(text, strlen(text), 1, 1, WORK_SIZE) != ACME_ERR_JSON ||
        run(text, strlen(text), strlen(text), 1, WORK_SIZE) != ACME_ERR_JSON) {
        fail_msg("accepted: %s", text);
    }
}

static void test_keeps_what_is_asked_for(void **state)
{
    (void)state;
    assert_out("{}", "{}");
    assert_out(" \t\r\n{ } \n", "{}");
    assert_out("{\"status\" : \"valid\" , \"url\":\"u\"}", "{\"status\":\"valid\",\"url\":\"u\"}");
    assert_out("{\"x\":1,\"status\":true,\"y\":[1,{\"status\":2}],\"url\":null,\"z\":{}}",
               "{\"status\":true,\"url\":null}");
    assert_out("{\"meta\":{\"x\":{\"meta\":1},\"termsOfService\":\"t\"},\"x-load\":0.25}",
               "{\"meta\":{\"termsOfService\":\"t\"}}");
    assert_out("{\"identifiers\":[{\"type\":\"dns\",\"value\":\"a\",\"x\":[]},"
               "{\"y\":{},\"value\":\"b\"},[],[[]],1,\"s\"]}",
               "{\"identifiers\":[{\"type\":\"dns\",\"value\":\"a\"},{\"value\":\"b\"},[],[[]],1,"
               "\"s\"]}");
    assert_out("{\"authorizations\":[\"a\",\"b\"]}", "{\"authorizations\":[\"a\",\"b\"]}");
    assert_out("{\"authorizations\":null,\"newAccount\":\"\"}",
               "{\"authorizations\":null,\"newAccount\":\"\"}");
    /* A name is a name however it is spelled, and not in another case. */
    assert_out("{\"st\\u0061tus\":1,\"Url\":2}", "{\"status\":1,\"Url\":2}");
    assert_out("{\"status\":1,\"status\":2}", "{\"status\":1,\"status\":2}");
    assert_out("{\"statu\":1,\"statuss\":2,\"stat\\\"us\":3,\"\":4,\"stat\\u0000us\":5}", "{}");
    /* What looks like structure inside of texts is none. */
    assert_out("{\"x\":\"}],\\\"{[\",\"url\":\"}],\\\"{[\\\\\"}", "{\"url\":\"}],\\\"{[\\\\\"}");
}

static void test_all_json(void **state)
{
    static const char *const values[] = {"0",
                                         "-0",
                                         "0.25",
                                         "1e3",
                                         "1E+3",
                                         "1e-3",
                                         "-12.5e10",
                                         "123456789012345678901234567890",
                                         "true",
                                         "false",
                                         "null",
                                         "\"\"",
                                         "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
                                         "\"\\u20ac\"",
                                         "\"\\ud83d\\ude00\"",
                                         "\"\x7f\xc3\xa4\xe2\x82\xac\"",
                                         "[]",
                                         "{}",
                                         "[0,[1,[2]],{\"a\":{}}]"};

    (void)state;
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        char text[200], want[200];
        struct acme_json_arena arena;
        static _Alignas(8) uint8_t memory[4096];
        acme_json_value root;

        snprintf(text, sizeof(text), "{\"unknown\":%s,\"url\":\"u\"}", values[i]);
        assert_out(text, "{\"url\":\"u\"}");
        snprintf(text, sizeof(text), "{\"unknown\":[%s , %s],\"url\":\"u\"}", values[i], values[i]);
        assert_out(text, "{\"url\":\"u\"}");
        if (i == sizeof(values) / sizeof(values[0]) - 1) {
            break; /* its member is not kept */
        }
        snprintf(want, sizeof(want), "{\"value\":%s,\"url\":[%s,%s]}", values[i], values[i],
                 values[i]);
        if (strstr(want, "\\u") == NULL) {
            assert_out(want, want);
        }
        assert_true(run(want, strlen(want), 3, 5, WORK_SIZE) > 0);
        /* and the parser takes it, too */
        acme_json_init(&arena, memory, sizeof(memory));
        assert_int_equal(acme_json_parse(&arena, out, strlen(out), &root), ACME_OK);
        assert_non_null(acme_json_array(root, "url"));
    }
}

static void test_refuses_what_is_no_json(void **state)
{
    static const char *const bad[] = {"",
                                      " ",
                                      "{",
                                      "}",
                                      "[",
                                      "{\"url\"",
                                      "{\"url\":",
                                      "{\"url\":1",
                                      "{\"url\":1,",
                                      "{\"url\":1,}",
                                      "{,}",
                                      "{\"url\"}",
                                      "{\"url\" 1}",
                                      "{url:1}",
                                      "{'url':1}",
                                      "{\"url\":1 2}",
                                      "{\"url\":]}",
                                      "{\"url\":[1,]}",
                                      "{\"url\":[,1]}",
                                      "{\"url\":[1}",
                                      "{\"url\":{]}",
                                      "{\"x\":[1}]}",
                                      "{\"x\":[{]}}",
                                      "{\"x\":\"\\x\"}",
                                      "{\"x\":\"\\u12\"}",
                                      "{\"x\":\"\\u12g4\"}",
                                      "{\"x\":\"\\u`000\"}",
                                      "{\"x\":\"\n\"}",
                                      "{\"x\":\"\\",
                                      "{}{}",
                                      "{} x",
                                      "{}]",
                                      "{\"url\":#}",
                                      "{\"x\":,}",
                                      "{\"x\"::1}",
                                      "{\"x\",1}",
                                      "{\"x\";1}",
                                      "{\"url\":\"\"]",
                                      "{\"url\":\"\"x",
                                      "[\"\"}",
                                      "{\"x\":\"\x1f\"}",
                                      "<html></html>"};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_refused(bad[i]);
    }
    assert_int_equal(run("{\"x\":\"\0\"}", 9, 9, 1, WORK_SIZE), ACME_ERR_JSON);
    assert_int_equal(run("{\"x\":\"\\\0\"}", 10, 10, 1, WORK_SIZE), ACME_ERR_JSON);
}

static void test_texts_that_no_text_can_hold(void **state)
{
    (void)state;
    assert_out("{\"url\":\"a\\u0000b\"}", "{\"url\":\"a\\u001ab\"}");
    assert_out("{\"url\":\"\\ud83d\"}", "{\"url\":\"\\u001a\"}");
    assert_out("{\"url\":\"\\ud83dx\"}", "{\"url\":\"\\u001ax\"}");
    assert_out("{\"url\":\"\\ud83d\\n\"}", "{\"url\":\"\\u001a\\n\"}");
    assert_out("{\"url\":\"\\ude00\\ud83d\"}", "{\"url\":\"\\u001a\\u001a\"}");
    assert_out("{\"url\":\"\\ud83d\\ude00\"}", "{\"url\":\"\\u001a\\u001a\"}");
    /* What is ASCII is what it spells. */
    assert_out("{\"url\":\"https://ca/a\\u003fb\\u0026c\\u003D\"}",
               "{\"url\":\"https://ca/a?b&c=\"}");
    assert_out("{\"url\":\"\\u0022\\u005C\\u002f\\u0020\\u007e\\u007f\\u000a\"}",
               "{\"url\":\"\\\"\\\\/ ~\\u001a\\u001a\"}");
}

/* Depth is counted, not stacked: what is skipped may be as deep as is stated. */
static void test_depth(void **state)
{
    static char text[3 * 65536];

    (void)state;
    for (size_t depth = 1; depth < 65535; depth += depth < 70 ? 1 : depth < 65500 ? 6543 : 1) {
        size_t at = (size_t)snprintf(text, sizeof(text), "{\"x\":");

        memset(text + at, '[', depth);
        at += depth;
        at += (size_t)snprintf(text + at, sizeof(text) - at, "{\"url\":\"]\\\"\"},7");
        memset(text + at, ']', depth);
        at += depth;
        snprintf(text + at, sizeof(text) - at, ",\"url\":\"u\"}");
        if (depth < 65533) {
            assert_int_equal(run(text, strlen(text), 7, 1000, WORK_SIZE), 11);
            assert_string_equal(out, "{\"url\":\"u\"}");
        } else {
            assert_int_equal(run(text, strlen(text), 7, 1000, WORK_SIZE), ACME_ERR_JSON);
        }
    }
    /* What is kept is not deeper than the parser lets it be. */
    assert_out("{\"url\":[[[[[[[1]]]]]]]}", "{\"url\":[[[[[[[1]]]]]]]}");
    assert_out("{\"url\":[[[[[[[[1],{\"a\":[]}]]]]]]],\"value\":2}",
               "{\"url\":[[[[[[[null,null]]]]]]],\"value\":2}");
}

static void test_challenges(void **state)
{
    (void)state;
    assert_out("{\"challenges\":[{\"type\":\"x-01\",\"url\":\"1\",\"token\":\"a\"},"
               "{\"url\":\"2\",\"type\":\"http-01\",\"x\":{\"type\":\"y\"}},"
               "{\"url\":\"3\"},{\"type\":7,\"url\":\"4\"},"
               "{\"error\":{\"type\":\"http-01\"},\"type\":\"none\"},"
               "{\"type\":[\"http-01\"]}]}",
               "{\"challenges\":[{\"url\":\"2\",\"type\":\"http-01\"}]}");
    assert_out("{\"challenges\":[{\"type\":\"ht\\u0074p-01\"},{\"type\":\"http-0\"}]}",
               "{\"challenges\":[{\"type\":\"http-01\"}]}");
    assert_out("{\"challenges\":[],\"type\":\"z\",\"url\":\"u\"}",
               "{\"challenges\":[],\"type\":\"z\",\"url\":\"u\"}");
    assert_out("{\"challenges\":null,\"identifiers\":[{\"type\":\"dns\"}]}",
               "{\"challenges\":null,\"identifiers\":[{\"type\":\"dns\"}]}");
    assert_out("{\"challenges\":[{\"type\":\"x\"}],\"identifiers\":[{\"type\":\"dns\"}]}",
               "{\"challenges\":[],\"identifiers\":[{\"type\":\"dns\"}]}");
}

static void test_subproblems_and_profiles(void **state)
{
    (void)state;
    assert_out(
        "{\"subproblems\":[{\"type\":\"a\",\"identifier\":{\"value\":\"1\",\"x\":2}},"
        "{\"type\":\"b\"},[3],4,\"5\"],\"type\":\"t\"}",
        "{\"subproblems\":[{\"type\":\"a\",\"identifier\":{\"value\":\"1\"}}],\"type\":\"t\"}");
#if defined(CONFIG_ACME_PROFILES)
    assert_out(
        "{\"meta\":{\"profiles\":{\"any\":\"a long text\",\"two\":2,\"q\\\"\":\"\",\"\":3},"
        "\"termsOfService\":\"t\"}}",
        "{\"meta\":{\"profiles\":{\"any\":\"\",\"two\":2,\"\":3},\"termsOfService\":\"t\"}}");
    /* A name that is longer than a word is none. */
    for (size_t len = ACME_JSON_WORD_MAX - 1U; len < ACME_JSON_WORD_MAX + 3U; len++) {
        char text[200] = "{\"profiles\":{\"", want[200];
        size_t at = strlen(text);

        memset(text + at, 'p', len);
        (void)strcpy(text + at + len, "\":1}}");
        (void)strcpy(want, len <= ACME_JSON_WORD_MAX ? text : "{\"profiles\":{}}");
        assert_out(text, want);
    }
#endif
}

/* A text for people is cut where the client has no room for it, at a character. */
static void test_details_are_cut(void **state)
{
    const size_t most = sizeof(((struct acme_problem *)0)->detail) - 1;
    static char text[100000], want[30000];
    size_t at = (size_t)snprintf(text, sizeof(text), "{\"detail\":\"");
    size_t to = (size_t)snprintf(want, sizeof(want), "{\"detail\":\"");

    (void)state;
    for (size_t i = 0; i < 10000; i++) {
        at += (size_t)snprintf(text + at, sizeof(text) - at, "\\u00e4");
        if (i < most) {
            to += (size_t)snprintf(want + to, sizeof(want) - to, "\\u001a");
        }
    }
    snprintf(text + at, sizeof(text) - at, "\",\"status\":403}");
    snprintf(want + to, sizeof(want) - to, "\",\"status\":403}");
    assert_int_equal(run(text, strlen(text), 1000, 1000, sizeof(want)), strlen(want));
    assert_string_equal(out, want);
}

/* What does not fit is said with its size, at every size; and what is taken back does not count. */
static void test_room(void **state)
{
    static const char text[] = "{\"challenges\":[{\"type\":\"http-01\",\"url\":\"0123456789\"},"
                               "{\"url\":\"0123456789abcdef0123456789abcdef\",\"type\":\"x\"}]}";
    static const char want[] = "{\"challenges\":[{\"type\":\"http-01\",\"url\":\"0123456789\"}]}";

    (void)state;
    for (size_t size = 0; size < 100; size++) {
        int32_t rc = run(text, strlen(text), 1, 1, size);

        if (size < sizeof(want) - 1) {
            assert_int_equal(rc, ACME_ERR_BUFFER);
            assert_int_equal(filter.limit.id, ACME_LIMIT_WORK);
            assert_int_equal(filter.limit.size, sizeof(want) - 1);
        } else {
            assert_int_equal(rc, sizeof(want) - 1);
            assert_memory_equal(out, want, sizeof(want) - 1);
        }
    }
}

/* ---- what a CA may send to a small board ---- */

static size_t of_text(const char *text)
{
    return text == NULL ? 0 : (strlen(text) + 1 + 7) / 8 * 8;
}

/* Bytes of the arena that a document takes on a 32-bit machine; the host's nodes are larger. */
static size_t arena_of(const cJSON *value)
{
    size_t sum = 0;

    for (; value != NULL; value = value->next) {
        sum += NODE_32BIT + of_text(value->string) + of_text(value->valuestring);
        sum += arena_of(value->child); /* not deeper than the parser lets it be */
    }
    return sum;
}

#define URL "https://ca.example/acme/chall/2345678901/612345678901/"

static size_t add_challenge(char *text, size_t size, const char *type, size_t number)
{
    return (size_t)snprintf(
        text, size,
        "%s{\"url\":\"" URL "%zu\",\"parameters\":[%zu.5e-1,{\"a\":[[],{}]},null],"
        "\"token\":\"LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0\",\"type\":\"%s\","
        "\"status\":\"valid\",\"validationRecord\":[{\"url\":\"http://a/%0500d\"}]}",
        number == 0 ? "" : ",", number, number, type, 0);
}

static size_t write_authorization(char *text, size_t size)
{
    static const char *const own[] = {"http-01", "dns-01", "tls-alpn-01"};
    size_t at =
        (size_t)snprintf(text, size,
                         "{\"status\":\"pending\",\"expires\":\"2026-12-01T21:03:11Z\","
                         "\"identifier\":{\"type\":\"dns\",\"value\":\"device.example.org\"},"
                         "\"challenges\":[");

    for (size_t i = 0; i < 30; i++) {
        char type[32];

        snprintf(type, sizeof(type), "new-%zu-01", i);
        at += add_challenge(text + at, size - at, i % 10 == 9 ? own[i / 10] : type, i);
    }
    at += (size_t)snprintf(text + at, size - at, "],\"validationRecords\":[");
    for (size_t i = 0; i < 20; i++) {
        at += (size_t)snprintf(text + at, size - at,
                               "%s{\"hostname\":\"%01900d\",\"addressesResolved\":[\"192.0.2.1\"]}",
                               i == 0 ? "" : ",", 0);
    }
    return at + (size_t)snprintf(text + at, size - at, "]}");
}

static void test_a_large_authorization(void **state)
{
    static char text[100000];
    static _Alignas(8) uint8_t memory[2 * ARENA_SIZE];
    size_t len = write_authorization(text, sizeof(text));
    struct acme_json_arena arena;
    acme_json_value root, item;
    int32_t n = run(text, len, 256, 256, WORK_SIZE);

    (void)state;
    assert_in_range(len, 60000, sizeof(text) - 1);
    assert_in_range(n, 200, WORK_SIZE);
    acme_json_init(&arena, memory, sizeof(memory));
    assert_int_equal(acme_json_parse(&arena, out, (size_t)n, &root), ACME_OK);
    assert_in_range(arena_of(root), 200, ARENA_SIZE);
    assert_string_equal(acme_json_string(root, "status"), "pending");
    assert_string_equal(acme_json_string(acme_json_object(root, "identifier"), "value"),
                        "device.example.org");
    item = acme_json_first(acme_json_array(root, "challenges"));
    assert_string_equal(acme_json_string(item, "type"), "http-01");
    assert_string_equal(acme_json_string(item, "url"), URL "9");
    assert_string_equal(acme_json_string(item, "token"),
                        "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keeps_what_is_asked_for),
        cmocka_unit_test(test_all_json),
        cmocka_unit_test(test_refuses_what_is_no_json),
        cmocka_unit_test(test_texts_that_no_text_can_hold),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_challenges),
        cmocka_unit_test(test_subproblems_and_profiles),
        cmocka_unit_test(test_details_are_cut),
        cmocka_unit_test(test_room),
        cmocka_unit_test(test_a_large_authorization),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
