/*
 * Whether a TXT record shows at the name servers of its zone: each of them is asked itself, since
 * the CA may ask any.
 */
#pragma once

#include "dns/lookup.h"

struct acme_dns_check {
    struct acme_dns_server resolver;
    struct acme_dns_server servers[CONFIG_ACME_DNS_SERVERS_MAX];
    uint16_t ns_port;
    uint8_t state, count, index, seen;
    uint8_t rounds;
    uint64_t pause_until_ms;
    const char *zone, *target;   /* lent */
    char ns[ACME_DNS_NAME_SIZE]; /* the name server whose address is looked for */
};

/** Starts: zone and target are lent until the end. Name servers listen on ns_port. Errors as
 * acme_dns_lookup_start. */
int32_t acme_dns_check_start(struct acme_dns_check *c, struct acme_dns_lookup *lookup,
                             struct acme_dns_client *client, const struct acme_dns_server *resolver,
                             uint16_t ns_port, const char *zone, const char *target);
/** ACME_OK: every name server that answers has the value. ACME_ERR_AGAIN: not yet; the caller ends
 * it when it takes too long. Errors are those of the resolver. */
int32_t acme_dns_check_poll(struct acme_dns_check *c, struct acme_dns_lookup *lookup,
                            const char *value, uint32_t *wait_ms);
