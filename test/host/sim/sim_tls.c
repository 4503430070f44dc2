/*
 * The TLS server. It must not know what is said inside.
 */
#include "sim_tls.h"

#include <string.h>

#include <mbedtls/psa_util.h>
#include <mbedtls/ssl.h>
#include <psa/crypto.h>

struct server {
    bool used, ready;
    struct sim_net *net;
    struct sim_stream *stream;
    psa_key_id_t key;
    mbedtls_pk_context pk;
    mbedtls_x509_crt certificate;
    mbedtls_ssl_config config;
    mbedtls_ssl_context ssl;
};

static struct server servers[SIM_NET_STREAMS];
static struct ca_sim *issuer;
static const uint8_t server_key[32] = {0x21, 0x43, 0x65};
static uint8_t server_der[1024];
static size_t server_len;
static int64_t server_from_s; /* notBefore of that certificate */
static uint32_t handshakes;

uint32_t sim_tls_handshakes(void)
{
    return handshakes;
}

static int bio_send(void *ctx, const unsigned char *data, size_t len)
{
    struct server *v = ctx;
    size_t n = sim_net_put(v->net, &v->stream->to_device, data, len);

    return n > 0 ? (int)n : MBEDTLS_ERR_SSL_WANT_WRITE;
}

static int bio_recv(void *ctx, unsigned char *data, size_t size)
{
    struct sim_pipe *p = &((struct server *)ctx)->stream->from_device;
    size_t n = p->len - p->at < size ? p->len - p->at : size;

    if (n == 0) {
        return MBEDTLS_ERR_SSL_WANT_READ;
    }
    memcpy(data, p->data + p->at, n);
    p->at += (uint32_t)n;
    return (int)n;
}

static bool load_key(struct server *v)
{
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    int64_t now_s = sim_clock_true_s(v->net->clock), from_s, to_s;
    uint8_t key[32];

    memcpy(key, server_key, sizeof(key));
    ca_sim_https_dates(issuer, now_s, &from_s, &to_s);
    if (server_len == 0 || server_from_s != from_s) {
        server_from_s = from_s;
        server_len = ca_sim_server_certificate(issuer, key, now_s, server_der, sizeof(server_der));
    }
    psa_set_key_type(&attributes, PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1));
    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_SIGN_HASH);
    psa_set_key_algorithm(&attributes, PSA_ALG_ECDSA(PSA_ALG_ANY_HASH));
    return psa_import_key(&attributes, key, sizeof(key), &v->key) == PSA_SUCCESS &&
           mbedtls_pk_setup_opaque(&v->pk, v->key) == 0 &&
           mbedtls_x509_crt_parse_der_nocopy(&v->certificate, server_der, server_len) == 0;
}

static bool set_up(struct server *v)
{
    if (!load_key(v) ||
        mbedtls_ssl_config_defaults(&v->config, MBEDTLS_SSL_IS_SERVER, MBEDTLS_SSL_TRANSPORT_STREAM,
                                    MBEDTLS_SSL_PRESET_DEFAULT) != 0 ||
        mbedtls_ssl_conf_own_cert(&v->config, &v->certificate, &v->pk) != 0) {
        return false;
    }
    mbedtls_ssl_conf_rng(&v->config, mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE);
    if (mbedtls_ssl_setup(&v->ssl, &v->config) != 0) {
        return false;
    }
    mbedtls_ssl_set_bio(&v->ssl, v, bio_send, bio_recv, NULL);
    return true;
}

static void tls_close(struct sim_net *net, struct sim_stream *s)
{
    struct server *v = s->transport;

    (void)net;
    if (v != NULL) {
        mbedtls_ssl_free(&v->ssl);
        mbedtls_ssl_config_free(&v->config);
        mbedtls_x509_crt_free(&v->certificate);
        mbedtls_pk_free(&v->pk);
        (void)psa_destroy_key(v->key);
        v->used = false;
        s->transport = NULL;
    }
}

static bool tls_open(struct sim_net *net, struct sim_stream *s)
{
    struct server *v = servers;

    while (v < servers + SIM_NET_STREAMS && v->used) {
        v++;
    }
    if (v == servers + SIM_NET_STREAMS) {
        return false;
    }
    memset(v, 0, sizeof(*v));
    v->used = true;
    v->net = net;
    v->stream = s;
    s->transport = v;
    mbedtls_pk_init(&v->pk);
    mbedtls_x509_crt_init(&v->certificate);
    mbedtls_ssl_config_init(&v->config);
    mbedtls_ssl_init(&v->ssl);
    if (!set_up(v)) {
        tls_close(net, s);
        return false;
    }
    return true;
}

static void tls_input(struct sim_net *net, struct sim_stream *s)
{
    struct server *v = s->transport;
    int ret = 0;

    (void)net;
    if (v == NULL) {
        return;
    }
    if (!v->ready) {
        ret = mbedtls_ssl_handshake(&v->ssl);
        v->ready = ret == 0;
        handshakes += v->ready ? 1u : 0u;
    }
    while (ret == 0 && s->request_len < SIM_NET_REQUEST) {
        int n = mbedtls_ssl_read(&v->ssl, (unsigned char *)s->request + s->request_len,
                                 SIM_NET_REQUEST - s->request_len);

        ret = n > 0 ? 0 : n == 0 ? MBEDTLS_ERR_SSL_CONN_EOF : n;
        s->request_len += n > 0 ? (uint32_t)n : 0u;
    }
    if (ret != 0 && ret != MBEDTLS_ERR_SSL_WANT_READ && ret != MBEDTLS_ERR_SSL_WANT_WRITE) {
        s->to_device.closed = true; /* the device said goodbye, or nonsense */
    }
}

static void tls_output(struct sim_net *net, struct sim_stream *s, const char *data, size_t len)
{
    struct server *v = s->transport;
    size_t done = 0;

    (void)net;
    while (v != NULL && done < len) {
        int n = mbedtls_ssl_write(&v->ssl, (const unsigned char *)data + done, len - done);

        if (n <= 0) {
            s->to_device.closed = true;
            return;
        }
        done += (size_t)n;
    }
}

const struct sim_transport *sim_tls_transport(struct ca_sim *ca)
{
    static const struct sim_transport transport = {tls_open, tls_input, tls_output, tls_close};

    issuer = ca;
    server_len = 0;
    return &transport;
}
