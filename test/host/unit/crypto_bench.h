/*
 * What the tests of rooms with keys share: PSA Crypto on the kernel's entropy, with persistent keys
 * in a flash log in memory.
 */
#ifndef CRYPTO_BENCH_H
#define CRYPTO_BENCH_H

#include <psa/crypto.h>

#include "acme_posix.h"
#include "base/entropy.h"
#include "flash_sim.h"
#include "store/store.h"

static struct flash_sim bench_flash;
static struct acme_store bench_log;

static inline int bench_up(void **state)
{
    (void)state;
    flash_sim_init(&bench_flash, 4096, 32, 8, 1);
    if (acme_flashlog_mount(&bench_log.log, &flash_sim_ops, &bench_flash) != ACME_OK) {
        return -1;
    }
    acme_store_bind_its(&bench_log);
    acme_entropy_bind(&acme_posix_entropy_ops, NULL);
    return psa_crypto_init() == PSA_SUCCESS ? 0 : -1;
}

static inline int bench_down(void **state)
{
    (void)state;
    mbedtls_psa_crypto_free();
    acme_store_bind_its(NULL);
    return 0;
}

#endif
