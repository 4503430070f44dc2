/*
 * The command line's words and options (getopt_long), in one table. It must not do what they ask
 * for.
 */
#include "options.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <mbedtls/base64.h>

#include "exit.h"
#include "say.h"
#include "usage.h"
#include "words.h"

#define DEFAULT_SERVER "https://acme-v02.api.letsencrypt.org/directory"

#define COUNT(words) (sizeof(words) / sizeof((words)[0]))

/* One option, and where its value goes. */
struct row {
    const char *name;
    bool (*take)(struct cli_options *o, const struct row *row, char *value);
    uint16_t at;   /* of the member of struct cli_options */
    uint16_t size; /* of a number */
    uint16_t low, high;
    uint8_t has_value;
    char letter; /* or 0 */
};

static void *member(struct cli_options *o, const struct row *row)
{
    return (uint8_t *)o + row->at;
}

static bool take_flag(struct cli_options *o, const struct row *row, char *value)
{
    (void)value;
    *(bool *)member(o, row) = true;
    return true;
}

static bool take_text(struct cli_options *o, const struct row *row, char *value)
{
    *(char **)member(o, row) = value;
    return true;
}

static bool take_number(struct cli_options *o, const struct row *row, char *value)
{
    char *end;
    long number = strtol(value, &end, 10);

    if (*value == '\0' || *end != '\0' || number < row->low || number > row->high) {
        cli_error("--%s: '%s' is not a number from %u to %u", row->name, value, row->low,
                  row->high);
        return false;
    }
    if (row->size == sizeof(uint8_t)) {
        *(uint8_t *)member(o, row) = (uint8_t)number;
    } else if (row->size == sizeof(uint16_t)) {
        *(uint16_t *)member(o, row) = (uint16_t)number;
    } else {
        *(uint32_t *)member(o, row) = (uint32_t)number;
    }
    return true;
}

static bool take_verbose(struct cli_options *o, const struct row *row, char *value)
{
    (void)row;
    (void)value;
    o->verbose++;
    return true;
}

static bool take_reason(struct cli_options *o, const struct row *row, char *value)
{
    if (!take_number(o, row, value)) {
        return false;
    }
    if (o->reason == 7) {
        cli_error("--reason: RFC 5280 does not use 7");
        return false;
    }
    return true;
}

static bool take_key_type(struct cli_options *o, const struct row *row, char *value)
{
    int type = cli_find_key_type(value);

    if (type < 0) {
        cli_error("--%s: '%s' is none of p256, p384, rsa2048, rsa3072, rsa4096", row->name, value);
        return false;
    }
    *(uint8_t *)member(o, row) = (uint8_t)type;
    return true;
}

static const char *const challenges[ACME_CHALLENGE_TYPES] = {"http-01", "tls-alpn-01", "dns-01",
                                                             "dns-account-01", "dns-persist-01"};

static bool take_challenge(struct cli_options *o, const struct row *row, char *value)
{
    int i = cli_find_word(challenges, ACME_CHALLENGE_TYPES, value);
    size_t n = 0;

    (void)row;
    while (n < ACME_CHALLENGE_TYPES && o->challenges[n] != ACME_CHALLENGE_NONE) {
        n++;
    }
    if (i < 0 || n == ACME_CHALLENGE_TYPES) {
        cli_error("--challenge: '%s' is none of http-01, tls-alpn-01, dns-01, dns-account-01, "
                  "dns-persist-01, or one too many",
                  value);
        return false;
    }
    o->challenges[n] = (uint8_t)(i + ACME_CHALLENGE_HTTP_01);
    return true;
}

/* Addresses have one spelling; the core takes no other. Room for as many as there are options. */
static char *canonical_address(char *name)
{
    static char texts[CLI_NAMES_MAX][INET6_ADDRSTRLEN];
    static int used;
    unsigned char bytes[16];
    int family = strchr(name, ':') != NULL ? AF_INET6 : AF_INET;

    if (used == CLI_NAMES_MAX || inet_pton(family, name, bytes) != 1 ||
        inet_ntop(family, bytes, texts[used], sizeof(texts[used])) == NULL) {
        return name;
    }
    return texts[used++];
}

/* DNS names are the same in any case; the core keeps them as they come. */
static bool take_domain(struct cli_options *o, const struct row *row, char *name)
{
    char *p;
    uint16_t i;

    (void)row;
    name = canonical_address(name);
    for (p = name; *p != '\0'; p++) {
        *p = (char)tolower((unsigned char)*p);
    }
    for (i = 0; i < o->domains_count; i++) {
        if (strcmp(o->domains[i], name) == 0) {
            cli_error("--domain: '%s' is given twice", name);
            return false;
        }
    }
    if (o->domains_count == CLI_NAMES_MAX) {
        cli_error("--domain: at most %d names", CLI_NAMES_MAX);
        return false;
    }
    o->domains[o->domains_count++] = name;
    return true;
}

static bool take_pin(struct cli_options *o, const struct row *row, char *value)
{
    static const char prefix[] = "sha256//";
    const size_t skip = sizeof(prefix) - 1;
    size_t len = 0;

    (void)row;
    if (o->pins_count == CLI_PINS_MAX || strncmp(value, prefix, skip) != 0 ||
        mbedtls_base64_decode(o->pins[o->pins_count].sha256, 32, &len,
                              (const unsigned char *)value + skip, strlen(value) - skip) != 0 ||
        len != 32) {
        cli_error("--pin: '%s' is not sha256// and the base64 of 32 bytes, or one too many", value);
        return false;
    }
    o->pins_count++;
    return true;
}

static bool take_clock(struct cli_options *o, const struct row *row, char *value)
{
    static const char *const words[] = {"wall", "ca", "agree"}; /* as enum acme_clock_policy */
    int i = cli_find_word(words, COUNT(words), value);

    (void)row;
    if (i < 0) {
        cli_error("--clock: '%s' is none of wall, ca, agree", value);
        return false;
    }
    o->clock_policy = (uint8_t)i;
    return true;
}

static bool take_date(const char *option, const char *value, int64_t *unix_s)
{
    struct tm tm = {0};
    const char *end = strptime(value, "%Y-%m-%dT%H:%M:%SZ", &tm);

    *unix_s = end != NULL && *end == '\0' ? (int64_t)timegm(&tm) : 0;
    if (*unix_s <= 0) {
        cli_error("--%s: '%s' is no date like 2026-12-31T23:59:59Z", option, value);
        return false;
    }
    return true;
}

static bool take_not_before(struct cli_options *o, const struct row *row, char *value)
{
    (void)row;
    return take_date("not-before", value, &o->not_before_s);
}

static bool take_not_after(struct cli_options *o, const struct row *row, char *value)
{
    (void)row;
    return take_date("not-after", value, &o->not_after_s);
}

static bool take_fallback(struct cli_options *o, const struct row *row, char *value)
{
    (void)row;
    if (o->fallbacks_count == CLI_FALLBACKS_MAX) {
        cli_error("--fallback: at most %d", CLI_FALLBACKS_MAX);
        return false;
    }
    o->fallbacks[o->fallbacks_count++] = value;
    return true;
}

static bool take_terms(struct cli_options *o, const struct row *row, char *value)
{
    (void)row;
    o->accept_tos = true;
    o->accepted_terms = value;
    return true;
}

/* A secret on the command line can be read by others, as long as it stands there. */
static bool take_secret(struct cli_options *o, const struct row *row, char *value)
{
    static char copy[512];
    size_t len = strlen(value);

    if (len >= sizeof(copy)) {
        return take_text(o, row, value); /* too long for a key: an error will come of it */
    }
    memcpy(copy, value, len + 1);
    explicit_bzero(value, len);
    return take_text(o, row, copy);
}

/* ---- the table ---- */

#define AT(name)   ((uint16_t)offsetof(struct cli_options, name))
#define SIZE(name) ((uint16_t)sizeof(((struct cli_options *)0)->name))
#define FLAG(word, letter, to)                                                                     \
    {                                                                                              \
        word, take_flag, AT(to), 0, 0, 0, no_argument, letter                                      \
    }
#define TEXT(word, letter, to)                                                                     \
    {                                                                                              \
        word, take_text, AT(to), 0, 0, 0, required_argument, letter                                \
    }
#define NUMBER(word, to, lo, hi)                                                                   \
    {                                                                                              \
        word, take_number, AT(to), SIZE(to), lo, hi, required_argument, 0                          \
    }
#define PORT(word, to) NUMBER(word, to, 1, 65535)
#define OWN(word, letter, take)                                                                    \
    {                                                                                              \
        word, take, 0, 0, 0, 0, required_argument, letter                                          \
    }
#define KEY_TYPE(word, to)                                                                         \
    {                                                                                              \
        word, take_key_type, AT(to), 0, 0, 0, required_argument, 0                                 \
    }

#define VERSION 1 /* as a letter */

static const struct row rows[] = {
    FLAG("accept-tos", 0, accept_tos),
    OWN("accept-terms", 0, take_terms),
    KEY_TYPE("account-key-type", account_key_type),
    TEXT("acme-dns", 0, dns.acmedns),
    TEXT("acme-dns-account", 0, dns.acmedns_account),
    TEXT("acme-dns-ca-file", 0, dns.acmedns_ca),
    TEXT("ancestor", 0, ancestor),
    FLAG("allow-foreign-urls", 0, foreign_urls),
    TEXT("ca-file", 0, ca_file),
    OWN("challenge", 0, take_challenge),
    NUMBER("days", days, 1, 36500),
    TEXT("dns-hook", 0, dns.hook),
    NUMBER("dns-hook-time", dns.hook_seconds, 1, 3600),
    PORT("dns-port", dns.port),
    TEXT("dns-resolver", 0, dns.resolver),
    TEXT("dns-server", 0, dns.server),
    OWN("domain", 'd', take_domain),
    FLAG("each", 0, each),
    {"eab-hmac-key", take_secret, AT(eab_hmac_key), 0, 0, 0, required_argument, 0},
    TEXT("eab-kid", 0, eab_kid),
    TEXT("email", 'm', email),
    FLAG("exportable-key", 0, exportable),
    FLAG("force", 0, force),
    {"help", NULL, 0, 0, 0, 0, no_argument, 'h'},
    PORT("http-port", http_port),
    TEXT("issuer", 0, issuer),
    PORT("http-public", doctor.http_public),
    FLAG("json", 0, json),
    FLAG("key", 0, export_key),
    KEY_TYPE("key-type", key_type),
    FLAG("no-intermediates", 0, no_intermediates),
    FLAG("only-existing", 0, only_existing),
    TEXT("out", 'o', out),
    FLAG("pre-authorize", 0, pre_authorize),
    TEXT("own-address", 0, doctor.own_address),
    PORT("portal-port", doctor.portal_port),
    FLAG("quiet", 'q', quiet),
    {"reason", take_reason, AT(reason), SIZE(reason), 0, 10, required_argument, 0},
    TEXT("server", 's', server),
    TEXT("store", 0, store),
    PORT("tls-port", tls_port),
    PORT("tls-public", doctor.tls_public),
    FLAG("unconfined", 0, unconfined),
    TEXT("tsig-key", 0, dns.tsig_key),
    {"verbose", take_verbose, 0, 0, 0, 0, no_argument, 'v'},
    {"version", NULL, 0, 0, 0, 0, no_argument, VERSION},
    FLAG("wildcard", 0, wildcard),
    FLAG("with-certificate-key", 0, with_cert_key),
    TEXT("account-key", 0, account_key),
    OWN("clock", 0, take_clock),
    FLAG("events", 0, events),
    OWN("fallback", 0, take_fallback),
    TEXT("hook", 0, hook),
    FLAG("no-ari", 0, no_ari),
    TEXT("out-dir", 0, out_dir),
    TEXT("profile", 0, profile),
    OWN("pin", 0, take_pin),
    TEXT("preferred-issuer", 0, preferred_issuer),
    FLAG("reuse-key", 0, reuse_key),
    FLAG("revoke-replaced", 0, revoke_replaced),
    FLAG("allow-added-names", 0, added_names),
    OWN("not-before", 0, take_not_before),
    OWN("not-after", 0, take_not_after),
    FLAG("shortest-chain", 0, shortest),
};

static const char short_options[] = ":d:m:s:o:hqv"; /* the letters of the table */

#define ROWS     ((int)COUNT(rows))
#define ROW_BASE 256 /* getopt_long returns it plus the row, where there is no letter */

/* What getopt_long wants, of the same table. */
static const struct option *long_options(void)
{
    static struct option list[COUNT(rows) + 1];
    int i;

    for (i = 0; i < ROWS; i++) {
        list[i].name = rows[i].name;
        list[i].has_arg = rows[i].has_value;
        list[i].val = rows[i].letter != 0 ? rows[i].letter : ROW_BASE + i;
    }
    return list;
}

static bool take_option(struct cli_options *o, int option, char *value)
{
    int i;

    for (i = 0; i < ROWS; i++) {
        if (option == ROW_BASE + i || (rows[i].letter != 0 && option == rows[i].letter)) {
            return rows[i].take(o, &rows[i], value);
        }
    }
    return false;
}

/* What getopt_long does not take; its own words would be printed as they came. */
static void say_unknown(int option, const char *word)
{
    bool is_long = optopt == 0 || optopt >= ROW_BASE ||
                   (strncmp(word, "--", 2) == 0 && strchr(word, '=') != NULL);

    if (option == ':') {
        cli_error("option '%s' needs a value", word);
    } else if (is_long) {
        cli_error("unrecognized option '%s'; see nanoacme --help", word);
    } else {
        cli_error("unrecognized option '-%c'; see nanoacme --help", optopt);
    }
}

/* ---- words ---- */

static bool take_command(struct cli_options *o, const char *word)
{
    static const char *const words[] = {"run",   "list",        "export",      "account", "revoke",
                                        "store", "dns-record",  "doctor",      "renew",   "daemon",
                                        "next",  "deauthorize", "clock-reset", "give-up"};
    int i = cli_find_word(words, COUNT(words), word);

    if (i < 0) {
        cli_error("unknown command '%s'; see nanoacme --help", word);
        return false;
    }
    o->command = (enum cli_command)i;
    return true;
}

static bool take_account_word(struct cli_options *o, const char *word)
{
    static const char *const words[] = {"show",     "create",  "update", "deactivate",
                                        "rollover", "recover", "forget"};
    int i = cli_find_word(words, COUNT(words), word);

    if (i < 0) {
        cli_error("account: unknown word '%s'; try show, create, update, "
                  "rollover, recover, deactivate or forget",
                  word);
        return false;
    }
    o->account = (enum cli_account)i;
    return true;
}

static bool take_words(struct cli_options *o, int count, char **words)
{
    if (count == 0) {
        cli_usage(stderr);
        return false;
    }
    if (!take_command(o, words[0])) {
        return false;
    }
    if (count > 1 && o->command == CLI_ACCOUNT && !take_account_word(o, words[1])) {
        return false;
    }
    if (count > (o->command == CLI_ACCOUNT ? 2 : 1)) {
        cli_error("'%s' is one word too many; names are given with --domain",
                  words[o->command == CLI_ACCOUNT ? 2 : 1]);
        return false;
    }
    return true;
}

static bool check_dns(const struct cli_dns_options *d)
{
    int ways =
        (d->server != NULL || d->tsig_key != NULL) + (d->hook != NULL) + (d->acmedns != NULL);

    if (ways > 1) {
        cli_error("--dns-server, --dns-hook and --acme-dns: one of them");
        return false;
    }
    if ((d->acmedns == NULL) != (d->acmedns_account == NULL)) {
        cli_error("--acme-dns and --acme-dns-account go together");
        return false;
    }
    return true;
}

static bool needs_domain(enum cli_command command)
{
    return command == CLI_RUN || command == CLI_EXPORT || command == CLI_REVOKE ||
           command == CLI_DNS_RECORD || command == CLI_DAEMON || command == CLI_DEAUTHORIZE;
}

static bool check(const struct cli_options *o)
{
    if (needs_domain(o->command) && o->domains_count == 0) {
        cli_error("this command needs a name: --domain NAME");
        return false;
    }
    if (o->each && o->domains_count > CONFIG_ACME_CERT_SLOTS) {
        cli_error("--each: at most %d certificates", CONFIG_ACME_CERT_SLOTS);
        return false;
    }
    if ((o->eab_kid == NULL) != (o->eab_hmac_key == NULL)) {
        cli_error("--eab-kid and --eab-hmac-key go together");
        return false;
    }
    return check_dns(&o->dns);
}

bool cli_options_parse(int argc, char **argv, struct cli_options *o, int *exit_code)
{
    const struct option *list = long_options();
    int option;

    memset(o, 0, sizeof(*o));
    opterr = 0;
    o->server = DEFAULT_SERVER;
    o->store = CLI_DEFAULT_STORE;
    *exit_code = CLI_USAGE;
    while ((option = getopt_long(argc, argv, short_options, list, NULL)) != -1) {
        if (option == 'h') {
            cli_usage(stdout);
            *exit_code = CLI_OK;
            return false;
        }
        if (option == VERSION) {
            puts("nanoacme " ACME_VERSION);
            *exit_code = CLI_OK;
            return false;
        }
        if (option == '?' || option == ':') {
            say_unknown(option, argv[optind - 1]);
            return false;
        }
        if (!take_option(o, option, optarg)) {
            return false;
        }
    }
    return take_words(o, argc - optind, argv + optind) && check(o);
}
