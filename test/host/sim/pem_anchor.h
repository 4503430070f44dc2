/*
 * Reads the one certificate of a small PEM file, for test programs that need a trust anchor. Ends
 * the program when it cannot.
 */
#ifndef PEM_ANCHOR_H
#define PEM_ANCHOR_H

#include <stddef.h>

/** Decodes into der; returns its length. */
size_t pem_anchor_read(const char *path, unsigned char *der, size_t size);

#endif
