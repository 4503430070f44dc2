/*
 * mbedTLS as a platform configures it that knows nothing of nanoacme: no storage of keys.
 */
#include "host_mbedtls_config.h"

#undef MBEDTLS_PSA_CRYPTO_STORAGE_C
#undef MBEDTLS_USE_PSA_CRYPTO
