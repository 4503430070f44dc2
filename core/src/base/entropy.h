/*
 * Gives mbedTLS the port's entropy source. It knows nothing of random generators.
 */
#pragma once

#include "acme/port.h"

/** Names the source, before psa_crypto_init. ops and ctx are lent until the next call; ops NULL
 * takes the source away. */
void acme_entropy_bind(const struct acme_entropy_ops *ops, void *ctx);
/** What the source answered last: ACME_OK or its error. */
int32_t acme_entropy_result(void);
