/*
 * The command `doctor`.
 */
#ifndef NANOACME_DOCTOR_H
#define NANOACME_DOCTOR_H

#include "session.h"

/** Looks for what stands in the way of a run with these options, and shows it on stdout. CLI_OK:
 * nothing does; CLI_SOME_FAILED: something does; or another exit code. */
int cli_doctor(struct cli_session *s);

#endif
