/*
 * The client and its port, for one command.
 */
#ifndef NANOACME_SESSION_H
#define NANOACME_SESSION_H

#include "acme_posix.h"
#include "events.h"
#include "options.h"

struct cli_session {
    const struct cli_options *options;
    struct acme_port port;
    struct acme_config config;
    struct cli_events events;
    acme_client *client;
};

/** Opens store, port and client. CLI_OK, or an exit code after an error was printed. */
int cli_session_open(struct cli_session *s, const struct cli_options *options);
/** Opens the client again, with the configuration as it is now. */
int cli_session_reopen(struct cli_session *s);
/** Waits until the network, a signal, or so many ms. Returns the signal that asked to stop, or 0.
 */
int cli_session_wait(uint32_t ms);
/** Drives the job that was started until it ends. Returns its error, or ACME_ERR_AGAIN when a
 * signal ended it. */
int32_t cli_session_drive(struct cli_session *s);
void cli_session_close(struct cli_session *s);

#endif
