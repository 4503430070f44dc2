/*
 * Random bytes for an emulated board, which has no source of its own: those of the machine that
 * runs the emulator. On silicon this file is replaced by a driver of the chip's true random
 * generator.
 */
#include "board.h"

#include "acme/config.h"
#include "semihost.h"

/* Write board_entropy_ops for a true random generator, or, for an emulated board only, set
 * CONFIG_ACME_INSECURE_ENTROPY=y. */
#if !defined(CONFIG_ACME_INSECURE_ENTROPY)
#error "This board has no entropy source: its keys would be guessable"
#endif

static int32_t entropy_fill(void *ctx, uint8_t *data, size_t len)
{
    static int32_t file = -1;

    (void)ctx;
    if (file < 0) {
        file = semihost_open("/dev/urandom", SEMIHOST_READ);
    }
    return file >= 0 && semihost_read(file, data, len) ? ACME_OK : ACME_ERR_ENTROPY;
}

const struct acme_entropy_ops board_entropy_ops = {entropy_fill};

uint32_t board_random(void)
{
    uint32_t value;

    if (entropy_fill(NULL, (uint8_t *)&value, sizeof(value)) != ACME_OK) {
        board_panic("no entropy");
    }
    return value;
}
