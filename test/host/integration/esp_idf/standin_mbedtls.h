/*
 * mbedTLS as a platform configures it that knows nothing of nanoacme: no storage of keys.
 */
#include "host_mbedtls_config.h"

#define MBEDTLS_THREADING_C /* menuconfig's CONFIG_MBEDTLS_THREADING_C */
#define MBEDTLS_THREADING_PTHREAD
#if defined(STANDIN_ONE_TASK_TLS12) /* as its defaults are */
#undef MBEDTLS_THREADING_C
#undef MBEDTLS_THREADING_PTHREAD
#undef MBEDTLS_SSL_PROTO_TLS1_3
#endif
#undef MBEDTLS_PSA_CRYPTO_STORAGE_C
#undef MBEDTLS_USE_PSA_CRYPTO
