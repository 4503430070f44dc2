/*
 * What --help says.
 */
#ifndef NANOACME_USAGE_H
#define NANOACME_USAGE_H

#include <stdio.h>

#define CLI_DEFAULT_STORE "nanoacme.img"

void cli_usage(FILE *out);

#endif
