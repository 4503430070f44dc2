/*
 * HTTPS over mbedTLS's server. It must not know the core beyond its public functions.
 */
#include "https.h"

#include <string.h>

#include <mbedtls/platform.h>
#include <mbedtls/psa_util.h>
#include <mbedtls/ssl.h>

#include "acme/mbedtls.h"
#if defined(CONFIG_ACME_TLS_ALPN_01)
#include "acme/tls_alpn.h"
#endif
#include "board.h"

#define SLOT         0
#define TIMEOUT_MS   10000u /* for all of a connection */
#define STALLED_MS   3000u  /* that the peer may keep its next bytes back */
#define SILENT_MS    100u   /* then who has said nothing goes when another comes */
#define CERT_SIZE    CONFIG_ACME_CERT_SIZE_MAX
#define BUFFER_SIZE  1536
#define REQUEST_SIZE 512

/* SILENT: nothing was said yet, and no memory is spent. */
enum state { STATE_IDLE, STATE_SILENT, STATE_HANDSHAKE, STATE_REQUEST, STATE_REPLY, STATE_CLOSE };

static struct {
    acme_client *client;
    const struct acme_port *port;
    https_page page;
    acme_handle listener, stream;
    enum state state;
    uint64_t deadline_ms;
    uint64_t since_ms; /* when it was accepted; then, since when the peer lets wait */
    bool stalled;      /* it does */
    bool answered;     /* something was sent */
    bool has_first;
    uint8_t first; /* the first byte, taken before TLS began */
    mbedtls_ssl_context ssl;
    mbedtls_ssl_config config;
    struct acme_mbedtls_cert cert;
    size_t len, sent;
    char *buffer; /* of mbedTLS's memory: for a certificate to parse; for request and reply */
} s;              /* zeros: an initial value would lie in flash as well */

/* ---- one connection ---- */

static uint64_t now_ms(void)
{
    return s.port->clock->uptime_ms(s.port->clock_ctx);
}

/* What mbedTLS is told, and since when the peer lets wait: the device's own work does not count. */
static int moved(int32_t n, int wait)
{
    if (n == ACME_ERR_AGAIN && !s.stalled) {
        s.since_ms = now_ms();
    }
    s.stalled = n == ACME_ERR_AGAIN;
    return s.stalled ? wait : n < 0 ? MBEDTLS_ERR_SSL_CONN_EOF : (int)n;
}

static int bio_send(void *ctx, const unsigned char *data, size_t len)
{
    (void)ctx;
    s.answered = true;
    return moved(s.port->net->send(s.port->net_ctx, s.stream, data, len),
                 MBEDTLS_ERR_SSL_WANT_WRITE);
}

static int bio_recv(void *ctx, unsigned char *data, size_t size)
{
    (void)ctx;
    if (s.has_first) {
        s.has_first = false;
        *data = s.first;
        return 1;
    }
    return moved(s.port->net->recv(s.port->net_ctx, s.stream, data, size),
                 MBEDTLS_ERR_SSL_WANT_READ);
}

static void drop(void)
{
    mbedtls_ssl_free(&s.ssl);
    mbedtls_ssl_config_free(&s.config);
    acme_mbedtls_free(&s.cert);
    mbedtls_free(s.buffer);
    s.buffer = NULL;
    if (s.stream != ACME_HANDLE_NONE) {
        s.port->net->close(s.port->net_ctx, s.stream);
    }
    s.stream = ACME_HANDLE_NONE;
    s.state = STATE_IDLE;
}

/* tls-alpn-01 comes to this port, too: the client answers it, with a certificate of its own. */
#if defined(CONFIG_ACME_TLS_ALPN_01)
static int on_certificate(mbedtls_ssl_context *ssl)
{
    switch (acme_tls_alpn_select(s.client, ssl)) {
    case ACME_TLS_ALPN_OURS:
        return 0;
    case ACME_TLS_ALPN_NOT_OURS:
        return s.cert.key_id != 0 ? 0 : MBEDTLS_ERR_SSL_NO_CLIENT_CERTIFICATE;
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

/* The chain and the key that are stored now. Without them only the CA's look is served. */
static int use_certificate(void)
{
    char *der = mbedtls_calloc(1, CERT_SIZE);
    int32_t rc = MBEDTLS_ERR_SSL_ALLOC_FAILED;

    if (der != NULL) {
        acme_mbedtls_init(&s.cert, der, CERT_SIZE);
        rc = acme_mbedtls_use(s.client, SLOT, &s.cert, &s.config);
        mbedtls_free(der);
    }
    return rc == ACME_ERR_CERT_NONE && is_challenge_wanted() ? 0 : (int)rc;
}

/* TLS's buffers first: what mbedTLS makes of them at the start is larger than what stays, and the
 * chain takes the place that is free then. */
static int set_up_tls(void)
{
    int ret;

    mbedtls_ssl_init(&s.ssl);
    mbedtls_ssl_config_init(&s.config);
    acme_mbedtls_init(&s.cert, NULL, 0);
    ret = mbedtls_ssl_config_defaults(&s.config, MBEDTLS_SSL_IS_SERVER,
                                      MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT);
    if (ret == 0) {
        mbedtls_ssl_conf_rng(&s.config, mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE);
        ret = set_up_challenge();
    }
    if (ret == 0) {
        ret = acme_mbedtls_setup_server(&s.ssl, &s.config);
    }
    if (ret == 0) {
        ret = use_certificate();
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

static void begin(void)
{
    int ret;

    s.has_first = true;
    s.stalled = s.answered = false;
    s.len = s.sent = 0;
    s.state = STATE_HANDSHAKE;
    ret = set_up_tls();
    if (ret != 0) {
        if (ret != ACME_ERR_CERT_NONE) { /* who comes before there is a certificate has to go */
            report("cannot begin", ret);
        }
        drop();
    }
}

/* The next caller, in place of the one that has said nothing, if any. */
static bool take_caller(void)
{
    acme_handle stream = s.port->net->accept(s.port->net_ctx, s.listener);

    if (stream < 0) {
        return false;
    }
    if (s.state == STATE_SILENT) {
        drop();
    }
    s.stream = stream;
    s.since_ms = now_ms();
    s.deadline_ms = s.since_ms + TIMEOUT_MS;
    s.state = STATE_SILENT;
    return true;
}

static bool hear_caller(void)
{
    int32_t n = s.port->net->recv(s.port->net_ctx, s.stream, &s.first, 1);

    if (n == ACME_ERR_AGAIN) {
        return now_ms() - s.since_ms >= SILENT_MS && take_caller();
    }
    if (n < 0) {
        drop();
    } else {
        begin();
    }
    return true;
}

/* mbedTLS is silent about what is no TLS at all; then the stream's end would be, too. */
static void refuse(void)
{
    if (!s.answered) {
        (void)mbedtls_ssl_send_alert_message(&s.ssl, MBEDTLS_SSL_ALERT_LEVEL_FATAL,
                                             MBEDTLS_SSL_ALERT_MSG_UNEXPECTED_MESSAGE);
    }
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
            refuse();
        }
        drop();
    }
    return false;
}

/* What the handshake took is free now. */
static bool expect_request(void)
{
    s.state = was_challenge() ? STATE_CLOSE : STATE_REQUEST;
    s.buffer = mbedtls_calloc(1, BUFFER_SIZE);
    return is_done(s.buffer != NULL ? 0 : MBEDTLS_ERR_SSL_ALLOC_FAILED, "request");
}

static bool do_handshake(void)
{
    /* One flight's message at a time: each may be a signature. */
    if (!is_done(acme_mbedtls_handshake_step(&s.cert, &s.ssl), "handshake")) {
        return false;
    }
    if (mbedtls_ssl_is_handshake_over(&s.ssl)) {
        acme_mbedtls_handshake_over(&s.cert);
        return expect_request();
    }
    return true;
}

static bool ends_with(const char *text, size_t len, const char *end)
{
    size_t n = strlen(end);

    return len >= n && memcmp(text + len - n, end, n) == 0;
}

/* A search without strstr, which is a kilobyte in newlib. */
static bool has_head(void)
{
    size_t len = 0;

    while (len < s.len && !ends_with(s.buffer, len, "\r\n\r\n")) {
        len++;
    }
    return ends_with(s.buffer, len, "\r\n\r\n");
}

/* The request line's path, in place; NULL: not a GET. */
static const char *path_of(char *request)
{
    char *end;

    if (memcmp(request, "GET ", 4) != 0) {
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
    size_t len = path == NULL ? 0 : strlen(path);
    struct text t;
    char kept[32] = "";

    if (len > 0 && len < sizeof(kept)) {
        memcpy(kept, path, len);
        kept[len] = '\0';
    }
    len = strlen(kept);
    text_init(&t, s.buffer, BUFFER_SIZE);
    text_add(&t, head);
    text_add(&t, ends_with(kept, len, ".json") ? "application/json" : "text/html");
    text_add(&t, "\r\n\r\n");
    if (!s.page(kept, &t)) {
        text_init(&t, s.buffer, BUFFER_SIZE);
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
    } else if (has_head() || s.len == REQUEST_SIZE - 1) {
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
    s.stream = ACME_HANDLE_NONE;
    s.listener = port->net->listen(port->net_ctx, HTTPS_PORT);
    if (s.listener < 0) {
        board_panic("cannot listen on port 443");
    }
}

bool https_is_busy(void)
{
    return s.state > STATE_SILENT;
}

static bool is_late(void)
{
    return now_ms() > s.deadline_ms ||
           (https_is_busy() && s.stalled && now_ms() - s.since_ms > STALLED_MS);
}

bool https_poll(bool accept)
{
    if (s.state != STATE_IDLE && is_late()) {
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
    case STATE_SILENT:
        return accept && hear_caller();
    default:
        return accept && take_caller();
    }
}
