/*
 * Fuzzes the extensions of an issuer, against names that stand in front of them: a byte of kind, a
 * byte of length, the name; a kind of 0 ends the names. What mbedTLS would refuse comes here, too.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "net/constraints.h"

#define NAMES 3

/* Of the exact size, so that a read beyond it is seen. */
static unsigned char *copy(const uint8_t *data, size_t len)
{
    unsigned char *p = malloc(len > 0 ? len : 1);

    CHECK(p != NULL);
    memcpy(p, data, len);
    return p;
}

static size_t read_names(const uint8_t *data, size_t size, mbedtls_x509_sequence names[NAMES])
{
    size_t at = 0, n;

    for (n = 0; n < NAMES && size - at >= 2 && data[at] != 0; n++) {
        size_t len = data[at + 1];

        len = len < size - at - 2 ? len : size - at - 2;
        names[n].buf = (mbedtls_x509_buf){data[at], len, copy(data + at + 2, len)};
        names[n].next = NULL;
        if (n > 0) {
            names[n - 1].next = &names[n];
        }
        at += 2 + len;
    }
    return at < size && data[at] == 0 ? at + 1 : at;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mbedtls_x509_sequence names[NAMES] = {0};
    mbedtls_x509_crt issuer = {0}, leaf = {0}, other = {0};
    size_t used = size > 0 ? read_names(data, size, names) : 0;
    bool allowed = true;
    size_t i;

    issuer.v3_ext.len = size - used;
    issuer.v3_ext.p = size > used ? copy(data + used, size - used) : NULL;
    for (i = 0; i < NAMES; i++) {
        other.subject_alt_names.buf = names[i].buf;
        allowed = allowed && acme_constraints_allow(&issuer, &other);
    }
    leaf.subject_alt_names = names[0];
    CHECK(acme_constraints_allow(&issuer, &leaf) == allowed); /* each name counts, and alone */
    CHECK(issuer.v3_ext.len > 0 || allowed);
    free(issuer.v3_ext.p);
    for (i = 0; i < NAMES; i++) {
        free(names[i].buf.p);
    }
    return 0;
}
