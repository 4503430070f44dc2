/*
 * A provider (acme/dns.h) that hands the record to an acme-dns server over HTTPS. The owner of a
 * domain sets a CNAME from _acme-challenge to the server's name for the account once; the device
 * has no other rights in the DNS. Needs CONFIG_ACME_DNS_ACMEDNS.
 *
 * @code{.c}
 * #include "acme/dns_acmedns.h"
 *
 * static _Alignas(8) uint8_t acmedns_memory[ACME_DNS_ACMEDNS_SIZE];
 *
 * int32_t set_up_dns(struct acme_config *config, const struct acme_dns_acmedns_config *server);
 * int32_t set_up_dns(struct acme_config *config, const struct acme_dns_acmedns_config *server)
 * {
 *     acme_dns_acmedns *acmedns;
 *     int32_t rc = acme_dns_acmedns_init(&acmedns, server, acmedns_memory, sizeof(acmedns_memory));
 *
 *     config->dns = &acme_dns_acmedns_ops;
 *     config->dns_ctx = acmedns;
 *     return rc;
 * }
 * @endcode
 */
#ifndef ACME_DNS_ACMEDNS_H
#define ACME_DNS_ACMEDNS_H

#include "acme/client.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A provider: in the memory given to acme_dns_acmedns_init. */
typedef struct acme_dns_acmedns acme_dns_acmedns;

/** An account as the server's /register gave it. */
struct acme_dns_acmedns_account {
    const char *fulldomain; /**< where the CNAME of _acme-challenge leads to: so the account for a
                                 name is found */
    const char *subdomain;  /**< where the server keeps the values */
    const char *username;   /**< who may write them */
    const char *password;   /**< and with which secret */
};

/** Everything is lent until the provider is not used any more. */
struct acme_dns_acmedns_config {
    const struct acme_port *port;                    /**< of the client */
    const char *url;                                 /**< of the server, https, without "/update" */
    const char *resolver;                            /**< an address with or without a port */
    const struct acme_dns_acmedns_account *accounts; /**< one for each CNAME */
    uint16_t accounts_count;                         /**< how many */
    const struct acme_trust_anchor *anchors; /**< the server's TLS is verified against these */
    uint16_t anchors_count;                  /**< how many */
    uint16_t ns_port;                        /**< of the zone's name servers; 0: 53 */
    int64_t build_time_s;                    /**< as in struct acme_config */
};

/** Bytes of memory for acme_dns_acmedns_init. */
#define ACME_DNS_ACMEDNS_SIZE                                                                      \
    (CONFIG_ACME_DNS_MESSAGE_MAX + 20 * CONFIG_ACME_DNS_SERVERS_MAX + 2 * CONFIG_ACME_URL_MAX +    \
     CONFIG_ACME_HTTP_LINE_MAX + CONFIG_ACME_NONCE_MAX + ACME_LINKS_SIZE + 288 * sizeof(void *) +  \
     5560)

/** Sets a provider up in memory (8-byte aligned, lent). It is the context of acme_dns_acmedns_ops.
 * TLS is set up at the first use, when the client has started PSA Crypto, and taken down by stop:
 * the memory may go away after that. Threads: one.
 * @return ACME_OK: *acmedns is ready
 * @return ACME_ERR_ARGUMENT: something that must be there is NULL, resolver is no address, or
 * memory is not aligned
 * @return ACME_ERR_MEMORY: memory_size is too small
 * @return ACME_ERR_URL: url is no https URL */
int32_t acme_dns_acmedns_init(acme_dns_acmedns **acmedns,
                              const struct acme_dns_acmedns_config *config, void *memory,
                              size_t memory_size);

/** What its functions return besides the errors of the network, TLS, HTTP and DNS:
 * ACME_ERR_DNS_API: the server refuses the account, or the name's CNAME leads to no account. There
 * is no cleanup: the server keeps the last two values of an account and no more. */
extern const struct acme_dns_ops acme_dns_acmedns_ops;

#ifdef __cplusplus
}
#endif
#endif
