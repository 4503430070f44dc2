/*
 * The acme-dns provider with a scripted server over plain text (sim/tls_plain.c): what it sends,
 * what it makes of each answer, and that nothing stays open whatever fails.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "acme/dns_acmedns.h"
#include "dns/message.h"
#include "lan_bench.h"
#include "tls_plain.h"

#define NAME   "_acme-challenge.device.example"
#define DOMAIN "d420c923-bbd7-4056-ab64-c3ca54c9b3cf.auth.example"
#define VALUE  "DGyRejmCefe7v4NfDGDKfA___validation_token____"
#define REPLY(status, length, body)                                                                \
    "HTTP/1.1 " status "\r\nContent-Type: application/json\r\nContent-Length: " length             \
    "\r\n\r\n" body
#define GOOD REPLY("200 OK", "55", "{\"txt\":\"" VALUE "\"}")

static _Alignas(8) uint8_t memory[ACME_DNS_ACMEDNS_SIZE + 8];
static acme_dns_acmedns *acmedns;
static struct acme_dns_acmedns_config config;
static struct acme_dns_acmedns_account accounts[2];
static struct lan_server *resolver, *ns;
static struct lan_host *api;
static char large[2048]; /* of 'x', cut as needed */

static int set_up(void **state)
{
    int rc = lan_bench_up(state);

    resolver = sim_lan_server(&lan, "192.0.2.1");
    ns = sim_lan_server(&lan, "192.0.2.2");
    sim_lan_zone(&lan, "auth.example", "ns.auth.example");
    sim_lan_name(&lan, "auth.example", ACME_DNS_TYPE_NS, "ns.auth.example");
    sim_lan_address(&lan, "ns.auth.example", "192.0.2.2");
    sim_lan_name(&lan, NAME, ACME_DNS_TYPE_CNAME, DOMAIN);
    api = sim_lan_host(&lan, "auth.example", 8443);
    api->reply = GOOD;
    accounts[0] = (struct acme_dns_acmedns_account){"other.auth.example", "o", "o", "o"};
    accounts[1] = (struct acme_dns_acmedns_account){DOMAIN, "d420c923", "user-1", "pass-2"};
    config = (struct acme_dns_acmedns_config){.port = &port,
                                              .url = "https://auth.example:8443///",
                                              .resolver = "192.0.2.1",
                                              .accounts = accounts,
                                              .accounts_count = 2};
    memset(large, 'x', sizeof(large) - 1);
    return rc;
}

static int tear_down(void **state)
{
    assert_int_equal(sim_lan_open(&lan), 0);
    return bench_down(state);
}

static int32_t init(void)
{
    return acme_dns_acmedns_init(&acmedns, &config, memory, sizeof(memory));
}

static int32_t poll_present(void *ctx, uint32_t *wait_ms)
{
    const struct acme_dns_record record = {NAME, ctx, 0};

    return acme_dns_acmedns_ops.present(acmedns, &record, wait_ms);
}

static int32_t poll_ready(void *ctx, uint32_t *wait_ms)
{
    const struct acme_dns_record record = {NAME, ctx, 0};

    return acme_dns_acmedns_ops.ready(acmedns, &record, wait_ms);
}

static void found(void *ctx, const char *text, size_t len)
{
    assert_int_equal(len, strlen(VALUE));
    assert_memory_equal(text, VALUE, len);
    ++*(int *)ctx;
}

static int32_t poll_lookup(void *ctx, uint32_t *wait_ms)
{
    return acme_dns_acmedns_ops.lookup(acmedns, NAME, found, ctx, wait_ms);
}

static int32_t present(const char *value)
{
    return lan_bench_drive(poll_present, (void *)(uintptr_t)value, 300000);
}

static void test_what_is_sent(void **state)
{
    int texts = 0;

    (void)state;
    assert_int_equal(init(), ACME_OK);
    assert_int_equal(present(VALUE), ACME_OK);
    assert_int_equal(
        strncmp(api->request, "POST /update HTTP/1.1\r\nHost: auth.example:8443\r\n", 48), 0);
    assert_non_null(strstr(api->request, "\r\nX-Api-User: user-1\r\n"));
    assert_non_null(strstr(api->request, "\r\nX-Api-Key: pass-2\r\n"));
    assert_non_null(strstr(api->request, "\r\nContent-Length: 78\r\n"));
    assert_non_null(
        strstr(api->request, "\r\n\r\n{\"subdomain\":\"d420c923\",\"txt\":\"" VALUE "\"}"));
    assert_int_equal(sim_lan_open(&lan), 0);
    assert_int_equal(tls_plain_up, 0); /* TLS's memory is given back */
    sim_lan_txt(&lan, DOMAIN, VALUE);
    assert_int_equal(lan_bench_drive(poll_ready, (void *)(uintptr_t)VALUE, 60000), ACME_OK);
    assert_int_equal(ns->udp, 1);
    assert_int_equal(lan_bench_drive(poll_lookup, &texts, 60000), ACME_OK);
    assert_int_equal(texts, 1);
    assert_null(acme_dns_acmedns_ops.cleanup); /* the server forgets by itself */
    assert_int_equal(present(VALUE), ACME_OK); /* once more: a renewal */
    assert_int_equal(api->requests, 2);
    assert_int_equal(api->connections, 2);
    assert_null(strstr(bench_lines, "pass-2"));
}

static void test_what_the_server_may_answer(void **state)
{
    static const struct {
        const char *reply, *log;
        int32_t error;
    } cases[] = {
        {REPLY("500 Oops", "2", "{}"), "", ACME_ERR_SERVER},
        {REPLY("503 Oops", "0", ""), "", ACME_ERR_SERVER},
        {REPLY("302 Found\r\nLocation: https://other/", "0", ""), "", ACME_ERR_HTTP_REDIRECT},
        {REPLY("200 OK", "4", "{\"a\""), "", ACME_ERR_JSON},
        {REPLY("404 Not Found", "4", "what"), "", ACME_ERR_DNS_API},
        {REPLY("401 Unauthorized", "21", "{\"error\":\"forbidden\"}"),
         "acme-dns says forbidden (401)", ACME_ERR_DNS_API},
        {REPLY("400 Bad Request", "17", "{\"error\":\"a\\nb\"} "), "acme-dns says no (400)",
         ACME_ERR_DNS_API},
        {REPLY("204 No Content", "2", "{}"), "", ACME_ERR_DNS_API},
        {REPLY("400 Bad Request", "2", "{}"), "acme-dns says no (400)", ACME_ERR_DNS_API},
        {REPLY("200 OK", "2", "{}"), "", ACME_ERR_FIELD},
        {REPLY("200 OK", "15", "{\"txt\":\"other\"}"), "", ACME_ERR_FIELD},
        {REPLY("200 OK", "513", "{"), "", ACME_ERR_HTTP_LIMIT},
        {"nonsense\r\n\r\n", "", ACME_ERR_HTTP},
    };
    size_t i;

    (void)state;
    assert_int_equal(init(), ACME_OK);
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        lan_bench_clear();
        api->reply = cases[i].reply;
        assert_int_equal(present(VALUE), cases[i].error);
        assert_non_null(strstr(bench_lines, cases[i].log));
        assert_int_equal(sim_lan_open(&lan), 0);
    }
    api->reply = GOOD;
    assert_int_equal(present(VALUE), ACME_OK);
}

/* In pieces; and as long as there is room for, so long that it takes more than one look. */
static void test_answers_in_pieces(void **state)
{
    static char reply[1024];

    (void)state;
    assert_int_equal(init(), ACME_OK);
    (void)snprintf(reply, sizeof(reply), "%s%s%*s",
                   "HTTP/1.1 200 OK\r\nContent-Length: 512\r\n\r\n", "{\"txt\":\"" VALUE "\"}",
                   512 - 55, "");
    api->reply = reply;
    for (lan.piece = 1; lan.piece < 600; lan.piece += 199) {
        assert_int_equal(present(VALUE), ACME_OK);
    }
    lan.stutter = true;
    assert_int_equal(present(VALUE), ACME_OK);
}

static void test_servers_that_are_not_there(void **state)
{
    (void)state;
    assert_int_equal(init(), ACME_OK);
    api->connect_error = ACME_ERR_RESOLVE;
    assert_int_equal(present(VALUE), ACME_ERR_RESOLVE);
    api->connect_error = ACME_OK;
    api->connected_error = ACME_ERR_CONNECT;
    assert_int_equal(present(VALUE), ACME_ERR_CONNECT);
    api->connected_error = ACME_OK;
    api->dark = true;
    assert_int_equal(present(VALUE), ACME_ERR_TIMEOUT);
    api->dark = false;
    api->reply = NULL;
    assert_int_equal(present(VALUE), ACME_ERR_TIMEOUT);
    api->close = true;
    assert_int_equal(present(VALUE), ACME_ERR_CLOSED);
    resolver->rcode = ACME_DNS_NOTIMP;
    assert_int_equal(init(), ACME_OK); /* a new one does not know the zone yet */
    assert_int_equal(present(VALUE), ACME_ERR_DNS_SERVER);
}

static void test_names_without_an_account(void **state)
{
    (void)state;
    accounts[1].fulldomain = "else.auth.example";
    assert_int_equal(init(), ACME_OK);
    assert_int_equal(present(VALUE), ACME_ERR_DNS_API);
    assert_non_null(strstr(bench_lines, "dns: no acme-dns account for " DOMAIN));
    assert_int_equal(api->connections, 0);
}

/* What does not fit into a request is not sent in part. */
static void test_what_does_not_fit(void **state)
{
    static char url[3000];
    uint32_t sent = 0;
    int32_t rc;
    size_t len;

    (void)state;
    large[500] = '\0';
    accounts[1].subdomain = large; /* not into the body */
    assert_int_equal(init(), ACME_OK);
    assert_int_equal(present(VALUE), ACME_ERR_BUFFER);
    accounts[1].subdomain = "s";
    accounts[1].password = large; /* not into the head, or the body not after it */
    for (len = 990; len > 690; len -= 10) {
        memset(large, 'x', sizeof(large) - 1);
        large[len] = '\0';
        assert_int_equal(init(), ACME_OK);
        rc = present(VALUE);
        assert_true(rc == ACME_ERR_BUFFER || (rc == ACME_OK && strstr(api->request, large)));
        sent += rc == ACME_OK ? 1 : 0;
    }
    assert_in_range(sent, 1, 29);
    assert_int_equal(api->connections, sent);
    accounts[1].password = "p";
    memset(large, 'x', 980);
    large[980] = '\0';
    (void)snprintf(url, sizeof(url), "https://auth.example/%s", large);
    config.url = url;
    assert_int_equal(init(), ACME_OK);
    assert_int_equal(present(VALUE), ACME_ERR_BUFFER);
    assert_int_equal(api->connections, sent);
}

/* Nothing that could end a line of a request, or a name, gets into one. */
static void test_accounts_that_are_none(void **state)
{
    static const char *const bad[] = {NULL, "", "a b", "a\r\nX: y", "a\x7f", "\xc3\xa4"};
    const char **fields[] = {&accounts[1].fulldomain, &accounts[1].subdomain, &accounts[1].username,
                             &accounts[1].password};
    size_t i, k;

    (void)state;
    for (i = 0; i < 4; i++) {
        const char *good = *fields[i];

        for (k = 0; k < sizeof(bad) / sizeof(bad[0]); k++) {
            *fields[i] = bad[k];
            assert_int_equal(init(), ACME_ERR_ARGUMENT);
        }
        *fields[i] = good;
        assert_int_equal(init(), ACME_OK);
    }
}

static void test_arguments(void **state)
{
    static char url[CONFIG_ACME_URL_MAX + 2];

    (void)state;
    assert_int_equal(acme_dns_acmedns_init(&acmedns, &config, NULL, sizeof(memory)),
                     ACME_ERR_ARGUMENT);
    assert_int_equal(acme_dns_acmedns_init(&acmedns, &config, memory + 1, sizeof(memory) - 1),
                     ACME_ERR_ARGUMENT);
    config.resolver = "192.0.2.1:";
    assert_int_equal(init(), ACME_ERR_ARGUMENT);
    config.resolver = "192.0.2.1";
    config.url = "///";
    assert_int_equal(init(), ACME_ERR_URL);
    config.url = "";
    assert_int_equal(init(), ACME_ERR_URL);
    memset(url, 'x', sizeof(url) - 1);
    memcpy(url, "https://a/", 10);
    config.url = url;
    assert_int_equal(init(), ACME_ERR_URL);
    config.url = NULL;
    assert_int_equal(init(), ACME_ERR_ARGUMENT);
    config.url = "https://auth.example";
    assert_int_equal(acme_dns_acmedns_init(&acmedns, &config, memory, 64), ACME_ERR_MEMORY);
    config.accounts_count = 0;
    assert_int_equal(init(), ACME_ERR_ARGUMENT);
    config.accounts_count = 2;
    config.port = NULL;
    assert_int_equal(init(), ACME_ERR_ARGUMENT);
}

/* Given up in the middle, for another operation or for good: TLS and its stream go as well. */
static void test_given_up(void **state)
{
    int texts = 0;

    (void)state;
    assert_int_equal(init(), ACME_OK);
    api->reply = NULL;
    assert_int_equal(lan_bench_drive(poll_present, (void *)(uintptr_t)VALUE, 5000), ACME_ERR_AGAIN);
    assert_int_equal(sim_lan_open(&lan), 1);
    acme_dns_acmedns_ops.stop(acmedns);
    assert_int_equal(sim_lan_open(&lan), 0);
    assert_int_equal(lan_bench_drive(poll_present, (void *)(uintptr_t)VALUE, 5000), ACME_ERR_AGAIN);
    assert_int_equal(lan_bench_drive(poll_lookup, &texts, 60000), ACME_OK);
    api->reply = GOOD;
    assert_int_equal(present(VALUE), ACME_OK);
}

/* The n-th random number, or call of the port, fails: an error or another try, never a leak. */
static void test_failures_on_the_way(void **state)
{
    uint32_t at;
    int failures = 0;

    (void)state;
    for (at = 1; at <= 8; at++) {
        int32_t rc;

        assert_int_equal(init(), ACME_OK);
        lan_bench_clear();
        random_fail_at = at;
        rc = present(VALUE);
        assert_true(rc == ACME_OK || rc == ACME_ERR_CRYPTO);
        failures += rc == ACME_OK ? 0 : 1;
        assert_int_equal(sim_lan_open(&lan), 0);
    }
    assert_in_range(failures, 2, 4);
    for (lan.fail_call = LAN_CONNECT; lan.fail_call <= LAN_RECV; lan.fail_call++) {
        assert_int_equal(init(), ACME_OK);
        lan_bench_clear();
        lan.fail_error = ACME_ERR_NET;
        lan.fail_at = 1;
        assert_int_equal(present(VALUE), ACME_ERR_NET);
        assert_int_equal(sim_lan_open(&lan), 0);
    }
    assert_int_equal(present(VALUE), ACME_OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_what_is_sent),
        TEST(test_what_the_server_may_answer),
        TEST(test_answers_in_pieces),
        TEST(test_servers_that_are_not_there),
        TEST(test_names_without_an_account),
        TEST(test_what_does_not_fit),
        TEST(test_accounts_that_are_none),
        TEST(test_arguments),
        TEST(test_given_up),
        TEST(test_failures_on_the_way),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
