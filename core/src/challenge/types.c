/*
 * The table of the ways to prove a name, and the responders as entries of it. It must not know how
 * any of them works.
 */
#include "challenge/challenge.h"

#include <string.h>

#if defined(CONFIG_ACME_HTTP_01)
static int32_t answer_http(struct acme_challenges *s, const struct acme_challenge *challenge)
{
    int32_t rc = acme_responder_open(&s->http, s->http_port);

    if (rc == ACME_OK) {
        acme_responder_set(&s->http, challenge->token, challenge->key_authorization);
    }
    return rc;
}

static void stop_http(struct acme_challenges *s)
{
    acme_responder_set(&s->http, NULL, NULL);
}

const struct acme_challenge_ops acme_challenge_http_01 = {
    .name = "http-01",
    .type = ACME_CHALLENGE_HTTP_01,
    .proves = ACME_PROVES_NAME | ACME_PROVES_ADDRESS,
    .answer = answer_http,
    .stop = stop_http,
};
#endif

#if defined(CONFIG_ACME_TLS_ALPN_01)
static int32_t answer_tls(struct acme_challenges *s, const struct acme_challenge *challenge)
{
    int32_t rc = acme_tls_alpn_make(&s->tls, challenge->identifier, challenge->key_authorization);

    return rc == ACME_OK && !s->tls_shared ? acme_tls_alpn_open(&s->tls, s->tls_port) : rc;
}

static void stop_tls(struct acme_challenges *s)
{
    acme_tls_alpn_clear(&s->tls);
}

const struct acme_challenge_ops acme_challenge_tls_alpn_01 = {
    .name = "tls-alpn-01",
    .type = ACME_CHALLENGE_TLS_ALPN_01,
    .proves = ACME_PROVES_NAME | ACME_PROVES_ADDRESS,
    .answer = answer_tls,
    .stop = stop_tls,
};
#endif

#if defined(ACME_CHALLENGE_CHOICE)
static const struct acme_challenge_ops *const types[] = {
#if defined(CONFIG_ACME_HTTP_01)
    &acme_challenge_http_01,
#endif
#if defined(CONFIG_ACME_TLS_ALPN_01)
    &acme_challenge_tls_alpn_01,
#endif
#if defined(CONFIG_ACME_DNS_01)
    &acme_challenge_dns_01,
#endif
#if defined(CONFIG_ACME_DNS_ACCOUNT_01)
    &acme_challenge_dns_account_01,
#endif
#if defined(CONFIG_ACME_DNS_PERSIST_01)
    &acme_challenge_dns_persist_01,
#endif
    NULL,
};

const struct acme_challenge_ops *acme_challenge_find(uint8_t type)
{
    size_t i;

    for (i = 0; types[i] != NULL; i++) {
        if (types[i]->type == type) {
            return types[i];
        }
    }
    return NULL;
}

const struct acme_challenge_ops *acme_challenge_find_name(const char *name)
{
    size_t i;

    for (i = 0; types[i] != NULL; i++) {
        if (strcmp(types[i]->name, name) == 0) {
            return types[i];
        }
    }
    return NULL;
}
#endif
