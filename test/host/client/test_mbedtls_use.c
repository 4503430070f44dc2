/*
 * acme_mbedtls_use in real TLS handshakes: a server of the device with the stored certificate, and
 * a client that trusts nothing but the CA's root. It must not know how the helper loads it.
 */
#include <mbedtls/memory_buffer_alloc.h>
#include <mbedtls/psa_util.h>
#include <psa/crypto.h>

#include "acme/mbedtls.h"
#include "client/state.h"
#include "device.h"

static uint8_t der[CONFIG_ACME_CERT_SIZE_MAX];

/* ---- the pool: what is allocated, and a call that fails ---- */

static uint32_t calls, fail_at;

void *__real_mbedtls_calloc(size_t count, size_t size);
void *__wrap_mbedtls_calloc(size_t count, size_t size);
void *__wrap_mbedtls_calloc(size_t count, size_t size)
{
    return ++calls == fail_at ? NULL : __real_mbedtls_calloc(count, size);
}

static size_t pool_used(void)
{
    size_t used, blocks;

    mbedtls_memory_buffer_alloc_cur_get(&used, &blocks);
    return used;
}

/* ---- a connection in memory ---- */

struct pipe {
    uint8_t data[16384];
    size_t start, end;
};

struct end {
    struct pipe *in, *out;
    mbedtls_ssl_config config;
    mbedtls_ssl_context ssl;
};

struct connection {
    struct pipe to_server, to_client;
    struct end server, client;
    struct acme_mbedtls_cert cert;
    mbedtls_x509_crt root;
};

static struct connection connections[2];

static int pipe_send(void *ctx, const unsigned char *data, size_t len)
{
    struct pipe *p = ((struct end *)ctx)->out;

    if (p->start == p->end) {
        p->start = p->end = 0;
    }
    if (len > sizeof(p->data) - p->end) {
        return MBEDTLS_ERR_SSL_WANT_WRITE;
    }
    memcpy(p->data + p->end, data, len);
    p->end += len;
    return (int)len;
}

static int pipe_recv(void *ctx, unsigned char *data, size_t size)
{
    struct pipe *p = ((struct end *)ctx)->in;
    size_t len = p->end - p->start < size ? p->end - p->start : size;

    if (len == 0) {
        return MBEDTLS_ERR_SSL_WANT_READ;
    }
    memcpy(data, p->data + p->start, len);
    p->start += len;
    return (int)len;
}

static void end_init(struct end *e, int endpoint, struct pipe *in, struct pipe *out)
{
    e->in = in;
    e->out = out;
    mbedtls_ssl_config_init(&e->config);
    mbedtls_ssl_init(&e->ssl);
    assert_int_equal(mbedtls_ssl_config_defaults(&e->config, endpoint, MBEDTLS_SSL_TRANSPORT_STREAM,
                                                 MBEDTLS_SSL_PRESET_DEFAULT),
                     0);
    mbedtls_ssl_conf_rng(&e->config, mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE);
}

static void connect(struct connection *n)
{
    memset(n, 0, sizeof(*n));
    end_init(&n->server, MBEDTLS_SSL_IS_SERVER, &n->to_server, &n->to_client);
    end_init(&n->client, MBEDTLS_SSL_IS_CLIENT, &n->to_client, &n->to_server);
    mbedtls_x509_crt_init(&n->root);
    assert_int_equal(mbedtls_x509_crt_parse_der(&n->root, w.ca->root, w.ca->root_len), 0);
    mbedtls_ssl_conf_ca_chain(&n->client.config, &n->root, NULL);
    mbedtls_ssl_conf_authmode(&n->client.config, MBEDTLS_SSL_VERIFY_REQUIRED);
    acme_mbedtls_init(&n->cert, der, sizeof(der));
    assert_int_equal(acme_mbedtls_use(w.client, 0, &n->cert, &n->server.config), ACME_OK);
    memset(der, 0xff, sizeof(der)); /* nothing is needed there any more */
    assert_int_equal(mbedtls_ssl_setup(&n->server.ssl, &n->server.config), 0);
    assert_int_equal(mbedtls_ssl_setup(&n->client.ssl, &n->client.config), 0);
    assert_int_equal(mbedtls_ssl_set_hostname(&n->client.ssl, "device.example.org"), 0);
    mbedtls_ssl_set_bio(&n->server.ssl, &n->server, pipe_send, pipe_recv, NULL);
    mbedtls_ssl_set_bio(&n->client.ssl, &n->client, pipe_send, pipe_recv, NULL);
}

static void disconnect(struct connection *n)
{
    mbedtls_ssl_free(&n->client.ssl);
    mbedtls_ssl_config_free(&n->client.config);
    mbedtls_x509_crt_free(&n->root);
    mbedtls_ssl_free(&n->server.ssl);
    mbedtls_ssl_config_free(&n->server.config);
    acme_mbedtls_free(&n->cert);
}

static void step(mbedtls_ssl_context *ssl)
{
    int ret = mbedtls_ssl_is_handshake_over(ssl) ? 0 : mbedtls_ssl_handshake(ssl);

    assert_true(ret == 0 || ret == MBEDTLS_ERR_SSL_WANT_READ);
}

static void shake_hands(struct connection *n)
{
    int i;

    for (i = 0; i < 20; i++) {
        step(&n->client.ssl);
        step(&n->server.ssl);
    }
    assert_true(mbedtls_ssl_is_handshake_over(&n->client.ssl));
    assert_true(mbedtls_ssl_is_handshake_over(&n->server.ssl));
    assert_int_equal(mbedtls_ssl_get_verify_result(&n->client.ssl), 0);
}

static void talk(struct connection *n)
{
    unsigned char got[8] = {0};

    assert_int_equal(mbedtls_ssl_write(&n->server.ssl, (const unsigned char *)"hello", 6), 6);
    assert_int_equal(mbedtls_ssl_read(&n->client.ssl, got, sizeof(got)), 6);
    assert_string_equal((const char *)got, "hello");
}

/* ---- handshakes ---- */

static void test_a_server_serves(void **state)
{
    struct connection *n = &connections[0];
    size_t before;

    (void)state;
    connect(n);
    disconnect(n);
    before = pool_used();
    connect(n);
    assert_non_null(n->cert.chain.next); /* the whole chain, not the leaf alone */
    shake_hands(n);
    acme_mbedtls_handshake_over(&n->cert);
    acme_mbedtls_handshake_over(&n->cert);
    talk(n);
    disconnect(n);
    assert_int_equal(pool_used(), before);
    acme_mbedtls_free(&n->cert);
    connect(n); /* and again, with the key that was purged */
    shake_hands(n);
    disconnect(n);
}

/* What was sent takes no memory any more, and the handshake goes on without it. */
static void test_sent_issuers_are_freed(void **state)
{
    static const mbedtls_ssl_protocol_version versions[] = {MBEDTLS_SSL_VERSION_TLS1_2,
                                                            MBEDTLS_SSL_VERSION_TLS1_3};
    struct connection *n = &connections[0];

    (void)state;
    for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
        size_t rounds = 0, issuers_gone = 0;

        connect(n);
        mbedtls_ssl_conf_max_tls_version(&n->client.config, versions[i]);
        mbedtls_ssl_free(&n->client.ssl);
        mbedtls_ssl_init(&n->client.ssl);
        assert_int_equal(mbedtls_ssl_setup(&n->client.ssl, &n->client.config), 0);
        assert_int_equal(mbedtls_ssl_set_hostname(&n->client.ssl, "device.example.org"), 0);
        mbedtls_ssl_set_bio(&n->client.ssl, &n->client, pipe_send, pipe_recv, NULL);
        while (!mbedtls_ssl_is_handshake_over(&n->server.ssl) && ++rounds < 20000) {
            (void)mbedtls_ssl_handshake(&n->client.ssl); /* checks in several steps */
            (void)acme_mbedtls_handshake_step(&n->cert, &n->server.ssl);
            issuers_gone += n->cert.chain.next == NULL ? 1 : 0;
        }
        assert_true(issuers_gone > 2 && issuers_gone < rounds);
        shake_hands(n); /* the client's end of it: it has verified the whole chain */
        assert_int_equal(mbedtls_ssl_get_version_number(&n->client.ssl), versions[i]);
        acme_mbedtls_handshake_over(&n->cert);
        talk(n);
        disconnect(n);
    }
}

/* The client renews meanwhile: the handshake ends with the certificate that it began with. */
static void test_a_renewal_waits_for_all_handshakes(void **state)
{
    struct acme_poll_result result;
    int i;

    (void)state;
    connect(&connections[0]);
    connect(&connections[1]);
    assert_int_equal(acme_renew_start(w.client), ACME_OK);
    for (i = 0; i < 1000 && device_entered("INSTALL") == 0; i++) {
        assert_int_not_equal(acme_poll(w.client, &result), ACME_WANT_IDLE);
        ca_sim_tick(w.ca, w.clock.now_ms);
        w.clock.now_ms += 10;
    }
    shake_hands(&connections[0]);
    acme_mbedtls_handshake_over(&connections[0].cert);
    for (i = 0; i < 100; i++) { /* the second one goes on */
        assert_int_not_equal(acme_poll(w.client, &result), ACME_WANT_IDLE);
        w.clock.now_ms += 10;
    }
    assert_int_equal(heard.events[ACME_EVENT_INSTALLED], 0);
    shake_hands(&connections[1]);
    acme_mbedtls_handshake_over(&connections[1].cert);
    assert_int_equal(device_finish(ACME_OK), ACME_OK);
    assert_int_equal(heard.events[ACME_EVENT_INSTALLED], 1);
    talk(&connections[0]); /* who has the old one keeps the connection */
    talk(&connections[1]);
    disconnect(&connections[0]);
    disconnect(&connections[1]);
    connect(&connections[0]);
    shake_hands(&connections[0]);
    disconnect(&connections[0]);
}

/* Set for one handshake only, by a callback of the firmware's. */
static int on_certificate(mbedtls_ssl_context *ssl)
{
    struct acme_mbedtls_cert *cert = &connections[0].cert;

    return mbedtls_ssl_set_hs_own_cert(ssl, &cert->chain, &cert->key);
}

static void test_a_callback_sets_it(void **state)
{
    struct connection *n = &connections[0];

    (void)state;
    connect(n);
    mbedtls_ssl_free(&n->server.ssl);
    mbedtls_ssl_config_free(&n->server.config);
    acme_mbedtls_free(&n->cert);
    end_init(&n->server, MBEDTLS_SSL_IS_SERVER, &n->to_server, &n->to_client);
    mbedtls_ssl_conf_cert_cb(&n->server.config, on_certificate);
    assert_int_equal(acme_mbedtls_use(w.client, 0, &n->cert, NULL), ACME_OK);
    assert_int_equal(mbedtls_ssl_setup(&n->server.ssl, &n->server.config), 0);
    mbedtls_ssl_set_bio(&n->server.ssl, &n->server, pipe_send, pipe_recv, NULL);
    shake_hands(n);
    disconnect(n);
}

/* ---- what can be wrong ---- */

/* Nothing of a failure stays: no memory, no hold, nothing in the configuration. */
static int32_t try_to_use(uint16_t slot, size_t der_size)
{
    struct acme_mbedtls_cert cert;
    mbedtls_ssl_config config;
    size_t before = pool_used();
    int32_t rc;

    mbedtls_ssl_config_init(&config);
    acme_mbedtls_init(&cert, der, der_size);
    rc = acme_mbedtls_use(w.client, slot, &cert, &config);
    assert_int_not_equal(rc, ACME_OK);
    assert_int_equal(cert.key_id, 0);
    assert_null(cert.holds);
    assert_int_equal(cert.chain.raw.len, 0);
    assert_int_equal(mbedtls_pk_get_type(&cert.key), MBEDTLS_PK_NONE);
    assert_null(config.MBEDTLS_PRIVATE(key_cert));
    assert_int_equal(w.client->hold.count, 0);
    mbedtls_ssl_config_free(&config);
    acme_mbedtls_free(&cert);
    assert_true(pool_used() <= before); /* a key may have been taken out of RAM */
    return rc;
}

static void expect(int32_t error, uint16_t slot, size_t der_size)
{
    assert_int_equal(try_to_use(slot, der_size), error);
}

static void test_there_is_none(void **state)
{
    (void)state;
    device_boot();
    expect(ACME_ERR_CERT_NONE, 0, sizeof(der));
    expect(ACME_ERR_ARGUMENT, 1, sizeof(der));
    expect(ACME_ERR_ARGUMENT, UINT16_MAX, sizeof(der));
}

static void test_a_small_buffer(void **state)
{
    size_t len = w.client->slots[0].cert.lengths[0];

    (void)state;
    expect(ACME_ERR_BUFFER, 0, 0);
    expect(ACME_ERR_BUFFER, 0, len - 1);
}

static void test_one_at_a_time(void **state)
{
    struct connection *n = &connections[0];

    (void)state;
    connect(n);
    assert_int_equal(acme_mbedtls_use(w.client, 0, &n->cert, NULL), ACME_ERR_STATE);
    acme_mbedtls_handshake_over(&n->cert);
    assert_int_equal(acme_mbedtls_use(w.client, 0, &n->cert, NULL), ACME_ERR_STATE);
    assert_int_equal(w.client->hold.count, 0);
    disconnect(n);
}

static void test_the_key_is_gone(void **state)
{
    struct acme_cert_status status;

    (void)state;
    assert_int_equal(acme_cert_get_status(w.client, 0, &status), ACME_OK);
    assert_int_equal(psa_destroy_key(status.key_id), PSA_SUCCESS);
    expect(ACME_ERR_CRYPTO, 0, sizeof(der));
}

static void test_the_chain_is_damaged(void **state)
{
    struct acme_slot *s = &w.client->slots[0];

    (void)state;
    s->cert.lengths[0]--; /* the second one begins in the first */
    expect(ACME_ERR_CERT_PARSE, 0, sizeof(der));
    s->cert.lengths[0]++;
    assert_int_equal(acme_store_remove(&w.client->log, ACME_SPACE_CHAIN,
                                       (uint64_t)s->store_slot << 24 |
                                           (uint64_t)s->cert.key_generation << 16 | 1),
                     ACME_OK);
    expect(ACME_ERR_STORE_CORRUPT, 0, sizeof(der));
}

static void test_the_flash_fails(void **state)
{
    uint32_t n, before = w.flash.reads;
    struct acme_mbedtls_cert cert;

    (void)state;
    acme_mbedtls_init(&cert, der, sizeof(der));
    assert_int_equal(acme_cert_read(w.client, 0, 0, der, sizeof(der)) > 0, true);
    before = w.flash.reads - before;
    for (n = 1; n <= before; n += 7) {
        w.flash.fail_read_at = w.flash.reads + n;
        expect(ACME_ERR_STORE_IO, 0, sizeof(der));
    }
    w.flash.fail_read_at = 0;
}

static void test_no_memory(void **state)
{
    struct acme_mbedtls_cert cert;
    mbedtls_ssl_config config;
    uint32_t n, count, of_psa = 0;

    (void)state;
    mbedtls_ssl_config_init(&config);
    acme_mbedtls_init(&cert, der, sizeof(der));
    calls = 0;
    assert_int_equal(acme_mbedtls_use(w.client, 0, &cert, &config), ACME_OK);
    count = calls;
    mbedtls_ssl_config_free(&config);
    acme_mbedtls_free(&cert);
    assert_true(count > 3);
    for (n = 1; n <= count; n++) {
        int32_t rc;

        calls = 0;
        fail_at = n;
        rc = try_to_use(0, sizeof(der));
        fail_at = 0;
        of_psa += rc == ACME_ERR_CRYPTO ? 1u : 0u; /* mbedTLS does not hand on why PSA fails */
        assert_true(rc == ACME_ERR_TLS_MEMORY || rc == ACME_ERR_CRYPTO);
    }
    assert_true(of_psa <= 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DEVICE_TEST_ISSUED(test_a_server_serves),
        DEVICE_TEST_ISSUED(test_sent_issuers_are_freed),
        DEVICE_TEST_ISSUED(test_a_renewal_waits_for_all_handshakes),
        DEVICE_TEST_ISSUED(test_a_callback_sets_it),
        DEVICE_TEST(test_there_is_none),
        DEVICE_TEST_ISSUED(test_a_small_buffer),
        DEVICE_TEST_ISSUED(test_one_at_a_time),
        DEVICE_TEST_ISSUED(test_the_key_is_gone),
        DEVICE_TEST_ISSUED(test_the_chain_is_damaged),
        DEVICE_TEST_ISSUED(test_the_flash_fails),
        DEVICE_TEST_ISSUED(test_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
