/*
 * The pool of texts that the CA sent and that are needed again: URLs, tokens, records. A text is
 * named by its offset. It must not know what a text is for.
 */
#pragma once

#include "acme/client.h"

struct acme_client;

/** The first text is the empty one, so that the offset 0 means "none". */
#define ACME_POOL_START 1u

/** Copies a string into the pool; *offset names it. ACME_ERR_LIMIT. */
int32_t acme_pool_add(struct acme_client *c, const char *text, uint16_t *offset);
/** The same for a URL, which must be an https one: ACME_ERR_FIELD (NULL), ACME_ERR_URL. */
int32_t acme_pool_add_url(struct acme_client *c, const char *url, uint16_t *offset);
const char *acme_pool_get(const struct acme_client *c, uint16_t offset);
