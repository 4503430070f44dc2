/*
 * The command line's words and options (getopt_long). It must not do what they ask for.
 */
#include "cli.h"

#include <ctype.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include <mbedtls/base64.h>

#define DEFAULT_SERVER "https://acme-v02.api.letsencrypt.org/directory"
#define DEFAULT_STORE  "nanoacme.img"

enum {
    OPT_ACCEPT_TOS = 256,
    OPT_ACCEPT_TERMS,
    OPT_ACCOUNT_KEY_TYPE,
    OPT_CA_FILE,
    OPT_EACH,
    OPT_EAB_KID,
    OPT_EAB_KEY,
    OPT_EXISTING,
    OPT_EXPORTABLE,
    OPT_FORCE,
    OPT_FOREIGN,
    OPT_HTTP_PORT,
    OPT_JSON,
    OPT_KEY,
    OPT_KEY_TYPE,
    OPT_NO_INTERMEDIATES,
    OPT_REASON,
    OPT_STORE,
    OPT_VERSION,
    OPT_WITH_CERT_KEY,
    OPT_ACCOUNT_KEY,
    OPT_CLOCK,
    OPT_EVENTS,
    OPT_FALLBACK,
    OPT_HOOK,
    OPT_NO_ARI,
    OPT_OUT_DIR,
    OPT_PROFILE,
    OPT_ISSUER,
    OPT_REVOKE_REPLACED,
    OPT_SHORTEST,
    OPT_PIN
};

static const char short_options[] = "d:m:s:o:hqv";

static const struct option long_options[] = {
    {"accept-tos", no_argument, NULL, OPT_ACCEPT_TOS},
    {"accept-terms", required_argument, NULL, OPT_ACCEPT_TERMS},
    {"account-key-type", required_argument, NULL, OPT_ACCOUNT_KEY_TYPE},
    {"allow-foreign-urls", no_argument, NULL, OPT_FOREIGN},
    {"ca-file", required_argument, NULL, OPT_CA_FILE},
    {"domain", required_argument, NULL, 'd'},
    {"each", no_argument, NULL, OPT_EACH},
    {"eab-hmac-key", required_argument, NULL, OPT_EAB_KEY},
    {"eab-kid", required_argument, NULL, OPT_EAB_KID},
    {"email", required_argument, NULL, 'm'},
    {"exportable-key", no_argument, NULL, OPT_EXPORTABLE},
    {"force", no_argument, NULL, OPT_FORCE},
    {"help", no_argument, NULL, 'h'},
    {"http-port", required_argument, NULL, OPT_HTTP_PORT},
    {"json", no_argument, NULL, OPT_JSON},
    {"key", no_argument, NULL, OPT_KEY},
    {"key-type", required_argument, NULL, OPT_KEY_TYPE},
    {"no-intermediates", no_argument, NULL, OPT_NO_INTERMEDIATES},
    {"only-existing", no_argument, NULL, OPT_EXISTING},
    {"out", required_argument, NULL, 'o'},
    {"quiet", no_argument, NULL, 'q'},
    {"reason", required_argument, NULL, OPT_REASON},
    {"server", required_argument, NULL, 's'},
    {"store", required_argument, NULL, OPT_STORE},
    {"verbose", no_argument, NULL, 'v'},
    {"version", no_argument, NULL, OPT_VERSION},
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
    {"preferred-issuer", required_argument, NULL, OPT_ISSUER},
    {"revoke-replaced", no_argument, NULL, OPT_REVOKE_REPLACED},
    {"shortest-chain", no_argument, NULL, OPT_SHORTEST},
    {NULL, 0, NULL, 0},
};

static void usage(FILE *out)
{
    fputs("usage: nanoacme COMMAND [OPTIONS]\n"
          "\n"
          "Commands:\n"
          "  run       get a certificate for the --domain names, or renew it when it is time\n"
          "  list      show the certificates in the store\n"
          "  export    write a stored certificate chain (and key) as PEM\n"
          "  renew     ask the CA when the stored certificates should be renewed, and renew\n"
          "            those whose time has come\n"
          "  daemon    keep the certificates for the --domain names good for ever, and hand on\n"
          "            new ones (--out-dir, --hook); SIGHUP looks at once, SIGTERM ends\n"
          "  next      show when there is something to do for the stored certificates\n"
          "  account   show the account; or: account create | update | rollover | recover |\n"
          "            deactivate\n"
          "  deauthorize  let the CA forget that the names of --domain are proven\n"
          "  revoke    revoke the certificate stored for --domain, and remove it\n"
          "  store     show how full the store is\n"
          "\n"
          "Options:\n"
          "  -d, --domain NAME          a name for the certificate; repeat for more names\n"
          "      --each                 run: one certificate for each --domain\n"
          "  -s, --server URL           the CA's directory (default: Let's Encrypt)\n"
          "      --ca-file FILE         PEM roots that the CA's own HTTPS is verified against\n"
          "                             (default: the system's)\n"
          "  -m, --email ADDRESS        contact of the account\n"
          "      --accept-tos           agree to the CA's terms of service\n"
          "      --accept-terms URL     agree to these terms, and stop if the CA has others\n"
          "      --store FILE           the flash image that keeps keys and certificates\n"
          "                             (default: " DEFAULT_STORE ")\n"
          "      --http-port PORT       where http-01 is answered (default: 80)\n"
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
          "      --pin sha256//BASE64   a key that the CA's TLS chain must have (of its\n"
          "                             SubjectPublicKeyInfo, as curl has it); repeat for more\n"
          "      --profile NAME         the CA's profile for the certificate\n"
          "      --fallback URL         directory of another CA, for when the first does not deliver;\n"
          "                             repeat for more, in order (--ca-file is for all)\n"
          "      --preferred-issuer CN  of the CA's chains, take the one whose last certificate\n"
          "                             has this issuer\n"
          "      --shortest-chain       of the CA's chains, take the shortest\n"
          "      --revoke-replaced      revoke the old certificate after a renewal\n"
          "      --no-ari               do not ask the CA when to renew\n"
          "      --clock WHOM           whom to believe about the time: wall (default), ca, agree\n"
          "      --account-key FILE     use this private key (PEM) for the account\n"
          "      --out-dir DIR          daemon: DIR/NAME/current/ has fullchain.pem, cert.pem,\n"
          "                             chain.pem, and privkey.pem where it is exportable\n"
          "      --hook PROGRAM         daemon: run after a new certificate, with NANOACME_NAME\n"
          "                             and NANOACME_DIR in its environment\n"
          "      --events               every event as a line of JSON on standard output\n"
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

/* DNS names are the same in any case; the core keeps them as they come. */
static bool take_domain(struct cli_options *o, char *name)
{
    char *p;
    uint16_t i;

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
    uint8_t i;

    for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(text, words[i]) == 0) {
            *policy = i;
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
    case OPT_KEY:
        return o->export_key = true;
    case OPT_NO_INTERMEDIATES:
        return o->no_intermediates = true;
    case OPT_EVENTS:
        return o->events = true;
    case OPT_SHORTEST:
        return o->shortest = true;
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
    case OPT_ISSUER:
        o->issuer = value;
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
    static const char *const words[] = {"run",   "list",  "export", "account", "revoke",
                                        "store", "renew", "daemon", "next",    "deauthorize"};
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
              "rollover, recover or deactivate", word);
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

static bool check(const struct cli_options *o)
{
    bool needs_domain =
        o->command == CLI_RUN || o->command == CLI_EXPORT || o->command == CLI_REVOKE ||
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
    return true;
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
