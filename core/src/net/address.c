/*
 * Addresses of the port's kind, and endpoints. It must not know who is there.
 */
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

/* The port of len digits; 0: it is none. */
static uint16_t read_port(const char *text, size_t len)
{
    uint32_t value = 0;

    for (; len > 0 && *text >= '0' && *text <= '9' && value <= UINT16_MAX; text++, len--) {
        value = value * 10 + (uint32_t)(*text - '0');
    }
    return len == 0 && value <= UINT16_MAX ? (uint16_t)value : 0;
}

/* Where the host ends: at the bracket that closes it, at the only colon, or with the text. */
static size_t host_end(const char *text)
{
    const char *colon = strchr(text, ':');

    if (text[0] == '[') {
        return strcspn(text, "]");
    }
    return colon != NULL && strchr(colon + 1, ':') == NULL ? (size_t)(colon - text) : strlen(text);
}

int32_t acme_endpoint_split(const char *text, uint16_t fallback, char *host, size_t host_size,
                            uint16_t *port)
{
    size_t start = text[0] == '[' ? 1 : 0, end = host_end(text), len = end - start;
    const char *rest = text + end;

    if (start == 1 && *rest++ != ']') {
        return ACME_ERR_ARGUMENT;
    }
    *port = *rest == ':' ? read_port(rest + 1, strlen(rest + 1)) : fallback;
    if (end < start + 1 || len >= host_size || *port == 0 || (*rest != ':' && *rest != '\0')) {
        return ACME_ERR_ARGUMENT;
    }
    memcpy(host, text + start, len);
    host[len] = '\0';
    return ACME_OK;
}
