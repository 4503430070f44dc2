/*
 * A certificate and its key as files for other programs.
 */
#ifndef NANOACME_PUBLISH_H
#define NANOACME_PUBLISH_H

#include <stdbool.h>

#include "acme/client.h"
#include "outfile.h"

/** Writes the certificate of a slot into out_dir/NAME/current; home becomes out_dir/NAME. False
 * after an error was printed. */
bool cli_publish(acme_client *client, uint16_t slot, const char *name, const char *out_dir,
                 char home[CLI_PATH_SIZE]);

#endif
