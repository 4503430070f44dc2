/*
 * The log on areas that no log of ours has written, or that were damaged by more than a cut: what
 * is there is read or refused, and never written over; and on flash that fails again and again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "acme/error.h"
#include "base/bytes.h"
#include "base/crc.h"
#include "flash_faults.h"
#include "store/flashlog.h"

#define SECTOR 1024u
#define COUNT  8u
#define START  48u /* of records, with a program unit of 8 */
#define HEAD   24u

#define A ACME_KEY(3, 1)
#define B ACME_KEY(3, 2)

static struct flash_sim flash;
static struct acme_flashlog log_;

static int set_up(void **state)
{
    (void)state;
    flash_sim_init(&flash, SECTOR, COUNT, 8, 7);
    assert_int_equal(acme_flashlog_mount(&log_, &flash_sim_ops, &flash), ACME_OK);
    return 0;
}

static int32_t mount(void)
{
    flash_sim_power_on(&flash);
    return acme_flashlog_mount(&log_, &flash_sim_ops, &flash);
}

static int32_t set(uint64_t key, const char *value)
{
    return acme_flashlog_set(&log_, key, value, strlen(value));
}

static void expect(uint64_t key, const char *value)
{
    char out[300];
    int32_t n = acme_flashlog_read(&log_, key, 0, out, sizeof(out));

    assert_int_equal(n, strlen(value));
    assert_memory_equal(out, value, strlen(value));
}

/* ---- records written by hand, as docs/store_format.md has them ---- */

enum { PUT = 0, FREED = 3, COPIED = 4, COMMIT = 8, LAST = 0x8000 };

static uint32_t write_record(uint32_t at, uint32_t what, uint32_t version, uint64_t key,
                             const char *value, uint32_t len)
{
    uint8_t *raw = flash.data + at;
    uint32_t crc;

    raw[0] = 0xac;
    raw[1] = (uint8_t)(what | (uint32_t)(key >> 60) << 4);
    acme_put16(raw + 2, len);
    acme_put32(raw + 4, version);
    acme_put32(raw + 8, (uint32_t)key);
    acme_put32(raw + 12, (uint32_t)(key >> 32) & 0x0fffffffu);
    acme_put16(raw + 16, LAST);
    crc = acme_crc32(0, raw, 18);
    acme_put16(raw + 18, crc ^ crc >> 16);
    acme_put32(raw + 20, acme_crc32(crc, (const uint8_t *)value, strlen(value)));
    memcpy(raw + HEAD, value, strlen(value));
    return at + HEAD + ((uint32_t)strlen(value) + 7) / 8 * 8;
}

/* The log's next free place. */
static uint32_t end_of_log(void)
{
    return log_.head * SECTOR + log_.head_offset;
}

/* This is how the log itself writes them. */
static void test_by_hand(void **state)
{
    uint32_t at;

    (void)state;
    assert_int_equal(set(A, "log"), ACME_OK);
    at = write_record(end_of_log(), PUT | COMMIT, 9, A, "hand", 4);
    assert_int_equal(mount(), ACME_OK);
    expect(A, "hand");
    (void)write_record(at, PUT | COMMIT, 10, B, "more", 4);
    assert_int_equal(mount(), ACME_OK);
    expect(B, "more");
}

/* Lengths that lead out of the record's bounds, or of the sector, with sums that fit. */
static void test_lengths(void **state)
{
    static const uint32_t lens[] = {SECTOR / 4 - HEAD + 1, SECTOR - START, SECTOR, 0xffff};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        (void)set_up(NULL);
        assert_int_equal(set(A, "kept"), ACME_OK);
        (void)write_record(end_of_log(), PUT | COMMIT, 9, A, "bad", lens[i]);
        (void)write_record(end_of_log() + 4 * HEAD, PUT | COMMIT, 9, A, "bad", 3);
        (void)mount();
        expect(A, "kept");
        assert_int_equal(set(B, "new"), ACME_OK);
        expect(B, "new");
    }
    /* one that fits, but not into the rest of its sector */
    (void)set_up(NULL);
    assert_int_equal(set(A, "kept"), ACME_OK);
    while (log_.head_offset + 200 < SECTOR) {
        assert_int_equal(set(B, "filler of some length"), ACME_OK);
    }
    (void)write_record(end_of_log(), PUT | COMMIT, 90, A, "bad", 200);
    (void)mount();
    expect(A, "kept");
}

/* The sums of a record that stands where it may not, over all that it says is its own. */
static void sum_up(uint32_t at)
{
    uint8_t *raw = flash.data + at;
    uint32_t crc = acme_crc32(0, raw, 18);

    acme_put16(raw + 18, crc ^ crc >> 16);
    acme_put32(raw + 20, acme_crc32(crc, raw + HEAD, acme_get16(raw + 2)));
}

/* One that is longer than any, and one that ends in the next sector, are none, though their sums
 * fit. */
static void test_lengths_whose_sums_fit(void **state)
{
    char value[SECTOR / 4];
    uint32_t at, end;

    (void)state;
    memset(value, 'v', sizeof(value) - 1);
    value[sizeof(value) - 1] = '\0';
    assert_int_equal(set(A, "kept"), ACME_OK);
    (void)write_record(end_of_log(), PUT | COMMIT, 9, A, value, sizeof(value) - 1);
    (void)mount();
    expect(A, "kept");

    (void)set_up(NULL);
    assert_int_equal(set(A, "kept"), ACME_OK);
    do {
        end = log_.head_offset;
        assert_int_equal(set(B, "filler of some length"), ACME_OK);
    } while (log_.head == 0);
    assert_true(end + HEAD + 8 <= SECTOR);
    at = write_record(end, PUT | COMMIT, 90, A, "", SECTOR - end) - HEAD;
    sum_up(at); /* with the next sector's header behind it */
    (void)mount();
    expect(A, "kept");
}

/* A version that is older than what was committed changes nothing, wherever it stands. */
static void test_an_old_version(void **state)
{
    uint32_t at;

    (void)state;
    assert_int_equal(set(A, "first"), ACME_OK);
    at = write_record(end_of_log(), PUT | COMMIT, 9, A, "newest", 6);
    (void)write_record(at, PUT | COPIED, 5, A, "old copy", 8);
    assert_int_equal(mount(), ACME_OK);
    expect(A, "newest");
}

/* A mark cannot free its own sector, or one that is to come. */
static void test_freed_marks(void **state)
{
    uint32_t seqs[] = {1, 2, 1000, UINT32_MAX};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(seqs) / sizeof(seqs[0]); i++) {
        (void)set_up(NULL);
        assert_int_equal(set(A, "kept"), ACME_OK);
        assert_int_equal(log_.head_seq, 1);
        (void)write_record(end_of_log(), FREED, 1, seqs[i], "", 0);
        assert_int_equal(mount(), ACME_OK);
        expect(A, "kept");
        assert_int_equal(set(B, "new"), ACME_OK);
        expect(A, "kept");
    }
}

/* A chip that cannot be read for a moment while a value is moved: what is written meanwhile is no
 * copy of it, and the value is there when the chip can be read again. */
static void test_reads_that_fail_while_a_value_is_moved(void **state)
{
    struct flash_sim_image *image = NULL;
    /* What moves fits where the filler does not: behind records that are no copies. */
    static const char filler[] =
        "a filler of such a length that it does not fit where the other does";
    static const char another[] =
        "A filler of such a length that it does not fit where the other does";
    struct acme_flashlog before = log_;
    int32_t rc = ACME_ERR_STORE_IO;
    uint32_t n;
    bool changed;
    char out[100];

    (void)state;
    assert_int_equal(set(A, "kept"), ACME_OK);
    while (log_.freed_seq == 0) { /* the last one moves it */
        image = flash_sim_save(&flash, image);
        before = log_;
        assert_int_equal(set(B, filler), ACME_OK);
    }
    for (n = 1; rc != ACME_OK; n += 5) { /* six at a time: each pair of reads */
        flash_sim_restore(&flash, image);
        log_ = before;
        flash.fail_read_at = flash.reads + n;
        flash.fail_reads_more = 5;
        rc = set(B, another);
        flash.fail_read_at = flash.fail_reads_more = 0;
        assert_true(rc == ACME_OK || rc == ACME_ERR_STORE_IO);
        assert_int_equal(mount(), ACME_OK);
        expect(A, "kept");
        /* An error may come after the change was made. */
        changed = acme_flashlog_read(&log_, B, 0, out, sizeof(out)) > 0 && out[0] == 'A';
        assert_true(changed || rc != ACME_OK);
        expect(B, changed ? another : filler);
    }
    assert_true(n > 100);
    flash_sim_image_free(image);
}

/* ---- damage ---- */

static void wipe_headers(uint32_t sector)
{
    memset(flash.data + sector * SECTOR, 0, START);
}

/* Without its headers a sector with records is somebody's: it is not taken for a blank area. */
static void test_no_header(void **state)
{
    static uint8_t image[COUNT * SECTOR];

    (void)state;
    assert_int_equal(set(A, "kept"), ACME_OK);
    assert_int_equal(log_.head, 0);
    wipe_headers(0);
    memcpy(image, flash.data, sizeof(image));
    assert_int_equal(mount(), ACME_ERR_STORE_FORMAT);
    assert_int_equal(flash.operations, 0);
    assert_memory_equal(image, flash.data, sizeof(image));
}

/* One bit that has turned by itself does not make a new chip somebody's. */
static void test_one_bit_of_a_blank_area(void **state)
{
    uint32_t at;

    (void)state;
    for (at = 0; at < COUNT * SECTOR; at += 7) {
        flash_sim_init(&flash, SECTOR, COUNT, 8, 7);
        flash.data[at] ^= (uint8_t)(1u << at % 8);
        assert_int_equal(mount(), ACME_OK);
        assert_int_equal(flash.operations, 0);
        assert_int_equal(set(A, "kept"), ACME_OK);
        assert_int_equal(mount(), ACME_OK);
        expect(A, "kept");
    }
    flash_sim_init(&flash, SECTOR, COUNT, 8, 7);
    flash.data[SECTOR + START + 9] ^= 1;
    flash.data[2 * SECTOR + START + 9] ^= 1;
    assert_int_equal(mount(), ACME_ERR_STORE_FORMAT);
    flash.data[2 * SECTOR + START + 9] ^= 1;
    flash.data[SECTOR + START + 700] ^= 1;
    assert_int_equal(mount(), ACME_ERR_STORE_FORMAT);
}

/* A sector that is missing in the middle is told, and what the others hold is there. */
static void test_a_missing_sector(void **state)
{
    uint32_t i;

    (void)state;
    assert_int_equal(set(A, "in the first sector"), ACME_OK);
    for (i = 0; log_.head < 2; i++) {
        assert_int_equal(set(ACME_KEY(4, i), "filler of some length"), ACME_OK);
    }
    assert_int_equal(set(B, "in the third"), ACME_OK);
    wipe_headers(1);
    assert_int_equal(mount(), ACME_ERR_STORE_CORRUPT);
    assert_true(log_.damaged);
    expect(A, "in the first sector");
    expect(B, "in the third");
}

/* The head of the first record of the newest sector, each of its bits: nothing is dropped, the next
 * write makes nothing final, and with the bit as it was all is there. */
static void test_a_first_head(void **state)
{
    uint32_t bit, i, hidden;

    (void)state;
    for (bit = 0; bit < 8 * 20; bit++) {
        uint32_t at;

        (void)set_up(NULL);
        assert_int_equal(set(A, "in the first sector"), ACME_OK);
        for (i = 0; log_.head < 1; i++) {
            assert_int_equal(set(ACME_KEY(4, i), "filler of some length"), ACME_OK);
        }
        assert_int_equal(set(B, "in the newest"), ACME_OK);
        for (hidden = 0; hidden < 8; hidden++) { /* what is written later is newer than all */
            assert_int_equal(set(ACME_KEY(5, 1), "sooner"), ACME_OK);
        }
        at = SECTOR + START + bit / 8;
        flash.data[at] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(mount(), ACME_ERR_STORE_CORRUPT);
        expect(A, "in the first sector");
        assert_int_equal(set(ACME_KEY(5, 1), "later"), ACME_OK);
        assert_int_equal(mount(), ACME_ERR_STORE_CORRUPT);
        flash.data[at] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(mount(), ACME_OK);
        expect(B, "in the newest");
        expect(ACME_KEY(4, i - 1), "filler of some length");
        expect(ACME_KEY(5, 1), "later");
    }
}

/* ---- the newest sector, where it is not to be read ---- */

static uint32_t spoilt_at, spoilt_left; /* so many readings of the head of a record there are */
static bool spoilt_fail;                /* and not only wrong */

static int32_t read_spoilt(void *ctx, uint32_t at, void *data, size_t len)
{
    int32_t rc = flash_sim_ops.read(ctx, at, data, len);

    if (rc != ACME_OK || spoilt_left == 0 || at >= spoilt_at + HEAD || at + len <= spoilt_at) {
        return rc;
    }
    spoilt_left--;
    if (spoilt_fail) {
        return ACME_ERR_STORE_IO;
    }
    if (at <= spoilt_at) {
        ((uint8_t *)data)[spoilt_at - at] ^= 0x20;
    }
    return ACME_OK;
}

static struct acme_flash_ops spoil(uint32_t at, uint32_t count, bool fail)
{
    struct acme_flash_ops ops = flash_sim_ops;

    ops.read = read_spoilt;
    spoilt_at = at;
    spoilt_left = count;
    spoilt_fail = fail;
    return ops;
}

/* Its only record is read wrong twice, and then right: nothing is dropped. */
static void test_a_head_that_is_read_wrong_twice(void **state)
{
    struct acme_flash_ops ops;
    uint32_t i, count;

    (void)state;
    for (count = 1; count <= 2; count++) {
        (void)set_up(NULL);
        assert_int_equal(set(A, "in the first sector"), ACME_OK);
        for (i = 0; log_.head < 1; i++) {
            assert_int_equal(set(ACME_KEY(4, i), "filler of some length"), ACME_OK);
        }
        ops = spoil(SECTOR + START, count, false);
        flash_sim_power_on(&flash);
        assert_int_equal(acme_flashlog_mount(&log_, &ops, &flash), ACME_OK);
        assert_int_equal(spoilt_left, 0);
        expect(ACME_KEY(4, i - 1), "filler of some length");
        assert_int_equal(set(A, "later"), ACME_OK);
        assert_int_equal(mount(), ACME_OK);
        expect(ACME_KEY(4, i - 1), "filler of some length");
    }
}

static uint32_t second_at, walks;

/* The first record is always read wrong, the second one from the second walk on. */
static int32_t read_two_ways(void *ctx, uint32_t at, void *data, size_t len)
{
    int32_t rc = flash_sim_ops.read(ctx, at, data, len);

    walks += at == SECTOR + START && len == HEAD ? 1 : 0; /* twice a walk: it is wrong */
    if (at <= SECTOR + START && at + len > SECTOR + START) {
        ((uint8_t *)data)[SECTOR + START - at] ^= 0x20;
    }
    if (walks > 2 && at <= second_at && at + len > second_at) {
        ((uint8_t *)data)[second_at - at] ^= 0x20;
    }
    return rc;
}

/* What was seen once behind what is not understood is not dropped when it is not seen again. */
static void test_a_head_that_is_read_in_two_ways(void **state)
{
    struct acme_flash_ops ops = flash_sim_ops;
    uint32_t i;

    (void)state;
    assert_int_equal(set(A, "in the first sector"), ACME_OK);
    for (i = 0; log_.head < 1; i++) {
        assert_int_equal(set(ACME_KEY(4, i), "filler of some length"), ACME_OK);
    }
    second_at = end_of_log();
    assert_int_equal(set(B, "in the newest"), ACME_OK);
    ops.read = read_two_ways;
    walks = 0;
    flash_sim_power_on(&flash);
    (void)acme_flashlog_mount(&log_, &ops, &flash);
    log_.ops = &flash_sim_ops;
    (void)set(A, "later");
    assert_int_equal(mount(), ACME_OK);
    expect(B, "in the newest");
    expect(ACME_KEY(4, i - 1), "filler of some length");
}

/* While its first record cannot be read, a write may fail, and drops nothing. */
static void test_a_head_whose_reads_fail(void **state)
{
    struct flash_sim_image *image = flash_sim_save(&flash, NULL);
    uint32_t step, i, failed = 0;
    struct acme_flashlog saved;
    char value[30];

    (void)state;
    for (step = 0; step < 400; step++) {
        struct acme_flash_ops ops;

        (void)snprintf(value, sizeof(value), "the value of step %u", (unsigned)step);
        assert_int_equal(set(ACME_KEY(4, step % 30), value), ACME_OK);
        image = flash_sim_save(&flash, image);
        saved = log_;
        assert_int_equal(mount(), ACME_OK); /* so that it begins in a new sector */
        ops = spoil(log_.head * SECTOR + START, 1000, true);
        log_.ops = &ops;
        failed += set(A, "more") != ACME_OK ? 1 : 0;
        log_.ops = &flash_sim_ops;
        for (i = 0; i < 20; i++) {
            assert_int_equal(set(B, "filler of some length, and more of it"), ACME_OK);
        }
        expect(ACME_KEY(4, step % 30), value);
        assert_int_equal(mount(), ACME_OK);
        expect(ACME_KEY(4, step % 30), value);
        flash_sim_restore(&flash, image);
        log_ = saved;
    }
    assert_true(failed > 20);
    flash_sim_image_free(image);
}

/* Damage at its begin, in a log that has to be compacted by the next writes: it is not dropped. */
static void test_a_first_head_in_a_full_log(void **state)
{
    struct flash_sim_image *image = flash_sim_save(&flash, NULL);
    uint32_t step, i, damaged = 0;
    char value[30];

    (void)state;
    for (step = 0; step < 400; step++) {
        uint32_t at;

        (void)snprintf(value, sizeof(value), "the value of step %u", (unsigned)step);
        assert_int_equal(set(ACME_KEY(4, step % 30), value), ACME_OK);
        if (log_.head_offset < START + 400) { /* what a cut can spoil is no damage */
            continue;
        }
        image = flash_sim_save(&flash, image);
        at = log_.head * SECTOR + START;
        flash.data[at] ^= 1;
        assert_int_equal(mount(), ACME_ERR_STORE_CORRUPT);
        for (i = 0; i < 3; i++) {
            assert_int_equal(set(B, "later"), ACME_OK);
        }
        flash.data[at] ^= 1;
        (void)mount();
        expect(ACME_KEY(4, step % 30), value);
        expect(B, "later");
        damaged++;
        flash_sim_restore(&flash, image);
        assert_int_equal(mount(), ACME_OK);
    }
    assert_true(damaged > 20);
    flash_sim_image_free(image);
}

/* What a mount cannot see of a batch, as its cells are in between, may be seen later: no other
 * batch has its version. */
static void test_a_version_is_used_once(void **state)
{
    uint32_t at;

    (void)state;
    assert_int_equal(set(A, "old"), ACME_OK);
    at = end_of_log();
    (void)write_record(at, PUT, log_.version + 1, A, "torn", 4);
    flash.data[at] ^= 1;
    assert_int_equal(mount(), ACME_OK);
    assert_int_equal(acme_flashlog_begin(&log_, 3, 1), ACME_OK);
    assert_int_equal(acme_flashlog_put(&log_, B, "new", 3), ACME_OK);
    assert_int_equal(acme_flashlog_commit(&log_), ACME_OK);
    flash.data[at] ^= 1;
    expect(A, "old");
    assert_int_equal(mount(), ACME_OK);
    expect(A, "old");
    expect(B, "new");
}

/* A version that was given away is told by a header alone, where a cut came before any record. */
static void test_a_version_in_a_header(void **state)
{
    uint8_t *raw = flash.data + SECTOR;
    uint32_t copy;

    (void)state;
    assert_int_equal(set(A, "old"), ACME_OK);
    for (copy = 0; copy < 2; copy++, raw += START / 2) {
        memcpy(raw, flash.data, HEAD);
        acme_put32(raw + 8, 2); /* the sector's number */
        acme_put32(raw + 16, 500);
        acme_put32(raw + 20, acme_crc32(0, raw, 20));
    }
    assert_int_equal(mount(), ACME_OK);
    assert_int_equal(set(A, "new"), ACME_OK);
    assert_true(log_.version > 500);
    assert_int_equal(mount(), ACME_OK);
    expect(A, "new");
}

/* What a cut has torn is no damage, also when other sectors have followed; a bit that flips in the
 * last record before it is. */
static void test_a_torn_end(void **state)
{
    uint32_t whole, i;

    (void)state;
    assert_int_equal(set(A, "old"), ACME_OK);
    assert_int_equal(set(B, "whole"), ACME_OK);
    whole = end_of_log() - 1 - 3; /* of "whole", padded to 32 bytes */
    flash_sim_power_on(&flash);
    flash.cut_at = 1;
    flash.cut_kind = FLASH_SIM_CUT_TORN;
    assert_int_equal(set(A, "torn"), ACME_ERR_STORE_IO);
    for (i = 0; i < 3; i++) {
        assert_int_equal(mount(), ACME_OK);
        expect(A, "old");
        assert_int_equal(set(ACME_KEY(4, i), "later"), ACME_OK);
    }
    flash.data[whole] ^= 1;
    assert_int_equal(mount(), ACME_ERR_STORE_CORRUPT);
    flash.data[whole] ^= 1;
    assert_int_equal(mount(), ACME_OK);
    expect(B, "whole");
}

/* Without a mark that says so, an older sector does not end in rubbish. */
static void test_rubbish_at_an_end(void **state)
{
    uint32_t at = 0, i;

    (void)state;
    assert_int_equal(set(A, "kept"), ACME_OK);
    for (i = 0; log_.head < 2; i++) {
        at = log_.head == 0 ? end_of_log() : at;
        assert_int_equal(set(ACME_KEY(4, i), "filler of some length"), ACME_OK);
    }
    flash.data[at - 8] ^= 2; /* in the last record of the first sector */
    assert_int_equal(mount(), ACME_ERR_STORE_CORRUPT);
    expect(A, "kept");
}

/* A mark of what is free that cannot be read leaves a log that can be written to. */
static void test_a_lost_mark(void **state)
{
    char value[61];
    uint32_t step, marks = 0;

    (void)state;
    memset(value, 'v', 60);
    value[60] = '\0';
    for (step = 0; step < 300; step++) {
        struct flash_sim_image *image;
        uint32_t at = 0, i;

        assert_int_equal(set(ACME_KEY(4, step % 40), value), ACME_OK);
        assert_int_equal(mount(), ACME_OK);
        assert_int_equal(acme_flashlog_begin(&log_, 0, 1), ACME_OK); /* down to one free sector */
        assert_int_equal(acme_flashlog_delete(&log_, ACME_KEY(5, 1)), ACME_OK);
        assert_int_equal(acme_flashlog_commit(&log_), ACME_OK);
        for (i = 0; i < COUNT * SECTOR; i += 8) {
            if (flash.data[i] == 0xac && flash.data[i + 1] == FREED &&
                acme_get32(flash.data + i + 8) == log_.freed_seq) {
                at = i;
            }
        }
        if (at == 0) {
            continue;
        }
        marks++;
        image = flash_sim_save(&flash, NULL);
        flash.data[at + 21] ^= 4; /* its sum: what follows can be read */
        if (mount() == ACME_ERR_STORE_CORRUPT) {
            assert_int_equal(set(A, "more"), ACME_OK);
            assert_int_equal(set(B, "and more"), ACME_OK);
            for (i = 0; i <= step && i < 40; i++) {
                expect(ACME_KEY(4, i), value);
            }
        }
        flash_sim_restore(&flash, image);
        flash_sim_image_free(image);
        assert_int_equal(mount(), ACME_OK);
    }
    assert_true(marks > 20);
}

/* A sync that fails is no sector that fails, and the change is there or is not. */
static void test_syncs_that_fail(void **state)
{
    struct acme_flashlog_stat stat;
    uint32_t n, i, failures = 1;
    char out[40];

    (void)state;
    for (n = 1; failures > 0; n++) {
        uint32_t failed = UINT32_MAX;

        (void)set_up(NULL);
        flash.fail_sync_at = n;
        failures = 0;
        for (i = 0; i < 200; i++) { /* one after another of a dozen keys */
            int32_t rc = set(ACME_KEY(4, i % 12), i % 2 == 0 ? "an even value" : "an odd value!");

            if (rc != ACME_OK) {
                assert_int_equal(rc, ACME_ERR_STORE_IO);
                failures++;
                failed = i;
            }
        }
        assert_true(failures <= 1);
        assert_int_equal(mount(), ACME_OK);
        assert_int_equal(acme_flashlog_stat(&log_, &stat), ACME_OK);
        assert_int_equal(stat.sectors_bad, 0);
        for (i = 188; i < 200; i++) {
            if (i != failed) {
                expect(ACME_KEY(4, i % 12), i % 2 == 0 ? "an even value" : "an odd value!");
            }
        }
    }
    assert_true(n > 200);
    assert_int_equal(acme_flashlog_read(&log_, ACME_KEY(4, 12), 0, out, sizeof(out)),
                     ACME_ERR_NOT_FOUND);
}

/* Each read of a mount is wrong in one bit, once: it is read again, and nothing is damaged. */
static void test_one_wrong_read(void **state)
{
    static struct flash_faults chip;
    uint32_t n, i;

    (void)state;
    for (i = 0; i < 120; i++) {
        assert_int_equal(set(ACME_KEY(4, i % 12), "filler of some length"), ACME_OK);
    }
    flash_faults_init(&chip, &flash);
    chip.happened = true;
    for (n = 1; chip.happened; n++) {
        flash_faults_init(&chip, &flash);
        chip.flip_read_at = n;
        assert_int_equal(acme_flashlog_mount(&log_, &flash_faults_ops, &chip), ACME_OK);
    }
    assert_true(n > 300);
}

/* Writes, until damage is in the way. */
static void fill_to_damage(void)
{
    uint32_t i = 0;
    int32_t rc;

    do {
        rc = set(ACME_KEY(4, i % 12), "filler of some length");
        assert_true(++i < 400);
    } while (rc == ACME_OK);
    assert_int_equal(rc, ACME_ERR_STORE_CORRUPT);
    assert_true(log_.damaged && log_.refused);
}

/* And each read of a value: it is the one that was written. */
static void test_one_wrong_read_of_a_value(void **state)
{
    static struct flash_faults chip;
    uint32_t n;

    (void)state;
    assert_int_equal(
        set(A, "a value of more bytes than one piece of what is read from flash at once"), ACME_OK);
    log_.ops = &flash_faults_ops;
    log_.ctx = &chip;
    chip.happened = true;
    for (n = 1; chip.happened; n++) {
        flash_faults_init(&chip, &flash);
        chip.flip_read_at = n;
        expect(A, "a value of more bytes than one piece of what is read from flash at once");
    }
    assert_true(n > 5);
}

/* Nothing of a value stays in the log's own memory. */
static void test_what_was_read_is_wiped(void **state)
{
    (void)state;
    assert_int_equal(set(A, "a secret"), ACME_OK);
    assert_null(memmem(&log_, sizeof(log_), "secret", 6));
    expect(A, "a secret");
    assert_null(memmem(&log_, sizeof(log_), "secret", 6));
    assert_int_equal(mount(), ACME_OK);
    assert_null(memmem(&log_, sizeof(log_), "secret", 6));
}

/* Damage that comes while the log is open is said by each write that would have to go over it;
 * nothing is dropped, however often, and when it can be read again writing goes on. */
static void test_damage_before_compaction(void **state)
{
    static uint8_t image[COUNT * SECTOR];
    uint32_t i;

    (void)state;
    assert_int_equal(set(A, "first"), ACME_OK);
    flash.data[START + 4] ^= 1;
    fill_to_damage();
    memcpy(image, flash.data, sizeof(image));
    for (i = 0; i < 20; i++) {
        assert_int_equal(set(B, "refused, for it is as long as the others"),
                         ACME_ERR_STORE_CORRUPT);
        assert_int_equal(mount(), ACME_ERR_STORE_CORRUPT);
    }
    assert_memory_equal(image, flash.data, sizeof(image));
    flash.data[START + 4] ^= 1;
    assert_int_equal(set(B, "taken"), ACME_OK);
    assert_int_equal(mount(), ACME_OK);
    expect(A, "first");
    expect(B, "taken");
}

/* What is given up is what cannot be read, and nothing else: then writing goes on, and no mount
 * says anything any more. */
static void test_damage_that_is_given_up(void **state)
{
    char out[40];

    (void)state;
    assert_int_equal(set(A, "cannot be read"), ACME_OK);
    assert_int_equal(set(B, "can be read"), ACME_OK);
    flash.data[START + HEAD] ^= 1; /* in the value of A */
    fill_to_damage();
    assert_int_equal(acme_flashlog_begin(&log_, 0, 1), ACME_OK); /* what is kept for deletions */
    assert_int_equal(acme_flashlog_give_up(&log_), ACME_ERR_STATE);
    acme_flashlog_abort(&log_);
    expect(B, "can be read");
    assert_int_equal(acme_flashlog_give_up(&log_), ACME_OK);
    assert_false(log_.damaged || log_.refused);
    expect(B, "can be read");
    expect(ACME_KEY(4, 1), "filler of some length");
    assert_int_equal(acme_flashlog_read(&log_, A, 0, out, sizeof(out)), ACME_ERR_NOT_FOUND);
    assert_int_equal(set(A, "again"), ACME_OK);
    assert_int_equal(mount(), ACME_OK);
    expect(A, "again");
    expect(B, "can be read");
}

/* A record that is not whole, and was replaced since, is in nobody's way. */
static void test_damage_that_matters_to_nobody(void **state)
{
    uint32_t i;

    (void)state;
    assert_int_equal(set(A, "replaced later"), ACME_OK);
    assert_int_equal(set(A, "the value"), ACME_OK);
    flash.data[START + HEAD] ^= 1;
    assert_int_equal(mount(), ACME_ERR_STORE_CORRUPT);
    for (i = 0; i < 300; i++) {
        assert_int_equal(set(ACME_KEY(4, i % 12), "filler of some length"), ACME_OK);
    }
    expect(A, "the value");
    assert_int_equal(mount(), ACME_OK);
}

/* A batch whose end is in a damaged place is not dropped, though its own sector is whole. */
static void test_a_batch_whose_end_is_damaged(void **state)
{
    static const char long_value[201] = {0};
    uint32_t at = 0, i;

    (void)state;
    assert_int_equal(set(A, "old"), ACME_OK);
    assert_int_equal(acme_flashlog_begin(&log_, 1000, 6), ACME_OK);
    assert_int_equal(acme_flashlog_put(&log_, A, "new", 3), ACME_OK);
    for (i = 0; i < 5; i++) {
        assert_int_equal(acme_flashlog_put(&log_, ACME_KEY(5, i), long_value, 180), ACME_OK);
    }
    at = end_of_log(); /* in the next sector */
    assert_int_equal(acme_flashlog_commit(&log_), ACME_OK);
    assert_int_equal(at / SECTOR, 1);
    expect(A, "new");
    flash.data[at] ^= 1;
    expect(A, "old");
    fill_to_damage();
    flash.data[at] ^= 1;
    expect(A, "new");
    assert_int_equal(set(B, "taken"), ACME_OK);
    expect(A, "new");
    assert_int_equal(mount(), ACME_OK);
    expect(A, "new");
}

/* A value of which one part cannot be read, in a sector that is understood to its end. */
static void test_a_part_that_is_damaged(void **state)
{
    char value[301];

    (void)state;
    memset(value, 'v', 300);
    value[300] = '\0';
    assert_int_equal(set(A, value), ACME_OK);
    flash.data[START + HEAD + 9] ^= 1; /* in the first part: the last one tells that it is there */
    fill_to_damage();
    flash.data[START + HEAD + 9] ^= 1;
    assert_int_equal(set(B, "taken"), ACME_OK);
    assert_int_equal(mount(), ACME_OK);
    assert_int_equal(acme_flashlog_length(&log_, A), 300);
}

/* The sector with a number. */
static uint32_t sector_of(uint32_t seq)
{
    uint32_t sector = 0;

    while (acme_get32(flash.data + sector * SECTOR + 8) != seq) {
        assert_true(++sector < COUNT);
    }
    return sector;
}

/* The first sector in use is missing. It may be one that was let go and is being erased, but only
 * where the log was full, and not if it has records, or another one is missing. */
static void test_a_first_sector_that_is_missing(void **state)
{
    struct flash_sim_image *image;
    uint32_t first, i;

    (void)state;
    assert_int_equal(set(A, "in the first sector"), ACME_OK);
    for (i = 0; log_.head < 1; i++) {
        assert_int_equal(set(ACME_KEY(4, i), "filler of some length"), ACME_OK);
    }
    memset(flash.data, 0xff, SECTOR);
    assert_int_equal(mount(), ACME_ERR_STORE_CORRUPT); /* there was room */

    (void)set_up(NULL);
    for (i = 0; i < 250; i++) {
        assert_int_equal(set(ACME_KEY(4, i % 12), "filler of some length"), ACME_OK);
    }
    for (i = 0; log_.head_seq - log_.freed_seq + 1 < COUNT; i++) { /* down to one free sector */
        assert_true(i < COUNT);
        assert_int_equal(mount(), ACME_OK);
        assert_int_equal(acme_flashlog_begin(&log_, 0, 1), ACME_OK);
        assert_int_equal(acme_flashlog_delete(&log_, ACME_KEY(5, i)), ACME_OK);
        assert_int_equal(acme_flashlog_commit(&log_), ACME_OK);
    }
    image = flash_sim_save(&flash, NULL);
    first = sector_of(log_.freed_seq + 1);
    memset(flash.data + first * SECTOR, 0xff, SECTOR);
    assert_int_equal(mount(), ACME_OK);
    flash_sim_restore(&flash, image);
    wipe_headers(first);
    assert_int_equal(mount(), ACME_ERR_STORE_CORRUPT);
    flash_sim_restore(&flash, image);
    assert_int_equal(mount(), ACME_OK);
    memset(flash.data + sector_of(log_.freed_seq + 2) * SECTOR, 0xff, SECTOR);
    assert_int_equal(mount(), ACME_ERR_STORE_CORRUPT);
    flash_sim_image_free(image);
}

/* A compaction that a failed read has ended is begun anew, under the same number. */
static void test_a_compaction_that_fails(void **state)
{
    struct flash_sim_image *image = flash_sim_save(&flash, NULL);
    struct acme_flashlog saved = log_;
    uint32_t step, n, i, failed = 0;

    (void)state;
    for (step = 0; step < 140; step++) {
        for (n = 100; n < 1600 && step > 90; n += 150) {
            image = flash_sim_save(&flash, image);
            saved = log_;
            assert_int_equal(mount(), ACME_OK); /* so that it begins in a new sector */
            flash.reads = 0;
            flash.fail_read_at = n;
            failed += set(ACME_KEY(4, step % 30), "filler of some length") != ACME_OK ? 1 : 0;
            flash.fail_read_at = 0;
            /* more than there is room for behind what the failed one has copied */
            if (acme_flashlog_begin(&log_, 900, 1) == ACME_OK) {
                acme_flashlog_abort(&log_);
            }
            for (i = 0; i < 12; i++) {
                assert_int_equal(set(ACME_KEY(4, i), "filler of some length"), ACME_OK);
            }
            assert_int_equal(mount(), ACME_OK);
            flash_sim_restore(&flash, image);
            log_ = saved;
        }
        assert_int_equal(set(ACME_KEY(4, step % 30), "filler of some length"), ACME_OK);
    }
    assert_true(failed > 5);
    flash_sim_image_free(image);
}

static int32_t no_headers(void *ctx, uint32_t at, const void *data, size_t len)
{
    return at / SECTOR == 1 && at % SECTOR < START ? ACME_OK
                                                   : flash_sim_ops.program(ctx, at, data, len);
}

/* A header that says it was programmed and was not: its sector is passed over. */
static void test_a_header_that_is_not_there(void **state)
{
    struct acme_flash_ops ops = flash_sim_ops;
    uint32_t i;

    (void)state;
    ops.program = no_headers;
    log_.ops = &ops;
    for (i = 0; i < 40; i++) {
        assert_int_equal(set(ACME_KEY(4, i), "filler of some length"), ACME_OK);
    }
    assert_int_equal(mount(), ACME_OK);
    for (i = 0; i < 40; i++) {
        expect(ACME_KEY(4, i), "filler of some length");
    }
}

static int32_t erase_half(void *ctx, uint32_t at)
{
    static uint8_t rest[SECTOR / 2];
    int32_t rc;

    memcpy(rest, flash.data + at + SECTOR / 2, sizeof(rest));
    rc = flash_sim_ops.erase(ctx, at);
    if (at / SECTOR == 2) {
        memcpy(flash.data + at + SECTOR / 2, rest, sizeof(rest));
    }
    return rc;
}

/* A sector that says it was erased, and has old records in its second half, is passed over. */
static void test_an_erase_that_is_half_done(void **state)
{
    struct acme_flash_ops ops = flash_sim_ops;
    struct acme_flashlog_stat stat;
    uint32_t i;

    (void)state;
    ops.erase = erase_half;
    log_.ops = &ops;
    for (i = 0; i < 400; i++) {
        assert_int_equal(set(ACME_KEY(4, i % 12), "filler of some length"), ACME_OK);
    }
    assert_int_equal(acme_flashlog_stat(&log_, &stat), ACME_OK);
    assert_int_equal(stat.sectors_bad, 1);
    assert_int_equal(mount(), ACME_OK);
    assert_int_equal(acme_flashlog_stat(&log_, &stat), ACME_OK);
    assert_int_equal(stat.sectors_bad, 1);
    for (i = 0; i < 12; i++) {
        expect(ACME_KEY(4, i), "filler of some length");
    }
}

#define KEYS_FULL 14u

/* A sync that fails in a log that is nearly full, and then a cut: what was not synced is not built
 * upon, least of all that a sector is free. */
static void test_a_sync_that_fails_and_a_cut(void **state)
{
    struct flash_sim_image *image;
    struct acme_flashlog saved;
    char values[2][201];
    uint32_t n, cut, i, k, cuts = 0;

    (void)state;
    for (k = 0; k < 2; k++) {
        memset(values[k], (char)('a' + k), 200);
        values[k][200] = '\0';
    }
    for (i = 0; i < 5 * KEYS_FULL; i++) {
        assert_int_equal(set(ACME_KEY(4, i % KEYS_FULL), values[i / KEYS_FULL % 2]), ACME_OK);
    }
    image = flash_sim_save(&flash, NULL);
    saved = log_;
    for (n = 1; n < 120; n++) {
        for (cut = 0; cut < 2 * FLASH_SIM_CUTS; cut++) {
            uint32_t failed;

            flash_sim_restore(&flash, image);
            log_ = saved;
            flash_sim_power_on(&flash);
            flash.random = n * 977u + cut;
            flash.fail_sync_at = flash.syncs + n;
            for (i = 5 * KEYS_FULL;
                 set(ACME_KEY(4, i % KEYS_FULL), values[i / KEYS_FULL % 2]) == ACME_OK; i++) {
                assert_true(i < 400);
            }
            failed = i;
            flash.operations = 0;
            flash.cut_at = 1 + cut / FLASH_SIM_CUTS;
            flash.cut_kind = (enum flash_sim_cut)(cut % FLASH_SIM_CUTS);
            do {
                i++;
            } while (set(ACME_KEY(4, i % KEYS_FULL), values[i / KEYS_FULL % 2]) == ACME_OK);
            cuts += flash.off ? 1 : 0;
            assert_int_equal(mount(), ACME_OK);
            for (k = i - KEYS_FULL; k < i; k++) {
                if (k != failed && k != failed - KEYS_FULL) {
                    expect(ACME_KEY(4, k % KEYS_FULL), values[k / KEYS_FULL % 2]);
                }
            }
        }
    }
    assert_true(cuts > 500);
    flash_sim_image_free(image);
}

/* A compaction of a log that is nearly full ends at each of some reads, and is begun anew: no
 * number of a sector is left out. */
static void test_a_compaction_that_is_begun_anew(void **state)
{
    struct flash_sim_image *image = flash_sim_save(&flash, NULL);
    struct acme_flashlog saved;
    uint32_t step, n, i, failed = 0;
    char value[201];

    (void)state;
    memset(value, 'v', 200);
    value[200] = '\0';
    for (step = 0; step < 80; step++) {
        assert_int_equal(set(ACME_KEY(4, step % KEYS_FULL), value), ACME_OK);
        image = flash_sim_save(&flash, image);
        saved = log_;
        for (n = 100 + step; n < 30000 && step > 60; n += n / 5) {
            flash.fail_read_at = flash.reads + n;
            failed += set(ACME_KEY(4, 0), value) != ACME_OK ? 1 : 0;
            flash.fail_read_at = 0;
            for (i = 0; i < 4; i++) {
                assert_int_equal(set(ACME_KEY(4, i), value), ACME_OK);
            }
            assert_int_equal(mount(), ACME_OK);
            for (i = 0; i < KEYS_FULL; i++) {
                expect(ACME_KEY(4, i), value);
            }
            flash_sim_restore(&flash, image);
            log_ = saved;
        }
    }
    assert_true(failed > 20);
    flash_sim_image_free(image);
}

/* No two sectors have the same number. */
static void expect_own_numbers(void)
{
    uint32_t i, k;

    for (i = 0; i < COUNT; i++) {
        for (k = 0; k < i; k++) {
            const uint8_t *a = flash.data + i * SECTOR, *b = flash.data + k * SECTOR;

            assert_true(memcmp(a, "nACM", 4) != 0 || memcmp(b, "nACM", 4) != 0 ||
                        acme_get32(a + 8) != acme_get32(b + 8));
        }
    }
}

static uint32_t programs_left, headers_left, first_head; /* of records that go well; that fail */

/* In another sector than the first one a record fails, and then so many headers, half done. */
static int32_t record_and_headers_fail(void *ctx, uint32_t at, const void *data, size_t len)
{
    if (programs_left > 0 && at / SECTOR != first_head && at % SECTOR >= START) {
        if (--programs_left == 0) {
            return ACME_ERR_STORE_IO;
        }
    } else if (programs_left == 0 && headers_left > 0 && at % SECTOR == START / 2) {
        headers_left--;
        return ACME_ERR_STORE_IO;
    }
    return flash_sim_ops.program(ctx, at, data, len);
}

static void begin_and_abort(void)
{
    (void)acme_flashlog_begin(&log_, 2200, 1);
    acme_flashlog_abort(&log_);
}

/* The same, and some sectors cannot be opened, though they show the number that they were to have:
 * nobody else gets it, and no other is left out. */
static void test_numbers_of_what_is_begun_anew(void **state)
{
    struct flash_sim_image *image = flash_sim_save(&flash, NULL);
    struct acme_flash_ops ops = flash_sim_ops;
    uint32_t step, programs, headers, i;
    struct acme_flashlog saved;
    char value[201];

    (void)state;
    ops.program = record_and_headers_fail;
    memset(value, 'v', 200);
    value[200] = '\0';
    for (step = 0; step < 50; step++) {
        assert_int_equal(set(ACME_KEY(4, step % KEYS_FULL), value), ACME_OK);
        image = flash_sim_save(&flash, image);
        saved = log_;
        for (programs = 1; programs < 12 && step > 38; programs++) {
            for (headers = 0; headers < 4; headers++) {
                assert_int_equal(mount(), ACME_OK);
                log_.ops = &ops;
                first_head = log_.head;
                programs_left = programs;
                headers_left = headers;
                flash.fail_read_at = headers == 0 ? flash.reads + 2000 + 300 * programs : 0;
                begin_and_abort();
                expect_own_numbers();
                programs_left = headers_left = flash.fail_read_at = 0;
                begin_and_abort();
                expect_own_numbers();
                for (i = 0; i < 2; i++) {
                    (void)set(ACME_KEY(4, i), value);
                    expect_own_numbers();
                }
                assert_int_equal(mount(), ACME_OK);
                for (i = 0; i < KEYS_FULL && i <= step; i++) {
                    expect(ACME_KEY(4, i), value);
                }
                flash_sim_restore(&flash, image);
                log_ = saved;
            }
        }
    }
    flash_sim_image_free(image);
}

static uint32_t failing_records;

static int32_t some_records_fail(void *ctx, uint32_t at, const void *data, size_t len)
{
    if (failing_records > 0 && at % SECTOR >= START) {
        failing_records--;
        return ACME_ERR_STORE_IO;
    }
    return flash_sim_ops.program(ctx, at, data, len);
}

/* A batch whose programs fail does not take the sector that compaction needs: afterwards there is
 * room again. */
static void test_a_batch_that_fails_in_a_full_log(void **state)
{
    struct flash_sim_image *image = flash_sim_save(&flash, NULL);
    struct acme_flash_ops ops = flash_sim_ops;
    uint32_t step, n, i, failed = 0;
    struct acme_flashlog saved;
    char value[201];

    (void)state;
    ops.program = some_records_fail;
    memset(value, 'v', 200);
    value[200] = '\0';
    for (step = 0; step < 9; step++) {
        assert_int_equal(set(ACME_KEY(4, step), value), ACME_OK);
    }
    for (step = 0; step < 60; step++) { /* some of them are cold, and move along */
        assert_int_equal(set(ACME_KEY(4, step % 5 == 0 ? 3 + step / 5 % 6 : step % 3), value),
                         ACME_OK);
        image = flash_sim_save(&flash, image);
        saved = log_;
        for (n = 1; n < 12 && step > 40; n++) {
            log_.ops = &ops;
            if (acme_flashlog_begin(&log_, 200, 1) == ACME_OK) {
                failing_records = n / 2;
                failed += acme_flashlog_put(&log_, B, value, 200) != ACME_OK ? 1 : 0;
                acme_flashlog_abort(&log_);
            }
            failing_records = 0;
            if (n % 2 == 0) {
                assert_int_equal(mount(), ACME_OK);
            }
            for (i = 0; i < 9; i++) {
                assert_int_equal(set(ACME_KEY(4, i), value), ACME_OK);
            }
            assert_int_equal(mount(), ACME_OK);
            flash_sim_restore(&flash, image);
            log_ = saved;
        }
    }
    assert_true(failed > 20);
    flash_sim_image_free(image);
}

/* Where no sector is left to write to, nothing that lives is let go for one. */
static void test_no_free_sector(void **state)
{
    uint32_t i;

    (void)state;
    flash_sim_init(&flash, SECTOR, 3, 8, 7);
    assert_int_equal(mount(), ACME_OK);
    assert_int_equal(set(A, "in the oldest"), ACME_OK);
    for (i = 0; log_.head < 1; i++) {
        assert_int_equal(set(ACME_KEY(4, i % 4), "filler of some length"), ACME_OK);
    }
    flash.bad[2] = true;
    assert_int_equal(mount(), ACME_OK);
    for (i = 0; i < 10; i++) {
        assert_int_not_equal(set(B, "more"), ACME_OK);
        expect(A, "in the oldest");
    }
    assert_int_equal(mount(), ACME_OK);
    expect(A, "in the oldest");
}

/* ---- arguments ---- */

static struct acme_flash_geometry shape;
static int32_t shape_result;
static uint32_t erases;

static int32_t odd_geometry(void *ctx, struct acme_flash_geometry *g)
{
    (void)ctx;
    *g = shape;
    return shape_result;
}

static int32_t count_erase(void *ctx, uint32_t at)
{
    (void)ctx;
    (void)at;
    erases++;
    return ACME_OK;
}

static void refused(uint32_t size, uint32_t count, uint32_t unit, int32_t want)
{
    struct acme_flash_ops odd = flash_sim_ops;

    odd.geometry = odd_geometry;
    odd.erase = count_erase;
    shape = (struct acme_flash_geometry){size, count, unit};
    erases = 0;
    assert_int_equal(acme_flashlog_mount(&log_, &odd, &flash), want);
    assert_int_equal(acme_flashlog_format(&log_, &odd, &flash), want);
    assert_int_equal(erases, 0);
#if defined(CONFIG_ACME_STORE_SEAL)
    assert_int_equal(acme_flashlog_mount_sealed(&log_, &odd, &flash), want);
#endif
}

static void test_shapes(void **state)
{
    (void)state;
    shape_result = ACME_OK;
    refused(SECTOR, ACME_FLASHLOG_SECTORS_MAX + 1, 8, ACME_ERR_STORE_GEOMETRY);
    refused(1u << 30, 4, 8, ACME_ERR_STORE_GEOMETRY); /* offsets beyond 31 bits */
    refused(1u << 31, 2, 8, ACME_ERR_STORE_GEOMETRY);
    refused(SECTOR, COUNT, 12, ACME_ERR_STORE_GEOMETRY);
    shape_result = ACME_ERR_NET; /* whatever a driver says */
    refused(SECTOR, COUNT, 8, ACME_ERR_STORE_IO);
}

static void test_values_that_cannot_be(void **state)
{
    static const uint8_t byte[1] = {0};

    (void)state;
    assert_int_equal(acme_flashlog_set(&log_, 5, "x", 1), ACME_ERR_ARGUMENT); /* no space */
    assert_int_equal(acme_flashlog_begin(&log_, 10, 1), ACME_OK);
    /* more fragments than there are numbers: refused before anything is read or written */
    flash_sim_power_on(&flash);
    assert_int_equal(acme_flashlog_put(&log_, A, byte, (size_t)1 << 30), ACME_ERR_ARGUMENT);
    assert_int_equal(flash.operations, 0);
    acme_flashlog_abort(&log_);
    assert_int_equal(acme_flashlog_begin(&log_, 1, 4097), ACME_ERR_STORE_FULL);
    assert_int_equal(acme_flashlog_begin(&log_, (size_t)INT32_MAX / 4 + 1, 1), ACME_ERR_STORE_FULL);
    assert_int_equal(set(A, "fits"), ACME_OK);
}

/* ---- flash that fails ---- */

static bool records_fail;

static int32_t no_records(void *ctx, uint32_t at, const void *data, size_t len)
{
    return records_fail && at % SECTOR >= START ? ACME_ERR_STORE_IO
                                                : flash_sim_ops.program(ctx, at, data, len);
}

/* Sectors that take a header and nothing else: given up after a few, so that not all are spoilt. */
static void test_nothing_can_be_programmed(void **state)
{
    struct acme_flash_ops ops = flash_sim_ops;

    (void)state;
    assert_int_equal(set(A, "kept"), ACME_OK);
    ops.program = no_records;
    log_.ops = &ops;
    records_fail = true;
    flash.erase_calls = 0;
    assert_int_equal(set(A, "lost"), ACME_ERR_STORE_IO);
    assert_true(flash.erase_calls <= 3);
    expect(A, "kept");
    records_fail = false;
    assert_int_equal(set(B, "new"), ACME_OK);
    assert_int_equal(mount(), ACME_OK);
    expect(A, "kept");
    expect(B, "new");
}

/* A full store lets things go for as long as anybody asks, though there is hardly any room. */
static void test_deletions_from_a_full_store(void **state)
{
    char value[65];
    uint32_t i, stored = 0;

    (void)state;
    memset(value, 'v', 64);
    value[64] = '\0';
    while (set(ACME_KEY(4, stored), value) == ACME_OK) {
        stored++;
    }
    assert_int_equal(set(ACME_KEY(4, stored), value), ACME_ERR_STORE_FULL);
    for (i = 0; i < 400; i++) { /* of what is not there: that makes no room */
        assert_int_equal(acme_flashlog_begin(&log_, 0, 1), ACME_OK);
        assert_int_equal(acme_flashlog_delete(&log_, ACME_KEY(5, i)), ACME_OK);
        assert_int_equal(acme_flashlog_commit(&log_), ACME_OK);
    }
    for (i = 0; i < stored; i++) {
        expect(ACME_KEY(4, i), value);
    }
}

#define KEYS 6u

static void value_of(char out[64], uint32_t key, uint32_t round)
{
    size_t len = 20 + 7 * key % 40;

    memset(out, (char)('a' + round % 26), len);
    out[len] = '\0';
}

/* Each key has its old value or, after an error, may have the new one. */
static void check_round(const uint32_t rounds[KEYS], uint32_t key, uint32_t round)
{
    char want[64], also[64], out[64];
    uint32_t i;

    for (i = 0; i < KEYS; i++) {
        int32_t n = acme_flashlog_read(&log_, ACME_KEY(3, i), 0, out, sizeof(out));

        if (rounds[i] == 0 && (i != key || n == ACME_ERR_NOT_FOUND)) {
            assert_int_equal(n, ACME_ERR_NOT_FOUND);
            continue;
        }
        value_of(want, i, rounds[i]);
        value_of(also, i, i == key ? round : rounds[i]);
        assert_int_equal(n, strlen(want));
        assert_true(memcmp(out, want, (size_t)n) == 0 || memcmp(out, also, (size_t)n) == 0);
    }
}

/* A small and busy log, with one failed operation in every few: reads, programs and erases. */
static void test_failures_all_the_time(void **state)
{
    uint32_t rounds[KEYS] = {0}, round, failed = 0;

    (void)state;
    flash_sim_init(&flash, 256, 10, 4, 99);
    assert_int_equal(mount(), ACME_OK);
    for (round = 1; round < 3000; round++) {
        uint32_t key = flash_sim_random(&flash) % KEYS, n = flash_sim_random(&flash);
        bool deletes = flash_sim_random(&flash) % 5 == 0;
        char value[64], out[64];
        int32_t rc;

        value_of(value, key, round);
        switch (flash_sim_random(&flash) % 5) {
        case 0:
            flash.fail_read_at = flash.reads + 1 + n % 600;
            break;
        case 1:
            flash.fail_program_at = flash.programs + 1 + n % 6;
            break;
        case 2:
            flash.fail_erase_at = flash.erase_calls + 1 + n % 2;
            flash.fail_program_at = flash.programs + 1 + n % 40;
            break;
        case 3: /* a sector that fails, and the one in its place, too */
            flash.fail_erase_at = flash.erase_calls + 2;
            flash.fail_program_at = flash.programs + 3 + n % 8;
            break;
        default:
            break;
        }
        if (deletes) {
            rc = acme_flashlog_begin(&log_, 0, 1);
            rc = rc == ACME_OK ? acme_flashlog_delete(&log_, ACME_KEY(3, key)) : rc;
            rc = rc == ACME_OK ? acme_flashlog_commit(&log_) : rc;
            acme_flashlog_abort(&log_);
        } else {
            rc = acme_flashlog_set(&log_, ACME_KEY(3, key), value, strlen(value));
        }
        flash.fail_read_at = flash.fail_program_at = flash.fail_erase_at = 0;
        failed += rc != ACME_OK ? 1 : 0;
        assert_true(rc == ACME_OK || rc == ACME_ERR_STORE_IO || rc == ACME_ERR_STORE_FULL);
        if (round % 16 == 0) {
            assert_int_equal(mount(), ACME_OK);
        }
        if (rc == ACME_OK) {
            rounds[key] = deletes ? 0 : round;
        } else if (acme_flashlog_read(&log_, ACME_KEY(3, key), 0, out, sizeof(out)) ==
                   ACME_ERR_NOT_FOUND) {
            assert_true(deletes || rounds[key] == 0);
            rounds[key] = 0;
        } else {
            check_round(rounds, key, round);
            rounds[key] = rounds[key] == 0 || out[0] == value[0] ? round : rounds[key];
        }
        check_round(rounds, KEYS, 0);
    }
    assert_true(failed > 200);
    assert_false(flash.violation);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_by_hand, set_up),
        cmocka_unit_test_setup(test_lengths, set_up),
        cmocka_unit_test_setup(test_lengths_whose_sums_fit, set_up),
        cmocka_unit_test_setup(test_an_old_version, set_up),
        cmocka_unit_test_setup(test_freed_marks, set_up),
        cmocka_unit_test_setup(test_no_header, set_up),
        cmocka_unit_test_setup(test_reads_that_fail_while_a_value_is_moved, set_up),
        cmocka_unit_test_setup(test_one_bit_of_a_blank_area, set_up),
        cmocka_unit_test_setup(test_a_missing_sector, set_up),
        cmocka_unit_test_setup(test_a_first_head, set_up),
        cmocka_unit_test_setup(test_a_head_that_is_read_wrong_twice, set_up),
        cmocka_unit_test_setup(test_a_head_that_is_read_in_two_ways, set_up),
        cmocka_unit_test_setup(test_a_head_whose_reads_fail, set_up),
        cmocka_unit_test_setup(test_a_first_head_in_a_full_log, set_up),
        cmocka_unit_test_setup(test_a_version_is_used_once, set_up),
        cmocka_unit_test_setup(test_a_version_in_a_header, set_up),
        cmocka_unit_test_setup(test_a_torn_end, set_up),
        cmocka_unit_test_setup(test_rubbish_at_an_end, set_up),
        cmocka_unit_test_setup(test_a_lost_mark, set_up),
        cmocka_unit_test_setup(test_syncs_that_fail, set_up),
        cmocka_unit_test_setup(test_one_wrong_read, set_up),
        cmocka_unit_test_setup(test_one_wrong_read_of_a_value, set_up),
        cmocka_unit_test_setup(test_what_was_read_is_wiped, set_up),
        cmocka_unit_test_setup(test_damage_before_compaction, set_up),
        cmocka_unit_test_setup(test_damage_that_is_given_up, set_up),
        cmocka_unit_test_setup(test_damage_that_matters_to_nobody, set_up),
        cmocka_unit_test_setup(test_a_batch_whose_end_is_damaged, set_up),
        cmocka_unit_test_setup(test_a_part_that_is_damaged, set_up),
        cmocka_unit_test_setup(test_a_first_sector_that_is_missing, set_up),
        cmocka_unit_test_setup(test_a_compaction_that_fails, set_up),
        cmocka_unit_test_setup(test_a_header_that_is_not_there, set_up),
        cmocka_unit_test_setup(test_an_erase_that_is_half_done, set_up),
        cmocka_unit_test_setup(test_a_sync_that_fails_and_a_cut, set_up),
        cmocka_unit_test_setup(test_a_compaction_that_is_begun_anew, set_up),
        cmocka_unit_test_setup(test_numbers_of_what_is_begun_anew, set_up),
        cmocka_unit_test_setup(test_a_batch_that_fails_in_a_full_log, set_up),
        cmocka_unit_test_setup(test_no_free_sector, set_up),
        cmocka_unit_test_setup(test_shapes, set_up),
        cmocka_unit_test_setup(test_values_that_cannot_be, set_up),
        cmocka_unit_test_setup(test_nothing_can_be_programmed, set_up),
        cmocka_unit_test_setup(test_deletions_from_a_full_store, set_up),
        cmocka_unit_test_setup(test_failures_all_the_time, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
