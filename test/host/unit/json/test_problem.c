/*
 * Problem documents (RFC 7807, RFC 8555 6.7) to errors: each type has its error, what has none goes
 * by its status, and whatever a CA writes into one is cut to size and fit to be shown.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "acme/client.h"
#include "json/problem.h"

static struct acme_json_arena arena;
static uint8_t memory[sizeof(struct acme_problem) + 8192] __attribute__((aligned(8)));
static struct acme_problem problem;

static void read_text(const char *text, uint16_t status)
{
    static char copy[sizeof(problem.detail) + 2048];
    acme_json_value root = NULL;

    acme_json_init(&arena, memory, sizeof(memory));
    strcpy(copy, text);
    (void)acme_json_parse(&arena, copy, strlen(copy), &root);
    acme_problem_read(&problem, root, status);
}

static void expect(const char *type, uint16_t status, int32_t error)
{
    char text[256] = "{\"type\":\"urn:ietf:params:acme:error:";

    strcat(strcat(text, type), "\"}");
    read_text(text, status);
    assert_int_equal(acme_problem_error(&problem), error);
    assert_string_equal(problem.type, type);
    assert_true(acme_problem_is(&problem, type));
}

static void test_types(void **state)
{
    (void)state;
    expect("badNonce", 400, ACME_ERR_NONCE);
    expect("rateLimited", 429, ACME_ERR_RATE_LIMITED);
    expect("accountDoesNotExist", 400, ACME_ERR_ACCOUNT_NONE);
    expect("externalAccountRequired", 403, ACME_ERR_EAB);
    expect("userActionRequired", 403, ACME_ERR_TOS);
    expect("invalidContact", 400, ACME_ERR_ACCOUNT);
    expect("unsupportedContact", 400, ACME_ERR_ACCOUNT);
    expect("alreadyRevoked", 400, ACME_ERR_ALREADY_REVOKED);
    expect("serverInternal", 500, ACME_ERR_SERVER);
    expect("rejectedIdentifier", 400, ACME_ERR_ORDER);
    expect("unsupportedIdentifier", 400, ACME_ERR_ORDER);
    expect("badCSR", 400, ACME_ERR_ORDER);
    expect("invalidProfile", 400, ACME_ERR_PROFILE);
    expect("notImplemented", 501, ACME_ERR_NOT_OFFERED);
    expect("notImplemented", 400, ACME_ERR_NOT_OFFERED);
    expect("rejectedIdentifier", 501, ACME_ERR_NOT_OFFERED); /* Caddy's answer to keyChange */
    expect("", 501, ACME_ERR_NOT_OFFERED);
    expect("caa", 403, ACME_ERR_PROBLEM);
}

static void test_statuses(void **state)
{
    (void)state;
    expect("caa", 429, ACME_ERR_RATE_LIMITED);
    expect("caa", 500, ACME_ERR_SERVER);
    expect("caa", 599, ACME_ERR_SERVER);
    read_text("not json", 404);
    assert_int_equal(acme_problem_error(&problem), ACME_ERR_PROBLEM);
    assert_string_equal(problem.type, "");
    assert_int_equal(problem.status, 404);
}

static void test_types_of_others(void **state)
{
    (void)state;
    read_text("{\"type\":\"about:blank\"}", 403);
    assert_string_equal(problem.type, "about:blank");
    assert_int_equal(acme_problem_error(&problem), ACME_ERR_PROBLEM);
    read_text("{\"type\":\"badNonce\"}", 400); /* without the prefix all the same */
    assert_int_equal(acme_problem_error(&problem), ACME_ERR_NONCE);
    read_text("{\"type\":7}", 400);
    assert_string_equal(problem.type, "");
}

/* Drafts had another namespace, which some CAs still have. */
static void test_the_old_namespace(void **state)
{
    (void)state;
    read_text("{\"type\":\"urn:acme:error:badNonce\"}", 400);
    assert_string_equal(problem.type, "badNonce");
    assert_int_equal(acme_problem_error(&problem), ACME_ERR_NONCE);
    read_text("{\"type\":\"urn:ietf:params:acme:error:urn:acme:error:badNonce\"}", 400);
    assert_int_equal(acme_problem_error(&problem), ACME_ERR_PROBLEM);
    read_text("{\"type\":\"about:blank\"}", 400);
    assert_string_equal(problem.type, "about:blank");
}

/* An order's error may be a sentence. */
static void test_an_error_that_is_a_text(void **state)
{
    static const char text[] = "{\"error\":\"some text\\u0007\"}";
    acme_json_value root;

    (void)state;
    acme_json_init(&arena, memory, sizeof(memory));
    assert_int_equal(acme_json_parse(&arena, text, sizeof(text) - 1, &root), ACME_OK);
    memset(&problem, 'x', sizeof(problem));
    acme_problem_read_error(&problem, root);
    assert_string_equal(problem.detail, "some text?");
    assert_string_equal(problem.type, "");
    assert_int_equal(problem.status, 0);
}

#if defined(CONFIG_ACME_PROBLEM_LINKS)
static void test_instance(void **state)
{
    (void)state;
    read_text("{\"type\":\"urn:ietf:params:acme:error:userActionRequired\","
              "\"instance\":\"https://ca.example/agree\"}",
              403);
    assert_string_equal(problem.instance, "https://ca.example/agree");
    assert_string_equal(problem.terms, "");
    assert_int_equal(acme_problem_error(&problem), ACME_ERR_TOS);
}
#endif

static void test_texts_are_fit_to_be_shown(void **state)
{
    static char text[sizeof(problem.detail) + 600] = "{\"detail\":\"";

    (void)state;
    read_text("{\"detail\":\"a\\u0007b\\u007f\xc3\xa9~ \"}", 400);
    assert_string_equal(problem.detail, "a?b???~ ");
    memset(text + strlen(text), 'x', sizeof(problem.detail) + 100);
    strcat(text, "\"}");
    read_text(text, 400);
    assert_int_equal(strlen(problem.detail), sizeof(problem.detail) - 1);
}

static void test_the_name_is_in_the_subproblem(void **state)
{
    (void)state;
    read_text("{\"subproblems\":[{\"identifier\":{\"type\":\"dns\",\"value\":\"a.example.org\"}},"
              "{\"identifier\":{\"type\":\"dns\",\"value\":\"b.example.org\"}}]}",
              400);
    assert_string_equal(problem.identifier, "a.example.org");
}

static void test_an_error_inside_another_object(void **state)
{
    static char text[] = "{\"error\":{\"type\":\"urn:ietf:params:acme:error:dns\",\"status\":403}}";
    static char none[] = "{\"status\":\"valid\"}";
    acme_json_value root;

    (void)state;
    acme_json_init(&arena, memory, sizeof(memory));
    memset(&problem, 0, sizeof(problem));
    assert_int_equal(acme_json_parse(&arena, text, strlen(text), &root), ACME_OK);
    acme_problem_read_error(&problem, root);
    assert_string_equal(problem.type, "dns");
    assert_int_equal(problem.status, 403);
    acme_json_init(&arena, memory, sizeof(memory));
    assert_int_equal(acme_json_parse(&arena, none, strlen(none), &root), ACME_OK);
    acme_problem_read_error(&problem, root); /* leaves what is known */
    assert_string_equal(problem.type, "dns");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_statuses),
        cmocka_unit_test(test_types_of_others),
        cmocka_unit_test(test_the_old_namespace),
        cmocka_unit_test(test_an_error_that_is_a_text),
#if defined(CONFIG_ACME_PROBLEM_LINKS)
        cmocka_unit_test(test_instance),
#endif
        cmocka_unit_test(test_texts_are_fit_to_be_shown),
        cmocka_unit_test(test_the_name_is_in_the_subproblem),
        cmocka_unit_test(test_an_error_inside_another_object),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
