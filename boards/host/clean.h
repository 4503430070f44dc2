/*
 * Text for a person's terminal, whoever wrote it.
 */
#ifndef NANOACME_CLEAN_H
#define NANOACME_CLEAN_H

#include <stdarg.h>
#include <stdio.h>

/** Writes text; what is no character to look at (control characters, marks that turn the direction
 * of writing, what is not UTF-8) is written as \xNN. */
void cli_clean_write(FILE *out, const char *text);
/** Likewise formatted, and a newline. */
void cli_clean_line(FILE *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
void cli_clean_vline(FILE *out, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

#endif
