/*
 * The DNS client with little room for a reply, as a board has it (CONFIG_ACME_DNS_MESSAGE_MAX):
 * what does not fit is an error, and at once. The client is compiled once more here.
 */
#include "acme/config.h"

#undef CONFIG_ACME_DNS_MESSAGE_MAX
#define CONFIG_ACME_DNS_MESSAGE_MAX 512

#include "dns/client.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "lan_bench.h"

static struct acme_dns_client client;
static struct acme_dns_server where;
static struct lan_server *server;

static int set_up(void **state)
{
    int rc = lan_bench_up(state);
    int i;

    server = sim_lan_server(&lan, "2001:db8::53");
    where = (struct acme_dns_server){server->address, 53};
    acme_dns_client_init(&client, &port);
    for (i = 0; i < 8; i++) {
        sim_lan_txt(&lan, "many.example", "one of several texts that together do not fit");
    }
    return rc;
}

static int32_t poll_client(void *ctx, uint32_t *wait_ms)
{
    return acme_dns_client_poll(ctx, wait_ms);
}

static int32_t ask(const char *name)
{
    assert_int_equal(acme_dns_client_ask(&client, &where, name, ACME_DNS_TYPE_TXT, true), ACME_OK);
    return lan_bench_drive(poll_client, &client, 600000);
}

static size_t truncate(struct lan_server *s, uint8_t *reply, size_t len, bool tcp)
{
    (void)s;
    if (!tcp) {
        reply[2] |= ACME_DNS_FLAG_TC >> 8;
        reply[7] = 0;
        return 12 + 14 + 4;
    }
    return len;
}

static size_t tcp_len;

static size_t truncate_and_stretch(struct lan_server *s, uint8_t *reply, size_t len, bool tcp)
{
    return tcp ? tcp_len : truncate(s, reply, len, tcp);
}

/* To the byte. */
static void test_a_reply_that_just_fits(void **state)
{
    (void)state;
    server->tamper = truncate_and_stretch;
    tcp_len = 512;
    assert_int_equal(ask("many.example"), ACME_OK);
    tcp_len = 513;
    assert_int_equal(ask("many.example"), ACME_ERR_BUFFER);
    tcp_len = 11; /* less than a message has */
    assert_int_equal(ask("many.example"), ACME_ERR_DNS_MESSAGE);
}

static void test_a_reply_without_room_is_not_asked_for_again(void **state)
{
    (void)state;
    server->tamper = truncate;
    assert_int_equal(ask("many.example"), ACME_ERR_BUFFER);
    assert_true(server->udp == 1 && server->tcp == 1);
    assert_int_equal(sim_lan_open(&lan), 0);
    assert_int_equal(ask("none.example"), ACME_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_reply_that_just_fits, set_up, bench_down),
        cmocka_unit_test_setup_teardown(test_a_reply_without_room_is_not_asked_for_again, set_up,
                                        bench_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
