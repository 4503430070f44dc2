/*
 * Lookups: the records of one type at a name, along CNAMEs. It knows no zone and no use of them.
 */
#pragma once

#include "dns/client.h"

struct acme_dns_lookup {
    struct acme_dns_client *client;
    struct acme_dns_server server;
    uint16_t type;
    uint8_t hops;
    bool recursive;
    bool exists;                   /* the name has records, of this type or of another */
    struct acme_dns_reader reader; /* for next */
    char name[ACME_DNS_NAME_SIZE]; /* where CNAMEs have led to */
};

/** Starts to look at a server (lent client): recursive for a resolver. ACME_OK, ACME_ERR_NAME,
 * ACME_ERR_ARGUMENT (no server), ACME_ERR_CRYPTO. */
int32_t acme_dns_lookup_start(struct acme_dns_lookup *l, struct acme_dns_client *client,
                              const struct acme_dns_server *server, const char *name, uint16_t type,
                              bool recursive);
/** ACME_OK: the records are there for next, maybe none. ACME_ERR_AGAIN, with *wait_ms lowered.
 * ACME_ERR_DNS_SERVER (it failed), ACME_ERR_DNS_REFUSED, ACME_ERR_LIMIT (too many CNAMEs), and what
 * acme_dns_client_poll says. */
int32_t acme_dns_lookup_poll(struct acme_dns_lookup *l, uint32_t *wait_ms);
/** The next record of the name and type: ACME_OK, ACME_ERR_NOT_FOUND. l->reader has its message. */
int32_t acme_dns_lookup_next(struct acme_dns_lookup *l, struct acme_dns_entry *entry);
/** Starts over with the first record. */
void acme_dns_lookup_rewind(struct acme_dns_lookup *l);
/** The next record of type A or AAAA as an address: ACME_OK, ACME_ERR_NOT_FOUND. */
int32_t acme_dns_lookup_address(struct acme_dns_lookup *l, struct acme_address *address);
/** Polls a lookup that was started with type A, and turns to AAAA where there are none: ACME_OK
 * with the first address, ACME_ERR_RESOLVE (there is none), and as acme_dns_lookup_poll. */
int32_t acme_dns_lookup_poll_host(struct acme_dns_lookup *l, struct acme_address *address,
                                  uint32_t *wait_ms);
/** The SOA in the authority section of a negative reply: ACME_OK, its owner in zone, its server in
 * primary; ACME_ERR_NOT_FOUND. */
int32_t acme_dns_lookup_authority(struct acme_dns_lookup *l, char zone[ACME_DNS_NAME_SIZE],
                                  char primary[ACME_DNS_NAME_SIZE]);
