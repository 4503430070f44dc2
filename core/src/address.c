/*
 * Reads and writes IP addresses, strictly. It must not know who is there.
 */
#include "acme/config.h"

#if defined(CONFIG_ACME_DNS_CLIENT)

#include "address.h"

#include <string.h>

#include "buf.h"

#define GROUPS 8u /* of 16 bits, in an IPv6 address */

static int32_t digit_of(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Reads a number of at most max_digits at *at. Its value, or -1. */
static int32_t read_number(const char *text, size_t len, size_t *at, int32_t base,
                           size_t max_digits)
{
    int32_t value = 0;
    size_t first = *at;

    while (*at < len && digit_of(text[*at]) >= 0 && digit_of(text[*at]) < base) {
        if (*at - first == max_digits) {
            return -1;
        }
        value = value * base + digit_of(text[(*at)++]);
    }
    return *at == first ? -1 : value;
}

static bool parse_v4(const char *text, size_t len, uint8_t *bytes)
{
    size_t i, at = 0;

    for (i = 0; i < 4; i++) {
        size_t first = at;
        int32_t value;

        if (i > 0 && (at == len || text[at++] != '.')) {
            return false;
        }
        first = at;
        value = read_number(text, len, &at, 10, 3);
        if (value < 0 || value > 255 || (text[first] == '0' && at - first > 1)) {
            return false;
        }
        bytes[i] = (uint8_t)value;
    }
    return at == len;
}

/* What is left of an IPv6 address after its last ':' may be an IPv4 address. */
static bool is_v4_tail(const char *text, size_t len, size_t at)
{
    return at < len && memchr(text + at, '.', len - at) != NULL &&
           memchr(text + at, ':', len - at) == NULL;
}

struct groups {
    uint8_t bytes[16];
    size_t count;
    size_t gap; /* groups before the "::"; GROUPS: there is none */
};

/* One group, or the IPv4 address that stands for the last two. */
static bool take_group(const char *text, size_t len, size_t *at, struct groups *g)
{
    int32_t value;

    if (g->count <= GROUPS - 2 && is_v4_tail(text, len, *at)) {
        bool ok = parse_v4(text + *at, len - *at, g->bytes + 2 * g->count);

        g->count += 2;
        *at = len;
        return ok;
    }
    value = g->count < GROUPS ? read_number(text, len, at, 16, 4) : -1;
    if (value < 0) {
        return false;
    }
    g->bytes[2 * g->count] = (uint8_t)(value >> 8);
    g->bytes[2 * g->count + 1] = (uint8_t)value;
    g->count++;
    return true;
}

static bool take_groups(const char *text, size_t len, struct groups *g)
{
    size_t at = 0;

    if (len >= 2 && text[0] == ':' && text[1] == ':') {
        g->gap = 0;
        at = 2;
    }
    while (at < len) {
        if (!take_group(text, len, &at, g)) {
            return false;
        }
        if (at == len) {
            return true;
        }
        if (text[at++] != ':' || at == len) {
            return false;
        }
        if (text[at] == ':') {
            if (g->gap != GROUPS) {
                return false;
            }
            g->gap = g->count;
            at++;
        }
    }
    return g->gap != GROUPS;
}

static bool parse_v6(const char *text, size_t len, uint8_t *bytes)
{
    struct groups g = {.gap = GROUPS};
    size_t after;

    if (!take_groups(text, len, &g)) {
        return false;
    }
    if (g.gap == GROUPS) {
        memcpy(bytes, g.bytes, 16);
        return g.count == GROUPS;
    }
    if (g.count >= GROUPS) {
        return false;
    }
    after = g.count - g.gap;
    memset(bytes, 0, 16);
    memcpy(bytes, g.bytes, 2 * g.gap);
    memcpy(bytes + 16 - 2 * after, g.bytes + 2 * g.gap, 2 * after);
    return true;
}

int32_t acme_address_parse(const char *text, size_t len, struct acme_address *address)
{
    memset(address, 0, sizeof(*address));
    if (parse_v4(text, len, address->bytes)) {
        address->family = 4;
        return ACME_OK;
    }
    if (parse_v6(text, len, address->bytes)) {
        address->family = 6;
        return ACME_OK;
    }
    return ACME_ERR_ARGUMENT;
}

static void add_hex(struct acme_buf *b, uint32_t value)
{
    static const char digits[] = "0123456789abcdef";
    uint32_t shift = 12;

    while (shift > 0 && value >> shift == 0) {
        shift -= 4;
    }
    for (;; shift -= 4) {
        acme_buf_add_char(b, digits[value >> shift & 0xfu]);
        if (shift == 0) {
            return;
        }
    }
}

static uint32_t group_of(const struct acme_address *address, size_t i)
{
    return (uint32_t)address->bytes[2 * i] << 8 | address->bytes[2 * i + 1];
}

/* RFC 5952 4.2: the longest run of zeros, the first of equals, not of one group. */
static size_t longest_run(const struct acme_address *address, size_t *run)
{
    size_t i, k, at = GROUPS;

    *run = 1;
    for (i = 0; i < GROUPS; i++) {
        for (k = i; k < GROUPS && group_of(address, k) == 0; k++) {
        }
        if (k - i > *run) {
            *run = k - i;
            at = i;
        }
    }
    return at;
}

void acme_address_format(const struct acme_address *address, char text[ACME_ADDRESS_TEXT])
{
    struct acme_buf b;
    size_t i, run, gap;

    acme_buf_init(&b, text, ACME_ADDRESS_TEXT);
    if (address->family == 4) {
        for (i = 0; i < 4; i++) {
            acme_buf_add(&b, i > 0 ? "." : "");
            acme_buf_add_u32(&b, address->bytes[i]);
        }
        return;
    }
    gap = longest_run(address, &run);
    for (i = 0; i < GROUPS; i++) {
        if (i == gap) {
            acme_buf_add(&b, "::");
            i += run - 1;
        } else {
            acme_buf_add(&b, i > 0 && text[b.len - 1] != ':' ? ":" : "");
            add_hex(&b, group_of(address, i));
        }
    }
}

bool acme_address_equal(const struct acme_address *a, const struct acme_address *b)
{
    return a->family == b->family && memcmp(a->bytes, b->bytes, a->family == 4 ? 4 : 16) == 0;
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
        value = read_number(text, len, &at, 10, 5);
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
