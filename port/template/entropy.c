/*
 * acme_entropy_ops: to be written. It must not know what the bytes are for.
 */
#include "acme_template.h"

/* Write: len bytes from the chip's true random generator into data, and return ACME_OK.
 * - Full entropy: a conditioned source. If the generator's words have less than full entropy,
 * gather more of them and hash, as the chip's manual says; mbedTLS's generator hashes once more.
 * - Any len: the last word may be needed in part.
 * - Check the generator's error flags after each word; on an error return ACME_ERR_ENTROPY, and
 * never bytes that are not random. Waiting for the next word is allowed.
 * - Never rand(), a serial number, an uninitialized RAM or a fixed seed: keys would be guessable.
 */
static int32_t fill(void *ctx, uint8_t *data, size_t len)
{
    (void)ctx;
    (void)data;
    (void)len;
    return ACME_ERR_ENTROPY;
}

const struct acme_entropy_ops acme_template_entropy_ops = {fill};
