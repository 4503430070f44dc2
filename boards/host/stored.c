/*
 * Which of the stored certificates a command works on. It must not know what the command does.
 */
#include "stored.h"

#include <string.h>

#include "exit.h"
#include "requests.h"
#include "say.h"
#include "words.h"

/* Whether a list of names has one of the first count --domain. */
static bool covers(const struct cli_options *o, uint16_t count, const char *const *list,
                   uint16_t list_count)
{
    uint16_t i, j;

    for (i = 0; i < count; i++) {
        for (j = 0; j < list_count; j++) {
            if (strcmp(o->domains[i], list[j]) == 0) {
                return true;
            }
        }
    }
    return false;
}

/* Whether a stored certificate has one of the first domains --domain; with 0, all have. */
static bool is_meant(const struct cli_options *o, uint16_t domains, const char *names)
{
    static char copy[CONFIG_ACME_NAMES_MAX * 254 + 1];
    const char *list[CONFIG_ACME_NAMES_MAX];
    uint16_t count;

    memcpy(copy, names, strlen(names) + 1);
    count = cli_split_names(copy, list, CONFIG_ACME_NAMES_MAX);
    return count > 0 && (domains == 0 || covers(o, domains, list, count));
}

/* Opens again with what is stored: all of it, or what has one of the first domains. */
static int reopen(struct cli_session *s, uint16_t domains, uint16_t most)
{
    static char names[CONFIG_ACME_NAMES_MAX * 254 + 1];
    struct acme_cert_status status;
    uint32_t cursor = 0;

    cli_requests_clear(&s->config);
    while (s->config.certs_count < most &&
           acme_cert_list(s->client, &cursor, names, sizeof(names), &status) == ACME_OK) {
        if (is_meant(s->options, domains, names)) {
            (void)cli_requests_add(s->options, &s->config, names, &status);
        }
    }
    if (s->config.certs_count == 0) {
        cli_error("store %s has no certificate%s%s; see nanoacme list", s->options->store,
                  domains > 0 ? " for " : "", domains > 0 ? s->options->domains[0] : "");
        return CLI_CONFIG;
    }
    return cli_session_reopen(s);
}

int cli_stored_one(struct cli_session *s)
{
    return reopen(s, 1, 1);
}

int cli_stored_all(struct cli_session *s)
{
    return reopen(s, s->options->domains_count, CONFIG_ACME_CERT_SLOTS);
}
