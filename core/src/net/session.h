/*
 * The last TLS session with the CA, kept in RAM so that the next connection need not begin with a
 * whole handshake: by a ticket, or by an identifier (RFC 5246, RFC 5077, RFC 8446). It must not
 * know what is said inside. It is of one server and one set of anchors and pins: whoever turns to
 * others forgets it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mbedtls/ssl.h>

#include "acme/config.h"
#include "base/clock.h"

struct acme_session {
#if defined(CONFIG_ACME_TLS_RESUMPTION)
    uint8_t *data; /* of mbedTLS's memory, CONFIG_ACME_TLS_SESSION_SIZE; NULL: there was no room */
    uint16_t len;  /* 0: none is kept */
    bool offered;  /* in the handshake under way */
    struct acme_span chain; /* when all of the server's chain is valid */
    uint64_t until_ms;      /* uptime */
#else
    uint8_t none;
#endif
};

#if defined(CONFIG_ACME_TLS_RESUMPTION)
/** Before the first handshake: memory for one session, and tickets are asked for. */
void acme_session_init(struct acme_session *s, mbedtls_ssl_config *config);
/** None is kept any more; its secrets are wiped. */
void acme_session_forget(struct acme_session *s);
/** Forgets, and gives the memory back. */
void acme_session_free(struct acme_session *s);
/** Offers what is kept to the server, unless it is too old, or the server's chain has expired. */
void acme_session_offer(struct acme_session *s, mbedtls_ssl_context *ssl,
                        const struct acme_clock *clock);
/** The handshake begins: what was offered is used up, however it ends. */
void acme_session_use(struct acme_session *s);
/** The handshake is done. *chain is when the chain is valid that was verified in it, and from 0 on
 * where none was: then it becomes what it was when the session began. False: nothing was verified,
 * and nothing was offered. */
bool acme_session_settle(struct acme_session *s, mbedtls_ssl_context *ssl,
                         const struct acme_clock *clock, struct acme_span *chain);
/** A ticket has come, or a handshake is done that needs none: keeps the session. */
void acme_session_keep(struct acme_session *s, const mbedtls_ssl_context *ssl,
                       const struct acme_clock *clock);
#else
static inline void acme_session_init(struct acme_session *s, mbedtls_ssl_config *config)
{
    (void)s;
    (void)config;
}
static inline void acme_session_forget(struct acme_session *s)
{
    (void)s;
}
static inline void acme_session_free(struct acme_session *s)
{
    (void)s;
}
static inline void acme_session_offer(struct acme_session *s, mbedtls_ssl_context *ssl,
                                      const struct acme_clock *clock)
{
    (void)s;
    (void)ssl;
    (void)clock;
}
static inline void acme_session_use(struct acme_session *s)
{
    (void)s;
}
static inline bool acme_session_settle(struct acme_session *s, mbedtls_ssl_context *ssl,
                                       const struct acme_clock *clock, struct acme_span *chain)
{
    (void)s;
    (void)ssl;
    (void)clock;
    (void)chain;
    return true;
}
static inline void acme_session_keep(struct acme_session *s, const mbedtls_ssl_context *ssl,
                                     const struct acme_clock *clock)
{
    (void)s;
    (void)ssl;
    (void)clock;
}
#endif
