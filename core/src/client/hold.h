/*
 * The time that handshakes under way get before the certificate that they use is replaced. It must
 * not know a certificate.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "acme/config.h"

struct acme_client;

#if defined(CONFIG_ACME_CERT_HOLD)
struct acme_hold {
    uint16_t count;    /* of those who use the keys of the stored certificates */
    bool waits;        /* a new certificate does */
    uint32_t since_ms; /* low bits of the uptime when it began to */
};

/** Whether a new certificate waits: INSTALL is entered again in a moment. */
bool acme_hold_must_wait(struct acme_client *c);
#else
static inline bool acme_hold_must_wait(struct acme_client *c)
{
    (void)c;
    return false;
}
#endif
