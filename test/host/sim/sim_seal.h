/*
 * The stand-in of a board's seal key and counter, for tests of sealed stores; each program that
 * includes it has its own. It must not know the store.
 */
#ifndef SIM_SEAL_H
#define SIM_SEAL_H

#include <stdbool.h>
#include <stdint.h>

#include <psa/crypto.h>

#include "acme/client.h"

static struct {
    psa_key_id_t key;
    uint32_t counter;
    uint32_t counter_failures; /* so many increments fail */
} sim_seal;

static inline int32_t sim_seal_give_key(void *ctx, uint32_t *key_id)
{
    (void)ctx;
    *key_id = sim_seal.key;
    return ACME_OK;
}

static inline int32_t sim_seal_read_counter(void *ctx, uint32_t *value)
{
    (void)ctx;
    *value = sim_seal.counter;
    return ACME_OK;
}

static inline int32_t sim_seal_count(void *ctx)
{
    (void)ctx;
    if (sim_seal.counter_failures > 0) {
        sim_seal.counter_failures--;
        return ACME_ERR_STORE_IO;
    }
    sim_seal.counter++;
    return ACME_OK;
}

/** The key is these bytes from now on: AES for GCM, or ChaCha20-Poly1305. */
static inline bool sim_seal_import(psa_key_type_t type, const uint8_t bytes[32])
{
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;

    psa_set_key_type(&attributes, type);
    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_ENCRYPT | PSA_KEY_USAGE_DECRYPT);
    psa_set_key_algorithm(&attributes,
                          type == PSA_KEY_TYPE_AES ? PSA_ALG_GCM : PSA_ALG_CHACHA20_POLY1305);
    (void)psa_destroy_key(sim_seal.key);
    return psa_import_key(&attributes, bytes, 32, &sim_seal.key) == PSA_SUCCESS;
}

/** A configuration of a board with this port, which seals or not, and counts or not. */
static inline struct acme_config sim_seal_board(const struct acme_port *port, bool seals,
                                                bool counts)
{
    static const struct acme_seal_ops seal_ops = {sim_seal_give_key};
    static const struct acme_counter_ops counter_ops = {sim_seal_read_counter, sim_seal_count};
    struct acme_config config = {.port = port};

    config.seal = seals ? &seal_ops : NULL;
    config.counter = counts ? &counter_ops : NULL;
    return config;
}

#endif
