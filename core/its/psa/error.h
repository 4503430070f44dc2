/* The status codes of the PSA storage API, which mbedTLS has among its own. */
#ifndef PSA_ERROR_H
#define PSA_ERROR_H

#include <psa/crypto_values.h>

#endif
