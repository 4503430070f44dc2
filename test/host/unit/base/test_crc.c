/* The checksum of the store, against the value that everybody has for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/crc.h"

static void test_known_values(void **state)
{
    static const uint8_t zeros[4], ones[4] = {0xff, 0xff, 0xff, 0xff};

    (void)state;
    assert_true(acme_crc32(0, "", 0) == 0);
    assert_true(acme_crc32(0, "123456789", 9) == 0xcbf43926u);
    assert_true(acme_crc32(0, zeros, sizeof(zeros)) == 0x2144df1cu);
    assert_true(acme_crc32(0, ones, sizeof(ones)) == 0xffffffffu);
}

/* Piece by piece it is the same. */
static void test_in_pieces(void **state)
{
    size_t cut;

    (void)state;
    for (cut = 0; cut <= 9; cut++) {
        assert_true(acme_crc32(acme_crc32(0, "123456789", cut), "123456789" + cut, 9 - cut) ==
                    0xcbf43926u);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_values),
        cmocka_unit_test(test_in_pieces),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
