/* What a line of the log looks like, and the names of the limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/limit.h"
#include "base/log.h"

static char last[400];
static enum acme_log_level last_level;
static uint32_t lines;

static void write_line(void *ctx, enum acme_log_level level, const char *line)
{
    assert_ptr_equal(ctx, &lines);
    last_level = level;
    (void)strncpy(last, line, sizeof(last) - 1);
    lines++;
}

static const struct acme_log_ops ops = {write_line};
static const struct acme_port port = {.log = &ops, .log_ctx = &lines};

static void test_lines(void **state)
{
    static char longest[300];

    (void)state;
    acme_log_line(&port, ACME_LOG_WARNING, "text", NULL, 0);
    assert_string_equal(last, "text");
    assert_int_equal(last_level, ACME_LOG_WARNING);
    acme_log_line(&port, ACME_LOG_INFO, "text", "detail", -12);
    assert_string_equal(last, "text detail (-12)");
    assert_int_equal(last_level, ACME_LOG_INFO);
    acme_log_line(&port, ACME_LOG_INFO, "text", NULL, 7);
    assert_string_equal(last, "text (7)");
    memset(longest, 'x', sizeof(longest) - 1);
    acme_log_line(&port, ACME_LOG_INFO, "text", longest, 7);
    assert_string_equal(last, "text "); /* what has no room is left out */
    assert_int_equal(lines, 4);
}

static void test_nobody_reads(void **state)
{
    static const struct acme_port silent = {.log = NULL};

    (void)state;
    lines = 0;
    acme_log_line(&silent, ACME_LOG_ERROR, "text", NULL, 1);
    assert_int_equal(lines, 0);
}

/* Each has a name of its own, and what is none has none. */
static void test_limits(void **state)
{
    uint32_t id, other;

    (void)state;
    for (id = 1; acme_limit_name((uint8_t)id)[0] != '\0'; id++) {
        assert_int_equal(strncmp(acme_limit_name((uint8_t)id), "CONFIG_ACME_", 12), 0);
        for (other = 1; other < id; other++) {
            assert_string_not_equal(acme_limit_name((uint8_t)id), acme_limit_name((uint8_t)other));
        }
    }
    assert_true(id > ACME_LIMIT_URL);
    for (; id <= UINT8_MAX; id++) {
        assert_string_equal(acme_limit_name((uint8_t)id), "");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_nobody_reads),
        cmocka_unit_test(test_limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
