/*
 * Secrets in whole lives: the real client lives in the simulated world, over the real TLS, and
 * after each job, and again when it is off, all memory of the process is searched for each private
 * key that was ever stored, for the keys of every TLS connection, and for the others that it was
 * given: the block, mbedTLS's pool, static memory, heap and stack. Then the flash is searched: for
 * anything, where it is sealed; for the keys that were removed, where it is not.
 *
 * What the search is worth is tried first, with secrets planted in each of these places.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mbedtls/platform.h>
#include <mbedtls/ssl.h>
#include <psa/crypto.h>

#include "base/b64url.h"
#include "crypto_memo.h"
#include "store/flashlog.h"
#include "key_watch.h"
#include "memory_search.h"
#include "sim_tls.h"
#include "sim_world.h"

#define DAY_MS 86400000ull

static struct sim_world world;
static unsigned failures, searches, tls_secrets;
static uint64_t masked_seal_key; /* the board's, which is not in RAM as it is */
static char eab_text[] = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W";

static void check(bool good, const char *what)
{
    if (!good) {
        failures++;
        (void)printf("secrets: FAILED: %s\n", what);
    }
}

/* ---- TLS: the secrets of each connection, of both ends ---- */

int __real_mbedtls_ssl_setup(mbedtls_ssl_context *ssl, const mbedtls_ssl_config *conf);
int __wrap_mbedtls_ssl_setup(mbedtls_ssl_context *ssl, const mbedtls_ssl_config *conf);

static void on_keys(void *ctx, mbedtls_ssl_key_export_type type, const unsigned char *secret,
                    size_t len, const unsigned char client_random[32],
                    const unsigned char server_random[32], mbedtls_tls_prf_types prf)
{
    (void)ctx;
    (void)type;
    (void)client_random;
    (void)server_random;
    (void)prf;
    if (tls_secrets < 64) { /* they are all alike */
        tls_secrets++;
        memory_search_add("TLS secret", secret, len);
    }
}

int __wrap_mbedtls_ssl_setup(mbedtls_ssl_context *ssl, const mbedtls_ssl_config *conf)
{
    int ret = __real_mbedtls_ssl_setup(ssl, conf);

    mbedtls_ssl_set_export_keys_cb(ssl, on_keys, NULL);
    return ret;
}

/* ---- the search itself ---- */

static void search(const char *when)
{
    unsigned hits = memory_search_process();

    searches++;
    if (hits > 0) {
        failures++;
        (void)printf("secrets: FAILED: %u hits in memory %s\n", hits, when);
    }
}

/* A secret that is nowhere: made when it is needed. */
static void make_planted(uint8_t out[32])
{
    uint32_t i, v = 12345;

    for (i = 0; i < 32; i++) {
        v = v * 1103515245u + 12345u;
        out[i] = (uint8_t)(v >> 16);
    }
}

static __attribute__((noinline)) void leave_on_stack(void)
{
    uint8_t frame[2048];

    memset(frame, 0, sizeof(frame));
    make_planted(frame + 1024);
    __asm__ volatile("" : : "r"(frame) : "memory");
}

static __attribute__((noinline)) void wipe_stack(void)
{
    uint8_t frame[65536];

    explicit_bzero(frame, sizeof(frame));
}

static void expect_found(const char *where)
{
    memory_search_quiet(true);
    check(memory_search_process() > 0, where);
    memory_search_quiet(false);
}

/* Each form of a part of it, in static memory. */
static void try_forms(const uint8_t *secret)
{
    static char place[64];
    static const char *const forms[] = {"raw",      "reversed", "hex",     "HEX",
                                        "base64 0", "base64 1", "base64 2"};
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint32_t form, i;

    for (form = 0; form < 7; form++) {
        memset(place, 0, sizeof(place));
        for (i = 0; i < 8; i++) {
            uint8_t b = secret[i + 5];

            if (form < 2) {
                place[1 + (form == 0 ? i : 7 - i)] = (char)b;
            } else if (form < 4) {
                (void)sprintf(place + 2 * i + 3, form == 2 ? "%02x" : "%02X", b);
            }
        }
        /* Twelve bytes from each offset, so that eight of them are whole characters. */
        for (i = 0; form >= 4 && i < 12; i += 3) {
            const uint8_t *s = secret + form + i;
            uint32_t v = (uint32_t)s[0] << 16 | (uint32_t)s[1] << 8 | s[2], k;

            for (k = 0; k < 4; k++) {
                place[2 + i / 3 * 4 + k] = digits[v >> (18 - 6 * k) & 63u];
            }
        }
        expect_found(forms[form]);
    }
    memset(place, 0, sizeof(place));
}

/* Seven bytes in a row are let pass: so much can be chance. */
static void try_plants(void)
{
    static uint8_t secret[32];
    uint8_t *heap = malloc(64);

    make_planted(secret);
    memory_search_add("a planted one", secret, sizeof(secret));
    expect_found("in static memory");
    try_forms(secret);
    explicit_bzero(secret, sizeof(secret));
    search("with nothing planted");
    memset(heap, 0, 64);
    make_planted(heap + 3);
    expect_found("on the heap");
    explicit_bzero(heap, 64);
    leave_on_stack();
    expect_found("on the stack below");
    wipe_stack();
    make_planted(world.memory + 1000);
    expect_found("in the block");
    explicit_bzero(world.memory, sizeof(world.memory));
    search("with nothing planted any more");
    free(heap);
}

/* What mbedTLS's pool was given back, and not wiped. */
static void try_pool(void)
{
    uint8_t *p = mbedtls_calloc(1, 64);

    make_planted(p + 16);
    mbedtls_free(p);
    expect_found("in what the pool got back");
    p = mbedtls_calloc(1, 64);
    explicit_bzero(p, 64);
    mbedtls_free(p);
}

/* ---- lives ---- */

static int32_t seal_key(void *ctx, uint32_t *key_id)
{
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    uint64_t raw[4];
    psa_status_t status;
    uint32_t i;

    (void)ctx;
    for (i = 0; i < 4; i++) {
        raw[i] = (masked_seal_key ^ 0x5a5a5a5a5a5a5a5aull) * (2 * i + 3);
    }
    psa_set_key_type(&attributes, PSA_KEY_TYPE_AES);
    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_ENCRYPT | PSA_KEY_USAGE_DECRYPT);
    psa_set_key_algorithm(&attributes, PSA_ALG_GCM);
    status = psa_import_key(&attributes, (uint8_t *)raw, sizeof(raw), key_id);
    explicit_bzero(raw, sizeof(raw));
    return status == PSA_SUCCESS ? ACME_OK : ACME_ERR_CRYPTO;
}

static const struct acme_seal_ops seal_ops = {seal_key};

static const char *const name = "device.example.org";

static void run(int32_t started, const char *what)
{
    int32_t rc = started == ACME_OK ? sim_world_drive(&world) : started;
    struct acme_account_status account;
    struct acme_cert_status status;

    if (rc != ACME_OK) {
        failures++;
        (void)printf("secrets: FAILED: %s ends with %s\n", what, acme_error_name(rc));
    }
    search(what);
    /* What is asked for between jobs leaves nothing either. */
    (void)acme_cert_get_status(world.client, 0, &status);
    (void)acme_account_get_status(world.client, &account);
    search("after a look at the status");
}

static void boot(const char *what)
{
    check(sim_world_boot(&world) == ACME_OK, what);
    search("after a boot");
}

static void halt(void)
{
    sim_world_halt(&world);
    search("after acme_deinit");
}

/* Jobs of each kind, with reboots and long sleeps between them. */
static void live(uint32_t rounds)
{
    uint32_t i;

    boot("first boot");
    run(acme_start(world.client), "first boot");
    try_pool();
    halt();
    for (i = 0; i < rounds; i++) {
        sim_world_sleep(&world, 70 * DAY_MS);
        boot("boot for a renewal");
        run(acme_start_due(world.client), "renewal");
        if (i % 3 == 1) {
            run(acme_account_rollover(world.client), "rollover");
        }
        halt();
    }
    boot("last boot");
    run(acme_revoke_start(world.client, 0, 4, true), "revocation by the certificate's key");
    run(acme_account_deactivate(world.client), "deactivation");
    run(acme_start(world.client), "a new account");
    halt();
}

/* A connection that breaks off in the middle of everything. */
static void live_badly(uint32_t every)
{
    uint32_t at;

    for (at = 1; at < 30; at += 4 * every) {
        boot("boot for a job that fails");
        world.net.break_reply_at = at;
        (void)(acme_start(world.client) == ACME_OK && sim_world_drive(&world) == ACME_OK);
        sim_net_clear_faults(&world.net);
        search("a job with a broken connection");
        sim_world_halt(&world);
        search("after acme_deinit");
        world.config.force_renewal = true;
    }
    for (at = 1; at < 400; at += 23 * every) {
        boot("boot for a job without power");
        world.flash.cut_at = at / 4 + 1;
        world.flash.cut_kind = FLASH_SIM_CUT_TORN;
        (void)(acme_start(world.client) == ACME_OK && sim_world_drive(&world) == ACME_OK);
        sim_world_halt(&world);
        search("after a power cut");
        boot("boot for a job with a flash that fails");
        world.flash.fail_read_at = at * 16;
        (void)(acme_start(world.client) == ACME_OK && sim_world_drive(&world) == ACME_OK);
        search("a job with a flash that failed");
        sim_world_halt(&world);
        search("after a flash that failed");
    }
    world.config.force_renewal = false;
}

static void build(bool sealed, bool key_reuse, uint64_t seed)
{
    static struct acme_cert_request request;
    const struct sim_options options = {1024, 24, 8, seed, 8, 256};

    sim_world_free(&world);
    world.transport = sim_tls_transport;
    if (!sim_world_init(&world, &options)) {
        abort();
    }
    memset(&request, 0, sizeof(request));
    request.names = &name;
    request.names_count = 1;
    request.key_reuse = key_reuse;
    world.config.certs = &request;
    world.config.certs_count = 1;
    world.config.contact = "mailto:somebody@example.org";
    world.config.eab_kid = "kid-1";
    world.config.eab_hmac_key = eab_text;
    world.config.seal = sealed ? &seal_ops : NULL;
}

static unsigned search_flash(void)
{
    return memory_search_bytes("flash", world.flash.data,
                               world.flash.geometry.sector_size *
                                   world.flash.geometry.sector_count);
}

/* An account and a certificate whose keys are the last that are learnt. */
static void run_alone(void)
{
    boot("boot for the last keys");
    run(acme_account_deactivate(world.client), "deactivation");
    world.config.force_renewal = true;
    halt();
    boot("boot for the last keys");
    run(acme_start(world.client), "an account and a certificate");
    world.config.force_renewal = false;
    halt();
}

static bool shows(unsigned number)
{
    return memory_search_shows(number, world.flash.data,
                               world.flash.geometry.sector_size *
                                   world.flash.geometry.sector_count);
}

/* Writes until every sector has been erased once more. */
static void churn(void)
{
    static uint32_t before[FLASH_SIM_MAX / 256];
    static const uint8_t junk[200];
    struct acme_flashlog log;
    uint32_t sector = 0, i;

    memcpy(before, world.flash.erases, sizeof(before));
    check(acme_flashlog_mount(&log, &flash_sim_ops, &world.flash) == ACME_OK, "the log mounts");
    for (i = 0; i < 5000 && sector < world.flash.geometry.sector_count; i++) {
        check(acme_flashlog_set(&log, ACME_KEY(13, 1), junk, sizeof(junk)) == ACME_OK, "it writes");
        while (sector < world.flash.geometry.sector_count &&
               world.flash.erases[sector] > before[sector]) {
            sector++;
        }
    }
    check(sector == world.flash.geometry.sector_count, "every sector was erased");
}

/* A removed key is on flash until its sector is erased; one in use stays. The last two that were
 * learnt are the account's and the certificate's. */
static void check_removed(unsigned first)
{
    unsigned end = memory_search_known(), i, left = 0;

    for (i = first; i < end - 2; i++) {
        left += shows(i) ? 1u : 0u;
    }
    check(left > 0 && shows(end - 2) && shows(end - 1), "removed keys are seen where they are");
    churn();
    check(shows(end - 2) && shows(end - 1), "keys in use stay");
    for (i = first; i < end - 2; i++) {
        check(!shows(i), "a removed key is gone with its sector");
    }
    boot("boot after so much writing");
    halt();
}

static void learn_eab(void)
{
    uint8_t raw[64];
    int32_t n = acme_b64url_decode(eab_text, strlen(eab_text), raw, sizeof(raw));

    memory_search_add("EAB key", raw, n > 0 ? (size_t)n : 0);
    explicit_bzero(raw, sizeof(raw));
}

/* usage: secrets_lives [short] */
int main(int argc, char **argv)
{
    unsigned first;
    bool brief = argc > 1 && strcmp(argv[1], "short") == 0;

    (void)setvbuf(stdout, NULL, _IONBF, 0);
    crypto_memo_enable(false); /* it would leave out the very computations */
    memory_search_exclude(world.flash.data, sizeof(world.flash.data));
    memory_search_exclude(&world.flash.cache, sizeof(world.flash.cache));
    memory_search_exclude(eab_text, sizeof(eab_text)); /* the integrator's */
    try_plants();
    learn_eab();
    build(false, false, 1);
    first = memory_search_known();
    live(brief ? 2 : 6);
    tls_secrets = 64; /* no more of them: what is learnt last are keys */
    run_alone();
    check_removed(first);
    build(true, false, 2);
    live(brief ? 1 : 6);
    check(search_flash() == 0, "a sealed flash shows nothing");
    build(false, true, 3);
    live(brief ? 1 : 3);
    live_badly(brief ? 4 : 1);
    sim_world_free(&world);
    (void)printf("secrets: %u keys, %u TLS secrets, %u searches, %u failures\n", key_watch_count(),
                 tls_secrets, searches, failures);
    return failures == 0 ? 0 : 1;
}
