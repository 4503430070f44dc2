/*
 * Endpoints, and the DNS client over a network of one scripted server: random ids and ports,
 * repeats, strangers' datagrams, streams in pieces, and the bound on everything.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "acme/dns_acmedns.h"
#include "acme/dns_resolver.h"
#include "acme/dns_update.h"
#include "net/address.h"
#include "crypto_bench.h"
#include "dns/lookup.h"

static struct {
    uint64_t now_ms;
    int udp_opens, tcp_opens, closes, sends;
    uint16_t ports[16];
    int taken_ports;   /* opens that fail with "taken" first */
    int silent;        /* requests that nobody answers */
    int strangers;     /* datagrams before the answer that are none, of all kinds by turns */
    uint16_t rcode;    /* of the answers */
    bool truncated;    /* over UDP */
    int32_t tcp_error; /* of connecting */
    size_t piece;      /* bytes that a stream hands over at once */
    uint8_t request[1100];
    size_t request_len, stream_at;
    bool pending;
} sim;

static struct acme_dns_client client;

static uint64_t uptime_ms(void *ctx)
{
    (void)ctx;
    return sim.now_ms;
}

static int32_t wall_s(void *ctx, int64_t *unix_s)
{
    (void)ctx;
    *unix_s = 1700000000;
    return ACME_OK;
}

static const struct acme_clock_ops clock_ops = {uptime_ms, wall_s};

/* The request with QR set: an answer without records. */
static size_t answer(uint8_t *out, bool tcp)
{
    memcpy(out, sim.request, sim.request_len);
    out[2] = (uint8_t)(out[2] | 0x80 | (sim.truncated && !tcp ? 2 : 0));
    out[3] = (uint8_t)sim.rcode;
    return sim.request_len;
}

static acme_handle udp_open(void *ctx, uint8_t family, uint16_t local_port)
{
    (void)ctx;
    assert_int_equal(family, 4);
    assert_in_range(local_port, 49152, 65535);
    if (sim.taken_ports > 0) {
        sim.taken_ports--;
        return ACME_ERR_LISTEN;
    }
    sim.ports[sim.udp_opens++ % 16] = local_port;
    return 5;
}

static int32_t udp_send(void *ctx, acme_handle socket, const struct acme_address *to, uint16_t port,
                        const uint8_t *data, size_t len)
{
    (void)ctx;
    assert_int_equal(socket, 5);
    assert_true(to->bytes[3] == 1 && port == 53);
    sim.sends++;
    memcpy(sim.request, data, len);
    sim.request_len = len;
    sim.pending = sim.silent-- <= 0;
    return ACME_OK;
}

/* A datagram that is not the answer, though it differs in one thing only. Whoever takes it gets an
 * rcode that the server never gives, or a message of another length. */
static int32_t strange(uint8_t *data, struct acme_address *from, uint16_t *port)
{
    static const struct {
        uint8_t at, flip; /* in the message */
    } changes[] = {{0, 1},  {1, 1},  {2, 0x80}, {2, 0x08}, {5, 2},  {5, 3},    {12, 2},
                   {13, 1}, {22, 1}, {24, 1},   {25, 1},   {26, 1}, {12, 0x3f}};
    int32_t len = (int32_t)answer(data, false), kind = sim.strangers % 19;

    data[3] = (uint8_t)(data[3] | ACME_DNS_REFUSED);
    switch (kind) {
    case 0:
        from->bytes[3] = 2;
        break;
    case 1:
        from->bytes[0] = 193;
        break;
    case 2:
        *port = 54;
        break;
    case 3:
        *port = 53 + 256;
        break;
    case 4: /* without its question, and without an error that would explain it */
        data[3] = ACME_DNS_NOERROR;
        data[5] = 0;
        len = 12;
        break;
    case 5: /* less than a head */
        len = 11;
        break;
    default:
        data[changes[kind - 6].at] ^= changes[kind - 6].flip;
    }
    return len;
}

static int32_t udp_recv(void *ctx, acme_handle socket, struct acme_address *from, uint16_t *port,
                        uint8_t *data, size_t size)
{
    (void)ctx;
    (void)socket;
    (void)size;
    if (!sim.pending) {
        return ACME_ERR_AGAIN;
    }
    *from = (struct acme_address){.family = 4, .bytes = {192, 0, 2, 1}};
    *port = 53;
    if (sim.strangers > 0) {
        sim.strangers--;
        return strange(data, from, port);
    }
    sim.pending = false;
    return (int32_t)answer(data, false);
}

static void count_close(void *ctx, acme_handle handle)
{
    (void)ctx;
    (void)handle;
    sim.closes++;
}

static const struct acme_udp_ops udp = {udp_open, udp_send, udp_recv, count_close};

static acme_handle tcp_connect(void *ctx, const char *host, uint16_t port)
{
    (void)ctx;
    if (sim.tcp_error == 0) { /* one at a time */
        assert_int_equal(sim.closes, sim.udp_opens + sim.tcp_opens);
    }
    assert_string_equal(host, "192.0.2.1");
    assert_int_equal(port, 53);
    sim.tcp_opens++;
    sim.request_len = sim.stream_at = 0;
    return sim.tcp_error != ACME_OK ? sim.tcp_error : 6;
}

static int32_t tcp_connected(void *ctx, acme_handle stream)
{
    (void)ctx;
    (void)stream;
    return ACME_OK;
}

static int32_t tcp_send(void *ctx, acme_handle stream, const uint8_t *data, size_t len)
{
    size_t n = len < sim.piece ? len : sim.piece;

    (void)ctx;
    (void)stream;
    memcpy(sim.request + sim.request_len, data, n);
    sim.request_len += n;
    return (int32_t)n;
}

static int32_t tcp_recv(void *ctx, acme_handle stream, uint8_t *data, size_t size)
{
    uint8_t reply[1100];
    size_t n = size < sim.piece ? size : sim.piece;

    (void)ctx;
    (void)stream;
    memcpy(reply, sim.request, sim.request_len); /* the length in front is the same */
    reply[4] |= 0x80;
    n = n < sim.request_len - sim.stream_at ? n : sim.request_len - sim.stream_at;
    if (n == 0) {
        return ACME_ERR_CLOSED;
    }
    memcpy(data, reply + sim.stream_at, n);
    sim.stream_at += n;
    return (int32_t)n;
}

static const struct acme_net_ops net = {.connect = tcp_connect,
                                        .connected = tcp_connected,
                                        .send = tcp_send,
                                        .recv = tcp_recv,
                                        .close = count_close};
static struct acme_port port = {.net = &net, .clock = &clock_ops, .udp = &udp};
static const struct acme_dns_server server = {{4, {192, 0, 2, 1}}, 53};

static int set_up(void **state)
{
    memset(&sim, 0, sizeof(sim));
    sim.piece = 1000;
    port.udp = &udp;
    acme_dns_client_init(&client, &port);
    return bench_up(state);
}

/* Drives a question to its end, in simulated time. */
static int32_t ask(void)
{
    int32_t rc = acme_dns_client_ask(&client, &server, "a.example", ACME_DNS_TYPE_TXT, true);
    int i;

    assert_int_equal(rc, ACME_OK);
    for (i = 0; i < 1000; i++) {
        uint32_t wait = 1000;

        rc = acme_dns_client_poll(&client, &wait);
        if (rc != ACME_ERR_AGAIN) {
            assert_int_equal(sim.closes, sim.udp_opens + (sim.tcp_error != 0 ? 0 : sim.tcp_opens));
            return rc;
        }
        assert_true(wait <= 1000);
        sim.now_ms += wait > 0 ? wait : 1;
    }
    fail();
    return rc;
}

static void test_plain(void **state)
{
    uint8_t id[2];
    int i;

    (void)state;
    for (i = 0; i < 3; i++) { /* by chance it is the same once in many years */
        assert_int_equal(ask(), ACME_OK);
        if (i > 0 && memcmp(id, sim.request, sizeof(id)) != 0) {
            break;
        }
        memcpy(id, sim.request, sizeof(id));
    }
    assert_true(i < 3);
    (void)set_up(state);
    assert_int_equal(ask(), ACME_OK);
    assert_int_equal(sim.udp_opens, 1);
    assert_int_equal(sim.tcp_opens, 0);
    assert_int_equal(client.reply_len, 12 + 11 + 4);
}

static void test_repeats(void **state)
{
    (void)state;
    sim.silent = 1;
    assert_int_equal(ask(), ACME_OK);
    assert_int_equal(sim.udp_opens, 2);
    assert_true(sim.now_ms >= CONFIG_ACME_DNS_REPLY_MS);
    assert_int_not_equal(sim.ports[0], sim.ports[1]); /* 1 in 16384 to fail by chance */
}

static void test_silence(void **state)
{
    (void)state;
    sim.silent = 99;
    sim.tcp_error = ACME_ERR_CONNECT;
    assert_int_equal(ask(), ACME_ERR_CONNECT);
    assert_int_equal(sim.udp_opens + sim.tcp_opens, CONFIG_ACME_DNS_TRIES);
}

static void test_strangers(void **state)
{
    (void)state;
    sim.strangers = 100; /* more than are looked at in one call */
    assert_int_equal(ask(), ACME_OK);
    assert_int_equal(sim.udp_opens, 1);
    assert_int_equal(sim.strangers, 0);
    assert_int_equal(acme_dns_client_rcode(&client), ACME_DNS_NOERROR);
    assert_int_equal(client.reply_len, 12 + 11 + 4);
}

static void test_ports_taken(void **state)
{
    (void)state;
    sim.taken_ports = 3;
    assert_int_equal(ask(), ACME_OK);
    assert_int_equal(sim.udp_opens, 1);
    assert_int_equal(sim.tcp_opens, 0);
}

static void test_pieces(void **state)
{
    (void)state;
    sim.truncated = true;
    for (sim.piece = 1; sim.piece < 30; sim.piece++) {
        sim.udp_opens = sim.tcp_opens = sim.closes = 0;
        assert_int_equal(ask(), ACME_OK);
        assert_true(sim.udp_opens == 1 && sim.tcp_opens == 1);
        assert_int_equal(client.reply_len, 12 + 11 + 4);
    }
    /* Without datagrams it is TCP from the start. */
    port.udp = NULL;
    sim.udp_opens = sim.tcp_opens = sim.closes = 0;
    assert_int_equal(ask(), ACME_OK);
    assert_true(sim.udp_opens == 0 && sim.tcp_opens == 1);
}

static void test_servfail(void **state)
{
    (void)state;
    sim.rcode = ACME_DNS_SERVFAIL;
    assert_int_equal(ask(), ACME_OK); /* over TCP this server is well */
    assert_int_equal(acme_dns_client_rcode(&client), ACME_DNS_NOERROR);
    assert_int_equal(sim.udp_opens, (CONFIG_ACME_DNS_TRIES + 1) / 2);
    sim.rcode = ACME_DNS_NXDOMAIN;
    sim.udp_opens = sim.tcp_opens = sim.closes = 0;
    assert_int_equal(ask(), ACME_OK);
    assert_int_equal(acme_dns_client_rcode(&client), ACME_DNS_NXDOMAIN);
    assert_int_equal(sim.udp_opens, 1);
}

static void test_arguments(void **state)
{
    struct acme_dns_server nobody = {{0, {0}}, 53};
    uint32_t wait = 5;

    (void)state;
    assert_int_equal(acme_dns_client_poll(&client, &wait), ACME_ERR_STATE);
    assert_int_equal(acme_dns_client_ask(&client, &nobody, "a", ACME_DNS_TYPE_A, true),
                     ACME_ERR_ARGUMENT);
    assert_int_equal(acme_dns_client_ask(&client, &server, "a..b", ACME_DNS_TYPE_A, true),
                     ACME_ERR_NAME);
    acme_dns_client_stop(&client);
    acme_dns_client_stop(&client);
}

static void test_endpoints(void **state)
{
    static const struct {
        const char *text, *host;
        uint16_t port;
    } good[] = {{"192.0.2.1", "192.0.2.1", 53},
                {"192.0.2.1:5353", "192.0.2.1", 5353},
                {"2001:db8::1", "2001:db8::1", 53},
                {"[2001:db8::1]", "2001:db8::1", 53},
                {"[2001:db8::1]:65535", "2001:db8::1", 65535},
                {"ns.example", "ns.example", 53},
                {"ns.example:1", "ns.example", 1},
                {"ns.example:8080", "ns.example", 8080}};
    static const char *const bad[] = {"",        ":53",  "a:",           "a:0",  "a:65536",
                                      "a:65537", "a:1x", "[]:1",         "[::1", "[::1]x",
                                      "[::1]:",  "a:-1", "a:99999999999"};
    char host[64];
    uint16_t number;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_int_equal(acme_endpoint_split(good[i].text, 53, host, sizeof(host), &number),
                         ACME_OK);
        assert_string_equal(host, good[i].host);
        assert_int_equal(number, good[i].port);
    }
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(acme_endpoint_split(bad[i], 53, host, sizeof(host), &number),
                         ACME_ERR_ARGUMENT);
    }
    assert_int_equal(acme_endpoint_split("abc", 53, host, 3, &number), ACME_ERR_ARGUMENT);
}

/* What the providers refuse before anything is sent. */
static void test_providers(void **state)
{
    static _Alignas(8) uint8_t memory[ACME_DNS_UPDATE_SIZE + ACME_DNS_ACMEDNS_SIZE];
    struct acme_dns_update_config u = {.port = &port, .server = "192.0.2.1"};
    struct acme_dns_acmedns_account account = {"f.example", "s", "u", "p"};
    struct acme_dns_acmedns_config a = {.port = &port,
                                        .url = "https://a.example/",
                                        .resolver = "192.0.2.1",
                                        .accounts = &account,
                                        .accounts_count = 1};
    struct acme_tsig_key key = {.name = "k"};
    acme_dns_update *update;
    acme_dns_acmedns *acmedns;
    acme_dns_resolver *resolver;

    (void)state;
    assert_int_equal(acme_dns_update_init(&update, &u, memory, sizeof(memory)), ACME_OK);
    assert_int_equal(acme_dns_update_init(&update, &u, memory + 1, sizeof(memory) - 1),
                     ACME_ERR_ARGUMENT);
    assert_int_equal(acme_dns_update_init(&update, &u, memory, 100), ACME_ERR_MEMORY);
    u.key = &key;
    assert_int_equal(acme_dns_update_init(&update, &u, memory, sizeof(memory)), ACME_ERR_ARGUMENT);
    u.key = NULL;
    u.server = "ns.example"; /* a name needs a resolver */
    assert_int_equal(acme_dns_update_init(&update, &u, memory, sizeof(memory)), ACME_ERR_ARGUMENT);
    u.server = NULL;
    assert_int_equal(acme_dns_update_init(&update, &u, memory, sizeof(memory)), ACME_ERR_ARGUMENT);
    assert_int_equal(acme_dns_acmedns_init(&acmedns, &a, memory, sizeof(memory)), ACME_OK);
    a.url = "http://a.example";
    assert_int_equal(acme_dns_acmedns_init(&acmedns, &a, memory, sizeof(memory)), ACME_ERR_URL);
    a.url = "https://a.example";
    account.password = "a\r\nX: y";
    assert_int_equal(acme_dns_acmedns_init(&acmedns, &a, memory, sizeof(memory)),
                     ACME_ERR_ARGUMENT);
    account.password = "p";
    a.accounts_count = 0;
    assert_int_equal(acme_dns_acmedns_init(&acmedns, &a, memory, sizeof(memory)),
                     ACME_ERR_ARGUMENT);
    a.accounts_count = 1;
    assert_int_equal(acme_dns_acmedns_init(&acmedns, &a, memory, 64), ACME_ERR_MEMORY);
    assert_int_equal(
        acme_dns_resolver_init(&resolver, &port, "[::1]:53", 0, memory, sizeof(memory)), ACME_OK);
    assert_int_equal(acme_dns_resolver_init(&resolver, &port, "x", 0, memory, sizeof(memory)),
                     ACME_ERR_ARGUMENT);
    assert_int_equal(acme_dns_resolver_init(&resolver, &port, "::1", 0, memory, 64),
                     ACME_ERR_MEMORY);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, bench_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_plain),       TEST(test_repeats),   TEST(test_silence),  TEST(test_strangers),
        TEST(test_ports_taken), TEST(test_pieces),    TEST(test_servfail), TEST(test_arguments),
        TEST(test_endpoints),   TEST(test_providers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
