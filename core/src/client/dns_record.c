/*
 * The records that a person sets once, told to that person: dns-persist-01's whole,
 * dns-account-01's name. It must not change anything.
 */
#include "client/account_record.h"
#include "client/pool.h"
#include "client/state.h"

#include <string.h>

#include "challenge/dns.h"
#include "challenge/persist.h"
#include "net/uri.h"

#if defined(CONFIG_ACME_DNS_PERSIST_01) || defined(CONFIG_ACME_DNS_ACCOUNT_01)
/* Whether there is an account whose URL can be told, and a place for what it is told in. */
static int32_t load_account(struct acme_client *c, const char *name, const char *value)
{
    int32_t rc;

    if (name == NULL || value == NULL) {
        return ACME_ERR_ARGUMENT;
    }
    if (acme_machine_is_busy(c)) {
        return ACME_ERR_STATE; /* the memory for the record is in use */
    }
    rc = acme_account_load(c);
    return rc == ACME_OK && !c->account.exists ? ACME_ERR_ACCOUNT_NONE : rc;
}

/* The domain of a name that may be a wildcard; NULL: it is no domain name. */
static const char *domain_of(const char *name)
{
    if (acme_uri_check_name(name, true) != ACME_OK) {
        return NULL;
    }
    return name[0] == '*' ? name + 2 : name;
}
#endif

#if defined(CONFIG_ACME_DNS_PERSIST_01)
/* Whether the issuer that is asked for, if any, is a domain name. */
static bool is_issuer_good(const struct acme_dns_persist *what)
{
    return what->issuer == NULL || domain_of(what->issuer) == what->issuer;
}

int32_t acme_dns_persist_record(acme_client *c, const struct acme_dns_persist *what, char *name,
                                size_t name_size, char *value, size_t value_size)
{
    const char *domain = what == NULL ? NULL : domain_of(what->name);
    struct acme_persist p = {NULL, c->account_url, false, 0};
    struct acme_buf b;
    int32_t rc = load_account(c, name, value);

    if (rc != ACME_OK) {
        return rc;
    }
    if (domain == NULL || !is_issuer_good(what)) {
        return ACME_ERR_NAME;
    }
    p.issuers = what->issuer != NULL ? what->issuer : acme_pool_get(c, c->directory.issuers);
    p.wildcard = what->wildcard || domain != what->name;
    p.until_s = what->until_s;
    if (p.issuers[0] == '\0') {
        return ACME_ERR_FIELD;
    }
    acme_buf_init(&b, name, name_size);
    acme_buf_add(&b, ACME_PERSIST_LABEL);
    acme_buf_add(&b, domain);
    rc = acme_buf_result(&b);
    acme_buf_init(&b, value, value_size);
    acme_persist_add(&b, &p);
    return rc < 0 || acme_buf_result(&b) < 0 ? ACME_ERR_BUFFER : ACME_OK;
}
#else
int32_t acme_dns_persist_record(acme_client *c, const struct acme_dns_persist *what, char *name,
                                size_t name_size, char *value, size_t value_size)
{
    (void)c;
    (void)what;
    (void)name;
    (void)name_size;
    (void)value;
    (void)value_size;
    return ACME_ERR_UNSUPPORTED;
}
#endif

#if defined(CONFIG_ACME_DNS_ACCOUNT_01)
int32_t acme_dns_account_name(acme_client *c, const char *domain, char *name, size_t name_size)
{
    int32_t rc = load_account(c, name, name);
    struct acme_buf b;

    if (rc != ACME_OK) {
        return rc;
    }
    domain = domain_of(domain);
    if (domain == NULL) {
        return ACME_ERR_NAME;
    }
    acme_buf_init(&b, name, name_size);
    acme_challenge_add_account_label(&b, c->account_url);
    acme_buf_add(&b, domain);
    return acme_buf_result(&b) < 0 ? ACME_ERR_BUFFER : ACME_OK;
}
#else
int32_t acme_dns_account_name(acme_client *c, const char *domain, char *name, size_t name_size)
{
    (void)c;
    (void)domain;
    (void)name;
    (void)name_size;
    return ACME_ERR_UNSUPPORTED;
}
#endif
