/*
 * Store images of earlier versions, which every later one reads: test/host/images has a folder for
 * each version that wrote some. Beside each image is what it must yield, as text: the records as
 * store.h reads them, and the keys as PSA Crypto does. Then the store is written to, and still has
 * all of it. `test_images --write FOLDER` makes the images of this version; what it has written
 * once is not written anew.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <dirent.h>

#include <psa/crypto.h>

#include "acme_posix.h"
#include "base/entropy.h"
#include "flash_sim.h"
#include "sim_seal.h"
#include "store/store.h"

enum kind { PLAIN, SEALED, COUNTED };
enum place { AREA, IMAGE_FILE, FOLDER };

/* What is made. The areas are those of the boards; small ones are full of what compaction leaves.
 */
struct plan {
    const char *name;
    enum place place;
    enum kind kind;
    struct acme_flash_geometry geometry;
    uint32_t rounds; /* of what a device writes in a year */
};

static const struct plan plans[] = {
    {"lm3s6965evb", AREA, PLAIN, {1024, 24, 4}, 24},
    {"mps2_an385", AREA, PLAIN, {4096, 16, 8}, 48},
    {"lm3s6965evb_sealed", AREA, SEALED, {1024, 24, 4}, 2},
    {"mps2_an385_counted", AREA, COUNTED, {4096, 16, 8}, 2},
    {"large_sectors", AREA, PLAIN, {131072, 4, 32}, 4},
    {"small", AREA, PLAIN, {512, 16, 1}, 14},
    {"small_sealed", AREA, SEALED, {512, 16, 4}, 6},
    {"small_counted", AREA, COUNTED, {1024, 8, 8}, 6},
    {"host_file", IMAGE_FILE, PLAIN, {4096, 128, 8}, 4},
    {"host_folder", FOLDER, PLAIN, {0, 0, 0}, 4},
    {"host_folder_sealed", FOLDER, SEALED, {0, 0, 0}, 4},
    {"host_folder_counted", FOLDER, COUNTED, {0, 0, 0}, 4},
};

#define PLANS     (sizeof(plans) / sizeof(plans[0]))
#define ALL_MAX   (1024u * 1024u)
#define TEXT_MAX  8192u
#define CHAIN_LEN 900u
#define KEY_ID    0x2100u

static struct flash_sim flash;
static struct acme_posix_flash file;
static struct acme_posix_files files;
static struct acme_store store;
static struct acme_port port;
static struct acme_config config;
static char work[64]; /* a file or a folder, for the time of a test */
static uint64_t series;

/* ---- the board ---- */

static int32_t fill(void *ctx, uint8_t *data, size_t len)
{
    (void)ctx;
    for (; len > 0; len--) {
        series = series * 6364136223846793005u + 1442695040888963407u;
        *data++ = (uint8_t)(series >> 56);
    }
    return ACME_OK;
}

static const struct acme_entropy_ops entropy = {fill};

static void start_crypto(void)
{
    static const uint8_t bytes[32] = {0x49, 0x4d, 0x41, 0x47, 0x45};

    acme_entropy_bind(&entropy, NULL);
    assert_int_equal(psa_crypto_init(), PSA_SUCCESS);
    assert_true(sim_seal_import(PSA_KEY_TYPE_AES, bytes));
}

static void clear_work(void)
{
    char command[100];

    (void)snprintf(command, sizeof(command), "rm -rf '%s'", work);
    assert_int_equal(system(command), 0);
}

static void open_place(const struct plan *p)
{
    port = (struct acme_port){.flash = &flash_sim_ops, .flash_ctx = &flash};
    config = sim_seal_board(&port, p->kind != PLAIN, p->kind == COUNTED);
    if (p->place == IMAGE_FILE) {
        assert_int_equal(acme_posix_flash_open(&file, work, &p->geometry), ACME_OK);
        port.flash = &acme_posix_flash_ops;
        port.flash_ctx = &file;
    } else if (p->place == FOLDER) {
        assert_int_equal(acme_posix_files_open(&files, work), ACME_OK);
        config.records = &acme_posix_files_ops;
        config.records_ctx = &files;
    }
}

static void close_place(const struct plan *p)
{
    acme_store_bind_its(NULL);
    if (p->place == IMAGE_FILE) {
        acme_posix_flash_close(&file);
    } else if (p->place == FOLDER) {
        acme_posix_files_close(&files);
    }
}

static void mount(void)
{
    memset(&store, 0, sizeof(store));
    assert_int_equal(acme_store_open(&store, &config), ACME_OK);
    acme_store_bind_its(&store);
}

/* ---- a device's years ---- */

static void make_key(psa_key_id_t id)
{
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;

    psa_set_key_id(&attributes, id);
    psa_set_key_type(&attributes, PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1));
    psa_set_key_bits(&attributes, 256);
    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_SIGN_HASH | PSA_KEY_USAGE_SIGN_MESSAGE);
    psa_set_key_algorithm(&attributes, PSA_ALG_ECDSA(PSA_ALG_ANY_HASH));
    assert_int_equal(psa_generate_key(&attributes, &id), PSA_SUCCESS);
    assert_int_equal(psa_purge_key(id), PSA_SUCCESS);
}

static void write_certificate(uint8_t generation, uint32_t round)
{
    struct acme_cert_record r = {.names_id = 0x1122334455667788u,
                                 .key_generation = generation,
                                 .chain_count = 2,
                                 .lengths = {600, CHAIN_LEN - 600},
                                 .not_before_s = 1764547200 + (int64_t)round * 86400,
                                 .not_after_s = 1772323200 + (int64_t)round * 86400};
    uint8_t chain[CHAIN_LEN];
    uint16_t i;

    for (i = 0; i < CHAIN_LEN; i++) { /* it repeats, so that the image can be packed */
        chain[i] = (uint8_t)(round + i / 128u);
    }
    assert_int_equal(acme_store_remove_chain(&store, 0, generation), ACME_OK);
    for (i = 0; i * ACME_CHAIN_CHUNK < CHAIN_LEN; i++) {
        size_t at = (size_t)i * ACME_CHAIN_CHUNK, left = CHAIN_LEN - at;

        assert_int_equal(acme_store_write_chunk(&store, 0, generation, i, chain + at,
                                                left < ACME_CHAIN_CHUNK ? left : ACME_CHAIN_CHUNK),
                         ACME_OK);
    }
    assert_int_equal(acme_store_install(&store, 0, &r, "device.example.org,www.example.org"),
                     ACME_OK);
    assert_int_equal(acme_store_remove_chain(&store, 0, generation ^ 1u), ACME_OK);
}

static void write_order(uint8_t generation)
{
    static uint8_t scratch[2048];
    struct acme_order_record order = {.key_generation = generation,
                                      .account_slot = 0,
                                      .url = "https://ca.example/acme/order/17",
                                      .names_id = 0x1122334455667788u};

    assert_int_equal(acme_store_write_order(&store, 0, &order, scratch, sizeof(scratch)), ACME_OK);
}

static void write_times(uint32_t round)
{
    struct acme_schedule s = {.noted_s = 1764547200 + (int64_t)round * 86400,
                              .retry_at_s = 1764547500,
                              .look_at_s = 1764568800,
                              .window_start_s = 1769731200,
                              .window_end_s = 1769904000,
                              .renew_at_s = 1769800000,
                              .ordered_s = 1764547100,
                              .ca = 0xabcd1235u,
                              .failures = 3,
                              .generation = 1,
                              .burnt = 2,
                              .quick = 1};

    assert_int_equal(acme_store_write_schedule(&store, 0, &s), ACME_OK);
    assert_int_equal(acme_store_write_floor(&store, 1764547140 + (int64_t)round * 86400), ACME_OK);
}

static void live(const struct plan *p)
{
    static uint8_t scratch[3000];
    struct acme_account_record account = {.key_generation = 1,
                                          .directory_url = "https://ca.example/directory",
                                          .url = "https://ca.example/acme/acct/4",
                                          .tos_url = "https://ca.example/terms/v2",
                                          .used = 5,
                                          .binding = 0x01020304u};
    uint32_t round;

    mount();
    assert_int_equal(acme_store_write_account(&store, 1, &account, scratch, sizeof(scratch)),
                     ACME_OK);
    make_key(KEY_ID);
    make_key(KEY_ID + 1);
    for (round = 0; round < p->rounds; round++) {
        write_order((uint8_t)(round % 2));
        write_certificate((uint8_t)(round % 2), round);
        write_times(round);
        if (round % 8 == 5) {
            mount();
        }
    }
    write_order((uint8_t)(p->rounds % 2)); /* one is under way */
}

/* ---- what is yielded ---- */

static char text[TEXT_MAX];

static void add(const char *form, ...) __attribute__((format(printf, 1, 2)));
static void add(const char *form, ...)
{
    size_t used = strlen(text);
    va_list args;
    int n;

    va_start(args, form);
    n = vsnprintf(text + used, sizeof(text) - used, form, args);
    va_end(args);
    assert_true(n >= 0 && (size_t)n < sizeof(text) - used);
}

static void add_bytes(const uint8_t *bytes, size_t len)
{
    for (; len > 0; len--) {
        add("%02x", *bytes++);
    }
    add("\n");
}

static void add_hash(const char *what, const uint8_t *bytes, size_t len)
{
    uint8_t hash[32];
    size_t got;

    assert_int_equal(psa_hash_compute(PSA_ALG_SHA_256, bytes, len, hash, sizeof(hash), &got),
                     PSA_SUCCESS);
    add("%s: %u bytes, SHA-256 ", what, (unsigned)len);
    add_bytes(hash, sizeof(hash));
}

static void tell_account(void)
{
    static uint8_t scratch[3000];
    static struct acme_account_record a;

    assert_int_equal(acme_store_read_account(&store, 0, &a, scratch, sizeof(scratch)),
                     ACME_ERR_NOT_FOUND);
    assert_int_equal(acme_store_read_account(&store, 1, &a, scratch, sizeof(scratch)), ACME_OK);
    add("account 1: key %u/%u, rollover %u, successor %u, used %u, binding %u\n", a.key_type,
        a.key_generation, a.rollover, a.successor, a.used, (unsigned)a.binding);
    add("  %s\n  %s\n  %s\n", a.directory_url, a.url, a.tos_url);
}

static void tell_order(void)
{
    static uint8_t scratch[3000];
    static struct acme_order_record o;

    assert_int_equal(acme_store_read_order(&store, 0, &o, scratch, sizeof(scratch)), ACME_OK);
    add("order 0: key %u/%u, account %u, names %016llx\n  %s\n", o.key_type, o.key_generation,
        o.account_slot, (unsigned long long)o.names_id, o.url);
}

static void tell_certificate(void)
{
    static uint8_t chain[CHAIN_LEN];
    struct acme_cert_record r;
    char names[200];

    assert_int_equal(acme_store_read_cert(&store, 0, &r), ACME_OK);
    assert_int_equal(acme_store_read_names(&store, 0, names, sizeof(names)), ACME_OK);
    add("certificate 0: key %u/%u, exportable %u, names %016llx, %lld to %lld\n  %s\n  %u:",
        r.key_type, r.key_generation, r.key_exportable, (unsigned long long)r.names_id,
        (long long)r.not_before_s, (long long)r.not_after_s, names, r.chain_count);
    add(" %u %u\n", r.lengths[0], r.lengths[1]);
    assert_int_equal(acme_store_check_chain(&store, 0, r.key_generation, CHAIN_LEN), ACME_OK);
    assert_int_equal(acme_store_read_chain(&store, 0, r.key_generation, 0, chain, sizeof(chain)),
                     ACME_OK);
    add_hash("  chain", chain, sizeof(chain));
}

static void tell_times(void)
{
    struct acme_schedule s;
    int64_t floor_s;

    assert_int_equal(acme_store_read_schedule(&store, 0, &s), ACME_OK);
    add("schedule 0: of %lld, retry %lld, look %lld, window %lld to %lld, renew %lld\n",
        (long long)s.noted_s, (long long)s.retry_at_s, (long long)s.look_at_s,
        (long long)s.window_start_s, (long long)s.window_end_s, (long long)s.renew_at_s);
    add("  ordered %lld, ca %08x, failures %u, generation %u, burnt %u, quick %u\n",
        (long long)s.ordered_s, (unsigned)s.ca, s.failures, s.generation, s.burnt, s.quick);
    assert_int_equal(acme_store_read_floor(&store, &floor_s), ACME_OK);
    add("floor: %lld\n", (long long)floor_s);
}

static void expect_signature(const uint8_t *public_key, size_t len, const uint8_t *hash,
                             const uint8_t *signature, size_t signature_len)
{
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    psa_key_id_t id;

    psa_set_key_type(&attributes, PSA_KEY_TYPE_ECC_PUBLIC_KEY(PSA_ECC_FAMILY_SECP_R1));
    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_VERIFY_HASH);
    psa_set_key_algorithm(&attributes, PSA_ALG_ECDSA(PSA_ALG_SHA_256));
    assert_int_equal(psa_import_key(&attributes, public_key, len, &id), PSA_SUCCESS);
    assert_int_equal(
        psa_verify_hash(id, PSA_ALG_ECDSA(PSA_ALG_SHA_256), hash, 32, signature, signature_len),
        PSA_SUCCESS);
    assert_int_equal(psa_destroy_key(id), PSA_SUCCESS);
}

/* The key signs, and the signature is one of the public key that is told. */
static void tell_key(psa_key_id_t id)
{
    static const uint8_t hash[32] = {7};
    uint8_t public_key[100], signature[100];
    size_t len, signature_len;

    assert_int_equal(psa_export_public_key(id, public_key, sizeof(public_key), &len), PSA_SUCCESS);
    add("key %x: ", (unsigned)id);
    add_bytes(public_key, len);
    assert_int_equal(psa_sign_hash(id, PSA_ALG_ECDSA(PSA_ALG_SHA_256), hash, sizeof(hash),
                                   signature, sizeof(signature), &signature_len),
                     PSA_SUCCESS);
    assert_int_equal(psa_purge_key(id), PSA_SUCCESS);
    expect_signature(public_key, len, hash, signature, signature_len);
}

/* All keys with the lengths of their values: nothing else is there. */
static void tell_records(void)
{
    uint64_t key = 0;

    while (acme_record_next(&store, &key) == ACME_OK) {
        add("record %016llx: %d bytes\n", (unsigned long long)key, acme_record_length(&store, key));
    }
}

static void tell(void)
{
    text[0] = '\0';
    tell_account();
    tell_order();
    tell_certificate();
    tell_times();
    tell_key(KEY_ID);
    tell_key(KEY_ID + 1);
    tell_records();
}

/* ---- packed: pieces with a name, each as runs of bytes that repeat, or not ---- */

static uint8_t packed[ALL_MAX], all[ALL_MAX + ACME_POSIX_FLASH_PAGE];
static size_t packed_len;

static void pack_number(uint32_t n)
{
    assert_true(packed_len + 4 <= sizeof(packed));
    packed[packed_len++] = (uint8_t)n;
    packed[packed_len++] = (uint8_t)(n >> 8);
    packed[packed_len++] = (uint8_t)(n >> 16);
    packed[packed_len++] = (uint8_t)(n >> 24);
}

static uint32_t unpack_number(size_t *at)
{
    const uint8_t *p = packed + *at;

    assert_true(*at + 4 <= packed_len);
    *at += 4;
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static size_t run_of(const uint8_t *p, size_t len)
{
    size_t n = 1;

    while (n < len && n < 32767 && p[n] == p[0]) {
        n++;
    }
    return n;
}

/* A number with its top bit: so often the byte that follows; else: so many bytes follow. */
static void pack(const char *name, const uint8_t *data, size_t size)
{
    size_t at = 0;

    packed[packed_len++] = (uint8_t)strlen(name);
    memcpy(packed + packed_len, name, strlen(name));
    packed_len += strlen(name);
    pack_number((uint32_t)size);
    while (at < size) {
        size_t run = run_of(data + at, size - at), n = 0;

        while (run < 6 && at + n < size && n < 32767 - 6) {
            n += run;
            run = at + n < size ? run_of(data + at + n, size - at - n) : 6;
        }
        assert_true(packed_len + n + 8 < sizeof(packed));
        packed[packed_len++] = (uint8_t)(n > 0 ? n : run);
        packed[packed_len++] = (uint8_t)(n > 0 ? n >> 8 : run >> 8 | 0x80);
        memcpy(packed + packed_len, data + at, n > 0 ? n : 1);
        packed_len += n > 0 ? n : 1;
        at += n > 0 ? n : run;
    }
}

/* The next piece, into all: its size. False at the end. */
static bool unpack(size_t *at, char name[256], size_t *size)
{
    size_t done = 0;

    if (*at >= packed_len) {
        return false;
    }
    memcpy(name, packed + *at + 1, packed[*at]);
    name[packed[*at]] = '\0';
    *at += 1u + packed[*at];
    *size = unpack_number(at);
    assert_true(*size <= sizeof(all));
    while (done < *size) {
        uint32_t n = packed[*at] | (uint32_t)(packed[*at + 1] & 0x7f) << 8;
        bool run = (packed[*at + 1] & 0x80) != 0;

        assert_true(n > 0 && n <= *size - done && *at + 2 + (run ? 1 : n) <= packed_len);
        if (run) {
            memset(all + done, packed[*at + 2], n);
        } else {
            memcpy(all + done, packed + *at + 2, n);
        }
        *at += 2u + (run ? 1 : n);
        done += n;
    }
    return true;
}

/* ---- files ---- */

static size_t load(const char *path, uint8_t *to, size_t size)
{
    FILE *f = fopen(path, "rb");
    size_t len;

    assert_non_null(f);
    len = fread(to, 1, size, f);
    assert_true(len < size);
    (void)fclose(f);
    return len;
}

static void save(const char *path, const void *data, size_t len)
{
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

/* What has no meaning is left out. */
static void pack_folder(void)
{
    struct dirent **names;
    char path[512];
    int count = scandir(work, &names, NULL, alphasort), i;

    assert_true(count > 2);
    for (i = 0; i < count; i++) {
        if (names[i]->d_name[0] != '.' && strcmp(names[i]->d_name, "reserve") != 0) {
            (void)snprintf(path, sizeof(path), "%s/%s", work, names[i]->d_name);
            pack(names[i]->d_name, all, load(path, all, sizeof(all)));
        }
        free(names[i]);
    }
    free(names);
}

static void pack_place(const struct plan *p)
{
    packed_len = 0;
    if (p->place == AREA) {
        pack("area", flash.data, (size_t)p->geometry.sector_size * p->geometry.sector_count);
    } else if (p->place == IMAGE_FILE) {
        pack("file", all, load(work, all, sizeof(all)));
    } else {
        pack_folder();
    }
}

static void unpack_place(const struct plan *p)
{
    char name[256], path[512];
    size_t at = 0, size;

    clear_work();
    if (p->place == FOLDER) {
        assert_int_equal(mkdir(work, 0700), 0);
    }
    while (unpack(&at, name, &size)) {
        if (p->place == AREA) {
            flash_sim_init(&flash, p->geometry.sector_size, p->geometry.sector_count,
                           p->geometry.program_size, 1);
            assert_int_equal(size, p->geometry.sector_size * p->geometry.sector_count);
            memcpy(flash.data, all, size);
        } else {
            (void)snprintf(path, sizeof(path), p->place == FOLDER ? "%s/%s" : "%s", work, name);
            save(path, all, size);
        }
    }
}

/* ---- making and reading them ---- */

static void write_image(const struct plan *p, const char *folder)
{
    char path[512];

    series = 1;
    sim_seal.counter = 100;
    clear_work();
    flash_sim_init(&flash, p->geometry.sector_size, p->geometry.sector_count,
                   p->geometry.program_size, 1);
    start_crypto();
    open_place(p);
    live(p);
    tell();
    close_place(p);
    mbedtls_psa_crypto_free();
    pack_place(p);
    (void)snprintf(path, sizeof(path), "%s/%s.packed", folder, p->name);
    save(path, packed, packed_len);
    (void)snprintf(path, sizeof(path), "%s/%s.txt", folder, p->name);
    add("counter: %u\n", sim_seal.counter);
    save(path, text, strlen(text));
    print_message("%s: %u bytes\n", p->name, (unsigned)packed_len);
}

/* The text ends with the sim_seal.counter, which is the board's and not the store's. */
static void expect_text(const char *want, size_t len)
{
    static char line[40];
    const char *at = strstr(want, "counter: ");

    assert_non_null(at);
    (void)snprintf(line, sizeof(line), "%s", at);
    sim_seal.counter = (uint32_t)strtoul(line + 9, NULL, 10);
    len = (size_t)(at - want);
    mount();
    tell();
    assert_int_equal(strlen(text), len);
    assert_memory_equal(text, want, len);
}

static void read_image(const struct plan *p, const char *folder)
{
    static char want[TEXT_MAX];
    char path[512], out[8];
    size_t len;

    (void)snprintf(path, sizeof(path), "%s/%s.txt", folder, p->name);
    len = load(path, (uint8_t *)want, sizeof(want) - 1);
    want[len] = '\0';
    (void)snprintf(path, sizeof(path), "%s/%s.packed", folder, p->name);
    packed_len = load(path, packed, sizeof(packed));
    unpack_place(p);
    series = 2;
    start_crypto();
    open_place(p);
    expect_text(want, len);
    /* It is a store to go on in: what is written is there, and nothing else has changed. */
    for (len = 0; len < 40; len++) {
        assert_int_equal(acme_record_set(&store, ACME_KEY(13, 1), want, 100 + len), ACME_OK);
    }
    mount();
    assert_int_equal(acme_record_length(&store, ACME_KEY(13, 1)), 139);
    assert_int_equal(acme_record_read(&store, ACME_KEY(13, 1), 0, out, sizeof(out)), sizeof(out));
    assert_memory_equal(out, want, sizeof(out));
    assert_int_equal(acme_record_begin(&store, 0, 1), ACME_OK);
    assert_int_equal(acme_record_delete(&store, ACME_KEY(13, 1)), ACME_OK);
    assert_int_equal(acme_record_commit(&store), ACME_OK);
    mount();
    tell();
    assert_memory_equal(text, want, strlen(text));
    close_place(p);
    mbedtls_psa_crypto_free();
}

/* Each version's folder has the images that it wrote: of the plans that there were then. */
static void test_images(void **state)
{
    struct dirent **versions;
    int count = scandir(IMAGES, &versions, NULL, alphasort), i;
    uint32_t found = 0;
    size_t n;

    (void)state;
    for (i = 0; i < count; i++) {
        char folder[300], path[512];

        (void)snprintf(folder, sizeof(folder), IMAGES "/%s", versions[i]->d_name);
        for (n = 0; n < PLANS && versions[i]->d_name[0] != '.'; n++) {
            (void)snprintf(path, sizeof(path), "%s/%s.txt", folder, plans[n].name);
            if (access(path, R_OK) == 0) {
                print_message("%s\n", path);
                read_image(&plans[n], folder);
                found++;
            }
        }
        free(versions[i]);
    }
    free(versions);
    assert_true(found >= 6 + PLANS);
}

static int up(void **state)
{
    const char *tmp = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";

    (void)state;
    (void)snprintf(work, sizeof(work), "%s/acme_images.%ld", tmp, (long)getpid());
    return 0;
}

static int down(void **state)
{
    (void)state;
    clear_work();
    return 0;
}

static const char *folder_to_write;

static void write_images(void **state)
{
    size_t n;

    (void)state;
    assert_int_equal(mkdir(folder_to_write, 0755), 0); /* what is there stays as it is */
    for (n = 0; n < PLANS; n++) {
        write_image(&plans[n], folder_to_write);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest reading[] = {cmocka_unit_test(test_images)};
    const struct CMUnitTest writing[] = {cmocka_unit_test(write_images)};

    if (argc == 3 && strcmp(argv[1], "--write") == 0) {
        folder_to_write = argv[2];
        return cmocka_run_group_tests(writing, up, down);
    }
    return cmocka_run_group_tests(reading, up, down);
}
