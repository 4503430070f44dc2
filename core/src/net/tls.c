/*
 * mbedTLS over a stream. It must not know what is said inside.
 */
#include "net/tls.h"

#include <string.h>

#include <mbedtls/ecp.h>
#include <mbedtls/oid.h>
#include <mbedtls/psa_util.h>

#include "base/assert.h"
#include "base/log.h"
#include "net/constraints.h"
#include "net/requirements.h"
#include "net/tls_buffer.h"
#include "net/x509.h"

static int bio_send(void *ctx, const unsigned char *data, size_t len)
{
    struct acme_tls *t = ctx;
    int32_t n = t->port->net->send(t->port->net_ctx, t->stream, data, len);

    if (n > 0) {
        return (int)n;
    }
    t->net_error = n < 0 ? n : ACME_ERR_NET;
    return n == ACME_ERR_AGAIN ? MBEDTLS_ERR_SSL_WANT_WRITE : MBEDTLS_ERR_SSL_CONN_EOF;
}

static int bio_recv(void *ctx, unsigned char *data, size_t size)
{
    struct acme_tls *t = ctx;
    int32_t n = t->port->net->recv(t->port->net_ctx, t->stream, data, size);

    if (n > 0) {
        return (int)n;
    }
    t->net_error = n < 0 ? n : ACME_ERR_NET;
    return n == ACME_ERR_AGAIN ? MBEDTLS_ERR_SSL_WANT_READ : MBEDTLS_ERR_SSL_CONN_EOF;
}

#if defined(CONFIG_ACME_PINNING)
static bool is_pinned(const struct acme_tls *t, const mbedtls_x509_crt *crt)
{
    uint8_t hash[32];
    size_t len;
    uint16_t i;

    if (psa_hash_compute(PSA_ALG_SHA_256, crt->pk_raw.p, crt->pk_raw.len, hash, sizeof(hash),
                         &len) != PSA_SUCCESS) {
        return false;
    }
    for (i = 0; i < t->pins_count; i++) {
        if (memcmp(hash, t->pins[i].sha256, sizeof(hash)) == 0) {
            return true;
        }
    }
    return false;
}

/* The chain comes from its root down; the server's own certificate, depth 0, is the last. */
static uint32_t check_pins(struct acme_tls *t, const mbedtls_x509_crt *crt, int depth)
{
    t->pinned = t->pinned || is_pinned(t, crt);
    return depth == 0 && t->pins_count > 0 && !t->pinned ? MBEDTLS_X509_BADCERT_OTHER : 0;
}

static void forget_pins_seen(struct acme_tls *t)
{
    t->pinned = false;
}
#else
static uint32_t check_pins(struct acme_tls *t, const mbedtls_x509_crt *crt, int depth)
{
    (void)t;
    (void)crt;
    (void)depth;
    return 0;
}

static void forget_pins_seen(struct acme_tls *t)
{
    (void)t;
}
#endif

#if defined(MBEDTLS_SSL_ALPN)
/* Some servers speak HTTP/2 with whoever does not say which protocol it wants. */
static int32_t ask_for_http(struct acme_tls *t)
{
    static const char *const protocols[] = {"http/1.1", NULL};

    return mbedtls_ssl_conf_alpn_protocols(&t->config, (const char **)(uintptr_t)protocols) == 0
               ? ACME_OK
               : ACME_ERR_TLS;
}
#else
static int32_t ask_for_http(struct acme_tls *t)
{
    (void)t;
    return ACME_OK;
}
#endif

/* How a server is called stands in its subject alternative names, and never in its common name
 * (RFC 9525), which mbedTLS still takes. An address is compared here, for mbedTLS was not told. */
static uint32_t check_host(const struct acme_tls *t, const mbedtls_x509_crt *server)
{
    const mbedtls_x509_sequence *san = &server->subject_alt_names;

    if (!mbedtls_x509_crt_has_ext_type(server, MBEDTLS_X509_EXT_SUBJECT_ALT_NAME)) {
        return MBEDTLS_X509_BADCERT_CN_MISMATCH;
    }
    for (; san != NULL && t->address_len > 0; san = san->next) {
        if ((san->buf.tag & MBEDTLS_ASN1_TAG_VALUE_MASK) == MBEDTLS_X509_SAN_IP_ADDRESS &&
            san->buf.len == t->address_len && memcmp(san->buf.p, t->address, san->buf.len) == 0) {
            return 0;
        }
    }
    return t->address_len > 0 ? MBEDTLS_X509_BADCERT_CN_MISMATCH : 0;
}

/* Where the issuers that the server sent are constrained to some names, its own are among them. */
static uint32_t check_constraints(const mbedtls_x509_crt *server)
{
    const mbedtls_x509_crt *issuer;

    for (issuer = server->next; issuer != NULL; issuer = issuer->next) {
        if (!acme_constraints_allow(issuer, server)) {
            return MBEDTLS_X509_BADCERT_OTHER;
        }
    }
    return 0;
}

/* mbedTLS says "not trusted" of a signature that it could not check for want of memory, too. */
static int32_t flags_error(struct acme_tls *t, const mbedtls_x509_crt *crt, int depth,
                           uint32_t flags)
{
    if ((flags & (MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE)) != 0) {
        return ACME_ERR_TLS_DATES;
    }
    return (flags & MBEDTLS_X509_BADCERT_NOT_TRUSTED) != 0 &&
                   acme_trust_lacked_memory(&t->trust, crt, depth)
               ? ACME_ERR_TLS_MEMORY
               : ACME_ERR_TLS_VERIFY;
}

/* mbedTLS is built without a clock: dates are held against the trusted one here. Without a wall
 * clock only what is expired for sure is refused. */
static int verify(void *ctx, mbedtls_x509_crt *crt, int depth, uint32_t *flags)
{
    struct acme_tls *t = ctx;

    *flags |= acme_x509_bad_dates(t->clock, crt, 0, &t->chain);
    *flags |= check_pins(t, crt, depth);
    *flags |= depth == 0 ? check_host(t, crt) | check_constraints(crt) : 0;
    if (*flags != 0) {
        if (t->verify_error != ACME_ERR_TLS_MEMORY) {
            t->verify_error = flags_error(t, crt, depth, *flags);
        }
        ACME_LOG(t->port, ACME_LOG_WARNING, "tls: certificate refused, MBEDTLS_X509_BADCERT flags",
                 depth == 0 ? "of the server" : "of an issuer", (int32_t)*flags);
    }
    return 0;
}

static int32_t to_error(struct acme_tls *t, int ret)
{
    if (ret == MBEDTLS_ERR_SSL_WANT_READ || ret == MBEDTLS_ERR_SSL_WANT_WRITE) {
        return ACME_ERR_AGAIN;
    }
    if (ret == MBEDTLS_ERR_SSL_CONN_EOF) {
        return t->net_error != ACME_OK ? t->net_error : ACME_ERR_TLS;
    }
    if (ret == 0 || ret == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY) {
        t->goodbye = ret != 0;
        return ACME_ERR_CLOSED;
    }
    ACME_LOG(t->port, ACME_LOG_WARNING, "tls: mbedTLS error", NULL, ret);
    if (t->trust.failed != ACME_OK) { /* and that is all which mbedTLS was told */
        return t->trust.failed;
    }
    /* The latter: what its key may be used for is something else. */
    if (ret == MBEDTLS_ERR_X509_CERT_VERIFY_FAILED || ret == MBEDTLS_ERR_SSL_BAD_CERTIFICATE) {
        return t->verify_error;
    }
    return acme_x509_error(ret, ACME_ERR_TLS);
}

#if defined(MBEDTLS_ECP_RESTARTABLE)
/* How far mbedTLS goes with the check of a signature in one step of a TLS 1.2 handshake: for PSA
 * Crypto has no such function, this one sets it before the client has signed anything. */
static void divide_checks(void)
{
    mbedtls_ecp_set_max_ops(CONFIG_ACME_ECC_MAX_OPS);
}
#else
static void divide_checks(void)
{
}
#endif

int32_t acme_tls_init(struct acme_tls *t, const struct acme_port *port,
                      const struct acme_clock *clock, const struct acme_trust_anchor *anchors,
                      size_t count)
{
    int32_t rc;

    memset(t, 0, sizeof(*t));
    t->port = port;
    t->clock = clock;
    t->stream = ACME_HANDLE_NONE;
    mbedtls_ssl_config_init(&t->config);
    mbedtls_ssl_init(&t->ssl);
    rc = acme_trust_init(&t->trust, port, clock, anchors, count);
    if (rc != ACME_OK) {
        return rc;
    }
    if (mbedtls_ssl_config_defaults(&t->config, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM,
                                    MBEDTLS_SSL_PRESET_DEFAULT) != 0) {
        return ACME_ERR_TLS;
    }
    divide_checks();
    mbedtls_ssl_conf_authmode(&t->config, MBEDTLS_SSL_VERIFY_REQUIRED);
    acme_trust_use(&t->trust, &t->config);
    mbedtls_ssl_conf_verify(&t->config, verify, t);
    mbedtls_ssl_conf_rng(&t->config, mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE);
    acme_session_init(&t->session, &t->config);
    return ask_for_http(t);
}

void acme_tls_free(struct acme_tls *t)
{
    acme_tls_close(t);
    acme_session_free(&t->session);
    mbedtls_ssl_config_free(&t->config);
    acme_trust_free(&t->trust);
}

int32_t acme_tls_start(struct acme_tls *t, acme_handle stream, const char *host)
{
    int ret;

    t->stream = stream;
    t->goodbye = false;
    t->net_error = ACME_ERR_CLOSED;
    t->verify_error = ACME_ERR_TLS_VERIFY;
    t->trust.failed = ACME_OK;
    t->chain = (struct acme_span){0, INT64_MAX};
    forget_pins_seen(t);
    t->address_len = (uint8_t)mbedtls_x509_crt_parse_cn_inet_pton(host, t->address);
    mbedtls_ssl_init(&t->ssl);
    ret = acme_tls_buffer_setup(&t->ssl, &t->config, &t->in_full);
    if (ret == 0) { /* an address must not be sent as a server's name (RFC 6066 3) */
        ret = mbedtls_ssl_set_hostname(&t->ssl, t->address_len > 0 ? NULL : host);
    }
    if (ret != 0) {
        acme_tls_close(t);
        return to_error(t, ret);
    }
    mbedtls_ssl_set_bio(&t->ssl, t, bio_send, bio_recv, NULL);
    acme_session_offer(&t->session, &t->ssl, t->clock);
    return ACME_OK;
}

/* Without a certificate that was verified, now or when the session began, there is no server. */
static int32_t settle(struct acme_tls *t)
{
    return acme_session_settle(&t->session, &t->ssl, t->clock, &t->chain) ? ACME_OK
                                                                          : ACME_ERR_TLS_VERIFY;
}

/* What mbedTLS says of a record that is larger than the buffer is now is no error: it is read again
 * into a larger one. */
static int32_t make_room(struct acme_tls *t, int ret)
{
    int32_t rc = ACME_ERR_TLS;

    if (ret == MBEDTLS_ERR_SSL_BAD_INPUT_DATA) {
        rc = acme_tls_buffer_grow(&t->ssl, t->in_full);
    }
    return rc == ACME_ERR_TLS ? to_error(t, ret) : rc;
}

int32_t acme_tls_handshake(struct acme_tls *t)
{
    int32_t rc;
    int ret;

    ACME_ASSERT(acme_tls_is_open(t));
    rc = t->port->net->connected(t->port->net_ctx, t->stream);
    if (rc != ACME_OK) {
        return rc;
    }
    acme_session_use(&t->session);
    /* Step by step, for each costs an elliptic curve's computation or two. */
    ret = mbedtls_ssl_handshake_step(&t->ssl);
    if (ret == MBEDTLS_ERR_SSL_CRYPTO_IN_PROGRESS) {
        return ACME_TLS_MORE;
    }
    if (ret != 0) {
        rc = make_room(t, ret);
        return rc == ACME_OK ? ACME_TLS_MORE : rc;
    }
    if (!mbedtls_ssl_is_handshake_over(&t->ssl)) {
        return ACME_TLS_MORE;
    }
    rc = acme_tls_buffer_settle(&t->ssl, t->in_full);
    return rc == ACME_OK ? settle(t) : rc;
}

int32_t acme_tls_send(struct acme_tls *t, const uint8_t *data, size_t len)
{
    int ret;

    ACME_ASSERT(acme_tls_is_open(t));
    ret = mbedtls_ssl_write(&t->ssl, data, len < ACME_TLS_OUT_LEN ? len : ACME_TLS_OUT_LEN);
    return ret > 0 ? (int32_t)ret : to_error(t, ret);
}

/* mbedTLS wants to be called again with what it has: it has seen a ticket, and reads it then. The
 * port was not asked, so nobody would wake the client for what has come already. */
static bool has_more(const struct acme_tls *t, int ret)
{
    return ret == MBEDTLS_ERR_SSL_WANT_READ && t->net_error == ACME_OK;
}

int32_t acme_tls_recv(struct acme_tls *t, uint8_t *data, size_t size)
{
    int ret, rounds = 0;
    int32_t rc;

    ACME_ASSERT(acme_tls_is_open(t));
    /* TLS 1.3 tickets come between records. */
    do {
        t->net_error = ACME_OK;
        ret = mbedtls_ssl_read(&t->ssl, data, size);
        if (ret == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET) {
            acme_session_keep(&t->session, &t->ssl, t->clock);
            rc = ACME_OK;
        } else if (has_more(t, ret)) {
            rc = ACME_OK;
        } else {
            rc = ret > 0 ? (int32_t)ret : make_room(t, ret);
        }
    } while (rc == ACME_OK && ++rounds < 16);
    return rc == ACME_OK ? ACME_ERR_TLS : rc; /* nobody needs that many */
}

int32_t acme_tls_rest(struct acme_tls *t, bool rests)
{
    return rests ? acme_tls_buffer_rest(&t->ssl) : acme_tls_buffer_settle(&t->ssl, t->in_full);
}

void acme_tls_close(struct acme_tls *t)
{
    if (t->stream == ACME_HANDLE_NONE) {
        return;
    }
    (void)mbedtls_ssl_close_notify(&t->ssl);
    mbedtls_ssl_free(&t->ssl);
    t->port->net->close(t->port->net_ctx, t->stream);
    t->stream = ACME_HANDLE_NONE;
}

bool acme_tls_is_open(const struct acme_tls *t)
{
    return t->stream != ACME_HANDLE_NONE;
}
