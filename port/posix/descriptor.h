/*
 * Descriptors that may hold a store.
 */
#ifndef ACME_POSIX_DESCRIPTOR_H
#define ACME_POSIX_DESCRIPTOR_H

#include <errno.h>
#include <unistd.h>

/** Takes a descriptor that was just opened. 0 to 2 are refused (-1, EBADF): they were closed when
 * the program began, and what it or a library prints would be written into the store. */
static inline int acme_posix_safe(int fd)
{
    if (fd >= 0 && fd <= STDERR_FILENO) {
        (void)close(fd);
        errno = EBADF;
        return -1;
    }
    return fd;
}

#endif
