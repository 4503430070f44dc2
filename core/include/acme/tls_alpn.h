/*
 * tls-alpn-01 (RFC 8737) on a port that the firmware's own TLS server has: with config.tls_shared
 * set the client opens no listener for it. The server
 *
 * - offers ACME_TLS_ALPN_PROTOCOL among its protocols (mbedtls_ssl_conf_alpn_protocols),
 * - calls acme_tls_alpn_select from its certificate callback (mbedtls_ssl_conf_cert_cb),
 * - and closes a connection whose protocol became ACME_TLS_ALPN_PROTOCOL once the handshake is over
 *   (RFC 8737 section 3).
 *
 * It must also take connections while there is no certificate yet, if acme_tls_alpn_is_wanted.
 *
 * @code{.c}
 * #include "acme/tls_alpn.h"
 *
 * extern acme_client *client; // yours
 * int on_certificate(mbedtls_ssl_context *ssl); // for mbedtls_ssl_conf_cert_cb
 * int on_certificate(mbedtls_ssl_context *ssl)
 * {
 *     switch (acme_tls_alpn_select(client, ssl)) {
 *     case ACME_TLS_ALPN_OURS:
 *     case ACME_TLS_ALPN_NOT_OURS: // the certificate of the configuration
 *         return 0;
 *     default:
 *         return MBEDTLS_ERR_SSL_UNRECOGNIZED_NAME;
 *     }
 * }
 * @endcode
 */
#ifndef ACME_TLS_ALPN_H
#define ACME_TLS_ALPN_H

#include <mbedtls/ssl.h>

#include "acme/client.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What a CA that validates offers, and nobody else does. */
#define ACME_TLS_ALPN_PROTOCOL "acme-tls/1"

/** What a certificate callback does next. */
enum acme_tls_alpn_verdict {
    ACME_TLS_ALPN_NOT_OURS = 0, /**< another protocol: serve as usual */
    ACME_TLS_ALPN_OURS = 1,     /**< the certificate of the challenge is set for this handshake */
    ACME_TLS_ALPN_REFUSE = -1   /**< nobody waits for this name: end the handshake */
};

/** Whether a challenge is under way that the server has to answer. Threads: one.
 * @return true: connections are to be taken, be there a certificate or not
 * @return false: nobody waits */
bool acme_tls_alpn_is_wanted(acme_client *client);
/** Looks at the protocol and the server name (RFC 6066; of an address: RFC 8738 section 6) that the
 * handshake's hello has, and sets certificate and key for it when they are the challenge's. Only
 * from inside the certificate callback of ssl. Threads: one.
 * @return ACME_TLS_ALPN_NOT_OURS: another protocol; serve as usual
 * @return ACME_TLS_ALPN_OURS: the challenge's certificate is set for this handshake
 * @return ACME_TLS_ALPN_REFUSE: nobody waits for this name; end the handshake */
int acme_tls_alpn_select(acme_client *client, mbedtls_ssl_context *ssl);

#ifdef __cplusplus
}
#endif
#endif
