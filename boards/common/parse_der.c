/*
 * What the linker takes in place of mbedTLS's parsers of certificates: issuers with critical name
 * constraints are read, and the core holds them against the server's names. It must not know who
 * calls.
 */
#include "acme/mbedtls.h"

#define PARSER(name, copy)                                                                         \
    int __wrap_##name(mbedtls_x509_crt *chain, const unsigned char *der, size_t len);              \
    int __wrap_##name(mbedtls_x509_crt *chain, const unsigned char *der, size_t len)               \
    {                                                                                              \
        return acme_mbedtls_parse_der(chain, der, len, copy);                                      \
    }

PARSER(mbedtls_x509_crt_parse_der, true)
PARSER(mbedtls_x509_crt_parse_der_nocopy, false)
