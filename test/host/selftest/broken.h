/*
 * Ports that break one promise of acme/port.h each: the self-test must find every one.
 */
#ifndef BROKEN_H
#define BROKEN_H

#include <stdbool.h>

#include "acme/port.h"

/** Makes *port one over port/posix and *flash_ops that breaks the promise of this name ("none":
 * none). False: no such name. */
bool broken_port(const char *name, const struct acme_flash_ops *flash_ops, void *flash_ctx,
                 struct acme_port *port);

#endif
