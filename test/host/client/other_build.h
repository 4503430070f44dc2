/*
 * Callers of the client that were compiled otherwise than its core, each in a file of its own: the
 * number OTHER of other_build.c.
 */
#ifndef OTHER_BUILD_H
#define OTHER_BUILD_H

#include <stddef.h>
#include <stdint.h>

struct acme_client;
struct acme_port;

/** What a caller is. */
struct other_build {
    const char *how;
    uint32_t build; /* ACME_BUILD as it sees it */
    /** acme_init with a configuration that has nothing but a port. */
    int32_t (*init)(struct acme_client **client, const struct acme_port *port, void *memory,
                    size_t memory_size);
};

#define OTHER_BUILDS 7
extern const struct other_build other_build_0, other_build_1, other_build_2, other_build_3,
    other_build_4, other_build_5, other_build_6;

#endif
