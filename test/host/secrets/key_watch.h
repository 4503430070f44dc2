/*
 * Learns every private key on its way into the store, by standing between mbedTLS and psa_its_set
 * (the linker's --wrap), and takes it to memory_search. It knows mbedTLS's form of a stored key.
 */
#ifndef KEY_WATCH_H
#define KEY_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** How many keys were stored. */
unsigned key_watch_count(void);
/** Learns the secret parts of a stored key, as psa_its_set gets it. */
void key_watch_learn(const uint8_t *data, size_t len);

#endif
