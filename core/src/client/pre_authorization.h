/*
 * Authorizations before an order (RFC 8555 7.4.1). It must not know how one is proven.
 */
#pragma once

#include <stdint.h>

struct acme_client;

int32_t acme_enter_new_authorization(struct acme_client *c);
int32_t acme_reply_new_authorization(struct acme_client *c);
