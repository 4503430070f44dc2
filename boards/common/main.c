/*
 * The application: a device that gets its certificate on its first boot and shows its status page
 * with it ever after. One loop, which sleeps until the next deadline or an interrupt. This file is
 * the example to begin with; it must not know which board it runs on.
 */
#include <string.h>

#include <lwip/memp.h>
#include <lwip/stats.h>

#include "acme/client.h"
#include "acme/roots.h"
#include "acme_lwip_raw.h"
#include "board.h"
#include "console.h"
#include "ethif.h"
#include "https.h"
#include "root_list.h"
#include "roots.h"
#include "settings.h"
#include "text.h"

/* Memory for both at once, or one after the other? The board says. */
#ifndef BOARD_HTTPS_ALONGSIDE
#define BOARD_HTTPS_ALONGSIDE 1
#endif

/* Streams of the status page; lwipopts.h has the sum. */
#ifndef BOARD_HTTPS_STREAMS
#define BOARD_HTTPS_STREAMS 4
#endif

#define WAKE_MAX_S 3600u

/* Much longer than any step: an emulator on a busy machine may stand still for a second. */
#define WATCHDOG_MS 8000u

static struct settings settings;
static struct acme_lwip_raw net;
static struct acme_lwip_clock wall_clock = {.uptime_ms = board_uptime_ms};
static _Alignas(8) uint8_t memory[ACME_MEMORY_SIZE];
static acme_client *client;
static const char *names[SETTINGS_NAMES_MAX];
static struct acme_trust_anchor anchors[2]; /* by enum roots_which, of which one is in use */
static enum roots_which in_use;
static struct acme_cert_request request;

static uint64_t next_start_ms; /* when the client is asked to look again */
static bool working;           /* the client has a job */
static bool at_once;           /* roots have changed: pauses of the old ones do not count */
static bool ca_reached;        /* in this job the CA has said what only the CA says */

/* The longest time that the client, and the server, have kept the processor: from the beginning of
 * a call, or the last breath in it, until the next breath or its end; and the client's state. */
struct longest {
    uint32_t us;
    uint8_t state;
};
static struct longest longest_step, longest_https;
static struct longest *timed; /* of these, the one whose code runs */
static uint64_t timed_since_us;
static uint64_t slept_us;
static uint8_t state; /* of the client */

/* ---- the serial line ---- */

static void say(const char *what, const char *text, int64_t number)
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
    say(line, NULL, 0);
}

static const struct acme_log_ops log_ops = {log_write};

static void begin_step(struct longest *which)
{
    timed = which;
    timed_since_us = board_uptime_us();
}

static void end_step(void)
{
    uint64_t now_us = board_uptime_us();
    uint32_t us = (uint32_t)(now_us - timed_since_us);

    if (us > timed->us) {
        timed->us = us;
        timed->state = state;
    }
    timed_since_us = now_us;
}

/* While mbedTLS computes. */
static void breathe(void *ctx)
{
    (void)ctx;
    end_step();
    board_watchdog_feed();
    ethif_breathe();
}

/* Since boot, without sleep. */
static int64_t busy_us(void)
{
    return (int64_t)(board_uptime_us() - slept_us);
}

static void on_event(void *ctx, const struct acme_event *event)
{
    (void)ctx;
    ca_reached = ca_reached || event->type == ACME_EVENT_ORDER ||
                 event->type == ACME_EVENT_INSTALLED || event->problem != NULL;
    switch (event->type) {
    case ACME_EVENT_STATE:
        state = event->state;
        say("acme: state", event->text, event->state);
        say("time: busy us", NULL, busy_us());
        break;
    case ACME_EVENT_ACCOUNT:
        say("acme: account", event->text, 0);
        break;
    case ACME_EVENT_ORDER:
        say("acme: order", event->text, 0);
        break;
    case ACME_EVENT_AUTHORIZED:
        say("acme: authorized", event->text, 0);
        break;
    case ACME_EVENT_INSTALLED:
        say("acme: certificate installed", NULL, 0);
        break;
    case ACME_EVENT_CHAIN_CUT:
        say("acme: the chain is too long for TLS, its end is left out", NULL, 0);
        break;
    case ACME_EVENT_ERROR:
        say("acme: error", acme_error_name(event->error), event->error);
        if (event->problem != NULL) {
            say("acme: problem", event->problem->detail, event->problem->status);
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
    add_number_row(t, json, "longest_step_us", longest_step.us);
    add_row(t, json, "longest_step_state", acme_state_name(longest_step.state), false);
    add_number_row(t, json, "longest_https_step_us", longest_https.us);
    add_number_row(t, json, "busy_us", busy_us());
    add_number_row(t, json, "requests", counters.requests);
    add_number_row(t, json, "new_orders", counters.new_orders);
}

static void add_clock_row(struct text *t, bool json)
{
    int64_t now;

    if (acme_lwip_clock_ops.wall_s(&wall_clock, &now) == ACME_OK) {
        add_date_row(t, json, "clock", now);
    } else {
        add_row(t, json, "clock", "unknown", false);
    }
}

static bool write_page(const char *path, struct text *t)
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
            say("dns: set a TXT record once:", name, 0);
            say("dns: its value:", value, 0);
        }
    }
}

static struct acme_port port = {
    .net = &acme_lwip_raw_net_ops,
    .net_ctx = &net,
    .clock = &acme_lwip_clock_ops,
    .clock_ctx = &wall_clock,
    .entropy = &board_entropy_ops,
    .log = &log_ops,
    .breathe = breathe,
    .read_anchor = roots_read,
#if defined(CONFIG_ACME_DNS_CLIENT)
    .udp = &acme_lwip_raw_udp_ops,
    .udp_ctx = &net,
#endif
};

static int32_t open_client(struct acme_trust_anchor roots)
{
    struct acme_config config = {0};
    int32_t rc;

    port.flash = board_flash_ops;
    port.flash_ctx = board_store_flash;
    for (uint16_t i = 0; i < settings_names_count(&settings); i++) {
        names[i] = settings.names[i];
    }
    request.names = names;
    request.names_count = settings_names_count(&settings);
    in_use = ROOTS_NEWEST;
    anchors[in_use] = roots;
    config.port = &port;
    config.directory_url = settings.directory;
    config.anchors = &anchors[in_use];
    config.anchors_count = 1;
    config.certs = &request;
    config.certs_count = 1;
    config.contact = settings.contact[0] != '\0' ? settings.contact : NULL;
    config.tos_agreed = true; /* whoever gave the device its settings agrees */
    take_challenges(&config);
    config.build_time_s = BOARD_BUILD_TIME_S;
    config.replace_unrequested = true;
    config.on_event = on_event;
    begin_step(&longest_step);
    rc = acme_init(&client, &config, memory, sizeof(memory));
    end_step();
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

    say("acme: next try in seconds", NULL, s);
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
        say("acme: cannot start:", acme_error_name(rc), rc);
        if (rc == ACME_ERR_STORE_FORMAT) {
            console_confirm("the store's flash area holds something else; to erase it, type: ",
                            "erase");
            (void)acme_store_format(&port);
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
    say("memory: stack peak", NULL, board_stack_peak());
    say("memory: mbedTLS pool peak", NULL, counters.pool_peak);
    say("memory: JSON arena peak", NULL, counters.arena_peak);
    say("memory: lwIP heap peak", NULL, lwip_stats.mem.max);
    say("memory: lwIP pbufs peak", NULL, lwip_stats.memp[MEMP_PBUF_POOL]->max);
    say("time: longest step in us", acme_state_name(longest_step.state), longest_step.us);
    say("time: longest step of the server in us", NULL, longest_https.us);
    say("acme: requests", NULL, counters.requests);
}

static void report_certificate(void)
{
    struct acme_cert_status status;
    char date[24];
    struct text t;

    if (acme_cert_get_status(client, 0, &status) == ACME_OK && acme_cert_can_serve(&status)) {
        text_init(&t, date, sizeof(date));
        text_add_date(&t, status.not_after_s);
        say("https: serving until", date, 0);
    }
}

/* ---- roots on trial ---- */

static bool use_roots(enum roots_which other)
{
    anchors[1 - in_use] = roots_anchor(other);
    if (acme_use_anchors(client, &anchors[1 - in_use], 1) != ACME_OK) {
        return false; /* those that were are in use still */
    }
    in_use = (enum roots_which)(1 - in_use);
    return true;
}

static bool trying_before; /* the roots in use are those before the ones on trial */

/* The ones on trial and those before take turns. */
static void change_roots(void)
{
    if (!use_roots(trying_before ? ROOTS_NEWEST : ROOTS_BEFORE)) {
        return;
    }
    trying_before = !trying_before;
    at_once = trying_before;
    if (trying_before) {
        say("roots: on trial and refused, those before are tried", NULL, 0);
    } else {
        say("roots: on trial again, version", NULL, roots_version());
    }
}

/* A bundle on trial that leads to the CA stays. While it does not, a vendor's error costs no
 * certificate, and nobody is held on roots that are given up. */
static void judge_roots(int32_t error)
{
    if (!roots_on_trial()) {
        return;
    }
    if (!trying_before && ca_reached) {
        say(roots_confirm() ? "roots: confirmed, version" : "roots: not confirmed, version", NULL,
            roots_version());
    } else if (trying_before || error == ACME_ERR_TLS_VERIFY) {
        change_roots();
    }
}

/* A bundle has come. What was paused for the old ones begins at once. */
static void take_new_roots(void)
{
    if (use_roots(ROOTS_NEWEST)) {
        trying_before = false;
        at_once = true;
        next_start_ms = 0;
    } else {
        board_panic("the roots cannot be used");
    }
}

/* A done job is looked at again when the certificate is due; a failed one after its pause. */
static void plan_next(int32_t error)
{
    uint32_t pause = acme_next_start_s(client, error);

    report_memory();
    judge_roots(error);
    if (error == ACME_OK) {
        report_certificate();
        pause = pause < WAKE_MAX_S ? pause : WAKE_MAX_S;
    } else {
        report_dns_record();
        pause = at_once ? 0 : pause;
        say("acme: next try in seconds", NULL, pause);
    }
    next_start_ms = board_uptime_ms() + pause * UINT64_C(1000);
}

static void poll_and_measure(struct acme_poll_result *result)
{
    begin_step(&longest_step);
    (void)acme_poll(client, result);
    end_step();
}

/* The client's turn: it begins as soon as the memory is free. */
static bool is_client_due(void)
{
    return ethif_is_ready() && board_uptime_ms() >= next_start_ms;
}

static bool serve(void)
{
    bool more;

    begin_step(&longest_https);
    more = https_poll(BOARD_HTTPS_ALONGSIDE || (!working && !is_client_due()));
    end_step();
    return more;
}

/* Only now: what is asked without a network is asked again after a quarter of a minute. */
static void start_time(void)
{
    static bool started;

    if (!started && ethif_is_ready()) {
        started = true;
        (void)acme_lwip_sntp_start(&wall_clock, settings.ntp[0] != '\0' ? settings.ntp : NULL);
    }
}

/* One turn of the client: how long it may wait for the next, in ms. */
static uint32_t poll_client(void)
{
    struct acme_poll_result result;

    if (!working) {
        if (!is_client_due() || (!BOARD_HTTPS_ALONGSIDE && https_is_busy())) {
            return UINT32_MAX;
        }
        ca_reached = false;
        working = (at_once ? acme_start(client) : acme_start_due(client)) == ACME_OK;
        at_once = false;
    }
    poll_and_measure(&result);
    if (result.want == ACME_WANT_IDLE) {
        working = false;
        plan_next(result.error);
        return 0;
    }
    return result.wait_ms;
}

static void sleep_and_measure(void)
{
    uint64_t start = board_uptime_us();

    board_sleep();
    slept_us += board_uptime_us() - start;
}

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

int main(void)
{
    uint64_t deadline = 0;
    bool known;

    board_init();
    say("boot: nanoacme " ACME_VERSION " on", board_name, 0);
    known = settings_load(&settings);
    roots_load(&settings);
    if (!known || roots_anchor(ROOTS_NEWEST).len == 0) {
        console_provision(&settings, "this device has no settings", check_settings, memory,
                          sizeof(memory));
    }
    start_client();
    ethif_start();
    acme_lwip_raw_init(&net);
    acme_lwip_raw_reserve(&net, HTTPS_PORT, BOARD_HTTPS_STREAMS);
    https_init(client, &port, write_page);
    board_watchdog_start(WATCHDOG_MS);
    report_certificate();
    for (;;) {
        bool more, active = ethif_poll();

        board_watchdog_feed();
        start_time();
        if (!working && console_poll(&port)) {
            take_new_roots();
            deadline = 0;
        }
        if (active || board_uptime_ms() >= deadline) {
            uint32_t wait_ms = poll_client();

            more = serve();
            /* A second is soon enough for the server's time-outs. */
            deadline = board_uptime_ms() + (more ? 0 : least(wait_ms, 1000u));
            continue;
        }
        if (ethif_next_ms() > 0) {
            sleep_and_measure();
        }
    }
}
