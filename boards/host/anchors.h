/*
 * Roots from PEM files.
 */
#ifndef NANOACME_ANCHORS_H
#define NANOACME_ANCHORS_H

#include "acme/client.h"

/** Reads the certificates of a PEM file as trust anchors; they live as long as the process. Returns
 * their count, or -1 after an error was printed. */
int cli_read_anchors(const char *path, const struct acme_trust_anchor **anchors);

#endif
