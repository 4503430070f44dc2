/*
 * The function that mbedTLS calls for entropy, over the port's source. PSA has one random generator
 * for the whole program, so there is one source. It must not know what the bytes are for.
 */
#include "base/entropy.h"

#include <stddef.h>

#include "acme/config.h"

static const struct acme_entropy_ops *source;
static void *source_ctx;
static int32_t last_result;

void acme_entropy_bind(const struct acme_entropy_ops *ops, void *ctx)
{
    source = ops;
    source_ctx = ctx;
    last_result = ACME_OK;
}

int32_t acme_entropy_result(void)
{
    return last_result;
}

#if defined(CONFIG_ACME_MBEDTLS_ENTROPY)
#include <entropy_poll.h>
#include <mbedtls/entropy.h>

int mbedtls_hardware_poll(void *data, unsigned char *output, size_t len, size_t *olen)
{
    (void)data;
    *olen = 0;
    last_result = source == NULL ? ACME_ERR_ENTROPY : source->fill(source_ctx, output, len);
    if (last_result != ACME_OK) {
        return MBEDTLS_ERR_ENTROPY_SOURCE_FAILED;
    }
    *olen = len;
    return 0;
}
#endif
