/*
 * The time that handshakes under way get before the certificate that they use is replaced. It must
 * not know a certificate.
 */
#ifndef ACME_HOLD_H
#define ACME_HOLD_H

#include <stdbool.h>
#include <stdint.h>

#include "acme/config.h"

struct acme_client;

#if defined(CONFIG_ACME_CERT_HOLD)
struct acme_hold {
    uint16_t count;    /* of those who use the keys of the stored certificates */
    uint64_t up_to_ms; /* the wait for whoever holds them ends; 0: none waits */
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

#endif
