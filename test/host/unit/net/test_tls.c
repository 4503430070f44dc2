/*
 * TLS to a CA, over a network in memory: whom the client trusts, when, and what it says when it
 * does not. The server is mbedTLS, with certificates written here; what only a failing library says
 * comes from --wrap.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include "crypto_bench.h"
#include "net/tls.h"
#include "tls_server.h"

#define STREAM 7
/* Of a P-256 key: nothing else that is hashed in a handshake is as long. */
#define SPKI_LEN (26u + CA_PKI_POINT)

/* ---- the failing library ---- */

static uint32_t calloc_calls, calloc_fail_at; /* the n-th fails; 0: none */
static bool calloc_fail_rest;                 /* and all after it */
static bool config_fails, alpn_fails, hash_fails;
static int tickets; /* that come before data */
static mbedtls_ssl_context *client_ssl;

static const void *certificates[32]; /* parsed ones in mbedTLS's memory */
static uint32_t certificates_now, certificates_most;

/* One comes in the place of NULL, or NULL in the place of one. */
static void certificates_note(const void *from, const void *to)
{
    size_t i = 0;

    while (i < 32 && certificates[i] != from) {
        i++;
    }
    if (i < 32) {
        certificates[i] = to;
        certificates_now += to != NULL ? 1u : UINT32_MAX;
    }
    certificates_most = certificates_now > certificates_most ? certificates_now : certificates_most;
}

void *__real_mbedtls_calloc(size_t count, size_t size);
void *__wrap_mbedtls_calloc(size_t count, size_t size);
void *__wrap_mbedtls_calloc(size_t count, size_t size)
{
    bool fails = ++calloc_calls == calloc_fail_at ||
                 (calloc_fail_rest && calloc_fail_at > 0 && calloc_calls > calloc_fail_at);
    void *place = fails ? NULL : __real_mbedtls_calloc(count, size);

    if (place != NULL && size == sizeof(mbedtls_x509_crt)) {
        certificates_note(NULL, place);
    }
    return place;
}

void __real_mbedtls_free(void *place);
void __wrap_mbedtls_free(void *place);
void __wrap_mbedtls_free(void *place)
{
    if (place != NULL) {
        certificates_note(place, NULL);
    }
    __real_mbedtls_free(place);
}

int __real_mbedtls_ssl_config_defaults(mbedtls_ssl_config *conf, int end, int transport, int set);
int __wrap_mbedtls_ssl_config_defaults(mbedtls_ssl_config *conf, int end, int transport, int set);
int __wrap_mbedtls_ssl_config_defaults(mbedtls_ssl_config *conf, int end, int transport, int set)
{
    return config_fails && end == MBEDTLS_SSL_IS_CLIENT
               ? MBEDTLS_ERR_SSL_BAD_INPUT_DATA
               : __real_mbedtls_ssl_config_defaults(conf, end, transport, set);
}

int __real_mbedtls_ssl_conf_alpn_protocols(mbedtls_ssl_config *conf, const char **protocols);
int __wrap_mbedtls_ssl_conf_alpn_protocols(mbedtls_ssl_config *conf, const char **protocols);
int __wrap_mbedtls_ssl_conf_alpn_protocols(mbedtls_ssl_config *conf, const char **protocols)
{
    return alpn_fails ? MBEDTLS_ERR_SSL_BAD_INPUT_DATA
                      : __real_mbedtls_ssl_conf_alpn_protocols(conf, protocols);
}

int __real_mbedtls_ssl_read(mbedtls_ssl_context *ssl, unsigned char *data, size_t size);
int __wrap_mbedtls_ssl_read(mbedtls_ssl_context *ssl, unsigned char *data, size_t size);
int __wrap_mbedtls_ssl_read(mbedtls_ssl_context *ssl, unsigned char *data, size_t size)
{
    if (ssl == client_ssl && tickets > 0) {
        tickets--;
        return MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET;
    }
    return __real_mbedtls_ssl_read(ssl, data, size);
}

psa_status_t __real_psa_hash_compute(psa_algorithm_t alg, const uint8_t *in, size_t len,
                                     uint8_t *hash, size_t size, size_t *hash_len);
psa_status_t __wrap_psa_hash_compute(psa_algorithm_t alg, const uint8_t *in, size_t len,
                                     uint8_t *hash, size_t size, size_t *hash_len);
psa_status_t __wrap_psa_hash_compute(psa_algorithm_t alg, const uint8_t *in, size_t len,
                                     uint8_t *hash, size_t size, size_t *hash_len)
{
    return hash_fails && len == SPKI_LEN
               ? PSA_ERROR_HARDWARE_FAILURE
               : __real_psa_hash_compute(alg, in, len, hash, size, hash_len);
}

/* ---- the network: one stream ---- */

static uint32_t closes;
static int32_t connect_result, recv_result; /* ACME_OK: as it goes */
static bool send_lies, recv_lies;           /* they return 0, which no port may */
static char refused_log[192];               /* the last line about a certificate */

static int32_t net_connected(void *ctx, acme_handle stream)
{
    (void)ctx;
    assert_int_equal(stream, STREAM);
    return connect_result;
}

static int32_t net_send(void *ctx, acme_handle stream, const uint8_t *data, size_t len)
{
    size_t n;

    (void)ctx;
    assert_int_equal(stream, STREAM);
    if (send_lies || recv_result < 0) {
        return send_lies ? 0 : recv_result;
    }
    n = pipe_put(&up, data, len);
    return n > 0 ? (int32_t)n : ACME_ERR_AGAIN;
}

static int32_t net_recv(void *ctx, acme_handle stream, uint8_t *data, size_t size)
{
    size_t n;

    (void)ctx;
    assert_int_equal(stream, STREAM);
    if (recv_lies || recv_result < 0) {
        return recv_lies ? 0 : recv_result;
    }
    n = pipe_take(&down, data, size);
    if (n > 0) {
        return (int32_t)n;
    }
    return down.closed ? ACME_ERR_CLOSED : ACME_ERR_AGAIN;
}

static void net_close(void *ctx, acme_handle stream)
{
    (void)ctx;
    assert_int_equal(stream, STREAM);
    closes++;
}

static void log_write(void *ctx, enum acme_log_level level, const char *line)
{
    (void)ctx;
    assert_true(level == ACME_LOG_WARNING);
    if (strstr(line, "refused") != NULL) {
        (void)snprintf(refused_log, sizeof(refused_log), "%s", line);
    }
}

static const struct acme_net_ops net_ops = {
    .connected = net_connected, .send = net_send, .recv = net_recv, .close = net_close};
static const struct acme_log_ops log_ops = {log_write};
static uint32_t anchor_reads, anchor_fails_at; /* 0: never */

/* Anchors that no pointer reaches: where one lies is said with another number. */
static int32_t read_anchor(void *ctx, const uint8_t *at, void *to, size_t len)
{
    (void)ctx;
    if (++anchor_reads == anchor_fails_at) {
        return ACME_ERR_CLOSED;
    }
    memcpy(to, (const uint8_t *)((uintptr_t)at ^ 1u << 30), len);
    return ACME_OK;
}

static struct acme_port port = {.net = &net_ops, .log = &log_ops};

/* ---- the clock ---- */

static bool has_clock;

static uint64_t uptime(void *ctx)
{
    (void)ctx;
    return 1000;
}

static int32_t wall(void *ctx, int64_t *unix_s)
{
    (void)ctx;
    *unix_s = NOW;
    return has_clock ? ACME_OK : ACME_ERR_NO_CLOCK;
}

static const struct acme_clock_ops clock_ops = {.uptime_ms = uptime, .wall_s = wall};
static struct acme_clock device_clock;

/* ---- the server ---- */

static const uint8_t ca_key[32] = {0x22, 2};
static uint8_t ca_point[CA_PKI_POINT];
static struct ca_pki_template ca_t;
static bool server_does_not_look; /* what its certificate is good for */
static uint32_t more_issuers;     /* that it sends as well */

static void server_start(void)
{
    uint32_t i;

    server_new();
    server_add(&server_t);
    for (i = 0; i <= more_issuers; i++) {
        server_add(&ca_t);
    }
    if (server_does_not_look) {
        server.chain.MBEDTLS_PRIVATE(key_usage) = MBEDTLS_X509_KU_DIGITAL_SIGNATURE;
    }
    server_serve();
}

/* ---- the client ---- */

static struct acme_tls t;

static void client_init(void)
{
    assert_int_equal(acme_tls_init(&t, &port, &device_clock, &anchor, 1), ACME_OK);
    client_ssl = &t.ssl;
}

/* A handshake; the server answers up to this many turns of the client. */
static int32_t shake_hands_for(const char *host, uint32_t turns)
{
    int32_t rc = acme_tls_start(&t, STREAM, host);
    uint32_t i;

    for (i = 0; i < 2000; i++) {
        if (rc == ACME_OK || rc == ACME_TLS_MORE || rc == ACME_ERR_AGAIN) {
            rc = acme_tls_handshake(&t);
        }
        if (rc != ACME_TLS_MORE && rc != ACME_ERR_AGAIN) {
            return rc;
        }
        if (i < turns) {
            server_turn();
        } else {
            down.closed = true;
        }
    }
    return ACME_ERR_TIMEOUT;
}

static int32_t connect_to(const char *host)
{
    int32_t rc;

    server_start();
    client_init();
    rc = shake_hands_for(host, 2000);
    return rc;
}

static void hang_up(void)
{
    acme_tls_free(&t);
    server_stop();
    assert_int_equal(closes, 1);
    closes = 0;
    pipes_new();
}

static int32_t result_with(const char *host)
{
    int32_t rc = connect_to(host);

    hang_up();
    return rc;
}

/* In both versions of TLS. */
static void expect(int32_t want)
{
    version = MBEDTLS_SSL_VERSION_TLS1_2;
    assert_int_equal(result_with(HOST), want);
    version = MBEDTLS_SSL_VERSION_TLS1_3;
    assert_int_equal(result_with(HOST), want);
}

/* ---- trust ---- */

static void test_good(void **state)
{
    (void)state;
    expect(ACME_OK);
    assert_int_equal(result_with("CA.Example.org"), ACME_OK);
}

static void test_another_name(void **state)
{
    (void)state;
    assert_int_equal(result_with("other.example.org"), ACME_ERR_TLS_VERIFY);
    assert_int_equal(result_with("example.org"), ACME_ERR_TLS_VERIFY);
    server_t.names[0] = "*.example.org";
    assert_int_equal(result_with(HOST), ACME_OK);
    assert_int_equal(result_with("a.ca.example.org"), ACME_ERR_TLS_VERIFY);
}

/* What the client has sent so far, in clear: its hello. */
static bool hello_has(const char *host, const char *text)
{
    int32_t rc;
    bool found;

    server_start();
    client_init();
    rc = acme_tls_start(&t, STREAM, host);
    for (uint32_t i = 0; i < 20 && (rc >= 0 || rc == ACME_ERR_AGAIN); i++) {
        rc = acme_tls_handshake(&t);
    }
    found = memmem(up.data, up.len, text, strlen(text)) != NULL;
    assert_true(up.len > 100);
    hang_up();
    return found;
}

/* RFC 6066 3: an address is no server name; it is verified all the same. */
static void test_addresses(void **state)
{
    static const uint8_t v4[4] = {192, 0, 2, 7};
    static const uint8_t v6[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 7};

    (void)state;
    assert_true(hello_has(HOST, HOST));
    assert_false(hello_has("192.0.2.7", "192.0.2.7"));
    assert_false(hello_has("2001:db8::7", "2001:db8::7"));
    server_t.address = v4;
    server_t.address_len = sizeof(v4);
    expect(ACME_OK);
    for (version = MBEDTLS_SSL_VERSION_TLS1_2;; version = MBEDTLS_SSL_VERSION_TLS1_3) {
        assert_int_equal(result_with("192.0.2.7"), ACME_OK);
        assert_int_equal(result_with("192.0.2.8"), ACME_ERR_TLS_VERIFY);
        assert_int_equal(result_with("2001:db8::7"), ACME_ERR_TLS_VERIFY);
        if (version == MBEDTLS_SSL_VERSION_TLS1_3) {
            break;
        }
    }
    server_t.address = v6;
    server_t.address_len = sizeof(v6);
    server_t.names[0] = NULL;
    assert_int_equal(result_with("2001:db8::7"), ACME_OK);
    assert_int_equal(result_with("2001:db8:0:0::0:7"), ACME_OK);
    assert_int_equal(result_with("2001:db8::8"), ACME_ERR_TLS_VERIFY);
    assert_int_equal(result_with(HOST), ACME_ERR_TLS_VERIFY);
    server_t.address = NULL;
    server_t.subject = "CN=192.0.2.7";
    assert_int_equal(result_with("192.0.2.7"), ACME_ERR_TLS_VERIFY);
    /* the same bytes as a name of another kind */
    server_t.names[0] = "abcd";
    assert_int_equal(result_with("97.98.99.100"), ACME_ERR_TLS_VERIFY);
    server_t.address = (const uint8_t *)"abcd";
    server_t.address_len = 4;
    assert_int_equal(result_with("97.98.99.100"), ACME_OK);
    assert_int_equal(result_with("6162:6364::"), ACME_ERR_TLS_VERIFY); /* which begins with it */
}

/* A chain of any length: the client's buffer is as large as the message needs. */
static void test_long_chains(void **state)
{
    (void)state;
    for (more_issuers = 1; more_issuers < 9; more_issuers++) {
        expect(ACME_OK);
    }
    more_issuers = 0;
}

/* RFC 9525: the common name says nothing. */
static void test_a_name_in_the_subject(void **state)
{
    (void)state;
    server_t.names[0] = NULL;
    expect(ACME_ERR_TLS_VERIFY);
}

/* What an anchor demands of those below it does not make it unreadable; what nobody knows does. */
static void test_anchors_with_constraints(void **state)
{
    (void)state;
    root_t.critical = "\x1e\x20\x21\x24\x36";
    anchor.len = ca_pki_write(&root_t, root_der, sizeof(root_der));
    expect(ACME_OK);
    root_t.critical = "\x7e";
    anchor.len = ca_pki_write(&root_t, root_der, sizeof(root_der));
    assert_int_equal(acme_tls_init(&t, &port, &device_clock, &anchor, 1), ACME_ERR_CERT_PARSE);
    acme_tls_free(&t);
}

/* What an issuer of the chain may vouch for. */
static void test_issuers_with_constraints(void **state)
{
    (void)state;
    ca_t.permits = "example.org";
    expect(ACME_OK);
    ca_t.permits = "elsewhere.example";
    expect(ACME_ERR_TLS_VERIFY);
}

/* What a handshake is good for whose n-th allocation fails, or all from then on. */
static int32_t shake_hands_without_memory(uint32_t n, bool for_good)
{
    int32_t rc;

    server_start();
    client_init();
    calloc_calls = 0;
    calloc_fail_at = n;
    calloc_fail_rest = for_good;
    rc = shake_hands_for(HOST, 2000);
    calloc_fail_at = 0;
    calloc_fail_rest = false;
    hang_up();
    return rc;
}

/* Where there is not the memory for looking at a signature, no anchor is called wrong; of the
 * server's own memory, which is the same here, the client hears as of a connection that ends. */
static void test_no_verdict_without_memory(void **state)
{
    uint32_t n, named = 0, for_good;
    int32_t rc = -1;

    (void)state;
    for (for_good = 0; for_good < 2; for_good++, rc = -1) {
        for (n = 1; rc != ACME_OK; n += n < 200 ? 1 : 29) {
            rc = shake_hands_without_memory(n, for_good != 0);
            assert_int_not_equal(rc, ACME_ERR_TLS_VERIFY);
            assert_int_not_equal(rc, ACME_ERR_TLS_DATES);
            named += rc == ACME_ERR_TLS_MEMORY ? 1 : 0;
        }
    }
    assert_true(named > 50);
    root_t.subject_point = root_t.issuer_point = server_point; /* of the same name, and not it */
    root_t.issuer_key = server_key;
    anchor.len = ca_pki_write(&root_t, root_der, sizeof(root_der));
    expect(ACME_ERR_TLS_VERIFY);
}

static void test_another_root(void **state)
{
    size_t len;

    (void)state;
    root_t.subject_point = root_t.issuer_point = server_point; /* of the same name */
    root_t.issuer_key = server_key;
    len = ca_pki_write(&root_t, root_der, sizeof(root_der));
    anchor = (struct acme_trust_anchor){root_der, len};
    expect(ACME_ERR_TLS_VERIFY);
}

static void test_a_server_that_is_a_ca(void **state)
{
    (void)state;
    server_t.is_ca = true; /* its key may sign certificates, and nothing else */
    server_does_not_look = true;
    expect(ACME_ERR_TLS_VERIFY);
}

static void test_an_issuer_that_is_no_ca(void **state)
{
    (void)state;
    ca_t.is_ca = false;
    expect(ACME_ERR_TLS_VERIFY);
}

static void test_dates(void **state)
{
    (void)state;
    server_t.not_after_s = NOW - 1;
    expect(ACME_ERR_TLS_DATES);
    server_t.not_after_s = NOW; /* its last second */
    expect(ACME_OK);
    server_t.not_after_s = NOW + DAY;
    server_t.not_before_s = NOW + 60;
    expect(ACME_ERR_TLS_DATES);
    server_t.not_before_s = NOW;
    expect(ACME_OK);
    ca_t.not_after_s = NOW - 1;
    expect(ACME_ERR_TLS_DATES);
}

static void test_the_log_says_whose(void **state)
{
    (void)state;
    server_t.not_after_s = NOW - 1;
    (void)result_with(HOST);
    assert_non_null(strstr(refused_log, "of the server"));
    server_t.not_after_s = NOW + 1;
    ca_t.not_after_s = NOW - 1;
    (void)result_with(HOST);
    assert_non_null(strstr(refused_log, "of an issuer"));
}

/* Without a clock what lies before the floor is over for sure, and nothing is too early. */
static void test_floor(void **state)
{
    (void)state;
    has_clock = false;
    server_t.not_before_s = NOW + DAY;
    server_t.not_after_s = NOW + 2 * DAY;
    expect(ACME_OK);
    acme_clock_start_over(&device_clock, NOW + 3 * DAY);
    expect(ACME_ERR_TLS_DATES);
    has_clock = true; /* and a clock that is behind the floor is none */
    expect(ACME_ERR_TLS_DATES);
    server_t.not_before_s = NOW - DAY; /* but where both are, it is the floor that may be wrong */
    expect(ACME_OK);
    server_t.not_after_s = NOW - 1;
    expect(ACME_ERR_TLS_DATES);
}

/* When all of the chain is valid: what a Date must lie within. */
static void test_dates_of_the_chain(void **state)
{
    (void)state;
    server_t.not_before_s = NOW - 2 * DAY;
    server_t.not_after_s = NOW + 3 * DAY;
    expect(ACME_OK);
    assert_true(t.chain.from_s == NOW - 2 * DAY && t.chain.to_s == NOW + 3 * DAY);
    ca_t.not_before_s = NOW - DAY;
    ca_t.not_after_s = NOW + 2 * DAY;
    expect(ACME_OK);
    assert_true(t.chain.from_s == NOW - DAY && t.chain.to_s == NOW + 2 * DAY);
    ca_t.not_before_s = NOW - 9 * DAY; /* nothing is left of an earlier connection */
    expect(ACME_OK);
    assert_true(t.chain.from_s == NOW - 2 * DAY && t.chain.to_s == NOW + 2 * DAY);
}

#if defined(CONFIG_ACME_PINNING)
/* Over the SubjectPublicKeyInfo of P-256: a fixed head and the point. */
static struct acme_pin pin_of(const uint8_t point[CA_PKI_POINT])
{
    static const uint8_t head[] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
                                   0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
                                   0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00};
    uint8_t spki[SPKI_LEN];
    struct acme_pin pin;

    memcpy(spki, head, sizeof(head));
    memcpy(spki + sizeof(head), point, CA_PKI_POINT);
    assert_true(ca_pki_sha256(spki, sizeof(spki), pin.sha256));
    return pin;
}

static int32_t result_with_pins(const struct acme_pin *pins, uint16_t count)
{
    int32_t rc;

    server_start();
    client_init();
    t.pins = pins;
    t.pins_count = count;
    rc = shake_hands_for(HOST, 2000);
    hang_up();
    return rc;
}

static void test_pins(void **state)
{
    const uint8_t *const points[] = {root_point, ca_point, server_point};
    struct acme_pin pins[2], none = {{1}};
    size_t i;

    (void)state;
    assert_int_equal(result_with_pins(NULL, 0), ACME_OK);
    assert_int_equal(result_with_pins(&none, 1), ACME_ERR_TLS_VERIFY);
    for (i = 0; i < 3; i++) { /* any place of the chain will do */
        pins[0] = none;
        pins[1] = pin_of(points[i]);
        assert_int_equal(result_with_pins(pins, 2), ACME_OK);
        assert_int_equal(result_with_pins(pins, 1), ACME_ERR_TLS_VERIFY);
    }
    for (i = 0; i < sizeof(none.sha256); i += 31) { /* a pin of all its bytes */
        none = pin_of(server_point);
        none.sha256[i] ^= 1;
        assert_int_equal(result_with_pins(&none, 1), ACME_ERR_TLS_VERIFY);
    }
    /* a pin replaces nothing of the rest */
    server_t.not_after_s = NOW - 1;
    assert_int_equal(result_with_pins(pins, 2), ACME_ERR_TLS_DATES);
}

/* What cannot be hashed is not pinned; of a connection before nothing is left. */
static void test_pins_fail_closed(void **state)
{
    struct acme_pin pin = pin_of(ca_point);

    (void)state;
    server_start();
    client_init();
    t.pins = &pin;
    t.pins_count = 1;
    assert_int_equal(shake_hands_for(HOST, 2000), ACME_OK);
    acme_tls_close(&t);
    server_stop();
    pipes_new();
    server_start();
    hash_fails = true;
    assert_int_equal(shake_hands_for(HOST, 2000), ACME_ERR_TLS_VERIFY);
    closes--;
    hang_up();
}
#endif

/* ---- the network ---- */

static void test_connecting(void **state)
{
    static const int32_t results[] = {ACME_ERR_AGAIN, ACME_ERR_RESOLVE, ACME_ERR_CONNECT,
                                      ACME_ERR_NET};
    size_t i;

    (void)state;
    server_start();
    client_init();
    assert_false(acme_tls_is_open(&t));
    assert_int_equal(acme_tls_start(&t, STREAM, HOST), ACME_OK);
    assert_true(acme_tls_is_open(&t));
    for (i = 0; i < sizeof(results) / sizeof(results[0]); i++) {
        connect_result = results[i];
        assert_int_equal(acme_tls_handshake(&t), results[i]);
    }
    assert_int_equal(up.len, 0); /* nothing was said meanwhile */
    hang_up();
    assert_false(acme_tls_is_open(&t));
}

/* Whenever the server goes away during a handshake. */
static void test_closed_in_the_handshake(void **state)
{
    uint32_t turns;
    int32_t rc = ACME_ERR_CLOSED;

    (void)state;
    for (turns = 0; rc != ACME_OK; turns++) {
        server_start();
        client_init();
        rc = shake_hands_for(HOST, turns);
        assert_true(rc == ACME_OK || rc == ACME_ERR_CLOSED);
        hang_up();
    }
    assert_true(turns > 2);
}

static void test_a_network_that_fails(void **state)
{
    (void)state;
    recv_result = ACME_ERR_NET;
    expect(ACME_ERR_NET);
    recv_result = ACME_OK;
    /* a port that says "nothing" is taken to have failed: who asks again would ask for ever */
    recv_lies = true;
    expect(ACME_ERR_NET);
    recv_lies = false;
    send_lies = true;
    expect(ACME_ERR_NET);
}

static void test_nonsense(void **state)
{
    (void)state;
    server_start();
    client_init();
    assert_int_equal(pipe_put(&down, (const uint8_t *)"HTTP/1.1 400 Bad Request\r\n", 26), 26);
    server.over = true;
    assert_int_equal(shake_hands_for(HOST, 2000), ACME_ERR_TLS);
    hang_up();
}

/* Through the eye of a needle. */
static void test_slow(void **state)
{
    (void)state;
    up.room = 5;
    down.room = 7;
    server_start();
    client_init();
    assert_int_equal(shake_hands_for(HOST, 2000), ACME_OK);
    hang_up();
}

static void sign_in_steps_of(uint32_t ops)
{
    psa_sign_hash_interruptible_operation_t op = psa_sign_hash_interruptible_operation_init();
    uint8_t hash[32] = {1}, signature[64];
    psa_status_t status;
    size_t len;

    server_start(); /* for its key */
    psa_interruptible_set_max_ops(ops);
    assert_int_equal(
        psa_sign_hash_start(&op, server.key, PSA_ALG_ECDSA(PSA_ALG_SHA_256), hash, sizeof(hash)),
        PSA_SUCCESS);
    do {
        status = psa_sign_hash_complete(&op, signature, sizeof(signature), &len);
    } while (status == PSA_OPERATION_INCOMPLETE);
    assert_int_equal(status, PSA_SUCCESS);
    server_stop();
}

/* Elliptic curves in many small steps, where mbedTLS divides them: the same comes out. */
static void test_small_steps(void **state)
{
    (void)state;
    sign_in_steps_of(200); /* as the client does before: mbedTLS keeps to that from then on */
    expect(ACME_OK);
    server_t.issuer_key = root_key;
    expect(ACME_ERR_TLS_VERIFY);
    sign_in_steps_of(PSA_INTERRUPTIBLE_MAX_OPS_UNLIMITED);
}

/* ---- data ---- */

static void test_data(void **state)
{
    static const uint8_t request[] = "GET /directory", reply[] = "HTTP/1.1 200";
    uint8_t in[64];

    (void)state;
    for (version = MBEDTLS_SSL_VERSION_TLS1_2;; version = MBEDTLS_SSL_VERSION_TLS1_3) {
        assert_int_equal(connect_to(HOST), ACME_OK);
        server_turn();
        assert_int_equal(acme_tls_recv(&t, in, sizeof(in)), ACME_ERR_AGAIN);
        up.room = 0; /* the network takes nothing for a while */
        assert_int_equal(acme_tls_send(&t, request, sizeof(request)), ACME_ERR_AGAIN);
        up.room = sizeof(up.data);
        assert_int_equal(acme_tls_send(&t, request, sizeof(request)), sizeof(request));
        assert_int_equal(mbedtls_ssl_read(&server.ssl, in, sizeof(in)), sizeof(request));
        assert_memory_equal(in, request, sizeof(request));
        assert_int_equal(mbedtls_ssl_write(&server.ssl, reply, sizeof(reply)), sizeof(reply));
        tickets = 3; /* are passed over */
        assert_int_equal(acme_tls_recv(&t, in, sizeof(in)), sizeof(reply));
        assert_memory_equal(in, reply, sizeof(reply));
        tickets = 100; /* but a flood of them is no service */
        assert_int_equal(acme_tls_recv(&t, in, sizeof(in)), ACME_ERR_TLS);
        assert_int_equal(tickets, 84);
        tickets = 0;
        hang_up();
        if (version == MBEDTLS_SSL_VERSION_TLS1_3) {
            break;
        }
    }
}

static void test_the_end(void **state)
{
    uint8_t in[8];

    (void)state;
    /* with a goodbye, and without one */
    assert_int_equal(connect_to(HOST), ACME_OK);
    server_turn();
    assert_int_equal(mbedtls_ssl_close_notify(&server.ssl), 0);
    assert_int_equal(acme_tls_recv(&t, in, sizeof(in)), ACME_ERR_CLOSED);
    assert_true(t.goodbye);
    hang_up();
    assert_int_equal(connect_to(HOST), ACME_OK);
    down.closed = true;
    assert_int_equal(acme_tls_recv(&t, in, sizeof(in)), ACME_ERR_CLOSED);
    assert_false(t.goodbye);
    hang_up();
    /* the connection breaks */
    assert_int_equal(connect_to(HOST), ACME_OK);
    recv_result = ACME_ERR_NET;
    assert_int_equal(acme_tls_send(&t, (const uint8_t *)"x", 1), ACME_ERR_NET);
    assert_true(acme_tls_recv(&t, in, sizeof(in)) < 0);
    hang_up();
    recv_result = ACME_OK;
    /* what was changed on the way is not taken */
    assert_int_equal(connect_to(HOST), ACME_OK);
    server_turn();
    assert_int_equal(mbedtls_ssl_write(&server.ssl, (const uint8_t *)"abc", 3), 3);
    down.data[down.len - 1] ^= 1;
    assert_int_equal(acme_tls_recv(&t, in, sizeof(in)), ACME_ERR_TLS);
    hang_up();
}

/* The client says goodbye where that does not take time. */
static void test_goodbye(void **state)
{
    uint8_t in[8];

    (void)state;
    assert_int_equal(connect_to(HOST), ACME_OK);
    server_turn();
    acme_tls_close(&t);
    assert_int_equal(mbedtls_ssl_read(&server.ssl, in, sizeof(in)),
                     MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY);
    acme_tls_close(&t); /* again: nothing */
    hang_up();
}

/* ---- setting up ---- */

static void test_anchors(void **state)
{
    static const uint8_t junk[] = {0x30, 0x03, 0x02, 0x01, 0x00};
    struct acme_trust_anchor both[2] = {{junk, sizeof(junk)}, anchor};

    (void)state;
    /* one that cannot be read is left out, but not all of them */
    assert_int_equal(acme_tls_init(&t, &port, &device_clock, both, 1), ACME_ERR_CERT_PARSE);
    acme_tls_free(&t);
    assert_int_equal(acme_tls_init(&t, &port, &device_clock, both, 2), ACME_OK);
    client_ssl = &t.ssl;
    server_start();
    assert_int_equal(shake_hands_for(HOST, 2000), ACME_OK);
    hang_up();
    assert_int_equal(acme_tls_init(&t, &port, &device_clock, NULL, 0), ACME_OK);
    server_start();
    assert_int_equal(shake_hands_for(HOST, 2000), ACME_ERR_TLS_VERIFY); /* nobody is trusted */
    hang_up();
}

/* A bundle: several certificates in one anchor, of which the second or the third is the one. */
static void test_a_bundle(void **state)
{
    static const uint8_t odd[] = {0x30, 0x03, 0x02, 0x01, 0x00};
    uint8_t bundle[2100];
    struct acme_trust_anchor all = {bundle, 0};
    struct ca_pki_template other = root_t;

    (void)state;
    other.subject = other.issuer = "CN=Other";
    all.len = ca_pki_write(&other, bundle, sizeof(bundle));
    memcpy(bundle + all.len, odd, sizeof(odd));
    all.len += sizeof(odd);
    anchor = all;
    expect(ACME_ERR_TLS_VERIFY);
    all.len += ca_pki_write(&root_t, bundle + all.len, sizeof(bundle) - all.len);
    anchor = all;
    expect(ACME_OK);
    all.len += ca_pki_write(&other, bundle + all.len, sizeof(bundle) - all.len);
    anchor = all;
    expect(ACME_OK);
}

/* The most certificates that are in memory at once in a handshake with so many other roots. */
static uint32_t most_beside(uint32_t others)
{
    uint8_t bundle[6000];
    struct ca_pki_template other = root_t;

    other.subject = other.issuer = "CN=Other";
    anchor = (struct acme_trust_anchor){bundle, ca_pki_write(&root_t, bundle, sizeof(bundle))};
    for (; others > 0; others--) {
        anchor.len += ca_pki_write(&other, bundle + anchor.len, sizeof(bundle) - anchor.len);
    }
    certificates_most = 0;
    assert_int_equal(result_with(HOST), ACME_OK);
    return certificates_most;
}

/* Ten roots cost no more memory than two. */
static void test_other_roots_are_not_kept(void **state)
{
    (void)state;
    assert_true(most_beside(1) > 0);
    assert_int_equal(most_beside(9), most_beside(1));
}

/* An expired root beside its reissue, which has the same name and key. */
static void test_a_root_that_was_issued_anew(void **state)
{
    uint8_t old_der[700];
    struct ca_pki_template old = root_t;
    struct acme_trust_anchor both[2] = {{old_der, 0}, anchor};
    int order;

    (void)state;
    old.not_after_s = NOW - DAY;
    both[0].len = ca_pki_write(&old, old_der, sizeof(old_der));
    anchor = both[0];
    expect(ACME_ERR_TLS_DATES);
    for (order = 0; order < 2; order++) {
        struct acme_trust_anchor first = both[0];

        assert_int_equal(acme_tls_init(&t, &port, &device_clock, both, 2), ACME_OK);
        client_ssl = &t.ssl;
        server_start();
        assert_int_equal(shake_hands_for(HOST, 2000), ACME_OK);
        hang_up();
        both[0] = both[1];
        both[1] = first;
    }
}

/* The same, and one root at a time in memory; a chip that fails is no untrusted server. */
static void test_anchors_that_are_read(void **state)
{
    uint8_t bundle[2100];
    struct ca_pki_template other = root_t;
    uint32_t n;
    int32_t rc;

    (void)state;
    other.subject = other.issuer = "CN=Other";
    anchor.len = ca_pki_write(&other, bundle, sizeof(bundle));
    anchor.len += ca_pki_write(&root_t, bundle + anchor.len, sizeof(bundle) - anchor.len);
    anchor.der = (const uint8_t *)((uintptr_t)bundle ^ 1u << 30);
    port.read_anchor = read_anchor;
    expect(ACME_OK);
    for (n = 1, rc = -1; rc != ACME_OK; n++) {
        server_start();
        client_init();
        anchor_reads = 0;
        anchor_fails_at = n;
        rc = shake_hands_for(HOST, 2000);
        anchor_fails_at = 0;
        hang_up();
        assert_true(rc == ACME_OK || rc == ACME_ERR_STORE_IO);
    }
    assert_true(n > 6);
    for (n = 1, rc = -1; rc != ACME_OK; n += n < 200 ? 1 : 29) {
        rc = shake_hands_without_memory(n, true);
        assert_int_not_equal(rc, ACME_ERR_TLS_VERIFY);
        assert_int_not_equal(rc, ACME_ERR_TLS_DATES);
        assert_int_not_equal(rc, ACME_ERR_STORE_IO);
    }
    other.not_after_s = NOW - DAY; /* an expired one of the right name, and no other */
    other.subject = other.issuer = "CN=Root";
    anchor.len = ca_pki_write(&other, bundle, sizeof(bundle));
    expect(ACME_ERR_TLS_DATES);
}

/* With both anchors or with none: never with those that happened to fit. */
static void test_setting_up_without_memory(void **state)
{
    struct acme_trust_anchor both[2] = {anchor, anchor};
    uint32_t n;
    int32_t rc = ACME_ERR_TLS_MEMORY;

    (void)state;
    for (n = 1; rc != ACME_OK; n++) {
        calloc_calls = 0;
        calloc_fail_at = n;
        rc = acme_tls_init(&t, &port, &device_clock, both, 2);
        calloc_fail_at = 0;
        assert_true(rc == ACME_OK || rc == ACME_ERR_TLS_MEMORY);
        acme_tls_free(&t);
    }
    assert_true(n > 5);
    server_start();
    client_init();
    for (rc = ACME_ERR_TLS_MEMORY, n = 1; rc != ACME_OK; n++) {
        calloc_calls = 0;
        calloc_fail_at = n;
        rc = acme_tls_start(&t, STREAM, HOST);
        calloc_fail_at = 0;
        assert_true(rc == ACME_OK || rc == ACME_ERR_TLS_MEMORY);
        assert_int_equal(closes, rc == ACME_OK ? 0 : 1); /* the stream was taken over */
        closes = 0;
    }
    assert_true(n > 3);
    hang_up();
}

static void test_a_host_too_long(void **state)
{
    char host[300];

    (void)state;
    memset(host, 'a', sizeof(host) - 1);
    host[sizeof(host) - 1] = '\0';
    client_init();
    assert_int_equal(acme_tls_start(&t, STREAM, host), ACME_ERR_TLS);
    assert_int_equal(closes, 1);
    assert_false(acme_tls_is_open(&t));
    acme_tls_free(&t);
    closes = 0;
}

static void test_a_library_that_fails(void **state)
{
    (void)state;
    config_fails = true;
    assert_int_equal(acme_tls_init(&t, &port, &device_clock, &anchor, 1), ACME_ERR_TLS);
    acme_tls_free(&t);
    config_fails = false;
    alpn_fails = true;
    assert_int_equal(acme_tls_init(&t, &port, &device_clock, &anchor, 1), ACME_ERR_TLS);
    acme_tls_free(&t);
}

static int group_up(void **state)
{
    return bench_up(state) == 0 && ca_pki_point(ca_key, ca_point) ? 0 : -1;
}

static int fresh(void **state)
{
    (void)state;
    if (!certificates_new()) {
        return -1;
    }
    ca_t = root_t;
    ca_t.subject = "CN=Issuer";
    ca_t.subject_point = ca_point;
    server_t.issuer = "CN=Issuer";
    server_t.issuer_key = ca_key;
    server_t.issuer_point = ca_point;
    pipes_new();
    closes = 0;
    port.read_anchor = NULL;
    connect_result = recv_result = ACME_OK;
    config_fails = alpn_fails = hash_fails = send_lies = recv_lies = false;
    tickets = 0;
    calloc_fail_at = 0;
    calloc_fail_rest = false;
    server_does_not_look = false;
    has_clock = true;
    version = MBEDTLS_SSL_VERSION_TLS1_3;
    acme_clock_init(&device_clock, &clock_ops, NULL, 0);
    return anchor.len > 0 ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_good, fresh),
        cmocka_unit_test_setup(test_another_name, fresh),
        cmocka_unit_test_setup(test_another_root, fresh),
        cmocka_unit_test_setup(test_addresses, fresh),
        cmocka_unit_test_setup(test_a_name_in_the_subject, fresh),
        cmocka_unit_test_setup(test_anchors_with_constraints, fresh),
        cmocka_unit_test_setup(test_issuers_with_constraints, fresh),
        cmocka_unit_test_setup(test_anchors_that_are_read, fresh),
        cmocka_unit_test_setup(test_no_verdict_without_memory, fresh),
        cmocka_unit_test_setup(test_a_server_that_is_a_ca, fresh),
        cmocka_unit_test_setup(test_an_issuer_that_is_no_ca, fresh),
        cmocka_unit_test_setup(test_dates, fresh),
        cmocka_unit_test_setup(test_the_log_says_whose, fresh),
        cmocka_unit_test_setup(test_floor, fresh),
        cmocka_unit_test_setup(test_dates_of_the_chain, fresh),
#if defined(CONFIG_ACME_PINNING)
        cmocka_unit_test_setup(test_pins, fresh),
        cmocka_unit_test_setup(test_pins_fail_closed, fresh),
#endif
        cmocka_unit_test_setup(test_connecting, fresh),
        cmocka_unit_test_setup(test_closed_in_the_handshake, fresh),
        cmocka_unit_test_setup(test_a_network_that_fails, fresh),
        cmocka_unit_test_setup(test_nonsense, fresh),
        cmocka_unit_test_setup(test_slow, fresh),
        cmocka_unit_test_setup(test_small_steps, fresh),
        cmocka_unit_test_setup(test_data, fresh),
        cmocka_unit_test_setup(test_the_end, fresh),
        cmocka_unit_test_setup(test_goodbye, fresh),
        cmocka_unit_test_setup(test_anchors, fresh),
        cmocka_unit_test_setup(test_long_chains, fresh),
        cmocka_unit_test_setup(test_a_bundle, fresh),
        cmocka_unit_test_setup(test_other_roots_are_not_kept, fresh),
        cmocka_unit_test_setup(test_a_root_that_was_issued_anew, fresh),
        cmocka_unit_test_setup(test_setting_up_without_memory, fresh),
        cmocka_unit_test_setup(test_a_host_too_long, fresh),
        cmocka_unit_test_setup(test_a_library_that_fails, fresh),
    };

    return cmocka_run_group_tests(tests, group_up, bench_down);
}
