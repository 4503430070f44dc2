/*
 * The account (RFC 8555 7.3): found, made, found again. It must not know orders.
 */
#pragma once

#include <stdint.h>

struct acme_client;

int32_t acme_enter_account(struct acme_client *c);
int32_t acme_enter_new_account(struct acme_client *c);
int32_t acme_reply_new_account(struct acme_client *c);
int32_t acme_problem_new_account(struct acme_client *c, int32_t error);
int32_t acme_enter_account_ready(struct acme_client *c);

/** The account is unknown to the CA: forgets its URL, and starts over with newAccount, once in a
 * job. ACME_ERR_ACCOUNT_NONE. */
int32_t acme_account_lost(struct acme_client *c);
/** The CA has deactivated the account: goes on with a new one and a new key, once in a job.
 * ACME_ERR_ACCOUNT. */
int32_t acme_account_replace(struct acme_client *c);
