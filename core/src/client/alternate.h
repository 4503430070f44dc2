/*
 * The choice among the chains that a CA offers for one certificate (RFC 8555 7.4.2). It must not
 * know how a chain is checked or stored.
 */
#pragma once

#include "acme/config.h"

#include <stdbool.h>
#include <stdint.h>

struct acme_client;

/** A chain is stored: installs it, or fetches another that may suit better. */
int32_t acme_enter_chain_choice(struct acme_client *c);
int32_t acme_problem_chain(struct acme_client *c, int32_t error);
/** A chain could not be had, or is of no use. */
int32_t acme_failed_chain(struct acme_client *c, int32_t error);
