/*
 * The self-test of a port: which checks, in which order. It must not know the client.
 */
#include "checks.h"

static bool is_whole(const struct acme_port *port)
{
    return port != NULL && port->net != NULL && port->clock != NULL && port->entropy != NULL &&
           port->flash != NULL;
}

int32_t acme_selftest_run(const struct acme_port *port, const struct acme_selftest_options *options,
                          acme_selftest_report_fn report, void *report_ctx)
{
    struct selftest t = {
        .port = port, .options = options, .report = report, .report_ctx = report_ctx};

    if (options == NULL || report == NULL || !is_whole(port)) {
        return ACME_ERR_ARGUMENT;
    }
    selftest_entropy(&t); /* first, for its first draw after boot */
    selftest_clock(&t);
    selftest_log(&t);
    selftest_flash(&t);
    selftest_net(&t);
    selftest_say_sums(&t);
    return t.failed;
}
