/*
 * What fuzz targets that play one side of a conversation share: the input as a script that is read
 * byte by byte, and an HTTP reply that the script spoils. It knows HTTP's framing and the look of
 * JSON, not ACME.
 */
#ifndef FUZZ_SCRIPT_H
#define FUZZ_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "check.h"

struct script {
    const uint8_t *data;
    size_t len;
};

/** The next byte; 0 when the script has ended. */
uint8_t script_byte(struct script *s);
/** The next two bytes. */
uint16_t script_word(struct script *s);
/** The next bytes, a length in front of them; *len is what there is. */
const uint8_t *script_bytes(struct script *s, size_t *len);

/** A whole HTTP response in a buffer. */
struct spoiled {
    char *text;
    size_t len, size;
    bool close; /* the connection ends after it */
    bool lied;  /* its Date is no longer the CA's */
};

/** Spoils the reply in the way that the script says next. kept is an earlier reply, to be said
 * again; its length may be 0. */
void script_spoil(struct script *s, struct spoiled *r, const char *kept, size_t kept_len);

#endif
