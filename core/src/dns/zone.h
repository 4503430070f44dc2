/*
 * Where a record has to be written: the end of the CNAMEs that start at a name, and the zone which
 * that is in (RFC 8555 8.4 lets the CA follow them, so the proof may live in another zone).
 */
#pragma once

#include "dns/lookup.h"

struct acme_dns_zone {
    uint8_t state;
    uint8_t hops;
    const char *asked;                /* the part of target that the SOA was asked for */
    char target[ACME_DNS_NAME_SIZE];  /* where the record has to be */
    char name[ACME_DNS_NAME_SIZE];    /* of the zone */
    char primary[ACME_DNS_NAME_SIZE]; /* its primary server, as the SOA names it */
};

/** Starts with a name at a resolver. Errors as acme_dns_lookup_start. */
int32_t acme_dns_zone_start(struct acme_dns_zone *z, struct acme_dns_lookup *lookup,
                            struct acme_dns_client *client, const struct acme_dns_server *resolver,
                            const char *name);
/** ACME_OK: target, name and primary are known. ACME_ERR_AGAIN, ACME_ERR_DNS_ZONE, ACME_ERR_LIMIT
 * (CNAMEs without end), or as acme_dns_lookup_poll. */
int32_t acme_dns_zone_poll(struct acme_dns_zone *z, struct acme_dns_lookup *lookup,
                           uint32_t *wait_ms);
