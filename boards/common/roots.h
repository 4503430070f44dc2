/*
 * The CA's roots on a board. A vendor's signed bundle comes before those that were typed at the
 * console, and these before those that are compiled in. A bundle is kept twice: a new one is
 * written beside the one in use, counts when its signature was found good, and is on trial until
 * the CA was reached with it; so a power cut leaves the old one or the new one, and a vendor's
 * error leaves the way back. Its version is higher than that of any bundle that is kept. It must
 * not know where bundles come from.
 */
#ifndef ROOTS_H
#define ROOTS_H

#include <stdbool.h>
#include <stdint.h>

#include "acme/client.h"
#include "settings.h"

/** What is compiled in; scripts/roots writes it. Without it there are no roots, and no key: then no
 * bundle is taken. */
struct roots_build {
    const uint8_t *roots; /* DER, one after the other; or NULL */
    uint32_t len;
    const uint8_t *key; /* ACME_ROOTS_KEY_SIZE bytes; or NULL */
};
extern const struct roots_build roots_build;

enum roots_which { ROOTS_NEWEST, ROOTS_BEFORE };

/** Looks at what is kept; settings has the typed ones, and is lent. */
void roots_load(const struct settings *settings);
/** Those that are in force, or those before where the newest are on trial (else the same). Without
 * any the length is 0. */
struct acme_trust_anchor roots_anchor(enum roots_which which);
/** The typed ones, though there may be a bundle. */
struct acme_trust_anchor roots_typed(void);
/** The newest bundle's version; 0: there is none. */
uint32_t roots_version(void);
/** Whether the newest bundle has not yet led to the CA. */
bool roots_on_trial(void);
/** It has; from now on those before are not used. False: the flash refused, it stays on trial. */
bool roots_confirm(void);
/** Forgets all bundles: a person has typed others. */
bool roots_forget(void);

/** A new bundle comes: makes room for it. NULL, or what is wrong. */
const char *roots_begin(void);
/** More of it. NULL, or what is wrong: then roots_begin is next. */
const char *roots_add(const uint8_t *data, uint32_t len);
/** It is there: checks it, with a client that is open, and makes it the newest, on trial. ACME_OK,
 * or an error of acme_roots_check: then everything is as before. */
int32_t roots_end(const struct acme_port *port);

/** acme_port.read_anchor. */
int32_t roots_read(void *ctx, const uint8_t *at, void *to, size_t len);

#endif
