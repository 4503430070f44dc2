/*
 * Power cuts one level above the log: a renewal as the client writes it (core/src/store/store.h),
 * cut at its flash operations (each, or each n-th where there are many) and again while it is taken
 * up, over the geometries. After each cut the account and its key, and a certificate with its key
 * and its whole chain, must be there. It knows the store's interface and the order of writing.
 */
#include <stdio.h>
#include <string.h>

#include <psa/crypto.h>
#include <psa/internal_trusted_storage.h>

#include "flash_faults.h"
#include "store/store.h"

#define CHAIN_LEN   1300u
#define CHUNKS      3u
#define ACCOUNT_KEY 1u
#define KEY_LEN     75u

static struct flash_sim flash;
static struct flash_faults chip;
static struct acme_store store;
static unsigned long cuts, losses, lives;

static void lose(const char *what, uint32_t cut, int kind)
{
    if (losses++ < 10) {
        printf("storecut: LOSS %s: %u sectors of %u bytes, unit %u, cut %u kind %d\n", what,
               flash.geometry.sector_count, flash.geometry.sector_size, flash.geometry.program_size,
               cut, kind);
    }
}

static bool mount(void)
{
    acme_store_bind_its(&store);
    return acme_flashlog_mount(&store.log, &flash_faults_ops, &chip) == ACME_OK;
}

static bool set_key(uint32_t id, uint8_t value)
{
    uint8_t key[KEY_LEN];

    memset(key, value, sizeof(key));
    return psa_its_set(id, sizeof(key), key, 0) == PSA_SUCCESS;
}

static bool has_key(uint32_t id, uint8_t value)
{
    uint8_t key[KEY_LEN];
    size_t len = 0;

    return psa_its_get(id, 0, sizeof(key), key, &len) == PSA_SUCCESS && len == sizeof(key) &&
           key[0] == value && key[KEY_LEN - 1] == value;
}

static bool set_account(void)
{
    static const struct acme_account_record account = {.directory_url = "https://ca.example/dir",
                                                       .url = "https://ca.example/acct/1"};
    static uint8_t scratch[4096];

    return set_key(ACCOUNT_KEY, 'a') &&
           acme_store_write_account(&store, 0, &account, scratch, sizeof(scratch)) == ACME_OK;
}

static bool write_chain(uint8_t generation)
{
    uint8_t chunk[ACME_CHAIN_CHUNK];
    uint16_t i;
    bool good = true;

    memset(chunk, 'c' + generation, sizeof(chunk));
    for (i = 0; i < CHUNKS && good; i++) {
        size_t len = i + 1u < CHUNKS ? ACME_CHAIN_CHUNK : CHAIN_LEN - i * ACME_CHAIN_CHUNK;

        good = acme_store_write_chunk(&store, 0, generation, i, chunk, len) == ACME_OK;
    }
    return good;
}

/* What the generation before has left: as acme_init does. */
static bool remove_old(uint8_t generation)
{
    psa_status_t status = psa_its_remove(100u + (generation ^ 1u));

    return (status == PSA_SUCCESS || status == PSA_ERROR_DOES_NOT_EXIST) &&
           acme_store_remove_chain(&store, 0, generation ^ 1u) == ACME_OK;
}

/* One renewal; until it is installed, it is done again from its start after a cut. */
static bool renew(uint8_t generation)
{
    struct acme_order_record order = {.key_generation = generation, .url = "https://ca.example/o"};
    struct acme_cert_record cert = {.key_generation = generation, .chain_count = 1};
    static uint8_t scratch[4096];
    bool good = acme_store_write_order(&store, 0, &order, scratch, sizeof(scratch)) == ACME_OK &&
                set_key(100u + generation, (uint8_t)('k' + generation)) &&
                acme_store_remove_chain(&store, 0, generation) == ACME_OK &&
                write_chain(generation);

    cert.lengths[0] = CHAIN_LEN;
    return good && acme_store_install(&store, 0, &cert, "a.example") == ACME_OK &&
           remove_old(generation);
}

/* What must be there, whatever was cut. Returns the generation in force, or -1. */
static int check(uint32_t cut, int kind)
{
    static struct acme_account_record account;
    static uint8_t scratch[4096], chain[CHAIN_LEN];
    struct acme_cert_record cert;
    char names[32];
    size_t i;

    if (acme_store_read_account(&store, 0, &account, scratch, sizeof(scratch)) != ACME_OK ||
        strcmp(account.url, "https://ca.example/acct/1") != 0 || !has_key(ACCOUNT_KEY, 'a')) {
        lose("the account", cut, kind);
        return -1;
    }
    if (acme_store_read_cert(&store, 0, &cert) != ACME_OK ||
        acme_store_read_names(&store, 0, names, sizeof(names)) != ACME_OK) {
        lose("the certificate", cut, kind);
        return -1;
    }
    if (!has_key(100u + cert.key_generation, (uint8_t)('k' + cert.key_generation))) {
        lose("the certificate's key", cut, kind);
        return -1;
    }
    if (acme_store_read_chain(&store, 0, cert.key_generation, 0, chain, sizeof(chain)) != ACME_OK) {
        lose("the chain", cut, kind);
        return -1;
    }
    for (i = 0; i < sizeof(chain) && chain[i] == 'c' + cert.key_generation; i++) {
    }
    if (i < sizeof(chain)) {
        lose("the chain's bytes", cut, kind);
    }
    return cert.key_generation;
}

/* Cuts the renewal to a generation at an operation, then goes on, cut once more, and ends it. */
static bool cut_renewal(uint8_t generation, uint32_t cut, int kind, uint32_t second)
{
    bool done = renew(generation) && !flash.off;

    while (!done) {
        int in_force;

        flash_sim_power_on(&flash);
        cuts++;
        if (!mount()) {
            lose("it does not mount", cut, kind);
            return false;
        }
        in_force = check(cut, kind);
        if (in_force < 0) {
            return false;
        }
        flash.cut_at = second;
        flash.cut_kind = (enum flash_sim_cut)((kind + 1) % 3);
        second = 0;
        done = (in_force == (int)generation ? remove_old(generation) : renew(generation)) &&
               !flash.off;
        if (!done && !flash.off) {
            lose("it cannot go on", cut, kind);
            return false;
        }
    }
    return true;
}

/* Returns false when the renewal had no such operation. */
static bool life(uint32_t size, uint32_t count, uint32_t unit, uint32_t before, uint32_t cut,
                 int kind)
{
    uint32_t i;
    bool was_cut;

    flash_sim_init(&flash, size, count, unit, cut * 3u + (uint32_t)kind);
    flash_sim_power_on(&flash);
    flash_faults_init(&chip, &flash);
    chip.ecc = cut % 2 == 0;
    memset(&store, 0, sizeof(store));
    (void)mount();
    (void)set_account();
    for (i = 0; i <= before; i++) { /* an area that is filled more and more */
        if (!renew((uint8_t)(i % 2))) {
            lose("no room for a certificate", cut, kind);
            return false;
        }
    }
    flash_sim_power_on(&flash);
    flash.cut_at = cut;
    flash.cut_kind = (enum flash_sim_cut)kind;
    if (!cut_renewal((uint8_t)(i % 2), cut, kind, 1 + cut % 40)) {
        return true;
    }
    was_cut = flash.cut_at != cut || flash.operations == 0;
    flash_sim_power_on(&flash);
    if (!mount() || check(cut, kind) != (int)(i % 2) || flash.violation) {
        lose("the end", cut, kind);
    }
    lives++;
    return was_cut;
}

int main(void)
{
    static const uint32_t units[] = {1, 4, 8, 32};
    static const struct {
        uint32_t size, count, before, step;
    } shapes[] = {{256, 96, 1, 7}, {1024, 20, 2, 1}, {4096, 3, 2, 1}, {4096, 6, 4, 1}};
    unsigned s, u;

    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    for (s = 0; s < 4; s++) {
        for (u = 0; u < 4; u++) {
            unsigned long cut_before = cuts;
            int kind;

            for (kind = 0; kind < 3; kind++) {
                uint32_t cut = 1;

                while (life(shapes[s].size, shapes[s].count, units[u],
                            shapes[s].before + (uint32_t)kind, cut, kind)) {
                    cut += shapes[s].step;
                }
            }
            printf("storecut: %u sectors of %u bytes, unit %u: %lu cut points\n", shapes[s].count,
                   shapes[s].size, units[u], cuts - cut_before);
        }
    }
    printf("storecut: %lu cut points, %lu renewals, 16 geometries, %lu losses\n", cuts, lives,
           losses);
    return losses == 0 ? 0 : 1;
}
