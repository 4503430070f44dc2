/*
 * Which of the stored certificates a command works on. It must not know what the command does.
 */
#include "stored.h"

#include <stdio.h>
#include <string.h>

#include "exit.h"
#include "requests.h"
#include "say.h"
#include "words.h"

#define LIST_SIZE (CONFIG_ACME_NAMES_MAX * 254 + 1) /* names with commas between them */

/* The names of a stored certificate, apart. */
struct names {
    char text[LIST_SIZE];
    const char *list[CONFIG_ACME_NAMES_MAX];
    uint16_t count;
};

static void take_apart(struct names *n, const char *text)
{
    memcpy(n->text, text, strlen(text) + 1);
    n->count = cli_split_names(n->text, n->list, CONFIG_ACME_NAMES_MAX);
}

static bool has(const struct names *n, const char *name)
{
    uint16_t i = 0;

    while (i < n->count && strcmp(n->list[i], name) != 0) {
        i++;
    }
    return i < n->count;
}

/* How many of the --domain a certificate has. Each is given once. */
static uint16_t count_of(const struct cli_options *o, const struct names *n)
{
    uint16_t i, count = 0;

    for (i = 0; i < o->domains_count; i++) {
        count = (uint16_t)(count + (has(n, o->domains[i]) ? 1 : 0));
    }
    return count;
}

static bool is_any(const struct cli_options *o, const struct names *n)
{
    return o->domains_count == 0 || count_of(o, n) > 0;
}

static bool is_exact(const struct cli_options *o, const struct names *n)
{
    return n->count == o->domains_count && count_of(o, n) == n->count;
}

/* Takes what is stored and fits as the requests. Returns how many there are. */
static uint16_t take_fitting(struct cli_session *s,
                             bool (*fits)(const struct cli_options *, const struct names *))
{
    static char text[LIST_SIZE];
    static struct names names;
    struct acme_cert_status status;
    uint32_t cursor = 0;

    cli_requests_clear(&s->config);
    while (s->config.certs_count < CONFIG_ACME_CERT_SLOTS &&
           acme_cert_list(s->client, &cursor, text, sizeof(text), &status) == ACME_OK) {
        take_apart(&names, text);
        if (text[0] != '\0' && fits(s->options, &names)) { /* names may be damaged */
            (void)cli_requests_add(s->options, &s->config, text, &status);
        }
    }
    return s->config.certs_count;
}

static int say_none(const struct cli_session *s)
{
    const struct cli_options *o = s->options;

    cli_error("store %s has no certificate%s%s; see nanoacme list", o->store,
              o->domains_count > 0 ? " for " : "", o->domains_count > 0 ? o->domains[0] : "");
    return CLI_CONFIG;
}

/* Several might be meant, or one that has other names, too: a person is to say which. */
static int say_candidates(const struct cli_session *s)
{
    uint16_t i, k;

    cli_error("no certificate has exactly the names of --domain; name all of one of these:");
    for (i = 0; i < s->config.certs_count; i++) {
        const struct acme_cert_request *r = &s->config.certs[i];
        char line[LIST_SIZE + CONFIG_ACME_NAMES_MAX] = "";
        size_t len = 0;

        for (k = 0; k < r->names_count; k++) {
            len += (size_t)snprintf(line + len, sizeof(line) - len, " %s", r->names[k]);
        }
        cli_note("%s", line);
    }
    return CLI_USAGE;
}

int cli_stored_one(struct cli_session *s)
{
    if (take_fitting(s, is_exact) == 1) {
        return cli_session_reopen(s);
    }
    return take_fitting(s, is_any) > 0 ? say_candidates(s) : say_none(s);
}

int cli_stored_all(struct cli_session *s)
{
    return take_fitting(s, is_any) > 0 ? cli_session_reopen(s) : say_none(s);
}
