/*
 * acme_entropy_ops over the kernel's random generator. It must not know what the bytes are for.
 */
#include "acme_posix.h"

#include <errno.h>
#include <sys/random.h>

static int32_t fill(void *ctx, uint8_t *data, size_t len)
{
    (void)ctx;
    while (len > 0) {
        ssize_t n = getrandom(data, len, 0);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return ACME_ERR_ENTROPY;
        }
        data += n;
        len -= (size_t)n;
    }
    return ACME_OK;
}

const struct acme_entropy_ops acme_posix_entropy_ops = {fill};
