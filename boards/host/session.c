/*
 * Opens the port, the store and the client for one command, and drives them. It must not format
 * results.
 */
#include "dns.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SECTOR_SIZE  4096u
#define SECTOR_COUNT 128u
#define PROGRAM_SIZE 8u

#define SYSTEM_ROOTS "/etc/ssl/certs/ca-certificates.crt"

static struct acme_posix_net net;
static struct acme_posix_flash flash = {.fd = -1};
static _Alignas(8) uint8_t memory[ACME_MEMORY_SIZE];
static struct acme_cert_request requests[CONFIG_ACME_CERT_SLOTS];
static char contact[CONFIG_ACME_URL_MAX + 1];
static volatile sig_atomic_t stop_signal;

static void on_signal(int number)
{
    stop_signal = number;
}

int cli_exit_code(int32_t error)
{
    if (error <= ACME_ERR_RESOLVE && error >= ACME_ERR_TIMEOUT) {
        return CLI_NETWORK;
    }
    switch (error) {
    case ACME_OK:
        return CLI_OK;
    case ACME_ERR_AGAIN:
        return 128 + (int)stop_signal;
    case ACME_ERR_TLS:
    case ACME_ERR_TLS_VERIFY:
    case ACME_ERR_TLS_DATES:
        return CLI_NETWORK;
    case ACME_ERR_LISTEN:
    case ACME_ERR_LIMIT:
    case ACME_ERR_URL:
    case ACME_ERR_NAME:
    case ACME_ERR_KEY_TYPE:
    case ACME_ERR_KEY_EXPORT:
    case ACME_ERR_ARGUMENT:
    case ACME_ERR_TOS:
    case ACME_ERR_NOT_FOUND:
    case ACME_ERR_CERT_NONE:
    case ACME_ERR_NO_CLOCK:
    case ACME_ERR_STORE_IO:
    case ACME_ERR_STORE_FULL:
    case ACME_ERR_STORE_CORRUPT:
    case ACME_ERR_STORE_FORMAT:
    case ACME_ERR_STORE_VERSION:
    case ACME_ERR_STORE_GEOMETRY:
        return CLI_CONFIG;
    default:
        return acme_error_severity(error) == ACME_SEVERITY_FATAL ? CLI_INTERNAL : CLI_REFUSED;
    }
}

static int open_store(const struct cli_options *o)
{
    const struct acme_flash_geometry geometry = {SECTOR_SIZE, SECTOR_COUNT, PROGRAM_SIZE};
    int32_t rc;

    if (o->command != CLI_RUN && o->command != CLI_ACCOUNT && o->command != CLI_DNS_RECORD &&
        access(o->store, F_OK) != 0) {
        cli_error("store %s: %s; name another with --store", o->store, strerror(errno));
        return CLI_CONFIG;
    }
    rc = acme_posix_flash_open(&flash, o->store, &geometry);
    if (rc == ACME_OK) {
        return CLI_OK;
    }
    if (rc == ACME_ERR_STORE_FORMAT) {
        cli_error("store %s: not a nanoacme flash image, or cut short; it was left as it is",
                  o->store);
    } else if (errno == EAGAIN || errno == EACCES) {
        cli_error("store %s: in use by another process, or not yours", o->store);
    } else {
        cli_error("store %s: %s", o->store, strerror(errno));
    }
    return CLI_CONFIG;
}

void cli_session_requests(struct cli_session *s)
{
    const struct cli_options *o = s->options;
    uint16_t i, count = o->each ? o->domains_count : 1;

    for (i = 0; i < count; i++) {
        requests[i].names = &o->domains[i];
        requests[i].names_count = o->each ? 1 : o->domains_count;
        requests[i].key_type = o->key_type;
        requests[i].key_exportable = o->exportable;
        requests[i].pre_authorize = o->pre_authorize;
        requests[i].ancestor = o->ancestor;
    }
    s->config.certs = requests;
    s->config.certs_count = count;
}

/* Without a word about it http-01; the other ways want preparations, which a person knows of. */
static void set_challenges(struct cli_session *s)
{
    memcpy(s->config.challenges, s->options->challenges, sizeof(s->config.challenges));
    if (s->config.challenges[0] == ACME_CHALLENGE_NONE) {
        s->config.challenges[0] = ACME_CHALLENGE_HTTP_01;
    }
}

static int configure(struct cli_session *s)
{
    const struct cli_options *o = s->options;
    int count;

    s->port.net = &acme_posix_net_ops;
    s->port.net_ctx = &net;
    s->port.clock = &acme_posix_clock_ops;
    s->port.entropy = &acme_posix_entropy_ops;
    s->port.flash = &acme_posix_flash_ops;
    s->port.flash_ctx = &flash;
    s->port.udp = &acme_posix_udp_ops;
    s->port.udp_ctx = &net;
    s->port.log = o->verbose > 0 ? &cli_log_ops : NULL;
    s->config.port = &s->port;
    s->config.directory_url = o->server;
    s->config.tos_agreed = o->accept_tos;
    s->config.tos_policy = o->accepted_terms != NULL ? ACME_TOS_STOP : ACME_TOS_AGREE_AGAIN;
    s->config.tos_accepted_url = o->accepted_terms;
    s->config.account_key_type = o->account_key_type;
    s->config.http_port = o->http_port;
    s->config.tls_port = o->tls_port;
    set_challenges(s);
    s->config.allow_foreign_urls = o->foreign_urls;
    s->config.account_only_existing = o->only_existing;
    s->config.force_renewal = o->force;
    s->config.eab_kid = o->eab_kid;
    s->config.eab_hmac_key = o->eab_hmac_key;
    s->config.on_event = cli_on_event;
    s->config.event_ctx = s;
    if (o->email != NULL) {
        if (snprintf(contact, sizeof(contact), "mailto:%s", o->email) >= (int)sizeof(contact)) {
            cli_error("--email: too long");
            return CLI_USAGE;
        }
        s->config.contact = contact;
    }
    if (o->command == CLI_LIST || o->command == CLI_EXPORT || o->command == CLI_STORE) {
        return CLI_OK; /* no network */
    }
    count =
        cli_pem_read_anchors(o->ca_file != NULL ? o->ca_file : SYSTEM_ROOTS, &s->config.anchors);
    s->config.anchors_count = count > 0 ? (uint16_t)count : 0;
    return count > 0 ? cli_dns_open(o, &s->config) : CLI_CONFIG;
}

static int open_client(struct cli_session *s)
{
    int32_t rc = acme_init(&s->client, &s->config, memory, sizeof(memory));

    if (rc != ACME_OK) {
        cli_error_core(rc == ACME_ERR_URL    ? s->config.directory_url
                       : rc == ACME_ERR_NAME ? s->options->domains[0]
                                             : s->options->store,
                       rc, NULL);
        return cli_exit_code(rc);
    }
    return CLI_OK;
}

int cli_session_open(struct cli_session *s, const struct cli_options *options)
{
    struct sigaction action = {.sa_handler = on_signal};
    int code;

    s->options = options;
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    code = configure(s);
    if (code == CLI_OK) {
        code = open_store(options);
    }
    if (code != CLI_OK) {
        return code;
    }
    if (acme_posix_net_init(&net) != ACME_OK) {
        cli_error("cannot make a pipe: %s", strerror(errno));
        return CLI_INTERNAL;
    }
    if (options->command == CLI_RUN) {
        cli_session_requests(s);
    }
    return open_client(s);
}

uint16_t cli_split_names(char *names, const char **out, uint16_t max)
{
    uint16_t count = 0;
    char *save = NULL, *name;

    for (name = strtok_r(names, ",", &save); name != NULL && count < max;
         name = strtok_r(NULL, ",", &save)) {
        out[count++] = name;
    }
    return count;
}

int cli_session_select(struct cli_session *s)
{
    static char names[CONFIG_ACME_NAMES_MAX * 254 + 1];
    static const char *list[CONFIG_ACME_NAMES_MAX];
    struct acme_cert_status status;
    uint32_t cursor = 0;
    uint16_t i, count;

    while (acme_cert_list(s->client, &cursor, names, sizeof(names), &status) == ACME_OK) {
        count = cli_split_names(names, list, CONFIG_ACME_NAMES_MAX);
        for (i = 0; i < count && strcmp(list[i], s->options->domains[0]) != 0; i++) {
        }
        if (i < count) {
            requests[0].names = list;
            requests[0].names_count = count;
            requests[0].key_type = status.key_type;
            requests[0].key_exportable = status.key_exportable;
            s->config.certs = requests;
            s->config.certs_count = 1;
            acme_deinit(s->client);
            return open_client(s);
        }
    }
    cli_error("store %s has no certificate for %s; see nanoacme list", s->options->store,
              s->options->domains[0]);
    return CLI_CONFIG;
}

int32_t cli_session_drive(struct cli_session *s)
{
    struct acme_poll_result result = {0};

    while (stop_signal == 0) {
        switch (acme_poll(s->client, &result)) {
        case ACME_WANT_IDLE:
            return result.error;
        case ACME_WANT_EVENT:
            acme_posix_net_wait(&net, result.wait_ms);
            break;
        default:
            break;
        }
    }
    cli_say("stopped; run the same command again to go on where it left off");
    return ACME_ERR_AGAIN;
}

void cli_session_close(struct cli_session *s)
{
    acme_deinit(s->client);
    s->client = NULL;
    acme_posix_net_close(&net);
    acme_posix_flash_close(&flash);
}
