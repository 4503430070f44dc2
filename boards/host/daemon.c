/*
 * The command `daemon`: sleeps until the core wants to work, and hands new certificates on, as
 * files and to a program. It must not know when a certificate is due, or why.
 */
#include "daemon.h"

#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exit.h"
#include "publish.h"
#include "say.h"
#include "signals.h"

#define WAIT_MAX_MS  30000u /* a wall clock may be set meanwhile */
#define HOOK_SECONDS 120

extern char **environ;

/* ---- the hook ---- */

static void await_hook(pid_t pid)
{
    int status = 0, tenths;

    for (tenths = 0; tenths < HOOK_SECONDS * 10; tenths++) {
        if (waitpid(pid, &status, WNOHANG) != 0) {
            break;
        }
        (void)usleep(100000);
    }
    if (tenths == HOOK_SECONDS * 10) {
        (void)kill(pid, SIGKILL);
        (void)waitpid(pid, &status, 0);
        cli_error("hook: not done after %d seconds; it was ended", HOOK_SECONDS);
    } else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        cli_error("hook: it failed with status %d", status);
    }
}

static void run_hook(struct cli_session *s, uint16_t slot, const char *home)
{
    char *argv[] = {(char *)(uintptr_t)s->options->hook, NULL};
    char current[CLI_PATH_SIZE];
    pid_t pid;
    int failed;

    (void)setenv("NANOACME_NAME", s->config.certs[slot].names[0], 1);
    (void)setenv("NANOACME_DIR",
                 home[0] != '\0' && cli_make_path(current, home, "current") ? current : "", 1);
    failed = posix_spawnp(&pid, s->options->hook, NULL, NULL, argv, environ);
    if (failed != 0) {
        cli_error("hook %s: %s", s->options->hook, strerror(failed));
        return;
    }
    await_hook(pid);
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
