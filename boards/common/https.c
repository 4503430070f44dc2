/*
 * HTTPS over mbedTLS's server. It must not know the core beyond its public functions.
 */
#include "https.h"

#include <string.h>

#include <mbedtls/pk.h>
#include <mbedtls/psa_util.h>
#include <mbedtls/ssl.h>
#include <mbedtls/x509_crt.h>

#if defined(CONFIG_ACME_TLS_ALPN_01)
#include "acme/tls_alpn.h"
#endif
#include "board.h"

#define PORT         443
#define SLOT         0
#define TIMEOUT_MS   10000u
#define CERT_SIZE    CONFIG_ACME_CERT_SIZE_MAX
#define BUFFER_SIZE  (CERT_SIZE > 1536 ? CERT_SIZE : 1536)
#define REQUEST_SIZE 512

enum state { STATE_IDLE, STATE_HANDSHAKE, STATE_REQUEST, STATE_REPLY, STATE_CLOSE };

static struct {
    acme_client *client;
    const struct acme_port *port;
    https_page page;
    acme_handle listener, stream;
    enum state state;
    uint64_t deadline_ms;
    mbedtls_ssl_context ssl;
    mbedtls_ssl_config config;
    mbedtls_x509_crt chain;
    mbedtls_pk_context key;
    uint32_t key_id;
    size_t len, sent;
    char buffer[BUFFER_SIZE]; /* a certificate to parse, then the request, then the reply */
} s = {.listener = ACME_HANDLE_NONE, .stream = ACME_HANDLE_NONE};

/* ---- one connection ---- */

static int bio_send(void *ctx, const unsigned char *data, size_t len)
{
    int32_t n = s.port->net->send(s.port->net_ctx, s.stream, data, len);

    (void)ctx;
    return n == ACME_ERR_AGAIN ? MBEDTLS_ERR_SSL_WANT_WRITE
           : n < 0             ? MBEDTLS_ERR_SSL_CONN_EOF
                               : (int)n;
}

static int bio_recv(void *ctx, unsigned char *data, size_t size)
{
    int32_t n = s.port->net->recv(s.port->net_ctx, s.stream, data, size);

    (void)ctx;
    return n == ACME_ERR_AGAIN ? MBEDTLS_ERR_SSL_WANT_READ
           : n < 0             ? MBEDTLS_ERR_SSL_CONN_EOF
                               : (int)n;
}

/* From the moment that a chain is read until its key has signed, no new one takes its place. */
static void hold_certificate(bool held)
{
#if defined(CONFIG_ACME_CERT_HOLD)
    acme_cert_hold(s.client, held);
#else
    (void)held;
#endif
}

static void drop(void)
{
    hold_certificate(false);
    mbedtls_ssl_free(&s.ssl);
    mbedtls_ssl_config_free(&s.config);
    mbedtls_x509_crt_free(&s.chain);
    mbedtls_pk_free(&s.key);
    (void)psa_purge_key(s.key_id); /* its copy in RAM would split the pool */
    if (s.stream != ACME_HANDLE_NONE) {
        s.port->net->close(s.port->net_ctx, s.stream);
    }
    s.stream = ACME_HANDLE_NONE;
    s.state = STATE_IDLE;
}

static int load_chain(const struct acme_cert_status *status)
{
    for (uint8_t i = 0; i < status->chain_count; i++) {
        int32_t n = acme_cert_read(s.client, SLOT, i, (uint8_t *)s.buffer, sizeof(s.buffer));
        int ret;

        if (n < 0) {
            return (int)n;
        }
        ret = mbedtls_x509_crt_parse_der(&s.chain, (const uint8_t *)s.buffer, (size_t)n);
        if (ret != 0) {
            return ret;
        }
    }
    s.key_id = status->key_id;
    return mbedtls_pk_setup_opaque(&s.key, s.key_id);
}

/* tls-alpn-01 comes to this port, too: the client answers it, with a certificate of its own. */
#if defined(CONFIG_ACME_TLS_ALPN_01)
static int on_certificate(mbedtls_ssl_context *ssl)
{
    switch (acme_tls_alpn_select(s.client, ssl)) {
    case ACME_TLS_ALPN_OURS:
        return 0;
    case ACME_TLS_ALPN_NOT_OURS:
        return s.key_id != 0 ? 0 : MBEDTLS_ERR_SSL_NO_CLIENT_CERTIFICATE;
    default:
        return MBEDTLS_ERR_SSL_UNRECOGNIZED_NAME;
    }
}

static bool is_challenge_wanted(void)
{
    return acme_tls_alpn_is_wanted(s.client);
}

static bool was_challenge(void)
{
    const char *protocol = mbedtls_ssl_get_alpn_protocol(&s.ssl);

    return protocol != NULL && strcmp(protocol, ACME_TLS_ALPN_PROTOCOL) == 0;
}

static int set_up_challenge(void)
{
    static const char *const protocols[] = {ACME_TLS_ALPN_PROTOCOL, "http/1.1", NULL};

    mbedtls_ssl_conf_cert_cb(&s.config, on_certificate);
    return mbedtls_ssl_conf_alpn_protocols(&s.config, (const char **)(uintptr_t)protocols);
}
#else
static bool is_challenge_wanted(void)
{
    return false;
}

static bool was_challenge(void)
{
    return false;
}

static int set_up_challenge(void)
{
    return 0;
}
#endif

static int set_up_tls(const struct acme_cert_status *status)
{
    int ret = 0;

    mbedtls_ssl_init(&s.ssl);
    mbedtls_ssl_config_init(&s.config);
    mbedtls_x509_crt_init(&s.chain);
    mbedtls_pk_init(&s.key);
    s.key_id = 0;
    if (status->valid) {
        ret = load_chain(status);
    }
    if (ret == 0) {
        ret = mbedtls_ssl_config_defaults(&s.config, MBEDTLS_SSL_IS_SERVER,
                                          MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT);
    }
    if (ret == 0) {
        mbedtls_ssl_conf_rng(&s.config, mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE);
        ret = set_up_challenge();
    }
    if (ret == 0 && status->valid) {
        ret = mbedtls_ssl_conf_own_cert(&s.config, &s.chain, &s.key);
    }
    if (ret == 0) {
        ret = mbedtls_ssl_setup(&s.ssl, &s.config);
    }
    mbedtls_ssl_set_bio(&s.ssl, NULL, bio_send, bio_recv, NULL);
    return ret;
}

static void report(const char *what, int error)
{
    char line[64];
    struct text t;

    text_init(&t, line, sizeof(line));
    text_add(&t, "https: ");
    text_add(&t, what);
    text_add(&t, ", error ");
    text_add_number(&t, error);
    text_add(&t, "\r\n");
    board_write(line);
}

/* ---- states ---- */

static bool enter_idle(bool accept)
{
    struct acme_cert_status status;
    int ret;

    if (!accept) {
        return false;
    }
    s.stream = s.port->net->accept(s.port->net_ctx, s.listener);
    if (s.stream < 0) {
        s.stream = ACME_HANDLE_NONE;
        return false;
    }
    if (acme_cert_get_status(s.client, SLOT, &status) != ACME_OK ||
        (!status.valid && !is_challenge_wanted())) {
        s.port->net->close(s.port->net_ctx, s.stream);
        s.stream = ACME_HANDLE_NONE;
        return true;
    }
    s.deadline_ms = s.port->clock->uptime_ms(s.port->clock_ctx) + TIMEOUT_MS;
    s.len = s.sent = 0;
    s.state = STATE_HANDSHAKE;
    hold_certificate(true);
    ret = set_up_tls(&status);
    if (ret != 0) {
        report("cannot begin", ret);
        drop();
    }
    return true;
}

/* What mbedTLS says: true when the caller may go on. */
static bool is_done(int ret, const char *what)
{
    if (ret >= 0) {
        return true;
    }
    if (ret != MBEDTLS_ERR_SSL_WANT_READ && ret != MBEDTLS_ERR_SSL_WANT_WRITE) {
        if (ret != MBEDTLS_ERR_SSL_CONN_EOF && ret != MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY) {
            report(what, ret);
        }
        drop();
    }
    return false;
}

static bool do_handshake(void)
{
    /* One flight's message at a time: each may be a signature. */
    if (!is_done(mbedtls_ssl_handshake_step(&s.ssl), "handshake")) {
        return false;
    }
    if (mbedtls_ssl_is_handshake_over(&s.ssl)) {
        hold_certificate(false);
        s.state = was_challenge() ? STATE_CLOSE : STATE_REQUEST;
    }
    return true;
}

/* The request line's path, in place; NULL: not a GET. */
static const char *path_of(char *request)
{
    char *end;

    if (strncmp(request, "GET ", 4) != 0) {
        return NULL;
    }
    end = strchr(request + 4, ' ');
    if (end == NULL) {
        return NULL;
    }
    *end = '\0';
    return request + 4;
}

static void write_reply(void)
{
    static const char head[] = "HTTP/1.1 200 OK\r\nConnection: close\r\nCache-Control: no-store\r\n"
                               "Content-Type: ";
    static const char not_found[] = "HTTP/1.1 404 Not Found\r\nConnection: close\r\n"
                                    "Content-Length: 0\r\n\r\n";
    const char *path = path_of(s.buffer);
    struct text t;
    char kept[32];

    kept[0] = '\0';
    if (path != NULL && strlen(path) < sizeof(kept)) {
        strcpy(kept, path);
    }
    text_init(&t, s.buffer, sizeof(s.buffer));
    text_add(&t, head);
    text_add(&t, strstr(kept, ".json") != NULL ? "application/json" : "text/html");
    text_add(&t, "\r\n\r\n");
    if (!s.page(kept, &t)) {
        text_init(&t, s.buffer, sizeof(s.buffer));
        text_add(&t, not_found);
    }
    s.len = t.len;
    s.sent = 0;
    s.state = STATE_REPLY;
}

static bool do_request(void)
{
    int ret = mbedtls_ssl_read(&s.ssl, (unsigned char *)s.buffer + s.len, REQUEST_SIZE - 1 - s.len);

    if (!is_done(ret, "request")) {
        return false;
    }
    s.len += (size_t)ret;
    s.buffer[s.len] = '\0';
    if (ret == 0) {
        drop();
    } else if (strstr(s.buffer, "\r\n\r\n") != NULL || s.len == REQUEST_SIZE - 1) {
        write_reply();
    }
    return true;
}

static bool do_reply(void)
{
    int ret = mbedtls_ssl_write(&s.ssl, (const unsigned char *)s.buffer + s.sent, s.len - s.sent);

    if (!is_done(ret, "reply")) {
        return false;
    }
    s.sent += (size_t)ret;
    if (s.sent == s.len) {
        s.state = STATE_CLOSE;
    }
    return true;
}

static bool do_close(void)
{
    if (is_done(mbedtls_ssl_close_notify(&s.ssl), "close")) {
        drop();
        return true;
    }
    return s.state == STATE_IDLE;
}

/* ---- */

void https_init(acme_client *client, const struct acme_port *port, https_page page)
{
    s.client = client;
    s.port = port;
    s.page = page;
    s.listener = port->net->listen(port->net_ctx, PORT);
    if (s.listener < 0) {
        board_panic("cannot listen on port 443");
    }
}

bool https_is_busy(void)
{
    return s.state != STATE_IDLE;
}

bool https_poll(bool accept)
{
    if (https_is_busy() && s.port->clock->uptime_ms(s.port->clock_ctx) > s.deadline_ms) {
        drop();
    }
    switch (s.state) {
    case STATE_HANDSHAKE:
        return do_handshake();
    case STATE_REQUEST:
        return do_request();
    case STATE_REPLY:
        return do_reply();
    case STATE_CLOSE:
        return do_close();
    default:
        return enter_idle(accept);
    }
}
