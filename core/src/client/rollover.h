/*
 * Another key for the account (RFC 8555 7.3.5). It must not know orders.
 */
#pragma once

#include <stdint.h>

struct acme_client;

int32_t acme_enter_key_change(struct acme_client *c);
int32_t acme_reply_key_change(struct acme_client *c);
int32_t acme_problem_key_change(struct acme_client *c, int32_t error);
int32_t acme_enter_key_probe(struct acme_client *c);
int32_t acme_reply_key_probe(struct acme_client *c);
int32_t acme_problem_key_probe(struct acme_client *c, int32_t error);
