/*
 * The choice among the chains that a CA offers for one certificate (RFC 8555 7.4.2). It must not
 * know how a chain is checked or stored.
 */
#pragma once

#include "acme/config.h"

#include <stdbool.h>
#include <stdint.h>

struct acme_client;

#if defined(CONFIG_ACME_ALTERNATE_CHAINS)
struct acme_chain_choice {
    uint16_t chains[CONFIG_ACME_ALTERNATES_MAX + 1]; /* URLs; the first is the CA's choice */
    uint8_t chains_count, chain_index;               /* the one that was fetched last */
    uint8_t best_index, best_count;
    bool chain_chosen;
};
#endif

/** A chain is stored: installs it, or fetches another that may suit better. */
int32_t acme_enter_chain_choice(struct acme_client *c);
int32_t acme_problem_chain(struct acme_client *c, int32_t error);
/** A chain could not be had, or is of no use. */
int32_t acme_failed_chain(struct acme_client *c, int32_t error);
