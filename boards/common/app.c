/*
 * The application without its loop: the client's configuration by the settings, what is said on the
 * serial line, and the status page. It must not know which board it runs on, nor whether there is
 * an operating system: loop.c and the tasks of a board with FreeRTOS bring the port and call the
 * client.
 */
#include "app.h"

#include <string.h>

#include <lwip/memp.h>
#include <lwip/stats.h>

#include "acme/roots.h"
#include "board.h"
#include "console.h"
#include "root_list.h"
#include "roots.h"
#include "settings.h"

struct acme_lwip_clock app_clock = {.uptime_ms = board_uptime_ms};
static struct acme_port *port;
static struct settings settings;
static _Alignas(8) uint8_t memory[ACME_MEMORY_SIZE];
static acme_client *client;
static const char *names[SETTINGS_NAMES_MAX];
static struct acme_trust_anchor anchors[2]; /* by enum roots_which, of which one is in use */
static enum roots_which in_use;
static struct acme_cert_request request;

static bool at_once;             /* roots have changed: pauses of the old ones do not count */
static uint32_t requests_before; /* of this job */

/* The longest time that the client, and the server, have kept the processor: from the beginning of
 * a call, or the last breath in it, until the next breath or its end; and the client's state. */
struct longest {
    uint32_t us;
    uint8_t state;
};
static struct longest longest[2];
static struct longest *timed; /* of these, the one whose code runs */
static uint64_t timed_since_us;
static uint64_t slept_us;
static uint8_t state; /* of the client */

/* ---- the serial line ---- */

void app_say(const char *what, const char *text, int64_t number)
{
    char line[192];
    struct text t;

    text_init(&t, line, sizeof(line) - 2);
    text_add(&t, what);
    if (text != NULL) {
        text_add(&t, " ");
        text_add(&t, text);
    }
    if (number != 0) {
        text_add(&t, " ");
        text_add_number(&t, number);
    }
    t.size = sizeof(line);
    text_add(&t, "\r\n");
    board_write(line);
}

static void log_write(void *ctx, enum acme_log_level level, const char *line)
{
    (void)ctx;
    (void)level;
    app_say(line, NULL, 0);
}

const struct acme_log_ops app_log_ops = {log_write};

void app_begin_step(enum app_step which)
{
    timed = &longest[which];
    timed_since_us = board_uptime_us();
}

void app_end_step(void)
{
    uint64_t now_us = board_uptime_us();
    uint32_t us = (uint32_t)(now_us - timed_since_us);

    if (us > timed->us) {
        timed->us = us;
        timed->state = state;
    }
    timed_since_us = now_us;
}

void app_slept(uint64_t us)
{
    slept_us += us;
}

/* Since boot, without sleep. */
static int64_t busy_us(void)
{
    return (int64_t)(board_uptime_us() - slept_us);
}

static void on_event(void *ctx, const struct acme_event *event)
{
    (void)ctx;
    switch (event->type) {
    case ACME_EVENT_STATE:
        state = event->state;
        app_say("acme: state", event->text, event->state);
        app_say("time: busy us", NULL, busy_us());
        break;
    case ACME_EVENT_ACCOUNT:
        app_say("acme: account", event->text, 0);
        break;
    case ACME_EVENT_ORDER:
        app_say("acme: order", event->text, 0);
        break;
    case ACME_EVENT_AUTHORIZED:
        app_say("acme: authorized", event->text, 0);
        break;
    case ACME_EVENT_INSTALLED:
        app_say("acme: certificate installed", NULL, 0);
        break;
    case ACME_EVENT_CHAIN_CUT:
        app_say("acme: the chain is too long for TLS, its end is left out", NULL, 0);
        break;
    case ACME_EVENT_ERROR:
        app_say("acme: error", acme_error_name(event->error), event->error);
        if (event->problem != NULL) {
            app_say("acme: problem", event->problem->detail, event->problem->status);
        }
        break;
    default:
        break;
    }
}

/* ---- the status page ---- */

static void add_row(struct text *t, bool json, const char *name, const char *value, bool last)
{
    text_add(t, json ? "\"" : "<dt>");
    text_add(t, name);
    text_add(t, json ? "\":\"" : "</dt><dd>");
    text_add(t, value);
    text_add(t, json ? (last ? "\"" : "\",") : "</dd>\n");
}

static void add_number_row(struct text *t, bool json, const char *name, int64_t number)
{
    char digits[24];
    struct text d;

    text_init(&d, digits, sizeof(digits));
    text_add_number(&d, number);
    add_row(t, json, name, digits, false);
}

static void add_date_row(struct text *t, bool json, const char *name, int64_t unix_s)
{
    char date[24];
    struct text d;

    text_init(&d, date, sizeof(date));
    text_add_date(&d, unix_s);
    add_row(t, json, name, date, false);
}

static void add_memory_rows(struct text *t, bool json)
{
    struct acme_counters counters;

    acme_get_counters(client, &counters);
    add_number_row(t, json, "stack_peak", board_stack_peak());
    add_number_row(t, json, "stack_size", board_stack_size());
    add_number_row(t, json, "mbedtls_pool_peak", counters.pool_peak);
    add_number_row(t, json, "json_arena_peak", counters.arena_peak);
    add_number_row(t, json, "lwip_heap_peak", lwip_stats.mem.max);
    add_number_row(t, json, "lwip_pbufs_peak", lwip_stats.memp[MEMP_PBUF_POOL]->max);
    add_number_row(t, json, "store_used", counters.store_used);
    add_number_row(t, json, "longest_step_us", longest[APP_STEP_CLIENT].us);
    add_row(t, json, "longest_step_state", acme_state_name(longest[APP_STEP_CLIENT].state), false);
    add_number_row(t, json, "longest_https_step_us", longest[APP_STEP_HTTPS].us);
    add_number_row(t, json, "busy_us", busy_us());
    add_number_row(t, json, "requests", counters.requests);
    add_number_row(t, json, "new_orders", counters.new_orders);
}

static void add_clock_row(struct text *t, bool json)
{
    int64_t now;

    if (acme_lwip_clock_ops.wall_s(&app_clock, &now) == ACME_OK) {
        add_date_row(t, json, "clock", now);
    } else {
        add_row(t, json, "clock", "unknown", false);
    }
}

bool app_write_page(const char *path, struct text *t)
{
    bool json = strcmp(path, "/status.json") == 0;
    struct acme_cert_status status;

    if ((!json && strcmp(path, "/") != 0) || acme_cert_get_status(client, 0, &status) != ACME_OK) {
        return false;
    }
    text_add(t, json ? "{" : "<!doctype html><title>nanoacme</title><h1>nanoacme</h1><dl>\n");
    add_row(t, json, "name", names[0], false);
    add_row(t, json, "board", board_name, false);
    add_date_row(t, json, "valid_from", status.not_before_s);
    add_date_row(t, json, "expires", status.not_after_s);
    add_date_row(t, json, "next_renewal", status.renew_after_s);
    add_clock_row(t, json);
    add_number_row(t, json, "uptime_s", (int64_t)(board_uptime_ms() / 1000u));
    add_memory_rows(t, json);
    add_row(t, json, "version", ACME_VERSION, true);
    text_add(t, json ? "}\n" : "</dl>\n");
    return true;
}

/* ---- the client ---- */

/* The settings' words for ways to prove a name; without any it is http-01. A word that is no way
 * becomes a number that acme_init refuses. */
static void take_challenges(struct acme_config *config)
{
    static const char *const words[] = {"http-01", "tls-alpn-01", "dns-01", "dns-account-01",
                                        "dns-persist-01"};

    config->challenges[0] = ACME_CHALLENGE_HTTP_01;
    for (size_t i = 0; i < SETTINGS_CHALLENGES && settings.challenges[i][0] != '\0'; i++) {
        uint8_t type = 0;

        while (type < sizeof(words) / sizeof(words[0]) &&
               strcmp(words[type], settings.challenges[i]) != 0) {
            type++;
        }
        config->challenges[i] = (uint8_t)(type + ACME_CHALLENGE_HTTP_01);
    }
    config->tls_shared = true; /* https.c answers tls-alpn-01 on its port */
}

/* What a person sets once in the DNS, told to that person as long as the device waits for it. */
static void report_dns_record(void)
{
    struct acme_dns_persist what = {.name = names[0]};
    char name[128], value[SETTINGS_URL_SIZE + 128];

    for (size_t i = 0; i < SETTINGS_CHALLENGES; i++) {
        if (strcmp(settings.challenges[i], "dns-persist-01") == 0 &&
            acme_dns_persist_record(client, &what, name, sizeof(name), value, sizeof(value)) ==
                ACME_OK) {
            app_say("dns: set a TXT record once:", name, 0);
            app_say("dns: its value:", value, 0);
        }
    }
}

static void configure(struct acme_config *config, struct acme_trust_anchor roots)
{
    memset(config, 0, sizeof(*config));
    port->flash = board_flash_ops;
    port->flash_ctx = board_store_flash;
    port->read_anchor = roots_read;
    for (uint16_t i = 0; i < settings_names_count(&settings); i++) {
        names[i] = settings.names[i];
    }
    request.names = names;
    request.names_count = settings_names_count(&settings);
    in_use = ROOTS_NEWEST;
    anchors[in_use] = roots;
    config->port = port;
    config->directory_url = settings.directory;
    config->anchors = &anchors[in_use];
    config->anchors_count = 1;
    config->certs = &request;
    config->certs_count = 1;
    config->contact = settings.contact[0] != '\0' ? settings.contact : NULL;
    config->tos_agreed = true; /* whoever gave the device its settings agrees */
    take_challenges(config);
    config->build_time_s = BOARD_BUILD_TIME_S;
    config->replace_unrequested = true;
    config->on_event = on_event;
}

static int32_t open_client(struct acme_trust_anchor roots)
{
    struct acme_config config;
    int32_t rc;

    configure(&config, roots);
    app_begin_step(APP_STEP_CLIENT);
    rc = acme_init(&client, &config, memory, sizeof(memory));
    app_end_step();
    return rc;
}

/* Whether an error is of the board, and not of what it was told. */
static bool is_of_the_board(int32_t error)
{
    return (error <= ACME_ERR_STORE_IO && error >= ACME_ERR_STORE_VERSION) || error == ACME_OK ||
           error == ACME_ERR_ENTROPY || error == ACME_ERR_CRYPTO || error == ACME_ERR_MEMORY;
}

/* The length of the certificate that an anchor begins with; of all of it where it is none. */
static uint32_t first_len(const struct acme_trust_anchor *anchor)
{
    uint8_t head[4];
    uint32_t left = (uint32_t)anchor->len, len = 0;

    if (left >= sizeof(head) && roots_read(NULL, anchor->der, head, sizeof(head)) == ACME_OK) {
        len = root_list_der_len(head, left);
    }
    return len == 0 || len > left ? left : len;
}

/* Each root alone, for of several one that cannot be read would not be missed. *number: which. */
static int32_t check_roots(struct acme_trust_anchor all, uint32_t *number)
{
    int32_t rc = ACME_OK;

    for (*number = 0; all.len > 0 && rc == ACME_OK; ++*number) {
        struct acme_trust_anchor one = {all.der, first_len(&all)};

        rc = acme_use_anchors(client, &one, 1);
        all.der += one.len;
        all.len -= one.len;
    }
    return rc;
}

/* By the client's own checks: whatever it would refuse when the device starts. */
static const char *check_settings(void)
{
    static char line[64];
    uint32_t number = 0;
    int32_t rc = open_client(roots_typed());
    struct text t;

    if (rc == ACME_OK) {
        rc = check_roots(roots_typed(), &number);
        acme_deinit(client);
    }
    if (is_of_the_board(rc)) {
        return NULL;
    }
    text_init(&t, line, sizeof(line));
    text_add(&t, "refused: ");
    text_add(&t, acme_error_name(rc));
    text_add(&t, " ");
    text_add_number(&t, rc);
    if (number > 0) {
        text_add(&t, ", root ");
        text_add_number(&t, number);
    }
    return line;
}

static void pause_s(uint32_t s)
{
    uint64_t end_ms = board_uptime_ms() + s * UINT64_C(1000);

    app_say("acme: next try in seconds", NULL, s);
    while (board_uptime_ms() < end_ms) {
        board_sleep();
    }
}

/* A device that cannot begin says why, and does not run in circles: a person mends its settings, or
 * says that the store may be erased; whatever else it is, it has time to pass. */
static void start_client(void)
{
    uint32_t s = CONFIG_ACME_RETRY_MIN_S;
    int32_t rc;

    for (;;) {
        rc = open_client(roots_anchor(ROOTS_NEWEST));
        if (rc == ACME_OK) {
            return;
        }
        app_say("acme: cannot start:", acme_error_name(rc), rc);
        if (rc == ACME_ERR_STORE_FORMAT) {
            console_confirm("the store's flash area holds something else; to erase it, type: ",
                            "erase");
            (void)acme_store_format(port);
        } else if (!is_of_the_board(rc)) {
            console_provision(&settings, "the settings are refused (clear: forget them)",
                              check_settings, memory, sizeof(memory));
        } else {
            pause_s(s);
            s = s < CONFIG_ACME_RETRY_MAX_S / 2 ? 2 * s : CONFIG_ACME_RETRY_MAX_S;
        }
    }
}

static void report_memory(void)
{
    struct acme_counters counters;

    acme_get_counters(client, &counters);
    app_say("memory: stack peak", NULL, board_stack_peak());
    app_say("memory: mbedTLS pool peak", NULL, counters.pool_peak);
    app_say("memory: JSON arena peak", NULL, counters.arena_peak);
    app_say("memory: lwIP heap peak", NULL, lwip_stats.mem.max);
    app_say("memory: lwIP pbufs peak", NULL, lwip_stats.memp[MEMP_PBUF_POOL]->max);
    app_say("time: longest step in us", acme_state_name(longest[APP_STEP_CLIENT].state),
            longest[APP_STEP_CLIENT].us);
    app_say("time: longest step of the server in us", NULL, longest[APP_STEP_HTTPS].us);
    app_say("acme: requests", NULL, counters.requests);
}

void app_report_certificate(void)
{
    struct acme_cert_status status;
    char date[24];
    struct text t;

    if (acme_cert_get_status(client, 0, &status) == ACME_OK && acme_cert_can_serve(&status)) {
        text_init(&t, date, sizeof(date));
        text_add_date(&t, status.not_after_s);
        app_say("https: serving until", date, 0);
    }
}

/* ---- roots on trial ---- */

static void use_roots(enum roots_which other)
{
    anchors[1 - in_use] = roots_anchor(other);
    if (acme_use_anchors(client, &anchors[1 - in_use], 1) == ACME_OK) {
        in_use = (enum roots_which)(1 - in_use);
    }
}

static uint32_t requests(void)
{
    struct acme_counters counters;

    acme_get_counters(client, &counters);
    return counters.requests;
}

static bool trying_before; /* the roots in use are those before the ones on trial */

/* A bundle on trial that leads to the CA stays. While it does not, the ones before and it take
 * turns: a vendor's error costs no certificate, and nobody is held on roots that are given up. */
static void judge_roots(int32_t error)
{
    if (!roots_on_trial()) {
        return;
    }
    if (!trying_before && requests() != requests_before) {
        app_say(roots_confirm() ? "roots: confirmed, version" : "roots: not confirmed, version",
                NULL, roots_version());
    } else if (trying_before || error == ACME_ERR_TLS_VERIFY) {
        at_once = !trying_before;
        trying_before = !trying_before;
        use_roots(trying_before ? ROOTS_BEFORE : ROOTS_NEWEST);
        app_say(trying_before ? "roots: on trial and refused, those before are tried"
                              : "roots: on trial again, version",
                NULL, trying_before ? 0 : roots_version());
    }
}

bool app_take_roots(void)
{
    if (!console_poll(port)) {
        return false;
    }
    trying_before = false;
    use_roots(ROOTS_NEWEST);
    at_once = true;
    return true;
}

/* ---- jobs ---- */

int32_t app_start_job(void)
{
    int32_t rc = at_once ? acme_start(client) : acme_start_due(client);

    requests_before = requests();
    at_once = false;
    return rc;
}

uint32_t app_report_job(int32_t error)
{
    uint32_t pause = acme_next_start_s(client, error);

    report_memory();
    judge_roots(error);
    if (error == ACME_OK) {
        app_report_certificate();
    } else {
        report_dns_record();
        pause = at_once ? 0 : pause;
        app_say("acme: next try in seconds", NULL, pause);
    }
    return pause;
}

/* ---- the start ---- */

acme_client *app_start(struct acme_port *with)
{
    bool known;

    port = with;
    app_say("boot: nanoacme " ACME_VERSION " on", board_name, 0);
    known = settings_load(&settings);
    roots_load(&settings);
    if (!known || roots_anchor(ROOTS_NEWEST).len == 0) {
        console_provision(&settings, "this device has no settings", check_settings, memory,
                          sizeof(memory));
    }
    start_client();
    return client;
}

const char *app_time_server(void)
{
    return settings.ntp[0] != '\0' ? settings.ntp : NULL;
}

void *app_hand_over(struct acme_config *config)
{
    acme_deinit(client);
    configure(config, roots_anchor(ROOTS_NEWEST));
    return memory;
}
