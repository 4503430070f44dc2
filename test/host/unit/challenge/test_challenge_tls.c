/*
 * The certificate of tls-alpn-01: what RFC 8737 wants is in it, whatever the identifier; it is for
 * one server name; and the responder gives way to nobody.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <mbedtls/psa_util.h>

#include "acme/tls_alpn.h"
#include "challenge/challenge.h"
#include "crypto_bench.h"

#define ANSWER                                                                                     \
    "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0.9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI"

static int waiting, accepted, closed, listening;
static bool silent; /* peers that say nothing; else they close at once */

/* A real peer: what is under way to it and from it. */
static bool real;
static uint8_t to_peer[16384], from_peer[16384];
static size_t to_len, from_len, send_limit; /* the port takes so much more, and then nothing */
static int32_t send_error;                  /* it says then */

static size_t take_out(uint8_t *pipe, size_t *pipe_len, uint8_t *data, size_t size)
{
    size_t n = *pipe_len < size ? *pipe_len : size;

    memcpy(data, pipe, n);
    *pipe_len -= n;
    memmove(pipe, pipe + n, *pipe_len);
    return n;
}

static int32_t f_send(void *ctx, acme_handle h, const uint8_t *data, size_t len)
{
    (void)ctx;
    (void)h;
    if (real) {
        len = len < send_limit ? len : send_limit;
        if (len == 0) {
            return send_error;
        }
        send_limit -= len;
        assert_true(len <= sizeof(to_peer) - to_len);
        memcpy(to_peer + to_len, data, len);
        to_len += len;
        return (int32_t)len;
    }
    (void)data;
    return (int32_t)len;
}

static int32_t f_recv(void *ctx, acme_handle h, uint8_t *data, size_t size)
{
    (void)ctx;
    (void)h;
    if (real && from_len > 0) {
        return (int32_t)take_out(from_peer, &from_len, data, size);
    }
    (void)data;
    (void)size;
    return silent ? ACME_ERR_AGAIN : ACME_ERR_CLOSED;
}

static void f_close(void *ctx, acme_handle h)
{
    (void)ctx;
    (void)h;
    closed++;
}

static acme_handle f_listen(void *ctx, uint16_t port)
{
    (void)ctx;
    if (port == 1) {
        return ACME_ERR_LISTEN;
    }
    listening++;
    return 0;
}

static acme_handle f_accept(void *ctx, acme_handle listener)
{
    (void)ctx;
    (void)listener;
    return accepted == waiting ? ACME_ERR_AGAIN : accepted++;
}

static void f_unlisten(void *ctx, acme_handle listener)
{
    (void)ctx;
    (void)listener;
    listening--;
}

static const struct acme_net_ops net = {NULL,    NULL,     f_send,   f_recv,
                                        f_close, f_listen, f_accept, f_unlisten};
static const struct acme_port port = {.net = &net};
static struct acme_tls_alpn t;

static int set_up(void **state)
{
    (void)state;
    waiting = accepted = closed = listening = 0;
    silent = true;
    acme_tls_alpn_init(&t, &port);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    acme_tls_alpn_close(&t);
    acme_tls_alpn_close(&t);
    assert_int_equal(closed, accepted);
    assert_int_equal(listening, 0);
    return 0;
}

static const uint8_t *find(const mbedtls_x509_buf *in, const uint8_t *what, size_t len)
{
    size_t i;

    for (i = 0; i + len <= in->len; i++) {
        if (memcmp(in->p + i, what, len) == 0) {
            return in->p + i;
        }
    }
    return NULL;
}

static bool is_for(const char *name)
{
    return acme_tls_alpn_is_for(&t, (const unsigned char *)name, strlen(name));
}

/* Extension, critical, with the hash in an OCTET STRING inside the extension's own. */
static void check_proof(void)
{
    uint8_t want[] = {0x30, 0x31, 0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01, 0x1f, 0x01,
                      0x01, 0xff, 0x04, 0x22, 0x04, 0x20, 0,    0,    0,    0,    0,    0,    0,
                      0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,
                      0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0};
    size_t len;

    assert_int_equal(psa_hash_compute(PSA_ALG_SHA_256, (const uint8_t *)ANSWER, strlen(ANSWER),
                                      want + 19, 32, &len),
                     PSA_SUCCESS);
    assert_non_null(find(&t.crt.raw, want, sizeof(want)));
}

static void check_name(const char *identifier, uint8_t kind, const void *value, size_t len)
{
    assert_int_equal(acme_tls_alpn_make(&t, identifier, ANSWER), ACME_OK);
    check_proof();
    assert_null(t.crt.subject_alt_names.next);
    assert_int_equal(t.crt.subject_alt_names.buf.tag & MBEDTLS_ASN1_TAG_VALUE_MASK, kind);
    assert_int_equal(t.crt.subject_alt_names.buf.len, len);
    assert_memory_equal(t.crt.subject_alt_names.buf.p, value, len);
    assert_true(t.crt.raw.p >= t.der && t.crt.raw.p + t.crt.raw.len <= t.der + sizeof(t.der));
}

static void test_names(void **state)
{
    static const char name[] = "www.example.org";
    static const uint8_t v4[] = {192, 0, 2, 1};
    static const uint8_t v6[] = {0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    char longest[254];

    (void)state;
    check_name(name, MBEDTLS_X509_SAN_DNS_NAME, name, strlen(name));
    assert_true(is_for("WWW.example.org"));
    assert_false(is_for("ww.example.org"));
    assert_false(is_for(""));
    assert_false(acme_tls_alpn_is_for(&t, NULL, 0));
    memset(longest, 'a', 253);
    longest[63] = longest[127] = longest[191] = '.';
    longest[253] = '\0';
    check_name(longest, MBEDTLS_X509_SAN_DNS_NAME, longest, 253);
    check_name("192.0.2.1", MBEDTLS_X509_SAN_IP_ADDRESS, v4, 4);
    assert_true(is_for("1.2.0.192.in-addr.arpa"));
    assert_false(is_for("192.0.2.1"));
    check_name("2001:db8::1", MBEDTLS_X509_SAN_IP_ADDRESS, v6, 16);
    assert_true(is_for("1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"));
    acme_tls_alpn_clear(&t);
    assert_false(is_for("2001:db8::1"));
}

/* Asked for again, the same certificate goes on; another identifier gets another key. */
static void test_made_once(void **state)
{
    psa_key_id_t key;

    (void)state;
    assert_int_equal(acme_tls_alpn_make(&t, "a.example.org", ANSWER), ACME_OK);
    key = t.key_id;
    t.served = 3;
    assert_int_equal(acme_tls_alpn_make(&t, t.identifier, t.key_authorization), ACME_OK);
    assert_int_equal(t.key_id, key);
    assert_int_equal(t.served, 3);
    assert_int_equal(acme_tls_alpn_make(&t, "b.example.org", ANSWER), ACME_OK);
    assert_int_equal(t.served, 0);
}

static void test_too_long(void **state)
{
    char name[600];

    (void)state;
    memset(name, 'a', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    assert_int_equal(acme_tls_alpn_make(&t, name, ANSWER), ACME_ERR_CRYPTO);
    assert_null(t.identifier);
}

static void test_port_is_taken(void **state)
{
    (void)state;
    assert_int_equal(acme_tls_alpn_open(&t, 1), ACME_ERR_LISTEN);
    acme_tls_alpn_poll(&t, 1); /* closed: nothing happens */
    assert_int_equal(acme_tls_alpn_open(&t, 443), ACME_OK);
    assert_int_equal(acme_tls_alpn_open(&t, 443), ACME_OK);
    assert_int_equal(listening, 1);
    waiting = 1;
    acme_tls_alpn_poll(&t, 1); /* without a certificate nobody is taken */
    assert_int_equal(accepted, 0);
    waiting = 0;
}

static void test_slow_and_hasty_peers(void **state)
{
    (void)state;
    assert_int_equal(acme_tls_alpn_make(&t, "a.example.org", ANSWER), ACME_OK);
    assert_int_equal(acme_tls_alpn_open(&t, 443), ACME_OK);
    waiting = CONFIG_ACME_TLS_ALPN_STREAMS + 1;
    acme_tls_alpn_poll(&t, 1000);
    assert_int_equal(accepted, CONFIG_ACME_TLS_ALPN_STREAMS);
    assert_int_equal(closed, 0);
    acme_tls_alpn_poll(&t, 30000); /* they said nothing in time */
    assert_int_equal(closed, CONFIG_ACME_TLS_ALPN_STREAMS);
    silent = false;
    acme_tls_alpn_poll(&t, 30001);
    assert_int_equal(closed, CONFIG_ACME_TLS_ALPN_STREAMS + 1);
    assert_int_equal(t.served, 0);
}

/* Connections without a word do not keep the CA out: the one that has been silent the longest
 * yields, but not at once. */
static void test_silent_peers_yield(void **state)
{
    (void)state;
    assert_int_equal(acme_tls_alpn_make(&t, "a.example.org", ANSWER), ACME_OK);
    assert_int_equal(acme_tls_alpn_open(&t, 443), ACME_OK);
    waiting = CONFIG_ACME_TLS_ALPN_STREAMS + 1;
    acme_tls_alpn_poll(&t, 1000);
    acme_tls_alpn_poll(&t, 1010);
    assert_int_equal(accepted, CONFIG_ACME_TLS_ALPN_STREAMS);
    acme_tls_alpn_poll(&t, 2000);
    assert_int_equal(accepted, CONFIG_ACME_TLS_ALPN_STREAMS + 1);
    assert_int_equal(closed, 1);
    acme_tls_alpn_poll(&t, 2001); /* nobody else has come */
    assert_int_equal(closed, 1);
}

/* Of the silent ones it is the one that came first; who has spoken stays. */
static void test_who_yields(void **state)
{
    const size_t last = CONFIG_ACME_TLS_ALPN_STREAMS - 1;
    acme_handle before;
    size_t i;

    (void)state;
    assert_int_equal(acme_tls_alpn_make(&t, "a.example.org", ANSWER), ACME_OK);
    assert_int_equal(acme_tls_alpn_open(&t, 443), ACME_OK);
    waiting = CONFIG_ACME_TLS_ALPN_STREAMS + 1;
    acme_tls_alpn_poll(&t, 1000);
    for (i = 0; i <= last; i++) {
        t.streams[i].heard = true;
        t.streams[i].deadline_ms += 1000 - 10 * i;
    }
    acme_tls_alpn_poll(&t, 3000);
    assert_int_equal(accepted, CONFIG_ACME_TLS_ALPN_STREAMS);
    for (i = 0; i <= last; i++) {
        t.streams[i].heard = false;
    }
    before = t.streams[last].handle;
    acme_tls_alpn_poll(&t, 3001);
    assert_int_equal(accepted, CONFIG_ACME_TLS_ALPN_STREAMS + 1);
    assert_int_not_equal(t.streams[last].handle, before);
}

/* On the firmware's own port others speak other protocols. */
static void test_other_protocols_are_not_ours(void **state)
{
    mbedtls_ssl_context ssl;

    (void)state;
    assert_int_equal(acme_tls_alpn_make(&t, "a.example.org", ANSWER), ACME_OK);
    mbedtls_ssl_init(&ssl);
    assert_int_equal(acme_tls_alpn_choose(&t, &ssl), ACME_TLS_ALPN_NOT_OURS);
    ssl.MBEDTLS_PRIVATE(alpn_chosen) = "http/1.1";
    assert_int_equal(acme_tls_alpn_choose(&t, &ssl), ACME_TLS_ALPN_NOT_OURS);
    mbedtls_ssl_free(&ssl);
}

/* ---- handshakes with a real peer ---- */

static uint32_t pauses; /* calls that left something to be done at once */

static int peer_send(void *ctx, const unsigned char *data, size_t len)
{
    (void)ctx;
    assert_true(len <= sizeof(from_peer) - from_len);
    memcpy(from_peer + from_len, data, len);
    from_len += len;
    return (int)len;
}

static int peer_recv(void *ctx, unsigned char *data, size_t size)
{
    size_t n = take_out(to_peer, &to_len, data, size);

    (void)ctx;
    return n > 0 ? (int)n : MBEDTLS_ERR_SSL_WANT_READ;
}

/* The peer takes the critical extension that mbedTLS does not know. */
static int accept_extension(void *ctx, mbedtls_x509_crt const *crt, mbedtls_x509_buf const *oid,
                            int critical, const unsigned char *p, const unsigned char *end)
{
    (void)ctx;
    (void)crt;
    (void)oid;
    (void)critical;
    (void)p;
    (void)end;
    return 0;
}

int __wrap_mbedtls_x509_crt_parse_der(mbedtls_x509_crt *chain, const unsigned char *buf,
                                      size_t len);

int __wrap_mbedtls_x509_crt_parse_der(mbedtls_x509_crt *chain, const unsigned char *buf, size_t len)
{
    return mbedtls_x509_crt_parse_der_with_ext_cb(chain, buf, len, 1, accept_extension, NULL);
}

/* Whether a peer that asks for this name by this protocol gets through. */
static bool shakes_hands(const char *name, const char *protocol)
{
    const char *protocols[] = {protocol, NULL};
    mbedtls_ssl_config config;
    mbedtls_ssl_context ssl;
    bool over = false;
    int i;

    real = true;
    silent = true;
    to_len = from_len = 0;
    waiting = accepted + 1;
    mbedtls_ssl_config_init(&config);
    mbedtls_ssl_init(&ssl);
    assert_int_equal(mbedtls_ssl_config_defaults(&config, MBEDTLS_SSL_IS_CLIENT,
                                                 MBEDTLS_SSL_TRANSPORT_STREAM,
                                                 MBEDTLS_SSL_PRESET_DEFAULT),
                     0);
    mbedtls_ssl_conf_authmode(&config, MBEDTLS_SSL_VERIFY_NONE);
    mbedtls_ssl_conf_rng(&config, mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE);
    if (protocol != NULL) {
        assert_int_equal(mbedtls_ssl_conf_alpn_protocols(&config, protocols), 0);
    }
    assert_int_equal(mbedtls_ssl_setup(&ssl, &config), 0);
    assert_int_equal(mbedtls_ssl_set_hostname(&ssl, name), 0);
    mbedtls_ssl_set_bio(&ssl, NULL, peer_send, peer_recv, NULL);
    for (i = 0; i < 40; i++) {
        over = over || mbedtls_ssl_handshake(&ssl) == 0;
        acme_tls_alpn_poll(&t, 1000);
        pauses += t.more ? 1u : 0u;
    }
    mbedtls_ssl_free(&ssl);
    mbedtls_ssl_config_free(&config);
    real = false;
    return over;
}

static void test_the_ca_is_served_and_nobody_else(void **state)
{
    (void)state;
    send_limit = SIZE_MAX;
    assert_int_equal(acme_tls_alpn_make(&t, "a.example.org", ANSWER), ACME_OK);
    assert_int_equal(acme_tls_alpn_open(&t, 443), ACME_OK);
    assert_false(shakes_hands("b.example.org", "acme-tls/1"));
    assert_false(shakes_hands("a.example.org", "http/1.1"));
    assert_false(shakes_hands("a.example.org", NULL));
    assert_int_equal(t.served, 0);
    pauses = 0;
    assert_true(shakes_hands("A.example.org", "acme-tls/1"));
    assert_int_equal(t.served, 1);
    assert_true(pauses > 2); /* a handshake is not one step */
    assert_int_equal(closed, accepted);
}

/* A port that has no room for a while, and one whose connection breaks. */
static void test_ports_that_do_not_take_it_all(void **state)
{
    size_t limit;

    (void)state;
    assert_int_equal(acme_tls_alpn_make(&t, "a.example.org", ANSWER), ACME_OK);
    assert_int_equal(acme_tls_alpn_open(&t, 443), ACME_OK);
    for (limit = 0; limit < 1000; limit += 90) {
        send_limit = limit;
        send_error = ACME_ERR_NET;
        (void)shakes_hands("a.example.org", "acme-tls/1");
        assert_int_equal(closed, accepted); /* it is over at once */
        send_limit = limit;
        send_error = ACME_ERR_AGAIN;
        (void)shakes_hands("a.example.org", "acme-tls/1");
        acme_tls_alpn_poll(&t, 50000); /* or in time */
        assert_int_equal(closed, accepted);
    }
    send_limit = SIZE_MAX;
    assert_true(shakes_hands("a.example.org", "acme-tls/1"));
}

/* ---- mbedTLS and PSA fail, which the linker's --wrap brings about ---- */

enum call {
    SERIAL,
    VALIDITY,
    ISSUER,
    SUBJECT,
    SAN,
    EXTENSION,
    WRITE,
    PARSE,
    HASH,
    GENERATE,
    PK_SETUP,
    DEFAULTS,
    ALPN,
    SSL_SETUP,
    CALLS
};

static uint32_t failing = CALLS;
static int fail_with;

#define WRAP(call, type, name, params, args)                                                       \
    type __real_##name params;                                                                     \
    type __wrap_##name params;                                                                     \
    type __wrap_##name params                                                                      \
    {                                                                                              \
        return failing == (call) ? (type)fail_with : __real_##name args;                           \
    }

WRAP(SERIAL, int, mbedtls_x509write_crt_set_serial_raw,
     (mbedtls_x509write_cert * ctx, unsigned char *serial, size_t len), (ctx, serial, len))
WRAP(VALIDITY, int, mbedtls_x509write_crt_set_validity,
     (mbedtls_x509write_cert * ctx, const char *before, const char *after), (ctx, before, after))
WRAP(ISSUER, int, mbedtls_x509write_crt_set_issuer_name,
     (mbedtls_x509write_cert * ctx, const char *name), (ctx, name))
WRAP(SUBJECT, int, mbedtls_x509write_crt_set_subject_name,
     (mbedtls_x509write_cert * ctx, const char *name), (ctx, name))
WRAP(SAN, int, mbedtls_x509write_crt_set_subject_alternative_name,
     (mbedtls_x509write_cert * ctx, const mbedtls_x509_san_list *san), (ctx, san))
WRAP(EXTENSION, int, mbedtls_x509write_crt_set_extension,
     (mbedtls_x509write_cert * ctx, const char *oid, size_t oid_len, int critical,
      const unsigned char *value, size_t len),
     (ctx, oid, oid_len, critical, value, len))
WRAP(WRITE, int, mbedtls_x509write_crt_der,
     (mbedtls_x509write_cert * ctx, unsigned char *buf, size_t size,
      int (*rng)(void *, unsigned char *, size_t), void *rng_ctx),
     (ctx, buf, size, rng, rng_ctx))
WRAP(PARSE, int, mbedtls_x509_crt_parse_der_with_ext_cb,
     (mbedtls_x509_crt * chain, const unsigned char *buf, size_t len, int copy,
      mbedtls_x509_crt_ext_cb_t cb, void *ctx),
     (chain, buf, len, copy, cb, ctx))
WRAP(HASH, psa_status_t, psa_hash_compute,
     (psa_algorithm_t alg, const uint8_t *in, size_t in_len, uint8_t *hash, size_t size,
      size_t *len),
     (alg, in, in_len, hash, size, len))
WRAP(GENERATE, psa_status_t, psa_generate_key,
     (const psa_key_attributes_t *attributes, psa_key_id_t *key), (attributes, key))
WRAP(PK_SETUP, int, mbedtls_pk_setup_opaque, (mbedtls_pk_context * ctx, psa_key_id_t key),
     (ctx, key))
WRAP(DEFAULTS, int, mbedtls_ssl_config_defaults,
     (mbedtls_ssl_config * conf, int endpoint, int transport, int preset),
     (conf, endpoint, transport, preset))
WRAP(ALPN, int, mbedtls_ssl_conf_alpn_protocols,
     (mbedtls_ssl_config * conf, const char **protocols), (conf, protocols))
WRAP(SSL_SETUP, int, mbedtls_ssl_setup, (mbedtls_ssl_context * ssl, const mbedtls_ssl_config *conf),
     (ssl, conf))

static void expect_not_made(enum call call, int with, int32_t error)
{
    failing = call;
    fail_with = with;
    assert_int_equal(acme_tls_alpn_make(&t, "a.example.org", ANSWER), error);
    assert_null(t.identifier); /* nothing half made is served */
    assert_int_equal(t.key_id, PSA_KEY_ID_NULL);
    failing = CALLS;
    assert_int_equal(acme_tls_alpn_make(&t, "a.example.org", ANSWER), ACME_OK);
    acme_tls_alpn_clear(&t);
}

static void test_no_certificate_is_half_made(void **state)
{
    uint32_t call;

    (void)state;
    for (call = SERIAL; call <= PARSE; call++) {
        expect_not_made((enum call)call, MBEDTLS_ERR_X509_BAD_INPUT_DATA, ACME_ERR_CRYPTO);
        expect_not_made((enum call)call, MBEDTLS_ERR_X509_ALLOC_FAILED, ACME_ERR_TLS_MEMORY);
        expect_not_made((enum call)call, MBEDTLS_ERR_ASN1_ALLOC_FAILED, ACME_ERR_TLS_MEMORY);
    }
    expect_not_made(HASH, PSA_ERROR_HARDWARE_FAILURE, ACME_ERR_CRYPTO);
    expect_not_made(GENERATE, PSA_ERROR_HARDWARE_FAILURE, ACME_ERR_CRYPTO);
    expect_not_made(GENERATE, PSA_ERROR_INSUFFICIENT_MEMORY, ACME_ERR_TLS_MEMORY);
    expect_not_made(PK_SETUP, MBEDTLS_ERR_X509_ALLOC_FAILED, ACME_ERR_TLS_MEMORY);
}

static void test_no_memory_for_the_responder(void **state)
{
    struct acme_challenges all = {0};
    const struct acme_challenge challenge = {.identifier = "a.example.org",
                                             .key_authorization = ANSWER};
    uint32_t call;

    (void)state;
    for (call = DEFAULTS; call <= ALPN; call++) {
        failing = call;
        fail_with = MBEDTLS_ERR_X509_ALLOC_FAILED;
        assert_int_equal(acme_tls_alpn_open(&t, 443), ACME_ERR_TLS_MEMORY);
        failing = CALLS;
        acme_tls_alpn_close(&t);
        assert_int_equal(listening, 0);
    }
    /* Without a certificate there is no listener either. */
    acme_tls_alpn_init(&all.tls, &port);
    all.tls_port = 443;
    failing = HASH;
    fail_with = PSA_ERROR_HARDWARE_FAILURE;
    assert_int_equal(acme_challenge_tls_alpn_01.answer(&all, &challenge), ACME_ERR_CRYPTO);
    assert_int_equal(listening, 0);
    failing = CALLS;
    assert_int_equal(acme_challenge_tls_alpn_01.answer(&all, &challenge), ACME_OK);
    assert_int_equal(listening, 1);
    acme_tls_alpn_close(&all.tls);
}

static void test_no_memory_for_a_connection(void **state)
{
    (void)state;
    assert_int_equal(acme_tls_alpn_make(&t, "a.example.org", ANSWER), ACME_OK);
    assert_int_equal(acme_tls_alpn_open(&t, 443), ACME_OK);
    waiting = 1;
    failing = SSL_SETUP;
    fail_with = MBEDTLS_ERR_SSL_ALLOC_FAILED;
    acme_tls_alpn_poll(&t, 1000);
    assert_int_equal(accepted, 1);
    assert_int_equal(closed, 1);
    failing = CALLS;
    waiting = 2;
    acme_tls_alpn_poll(&t, 1001);
    assert_int_equal(closed, 1);
    acme_tls_alpn_clear(&t); /* whoever is in the middle of it goes with the certificate */
    assert_int_equal(closed, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_names, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_made_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_too_long, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_port_is_taken, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_slow_and_hasty_peers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_silent_peers_yield, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_who_yields, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_other_protocols_are_not_ours, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_ca_is_served_and_nobody_else, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_ports_that_do_not_take_it_all, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_certificate_is_half_made, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_memory_for_the_responder, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_memory_for_a_connection, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, bench_up, bench_down);
}
