/*
 * What the files of the host's command line share. The command line is a board: it gives the core
 * its port and its configuration, and shows what the core says.
 */
#ifndef NANOACME_CLI_H
#define NANOACME_CLI_H

#include <stdbool.h>
#include <stdio.h>

#include "acme/client.h"
#include "acme_posix.h"

/* Exit codes; documented in --help and the README. */
enum cli_exit {
    CLI_OK = 0,
    CLI_SOME_FAILED = 1, /* some certificates were obtained, some were not */
    CLI_USAGE = 2,
    CLI_CONFIG = 3, /* configuration, files, store */
    CLI_NETWORK = 4,
    CLI_REFUSED = 5, /* the CA said no, or its answers were not acceptable */
    CLI_INTERNAL = 6
};

#define CLI_DEFAULT_STORE "nanoacme.img"

enum cli_command {
    CLI_RUN,
    CLI_LIST,
    CLI_EXPORT,
    CLI_ACCOUNT,
    CLI_REVOKE,
    CLI_STORE,
    CLI_DNS_RECORD,
    CLI_DOCTOR,
    CLI_RENEW,
    CLI_DAEMON,
    CLI_NEXT,
    CLI_DEAUTHORIZE
};

enum cli_account {
    CLI_ACCOUNT_SHOW,
    CLI_ACCOUNT_CREATE,
    CLI_ACCOUNT_UPDATE,
    CLI_ACCOUNT_DEACTIVATE,
    CLI_ACCOUNT_ROLLOVER,
    CLI_ACCOUNT_RECOVER
};

#define CLI_NAMES_MAX     CONFIG_ACME_NAMES_MAX
#define CLI_PINS_MAX      8
#define CLI_FALLBACKS_MAX (CONFIG_ACME_ACCOUNT_SLOTS - 1)

/* How the DNS is reached; see dns.c. */
struct cli_dns_options {
    const char *server, *resolver, *hook, *acmedns, *acmedns_account, *acmedns_ca;
    char *tsig_key; /* wiped when it is taken over */
    uint32_t hook_seconds;
    uint16_t port; /* of the zones' name servers; 0: 53 */
};

/* What only the doctor needs to know. */
struct cli_doctor_options {
    const char *own_address;
    uint16_t http_public, tls_public, portal_port;
};

struct cli_options {
    enum cli_command command;
    enum cli_account account;
    const char *server;
    const char *domains[CLI_NAMES_MAX];
    uint16_t domains_count;
    const char *email;
    const char *accepted_terms; /* or NULL: any that the CA has */
    const char *ca_file;
    const char *store;
    const char *out;
    const char *eab_kid, *eab_hmac_key;
    struct cli_dns_options dns;
    struct cli_doctor_options doctor;
    uint8_t key_type, account_key_type;
    uint16_t http_port, tls_port;
    const char *ancestor;
    const char *issuer; /* of the dns-persist-01 record; NULL: as the CA's directory says */
    uint32_t days;      /* that it is to last; 0: for ever */
    bool wildcard, pre_authorize;
    uint8_t challenges[ACME_CHALLENGE_TYPES]; /* enum acme_challenge_type, in order */
    uint8_t reason;
    bool accept_tos, each, exportable, force, json, quiet, foreign_urls;
    bool only_existing;
    bool no_intermediates, export_key, with_cert_key;
    int verbose;
    const char *profile;
    const char *hook, *out_dir; /* daemon: what is told of a new certificate, and where it goes */
    const char *account_key;
    uint8_t clock_policy;
    bool events, no_ari, shortest, revoke_replaced, reuse_key;
    const char *preferred_issuer;
    struct acme_pin pins[CLI_PINS_MAX];
    uint16_t pins_count;
    const char *fallbacks[CLI_FALLBACKS_MAX];
    uint16_t fallbacks_count;
};

/** Parses the command line. Returns true, or false with *exit_code when there is nothing to do. */
bool cli_options_parse(int argc, char **argv, struct cli_options *o, int *exit_code);
/** The name of a key type as --key-type takes it. */
const char *cli_key_type_name(uint8_t key_type);

/* ---- session.c: the client and its port for one command ---- */

struct cli_session {
    const struct cli_options *options;
    struct acme_port port;
    struct acme_config config;
    acme_client *client;
    int32_t error;                          /* of opening */
    bool installed[CONFIG_ACME_CERT_SLOTS]; /* a certificate that nobody was handed yet */
};

/** The certificates to work on: --domain as one request, or with --each as many. */
void cli_session_requests(struct cli_session *s);
/** Opens store, port and client. CLI_OK, or an exit code after an error was printed. */
int cli_session_open(struct cli_session *s, const struct cli_options *options);
/** Closes them, and opens them again with one request for the stored certificate that covers the
 * first --domain. */
int cli_session_select(struct cli_session *s);
/** Likewise with a request for each stored certificate, or for those with one of the --domain. */
int cli_session_stored(struct cli_session *s);
/** Opens the client again, so that the next job asks the CA for renewal information, or not. */
int cli_session_look(struct cli_session *s, bool look_now);
/** Waits until the network, a signal, or so many ms. Returns the signal that asked to stop, or 0.
 */
int cli_session_wait(uint32_t ms);
/** Whether SIGHUP came since the last call. */
bool cli_session_nudged(void);
/** Drives the job that was started until it ends. Returns its error, or ACME_ERR_AGAIN when a
 * signal ended it. */
int32_t cli_session_drive(struct cli_session *s);
void cli_session_close(struct cli_session *s);
/** Splits a list of names at its commas, in place. Returns how many of them are in out. */
uint16_t cli_split_names(char *names, const char **out, uint16_t max);
/** The exit code for an error of the core. */
int cli_exit_code(int32_t error);

/* ---- output.c ---- */

void cli_output_init(const struct cli_options *options);
void cli_on_event(void *ctx, const struct acme_event *event);
extern const struct acme_log_ops cli_log_ops;
/** "nanoacme: error: ..." on stderr. */
/** Writes what --help says. */
void cli_usage(FILE *out);
void cli_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
/** An error of the core, with what to do next. */
void cli_error_core(const char *what, int32_t error, const struct acme_problem *problem);
/** A line of progress on stderr, unless quiet. */
void cli_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/** The results of a run, on stdout; names the certificates' states. */
void cli_show_run(struct cli_session *s, int32_t result);
int cli_show_list(struct cli_session *s);
int cli_show_account(struct cli_session *s);
int cli_show_store(struct cli_session *s);
int cli_show_next(struct cli_session *s);
/** Writes Unix seconds as an RFC 3339 date. */
void cli_format_time(int64_t unix_s, char out[32]);
/** What a person sets once in the DNS for the first --domain. */
int cli_show_dns_record(struct cli_session *s);

/* ---- file.c ---- */

struct stat;
/** Reads at most size - 1 bytes of a file and NUL-terminates them; *st, unless NULL, is what the
 * system says of it. False with errno. */
bool cli_read_file(const char *path, char *text, size_t size, struct stat *st);

/* ---- pem.c ---- */

/** Reads the certificates of a PEM file as trust anchors; they live as long as the process. Returns
 * their count, or -1 after an error was printed. */
int cli_pem_read_anchors(const char *path, const struct acme_trust_anchor **anchors);
/** Writes the stored chain (and key, where asked and allowed) to --out or stdout. */
int cli_pem_export(struct cli_session *s);
/** Writes count certificates of a slot's chain from number first on, PEM. An exit code. */
int cli_pem_write_chain(struct cli_session *s, uint16_t slot, uint8_t first, uint8_t count,
                        FILE *out);
/** Writes the private key of a slot, which must be exportable. An exit code. */
int cli_pem_write_key(struct cli_session *s, uint16_t slot, FILE *out);
/** Puts the private key of a PEM file into the key store, as the account's. An exit code. */
int cli_pem_import_account_key(const char *path, uint32_t key_id);

/* ---- daemon.c ---- */

/** Runs until a signal: keeps the certificates good, and hands new ones on. */
int cli_daemon(struct cli_session *s);

#endif
