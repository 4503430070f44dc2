/*
 * The examples that are no programs, over chips that are arrays: the flash driver passes the
 * self-test of ports and reports what fails; the record back end keeps its promises through cuts at
 * every write.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "acme_posix.h"
#include "acme_selftest.h"
#include "fram_records.h"
#include "spi_nor.h"

/* ---- a serial NOR chip ---- */

#define SECTORS 4u
#define BASE    8192u

static struct {
    uint8_t bytes[BASE + SECTORS * 4096u];
    bool write_on, fail, stuck;
    unsigned busy;
} chip;

static bool transfer(void *bus, const uint8_t *head, size_t head_len, const uint8_t *out,
                     uint8_t *in, size_t len)
{
    size_t at = head_len == 4 ? (size_t)(head[1] << 16 | head[2] << 8 | head[3]) : 0;

    (void)bus;
    if (chip.fail) {
        return false;
    }
    switch (head[0]) {
    case 0x05:
        in[0] = chip.busy > 0 || chip.stuck ? 1 : 0;
        chip.busy -= chip.busy > 0 ? 1 : 0;
        return true;
    case 0x06:
        chip.write_on = true;
        return true;
    case 0x03:
        assert_int_equal(chip.busy, 0);
        memcpy(in, chip.bytes + at, len);
        return true;
    case 0x02: /* goes round within its page, as the chip does */
        assert_true(chip.write_on && chip.busy == 0 && len <= 256);
        for (size_t i = 0; i < len; i++) {
            chip.bytes[(at & ~(size_t)255) + ((at + i) & 255)] &= out[i];
        }
        break;
    case 0x20:
        assert_true(chip.write_on && chip.busy == 0 && at % 4096 == 0);
        memset(chip.bytes + at, 0xFF, 4096);
        break;
    default:
        fail_msg("command %d", head[0]);
    }
    chip.write_on = false;
    chip.busy = 3;
    return true;
}

static void a_pause(void *bus)
{
    (void)bus;
}

static struct spi_nor nor = {transfer, a_pause, NULL, BASE, SECTORS};

static void print_line(void *ctx, const char *line)
{
    (void)ctx;
    (void)printf("%s\n", line);
}

static void test_flash_driver_passes_the_self_test(void **state)
{
    static struct acme_posix_net net;
    static const struct acme_port port = {.net = &acme_posix_net_ops,
                                          .net_ctx = &net,
                                          .clock = &acme_posix_clock_ops,
                                          .entropy = &acme_posix_entropy_ops,
                                          .flash = &spi_nor_ops,
                                          .flash_ctx = &nor};
    struct acme_selftest_options options = {
        .destroy_flash = true, .try_reprogram = true, .probe_bounds = true};
    uint8_t before[BASE];

    (void)state;
    memset(chip.bytes, 0x5A, sizeof(chip.bytes));
    memcpy(before, chip.bytes, sizeof(before));
    assert_int_equal(acme_posix_net_init(&net), ACME_OK);
    assert_int_equal(acme_selftest_run(&port, &options, print_line, NULL), 0);
    options = (struct acme_selftest_options){.after_power_cycle = true};
    assert_int_equal(acme_selftest_run(&port, &options, print_line, NULL), 0);
    assert_memory_equal(before, chip.bytes, sizeof(before)); /* what is in front of the area */
    acme_posix_net_close(&net);
}

static void test_flash_driver_reports_failures(void **state)
{
    uint8_t byte = 0;

    (void)state;
    chip.fail = true;
    assert_int_equal(spi_nor_ops.read(&nor, 0, &byte, 1), ACME_ERR_STORE_IO);
    assert_int_equal(spi_nor_ops.program(&nor, 0, &byte, 1), ACME_ERR_STORE_IO);
    assert_int_equal(spi_nor_ops.erase(&nor, 0), ACME_ERR_STORE_IO);
    assert_int_equal(spi_nor_ops.sync(&nor), ACME_ERR_STORE_IO);
    chip.fail = false;
    chip.stuck = true;
    assert_int_equal(spi_nor_ops.erase(&nor, 0), ACME_ERR_STORE_IO);
    chip.stuck = false;
    chip.busy = 0;
    assert_int_equal(spi_nor_ops.read(&nor, SECTORS * 4096u, &byte, 1), ACME_ERR_STORE_IO);
    assert_int_equal(spi_nor_ops.erase(&nor, SECTORS * 4096u), ACME_ERR_STORE_IO);
}

/* ---- a FRAM ---- */

static uint8_t fram[2 * FRAM_IMAGE];
static size_t bytes_left; /* until the power goes */

static bool fram_read(void *bus, uint32_t at, void *data, size_t len)
{
    (void)bus;
    memcpy(data, fram + at, len);
    return true;
}

static bool fram_write(void *bus, uint32_t at, const void *data, size_t len)
{
    size_t n = len < bytes_left ? len : bytes_left;

    (void)bus;
    memcpy(fram + at, data, n);
    bytes_left -= n;
    return n == len;
}

static struct fram_records records = {.read = fram_read, .write = fram_write};
static const struct acme_record_ops *const ops = &fram_records_ops;

static int32_t set(uint64_t key, const char *text)
{
    int32_t rc = ops->begin(&records, strlen(text), 1);

    rc = rc == ACME_OK ? ops->put(&records, key, text, strlen(text)) : rc;
    return rc == ACME_OK ? ops->commit(&records) : rc;
}

static bool has(uint64_t key, const char *text)
{
    char value[64];
    int32_t n = ops->read(&records, key, 0, value, sizeof(value));

    return text == NULL ? n == ACME_ERR_NOT_FOUND
                        : n == (int32_t)strlen(text) && memcmp(value, text, (size_t)n) == 0;
}

static void new_chip(void)
{
    memset(fram, 0xA5, sizeof(fram));
    bytes_left = SIZE_MAX;
    assert_int_equal(ops->open(&records), ACME_OK);
}

static void test_records(void **state)
{
    uint64_t key = 0;
    char part[3];

    (void)state;
    new_chip();
    assert_int_equal(ops->next(&records, &key), ACME_ERR_NOT_FOUND);
    assert_int_equal(set(7, "seven"), ACME_OK);
    assert_int_equal(set(3, "three"), ACME_OK);
    assert_int_equal(set(7, "7"), ACME_OK);
    assert_int_equal(ops->open(&records), ACME_OK);
    assert_true(has(3, "three") && has(7, "7") && has(5, NULL));
    assert_int_equal(ops->read(&records, 3, 2, part, sizeof(part)), 3);
    assert_memory_equal(part, "ree", 3);
    assert_int_equal(ops->read(&records, 3, 0, NULL, SIZE_MAX), 5);
    assert_int_equal(ops->read(&records, 3, 5, part, 1), 0);
    assert_int_equal(ops->next(&records, &key), ACME_OK);
    assert_int_equal(key, 3);
    assert_int_equal(ops->next(&records, &key), ACME_OK);
    assert_int_equal(key, 7);
    assert_int_equal(ops->next(&records, &key), ACME_ERR_NOT_FOUND);
}

static void test_batches(void **state)
{
    (void)state;
    new_chip();
    assert_int_equal(ops->put(&records, 1, "x", 1), ACME_ERR_STATE);
    assert_int_equal(ops->remove(&records, 1), ACME_ERR_STATE);
    assert_int_equal(ops->commit(&records), ACME_ERR_STATE);
    assert_int_equal(ops->begin(&records, FRAM_IMAGE, 1), ACME_ERR_STORE_FULL);
    assert_int_equal(set(1, "one"), ACME_OK);
    assert_int_equal(ops->begin(&records, 3, 2), ACME_OK);
    assert_int_equal(ops->begin(&records, 3, 2), ACME_ERR_STATE);
    assert_int_equal(ops->remove(&records, 1), ACME_OK);
    assert_int_equal(ops->put(&records, 2, "two", 3), ACME_OK);
    assert_true(has(1, "one") && has(2, NULL)); /* nothing is visible before commit */
    ops->abort(&records);
    assert_true(has(1, "one") && has(2, NULL));
    assert_int_equal(ops->begin(&records, 3, 2), ACME_OK);
    assert_int_equal(ops->remove(&records, 1), ACME_OK);
    assert_int_equal(ops->put(&records, 2, "two", 3), ACME_OK);
    assert_int_equal(ops->commit(&records), ACME_OK);
    assert_true(has(1, NULL) && has(2, "two"));
}

/* A batch of two is there whole or not at all, wherever its writes end, twice in a row. */
static void test_cuts(void **state)
{
    size_t cut, before = 0, after = 0;

    (void)state;
    for (cut = 0; cut < 130; cut++) {
        int32_t rc;

        new_chip();
        assert_int_equal(set(1, "old"), ACME_OK);
        assert_int_equal(set(2, "old"), ACME_OK);
        bytes_left = cut;
        rc = ops->begin(&records, 6, 2);
        rc = rc == ACME_OK ? ops->put(&records, 1, "new", 3) : rc;
        rc = rc == ACME_OK ? ops->put(&records, 2, "new", 3) : rc;
        rc = rc == ACME_OK ? ops->commit(&records) : rc;
        bytes_left = SIZE_MAX;
        assert_int_equal(ops->open(&records), ACME_OK);
        if (has(1, "old")) {
            assert_true(has(2, "old") && rc == ACME_ERR_STORE_IO);
            before++;
        } else {
            assert_true(has(1, "new") && has(2, "new"));
            after++;
        }
        assert_int_equal(set(3, "more"), ACME_OK);
        assert_int_equal(ops->open(&records), ACME_OK);
        assert_true(has(3, "more") && (has(1, "old") || has(1, "new")));
    }
    assert_true(before > 30 && after > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flash_driver_passes_the_self_test),
        cmocka_unit_test(test_flash_driver_reports_failures),
        cmocka_unit_test(test_records),
        cmocka_unit_test(test_batches),
        cmocka_unit_test(test_cuts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
