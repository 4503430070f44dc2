/*
 * Gives mbedTLS the port's entropy source. It knows nothing of random generators.
 */
#ifndef ACME_ENTROPY_H
#define ACME_ENTROPY_H

#include "acme/port.h"

/** Names the source, before psa_crypto_init; NULL takes it away. Lent until then. */
void acme_entropy_bind(const struct acme_entropy_ops *ops, void *ctx);
/** What the source answered last: ACME_OK or its error. */
int32_t acme_entropy_result(void);

#endif
