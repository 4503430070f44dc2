/*
 * Where the firmware breathes: mbedTLS wipes what it is done with, each temporary number of a
 * curve's arithmetic, each block of a hash or a cipher, and lets a program bring the function that
 * wipes (MBEDTLS_PLATFORM_ZEROIZE_ALT). This one also looks at the clock, and calls the port's
 * breathe when it is time. It must not know what is computed.
 *
 * mbedTLS has another place, a curve's arithmetic of one's own (MBEDTLS_ECP_INTERNAL_ALT), which is
 * asked for at each doubling of a point. It is not used: mbedTLS refuses it together with
 * MBEDTLS_ECP_RESTARTABLE, hashes and ciphers do not come by it, and Mbed TLS 4 no longer has it.
 */
#include "base/breathe.h"

#if defined(CONFIG_ACME_BREATHE)

#include <string.h>

#include <mbedtls/platform_util.h>

/* A quarter of the 20 ms that a step may take: what mbedTLS computes between two wipes comes on
 * top. */
#define PAUSE_MS 5u

static const struct acme_port *port;
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

static void breathe(void)
{
    uint64_t now_ms;

    if (port == NULL || inside) {
        return;
    }
    now_ms = port->clock->uptime_ms(port->clock_ctx);
    if (now_ms - last_ms < PAUSE_MS) {
        return;
    }
    last_ms = now_ms;
    inside = true;
    port->breathe(port->breathe_ctx);
    inside = false;
}

#if !defined(MBEDTLS_PLATFORM_ZEROIZE_ALT)
#error "CONFIG_ACME_BREATHE wants MBEDTLS_PLATFORM_ZEROIZE_ALT in mbedTLS's configuration"
#endif

/* The compiler does not know which function this is, so it cannot leave the call out. */
static void *(*const volatile fill)(void *, int, size_t) = memset;

void mbedtls_platform_zeroize(void *buf, size_t len)
{
    if (len > 0) {
        (void)fill(buf, 0, len);
    }
    breathe();
}

#endif
