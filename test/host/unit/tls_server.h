/*
 * A TLS server in memory, for tests of the client's TLS: mbedTLS at the other end of two pipes,
 * with a certificate chain that the test writes. It must not know what is tested.
 */
#ifndef TLS_SERVER_H
#define TLS_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <mbedtls/psa_util.h>
#include <mbedtls/ssl.h>

#include "acme/client.h"
#include "ca_pki.h"

#define HOST "ca.example.org"
#define NOW  INT64_C(1767225600)
#define DAY  86400

/* ---- the wire ---- */

struct pipe {
    uint8_t data[32768];
    size_t len;
    size_t room; /* what it takes at once; 0: it is full */
    bool loses;  /* what it takes never comes */
    bool closed;
};

static struct pipe up, down;

static size_t pipe_put(struct pipe *p, const uint8_t *data, size_t len)
{
    size_t n = len < p->room ? len : p->room;

    n = n < sizeof(p->data) - p->len ? n : sizeof(p->data) - p->len;
    if (!p->loses) {
        memcpy(p->data + p->len, data, n);
        p->len += n;
    }
    return n;
}

static size_t pipe_take(struct pipe *p, uint8_t *data, size_t size)
{
    size_t n = p->len < size ? p->len : size;

    memcpy(data, p->data, n);
    memmove(p->data, p->data + n, p->len - n);
    p->len -= n;
    return n;
}

static void pipes_new(void)
{
    memset(&up, 0, sizeof(up));
    memset(&down, 0, sizeof(down));
    up.room = down.room = sizeof(up.data);
}

/* ---- its certificates ---- */

static const uint8_t root_key[32] = {0x11, 1}, server_key[32] = {0x33, 3};
static uint8_t root_point[CA_PKI_POINT], server_point[CA_PKI_POINT];
static struct ca_pki_template root_t, server_t; /* good ones; a test spoils them */
static uint8_t root_der[700];
static struct acme_trust_anchor anchor;

/* Signed by the root. */
static bool certificates_new(void)
{
    if (!ca_pki_point(root_key, root_point) || !ca_pki_point(server_key, server_point)) {
        return false;
    }
    root_t = (struct ca_pki_template){.subject = "CN=Root",
                                      .issuer = "CN=Root",
                                      .subject_point = root_point,
                                      .issuer_key = root_key,
                                      .issuer_point = root_point,
                                      .serial = {1},
                                      .not_before_s = NOW - 1000 * DAY,
                                      .not_after_s = NOW + 1000 * DAY,
                                      .is_ca = true};
    server_t = root_t;
    server_t.subject = "CN=" HOST;
    server_t.subject_point = server_point;
    server_t.is_ca = false;
    server_t.names[0] = HOST;
    anchor =
        (struct acme_trust_anchor){root_der, ca_pki_write(&root_t, root_der, sizeof(root_der))};
    return anchor.len > 0;
}

/* ---- the server ---- */

static mbedtls_ssl_protocol_version version; /* the latest that it speaks */

static struct {
    mbedtls_ssl_config config;
    mbedtls_ssl_context ssl;
    mbedtls_x509_crt chain;
    mbedtls_pk_context pk;
    psa_key_id_t key;
    bool over;
} server;

static int server_send(void *ctx, const unsigned char *data, size_t len)
{
    size_t n = pipe_put(&down, data, len);

    (void)ctx;
    return n > 0 ? (int)n : MBEDTLS_ERR_SSL_WANT_WRITE;
}

static int server_recv(void *ctx, unsigned char *data, size_t size)
{
    size_t n = pipe_take(&up, data, size);

    (void)ctx;
    return n > 0 ? (int)n : MBEDTLS_ERR_SSL_WANT_READ;
}

/* To be followed by its chain, by what else the test configures, and by server_serve. */
static void server_new(void)
{
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;

    memset(&server, 0, sizeof(server));
    mbedtls_ssl_config_init(&server.config);
    mbedtls_ssl_init(&server.ssl);
    mbedtls_x509_crt_init(&server.chain);
    mbedtls_pk_init(&server.pk);
    psa_set_key_type(&attributes, PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1));
    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_SIGN_HASH);
    psa_set_key_algorithm(&attributes, PSA_ALG_ECDSA(PSA_ALG_ANY_HASH));
    assert_int_equal(psa_import_key(&attributes, server_key, 32, &server.key), PSA_SUCCESS);
    assert_int_equal(mbedtls_pk_setup_opaque(&server.pk, server.key), 0);
    assert_int_equal(mbedtls_ssl_config_defaults(&server.config, MBEDTLS_SSL_IS_SERVER,
                                                 MBEDTLS_SSL_TRANSPORT_STREAM,
                                                 MBEDTLS_SSL_PRESET_DEFAULT),
                     0);
    mbedtls_ssl_conf_max_tls_version(&server.config, version);
    mbedtls_ssl_conf_rng(&server.config, mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE);
}

static void server_add(const struct ca_pki_template *t)
{
    uint8_t der[1024];
    size_t len = ca_pki_write(t, der, sizeof(der));

    assert_true(len > 0);
    assert_int_equal(mbedtls_x509_crt_parse_der(&server.chain, der, len), 0);
}

static void server_serve(void)
{
    assert_int_equal(mbedtls_ssl_conf_own_cert(&server.config, &server.chain, &server.pk), 0);
    assert_int_equal(mbedtls_ssl_setup(&server.ssl, &server.config), 0);
    mbedtls_ssl_set_bio(&server.ssl, NULL, server_send, server_recv, NULL);
}

static void server_turn(void)
{
    if (!server.over) {
        server.over = mbedtls_ssl_handshake(&server.ssl) == 0;
    }
}

static void server_stop(void)
{
    mbedtls_ssl_free(&server.ssl);
    mbedtls_ssl_config_free(&server.config);
    mbedtls_x509_crt_free(&server.chain);
    mbedtls_pk_free(&server.pk);
    (void)psa_destroy_key(server.key);
}

#endif
