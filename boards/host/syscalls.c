/*
 * The system calls that are kept, as a seccomp filter made of one table. What is not in it does not
 * exist: it fails with ENOSYS, as it would on an older kernel, so that a libc that has learnt a new
 * call falls back on the one that it knew before. To become another program, or to reach into one,
 * nothing here ever tries: that ends the process. It must not know the commands.
 */
#include "syscalls.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#if defined(__linux__)
#include <sys/syscall.h>
#endif

#if defined(__linux__) && defined(__x86_64__) && !defined(__ILP32__)
#define OUR_ARCH 0xc000003eu /* AUDIT_ARCH_X86_64 */
#elif defined(__linux__) && defined(__i386__)
#define OUR_ARCH 0x40000003u
#elif defined(__linux__) && defined(__aarch64__) && defined(__AARCH64EL__) && !defined(__ILP32__)
#define OUR_ARCH 0xc00000b7u
#elif defined(__linux__) && defined(__arm__) && defined(__ARM_EABI__) && defined(__ARMEL__)
#define OUR_ARCH 0x40000028u
#elif defined(__linux__) && defined(__riscv) && __riscv_xlen == 64
#define OUR_ARCH 0xc00000f3u
#endif

#if defined(OUR_ARCH) && defined(__NR_seccomp)

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* One call: any, or the one whose argument number `argument` has `value` in the bits of `mask`. */
struct call {
    int number;
    uint8_t argument;
    uint32_t mask; /* 0: any */
    uint32_t value;
};

#define ANY(name)                                                                                  \
    {                                                                                              \
        __NR_##name, 0, 0, 0                                                                       \
    }
#define WHERE(name, argument, mask, value)                                                         \
    {                                                                                              \
        __NR_##name, argument, mask, value                                                         \
    }
#define ALL_BITS UINT32_MAX

// clang-format off
static const struct call always[] = {
    /* files; Landlock says which */
    ANY(read), ANY(write), ANY(readv), ANY(writev), ANY(pread64), ANY(pwrite64), ANY(close),
    ANY(openat), ANY(faccessat), ANY(readlinkat), ANY(mkdirat), ANY(unlinkat), ANY(symlinkat),
    ANY(renameat2), ANY(getdents64), ANY(fsync), ANY(fdatasync), ANY(ftruncate), ANY(fchmod),
    ANY(umask), ANY(dup), ANY(dup3), ANY(fcntl), ANY(fstat), ANY(statx),
    WHERE(ioctl, 1, ALL_BITS, TCGETS), WHERE(ioctl, 1, ALL_BITS, TIOCGWINSZ),
    WHERE(ioctl, 1, ALL_BITS, FIONREAD),
    /* memory */
    ANY(brk), ANY(munmap), ANY(mprotect), ANY(mremap), ANY(madvise), ANY(msync),
    /* time, and waiting for it */
    ANY(clock_gettime), ANY(clock_getres), ANY(clock_nanosleep), ANY(nanosleep), ANY(gettimeofday),
    ANY(ppoll), ANY(restart_syscall),
    /* itself */
    ANY(exit), ANY(exit_group), ANY(getpid), ANY(gettid), ANY(getuid), ANY(geteuid), ANY(getgid),
    ANY(getegid), ANY(rt_sigaction), ANY(rt_sigprocmask), ANY(rt_sigreturn), ANY(sigaltstack),
    ANY(futex), ANY(set_robust_list), ANY(sched_yield), ANY(sched_getaffinity), ANY(uname),
    ANY(prlimit64), ANY(getrandom),
#if defined(__NR_faccessat2)
    ANY(faccessat2),
#endif
#if defined(__NR_rseq)
    ANY(rseq),
#endif
#if defined(__NR_renameat)
    ANY(renameat),
#endif
#if defined(__NR_mmap)
    ANY(mmap),
#endif
#if defined(__NR_newfstatat)
    ANY(newfstatat),
#endif
#if defined(__NR_lseek)
    ANY(lseek),
#endif
#if defined(__NR_time)
    ANY(time),
#endif
#if defined(__NR_open) /* the older names: not on the newer architectures */
    ANY(open), ANY(stat), ANY(lstat), ANY(access), ANY(readlink), ANY(mkdir), ANY(rmdir),
    ANY(unlink), ANY(symlink), ANY(rename), ANY(dup2), ANY(poll),
#endif
#if defined(__NR_mmap2) /* 32 bits, with files and times of 64 */
    ANY(mmap2), ANY(fstat64), ANY(stat64), ANY(lstat64), ANY(fstatat64), ANY(fcntl64),
    ANY(ftruncate64), ANY(_llseek), ANY(getuid32), ANY(geteuid32), ANY(getgid32), ANY(getegid32),
    ANY(sigreturn),
#endif
#if defined(__NR_clock_gettime64)
    ANY(clock_gettime64), ANY(clock_getres_time64), ANY(clock_nanosleep_time64), ANY(ppoll_time64),
    ANY(futex_time64),
#endif
};

/* With threads: names are found in one. */
static const struct call for_network[] = {
    WHERE(socket, 0, ALL_BITS, AF_INET), WHERE(socket, 0, ALL_BITS, AF_INET6),
    WHERE(socket, 0, ALL_BITS, AF_UNIX), WHERE(socket, 0, ALL_BITS, AF_NETLINK),
    ANY(connect), ANY(bind), ANY(listen), ANY(accept4), ANY(getsockname), ANY(getpeername),
    ANY(sendto), ANY(recvfrom), ANY(sendmsg), ANY(recvmsg), ANY(sendmmsg), ANY(recvmmsg),
    ANY(setsockopt), ANY(getsockopt), ANY(shutdown),
    WHERE(clone, 0, CLONE_THREAD, CLONE_THREAD),
#if defined(__NR_accept)
    ANY(accept),
#endif
#if defined(__NR_send)
    ANY(send), ANY(recv),
#endif
#if defined(__NR_socketcall) /* all of the above in one; its arguments cannot be seen */
    ANY(socketcall),
#endif
};

static const struct call deadly[] = {
    ANY(execve), ANY(execveat), ANY(ptrace), ANY(process_vm_readv), ANY(process_vm_writev),
    ANY(mount), ANY(init_module), ANY(finit_module), ANY(bpf),
};
// clang-format on

/* ---- the filter ---- */

#define FILTER_MAX 1024

#define IS(value, skip)                                                                            \
    (struct sock_filter) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(value), 0, skip)
#define LOAD(offset)  (struct sock_filter) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(offset))
#define KEEP(mask)    (struct sock_filter) BPF_STMT(BPF_ALU | BPF_AND | BPF_K, mask)
#define ANSWER(value) (struct sock_filter) BPF_STMT(BPF_RET | BPF_K, value)

static struct sock_filter filter[FILTER_MAX];
static unsigned short filter_len;

static void add(struct sock_filter line)
{
    if (filter_len < FILTER_MAX) {
        filter[filter_len++] = line;
    }
}

/* The number of the call is loaded, before and after. */
static void add_call(const struct call *c, uint32_t answer)
{
    if (c->mask == 0) {
        add(IS(c->number, 1));
        add(ANSWER(answer));
        return;
    }
    add(IS(c->number, 5));
    add(LOAD(offsetof(struct seccomp_data, args) +
             sizeof(uint64_t) * c->argument)); /* its lower half */
    add(KEEP(c->mask));
    add(IS(c->value, 1));
    add(ANSWER(answer));
    add(LOAD(offsetof(struct seccomp_data, nr)));
}

static void add_calls(const struct call *calls, size_t count, uint32_t answer)
{
    size_t i;

    for (i = 0; i < count; i++) {
        add_call(&calls[i], answer);
    }
}

#define COUNT(calls) (sizeof(calls) / sizeof((calls)[0]))

bool cli_syscalls_limit(bool network)
{
    /* abort() is a signal to oneself. */
    const struct call to_itself = WHERE(tgkill, 0, ALL_BITS, (uint32_t)getpid());
    struct sock_fprog program = {.filter = filter};

    filter_len = 0;
    add(LOAD(offsetof(struct seccomp_data, arch)));
    add(IS(OUR_ARCH, 1));
    add((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JA, 1, 0, 0));
    add(ANSWER(SECCOMP_RET_KILL_PROCESS));
    add(LOAD(offsetof(struct seccomp_data, nr)));
    add_calls(always, COUNT(always), SECCOMP_RET_ALLOW);
    add_call(&to_itself, SECCOMP_RET_ALLOW);
    if (network) {
        add_calls(for_network, COUNT(for_network), SECCOMP_RET_ALLOW);
    }
    add_calls(deadly, COUNT(deadly), SECCOMP_RET_KILL_PROCESS);
    add(ANSWER(SECCOMP_RET_ERRNO | ENOSYS));
    program.len = filter_len;
    if (filter_len == FILTER_MAX) {
        errno = E2BIG;
        return false;
    }
    return syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER, 0u, &program) == 0;
}

#else

bool cli_syscalls_limit(bool network)
{
    (void)network;
    errno = ENOSYS;
    return false;
}

#endif
