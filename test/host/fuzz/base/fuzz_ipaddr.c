/*
 * Fuzzes addresses and A-labels: what is an address has one canonical text, which says the same
 * bytes, and a reverse name that fits; what is a label stays inside its bytes.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "acme/error.h"
#include "check.h"
#include "base/idn.h"
#include "base/ipaddr.h"

static void check_address(const char *text)
{
    char canonical[ACME_IPADDR_TEXT], reverse[ACME_IPADDR_REVERSE];
    uint8_t bytes[16], again[16];
    int32_t len = acme_ipaddr_parse(text, bytes);
    struct acme_buf b;

    CHECK(len == 4 || len == 16 || len == ACME_ERR_NAME);
    if (len < 0) {
        CHECK(!acme_ipaddr_is_canonical(text));
        return;
    }
    acme_buf_init(&b, canonical, sizeof(canonical));
    acme_ipaddr_add(&b, bytes, (size_t)len);
    CHECK(acme_buf_result(&b) > 0 && acme_ipaddr_is_canonical(canonical));
    CHECK(acme_ipaddr_parse(canonical, again) == len);
    CHECK(memcmp(bytes, again, (size_t)len) == 0);
    acme_buf_init(&b, reverse, sizeof(reverse));
    acme_ipaddr_add_reverse(&b, bytes, (size_t)len);
    CHECK(acme_buf_result(&b) > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1); /* of the exact size, so that a read beyond it is seen */

    if (text == NULL) {
        return 0;
    }
    if (size > 0) {
        memcpy(text, data, size);
    }
    text[size] = '\0';
    check_address(text);
    if (strlen(text) <= 63) {
        (void)acme_idn_is_label(text, strlen(text));
    }
    free(text);
    return 0;
}
