/*
 * The host's stores on a disk that is not as it should be: full, cut short, unreadable for a while,
 * with what a process has left that was killed while it made them. They say so; nothing is a
 * signal, and no record is missing because nobody could look.
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
#include <fcntl.h>

#include "acme_posix.h"

static const struct acme_flash_geometry geometry = {4096, 4, 8};
static char folder[64], path[96];
static struct acme_posix_flash flash;
static struct acme_posix_files files;
static bool disk_is_full, cannot_open, cannot_list, batch_stays;

/* ---- the disk ---- */

ssize_t __real_pwrite(int fd, const void *data, size_t len, off_t offset);
ssize_t __wrap_pwrite(int fd, const void *data, size_t len, off_t offset);
int __real_openat(int at, const char *name, int flags, mode_t mode);
int __wrap_openat(int at, const char *name, int flags, mode_t mode);
struct dirent *__real_readdir(DIR *dir);
struct dirent *__wrap_readdir(DIR *dir);

/* Half of it, then nothing more. */
ssize_t __wrap_pwrite(int fd, const void *data, size_t len, off_t offset)
{
    static bool half;

    if (!disk_is_full) {
        return __real_pwrite(fd, data, len, offset);
    }
    half = !half;
    if (half && len > 1) {
        return __real_pwrite(fd, data, len / 2, offset);
    }
    errno = ENOSPC;
    return -1;
}

int __wrap_openat(int at, const char *name, int flags, mode_t mode)
{
    if (cannot_open && strcmp(name, "batch") == 0) {
        errno = EMFILE;
        return -1;
    }
    return __real_openat(at, name, flags, mode);
}

struct dirent *__wrap_readdir(DIR *dir)
{
    if (cannot_list) {
        errno = EIO;
        return NULL;
    }
    return __real_readdir(dir);
}

static int set_up(void **state)
{
    (void)state;
    (void)strcpy(folder, "/tmp/test_posix_store.XXXXXX");
    (void)snprintf(path, sizeof(path), "%s/store", mkdtemp(folder));
    disk_is_full = cannot_open = cannot_list = batch_stays = false;
    return 0;
}

static int tear_down(void **state)
{
    char command[128];

    (void)state;
    acme_posix_flash_close(&flash);
    (void)snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    return system(command);
}

/* ---- the flash image ---- */

static void open_flash(void)
{
    assert_int_equal(acme_posix_flash_open(&flash, path, &geometry), ACME_OK);
}

static int32_t program(uint32_t offset, const char *text)
{
    return acme_posix_flash_ops.program(&flash, offset, text, strlen(text));
}

static void assert_there(uint32_t offset, const char *text)
{
    char found[8192];

    acme_posix_flash_forget(&flash);
    assert_int_equal(acme_posix_flash_ops.read(&flash, offset, found, strlen(text)), ACME_OK);
    assert_memory_equal(found, text, strlen(text));
}

static void test_bits_are_cleared_and_sectors_set(void **state)
{
    char text[6001];

    (void)state;
    open_flash();
    memset(text, 'a', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    assert_int_equal(program(1024, text + 1), ACME_ERR_STORE_IO); /* no multiple of the unit */
    text[4000] = '\0';
    assert_int_equal(program(96, text), ACME_OK); /* over a page of the file's */
    assert_int_equal(program(96, "bbbbbbbb"), ACME_OK);
    assert_there(96, "````````aaaa"); /* 'a' and 'b' */
    assert_there(4092, "aaaa\xff");
    acme_posix_flash_close(&flash);
    open_flash();
    assert_there(96, "````````aaaa");
    assert_int_equal(acme_posix_flash_ops.erase(&flash, 0), ACME_OK);
    assert_int_equal(acme_posix_flash_ops.sync(&flash), ACME_OK);
    assert_there(96, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff");
}

static void test_a_full_disk_is_an_error(void **state)
{
    (void)state;
    open_flash();
    assert_int_equal(program(0, "before.."), ACME_OK);
    disk_is_full = true;
    assert_int_equal(program(8, "too much"), ACME_ERR_STORE_IO);
    assert_int_equal(acme_posix_flash_ops.erase(&flash, 4096), ACME_ERR_STORE_IO);
    disk_is_full = false;
    assert_there(0, "before..");
    assert_int_equal(program(16, "has room"), ACME_OK);
    assert_there(16, "has room");
}

static void test_a_file_that_is_cut_short_is_an_error(void **state)
{
    struct stat st;
    char byte;

    (void)state;
    open_flash();
    assert_int_equal(truncate(path, 4096 + 4096 + 100), 0);
    assert_int_equal(program(8192, "12345678"), ACME_ERR_STORE_IO);
    assert_int_equal(acme_posix_flash_ops.erase(&flash, 12288), ACME_ERR_STORE_IO);
    assert_int_equal(acme_posix_flash_ops.read(&flash, 12288, &byte, 1), ACME_ERR_STORE_IO);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, 4096 + 4096 + 100); /* nobody made it longer */
}

/* Of a process that was killed while it made the store, and whose number is this one's: in a
 * container each has the number 1. */
static void test_what_a_killed_process_has_left(void **state)
{
    char name[128];
    int fd, i;

    (void)state;
    for (i = 0; i < 2; i++) {
        if (i == 0) {
            (void)snprintf(name, sizeof(name), "%s.%ld.new", path, (long)getpid());
        } else {
            (void)snprintf(name, sizeof(name), "%s.new", path);
        }
        fd = open(name, O_CREAT | O_WRONLY, 0600);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, "half", 4), 4);
        (void)close(fd);
    }
    open_flash();
    assert_int_equal(program(0, "a store."), ACME_OK);
    assert_there(0, "a store.");
    assert_int_not_equal(access(name, F_OK), 0);
}

/* ---- records in files ---- */

#define KEY (UINT64_C(1) << 60)

/* The cut: behind the name that makes the batch count. */
static bool step(void *ctx)
{
    char batch[128];

    (void)ctx;
    (void)snprintf(batch, sizeof(batch), "%s/batch", path);
    return !batch_stays || access(batch, F_OK) != 0;
}

static void open_files(void)
{
    assert_int_equal(acme_posix_files_open(&files, path), ACME_OK);
    files.step = step;
    assert_int_equal(acme_posix_files_ops.open(&files), ACME_OK);
}

static int32_t put(const char *text)
{
    const struct acme_record_ops *ops = &acme_posix_files_ops;

    assert_int_equal(ops->begin(&files, strlen(text), 1), ACME_OK);
    assert_int_equal(ops->put(&files, KEY, text, strlen(text)), ACME_OK);
    return ops->commit(&files);
}

static int32_t get(char text[16])
{
    memset(text, 0, 16);
    return acme_posix_files_ops.read(&files, KEY, 0, text, 15);
}

static void test_what_may_count_is_not_forgotten(void **state)
{
    char text[16];
    int i;

    (void)state;
    open_files();
    assert_int_equal(put("old"), ACME_OK);
    batch_stays = true;
    assert_int_equal(put("new"), ACME_ERR_STORE_IO);
    batch_stays = false;
    cannot_open = true;
    for (i = 0; i < 3; i++) { /* the old value would be a lie */
        assert_int_equal(get(text), ACME_ERR_STORE_IO);
        assert_int_equal(acme_posix_files_ops.begin(&files, 1, 1), ACME_ERR_STORE_IO);
    }
    cannot_open = false;
    assert_int_equal(get(text), 3);
    assert_string_equal(text, "new");
    acme_posix_files_close(&files);
}

static void test_a_folder_that_cannot_be_read_is_not_empty(void **state)
{
    uint64_t key = 0;

    (void)state;
    open_files();
    assert_int_equal(put("value"), ACME_OK);
    cannot_list = true;
    assert_int_equal(acme_posix_files_ops.next(&files, &key), ACME_ERR_STORE_IO);
    cannot_list = false;
    assert_int_equal(acme_posix_files_ops.next(&files, &key), ACME_OK);
    assert_true(key == KEY);
    assert_int_equal(acme_posix_files_ops.next(&files, &key), ACME_ERR_NOT_FOUND);
    acme_posix_files_close(&files);
    cannot_list = true; /* nor is one that is not ours taken for a new one */
    (void)snprintf(path, sizeof(path), "%s", folder);
    assert_int_equal(acme_posix_files_open(&files, path), ACME_OK);
    assert_int_equal(acme_posix_files_ops.open(&files), ACME_ERR_STORE_IO);
    acme_posix_files_close(&files);
}

#define POSIX_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        POSIX_TEST(test_bits_are_cleared_and_sectors_set),
        POSIX_TEST(test_a_full_disk_is_an_error),
        POSIX_TEST(test_a_file_that_is_cut_short_is_an_error),
        POSIX_TEST(test_what_a_killed_process_has_left),
        POSIX_TEST(test_what_may_count_is_not_forgotten),
        POSIX_TEST(test_a_folder_that_cannot_be_read_is_not_empty),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
