/*
 * A stored certificate in mbedTLS's terms, for the firmware's own TLS. It must not know how
 * certificates are obtained, nor change what is stored.
 */
#include "acme/mbedtls.h"

#include <string.h>

#include <mbedtls/platform.h>

#include "base/breathe.h"
#include "client/keys.h"
#include "client/slots.h"
#include "client/state.h"
#include "net/tls_buffer.h"
#include "net/x509.h"

void acme_mbedtls_init(struct acme_mbedtls_cert *cert, void *der, size_t der_size)
{
    memset(cert, 0, sizeof(*cert));
    mbedtls_x509_crt_init(&cert->chain);
    mbedtls_pk_init(&cert->key);
    cert->der = der;
    cert->der_size = der_size;
}

/* Of issuers TLS sends the bytes, and looks at nothing: they are not parsed, which would double
 * what they take. */
static int32_t add_issuer(mbedtls_x509_crt **last, const uint8_t *der, size_t len)
{
    mbedtls_x509_crt *crt = mbedtls_calloc(1, sizeof(*crt) + len);

    if (crt == NULL) {
        return ACME_ERR_TLS_MEMORY;
    }
    mbedtls_x509_crt_init(crt);
    crt->raw.p = (unsigned char *)(crt + 1);
    crt->raw.len = len;
    memcpy(crt->raw.p, der, len);
    (*last)->next = crt;
    *last = crt;
    return ACME_OK;
}

static int32_t add_certificate(mbedtls_x509_crt **last, const uint8_t *der, size_t len)
{
    if ((*last)->raw.p != NULL) {
        return add_issuer(last, der, len);
    }
    return acme_x509_error(mbedtls_x509_crt_parse_der(*last, der, len), ACME_ERR_CERT_PARSE);
}

/* The chain ends where there is no further certificate. */
static int32_t load_chain(acme_client *client, uint16_t slot, struct acme_mbedtls_cert *cert)
{
    mbedtls_x509_crt *last = &cert->chain;
    uint8_t i;

    for (i = 0; i < CONFIG_ACME_CHAIN_CERTS_MAX; i++) {
        int32_t n = acme_cert_read(client, slot, i, cert->der, cert->der_size);

        if (n == ACME_ERR_NOT_FOUND && i > 0) {
            break;
        }
        if (n < 0) {
            return n;
        }
        n = add_certificate(&last, cert->der, (size_t)n);
        if (n != ACME_OK) {
            return n;
        }
    }
    return ACME_OK;
}

/* The certificate is there, for its chain was read. */
static int32_t load_key(acme_client *client, uint16_t slot, struct acme_mbedtls_cert *cert)
{
    const struct acme_slot *s = acme_slots_at(client, slot);

    cert->key_id = acme_keys_cert(s->store_slot, s->cert.key_generation);
    return acme_x509_error(mbedtls_pk_setup_opaque(&cert->key, cert->key_id), ACME_ERR_CRYPTO);
}

int32_t acme_mbedtls_use(acme_client *client, uint16_t slot, struct acme_mbedtls_cert *cert,
                         mbedtls_ssl_config *config)
{
    int32_t rc;

    if (cert == NULL) {
        return ACME_ERR_ARGUMENT;
    }
    if (cert->key_id != 0 || cert->holds != NULL || acme_breathe_is_inside()) {
        return ACME_ERR_STATE;
    }
    acme_cert_hold(client);
    cert->holds = client;
    rc = load_chain(client, slot, cert);
    if (rc == ACME_OK) {
        rc = load_key(client, slot, cert);
    }
    if (rc == ACME_OK && config != NULL) {
        rc = acme_x509_error(mbedtls_ssl_conf_own_cert(config, &cert->chain, &cert->key),
                             ACME_ERR_TLS);
    }
    if (rc != ACME_OK) {
        acme_mbedtls_free(cert);
    }
    return rc;
}

int acme_mbedtls_setup_server(mbedtls_ssl_context *ssl, const mbedtls_ssl_config *config)
{
    return acme_tls_buffer_setup_short(ssl, config);
}

/* The message with the chain is written once in a handshake. */
int acme_mbedtls_handshake_step(struct acme_mbedtls_cert *cert, mbedtls_ssl_context *ssl)
{
    bool sends = ssl->MBEDTLS_PRIVATE(state) == MBEDTLS_SSL_SERVER_CERTIFICATE;
    int ret = mbedtls_ssl_handshake_step(ssl);

    if (sends && ssl->MBEDTLS_PRIVATE(state) != MBEDTLS_SSL_SERVER_CERTIFICATE &&
        cert->chain.next != NULL) {
        mbedtls_x509_crt_free(cert->chain.next);
        mbedtls_free(cert->chain.next);
        cert->chain.next = NULL;
    }
    return ret;
}

int acme_mbedtls_parse_der(mbedtls_x509_crt *chain, const unsigned char *der, size_t len, bool copy)
{
    return acme_x509_parse(chain, der, len, copy);
}

void acme_mbedtls_handshake_over(struct acme_mbedtls_cert *cert)
{
    if (cert->holds != NULL) {
        acme_cert_release(cert->holds);
        cert->holds = NULL;
    }
}

void acme_mbedtls_free(struct acme_mbedtls_cert *cert)
{
    acme_mbedtls_handshake_over(cert);
    mbedtls_x509_crt_free(&cert->chain);
    mbedtls_pk_free(&cert->key);
    if (cert->key_id != 0) {
        (void)psa_purge_key(cert->key_id); /* its copy in RAM would split a small pool */
        cert->key_id = 0;
    }
}
