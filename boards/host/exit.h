/*
 * Exit codes; documented in --help and in docs/cli.md.
 */
#ifndef NANOACME_EXIT_H
#define NANOACME_EXIT_H

#include <stdint.h>

enum cli_exit {
    CLI_OK = 0,
    CLI_SOME_FAILED = 1, /* some certificates were obtained, some were not */
    CLI_USAGE = 2,
    CLI_CONFIG = 3, /* configuration, files, store */
    CLI_NETWORK = 4,
    CLI_REFUSED = 5, /* the CA said no, or its answers were not acceptable */
    CLI_INTERNAL = 6
};

/** The exit code for an error of the core. */
int cli_exit_code(int32_t error);

#endif
