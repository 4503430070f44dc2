/*
 * The directory and nonces. What it names and nobody here asks for costs nothing.
 */
#include "client/directory.h"

#include <string.h>

#include "client/machine.h"
#include "client/pool.h"
#include "client/reply.h"
#include "client/request.h"
#include "client/schedule.h"
#include "client/state.h"
#include "net/uri.h"

/* Room in work for the names of dns-persist-01: the reply is in the arena by then. */
#define ISSUERS_SIZE 512u

int32_t acme_enter_directory(struct acme_client *c)
{
    return acme_request_plain(c, "GET", c->config.directory_url);
}

/* Whether anybody here could ask for a URL. */
static bool is_used(uint32_t url)
{
    switch (url) {
    case ACME_URL_KEY_CHANGE:
        return ACME_ENABLED(CONFIG_ACME_KEY_ROLLOVER);
    case ACME_URL_RENEWAL_INFO:
        return ACME_ENABLED(CONFIG_ACME_ARI);
    case ACME_URL_NEW_AUTHZ:
        return ACME_ENABLED(CONFIG_ACME_PRE_AUTHORIZATION);
    default:
        return true;
    }
}

static int32_t take_urls(struct acme_client *c, acme_json_value root)
{
    static const char names[ACME_URL_COUNT][12] = {
        [ACME_URL_NEW_NONCE] = "newNonce",   [ACME_URL_NEW_ACCOUNT] = "newAccount",
        [ACME_URL_NEW_ORDER] = "newOrder",   [ACME_URL_REVOKE_CERT] = "revokeCert",
        [ACME_URL_KEY_CHANGE] = "keyChange", [ACME_URL_RENEWAL_INFO] = "renewalInfo",
        [ACME_URL_NEW_AUTHZ] = "newAuthz",
    };
    uint32_t i;

    for (i = 0; i < ACME_URL_COUNT; i++) {
        const char *url = is_used(i) ? acme_json_string(root, names[i]) : NULL;
        bool none = url == NULL || url[0] == '\0'; /* some CAs write what they do not offer so */
        int32_t rc = acme_pool_add_url(c, none ? NULL : url, &c->directory.urls[i]);

        if (rc != ACME_OK && (rc != ACME_ERR_FIELD || i < ACME_URL_NEEDED)) {
            return acme_error_at(&c->machine.place, names[i], rc);
        }
    }
    return ACME_OK;
}

#if defined(CONFIG_ACME_PROFILES)
/* A profile must not be asked for that the CA does not name. */
static void check_profiles(struct acme_client *c, acme_json_value meta)
{
    acme_json_value profiles = acme_json_object(meta, "profiles");
    uint16_t i;

    for (i = 0; i < c->config.certs_count; i++) {
        const char *profile = c->config.certs[i].profile;

        c->slots[i].profile_missing =
            profile != NULL && acme_json_string(profiles, profile) == NULL;
    }
}
#else
static void check_profiles(struct acme_client *c, acme_json_value meta)
{
    (void)c;
    (void)meta;
}
#endif

/* Terms are shown to people: nothing that a terminal would obey. What cannot be shown is an event
 * of nothing, and no reason to give up; a new account needs an agreement to it all the same. */
static int32_t take_terms(struct acme_client *c, const char *terms)
{
    size_t len = terms == NULL ? 0 : strlen(terms);

    c->directory.tos = 0;
    c->directory.terms = len > 0;
    if (len == 0 || len > CONFIG_ACME_URL_MAX || !acme_str_visible(terms, len)) {
        return ACME_OK;
    }
    return acme_pool_add(c, terms, &c->directory.tos);
}

int32_t acme_directory_write_issuers(acme_json_value array, struct acme_buf *out)
{
    acme_json_value item = acme_json_first(array);
    int count = 0;

    for (; item != NULL; item = acme_json_next(item)) {
        const char *name = acme_json_text(item);

        if (name == NULL || ++count > 10 || acme_uri_check_name(name, false) != ACME_OK) {
            return ACME_ERR_FIELD;
        }
        acme_buf_add(out, out->len > 0 ? " " : "");
        acme_buf_add(out, name);
    }
    return count > 0 ? ACME_OK : ACME_ERR_FIELD;
}

/* Which names a CA has for itself in the records of dns-persist-01. */
static int32_t take_issuers(struct acme_client *c, acme_json_value meta)
{
    struct acme_buf issuers;

    acme_buf_init(&issuers, c->work.text, ISSUERS_SIZE);
    c->directory.issuers = 0;
    if (acme_directory_write_issuers(acme_json_array(meta, "caaIdentities"), &issuers) != ACME_OK ||
        acme_buf_result(&issuers) <= 0) {
        return ACME_OK; /* it has no such challenge */
    }
    return acme_pool_add(c, issuers.data, &c->directory.issuers);
}

static int32_t take_meta(struct acme_client *c, acme_json_value meta)
{
    int32_t rc;

    check_profiles(c, meta);
    rc = take_terms(c, acme_json_string(meta, "termsOfService"));
    if (ACME_ENABLED(CONFIG_ACME_EAB)) {
        c->directory.binding = acme_json_true(meta, "externalAccountRequired");
    }
    if (rc == ACME_OK && ACME_ENABLED(CONFIG_ACME_DNS_PERSIST_01)) {
        rc = take_issuers(c, meta);
    }
    if (ACME_ENABLED(CONFIG_ACME_SUBDOMAINS)) {
        c->directory.subdomains = acme_json_true(meta, "subdomainAuthAllowed");
    }
    return rc;
}

int32_t acme_reply_directory(struct acme_client *c)
{
    acme_json_value root;
    int32_t rc = acme_reply_json(c, &root);

    c->pool_len = ACME_POOL_START;
    if (rc == ACME_OK) {
        rc = take_urls(c, root);
    }
    if (rc == ACME_OK) {
        rc = take_meta(c, acme_json_object(root, "meta"));
    }
    c->pool_order_mark = c->pool_len;
    if (rc == ACME_OK && !acme_schedule_look_again(c, false)) {
        return acme_machine_end(c, ACME_OK); /* its Date says that nothing is to be done yet */
    }
    return rc == ACME_OK ? acme_machine_go(c, ACME_STATE_ACCOUNT) : rc;
}

int32_t acme_enter_new_nonce(struct acme_client *c)
{
    return acme_request_plain(c, c->io.nonce_by_get ? "GET" : "HEAD",
                              acme_pool_get(c, c->directory.urls[ACME_URL_NEW_NONCE]));
}

int32_t acme_reply_new_nonce(struct acme_client *c)
{
    if (c->nonce[0] == '\0') {
        return ACME_ERR_NONCE_NONE;
    }
    return acme_machine_go(c, (enum acme_state)c->io.after_nonce);
}

/* A nonce is good whatever the status that it came with; a CA that refuses HEAD (405, 404, 501) has
 * to take GET (RFC 8555 7.2). */
int32_t acme_problem_new_nonce(struct acme_client *c, int32_t error)
{
    if (c->nonce[0] != '\0') {
        return acme_reply_new_nonce(c);
    }
    if (c->io.nonce_by_get || error == ACME_ERR_RATE_LIMITED || c->problem.status == 503) {
        return error;
    }
    c->io.nonce_by_get = true;
    return ACME_OK;
}
