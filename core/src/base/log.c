/*
 * Builds a log line and hands it to the port. It must not know whether anybody reads it; whoever
 * calls it must not give it secrets.
 */
#include "base/log.h"

#include "base/buf.h"

void acme_log_line(const struct acme_port *port, enum acme_log_level level, const char *text,
                   const char *detail, int32_t number)
{
    char line[192];
    struct acme_buf b;

    if (port->log == NULL) {
        return;
    }
    acme_buf_init(&b, line, sizeof(line));
    acme_buf_add(&b, text);
    if (detail != NULL) {
        acme_buf_add_char(&b, ' ');
        acme_buf_add(&b, detail);
    }
    if (number != 0) {
        acme_buf_add(&b, " (");
        acme_buf_add_i64(&b, number);
        acme_buf_add_char(&b, ')');
    }
    port->log->write(port->log_ctx, level, line);
}
