/*
 * `nanoacme store dump` on whatever an input says, as an image of the host and as one from a board:
 * it never crashes, and never hangs.
 */
#include <getopt.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "store_dump.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int fd = -1;
    char dump[] = "dump", sector[] = "--sector-size=256", unit[] = "--program-size=4", path[32];
    char json[] = "--json";
    char *argv[] = {dump, path, sector, unit, size % 2 == 0 ? json : NULL, NULL};

    if (fd < 0) {
        fd = memfd_create("image", 0);
        if (fd < 0 || freopen("/dev/null", "w", stdout) == NULL) {
            abort();
        }
    }
    if (ftruncate(fd, 0) != 0 || pwrite(fd, data, size, 0) != (ssize_t)size) {
        abort();
    }
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    optind = 0; /* getopt starts over */
    (void)cli_store_dump(size % 2 == 0 ? 5 : 4, argv, NULL);
    return 0;
}
