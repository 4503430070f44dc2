/*
 * The command `export`.
 */
#ifndef NANOACME_EXPORT_H
#define NANOACME_EXPORT_H

#include "session.h"

/** Writes the stored chain (or the key, where asked and allowed) to --out or stdout. */
int cli_export(struct cli_session *s);

#endif
