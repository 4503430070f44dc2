/*
 * Revocation (RFC 8555 7.6). It must not know how a certificate is obtained.
 */
#pragma once

#include <stdint.h>

struct acme_client;

int32_t acme_enter_revoke(struct acme_client *c);
int32_t acme_reply_revoke(struct acme_client *c);
int32_t acme_problem_revoke(struct acme_client *c, int32_t error);
int32_t acme_enter_revoke_replaced(struct acme_client *c);
int32_t acme_reply_revoke_replaced(struct acme_client *c);
int32_t acme_failed_revoke_replaced(struct acme_client *c, int32_t error);
