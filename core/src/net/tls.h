/*
 * One TLS client connection: mbedTLS over a stream of the port. It verifies the server against the
 * trust anchors, and the dates of its chain against the trusted clock. It knows no HTTP. Nothing
 * blocks: whatever has to wait returns ACME_ERR_AGAIN.
 */
#pragma once

#include <mbedtls/ssl.h>
#include <mbedtls/x509_crt.h>

#include "acme/client.h"
#include "base/clock.h"
#include "net/session.h"
#include "net/trust.h"

struct acme_tls {
    const struct acme_port *port;
    const struct acme_clock *clock;
    acme_handle stream;
    int32_t net_error;      /* of the port, behind an mbedTLS error; ACME_OK: it was not asked */
    int32_t verify_error;   /* likewise, of the certificates */
    struct acme_span chain; /* when all of the server's chain is valid */
    uint8_t address[16];    /* of a host that is one */
    uint8_t address_len;    /* 0: it is a name */
    struct acme_session session; /* the last, for the next connection */
    bool goodbye;                /* the peer has said that it sends no more (close_notify) */
#if defined(CONFIG_ACME_PINNING)
    const struct acme_pin *pins; /* set by the owner after acme_tls_init; lent */
    uint16_t pins_count;
    bool pinned; /* one of them was seen in the chain */
#endif
    size_t in_full; /* of the input buffer, see tls_buffer.h */
    mbedtls_ssl_config config;
    mbedtls_ssl_context ssl;
    struct acme_trust trust;
};

/** Sets up with anchors, which are lent. ACME_OK, ACME_ERR_CERT_PARSE,
 * ACME_ERR_TLS_MEMORY, ACME_ERR_TLS. */
int32_t acme_tls_init(struct acme_tls *t, const struct acme_port *port,
                      const struct acme_clock *clock, const struct acme_trust_anchor *anchors,
                      size_t count);
void acme_tls_free(struct acme_tls *t);

/** Takes over a stream that is connecting (closed by acme_tls_close) and starts TLS to host. */
int32_t acme_tls_start(struct acme_tls *t, acme_handle stream, const char *host);
/** Made progress, and can go on without a network event. Not an error code. */
#define ACME_TLS_MORE 1
/** One step of the handshake. ACME_OK when connected and verified; ACME_TLS_MORE; ACME_ERR_AGAIN;
 * ACME_ERR_RESOLVE, _CONNECT, _NET, _CLOSED, _TLS, _TLS_VERIFY, _TLS_DATES, _TLS_MEMORY. */
int32_t acme_tls_handshake(struct acme_tls *t);
/** As the port's send and recv, for plain text. */
int32_t acme_tls_send(struct acme_tls *t, const uint8_t *data, size_t len);
int32_t acme_tls_recv(struct acme_tls *t, uint8_t *data, size_t size);
/** Between an answer and the next request less memory will do: takes it or gives it back. ACME_OK;
 * ACME_ERR_TLS_MEMORY: the connection must be closed. */
int32_t acme_tls_rest(struct acme_tls *t, bool rests);
/** Says goodbye as far as that does not block, and closes the stream. Fine when closed already. */
void acme_tls_close(struct acme_tls *t);
bool acme_tls_is_open(const struct acme_tls *t);
