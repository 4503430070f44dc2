/*
 * TLS sessions that are kept, over a network in memory: resumed without a certificate, of TLS 1.2
 * and 1.3; never after their time, with other anchors, for another server; and a server that
 * refuses a ticket costs a whole handshake, no more. The server is mbedTLS, whose tickets are made
 * here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <mbedtls/platform.h>

#include "crypto_bench.h"
#include "net/exchange.h"
#include "tls_server.h"

/* ---- the wire, and the clock ---- */

static uint32_t wire; /* bytes in both directions */
static uint64_t uptime_ms;
static int64_t wall_s; /* 0: not known */

static acme_handle net_connect(void *ctx, const char *host, uint16_t tcp_port)
{
    (void)ctx;
    (void)host;
    (void)tcp_port;
    return 7;
}

static int32_t net_connected(void *ctx, acme_handle stream)
{
    (void)ctx;
    (void)stream;
    return ACME_OK;
}

static int32_t net_send(void *ctx, acme_handle stream, const uint8_t *data, size_t len)
{
    (void)ctx;
    (void)stream;
    wire += (uint32_t)len;
    return (int32_t)pipe_put(&up, data, len);
}

static bool is_empty; /* the port has said so: it wakes the client when something comes */

static int32_t net_recv(void *ctx, acme_handle stream, uint8_t *data, size_t size)
{
    size_t n = pipe_take(&down, data, size);

    (void)ctx;
    (void)stream;
    is_empty = n == 0;
    wire += (uint32_t)n;
    return n > 0 ? (int32_t)n : ACME_ERR_AGAIN;
}

static void net_close(void *ctx, acme_handle stream)
{
    (void)ctx;
    (void)stream;
}

static const struct acme_net_ops net_ops = {.connect = net_connect,
                                            .connected = net_connected,
                                            .send = net_send,
                                            .recv = net_recv,
                                            .close = net_close};
static const struct acme_port port = {.net = &net_ops};

static uint64_t uptime(void *ctx)
{
    (void)ctx;
    return uptime_ms;
}

static int32_t wall(void *ctx, int64_t *unix_s)
{
    (void)ctx;
    *unix_s = wall_s;
    return wall_s != 0 ? ACME_OK : ACME_ERR_NO_CLOCK;
}

static const struct acme_clock_ops clock_ops = {.uptime_ms = uptime, .wall_s = wall};
static struct acme_clock device_clock;

/* ---- the server ---- */

static uint32_t tickets_made, tickets_taken; /* of all connections */
static uint32_t ticket_life_s;
static bool refuses; /* the tickets it is shown */

static int ticket_write(void *ctx, const mbedtls_ssl_session *session, unsigned char *start,
                        const unsigned char *end, size_t *len, uint32_t *lifetime)
{
    (void)ctx;
    *lifetime = ticket_life_s;
    tickets_made++;
    return mbedtls_ssl_session_save(session, start, (size_t)(end - start), len);
}

static int ticket_parse(void *ctx, mbedtls_ssl_session *session, unsigned char *data, size_t len)
{
    (void)ctx;
    if (refuses) {
        return MBEDTLS_ERR_SSL_INVALID_MAC;
    }
    tickets_taken++;
    return mbedtls_ssl_session_load(session, data, len);
}

static void server_start(void)
{
    pipes_new();
    wire = 0;
    server_new();
    mbedtls_ssl_conf_session_tickets_cb(&server.config, ticket_write, ticket_parse, NULL);
    server_add(&server_t);
    server_serve();
}

/* ---- the client ---- */

static struct acme_tls t;

static int32_t shake_hands(const char *host)
{
    int32_t rc = acme_tls_start(&t, 7, host);
    uint32_t i;

    for (i = 0; i < 3000 && (rc == ACME_OK || rc == ACME_TLS_MORE || rc == ACME_ERR_AGAIN); i++) {
        rc = acme_tls_handshake(&t);
        if (rc == ACME_OK) {
            return rc;
        }
        server_turn();
    }
    return rc;
}

/* A connection with a request and a reply, and its end. True: it was resumed. */
static bool visit(const char *host)
{
    static const uint8_t request[] = "GET", reply[] = "200";
    uint32_t taken = tickets_taken;
    uint8_t in[64];
    uint32_t i;

    server_start();
    assert_int_equal(shake_hands(host), ACME_OK);
    for (i = 0; i < 3 && !server.over; i++) {
        server_turn();
    }
    assert_true(server.over);
    assert_int_equal(acme_tls_send(&t, request, sizeof(request)), sizeof(request));
    assert_int_equal(mbedtls_ssl_read(&server.ssl, in, sizeof(in)), sizeof(request));
    is_empty = false; /* tickets may be there, alone: the port is asked again before it waits */
    assert_int_equal(acme_tls_recv(&t, in, sizeof(in)), ACME_ERR_AGAIN);
    assert_true(is_empty);
    assert_int_equal(mbedtls_ssl_write(&server.ssl, reply, sizeof(reply)), sizeof(reply));
    assert_int_equal(acme_tls_recv(&t, in, sizeof(in)), sizeof(reply));
    assert_int_equal(t.chain.from_s, NOW - DAY); /* resumed or not */
    assert_int_equal(t.chain.to_s, NOW + 30 * DAY);
    acme_tls_close(&t);
    server_stop();
    return tickets_taken > taken;
}

static void for_both(void (*test)(void))
{
    static const mbedtls_ssl_protocol_version versions[] = {MBEDTLS_SSL_VERSION_TLS1_2,
                                                            MBEDTLS_SSL_VERSION_TLS1_3};
    size_t i;

    for (i = 0; i < 2; i++) {
        version = versions[i];
        uptime_ms = 1000;
        wall_s = NOW;
        ticket_life_s = 7 * DAY;
        refuses = false;
        tickets_made = tickets_taken = 0;
        acme_clock_init(&device_clock, &clock_ops, NULL, NOW - DAY);
        assert_int_equal(acme_tls_init(&t, &port, &device_clock, &anchor, 1), ACME_OK);
        test();
        acme_tls_free(&t);
    }
}

static void resumes(void)
{
    uint32_t whole, i;

    assert_false(visit(HOST));
    whole = wire;
    for (i = 0; i < 3; i++) {
        uptime_ms += 6 * 3600 * 1000;
        assert_true(visit(HOST));
        assert_true(wire < 1500);
        assert_true(wire < whole);
    }
}

static void ends_with_its_life(void)
{
    ticket_life_s = 3600;
    assert_false(visit(HOST));
    uptime_ms += 3600 * 1000 - 1;
    assert_true(visit(HOST));
    uptime_ms += 3600 * 1000;
    assert_false(visit(HOST));
    ticket_life_s = 7 * DAY; /* a day is enough */
    assert_true(visit(HOST));
    uptime_ms += (uint64_t)DAY * 1000;
    assert_false(visit(HOST));
}

/* The chain that the session began with has expired, or is not yet valid by a clock that was
 * mended. */
static void ends_with_the_chain(void)
{
    assert_false(visit(HOST));
    wall_s = NOW + 30 * DAY + 1;
    server_start();
    assert_int_equal(shake_hands(HOST),
                     ACME_ERR_TLS_DATES); /* the whole handshake, and its verdict */
    acme_tls_close(&t);
    server_stop();
    assert_int_equal(tickets_taken, 0);
}

static void is_refused(void)
{
    assert_false(visit(HOST));
    refuses = true;
    assert_false(visit(HOST)); /* and all is well */
    refuses = false;
    assert_true(visit(HOST));
}

/* What was offered in a handshake that failed is not offered again. */
static void is_used_once(void)
{
    assert_false(visit(HOST));
    server_start();
    down.loses = true; /* what it says never comes, and then the connection ends */
    (void)shake_hands(HOST);
    assert_int_equal(tickets_taken, 1);
    acme_tls_close(&t);
    server_stop();
    assert_false(visit(HOST));
    assert_int_equal(tickets_taken, 1);
}

/* Other anchors: the session is not theirs. */
static void goes_with_the_anchors(void)
{
    assert_false(visit(HOST));
    acme_tls_free(&t);
    assert_int_equal(acme_tls_init(&t, &port, &device_clock, &anchor, 1), ACME_OK);
    assert_false(visit(HOST));
    acme_session_forget(&t.session);
    assert_false(visit(HOST));
    assert_true(visit(HOST));
}

/* A request and its response, over a connection of its own. True: it was resumed. */
static bool ask(struct acme_exchange *x, const char *url)
{
    static const char request[] = "GET / HTTP/1.1\r\n\r\n",
                      reply[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    uint32_t taken = tickets_taken, turns;
    struct acme_uri uri;
    uint8_t in[64];
    int32_t rc;

    server_start();
    assert_int_equal(acme_uri_parse(url, &uri), ACME_OK);
    acme_http_parser_init(&x->parser, false, 0, NULL, NULL);
    rc = acme_exchange_start(x, url, &uri, (const uint8_t *)request, sizeof(request) - 1);
    for (turns = 0; turns < 3000 && (rc == ACME_OK || rc == ACME_ERR_AGAIN); turns++) {
        rc = acme_exchange_poll(x);
        server_turn();
        if (server.over && mbedtls_ssl_read(&server.ssl, in, sizeof(in)) == sizeof(request) - 1) {
            assert_int_equal(
                mbedtls_ssl_write(&server.ssl, (const uint8_t *)reply, sizeof(reply) - 1),
                sizeof(reply) - 1);
        }
        if (rc == ACME_OK) {
            break;
        }
    }
    assert_int_equal(rc, ACME_OK);
    acme_tls_close(&x->tls);
    server_stop();
    return tickets_taken > taken;
}

/* Another server is not offered it: whoever resumes shows no certificate. */
static void is_of_one_server(void)
{
    static struct acme_exchange x;

    memset(&x, 0, sizeof(x));
    x.port = &port;
    x.clock = &device_clock;
    server_t.names[1] = "other.example.org";
    assert_int_equal(acme_tls_init(&x.tls, &port, &device_clock, &anchor, 1), ACME_OK);
    assert_false(ask(&x, "https://" HOST "/"));
    assert_true(ask(&x, "https://" HOST "/again"));
    assert_false(ask(&x, "https://other.example.org/"));
    assert_false(ask(&x, "https://" HOST "/"));
    assert_false(ask(&x, "https://" HOST ":8443/"));
    acme_tls_free(&x.tls);
    server_t.names[1] = NULL;
}

/* A session that does not fit, or no memory for one, costs a whole handshake each time. */
static void needs_room(void)
{
    mbedtls_free(t.session.data);
    t.session.data = NULL;
    assert_false(visit(HOST));
    assert_false(visit(HOST));
}

#define TEST(name)                                                                                 \
    static void test_##name(void **state)                                                          \
    {                                                                                              \
        (void)state;                                                                               \
        for_both(name);                                                                            \
    }
TEST(resumes)
TEST(ends_with_its_life)
TEST(ends_with_the_chain)
TEST(is_refused)
TEST(is_used_once)
TEST(goes_with_the_anchors)
TEST(is_of_one_server)
TEST(needs_room)

static int group_up(void **state)
{
    if (bench_up(state) != 0 || !certificates_new()) {
        return -1;
    }
    server_t.not_before_s = NOW - DAY;
    server_t.not_after_s = NOW + 30 * DAY;
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resumes),
        cmocka_unit_test(test_ends_with_its_life),
        cmocka_unit_test(test_ends_with_the_chain),
        cmocka_unit_test(test_is_refused),
        cmocka_unit_test(test_is_used_once),
        cmocka_unit_test(test_goes_with_the_anchors),
        cmocka_unit_test(test_is_of_one_server),
        cmocka_unit_test(test_needs_room),
    };

    return cmocka_run_group_tests_name("session", tests, group_up, bench_down);
}
