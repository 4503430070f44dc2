/*
 * The readers of single records, whatever a record holds: accounts, orders, certificates, names,
 * chains and PSA's storage. The first byte says which, the rest is the value. They never read or
 * write outside, and what they accept is bounded and ends.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <psa/crypto.h>
#include <psa/internal_trusted_storage.h>

#include "flash_sim.h"
#include "store/store.h"

static struct flash_sim flash;
static struct acme_store store;
static struct acme_account_record account;
static struct acme_order_record order;
static struct acme_cert_record cert;
static uint8_t scratch[16 + 3 * (CONFIG_ACME_URL_MAX + 1)];

static void check_text(const char *text)
{
    if (memchr(text, 0, CONFIG_ACME_URL_MAX + 1) == NULL) {
        abort();
    }
}

static void read_certificate(void)
{
    uint8_t out[64];

    if (acme_store_read_cert(&store, 0, &cert) == ACME_OK) {
        if (cert.chain_count > CONFIG_ACME_CHAIN_CERTS_MAX || cert.key_generation > 1) {
            abort();
        }
        (void)acme_store_read_chain(&store, 0, cert.key_generation, 0, out, sizeof(out));
    }
}

static void read_its(size_t size)
{
    struct psa_storage_info_t info;
    uint8_t out[64];
    size_t len = 0;

    if (psa_its_get_info(77, &info) != PSA_SUCCESS || info.size != size) {
        abort();
    }
    if (psa_its_get(77, 0, sizeof(out), out, &len) == PSA_SUCCESS &&
        (len != sizeof(out) || size < len)) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint64_t keys[] = {ACME_KEY(ACME_SPACE_ACCOUNT, 0), ACME_KEY(ACME_SPACE_ORDER, 0),
                                    ACME_KEY(ACME_SPACE_CERT, 0), ACME_KEY(ACME_SPACE_NAMES, 0),
                                    ACME_KEY(ACME_SPACE_ITS, 77)};
    uint8_t which = size > 0 ? data[0] % 5 : 0;
    char names[100];

    if (size == 0 || size > 4000) {
        return 0;
    }
    flash_sim_init(&flash, 4096, 4, 4, 1);
    (void)acme_flashlog_mount(&store.log, &flash_sim_ops, &flash);
    if (acme_record_set(&store, keys[which], data + 1, size - 1) != ACME_OK) {
        abort();
    }
    acme_store_bind_its(&store);
    if (acme_store_read_account(&store, 0, &account, scratch, sizeof(scratch)) == ACME_OK) {
        check_text(account.directory_url);
        check_text(account.url);
        check_text(account.tos_url);
    }
    if (acme_store_read_order(&store, 0, &order, scratch, sizeof(scratch)) == ACME_OK) {
        check_text(order.url);
    }
    read_certificate();
    if (acme_store_read_names(&store, 0, names, sizeof(names)) == ACME_OK &&
        memchr(names, 0, sizeof(names)) == NULL) {
        abort();
    }
    if (which == 4) {
        read_its(size - 1);
    }
    return 0;
}
