/*
 * Opens the port, the store and the client for one command, and drives them. It must not format
 * results.
 */
#include "session.h"

#include <errno.h>
#include <string.h>

#include "configure.h"
#include "exit.h"
#include "image.h"
#include "pem.h"
#include "requests.h"
#include "say.h"
#include "signals.h"
#include "test_hooks.h"

static struct acme_posix_net net;
static struct acme_posix_flash flash = {.fd = -1};
static _Alignas(8) uint8_t memory[ACME_MEMORY_SIZE];

int cli_session_wait(uint32_t ms)
{
    if (cli_signal_stop() == 0 && !cli_signal_is_nudged()) {
        acme_posix_net_wait(&net, ms);
    }
    return cli_signal_stop();
}

static void set_port(struct acme_port *port, int verbose)
{
    port->net = &acme_posix_net_ops;
    port->net_ctx = &net;
    port->clock = cli_test_clock();
    port->entropy = &acme_posix_entropy_ops;
    port->flash = &acme_posix_flash_ops;
    port->flash_ctx = &flash;
    port->udp = &acme_posix_udp_ops;
    port->udp_ctx = &net;
    port->log = verbose > 0 ? &cli_log_ops : NULL;
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

/* Once: from then on it is in the store. */
static int import_account_key(const struct cli_options *o)
{
    return o->account_key != NULL ? cli_pem_import_account_key(o->account_key, CLI_ACCOUNT_KEY_ID)
                                  : CLI_OK;
}

static bool works_on_domains(const struct cli_options *o)
{
    return o->command == CLI_RUN || o->command == CLI_DAEMON ||
           (o->command == CLI_DOCTOR && o->domains_count > 0);
}

int cli_session_open(struct cli_session *s, const struct cli_options *options)
{
    int code;

    s->options = options;
    s->config.port = &s->port;
    s->config.on_event = cli_on_event;
    s->config.event_ctx = &s->events;
    s->events.config = &s->config;
    s->events.lines = options->events;
    cli_signals_init(options->command == CLI_DAEMON);
    set_port(&s->port, options->verbose);
    code = cli_configure(options, &s->config);
    if (code == CLI_OK) {
        code = cli_image_open(&flash, options);
    }
    if (code != CLI_OK) {
        return code;
    }
    if (acme_posix_net_init(&net) != ACME_OK) {
        cli_error("cannot make a pipe: %s", strerror(errno));
        return CLI_INTERNAL;
    }
    if (works_on_domains(options)) {
        cli_requests_asked(options, &s->config);
    }
    code = open_client(s);
    return code == CLI_OK ? import_account_key(options) : code;
}

int cli_session_reopen(struct cli_session *s)
{
    acme_deinit(s->client);
    s->client = NULL;
    return open_client(s);
}

int32_t cli_session_drive(struct cli_session *s)
{
    struct acme_poll_result result = {0};

    cli_test_note_pool("before");
    while (cli_signal_stop() == 0) {
        switch (acme_poll(s->client, &result)) {
        case ACME_WANT_IDLE:
            cli_test_note_pool("after");
            acme_posix_flash_forget(&flash);
            return result.error;
        case ACME_WANT_EVENT:
            acme_posix_net_wait(&net, cli_test_real_ms(result.wait_ms));
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
    cli_requests_clear(&s->config);
}
