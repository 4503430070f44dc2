/*
 * The doctor: says which of the usual causes stands in the way of a certificate, and what to do. It
 * is a job of the client like any other, which acme_poll drives; it orders nothing and changes
 * nothing. Needs CONFIG_ACME_DOCTOR.
 *
 * What it looks at, in this order: a rate limit or a pause that is known of; the CA (its name, TCP,
 * TLS, its directory, the clock against the CA's, a captive portal when the CA is not reached);
 * then each configured name: its addresses, whether they are this device's and lead back to it, and
 * CAA (RFC 8659).
 *
 * @code{.c}
 * #include <stdio.h>
 *
 * #include "acme/doctor.h"
 *
 * static _Alignas(8) uint8_t doctor_memory[ACME_DOCTOR_SIZE];
 *
 * static void on_finding(void *ctx, const struct acme_finding *finding)
 * {
 *     (void)ctx;
 *     (void)printf("%s: %s\n", finding->subject, acme_finding_text(finding->code));
 * }
 *
 * int32_t examine(acme_client *client); // then acme_poll until it says ACME_WANT_IDLE
 * int32_t examine(acme_client *client)
 * {
 *     static const struct acme_doctor_config config = {.on_finding = on_finding, .http_port = 80};
 *
 *     return acme_doctor_start(client, &config, doctor_memory, sizeof(doctor_memory));
 * }
 * @endcode
 */
#ifndef ACME_DOCTOR_H
#define ACME_DOCTOR_H

#include "acme/client.h"

#ifdef __cplusplus
extern "C" {
#endif

/** X(NAME, value, severity, code, sentence): codes and values never change meaning. */
#define ACME_FINDING_LIST(X)                                                                       \
    X(RATE_LIMITED, 1, ERROR, "rate-limited",                                                      \
      "the CA's rate limit is reached; wait until the time given, each try before may extend it")  \
    X(CA_NAME, 2, ERROR, "ca-name",                                                                \
      "the CA's host name does not resolve; check the DNS server of this device and the URL")      \
    X(CA_CONNECT, 3, ERROR, "ca-connect",                                                          \
      "no TCP connection to the CA; check the network, and whether a firewall lets port 443 out")  \
    X(CA_TLS, 4, ERROR, "ca-tls",                                                                  \
      "the CA does not speak TLS with this device; a proxy or firewall may be in between")         \
    X(CA_CERTIFICATE, 5, ERROR, "ca-certificate",                                                  \
      "the CA's certificate is not trusted; check the CA roots, or a portal or proxy answers "     \
      "instead")                                                                                   \
    X(CA_DATES, 6, ERROR, "ca-dates",                                                              \
      "the CA's certificate is not valid at the time this device has; set the clock")              \
    X(CA_HTTP, 7, ERROR, "ca-http",                                                                \
      "the CA answers, but not with an ACME directory; check the directory URL")                   \
    X(CAPTIVE_PORTAL, 8, ERROR, "captive-portal",                                                  \
      "a captive portal answers instead of the CA; log in to this network or use another")         \
    X(CLOCK_WRONG, 9, ERROR, "clock-wrong",                                                        \
      "the clock is not the CA's; set it (the difference is given in seconds)")                    \
    X(CLOCK_UNKNOWN, 10, WARNING, "clock-unknown",                                                 \
      "this device has no clock; give it SNTP, certificates are checked against a floor only")     \
    X(RESOLVER, 11, WARNING, "resolver",                                                           \
      "no DNS server answers, so names and CAA are not checked; set one")                          \
    X(PORT_TAKEN, 12, ERROR, "port-taken",                                                         \
      "the challenge port cannot be opened; stop what has it, or run with the right to open it")   \
    X(NAME_UNRESOLVED, 13, ERROR, "name-unresolved",                                               \
      "the name has no address; set an A or AAAA record, or use dns-01")                           \
    X(NAME_ELSEWHERE, 14, ERROR, "name-elsewhere",                                                 \
      "the name leads to an address that is not this device's; correct the record, or forward "    \
      "the port")                                                                                  \
    X(IPV6_DEAD, 15, ERROR, "ipv6-dead",                                                           \
      "nothing answers at the name's IPv6 address, which the CA tries first; open the port or "    \
      "remove the AAAA record")                                                                    \
    X(PORT_UNREACHABLE, 16, ERROR, "port-unreachable",                                             \
      "nothing answers at the name's address and port; forward or open the port")                  \
    X(PORT_FOREIGN, 17, WARNING, "port-foreign",                                                   \
      "something else than this client answers at the name's address and port; the challenge "     \
      "would go there")                                                                            \
    X(CAA_FORBIDS, 18, ERROR, "caa-forbids",                                                       \
      "a CAA record forbids this CA to issue for the name; add one that allows it")                \
    X(CAA_FAILED, 19, ERROR, "caa-failed",                                                         \
      "the CAA records of the name cannot be read, and the CA will refuse for that; repair the "   \
      "zone's name servers")                                                                       \
    X(PAUSED, 20, WARNING, "paused",                                                               \
      "the last try for the name failed, and the next is due at the time given, as the CA asked "  \
      "or to spare it; see what the last run said")

enum acme_finding_code {
#define ACME_FINDING_ENUM(name, value, severity, code, sentence) ACME_FINDING_##name = (value),
    ACME_FINDING_LIST(ACME_FINDING_ENUM)
#undef ACME_FINDING_ENUM
};

/** How bad a finding is. */
enum acme_finding_severity {
    ACME_FINDING_WARNING, /**< may be meant so */
    ACME_FINDING_ERROR    /**< issuance is going to fail */
};

/** One finding. Pointers are lent for the call; never NULL. */
struct acme_finding {
    enum acme_finding_code code;         /**< acme_finding_name, acme_finding_text */
    enum acme_finding_severity severity; /**< of this code */
    const char *subject;                 /**< the name or host that it is about, or "" */
    const char *detail;          /**< what was seen: an address, a CAA record, a URL; or "" */
    int32_t error;               /**< enum acme_error behind it, or ACME_OK */
    struct acme_address address; /**< family 0: none */
    uint16_t port;               /**< or 0 */
    int64_t value;               /**< RATE_LIMITED, PAUSED: its end in Unix seconds, 0: not known;
                                      CLOCK_WRONG: seconds that this device is ahead */
};

/** The stable code as a word. Threads: any.
 * @return the word ("caa-forbids"); static, never NULL
 * @return "unknown": there is no such code */
const char *acme_finding_name(enum acme_finding_code code);
/** A sentence that says what is wrong and what to do. Threads: any.
 * @return the sentence; static, never NULL. Without CONFIG_ACME_ERROR_TEXTS always one that points
 * to this file */
const char *acme_finding_text(enum acme_finding_code code);

/** Takes one finding, which is lent for the call. */
typedef void (*acme_finding_fn)(void *ctx, const struct acme_finding *finding);

/** Everything is lent until the job ends. */
struct acme_doctor_config {
    acme_finding_fn on_finding; /**< called from inside acme_poll; must not call the client */
    void *ctx;                  /**< its context */
    const char *resolver; /**< address of a DNS server, with or without a port; NULL: names are not
                               looked at, which is a finding */
    const struct acme_address *own; /**< addresses that the names should have; NULL: not known */
    uint16_t own_count;             /**< how many */
    uint16_t http_port;             /**< local port of http-01; 0: not used */
    uint16_t tls_port;              /**< local port of tls-alpn-01; 0: not used */
    uint16_t http_public;           /**< where the CA connects to for http-01; 0: 80 */
    uint16_t tls_public;            /**< where the CA connects to for tls-alpn-01; 0: 443 */
    uint16_t probe_port; /**< where a captive portal would answer at the CA's host; 0: 80 */
    int64_t rate_limited_until_s; /**< where the caller knows of a rate limit; 0: it does not */
};

/** Bytes of memory for acme_doctor_start. */
#define ACME_DOCTOR_SIZE (CONFIG_ACME_DNS_MESSAGE_MAX + 4096)

/** Starts the job; memory (8-byte aligned, lent) is needed until it ends. When acme_poll says
 * ACME_WANT_IDLE, all findings have been told; result.error is ACME_OK, whatever they are. Threads:
 * one.
 * @return ACME_OK: the job has begun
 * @return ACME_ERR_STATE: another job is under way
 * @return ACME_ERR_ARGUMENT: config or on_finding is NULL, resolver is no address, or memory is not
 *   aligned
 * @return ACME_ERR_MEMORY: memory_size is too small */
int32_t acme_doctor_start(acme_client *client, const struct acme_doctor_config *config,
                          void *memory, size_t memory_size);

#ifdef __cplusplus
}
#endif
#endif
