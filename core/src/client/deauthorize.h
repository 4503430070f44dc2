/*
 * Takes back what was proven (RFC 8555 7.5.2). It must not know how an order is made.
 */
#pragma once

#include <stdint.h>

struct acme_client;

int32_t acme_enter_deauthorize(struct acme_client *c);
int32_t acme_reply_deauthorize(struct acme_client *c);
int32_t acme_problem_deauthorize(struct acme_client *c, int32_t error);
