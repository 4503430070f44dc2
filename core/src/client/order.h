/*
 * Orders (RFC 8555 7.4): taken up or made, read, finalized, left. It must not know how a name is
 * proven, or how a certificate is stored.
 */
#pragma once

#include <stdint.h>

#include <psa/crypto.h>

struct acme_client;

int32_t acme_enter_new_order(struct acme_client *c);
int32_t acme_reply_new_order(struct acme_client *c);
int32_t acme_problem_new_order(struct acme_client *c, int32_t error);
int32_t acme_enter_order(struct acme_client *c);
int32_t acme_reply_order(struct acme_client *c);
int32_t acme_enter_order_wait(struct acme_client *c);
int32_t acme_enter_finalize(struct acme_client *c);
int32_t acme_reply_finalize(struct acme_client *c);
int32_t acme_problem_finalize(struct acme_client *c, int32_t error);
int32_t acme_enter_leave_order(struct acme_client *c);
int32_t acme_enter_order_again(struct acme_client *c);
int32_t acme_enter_order_gone(struct acme_client *c);

/** Takes up the current slot's order, or begins one. ACME_ERR_STORE_*. */
int32_t acme_order_take_up(struct acme_client *c);
