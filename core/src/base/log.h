/* Log lines, compiled out above CONFIG_ACME_LOG_LEVEL. */
#ifndef ACME_LOG_H
#define ACME_LOG_H

#include "acme/config.h"
#include "acme/port.h"

/** Writes "text", or "text detail", or "text detail (number)". Any of them may be NULL or 0. */
void acme_log_line(const struct acme_port *port, enum acme_log_level level, const char *text,
                   const char *detail, int32_t number);

#define ACME_LOG(port, level, text, detail, number)                                                \
    do {                                                                                           \
        if ((int)(level) <= CONFIG_ACME_LOG_LEVEL) {                                               \
            acme_log_line((port), (level), (text), (detail), (number));                            \
        }                                                                                          \
    } while (0)

#endif
