/*
 * The certificates to work on.
 */
#ifndef NANOACME_REQUESTS_H
#define NANOACME_REQUESTS_H

#include "options.h"

/** One request for all --domain, or with --each one for each. */
void cli_requests_asked(const struct cli_options *o, struct acme_config *config);
/** None yet; then cli_requests_add adds them. */
void cli_requests_clear(struct acme_config *config);
/** A request as the stored certificate has it. names is a list with commas; it is copied. False
 * without memory. */
bool cli_requests_add(const struct cli_options *o, struct acme_config *config, const char *names,
                      const struct acme_cert_status *status);

#endif
