/*
 * The client's configuration.
 */
#ifndef NANOACME_CONFIGURE_H
#define NANOACME_CONFIGURE_H

#include "options.h"

/* The account key of --account-key has a number beside those of the core. */
#define CLI_ACCOUNT_KEY_ID (CONFIG_ACME_KEY_ID_BASE - 1)

/** Whether a command talks to anybody. */
bool cli_needs_network(enum cli_command command);
/** Fills in what the options say; config->port must be set. CLI_OK, or an exit code after an error
 * was printed. */
int cli_configure(const struct cli_options *o, struct acme_config *config);

#endif
