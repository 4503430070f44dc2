/*
 * The public API of nanoacme: one client that gets, keeps and renews certificates.
 *
 * @code{.c}
 * #include "acme/client.h"
 *
 * static _Alignas(8) uint8_t memory[ACME_MEMORY_SIZE];
 *
 * int32_t get_certificates(const struct acme_config *config, void (*wait)(uint32_t ms));
 * int32_t get_certificates(const struct acme_config *config, void (*wait)(uint32_t ms))
 * {
 *     struct acme_poll_result result = {0};
 *     acme_client *client;
 *     int32_t rc = acme_init(&client, config, memory, sizeof(memory));
 *
 *     rc = rc == ACME_OK ? acme_start(client) : rc;
 *     while (rc == ACME_OK && acme_poll(client, &result) != ACME_WANT_IDLE) {
 *         wait(result.wait_ms); // or until a network event
 *     }
 *     return rc == ACME_OK ? result.error : rc;
 * }
 * @endcode
 *
 * Conventions: functions return int32_t, ACME_OK (0) or a negative enum acme_error. No function
 * blocks (flash operations take what the chip takes, and key generation what the arithmetic
 * takes). Nothing allocates: all memory is the block given to acme_init, and mbedTLS's pool. What a
 * pointer argument refers to must outlive the call only, unless it says otherwise.
 *
 * Threads: each function says which may call it. "any": any thread, at any time, beside acme_poll
 * in another one. "one": no other function that says "one" may run meanwhile; acme_poll is such a
 * function, so a lock around each call is needed where there are threads (port/rtos_task has one).
 * An interrupt calls nothing. A thread that uses PSA Crypto or mbedTLS by itself, for its own TLS,
 * takes the same lock, unless mbedTLS is built with MBEDTLS_THREADING_C.
 */
#ifndef ACME_CLIENT_H
#define ACME_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "acme/config.h"
#include "acme/dns.h"
#include "acme/error.h"
#include "acme/port.h"
#include "acme/record.h"
#include "acme/version.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Key types of account and certificate keys. */
enum acme_key_type {
    ACME_KEY_EC_P256 = 0,  /**< the default */
    ACME_KEY_EC_P384 = 1,  /**< needs CONFIG_ACME_KEY_P384 */
    ACME_KEY_RSA_2048 = 2, /**< RSA needs CONFIG_ACME_KEY_RSA */
    ACME_KEY_RSA_3072 = 3, /**< as above */
    ACME_KEY_RSA_4096 = 4  /**< as above; minutes to generate on a small device */
};

/** Ways to prove a name (RFC 8555 section 8). */
enum acme_challenge_type {
    ACME_CHALLENGE_NONE = 0,        /**< ends a list */
    ACME_CHALLENGE_HTTP_01 = 1,     /**< RFC 8555 8.3; needs CONFIG_ACME_HTTP_01 */
    ACME_CHALLENGE_TLS_ALPN_01 = 2, /**< RFC 8737; needs CONFIG_ACME_TLS_ALPN_01 */
    ACME_CHALLENGE_DNS_01 = 3,      /**< RFC 8555 8.4; needs CONFIG_ACME_DNS_01 and config.dns */
    /** draft-ietf-acme-dns-account-label; needs CONFIG_ACME_DNS_ACCOUNT_01 and config.dns */
    ACME_CHALLENGE_DNS_ACCOUNT_01 = 4,
    /** draft-ietf-acme-dns-persist; needs CONFIG_ACME_DNS_PERSIST_01. A config.dns that can look
     * finds out whether the record is there before the CA is asked. */
    ACME_CHALLENGE_DNS_PERSIST_01 = 5
};
/** How many there are, and the length of a list of them. */
#define ACME_CHALLENGE_TYPES 5

/** One certificate that the device wants. Everything must outlive the client. */
struct acme_cert_request {
    const char *const *names; /**< DNS names in A-label form, "*.name" for wildcards, addresses in
                                   the form of RFC 5952; the first gives the slot its name */
    uint16_t names_count;     /**< 1 to CONFIG_ACME_NAMES_MAX */
    uint8_t key_type;         /**< enum acme_key_type */
    bool key_exportable;      /**< needs CONFIG_ACME_KEY_EXPORTABLE; for the host */
#if defined(CONFIG_ACME_KEY_REUSE)
    bool key_reuse; /**< a renewal keeps the key, unless key_type or key_exportable has changed, the
                         key was made without this, where it lives does not copy (psa_copy_key), or
                         the CA refuses it; then a new one is made, and a warning logged */
#endif
    /** Ways to prove the names, the first that suits first, up to ACME_CHALLENGE_NONE or the end;
     * when one fails, the next is tried. All zero: config.challenges. */
    uint8_t challenges[ACME_CHALLENGE_TYPES];
    /** Prove the names before the order, where the CA offers it (RFC 8555 7.4.1); wildcards are
     * proven in the order. Needs CONFIG_ACME_PRE_AUTHORIZATION. */
    bool pre_authorize;
#if defined(CONFIG_ACME_ALTERNATE_CHAINS)
    bool prefer_shortest; /**< take the chain with the fewest certificates */
#endif
#if defined(CONFIG_ACME_REVOKE_REPLACED)
    bool revoke_replaced; /**< revoke the old certificate (superseded) when a new one is in force;
                               that it fails is an event. A reset in between leaves it unrevoked */
#endif
    /** The CA may put more names into the certificate than were asked for ("www." in front, say).
     * Otherwise such a certificate is not installed: it is ACME_ERR_CERT_NAMES_ADDED, nothing else
     * is ordered, and a later job with this set installs it. */
    bool may_add_names;
    /** Date to ask for, Unix seconds; 0: as the CA likes (RFC 8555 7.1.3; most CAs refuse dates).
     * This and the next two need CONFIG_ACME_ORDER_DATES. */
    int64_t not_before_s;
    int64_t not_after_s; /**< the same, of the end */
    uint32_t validity_s; /**< seconds, 0: none; stands for a not_after_s that is so long after the
                              order, for renewals too */
    /** A domain above the names which is proven in their place, where the CA offers it (RFC 9444);
     * NULL: none. Needs CONFIG_ACME_SUBDOMAINS. */
    const char *ancestor;
#if defined(CONFIG_ACME_ALTERNATE_CHAINS)
    const char *preferred_issuer; /**< common name of the issuer of the chain's last certificate: a
                                       chain that has it is taken, else the CA's first; or NULL */
#endif
#if defined(CONFIG_ACME_PROFILES)
    const char *profile; /**< of the CA's, or NULL: its default (draft-ietf-acme-profiles) */
#endif
};

/** A CA root certificate, DER. Must outlive the client (it is not copied: keep it in flash). */
struct acme_trust_anchor {
    const uint8_t *der; /**< the certificate, or several, one after the other; a place that
                             acme_port.read_anchor knows where the port has that */
    size_t len;         /**< bytes of it */
};

/** SHA-256 of a certificate's SubjectPublicKeyInfo, DER. */
struct acme_pin {
    uint8_t sha256[32]; /**< the hash */
};

/** A CA to turn to when those before it do not deliver. Everything must outlive the client. */
struct acme_ca {
    const char *directory_url;               /**< https */
    const struct acme_trust_anchor *anchors; /**< its TLS is verified against these */
    uint16_t anchors_count;                  /**< how many */
    const char *eab_kid;      /**< external account binding: key identifier, or NULL */
    const char *eab_hmac_key; /**< base64url of its HMAC key */
};

/** What to do when the CA changes its terms of service after they were agreed to. */
enum acme_tos_policy {
    ACME_TOS_AGREE_AGAIN = 0, /**< agree to the new ones, and say so in an event */
    ACME_TOS_STOP = 1 /**< agree only to those that tos_accepted_url names: others are an event, and
                           ACME_ERR_TOS once the CA, or a new account, asks for an agreement */
};

/** Whom to believe about the time (needs CONFIG_ACME_CLOCK_POLICY, but for the first). */
enum acme_clock_policy {
    ACME_CLOCK_WALL = 0, /**< the port's wall clock where it has one, else the CA's Date */
    ACME_CLOCK_CA = 1, /**< the CA's authenticated Date; the wall clock is not looked at. For clocks
                            that nobody keeps right: a wrong one can then not keep the CA out */
    ACME_CLOCK_AGREE = 2 /**< no order unless wall clock and CA agree within an hour:
                              ACME_ERR_CLOCK */
};

/** What has happened, and when an event of it comes. Events of one job come in the order of what
 * they say. What is not named for a type is 0 or NULL in its event; .slot and .state are always
 * set. */
enum acme_event_type {
    /** The client has entered a state: .state, and .text is its name (acme_state_name). Each time,
     * also when a state is entered again. */
    ACME_EVENT_STATE,
    /** The account is known: .text is its URL. Once in each job that needs the account, new or not,
     * and again when its key was changed. */
    ACME_EVENT_ACCOUNT,
    /** The CA's terms of service, whose URL is .text. Without .error they were agreed to: for a new
     * account, or again because they have changed. With .error they have changed and were not: the
     * operator does not agree to them (ACME_ERR_TOS), or the CA did not take it. The job goes on:
     * the CA asks for an agreement when it wants one. In each job that orders something, until they
     * are agreed to. */
    ACME_EVENT_TOS,
    /** An order was created at the CA, and stored: .text is its URL. Not for an order of an earlier
     * run that is taken up again. */
    ACME_EVENT_ORDER,
    /** A name is proven: .text is the name, or the ancestor that was proven in its place. Also for
     * one that the CA still knows from before. */
    ACME_EVENT_AUTHORIZED,
    /** A certificate was checked and stored for .slot, and is in force: acme_cert_read gives the
     * new one. */
    ACME_EVENT_INSTALLED,
    /** The certificate of .slot was revoked, and was removed from the store. */
    ACME_EVENT_REVOKED,
    /** A job, or a certificate within a job, has failed: .error, .problem where the CA sent one,
     * .route and .member where they say more; .slot is the certificate's, or -1. Also for what does
     * not fail the job: a damaged store in acme_init, the old certificate's revocation. A step that
     * is tried again at once makes no event. */
    ACME_EVENT_ERROR,
    /** There is nothing to do for .wait_ms, unless the CA comes before. Each time the client waits
     * by the clock: for the CA to make up its mind, before another try, for a held certificate. A
     * pause that the CA wants and that is too long for a job is told, too: the certificate's work
     * ends then with ACME_ERR_POLL_LIMIT, and goes on after it. */
    ACME_EVENT_WAIT,
    /** The CA has suggested when to renew .slot (acme_cert_status.renew_after_s has the instant);
     * .text is the URL of an explanation, or NULL. After each look, be it news or not. */
    ACME_EVENT_RENEWAL_INFO,
    /** The job has ended, and the next one is due in .wait_ms, as acme_next_wakeup_s says;
     * UINT32_MAX is 49 days or more. The last event of a job, after STATE says IDLE. Needs
     * CONFIG_ACME_SCHEDULE. */
    ACME_EVENT_NEXT,
    /** Another CA is turned to: .text is its directory URL. Needs CONFIG_ACME_FALLBACK. */
    ACME_EVENT_CA,
    /** The way .text ("http-01") has failed for a name with .error, and .problem where the CA sent
     * one; another way is tried, if there is one, else an ERROR follows. */
    ACME_EVENT_CHALLENGE_FAILED,
    /** Before INSTALLED: the device's TLS cannot send the whole chain (config.chain_max), so that
     * it ends earlier. Clients that do not have the rest will not trust it. */
    ACME_EVENT_CHAIN_CUT
};

/** An RFC 7807 problem document as the CA sent it, bounded; strings may be cut, never NULL. */
struct acme_problem {
    uint16_t status; /**< HTTP status, or 0 when there is no problem document */
    char type[64];   /**< without the urn:ietf:params:acme:error: prefix */
    /** what the CA says to a person */
    char detail[CONFIG_ACME_PROBLEM_DETAIL_MAX + 1];
    char identifier[64]; /**< of the first subproblem, or of the authorization */
#if defined(CONFIG_ACME_PROBLEM_LINKS)
    char instance[CONFIG_ACME_URL_MAX + 1]; /**< where a person is to go, or "" */
    char terms[CONFIG_ACME_URL_MAX + 1]; /**< the terms of service that the reply links to, or "" */
#endif
};

/** One event; lent for the call. */
struct acme_event {
    enum acme_event_type type;          /**< says which of the others count */
    int32_t error;                      /**< enum acme_error, or ACME_OK */
    int16_t slot;                       /**< index into the requests, or -1 */
    uint8_t state;                      /**< the client's: acme_state_name */
    uint32_t wait_ms;                   /**< milliseconds */
    const char *text;                   /**< NULL or NUL-terminated; lent for the call */
    const struct acme_problem *problem; /**< what the CA said of it; NULL: nothing */
    const char *route;                  /**< with .error: the request that it is about, by the
                                             name of its state ("NEW_ORDER"); NULL: none */
    const char *member;                 /**< with .error: the member of the reply's JSON or header
                                             that is missing or wrong ("finalize"); NULL: none,
                                             and without CONFIG_ACME_ERROR_TEXTS */
    const char *url;                    /**< with .error: the URL that was asked last for .route;
                                             NULL: none */
    const char *limit;                  /**< with .error: the name in Kconfig of the limit that was
                                             hit ("CONFIG_ACME_NONCE_MAX"); NULL: none */
    uint32_t limit_size;                /**< with .limit: the size that came, as far as it was
                                             counted */
};

/** Takes an event. Called on the thread of the call that it comes from, before that returns:
 * acme_poll; a function that starts a job, or acme_cancel (STATE and NEXT); acme_init (ERROR, of a
 * damaged store: there is no client yet). It must not call any function of the client that says
 * "one". */
typedef void (*acme_event_fn)(void *ctx, const struct acme_event *event);

/** Configuration. Zero-initialize, then set; everything it points to must outlive the client. */
// NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): in the order of the subjects
struct acme_config {
    const struct acme_port *port;            /**< the client's surroundings */
    const char *directory_url;               /**< https */
    const struct acme_trust_anchor *anchors; /**< the CA's TLS is verified against these */
    uint16_t anchors_count;                  /**< how many */
    const struct acme_cert_request *certs;   /**< what the device wants; NULL with none */
    uint16_t certs_count;                    /**< 0 to CONFIG_ACME_CERT_SLOTS */
    const struct acme_dns_ops *dns;          /**< for the DNS challenges, or NULL */
    void *dns_ctx;                           /**< its context */
    int64_t build_time_s;                    /**< of the firmware: the first time floor; 0: none */
    const char *tos_accepted_url;            /**< for ACME_TOS_STOP: the terms agreed to; or NULL */
    const char *contact;                     /**< "mailto:..." or NULL for none */
    bool tos_agreed;          /**< the operator agrees to the CA's terms of service */
    uint8_t tos_policy;       /**< enum acme_tos_policy */
    uint8_t account_key_type; /**< enum acme_key_type */
    uint16_t http_port;       /**< of the http-01 responder; 0: CONFIG_ACME_HTTP_PORT */
    uint16_t tls_port;        /**< of the tls-alpn-01 responder; 0: CONFIG_ACME_TLS_PORT */
    uint16_t chain_max; /**< bytes of the longest Certificate message that the device's TLS can
                             send; 0: of mbedTLS in this build (MBEDTLS_SSL_OUT_CONTENT_LEN);
                             UINT16_MAX: any. For a chain that is longer the CA's shortest
                             alternate is taken (CONFIG_ACME_ALTERNATE_CHAINS), or its end is
                             left out */
    uint8_t challenges[ACME_CHALLENGE_TYPES]; /**< of requests without a list of their own; all
                                                   zero: what is built in and config.dns allows, in
                                                   the order of enum acme_challenge_type */
    bool tls_shared;            /**< no responder of its own for tls-alpn-01: the firmware's TLS
                                     server calls acme_tls_alpn_select */
    bool allow_foreign_urls;    /**< let the CA's directory name URLs on other hosts */
    bool account_only_existing; /**< never create an account (onlyReturnExisting) */
    bool clock_required;        /**< do nothing before the wall clock is known */
    bool replace_unrequested;   /**< a stored certificate for names that are in no request makes
                                     room for a new one; else acme_init fails: ACME_ERR_LIMIT */
    bool force_renewal;         /**< acme_start orders anew even if certificates are good */
#if defined(CONFIG_ACME_ARI)
    bool no_renewal_info; /**< never ask the CA for renewal information (RFC 9773) */
    bool look_now;        /**< ask it in each job, be it time or not */
#endif
#if defined(CONFIG_ACME_CLOCK_POLICY)
    uint8_t clock_policy; /**< enum acme_clock_policy */
#endif
#if defined(CONFIG_ACME_PINNING)
    uint16_t pins_count; /**< 0: no pinning */
#endif
#if defined(CONFIG_ACME_FALLBACK)
    uint16_t fallbacks_count; /**< 0: none */
#endif
#if defined(CONFIG_ACME_ACCOUNT_KEY_EXTERNAL)
    uint32_t account_key_id; /**< PSA key of the account, which is the caller's and of
                                  account_key_type; 0: the client makes its own. With
                                  account_only_existing it finds the account of a wiped store */
#endif
#if defined(CONFIG_ACME_PINNING)
    const struct acme_pin *pins; /**< beside the anchors: a certificate of the CA's TLS chain, root
                                      included, must have one of these keys. For all CAs together.
                                      Have one of a key in reserve: docs/security.md */
#endif
#if defined(CONFIG_ACME_FALLBACK)
    const struct acme_ca *fallbacks; /**< tried in order, after the CA of directory_url: at once for
                                          a name without a certificate, else after
                                          CONFIG_ACME_FALLBACK_AFTER failures in a row. Each job
                                          begins with the first CA. tos_agreed is for all of them */
#endif
    const char *eab_kid;      /**< external account binding: key identifier, or NULL */
    const char *eab_hmac_key; /**< base64url of its HMAC key */
    acme_event_fn on_event;   /**< or NULL */
    void *event_ctx;          /**< its context */
#if defined(CONFIG_ACME_STORE_BACKENDS)
    const struct acme_record_ops *records; /**< where records are; NULL: in port->flash */
    void *records_ctx;                     /**< its context */
#endif
#if defined(CONFIG_ACME_STORE_SEAL)
    const struct acme_seal_ops *seal; /**< NULL: records are not sealed */
    void *seal_ctx;                   /**< its context */
#endif
#if defined(CONFIG_ACME_STORE_ROLLBACK)
    const struct acme_counter_ops *counter; /**< NULL: there is none */
    void *counter_ctx;                      /**< its context */
#endif
};

/** A client: in the block given to acme_init, and nobody else's business. */
typedef struct acme_client acme_client;

/* The parts of ACME_MEMORY_SIZE, in bytes. They follow the core's structures, whose sizes are not
 * an integrator's business; the core checks that the sum is enough, and scripts/size that it is not
 * much more. */

/** Each certificate: what is known of it, and when it is looked at again. */
#if defined(CONFIG_ACME_SCHEDULE)
#define ACME_SLOT_SIZE (96 + (2 * CONFIG_ACME_CHAIN_CERTS_MAX + 19) / 8 * 8)
#else
#define ACME_SLOT_SIZE (32 + (2 * CONFIG_ACME_CHAIN_CERTS_MAX + 19) / 8 * 8)
#endif

/** The link of a reply to the terms of service. */
#if defined(CONFIG_ACME_PROBLEM_LINKS)
#define ACME_TERMS_LINK_SIZE (CONFIG_ACME_URL_MAX + 1)
#else
#define ACME_TERMS_LINK_SIZE 0
#endif
/** Links of a reply to other chains, and to the terms of service. */
#if defined(CONFIG_ACME_ALTERNATE_CHAINS)
#define ACME_LINKS_SIZE                                                                            \
    (CONFIG_ACME_ALTERNATES_MAX * (CONFIG_ACME_URL_MAX + 3) + 16 + ACME_TERMS_LINK_SIZE)
#else
#define ACME_LINKS_SIZE ACME_TERMS_LINK_SIZE
#endif
/** A connection: a reply's line, nonce, Location and links. */
#define ACME_REPLY_SIZE                                                                            \
    (CONFIG_ACME_HTTP_LINE_MAX + CONFIG_ACME_NONCE_MAX + CONFIG_ACME_URL_MAX + ACME_LINKS_SIZE)

/** The name of the server that is connected to. */
#if CONFIG_ACME_URL_MAX < 253
#define ACME_MEMORY_ORIGIN CONFIG_ACME_URL_MAX
#else
#define ACME_MEMORY_ORIGIN 253
#endif
/** What a reply's body goes through on its way into memory or flash. */
#if defined(CONFIG_ACME_PROFILES)
#define ACME_MEMORY_BODY 104
#else
#define ACME_MEMORY_BODY 64
#endif
/** When things are due, what time to believe, and which certificates are held. */
#if defined(CONFIG_ACME_SCHEDULE)
#define ACME_MEMORY_TIME 48
#else
#define ACME_MEMORY_TIME 16
#endif
/** The responder of http-01. */
#if defined(CONFIG_ACME_HTTP_01)
#define ACME_MEMORY_HTTP_01 (CONFIG_ACME_HTTP_01_STREAMS * (size_t)16 + 8 * sizeof(void *))
#else
#define ACME_MEMORY_HTTP_01 0
#endif
/** The responder of tls-alpn-01. */
#if defined(CONFIG_ACME_TLS_ALPN_01)
#define ACME_MEMORY_TLS_ALPN                                                                       \
    (800 + 120 * sizeof(void *) + CONFIG_ACME_TLS_ALPN_STREAMS * (48 + 50 * sizeof(void *)))
#else
#define ACME_MEMORY_TLS_ALPN 0
#endif
/** The records of the DNS challenges. */
#if defined(CONFIG_ACME_DNS)
#define ACME_MEMORY_DNS (24 + CONFIG_ACME_NAMES_MAX * (16 + sizeof(void *)) + 2 * sizeof(void *))
#else
#define ACME_MEMORY_DNS 0
#endif
/** Sealing: a record, and the same sealed. */
#if defined(CONFIG_ACME_STORE_ROLLBACK)
#define ACME_MEMORY_SEAL (CONFIG_ACME_STORE_SEAL_MAX * (size_t)2 + 8 + 9 * sizeof(void *))
#elif defined(CONFIG_ACME_STORE_SEAL)
#define ACME_MEMORY_SEAL (CONFIG_ACME_STORE_SEAL_MAX * (size_t)2 + 9 * sizeof(void *))
#else
#define ACME_MEMORY_SEAL 0
#endif
/** A store that is not the flash log. */
#if defined(CONFIG_ACME_STORE_BACKENDS)
#define ACME_MEMORY_BACKENDS (2 * sizeof(void *))
#else
#define ACME_MEMORY_BACKENDS 0
#endif
/** The CA in use before another was turned to. */
#if defined(CONFIG_ACME_FALLBACK)
#define ACME_MEMORY_FALLBACK (sizeof(struct acme_ca) + 4)
#else
#define ACME_MEMORY_FALLBACK 0
#endif
/** Problems: the last reply's, and that of a certificate, where other requests may follow its own.
 */
#if CONFIG_ACME_CERT_SLOTS > 1 || defined(CONFIG_ACME_ARI) || defined(CONFIG_ACME_FALLBACK) ||     \
    defined(CONFIG_ACME_DOCTOR)
#define ACME_MEMORY_PROBLEMS 2
#else
#define ACME_MEMORY_PROBLEMS 1
#endif

/** The CA's last TLS session. */
#if defined(CONFIG_ACME_TLS_RESUMPTION)
#define ACME_MEMORY_SESSION 40
#else
#define ACME_MEMORY_SESSION 0
#endif

/** Bytes of the block for acme_init: a compile-time constant of the configuration. acme_init
 * checks it, and a static assertion in the core checks that it is enough. */
#define ACME_MEMORY_SIZE                                                                           \
    (CONFIG_ACME_WORK_SIZE + CONFIG_ACME_JSON_ARENA_SIZE + CONFIG_ACME_URL_POOL_SIZE +             \
     CONFIG_ACME_URL_MAX + CONFIG_ACME_NONCE_MAX + ACME_REPLY_SIZE + ACME_MEMORY_ORIGIN +          \
     ACME_MEMORY_BODY + ACME_MEMORY_TIME + CONFIG_ACME_CERT_SLOTS * ACME_SLOT_SIZE +               \
     CONFIG_ACME_NAMES_MAX * 3 + ACME_MEMORY_HTTP_01 + ACME_MEMORY_TLS_ALPN + ACME_MEMORY_DNS +    \
     ACME_MEMORY_SEAL + ACME_MEMORY_BACKENDS + ACME_MEMORY_FALLBACK + ACME_MEMORY_SESSION +        \
     ACME_MEMORY_PROBLEMS * sizeof(struct acme_problem) + sizeof(struct acme_config) + 635 +       \
     198 * sizeof(void *))

/** 1 where an option of Kconfig is on, else 0: the 1 that it is defined as brings a comma, which
 * puts another value into the second place. */
#define ACME_BUILD_HAS(option) ACME_BUILD_HAS_VALUE(option)
/** The same of an option's value. */
#define ACME_BUILD_HAS_VALUE(value)                                                                \
    ACME_BUILD_SECOND(ACME_BUILD_COMMA_##value UINT32_C(1), UINT32_C(0), UINT32_C(0))
/** What an option that is on is replaced by. */
#define ACME_BUILD_COMMA_1 0,
/** The second of its arguments, once they are replaced. */
#define ACME_BUILD_SECOND(...) ACME_BUILD_SECOND_OF(__VA_ARGS__)
/** The second of its arguments as they stand. */
#define ACME_BUILD_SECOND_OF(first, second, ...) second

/** The options on which members of the public structures depend, a bit for each. */
#define ACME_BUILD_OPTIONS                                                                         \
    (ACME_BUILD_HAS(CONFIG_ACME_KEY_REUSE) | ACME_BUILD_HAS(CONFIG_ACME_ALTERNATE_CHAINS) << 1 |   \
     ACME_BUILD_HAS(CONFIG_ACME_REVOKE_REPLACED) << 2 |                                            \
     ACME_BUILD_HAS(CONFIG_ACME_PROFILES) << 3 | ACME_BUILD_HAS(CONFIG_ACME_ARI) << 4 |            \
     ACME_BUILD_HAS(CONFIG_ACME_CLOCK_POLICY) << 5 | ACME_BUILD_HAS(CONFIG_ACME_PINNING) << 6 |    \
     ACME_BUILD_HAS(CONFIG_ACME_FALLBACK) << 7 |                                                   \
     ACME_BUILD_HAS(CONFIG_ACME_ACCOUNT_KEY_EXTERNAL) << 8 |                                       \
     ACME_BUILD_HAS(CONFIG_ACME_STORE_BACKENDS) << 9 |                                             \
     ACME_BUILD_HAS(CONFIG_ACME_STORE_SEAL) << 10 |                                                \
     ACME_BUILD_HAS(CONFIG_ACME_STORE_ROLLBACK) << 11 |                                            \
     ACME_BUILD_HAS(CONFIG_ACME_SCHEDULE) << 12 | ACME_BUILD_HAS(CONFIG_ACME_PROBLEM_LINKS) << 13)

/** A number of the whole configuration. scripts/kconfig writes one into the header that it makes;
 * the headers of Zephyr and ESP-IDF have none, and then the options above have to do. */
#if defined(ACME_KCONFIG_HASH)
#define ACME_BUILD_CONFIG (UINT32_C(1) * ACME_KCONFIG_HASH)
#else
#define ACME_BUILD_CONFIG UINT32_C(0)
#endif

/**
 * One number of what a program and the core that it is linked with must agree on: version,
 * configuration, and the sizes of the public structures and of an enumeration, for the compiler's
 * options have a say, too (-fshort-enums).
 */
#define ACME_BUILD                                                                                 \
    (ACME_BUILD_CONFIG + ACME_BUILD_OPTIONS * UINT32_C(2654435761) +                               \
     ACME_VERSION_NUMBER * UINT32_C(2246822519) +                                                  \
     (uint32_t)sizeof(struct acme_config) * UINT32_C(3266489917) +                                 \
     (uint32_t)sizeof(struct acme_cert_request) * UINT32_C(668265263) +                            \
     (uint32_t)sizeof(struct acme_cert_status) * UINT32_C(374761393) +                             \
     (uint32_t)sizeof(struct acme_account_status) * UINT32_C(3405691589) +                         \
     (uint32_t)sizeof(struct acme_event) * UINT32_C(1640531527) +                                  \
     (uint32_t)sizeof(struct acme_problem) * UINT32_C(2246822507) +                                \
     (uint32_t)sizeof(enum acme_want) * UINT32_C(40503) +                                          \
     (uint32_t)ACME_MEMORY_SIZE * UINT32_C(97650637))

/**
 * Sets up a client in memory (8-byte aligned, memory_size >= ACME_MEMORY_SIZE, owned by the caller
 * and lent until acme_deinit): installs the mbedTLS pool where configured, mounts the store,
 * starts PSA Crypto, checks the configuration. One client per process, because PSA Crypto has one
 * key store. Where the application has called psa_crypto_init before, the client lives in its PSA
 * Crypto and in the memory that it has given mbedTLS, and leaves both as they are, also when
 * acme_init fails; this wants an entropy source of the application's own
 * (CONFIG_ACME_MBEDTLS_ENTROPY n). Else both are the client's: they end with it, and with
 * CONFIG_ACME_MBEDTLS_POOL mbedTLS has no memory afterwards. A damaged store mounts with an ERROR
 * event; what is lost is obtained anew.
 *
 * A macro, so that the core learns how its caller was compiled: int32_t acme_init(acme_client
 * **client, const struct acme_config *config, void *memory, size_t memory_size). Threads: one.
 *
 * @return ACME_OK: *client is ready
 * @return ACME_ERR_ARGUMENT: a pointer that must be there is NULL, memory is not aligned, half of
 * an external account binding is missing; or the core was built with another configuration or
 *   version than the caller (then the log says so)
 * @return ACME_ERR_MEMORY: memory_size is too small
 * @return ACME_ERR_STATE: there is a client already
 * @return ACME_ERR_URL: a directory_url is no https URL
 * @return ACME_ERR_NAME: a name of a request is none
 * @return ACME_ERR_KEY_TYPE: a key type is not built in
 * @return ACME_ERR_UNSUPPORTED: something is asked for that is not built in
 * @return ACME_ERR_LIMIT: more certificates or names than configured, or the store's slots are
 * taken by certificates for other names (replace_unrequested)
 * @return ACME_ERR_CERT_PARSE: an anchor is no certificate
 * @return ACME_ERR_TLS_MEMORY: the pool is too small for the anchors
 * @return ACME_ERR_CRYPTO: PSA Crypto does not start
 * @return ACME_ERR_ENTROPY: the port's entropy source has failed
 * @return ACME_ERR_STORE_IO: the flash has failed
 * @return ACME_ERR_STORE_FORMAT: the area holds something else
 * @return ACME_ERR_STORE_GEOMETRY: the area's shape is not usable
 * @return ACME_ERR_STORE_SEAL: the records are sealed with another key
 * @return ACME_ERR_STORE_ROLLBACK: the records are older than the counter says
 * @return ACME_ERR_STORE_VERSION: the records have a newer format
 */
#define acme_init(client, config, memory, memory_size)                                             \
    acme_init_checked(client, config, memory, memory_size, ACME_BUILD)

/** What acme_init calls: build is ACME_BUILD as the caller's compiler sees it. Threads: one.
 * @return as acme_init */
int32_t acme_init_checked(acme_client **client, const struct acme_config *config, void *memory,
                          size_t memory_size, uint32_t build);

/** Erases the whole flash area of the store: every key and certificate in it is gone for good. For
 * an area that holds something else (acme_init says ACME_ERR_STORE_FORMAT), and to decommission a
 * device. Blocks as the flash does. Threads: one.
 * @return ACME_OK: the area is empty, and has the store's format
 * @return ACME_ERR_ARGUMENT: port or port->flash is NULL
 * @return ACME_ERR_STATE: there is a client
 * @return ACME_ERR_STORE_IO: the flash has failed
 * @return ACME_ERR_STORE_GEOMETRY: the area's shape is not usable */
int32_t acme_store_format(const struct acme_port *port);

/** Gives up what is damaged in the store's flash. While something there cannot be read, nothing of
 * it is erased: a write that needs its place fails with ACME_ERR_STORE_CORRUPT, and goes well when
 * it can be read again. This moves what can be read away from damaged places and frees them: what
 * cannot be read is gone, and no later acme_init says ACME_ERR_STORE_CORRUPT for it. The client
 * does it by itself only where waiting would cost a certificate (docs/store_format.md, "What is
 * damaged"). Blocks as the flash does; rewrites much of the store. Threads: one.
 * @return ACME_OK: nothing in the flash is damaged any more
 * @return ACME_ERR_STATE: a job is under way
 * @return ACME_ERR_STORE_FULL: there is no room to move anything; acme_store_format is what is left
 * @return ACME_ERR_STORE_IO: the flash has failed; what could be read still can */
int32_t acme_store_give_up(acme_client *client);

/** Closes connections and zeroizes the block. The store stays as it is. PSA Crypto and mbedTLS's
 * memory end, if acme_init started them: what the application has of them is released before. Fine
 * with NULL. Threads: one. */
void acme_deinit(acme_client *client);

/** Asks for the main job: account, and a certificate for each request that lacks a good one (see
 * force_renewal). RFC 8555 section 7. acme_poll does it. Threads: one.
 * @return ACME_OK: the job has begun (and has ended already if there is nothing to do)
 * @return ACME_ERR_STATE: a job is under way
 * @return ACME_ERR_NO_CLOCK: clock_required, and the wall clock is not known
 * @return ACME_ERR_TLS_MEMORY: the pool is too small to turn back to the first CA
 *   (CONFIG_ACME_FALLBACK)
 * @return ACME_ERR_STORE_IO: the flash has failed */
int32_t acme_start(acme_client *client);

/** As acme_start, for what acme_next_wakeup_s says is due now, and nothing else: a pause after a
 * failure or a rate limit of the CA is kept, across resets. What a device calls that wakes up by
 * itself. Without CONFIG_ACME_SCHEDULE the same as acme_start. Threads: one.
 * @return as acme_start; ACME_OK with nothing to do, too */
int32_t acme_start_due(acme_client *client);

/** As acme_start, but every certificate is ordered anew, due or not, in this one job. Threads: one.
 * @return as acme_start */
int32_t acme_renew_start(acme_client *client);

/** Ends the job under way at once: before sleep, a reset, or when the link goes down. Responders
 * and connections are closed, the request under way is forgotten, a DNS provider is told to stop
 * (its record may be left in the DNS, and goes with the next job), and ACME_EVENT_STATE says IDLE.
 * The job has not failed: no error is noted, and no pause begins. What is stored stays, so that the
 * next job goes on with the same account and the same orders. Threads: one, and not from on_event.
 * @return ACME_OK: the client is idle; also when it was idle before */
int32_t acme_cancel(acme_client *client);

/** Asks for the account only: found or created (RFC 8555 7.3, 7.3.1). Threads: one.
 * @return as acme_start */
int32_t acme_account_start(acme_client *client);
/** Asks to send config.contact to the CA (RFC 8555 7.3.2). Threads: one.
 * @return as acme_start
 * @return ACME_ERR_UNSUPPORTED: CONFIG_ACME_ACCOUNT_MANAGEMENT is off */
int32_t acme_account_update(acme_client *client);
/** Asks for deactivation of the account (RFC 8555 7.3.6); its record is removed, its key too.
 * Threads: one.
 * @return as acme_start
 * @return ACME_ERR_UNSUPPORTED: CONFIG_ACME_ACCOUNT_MANAGEMENT is off */
int32_t acme_account_deactivate(acme_client *client);
/** Asks for the account anew by its key (RFC 8555 7.3.1): what is stored of it may be wrong or
 * lost. An account that the CA has deactivated is replaced by a new one with a new key; orders do
 * that by themselves. Threads: one.
 * @return as acme_start
 * @return ACME_ERR_UNSUPPORTED: CONFIG_ACME_ACCOUNT_MANAGEMENT is off */
int32_t acme_account_recover(acme_client *client);
/** Forgets what is stored of the account at a directory: its record, its keys, its orders under
 * way. Certificates stay. The CA is not told (acme_account_deactivate tells it), and without the
 * key nobody gets at the account again: it is meant for a CA that is no longer in use. Accounts of
 * CAs that are not configured make room by themselves, the one that was not in use for longest
 * first, when a new account needs a slot. A key of the firmware's stays. Threads: one.
 * @return ACME_OK: nothing is stored of it any more
 * @return ACME_ERR_ARGUMENT: directory_url is NULL
 * @return ACME_ERR_NOT_FOUND: nothing was stored of it
 * @return ACME_ERR_STATE: a job is under way
 * @return ACME_ERR_STORE_IO: the flash has failed
 * @return ACME_ERR_STORE_FULL: there is no room to note it
 * @return ACME_ERR_CRYPTO: a key could not be destroyed */
int32_t acme_account_forget(acme_client *client, const char *directory_url);
/** Asks for another account key of config.account_key_type (RFC 8555 7.3.5). Both keys are kept
 * until the CA is known to have taken the new one; what a reset leaves open, the next job of any
 * kind finds out. Threads: one.
 * @return as acme_start
 * @return ACME_ERR_UNSUPPORTED: CONFIG_ACME_KEY_ROLLOVER is off, or the key is the firmware's own
 *   (config.account_key_id) */
int32_t acme_account_rollover(acme_client *client);
/** Asks the CA to forget that the names of a request are proven (RFC 8555 7.5.2): the
 * authorizations of the order under way, or of one that is made for this. Threads: one.
 * @return as acme_start
 * @return ACME_ERR_ARGUMENT: there is no such request
 * @return ACME_ERR_UNSUPPORTED: CONFIG_ACME_DEAUTHORIZATION is off */
int32_t acme_deauthorize(acme_client *client, uint16_t slot);
/** Asks for revocation of the certificate stored for a request (RFC 8555 7.6), with a reason of
 * RFC 5280 5.3.1 (0 to 10, not 7), signed by the account key, or by the certificate's. Threads:
 * one.
 * @return as acme_start
 * @return ACME_ERR_ARGUMENT: there is no such request, or no such reason
 * @return ACME_ERR_CERT_NONE: nothing is stored for it
 * @return ACME_ERR_UNSUPPORTED: CONFIG_ACME_REVOCATION is off */
int32_t acme_revoke_start(acme_client *client, uint16_t slot, uint8_t reason,
                          bool with_certificate_key);

/** What acme_poll wants. */
enum acme_want {
    ACME_WANT_IDLE = 0, /**< nothing is under way; result.error says how the last job ended */
    ACME_WANT_NOW = 1,  /**< call again at once: there is more to do */
    ACME_WANT_EVENT = 2 /**< call again on a network event, or after wait_ms, whichever is first */
};

/** What a call of acme_poll leaves. */
struct acme_poll_result {
    enum acme_want want; /**< when to call again */
    uint32_t wait_ms;    /**< the longest time until the next call */
    int32_t error;       /**< ACME_OK, or how the last job or the last slot that failed ended */
};

/** Does a bounded piece of work and returns. result must not be NULL. Threads: one.
 * @return ACME_WANT_IDLE: nothing is under way; result->error says how the last job ended
 * @return ACME_WANT_NOW: there is more to do at once
 * @return ACME_WANT_EVENT: call again on a network event, or after result->wait_ms
 *
 * result->want is the same value. */
enum acme_want acme_poll(acme_client *client, struct acme_poll_result *result);

/** What is stored for a request. Each of the first four is true by itself, and says no more than
 * its name; acme_cert_can_serve puts them together. */
struct acme_cert_status {
    bool stored;              /**< there is a record of a certificate; else most of what follows
                                   is 0 */
    bool readable;            /**< every part of its chain was found whole in the store just now */
    bool unexpired;           /**< not_after_s has not come, by the trusted time (without a clock:
                                   by the time floor) */
    bool key_usable;          /**< its private key is in PSA Crypto's key store */
    int32_t error;            /**< how the last try in this run ended for it */
    const char *error_route;  /**< as acme_event.route, of that try; static, or NULL */
    const char *error_member; /**< as acme_event.member, of that try; static, or NULL */
    int64_t not_before_s;     /**< Unix seconds */
    int64_t not_after_s;      /**< Unix seconds */
    int64_t renew_after_s;    /**< when it is going to be renewed */
    uint32_t key_id;          /**< PSA key identifier of its private key */
    uint8_t key_type;         /**< enum acme_key_type */
    bool key_exportable;      /**< as it was made */
    uint8_t chain_count;      /**< certificates, the leaf included */
    uint32_t chain_size;      /**< bytes of DER in all */
    struct acme_problem problem; /**< what the CA said of the last failure */
#if defined(CONFIG_ACME_SCHEDULE)
    int64_t next_s;     /**< when there is something to do for it, Unix seconds; 0: not requested */
    int64_t retry_at_s; /**< not before this after a failure, or 0 */
    int64_t look_at_s;  /**< when the CA is asked for renewal information again, or 0 */
    bool suggested;     /**< renew_after_s is of the CA's window (RFC 9773) */
    uint16_t failures;  /**< in a row */
#endif
};

/** Fills *status for a request's index. Reads the chain in the store, a few milliseconds of flash;
 * one that is found damaged makes the certificate due. Threads: one.
 * @return ACME_OK: *status is true
 * @return ACME_ERR_ARGUMENT: there is no such request, or status is NULL; *status is not touched
 * @return ACME_ERR_STORE_IO: the flash has failed to say; readable or key_usable is false for that,
 *   everything else in *status is true */
int32_t acme_cert_get_status(acme_client *client, uint16_t slot, struct acme_cert_status *status);

/** Whether a TLS server can serve with it: stored, readable, and with a key that works. It may have
 * expired (unexpired), which is for the server to judge: who has no clock may be wrong. Threads:
 * any.
 * @return true: it can
 * @return false: something is missing */
static inline bool acme_cert_can_serve(const struct acme_cert_status *status)
{
    return status->stored && status->readable && status->key_usable;
}

/** Reads the DER of certificate number index (0: the leaf) of the stored chain into der. Threads:
 * one.
 * @return its length, above 0
 * @return ACME_ERR_ARGUMENT: there is no such request, or der is NULL
 * @return ACME_ERR_CERT_NONE: nothing is stored for the request
 * @return ACME_ERR_NOT_FOUND: the chain is shorter
 * @return ACME_ERR_BUFFER: it has more than size bytes
 * @return ACME_ERR_STORE_IO: the flash has failed
 * @return ACME_ERR_STORE_CORRUPT: it is damaged; if a second look says so, too, it is due */
int32_t acme_cert_read(acme_client *client, uint16_t slot, uint8_t index, uint8_t *der,
                       size_t size);

#if defined(CONFIG_ACME_CERT_HOLD)
/** While held, the stored chains and their keys stay as they are: a new certificate waits to be
 * installed, for half a minute at most. For a TLS server, from the moment it reads a chain until
 * the handshake that needs its key is over (acme_mbedtls_use in acme/mbedtls.h does both). Takes
 * effect at once. Holds are counted: each needs its release, and the last one counts. Needs
 * CONFIG_ACME_CERT_HOLD; without it nothing waits, and this does nothing. Threads: one. */
void acme_cert_hold(acme_client *client);
/** Takes back one acme_cert_hold. Nothing happens where none is left to take back. Threads: one. */
void acme_cert_release(acme_client *client);
#else
static inline void acme_cert_hold(acme_client *client)
{
    (void)client;
}
static inline void acme_cert_release(acme_client *client)
{
    (void)client;
}
#endif

/** Steps through all stored certificates, whether requested now or not. *cursor starts as 0.
 * Copies the names of the certificate's slot, separated by commas, to names; status->error is
 * ACME_OK, or ACME_ERR_STORE_CORRUPT where the names are damaged and "" stands for them. A
 * certificate whose record is damaged is left out. Threads: one.
 * @return ACME_OK: there is one, in names and *status
 * @return ACME_ERR_ARGUMENT: cursor, names or status is NULL
 * @return ACME_ERR_NOT_FOUND: there is no other
 * @return ACME_ERR_BUFFER: its names do not fit; the next call goes on behind it
 * @return ACME_ERR_STORE_IO: the flash has failed; the next call goes on behind it */
int32_t acme_cert_list(acme_client *client, uint32_t *cursor, char *names, size_t names_size,
                       struct acme_cert_status *status);

/** What is stored about an account. */
struct acme_account_status {
    bool exists;                           /**< the CA has it, as far as is known */
    uint8_t key_type;                      /**< enum acme_key_type */
    uint32_t key_id;                       /**< PSA key identifier of its private key */
    char url[CONFIG_ACME_URL_MAX + 1];     /**< or "" */
    char tos_url[CONFIG_ACME_URL_MAX + 1]; /**< terms of service agreed to, or "" */
    char thumbprint[44];                   /**< RFC 7638, base64url of SHA-256 */
};
/** What is stored about the account at config.directory_url, when idle. Threads: one.
 * @return ACME_OK: *status is filled; exists says whether there is one
 * @return ACME_ERR_ARGUMENT: status is NULL
 * @return ACME_ERR_STATE: a job is under way
 * @return ACME_ERR_CRYPTO: the account's key does not work
 * @return ACME_ERR_STORE_IO: the flash has failed
 * @return ACME_ERR_STORE_CORRUPT: the record is damaged */
int32_t acme_account_get_status(acme_client *client, struct acme_account_status *status);

/** The record that proves a name by dns-persist-01 (draft-ietf-acme-dns-persist) for as long as it
 * stands. */
struct acme_dns_persist {
    const char *name;   /**< the domain; "*.domain" is the same as domain with wildcard set */
    bool wildcard;      /**< policy=wildcard: also for wildcards and names below */
    const char *issuer; /**< the CA's name for itself; NULL: the first that its directory has */
    int64_t until_s;    /**< persistUntil, Unix seconds; 0: without end */
};
/** Writes the record's name (without a dot at the end) and its value, which may be longer than the
 * 255 characters of one character string: whoever sets it splits it. The account must exist; the
 * issuer must be given or known from the last job of this client. Needs CONFIG_ACME_DNS_PERSIST_01.
 * Threads: one.
 * @return ACME_OK: both are written
 * @return ACME_ERR_ARGUMENT: there is no place to write to
 * @return ACME_ERR_UNSUPPORTED: CONFIG_ACME_DNS_PERSIST_01 is off
 * @return ACME_ERR_STATE: a job is under way
 * @return ACME_ERR_ACCOUNT_NONE: there is no account yet
 * @return ACME_ERR_FIELD: the issuer is neither given nor known
 * @return ACME_ERR_NAME: the name is none
 * @return ACME_ERR_BUFFER: something does not fit */
int32_t acme_dns_persist_record(acme_client *client, const struct acme_dns_persist *what,
                                char *name, size_t name_size, char *value, size_t value_size);
/** Writes the name of the record that dns-account-01 uses for a domain as long as the account lives
 * (draft-ietf-acme-dns-account-label), so that a person can delegate it once, by CNAME. Needs
 * CONFIG_ACME_DNS_ACCOUNT_01. Threads: one.
 * @return ACME_OK: it is written
 * @return ACME_ERR_ARGUMENT: there is no place to write to
 * @return ACME_ERR_UNSUPPORTED: CONFIG_ACME_DNS_ACCOUNT_01 is off
 * @return ACME_ERR_STATE: a job is under way
 * @return ACME_ERR_ACCOUNT_NONE: there is no account yet
 * @return ACME_ERR_NAME: the domain is none
 * @return ACME_ERR_BUFFER: the name does not fit */
int32_t acme_dns_account_name(acme_client *client, const char *domain, char *name,
                              size_t name_size);

/** When there is something to do by the trusted time (the time floor where no clock is known): a
 * renewal, a look at the CA's renewal information, another try after a failure. The time to call
 * acme_start_due; a device may sleep until then. Where nobody has told the time since the start, it
 * is 0, so that the CA is asked. Threads: one.
 * @return seconds until then
 * @return 0: it is due now
 * @return UINT32_MAX: no certificate is requested */
uint32_t acme_next_wakeup_s(acme_client *client);

/** The pause between two jobs of a device that looks after itself: how long to wait before the next
 * acme_start_due, asked once when a job has ended, or has not begun, with error. After a failure it
 * is the CA's pause where it has asked for one, else one that doubles from CONFIG_ACME_RETRY_MIN_S
 * to CONFIG_ACME_RETRY_MAX_S, with a random part; else it is acme_next_wakeup_s, but not less than
 * CONFIG_ACME_RETRY_MIN_S: what is due again at once is not chased. May be cut short: with
 * CONFIG_ACME_SCHEDULE, acme_start_due keeps the pauses by itself. From inside the port's breathe
 * it counts nothing, and is CONFIG_ACME_RETRY_MIN_S. Threads: one.
 * @return seconds to wait, more than 0 */
uint32_t acme_next_start_s(acme_client *client, int32_t error);

/** Forgets what this device has learned of the time: the time floor is config.build_time_s again,
 * in the store, too. For a person, where something has moved the floor too far (docs/security.md):
 * the client alone takes it back more slowly. Certificates, pauses and the port's wall clock stay
 * as they are. Threads: one.
 * @return ACME_OK: it is forgotten
 * @return ACME_ERR_STATE: a job is under way
 * @return ACME_ERR_STORE_FULL: there is no room for the change in the store; until the next
 *   acme_init it is forgotten
 * @return ACME_ERR_STORE_CORRUPT: damage is in the way (acme_store_give_up); likewise
 * @return ACME_ERR_STORE_IO: the flash has failed; likewise */
int32_t acme_clock_reset(acme_client *client);

/** Counters of this run, for tests and telemetry. */
struct acme_counters {
    uint32_t requests;       /**< HTTP requests sent */
    uint32_t connections;    /**< TLS connections made */
    uint32_t bad_nonces;     /**< requests that the CA refused for their nonce */
    uint32_t new_orders;     /**< orders that were made */
    uint32_t arena_peak;     /**< bytes of the JSON arena */
    uint32_t pool_peak;      /**< bytes of the mbedTLS pool, 0 when it is not ours */
    uint32_t store_used;     /**< bytes; 0 without CONFIG_ACME_STORE_STAT */
    uint32_t store_capacity; /**< bytes; 0 without CONFIG_ACME_STORE_STAT */
};
/** Fills *counters, during a job, too. Nothing with NULL. Threads: one. */
void acme_get_counters(acme_client *client, struct acme_counters *counters);

/** The name of a state as in ACME_EVENT_STATE, in capitals. Threads: any.
 * @return the name; static, never NULL; "UNKNOWN" of what is no state */
const char *acme_state_name(uint8_t state);

#ifdef __cplusplus
}
#endif
#endif
