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
int32_t acme_enter_terms(struct acme_client *c);
int32_t acme_reply_terms(struct acme_client *c);
int32_t acme_failed_terms(struct acme_client *c, int32_t error);

/** The CA does not seem to know the account: the step is tried again after a pause; the next time
 * the account is looked up by its key; after that, ACME_ERR_ACCOUNT_NONE. Counted in a job. */
int32_t acme_account_lost(struct acme_client *c);
/** The CA has deactivated the account: goes on with a new one and a new key, once in a job; the old
 * key and URL stay until that is stored. ACME_ERR_ACCOUNT, or what a new account lacks. */
int32_t acme_account_replace(struct acme_client *c);
