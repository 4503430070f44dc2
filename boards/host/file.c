/*
 * Files that may hold a secret: read past stdio, whose buffers nobody wipes. It must not know what
 * is in them.
 */
#include "file.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool cli_read_file(const char *path, char *text, size_t size, struct stat *st)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t len = 0;
    ssize_t n;

    if (fd < 0) {
        return false;
    }
    while (len < size - 1 && (n = read(fd, text + len, size - 1 - len)) > 0) {
        len += (size_t)n;
    }
    text[len] = '\0';
    if (st != NULL && fstat(fd, st) != 0) {
        memset(st, 0, sizeof(*st));
    }
    (void)close(fd);
    return true;
}
