/*
 * The PSA key identifiers of accounts and certificates. It must not know what a key is used for.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <psa/crypto.h>

struct acme_client;

/** The key of an account's slot and generation. */
psa_key_id_t acme_keys_account_of(uint8_t slot, uint8_t generation);
/** The account's key: of the generation in use, or the firmware's. */
psa_key_id_t acme_keys_account(const struct acme_client *c);
/** The account key of the other generation; PSA_KEY_ID_NULL where the key is the firmware's, which
 * has no partner. */
psa_key_id_t acme_keys_next_account(const struct acme_client *c);
/** Whether the account's key is the firmware's. */
bool acme_keys_is_external(const struct acme_client *c);
/** The key of a certificate slot's generation. */
psa_key_id_t acme_keys_cert(uint8_t store_slot, uint8_t generation);
/** Takes keys out of RAM: they have no business there between jobs, and in a small pool they would
 * lie in the way of the next TLS buffer. */
void acme_keys_purge(const struct acme_client *c);
/** Takes those of the store out of RAM, and leaves the firmware's. */
void acme_keys_purge_stored(void);
