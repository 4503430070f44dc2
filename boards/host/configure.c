/*
 * From options to the client's configuration, with the files that the options name. It must not
 * start anything.
 */
#include "configure.h"

#include <stdio.h>
#include <string.h>

#include "anchors.h"
#include "dns.h"
#include "exit.h"
#include "say.h"

#define SYSTEM_ROOTS "/etc/ssl/certs/ca-certificates.crt"

static int set_account(const struct cli_options *o, struct acme_config *config)
{
    static char contact[CONFIG_ACME_URL_MAX + 1];

    config->tos_agreed = o->accept_tos;
    config->tos_policy = o->accepted_terms != NULL ? ACME_TOS_STOP : ACME_TOS_AGREE_AGAIN;
    config->tos_accepted_url = o->accepted_terms;
    config->account_key_type = o->account_key_type;
    config->account_key_id = o->account_key != NULL ? CLI_ACCOUNT_KEY_ID : 0;
    config->account_only_existing = o->only_existing;
    config->eab_kid = o->eab_kid;
    config->eab_hmac_key = o->eab_hmac_key;
    if (o->email == NULL) {
        return CLI_OK;
    }
    if (snprintf(contact, sizeof(contact), "mailto:%s", o->email) >= (int)sizeof(contact)) {
        cli_error("--email: too long");
        return CLI_USAGE;
    }
    config->contact = contact;
    return CLI_OK;
}

/* Without a word about it http-01; the other ways want preparations, which a person knows of. */
static void set_challenges(const struct cli_options *o, struct acme_config *config)
{
    memcpy(config->challenges, o->challenges, sizeof(config->challenges));
    if (config->challenges[0] == ACME_CHALLENGE_NONE) {
        config->challenges[0] = ACME_CHALLENGE_HTTP_01;
    }
    config->http_port = o->http_port;
    config->chain_max = UINT16_MAX; /* other programs serve it */
    config->tls_port = o->tls_port;
}

static void add_fallbacks(const struct cli_options *o, struct acme_config *config)
{
    static struct acme_ca list[CLI_FALLBACKS_MAX];
    uint16_t i;

    for (i = 0; i < o->fallbacks_count; i++) {
        list[i].directory_url = o->fallbacks[i];
        list[i].anchors = config->anchors;
        list[i].anchors_count = config->anchors_count;
    }
    config->fallbacks = list;
    config->fallbacks_count = o->fallbacks_count;
}

static int set_trust(const struct cli_options *o, struct acme_config *config)
{
    int count = cli_read_anchors(o->ca_file != NULL ? o->ca_file : SYSTEM_ROOTS, &config->anchors);

    if (count <= 0) {
        return CLI_CONFIG;
    }
    config->anchors_count = (uint16_t)count;
    add_fallbacks(o, config);
    return CLI_OK;
}

bool cli_needs_network(enum cli_command command)
{
    return command != CLI_LIST && command != CLI_EXPORT && command != CLI_STORE &&
           command != CLI_NEXT && command != CLI_CLOCK_RESET && command != CLI_GIVE_UP;
}

int cli_configure(const struct cli_options *o, struct acme_config *config)
{
    int code = set_account(o, config);

    config->directory_url = o->server;
    set_challenges(o, config);
    config->allow_foreign_urls = o->foreign_urls;
    config->force_renewal = o->force;
    config->clock_policy = o->clock_policy;
    config->pins = o->pins;
    config->pins_count = o->pins_count;
    config->no_renewal_info = o->no_ari;
    config->look_now = o->command == CLI_RENEW;
    if (code != CLI_OK || !cli_needs_network(o->command)) {
        return code;
    }
    code = set_trust(o, config);
    return code == CLI_OK ? cli_dns_open(o, config) : code;
}
