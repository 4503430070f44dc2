/*
 * acme_record_ops over a folder: one file a record, named by its key in hexadecimal. A batch is
 * written to the file "batch.new", which becomes "batch" when it is to count, and is then carried
 * out change by change; one that a cut has left is carried out when the folder is opened. Each file
 * is written under another name, synchronized and renamed. The file "reserve" keeps room on the
 * disk: a batch that counts can be carried out, and a full disk can let values go. It must not know
 * what is stored.
 */
#include "acme_posix.h"
#include "descriptor.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_LEN   16u
#define HEAD_LEN   8u  /* of a record's file: magic, CRC of key and value */
#define CHANGE_LEN 12u /* of a change's head in a batch: key, length */
#define DELETION   UINT32_MAX
#define VALUE_MAX  0x100000u
#define BLOCK      ((size_t)4096)  /* a file takes whole ones */
#define RESERVE    ((size_t)32768) /* what a batch of three values takes, once more: eight blocks */

static const char marker[] = "nanoacme records, version 1\n";
static const char marker_name[] = "nanoacme", batch_name[] = "batch", new_batch[] = "batch.new",
                  new_value[] = "value.new", new_marker[] = "nanoacme.new",
                  reserve_name[] = "reserve";
static const uint8_t magic[4] = {'n', 'A', 'C', 'r'};

/* ---- bytes ---- */

static void put_le(uint8_t *p, uint64_t v, size_t len)
{
    for (; len > 0; len--, v >>= 8) {
        *p++ = (uint8_t)v;
    }
}

static uint64_t get_le(const uint8_t *p, size_t len)
{
    uint64_t v = 0;

    while (len > 0) {
        v = v << 8 | p[--len];
    }
    return v;
}

static uint32_t crc32(uint32_t crc, const void *data, size_t len)
{
    const uint8_t *p = data;

    for (crc = ~crc; len > 0; len--) {
        int bit;

        crc ^= *p++;
        for (bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
        }
    }
    return ~crc;
}

static void name_of(uint64_t key, char name[NAME_LEN + 1])
{
    (void)snprintf(name, NAME_LEN + 1, "%016llx", (unsigned long long)key);
}

/* ---- files ---- */

static int32_t read_exactly(int fd, void *data, size_t len)
{
    uint8_t *at = data;

    while (len > 0) {
        ssize_t n = read(fd, at, len);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return n == 0 ? ACME_ERR_STORE_CORRUPT : ACME_ERR_STORE_IO;
        }
        at += n;
        len -= (size_t)n;
    }
    return ACME_OK;
}

/* Before each step that changes the folder: where a test cuts. */
static bool may_go_on(struct acme_posix_files *f)
{
    return f->step == NULL || f->step(f->step_ctx);
}

static bool is_full(void)
{
    return errno == ENOSPC || errno == EDQUOT;
}

/* Gives the reserve's room to what is under way, if that may have it, once. */
static bool use_reserve(struct acme_posix_files *f)
{
    return f->may_use_reserve && may_go_on(f) && unlinkat(f->folder, reserve_name, 0) == 0;
}

/* Writes some of it: how much, 0: to be tried again. */
static ssize_t write_some(struct acme_posix_files *f, int fd, const void *data, size_t len)
{
    ssize_t n;

    if (!may_go_on(f)) {
        return ACME_ERR_STORE_IO;
    }
    n = write(fd, data, len);
    if (n > 0) {
        return n;
    }
    if (n < 0 && (errno == EINTR || (is_full() && use_reserve(f)))) {
        return 0;
    }
    return n < 0 && is_full() ? ACME_ERR_STORE_FULL : ACME_ERR_STORE_IO;
}

static int32_t write_all(struct acme_posix_files *f, int fd, const void *data, size_t len)
{
    const uint8_t *at = data;

    while (len > 0) {
        ssize_t n = write_some(f, fd, at, len);

        if (n < 0) {
            return (int32_t)n;
        }
        at += n;
        len -= (size_t)n;
    }
    return ACME_OK;
}

static int try_create(struct acme_posix_files *f, const char *name)
{
    return may_go_on(f)
               ? acme_posix_safe(openat(f->folder, name,
                                        O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
                                        S_IRUSR | S_IWUSR))
               : -1;
}

static int create(struct acme_posix_files *f, const char *name)
{
    int fd = try_create(f, name);

    return fd < 0 && is_full() && use_reserve(f) ? try_create(f, name) : fd;
}

/* Fills the reserve up, with bytes that no file system packs. */
static int32_t fill_reserve(struct acme_posix_files *f, size_t size)
{
    uint8_t chunk[BLOCK];
    uint32_t x = 1;
    int32_t rc = ACME_OK;
    size_t i;
    int fd = try_create(f, reserve_name);

    for (; fd >= 0 && size > 0 && rc == ACME_OK; size -= BLOCK) {
        for (i = 0; i < sizeof(chunk); i++) {
            x = x * 1664525u + 1013904223u;
            chunk[i] = (uint8_t)(x >> 24);
        }
        rc = write_all(f, fd, chunk, sizeof(chunk));
    }
    if (fd >= 0 && close(fd) == 0) {
        return rc;
    }
    return is_full() ? ACME_ERR_STORE_FULL : ACME_ERR_STORE_IO;
}

/* Sees to it that the reserve has at least so many bytes, in whole blocks. */
static int32_t keep_reserve(struct acme_posix_files *f, size_t size)
{
    struct stat stat;

    size = size > RESERVE ? (size + BLOCK - 1) / BLOCK * BLOCK : RESERVE;
    f->may_use_reserve = false;
    if (fstatat(f->folder, reserve_name, &stat, AT_SYMLINK_NOFOLLOW) == 0 &&
        (size_t)stat.st_size >= size) {
        return ACME_OK;
    }
    return fill_reserve(f, size);
}

/* What a large batch took is given back, and what was used is taken again: if that cannot be, the
 * next value is refused. */
static void restore_reserve(struct acme_posix_files *f)
{
    struct stat stat;
    int fd;

    (void)keep_reserve(f, RESERVE);
    if (fstatat(f->folder, reserve_name, &stat, AT_SYMLINK_NOFOLLOW) != 0 ||
        (size_t)stat.st_size <= RESERVE || !may_go_on(f)) {
        return;
    }
    fd = openat(f->folder, reserve_name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd >= 0) {
        (void)!ftruncate(fd, (off_t)RESERVE);
        (void)close(fd);
    }
}

/* Makes a file that was written durable under its name. Closes it. */
static int32_t publish(struct acme_posix_files *f, int fd, const char *from, const char *to)
{
    bool good = may_go_on(f) && fsync(fd) == 0;

    good = close(fd) == 0 && good;
    good = good && may_go_on(f) && renameat(f->folder, from, f->folder, to) == 0;
    return good && may_go_on(f) && fsync(f->folder) == 0 ? ACME_OK : ACME_ERR_STORE_IO;
}

static int32_t delete_file(struct acme_posix_files *f, const char *name)
{
    return may_go_on(f) && (unlinkat(f->folder, name, 0) == 0 || errno == ENOENT)
               ? ACME_OK
               : ACME_ERR_STORE_IO;
}

/* ---- batches ---- */

/* Copies len bytes of a value from the batch to its file, and returns the CRC in *crc. */
static int32_t copy_value(struct acme_posix_files *f, int fd, size_t len, uint32_t *crc)
{
    uint8_t chunk[1024];
    int32_t rc = ACME_OK;

    while (len > 0 && rc == ACME_OK) {
        size_t n = len < sizeof(chunk) ? len : sizeof(chunk);

        rc = read_exactly(f->batch, chunk, n);
        if (rc == ACME_OK) {
            *crc = crc32(*crc, chunk, n);
            rc = fd < 0 ? ACME_OK : write_all(f, fd, chunk, n);
        }
        len -= n;
    }
    explicit_bzero(chunk, sizeof(chunk)); /* it may be a key */
    return rc;
}

static int32_t write_value(struct acme_posix_files *f, const uint8_t change[CHANGE_LEN], size_t len)
{
    uint32_t crc = crc32(0, change, 8);
    uint8_t head[HEAD_LEN] = {0};
    char name[NAME_LEN + 1];
    int fd = create(f, new_value);
    int32_t rc;

    if (fd < 0) {
        return ACME_ERR_STORE_IO;
    }
    rc = write_all(f, fd, head, sizeof(head));
    if (rc == ACME_OK) {
        rc = copy_value(f, fd, len, &crc);
    }
    memcpy(head, magic, sizeof(magic));
    put_le(head + 4, crc, 4);
    if (rc != ACME_OK || !may_go_on(f) || pwrite(fd, head, sizeof(head), 0) != sizeof(head)) {
        (void)close(fd);
        return rc != ACME_OK ? rc : ACME_ERR_STORE_IO;
    }
    name_of(get_le(change, 8), name);
    return publish(f, fd, new_value, name);
}

/* One change of a batch: checks it, or carries it out. A value that is only checked counts in the
 * batch's CRC. */
static int32_t take_change(struct acme_posix_files *f, const uint8_t change[CHANGE_LEN],
                           bool carry_out, uint32_t *crc)
{
    uint32_t len = (uint32_t)get_le(change + 8, 4);
    char name[NAME_LEN + 1];

    if (len == DELETION) {
        name_of(get_le(change, 8), name);
        return carry_out ? delete_file(f, name) : ACME_OK;
    }
    if (len > VALUE_MAX) {
        return ACME_ERR_STORE_CORRUPT;
    }
    return carry_out ? write_value(f, change, len) : copy_value(f, -1, len, crc);
}

/* Goes through the batch's file: checks it, or carries it out. ACME_ERR_STORE_CORRUPT when it is
 * not a whole batch. */
static int32_t walk_batch(struct acme_posix_files *f, bool carry_out)
{
    uint32_t crc = 0;

    if (lseek(f->batch, 0, SEEK_SET) != 0) {
        return ACME_ERR_STORE_IO;
    }
    for (;;) {
        uint8_t change[CHANGE_LEN];
        int32_t rc = read_exactly(f->batch, change, sizeof(change));

        if (rc != ACME_OK) {
            return rc;
        }
        if (get_le(change, 8) == 0) { /* the end: the CRC in place of a length */
            return get_le(change + 8, 4) == crc || carry_out ? ACME_OK : ACME_ERR_STORE_CORRUPT;
        }
        crc = crc32(crc, change, sizeof(change));
        rc = take_change(f, change, carry_out, &crc);
        if (rc != ACME_OK) {
            return rc;
        }
    }
}

/* Carries out the batch that counts. Until that is done, nothing can be read. */
static int32_t carry_out(struct acme_posix_files *f)
{
    int32_t rc;

    f->may_use_reserve = true; /* it was kept for this */
    rc = walk_batch(f, true);

    if (rc == ACME_OK && (!may_go_on(f) || fsync(f->folder) != 0)) {
        rc = ACME_ERR_STORE_IO;
    }
    if (rc == ACME_OK) {
        rc = delete_file(f, batch_name);
    }
    if (rc == ACME_OK) {
        (void)close(f->batch);
        f->batch = -1;
        f->pending = false;
        restore_reserve(f);
    }
    return rc;
}

static void forget_batch(struct acme_posix_files *f)
{
    if (f->batch >= 0) {
        (void)close(f->batch);
    }
    f->batch = -1;
}

/* A batch that a cut, or a failure, has left: is carried out, for it counts. Until it has been
 * read, nobody knows. */
static int32_t load_batch(struct acme_posix_files *f)
{
    int32_t rc;

    f->unknown = true;
    f->batch = openat(f->folder, batch_name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (f->batch < 0) {
        f->unknown = errno != ENOENT;
        return f->unknown ? ACME_ERR_STORE_IO : ACME_OK;
    }
    rc = walk_batch(f, false);
    if (rc == ACME_OK) {
        f->unknown = false;
        f->pending = true;
        return carry_out(f);
    }
    forget_batch(f);
    if (rc != ACME_ERR_STORE_CORRUPT) {
        return rc;
    }
    /* It was whole when it got this name: something has damaged it since. */
    if (delete_file(f, batch_name) != ACME_OK) {
        return ACME_ERR_STORE_IO;
    }
    f->unknown = false;
    return rc;
}

static int32_t settle(struct acme_posix_files *f)
{
    if (f->unknown) {
        forget_batch(f);
        return load_batch(f);
    }
    return f->pending ? carry_out(f) : ACME_OK;
}

static void files_abort(void *ctx)
{
    struct acme_posix_files *f = ctx;

    if (f->in_batch) {
        f->in_batch = false;
        (void)close(f->batch);
        f->batch = -1;
        (void)delete_file(f, new_batch);
    }
}

static int32_t files_begin(void *ctx, size_t len, size_t count)
{
    struct acme_posix_files *f = ctx;
    int32_t rc;

    if (f->in_batch) {
        return ACME_ERR_STATE;
    }
    if (len > VALUE_MAX || count > 4096) {
        return ACME_ERR_STORE_FULL;
    }
    rc = settle(f);
    if (rc != ACME_OK) {
        return rc;
    }
    f->lets_go = len == 0;
    f->may_use_reserve = f->lets_go;
    f->batch = create(f, new_batch);
    f->crc = 0;
    f->takes = 0;
    f->in_batch = f->batch >= 0;
    if (!f->in_batch) {
        return is_full() ? ACME_ERR_STORE_FULL : ACME_ERR_STORE_IO;
    }
    return ACME_OK;
}

static int32_t add_change(struct acme_posix_files *f, uint64_t key, const void *data, size_t len,
                          uint32_t marked_len)
{
    uint8_t change[CHANGE_LEN];
    int32_t rc;

    if (!f->in_batch) {
        return ACME_ERR_STATE;
    }
    if (key >> 60 == 0 || len > VALUE_MAX) {
        return ACME_ERR_ARGUMENT;
    }
    put_le(change, key, 8);
    put_le(change + 8, marked_len, 4);
    f->crc = crc32(crc32(f->crc, change, sizeof(change)), data, len);
    f->takes += len + BLOCK; /* at most, when it is carried out */
    rc = write_all(f, f->batch, change, sizeof(change));
    return rc == ACME_OK ? write_all(f, f->batch, data, len) : rc;
}

static int32_t files_put(void *ctx, uint64_t key, const void *data, size_t len)
{
    return add_change(ctx, key, data, len, (uint32_t)len);
}

static int32_t files_remove(void *ctx, uint64_t key)
{
    return add_change(ctx, key, NULL, 0, DELETION);
}

static int32_t files_commit(void *ctx)
{
    struct acme_posix_files *f = ctx;
    uint8_t end[CHANGE_LEN] = {0};
    int32_t rc;
    int copy;

    if (!f->in_batch) {
        return ACME_ERR_STATE;
    }
    put_le(end + 8, f->crc, 4);
    rc = write_all(f, f->batch, end, sizeof(end));
    if (rc == ACME_OK && !f->lets_go) {
        rc = keep_reserve(f, f->takes);
    }
    copy = rc == ACME_OK ? fcntl(f->batch, F_DUPFD_CLOEXEC, STDERR_FILENO + 1) : -1;
    if (copy < 0) {
        files_abort(f);
        return rc != ACME_OK ? rc : ACME_ERR_STORE_IO;
    }
    f->in_batch = false;
    if (publish(f, copy, new_batch, batch_name) != ACME_OK) {
        /* Whether it counts is known after the folder is opened anew; until then nothing is read.
         */
        f->unknown = true;
        return ACME_ERR_STORE_IO;
    }
    f->pending = true;
    return carry_out(f);
}

/* ---- reading ---- */

/* Opens a record's file, checks it whole, and stands behind its head. Returns its length. */
static int32_t open_value(struct acme_posix_files *f, uint64_t key, int *fd)
{
    uint8_t chunk[1024], raw_key[8];
    uint32_t crc, want;
    int32_t len = 0;
    char name[NAME_LEN + 1];
    ssize_t n;

    name_of(key, name);
    *fd = openat(f->folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (*fd < 0) {
        return errno == ENOENT ? ACME_ERR_NOT_FOUND : ACME_ERR_STORE_IO;
    }
    if (read_exactly(*fd, chunk, HEAD_LEN) != ACME_OK || memcmp(chunk, magic, sizeof(magic)) != 0) {
        return ACME_ERR_STORE_CORRUPT;
    }
    want = (uint32_t)get_le(chunk + 4, 4);
    put_le(raw_key, key, 8);
    crc = crc32(0, raw_key, 8);
    while ((n = read(*fd, chunk, sizeof(chunk))) > 0 && len <= (int32_t)VALUE_MAX) {
        crc = crc32(crc, chunk, (size_t)n);
        len += (int32_t)n;
    }
    explicit_bzero(chunk, sizeof(chunk));
    if (n < 0) {
        return ACME_ERR_STORE_IO;
    }
    return crc == want ? len : ACME_ERR_STORE_CORRUPT;
}

/* Reads of an open value of len bytes what there is from offset on. Returns how many bytes. */
static int32_t read_part(int fd, size_t len, size_t offset, void *data, size_t size)
{
    size_t n = 0;

    if (offset < len) {
        n = len - offset < size ? len - offset : size;
    }
    if (n > 0 && data != NULL &&
        (lseek(fd, (off_t)(HEAD_LEN + offset), SEEK_SET) < 0 || read_exactly(fd, data, n) != 0)) {
        return ACME_ERR_STORE_IO;
    }
    return (int32_t)n;
}

static int32_t files_read(void *ctx, uint64_t key, size_t offset, void *data, size_t size)
{
    struct acme_posix_files *f = ctx;
    int fd = -1;
    int32_t rc = settle(f);

    if (rc == ACME_OK) {
        rc = open_value(f, key, &fd);
    }
    if (rc >= 0) {
        rc = read_part(fd, (size_t)rc, offset, data, size);
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    return rc;
}

/* The key that a file's name says; 0: none. */
static uint64_t key_of(const char *name)
{
    char again[NAME_LEN + 1];
    uint64_t key = strtoull(name, NULL, 16);

    name_of(key, again);
    return strcmp(name, again) == 0 ? key : 0;
}

/* The end of a folder, and a folder that cannot be read, are not the same. */
static struct dirent *next_entry(DIR *dir, int32_t *rc)
{
    struct dirent *entry;

    errno = 0;
    entry = readdir(dir);
    *rc = entry == NULL && errno != 0 ? ACME_ERR_STORE_IO : ACME_OK;
    return entry;
}

static DIR *open_folder(const struct acme_posix_files *f)
{
    int fd = openat(f->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;

    if (dir == NULL && fd >= 0) {
        (void)close(fd);
    }
    return dir;
}

static int32_t files_next(void *ctx, uint64_t *key)
{
    struct acme_posix_files *f = ctx;
    uint64_t best = UINT64_MAX;
    struct dirent *entry;
    int32_t rc = settle(f);
    DIR *dir = rc == ACME_OK ? open_folder(f) : NULL;

    if (dir == NULL) {
        return rc != ACME_OK ? rc : ACME_ERR_STORE_IO;
    }
    while ((entry = next_entry(dir, &rc)) != NULL) {
        uint64_t k = key_of(entry->d_name);

        best = k > *key && k < best ? k : best;
    }
    (void)closedir(dir);
    if (rc != ACME_OK) {
        return rc;
    }
    if (best == UINT64_MAX) {
        return ACME_ERR_NOT_FOUND;
    }
    *key = best;
    return ACME_OK;
}

/* ---- opening ---- */

/* ACME_OK: there is nothing in it, or only what a cut has left. */
static int32_t check_empty(struct acme_posix_files *f)
{
    DIR *dir = open_folder(f);
    struct dirent *entry;
    bool empty = true;
    int32_t rc;

    if (dir == NULL) {
        return ACME_ERR_STORE_IO;
    }
    while ((entry = next_entry(dir, &rc)) != NULL) {
        empty = empty && (entry->d_name[0] == '.' || strcmp(entry->d_name, new_marker) == 0);
    }
    (void)closedir(dir);
    return rc == ACME_OK && !empty ? ACME_ERR_STORE_FORMAT : rc;
}

/* The folder says what it is, in a file; one without files becomes ours. */
static int32_t check_marker(struct acme_posix_files *f)
{
    char text[sizeof(marker)] = "";
    int fd = openat(f->folder, marker_name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    int32_t rc;
    ssize_t n;

    if (fd >= 0) {
        n = read(fd, text, sizeof(text));
        (void)close(fd);
        return n == sizeof(marker) - 1 && memcmp(text, marker, sizeof(marker) - 1) == 0
                   ? ACME_OK
                   : ACME_ERR_STORE_FORMAT;
    }
    rc = errno == ENOENT ? check_empty(f) : ACME_ERR_STORE_IO;
    if (rc != ACME_OK) {
        return rc;
    }
    fd = create(f, new_marker);
    if (fd < 0) {
        return ACME_ERR_STORE_IO;
    }
    if (write_all(f, fd, marker, sizeof(marker) - 1) != ACME_OK) {
        (void)close(fd);
        return ACME_ERR_STORE_IO;
    }
    return publish(f, fd, new_marker, marker_name);
}

static int32_t files_open(void *ctx)
{
    struct acme_posix_files *f = ctx;
    int32_t rc = check_marker(f);

    if (rc != ACME_OK) {
        return rc;
    }
    return load_batch(f);
}

const struct acme_record_ops acme_posix_files_ops = {files_open,   files_begin,  files_put,
                                                     files_remove, files_commit, files_abort,
                                                     files_read,   files_next};

int32_t acme_posix_files_open(struct acme_posix_files *f, const char *folder)
{
    memset(f, 0, sizeof(*f));
    f->batch = -1;
    f->folder = -1;
    if (mkdir(folder, S_IRWXU) != 0 && errno != EEXIST) {
        return ACME_ERR_STORE_IO;
    }
    f->folder = acme_posix_safe(open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (f->folder < 0) {
        return ACME_ERR_STORE_IO;
    }
    if (flock(f->folder, LOCK_EX | LOCK_NB) != 0) {
        acme_posix_files_close(f);
        errno = EAGAIN;
        return ACME_ERR_STORE_IO;
    }
    return ACME_OK;
}

void acme_posix_files_close(struct acme_posix_files *f)
{
    if (f->batch >= 0) {
        (void)close(f->batch);
    }
    if (f->folder >= 0) {
        (void)close(f->folder);
    }
    f->batch = f->folder = -1;
}
