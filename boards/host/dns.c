/*
 * The command line's ways into the DNS: which provider the options ask for, keys and accounts from
 * files, and the resolver of the system. It must not know what a record proves.
 */
#include "dns.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cJSON.h>
#include <mbedtls/base64.h>

#include "acme/dns_acmedns.h"
#include "acme/dns_resolver.h"
#include "acme/dns_update.h"
#include "anchors.h"
#include "exit.h"
#include "file.h"
#include "hook.h"
#include "say.h"

#define FILE_MAX     65536u
#define ACCOUNTS_MAX 100
#define RESOLV_CONF  "/etc/resolv.conf"

static _Alignas(
    8) uint8_t memory[ACME_DNS_UPDATE_SIZE > ACME_DNS_ACMEDNS_SIZE ? ACME_DNS_UPDATE_SIZE
                                                                   : ACME_DNS_ACMEDNS_SIZE];
static _Alignas(8) uint8_t resolver_memory[ACME_DNS_RESOLVER_SIZE];
static struct acme_tsig_key key;
static struct acme_dns_acmedns_account accounts[ACCOUNTS_MAX];
static char system_resolver[64];

/* ---- files ---- */

static char file_text[FILE_MAX + 1];

/* The whole file, NUL-terminated, until the next one is read; NULL with errno. */
static char *read_file(const char *path, struct stat *st)
{
    return cli_read_file(path, file_text, sizeof(file_text), st) ? file_text : NULL;
}

/* What was in a file of secrets, and is taken over. */
static void forget_file(void)
{
    explicit_bzero(file_text, sizeof(file_text));
}

static char *read_secret_file(const char *path)
{
    struct stat st;
    char *text = read_file(path, &st);

    if (text == NULL) {
        cli_error("%s: %s", path, strerror(errno));
    } else if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        cli_say("%s: others than its owner can read this secret; chmod 600 it", path);
    }
    return text;
}

/* ---- TSIG keys ---- */

static bool take_algorithm(const char *name, size_t len)
{
    static const char *const names[] = {"hmac-sha256", "hmac-sha384", "hmac-sha512"};
    size_t i;

    if (len > 0 && name[len - 1] == '.') {
        len--;
    }
    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strlen(names[i]) == len && strncasecmp(names[i], name, len) == 0) {
            key.algorithm = (uint8_t)i;
            return true;
        }
    }
    cli_error("--tsig-key: '%.*s' is none of hmac-sha256, hmac-sha384, hmac-sha512", (int)len,
              name);
    return false;
}

static bool take_secret(const char *text, size_t len)
{
    static uint8_t secret[256];

    if (len == 0 || mbedtls_base64_decode(secret, sizeof(secret), &key.secret_len,
                                          (const unsigned char *)text, len) != 0) {
        cli_error("--tsig-key: the secret is not base64");
        return false;
    }
    key.secret = secret;
    return true;
}

static void take_name(char *name)
{
    size_t len = strlen(name);

    if (len > 0 && name[len - 1] == '.') {
        name[len - 1] = '\0';
    }
    key.name = name;
}

/* NAME:ALGORITHM:SECRET */
static bool take_inline_key(char *text)
{
    char *algorithm = strchr(text, ':');
    char *secret = algorithm == NULL ? NULL : strchr(algorithm + 1, ':');
    bool good;

    if (secret == NULL) {
        return false;
    }
    *algorithm++ = *secret++ = '\0';
    cli_say("--tsig-key: other users of this machine can see a secret on the command line; "
            "a key file is better");
    take_name(text);
    good = take_algorithm(algorithm, strlen(algorithm)) && take_secret(secret, strlen(secret));
    explicit_bzero(secret, strlen(secret));
    return good;
}

/* Over white space and the three kinds of comments of BIND's configuration language. */
static const char *skip_blank(const char *p)
{
    for (;;) {
        p += strspn(p, " \t\r\n");
        if (*p == '#' || (p[0] == '/' && p[1] == '/')) {
            p += strcspn(p, "\n");
        } else if (p[0] == '/' && p[1] == '*') {
            const char *end = strstr(p + 2, "*/");

            p = end == NULL ? p + strlen(p) : end + 2;
        } else {
            return p;
        }
    }
}

/* The next word of BIND's configuration language, or one of { } ; as a word. */
static const char *next_word(const char **at, size_t *len)
{
    const char *p = skip_blank(*at);

    if (*p == '"') {
        *len = strcspn(p + 1, "\"");
        *at = p + 1 + *len + (p[1 + *len] == '"' ? 1 : 0);
        return p + 1;
    }
    *len = *p != '\0' && strchr("{};", *p) != NULL ? 1 : strcspn(p, " \t\r\n{};\"#");
    *at = p + *len;
    return p;
}

static bool is_word(const char *word, size_t len, const char *want)
{
    return strlen(want) == len && strncasecmp(word, want, len) == 0;
}

/* key "NAME" { algorithm ALGORITHM; secret "SECRET"; }; as tsig-keygen and rndc-confgen write it.
 */
static bool take_key_text(const char *text)
{
    static char name[256];
    bool have_algorithm = false, have_secret = false;
    const char *word;
    size_t len;

    do {
        word = next_word(&text, &len);
        if (len == 0) {
            return false;
        }
    } while (!is_word(word, len, "key"));
    word = next_word(&text, &len);
    if (len >= sizeof(name)) {
        return false;
    }
    memcpy(name, word, len);
    name[len] = '\0';
    take_name(name);
    for (word = next_word(&text, &len); len > 0 && *word != '}'; word = next_word(&text, &len)) {
        if (is_word(word, len, "algorithm")) {
            word = next_word(&text, &len);
            have_algorithm = take_algorithm(word, len);
        } else if (is_word(word, len, "secret")) {
            word = next_word(&text, &len);
            have_secret = take_secret(word, len);
        }
    }
    return have_algorithm && have_secret && key.name != NULL;
}

static bool read_key(char *option)
{
    static char words[1024];
    bool good;
    char *text;

    if (access(option, F_OK) != 0 && strchr(option, ':') != NULL) {
        if (strlen(option) >= sizeof(words)) {
            cli_error("--tsig-key: too long");
            return false;
        }
        memcpy(words, option, strlen(option) + 1);
        explicit_bzero(option, strlen(option)); /* from where everybody can read it */
        return take_inline_key(words);
    }
    text = read_secret_file(option);
    good = text != NULL && take_key_text(text);
    if (text != NULL && !good) {
        cli_error("%s: no TSIG key; it has to look like what tsig-keygen prints", option);
    }
    forget_file();
    return good;
}

/* ---- acme-dns accounts ---- */

static const char *text_of(const cJSON *object, const char *name)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, name);

    return cJSON_IsString(value) ? value->valuestring : NULL;
}

static bool take_account(const cJSON *object, uint16_t *count)
{
    struct acme_dns_acmedns_account *a = &accounts[*count];

    a->fulldomain = text_of(object, "fulldomain");
    a->subdomain = text_of(object, "subdomain");
    a->username = text_of(object, "username");
    a->password = text_of(object, "password");
    if (a->fulldomain == NULL || a->subdomain == NULL || a->username == NULL ||
        a->password == NULL) {
        return false;
    }
    (*count)++;
    return true;
}

/* One account as /register answers it, or an object of them by domain, as other clients keep it. */
static uint16_t read_accounts(const char *path)
{
    static cJSON *root; /* lives as long as the process */
    const char *text = read_secret_file(path);
    const cJSON *child;
    uint16_t count = 0;

    if (text == NULL) {
        return 0;
    }
    cJSON_Delete(root);
    root = cJSON_Parse(text);
    forget_file();
    if (cJSON_IsObject(root) && !take_account(root, &count)) {
        cJSON_ArrayForEach(child, root)
        {
            if (count == ACCOUNTS_MAX || !take_account(child, &count)) {
                count = 0;
                break;
            }
        }
    }
    if (count == 0) {
        cli_error("%s: no acme-dns account; it has to be what the server's /register answers, "
                  "or an object of such",
                  path);
    }
    return count;
}

/* ---- the resolver ---- */

const char *cli_dns_resolver(const struct cli_options *o)
{
    struct stat st;
    char *text, *line, *save = NULL;

    if (o->dns.resolver != NULL && strcmp(o->dns.resolver, "none") == 0) {
        return NULL; /* whether records show is not looked at */
    }
    if (o->dns.resolver != NULL || system_resolver[0] != '\0') {
        return o->dns.resolver != NULL ? o->dns.resolver : system_resolver;
    }
    text = read_file(RESOLV_CONF, &st);
    if (text == NULL) {
        return NULL;
    }
    for (line = strtok_r(text, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save)) {
        if (sscanf(line, " nameserver %63[0-9a-fA-F.:]", system_resolver) == 1) {
            break;
        }
    }
    return system_resolver[0] != '\0' ? system_resolver : NULL;
}

/* ---- providers ---- */

static int fail(const char *what, int32_t rc)
{
    cli_error_core(what, rc, NULL);
    return CLI_CONFIG;
}

static int open_update(const struct cli_options *o, struct acme_config *config)
{
    struct acme_dns_update_config c = {.port = config->port,
                                       .server = o->dns.server,
                                       .resolver = cli_dns_resolver(o),
                                       .ns_port = o->dns.port};
    acme_dns_update *update;
    int32_t rc;

    if (o->dns.tsig_key != NULL) {
        if (!read_key(o->dns.tsig_key)) {
            return CLI_CONFIG;
        }
        c.key = &key;
    }
    rc = acme_dns_update_init(&update, &c, memory, sizeof(memory));
    if (rc != ACME_OK) {
        return fail("--dns-server, --dns-resolver, --tsig-key", rc);
    }
    config->dns = &acme_dns_update_ops;
    config->dns_ctx = update;
    return CLI_OK;
}

static int open_acmedns(const struct cli_options *o, struct acme_config *config)
{
    struct acme_dns_acmedns_config c = {.port = config->port,
                                        .url = o->dns.acmedns,
                                        .resolver = cli_dns_resolver(o),
                                        .accounts = accounts,
                                        .anchors = config->anchors,
                                        .anchors_count = config->anchors_count,
                                        .ns_port = o->dns.port};
    acme_dns_acmedns *acmedns;
    int count;
    int32_t rc;

    c.accounts_count = read_accounts(o->dns.acmedns_account);
    if (c.accounts_count == 0) {
        return CLI_CONFIG;
    }
    if (o->dns.acmedns_ca != NULL) {
        count = cli_read_anchors(o->dns.acmedns_ca, &c.anchors);
        if (count <= 0) {
            return CLI_CONFIG;
        }
        c.anchors_count = (uint16_t)count;
    }
    rc = acme_dns_acmedns_init(&acmedns, &c, memory, sizeof(memory));
    if (rc != ACME_OK) {
        return fail("--acme-dns, --dns-resolver", rc);
    }
    config->dns = &acme_dns_acmedns_ops;
    config->dns_ctx = acmedns;
    return CLI_OK;
}

int cli_dns_open(const struct cli_options *o, struct acme_config *config)
{
    const char *server = cli_dns_resolver(o);
    acme_dns_resolver *resolver = NULL;
    int32_t rc = ACME_OK;

    if (o->dns.server != NULL || o->dns.tsig_key != NULL) {
        return open_update(o, config);
    }
    if (o->dns.acmedns != NULL) {
        return open_acmedns(o, config);
    }
    if (server != NULL) {
        rc = acme_dns_resolver_init(&resolver, config->port, server, o->dns.port, resolver_memory,
                                    sizeof(resolver_memory));
    }
    if (rc != ACME_OK) {
        return fail("--dns-resolver", rc);
    }
    if (o->dns.hook != NULL) {
        config->dns = &cli_hook_ops;
        config->dns_ctx = cli_hook_init(o->dns.hook, o->dns.hook_seconds, resolver);
    } else if (resolver != NULL) {
        config->dns = &acme_dns_resolver_ops;
        config->dns_ctx = resolver;
    }
    return CLI_OK;
}
