/*
 * The file that is the host's flash.
 */
#ifndef NANOACME_IMAGE_H
#define NANOACME_IMAGE_H

#include "acme_posix.h"
#include "options.h"

/** Opens --store, as the command may. CLI_OK, or an exit code after an error was printed. */
int cli_image_open(struct acme_posix_flash *flash, const struct cli_options *o);

#endif
