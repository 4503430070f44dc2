/*
 * Which system calls this process may still make.
 */
#ifndef NANOACME_SYSCALLS_H
#define NANOACME_SYSCALLS_H

#include <stdbool.h>

/** From now on only those of the table, with those of the network where it is wanted. Returns
 * false, with errno, where the kernel cannot do it or the architecture is not known here. */
bool cli_syscalls_limit(bool network);

#endif
