/*
 * Addresses of the port's kind, and endpoints. It must not know who is there.
 */
#include "acme/config.h"

#if defined(CONFIG_ACME_DNS_CLIENT)

#include "net/address.h"

#include <string.h>

int32_t acme_address_parse(const char *text, struct acme_address *address)
{
    int32_t n;

    memset(address, 0, sizeof(*address));
    n = acme_ipaddr_parse(text, address->bytes);
    if (n < 0) {
        return ACME_ERR_ARGUMENT;
    }
    address->family = n == 4 ? 4 : 6;
    return ACME_OK;
}

void acme_address_format(const struct acme_address *address, char text[ACME_IPADDR_TEXT])
{
    struct acme_buf b;

    acme_buf_init(&b, text, ACME_IPADDR_TEXT);
    acme_ipaddr_add(&b, address->bytes, address->family == 4 ? 4 : 16);
}

bool acme_address_equal(const struct acme_address *a, const struct acme_address *b)
{
    return a->family == b->family && memcmp(a->bytes, b->bytes, a->family == 4 ? 4 : 16) == 0;
}

static int32_t read_port(const char *text, size_t len, size_t *at)
{
    int32_t value = 0;

    while (*at < len && text[*at] >= '0' && text[*at] <= '9' && value <= UINT16_MAX) {
        value = value * 10 + (text[(*at)++] - '0');
    }
    return value;
}

int32_t acme_endpoint_split(const char *text, uint16_t fallback, char *host, size_t host_size,
                            uint16_t *port)
{
    size_t at = 0, skip = text[0] == '[' ? 1 : 0, len = strlen(text), host_len;
    const char *colon = strchr(text, ':');
    int32_t value = fallback;

    if (skip == 1) {
        const char *close = strchr(text, ']');

        host_len = close == NULL ? 0 : (size_t)(close - text) - 1;
        at = host_len + 2;
    } else if (colon != NULL && strchr(colon + 1, ':') == NULL) {
        host_len = (size_t)(colon - text);
        at = host_len;
    } else {
        host_len = at = len;
    }
    if (host_len == 0 || host_len >= host_size) {
        return ACME_ERR_ARGUMENT;
    }
    if (at < len) {
        if (text[at++] != ':') {
            return ACME_ERR_ARGUMENT;
        }
        value = read_port(text, len, &at);
    }
    if (at != len || value < 1 || value > UINT16_MAX) {
        return ACME_ERR_ARGUMENT;
    }
    memcpy(host, text + skip, host_len);
    host[host_len] = '\0';
    *port = (uint16_t)value;
    return ACME_OK;
}

#endif
