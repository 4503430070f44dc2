/*
 * What lookup.c, ask.c and question.c have between themselves; all of it in lwIP's context, but the
 * stages, which are changed under lwIP's lightweight protection.
 */
#pragma once

#include "acme_lwip.h"

/** Stages of a look-up. */
enum acme_lwip_stage {
    ACME_LWIP_STAGE_FREE = 0,
    ACME_LWIP_STAGE_ASKING,
    ACME_LWIP_STAGE_ENDING /**< given up: lwIP has to let go of it */
};

/** What a reply says to a question. */
enum acme_lwip_verdict {
    ACME_LWIP_REPLY_FOREIGN,   /**< it is another question's, or none */
    ACME_LWIP_REPLY_FAILED,    /**< the server cannot tell */
    ACME_LWIP_REPLY_TRUNCATED, /**< there is more, and room for it in the list */
    ACME_LWIP_REPLY_WHOLE      /**< it is all that there is, or all that is wanted */
};

/** Whether the host can be a name of the DNS, of len characters. */
bool acme_lwip_is_name(const char *host, size_t len);
/** A buffer to be freed with a family's question behind room bytes; NULL: lwIP has no memory. */
struct pbuf *acme_lwip_question_write(const struct acme_lwip_lookup *lookup, size_t family,
                                      uint16_t room);
/** Reads a reply, or the first part of one, from an offset on. If it belongs to the family's
 * question and is no failure, its addresses become the list. */
enum acme_lwip_verdict acme_lwip_question_read(struct acme_lwip_lookup *lookup, size_t family,
                                               const struct pbuf *reply, uint16_t start);
/** Under protection. */
void acme_lwip_set_stage(struct acme_lwip_lookup *lookup, uint8_t stage);
