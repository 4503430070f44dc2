/*
 * An HTTPS server that is its own proof: it answers tls-alpn-01 (RFC 8737) on the port where it
 * serves, gets its certificate so, and serves with the stored chain and the key that never leaves
 * PSA Crypto. One connection at a time, none of it blocking; boards/common/https.c is the same for
 * a device.
 *
 * usage: tls_server DIRECTORY_URL CA_ROOT.der STORE NAME TLS_PORT
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mbedtls/psa_util.h>
#include <mbedtls/ssl.h>

#include "acme/mbedtls.h"
#include "acme/tls_alpn.h"
#include "acme_posix.h"

#define SLOT       0
#define TIMEOUT_MS 10000u
#define TICK_MS    100u
#define RETRY_MS   (CONFIG_ACME_RETRY_MIN_S * UINT64_C(1000))

static struct acme_posix_net net;
static struct acme_posix_flash flash;
static _Alignas(8) uint8_t memory[ACME_MEMORY_SIZE];
static uint8_t root[4096];
static acme_client *client;

static const struct acme_port port = {
    .net = &acme_posix_net_ops,
    .net_ctx = &net,
    .clock = &acme_posix_clock_ops,
    .entropy = &acme_posix_entropy_ops,
    .flash = &acme_posix_flash_ops,
    .flash_ctx = &flash,
};

/* ---- one connection ---- */

static const char page[] =
    "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 6\r\n\r\nhello\n";

static struct {
    acme_handle stream;
    uint64_t deadline_ms;
    size_t sent;
    mbedtls_ssl_context ssl;
    mbedtls_ssl_config config;
    struct acme_mbedtls_cert cert;
} s = {.stream = ACME_HANDLE_NONE};

static int to_mbedtls(int32_t n, int wait)
{
    return n == ACME_ERR_AGAIN ? wait : n < 0 ? MBEDTLS_ERR_SSL_CONN_EOF : (int)n;
}

static int bio_send(void *ctx, const unsigned char *data, size_t len)
{
    (void)ctx;
    return to_mbedtls(port.net->send(port.net_ctx, s.stream, data, len),
                      MBEDTLS_ERR_SSL_WANT_WRITE);
}

static int bio_recv(void *ctx, unsigned char *data, size_t size)
{
    (void)ctx;
    return to_mbedtls(port.net->recv(port.net_ctx, s.stream, data, size),
                      MBEDTLS_ERR_SSL_WANT_READ);
}

/* The client has a certificate of its own for the CA's look; everybody else gets ours. */
static int on_certificate(mbedtls_ssl_context *ssl)
{
    switch (acme_tls_alpn_select(client, ssl)) {
    case ACME_TLS_ALPN_OURS:
        return 0;
    case ACME_TLS_ALPN_NOT_OURS:
        return s.cert.key_id != 0 ? 0 : MBEDTLS_ERR_SSL_NO_CLIENT_CERTIFICATE;
    default:
        return MBEDTLS_ERR_SSL_UNRECOGNIZED_NAME;
    }
}

static void drop(void)
{
    mbedtls_ssl_free(&s.ssl);
    mbedtls_ssl_config_free(&s.config);
    acme_mbedtls_free(&s.cert);
    port.net->close(port.net_ctx, s.stream);
    s.stream = ACME_HANDLE_NONE;
}

/* The certificate is looked up for each connection: a renewed one serves the next. */
static void begin(acme_handle stream)
{
    static const char *protocols[] = {ACME_TLS_ALPN_PROTOCOL, "http/1.1", NULL};
    static uint8_t der[CONFIG_ACME_CERT_SIZE_MAX];
    int ret;

    s.stream = stream;
    s.deadline_ms = port.clock->uptime_ms(NULL) + TIMEOUT_MS;
    s.sent = 0;
    mbedtls_ssl_init(&s.ssl);
    mbedtls_ssl_config_init(&s.config);
    acme_mbedtls_init(&s.cert, der, sizeof(der));
    ret = mbedtls_ssl_config_defaults(&s.config, MBEDTLS_SSL_IS_SERVER,
                                      MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT);
    mbedtls_ssl_conf_rng(&s.config, mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE);
    mbedtls_ssl_conf_cert_cb(&s.config, on_certificate);
    if (ret == 0) {
        ret = mbedtls_ssl_conf_alpn_protocols(&s.config, protocols);
    }
    if (ret == 0) {
        int32_t rc = acme_mbedtls_use(client, SLOT, &s.cert, &s.config);

        ret = rc == ACME_ERR_CERT_NONE ? 0 : (int)rc; /* the first one comes over this port */
    }
    if (ret == 0) {
        ret = mbedtls_ssl_setup(&s.ssl, &s.config);
    }
    if (ret != 0) {
        drop();
        return;
    }
    mbedtls_ssl_set_bio(&s.ssl, NULL, bio_send, bio_recv, NULL);
}

static bool was_challenge(void)
{
    const char *protocol = mbedtls_ssl_get_alpn_protocol(&s.ssl);

    return protocol != NULL && strcmp(protocol, ACME_TLS_ALPN_PROTOCOL) == 0;
}

/* What mbedTLS says after a step: that it waits, an error, or 0 when the connection is done with.
 */
static int step(void)
{
    unsigned char request[512];
    int ret = 0;

    if (!mbedtls_ssl_is_handshake_over(&s.ssl)) {
        ret = mbedtls_ssl_handshake(&s.ssl);
        if (ret != 0 || was_challenge()) {
            return ret; /* RFC 8737 section 3: nothing follows the handshake */
        }
        acme_mbedtls_handshake_over(&s.cert);
    }
    if (s.sent == 0) {
        ret = mbedtls_ssl_read(&s.ssl, request, sizeof(request)); /* whatever it asks for */
    }
    while (ret >= 0 && s.sent < sizeof(page) - 1) {
        ret = mbedtls_ssl_write(&s.ssl, (const unsigned char *)page + s.sent,
                                sizeof(page) - 1 - s.sent);
        s.sent += ret > 0 ? (size_t)ret : 0;
    }
    return ret < 0 ? ret : mbedtls_ssl_close_notify(&s.ssl);
}

static void serve(acme_handle listener)
{
    if (s.stream == ACME_HANDLE_NONE) {
        acme_handle stream = port.net->accept(port.net_ctx, listener);

        if (stream < 0) {
            return;
        }
        begin(stream);
    }
    if (s.stream != ACME_HANDLE_NONE) {
        int ret = step();
        bool waits = ret == MBEDTLS_ERR_SSL_WANT_READ || ret == MBEDTLS_ERR_SSL_WANT_WRITE;

        if (!waits || port.clock->uptime_ms(NULL) > s.deadline_ms) {
            drop();
        }
    }
}

/* ---- the loop ---- */

static size_t load(const char *path, uint8_t *data, size_t size)
{
    FILE *f = fopen(path, "rb");
    size_t len = f != NULL ? fread(data, 1, size, f) : 0;

    if (f != NULL) {
        (void)fclose(f);
    }
    return len;
}

static _Noreturn void run(acme_handle listener)
{
    uint64_t start_at = 0;
    bool working = false;

    for (;;) {
        struct acme_poll_result result = {.want = ACME_WANT_EVENT, .wait_ms = TICK_MS};
        uint64_t now = port.clock->uptime_ms(NULL);

        if (!working && now >= start_at) {
            start_at = now + RETRY_MS;
            working = acme_start_due(client) == ACME_OK;
        }
        if (working) {
            working = acme_poll(client, &result) != ACME_WANT_IDLE;
            if (!working) {
                (void)printf("client: %s\n", acme_error_name(result.error));
                (void)fflush(stdout);
            }
        }
        serve(listener);
        if (result.want != ACME_WANT_NOW) {
            acme_posix_net_wait(&net, result.wait_ms < TICK_MS ? result.wait_ms : TICK_MS);
        }
    }
}

int main(int argc, char **argv)
{
    const struct acme_flash_geometry geometry = {4096, 16, 8};
    struct acme_trust_anchor anchor = {root, 0};
    struct acme_cert_request request = {.names_count = 1};
    struct acme_config config = {.port = &port,
                                 .anchors = &anchor,
                                 .anchors_count = 1,
                                 .certs = &request,
                                 .certs_count = 1,
                                 .challenges = {ACME_CHALLENGE_TLS_ALPN_01},
                                 .tls_shared = true, /* we answer, on our port */
                                 .tos_agreed = true};
    acme_handle listener;

    if (argc != 6) {
        (void)fprintf(stderr, "usage: tls_server DIRECTORY_URL CA_ROOT.der STORE NAME TLS_PORT\n");
        return 2;
    }
    config.directory_url = argv[1];
    anchor.len = load(argv[2], root, sizeof(root));
    request.names = (const char *const *)&argv[4];
    if (acme_posix_net_init(&net) != ACME_OK ||
        acme_posix_flash_open(&flash, argv[3], &geometry) != ACME_OK ||
        acme_init(&client, &config, memory, sizeof(memory)) != ACME_OK) {
        (void)fprintf(stderr, "tls_server: cannot start\n");
        return 1;
    }
    listener = port.net->listen(port.net_ctx, (uint16_t)strtoul(argv[5], NULL, 10));
    if (listener < 0) {
        (void)fprintf(stderr, "tls_server: cannot listen\n");
        return 1;
    }
    run(listener);
}
