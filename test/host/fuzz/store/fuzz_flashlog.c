/*
 * A flash area that holds whatever the input says: mounting, reading and walking never crash or
 * hang, and never write; what mounts can be written to, and keeps what was written.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "flash_sim.h"
#include "store/store.h"

static struct flash_sim flash;

static void walk(struct acme_store *store)
{
    uint64_t key = 0;
    struct acme_cert_record cert;
    struct acme_order_record order;
    uint8_t data[600], scratch[2048];
    uint32_t n = 0;

    while (acme_flashlog_next(&store->log, &key) == ACME_OK) {
        (void)acme_flashlog_read(&store->log, key, 0, data, sizeof(data));
        if (++n > 10000) {
            abort(); /* the keys ascend, so there is an end */
        }
    }
    (void)acme_store_read_cert(store, 0, &cert);
    (void)acme_store_read_order(store, 0, &order, scratch, sizeof(scratch));
}

/* Whether two sectors say the same sequence number, which the log never writes: what is added to
 * such an area may be hidden. */
static bool has_twins(void)
{
    uint32_t i, j;

    for (i = 0; i < 16; i++) {
        const uint8_t *a = flash.data + i / 2 * 256 + i % 2 * 24;

        for (j = 0; j < i / 2 * 2; j++) {
            const uint8_t *b = flash.data + j / 2 * 256 + j % 2 * 24;

            if (memcmp(a, "nACM", 4) == 0 && memcmp(b, "nACM", 4) == 0 &&
                memcmp(a + 8, b + 8, 4) == 0) {
                return true;
            }
        }
    }
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint64_t key = ACME_KEY(ACME_SPACE_TIME, 77);
    static struct acme_store store;
    struct acme_flashlog *log = &store.log;
    char out[8] = "";
    bool twins;
    int32_t rc;

    flash_sim_init(&flash, 256, 8, 4, 1);
    memset(flash.data, 0xff, 2048);
    memcpy(flash.data, data, size > 2048 ? 2048 : size);
    twins = has_twins();
    rc = acme_flashlog_mount(log, &flash_sim_ops, &flash);
    if (flash.operations != 0) {
        abort(); /* mounting writes nothing */
    }
    if (rc != ACME_OK && rc != ACME_ERR_STORE_CORRUPT) {
        return 0;
    }
    walk(&store);
    rc = acme_flashlog_set(log, key, "seven", 5);
    if (rc == ACME_OK && !twins &&
        (acme_flashlog_read(log, key, 0, out, sizeof(out)) != 5 || memcmp(out, "seven", 5) != 0)) {
        abort();
    }
    return 0;
}
