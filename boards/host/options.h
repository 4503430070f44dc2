/*
 * What the command line asked for.
 */
#ifndef NANOACME_OPTIONS_H
#define NANOACME_OPTIONS_H

#include <stdbool.h>

#include "acme/client.h"

enum cli_command {
    CLI_RUN,
    CLI_LIST,
    CLI_EXPORT,
    CLI_ACCOUNT,
    CLI_REVOKE,
    CLI_STORE,
    CLI_DNS_RECORD,
    CLI_DOCTOR,
    CLI_RENEW,
    CLI_DAEMON,
    CLI_NEXT,
    CLI_DEAUTHORIZE,
    CLI_CLOCK_RESET,
    CLI_GIVE_UP,
    CLI_COMMANDS /* how many there are */
};

enum cli_account {
    CLI_ACCOUNT_SHOW,
    CLI_ACCOUNT_CREATE,
    CLI_ACCOUNT_UPDATE,
    CLI_ACCOUNT_DEACTIVATE,
    CLI_ACCOUNT_ROLLOVER,
    CLI_ACCOUNT_RECOVER,
    CLI_ACCOUNT_FORGET
};

#define CLI_NAMES_MAX     CONFIG_ACME_NAMES_MAX
#define CLI_PINS_MAX      8
#define CLI_FALLBACKS_MAX (CONFIG_ACME_ACCOUNT_SLOTS - 1)

/* How the DNS is reached; see dns.c. */
struct cli_dns_options {
    const char *server, *resolver, *hook, *acmedns, *acmedns_account, *acmedns_ca;
    char *tsig_key; /* wiped when it is taken over */
    uint32_t hook_seconds;
    uint16_t port; /* of the zones' name servers; 0: 53 */
};

/* What only the doctor needs to know. */
struct cli_doctor_options {
    const char *own_address;
    uint16_t http_public, tls_public, portal_port;
};

struct cli_options {
    enum cli_command command;
    enum cli_account account;
    const char *server;
    const char *domains[CLI_NAMES_MAX];
    uint16_t domains_count;
    const char *email;
    const char *accepted_terms; /* or NULL: any that the CA has */
    const char *ca_file;
    const char *store;
    const char *out;
    const char *eab_kid, *eab_hmac_key;
    struct cli_dns_options dns;
    struct cli_doctor_options doctor;
    uint8_t key_type, account_key_type;
    uint16_t http_port, tls_port;
    const char *ancestor;
    const char *issuer; /* of the dns-persist-01 record; NULL: as the CA's directory says */
    uint32_t days;      /* that it is to last; 0: for ever */
    bool wildcard, pre_authorize;
    uint8_t challenges[ACME_CHALLENGE_TYPES]; /* enum acme_challenge_type, in order */
    uint8_t reason;
    bool accept_tos, each, exportable, force, json, quiet, foreign_urls;
    bool only_existing, unconfined;
    bool no_intermediates, export_key, with_cert_key;
    int verbose;
    const char *profile;
    const char *hook, *out_dir; /* daemon: what is told of a new certificate, and where it goes */
    const char *account_key;
    uint8_t clock_policy;
    bool events, no_ari, shortest, revoke_replaced, reuse_key, added_names;
    int64_t not_before_s, not_after_s; /* of the certificate; 0: as the CA likes */
    const char *preferred_issuer;
    struct acme_pin pins[CLI_PINS_MAX];
    uint16_t pins_count;
    const char *fallbacks[CLI_FALLBACKS_MAX];
    uint16_t fallbacks_count;
};

/** Parses the command line. Returns true, or false with *exit_code when there is nothing to do. */
bool cli_options_parse(int argc, char **argv, struct cli_options *o, int *exit_code);

#endif
