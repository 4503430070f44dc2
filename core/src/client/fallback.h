/*
 * Other CAs: when the one in use does not deliver a certificate that is urgent enough, the job goes
 * on with the next. It must not know how a certificate is obtained.
 */
#pragma once

#include "acme/client.h"

struct acme_client;

#if defined(CONFIG_ACME_FALLBACK)
/** Turns to the first CA, when a job begins. ACME_ERR_CERT_PARSE, ACME_ERR_STORE_*. */
int32_t acme_fallback_reset(struct acme_client *c);
/** The anchors in use are the first CA's from now on; it must be the one in use. */
void acme_fallback_keep_anchors(struct acme_client *c);
#else
static inline int32_t acme_fallback_reset(struct acme_client *c)
{
    (void)c;
    return ACME_OK;
}
static inline void acme_fallback_keep_anchors(struct acme_client *c)
{
    (void)c;
}
#endif

/** At the end of a job: another CA, or idle. */
int32_t acme_enter_next_ca(struct acme_client *c);
