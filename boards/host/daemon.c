/*
 * The command `daemon`: sleeps until the core wants to work, and hands new certificates on, as
 * files and to a program. It must not know when a certificate is due, or why.
 */
#include "cli.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define WAIT_MAX_MS   30000u /* a wall clock may be set meanwhile */
#define HOOK_SECONDS  120
#define PATH_SIZE     4096
#define KEPT_VERSIONS 2

extern char **environ;

/* ---- files ---- */

static bool make_path(char *out, const char *folder, const char *name)
{
    if (snprintf(out, PATH_SIZE, "%s/%s", folder, name) >= PATH_SIZE) {
        cli_error("%s/%s: the name is too long", folder, name);
        return false;
    }
    return true;
}

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

static int write_part(struct cli_session *s, uint16_t slot, enum part part, uint8_t chain_count,
                      FILE *out)
{
    switch (part) {
    case PART_FULLCHAIN:
        return cli_pem_write_chain(s, slot, 0, chain_count, out);
    case PART_CERT:
        return cli_pem_write_chain(s, slot, 0, 1, out);
    case PART_CHAIN:
        return cli_pem_write_chain(s, slot, 1, chain_count, out);
    default:
        return cli_pem_write_key(s, slot, out);
    }
}

static bool write_one(struct cli_session *s, uint16_t slot, enum part part, uint8_t chain_count,
                      const char *folder)
{
    char path[PATH_SIZE];
    FILE *out;
    int fd;
    bool good;

    if (!make_path(path, folder, part_names[part])) {
        return false;
    }
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, part == PART_KEY ? 0600 : 0644);
    out = fd < 0 ? NULL : fdopen(fd, "w");
    if (out == NULL) {
        cli_error("%s: %s", path, strerror(errno));
        return false;
    }
    good = write_part(s, slot, part, chain_count, out) == CLI_OK;
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
    char link_path[PATH_SIZE], new_path[PATH_SIZE];

    if (!make_path(link_path, home, "current") || !make_path(new_path, home, "current.new")) {
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
    char folder[PATH_SIZE], path[PATH_SIZE];
    size_t i;

    if (!make_path(folder, home, version)) {
        return;
    }
    for (i = 0; i < sizeof(part_names) / sizeof(part_names[0]); i++) {
        if (make_path(path, folder, part_names[i])) {
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

static bool write_files(struct cli_session *s, uint16_t slot, char home[PATH_SIZE])
{
    struct acme_cert_status status;
    char folder[PATH_SIZE], version[64], name[260];
    bool good;
    int part;

    (void)acme_cert_get_status(s->client, slot, &status);
    folder_name(s->config.certs[slot].names[0], name);
    (void)snprintf(version, sizeof(version), "at-%020lld-%u", (long long)status.not_before_s,
                   (unsigned)(status.key_id & 1u));
    good = make_folder(s->options->out_dir, 0755) && make_path(home, s->options->out_dir, name) &&
           make_folder(home, 0755) && make_path(folder, home, version) && make_folder(folder, 0755);
    for (part = PART_FULLCHAIN; good && part <= PART_KEY; part++) {
        if (part != PART_KEY || status.key_exportable) {
            good = write_one(s, slot, (enum part)part, status.chain_count, folder);
        }
    }
    if (good && publish(home, version)) {
        remove_old(home);
        return true;
    }
    return false;
}

/* ---- the hook ---- */

static void await_hook(pid_t pid)
{
    int status = 0, tenths;

    for (tenths = 0; tenths < HOOK_SECONDS * 10; tenths++) {
        if (waitpid(pid, &status, WNOHANG) != 0) {
            break;
        }
        (void)usleep(100000);
    }
    if (tenths == HOOK_SECONDS * 10) {
        (void)kill(pid, SIGKILL);
        (void)waitpid(pid, &status, 0);
        cli_error("hook: not done after %d seconds; it was ended", HOOK_SECONDS);
    } else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        cli_error("hook: it failed with status %d", status);
    }
}

static void run_hook(struct cli_session *s, uint16_t slot, const char *home)
{
    char *argv[] = {(char *)(uintptr_t)s->options->hook, NULL};
    char current[PATH_SIZE];
    pid_t pid;
    int failed;

    (void)setenv("NANOACME_NAME", s->config.certs[slot].names[0], 1);
    (void)setenv("NANOACME_DIR",
                 home[0] != '\0' && make_path(current, home, "current") ? current : "", 1);
    failed = posix_spawnp(&pid, s->options->hook, NULL, NULL, argv, environ);
    if (failed != 0) {
        cli_error("hook %s: %s", s->options->hook, strerror(failed));
        return;
    }
    await_hook(pid);
}

/* ---- the loop ---- */

/* What cannot be handed on now is handed on at the next turn. */
static void hand_on(struct cli_session *s)
{
    uint16_t i;

    for (i = 0; i < s->config.certs_count; i++) {
        char home[PATH_SIZE] = "";

        if (!s->installed[i] || (s->options->out_dir != NULL && !write_files(s, i, home))) {
            continue;
        }
        s->installed[i] = false;
        if (s->options->hook != NULL) {
            run_hook(s, i, home);
        }
    }
}

/* What an earlier run got, and may not have handed on. */
static void note_stored(struct cli_session *s)
{
    uint16_t i;

    for (i = 0; i < s->config.certs_count; i++) {
        struct acme_cert_status status;

        s->installed[i] =
            acme_cert_get_status(s->client, i, &status) == ACME_OK && acme_cert_can_serve(&status);
    }
}

/* One job: what is due, or with a nudge everything, now. An exit code. */
static int work(struct cli_session *s, bool nudged)
{
    int code = nudged ? cli_session_look(s, true) : CLI_OK;

    if (code != CLI_OK) {
        return code;
    }
    if ((nudged ? acme_start(s->client) : acme_start_due(s->client)) == ACME_OK) {
        (void)cli_session_drive(s); /* its errors were events, and the core tries again */
    }
    return nudged ? cli_session_look(s, false) : CLI_OK;
}

int cli_daemon(struct cli_session *s)
{
    int code = CLI_OK;

    note_stored(s);
    while (code == CLI_OK && cli_session_wait(0) == 0) {
        bool nudged = cli_session_nudged();
        uint32_t pause_s = acme_next_wakeup_s(s->client);

        hand_on(s);
        if (pause_s == 0 || nudged) {
            code = work(s, nudged);
            hand_on(s);
            pause_s = 1; /* whatever happens, not in circles */
        }
        (void)cli_session_wait(pause_s < WAIT_MAX_MS / 1000u ? pause_s * 1000u : WAIT_MAX_MS);
    }
    return code;
}
