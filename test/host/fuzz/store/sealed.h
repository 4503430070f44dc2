/*
 * What the fuzz targets of the store share: a store of each kind over simulated flash. Plain,
 * sealed with a key of the board, or sealed and with a counter. Random bytes are a series, so that
 * the same input leads to the same flash.
 */
#ifndef FUZZ_SEALED_H
#define FUZZ_SEALED_H

#include <psa/crypto.h>

#include "base/entropy.h"
#include "flash_sim.h"
#include "script.h"
#include "store/store.h"

enum sealed_kind { SEALED_NOT, SEALED_BY_KEY, SEALED_AND_COUNTED, SEALED_KINDS };

static struct flash_sim flash;
static struct acme_store store;
static struct acme_port sealed_port = {.flash = &flash_sim_ops, .flash_ctx = &flash};
static struct acme_config sealed_config;
static uint64_t sealed_random;
static uint32_t sealed_counter;
static psa_key_id_t sealed_key;

static int32_t sealed_fill(void *ctx, uint8_t *data, size_t len)
{
    (void)ctx;
    for (; len > 0; len--) {
        sealed_random = sealed_random * 6364136223846793005u + 1442695040888963407u;
        *data++ = (uint8_t)(sealed_random >> 56);
    }
    return ACME_OK;
}

static int32_t sealed_board_key(void *ctx, uint32_t *key_id)
{
    (void)ctx;
    *key_id = sealed_key;
    return ACME_OK;
}

/* The counter is on the same board: without power it does not count. */
static int32_t sealed_read(void *ctx, uint32_t *value)
{
    (void)ctx;
    *value = sealed_counter;
    return ACME_OK;
}

static int32_t sealed_count(void *ctx)
{
    (void)ctx;
    sealed_counter += flash.off ? 0 : 1;
    return flash.off ? ACME_ERR_STORE_IO : ACME_OK;
}

static const struct acme_entropy_ops sealed_entropy = {sealed_fill};
static const struct acme_seal_ops sealed_ops = {sealed_board_key};
static const struct acme_counter_ops sealed_counter_ops = {sealed_read, sealed_count};

static void sealed_start(void)
{
    static const uint8_t bytes[32] = {0x42};
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;

    acme_entropy_bind(&sealed_entropy, NULL);
    CHECK(psa_crypto_init() == PSA_SUCCESS);
    psa_set_key_type(&attributes, PSA_KEY_TYPE_CHACHA20);
    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_ENCRYPT | PSA_KEY_USAGE_DECRYPT);
    psa_set_key_algorithm(&attributes, PSA_ALG_CHACHA20_POLY1305);
    CHECK(psa_import_key(&attributes, bytes, sizeof(bytes), &sealed_key) == PSA_SUCCESS);
}

/* A blank flash, for a store of this kind. */
static void sealed_blank(enum sealed_kind kind, uint32_t sector_size, uint32_t sector_count,
                         uint32_t unit)
{
    if (sealed_key == 0) {
        sealed_start();
    }
    sealed_random = 1;
    sealed_counter = 0;
    flash_sim_init(&flash, sector_size, sector_count, unit, 1);
    sealed_config = (struct acme_config){.port = &sealed_port};
    sealed_config.seal = kind == SEALED_NOT ? NULL : &sealed_ops;
    sealed_config.counter = kind == SEALED_AND_COUNTED ? &sealed_counter_ops : NULL;
}

static int32_t sealed_open(void)
{
    memset(&store, 0, sizeof(store));
    return acme_store_open(&store, &sealed_config);
}

#endif
