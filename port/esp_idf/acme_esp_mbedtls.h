/*
 * What nanoacme needs of ESP-IDF's mbedTLS beyond its menu: PSA Crypto with persistent keys, kept
 * by psa_its_*, which the core brings. Read by mbedTLS after its own configuration.
 */
#ifndef ACME_ESP_MBEDTLS_H
#define ACME_ESP_MBEDTLS_H

#ifndef MBEDTLS_PSA_CRYPTO_C
#define MBEDTLS_PSA_CRYPTO_C
#endif
#ifndef MBEDTLS_PSA_CRYPTO_STORAGE_C
#define MBEDTLS_PSA_CRYPTO_STORAGE_C
#endif
#ifndef MBEDTLS_USE_PSA_CRYPTO
#define MBEDTLS_USE_PSA_CRYPTO
#endif
#undef MBEDTLS_PSA_ITS_FILE_C

/* What follows is true for all of the firmware, whose other tasks use TLS, too. From now on each of
 * its connections calls PSA Crypto, at the same time as the client's task. */
#if !defined(MBEDTLS_THREADING_C) && !defined(ACME_ESP_ONE_TASK)
#error                                                                                             \
    "several tasks use PSA Crypto: set CONFIG_MBEDTLS_THREADING_C=y, or define ACME_ESP_ONE_TASK if only one ever uses TLS and keys"
#endif
/* esp-tls calls psa_crypto_init for TLS 1.3 only: without it a connection before acme_init fails.
 */
#if !defined(MBEDTLS_SSL_PROTO_TLS1_3) && !defined(ACME_ESP_PSA_FIRST)
#error                                                                                             \
    "esp-tls does not start PSA Crypto: set CONFIG_MBEDTLS_SSL_PROTO_TLS1_3=y, or call psa_crypto_init before the first connection and define ACME_ESP_PSA_FIRST"
#endif

#endif
