/*
 * The certificate of tls-alpn-01 and its responder. Anybody may connect, and gets no more than one
 * handshake with one protocol, bounded in time; nothing is read after it. It must not know what it
 * proves.
 */
#include "challenge/tls.h"

#if defined(CONFIG_ACME_TLS_ALPN_01)
#include <string.h>

#include <mbedtls/asn1write.h>
#include <mbedtls/psa_util.h>

#include "acme/tls_alpn.h"
#include "base/assert.h"
#include "base/buf.h"
#include "base/ipaddr.h"
#include "base/log.h"

#define TIMEOUT_MS  20000u
#define YIELD_MS    250u /* a connection that speaks has spoken by then */
#define STEPS_MAX   4    /* of a handshake in one call: each may be a signature */
#define HASH_SIZE   32u
#define NOT_BEFORE  "20200101000000"
#define NOT_AFTER   "20491231235959"
#define CERT_ISSUER "CN=nanoacme tls-alpn-01"

enum stream_state { STREAM_FREE, STREAM_HANDSHAKE, STREAM_CLOSE };

/* id-pe-acmeIdentifier, 1.3.6.1.5.5.7.1.31 */
static const uint8_t acme_identifier[] = {0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01, 0x1f};

void acme_tls_alpn_init(struct acme_tls_alpn *t, const struct acme_port *port)
{
    memset(t, 0, sizeof(*t));
    t->port = port;
    t->listener = ACME_HANDLE_NONE;
}

/* ---- the certificate ---- */

static int set_name(mbedtls_x509write_cert *crt, const char *identifier)
{
    mbedtls_x509_san_list san = {0};
    uint8_t bytes[16];
    int32_t len = acme_ipaddr_identifier(identifier, bytes);

    if (len > 0) {
        san.node.type = MBEDTLS_X509_SAN_IP_ADDRESS;
        san.node.san.unstructured_name.p = bytes;
        san.node.san.unstructured_name.len = (size_t)len;
    } else {
        san.node.type = MBEDTLS_X509_SAN_DNS_NAME;
        san.node.san.unstructured_name.p = (unsigned char *)(uintptr_t)identifier;
        san.node.san.unstructured_name.len = strlen(identifier);
    }
    return mbedtls_x509write_crt_set_subject_alternative_name(crt, &san);
}

/* Critical, with the SHA-256 of the key authorization as an OCTET STRING (RFC 8737 section 3). */
static int set_proof(mbedtls_x509write_cert *crt, const char *key_authorization)
{
    uint8_t value[2 + HASH_SIZE] = {MBEDTLS_ASN1_OCTET_STRING, HASH_SIZE};
    size_t len;

    if (psa_hash_compute(PSA_ALG_SHA_256, (const uint8_t *)key_authorization,
                         strlen(key_authorization), value + 2, HASH_SIZE, &len) != PSA_SUCCESS) {
        return MBEDTLS_ERR_X509_FATAL_ERROR;
    }
    return mbedtls_x509write_crt_set_extension(crt, (const char *)acme_identifier,
                                               sizeof(acme_identifier), 1, value, sizeof(value));
}

/* Returns the length of the certificate, which stands at the end of der, or mbedTLS's error. */
static int write_certificate(struct acme_tls_alpn *t, const char *identifier,
                             const char *key_authorization)
{
    mbedtls_x509write_cert crt;
    uint8_t serial = 1;
    int ret;

    mbedtls_x509write_crt_init(&crt);
    mbedtls_x509write_crt_set_version(&crt, MBEDTLS_X509_CRT_VERSION_3);
    mbedtls_x509write_crt_set_md_alg(&crt, MBEDTLS_MD_SHA256);
    mbedtls_x509write_crt_set_subject_key(&crt, &t->key);
    mbedtls_x509write_crt_set_issuer_key(&crt, &t->key);
    ret = mbedtls_x509write_crt_set_serial_raw(&crt, &serial, sizeof(serial));
    if (ret == 0) {
        ret = mbedtls_x509write_crt_set_validity(&crt, NOT_BEFORE, NOT_AFTER);
    }
    if (ret == 0) {
        ret = mbedtls_x509write_crt_set_issuer_name(&crt, CERT_ISSUER);
    }
    if (ret == 0) {
        ret = mbedtls_x509write_crt_set_subject_name(&crt, CERT_ISSUER);
    }
    if (ret == 0) {
        ret = set_name(&crt, identifier);
    }
    if (ret == 0) {
        ret = set_proof(&crt, key_authorization);
    }
    if (ret == 0) {
        ret = mbedtls_x509write_crt_der(&crt, t->der, sizeof(t->der), mbedtls_psa_get_random,
                                        MBEDTLS_PSA_RANDOM_STATE);
    }
    mbedtls_x509write_crt_free(&crt);
    return ret;
}

/* mbedTLS asks about extensions that it does not know: ours is critical, and fine. */
static int on_extension(void *ctx, mbedtls_x509_crt const *crt, mbedtls_x509_buf const *oid,
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

static int32_t make_key(struct acme_tls_alpn *t)
{
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    psa_status_t status;

    psa_set_key_type(&attributes, PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1));
    psa_set_key_bits(&attributes, 256);
    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_SIGN_HASH | PSA_KEY_USAGE_SIGN_MESSAGE);
    psa_set_key_algorithm(&attributes, PSA_ALG_ECDSA(PSA_ALG_ANY_HASH));
    status = psa_generate_key(&attributes, &t->key_id);
    psa_reset_key_attributes(&attributes);
    if (status != PSA_SUCCESS) {
        t->key_id = PSA_KEY_ID_NULL;
        return status == PSA_ERROR_INSUFFICIENT_MEMORY ? ACME_ERR_TLS_MEMORY : ACME_ERR_CRYPTO;
    }
    return mbedtls_pk_setup_opaque(&t->key, t->key_id) == 0 ? ACME_OK : ACME_ERR_TLS_MEMORY;
}

int32_t acme_tls_alpn_make(struct acme_tls_alpn *t, const char *identifier,
                           const char *key_authorization)
{
    int32_t rc;
    int ret;

    if (t->key_authorization == key_authorization && t->identifier == identifier) {
        return ACME_OK;
    }
    acme_tls_alpn_clear(t);
    mbedtls_pk_init(&t->key);
    mbedtls_x509_crt_init(&t->crt);
    t->identifier = identifier; /* from here on there is something to clear */
    t->key_authorization = key_authorization;
    rc = make_key(t);
    if (rc == ACME_OK) {
        ret = write_certificate(t, identifier, key_authorization);
        if (ret > 0) {
            ret = mbedtls_x509_crt_parse_der_with_ext_cb(&t->crt, t->der + sizeof(t->der) - ret,
                                                         (size_t)ret, 0, on_extension, NULL);
        }
        if (ret != 0) {
            ACME_LOG(t->port, ACME_LOG_WARNING, "tls-alpn: mbedTLS error", NULL, ret);
            rc = ret == MBEDTLS_ERR_X509_ALLOC_FAILED || ret == MBEDTLS_ERR_ASN1_ALLOC_FAILED
                     ? ACME_ERR_TLS_MEMORY
                     : ACME_ERR_CRYPTO;
        }
    }
    if (rc != ACME_OK) {
        acme_tls_alpn_clear(t);
    }
    return rc;
}

static void drop(struct acme_tls_alpn *t, struct acme_tls_alpn_stream *s)
{
    ACME_ASSERT(s->state != STREAM_FREE);
    mbedtls_ssl_free(&s->ssl);
    t->port->net->close(t->port->net_ctx, s->handle);
    s->state = STREAM_FREE;
}

void acme_tls_alpn_clear(struct acme_tls_alpn *t)
{
    size_t i;

    if (t->identifier == NULL) {
        return;
    }
    for (i = 0; i < CONFIG_ACME_TLS_ALPN_STREAMS; i++) {
        if (t->streams[i].state != STREAM_FREE) { /* its handshake refers to the certificate */
            drop(t, &t->streams[i]);
        }
    }
    mbedtls_x509_crt_free(&t->crt);
    mbedtls_pk_free(&t->key);
    (void)psa_destroy_key(t->key_id);
    t->key_id = PSA_KEY_ID_NULL;
    t->identifier = t->key_authorization = NULL;
    t->served = 0;
}

bool acme_tls_alpn_is_for(const struct acme_tls_alpn *t, const unsigned char *name, size_t len)
{
    const char *want = t->identifier;
    char reverse[ACME_IPADDR_REVERSE];
    uint8_t bytes[16];
    int32_t address_len;

    if (want == NULL || name == NULL) {
        return false;
    }
    address_len = acme_ipaddr_identifier(want, bytes);
    if (address_len >
        0) { /* an address is asked for by its name in the reverse tree (RFC 8738 6) */
        struct acme_buf b;

        acme_buf_init(&b, reverse, sizeof(reverse));
        acme_ipaddr_add_reverse(&b, bytes, (size_t)address_len);
        want = reverse;
    }
    return acme_str_equal_nocase((const char *)name, len, want, strlen(want));
}

int acme_tls_alpn_choose(struct acme_tls_alpn *t, mbedtls_ssl_context *ssl)
{
    const char *protocol = mbedtls_ssl_get_alpn_protocol(ssl);
    const unsigned char *name;
    size_t len;

    ACME_ASSERT((t->identifier == NULL) == (t->key_authorization == NULL));
    if (protocol == NULL || strcmp(protocol, ACME_TLS_ALPN_PROTOCOL) != 0) {
        return ACME_TLS_ALPN_NOT_OURS;
    }
    name = mbedtls_ssl_get_hs_sni(ssl, &len);
    if (!acme_tls_alpn_is_for(t, name, len) ||
        mbedtls_ssl_set_hs_own_cert(ssl, &t->crt, &t->key) != 0) {
        return ACME_TLS_ALPN_REFUSE;
    }
    return ACME_TLS_ALPN_OURS;
}

/* ---- the responder ---- */

static int on_certificate(mbedtls_ssl_context *ssl)
{
    const mbedtls_ssl_config *config = mbedtls_ssl_context_get_config(ssl);
    struct acme_tls_alpn *t =
        mbedtls_ssl_conf_get_user_data_p((mbedtls_ssl_config *)(uintptr_t)config);

    return acme_tls_alpn_choose(t, ssl) == ACME_TLS_ALPN_OURS ? 0
                                                              : MBEDTLS_ERR_SSL_UNRECOGNIZED_NAME;
}

static int bio_send(void *ctx, const unsigned char *data, size_t len)
{
    struct acme_tls_alpn_stream *s = ctx;
    int32_t n = s->net->send(s->net_ctx, s->handle, data, len);

    return n == ACME_ERR_AGAIN ? MBEDTLS_ERR_SSL_WANT_WRITE
           : n <= 0            ? MBEDTLS_ERR_SSL_CONN_EOF
                               : (int)n;
}

static int bio_recv(void *ctx, unsigned char *data, size_t size)
{
    struct acme_tls_alpn_stream *s = ctx;
    int32_t n = s->net->recv(s->net_ctx, s->handle, data, size);

    s->heard = s->heard || n > 0;
    return n == ACME_ERR_AGAIN ? MBEDTLS_ERR_SSL_WANT_READ
           : n <= 0            ? MBEDTLS_ERR_SSL_CONN_EOF
                               : (int)n;
}

static int set_up_config(struct acme_tls_alpn *t)
{
    static const char *const alpn[] = {ACME_TLS_ALPN_PROTOCOL, NULL};
    int ret;

    mbedtls_ssl_config_init(&t->config);
    ret = mbedtls_ssl_config_defaults(&t->config, MBEDTLS_SSL_IS_SERVER,
                                      MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT);
    if (ret == 0) {
        ret = mbedtls_ssl_conf_alpn_protocols(&t->config, (const char **)(uintptr_t)alpn);
    }
    mbedtls_ssl_conf_rng(&t->config, mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE);
    mbedtls_ssl_conf_cert_cb(&t->config, on_certificate);
    mbedtls_ssl_conf_set_user_data_p(&t->config, t);
    return ret;
}

int32_t acme_tls_alpn_open(struct acme_tls_alpn *t, uint16_t port)
{
    acme_handle handle;

    if (t->listener != ACME_HANDLE_NONE) {
        return ACME_OK;
    }
    handle = t->port->net->listen(t->port->net_ctx, port);
    if (handle < 0) {
        return handle;
    }
    t->listener = handle;
    return set_up_config(t) == 0 ? ACME_OK : ACME_ERR_TLS_MEMORY;
}

/* Takes a connection that waits, and drops the one that the stream has had, if any. Whether there
 * may be more. */
static bool accept_one(struct acme_tls_alpn *t, struct acme_tls_alpn_stream *s, uint64_t now_ms)
{
    acme_handle handle = t->port->net->accept(t->port->net_ctx, t->listener);

    if (handle < 0) {
        return false;
    }
    if (s->state != STREAM_FREE) {
        drop(t, s);
    }
    s->handle = handle;
    s->heard = false;
    s->net = t->port->net;
    s->net_ctx = t->port->net_ctx;
    s->deadline_ms = now_ms + TIMEOUT_MS;
    s->state = STREAM_HANDSHAKE;
    mbedtls_ssl_init(&s->ssl);
    if (mbedtls_ssl_setup(&s->ssl, &t->config) != 0) {
        ACME_LOG(t->port, ACME_LOG_WARNING, "tls-alpn: no memory for a connection", NULL, 0);
        drop(t, s);
        return false;
    }
    mbedtls_ssl_set_bio(&s->ssl, s, bio_send, bio_recv, NULL);
    return true;
}

static bool must_wait(int ret)
{
    return ret == MBEDTLS_ERR_SSL_WANT_READ || ret == MBEDTLS_ERR_SSL_WANT_WRITE;
}

/* Whether there is more to do at once. */
static bool shake_hands(struct acme_tls_alpn *t, struct acme_tls_alpn_stream *s)
{
    int ret = 0, steps;

    for (steps = 0; steps < STEPS_MAX && ret == 0; steps++) {
        if (mbedtls_ssl_is_handshake_over(&s->ssl)) {
            t->served++;
            s->state = STREAM_CLOSE;
            return true;
        }
        ret = mbedtls_ssl_handshake_step(&s->ssl);
    }
    if (ret != 0 && !must_wait(ret)) {
        ACME_LOG(t->port, ACME_LOG_DEBUG, "tls-alpn: a handshake failed", NULL, ret);
        drop(t, s);
    }
    return ret == 0;
}

static void serve(struct acme_tls_alpn *t, struct acme_tls_alpn_stream *s, uint64_t now_ms)
{
    if (s->state == STREAM_HANDSHAKE) {
        t->more = shake_hands(t, s) || t->more;
    }
    if (s->state == STREAM_CLOSE && !must_wait(mbedtls_ssl_close_notify(&s->ssl))) {
        drop(t, s);
    }
    if (s->state != STREAM_FREE && now_ms > s->deadline_ms) {
        drop(t, s);
    }
}

/* A stream for a connection that waits: a free one, else the one that has been silent the longest.
 * Or NULL. */
static struct acme_tls_alpn_stream *find_room(struct acme_tls_alpn *t, uint64_t now_ms)
{
    struct acme_tls_alpn_stream *found = NULL;
    size_t i;

    for (i = 0; i < CONFIG_ACME_TLS_ALPN_STREAMS; i++) {
        struct acme_tls_alpn_stream *s = &t->streams[i];

        if (s->state == STREAM_FREE) {
            return s;
        }
        if (!s->heard && now_ms + TIMEOUT_MS - s->deadline_ms >= YIELD_MS &&
            (found == NULL || s->deadline_ms < found->deadline_ms)) {
            found = s;
        }
    }
    return found;
}

void acme_tls_alpn_poll(struct acme_tls_alpn *t, uint64_t now_ms)
{
    size_t i;

    t->more = false;
    if (t->listener == ACME_HANDLE_NONE || t->identifier == NULL) {
        return;
    }
    for (i = 0; i < CONFIG_ACME_TLS_ALPN_STREAMS; i++) {
        serve(t, &t->streams[i], now_ms);
    }
    /* As many may come in one call as there are streams: nobody can keep it busy. */
    for (i = 0; i < CONFIG_ACME_TLS_ALPN_STREAMS; i++) {
        struct acme_tls_alpn_stream *s = find_room(t, now_ms);

        if (s == NULL || !accept_one(t, s, now_ms)) {
            return;
        }
        serve(t, s, now_ms);
    }
}

void acme_tls_alpn_close(struct acme_tls_alpn *t)
{
    acme_tls_alpn_clear(t);
    if (t->listener != ACME_HANDLE_NONE) {
        t->port->net->unlisten(t->port->net_ctx, t->listener);
        t->listener = ACME_HANDLE_NONE;
        mbedtls_ssl_config_free(&t->config);
    }
}
#endif
