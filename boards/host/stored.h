/*
 * Commands on certificates that are stored.
 */
#ifndef NANOACME_STORED_H
#define NANOACME_STORED_H

#include "session.h"

/** Opens the client again with one request for the stored certificate whose names are those of
 * --domain, no fewer and no more. CLI_OK, or an exit code after an error was printed: CLI_USAGE
 * where others have some of the names, which are listed; CLI_CONFIG where none has. */
int cli_stored_one(struct cli_session *s);
/** Likewise with a request for each stored certificate, or for those with one of the --domain. */
int cli_stored_all(struct cli_session *s);

#endif
