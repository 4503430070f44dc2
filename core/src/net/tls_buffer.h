/*
 * The buffers of a TLS connection, no larger than what comes and goes. A record may have 16 KB, and
 * few have; above all not while the certificates of a server are checked, which takes as much
 * memory again. So a connection begins with a small buffer, which grows for the record whose head
 * has come, and is full-sized from the end of the handshake on. It must not know what is read.
 *
 * This is for configurations with MBEDTLS_SSL_VARIABLE_BUFFER_LENGTH: mbedTLS then looks at the
 * length that the buffer has whenever it writes there. In others nothing is done.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <mbedtls/ssl.h>

/* What a client sends in one record. Its messages are shorter, but for a ticket or a cookie of the
 * server's, which goes back as long as it is; of what MBEDTLS_SSL_OUT_CONTENT_LEN has beyond that,
 * a server needs it, for its chain. */
#if !defined(MBEDTLS_SSL_VARIABLE_BUFFER_LENGTH) || defined(MBEDTLS_SSL_SESSION_TICKETS) ||        \
    defined(MBEDTLS_SSL_PROTO_TLS1_3) || MBEDTLS_SSL_OUT_CONTENT_LEN < 1024
#define ACME_TLS_OUT_LEN MBEDTLS_SSL_OUT_CONTENT_LEN
#else
#define ACME_TLS_OUT_LEN 1024
#endif

/** As mbedtls_ssl_setup, with small buffers: no more than ACME_TLS_OUT_LEN bytes may be given to
 * mbedtls_ssl_write at once. full is the length that mbedTLS would have given it.
 */
int acme_tls_buffer_setup(mbedtls_ssl_context *ssl, const mbedtls_ssl_config *config, size_t *full);
/** The same for a server of short requests, whose buffer stays small: what mbedtls_ssl_setup
 * returns. A larger record ends the connection. */
int acme_tls_buffer_setup_short(mbedtls_ssl_context *ssl, const mbedtls_ssl_config *config);
/** After MBEDTLS_ERR_SSL_BAD_INPUT_DATA: makes room for the record whose head is in the buffer,
 * where it is at most of full bytes. ACME_OK: call mbedTLS again. ACME_ERR_TLS_MEMORY;
 * ACME_ERR_TLS: the size was not the trouble. */
int32_t acme_tls_buffer_grow(mbedtls_ssl_context *ssl, size_t full);
/** After the handshake: the full size, as far as there is memory for it now. ACME_OK;
 * ACME_ERR_TLS_MEMORY: the connection has no buffer any more, and must be closed. */
int32_t acme_tls_buffer_settle(mbedtls_ssl_context *ssl, size_t full);
/** Between an answer and the next request: gives the full size back, where a pool of the core's own
 * keeps its place free (base/blocks.h), until acme_tls_buffer_settle. ACME_OK; ACME_ERR_TLS_MEMORY
 * as there. */
int32_t acme_tls_buffer_rest(mbedtls_ssl_context *ssl);
