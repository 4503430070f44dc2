/*
 * Trust anchors of PEM files. Base64 is mbedTLS's. It must not decide what is trusted.
 */
#include "anchors.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <mbedtls/base64.h>
#include <mbedtls/x509_crt.h>

#include "file.h"
#include "say.h"

#define BEGIN_CERT  "-----BEGIN CERTIFICATE-----"
#define END_CERT    "-----END CERTIFICATE-----"
#define FILE_MAX    ((size_t)4 * 1024 * 1024)
#define ANCHORS_MAX 400
#define FEW         10

static struct acme_trust_anchor anchor_list[ANCHORS_MAX];
static int anchors_used; /* there may be roots for more than one server */

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

static void forget(struct acme_trust_anchor *anchor)
{
    free((void *)(uintptr_t)anchor->der);
}

/* Reads into list what text has. Returns how many; *broken is the number of one that cannot be read
 * (0: none), *left_out how many were of a kind that is not built in. */
static int read_list(char *at, struct acme_trust_anchor *list, int room, int *broken, int *left_out)
{
    int count = 0;

    while (count < room && (at = strstr(at, BEGIN_CERT)) != NULL) {
        char *body = at + strlen(BEGIN_CERT);
        char *end = strstr(body, END_CERT);

        if (end == NULL || !decode(body, (size_t)(end - body), &list[count])) {
            *broken = count + 1;
            return count;
        }
        if (is_readable(&list[count])) {
            count++;
        } else {
            forget(&list[count]);
            (*left_out)++;
        }
        at = end;
    }
    return count;
}

/* What there is to say of a file. Returns whether it is of use. */
static bool judge(const char *path, int count, int broken, int left_out)
{
    if (broken != 0) {
        cli_error("%s: certificate number %d cannot be read", path, broken);
        return false;
    }
    if (left_out > 0 && count < FEW) { /* of a whole bundle nobody misses some */
        cli_say("%s: %d of its certificates are of a kind that is not built in", path, left_out);
    }
    if (count == 0) {
        cli_error("%s: no certificates in it; it should have PEM certificates of CA roots", path);
    }
    return count > 0;
}

int cli_read_anchors(const char *path, const struct acme_trust_anchor **anchors)
{
    struct acme_trust_anchor *list = anchor_list + anchors_used;
    char *text = malloc(FILE_MAX + 1);
    int count, broken = 0, left_out = 0;

    if (text == NULL || !cli_read_file(path, text, FILE_MAX + 1, NULL)) {
        cli_error("%s: %s", path, strerror(errno));
        free(text);
        return -1;
    }
    count = read_list(text, list, ANCHORS_MAX - anchors_used, &broken, &left_out);
    free(text);
    if (!judge(path, count, broken, left_out)) {
        while (count > 0) {
            forget(&list[--count]);
        }
        return -1;
    }
    *anchors = list;
    anchors_used += count;
    return count;
}
