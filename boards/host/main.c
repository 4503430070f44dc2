/*
 * The command line `nanoacme`: which command does what. It must not know the protocol.
 */
#include "confine.h"
#include "daemon.h"
#include "doctor.h"
#include "exit.h"
#include "export.h"
#include "options.h"
#include "programs.h"
#include "say.h"
#include "session.h"
#include "show.h"
#include "store_dump.h"
#include "stored.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#if defined(__linux__)
#include <sys/prctl.h>
#endif

/* Terms are for whoever called to agree to, unless the CA itself asks for more. */
static int exit_code(const struct cli_session *s, int32_t rc)
{
    return rc == ACME_ERR_TOS && s->events.asked ? CLI_REFUSED : cli_exit_code(rc);
}

static int finish_job(struct cli_session *s, const char *what, int32_t started)
{
    int32_t rc = started == ACME_OK ? cli_session_drive(s) : started;

    if (started != ACME_OK) {
        cli_error_core(what, rc, NULL);
    }
    return rc == ACME_OK ? CLI_OK : exit_code(s, rc);
}

static int command_run(struct cli_session *s)
{
    uint16_t i, good = 0;
    int32_t rc = acme_start(s->client);

    if (rc != ACME_OK) {
        cli_error_core("run", rc, NULL);
        return cli_exit_code(rc);
    }
    rc = cli_session_drive(s);
    cli_show_run(s, rc);
    if (rc == ACME_OK || rc == ACME_ERR_AGAIN) {
        return cli_exit_code(rc);
    }
    for (i = 0; i < s->config.certs_count; i++) {
        struct acme_cert_status status;

        (void)acme_cert_get_status(s->client, i, &status);
        if (acme_cert_can_serve(&status) && status.unexpired && status.error == ACME_OK) {
            good++;
        }
    }
    return good > 0 ? CLI_SOME_FAILED : exit_code(s, rc);
}

static int forget_account(struct cli_session *s)
{
    int32_t rc = acme_account_forget(s->client, s->config.directory_url);

    if (rc != ACME_OK) {
        cli_error_core("account forget", rc, NULL);
        return cli_exit_code(rc);
    }
    return CLI_OK;
}

static int command_account(struct cli_session *s)
{
    int code = CLI_OK;

    switch (s->options->account) {
    case CLI_ACCOUNT_FORGET:
        return forget_account(s);
    case CLI_ACCOUNT_CREATE:
        code = finish_job(s, "account create", acme_account_start(s->client));
        break;
    case CLI_ACCOUNT_UPDATE:
        code = finish_job(s, "account update", acme_account_update(s->client));
        break;
    case CLI_ACCOUNT_DEACTIVATE:
        code = finish_job(s, "account deactivate", acme_account_deactivate(s->client));
        break;
    case CLI_ACCOUNT_ROLLOVER:
        code = finish_job(s, "account rollover", acme_account_rollover(s->client));
        break;
    case CLI_ACCOUNT_RECOVER:
        code = finish_job(s, "account recover", acme_account_recover(s->client));
        break;
    default:
        break;
    }
    return code == CLI_OK && s->options->account != CLI_ACCOUNT_DEACTIVATE ? cli_show_account(s)
                                                                           : code;
}

static int command_revoke(struct cli_session *s)
{
    int code = cli_stored_one(s);

    if (code != CLI_OK) {
        return code;
    }
    return finish_job(
        s, "revoke",
        acme_revoke_start(s->client, 0, s->options->reason, s->options->with_cert_key));
}

static int command_renew(struct cli_session *s)
{
    int code = cli_stored_all(s);

    return code == CLI_OK ? command_run(s) : code;
}

static int command_next(struct cli_session *s)
{
    int code = cli_stored_all(s);

    return code == CLI_OK ? cli_show_next(s) : code;
}

static int command_deauthorize(struct cli_session *s)
{
    int code = cli_stored_one(s);

    return code == CLI_OK ? finish_job(s, "deauthorize", acme_deauthorize(s->client, 0)) : code;
}

static int command_export(struct cli_session *s)
{
    int code = cli_stored_one(s);

    return code == CLI_OK ? cli_export(s) : code;
}

/* The account's URL is part of the records: it must exist. */
static int command_dns_record(struct cli_session *s)
{
    int code = finish_job(s, "dns-record", acme_account_start(s->client));

    return code == CLI_OK ? cli_show_dns_record(s) : code;
}

static int command_clock_reset(struct cli_session *s)
{
    int32_t rc = acme_clock_reset(s->client);

    if (rc != ACME_OK) {
        cli_error_core("clock-reset", rc, NULL);
    }
    return cli_exit_code(rc);
}

static int command_give_up(struct cli_session *s)
{
    int32_t rc = acme_store_give_up(s->client);

    if (rc != ACME_OK) {
        cli_error_core("give-up", rc, NULL);
    }
    return cli_exit_code(rc);
}

static int (*const commands[])(struct cli_session *) = {
    [CLI_RUN] = command_run,
    [CLI_LIST] = cli_show_list,
    [CLI_EXPORT] = command_export,
    [CLI_ACCOUNT] = command_account,
    [CLI_REVOKE] = command_revoke,
    [CLI_STORE] = cli_show_store,
    [CLI_DNS_RECORD] = command_dns_record,
    [CLI_DOCTOR] = cli_doctor,
    [CLI_RENEW] = command_renew,
    [CLI_DAEMON] = cli_daemon,
    [CLI_NEXT] = command_next,
    [CLI_DEAUTHORIZE] = command_deauthorize,
    [CLI_CLOCK_RESET] = command_clock_reset,
    [CLI_GIVE_UP] = command_give_up,
};

/* A dump of this process would have keys in it, if it came at the wrong moment. */
static void forbid_dumps(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_CORE, &limit) == 0) {
        limit.rlim_cur = 0;
        (void)setrlimit(RLIMIT_CORE, &limit);
    }
#if defined(__linux__)
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0,
                0); /* a limit does not hold where dumps go to a program */
#endif
}

/* Who starts a program may have closed these. The next file that is opened would get the number,
 * and what is printed would be written into it. */
static bool have_standard_files(void)
{
    int fd;

    do {
        fd = open("/dev/null", O_RDWR);
    } while (fd >= 0 && fd <= STDERR_FILENO);
    return fd >= 0 && close(fd) == 0;
}

/* As a command that reads the store. */
static void confine_dump(void)
{
    static const struct cli_options options = {.command = CLI_STORE};

    cli_confine(&options);
}

static int run(int argc, char **argv)
{
    static struct cli_options options;
    static struct cli_session session;
    int code;

    if (argc > 2 && strcmp(argv[1], "store") == 0 && strcmp(argv[2], "dump") == 0) {
        return cli_store_dump(argc - 2, argv + 2, confine_dump);
    }
    if (!cli_options_parse(argc, argv, &options, &code)) {
        return code;
    }
    cli_say_init(options.quiet, options.verbose);
    if (!cli_programs_init(&options)) {
        cli_error("--hook, --dns-hook: %s", strerror(errno));
        return CLI_INTERNAL;
    }
    code = cli_session_open(&session, &options);
    if (code == CLI_OK) {
        cli_confine(&options);
        code = commands[options.command](&session);
    }
    cli_session_close(&session);
    return code;
}

/* Results that did not arrive are a failure, of a file: the disk may be full. */
static int finish(int code)
{
    bool failed = ferror(stdout) != 0;
    int why = 0;

    if (fflush(stdout) != 0) {
        why = errno;
    }
    if (fclose(stdout) != 0 && why == 0) {
        why = errno;
    }
    if (why == 0 && !failed) {
        return code;
    }
    cli_error("standard output: %s", why != 0 ? strerror(why) : "not all of it could be written");
    return code == CLI_OK || code == CLI_SOME_FAILED ? CLI_CONFIG : code;
}

int main(int argc, char **argv)
{
    if (!have_standard_files()) {
        return CLI_INTERNAL;
    }
    forbid_dumps();
    return finish(run(argc, argv));
}
