/*
 * What mbedTLS does with private keys of RSA, refused: a board verifies RSA signatures and makes
 * none, but mbedTLS cannot be configured so. firmware.cmake has the linker take these functions
 * instead of mbedTLS's own, which would be 5 KB of flash. It must not know who calls.
 */
#include <mbedtls/error.h>
#include <psa/crypto.h>

/* Each stands for a function with arguments and with a result that tells an error by its sign. */
#define REFUSED_BY(refusal, name)                                                                  \
    int __wrap_##name(void);                                                                       \
    __attribute__((alias(#refusal))) int __wrap_##name(void)

static int refuse(void)
{
    return MBEDTLS_ERR_PLATFORM_FEATURE_UNSUPPORTED;
}

static int refuse_psa(void)
{
    return PSA_ERROR_NOT_SUPPORTED;
}

REFUSED_BY(refuse, mbedtls_rsa_check_pub_priv);
REFUSED_BY(refuse, mbedtls_rsa_deduce_crt);
REFUSED_BY(refuse, mbedtls_rsa_deduce_primes);
REFUSED_BY(refuse, mbedtls_rsa_deduce_private_exponent);
REFUSED_BY(refuse, mbedtls_rsa_parse_key);
REFUSED_BY(refuse, mbedtls_rsa_pkcs1_sign);
REFUSED_BY(refuse, mbedtls_rsa_rsassa_pss_sign);
REFUSED_BY(refuse, mbedtls_rsa_validate_crt);
REFUSED_BY(refuse, mbedtls_rsa_validate_params);
REFUSED_BY(refuse, mbedtls_rsa_write_key);
REFUSED_BY(refuse_psa, psa_asymmetric_decrypt);
REFUSED_BY(refuse_psa, psa_asymmetric_encrypt);
