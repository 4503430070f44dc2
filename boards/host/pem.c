/*
 * PEM on the host: chains and exportable keys out, an account's key in. Base64 and key encoding are
 * mbedTLS's. It must not know where the PEM goes.
 */
#include "pem.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <mbedtls/pem.h>
#include <mbedtls/pk.h>
#include <mbedtls/psa_util.h>
#include <psa/crypto.h>

#include "exit.h"
#include "file.h"
#include "say.h"

#define BEGIN_CERT "-----BEGIN CERTIFICATE-----"
#define END_CERT   "-----END CERTIFICATE-----"
#define FILE_MAX   65536u

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

int cli_pem_write_chain(acme_client *client, uint16_t slot, uint8_t first, uint8_t count, FILE *out)
{
    static uint8_t der[CONFIG_ACME_CERT_SIZE_MAX];
    static unsigned char pem[CONFIG_ACME_CERT_SIZE_MAX * 3 / 2 + 128];
    uint8_t i;

    for (i = first; i < count; i++) {
        int32_t len = acme_cert_read(client, slot, i, der, sizeof(der));
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

int cli_pem_write_key(acme_client *client, uint16_t slot, FILE *out)
{
    static unsigned char pem[8192];
    struct acme_cert_status status;
    mbedtls_pk_context pk;
    int ret;

    (void)acme_cert_get_status(client, slot, &status);
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

int cli_pem_import_account_key(const char *path, uint32_t key_id)
{
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    mbedtls_pk_context pk;
    psa_key_id_t made = 0;
    char *text = malloc(FILE_MAX + 1);
    int ret;

    if (text == NULL || !cli_read_file(path, text, FILE_MAX + 1, NULL)) {
        cli_error("%s: %s", path, strerror(errno));
        free(text);
        return CLI_CONFIG;
    }
    mbedtls_pk_init(&pk);
    (void)psa_destroy_key(key_id);
    ret = mbedtls_pk_parse_key(&pk, (unsigned char *)text, strlen(text) + 1, NULL, 0,
                               mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE);
    explicit_bzero(text, FILE_MAX + 1);
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
