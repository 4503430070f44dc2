/*
 * Files that may hold a secret.
 */
#ifndef NANOACME_FILE_H
#define NANOACME_FILE_H

#include <stdbool.h>
#include <stddef.h>

struct stat;
/** Reads at most size - 1 bytes of a file and NUL-terminates them; *st, unless NULL, is what the
 * system says of it. False with errno. */
bool cli_read_file(const char *path, char *text, size_t size, struct stat *st);

#endif
