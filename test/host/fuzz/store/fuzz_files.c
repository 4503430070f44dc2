/*
 * A folder of records in which a file holds whatever the input says: a record, or a batch that a
 * cut has left. Opening and reading never crash or hang; what opens can be written to, and keeps
 * it. The first byte says which file.
 */
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "acme_posix.h"
#include "store/store.h"

static char folder[64];

static void put_file(const char *name, const uint8_t *data, size_t size)
{
    char path[128];
    FILE *f;

    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    f = fopen(path, "wb");
    if (f == NULL || fwrite(data, 1, size, f) != size || fclose(f) != 0) {
        abort();
    }
}

static void clear(void)
{
    char command[128];

    (void)snprintf(command, sizeof(command), "%s/batch", folder);
    (void)unlink(command);
    (void)snprintf(command, sizeof(command), "%s/3000000000000001", folder);
    (void)unlink(command);
}

static void set_up(void)
{
    const char *root = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";

    if (folder[0] == '\0') {
        struct acme_posix_files files;

        (void)snprintf(folder, sizeof(folder), "%s/acme_fuzz.%ld", root, (long)getpid());
        if (acme_posix_files_open(&files, folder) != ACME_OK ||
            acme_posix_files_ops.open(&files) != ACME_OK) {
            abort();
        }
        acme_posix_files_close(&files);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct acme_record_ops *ops = &acme_posix_files_ops;
    struct acme_posix_files files;
    uint64_t key = 0;
    uint8_t out[600];
    int32_t rc;

    if (size == 0) {
        return 0;
    }
    set_up();
    clear();
    put_file(data[0] % 2 == 0 ? "batch" : "3000000000000001", data + 1, size - 1);
    if (acme_posix_files_open(&files, folder) != ACME_OK) {
        abort();
    }
    rc = ops->open(&files);
    if (rc == ACME_OK || rc == ACME_ERR_STORE_CORRUPT) {
        while (ops->next(&files, &key) == ACME_OK) {
            (void)ops->read(&files, key, 0, out, sizeof(out));
        }
        (void)ops->read(&files, ACME_KEY(3, 1), 3, out, sizeof(out));
        if (ops->begin(&files, 5, 1) != ACME_OK ||
            ops->put(&files, ACME_KEY(3, 1), "seven", 5) != ACME_OK ||
            ops->commit(&files) != ACME_OK ||
            ops->read(&files, ACME_KEY(3, 1), 0, out, sizeof(out)) != 5 ||
            memcmp(out, "seven", 5) != 0) {
            abort();
        }
    }
    acme_posix_files_close(&files);
    return 0;
}
