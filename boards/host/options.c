/*
 * The command line's words and options (getopt_long). It must not do what they ask for.
 */
#include "cli.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_SERVER "https://acme-v02.api.letsencrypt.org/directory"
#define DEFAULT_STORE  "nanoacme.img"

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
    OPT_WITH_CERT_KEY
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
    {"json", no_argument, NULL, OPT_JSON},
    {"key", no_argument, NULL, OPT_KEY},
    {"key-type", required_argument, NULL, OPT_KEY_TYPE},
    {"no-intermediates", no_argument, NULL, OPT_NO_INTERMEDIATES},
    {"only-existing", no_argument, NULL, OPT_EXISTING},
    {"out", required_argument, NULL, 'o'},
    {"pre-authorize", no_argument, NULL, OPT_PRE_AUTHORIZE},
    {"quiet", no_argument, NULL, 'q'},
    {"reason", required_argument, NULL, OPT_REASON},
    {"server", required_argument, NULL, 's'},
    {"store", required_argument, NULL, OPT_STORE},
    {"tls-port", required_argument, NULL, OPT_TLS_PORT},
    {"tsig-key", required_argument, NULL, OPT_TSIG_KEY},
    {"verbose", no_argument, NULL, 'v'},
    {"version", no_argument, NULL, OPT_VERSION},
    {"wildcard", no_argument, NULL, OPT_WILDCARD},
    {"with-certificate-key", no_argument, NULL, OPT_WITH_CERT_KEY},
    {NULL, 0, NULL, 0},
};

static void usage(FILE *out)
{
    fputs(
        "usage: nanoacme COMMAND [OPTIONS]\n"
        "\n"
        "Commands:\n"
        "  run       get a certificate for the --domain names, or renew it when it is time\n"
        "  list      show the certificates in the store\n"
        "  export    write a stored certificate chain (and key) as PEM\n"
        "  account   show the account; or: account create | update | deactivate\n"
        "  revoke    revoke the certificate stored for --domain, and remove it\n"
        "  store     show how full the store is\n"
        "  dns-record  show what to set once in the DNS for --domain: dns-persist-01's record,\n"
        "            dns-account-01's name\n"
        "\n"
        "Options:\n"
        "  -d, --domain NAME          a name or an IP address for the certificate; repeat for\n"
        "                             more\n"
        "      --each                 run: one certificate for each --domain\n"
        "  -s, --server URL           the CA's directory (default: Let's Encrypt)\n"
        "      --ca-file FILE         PEM roots that the CA's own HTTPS is verified against\n"
        "                             (default: the system's)\n"
        "  -m, --email ADDRESS        contact of the account\n"
        "      --accept-tos           agree to the CA's terms of service\n"
        "      --accept-terms URL     agree to these terms, and stop if the CA has others\n"
        "      --store FILE           the flash image that keeps keys and certificates\n"
        "                             (default: " DEFAULT_STORE ")\n"
        "      --challenge TYPE       how names are proven: http-01 (default), tls-alpn-01,\n"
        "                             dns-01, dns-account-01, dns-persist-01; repeat for others\n"
        "                             to try when one fails\n"
        "      --pre-authorize        run: prove names before the order, where the CA offers it\n"
        "      --ancestor DOMAIN      run: prove this domain above the names in their place, "
        "where\n"
        "                             the CA offers it (RFC 9444)\n"
        "      --issuer NAME          dns-record: the CA's name (default: as its directory says)\n"
        "      --days N               dns-record: valid so many days (default: without end)\n"
        "      --wildcard             dns-record: for wildcards and names below, too\n"
        "      --http-port PORT       where http-01 is answered (default: 80)\n"
        "      --tls-port PORT        where tls-alpn-01 is answered (default: 443)\n"
        "      --dns-server SERVER    dns-01: send DNS UPDATEs to this primary, ADDRESS or\n"
        "                             NAME, with or without :PORT\n"
        "      --tsig-key FILE        dns-01: sign them with the key in this file\n"
        "                             (of tsig-keygen; or NAME:ALGORITHM:SECRET)\n"
        "      --dns-hook PROGRAM     dns-01: run PROGRAM present|cleanup FQDN VALUE\n"
        "      --dns-hook-time S      and end it after S seconds (default: 120)\n"
        "      --acme-dns URL         dns-01: hand records to this acme-dns server\n"
        "      --acme-dns-account FILE  and its account: the JSON that /register gave\n"
        "      --acme-dns-ca-file FILE  and its PEM roots (default: those for the CA)\n"
        "      --dns-resolver ADDRESS who is asked for zones and records, with or without :PORT\n"
        "                             (default: the system's first; none: nobody)\n"
        "      --dns-port PORT        of the zones' name servers (default: 53)\n"
        "      --key-type TYPE        p256 (default), p384, rsa2048, rsa3072, rsa4096\n"
        "      --account-key-type TYPE  likewise, for a new account\n"
        "      --exportable-key       run: let the new key be exported later\n"
        "      --force                run: renew even if it is not time yet\n"
        "      --only-existing        never create an account\n"
        "      --eab-kid ID           external account binding: key identifier\n"
        "      --eab-hmac-key KEY     external account binding: HMAC key, base64url\n"
        "      --allow-foreign-urls   let the CA name URLs on other hosts than its directory's\n"
        "  -o, --out FILE             export: where to (default: standard output)\n"
        "      --no-intermediates     export: the certificate without its chain\n"
        "      --key                  export: the private key instead (if it is exportable)\n"
        "      --reason N             revoke: RFC 5280 reason code (default: 0)\n"
        "      --with-certificate-key revoke: sign with the certificate's key\n"
        "      --json                 results as JSON on standard output\n"
        "  -v, --verbose              more about what goes on; twice: every request\n"
        "  -q, --quiet                errors only\n"
        "  -h, --help    --version\n"
        "\n"
        "Exit codes: 0 done; 1 some certificates failed, some did not; 2 usage;\n"
        "  3 configuration, file or store; 4 network; 5 the CA refused; 6 internal error\n",
        out);
}

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

static bool take_dns_option(struct cli_dns_options *d, int option, const char *value)
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
    case OPT_STORE:
        o->store = value;
        break;
    case OPT_EAB_KID:
        o->eab_kid = value;
        break;
    case OPT_EAB_KEY:
        o->eab_hmac_key = value;
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
    static const char *const words[] = {"run",    "list",  "export",    "account",
                                        "revoke", "store", "dns-record"};
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
    static const char *const words[] = {"show", "create", "update", "deactivate"};
    size_t i;

    for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(word, words[i]) == 0) {
            o->account = (enum cli_account)i;
            return true;
        }
    }
    cli_error("account: unknown word '%s'; try show, create, update or deactivate", word);
    return false;
}

static bool take_words(struct cli_options *o, int count, char **words)
{
    if (count == 0) {
        usage(stderr);
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
                        o->command == CLI_REVOKE || o->command == CLI_DNS_RECORD;

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
    o->store = DEFAULT_STORE;
    *exit_code = CLI_USAGE;
    while ((option = getopt_long(argc, argv, short_options, long_options, NULL)) != -1) {
        if (option == 'h') {
            usage(stdout);
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
