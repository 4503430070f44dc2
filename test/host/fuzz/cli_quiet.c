/*
 * What the command line's files need of one another, without a word on the terminal.
 */
#include "cli.h"

void cli_error(const char *format, ...)
{
    (void)format;
}

void cli_error_core(const char *what, int32_t error, const struct acme_problem *problem)
{
    (void)what;
    (void)error;
    (void)problem;
}

void cli_usage(FILE *out)
{
    (void)out;
}

/* options.c has the real one. */
__attribute__((weak)) const char *cli_key_type_name(uint8_t key_type)
{
    return key_type == 0 ? "p256" : "other";
}
