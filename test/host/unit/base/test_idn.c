/*
 * A-labels: RFC 3492's own samples pass, what does not decode is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "acme/error.h"
#include "base/idn.h"
#include "net/uri.h"

static bool is_label(const char *text)
{
    return acme_idn_is_label(text, strlen(text));
}

static void test_good(void **state)
{
    static const char *const labels[] = {
        "example",
        "a",
        "x--y-z",
        "xn-",
        "xn--bcher-kva",
        "XN--BCHER-KVA",
        "xn--80ak6aa92e",
        "xn--egbpdaj6bu4bxfgehfvwxn",                       /* RFC 3492 7.1 (A) */
        "xn--ihqwcrb4cv8a8dqg056pqjye",                     /* (B) */
        "xn--Proprostnemluvesky-uyb24dma41a",               /* (D) */
        "xn--4dbcagdahymbxekheh6e0a7fei0b",                 /* (E) */
        "xn--i1baa7eci9glrd9b2ae1bj0hfcgg6iyaf8o0a1dig0cd", /* (F) */
        "xn--n8jok5ay5dzabd5bym9f0cm5685rrjetr6pdxa",       /* (G) */
        "xn--3B-ww4c5e180e575a65lsy2b",                     /* (L) */
        "xn--d9juau41awczczp",                              /* (S) */
        "xn--hb9b",                                         /* U+D7FF, before the surrogates */
        "xn--0y0c",                                         /* U+E000, after them */
        "xn--dn32g",                                        /* U+10FFFF */
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(labels) / sizeof(labels[0]); i++) {
        assert_true(is_label(labels[i]));
    }
}

static void test_bad(void **state)
{
    static const char *const labels[] = {
        "ab--cd",       /* reserved: hyphens in third and fourth place */
        "xn--",         /* nothing encoded */
        "xn--zz",       /* an integer that does not end */
        "xn--99999999", /* likewise */
        "xn--abc-",     /* no code point beyond ASCII */
        "xn--b!cher",
        "xn--b~cher",
        "xa--bcher-kva", /* no prefix of IDNA's */
        "an--bcher-kva",
        "xn---",
        "xn--ib9b",               /* U+D800 */
        "xn--zy0c",               /* U+DFFF */
        "xn--en32g",              /* U+110000 */
        "xn--g3902716a",          /* 2 to the 32nd, and U+00E4 */
        "xn--ls124498107776961m", /* 2 to the 64th, and the same */
        "xn--zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzza",
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(labels) / sizeof(labels[0]); i++) {
        assert_false(is_label(labels[i]));
    }
}

static void test_in_names(void **state)
{
    (void)state;
    assert_int_equal(acme_uri_check_name("www.xn--bcher-kva.example", false), ACME_OK);
    assert_int_equal(acme_uri_check_name("*.xn--bcher-kva.example", true), ACME_OK);
    assert_int_equal(acme_uri_check_name("xn--99999999.example", false), ACME_ERR_NAME);
    assert_int_equal(acme_uri_check_name("www.ab--cd.example", false), ACME_ERR_NAME);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_in_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
