/*
 * The command `daemon`: sleeps until the core wants to work, and hands new certificates on, as
 * files and to a program. It must not know when a certificate is due, or why.
 */
#include "daemon.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "acme_posix.h"
#include "exit.h"
#include "outfile.h"
#include "programs.h"
#include "publish.h"
#include "say.h"
#include "signals.h"

#define WAIT_MAX_MS  30000u /* a wall clock may be set meanwhile */
#define HOOK_SECONDS 120

/* ---- the hook ---- */

/* Waits for its end, whatever signals come. Returns whether it came in time. */
static bool await_end(uint32_t ms, int *error, int *status)
{
    uint64_t end_ms = acme_posix_clock_ops.uptime_ms(NULL) + ms, now_ms;

    do {
        now_ms = acme_posix_clock_ops.uptime_ms(NULL);
        if (cli_program_wait(now_ms < end_ms ? (uint32_t)(end_ms - now_ms) : 0, error, status)) {
            return true;
        }
    } while (now_ms < end_ms);
    return false;
}

static void await_hook(const char *program)
{
    int error = 0, status = 0;

    if (!await_end(HOOK_SECONDS * 1000u, &error, &status)) {
        cli_program_signal(SIGKILL);
        (void)await_end(HOOK_SECONDS * 1000u, &error, &status);
        cli_error("hook: not done after %d seconds; it was ended", HOOK_SECONDS);
    } else if (error != 0) {
        cli_error("hook %s: %s", program, strerror(error));
    } else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        cli_error("hook: it failed with status %d", status);
    }
}

static void run_hook(struct cli_session *s, uint16_t slot, const char *home)
{
    char current[CLI_PATH_SIZE];
    bool has_current = home[0] != '\0' && cli_make_path(current, home, "current");
    const char *const words[] = {s->config.certs[slot].names[0], has_current ? current : "", NULL};

    if (!cli_program_start(CLI_PROGRAM_HOOK, words)) {
        cli_error("hook %s: it cannot be run", s->options->hook);
        return;
    }
    await_hook(s->options->hook);
}

/* ---- the loop ---- */

/* What cannot be handed on now is handed on at the next turn. */
static void hand_on(struct cli_session *s)
{
    uint16_t i;

    for (i = 0; i < s->config.certs_count; i++) {
        char home[CLI_PATH_SIZE] = "";

        if (!s->events.installed[i] ||
            (s->options->out_dir != NULL &&
             !cli_publish(s->client, i, s->config.certs[i].names[0], s->options->out_dir, home))) {
            continue;
        }
        s->events.installed[i] = false;
        if (s->options->hook != NULL) {
            run_hook(s, i, home);
        }
    }
}

/* What an earlier run got, and may not have handed on. */
static void note_stored(struct cli_session *s)
{
    uint16_t i;

    for (i = 0; i < s->config.certs_count; i++) {
        struct acme_cert_status status;

        s->events.installed[i] =
            acme_cert_get_status(s->client, i, &status) == ACME_OK && acme_cert_can_serve(&status);
    }
}

/* Opens the client again, so that the next job asks the CA for renewal information, or not. */
static int look(struct cli_session *s, bool look_now)
{
    s->config.look_now = look_now;
    return cli_session_reopen(s);
}

/* One job: what is due, or with a nudge everything, now. An exit code. */
static int work(struct cli_session *s, bool nudged)
{
    int code = nudged ? look(s, true) : CLI_OK;

    if (code != CLI_OK) {
        return code;
    }
    if ((nudged ? acme_start(s->client) : acme_start_due(s->client)) == ACME_OK) {
        (void)cli_session_drive(s); /* its errors were events, and the core tries again */
    }
    return nudged ? look(s, false) : CLI_OK;
}

int cli_daemon(struct cli_session *s)
{
    int code = CLI_OK;

    note_stored(s);
    while (code == CLI_OK && cli_session_wait(0) == 0) {
        bool nudged = cli_signal_take_nudge();
        uint32_t pause_s = acme_next_wakeup_s(s->client);

        hand_on(s);
        if (pause_s == 0 || nudged) {
            code = work(s, nudged);
            hand_on(s);
            pause_s = 1; /* whatever happens, not in circles */
        }
        (void)cli_session_wait(pause_s < WAIT_MAX_MS / 1000u ? pause_s * 1000u : WAIT_MAX_MS);
    }
    return code;
}
