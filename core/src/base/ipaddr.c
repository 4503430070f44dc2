/*
 * IP addresses in text form (RFC 4291 2.2, RFC 5952). It must not know what they are for.
 */
#include "base/ipaddr.h"

#include <string.h>

#include "acme/error.h"
#include "base/assert.h"

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A number of 0 to 255 without leading zeros. How many digits it has; 0: it is none. */
static size_t parse_byte(const char *text, uint8_t *byte)
{
    uint32_t value = 0;
    size_t n = 0;

    while (n < 3 && acme_is_digit(text[n])) {
        value = value * 10U + (uint32_t)(text[n] - '0');
        n++;
    }
    *byte = (uint8_t)value;
    return value > 255 || (n > 1 && text[0] == '0') ? 0 : n;
}

/* Four numbers, to the end of the text. */
static bool parse_v4(const char *text, uint8_t out[4])
{
    size_t i;

    for (i = 0; i < 4; i++) {
        size_t n = parse_byte(text, &out[i]);

        if (n == 0 || text[n] != (i < 3 ? '.' : '\0')) {
            return false;
        }
        text += n + 1;
    }
    return true;
}

/* Up to four digits of a group; how many. */
static size_t parse_group(const char *text, uint16_t *value)
{
    size_t n = 0;

    *value = 0;
    while (n < 4 && hex_digit(text[n]) >= 0) {
        *value = (uint16_t)(*value << 4 | (uint16_t)hex_digit(text[n]));
        n++;
    }
    return n;
}

/* Whether a group ends here: at the end of the text, or with a colon that is not the end. */
static bool ends_group(const char *text)
{
    return text[0] == '\0' || (text[0] == ':' && text[1] != '\0');
}

/* An address that is being read: bytes from the front, as they come. */
struct v6 {
    uint8_t *out;
    size_t len;
    size_t gap; /* where "::" stands; SIZE_MAX: there is none */
};

/* Takes the second colon of "::", a group with its colon, or an IPv4 address, which ends the text.
 * How many characters; 0: it is none of them. */
static size_t take_part(const char *text, struct v6 *v)
{
    uint16_t group;
    size_t n;

    ACME_ASSERT(v->len <= 16);
    if (*text == ':') {
        n = v->gap == SIZE_MAX ? 1 : 0;
        v->gap = v->len;
        return n;
    }
    if (v->len <= 12 && parse_v4(text, v->out + v->len)) {
        v->len += 4;
        return strlen(text);
    }
    n = parse_group(text, &group);
    if (n == 0 || v->len > 14 || !ends_group(text + n)) {
        return 0;
    }
    v->out[v->len++] = (uint8_t)(group >> 8);
    v->out[v->len++] = (uint8_t)group;
    return text[n] == ':' ? n + 1 : n;
}

/* Moves what follows "::" to the end. Whether there are 16 bytes then. */
static bool close_gap(const struct v6 *v)
{
    size_t after;

    if (v->gap == SIZE_MAX) {
        return v->len == 16;
    }
    if (v->len > 14) {
        return false;
    }
    ACME_ASSERT(v->gap <= v->len);
    after = v->len - v->gap;
    memmove(v->out + 16 - after, v->out + v->gap, after);
    memset(v->out + v->gap, 0, 16 - v->len);
    return true;
}

static bool parse_v6(const char *text, uint8_t out[16])
{
    struct v6 v = {out, 0, SIZE_MAX};

    memset(out, 0, 16);
    if (text[0] == ':') {
        if (text[1] != ':') {
            return false;
        }
        text++; /* the second colon is the part that counts */
    }
    while (*text != '\0') {
        size_t n = take_part(text, &v);

        if (n == 0) {
            return false;
        }
        text += n;
    }
    return close_gap(&v);
}

int32_t acme_ipaddr_parse(const char *text, uint8_t out[16])
{
    if (strlen(text) >= ACME_IPADDR_TEXT) {
        return ACME_ERR_NAME;
    }
    if (strchr(text, ':') == NULL) {
        return parse_v4(text, out) ? 4 : ACME_ERR_NAME;
    }
    return parse_v6(text, out) ? 16 : ACME_ERR_NAME;
}

static void add_v4(struct acme_buf *b, const uint8_t *bytes)
{
    size_t i;

    for (i = 0; i < 4; i++) {
        if (i > 0) {
            acme_buf_add_char(b, '.');
        }
        acme_buf_add_u32(b, bytes[i]);
    }
}

static uint16_t group_of(const uint8_t *bytes, size_t i)
{
    return (uint16_t)(bytes[2 * i] << 8 | bytes[2 * i + 1]);
}

/* The first of the longest runs of two zero groups and more; 8: none. */
static size_t find_zeros(const uint8_t *bytes, size_t *run)
{
    size_t i, best = 8;

    *run = 1;
    for (i = 0; i < 8; i++) {
        size_t n = 0;

        while (i + n < 8 && group_of(bytes, i + n) == 0) {
            n++;
        }
        if (n > *run) {
            *run = n;
            best = i;
        }
    }
    return best;
}

static void add_group(struct acme_buf *b, uint16_t group)
{
    static const char hex[] = "0123456789abcdef";
    int shift = 12;

    while (shift > 0 && group >> shift == 0) {
        shift -= 4;
    }
    for (; shift >= 0; shift -= 4) {
        acme_buf_add_char(b, hex[(uint32_t)group >> shift & 15U]);
    }
}

void acme_ipaddr_add(struct acme_buf *b, const uint8_t *bytes, size_t len)
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    size_t i, run, zeros;

    if (len == 4) {
        add_v4(b, bytes);
        return;
    }
    if (memcmp(bytes, mapped, sizeof(mapped)) == 0) { /* RFC 5952 section 5 */
        acme_buf_add(b, "::ffff:");
        add_v4(b, bytes + 12);
        return;
    }
    zeros = find_zeros(bytes, &run);
    for (i = 0; i < 8; i++) {
        if (i == zeros) {
            acme_buf_add(b, "::");
            i += run - 1;
            continue;
        }
        if (i > 0 && i != zeros + run) {
            acme_buf_add_char(b, ':');
        }
        add_group(b, group_of(bytes, i));
    }
}

bool acme_ipaddr_is_canonical(const char *text)
{
    char canonical[ACME_IPADDR_TEXT];
    struct acme_buf b;
    uint8_t bytes[16];
    int32_t len = acme_ipaddr_parse(text, bytes);

    if (len < 0) {
        return false;
    }
    acme_buf_init(&b, canonical, sizeof(canonical));
    acme_ipaddr_add(&b, bytes, (size_t)len);
    return strcmp(text, canonical) == 0;
}

void acme_ipaddr_add_reverse(struct acme_buf *b, const uint8_t *bytes, size_t len)
{
    size_t i;

    for (i = len; i > 0; i--) {
        if (len == 4) {
            acme_buf_add_u32(b, bytes[i - 1]);
        } else {
            add_group(b, bytes[i - 1] & 15U);
            acme_buf_add_char(b, '.');
            add_group(b, bytes[i - 1] >> 4);
        }
        acme_buf_add_char(b, '.');
    }
    acme_buf_add(b, len == 4 ? "in-addr.arpa" : "ip6.arpa");
}
