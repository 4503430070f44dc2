/* base/assert.h as firmware has it that only notes a violated invariant, or resets. */
#include "acme/config.h"
#undef CONFIG_ACME_ASSERT_ABORT
#define CONFIG_ACME_ASSERT_LOG 1

#include "base/assert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const char *where;
static uint32_t line_of, count;
static jmp_buf reset;

void acme_assert_failed(const char *function, uint32_t line)
{
    where = function;
    line_of = line;
    count++;
    if (count > 1) {
        longjmp(reset, 1);
    }
}

static uint32_t checked(uint32_t n)
{
    ACME_ASSERT(n < 10);
    return n + 1;
}

static void test_log(void **state)
{
    (void)state;
    count = 0;
    assert_int_equal(checked(9), 10);
    assert_int_equal(count, 0);
    assert_int_equal(checked(10), 11); /* the work goes on */
    assert_int_equal(count, 1);
    assert_string_equal(where, "checked");
    assert_true(line_of > 20 && line_of < 60);
}

static void test_reset(void **state)
{
    (void)state;
    count = 1;
    if (setjmp(reset) == 0) {
        checked(10);
        fail();
    }
    assert_int_equal(count, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_log),
        cmocka_unit_test(test_reset),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
