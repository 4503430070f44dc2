/*
 * Lets the firmware breathe inside long computations: calls the port's breathe, and knows whether
 * it is inside. It must not know what is computed.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "acme/config.h"
#include "acme/port.h"

#if defined(CONFIG_ACME_BREATHE)
/** From now on this port's breathe is called, if it has one; NULL: none. Lent until the next call.
 */
void acme_breathe_bind(const struct acme_port *port);
/** The firmware's breathe is running: nothing of the client may be touched. */
bool acme_breathe_is_inside(void);
/** So many bytes of work were done: it may be time to breathe. */
void acme_breathe_after(size_t len);
/** memset and memcpy for mbedTLS's big numbers. */
void *acme_breathe_memset(void *to, int value, size_t len);
void *acme_breathe_memcpy(void *to, const void *from, size_t len);
#else
static inline void acme_breathe_bind(const struct acme_port *port)
{
    (void)port;
}
static inline void acme_breathe_after(size_t len)
{
    (void)len;
}
static inline bool acme_breathe_is_inside(void)
{
    return false;
}
#endif
