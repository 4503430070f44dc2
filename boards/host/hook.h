/*
 * A program that sets records in the DNS.
 */
#ifndef NANOACME_HOOK_H
#define NANOACME_HOOK_H

#include "acme/dns_resolver.h"

struct cli_hook;
extern const struct acme_dns_ops cli_hook_ops;
/** A provider that runs program, for at most so many seconds a call; resolver (or NULL) is asked
 * whether records show. */
struct cli_hook *cli_hook_init(const char *program, uint32_t seconds, acme_dns_resolver *resolver);

#endif
