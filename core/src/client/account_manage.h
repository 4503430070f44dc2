/*
 * What is done to an account that there is. It must not know how an account is made.
 */
#pragma once

#include <stdint.h>

struct acme_client;

int32_t acme_enter_account_update(struct acme_client *c);
int32_t acme_reply_account_update(struct acme_client *c);
int32_t acme_enter_account_deactivate(struct acme_client *c);
int32_t acme_reply_account_deactivate(struct acme_client *c);
int32_t acme_problem_account_deactivate(struct acme_client *c, int32_t error);
