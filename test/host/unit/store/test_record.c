/*
 * What every place of records must do, over each of them: the flash log and a folder of files,
 * plain and sealed, with a counter and without. Then what the seal promises, and what a folder
 * survives.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <psa/crypto.h>
#include <psa/internal_trusted_storage.h>

#include "acme_posix.h"
#include "base/entropy.h"
#include "flash_sim.h"
#include "sim_seal.h"
#include "store/place.h"
#include "store/store.h"

/* What a place is made of; the bits combine. */
#define FILES   1u
#define SEALED  2u
#define COUNTED 4u

#define A ACME_KEY(3, 1)
#define B ACME_KEY(3, 2)
#define C ACME_KEY(4, UINT64_C(0x123456789abcde))

static struct flash_sim flash;
static struct acme_posix_files files;
static struct acme_store store;
static struct acme_port port;
static struct acme_config config;
static char folder[64];
static uint8_t seal_bytes[32];
static psa_key_type_t seal_type;

/* ---- places ---- */

static void remove_folder(void)
{
    char command[100];

    (void)snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    assert_int_equal(system(command), 0);
}

static int32_t open_again(unsigned place)
{
    memset(&store, 0, sizeof(store));
    config = sim_seal_board(&port, (place & SEALED) != 0, (place & COUNTED) != 0);
    assert_true(sim_seal_import(seal_type, seal_bytes));
    flash_sim_power_on(&flash);
    port.flash = &flash_sim_ops;
    port.flash_ctx = &flash;
    if ((place & FILES) != 0) {
        acme_posix_files_close(&files);
        assert_int_equal(acme_posix_files_open(&files, folder), ACME_OK);
        config.records = &acme_posix_files_ops;
        config.records_ctx = &files;
    }
    return acme_store_open(&store, &config);
}

static void open_new(unsigned place)
{
    remove_folder();
    flash_sim_init(&flash, 1024, 16, 8, 7);
    memset(seal_bytes, 0x42, sizeof(seal_bytes));
    seal_type = PSA_KEY_TYPE_AES;
    sim_seal.counter = 7;
    assert_int_equal(open_again(place), ACME_OK);
}

static void expect(uint64_t key, const char *value)
{
    char out[600];
    int32_t n = acme_record_read(&store, key, 0, out, sizeof(out));

    if (value == NULL) {
        assert_int_equal(n, ACME_ERR_NOT_FOUND);
        return;
    }
    assert_int_equal(n, (int32_t)strlen(value));
    assert_memory_equal(out, value, strlen(value));
    assert_int_equal(acme_record_length(&store, key), n);
}

static void set(uint64_t key, const char *value)
{
    assert_int_equal(acme_record_set(&store, key, value, strlen(value)), ACME_OK);
}

/* ---- conformance ---- */

static void check_values(unsigned place)
{
    char out[8];

    open_new(place);
    expect(A, NULL);
    set(A, "one");
    set(A, "second");
    set(B, "");
    assert_int_equal(open_again(place), ACME_OK);
    expect(A, "second");
    expect(B, "");
    assert_int_equal(acme_record_read(&store, A, 2, out, 3), 3);
    assert_memory_equal(out, "con", 3);
    assert_int_equal(acme_record_read(&store, A, 4, out, 8), 2);
    assert_int_equal(acme_record_read(&store, A, 6, out, 8), 0);
    assert_int_equal(acme_record_read(&store, A, 600, out, 8), 0);
    assert_int_equal(acme_record_read(&store, B, 0, out, 8), 0);
}

static void check_batches(unsigned place)
{
    open_new(place);
    set(A, "a");
    assert_true(acme_record_put(&store, A, "x", 1) < 0); /* no batch */
    assert_true(acme_record_delete(&store, A) < 0);
    assert_int_equal(acme_record_begin(&store, 20, 3), ACME_OK);
    assert_int_equal(acme_record_begin(&store, 20, 3), ACME_ERR_STATE);
    assert_int_equal(acme_record_put(&store, B, "b", 1), ACME_OK);
    assert_int_equal(acme_record_delete(&store, A), ACME_OK);
    expect(A, "a");
    expect(B, NULL);
    acme_record_abort(&store);
    acme_record_abort(&store);
    expect(A, "a");
    assert_int_equal(acme_record_begin(&store, 20, 3), ACME_OK);
    assert_int_equal(acme_record_put(&store, B, "b", 1), ACME_OK);
    assert_int_equal(acme_record_delete(&store, A), ACME_OK);
    assert_int_equal(acme_record_delete(&store, C), ACME_OK); /* not there: fine */
    assert_int_equal(acme_record_commit(&store), ACME_OK);
    assert_true(acme_record_commit(&store) < 0);
    expect(A, NULL);
    expect(B, "b");
    assert_int_equal(open_again(place), ACME_OK);
    expect(A, NULL);
    expect(B, "b");
}

static void check_next(unsigned place)
{
    uint64_t key = 0;

    open_new(place);
    assert_int_equal(acme_record_next(&store, &key), ACME_ERR_NOT_FOUND);
    set(C, "c");
    set(A, "a");
    set(B, "b");
    key = 0;
    assert_int_equal(acme_record_next(&store, &key), ACME_OK);
    assert_true(key == A);
    assert_int_equal(acme_record_next(&store, &key), ACME_OK);
    assert_true(key == B);
    assert_int_equal(acme_record_next(&store, &key), ACME_OK);
    assert_true(key == C);
    assert_int_equal(acme_record_next(&store, &key), ACME_ERR_NOT_FOUND);
}

/* Keys and certificates, as the client keeps them. */
static void check_store(unsigned place)
{
    struct acme_account_record account = {.directory_url = "https://ca.example/dir"}, again;
    struct acme_cert_record cert = {.names_id = 9, .chain_count = 1, .lengths = {700}};
    uint8_t scratch[4096], der[700], out[700];
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    psa_key_id_t key;
    struct psa_storage_info_t info;

    open_new(place);
    acme_store_bind_its(&store);
    memset(der, 0x5c, sizeof(der));
    assert_int_equal(acme_store_write_account(&store, 0, &account, scratch, 4096), ACME_OK);
    assert_int_equal(acme_store_write_chunk(&store, 1, 0, 0, der, 512), ACME_OK);
    assert_int_equal(acme_store_write_chunk(&store, 1, 0, 1, der, 188), ACME_OK);
    assert_int_equal(acme_store_install(&store, 1, &cert, "a.example"), ACME_OK);
    psa_set_key_type(&attributes, PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1));
    psa_set_key_bits(&attributes, 256);
    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_SIGN_HASH);
    psa_set_key_algorithm(&attributes, PSA_ALG_ECDSA(PSA_ALG_SHA_256));
    psa_set_key_id(&attributes, 0x1234);
    assert_int_equal(psa_generate_key(&attributes, &key), PSA_SUCCESS);
    assert_int_equal(psa_purge_key(key), PSA_SUCCESS);
    assert_int_equal(open_again(place), ACME_OK);
    assert_int_equal(acme_store_read_account(&store, 0, &again, scratch, 4096), ACME_OK);
    assert_string_equal(again.directory_url, account.directory_url);
    assert_int_equal(acme_store_read_chain(&store, 1, 0, 0, out, sizeof(out)), ACME_OK);
    assert_memory_equal(out, der, sizeof(der));
    assert_int_equal(psa_its_get_info(0x1234, &info), PSA_SUCCESS);
    assert_int_equal(psa_get_key_attributes(0x1234, &attributes), PSA_SUCCESS); /* loads it */
    assert_int_equal(psa_destroy_key(0x1234), PSA_SUCCESS);
    assert_int_equal(psa_its_get_info(0x1234, &info), PSA_ERROR_DOES_NOT_EXIST);
    acme_store_bind_its(NULL);
}

static void over_all_places(void (*check)(unsigned))
{
    static const unsigned places[] = {
        0, FILES, SEALED, SEALED | FILES, SEALED | COUNTED, SEALED | COUNTED | FILES};
    size_t i;

    for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        check(places[i]);
    }
}

static void test_values(void **state)
{
    (void)state;
    over_all_places(check_values);
}

static void test_batches(void **state)
{
    (void)state;
    over_all_places(check_batches);
}

static void test_next(void **state)
{
    (void)state;
    over_all_places(check_next);
}

static void test_store(void **state)
{
    (void)state;
    over_all_places(check_store);
}

static int32_t batches_open; /* at a back end that takes no value */

static int32_t open_batch(void *ctx, size_t len, size_t count)
{
    batches_open++;
    return acme_posix_files_ops.begin(ctx, len, count);
}

static int32_t no_put(void *ctx, uint64_t key, const void *data, size_t len)
{
    (void)ctx;
    (void)key;
    (void)data;
    (void)len;
    return ACME_ERR_STORE_IO;
}

static void abort_batch(void *ctx)
{
    batches_open--;
    acme_posix_files_ops.abort(ctx);
}

/* What has failed is ended, as a back end may ask for it. */
static void test_a_put_that_fails(void **state)
{
    static const unsigned places[] = {FILES, SEALED | FILES, SEALED | COUNTED | FILES};
    struct acme_record_ops ops = acme_posix_files_ops;
    size_t i;

    (void)state;
    ops.begin = open_batch;
    ops.put = no_put;
    ops.abort = abort_batch;
    for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        open_new(places[i]);
        set(A, "one");
        store.ops = &ops;
        batches_open = 0;
        assert_int_equal(acme_record_set(&store, A, "two", 3), ACME_ERR_STORE_IO);
        assert_int_equal(batches_open, 0);
        /* as a build does that neither seals nor counts */
        assert_int_equal(acme_place_set(&store, A, "two", 3), ACME_ERR_STORE_IO);
        assert_int_equal(batches_open, 0);
        store.ops = &acme_posix_files_ops;
        expect(A, "one");
        set(A, "three");
        expect(A, "three");
    }
}

/* ---- cuts ---- */

/* A batch over three keys: before it or after it. */
static int32_t change_all(void)
{
    int32_t rc = acme_record_begin(&store, 20, 3);

    rc = rc == ACME_OK ? acme_record_put(&store, A, "new a", 5) : rc;
    rc = rc == ACME_OK ? acme_record_delete(&store, B) : rc;
    rc = rc == ACME_OK ? acme_record_put(&store, C, "new c", 5) : rc;
    if (rc != ACME_OK) {
        acme_record_abort(&store);
        return rc;
    }
    return acme_record_commit(&store);
}

static bool is_new(void)
{
    char out[8];

    if (acme_record_read(&store, B, 0, out, sizeof(out)) == ACME_ERR_NOT_FOUND) {
        expect(A, "new a");
        expect(C, "new c");
        return true;
    }
    expect(A, "a");
    expect(B, "b");
    expect(C, NULL);
    return false;
}

static void prepare(unsigned place)
{
    open_new(place);
    set(A, "a");
    set(B, "b");
}

struct step {
    uint32_t left;
    bool kill;
};

static bool on_step(void *ctx)
{
    struct step *s = ctx;

    if (s->left == 0 || --s->left > 0) {
        return true;
    }
    if (s->kill) {
        _exit(9);
    }
    return false;
}

/* Whether the batch got through in a process that is killed before its n-th step. */
static bool survives(uint32_t n)
{
    pid_t child = fork();
    int status;

    if (child == 0) {
        struct step s = {n, true};

        files.step = on_step;
        files.step_ctx = &s;
        _exit(change_all() == ACME_OK ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_true(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 9);
    return WEXITSTATUS(status) == 0;
}

static void test_files_killed(void **state)
{
    uint32_t n, old = 0, new = 0;
    bool done = false;

    (void)state;
    for (n = 1; !done; n++) {
        prepare(FILES);
        done = survives(n);
        assert_int_equal(open_again(FILES), ACME_OK);
        if (is_new()) {
            new ++;
        } else {
            old++;
        }
        set(A, "on"); /* life goes on */
        expect(A, "on");
    }
    assert_true(old > 5 && new > 5);
}

/* Killed again while what the first time left is being carried out. */
static void test_files_killed_twice(void **state)
{
    uint32_t n, m;
    bool done = false;

    (void)state;
    for (n = 10; !done; n += 2) {
        bool recovered = false;

        for (m = 1; !recovered; m++) {
            pid_t child;
            int status;

            prepare(FILES);
            done = survives(n);
            acme_posix_files_close(&files);
            child = fork();
            if (child == 0) {
                struct step s = {m, true};

                if (acme_posix_files_open(&files, folder) != ACME_OK) {
                    _exit(1);
                }
                files.step = on_step;
                files.step_ctx = &s;
                _exit(acme_posix_files_ops.open(&files) == ACME_OK ? 0 : 1);
            }
            assert_int_equal(waitpid(child, &status, 0), child);
            assert_true(WIFEXITED(status) && WEXITSTATUS(status) != 1);
            recovered = WEXITSTATUS(status) == 0;
            assert_int_equal(open_again(FILES), ACME_OK);
            (void)is_new();
        }
    }
}

/* Each step fails once, as a full disk makes it: the same process goes on. */
static void test_files_fail(void **state)
{
    uint32_t n;
    int32_t rc = ACME_ERR_STORE_IO;

    (void)state;
    for (n = 1; rc != ACME_OK; n++) {
        struct step s = {n, false};

        prepare(FILES);
        files.step = on_step;
        files.step_ctx = &s;
        rc = change_all();
        assert_true(rc == ACME_OK || rc == ACME_ERR_STORE_IO);
        assert_true(rc != ACME_OK || is_new());
        (void)is_new();
        files.step = NULL;
        set(A, "on");
        expect(A, "on");
    }
    assert_true(n > 10);
}

static void test_counted_cuts(void **state)
{
    uint32_t cut;
    bool done = false;

    (void)state;
    for (cut = 1; !done; cut++) {
        int kind;

        for (kind = 0; kind < 3; kind++) {
            prepare(SEALED | COUNTED);
            flash_sim_power_on(&flash);
            flash.cut_at = cut;
            flash.cut_kind = (enum flash_sim_cut)kind;
            done = change_all() == ACME_OK && !flash.off;
            assert_int_equal(open_again(SEALED | COUNTED), ACME_OK);
            assert_true(!done || is_new());
            (void)is_new();
            set(A, "on");
            assert_int_equal(open_again(SEALED | COUNTED), ACME_OK);
            expect(A, "on");
        }
    }
    assert_true(cut > 5);
}

/* ---- the folder ---- */

static void write_file(const char *name, const void *data, size_t len)
{
    char path[128];
    FILE *f;

    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

static size_t read_file(const char *name, uint8_t *data, size_t size)
{
    char path[128];
    FILE *f;
    size_t n;

    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    f = fopen(path, "rb");
    assert_non_null(f);
    n = fread(data, 1, size, f);
    (void)fclose(f);
    return n;
}

static void test_folder_refuses(void **state)
{
    struct acme_posix_files second;
    struct stat st;

    (void)state;
    open_new(FILES);
    assert_int_equal(stat(folder, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    assert_int_equal(acme_posix_files_open(&second, folder), ACME_ERR_STORE_IO); /* locked */
    write_file("nanoacme", "nanoacme records, version 2\n", 28);
    assert_int_equal(open_again(FILES), ACME_ERR_STORE_FORMAT);
    remove_folder();
    assert_int_equal(mkdir(folder, 0700), 0);
    write_file("photo.jpg", "x", 1);
    assert_int_equal(open_again(FILES), ACME_ERR_STORE_FORMAT);
    assert_int_equal(acme_posix_files_open(&second, "/nonexistent/folder"), ACME_ERR_STORE_IO);
}

/* A flipped bit anywhere in a record or in a batch is found. */
static void test_files_flipped_bits(void **state)
{
    uint8_t raw[200], out[40];
    size_t len, bit;

    (void)state;
    open_new(FILES);
    set(A, "a value of some length");
    len = read_file("3000000000000001", raw, sizeof(raw));
    assert_true(len > 20);
    for (bit = 0; bit < len * 8; bit++) {
        raw[bit / 8] ^= (uint8_t)(1u << bit % 8);
        write_file("3000000000000001", raw, len);
        assert_int_equal(acme_record_read(&store, A, 0, out, sizeof(out)), ACME_ERR_STORE_CORRUPT);
        raw[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    write_file("3000000000000001", raw, len / 2);
    assert_int_equal(acme_record_read(&store, A, 0, out, sizeof(out)), ACME_ERR_STORE_CORRUPT);
}

static void test_batch_flipped_bits(void **state)
{
    uint8_t raw[200];
    size_t len, bit;

    (void)state;
    prepare(FILES);
    /* killed after the rename of the batch: it is there, and not carried out */
    for (bit = 1; access(folder, F_OK) == 0; bit++) {
        char path[128];

        prepare(FILES);
        (void)survives((uint32_t)bit);
        (void)snprintf(path, sizeof(path), "%s/batch", folder);
        if (access(path, F_OK) == 0) {
            break;
        }
    }
    len = read_file("batch", raw, sizeof(raw));
    for (bit = 0; bit < len * 8; bit++) {
        raw[bit / 8] ^= (uint8_t)(1u << bit % 8);
        write_file("batch", raw, len);
        assert_int_equal(open_again(FILES), ACME_ERR_STORE_CORRUPT);
        expect(A, "a");
        raw[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    write_file("batch", raw, len);
    assert_int_equal(open_again(FILES), ACME_OK);
    assert_true(is_new());
}

/* ---- the seal ---- */

static bool image_has(const void *what, size_t len)
{
    return memmem(flash.data, 16u * 1024u, what, len) != NULL;
}

static void test_no_plaintext(void **state)
{
    static const uint8_t scalar[32] = {1, 9, 2, 8, 3, 7, 4, 6, 5, 1, 9, 2, 8, 3, 7, 4,
                                       6, 5, 1, 9, 2, 8, 3, 7, 4, 6, 5, 1, 9, 2, 8, 3};
    struct acme_account_record account = {.directory_url = "https://ca.example/dir"};
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    uint8_t scratch[4096];
    psa_key_id_t key;
    unsigned place;

    (void)state;
    psa_set_key_type(&attributes, PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1));
    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_SIGN_HASH);
    psa_set_key_algorithm(&attributes, PSA_ALG_ECDSA(PSA_ALG_SHA_256));
    psa_set_key_id(&attributes, 0x1234);
    for (place = 0; place <= SEALED; place += SEALED) {
        open_new(place);
        acme_store_bind_its(&store);
        assert_int_equal(psa_import_key(&attributes, scalar, sizeof(scalar), &key), PSA_SUCCESS);
        assert_int_equal(acme_store_write_account(&store, 0, &account, scratch, 4096), ACME_OK);
        assert_true(image_has(scalar, 16) == (place == 0));
        assert_true(image_has("ca.example", 10) == (place == 0));
        assert_int_equal(psa_purge_key(key), PSA_SUCCESS);
        assert_int_equal(psa_destroy_key(key), PSA_SUCCESS);
        acme_store_bind_its(NULL);
    }
}

/* Every byte that is changed, with the log's checksums made good again, is found: the tag is what
 * finds it. Done where the seal meets the log. */
static void test_tampering(void **state)
{
    uint8_t raw[100], out[100];
    int32_t len, i;

    (void)state;
    open_new(SEALED);
    set(A, "the value");
    set(B, "another");
    len = acme_flashlog_read(&store.log, A, 0, raw, sizeof(raw));
    assert_int_equal(len, 9 + 28);
    for (i = 0; i < len; i++) {
        raw[i] ^= 0x10;
        assert_int_equal(acme_flashlog_set(&store.log, A, raw, (size_t)len), ACME_OK);
        assert_int_equal(acme_record_read(&store, A, 0, out, sizeof(out)), ACME_ERR_STORE_CORRUPT);
        raw[i] ^= 0x10;
    }
    for (i = 0; i < len; i += 4) { /* cut short */
        assert_int_equal(acme_flashlog_set(&store.log, A, raw, (size_t)i), ACME_OK);
        assert_int_equal(acme_record_read(&store, A, 0, out, sizeof(out)), ACME_ERR_STORE_CORRUPT);
    }
    assert_int_equal(acme_flashlog_set(&store.log, B, raw, (size_t)len), ACME_OK); /* elsewhere */
    assert_int_equal(acme_record_read(&store, B, 0, out, sizeof(out)), ACME_ERR_STORE_CORRUPT);
    assert_int_equal(acme_flashlog_set(&store.log, A, raw, (size_t)len), ACME_OK);
    expect(A, "the value");
}

static void test_nonces_differ(void **state)
{
    uint8_t seen[64][12];
    int i, j;

    (void)state;
    open_new(SEALED);
    for (i = 0; i < 64; i++) {
        set(A, "the same");
        assert_int_equal(acme_flashlog_read(&store.log, A, 0, seen[i], 12), 12);
        for (j = 0; j < i; j++) {
            assert_memory_not_equal(seen[i], seen[j], 12);
        }
    }
}

static void test_wrong_key(void **state)
{
    static uint8_t before[16 * 1024];
    unsigned place;

    (void)state;
    for (place = SEALED; place <= (SEALED | FILES); place += FILES) {
        open_new(place);
        set(A, "mine");
        memcpy(before, flash.data, sizeof(before));
        seal_bytes[5] ^= 1;
        assert_int_equal(open_again(place), ACME_ERR_STORE_SEAL);
        seal_type = PSA_KEY_TYPE_CHACHA20;
        assert_int_equal(open_again(place), ACME_ERR_STORE_SEAL);
        /* without a key: the log says that it is another format */
        assert_int_equal(open_again(place & ~SEALED),
                         place == SEALED ? ACME_ERR_STORE_VERSION : ACME_ERR_STORE_SEAL);
        assert_memory_equal(before, flash.data, sizeof(before));
        seal_bytes[5] ^= 1;
        seal_type = PSA_KEY_TYPE_AES;
        assert_int_equal(open_again(place), ACME_OK);
        expect(A, "mine");
    }
    /* and what is not sealed is not taken for sealed */
    open_new(0);
    set(A, "plain");
    assert_int_equal(open_again(SEALED), ACME_ERR_STORE_VERSION);
    open_new(FILES);
    set(A, "plain");
    assert_int_equal(open_again(FILES | SEALED), ACME_ERR_STORE_SEAL);
    assert_int_equal(open_again(FILES), ACME_OK);
    expect(A, "plain");
}

static void test_chacha(void **state)
{
    (void)state;
    open_new(0);
    flash_sim_init(&flash, 1024, 16, 8, 7);
    seal_type = PSA_KEY_TYPE_CHACHA20;
    assert_int_equal(open_again(SEALED), ACME_OK);
    set(A, "value");
    assert_int_equal(open_again(SEALED), ACME_OK);
    expect(A, "value");
}

static void test_too_large(void **state)
{
    static uint8_t data[CONFIG_ACME_STORE_SEAL_MAX + 1], out[sizeof(data)];

    (void)state;
    open_new(SEALED | FILES);
    assert_int_equal(acme_record_set(&store, A, data, sizeof(data)), ACME_ERR_BUFFER);
    expect(A, NULL);
    assert_int_equal(acme_record_set(&store, A, data, sizeof(data) - 1), ACME_OK);
    assert_int_equal(acme_record_read(&store, A, 0, out, sizeof(out)), CONFIG_ACME_STORE_SEAL_MAX);
}

static void test_old_image(void **state)
{
    static uint8_t old[16 * 1024], new[16 * 1024];

    (void)state;
    open_new(SEALED | COUNTED);
    set(A, "revoked");
    memcpy(old, flash.data, sizeof(old));
    set(A, "current");
    memcpy(new, flash.data, sizeof(new));
    memcpy(flash.data, old, sizeof(old));
    assert_int_equal(open_again(SEALED | COUNTED), ACME_ERR_STORE_ROLLBACK);
    assert_memory_equal(flash.data, old, sizeof(old));
    assert_int_equal(open_again(SEALED), ACME_OK); /* without a counter nobody can tell */
    memcpy(flash.data, new, sizeof(new));
    sim_seal.counter -= 2; /* another device's counter */
    assert_int_equal(open_again(SEALED | COUNTED), ACME_ERR_STORE_ROLLBACK);
    sim_seal.counter += 2;
    assert_int_equal(open_again(SEALED | COUNTED), ACME_OK);
    expect(A, "current");
}

/* A cut between the batch and its count. */
static void test_count_behind(void **state)
{
    uint32_t before;

    (void)state;
    open_new(SEALED | COUNTED);
    set(A, "one");
    before = sim_seal.counter;
    sim_seal.counter_failures = 1;
    assert_int_equal(acme_record_set(&store, A, "two", 3), ACME_ERR_STORE_IO);
    assert_int_equal(sim_seal.counter, before);
    sim_seal.counter_failures = 1;
    assert_int_equal(open_again(SEALED | COUNTED), ACME_ERR_STORE_IO);
    assert_int_equal(open_again(SEALED | COUNTED), ACME_OK);
    assert_int_equal(sim_seal.counter, before + 1);
    expect(A, "two");
}

static int up(void **state)
{
    const char *tmp = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : getenv("TMPDIR");

    (void)state;
    (void)snprintf(folder, sizeof(folder), "%s/acme_record.%ld", tmp != NULL ? tmp : "/tmp",
                   (long)getpid());
    files.folder = files.batch = -1;
    acme_entropy_bind(&acme_posix_entropy_ops, NULL);
    return psa_crypto_init() == PSA_SUCCESS ? 0 : -1;
}

static int down(void **state)
{
    (void)state;
    remove_folder();
    acme_posix_files_close(&files);
    mbedtls_psa_crypto_free();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_batches),
        cmocka_unit_test(test_next),
        cmocka_unit_test(test_store),
        cmocka_unit_test(test_a_put_that_fails),
        cmocka_unit_test(test_files_killed),
        cmocka_unit_test(test_files_killed_twice),
        cmocka_unit_test(test_files_fail),
        cmocka_unit_test(test_counted_cuts),
        cmocka_unit_test(test_folder_refuses),
        cmocka_unit_test(test_files_flipped_bits),
        cmocka_unit_test(test_batch_flipped_bits),
        cmocka_unit_test(test_no_plaintext),
        cmocka_unit_test(test_tampering),
        cmocka_unit_test(test_nonces_differ),
        cmocka_unit_test(test_wrong_key),
        cmocka_unit_test(test_chacha),
        cmocka_unit_test(test_too_large),
        cmocka_unit_test(test_old_image),
        cmocka_unit_test(test_count_behind),
    };

    return cmocka_run_group_tests(tests, up, down);
}
