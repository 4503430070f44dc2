/*
 * The command `export`: a stored chain or key, to a file or standard output. It must not know PEM.
 */
#include "export.h"

#include "exit.h"
#include "outfile.h"
#include "pem.h"

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

static int write_file(struct cli_session *s, int (*write)(struct cli_session *, FILE *))
{
    struct cli_outfile f;
    int code;

    if (!cli_outfile_open(&f, s->options->out, s->options->export_key)) {
        return CLI_CONFIG;
    }
    code = write(s, f.out);
    return cli_outfile_close(&f, code == CLI_OK) || code != CLI_OK ? code : CLI_CONFIG;
}

int cli_export(struct cli_session *s)
{
    int (*write)(struct cli_session *, FILE *) = s->options->export_key ? write_key : write_chain;

    return s->options->out != NULL ? write_file(s, write) : write(s, stdout);
}
