/*
 * The table of the ways to prove a name, and what an answer leaves behind when it ends: nothing,
 * for the texts that it was given are the caller's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "challenge/challenge.h"
#include "crypto_bench.h"

static int32_t listens; /* ports that are open */
static int32_t listen_result;

static acme_handle on_listen(void *ctx, uint16_t port)
{
    (void)ctx;
    (void)port;
    if (listen_result < 0) {
        return listen_result;
    }
    return listens++;
}

static void on_unlisten(void *ctx, acme_handle handle)
{
    (void)ctx;
    (void)handle;
    listens--;
}

static const struct acme_net_ops net = {.listen = on_listen, .unlisten = on_unlisten};
static const struct acme_port port = {.net = &net};
static const struct acme_challenge challenge = {
    .identifier = "www.example.org", .token = "token", .key_authorization = "token.thumbprint"};

static void test_the_table(void **state)
{
    static const struct acme_challenge_ops *const all[] = {
        &acme_challenge_http_01, &acme_challenge_tls_alpn_01, &acme_challenge_dns_01,
        &acme_challenge_dns_account_01, &acme_challenge_dns_persist_01};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        assert_ptr_equal(acme_challenge_find(all[i]->type), all[i]);
        assert_ptr_equal(acme_challenge_find_name(all[i]->name), all[i]);
        assert_int_equal((all[i]->proves & ACME_PROVES_WILDCARD) != 0, all[i]->record != NULL);
        assert_int_equal((all[i]->proves & ACME_PROVES_ADDRESS) != 0, all[i]->record == NULL);
    }
    assert_null(acme_challenge_find(ACME_CHALLENGE_NONE));
    assert_null(acme_challenge_find(UINT8_MAX));
    assert_null(acme_challenge_find_name("http-0"));
    assert_null(acme_challenge_find_name(""));
}

static void test_answers_end(void **state)
{
    struct acme_config config = {.port = &port};
    struct acme_challenges s;
    int shared;

    (void)state;
    for (shared = 0; shared < 2; shared++) {
        config.tls_shared = shared == 1;
        memset(&s, 0, sizeof(s));
        acme_challenges_init(&s, &config);
        listen_result = ACME_ERR_LISTEN;
        assert_int_equal(acme_challenge_http_01.answer(&s, &challenge), ACME_ERR_LISTEN);
        assert_null(s.http.token);
        listen_result = 0;
        assert_int_equal(acme_challenge_http_01.answer(&s, &challenge), ACME_OK);
        assert_int_equal(listens, 1);
        assert_ptr_equal(s.http.token, challenge.token);
        acme_challenge_http_01.stop(&s);
        assert_null(s.http.token);
        assert_null(s.http.key_authorization);
        assert_int_equal(acme_challenge_tls_alpn_01.answer(&s, &challenge), ACME_OK);
        assert_int_equal(listens, shared == 1 ? 1 : 2);
        assert_ptr_equal(s.tls.identifier, challenge.identifier);
        acme_challenge_tls_alpn_01.stop(&s);
        assert_null(s.tls.identifier);
        acme_challenges_close(&s);
        assert_int_equal(listens, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_the_table, bench_up, bench_down),
        cmocka_unit_test_setup_teardown(test_answers_end, bench_up, bench_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
