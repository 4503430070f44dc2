/*
 * The command line's DNS providers.
 */
#ifndef NANOACME_DNS_H
#define NANOACME_DNS_H

#include "acme/dns_resolver.h"
#include "cli.h"

/** Sets config->dns up as the options ask. CLI_OK, or an exit code after an error was printed. */
int cli_dns_open(const struct cli_options *o, struct acme_config *config);
/** "address[:port]" of the resolver: of --dns-resolver, or the system's first; NULL: none. */
const char *cli_dns_resolver(const struct cli_options *o);

/* ---- hook.c: a program that sets records ---- */

struct cli_hook;
extern const struct acme_dns_ops cli_hook_ops;
/** A provider that runs program, for at most so many seconds a call; resolver (or NULL) is asked
 * whether records show. */
struct cli_hook *cli_hook_init(const char *program, uint32_t seconds, acme_dns_resolver *resolver);

#endif
