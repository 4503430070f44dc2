/*
 * What mbedTLS must be and have, seen when the core is compiled. It must not change anything: a
 * build that stands on another version or another configuration than its maker believes ends here,
 * with the reason.
 */
#pragma once

#include <mbedtls/build_info.h>

#include "acme/config.h"

#if MBEDTLS_VERSION_NUMBER < 0x03060700 && !defined(CONFIG_ACME_MBEDTLS_VULNERABLE)
#error                                                                                             \
    "mbedTLS is older than 3.6.7: known faults in TLS and ECDH. Update it, or read CONFIG_ACME_MBEDTLS_VULNERABLE"
#endif
#if MBEDTLS_VERSION_NUMBER >= 0x04000000
#error "Mbed TLS 4 is not supported yet: nanoacme needs 3.6"
#endif

/* cmake/dependencies.cmake has put the digest of the configuration that it was told into the one
 * that is read. */
#if defined(ACME_MBEDTLS_EXPECTED) &&                                                              \
    (!defined(ACME_MBEDTLS_CONFIG_DIGEST) || ACME_MBEDTLS_CONFIG_DIGEST != ACME_MBEDTLS_EXPECTED)
#error "this is not the configuration of mbedTLS that ACME_MBEDTLS_CONFIG names"
#endif

/* mbedTLS's own configuration has this one, and is what is read where another mbedtls_config.h
 * was meant. */
#if defined(MBEDTLS_PSA_ITS_FILE_C)
#error                                                                                             \
    "MBEDTLS_PSA_ITS_FILE_C is defined, but the core keeps the keys. Or is mbedTLS's own mbedtls_config.h read, not yours? Name it by its whole path"
#endif

#if !defined(MBEDTLS_PSA_CRYPTO_CLIENT)
#error "mbedTLS has no PSA Crypto: define MBEDTLS_PSA_CRYPTO_C"
#endif
#if defined(MBEDTLS_PSA_CRYPTO_C) && !defined(MBEDTLS_PSA_CRYPTO_STORAGE_C)
#error "mbedTLS keeps no keys: define MBEDTLS_PSA_CRYPTO_STORAGE_C"
#endif
#if !defined(MBEDTLS_USE_PSA_CRYPTO)
#error "TLS cannot use the keys of PSA Crypto: define MBEDTLS_USE_PSA_CRYPTO"
#endif
#if !defined(MBEDTLS_SSL_CLI_C)
#error "mbedTLS is no TLS client: define MBEDTLS_SSL_CLI_C"
#endif
/* RFC 8446 9.1 makes RSA-PSS mandatory: without it no server with an RSA certificate is understood.
 */
#if defined(MBEDTLS_SSL_PROTO_TLS1_3) && defined(MBEDTLS_RSA_C) &&                                 \
    !defined(MBEDTLS_X509_RSASSA_PSS_SUPPORT)
#error "TLS 1.3 with RSA needs MBEDTLS_X509_RSASSA_PSS_SUPPORT and MBEDTLS_PKCS1_V21"
#endif
#if !defined(MBEDTLS_X509_CSR_WRITE_C)
#error "mbedTLS cannot ask for a certificate: define MBEDTLS_X509_CSR_WRITE_C"
#endif
#if defined(CONFIG_ACME_TLS_ALPN_01) &&                                                            \
    !(defined(MBEDTLS_SSL_SRV_C) && defined(MBEDTLS_SSL_ALPN) &&                                   \
      defined(MBEDTLS_X509_CRT_WRITE_C))
#error "tls-alpn-01 needs MBEDTLS_SSL_SRV_C, MBEDTLS_SSL_ALPN and MBEDTLS_X509_CRT_WRITE_C"
#endif
#if defined(CONFIG_ACME_MBEDTLS_POOL) && !defined(MBEDTLS_PLATFORM_MEMORY)
#error "CONFIG_ACME_MBEDTLS_POOL needs MBEDTLS_PLATFORM_MEMORY"
#endif
#if defined(CONFIG_ACME_MBEDTLS_POOL) && defined(MBEDTLS_THREADING_C) &&                           \
    !defined(MBEDTLS_MEMORY_BUFFER_ALLOC_C)
#error "CONFIG_ACME_MBEDTLS_POOL and threads need MBEDTLS_MEMORY_BUFFER_ALLOC_C"
#endif
