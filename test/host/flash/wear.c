/*
 * How much a flash area wears: plays years of renewals over the real store and log, and counts. It
 * knows what the client writes for a certificate, and in which order (core/src/store/store.h).
 * "wear SECTOR_SIZE SECTORS PROGRAM_UNIT DAYS YEARS SLOTS": a renewal of each slot every DAYS, with
 * a reset before each. Prints sectors, renewals, erases: total, least and most of one sector. With
 * a seventh word, it writes the area to a file of that name.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <psa/crypto.h>
#include <psa/internal_trusted_storage.h>

#include "flash_sim.h"
#include "store/store.h"

#define CHAIN_LEN 2200u /* a leaf and an intermediate with P-256 keys */
#define KEY_LEN   75u   /* a persistent P-256 key of mbedTLS */

static struct flash_sim flash;
static struct acme_store store;
static struct acme_account_record account;
static struct acme_order_record order;

static void need(int32_t rc, const char *what)
{
    if (rc != ACME_OK) {
        fprintf(stderr, "wear: %s: %s\n", what, acme_error_name(rc));
        exit(1);
    }
}

static void mount(void)
{
    need(acme_flashlog_mount(&store.log, &flash_sim_ops, &flash), "mount");
    acme_store_bind_its(&store);
}

static void set_key(uint32_t id)
{
    static uint8_t key[KEY_LEN];

    memset(key, 'K', sizeof(key)); /* for those who look for it in what is printed */
    need(psa_its_set(id, sizeof(key), key, 0) == PSA_SUCCESS ? ACME_OK : ACME_ERR_STORE_FULL,
         "key");
}

static void renew(uint8_t slot, uint8_t generation)
{
    struct acme_cert_record cert = {
        .names_id = 1, .key_generation = generation, .chain_count = 2, .lengths = {1000, 1200}};
    static uint8_t chunk[ACME_CHAIN_CHUNK], scratch[4096];
    uint32_t at;

    order.key_generation = generation;
    need(acme_store_write_order(&store, slot, &order, scratch, sizeof(scratch)), "order");
    set_key(100u + slot * 2u + generation);
    for (at = 0; at < CHAIN_LEN; at += sizeof(chunk)) {
        size_t n = CHAIN_LEN - at < sizeof(chunk) ? CHAIN_LEN - at : sizeof(chunk);

        need(acme_store_write_chunk(&store, slot, generation, (uint16_t)(at / sizeof(chunk)), chunk,
                                    n),
             "chunk");
    }
    need(acme_store_install(&store, slot, &cert, "device.example.org"), "install");
    (void)psa_its_remove(100u + slot * 2u + (generation ^ 1u));
    need(acme_store_remove_chain(&store, slot, generation ^ 1u), "old chain");
}

int main(int argc, char **argv)
{
    static uint8_t scratch[4096];
    unsigned long v[6], day, renewals = 0, total = 0, least = UINT32_MAX, most = 0;
    uint32_t i;

    for (i = 0; i < 6 && argc >= 7; i++) {
        v[i] = strtoul(argv[i + 1], NULL, 10);
    }
    if (argc < 7 || argc > 8 || v[0] * v[1] > FLASH_SIM_MAX || v[3] == 0) {
        fprintf(stderr, "usage: wear SECTOR_SIZE SECTORS PROGRAM_UNIT DAYS YEARS SLOTS [IMAGE]\n");
        return 2;
    }
    flash_sim_init(&flash, (uint32_t)v[0], (uint32_t)v[1], (uint32_t)v[2], 1);
    (void)strcpy(account.directory_url, "https://acme-v02.api.letsencrypt.org/directory");
    (void)strcpy(account.url, "https://acme-v02.api.letsencrypt.org/acme/acct/1234567890");
    (void)strcpy(account.tos_url,
                 "https://letsencrypt.org/documents/LE-SA-v1.5-February-24-2025.pdf");
    (void)strcpy(order.url, "https://acme-v02.api.letsencrypt.org/acme/order/1234567890/987654321");
    mount();
    set_key(1);
    need(acme_store_write_account(&store, 0, &account, scratch, sizeof(scratch)), "account");
    for (day = 0; day < v[4] * 365; day += v[3]) {
        unsigned long slot;

        for (slot = 0; slot < v[5]; slot++) {
            mount();
            renew((uint8_t)slot, (uint8_t)(renewals / v[5] % 2));
            renewals++;
        }
    }
    for (i = 0; i < flash.geometry.sector_count; i++) {
        total += flash.erases[i];
        least = flash.erases[i] < least ? flash.erases[i] : least;
        most = flash.erases[i] > most ? flash.erases[i] : most;
    }
    if (argc == 8) {
        FILE *out = fopen(argv[7], "wb");

        if (out == NULL || fwrite(flash.data, v[0], v[1], out) != v[1] || fclose(out) != 0) {
            perror(argv[7]);
            return 1;
        }
    }
    printf("%lu %lu %lu %lu %lu\n", v[1], renewals, total, least, most);
    return flash.violation || most - least > 2 ? 1 : 0;
}
