/*
 * Runs the programs of --hook and --dns-hook in a process that is there before the command line
 * opens a file or gives up its rights: programs have the rights that the user has. The process has
 * no store and no network. It is told which of the two to run, with which words, and nothing else:
 * the program itself is the one that stood on the command line. It ends when whom it serves does.
 */
#include "programs.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "outfile.h"

#define LOOK_MS 20 /* between two looks at a program that runs */

extern char **environ;

/* What is asked: to start a program, or to send a signal to the one that runs. */
struct order {
    int32_t signal; /* 0: start */
    uint8_t program;
    uint8_t words_count;
    char words[CLI_PROGRAM_WORDS][CLI_PATH_SIZE];
};

struct answer {
    int32_t error;
    int32_t status;
};

/* Whole, or not at all. Whoever is gone is an error, and no signal. */
static bool send_all(int fd, const void *data, size_t len)
{
    const char *p = data;

    while (len > 0) {
        ssize_t n = send(fd, p, len, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return false;
        }
        p += n;
        len -= (size_t)n;
    }
    return true;
}

static bool take_all(int fd, void *data, size_t len)
{
    char *p = data;

    while (len > 0) {
        ssize_t n = recv(fd, p, len, 0);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return false;
        }
        p += n;
        len -= (size_t)n;
    }
    return true;
}

/* ---- the process that runs them ---- */

struct runner {
    int fd;
    const char *programs[2];
    sigset_t usual; /* signals that do to a program what they do to any */
    pid_t child;    /* 0: none */
    enum cli_program which;
};

/* A DNS hook's input is empty and its output goes to standard error. It has a process group of its
 * own, so that its children end with it. */
static int spawn(struct runner *r, char *const argv[])
{
    bool apart = r->which == CLI_PROGRAM_DNS_HOOK;
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    int ret;

    (void)sigemptyset(&none);
    if (posix_spawn_file_actions_init(&actions) != 0) {
        return ENOMEM;
    }
    if (posix_spawnattr_init(&attributes) != 0) {
        (void)posix_spawn_file_actions_destroy(&actions);
        return ENOMEM;
    }
    (void)posix_spawnattr_setflags(&attributes,
                                   (short)((apart ? POSIX_SPAWN_SETPGROUP : 0) |
                                           POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF));
    (void)posix_spawnattr_setpgroup(&attributes, 0);
    (void)posix_spawnattr_setsigmask(&attributes, &none);
    (void)posix_spawnattr_setsigdefault(&attributes, &r->usual);
    if (apart) {
        (void)posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        (void)posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
    }
    ret = posix_spawnp(&r->child, argv[0], &actions, &attributes, argv, environ);
    (void)posix_spawnattr_destroy(&attributes);
    (void)posix_spawn_file_actions_destroy(&actions);
    return ret;
}

static bool start(struct runner *r, struct order *order)
{
    char *argv[CLI_PROGRAM_WORDS + 2] = {(char *)(uintptr_t)r->programs[order->program & 1]};
    struct answer answer = {0, 0};
    uint8_t i;

    r->which = (enum cli_program)(order->program & 1);
    if (argv[0] == NULL || r->child != 0 || order->words_count > CLI_PROGRAM_WORDS) {
        return false;
    }
    for (i = 0; i < order->words_count; i++) {
        order->words[i][CLI_PATH_SIZE - 1] = '\0';
        argv[i + 1] = order->words[i];
    }
    if (r->which == CLI_PROGRAM_HOOK) {
        (void)setenv("NANOACME_NAME", order->words[0], 1);
        (void)setenv("NANOACME_DIR", order->words[1], 1);
        argv[1] = NULL;
    }
    answer.error = spawn(r, argv);
    if (answer.error == 0) {
        return true;
    }
    r->child = 0;
    return send_all(r->fd, &answer, sizeof(answer));
}

static void send_signal(const struct runner *r, int number)
{
    if (r->child != 0) {
        (void)kill(r->which == CLI_PROGRAM_DNS_HOOK ? -r->child : r->child, number);
    }
}

static bool obey(struct runner *r)
{
    static struct order order;

    if (!take_all(r->fd, &order, sizeof(order))) {
        return false;
    }
    if (order.signal == 0) {
        return start(r, &order);
    }
    send_signal(r, order.signal);
    return true;
}

/* What a DNS hook leaves behind ends with it. */
static bool look(struct runner *r)
{
    struct answer answer = {0, 0};
    int status = 0;
    pid_t pid = waitpid(r->child, &status, WNOHANG);

    if (pid == 0 || (pid < 0 && errno == EINTR)) {
        return true;
    }
    if (r->which == CLI_PROGRAM_DNS_HOOK) {
        (void)kill(-r->child, SIGKILL);
    }
    r->child = 0;
    answer.error = pid < 0 ? errno : 0;
    answer.status = status;
    return send_all(r->fd, &answer, sizeof(answer));
}

static void serve(struct runner *r)
{
    struct pollfd at = {.fd = r->fd, .events = POLLIN};
    bool goes_on = true;

    while (goes_on) {
        int ready = poll(&at, 1, r->child != 0 ? LOOK_MS : -1);

        goes_on = ready <= 0 || obey(r);
        if (goes_on && r->child != 0) {
            goes_on = look(r);
        }
    }
    if (r->which == CLI_PROGRAM_DNS_HOOK) {
        send_signal(r, SIGKILL);
    }
}

/* Whoever ends the command line ends this process by that: it may have to end a program first. */
static void ignore_signals(struct runner *r)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    size_t i;

    (void)sigemptyset(&r->usual);
    for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        if (signal(numbers[i], SIG_IGN) != SIG_IGN) {
            (void)sigaddset(&r->usual, numbers[i]);
        }
    }
}

/* It has no use for secrets of the command line. */
static void wipe(char *secret)
{
    if (secret != NULL) {
        explicit_bzero(secret, strlen(secret));
    }
}

static void be_runner(const struct cli_options *o, int fd)
{
    static struct runner r;

    r.fd = fd;
    r.programs[CLI_PROGRAM_HOOK] = o->hook;
    r.programs[CLI_PROGRAM_DNS_HOOK] = o->dns.hook;
    wipe((char *)(uintptr_t)o->eab_hmac_key);
    wipe(o->dns.tsig_key);
    ignore_signals(&r);
    serve(&r);
    _exit(0);
}

/* ---- the process that wants them ---- */

static int runner_fd = -1;

bool cli_programs_init(const struct cli_options *o)
{
    int pair[2];
    pid_t pid;

    if (o->hook == NULL && o->dns.hook == NULL) {
        return true;
    }
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
        return false;
    }
    pid = fork();
    if (pid == 0) {
        (void)close(pair[0]);
        be_runner(o, pair[1]);
    }
    (void)close(pair[1]);
    if (pid < 0) {
        (void)close(pair[0]);
        return false;
    }
    runner_fd = pair[0];
    return true;
}

bool cli_program_start(enum cli_program which, const char *const *words)
{
    static struct order order;

    memset(&order, 0, sizeof(order));
    order.program = (uint8_t)which;
    for (; words[order.words_count] != NULL; order.words_count++) {
        size_t len = strlen(words[order.words_count]);

        if (order.words_count == CLI_PROGRAM_WORDS || len >= sizeof(order.words[0])) {
            return false;
        }
        memcpy(order.words[order.words_count], words[order.words_count], len);
    }
    return runner_fd >= 0 && send_all(runner_fd, &order, sizeof(order));
}

bool cli_program_wait(uint32_t ms, int *error, int *status)
{
    struct pollfd at = {.fd = runner_fd, .events = POLLIN};
    struct answer answer;

    if (poll(&at, 1, (int)ms) <= 0) {
        return false;
    }
    if (!take_all(runner_fd, &answer, sizeof(answer))) {
        answer.error = ECHILD; /* who was to run it is gone */
        answer.status = 0;
    }
    *error = answer.error;
    *status = answer.status;
    return true;
}

void cli_program_signal(int number)
{
    static struct order order;

    order.signal = number;
    (void)send_all(runner_fd, &order, sizeof(order));
}
