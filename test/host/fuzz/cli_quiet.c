/*
 * What the command line's files need of one another, without a word on the terminal.
 */
#include "say.h"
#include "usage.h"

void cli_error(const char *format, ...)
{
    (void)format;
}

void cli_say(const char *format, ...)
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
