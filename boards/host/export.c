/*
 * The command `export`: a stored chain or key, to a file or standard output. It must not know PEM.
 */
#include "export.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exit.h"
#include "pem.h"
#include "say.h"

static int write_chain(struct cli_session *s, FILE *out)
{
    struct acme_cert_status status;

    (void)acme_cert_get_status(s->client, 0, &status);
    return cli_pem_write_chain(s->client, 0, 0,
                               s->options->no_intermediates ? 1 : status.chain_count, out);
}

static int write_key(struct cli_session *s, FILE *out)
{
    return cli_pem_write_key(s->client, 0, out);
}

/* A file is written under another name first: a reader sees the old one or the new one, whole. */
static int write_file(struct cli_session *s, int (*write)(struct cli_session *, FILE *))
{
    char name[4096];
    FILE *out;
    int fd, code;

    if (snprintf(name, sizeof(name), "%s.new", s->options->out) >= (int)sizeof(name)) {
        cli_error("--out: the name is too long");
        return CLI_USAGE;
    }
    fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
              s->options->export_key ? S_IRUSR | S_IWUSR : 0644);
    out = fd < 0 ? NULL : fdopen(fd, "w");
    if (out == NULL) {
        cli_error("%s: %s", name, strerror(errno));
        return CLI_CONFIG;
    }
    code = write(s, out);
    if (fflush(out) != 0 || fsync(fd) != 0 || fclose(out) != 0 ||
        (code == CLI_OK && rename(name, s->options->out) != 0)) {
        cli_error("%s: %s", s->options->out, strerror(errno));
        code = CLI_CONFIG;
    }
    if (code != CLI_OK) {
        (void)unlink(name);
    }
    return code;
}

int cli_export(struct cli_session *s)
{
    int (*write)(struct cli_session *, FILE *) = s->options->export_key ? write_key : write_chain;

    if (s->options->out != NULL) {
        return write_file(s, write);
    }
    return write(s, stdout);
}
