/*
 * A DNS provider that runs a program: PROGRAM present|cleanup FQDN VALUE, as lego's provider "exec"
 * does, so that its scripts fit. FQDN ends with a dot. No shell takes part: what the arguments hold
 * is never read as code; VALUE comes last and may begin with '-'. The program's standard input is
 * empty, its output goes to standard error, its exit code 0 means done. It is given a time, and
 * then ended with all that it started.
 */
#include "hook.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "acme_posix.h"
#include "programs.h"
#include "say.h"

#define POLL_MS  50u
#define GRACE_MS 3000u /* between asking it to end and ending it */

struct cli_hook {
    const char *program;
    uint32_t seconds;
    acme_dns_resolver *resolver;
    bool runs;
    uint64_t end_ms;
    bool asked_to_end;
};

struct cli_hook *cli_hook_init(const char *program, uint32_t seconds, acme_dns_resolver *resolver)
{
    static struct cli_hook hook;

    memset(&hook, 0, sizeof(hook));
    hook.program = program;
    hook.seconds = seconds != 0 ? seconds : 120u;
    hook.resolver = resolver;
    return &hook;
}

static uint64_t now_ms(void)
{
    return acme_posix_clock_ops.uptime_ms(NULL);
}

static int32_t start(struct cli_hook *h, const char *what, const struct acme_dns_record *record)
{
    char fqdn[256];
    const char *const words[] = {what, fqdn, record->value, NULL};

    if (snprintf(fqdn, sizeof(fqdn), "%s.", record->name) >= (int)sizeof(fqdn)) {
        return ACME_ERR_LIMIT;
    }
    h->runs = cli_program_start(CLI_PROGRAM_DNS_HOOK, words);
    if (!h->runs) {
        cli_error("--dns-hook %s: it cannot be run", h->program);
        return ACME_ERR_DNS_HOOK;
    }
    h->asked_to_end = false;
    h->end_ms = now_ms() + h->seconds * UINT64_C(1000);
    return ACME_OK;
}

/* Asks the program to end, and later ends it. */
static void end_in_time(struct cli_hook *h)
{
    if (now_ms() < h->end_ms) {
        return;
    }
    if (!h->asked_to_end) {
        cli_error("--dns-hook %s: not done after %u s; it is ended", h->program, h->seconds);
    }
    cli_program_signal(h->asked_to_end ? SIGKILL : SIGTERM);
    h->asked_to_end = true;
    h->end_ms = now_ms() + GRACE_MS;
}

static int32_t collect(struct cli_hook *h, const char *what)
{
    int error = 0, status = 0;

    if (!cli_program_wait(0, &error, &status)) {
        end_in_time(h);
        return ACME_ERR_AGAIN;
    }
    h->runs = false;
    if (h->asked_to_end) {
        return ACME_ERR_TIMEOUT;
    }
    if (error != 0) {
        cli_error("--dns-hook %s: %s", h->program, strerror(error));
        return ACME_ERR_DNS_HOOK;
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        cli_error("--dns-hook %s %s: %s %d", h->program, what,
                  WIFSIGNALED(status) ? "signal" : "exit code",
                  WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
        return ACME_ERR_DNS_HOOK;
    }
    return ACME_OK;
}

static int32_t run(struct cli_hook *h, const char *what, const struct acme_dns_record *record,
                   uint32_t *wait_ms)
{
    int32_t rc = !h->runs ? start(h, what, record) : ACME_OK;

    if (rc == ACME_OK) {
        rc = collect(h, what);
    }
    if (rc == ACME_ERR_AGAIN) {
        *wait_ms = POLL_MS;
    }
    return rc;
}

static int32_t hook_present(void *ctx, const struct acme_dns_record *record, uint32_t *wait_ms)
{
    return run(ctx, "present", record, wait_ms);
}

static int32_t hook_cleanup(void *ctx, const struct acme_dns_record *record, uint32_t *wait_ms)
{
    return run(ctx, "cleanup", record, wait_ms);
}

static int32_t hook_ready(void *ctx, const struct acme_dns_record *record, uint32_t *wait_ms)
{
    struct cli_hook *h = ctx;

    return h->resolver == NULL ? ACME_OK
                               : acme_dns_resolver_ops.ready(h->resolver, record, wait_ms);
}

static int32_t hook_lookup(void *ctx, const char *name, acme_dns_txt_fn found, void *found_ctx,
                           uint32_t *wait_ms)
{
    struct cli_hook *h = ctx;

    return h->resolver == NULL
               ? ACME_ERR_UNSUPPORTED
               : acme_dns_resolver_ops.lookup(h->resolver, name, found, found_ctx, wait_ms);
}

static void hook_stop(void *ctx)
{
    struct cli_hook *h = ctx;

    if (h->runs) {
        int error, status;

        cli_program_signal(SIGKILL);
        (void)cli_program_wait(GRACE_MS, &error, &status); /* it is dead: this is soon over */
        h->runs = false;
    }
    if (h->resolver != NULL) {
        acme_dns_resolver_ops.stop(h->resolver);
    }
}

static void hook_end(void *ctx)
{
    struct cli_hook *h = ctx;

    if (h->resolver != NULL) {
        acme_dns_resolver_ops.end(h->resolver);
    }
}

const struct acme_dns_ops cli_hook_ops = {
    .present = hook_present,
    .ready = hook_ready,
    .cleanup = hook_cleanup,
    .lookup = hook_lookup,
    .stop = hook_stop,
    .end = hook_end,
};
