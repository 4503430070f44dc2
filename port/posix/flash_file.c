/*
 * acme_flash_ops over a file that behaves as NOR flash: programming only clears bits, erasing sets
 * a whole sector. The file's first page says what it is. It is written by calls that can fail, not
 * through a map, where a full disk and a file that was cut short are a signal. It must not know
 * what is stored.
 */
#include "acme_posix.h"
#include "descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE_LEN ACME_POSIX_FLASH_PAGE
#define AREA_MAX (256u * 1024u * 1024u)

static const char magic[] = "nanoacme flash image, version 1\n";

/* magic, then three numbers in little endian */
#define HEADER_LEN (sizeof(magic) - 1 + 12)

static void put32(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
    p[2] = (uint8_t)(v >> 16);
    p[3] = (uint8_t)(v >> 24);
}

static uint32_t get32(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static bool is_usable(const struct acme_flash_geometry *g)
{
    return g->sector_size >= 256 && (g->sector_size & (g->sector_size - 1)) == 0 &&
           g->sector_count >= 2 && g->sector_count <= AREA_MAX / g->sector_size &&
           g->program_size >= 1 && g->program_size <= 32 &&
           (g->program_size & (g->program_size - 1)) == 0;
}

static int32_t write_all(int fd, const uint8_t *data, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, data, len);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return ACME_ERR_STORE_IO;
        }
        data += n;
        len -= (size_t)n;
    }
    return ACME_OK;
}

static int32_t fill(int fd, const struct acme_flash_geometry *g)
{
    uint8_t page[PAGE_LEN];
    uint64_t left = (uint64_t)g->sector_size * g->sector_count;
    int32_t rc;

    memset(page, 0xff, sizeof(page));
    memcpy(page, magic, sizeof(magic) - 1);
    put32(page + sizeof(magic) - 1, g->sector_size);
    put32(page + sizeof(magic) + 3, g->sector_count);
    put32(page + sizeof(magic) + 7, g->program_size);
    rc = write_all(fd, page, sizeof(page));
    memset(page, 0xff, sizeof(page));
    while (left > 0 && rc == ACME_OK) {
        size_t n = left < sizeof(page) ? (size_t)left : sizeof(page);

        rc = write_all(fd, page, n);
        left -= n;
    }
    return rc == ACME_OK && fsync(fd) == 0 ? ACME_OK : ACME_ERR_STORE_IO;
}

/* The folder's entry for the file survives a cut, too. */
static int32_t sync_folder_of(const char *path)
{
    char folder[PATH_MAX] = ".";
    const char *end = strrchr(path, '/');
    size_t len = end == NULL ? 1 : end == path ? 1 : (size_t)(end - path);
    int32_t rc;
    int fd;

    if (end != NULL) {
        memcpy(folder, path, len);
        folder[len] = '\0';
    }
    fd = acme_posix_safe(open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (fd < 0) {
        return ACME_ERR_STORE_IO;
    }
    rc = fsync(fd) == 0 || errno == EINVAL ? ACME_OK
                                           : ACME_ERR_STORE_IO; /* some have no such call */
    (void)close(fd);
    return rc;
}

/* Whoever makes the file has its lock; what one who was killed has left is written anew. */
static int32_t fill_new(int fd, const struct acme_flash_geometry *g)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    struct stat st;

    if (fcntl(fd, F_SETLK, &lock) != 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) ||
        ftruncate(fd, 0) != 0) {
        return ACME_ERR_STORE_IO;
    }
    return fill(fd, g);
}

/* Its descriptor, or -1. */
static int open_new(const char *name)
{
    int fd =
        acme_posix_safe(open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600));

    if (fd < 0 && errno == EBADF) { /* it was made, and its descriptor was refused */
        (void)unlink(name);
        errno = EBADF;
    }
    return fd;
}

/* Where another has made the file meanwhile, that one counts. */
static int32_t link_new(const char *name, const char *path)
{
    return link(name, path) == 0 || errno == EEXIST || errno == ENOENT ? ACME_OK
                                                                       : ACME_ERR_STORE_IO;
}

/* The file appears whole or not at all: made under another name, then linked. Two at once: one has
 * to go, or finds what the other has made. */
static int32_t create(const char *path, const struct acme_flash_geometry *g)
{
    char name[PATH_MAX];
    int fd, saved;
    int32_t rc;

    if (snprintf(name, sizeof(name), "%s.new", path) >= (int)sizeof(name)) {
        errno = ENAMETOOLONG;
        return ACME_ERR_STORE_IO;
    }
    fd = open_new(name);
    if (fd < 0) {
        return ACME_ERR_STORE_IO;
    }
    rc = fill_new(fd, g);
    rc = rc == ACME_OK ? link_new(name, path) : rc;
    saved = errno;
    if (rc == ACME_OK || (saved != EAGAIN && saved != EACCES)) { /* else it is another's */
        (void)unlink(name);
    }
    (void)close(fd);
    errno = saved;
    return rc == ACME_OK ? sync_folder_of(path) : rc;
}

static int32_t read_header(struct acme_posix_flash *f)
{
    uint8_t head[HEADER_LEN];
    struct stat st;
    uint64_t size;

    if (fstat(f->fd, &st) != 0) {
        return ACME_ERR_STORE_IO;
    }
    if (!S_ISREG(st.st_mode) || pread(f->fd, head, sizeof(head), 0) != (ssize_t)sizeof(head) ||
        memcmp(head, magic, sizeof(magic) - 1) != 0) {
        return ACME_ERR_STORE_FORMAT;
    }
    f->geometry.sector_size = get32(head + sizeof(magic) - 1);
    f->geometry.sector_count = get32(head + sizeof(magic) + 3);
    f->geometry.program_size = get32(head + sizeof(magic) + 7);
    if (!is_usable(&f->geometry)) {
        return ACME_ERR_STORE_FORMAT;
    }
    size = PAGE_LEN + (uint64_t)f->geometry.sector_size * f->geometry.sector_count;
    if ((uint64_t)st.st_size != size) {
        return ACME_ERR_STORE_FORMAT;
    }
    f->size = (size_t)size;
    return ACME_OK;
}

static int32_t lock_and_look(struct acme_posix_flash *f)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    return fcntl(f->fd, F_SETLK, &lock) == 0 ? read_header(f) : ACME_ERR_STORE_IO;
}

int32_t acme_posix_flash_open(struct acme_posix_flash *f, const char *path,
                              const struct acme_flash_geometry *geometry)
{
    int32_t rc;
    int saved;

    memset(f, 0, sizeof(*f));
    f->fd = acme_posix_safe(open(path, O_RDWR | O_CLOEXEC));
    if (f->fd < 0 && errno == ENOENT) {
        rc = is_usable(geometry) ? create(path, geometry) : ACME_ERR_STORE_GEOMETRY;
        if (rc != ACME_OK) {
            return rc;
        }
        f->fd = acme_posix_safe(open(path, O_RDWR | O_CLOEXEC));
    }
    if (f->fd < 0) {
        return ACME_ERR_STORE_IO;
    }
    rc = lock_and_look(f);
    if (rc != ACME_OK) {
        saved = errno;
        acme_posix_flash_close(f);
        errno = saved;
    }
    return rc;
}

void acme_posix_flash_forget(struct acme_posix_flash *f)
{
    f->has_page = false;
    explicit_bzero(f->page, sizeof(f->page));
}

void acme_posix_flash_close(struct acme_posix_flash *f)
{
    acme_posix_flash_forget(f);
    if (f->fd >= 0) {
        (void)close(f->fd);
    }
    f->fd = -1;
}

/* ---- the flash ---- */

static int32_t flash_geometry(void *ctx, struct acme_flash_geometry *geometry)
{
    *geometry = ((const struct acme_posix_flash *)ctx)->geometry;
    return ACME_OK;
}

static bool is_within(const struct acme_posix_flash *f, uint32_t offset, size_t len)
{
    size_t area = f->size - PAGE_LEN;

    return offset <= area && len <= area - offset;
}

static int32_t read_exactly(const struct acme_posix_flash *f, uint8_t *data, size_t len,
                            size_t offset)
{
    ssize_t n;

    do {
        n = pread(f->fd, data, len, (off_t)(PAGE_LEN + offset));
    } while (n < 0 && errno == EINTR);
    return n == (ssize_t)len ? ACME_OK : ACME_ERR_STORE_IO;
}

static int32_t write_exactly(const struct acme_posix_flash *f, const uint8_t *data, size_t len,
                             size_t offset)
{
    while (len > 0) {
        ssize_t n = pwrite(f->fd, data, len, (off_t)(PAGE_LEN + offset));

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return ACME_ERR_STORE_IO;
        }
        data += n;
        len -= (size_t)n;
        offset += (size_t)n;
    }
    return ACME_OK;
}

/* A file that was cut short must not grow again by what is written behind its end. */
static bool is_whole(const struct acme_posix_flash *f)
{
    struct stat st;

    return fstat(f->fd, &st) == 0 && (uint64_t)st.st_size == f->size;
}

/* Reads the page of an offset, if it is not the one at hand. */
static int32_t load_page(struct acme_posix_flash *f, uint32_t offset)
{
    size_t start = offset - offset % PAGE_LEN, area = f->size - PAGE_LEN;
    size_t len = area - start < PAGE_LEN ? area - start : PAGE_LEN;

    if (f->has_page && f->page_at == start) {
        return ACME_OK;
    }
    f->has_page = read_exactly(f, f->page, len, start) == ACME_OK;
    f->page_at = (uint32_t)start;
    return f->has_page ? ACME_OK : ACME_ERR_STORE_IO;
}

static int32_t flash_read(void *ctx, uint32_t offset, void *data, size_t len)
{
    struct acme_posix_flash *f = ctx;
    uint8_t *to = data;

    if (!is_within(f, offset, len)) {
        return ACME_ERR_STORE_IO;
    }
    while (len > 0) {
        size_t from = offset % PAGE_LEN;
        size_t n = PAGE_LEN - from < len ? PAGE_LEN - from : len;

        if (load_page(f, offset) != ACME_OK) {
            return ACME_ERR_STORE_IO;
        }
        memcpy(to, f->page + from, n);
        to += n;
        offset += (uint32_t)n;
        len -= n;
    }
    return ACME_OK;
}

static bool may_program(const struct acme_posix_flash *f, uint32_t offset, size_t len)
{
    uint32_t unit = f->geometry.program_size;

    return is_within(f, offset, len) && offset % unit == 0 && len % unit == 0 && is_whole(f);
}

/* Through the page that is read last, which is as the file then, or is not at hand. */
static int32_t flash_program(void *ctx, uint32_t offset, const void *data, size_t len)
{
    struct acme_posix_flash *f = ctx;
    const uint8_t *from = data;
    int32_t rc = ACME_OK;

    if (!may_program(f, offset, len)) {
        return ACME_ERR_STORE_IO;
    }
    while (len > 0 && rc == ACME_OK) {
        size_t at = offset % PAGE_LEN, n = PAGE_LEN - at < len ? PAGE_LEN - at : len, i;

        rc = load_page(f, offset);
        for (i = 0; i < n && rc == ACME_OK; i++) {
            f->page[at + i] &= from[i];
        }
        if (rc == ACME_OK) {
            rc = write_exactly(f, f->page + at, n, offset);
        }
        from += n;
        offset += (uint32_t)n;
        len -= n;
    }
    f->has_page = f->has_page && rc == ACME_OK;
    return rc;
}

static int32_t flash_erase(void *ctx, uint32_t offset)
{
    struct acme_posix_flash *f = ctx;
    uint32_t left = f->geometry.sector_size;
    int32_t rc = ACME_OK;

    if (!is_within(f, offset, left) || offset % left != 0 || !is_whole(f)) {
        return ACME_ERR_STORE_IO;
    }
    f->has_page = false;
    memset(f->page, 0xff, sizeof(f->page));
    while (left > 0 && rc == ACME_OK) {
        uint32_t n = left < PAGE_LEN ? left : PAGE_LEN;

        rc = write_exactly(f, f->page, n, offset);
        offset += n;
        left -= n;
    }
    return rc;
}

static int32_t flash_sync(void *ctx)
{
    const struct acme_posix_flash *f = ctx;
    int ret;

    do {
        ret = fdatasync(f->fd);
    } while (ret != 0 && errno == EINTR);
    return ret == 0 ? ACME_OK : ACME_ERR_STORE_IO;
}

const struct acme_flash_ops acme_posix_flash_ops = {flash_geometry, flash_read, flash_program,
                                                    flash_erase, flash_sync};
