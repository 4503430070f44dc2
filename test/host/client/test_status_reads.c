/*
 * What a client tells of a certificate while its flash misreads once: a certificate that is there,
 * with its key, is not called gone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sim_world.h"

static const char *const names[] = {"device.example.org"};
static const struct acme_cert_request request = {.names = names, .names_count = 1};
static struct sim_world w;

static int set_up(void **state)
{
    const struct sim_options options = {4096, 8, 4, 5, 0, 0};

    (void)state;
    assert_true(sim_world_init(&w, &options));
    w.config.certs = &request;
    w.config.certs_count = 1;
    assert_int_equal(sim_world_boot(&w), ACME_OK);
    assert_int_equal(acme_start(w.client), ACME_OK);
    assert_int_equal(sim_world_drive(&w), ACME_OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    sim_world_halt(&w);
    sim_world_free(&w);
    return 0;
}

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
        cmocka_unit_test_setup_teardown(test_one_failed_read, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
