/*
 * Requests for certificates: those of --domain, and those that renew what is stored. It must not
 * choose among what is stored.
 */
#include "requests.h"

#include <stdlib.h>
#include <string.h>

#include "words.h"

static struct acme_cert_request requests[CONFIG_ACME_CERT_SLOTS];
/* What requests for what is stored point into. */
static char *stored_texts[CONFIG_ACME_CERT_SLOTS];
static const char **stored_names[CONFIG_ACME_CERT_SLOTS];

/* What is not kept in the store, and so is said each time. */
static void take_wishes(struct acme_cert_request *r, const struct cli_options *o)
{
    r->profile = o->profile;
    r->preferred_issuer = o->preferred_issuer;
    r->prefer_shortest = o->shortest;
    r->revoke_replaced = o->revoke_replaced;
    r->key_reuse = o->reuse_key;
    r->may_add_names = o->added_names;
    r->not_before_s = o->not_before_s;
    r->not_after_s = o->not_after_s;
}

void cli_requests_asked(const struct cli_options *o, struct acme_config *config)
{
    uint16_t i, count = o->each ? o->domains_count : 1;

    for (i = 0; i < count; i++) {
        requests[i].names = &o->domains[i];
        requests[i].names_count = o->each ? 1 : o->domains_count;
        requests[i].key_type = o->key_type;
        requests[i].key_exportable = o->exportable;
        requests[i].pre_authorize = o->pre_authorize;
        requests[i].ancestor = o->ancestor;
        take_wishes(&requests[i], o);
    }
    config->certs = requests;
    config->certs_count = count;
}

void cli_requests_clear(struct acme_config *config)
{
    uint16_t i;

    for (i = 0; i < CONFIG_ACME_CERT_SLOTS; i++) {
        free(stored_texts[i]);
        free((void *)stored_names[i]);
        stored_texts[i] = NULL;
        stored_names[i] = NULL;
    }
    memset(requests, 0, sizeof(requests));
    config->certs = requests;
    config->certs_count = 0;
}

bool cli_requests_add(const struct cli_options *o, struct acme_config *config, const char *names,
                      const struct acme_cert_status *status)
{
    uint16_t slot = config->certs_count;
    struct acme_cert_request *r = &requests[slot];

    stored_texts[slot] = strdup(names);
    stored_names[slot] = calloc(CONFIG_ACME_NAMES_MAX, sizeof(*stored_names[slot]));
    if (stored_texts[slot] == NULL || stored_names[slot] == NULL) {
        return false;
    }
    r->names = stored_names[slot];
    r->names_count = cli_split_names(stored_texts[slot], stored_names[slot], CONFIG_ACME_NAMES_MAX);
    r->key_type = status->key_type;
    r->key_exportable = status->key_exportable;
    take_wishes(r, o);
    config->certs_count++;
    return true;
}
