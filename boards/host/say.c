/*
 * Lines on standard error. It must not know what the program is doing.
 */
#include "say.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "clean.h"

static bool is_quiet, colour;
static int verbosity;

void cli_say_init(bool quiet, int verbose)
{
    /* https://no-color.org */
    const char *no_color = getenv("NO_COLOR");

    is_quiet = quiet;
    verbosity = verbose;
    colour = isatty(STDERR_FILENO) != 0 && (no_color == NULL || *no_color == '\0');
}

static void print(const char *before, const char *format, va_list arguments)
{
    (void)fputs(before, stderr);
    cli_clean_vline(stderr, format, arguments);
}

void cli_error(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    print(colour ? "\033[31mnanoacme: error:\033[0m " : "nanoacme: error: ", format, arguments);
    va_end(arguments);
}

void cli_note(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    print("  ", format, arguments);
    va_end(arguments);
}

void cli_say(const char *format, ...)
{
    va_list arguments;

    if (is_quiet) {
        return;
    }
    va_start(arguments, format);
    print("nanoacme: ", format, arguments);
    va_end(arguments);
}

void cli_error_core(const char *what, int32_t error, const struct acme_problem *problem)
{
    cli_error("%s: %s (%s)", what, acme_error_text(error), acme_error_name(error));
    if (problem == NULL) {
        return;
    }
    cli_note("the CA says: %s%s%s%s%s%s [HTTP %u]", problem->type,
             problem->type[0] != '\0' ? ": " : "", problem->detail,
             problem->identifier[0] != '\0' ? " (" : "", problem->identifier,
             problem->identifier[0] != '\0' ? ")" : "", problem->status);
    if (problem->instance[0] != '\0') {
        cli_note("  go to %s", problem->instance);
    }
    if (problem->terms[0] != '\0') {
        cli_note("  its terms of service are at %s", problem->terms);
    }
}

static void log_write(void *ctx, enum acme_log_level level, const char *line)
{
    (void)ctx;
    if ((int)level <= ACME_LOG_WARNING + verbosity) {
        cli_note("%s", line);
    }
}

const struct acme_log_ops cli_log_ops = {log_write};
