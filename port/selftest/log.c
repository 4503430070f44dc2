/*
 * The self-test of a log: a line of each level, for a person to look at.
 */
#include "checks.h"

void selftest_log(struct selftest *t)
{
    const struct acme_log_ops *log = t->port->log;

    if (log == NULL) {
        selftest_skipped(t, "log.write", "no log");
        return;
    }
    log->write(t->port->log_ctx, ACME_LOG_ERROR, "selftest: an error");
    log->write(t->port->log_ctx, ACME_LOG_WARNING, "selftest: a warning");
    log->write(t->port->log_ctx, ACME_LOG_INFO, "selftest: information");
    log->write(t->port->log_ctx, ACME_LOG_DEBUG, "selftest: for debugging");
    selftest_ok(t, "log.write", "look for four lines", 0);
}
