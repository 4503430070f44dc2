/*
 * A stored certificate for a TLS server or client of the firmware's own, over mbedTLS: the chain,
 * and the private key by its name in PSA Crypto, which it never leaves.
 *
 * @code{.c}
 * #include "acme/mbedtls.h"
 *
 * static uint8_t der[CONFIG_ACME_CERT_SIZE_MAX];
 * static struct acme_mbedtls_cert cert;
 *
 * int32_t connection_begin(acme_client *client, mbedtls_ssl_config *config);
 * int32_t connection_begin(acme_client *client, mbedtls_ssl_config *config)
 * {
 *     acme_mbedtls_init(&cert, der, sizeof(der));
 *     return acme_mbedtls_use(client, 0, &cert, config); // the chain and the key of request 0
 * }
 * // then mbedtls_ssl_setup; after the handshake: acme_mbedtls_handshake_over(&cert); at the end
 * // mbedtls_ssl_free, mbedtls_ssl_config_free and acme_mbedtls_free(&cert), in this order.
 * @endcode
 *
 * Who owns what: struct acme_mbedtls_cert is the caller's, one for each connection, or one for all
 * that begin before the next renewal. What is in it was allocated by mbedTLS, and goes with
 * acme_mbedtls_free. A configuration that was given to acme_mbedtls_use points into it and goes
 * first. From acme_mbedtls_use until acme_mbedtls_handshake_over the certificate is held
 * (acme_cert_hold): a new one waits for it, for half a minute at most.
 */
#ifndef ACME_MBEDTLS_H
#define ACME_MBEDTLS_H

#include <mbedtls/pk.h>
#include <mbedtls/ssl.h>
#include <mbedtls/x509_crt.h>

#include "acme/client.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A chain and its key. chain and key may be read; the other members are its own. */
struct acme_mbedtls_cert {
    mbedtls_x509_crt chain; /**< the leaf first; of its issuers raw alone, for TLS to send */
    mbedtls_pk_context key; /**< opaque: it names a key in PSA Crypto */
    acme_client *holds;     /**< whose certificates are held; NULL: none are */
    uint32_t key_id;        /**< PSA key identifier; 0: nothing is loaded */
    uint8_t *der;           /**< where certificates are read to */
    size_t der_size;        /**< bytes of it */
};

/** Makes *cert empty. der (CONFIG_ACME_CERT_SIZE_MAX bytes are enough for any certificate) is lent
 * until acme_mbedtls_free; only acme_mbedtls_use writes to it, and leaves nothing there that is
 * needed later. Threads: any. */
void acme_mbedtls_init(struct acme_mbedtls_cert *cert, void *der, size_t der_size);

/** Loads the chain and the key that are stored for a request, and gives them to config, whose own
 * certificate they become (mbedtls_ssl_conf_own_cert); with config NULL they are only loaded, for a
 * certificate callback that sets them for one handshake (mbedtls_ssl_set_hs_own_cert). *cert must
 * be empty. Threads: one.
 * @return ACME_OK: they are in use, and held
 * @return ACME_ERR_STATE: *cert is not empty
 * @return ACME_ERR_ARGUMENT: there is no such request, or cert is NULL
 * @return ACME_ERR_CERT_NONE: nothing is stored for it yet
 * @return ACME_ERR_BUFFER: a certificate has more than der_size bytes
 * @return ACME_ERR_CERT_PARSE: mbedTLS cannot read the leaf
 * @return ACME_ERR_CRYPTO: PSA Crypto does not have the key, cannot load it, or it is of a kind
 * that mbedTLS's TLS does not take
 * @return ACME_ERR_TLS_MEMORY: mbedTLS has no memory for it
 * @return ACME_ERR_STORE_IO: the flash has failed
 * @return ACME_ERR_STORE_CORRUPT: the chain is damaged
 *
 * After an error *cert is empty, nothing is held, and config is as it was. */
int32_t acme_mbedtls_use(acme_client *client, uint16_t slot, struct acme_mbedtls_cert *cert,
                         mbedtls_ssl_config *config);

/** As mbedtls_ssl_setup, for a server of short requests: where mbedTLS has
 * MBEDTLS_SSL_VARIABLE_BUFFER_LENGTH, its input buffer takes records of 4 KB instead of
 * MBEDTLS_SSL_IN_CONTENT_LEN, and a larger one ends the connection. Threads: one.
 * @return 0, or what mbedtls_ssl_setup returns */
int acme_mbedtls_setup_server(mbedtls_ssl_context *ssl, const mbedtls_ssl_config *config);

/** As mbedtls_ssl_handshake_step, for a server with the certificate that acme_mbedtls_use has
 * loaded: as soon as the issuers are sent, their memory is given back, which is as much as the rest
 * of a handshake takes. Threads: one.
 * @return what mbedtls_ssl_handshake_step returns */
int acme_mbedtls_handshake_step(struct acme_mbedtls_cert *cert, mbedtls_ssl_context *ssl);

/** As mbedtls_x509_crt_parse_der, or without copy as mbedtls_x509_crt_parse_der_nocopy, but
 * critical nameConstraints, policyConstraints, policyMappings, inhibitAnyPolicy and
 * certificatePolicies are let pass, which mbedTLS refuses. A firmware whose linker takes it in
 * place of mbedTLS's (boards/common/parse_der.c) trusts CAs whose issuers have such; the client
 * holds the name constraints against the server's names. Whoever verifies others' certificates in
 * the same image has to do so by itself. Threads: one.
 * @return what mbedtls_x509_crt_parse_der returns */
int acme_mbedtls_parse_der(mbedtls_x509_crt *chain, const unsigned char *der, size_t len,
                           bool copy);

/** The handshake is over: its key is not needed any more, and need not be held. Fine more than
 * once, and when nothing was loaded. Threads: one. */
void acme_mbedtls_handshake_over(struct acme_mbedtls_cert *cert);

/** Frees what was loaded, takes the key's copy out of RAM, and ends the hold. *cert is empty then,
 * and can be used again. Fine when it is empty already. Threads: one. */
void acme_mbedtls_free(struct acme_mbedtls_cert *cert);

#ifdef __cplusplus
}
#endif
#endif
