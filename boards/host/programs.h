/*
 * The programs of --hook and --dns-hook, one at a time.
 */
#ifndef NANOACME_PROGRAMS_H
#define NANOACME_PROGRAMS_H

#include <stdbool.h>
#include <stdint.h>

#include "options.h"

enum cli_program { CLI_PROGRAM_HOOK, CLI_PROGRAM_DNS_HOOK };

#define CLI_PROGRAM_WORDS 3

/** Starts the process that runs them, if the options name any. Before a file of one's own is open.
 * Returns whether it runs, or is not needed. */
bool cli_programs_init(const struct cli_options *o);
/** Begins one. words: the arguments of a DNS hook; name and folder for the environment of a hook.
 * NULL ends them. Returns false when they are too long, or there is nobody to run it. */
bool cli_program_start(enum cli_program which, const char *const *words);
/** Waits at most so many ms for its end. Returns true when it is over: *error says why it could not
 * be started, or is 0; then *status is as waitpid has it. */
bool cli_program_wait(uint32_t ms, int *error, int *status);
/** Sends it a signal; a DNS hook's children get it, too. */
void cli_program_signal(int number);

#endif
