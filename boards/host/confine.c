/*
 * Gives up, once the files are open, what a command does not need: with Landlock the files that may
 * be opened and the ports that may be listened at, with seccomp the system calls (syscalls.c). What
 * is open stays open. The tables here and there are all that is known of the commands; each line is
 * a right that is kept. A kernel without the one or the other costs a line at -v, and nothing else.
 */
#include "confine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "configure.h"
#include "outfile.h"
#include "say.h"
#include "syscalls.h"

static void say(const char *format, const char *what, int why)
{
    char line[200];

    (void)snprintf(line, sizeof(line), format, what, strerror(why));
    cli_log_ops.write(NULL, ACME_LOG_INFO, line);
}

#if defined(__linux__) && !defined(NANOACME_UNCONFINED)

#include <sys/prctl.h>
#include <sys/syscall.h>

/* ---- Landlock: the kernel's interface ----
 * Documentation/userspace-api/landlock.rst. Headers of older kernels know less than the kernel
 * that runs. */

#define CREATE_RULESET  444
#define ADD_RULE        445
#define RESTRICT_SELF   446
#define ASK_VERSION     1u
#define RULE_PATH       1
#define RULE_PORT       2
#define SCOPED_ABSTRACT 1u /* no abstract sockets of others */
#define SCOPED_SIGNAL   2u /* no signals to others */

enum {
    FS_WRITE_FILE = 1 << 1,
    FS_READ_FILE = 1 << 2,
    FS_READ_DIR = 1 << 3,
    FS_REMOVE_DIR = 1 << 4,
    FS_REMOVE_FILE = 1 << 5,
    FS_MAKE_DIR = 1 << 7,
    FS_MAKE_REG = 1 << 8,
    FS_MAKE_SYM = 1 << 12,
    FS_ALL_1 = (1 << 13) - 1, /* of version 1 */
    FS_REFER = 1 << 13,       /* of version 2 */
    FS_TRUNCATE = 1 << 14,    /* of version 3 */
    FS_IOCTL_DEV = 1 << 15,   /* of version 5 */
    NET_BIND = 1 << 0,        /* of version 4 */
};

struct ruleset {
    uint64_t fs, net, scoped;
};

struct path_rule {
    uint64_t rights;
    int32_t fd;
} __attribute__((packed));

struct port_rule {
    uint64_t rights, port;
};

/* ---- what is kept ---- */

enum { READ = FS_READ_FILE | FS_READ_DIR };
enum { REPLACE = READ | FS_WRITE_FILE | FS_TRUNCATE | FS_MAKE_REG | FS_REMOVE_FILE };
enum { PUBLISH = REPLACE | FS_MAKE_DIR | FS_MAKE_SYM | FS_REMOVE_DIR };
enum { WRITE = FS_WRITE_FILE | FS_TRUNCATE };
/* What is of a file, not of a folder. */
enum { OF_FILES = FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE | FS_IOCTL_DEV };

enum who { ONLINE, DAEMON }; /* every command with a network, or only that one */

/* To find names, and for the libraries that do it (nsswitch.conf(5)). A rule for a file is for the
 * file that is there now. Commands end before somebody replaces it; for the daemon it is the
 * folder. */
static const struct {
    const char *path;
    enum who who;
} readable[] = {
    {"/etc/resolv.conf", ONLINE},
    {"/etc/hosts", ONLINE},
    {"/etc/host.conf", ONLINE},
    {"/etc/nsswitch.conf", ONLINE},
    {"/etc/gai.conf", ONLINE},
    {"/etc/services", ONLINE},
    {"/etc/protocols", ONLINE},
    {"/etc/networks", ONLINE},
    {"/etc/localtime", ONLINE},
    {"/etc/ld.so.cache", ONLINE},
    {"/etc", DAEMON},
    {"/lib", ONLINE},
    {"/lib32", ONLINE},
    {"/lib64", ONLINE},
    {"/usr/lib", ONLINE},
    {"/usr/lib32", ONLINE},
    {"/usr/lib64", ONLINE},
    {"/usr/local/lib", ONLINE},
    {"/nix/store", ONLINE},
    {"/run/systemd/resolve", ONLINE}, /* where /etc/resolv.conf may lead */
    {"/run/resolvconf", ONLINE},
    {"/run/NetworkManager", ONLINE},
    {"/var/lib/sss/mc", ONLINE},
};

/* A path that is not there needs no rule. Of a rule that the kernel will not have, the right is
 * lost. */
static void allow_path(int rules, uint64_t handled, const char *path, uint64_t rights)
{
    struct path_rule rule = {.fd = open(path, O_PATH | O_CLOEXEC)};
    struct stat st;

    if (rule.fd < 0) {
        return;
    }
    rule.rights = rights & handled;
    if (fstat(rule.fd, &st) == 0 && !S_ISDIR(st.st_mode)) {
        rule.rights &= OF_FILES;
    }
    (void)syscall(ADD_RULE, rules, RULE_PATH, &rule, 0u);
    (void)close(rule.fd);
}

static void allow_reading(int rules, uint64_t handled, const struct cli_options *o)
{
    size_t i;

    for (i = 0; i < sizeof(readable) / sizeof(readable[0]); i++) {
        if (cli_needs_network(o->command) &&
            (readable[i].who == ONLINE || o->command == CLI_DAEMON)) {
            allow_path(rules, handled, readable[i].path, READ);
        }
    }
}

/* A file is written beside the old one and renamed, anything else in place; see outfile.c. */
static void allow_out(int rules, uint64_t handled, const char *path)
{
    char folder[CLI_PATH_SIZE], *slash, *real = realpath(path, NULL);
    struct stat st;

    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
        allow_path(rules, handled, path, WRITE);
    } else if (snprintf(folder, sizeof(folder), "%s", real != NULL ? real : path) <
               (int)sizeof(folder)) {
        slash = strrchr(folder, '/');
        if (slash != NULL) {
            slash[slash == folder ? 1 : 0] = '\0';
        }
        allow_path(rules, handled, slash != NULL ? folder : ".", REPLACE);
    }
    free(real);
}

static void allow_writing(int rules, uint64_t handled, const struct cli_options *o)
{
    if (o->command == CLI_EXPORT && o->out != NULL) {
        allow_out(rules, handled, o->out);
    }
    if (o->command == CLI_DAEMON && o->out_dir != NULL) {
        (void)mkdir(o->out_dir, 0755); /* there is no rule for what is not there */
        allow_path(rules, handled, o->out_dir, PUBLISH);
    }
}

/* The ports of http-01 and tls-alpn-01. Where a connection goes to the CA decides. */
static void allow_ports(int rules, const struct cli_options *o)
{
    struct port_rule http = {NET_BIND, o->http_port != 0 ? o->http_port : CONFIG_ACME_HTTP_PORT};
    struct port_rule tls = {NET_BIND, o->tls_port != 0 ? o->tls_port : CONFIG_ACME_TLS_PORT};

    if (cli_needs_network(o->command)) {
        (void)syscall(ADD_RULE, rules, RULE_PORT, &http, 0u);
        (void)syscall(ADD_RULE, rules, RULE_PORT, &tls, 0u);
    }
}

/* Returns whether it holds now; else errno says why not. */
static bool restrict_files(const struct cli_options *o)
{
    int version = (int)syscall(CREATE_RULESET, NULL, (size_t)0, ASK_VERSION);
    struct ruleset what = {.fs = FS_ALL_1};
    size_t known = sizeof(what.fs);
    int rules;
    bool done;

    if (version <= 0) {
        return false;
    }
    what.fs |= (version >= 2 ? FS_REFER : 0) | (version >= 3 ? FS_TRUNCATE : 0) |
               (version >= 5 ? FS_IOCTL_DEV : 0);
    if (version >= 4) {
        what.net = NET_BIND;
        known = version >= 6 ? sizeof(what) : sizeof(what.fs) + sizeof(what.net);
    }
    what.scoped = version >= 6 ? SCOPED_ABSTRACT | SCOPED_SIGNAL : 0;
    rules = (int)syscall(CREATE_RULESET, &what, known, 0u);
    if (rules < 0) {
        return false;
    }
    allow_reading(rules, what.fs, o);
    allow_writing(rules, what.fs, o);
    if (version >= 4) {
        allow_ports(rules, o);
    }
    done = syscall(RESTRICT_SELF, rules, 0u) == 0;
    (void)close(rules);
    return done;
}

void cli_confine(const struct cli_options *o)
{
    if (o->unconfined) {
        return;
    }
    /* Without it neither is for who is not root. No program gets more rights from its file. */
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (!restrict_files(o)) {
        say("not confined by %s: %s", "Landlock", errno);
    } else {
        cli_log_ops.write(NULL, ACME_LOG_DEBUG, "confined by Landlock");
    }
    if (!cli_syscalls_limit(cli_needs_network(o->command))) {
        say("not confined by %s: %s", "seccomp", errno);
    } else {
        cli_log_ops.write(NULL, ACME_LOG_DEBUG, "confined by seccomp");
    }
}

#else

void cli_confine(const struct cli_options *o)
{
    if (!o->unconfined) {
        say("not confined: %s: %s", "this build", ENOSYS);
    }
}

#endif
