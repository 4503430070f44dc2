/*
 * Log lines for the port. Those above CONFIG_ACME_LOG_LEVEL are not compiled. It knows no rooms:
 * each says in its text who it is.
 */
#pragma once

#include "acme/config.h"
#include "acme/port.h"

/** Writes "text", "text detail" or "text detail (number)": without the detail where it is NULL,
 * without the number where it is 0. What would
 * make the line longer than 191 characters is left out. */
void acme_log_line(const struct acme_port *port, enum acme_log_level level, const char *text,
                   const char *detail, int32_t number);

#define ACME_LOG(port, level, text, detail, number)                                                \
    do {                                                                                           \
        if ((int)(level) <= CONFIG_ACME_LOG_LEVEL) {                                               \
            acme_log_line((port), (level), (text), (detail), (number));                            \
        }                                                                                          \
    } while (0)
