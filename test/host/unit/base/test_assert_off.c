/* base/assert.h where nothing is checked: the condition is compiled and not evaluated. */
#include "acme/config.h"
#undef CONFIG_ACME_ASSERT_ABORT
#define CONFIG_ACME_ASSERT_OFF 1

#include "base/assert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static int calls;

static bool called(void)
{
    calls++;
    return false;
}

static void test_off(void **state)
{
    (void)state;
    ACME_ASSERT(called());
    assert_int_equal(calls, 0);
    assert_false(called());
    assert_int_equal(calls, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_off)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
