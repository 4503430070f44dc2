/*
 * Stored chains and exportable keys out, an account's key in, as PEM.
 */
#ifndef NANOACME_PEM_H
#define NANOACME_PEM_H

#include <stdio.h>

#include "acme/client.h"

/** Writes count certificates of a slot's chain from number first on, PEM. An exit code. */
int cli_pem_write_chain(acme_client *client, uint16_t slot, uint8_t first, uint8_t count,
                        FILE *out);
/** Writes the private key of a slot, which must be exportable. An exit code. */
int cli_pem_write_key(acme_client *client, uint16_t slot, FILE *out);
/** Puts the private key of a PEM file into the key store, as the account's. An exit code. */
int cli_pem_import_account_key(const char *path, uint32_t key_id);

#endif
