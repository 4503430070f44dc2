/*
 * What goes to standard error: errors, progress, the core's log.
 */
#ifndef NANOACME_SAY_H
#define NANOACME_SAY_H

#include <stdbool.h>

#include "acme/port.h"
#include "acme/client.h"

/** quiet: errors only. verbose: how many -v there were. */
void cli_say_init(bool quiet, int verbose);
/** "nanoacme: error: ..." */
void cli_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
/** A line that belongs to the error before it: "  ..." */
void cli_note(const char *format, ...) __attribute__((format(printf, 1, 2)));
/** An error of the core, with what to do next. */
void cli_error_core(const char *what, int32_t error, const struct acme_problem *problem);
/** A line of progress, unless quiet. */
void cli_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

extern const struct acme_log_ops cli_log_ops;

#endif
