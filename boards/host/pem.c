/*
 * PEM on the host: trust anchors in, chains and exportable keys out. Base64 and key encoding are
 * mbedTLS's. It must not decide what is trusted.
 */
#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <mbedtls/base64.h>
#include <mbedtls/pem.h>
#include <mbedtls/pk.h>
#include <mbedtls/psa_util.h>
#include <mbedtls/x509_crt.h>
#include <psa/crypto.h>

#define BEGIN_CERT  "-----BEGIN CERTIFICATE-----"
#define END_CERT    "-----END CERTIFICATE-----"
#define FILE_MAX    ((size_t)4 * 1024 * 1024)
#define ANCHORS_MAX 400
#define FEW         10

static struct acme_trust_anchor anchor_list[ANCHORS_MAX];
static int anchors_used; /* there may be roots for more than one server */

/* The whole file, NUL-terminated; the caller's to free. */
static char *read_file(const char *path)
{
    char *text = malloc(FILE_MAX + 1);

    if (text == NULL || !cli_read_file(path, text, FILE_MAX + 1, NULL)) {
        cli_error("%s: %s", path, strerror(errno));
        free(text);
        return NULL;
    }
    return text;
}

/* Past the buffer of stdio, which nobody wipes. */
static bool write_secret(FILE *out, const char *text)
{
    size_t len = strlen(text);

    if (fflush(out) != 0) {
        return false;
    }
    while (len > 0) {
        ssize_t n = write(fileno(out), text, len);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return false;
        }
        text += n;
        len -= (size_t)n;
    }
    return true;
}

/* Decodes one certificate in place of its own text: DER is shorter than base64. */
static bool decode(char *body, size_t len, struct acme_trust_anchor *anchor)
{
    size_t out = 0;
    unsigned char *der = malloc(len);

    if (der == NULL || mbedtls_base64_decode(der, len, &out, (unsigned char *)body, len) != 0) {
        free(der);
        return false;
    }
    anchor->der = der; /* lives as long as the process */
    anchor->len = out;
    return true;
}

/* The system's roots are of many kinds, some with algorithms that are not built in: those are left
 * out, for no CA whose TLS could be verified has them. */
static bool is_readable(const struct acme_trust_anchor *anchor)
{
    mbedtls_x509_crt crt;
    int ret;

    mbedtls_x509_crt_init(&crt);
    ret = mbedtls_x509_crt_parse_der_nocopy(&crt, anchor->der, anchor->len);
    mbedtls_x509_crt_free(&crt);
    return ret == 0;
}

int cli_pem_read_anchors(const char *path, const struct acme_trust_anchor **anchors)
{
    struct acme_trust_anchor *list = anchor_list + anchors_used;
    char *text = read_file(path);
    char *at = text;
    int count = 0, left_out = 0;
    bool broken = false;

    if (text == NULL) {
        return -1;
    }
    while (!broken && anchors_used + count < ANCHORS_MAX && (at = strstr(at, BEGIN_CERT)) != NULL) {
        char *body = at + strlen(BEGIN_CERT);
        char *end = strstr(body, END_CERT);

        if (end == NULL || !decode(body, (size_t)(end - body), &list[count])) {
            cli_error("%s: certificate number %d cannot be read", path, count + 1);
            broken = true;
        } else if (is_readable(&list[count])) {
            count++;
            at = end;
        } else {
            free((void *)(uintptr_t)list[count].der);
            left_out++;
            at = end;
        }
    }
    free(text);
    if (broken) {
        while (count > 0) {
            free((void *)(uintptr_t)list[--count].der);
        }
        return -1;
    }
    if (left_out > 0 && count < FEW) { /* of a whole bundle nobody misses some */
        cli_say("%s: %d of its certificates are of a kind that is not built in", path, left_out);
    }
    if (count == 0) {
        cli_error("%s: no certificates in it; it should have PEM certificates of CA roots", path);
    }
    *anchors = list;
    anchors_used += count > 0 ? count : 0;
    return count > 0 ? count : -1;
}

/* ---- export ---- */

int cli_pem_write_chain(struct cli_session *s, uint16_t slot, uint8_t first, uint8_t count,
                        FILE *out)
{
    static uint8_t der[CONFIG_ACME_CERT_SIZE_MAX];
    static unsigned char pem[CONFIG_ACME_CERT_SIZE_MAX * 3 / 2 + 128];
    uint8_t i;

    for (i = first; i < count; i++) {
        int32_t len = acme_cert_read(s->client, slot, i, der, sizeof(der));
        size_t pem_len;

        if (len < 0) {
            cli_error_core("export", len, NULL);
            return cli_exit_code(len);
        }
        if (mbedtls_pem_write_buffer(BEGIN_CERT "\n", END_CERT "\n", der, (size_t)len, pem,
                                     sizeof(pem), &pem_len) != 0) {
            cli_error_core("export", ACME_ERR_INTERNAL, NULL);
            return CLI_INTERNAL;
        }
        (void)fputs((char *)pem, out);
    }
    return CLI_OK;
}

static int write_chain(struct cli_session *s, FILE *out)
{
    struct acme_cert_status status;

    (void)acme_cert_get_status(s->client, 0, &status);
    return cli_pem_write_chain(s, 0, 0, s->options->no_intermediates ? 1 : status.chain_count, out);
}

int cli_pem_write_key(struct cli_session *s, uint16_t slot, FILE *out)
{
    static unsigned char pem[8192];
    struct acme_cert_status status;
    mbedtls_pk_context pk;
    int ret;

    (void)acme_cert_get_status(s->client, slot, &status);
    if (!status.key_exportable) {
        cli_error_core("export", ACME_ERR_KEY_EXPORT, NULL);
        cli_say("get the certificate anew with: nanoacme run --exportable-key --force ...");
        return CLI_CONFIG;
    }
    mbedtls_pk_init(&pk);
    ret = mbedtls_pk_copy_from_psa(status.key_id, &pk);
    if (ret == 0) {
        ret = mbedtls_pk_write_key_pem(&pk, pem, sizeof(pem));
    }
    mbedtls_pk_free(&pk);
    if (ret != 0) {
        cli_error("export: mbedTLS error %d", ret);
    } else if (!write_secret(out, (char *)pem)) {
        cli_error("export: %s", strerror(errno));
        ret = MBEDTLS_ERR_PK_FILE_IO_ERROR;
    }
    explicit_bzero(pem, sizeof(pem));
    return ret == 0 ? CLI_OK : ret == MBEDTLS_ERR_PK_FILE_IO_ERROR ? CLI_CONFIG : CLI_INTERNAL;
}

static int write_key(struct cli_session *s, FILE *out)
{
    return cli_pem_write_key(s, 0, out);
}

int cli_pem_import_account_key(const char *path, uint32_t key_id)
{
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    mbedtls_pk_context pk;
    psa_key_id_t made = 0;
    char *text = read_file(path);
    int ret;

    if (text == NULL) {
        return CLI_CONFIG;
    }
    mbedtls_pk_init(&pk);
    (void)psa_destroy_key(key_id);
    ret = mbedtls_pk_parse_key(&pk, (unsigned char *)text, strlen(text) + 1, NULL, 0,
                               mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE);
    explicit_bzero(text, FILE_MAX);
    free(text);
    if (ret == 0) {
        ret = mbedtls_pk_get_psa_attributes(&pk, PSA_KEY_USAGE_SIGN_HASH, &attributes);
    }
    if (ret == 0) {
        psa_set_key_id(&attributes, key_id);
        psa_set_key_algorithm(&attributes, PSA_KEY_TYPE_IS_ECC(psa_get_key_type(&attributes))
                                               ? PSA_ALG_ECDSA(PSA_ALG_ANY_HASH)
                                               : PSA_ALG_RSA_PKCS1V15_SIGN(PSA_ALG_ANY_HASH));
        ret = mbedtls_pk_import_into_psa(&pk, &attributes, &made);
    }
    mbedtls_pk_free(&pk);
    if (ret != 0) {
        cli_error("%s: not a private key that can be used (mbedTLS error %d)", path, ret);
    }
    return ret == 0 ? CLI_OK : CLI_CONFIG;
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

int cli_pem_export(struct cli_session *s)
{
    int (*write)(struct cli_session *, FILE *) = s->options->export_key ? write_key : write_chain;

    if (s->options->out != NULL) {
        return write_file(s, write);
    }
    return write(s, stdout);
}
