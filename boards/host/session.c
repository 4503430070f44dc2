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
static char *stored_names[CONFIG_ACME_CERT_SLOTS]; /* what requests for what is stored point into */
static char contact[CONFIG_ACME_URL_MAX + 1];
static volatile sig_atomic_t stop_signal, nudge;

/* The account key of --account-key has a number beside those of the core. */
#define ACCOUNT_KEY_ID (CONFIG_ACME_KEY_ID_BASE - 1)

static void on_signal(int number)
{
    if (number == SIGHUP) {
        nudge = 1;
    } else {
        stop_signal = number;
    }
}

int cli_session_wait(uint32_t ms)
{
    if (stop_signal == 0 && nudge == 0) {
        acme_posix_net_wait(&net, ms);
    }
    return stop_signal;
}

bool cli_session_nudged(void)
{
    bool was = nudge != 0;

    nudge = 0;
    return was;
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
    case ACME_ERR_STORE_SEAL:
    case ACME_ERR_STORE_ROLLBACK:
        return CLI_CONFIG;
    default:
        return acme_error_severity(error) == ACME_SEVERITY_FATAL ? CLI_INTERNAL : CLI_REFUSED;
    }
}

/* The doctor changes nothing: without a store, or while another process has it, it works with one
 * that is gone when it ends. */
static int open_no_store(const struct acme_flash_geometry *geometry)
{
    char path[64];
    int32_t rc;

    (void)snprintf(path, sizeof(path), "/tmp/nanoacme-doctor-%ld.img", (long)getpid());
    rc = acme_posix_flash_open(&flash, path, geometry);
    if (rc != ACME_OK) {
        cli_error("%s: %s", path, strerror(errno));
        return CLI_CONFIG;
    }
    (void)unlink(path);
    return CLI_OK;
}

static int open_store(const struct cli_options *o)
{
    const struct acme_flash_geometry geometry = {SECTOR_SIZE, SECTOR_COUNT, PROGRAM_SIZE};
    int32_t rc;

    if (o->command == CLI_DOCTOR && access(o->store, F_OK) != 0) {
        return open_no_store(&geometry);
    }
    if (o->command != CLI_RUN && o->command != CLI_ACCOUNT && o->command != CLI_DNS_RECORD &&
        o->command != CLI_DAEMON && access(o->store, F_OK) != 0) {
        cli_error("store %s: %s; name another with --store", o->store, strerror(errno));
        return CLI_CONFIG;
    }
    rc = acme_posix_flash_open(&flash, o->store, &geometry);
    if (rc == ACME_OK) {
        return CLI_OK;
    }
    if (o->command == CLI_DOCTOR && rc == ACME_ERR_STORE_IO) {
        return open_no_store(&geometry);
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

/* What is not kept in the store, and so is said each time. */
static void take_wishes(struct acme_cert_request *r, const struct cli_options *o)
{
    r->profile = o->profile;
    r->preferred_issuer = o->preferred_issuer;
    r->prefer_shortest = o->shortest;
    r->revoke_replaced = o->revoke_replaced;
    r->key_reuse = o->reuse_key;
}

#if defined(NANOACME_TEST_HOOKS)
#include <mbedtls/memory_buffer_alloc.h>

/* NANOACME_TEST_HURRY=N: the device's time goes N times as fast, so that time-outs are tested. */
static uint32_t hurry = 1;
/* NANOACME_TEST_LEAP=1: a pause that the client announces is over at once. */
static bool leaps;
static uint64_t leapt_ms;

static uint64_t hurried_ms(void *ctx)
{
    return acme_posix_clock_ops.uptime_ms(ctx) * hurry + leapt_ms;
}

static void take_event(void *ctx, const struct acme_event *event)
{
    if (leaps && event->type == ACME_EVENT_WAIT) {
        leapt_ms += event->wait_ms;
    }
    cli_on_event(ctx, event);
}

static int32_t wall_s(void *ctx, int64_t *unix_s)
{
    return acme_posix_clock_ops.wall_s(ctx, unix_s);
}

static const struct acme_clock_ops hurried_clock = {hurried_ms, wall_s};

static const struct acme_clock_ops *clock_ops(void)
{
    const char *text = getenv("NANOACME_TEST_HURRY");

    hurry = text != NULL ? (uint32_t)strtoul(text, NULL, 10) : 1;
    leaps = getenv("NANOACME_TEST_LEAP") != NULL;
    return &hurried_clock;
}

static uint32_t real_ms(uint32_t ms)
{
    return leaps && ms > 100 ? 100 : ms / hurry;
}

/* NANOACME_TEST_POOL=FILE: what of mbedTLS's pool is taken before a job and after it. */
static void note_pool(const char *when)
{
    const char *path = getenv("NANOACME_TEST_POOL");
    FILE *f = path != NULL ? fopen(path, "ae") : NULL;
    size_t bytes = 0, blocks = 0;

    mbedtls_memory_buffer_alloc_cur_get(&bytes, &blocks);
    if (f != NULL) {
        (void)fprintf(f, "%s %zu %zu\n", when, bytes, blocks);
        (void)fclose(f);
    }
}
#else
#define take_event cli_on_event

static const struct acme_clock_ops *clock_ops(void)
{
    return &acme_posix_clock_ops;
}

static uint32_t real_ms(uint32_t ms)
{
    return ms;
}

static void note_pool(const char *when)
{
    (void)when;
}
#endif

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
        take_wishes(&requests[i], o);
    }
    s->config.certs = requests;
    s->config.certs_count = count;
}

static void add_fallbacks(struct cli_session *s)
{
    static struct acme_ca list[CLI_FALLBACKS_MAX];
    uint16_t i;

    for (i = 0; i < s->options->fallbacks_count; i++) {
        list[i].directory_url = s->options->fallbacks[i];
        list[i].anchors = s->config.anchors;
        list[i].anchors_count = s->config.anchors_count;
    }
    s->config.fallbacks = list;
    s->config.fallbacks_count = s->options->fallbacks_count;
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
    s->port.clock = clock_ops();
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
    s->config.on_event = take_event;
    s->config.event_ctx = s;
    if (o->email != NULL) {
        if (snprintf(contact, sizeof(contact), "mailto:%s", o->email) >= (int)sizeof(contact)) {
            cli_error("--email: too long");
            return CLI_USAGE;
        }
        s->config.contact = contact;
    }
    s->config.clock_policy = o->clock_policy;
    s->config.pins = o->pins;
    s->config.pins_count = o->pins_count;
    s->config.no_renewal_info = o->no_ari;
    s->config.look_now = o->command == CLI_RENEW;
    s->config.account_key_id = o->account_key != NULL ? ACCOUNT_KEY_ID : 0;
    if (o->command == CLI_LIST || o->command == CLI_EXPORT || o->command == CLI_STORE ||
        o->command == CLI_NEXT) {
        return CLI_OK; /* no network */
    }
    count =
        cli_pem_read_anchors(o->ca_file != NULL ? o->ca_file : SYSTEM_ROOTS, &s->config.anchors);
    s->config.anchors_count = count > 0 ? (uint16_t)count : 0;
    add_fallbacks(s);
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
    return s->options->account_key != NULL
               ? cli_pem_import_account_key(s->options->account_key, ACCOUNT_KEY_ID)
               : CLI_OK;
}

int cli_session_open(struct cli_session *s, const struct cli_options *options)
{
    struct sigaction action = {.sa_handler = on_signal};
    int code;

    s->options = options;
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    if (options->command == CLI_DAEMON) {
        (void)sigaction(SIGHUP, &action, NULL);
    }
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
    if (options->command == CLI_RUN || options->command == CLI_DAEMON ||
        (options->command == CLI_DOCTOR && options->domains_count > 0)) {
        cli_session_requests(s);
    }
    return open_client(s);
}

int cli_session_look(struct cli_session *s, bool look_now)
{
    acme_deinit(s->client);
    s->client = NULL;
    s->config.look_now = look_now;
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

/* A request as the stored certificate has it. The names live as long as the process. */
static bool take_stored(struct cli_session *s, const char *names, uint16_t domains,
                        const struct acme_cert_status *status)
{
    char *copy = strdup(names);
    const char **list = calloc(CONFIG_ACME_NAMES_MAX, sizeof(*list));
    struct acme_cert_request *r = &requests[s->config.certs_count];
    uint16_t count =
        copy == NULL || list == NULL ? 0 : cli_split_names(copy, list, CONFIG_ACME_NAMES_MAX);

    if (count == 0 || (domains > 0 && !covers(s->options, domains, list, count))) {
        free(copy);
        free((void *)list);
        return false;
    }
    stored_names[s->config.certs_count] = copy;
    memset(r, 0, sizeof(*r));
    r->names = list;
    r->names_count = count;
    r->key_type = status->key_type;
    r->key_exportable = status->key_exportable;
    take_wishes(r, s->options);
    s->config.certs_count++;
    return true;
}

/* Opens again with what is stored: all of it, or what has one of the first domains. */
static int reopen_stored(struct cli_session *s, uint16_t domains, uint16_t most)
{
    static char names[CONFIG_ACME_NAMES_MAX * 254 + 1];
    struct acme_cert_status status;
    uint32_t cursor = 0;

    s->config.certs = requests;
    s->config.certs_count = 0;
    while (s->config.certs_count < most &&
           acme_cert_list(s->client, &cursor, names, sizeof(names), &status) == ACME_OK) {
        (void)take_stored(s, names, domains, &status);
    }
    if (s->config.certs_count == 0) {
        cli_error("store %s has no certificate%s%s; see nanoacme list", s->options->store,
                  domains > 0 ? " for " : "", domains > 0 ? s->options->domains[0] : "");
        return CLI_CONFIG;
    }
    acme_deinit(s->client);
    return open_client(s);
}

int cli_session_select(struct cli_session *s)
{
    return reopen_stored(s, 1, 1);
}

int cli_session_stored(struct cli_session *s)
{
    return reopen_stored(s, s->options->domains_count, CONFIG_ACME_CERT_SLOTS);
}

int32_t cli_session_drive(struct cli_session *s)
{
    struct acme_poll_result result = {0};

    note_pool("before");
    while (stop_signal == 0) {
        switch (acme_poll(s->client, &result)) {
        case ACME_WANT_IDLE:
            note_pool("after");
            acme_posix_flash_forget(&flash);
            return result.error;
        case ACME_WANT_EVENT:
            acme_posix_net_wait(&net, real_ms(result.wait_ms));
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
    size_t i;

    acme_deinit(s->client);
    s->client = NULL;
    acme_posix_net_close(&net);
    acme_posix_flash_close(&flash);
    for (i = 0; i < CONFIG_ACME_CERT_SLOTS; i++) {
        free(stored_names[i]);
        stored_names[i] = NULL;
    }
}
