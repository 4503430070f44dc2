/*
 * What a client tells of a certificate while its flash misreads once: a certificate that is there,
 * with its key, is not called gone.
 */
#include "device.h"

static void test_one_failed_read(void **state)
{
    struct acme_cert_status status;
    uint32_t n, before;

    (void)state;
    before = w.flash.reads;
    assert_int_equal(acme_cert_get_status(w.client, 0, &status), ACME_OK);
    assert_true(status.valid);
    before = w.flash.reads - before;
    assert_true(before > 0);
    for (n = 1; n <= before; n++) {
        w.flash.fail_read_at = w.flash.reads + n;
        if (acme_cert_get_status(w.client, 0, &status) == ACME_OK) {
            assert_true(status.valid);
        }
    }
    w.flash.fail_read_at = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DEVICE_TEST_ISSUED(test_one_failed_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
