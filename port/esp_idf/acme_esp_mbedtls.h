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

#endif
