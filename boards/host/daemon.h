/*
 * The command `daemon`.
 */
#ifndef NANOACME_DAEMON_H
#define NANOACME_DAEMON_H

#include "session.h"

/** Runs until a signal: keeps the certificates good, and hands new ones on. An exit code. */
int cli_daemon(struct cli_session *s);

#endif
