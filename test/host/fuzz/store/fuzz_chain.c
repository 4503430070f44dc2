/*
 * A PEM chain as it streams in, cut into two pieces at a place that the input chooses: the pieces
 * must not matter, and what is stored is as long as the certificates say.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "store/chain.h"
#include "flash_sim.h"

static struct flash_sim flash;
static struct acme_store store;

static int32_t push(struct acme_chain_sink *s, uint8_t *chunk, const uint8_t *data, size_t size,
                    size_t cut)
{
    int32_t rc;

    flash_sim_init(&flash, 4096, 8, 4, 1);
    if (acme_flashlog_mount(&store.log, &flash_sim_ops, &flash) != ACME_OK) {
        abort();
    }
    acme_chain_sink_init(s, &store, chunk, 0, 0);
    rc = acme_chain_sink_push(s, data, cut);
    if (rc == ACME_OK) {
        rc = acme_chain_sink_push(s, data + cut, size - cut);
    }
    return rc == ACME_OK ? acme_chain_sink_finish(s) : rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t chunk[ACME_CHAIN_CHUNK], der[65536];
    struct acme_chain_sink one, two;
    uint32_t total = 0;
    int32_t rc;
    uint8_t i;

    if (size < 2) {
        return 0;
    }
    rc = push(&one, chunk, data + 1, size - 1, 0);
    if (rc != push(&two, chunk, data + 1, size - 1, data[0] % size)) {
        abort();
    }
    if (rc != ACME_OK) {
        return 0;
    }
    if (one.count != two.count || memcmp(one.lengths, two.lengths, sizeof(one.lengths)) != 0) {
        abort();
    }
    for (i = 0; i < one.count; i++) {
        total += one.lengths[i];
    }
    if (total > sizeof(der) || acme_store_read_chain(&store, 0, 0, 0, der, total) != ACME_OK ||
        acme_store_read_chain(&store, 0, 0, total, der, 1) == ACME_OK) {
        abort();
    }
    return 0;
}
