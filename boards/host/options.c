/*
 * The command line's words and options (getopt_long). It must not do what they ask for.
 */
#include "cli.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include <mbedtls/base64.h>

#define DEFAULT_SERVER "https://acme-v02.api.letsencrypt.org/directory"

enum {
    OPT_ACCEPT_TOS = 256,
    OPT_ACCEPT_TERMS,
    OPT_ACCOUNT_KEY_TYPE,
    OPT_ANCESTOR,
    OPT_ACMEDNS,
    OPT_ACMEDNS_ACCOUNT,
    OPT_ACMEDNS_CA,
    OPT_CA_FILE,
    OPT_CHALLENGE,
    OPT_DAYS,
    OPT_DNS_HOOK,
    OPT_DNS_HOOK_TIME,
    OPT_DNS_PORT,
    OPT_DNS_RESOLVER,
    OPT_DNS_SERVER,
    OPT_HTTP_PUBLIC,
    OPT_OWN_ADDRESS,
    OPT_PORTAL_PORT,
    OPT_TLS_PUBLIC,
    OPT_EACH,
    OPT_EAB_KID,
    OPT_EAB_KEY,
    OPT_EXISTING,
    OPT_EXPORTABLE,
    OPT_FORCE,
    OPT_FOREIGN,
    OPT_HTTP_PORT,
    OPT_ISSUER,
    OPT_JSON,
    OPT_KEY,
    OPT_KEY_TYPE,
    OPT_NO_INTERMEDIATES,
    OPT_PRE_AUTHORIZE,
    OPT_REASON,
    OPT_STORE,
    OPT_TLS_PORT,
    OPT_TSIG_KEY,
    OPT_VERSION,
    OPT_WILDCARD,
    OPT_WITH_CERT_KEY,
    OPT_ACCOUNT_KEY,
    OPT_CLOCK,
    OPT_EVENTS,
    OPT_FALLBACK,
    OPT_HOOK,
    OPT_NO_ARI,
    OPT_OUT_DIR,
    OPT_PROFILE,
    OPT_PREFERRED_ISSUER,
    OPT_REUSE_KEY,
    OPT_REVOKE_REPLACED,
    OPT_SHORTEST,
    OPT_PIN
};

static const char short_options[] = "d:m:s:o:hqv";

static const struct option long_options[] = {
    {"accept-tos", no_argument, NULL, OPT_ACCEPT_TOS},
    {"accept-terms", required_argument, NULL, OPT_ACCEPT_TERMS},
    {"account-key-type", required_argument, NULL, OPT_ACCOUNT_KEY_TYPE},
    {"acme-dns", required_argument, NULL, OPT_ACMEDNS},
    {"acme-dns-account", required_argument, NULL, OPT_ACMEDNS_ACCOUNT},
    {"acme-dns-ca-file", required_argument, NULL, OPT_ACMEDNS_CA},
    {"ancestor", required_argument, NULL, OPT_ANCESTOR},
    {"allow-foreign-urls", no_argument, NULL, OPT_FOREIGN},
    {"ca-file", required_argument, NULL, OPT_CA_FILE},
    {"challenge", required_argument, NULL, OPT_CHALLENGE},
    {"days", required_argument, NULL, OPT_DAYS},
    {"dns-hook", required_argument, NULL, OPT_DNS_HOOK},
    {"dns-hook-time", required_argument, NULL, OPT_DNS_HOOK_TIME},
    {"dns-port", required_argument, NULL, OPT_DNS_PORT},
    {"dns-resolver", required_argument, NULL, OPT_DNS_RESOLVER},
    {"dns-server", required_argument, NULL, OPT_DNS_SERVER},
    {"domain", required_argument, NULL, 'd'},
    {"each", no_argument, NULL, OPT_EACH},
    {"eab-hmac-key", required_argument, NULL, OPT_EAB_KEY},
    {"eab-kid", required_argument, NULL, OPT_EAB_KID},
    {"email", required_argument, NULL, 'm'},
    {"exportable-key", no_argument, NULL, OPT_EXPORTABLE},
    {"force", no_argument, NULL, OPT_FORCE},
    {"help", no_argument, NULL, 'h'},
    {"http-port", required_argument, NULL, OPT_HTTP_PORT},
    {"issuer", required_argument, NULL, OPT_ISSUER},
    {"http-public", required_argument, NULL, OPT_HTTP_PUBLIC},
    {"json", no_argument, NULL, OPT_JSON},
    {"key", no_argument, NULL, OPT_KEY},
    {"key-type", required_argument, NULL, OPT_KEY_TYPE},
    {"no-intermediates", no_argument, NULL, OPT_NO_INTERMEDIATES},
    {"only-existing", no_argument, NULL, OPT_EXISTING},
    {"out", required_argument, NULL, 'o'},
    {"pre-authorize", no_argument, NULL, OPT_PRE_AUTHORIZE},
    {"own-address", required_argument, NULL, OPT_OWN_ADDRESS},
    {"portal-port", required_argument, NULL, OPT_PORTAL_PORT},
    {"quiet", no_argument, NULL, 'q'},
    {"reason", required_argument, NULL, OPT_REASON},
    {"server", required_argument, NULL, 's'},
    {"store", required_argument, NULL, OPT_STORE},
    {"tls-port", required_argument, NULL, OPT_TLS_PORT},
    {"tls-public", required_argument, NULL, OPT_TLS_PUBLIC},
    {"tsig-key", required_argument, NULL, OPT_TSIG_KEY},
    {"verbose", no_argument, NULL, 'v'},
    {"version", no_argument, NULL, OPT_VERSION},
    {"wildcard", no_argument, NULL, OPT_WILDCARD},
    {"with-certificate-key", no_argument, NULL, OPT_WITH_CERT_KEY},
    {"account-key", required_argument, NULL, OPT_ACCOUNT_KEY},
    {"clock", required_argument, NULL, OPT_CLOCK},
    {"events", no_argument, NULL, OPT_EVENTS},
    {"fallback", required_argument, NULL, OPT_FALLBACK},
    {"hook", required_argument, NULL, OPT_HOOK},
    {"no-ari", no_argument, NULL, OPT_NO_ARI},
    {"out-dir", required_argument, NULL, OPT_OUT_DIR},
    {"profile", required_argument, NULL, OPT_PROFILE},
    {"pin", required_argument, NULL, OPT_PIN},
    {"preferred-issuer", required_argument, NULL, OPT_PREFERRED_ISSUER},
    {"reuse-key", no_argument, NULL, OPT_REUSE_KEY},
    {"revoke-replaced", no_argument, NULL, OPT_REVOKE_REPLACED},
    {"shortest-chain", no_argument, NULL, OPT_SHORTEST},
    {NULL, 0, NULL, 0},
};

static const char *const key_types[] = {"p256", "p384", "rsa2048", "rsa3072", "rsa4096"};

const char *cli_key_type_name(uint8_t key_type)
{
    return key_type < sizeof(key_types) / sizeof(key_types[0]) ? key_types[key_type] : "unknown";
}

static bool take_key_type(const char *text, const char *option, uint8_t *key_type)
{
    size_t i;

    for (i = 0; i < sizeof(key_types) / sizeof(key_types[0]); i++) {
        if (strcmp(text, key_types[i]) == 0) {
            *key_type = (uint8_t)i;
            return true;
        }
    }
    cli_error("%s: '%s' is none of p256, p384, rsa2048, rsa3072, rsa4096", option, text);
    return false;
}

static bool take_number(const char *text, const char *option, long low, long high, long *value)
{
    char *end;

    *value = strtol(text, &end, 10);
    if (*text == '\0' || *end != '\0' || *value < low || *value > high) {
        cli_error("%s: '%s' is not a number from %ld to %ld", option, text, low, high);
        return false;
    }
    return true;
}

static const char *const challenges[ACME_CHALLENGE_TYPES] = {"http-01", "tls-alpn-01", "dns-01",
                                                             "dns-account-01", "dns-persist-01"};

static bool take_challenge(struct cli_options *o, const char *text)
{
    size_t i, n = 0;

    while (n < ACME_CHALLENGE_TYPES && o->challenges[n] != ACME_CHALLENGE_NONE) {
        n++;
    }
    for (i = 0; i < ACME_CHALLENGE_TYPES && n < ACME_CHALLENGE_TYPES; i++) {
        if (strcmp(text, challenges[i]) == 0) {
            o->challenges[n] = (uint8_t)(i + ACME_CHALLENGE_HTTP_01);
            return true;
        }
    }
    cli_error("--challenge: '%s' is none of http-01, tls-alpn-01, dns-01, dns-account-01, "
              "dns-persist-01, or one too many",
              text);
    return false;
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
static bool take_domain(struct cli_options *o, char *name)
{
    char *p;
    uint16_t i;

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

static bool take_pin(const char *text, struct cli_options *o)
{
    static const char prefix[] = "sha256//";
    size_t len = 0;

    if (o->pins_count == CLI_PINS_MAX || strncmp(text, prefix, sizeof(prefix) - 1) != 0 ||
        mbedtls_base64_decode(o->pins[o->pins_count].sha256, 32, &len,
                              (const unsigned char *)text + sizeof(prefix) - 1,
                              strlen(text) - (sizeof(prefix) - 1)) != 0 ||
        len != 32) {
        cli_error("--pin: '%s' is not sha256// and the base64 of 32 bytes, or one too many", text);
        return false;
    }
    o->pins_count++;
    return true;
}

static bool take_clock(const char *text, uint8_t *policy)
{
    static const char *const words[] = {"wall", "ca", "agree"}; /* as enum acme_clock_policy */
    size_t i;

    for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(text, words[i]) == 0) {
            *policy = (uint8_t)i;
            return true;
        }
    }
    cli_error("--clock: '%s' is none of wall, ca, agree", text);
    return false;
}

static bool take_flag(struct cli_options *o, int option)
{
    switch (option) {
    case OPT_ACCEPT_TOS:
        return o->accept_tos = true;
    case OPT_EACH:
        return o->each = true;
    case OPT_EXISTING:
        return o->only_existing = true;
    case OPT_EXPORTABLE:
        return o->exportable = true;
    case OPT_FORCE:
        return o->force = true;
    case OPT_FOREIGN:
        return o->foreign_urls = true;
    case OPT_JSON:
        return o->json = true;
    case OPT_PRE_AUTHORIZE:
        return o->pre_authorize = true;
    case OPT_WILDCARD:
        return o->wildcard = true;
    case OPT_KEY:
        return o->export_key = true;
    case OPT_NO_INTERMEDIATES:
        return o->no_intermediates = true;
    case OPT_EVENTS:
        return o->events = true;
    case OPT_SHORTEST:
        return o->shortest = true;
    case OPT_REUSE_KEY:
        return o->reuse_key = true;
    case OPT_REVOKE_REPLACED:
        return o->revoke_replaced = true;
    case OPT_NO_ARI:
        return o->no_ari = true;
    case OPT_WITH_CERT_KEY:
        return o->with_cert_key = true;
    case 'q':
        return o->quiet = true;
    case 'v':
        o->verbose++;
        return true;
    default:
        return false; /* getopt_long has said what is wrong */
    }
}

static bool take_dns_option(struct cli_dns_options *d, int option, char *value)
{
    long number = 0;
    bool ok = true;

    switch (option) {
    case OPT_ACMEDNS:
        d->acmedns = value;
        break;
    case OPT_ACMEDNS_ACCOUNT:
        d->acmedns_account = value;
        break;
    case OPT_ACMEDNS_CA:
        d->acmedns_ca = value;
        break;
    case OPT_DNS_HOOK:
        d->hook = value;
        break;
    case OPT_DNS_HOOK_TIME:
        ok = take_number(value, "--dns-hook-time", 1, 3600, &number);
        d->hook_seconds = (uint32_t)number;
        break;
    case OPT_DNS_PORT:
        ok = take_number(value, "--dns-port", 1, 65535, &number);
        d->port = (uint16_t)number;
        break;
    case OPT_DNS_RESOLVER:
        d->resolver = value;
        break;
    case OPT_DNS_SERVER:
        d->server = value;
        break;
    default:
        d->tsig_key = value;
    }
    return ok;
}

static bool take_doctor_option(struct cli_doctor_options *d, int option, const char *value)
{
    const char *name = option == OPT_HTTP_PUBLIC  ? "--http-public"
                       : option == OPT_TLS_PUBLIC ? "--tls-public"
                                                  : "--portal-port";
    uint16_t *port = option == OPT_HTTP_PUBLIC  ? &d->http_public
                     : option == OPT_TLS_PUBLIC ? &d->tls_public
                                                : &d->portal_port;
    long number = 0;

    if (option == OPT_OWN_ADDRESS) {
        d->own_address = value;
        return true;
    }
    if (!take_number(value, name, 1, 65535, &number)) {
        return false;
    }
    *port = (uint16_t)number;
    return true;
}

/* A secret on the command line can be read by others, as long as it stands there. */
static const char *take_secret(char *value)
{
    static char copy[512];

    if (strlen(value) >= sizeof(copy)) {
        return value; /* too long for a key: an error will come of it */
    }
    memcpy(copy, value, strlen(value) + 1);
    explicit_bzero(value, strlen(value));
    return copy;
}

static bool take_option(struct cli_options *o, int option, char *value)
{
    long number = 0;
    bool ok = true;

    switch (option) {
    case 'd':
        return take_domain(o, value);
    case 'm':
        o->email = value;
        break;
    case 'o':
        o->out = value;
        break;
    case 's':
        o->server = value;
        break;
    case OPT_ANCESTOR:
        o->ancestor = value;
        break;
    case OPT_CHALLENGE:
        return take_challenge(o, value);
    case OPT_DAYS:
        ok = take_number(value, "--days", 1, 36500, &number);
        o->days = (uint32_t)number;
        break;
    case OPT_ISSUER:
        o->issuer = value;
        break;
    case OPT_ACCEPT_TERMS:
        o->accept_tos = true;
        o->accepted_terms = value;
        break;
    case OPT_FALLBACK:
        if (o->fallbacks_count == CLI_FALLBACKS_MAX) {
            cli_error("--fallback: at most %d", CLI_FALLBACKS_MAX);
            return false;
        }
        o->fallbacks[o->fallbacks_count++] = value;
        break;
    case OPT_PROFILE:
        o->profile = value;
        break;
    case OPT_PREFERRED_ISSUER:
        o->preferred_issuer = value;
        break;
    case OPT_HOOK:
        o->hook = value;
        break;
    case OPT_OUT_DIR:
        o->out_dir = value;
        break;
    case OPT_ACCOUNT_KEY:
        o->account_key = value;
        break;
    case OPT_PIN:
        return take_pin(value, o);
    case OPT_CLOCK:
        return take_clock(value, &o->clock_policy);
    case OPT_CA_FILE:
        o->ca_file = value;
        break;
    case OPT_ACMEDNS:
    case OPT_ACMEDNS_ACCOUNT:
    case OPT_ACMEDNS_CA:
    case OPT_DNS_HOOK:
    case OPT_DNS_HOOK_TIME:
    case OPT_DNS_PORT:
    case OPT_DNS_RESOLVER:
    case OPT_DNS_SERVER:
    case OPT_TSIG_KEY:
        return take_dns_option(&o->dns, option, value);
    case OPT_HTTP_PUBLIC:
    case OPT_OWN_ADDRESS:
    case OPT_PORTAL_PORT:
    case OPT_TLS_PUBLIC:
        return take_doctor_option(&o->doctor, option, value);
    case OPT_STORE:
        o->store = value;
        break;
    case OPT_EAB_KID:
        o->eab_kid = value;
        break;
    case OPT_EAB_KEY:
        o->eab_hmac_key = take_secret(value);
        break;
    case OPT_KEY_TYPE:
        return take_key_type(value, "--key-type", &o->key_type);
    case OPT_ACCOUNT_KEY_TYPE:
        return take_key_type(value, "--account-key-type", &o->account_key_type);
    case OPT_HTTP_PORT:
        ok = take_number(value, "--http-port", 1, 65535, &number);
        o->http_port = (uint16_t)number;
        break;
    case OPT_TLS_PORT:
        ok = take_number(value, "--tls-port", 1, 65535, &number);
        o->tls_port = (uint16_t)number;
        break;
    case OPT_REASON:
        ok = take_number(value, "--reason", 0, 10, &number) && number != 7;
        o->reason = (uint8_t)number;
        break;
    default:
        return take_flag(o, option);
    }
    return ok;
}

static bool take_command(struct cli_options *o, const char *word)
{
    static const char *const words[] = {"run",    "list",   "export",     "account",
                                        "revoke", "store",  "dns-record", "doctor",
                                        "renew",  "daemon", "next",       "deauthorize"};
    size_t i;

    for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(word, words[i]) == 0) {
            o->command = (enum cli_command)i;
            return true;
        }
    }
    cli_error("unknown command '%s'; see nanoacme --help", word);
    return false;
}

static bool take_account_word(struct cli_options *o, const char *word)
{
    static const char *const words[] = {"show",       "create",   "update",
                                        "deactivate", "rollover", "recover"};
    size_t i;

    for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(word, words[i]) == 0) {
            o->account = (enum cli_account)i;
            return true;
        }
    }
    cli_error("account: unknown word '%s'; try show, create, update, "
              "rollover, recover or deactivate",
              word);
    return false;
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

static bool check(const struct cli_options *o)
{
    bool needs_domain = o->command == CLI_RUN || o->command == CLI_EXPORT ||
                        o->command == CLI_REVOKE || o->command == CLI_DNS_RECORD ||
                        o->command == CLI_DAEMON || o->command == CLI_DEAUTHORIZE;

    if (needs_domain && o->domains_count == 0) {
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
    int option;

    memset(o, 0, sizeof(*o));
    o->server = DEFAULT_SERVER;
    o->store = CLI_DEFAULT_STORE;
    *exit_code = CLI_USAGE;
    while ((option = getopt_long(argc, argv, short_options, long_options, NULL)) != -1) {
        if (option == 'h') {
            cli_usage(stdout);
            *exit_code = CLI_OK;
            return false;
        }
        if (option == OPT_VERSION) {
            puts("nanoacme " ACME_VERSION);
            *exit_code = CLI_OK;
            return false;
        }
        if (!take_option(o, option, optarg)) {
            return false;
        }
    }
    return take_words(o, argc - optind, argv + optind) && check(o);
}
