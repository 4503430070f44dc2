/*
 * Hands a certificate on as files: a folder of its own for each version, and a link to the one that
 * is current. It must not know when a certificate is new.
 */
#include "publish.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include "exit.h"
#include "file.h"
#include "outfile.h"
#include "pem.h"
#include "say.h"

#define PARTS        (sizeof(part_names) / sizeof(part_names[0]))
#define VERSION_SIZE 32
#define VERSION      "at-%020llu"
#define TRIES        100 /* for a name that nobody else has taken */

static bool make_folder(const char *path, mode_t mode)
{
    if (mkdir(path, mode) == 0 || errno == EEXIST) {
        return true;
    }
    cli_error("%s: %s", path, strerror(errno));
    return false;
}

enum part { PART_FULLCHAIN, PART_CERT, PART_CHAIN, PART_KEY };

static const char *const part_names[] = {"fullchain.pem", "cert.pem", "chain.pem", "privkey.pem"};

static int write_part(acme_client *client, uint16_t slot, enum part part, uint8_t chain_count,
                      FILE *out)
{
    switch (part) {
    case PART_FULLCHAIN:
        return cli_pem_write_chain(client, slot, 0, chain_count, out);
    case PART_CERT:
        return cli_pem_write_chain(client, slot, 0, 1, out);
    case PART_CHAIN:
        return cli_pem_write_chain(client, slot, 1, chain_count, out);
    default:
        return cli_pem_write_key(client, slot, out);
    }
}

static bool fail(const char *path)
{
    cli_error("%s: %s", path, strerror(errno));
    return false;
}

/* Writes one file of a version, which must not be there yet. */
static bool write_one(acme_client *client, uint16_t slot, enum part part, uint8_t chain_count,
                      const char *folder)
{
    char path[CLI_PATH_SIZE];
    FILE *out;
    int fd;
    bool good;

    if (!cli_make_path(path, folder, part_names[part])) {
        return false;
    }
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
              part == PART_KEY ? 0600 : 0644);
    out = fd < 0 ? NULL : fdopen(fd, "w");
    if (out == NULL) {
        return fail(path);
    }
    good = write_part(client, slot, part, chain_count, out) == CLI_OK;
    if (fflush(out) != 0 || fsync(fd) != 0) {
        good = fail(path);
    }
    return fclose(out) == 0 && good;
}

static bool write_parts(acme_client *client, uint16_t slot, const char *folder)
{
    struct acme_cert_status status;
    bool good = true;
    int part;

    (void)acme_cert_get_status(client, slot, &status);
    for (part = PART_FULLCHAIN; good && part <= PART_KEY; part++) {
        if (part != PART_KEY || status.key_exportable) {
            good = write_one(client, slot, (enum part)part, status.chain_count, folder);
        }
    }
    return good && (cli_sync_folder(folder) || fail(folder));
}

/* ---- versions ---- */

static int is_version(const struct dirent *entry)
{
    return strncmp(entry->d_name, "at-", 3) == 0;
}

/* The highest number of a version. Numbers go up, whatever clocks say. */
static unsigned long long newest_version(const char *home)
{
    struct dirent **list;
    int i, count = scandir(home, &list, is_version, NULL);
    unsigned long long newest = 0;

    for (i = 0; i < count; i++) {
        unsigned long long number = strtoull(list[i]->d_name + 3, NULL, 10);

        newest = number > newest && number < UINT64_MAX / 2 ? number : newest;
        free(list[i]);
    }
    if (count >= 0) {
        free((void *)list);
    }
    return newest;
}

/* Makes the folder of a new version: the owner's only, and made here, not found. */
static bool make_version(const char *home, char version[VERSION_SIZE], char folder[CLI_PATH_SIZE])
{
    unsigned long long number = newest_version(home);
    int i;

    for (i = 0; i < TRIES; i++) {
        (void)snprintf(version, VERSION_SIZE, VERSION, ++number);
        if (!cli_make_path(folder, home, version)) {
            return false;
        }
        if (mkdir(folder, S_IRWXU) == 0) {
            return true;
        }
        if (errno != EEXIST) {
            break;
        }
    }
    return fail(folder);
}

/* The folder itself, not where a link of that name leads: somebody else's files are not ours to
 * remove. */
static void remove_version(const char *home, const char *version)
{
    char folder[CLI_PATH_SIZE];
    int fd;
    size_t i;

    if (!cli_make_path(folder, home, version)) {
        return;
    }
    fd = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        return;
    }
    for (i = 0; i < PARTS; i++) {
        (void)unlinkat(fd, part_names[i], 0);
    }
    (void)close(fd);
    (void)rmdir(folder);
}

/* What `current` names, or "". */
static void read_current(const char *home, char version[CLI_PATH_SIZE])
{
    char path[CLI_PATH_SIZE];
    ssize_t len =
        cli_make_path(path, home, "current") ? readlink(path, version, CLI_PATH_SIZE - 1) : -1;

    version[len > 0 ? len : 0] = '\0';
}

/* The versions but for the one that is current and the one before: who reads others has had the
 * time. */
static void remove_old(const char *home, const char *before)
{
    char current[CLI_PATH_SIZE];
    struct dirent **list;
    int i, count = scandir(home, &list, is_version, NULL);

    read_current(home, current);
    for (i = 0; i < count; i++) {
        const char *name = list[i]->d_name;

        if (current[0] != '\0' && strcmp(name, current) != 0 && strcmp(name, before) != 0) {
            remove_version(home, name);
        }
        free(list[i]);
    }
    if (count >= 0) {
        free((void *)list);
    }
}

/* ---- current ---- */

/* Whether two files have the same bytes. Neither: so, too. */
static bool is_same_file(const char *a, const char *b)
{
    static char text_a[65536], text_b[65536];
    struct stat st_a, st_b;
    bool has_a = cli_read_file(a, text_a, sizeof(text_a), &st_a);
    bool has_b = cli_read_file(b, text_b, sizeof(text_b), &st_b);
    bool same = has_a == has_b;

    if (has_a && has_b) {
        same = st_a.st_size == st_b.st_size && (size_t)st_a.st_size == strlen(text_a) &&
               strcmp(text_a, text_b) == 0;
    }
    explicit_bzero(text_a, sizeof(text_a)); /* one is a key */
    explicit_bzero(text_b, sizeof(text_b));
    return same;
}

static bool is_current(const char *home, const char *folder)
{
    char current[CLI_PATH_SIZE], a[CLI_PATH_SIZE], b[CLI_PATH_SIZE];
    bool same = cli_make_path(current, home, "current");
    size_t i;

    for (i = 0; same && i < PARTS; i++) {
        same = cli_make_path(a, current, part_names[i]) &&
               cli_make_path(b, folder, part_names[i]) && is_same_file(a, b);
    }
    return same;
}

/* Certificate and key change together: they lie in a folder of their own, and the link to it is
 * replaced in one step. */
static bool make_current(const char *home, const char *version)
{
    char link_path[CLI_PATH_SIZE], new_path[CLI_PATH_SIZE];

    if (!cli_make_path(link_path, home, "current") ||
        !cli_make_path(new_path, home, "current.new")) {
        return false;
    }
    (void)unlink(new_path);
    if (symlink(version, new_path) != 0 || rename(new_path, link_path) != 0 ||
        !cli_sync_folder(home)) {
        return fail(link_path);
    }
    return true;
}

/* A name of the store is a checked DNS name; a wildcard's star would not do in a path. */
static void folder_name(const char *name, char out[260])
{
    (void)snprintf(out, 260, "%s", name);
    if (out[0] == '*') {
        out[0] = '_';
    }
}

/* Everything is written into a version of its own first. If that is what `current` has already, as
 * after a restart, nobody sees a change. */
static bool write_version(acme_client *client, uint16_t slot, const char *home)
{
    char folder[CLI_PATH_SIZE], version[VERSION_SIZE], before[CLI_PATH_SIZE];
    bool good, same;

    if (!make_version(home, version, folder)) {
        return false;
    }
    read_current(home, before);
    good = write_parts(client, slot, folder);
    same = good && is_current(home, folder);
    if (good && !same) {
        good = make_current(home, version);
    }
    if (!good || same) {
        remove_version(home, version);
    } else {
        remove_old(home, before);
    }
    return good;
}

bool cli_publish(acme_client *client, uint16_t slot, const char *name, const char *out_dir,
                 char home[CLI_PATH_SIZE])
{
    char folder[260];

    folder_name(name, folder);
    return make_folder(out_dir, 0755) && cli_make_path(home, out_dir, folder) &&
           make_folder(home, 0755) && write_version(client, slot, home);
}
