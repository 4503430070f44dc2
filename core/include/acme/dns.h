/*
 * How the client gets TXT records into the DNS for the challenges dns-01 and dns-account-01, and
 * how it looks for the record of dns-persist-01. A provider is a const struct of functions and a
 * context, as in acme/port.h: the firmware's own, or one that comes with the client. A provider
 * knows records, not challenges.
 *
 * Rules for all of them:
 * - Nothing blocks. A function that cannot finish returns ACME_ERR_AGAIN and is called again with
 * the same arguments: on the next network event, and at the latest after *wait_ms (preset to 1000;
 * the provider may lower or raise it). One operation is under way at a time.
 * - The core bounds each operation by CONFIG_ACME_DNS_TIMEOUT_S, then calls stop.
 * - Records are lent for the call.
 *
 * @code{.c}
 * #include "acme/dns.h"
 *
 * int32_t gateway_set_txt(const char *name, const char *value, int add); // yours: does not wait
 *
 * static int32_t present(void *ctx, const struct acme_dns_record *record, uint32_t *wait_ms)
 * {
 *     (void)ctx;
 *     *wait_ms = 200; // when to call again, while this says ACME_ERR_AGAIN
 *     return gateway_set_txt(record->name, record->value, 1);
 * }
 *
 * extern const struct acme_dns_ops gateway_dns; // for acme_config.dns
 * const struct acme_dns_ops gateway_dns = {.present = present};
 * @endcode
 */
#ifndef ACME_DNS_H
#define ACME_DNS_H

#include <stddef.h>
#include <stdint.h>

#include "acme/error.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A TXT record. */
struct acme_dns_record {
    const char *name;  /**< fully qualified, lower case, no dot at the end:
                            "_acme-challenge.example.org" (of a wildcard: without its "*.") */
    const char *value; /**< one character string of at most 255 characters, printable ASCII */
    int64_t now_s;     /**< the time of the call as the core trusts it, in Unix seconds, for who
                            signs with it; 0: no time is trusted. The wall clock of the port may
                            be wrong, or not count by the configuration's policy */
};

/** Takes the text of one TXT record: its character strings joined, not terminated, lent. */
typedef void (*acme_dns_txt_fn)(void *ctx, const char *text, size_t len);

/** Each returns ACME_OK, ACME_ERR_AGAIN, or why it failed: ACME_ERR_DNS, or any other value of
 * enum acme_error that says more. Functions that a provider does not have are NULL. */
struct acme_dns_ops {
    /**
     * Adds the record and leaves other values of the same name in place: a wildcard and its base
     * name need two at once. Fine if the record is there already (after a reset it is published
     * again). NULL: the provider cannot publish, and serves dns-persist-01 only.
     */
    int32_t (*present)(void *ctx, const struct acme_dns_record *record, uint32_t *wait_ms);
    /** ACME_OK once the CA will see the record, ACME_ERR_AGAIN until then (*wait_ms: when to look
     * again). NULL: at once. */
    int32_t (*ready)(void *ctx, const struct acme_dns_record *record, uint32_t *wait_ms);
    /** Removes this value and no other; fine if it is not there. Its failure is logged, and does
     * not fail the certificate. NULL: nothing to do. */
    int32_t (*cleanup)(void *ctx, const struct acme_dns_record *record, uint32_t *wait_ms);
    /** Reads the TXT records of a name and hands each to found; ACME_OK with none if there are
     * none. NULL: the provider cannot look. */
    int32_t (*lookup)(void *ctx, const char *name, acme_dns_txt_fn found, void *found_ctx,
                      uint32_t *wait_ms);
    /** Gives up what is under way and frees what it holds (streams, timers); fine if nothing is.
     * Called after a time-out and when the client's job ends. NULL: nothing to do. */
    void (*stop)(void *ctx);
    /** The client's job has ended, after stop: forgets what was learned about the DNS (zones, where
     * CNAMEs lead to), for the next job may be months away. Fine at any time when nothing is under
     * way. NULL: nothing to do. */
    void (*end)(void *ctx);
};

#ifdef __cplusplus
}
#endif
#endif
