/*
 * Keeps a TLS session as bytes, in one piece of mbedTLS's memory that is taken at the start: what
 * is taken later would split a small pool for good. It must not know what is said inside.
 */
#include "net/session.h"

#if defined(CONFIG_ACME_TLS_RESUMPTION)

#include <string.h>

#include <mbedtls/platform.h>

#include "base/buf.h"

/* A day. RFC 8446 allows seven; a server may say less. */
#define LIFE_S 86400u

void acme_session_init(struct acme_session *s, mbedtls_ssl_config *config)
{
    memset(s, 0, sizeof(*s));
    s->data = mbedtls_calloc(1, CONFIG_ACME_TLS_SESSION_SIZE);
#if defined(MBEDTLS_SSL_SESSION_TICKETS) && defined(MBEDTLS_SSL_PROTO_TLS1_3)
    mbedtls_ssl_conf_tls13_enable_signal_new_session_tickets(
        config, MBEDTLS_SSL_TLS1_3_SIGNAL_NEW_SESSION_TICKETS_ENABLED);
#else
    (void)config;
#endif
}

void acme_session_forget(struct acme_session *s)
{
    if (s->data != NULL) {
        acme_zeroize(s->data, s->len);
    }
    s->len = 0;
}

void acme_session_free(struct acme_session *s)
{
    acme_session_forget(s);
    mbedtls_free(s->data);
    s->data = NULL;
}

/* By the trusted time, as a chain is judged in a handshake. */
static bool is_chain_good(const struct acme_session *s, const struct acme_clock *clock)
{
    int64_t now;

    if (acme_clock_now(clock, &now) != ACME_OK) {
        return !acme_clock_is_past(clock, &s->chain);
    }
    return now >= s->chain.from_s && now <= s->chain.to_s;
}

void acme_session_offer(struct acme_session *s, mbedtls_ssl_context *ssl,
                        const struct acme_clock *clock)
{
    mbedtls_ssl_session session;

    s->offered = false;
    if (s->len == 0) {
        return;
    }
    if (acme_clock_uptime_ms(clock) >= s->until_ms || !is_chain_good(s, clock)) {
        acme_session_forget(s);
        return;
    }
    mbedtls_ssl_session_init(&session);
    s->offered = mbedtls_ssl_session_load(&session, s->data, s->len) == 0 &&
                 mbedtls_ssl_set_session(ssl, &session) == 0;
    mbedtls_ssl_session_free(&session);
}

void acme_session_use(struct acme_session *s)
{
    if (s->offered) {
        acme_session_forget(s);
    }
}

static uint32_t life_s(const mbedtls_ssl_session *session)
{
    uint32_t life = LIFE_S;

#if defined(MBEDTLS_SSL_SESSION_TICKETS)
    uint32_t said = session->MBEDTLS_PRIVATE(ticket_lifetime);

    if (said != 0 && said < life) {
        life = said;
    }
#else
    (void)session;
#endif
    return life;
}

void acme_session_keep(struct acme_session *s, const mbedtls_ssl_context *ssl,
                       const struct acme_clock *clock)
{
    mbedtls_ssl_session session;
    size_t len;

    if (s->data == NULL) {
        return;
    }
    acme_session_forget(s);
    mbedtls_ssl_session_init(&session);
    if (mbedtls_ssl_get_session(ssl, &session) == 0 &&
        mbedtls_ssl_session_save(&session, s->data, CONFIG_ACME_TLS_SESSION_SIZE, &len) == 0) {
        s->len = (uint16_t)len;
        s->until_ms = acme_clock_uptime_ms(clock) + life_s(&session) * UINT64_C(1000);
    }
    mbedtls_ssl_session_free(&session);
}

bool acme_session_settle(struct acme_session *s, mbedtls_ssl_context *ssl,
                         const struct acme_clock *clock, struct acme_span *chain)
{
    bool verified = chain->to_s != INT64_MAX;

    if (verified) {
        s->chain = *chain;
    } else if (s->offered) {
        *chain = s->chain;
    } else {
        return false;
    }
    if (mbedtls_ssl_get_version_number(ssl) == MBEDTLS_SSL_VERSION_TLS1_2) {
        acme_session_keep(s, ssl, clock);
    }
    return true;
}

#endif
