/*
 * The command line's DNS providers.
 */
#ifndef NANOACME_DNS_H
#define NANOACME_DNS_H

#include "options.h"

/** Sets config->dns up as the options ask. CLI_OK, or an exit code after an error was printed. */
int cli_dns_open(const struct cli_options *o, struct acme_config *config);
/** "address[:port]" of the resolver: of --dns-resolver, or the system's first; NULL: none. */
const char *cli_dns_resolver(const struct cli_options *o);

#endif
