/*
 * Code of an attacker in the command line, for test_confined.py: with LD_PRELOAD, in the place of
 * fclose(stdout), which is the last thing that each command does. It tries what a confined process
 * must not do, and says on standard error what came of each try. With PROBE_OLD_KERNEL the calls of
 * Landlock and seccomp are not there, as on a kernel that has them not.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* "try NAME 0", or the error. */
static void report(const char *name, long result)
{
    dprintf(STDERR_FILENO, "try %s %d\n", name, result < 0 ? errno : 0);
}

static void try_file(const char *name, const char *path, int flags)
{
    int fd = path != NULL ? open(path, flags, 0600) : -1;

    if (path != NULL) {
        report(name, fd);
    }
    if (fd >= 0) {
        close(fd);
    }
}

static void try_port(const char *text)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in at = {.sin_family = AF_INET};

    report("socket", fd);
    if (fd >= 0 && text != NULL) {
        at.sin_port = htons((unsigned short)atoi(text));
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        report("bind", bind(fd, (struct sockaddr *)&at, sizeof(at)));
        close(fd);
    }
    fd = socket(AF_PACKET, SOCK_RAW, 0);
    report("packet", fd);
}

static void try_fork(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        _exit(0);
    }
    report("fork", pid);
    if (pid > 0) {
        waitpid(pid, NULL, 0);
    }
}

static void probe(void)
{
    static char *const argv[] = {"true", NULL};

    try_file("read", getenv("PROBE_READ"), O_RDONLY);
    try_file("shadow", "/etc/shadow", O_RDONLY);
    try_file("memory", "/proc/self/mem", O_RDWR);
    try_file("write", getenv("PROBE_WRITE"), O_WRONLY);
    try_file("create", getenv("PROBE_CREATE"), O_WRONLY | O_CREAT | O_EXCL);
    try_file("allowed", getenv("PROBE_ALLOWED"), O_WRONLY | O_CREAT);
    if (getenv("PROBE_REMOVE") != NULL) {
        report("remove", unlink(getenv("PROBE_REMOVE")));
    }
    try_port(getenv("PROBE_PORT"));
    try_fork();
    report("signal", kill(getppid(), 0));
    if (getenv("PROBE_EXEC") != NULL) {
        dprintf(STDERR_FILENO, "try exec\n");
        execv("/bin/true", argv);
        report("exec", -1);
    }
}

int fclose(FILE *f)
{
    static int (*real)(FILE *);

    if (real == NULL) {
        *(void **)&real = dlsym(RTLD_NEXT, "fclose");
    }
    if (f == stdout && getenv("PROBE") != NULL &&
        strncmp(program_invocation_short_name, "nanoacme", 8) == 0) {
        unsetenv("PROBE");
        fflush(stdout);
        probe();
    }
    return real(f);
}

long syscall(long number, ...)
{
    static long (*real)(long, ...);
    long a[6];
    va_list list;
    int i;

    va_start(list, number);
    for (i = 0; i < 6; i++) {
        a[i] = va_arg(list, long);
    }
    va_end(list);
    if (real == NULL) {
        *(void **)&real = dlsym(RTLD_NEXT, "syscall");
    }
    if (getenv("PROBE_OLD_KERNEL") != NULL &&
        ((number >= 444 && number <= 446) || number == SYS_seccomp)) {
        errno = getenv("PROBE_OLD_KERNEL")[0] == 'd' ? EOPNOTSUPP : ENOSYS; /* disabled at boot */
        return -1;
    }
    return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
