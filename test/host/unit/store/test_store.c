/*
 * Records and PSA ITS on the flash log: what is written is read again after a mount, damaged and
 * foreign records are told apart from missing ones, and every operation that fails leaves what was
 * there before.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <psa/crypto.h>
#include <psa/internal_trusted_storage.h>

#include "base/bytes.h"
#include "base/crc.h"
#include "flash_sim.h"
#include "store/store.h"

static struct flash_sim flash;
static struct acme_store store;
#define log_ (store.log)

static int set_up(void **state)
{
    (void)state;
    flash_sim_init(&flash, 1024, 16, 4, 7);
    assert_int_equal(acme_flashlog_mount(&log_, &flash_sim_ops, &flash), ACME_OK);
    acme_store_bind_its(&store);
    return 0;
}

static void remount(void)
{
    flash_sim_power_on(&flash);
    assert_int_equal(acme_flashlog_mount(&log_, &flash_sim_ops, &flash), ACME_OK);
}

static void put_raw(enum acme_store_space space, uint64_t id, const void *data, size_t len)
{

    assert_int_equal(acme_flashlog_set(&log_, ACME_KEY(space, id), data, len), ACME_OK);
}

static void test_account(void **state)
{
    struct acme_account_record a = {.key_type = 2,
                                    .key_generation = 1,
                                    .rollover = 3,
                                    .directory_url = "https://ca.example/dir",
                                    .url = "https://ca.example/1",
                                    .tos_url = "t",
                                    .successor = 5,
                                    .used = 0xabcd,
                                    .binding = 0x89abcdef},
                               b;
    uint8_t scratch[4096], tiny[20];

    (void)state;
    assert_int_equal(acme_store_read_account(&store, 1, &b, scratch, sizeof(scratch)),
                     ACME_ERR_NOT_FOUND);
    assert_int_equal(acme_store_write_account(&store, 1, &a, tiny, sizeof(tiny)), ACME_ERR_BUFFER);
    assert_int_equal(acme_store_write_account(&store, 1, &a, scratch, sizeof(scratch)), ACME_OK);
    remount();
    assert_int_equal(acme_store_read_account(&store, 1, &b, scratch, sizeof(scratch)), ACME_OK);
    assert_int_equal(b.key_type, 2);
    assert_int_equal(b.key_generation, 1);
    assert_string_equal(b.directory_url, a.directory_url);
    assert_string_equal(b.url, a.url);
    assert_string_equal(b.tos_url, a.tos_url);
    assert_int_equal(b.successor, a.successor);
    assert_int_equal(b.used, a.used);
    assert_true(b.binding == a.binding);
    assert_int_equal(acme_store_read_account(&store, 0, &b, scratch, sizeof(scratch)),
                     ACME_ERR_NOT_FOUND);
}

/* Version 0.1.0 has zeros for what came later, and reads a record without looking at it. */
static void test_account_of_an_old_store(void **state)
{
    static const char raw[] = "\1\2\1\0\0\0\0\0\0\0\0\0\0\0\0\0https://ca.example/dir\0"
                              "https://ca.example/1\0t";
    struct acme_account_record a;
    uint8_t scratch[4096], now[128];

    (void)state;
    put_raw(ACME_SPACE_ACCOUNT, 0, raw, sizeof(raw));
    assert_int_equal(acme_store_read_account(&store, 0, &a, scratch, sizeof(scratch)), ACME_OK);
    assert_int_equal(a.key_type, 2);
    assert_string_equal(a.url, "https://ca.example/1");
    assert_int_equal(a.successor, 0);
    assert_int_equal(a.used, 0);
    assert_true(a.binding == 0);
    a.successor = 1;
    a.used = 0x0203;
    a.binding = UINT32_MAX;
    assert_int_equal(acme_store_write_account(&store, 0, &a, scratch, sizeof(scratch)), ACME_OK);
    assert_int_equal(
        acme_flashlog_read(&log_, ACME_KEY(ACME_SPACE_ACCOUNT, 0), 0, now, sizeof(now)),
        sizeof(raw));
    assert_memory_equal(now, raw, 4);
    assert_memory_equal(now + 4, "\1\0\3\2", 4);
    assert_memory_equal(now + 8, "\xff\xff\xff\xff\0\0\0\0", 8);
    assert_memory_equal(now + 16, raw + 16, sizeof(raw) - 16);
}

static void test_order(void **state)
{
    struct acme_order_record a = {1, 0, 3, "https://ca.example/o", UINT64_C(0x1122334455667788)}, b;
    uint8_t scratch[4096], tiny[20];

    (void)state;
    assert_int_equal(acme_store_write_order(&store, 5, &a, tiny, sizeof(tiny)), ACME_ERR_BUFFER);
    assert_int_equal(acme_store_write_order(&store, 5, &a, scratch, sizeof(scratch)), ACME_OK);
    remount();
    assert_int_equal(acme_store_read_order(&store, 5, &b, scratch, sizeof(scratch)), ACME_OK);
    assert_true(a.names_id == b.names_id && b.key_type == 1 && b.account_slot == 3);
    assert_string_equal(b.url, a.url);
    assert_int_equal(acme_store_remove(&store, ACME_SPACE_ORDER, 5), ACME_OK);
    assert_int_equal(acme_store_remove(&store, ACME_SPACE_ORDER, 5), ACME_OK);
    assert_int_equal(acme_store_read_order(&store, 5, &b, scratch, sizeof(scratch)),
                     ACME_ERR_NOT_FOUND);
}

/* Whole in every other way: what a later version of ours means by it is not known. */
static void test_records_of_another_version(void **state)
{
    struct acme_account_record a = {.directory_url = "https://ca.example/dir"};
    struct acme_order_record o = {1, 0, 3, "https://ca.example/o", 42};
    uint8_t scratch[4096], raw[128];
    int32_t len;

    (void)state;
    assert_int_equal(acme_store_write_account(&store, 0, &a, scratch, sizeof(scratch)), ACME_OK);
    len = acme_record_read(&store, ACME_KEY(ACME_SPACE_ACCOUNT, 0), 0, raw, sizeof(raw));
    assert_in_range(len, 16, sizeof(raw));
    raw[0]++;
    put_raw(ACME_SPACE_ACCOUNT, 0, raw, (size_t)len);
    assert_int_equal(acme_store_read_account(&store, 0, &a, scratch, sizeof(scratch)),
                     ACME_ERR_STORE_CORRUPT);
    assert_int_equal(acme_store_write_order(&store, 5, &o, scratch, sizeof(scratch)), ACME_OK);
    len = acme_record_read(&store, ACME_KEY(ACME_SPACE_ORDER, 5), 0, raw, sizeof(raw));
    assert_in_range(len, 16, sizeof(raw));
    raw[0]++;
    put_raw(ACME_SPACE_ORDER, 5, raw, (size_t)len);
    assert_int_equal(acme_store_read_order(&store, 5, &o, scratch, sizeof(scratch)),
                     ACME_ERR_STORE_CORRUPT);
}

static void test_damaged_records(void **state)
{
    struct acme_account_record a;
    struct acme_order_record o;
    struct acme_cert_record c;
    uint8_t scratch[4096], raw[40 + CONFIG_ACME_URL_MAX + 8];

    (void)state;
    memset(raw, 'x', sizeof(raw));
    put_raw(ACME_SPACE_ACCOUNT, 0, raw, 10); /* too short */
    assert_int_equal(acme_store_read_account(&store, 0, &a, scratch, sizeof(scratch)),
                     ACME_ERR_STORE_CORRUPT);
    raw[0] = 9; /* of another version */
    put_raw(ACME_SPACE_ACCOUNT, 0, raw, 40);
    assert_int_equal(acme_store_read_account(&store, 0, &a, scratch, sizeof(scratch)),
                     ACME_ERR_STORE_CORRUPT);
    raw[0] = 1; /* a text without end, and one that is too long */
    put_raw(ACME_SPACE_ORDER, 0, raw, 40);
    assert_int_equal(acme_store_read_order(&store, 0, &o, scratch, sizeof(scratch)),
                     ACME_ERR_STORE_CORRUPT);
    raw[sizeof(raw) - 1] = 0;
    put_raw(ACME_SPACE_ORDER, 0, raw, sizeof(raw));
    assert_int_equal(acme_store_read_order(&store, 0, &o, scratch, sizeof(scratch)),
                     ACME_ERR_STORE_CORRUPT);
    memset(raw, 0, sizeof(raw));
    put_raw(ACME_SPACE_CERT, 0, raw, 32); /* version 0 */
    assert_int_equal(acme_store_read_cert(&store, 0, &c), ACME_ERR_STORE_CORRUPT);
    raw[0] = 1;
    put_raw(ACME_SPACE_CERT, 0, raw, 20); /* short */
    assert_int_equal(acme_store_read_cert(&store, 0, &c), ACME_ERR_STORE_CORRUPT);
    raw[4] = 2; /* two certificates, but no lengths */
    put_raw(ACME_SPACE_CERT, 0, raw, 32);
    assert_int_equal(acme_store_read_cert(&store, 0, &c), ACME_ERR_STORE_CORRUPT);
    raw[4] = 200;
    put_raw(ACME_SPACE_CERT, 0, raw, 32);
    assert_int_equal(acme_store_read_cert(&store, 0, &c), ACME_ERR_STORE_CORRUPT);
}

static struct acme_cert_record a_cert(uint8_t generation)
{
    struct acme_cert_record c = {
        .names_id = 42, .key_type = 1, .key_generation = generation, .key_exportable = true};

    c.chain_count = 2;
    c.lengths[0] = 700;
    c.lengths[1] = 60000;
    c.not_before_s = 1700000000;
    c.not_after_s = INT64_C(5000000000); /* past 2038 and 2106 */
    return c;
}

static void test_cert(void **state)
{
    struct acme_cert_record a = a_cert(1), b;
    char names[32];

    (void)state;
    assert_int_equal(acme_store_read_names(&store, 0, names, sizeof(names)), ACME_ERR_NOT_FOUND);
    assert_int_equal(acme_store_install(&store, 0, &a, "a.example,b.example"), ACME_OK);
    remount();
    assert_int_equal(acme_store_read_cert(&store, 0, &b), ACME_OK);
    assert_memory_equal(a.lengths, b.lengths, sizeof(a.lengths));
    assert_true(b.names_id == 42 && b.key_generation == 1 && b.key_exportable &&
                b.not_before_s == a.not_before_s && b.not_after_s == a.not_after_s);
    assert_int_equal(acme_store_read_names(&store, 0, names, sizeof(names)), ACME_OK);
    assert_string_equal(names, "a.example,b.example");
    assert_int_equal(acme_store_read_names(&store, 0, names, 19), ACME_ERR_BUFFER);
    assert_int_equal(acme_store_remove_cert(&store, 0), ACME_OK);
    assert_int_equal(acme_store_read_cert(&store, 0, &b), ACME_ERR_NOT_FOUND);
}

/* Installing ends the order and begins the certificate in one step, wherever power is cut. */
static void test_install_is_atomic(void **state)
{
    struct acme_order_record order = {1, 1, 0, "https://ca.example/o", 42}, o;
    struct acme_cert_record old = a_cert(0), new = a_cert(1), c;
    uint8_t scratch[1200];
    uint32_t cut;
    bool done = false;

    (void)state;
    for (cut = 1; !done; cut++) {
        int kind;

        for (kind = 0; kind < 3; kind++) {
            bool ordered;

            (void)set_up(NULL);
            assert_int_equal(acme_store_install(&store, 0, &old, "n"), ACME_OK);
            assert_int_equal(acme_store_write_order(&store, 0, &order, scratch, sizeof(scratch)),
                             ACME_OK);
            flash_sim_power_on(&flash);
            flash.cut_at = cut;
            flash.cut_kind = (enum flash_sim_cut)kind;
            done = acme_store_install(&store, 0, &new, "n") == ACME_OK && !flash.off;
            remount();
            ordered = acme_store_read_order(&store, 0, &o, scratch, sizeof(scratch)) == ACME_OK;
            assert_int_equal(acme_store_read_cert(&store, 0, &c), ACME_OK);
            assert_int_equal(c.key_generation, ordered ? 0 : 1);
            assert_false(flash.violation);
        }
    }
    assert_true(cut > 3);
}

static void test_chain(void **state)
{
    uint8_t der[ACME_CHAIN_CHUNK * 2 + 100], out[sizeof(der)];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(der); i++) {
        der[i] = (uint8_t)(i * 7 + i / 256);
    }
    for (i = 0; i < 3; i++) {
        size_t len = i < 2 ? ACME_CHAIN_CHUNK : 100;

        assert_int_equal(
            acme_store_write_chunk(&store, 3, 1, (uint16_t)i, der + i * ACME_CHAIN_CHUNK, len),
            ACME_OK);
    }
    for (i = 0; i < sizeof(der); i += 37) {
        assert_int_equal(acme_store_read_chain(&store, 3, 1, (uint32_t)i, out, sizeof(der) - i),
                         ACME_OK);
        assert_memory_equal(out, der + i, sizeof(der) - i);
    }
    assert_int_equal(acme_store_read_chain(&store, 3, 1, 1, out, sizeof(der)),
                     ACME_ERR_STORE_CORRUPT); /* past the end */
    assert_int_equal(acme_store_read_chain(&store, 3, 0, 0, out, 1), ACME_ERR_STORE_CORRUPT);
    assert_int_equal(acme_store_remove_chain(&store, 3, 1), ACME_OK);
    assert_int_equal(acme_store_read_chain(&store, 3, 1, 0, out, 1), ACME_ERR_STORE_CORRUPT);
    assert_int_equal(acme_store_remove_chain(&store, 3, 1), ACME_OK);
}

/* A damaged piece goes as the others do, and does not hide those behind it. */
static void test_a_damaged_chain(void **state)
{
    uint8_t chunk[64], *at;
    uint16_t i;

    (void)state;
    for (i = 0; i < 3; i++) {
        memset(chunk, 0x61 + i, sizeof(chunk));
        assert_int_equal(acme_store_write_chunk(&store, 3, 1, i, chunk, sizeof(chunk)), ACME_OK);
    }
    memset(chunk, 0x61, sizeof(chunk));
    at = memmem(flash.data, 16 * 1024, chunk, sizeof(chunk));
    assert_non_null(at);
    at[5] ^= 1;
    assert_int_equal(acme_store_read_chain(&store, 3, 1, 0, chunk, 1), ACME_ERR_STORE_CORRUPT);
    assert_int_equal(acme_store_remove_chain(&store, 3, 1), ACME_OK);
    for (i = 0; i < 3; i++) {
        assert_int_equal(acme_flashlog_length(&log_, ACME_KEY(ACME_SPACE_CHAIN, 0x3010000u + i)),
                         ACME_ERR_NOT_FOUND);
    }
}

static void test_names_id(void **state)
{
    const char *const ab[] = {"a", "b"}, *const one[] = {"ab"}, *const ba[] = {"b", "a"};
    const char *const more[] = {"B", "a", "b", "A", "b"}, *const ac[] = {"a", "c"};

    (void)state;
    assert_true(acme_store_names_id(ab, 2) == acme_store_names_id(ab, 2));
    assert_true(acme_store_names_id(ab, 2) != acme_store_names_id(one, 1));
    assert_true(acme_store_names_id(ab, 2) == acme_store_names_id(ba, 2));
    assert_true(acme_store_names_id(ab, 2) == acme_store_names_id(more, 5));
    assert_true(acme_store_names_id(ab, 2) != acme_store_names_id(ac, 2));
    assert_true(acme_store_names_id(ab, 1) != acme_store_names_id(ab, 2));
    assert_true(acme_store_names_id(ab, 1) != acme_store_names_id(ab, 0));
    /* The numbers that version 0.1 wrote. */
    assert_true(acme_store_names_id_v1(ab, 2) == UINT64_C(0xd2b371819297f98a));
    assert_true(acme_store_names_id_v1(ba, 2) == UINT64_C(0x18571999fe58c66));
    assert_true(acme_store_names_id(ba, 2) == acme_store_names_id_v1(ab, 2));
}

/* As many names as a host has, in orders of all kinds. */
static void test_names_id_of_many(void **state)
{
    static char texts[100][24];
    const char *names[200];
    uint64_t id = 0;
    uint32_t turn, i;

    (void)state;
    for (i = 0; i < 100; i++) {
        (void)snprintf(texts[i], sizeof(texts[i]), "d%u.Example.org", (i + 1) * 37 % 101);
    }
    for (turn = 1; turn < 100; turn += 7) {
        for (i = 0; i < 100; i++) {
            names[i] = texts[(i + 1) * turn % 101 - 1];
            names[i + 100] = texts[i];
        }
        id = id == 0 ? acme_store_names_id(names, 200) : id;
        assert_true(acme_store_names_id(names, 200) == id);
        assert_true(acme_store_names_id(names, 100) == id);
        assert_true(acme_store_names_id(names, 99) != id);
    }
}

/* A full store refuses, and keeps what it has. */
static void test_full(void **state)
{
    uint8_t data[ACME_CHAIN_CHUNK] = {1};
    uint16_t i, stored = 0;
    uint8_t out;
    int32_t rc = ACME_OK;

    (void)state;
    for (i = 0; i < 1000 && rc == ACME_OK; i++) {
        rc = acme_store_write_chunk(&store, 0, 0, i, data, sizeof(data));
        stored = rc == ACME_OK ? (uint16_t)(i + 1) : stored;
    }
    assert_int_equal(rc, ACME_ERR_STORE_FULL);
    assert_true(stored > 10);
    remount();
    for (i = 0; i < stored; i++) {
        assert_int_equal(acme_store_read_chain(&store, 0, 0, i * ACME_CHAIN_CHUNK, &out, 1),
                         ACME_OK);
    }
    assert_int_equal(psa_its_set(9, sizeof(data), data, 0), PSA_ERROR_INSUFFICIENT_STORAGE);
    assert_int_equal(acme_store_remove_chain(&store, 0, 0), ACME_OK);
    assert_int_equal(psa_its_set(9, sizeof(data), data, 0), PSA_SUCCESS);
}

/* Each flash operation fails once: the call says so, and the old value is still there. */
static void test_failing_flash(void **state)
{
    struct acme_cert_record old = a_cert(0), new = a_cert(1), c;
    uint32_t n, failures = 0;

    (void)state;
    for (n = 1; n < 40; n++) {
        int which;

        for (which = 0; which < 3; which++) {
            int32_t rc;

            (void)set_up(NULL);
            assert_int_equal(acme_store_install(&store, 0, &old, "n"), ACME_OK);
            flash_sim_power_on(&flash);
            flash.programs = flash.erase_calls = flash.reads = 0;
            flash.fail_program_at = which == 0 ? n : 0;
            flash.fail_erase_at = which == 1 ? n : 0;
            flash.fail_read_at = which == 2 ? n : 0;
            rc = acme_store_install(&store, 0, &new, "n");
            failures += rc != ACME_OK ? 1 : 0;
            flash.fail_program_at = flash.fail_erase_at = flash.fail_read_at = 0;
            remount();
            assert_int_equal(acme_store_read_cert(&store, 0, &c), ACME_OK);
            assert_true(c.key_generation == (rc == ACME_OK ? 1 : 0) ||
                        (rc != ACME_OK && c.key_generation == 1)); /* failed after the commit */
        }
    }
    assert_true(failures > 0);
}

/* Removals with each read failing once: they say so, and a second one does the rest. */
static void test_failing_removals(void **state)
{
    struct acme_cert_record cert = a_cert(0), c;
    uint8_t chunk[8] = {0};
    uint32_t n, which, failures = 0;

    (void)state;
    for (n = 1; n < 120; n++) {
        for (which = 0; which < 3; which++) {
            int32_t rc;

            (void)set_up(NULL);
            assert_int_equal(acme_store_install(&store, 0, &cert, "n"), ACME_OK);
            assert_int_equal(acme_store_write_chunk(&store, 0, 0, 0, chunk, 8), ACME_OK);
            assert_int_equal(acme_store_write_chunk(&store, 0, 0, 1, chunk, 8), ACME_OK);
            flash.fail_read_at = flash.reads + n;
            rc = which == 0   ? acme_store_remove_cert(&store, 0)
                 : which == 1 ? acme_store_remove(&store, ACME_SPACE_NAMES, 0)
                              : acme_store_remove_chain(&store, 0, 0);
            flash.fail_read_at = 0;
            assert_true(rc == ACME_OK || rc == ACME_ERR_STORE_IO);
            failures += rc != ACME_OK ? 1 : 0;
            assert_int_equal(acme_store_remove_cert(&store, 0), ACME_OK);
            assert_int_equal(acme_store_remove_chain(&store, 0, 0), ACME_OK);
            assert_int_equal(acme_store_read_cert(&store, 0, &c), ACME_ERR_NOT_FOUND);
            assert_int_equal(acme_store_read_chain(&store, 0, 0, 0, chunk, 1),
                             ACME_ERR_STORE_CORRUPT);
        }
    }
    assert_true(failures > 20);
}

static uint32_t reads_of_the_dead;

static int32_t dead_read(void *ctx, uint32_t at, void *data, size_t len)
{
    (void)ctx;
    (void)at;
    (void)data;
    (void)len;
    reads_of_the_dead++;
    return ACME_ERR_STORE_IO;
}

/* A flash that is gone: one look tells, not one for each piece that a chain might have. */
static void test_a_chain_on_a_dead_flash(void **state)
{
    struct acme_flash_ops dead = flash_sim_ops;
    uint8_t chunk[8] = {0};

    (void)state;
    assert_int_equal(acme_store_write_chunk(&store, 0, 0, 0, chunk, 8), ACME_OK);
    dead.read = dead_read;
    log_.ops = &dead;
    reads_of_the_dead = 0;
    assert_int_equal(acme_store_remove_chain(&store, 0, 0), ACME_ERR_STORE_IO);
    assert_true(reads_of_the_dead < 1000);
}

#if defined(CONFIG_ACME_SCHEDULE)
/* A record of an earlier version lacks what came later. */
static void test_older_schedule(void **state)
{
    struct acme_schedule s = {.renew_at_s = 6, .ordered_s = 7, .burnt = 10, .quick = 11}, back;
    uint8_t raw[66] = {1, 1, 3, 0, 5};

    (void)state;
    assert_int_equal(acme_store_write_schedule(&store, 0, &s), ACME_OK);
    assert_int_equal(acme_store_read_schedule(&store, 0, &back), ACME_OK);
    assert_true(back.renew_at_s == 6 && back.ordered_s == 7 && back.burnt == 10 &&
                back.quick == 11);
    raw[48] = 77;
    put_raw(ACME_SPACE_SCHEDULE, 0, raw, 56);
    assert_int_equal(acme_store_read_schedule(&store, 0, &back), ACME_OK);
    assert_true(back.renew_at_s == 77 && back.failures == 3 && back.ca == 5 &&
                back.generation == 1);
    assert_true(back.ordered_s == 0 && back.burnt == 0 && back.quick == 0);
    raw[56] = 1;
    raw[64] = 2;
    raw[65] = 3;
    put_raw(ACME_SPACE_SCHEDULE, 0, raw, 66);
    assert_int_equal(acme_store_read_schedule(&store, 0, &back), ACME_OK);
    assert_true(back.ordered_s == 1 && back.burnt == 2 && back.quick == 3);
}

static void test_damaged_schedule(void **state)
{
    struct acme_schedule s = {.retry_at_s = 5}, back;
    uint8_t raw[56] = {1};
    int64_t floor_s = 0;

    (void)state;
    assert_int_equal(acme_store_write_schedule(&store, 0, &s), ACME_OK);
    assert_int_equal(acme_store_read_schedule(&store, 0, &back), ACME_OK);
    assert_true(back.retry_at_s == 5);
    put_raw(ACME_SPACE_SCHEDULE, 0, raw, 55);
    assert_int_equal(acme_store_read_schedule(&store, 0, &back), ACME_ERR_STORE_CORRUPT);
    assert_true(back.retry_at_s == 0); /* nothing is made up */
    raw[0] = 2;
    put_raw(ACME_SPACE_SCHEDULE, 0, raw, 56);
    assert_int_equal(acme_store_read_schedule(&store, 0, &back), ACME_ERR_STORE_CORRUPT);
    assert_int_equal(acme_store_read_floor(&store, &floor_s), ACME_ERR_NOT_FOUND);
    put_raw(ACME_SPACE_TIME, 0, raw, 7);
    assert_int_equal(acme_store_read_floor(&store, &floor_s), ACME_ERR_STORE_CORRUPT);
    assert_int_equal(acme_store_write_floor(&store, 99), ACME_OK);
    assert_int_equal(acme_store_read_floor(&store, &floor_s), ACME_OK);
    assert_true(floor_s == 99);
}
#endif

static void test_its(void **state)
{
    struct psa_storage_info_t info;
    uint8_t out[16];
    size_t len;

    (void)state;
    assert_int_equal(psa_its_get(1, 0, 1, out, &len), PSA_ERROR_DOES_NOT_EXIST);
    assert_int_equal(psa_its_get_info(1, &info), PSA_ERROR_DOES_NOT_EXIST);
    assert_int_equal(psa_its_remove(1), PSA_ERROR_DOES_NOT_EXIST);
    assert_int_equal(psa_its_set(0, 1, "x", 0), PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(psa_its_set(1, 1, "x", 0x80), PSA_ERROR_NOT_SUPPORTED);
    assert_int_equal(psa_its_set(1, 10, "0123456789", 0), PSA_SUCCESS);
    assert_int_equal(psa_its_set(1, 8, "abcdefgh", 0), PSA_SUCCESS);
    remount();
    assert_int_equal(psa_its_get_info(1, &info), PSA_SUCCESS);
    assert_int_equal(info.size, 8);
    assert_int_equal(info.flags, 0);
    assert_int_equal(psa_its_get(1, 2, 3, out, &len), PSA_SUCCESS);
    assert_int_equal(len, 3);
    assert_memory_equal(out, "cde", 3);
    assert_int_equal(psa_its_get(1, 9, 0, out, &len), PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(psa_its_get(1, 4, 5, out, &len), PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(psa_its_remove(1), PSA_SUCCESS);
    assert_int_equal(psa_its_get_info(1, &info), PSA_ERROR_DOES_NOT_EXIST);
}

static void test_its_write_once(void **state)
{
    struct psa_storage_info_t info;

    (void)state;
    assert_int_equal(psa_its_set(7, 3, "abc", PSA_STORAGE_FLAG_WRITE_ONCE), PSA_SUCCESS);
    remount();
    assert_int_equal(psa_its_get_info(7, &info), PSA_SUCCESS);
    assert_int_equal(info.flags, PSA_STORAGE_FLAG_WRITE_ONCE);
    assert_int_equal(psa_its_set(7, 3, "xyz", 0), PSA_ERROR_NOT_PERMITTED);
    assert_int_equal(psa_its_remove(7), PSA_ERROR_NOT_PERMITTED);
}

#if defined(CONFIG_ACME_ITS_WRITE_ONCE)
/* Value and flag come together, or not at all: with each read and each program failing once. */
static void test_its_write_once_on_failing_flash(void **state)
{
    static const uint8_t value[300];
    struct psa_storage_info_t info;
    uint32_t n, which, failures = 0;

    (void)state;
    for (n = 1; n < 120; n++) {
        for (which = 0; which < 2; which++) {
            psa_status_t status;

            (void)set_up(NULL);
            flash.programs = 0;
            flash.fail_read_at = which == 0 ? flash.reads + n : 0;
            flash.fail_program_at = which == 1 ? n : 0;
            status = psa_its_set(7, 3, "abc", PSA_STORAGE_FLAG_WRITE_ONCE);
            flash.fail_read_at = flash.fail_program_at = 0;
            assert_true(status == PSA_SUCCESS || status == PSA_ERROR_STORAGE_FAILURE);
            failures += status != PSA_SUCCESS ? 1 : 0;
            remount();
            if (psa_its_get_info(7, &info) == PSA_SUCCESS) {
                assert_int_equal(info.flags, PSA_STORAGE_FLAG_WRITE_ONCE);
                assert_int_equal(psa_its_set(7, 3, "xyz", 0), PSA_ERROR_NOT_PERMITTED);
            } else {
                assert_int_not_equal(status, PSA_SUCCESS);
                assert_int_equal(psa_its_set(7, 3, "xyz", 0), PSA_SUCCESS);
            }
        }
    }
    assert_true(failures > 5);
    for (n = 1; n < 120; n++) { /* a flag that cannot be read is not taken for none */
        (void)set_up(NULL);
        assert_int_equal(psa_its_set(7, 3, "abc", PSA_STORAGE_FLAG_WRITE_ONCE), PSA_SUCCESS);
        flash.fail_read_at = flash.reads + n;
        assert_int_not_equal(psa_its_set(7, 3, "xyz", 0), PSA_SUCCESS);
        flash.fail_read_at = flash.reads + n;
        assert_int_not_equal(psa_its_remove(7), PSA_SUCCESS);
        flash.fail_read_at = flash.reads + n;
        assert_true(psa_its_get_info(7, &info) != PSA_SUCCESS ||
                    info.flags == PSA_STORAGE_FLAG_WRITE_ONCE);
        flash.fail_read_at = 0;
    }
    (void)set_up(NULL);
    for (n = 100; psa_its_set(n, 300, value, 0) == PSA_SUCCESS; n++) {
    }
    assert_int_equal(psa_its_set(n, 300, value, 0), PSA_ERROR_INSUFFICIENT_STORAGE);
    assert_int_equal(psa_its_set(7, 300, value, PSA_STORAGE_FLAG_WRITE_ONCE),
                     PSA_ERROR_INSUFFICIENT_STORAGE);
}
#endif

/* A uid shares its word with the space of the key: one that is too wide would be another's. */
static void test_its_uids(void **state)
{
    (void)state;
    assert_int_equal(psa_its_set(ACME_KEY_ID_MAX, 1, "x", 0), PSA_SUCCESS);
    assert_int_equal(psa_its_set(ACME_KEY_ID_MAX + 1, 1, "x", 0), PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(psa_its_set(UINT64_MAX, 1, "x", 0), PSA_ERROR_INVALID_ARGUMENT);
}

static void test_its_unbound_and_broken(void **state)
{
    struct psa_storage_info_t info;
    uint8_t out;
    size_t len;

    (void)state;
    assert_int_equal(psa_its_set(1, 1, "x", 0), PSA_SUCCESS);
    flash.off = true;
    assert_int_equal(psa_its_get(1, 0, 1, &out, &len), PSA_ERROR_STORAGE_FAILURE);
    assert_int_equal(psa_its_set(1, 1, "y", 0), PSA_ERROR_STORAGE_FAILURE);
    assert_int_equal(psa_its_remove(1), PSA_ERROR_STORAGE_FAILURE);
    acme_store_bind_its(NULL);
    assert_int_equal(psa_its_set(1, 1, "x", 0), PSA_ERROR_STORAGE_FAILURE);
    assert_int_equal(psa_its_get(1, 0, 1, &out, &len), PSA_ERROR_STORAGE_FAILURE);
    assert_int_equal(psa_its_get_info(1, &info), PSA_ERROR_STORAGE_FAILURE);
    assert_int_equal(psa_its_remove(1), PSA_ERROR_STORAGE_FAILURE);
}

/* ---- the log below ---- */

static void test_mount_refuses(void **state)
{
    static const uint32_t bad[][3] = {{100, 8, 4},   {128, 8, 4},  {1024, 1, 4}, {1024, 8, 3},
                                      {1024, 8, 64}, {1024, 8, 0}, {1000, 8, 4}};
    struct acme_flashlog log;
    uint32_t i;

    (void)state;
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        flash_sim_init(&flash, 1024, 16, 4, 7);
        flash.geometry = (struct acme_flash_geometry){bad[i][0], bad[i][1], bad[i][2]};
        assert_int_equal(acme_flashlog_mount(&log, &flash_sim_ops, &flash),
                         ACME_ERR_STORE_GEOMETRY);
    }
    flash_sim_init(&flash, 1024, 16, 4, 7);
    memset(flash.data, 0x5a, 16 * 1024); /* somebody else's */
    assert_int_equal(acme_flashlog_mount(&log, &flash_sim_ops, &flash), ACME_ERR_STORE_FORMAT);
    assert_int_equal(flash.data[777], 0x5a);
    assert_int_equal(acme_flashlog_format(&log, &flash_sim_ops, &flash), ACME_OK);
    assert_int_equal(acme_flashlog_mount(&log, &flash_sim_ops, &flash), ACME_OK);
    flash.fail_read_at = flash.reads + 1;
    assert_int_equal(acme_flashlog_mount(&log, &flash_sim_ops, &flash), ACME_ERR_STORE_IO);
}

static void test_batches(void **state)
{
    uint64_t a = ACME_KEY(ACME_SPACE_TIME, 1), b = ACME_KEY(ACME_SPACE_TIME, 2), at = 0;
    struct acme_flashlog_stat stat;
    uint8_t out[8];

    (void)state;
    assert_int_not_equal(acme_flashlog_put(&log_, a, "x", 1), ACME_OK); /* no batch */
    assert_int_not_equal(acme_flashlog_commit(&log_), ACME_OK);
    assert_int_equal(acme_flashlog_begin(&log_, 2, 2), ACME_OK);
    assert_int_equal(acme_flashlog_put(&log_, a, "x", 1), ACME_OK);
    assert_int_equal(acme_flashlog_length(&log_, a), ACME_ERR_NOT_FOUND); /* not yet */
    acme_flashlog_abort(&log_);
    assert_int_equal(acme_flashlog_length(&log_, a), ACME_ERR_NOT_FOUND);
    assert_int_equal(acme_flashlog_set(&log_, b, "bb", 2), ACME_OK);
    assert_int_equal(acme_flashlog_set(&log_, a, "a", 1), ACME_OK);
    assert_int_equal(acme_flashlog_read(&log_, b, 1, out, 8), 1);
    assert_int_equal(acme_flashlog_read(&log_, b, 9, out, 8), 0);
    assert_int_equal(acme_flashlog_next(&log_, &at), ACME_OK);
    assert_int_equal(ACME_KEY_ID(at), 1);
    assert_int_equal(acme_flashlog_next(&log_, &at), ACME_OK);
    assert_int_equal(ACME_KEY_ID(at), 2);
    assert_int_equal(acme_flashlog_next(&log_, &at), ACME_ERR_NOT_FOUND);
    assert_int_equal(acme_flashlog_stat(&log_, &stat), ACME_OK);
    assert_true(stat.live_bytes > 0 && stat.live_bytes < stat.capacity_bytes);
    assert_int_equal(acme_flashlog_begin(&log_, 1u << 30, 1), ACME_ERR_STORE_FULL);
}

/* ---- flipped bits ---- */

#define FLIP_KEYS 5u

/* What a log holds: a letter for each key; 0: nothing; '?': it says that it is damaged. */
static void look(struct acme_flashlog *log, char out[FLIP_KEYS + 1])
{
    uint8_t value[100];
    uint32_t i, j;

    memset(out, 0, FLIP_KEYS + 1);
    for (i = 0; i < FLIP_KEYS; i++) {
        int32_t n = acme_flashlog_read(log, ACME_KEY(3, i), 0, value, sizeof(value));

        assert_true(n > 0 || n == ACME_ERR_NOT_FOUND || n == ACME_ERR_STORE_CORRUPT);
        out[i] = n > 0 ? (char)value[0] : n == ACME_ERR_NOT_FOUND ? '-' : '?';
        for (j = 1; (int32_t)j < n; j++) {
            assert_int_equal(value[j], value[0]); /* never a mixture */
        }
    }
}

static void set_letter(struct acme_flashlog *log, uint64_t key, char letter, size_t len)
{
    uint8_t value[100];

    memset(value, letter, sizeof(value));
    assert_int_equal(acme_flashlog_set(log, ACME_KEY(3, key), value, len), ACME_OK);
}

/* Every bit of a small area that has seen overwriting, deletion, batches and compaction: a flip is
 * found, or is harmless; at the very end of the log it may look like a cut during the last batch.
 */
static void test_flipped_bits(void **state)
{
    static uint8_t image[10 * 256];
    char before[FLIP_KEYS + 1], now[FLIP_KEYS + 1], seen[FLIP_KEYS + 1];
    struct acme_flashlog log;
    uint32_t bit, found = 0, undone = 0, i;

    (void)state;
    flash_sim_init(&flash, 256, 10, 4, 7);
    assert_int_equal(acme_flashlog_mount(&log, &flash_sim_ops, &flash), ACME_OK);
    for (i = 0; i < 40; i++) {
        set_letter(&log, i % 4, (char)('A' + i % 26), 20 + 30 * (i % 3));
    }
    assert_int_equal(acme_flashlog_begin(&log, 100, 3), ACME_OK);
    assert_int_equal(acme_flashlog_put(&log, ACME_KEY(3, 4), "z", 1), ACME_OK);
    assert_int_equal(acme_flashlog_delete(&log, ACME_KEY(3, 1)), ACME_OK);
    assert_int_equal(acme_flashlog_commit(&log), ACME_OK);
    look(&log, before);
    assert_string_equal(before, "K-MNz");
    set_letter(&log, 2, 'y', 50);
    look(&log, now);
    memcpy(image, flash.data, sizeof(image));
    for (bit = 0; bit < sizeof(image) * 8; bit++) {
        int32_t rc;

        memcpy(flash.data, image, sizeof(image));
        flash.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        rc = acme_flashlog_mount(&log, &flash_sim_ops, &flash);
        assert_true(rc == ACME_OK || rc == ACME_ERR_STORE_CORRUPT);
        look(&log, seen);
        found += rc != ACME_OK || strchr(seen, '?') != NULL ? 1 : 0;
        if (rc == ACME_OK && strchr(seen, '?') == NULL && strcmp(seen, now) != 0) {
            assert_string_equal(seen, before);
            undone++;
        }
    }
    assert_true(found > 1000);
    assert_true(undone > 0 && undone <= 8 * (2 * 64 + 4)); /* the last two records at most */
}

/* An area of a newer format is refused, and nothing in it is touched. */
static void test_newer_format(void **state)
{
    static uint8_t image[16 * 1024];
    struct acme_flashlog log;
    uint32_t at;

    (void)state;
    set_letter(&log_, 1, 'a', 50);
    for (at = 0; at < 48; at += 24) {
        flash.data[at + 4] = 2;
        acme_put32(flash.data + at + 20, acme_crc32(0, flash.data + at, 20));
    }
    memcpy(image, flash.data, sizeof(image));
    flash_sim_power_on(&flash);
    assert_int_equal(acme_flashlog_mount(&log, &flash_sim_ops, &flash), ACME_ERR_STORE_VERSION);
    assert_int_equal(flash.operations, 0);
    assert_memory_equal(image, flash.data, sizeof(image));
}

/* Most of the area is data that never change, one value changes all the time: the sectors wear
 * alike, those with the cold data, too. */
static void test_wear_is_even(void **state)
{
    struct acme_flashlog_stat stat;
    uint32_t i, round, least = UINT32_MAX, most = 0;

    (void)state;
    for (i = 0; i < 60; i++) {
        set_letter(&log_, 100 + i, 'c', 100);
    }
    for (round = 0; round < 4000; round++) {
        set_letter(&log_, 1, (char)('a' + round % 26), 90);
        if (round % 100 == 99) {
            remount();
        }
    }
    for (i = 0; i < 16; i++) {
        least = flash.erases[i] < least ? flash.erases[i] : least;
        most = flash.erases[i] > most ? flash.erases[i] : most;
    }
    assert_true(least > 20);
    assert_true(most - least <= 2);
    assert_int_equal(acme_flashlog_stat(&log_, &stat), ACME_OK);
    assert_int_equal(stat.erases_min, least); /* and the headers know it */
    assert_int_equal(stat.erases_max, most);
    for (i = 0; i < 60; i++) {
        assert_int_equal(acme_flashlog_length(&log_, ACME_KEY(3, 100 + i)), 100);
    }
}

static void test_bad_sectors_are_left_out(void **state)
{
    uint8_t data[200];
    uint32_t i;

    (void)state;
    flash.bad[3] = flash.bad[7] = true;
    for (i = 0; i < 400; i++) {
        memset(data, (int)i, sizeof(data));
        assert_int_equal(
            acme_store_write_chunk(&store, 0, 0, (uint16_t)(i % 5), data, sizeof(data)), ACME_OK);
    }
    remount();
    for (i = 395; i < 400; i++) {
        uint8_t out;

        assert_int_equal(acme_flashlog_read(&log_, ACME_KEY(ACME_SPACE_CHAIN, i % 5), 0, &out, 1),
                         1);
        assert_int_equal(out, (uint8_t)i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_account, set_up),
        cmocka_unit_test_setup(test_account_of_an_old_store, set_up),
        cmocka_unit_test_setup(test_order, set_up),
        cmocka_unit_test_setup(test_records_of_another_version, set_up),
        cmocka_unit_test_setup(test_damaged_records, set_up),
        cmocka_unit_test_setup(test_cert, set_up),
        cmocka_unit_test_setup(test_install_is_atomic, set_up),
        cmocka_unit_test_setup(test_chain, set_up),
        cmocka_unit_test_setup(test_a_damaged_chain, set_up),
        cmocka_unit_test(test_names_id),
        cmocka_unit_test(test_names_id_of_many),
        cmocka_unit_test_setup(test_full, set_up),
        cmocka_unit_test_setup(test_failing_flash, set_up),
        cmocka_unit_test(test_failing_removals),
        cmocka_unit_test_setup(test_a_chain_on_a_dead_flash, set_up),
#if defined(CONFIG_ACME_SCHEDULE)
        cmocka_unit_test_setup(test_older_schedule, set_up),
        cmocka_unit_test_setup(test_damaged_schedule, set_up),
#endif
        cmocka_unit_test_setup(test_its, set_up),
        cmocka_unit_test_setup(test_its_write_once, set_up),
#if defined(CONFIG_ACME_ITS_WRITE_ONCE)
        cmocka_unit_test(test_its_write_once_on_failing_flash),
#endif
        cmocka_unit_test_setup(test_its_uids, set_up),
        cmocka_unit_test_setup(test_its_unbound_and_broken, set_up),
        cmocka_unit_test_setup(test_mount_refuses, set_up),
        cmocka_unit_test_setup(test_batches, set_up),
        cmocka_unit_test(test_flipped_bits),
        cmocka_unit_test_setup(test_newer_format, set_up),
        cmocka_unit_test_setup(test_wear_is_even, set_up),
        cmocka_unit_test_setup(test_bad_sectors_are_left_out, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
