/*
 * The signals that a person sends: end, or look at once.
 */
#ifndef NANOACME_SIGNALS_H
#define NANOACME_SIGNALS_H

#include <stdbool.h>

/** From now on SIGINT and SIGTERM are noted, and SIGHUP where nudges is true. */
void cli_signals_init(bool nudges);
/** The signal that asked to stop, or 0. */
int cli_signal_stop(void);
/** Whether SIGHUP has come and was not taken yet. */
bool cli_signal_is_nudged(void);
/** Takes it: whether it came since the last call. */
bool cli_signal_take_nudge(void);

#endif
