/*
 * The table of the ways to prove a name. It must not know how any of them works.
 */
#include "challenge/challenge.h"

#if defined(ACME_CHALLENGE_CHOICE)
#include <string.h>

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
