/*
 * Authorizations (RFC 8555 7.5): proving that the names are ours, one after the other, each in the
 * first way that works. It must not know how an order begins or ends, or how a challenge is met.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct acme_client;

int32_t acme_enter_next_authorization(struct acme_client *c);
int32_t acme_enter_authorization(struct acme_client *c);
int32_t acme_reply_authorization(struct acme_client *c);
int32_t acme_enter_authorization_wait(struct acme_client *c);

/** Whether a name has an ancestor (RFC 9444) that the CA will take proof of in its place. */
bool acme_authorization_has_ancestor(const struct acme_client *c, const char *name);
/** The CA took an early finalize: so the last authorization is valid. */
void acme_authorization_was_early(struct acme_client *c);
/** It did not: then the authorization is looked at again. ACME_ERR_POLL_LIMIT. */
int32_t acme_authorization_not_yet(struct acme_client *c);
