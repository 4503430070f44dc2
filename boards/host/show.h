/*
 * The results of commands, on standard output as text or JSON.
 */
#ifndef NANOACME_SHOW_H
#define NANOACME_SHOW_H

#include "session.h"

/** The results of a run; names the certificates' states. */
void cli_show_run(struct cli_session *s, int32_t result);
/* These return an exit code. */
int cli_show_list(struct cli_session *s);
int cli_show_account(struct cli_session *s);
int cli_show_store(struct cli_session *s);
int cli_show_next(struct cli_session *s);
/** What a person sets once in the DNS for the first --domain. */
int cli_show_dns_record(struct cli_session *s);

#endif
