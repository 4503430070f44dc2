/*
 * What this process gives up before it meets what others have written.
 */
#ifndef NANOACME_CONFINE_H
#define NANOACME_CONFINE_H

#include "options.h"

/** Gives up what the command does not need: files, listening ports, system calls. What the kernel
 * cannot take away is said at -v. Once, when the files of the options are open, and before there
 * are threads. */
void cli_confine(const struct cli_options *o);

#endif
