/*
 * A provider (acme/dns.h) that looks and does not publish: TXT records at a resolver, for
 * dns-persist-01; and, for providers of the firmware's own, whether a record shows at all name
 * servers of its zone. Needs CONFIG_ACME_DNS_CLIENT.
 *
 * @code{.c}
 * #include "acme/client.h"
 * #include "acme/dns_resolver.h"
 *
 * static _Alignas(8) uint8_t resolver_memory[ACME_DNS_RESOLVER_SIZE];
 *
 * int32_t set_up_look_ups(struct acme_config *config); // for dns-persist-01
 * int32_t set_up_look_ups(struct acme_config *config)
 * {
 *     acme_dns_resolver *resolver;
 *     int32_t rc = acme_dns_resolver_init(&resolver, config->port, "192.0.2.1", 0, resolver_memory,
 *                                         sizeof(resolver_memory));
 *
 *     config->dns = &acme_dns_resolver_ops;
 *     config->dns_ctx = resolver;
 *     return rc;
 * }
 * @endcode
 */
#ifndef ACME_DNS_RESOLVER_H
#define ACME_DNS_RESOLVER_H

#include "acme/config.h"
#include "acme/dns.h"
#include "acme/port.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A resolver: in the memory given to acme_dns_resolver_init. */
typedef struct acme_dns_resolver acme_dns_resolver;

/** Bytes of memory for acme_dns_resolver_init. */
#define ACME_DNS_RESOLVER_SIZE                                                                     \
    (CONFIG_ACME_DNS_MESSAGE_MAX + 20 * CONFIG_ACME_DNS_SERVERS_MAX + 3200)

/** Sets a resolver up in memory (8-byte aligned, lent): server is "192.0.2.1", "192.0.2.1:5353",
 * "2001:db8::1" or "[2001:db8::1]:5353"; name servers listen on ns_port (0: 53). It is the context
 * of acme_dns_resolver_ops. Threads: one.
 * @return ACME_OK: *resolver is ready
 * @return ACME_ERR_ARGUMENT: something that must be there is NULL, server is no address, or memory
 * is not aligned
 * @return ACME_ERR_MEMORY: memory_size is too small */
int32_t acme_dns_resolver_init(acme_dns_resolver **resolver, const struct acme_port *port,
                               const char *server, uint16_t ns_port, void *memory,
                               size_t memory_size);

/** lookup, and ready for providers that publish by themselves; its errors are those of the network
 * and of DNS (ACME_ERR_DNS_SERVER, ACME_ERR_DNS_MESSAGE). */
extern const struct acme_dns_ops acme_dns_resolver_ops;

#ifdef __cplusplus
}
#endif
#endif
