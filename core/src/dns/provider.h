/*
 * What the providers over the network have in common: the zone of a name, whether a record shows,
 * and lookups at a resolver. One operation at a time (acme/dns.h).
 */
#pragma once

#include "acme/dns.h"
#include "dns/check.h"
#include "dns/zone.h"

enum acme_dns_op {
    ACME_DNS_OP_NONE,
    ACME_DNS_OP_PRESENT,
    ACME_DNS_OP_READY,
    ACME_DNS_OP_CLEANUP,
    ACME_DNS_OP_LOOKUP
};

struct acme_dns_base {
    struct acme_dns_client client;
    struct acme_dns_lookup lookup;
    struct acme_dns_zone zone;
    struct acme_dns_check check;
    struct acme_dns_server resolver;
    uint16_t ns_port;
    uint8_t op;      /* under way; enum acme_dns_op */
    uint8_t step;    /* of it; 0 at its beginning */
    bool zone_known; /* zone is that of name; until the job ends, or a record could not be set */
    char name[ACME_DNS_NAME_SIZE];
};

/** Sets up: resolver is "address[:port]"; ns_port 0 is 53. ACME_OK or ACME_ERR_ARGUMENT. */
int32_t acme_dns_base_init(struct acme_dns_base *b, const struct acme_port *port,
                           const char *resolver, uint16_t ns_port);
/** Enters an operation: what was under way for another one is dropped. */
void acme_dns_base_enter(struct acme_dns_base *b, enum acme_dns_op op);
/** Leaves the operation unless it goes on. Returns rc. */
int32_t acme_dns_base_leave(struct acme_dns_base *b, int32_t rc);
/** Forgets the zone that was found: where a CNAME leads to, and who serves the zone, may change. */
void acme_dns_base_forget(struct acme_dns_base *b);
/** Finds the zone of a name, unless it is known. Uses step 0 and 1, leaves 2. ACME_OK or as
 * acme_dns_zone_poll. */
int32_t acme_dns_base_zone(struct acme_dns_base *b, const char *name, uint32_t *wait_ms);

/** As acme_dns_ops has them. */
int32_t acme_dns_base_ready(struct acme_dns_base *b, const struct acme_dns_record *record,
                            uint32_t *wait_ms);
int32_t acme_dns_base_lookup(struct acme_dns_base *b, const char *name, acme_dns_txt_fn found,
                             void *found_ctx, uint32_t *wait_ms);
void acme_dns_base_stop(struct acme_dns_base *b);
