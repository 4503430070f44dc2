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
#include <unistd.h>

#include "exit.h"
#include "outfile.h"
#include "pem.h"
#include "say.h"

#define KEPT_VERSIONS 2

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
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, part == PART_KEY ? 0600 : 0644);
    out = fd < 0 ? NULL : fdopen(fd, "w");
    if (out == NULL) {
        cli_error("%s: %s", path, strerror(errno));
        return false;
    }
    good = write_part(client, slot, part, chain_count, out) == CLI_OK;
    if (fflush(out) != 0 || fsync(fd) != 0) {
        cli_error("%s: %s", path, strerror(errno));
        good = false;
    }
    return fclose(out) == 0 && good;
}

/* Certificate and key change together: they lie in a folder of their own, and the link to it is
 * replaced in one step. */
static bool publish(const char *home, const char *version)
{
    char link_path[CLI_PATH_SIZE], new_path[CLI_PATH_SIZE];

    if (!cli_make_path(link_path, home, "current") ||
        !cli_make_path(new_path, home, "current.new")) {
        return false;
    }
    (void)unlink(new_path);
    if (symlink(version, new_path) != 0 || rename(new_path, link_path) != 0) {
        cli_error("%s: %s", link_path, strerror(errno));
        return false;
    }
    return true;
}

static void remove_version(const char *home, const char *version)
{
    char folder[CLI_PATH_SIZE], path[CLI_PATH_SIZE];
    size_t i;

    if (!cli_make_path(folder, home, version)) {
        return;
    }
    for (i = 0; i < sizeof(part_names) / sizeof(part_names[0]); i++) {
        if (cli_make_path(path, folder, part_names[i])) {
            (void)unlink(path);
        }
    }
    (void)rmdir(folder);
}

static int is_version(const struct dirent *entry)
{
    return strncmp(entry->d_name, "at-", 3) == 0;
}

/* The versions before the last one: who reads them now has had the time. */
static void remove_old(const char *home)
{
    struct dirent **list;
    int i, count = scandir(home, &list, is_version, alphasort);

    for (i = 0; i < count; i++) {
        if (i + KEPT_VERSIONS < count) {
            remove_version(home, list[i]->d_name);
        }
        free(list[i]);
    }
    if (count >= 0) {
        free((void *)list);
    }
}

/* A name of the store is a checked DNS name; a wildcard's star would not do in a path. */
static void folder_name(const char *name, char out[260])
{
    (void)snprintf(out, 260, "%s", name);
    if (out[0] == '*') {
        out[0] = '_';
    }
}

static bool write_parts(acme_client *client, uint16_t slot, const struct acme_cert_status *status,
                        const char *folder)
{
    bool good = true;
    int part;

    for (part = PART_FULLCHAIN; good && part <= PART_KEY; part++) {
        if (part != PART_KEY || status->key_exportable) {
            good = write_one(client, slot, (enum part)part, status->chain_count, folder);
        }
    }
    return good;
}

bool cli_publish(acme_client *client, uint16_t slot, const char *name, const char *out_dir,
                 char home[CLI_PATH_SIZE])
{
    struct acme_cert_status status;
    char folder[CLI_PATH_SIZE], version[64], folder_of[260];

    (void)acme_cert_get_status(client, slot, &status);
    folder_name(name, folder_of);
    (void)snprintf(version, sizeof(version), "at-%020lld-%u", (long long)status.not_before_s,
                   (unsigned)(status.key_id & 1u));
    if (!make_folder(out_dir, 0755) || !cli_make_path(home, out_dir, folder_of) ||
        !make_folder(home, 0755) || !cli_make_path(folder, home, version) ||
        !make_folder(folder, 0755) || !write_parts(client, slot, &status, folder) ||
        !publish(home, version)) {
        return false;
    }
    remove_old(home);
    return true;
}
