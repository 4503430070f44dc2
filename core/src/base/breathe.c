/*
 * Where the firmware breathes: in functions that mbedTLS calls all the time, in the middle of what
 * it computes. Each also looks at the clock, and calls the port's breathe when it is time. It must
 * not know what is computed.
 *
 * - mbedTLS wipes what it is done with, each block of a hash or a cipher among it, and lets a
 * program bring the function that wipes (MBEDTLS_PLATFORM_ZEROIZE_ALT; without it there are two,
 * and the linker says so).
 * - Its big numbers, bignum.c and bignum_core.c, fill and copy memory at each turn of a
 * multiplication, an inversion, a division. They are compiled with these two functions for memset
 * and memcpy (cmake/dependencies.cmake).
 * - The store calls by itself, for each piece of flash that it reads.
 *
 * MBEDTLS_ECP_INTERNAL_ALT, by which mbedTLS asks at each doubling of a point, is not used: mbedTLS
 * refuses it together with MBEDTLS_ECP_RESTARTABLE, inversions, RSA, hashes and ciphers do not come
 * by it, and Mbed TLS 4 no longer has it.
 */
#include "base/breathe.h"

#if defined(CONFIG_ACME_BREATHE)

#include <string.h>

#include <mbedtls/platform_util.h>

/* A quarter of the 20 ms that a step may take: what is computed between two looks comes on top. */
#define PAUSE_MS 5u
/* So many bytes between two looks at the clock: it takes as long as a few multiplications. One of
 * RSA has more, and with them a look of its own. */
#define BYTES_A_LOOK 512u

static const struct acme_port *port;
static size_t bytes;
static uint64_t last_ms;
static bool inside;

void acme_breathe_bind(const struct acme_port *p)
{
    port = p != NULL && p->breathe != NULL ? p : NULL;
}

bool acme_breathe_is_inside(void)
{
    return inside;
}

static void look(void)
{
    uint64_t now_ms = port->clock->uptime_ms(port->clock_ctx);

    if (now_ms - last_ms >= PAUSE_MS) {
        last_ms = now_ms;
        inside = true;
        port->breathe(port->breathe_ctx);
        inside = false;
    }
}

void acme_breathe_after(size_t len)
{
    if (port == NULL || inside) {
        return;
    }
    bytes += len;
    if (bytes >= BYTES_A_LOOK) {
        bytes = 0;
        look();
    }
}

/* The compiler does not know which function this is, so it cannot leave the call out. */
static void *(*const volatile wipe)(void *, int, size_t) = memset;

void mbedtls_platform_zeroize(void *buf, size_t len)
{
    if (len > 0) {
        (void)wipe(buf, 0, len);
    }
    acme_breathe_after(len);
}

void *acme_breathe_memset(void *to, int value, size_t len)
{
    acme_breathe_after(len);
    return memset(to, value, len);
}

void *acme_breathe_memcpy(void *to, const void *from, size_t len)
{
    acme_breathe_after(len);
    return memcpy(to, from, len);
}

#endif
