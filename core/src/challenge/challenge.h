/*
 * The ways to prove a name, and what they have in common. Each type is one file and one struct of
 * functions; Kconfig chooses which of them are built. They know how to prove a name, not what for
 * and not when.
 */
#pragma once

#include "acme/client.h"
#include "base/buf.h"
#include "challenge/http.h"
#include "challenge/tls.h"

/* Whether there is a choice among types. Where only http-01 is built there is none, and the table
 * of the types costs nothing. */
#if !defined(CONFIG_ACME_HTTP_01) || defined(CONFIG_ACME_TLS_ALPN_01) ||                           \
    defined(CONFIG_ACME_DNS) || defined(CONFIG_ACME_PRE_AUTHORIZATION)
#define ACME_CHALLENGE_CHOICE
#endif

/** A challenge of the CA; everything is lent. */
struct acme_challenge {
    const char *identifier; /* the name without "*.", or the address as text */
    bool wildcard;
    const char *token;             /* NULL for dns-persist-01, likewise the next */
    const char *key_authorization; /* RFC 8555 8.1 */
    const char *account_url;
    const char *issuers; /* of dns-persist-01: the CA's names, separated by spaces */
    int64_t now_s;       /* trusted time, or its floor */
};

/** What the types work with. */
struct acme_challenges {
    const struct acme_port *port;
#if defined(CONFIG_ACME_HTTP_01)
    uint16_t http_port;
    struct acme_responder http;
#endif
#if defined(CONFIG_ACME_TLS_ALPN_01)
    uint16_t tls_port;
    bool tls_shared;
    struct acme_tls_alpn tls;
#endif
#if defined(CONFIG_ACME_DNS)
    const struct acme_dns_ops *dns; /* or NULL */
    void *dns_ctx;
#endif
};

/* What a type can prove. */
#define ACME_PROVES_NAME     1u
#define ACME_PROVES_WILDCARD 2u
#define ACME_PROVES_ADDRESS  4u

struct acme_challenge_ops {
    const char *name; /* as the CA calls it */
    uint8_t type;     /* enum acme_challenge_type */
    uint8_t proves;
    /** Answers the CA from now on, or goes on answering; the challenge is lent until stop.
     * ACME_ERR_LISTEN and others. NULL: the type has a record. */
    int32_t (*answer)(struct acme_challenges *s, const struct acme_challenge *challenge);
    /** Answers no longer. */
    void (*stop)(struct acme_challenges *s);
#if defined(CONFIG_ACME_DNS)
    /** Adds the name and the value of the DNS record that proves. NULL: the type answers. */
    void (*record)(const struct acme_challenge *challenge, struct acme_buf *name,
                   struct acme_buf *value);
    /** Whether the CA will find the record: ACME_OK, ACME_ERR_AGAIN, or it will not. */
    int32_t (*ready)(struct acme_challenges *s, const struct acme_challenge *challenge,
                     const struct acme_dns_record *record, uint32_t *wait_ms);
    bool publishes; /* the record is set and removed by us */
#endif
};

/* types.c has the first two and the table, dns.c and persist.c the others. */
extern const struct acme_challenge_ops acme_challenge_http_01;
extern const struct acme_challenge_ops acme_challenge_tls_alpn_01;
extern const struct acme_challenge_ops acme_challenge_dns_01;
extern const struct acme_challenge_ops acme_challenge_dns_account_01;
extern const struct acme_challenge_ops acme_challenge_dns_persist_01;

/** A type that is built, by its number or by its name; NULL: none. */
const struct acme_challenge_ops *acme_challenge_find(uint8_t type);
const struct acme_challenge_ops *acme_challenge_find_name(const char *name);

/* ---- each part that may be missing; inline, because mostly there is one ---- */

#if defined(CONFIG_ACME_HTTP_01)
static inline void acme_challenges_init_http(struct acme_challenges *s,
                                             const struct acme_config *config)
{
    s->http_port = config->http_port != 0 ? config->http_port : CONFIG_ACME_HTTP_PORT;
    acme_responder_init(&s->http, config->port->net, config->port->net_ctx);
}

static inline void acme_challenges_poll_http(struct acme_challenges *s, uint64_t now_ms)
{
    acme_responder_poll(&s->http, now_ms);
}

static inline void acme_challenges_close_http(struct acme_challenges *s)
{
    acme_responder_close(&s->http);
}

static inline uint32_t acme_challenges_served_http(const struct acme_challenges *s)
{
    return s->http.served;
}

static inline bool acme_challenges_is_open_http(const struct acme_challenges *s)
{
    return s->http.listener != ACME_HANDLE_NONE;
}
#else
#define acme_challenges_init_http(s, config) ((void)(s), (void)(config))
#define acme_challenges_poll_http(s, now_ms) ((void)(s), (void)(now_ms))
#define acme_challenges_close_http(s)        ((void)(s))
#define acme_challenges_served_http(s)       ((void)(s), 0u)
#define acme_challenges_is_open_http(s)      ((void)(s), false)
#endif

#if defined(CONFIG_ACME_TLS_ALPN_01)
static inline void acme_challenges_init_tls(struct acme_challenges *s,
                                            const struct acme_config *config)
{
    s->tls_port = config->tls_port != 0 ? config->tls_port : CONFIG_ACME_TLS_PORT;
    s->tls_shared = config->tls_shared;
    acme_tls_alpn_init(&s->tls, config->port);
}

static inline void acme_challenges_poll_tls(struct acme_challenges *s, uint64_t now_ms)
{
    acme_tls_alpn_poll(&s->tls, now_ms);
}

static inline void acme_challenges_close_tls(struct acme_challenges *s)
{
    acme_tls_alpn_close(&s->tls);
}

static inline uint32_t acme_challenges_served_tls(const struct acme_challenges *s)
{
    return s->tls.served;
}

static inline bool acme_challenges_is_open_tls(const struct acme_challenges *s)
{
    return s->tls.listener != ACME_HANDLE_NONE;
}

static inline bool acme_challenges_has_more_tls(const struct acme_challenges *s)
{
    return s->tls.more;
}
#else
#define acme_challenges_init_tls(s, config) ((void)(s), (void)(config))
#define acme_challenges_poll_tls(s, now_ms) ((void)(s), (void)(now_ms))
#define acme_challenges_close_tls(s)        ((void)(s))
#define acme_challenges_served_tls(s)       ((void)(s), 0u)
#define acme_challenges_is_open_tls(s)      ((void)(s), false)
#define acme_challenges_has_more_tls(s)     ((void)(s), false)
#endif

#if defined(CONFIG_ACME_DNS)
static inline void acme_challenges_init_dns(struct acme_challenges *s,
                                            const struct acme_config *config)
{
    s->dns = config->dns;
    s->dns_ctx = config->dns_ctx;
}

static inline void acme_challenges_close_dns(struct acme_challenges *s)
{
    if (s->dns != NULL && s->dns->stop != NULL) {
        s->dns->stop(s->dns_ctx);
    }
    if (s->dns != NULL && s->dns->end != NULL) {
        s->dns->end(s->dns_ctx);
    }
}
#else
#define acme_challenges_init_dns(s, config) ((void)(s), (void)(config))
#define acme_challenges_close_dns(s)        ((void)(s))
#endif

/* ---- all of them at once ---- */

static inline void acme_challenges_init(struct acme_challenges *s, const struct acme_config *config)
{
    s->port = config->port;
    acme_challenges_init_http(s, config);
    acme_challenges_init_tls(s, config);
    acme_challenges_init_dns(s, config);
}

/** Serves whoever has come, as far as it goes without waiting. */
static inline void acme_challenges_poll(struct acme_challenges *s, uint64_t now_ms)
{
    acme_challenges_poll_http(s, now_ms);
    acme_challenges_poll_tls(s, now_ms);
}

/** Ends everything: the job of a certificate is over, or needs no more proofs. */
static inline void acme_challenges_close(struct acme_challenges *s)
{
    acme_challenges_close_http(s);
    acme_challenges_close_tls(s);
    acme_challenges_close_dns(s);
}

/** How many times the CA was given its proof. */
static inline uint32_t acme_challenges_served(const struct acme_challenges *s)
{
    return acme_challenges_served_http(s) + acme_challenges_served_tls(s);
}

/** Whether there is a listener, to which somebody may come at any time. */
static inline bool acme_challenges_is_open(const struct acme_challenges *s)
{
    return acme_challenges_is_open_http(s) || acme_challenges_is_open_tls(s);
}

/** Whether there is more to do at once. */
static inline bool acme_challenges_has_more(const struct acme_challenges *s)
{
    return acme_challenges_has_more_tls(s);
}
