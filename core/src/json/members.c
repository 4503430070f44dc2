/*
 * The list of the members that are kept. A member that a room of the client reads must stand here;
 * one that nobody reads must not.
 */
#include "json/members.h"

#include "acme/config.h"
#include "base/option.h"

const char acme_json_members[] =
    /* as in enum acme_json_member */
    "detail\0subproblems\0challenges\0profiles\0type\0"
    /* of several objects */
    "status\0error\0identifier\0value\0url\0"
    /* problem documents */
    "instance\0"
    /* the directory, and its meta */
    "newNonce\0newAccount\0newOrder\0meta\0termsOfService\0externalAccountRequired\0" ACME_WHERE(
        CONFIG_ACME_PRE_AUTHORIZATION, "newAuthz\0")
        ACME_WHERE(CONFIG_ACME_REVOCATION, "revokeCert\0")
            ACME_WHERE(CONFIG_ACME_KEY_ROLLOVER, "keyChange\0")
                ACME_WHERE(CONFIG_ACME_ARI, "renewalInfo\0")
                    ACME_WHERE(CONFIG_ACME_DNS_PERSIST_01, "caaIdentities\0")
                        ACME_WHERE(CONFIG_ACME_DOCTOR, "caaIdentities\0")
    /* orders */
    "identifiers\0authorizations\0finalize\0certificate\0"
    /* authorizations and challenges */
    "wildcard\0token\0" ACME_WHERE(CONFIG_ACME_SUBDOMAINS, "subdomainAuthAllowed\0") ACME_WHERE(
        CONFIG_ACME_DNS_PERSIST_01, "accounturi\0issuer-domain-names\0issuerDomainNames\0")
    /* renewal information */
    ACME_WHERE(CONFIG_ACME_ARI, "suggestedWindow\0start\0end\0explanationURL\0");

const char acme_json_challenge_types[] = ACME_WHERE(CONFIG_ACME_HTTP_01, "http-01\0")
    ACME_WHERE(CONFIG_ACME_TLS_ALPN_01, "tls-alpn-01\0") ACME_WHERE(CONFIG_ACME_DNS_01, "dns-01\0")
        ACME_WHERE(CONFIG_ACME_DNS_ACCOUNT_01, "dns-account-01\0")
            ACME_WHERE(CONFIG_ACME_DNS_PERSIST_01, "dns-persist-01\0") "";
