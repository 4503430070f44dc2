/*
 * A change of the account's key whose answer is lost together with a connection that was kept
 * alive. It must not know how the client finds out what became of it.
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
static struct sim_server inner;
static bool lost;

/* The CA does what it is asked for, and the answer never comes. */
static size_t serve(void *ctx, const char *text, size_t len, char *reply, size_t size, bool *close)
{
    size_t done = inner.request(ctx, text, len, reply, size, close);

    if (!lost && strncmp(text, "POST /key-change ", 17) == 0) {
        lost = *close = true;
        return 0;
    }
    return done;
}

static void test_an_answer_lost_with_the_connection_costs_no_account(void **state)
{
    const struct sim_options options = {4096, 8, 4, 5, 0, 0};
    struct acme_account_status before, after;
    struct sim_server outer;

    (void)state;
    assert_true(sim_world_init(&w, &options));
    inner = outer = w.server;
    outer.request = serve;
    w.net.server = &outer;
    w.config.certs = &request;
    w.config.certs_count = 1;
    assert_int_equal(sim_world_boot(&w), ACME_OK);
    assert_int_equal(acme_start(w.client), ACME_OK);
    assert_int_equal(sim_world_drive(&w), ACME_OK);
    assert_int_equal(acme_account_get_status(w.client, &before), ACME_OK);
    assert_int_equal(acme_account_rollover(w.client), ACME_OK);
    assert_int_equal(sim_world_drive(&w), ACME_OK);
    assert_true(lost);
    assert_int_equal(acme_account_get_status(w.client, &after), ACME_OK);
    assert_string_not_equal(after.thumbprint, before.thumbprint);
    assert_string_equal(after.thumbprint, ca_sim_account(w.ca, 0)->thumbprint);
    assert_int_equal(w.ca->counters.accounts, 1);
    assert_int_equal(w.ca->counters.key_changes, 1);
    /* And it is of use. */
    assert_int_equal(acme_renew_start(w.client), ACME_OK);
    assert_int_equal(sim_world_drive(&w), ACME_OK);
    assert_int_equal(w.ca->counters.violations, 0);
    sim_world_halt(&w);
    sim_world_free(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_answer_lost_with_the_connection_costs_no_account),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
