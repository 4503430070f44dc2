/*
 * Fuzzes URLs and names: what is accepted has its parts inside the text, and no character that
 * could end a request line or a header field.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "net/uri.h"

static void check_url(const char *url)
{
    struct acme_uri uri;
    size_t len = strlen(url);
    int32_t rc = acme_uri_parse(url, &uri);

    CHECK(rc == ACME_OK || rc == ACME_ERR_URL);
    if (rc != ACME_OK) {
        return;
    }
    CHECK(len <= CONFIG_ACME_URL_MAX && strspn(url, "hHtTpPsS") == 5);
    CHECK(uri.port >= 1 && uri.host_len >= 1 && uri.host_len <= ACME_URI_HOST_MAX);
    CHECK(uri.host_offset - ACME_URI_AUTHORITY <= 1 && uri.host_len <= ACME_URI_HOST_MAX);
    CHECK(uri.host_offset + uri.host_len <= ACME_URI_AUTHORITY + uri.authority_len);
    CHECK(ACME_URI_AUTHORITY + uri.authority_len <= uri.path_offset);
    CHECK(uri.path_offset <= len);
    CHECK(uri.path_offset == len || url[uri.path_offset] == '/');
    CHECK(memchr(url + 8, '@', uri.path_offset - 8U) == NULL);
    for (size_t i = 0; i < len; i++) {
        CHECK(url[i] > ' ' && url[i] <= '~' && url[i] != '#' && url[i] != '\\');
    }
    CHECK(acme_uri_same_origin(url, &uri, url, &uri));
}

static void check_name(const char *name, bool wildcard)
{
    int32_t rc = acme_uri_check_name(name, wildcard);
    struct acme_uri uri;
    char url[CONFIG_ACME_URL_MAX + 1] = "https://";

    CHECK(rc == ACME_OK || rc == ACME_ERR_NAME);
    /* A valid name is a valid host. */
    if (rc == ACME_OK && name[0] != '*' && strlen(name) + strlen(url) <= CONFIG_ACME_URL_MAX) {
        strcat(url, name);
        CHECK(acme_uri_parse(url, &uri) == ACME_OK && uri.host_len == strlen(name));
    }
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
    check_url(text);
    check_name(text, false);
    check_name(text, true);
    free(text);
    return 0;
}
