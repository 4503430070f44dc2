/*
 * A store that is full to the last byte, of each kind: plain, sealed, sealed with a counter, over
 * flash areas of many shapes, over a folder and over the example's FRAM. It can always let a value
 * go, after a reset, too, and what has let one go takes another of the same length.
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
#include <errno.h>

#include <psa/crypto.h>
#include <psa/internal_trusted_storage.h>

#include "acme_posix.h"
#include "base/entropy.h"
#include "flash_sim.h"
#include "fram_records.h"
#include "sim_seal.h"
#include "store/store.h"

enum kind { PLAIN, SEALED, COUNTED, KINDS };

#define VALUES_MAX 6000u
#define FIRST_ID   1u

static struct flash_sim flash;
static struct acme_store store;
static struct acme_port port = {.flash = &flash_sim_ops, .flash_ctx = &flash};
static struct acme_config config;
static uint16_t lens[VALUES_MAX]; /* of the values that there are; 0xffff: none */
static uint32_t values;

/* ---- the board ---- */

static void configure(enum kind kind)
{
    sim_seal.counter = 0;
    config = sim_seal_board(&port, kind != PLAIN, kind == COUNTED);
}

static void open_again(void)
{
    memset(&store, 0, sizeof(store));
    assert_int_equal(acme_store_open(&store, &config), ACME_OK);
}

/* ---- values ---- */

static uint64_t key_of(uint32_t i)
{
    return ACME_KEY(ACME_SPACE_CHAIN, FIRST_ID + i);
}

static const uint8_t *data_of(uint32_t i)
{
    static uint8_t data[1024];

    memset(data, (int)(i % 251u), sizeof(data));
    return data;
}

static int32_t put(uint32_t i, uint32_t len)
{
    int32_t rc = acme_record_set(&store, key_of(i), data_of(i), len);

    if (rc == ACME_OK) {
        lens[i] = (uint16_t)len;
    }
    return rc;
}

static void expect_all(void)
{
    uint8_t out[1024];
    uint32_t i;

    for (i = 0; i < values; i++) {
        int32_t n = acme_record_read(&store, key_of(i), 0, out, sizeof(out));

        if (lens[i] == UINT16_MAX) {
            assert_int_equal(n, ACME_ERR_NOT_FOUND);
        } else {
            assert_int_equal(n, lens[i]);
            assert_memory_equal(out, data_of(i), lens[i]);
        }
    }
}

/* To the last byte: values that are smaller and smaller, down to those of no byte at all. */
static void fill(uint32_t len)
{
    int32_t rc = ACME_OK;

    values = 0;
    for (;;) {
        rc = put(values, len);
        if (rc == ACME_OK) {
            values++;
            assert_true(values < VALUES_MAX);
            continue;
        }
        assert_int_equal(rc, ACME_ERR_STORE_FULL);
        if (len == 0) {
            return;
        }
        len = len / 2;
    }
}

/* What cannot be done is said with the shape of the flash that it cannot be done in. */
static void expect_ok(int32_t rc, const char *what, uint32_t i)
{
    const struct acme_flash_geometry *g = &flash.geometry;

    if (rc != ACME_OK) {
        print_error("%u x %u, unit %u: value %u of %u cannot be %s\n", g->sector_size,
                    g->sector_count, g->program_size, i, values, what);
    }
    assert_int_equal(rc, ACME_OK);
}

static void let_go(uint32_t i)
{
    expect_ok(acme_store_remove(&store, ACME_SPACE_CHAIN, FIRST_ID + i), "removed", i);
    lens[i] = UINT16_MAX;
}

/* Whether the log has promised room for a value: with all that it reckons for one, and a mark of
 * compaction, it does not become more than its capacity. */
static bool is_promised(uint32_t len)
{
    const struct acme_flash_geometry *g = &flash.geometry;
    uint32_t most = (g->sector_size / 4 < 1024 ? g->sector_size / 4 : 1024) - 24;
    struct acme_flashlog_stat stat;

    if (config.records != NULL) {
        return false;
    }
    len += config.seal == NULL ? 0 : 28 + 32;
    assert_int_equal(acme_flashlog_stat(&store.log, &stat), ACME_OK);
    return stat.live_bytes + len + (len / most + 2 * 2 + 1 + 9 + 1) * (24 + g->program_size) <=
           stat.capacity_bytes;
}

static void put_again(uint32_t i, uint32_t len)
{
    bool promised = is_promised(len);
    int32_t rc = put(i, len);

    if (rc != ACME_ERR_STORE_FULL || promised) {
        expect_ok(rc, "put again", i);
    }
}

/* Some values, spread over all, are replaced, let go of and come again, with a reset before each
 * step or with none; then all go. */
static void use(bool resets)
{
    uint32_t step = values / 3u + 1u, i, round;

    for (i = 0; i < values; i += step) {
        uint32_t len = lens[i];

        for (round = 0; round < 2; round++) {
            if (resets) {
                open_again();
            }
            put_again(i, len); /* or it stays as it is */
            let_go(i);
            if (resets) {
                open_again();
            }
            put_again(i, len);
        }
    }
    expect_all();
    for (i = 0; i < values; i++) {
        if (resets && i % step == 0) {
            open_again();
        }
        let_go(i);
    }
    open_again();
    expect_all();
    assert_int_equal(put(0, 20), ACME_OK);
}

static void try_all(enum kind kind, uint32_t len, void (*blank)(void))
{
    unsigned resets;

    for (resets = 0; resets < 2; resets++) {
        configure(kind);
        blank();
        open_again();
        fill(len);
        expect_all();
        use(resets != 0);
    }
}

/* ---- flash ---- */

static struct acme_flash_geometry shape;

static void blank_flash(void)
{
    flash_sim_init(&flash, shape.sector_size, shape.sector_count, shape.program_size, 1);
}

/* So many of them, each a record, take the whole of a sector, as long as nothing else is in it. */
static uint32_t fitting(uint32_t parts)
{
    uint32_t unit = shape.program_size, head = (24 + unit - 1) / unit * unit;

    return (shape.sector_size - 3 * head) / parts / unit * unit - 24 - 24 / parts;
}

static void fill_flash(enum kind kind)
{
    static const struct acme_flash_geometry shapes[] = {
        {1024, 2, 4},  {1024, 3, 4}, {1024, 3, 32}, {1024, 4, 4},  {1024, 5, 8},
        {1024, 8, 32}, {4096, 2, 8}, {4096, 3, 8},  {4096, 4, 4},  {512, 4, 1},
        {512, 8, 4},   {256, 16, 4}, {256, 12, 1},  {2048, 3, 16}, {2048, 5, 32}};
    static const uint32_t sizes[] = {512, 90};
    uint32_t size;
    size_t i;

    for (i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        shape = shapes[i];
        for (size = 0; size < (kind == PLAIN ? 2 : 1); size++) { /* seals take their time */
            try_all(kind, sizes[size], blank_flash);
            try_all(kind, fitting(4 + size) - (kind == PLAIN ? 0 : 28), blank_flash);
        }
    }
}

static void test_flash(void **state)
{
    (void)state;
    fill_flash(PLAIN);
}

static void test_flash_sealed(void **state)
{
    (void)state;
    fill_flash(SEALED);
}

static void test_flash_counted(void **state)
{
    (void)state;
    fill_flash(COUNTED);
}

/* ---- FRAM ---- */

static uint8_t chip[2 * FRAM_IMAGE];
static struct fram_records fram;

static bool chip_read(void *bus, uint32_t at, void *data, size_t len)
{
    (void)bus;
    memcpy(data, chip + at, len);
    return true;
}

static bool chip_write(void *bus, uint32_t at, const void *data, size_t len)
{
    (void)bus;
    memcpy(chip + at, data, len);
    return true;
}

static void blank_fram(void)
{
    memset(chip, 0, sizeof(chip));
    fram.read = chip_read;
    fram.write = chip_write;
    config.records = &fram_records_ops;
    config.records_ctx = &fram;
}

static void test_fram(void **state)
{
    (void)state;
    try_all(PLAIN, 512, blank_fram);
    try_all(SEALED, 512, blank_fram);
    try_all(COUNTED, 512, blank_fram);
}

/* ---- a folder on a disk of so many blocks ---- */

#define BLOCK 4096

static struct acme_posix_files files;
static char folder[64];
static uint64_t disk_blocks; /* 0: there is no end of it */

static uint64_t used_blocks(void)
{
    struct dirent *entry;
    uint64_t used = 0;
    DIR *dir = opendir(folder);

    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        struct stat st;

        if (entry->d_name[0] != '.' && fstatat(dirfd(dir), entry->d_name, &st, 0) == 0) {
            used += ((uint64_t)st.st_size + BLOCK - 1) / BLOCK;
        }
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
    return used;
}

ssize_t __real_write(int fd, const void *data, size_t len);
ssize_t __wrap_write(int fd, const void *data, size_t len);
ssize_t __wrap_write(int fd, const void *data, size_t len)
{
    struct stat st;

    if (disk_blocks != 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
        uint64_t before = ((uint64_t)st.st_size + BLOCK - 1) / BLOCK;
        uint64_t after = ((uint64_t)st.st_size + len + BLOCK - 1) / BLOCK;

        if (used_blocks() + after - before > disk_blocks) {
            errno = ENOSPC;
            return -1;
        }
    }
    return __real_write(fd, data, len);
}

static void blank_folder(void)
{
    char command[100];

    disk_blocks = 0;
    acme_posix_files_close(&files);
    (void)snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    assert_int_equal(system(command), 0);
    assert_int_equal(acme_posix_files_open(&files, folder), ACME_OK);
    config.records = &acme_posix_files_ops;
    config.records_ctx = &files;
    disk_blocks = 40;
}

static void test_folder(void **state)
{
    const char *root = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";

    (void)state;
    (void)snprintf(folder, sizeof(folder), "%s/acme_full.%ld", root, (long)getpid());
    files.folder = files.batch = -1;
    try_all(PLAIN, 512, blank_folder);
    try_all(SEALED, 512, blank_folder);
    try_all(COUNTED, 512, blank_folder);
    disk_blocks = 0;
    blank_folder();
    acme_posix_files_close(&files);
    disk_blocks = 0;
    assert_int_equal(rmdir(folder), 0);
}

/* Whatever room is left when a batch begins: it is refused, or it is carried out. None counts and
 * cannot be carried out, for then nothing could be read. */
static void test_folder_at_each_block(void **state)
{
    static const uint8_t data[3 * BLOCK] = {1};
    uint64_t blocks, refused = 0;
    char command[100];
    int32_t rc;

    (void)state;
    for (blocks = 9; blocks < 40; blocks++) {
        configure(PLAIN);
        blank_folder();
        disk_blocks = 0;
        open_again();
        assert_int_equal(put(0, 100), ACME_OK);
        disk_blocks = blocks;
        rc = acme_record_begin(&store, 2 * sizeof(data), 2);
        rc = rc == ACME_OK ? acme_record_put(&store, key_of(1), data, sizeof(data)) : rc;
        rc = rc == ACME_OK ? acme_record_put(&store, key_of(2), data, sizeof(data)) : rc;
        if (rc == ACME_OK) {
            rc = acme_record_commit(&store);
        } else {
            acme_record_abort(&store);
        }
        assert_true(rc == ACME_OK || rc == ACME_ERR_STORE_FULL);
        refused += rc != ACME_OK ? 1 : 0;
        assert_int_equal(acme_record_length(&store, key_of(0)), 100);
        assert_int_equal(acme_record_length(&store, key_of(1)),
                         rc == ACME_OK ? (int32_t)sizeof(data) : ACME_ERR_NOT_FOUND);
        assert_int_equal(acme_record_length(&store, key_of(2)),
                         rc == ACME_OK ? (int32_t)sizeof(data) : ACME_ERR_NOT_FOUND);
        expect_ok(acme_store_remove(&store, ACME_SPACE_CHAIN, FIRST_ID), "removed", 0);
    }
    assert_true(refused > 3 && refused < 30);
    disk_blocks = 0;
    acme_posix_files_close(&files);
    (void)snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    assert_int_equal(system(command), 0);
}

static int up(void **state)
{
    static const uint8_t bytes[32] = {0x42};

    (void)state;
    acme_entropy_bind(&acme_posix_entropy_ops, NULL);
    if (psa_crypto_init() != PSA_SUCCESS) {
        return -1;
    }
    return sim_seal_import(PSA_KEY_TYPE_AES, bytes) ? 0 : -1;
}

static int down(void **state)
{
    (void)state;
    mbedtls_psa_crypto_free();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flash),         cmocka_unit_test(test_flash_sealed),
        cmocka_unit_test(test_flash_counted), cmocka_unit_test(test_fram),
        cmocka_unit_test(test_folder),        cmocka_unit_test(test_folder_at_each_block),
    };

    return cmocka_run_group_tests(tests, up, down);
}
