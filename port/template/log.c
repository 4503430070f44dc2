/*
 * acme_log_ops: to be written, or left out (acme_port.log may be NULL).
 */
#include "acme_template.h"

/* Write: the line and a line end to a serial line or a log. It must not block for long: drop lines
 * rather than wait for a slow reader. No secret ever comes here. */
static void write(void *ctx, enum acme_log_level level, const char *line)
{
    (void)ctx;
    (void)level;
    (void)line;
}

const struct acme_log_ops acme_template_log_ops = {write};
