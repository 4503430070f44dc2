/*
 * Internationalized names arrive as A-labels (RFC 5890). This looks whether an A-label is one:
 * whether what follows "xn--" is Punycode (RFC 3492). It converts nothing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/** Whether a label of letters, digits and hyphens (at most 63) may stand in a name: one with
 * hyphens in third and fourth place is an A-label ("xn--"), and then decodes to code points of
 * Unicode, one of them at least beyond ASCII. */
bool acme_idn_is_label(const char *label, size_t len);
