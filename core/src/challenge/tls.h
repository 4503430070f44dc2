/*
 * tls-alpn-01 (RFC 8737): a temporary certificate that carries the proof, and a responder that
 * speaks TLS far enough to show it. It knows streams and certificates, not orders.
 */
#pragma once

#include <stdbool.h>

#include <mbedtls/ssl.h>
#include <mbedtls/x509_crt.h>
#include <psa/crypto.h>

#include "acme/config.h"
#include "acme/port.h"

/* The certificate for a name of 253 characters has about 620 bytes. */
#define ACME_TLS_ALPN_DER 704u

#if defined(CONFIG_ACME_TLS_ALPN_01)
struct acme_tls_alpn_stream {
    acme_handle handle;
    uint64_t deadline_ms;
    uint8_t state;
    bool heard; /* it has sent something */
    const struct acme_net_ops *net;
    void *net_ctx;
    mbedtls_ssl_context ssl;
};

struct acme_tls_alpn {
    const struct acme_port *port;
    acme_handle listener;
    uint32_t served;               /* times that the certificate was shown */
    const char *key_authorization; /* of the certificate that stands in der; lent */
    const char *identifier;        /* likewise */
    psa_key_id_t key_id;           /* volatile */
    mbedtls_pk_context key;
    mbedtls_x509_crt crt; /* refers to der */
    bool more;            /* a handshake goes on at once */
    mbedtls_ssl_config config;
    struct acme_tls_alpn_stream streams[CONFIG_ACME_TLS_ALPN_STREAMS];
    uint8_t der[ACME_TLS_ALPN_DER];
};

void acme_tls_alpn_init(struct acme_tls_alpn *t, const struct acme_port *port);
/** Makes the certificate for a name or address and its key authorization; both are lent until
 * clear. Fine if it is made already. ACME_ERR_CRYPTO, ACME_ERR_TLS_MEMORY. */
int32_t acme_tls_alpn_make(struct acme_tls_alpn *t, const char *identifier,
                           const char *key_authorization);
/** Forgets the certificate and its key. */
void acme_tls_alpn_clear(struct acme_tls_alpn *t);
/** Whether a server name in a hello is the one that the certificate is for. */
bool acme_tls_alpn_is_for(const struct acme_tls_alpn *t, const unsigned char *name, size_t len);
/** What a handshake gets whose hello was read: enum acme_tls_alpn_verdict. Only from inside a
 * certificate callback. */
int acme_tls_alpn_choose(struct acme_tls_alpn *t, mbedtls_ssl_context *ssl);
/** Opens the responder. ACME_OK, ACME_ERR_LISTEN, ACME_ERR_LIMIT, ACME_ERR_TLS_MEMORY. */
int32_t acme_tls_alpn_open(struct acme_tls_alpn *t, uint16_t port);
/** Accepts, and takes handshakes on, as far as that goes without waiting. */
void acme_tls_alpn_poll(struct acme_tls_alpn *t, uint64_t now_ms);
/** Closes everything, and forgets the certificate. Fine when closed already. */
void acme_tls_alpn_close(struct acme_tls_alpn *t);
#endif
