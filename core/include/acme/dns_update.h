/*
 * A provider (acme/dns.h) that writes into the zone itself: DNS UPDATE (RFC 2136), signed with TSIG
 * (RFC 8945). Needs CONFIG_ACME_DNS_UPDATE. It follows the CNAMEs of the name, finds the zone by
 * its SOA, adds the record beside what is there, and is ready when all name servers of the zone
 * have it.
 *
 * @code{.c}
 * #include "acme/client.h"
 * #include "acme/dns_update.h"
 *
 * static _Alignas(8) uint8_t update_memory[ACME_DNS_UPDATE_SIZE];
 *
 * int32_t set_up_updates(struct acme_config *config, const struct acme_tsig_key *key);
 * int32_t set_up_updates(struct acme_config *config, const struct acme_tsig_key *key)
 * {
 *     const struct acme_dns_update_config server = {
 *         .port = config->port, .server = "192.0.2.1", .key = key};
 *     acme_dns_update *update;
 *     int32_t rc = acme_dns_update_init(&update, &server, update_memory, sizeof(update_memory));
 *
 *     config->dns = &acme_dns_update_ops;
 *     config->dns_ctx = update;
 *     return rc;
 * }
 * @endcode
 */
#ifndef ACME_DNS_UPDATE_H
#define ACME_DNS_UPDATE_H

#include <stdbool.h>

#include "acme/config.h"
#include "acme/dns.h"
#include "acme/dns_types.h"
#include "acme/port.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A provider: in the memory given to acme_dns_update_init. */
typedef struct acme_dns_update acme_dns_update;

/** Everything is lent until the provider is not used any more. */
struct acme_dns_update_config {
    const struct acme_port *port; /**< of the client */
    const char *server; /**< the zone's primary: "192.0.2.1", "[2001:db8::1]:53", "ns.example.org";
                             NULL: the one that the zone's SOA names */
    const char *resolver; /**< who is asked for zones and addresses, an address with or without
                               a port; NULL: server, which then must be an address */
    const struct acme_tsig_key *key; /**< NULL: updates are not signed */
    uint32_t ttl_s;                  /**< of the record; 0: 60 */
    uint16_t ns_port;                /**< of the zone's name servers; 0: 53 */
};

/** Bytes of memory for acme_dns_update_init. */
#define ACME_DNS_UPDATE_SIZE (CONFIG_ACME_DNS_MESSAGE_MAX + 20 * CONFIG_ACME_DNS_SERVERS_MAX + 3800)

/** Sets a provider up in memory (8-byte aligned, lent). It is the context of acme_dns_update_ops.
 * *config is copied, what it points to is lent. Threads: one.
 * @return ACME_OK: *update is ready
 * @return ACME_ERR_ARGUMENT: something that must be there is NULL, resolver is no address, or
 * memory is not aligned
 * @return ACME_ERR_MEMORY: memory_size is too small
 * @return ACME_ERR_NAME: the key's name is none
 * @return ACME_ERR_UNSUPPORTED: the key's algorithm is unknown */
int32_t acme_dns_update_init(acme_dns_update **update, const struct acme_dns_update_config *config,
                             void *memory, size_t memory_size);

/** What its functions return besides the errors of the network: ACME_ERR_DNS_SERVER, _REFUSED,
 * _ZONE, _KEY, _SIG, _TIME, _REPLY_SIG, _MESSAGE; ACME_ERR_NO_CLOCK: TSIG needs the time. */
extern const struct acme_dns_ops acme_dns_update_ops;

#ifdef __cplusplus
}
#endif
#endif
