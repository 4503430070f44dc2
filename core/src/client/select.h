/*
 * The choice of the certificate that is next. It must not know how one is obtained.
 */
#pragma once

#include <stdint.h>

struct acme_client;

int32_t acme_enter_select(struct acme_client *c);
