/*
 * Splits and checks https URLs and DNS names. It must not know sockets, DNS, or which URLs the
 * client's policy lets it visit.
 */
#include "net/uri.h"

#include <string.h>

#include "base/buf.h"
#include "base/idn.h"
#include "base/option.h"

/* The port after the colon; 0 is malformed. One number has one spelling, so that equal origins look
 * equal. */
static uint32_t parse_port(const char **text)
{
    uint32_t port = 0;
    const char *p = *text;

    while (acme_is_digit(*p) && port <= UINT16_MAX && (port > 0 || *p != '0')) {
        port = port * 10U + (uint32_t)(*p++ - '0');
    }
    *text = p;
    return port <= UINT16_MAX ? port : 0;
}

/* The length of the host at the start of text, without brackets; 0 is malformed. */
static size_t host_len(const char *text)
{
    size_t len;

    if (*text != '[') {
        len = acme_word_len(text, SIZE_MAX, "-._");
    } else {
        len = strspn(text + 1, "0123456789abcdefABCDEF:."); /* zones are refused */
        len = text[1 + len] == ']' ? len : 0;
    }
    return len <= ACME_URI_HOST_MAX ? len : 0;
}

/* Splits the authority into host and port. Userinfo fails at its '@', as all else that is neither
 * host nor port. */
static int32_t parse_authority(const char *url, struct acme_uri *uri)
{
    const char *start = url + ACME_URI_AUTHORITY, *p = start;
    size_t bracket = *start == '[' ? 1 : 0, len = host_len(start);
    uint32_t port = 443;

    if (len == 0) {
        return ACME_ERR_URL;
    }
    uri->host_offset = (uint16_t)(ACME_URI_AUTHORITY + bracket);
    uri->host_len = (uint16_t)len;
    p += len + 2 * bracket;
    /* Host: leaves the default port out, also where the URL spells it. */
    uri->authority_len = (uint16_t)(p - start);
    if (*p == ':') {
        p++;
        port = parse_port(&p);
    }
    if (port != 443) {
        uri->authority_len = (uint16_t)(p - start);
    }
    uri->port = (uint16_t)port;
    uri->path_offset = (uint16_t)(p - url);
    /* A query right after the host has no path to ask for. */
    return port != 0 && (*p == '/' || *p == '\0') ? ACME_OK : ACME_ERR_URL;
}

int32_t acme_uri_parse(const char *url, struct acme_uri *uri)
{
    size_t len = url == NULL ? 0 : strlen(url);

    /* Only the characters that may stand in a URL that we send: RFC 3986's, and no fragment. */
    if (len <= ACME_URI_AUTHORITY || len > CONFIG_ACME_URL_MAX || !acme_str_visible(url, len) ||
        strcspn(url, "\"#<>\\^`{|}") != len || !acme_str_is(url, ACME_URI_AUTHORITY, "https://")) {
        return ACME_ERR_URL;
    }
    return parse_authority(url, uri);
}

/* Whether a reference has a scheme: a colon before all that could not be in one. */
static bool is_absolute(const char *text)
{
    return text[acme_word_len(text, SIZE_MAX, "+-.")] == ':';
}

/* How much of base stands in front of a reference (RFC 3986 5.2.2). */
static size_t kept_of_base(const char *base, const struct acme_uri *uri, const char *text)
{
    size_t query = uri->path_offset + strcspn(base + uri->path_offset, "?");

    if (strncmp(text, "//", 2) == 0) {
        return ACME_URI_AUTHORITY - 2U;
    }
    if (*text == '/') {
        return uri->path_offset;
    }
    while (*text != '?' && query > uri->path_offset && base[query - 1] != '/') {
        query--;
    }
    return query;
}

/* The place in front of the last segment that was written. */
static char *drop_segment(char *path, char *to)
{
    while (to > path) {
        to--;
        if (*to == '/') {
            break;
        }
    }
    return to;
}

/* RFC 3986 5.2.4, in place; path begins with a slash, or is empty. */
static void remove_dots(char *path)
{
    const char *from = path;
    char *to = path;

    while (*from == '/') {
        size_t len = 1 + strcspn(from + 1, "/?");
        bool up = len == 3 && memcmp(from, "/..", 3) == 0;

        if (up) {
            to = drop_segment(path, to);
        }
        if (!up && !(len == 2 && from[1] == '.')) {
            memmove(to, from, len);
            to += len;
        } else if (from[len] != '/') { /* the slash of the last one stays */
            *to++ = '/';
        }
        from += len;
    }
    memmove(to, from, strlen(from) + 1);
}

size_t acme_uri_resolve(const char *base, const struct acme_uri *uri, char *text, size_t size)
{
    char url[CONFIG_ACME_URL_MAX + 1];
    struct acme_buf b;
    size_t keep, len = strlen(text);

    if (*text == '\0' || is_absolute(text)) {
        return len;
    }
    keep = kept_of_base(base, uri, text);
    len = strcspn(text, "#");
    acme_buf_init(&b, url, size < sizeof(url) ? size : sizeof(url));
    acme_buf_add_n(&b, base, keep);
    acme_buf_add(&b, keep == uri->path_offset && *text != '/' ? "/" : "");
    acme_buf_add_n(&b, text, len);
    if (b.overflow) {
        return keep + len + 1;
    }
    remove_dots(url + ACME_URI_AUTHORITY + strcspn(url + ACME_URI_AUTHORITY, "/?"));
    len = strlen(url);
    memcpy(text, url, len + 1);
    return len;
}

bool acme_uri_same_origin(const char *url_a, const struct acme_uri *a, const char *url_b,
                          const struct acme_uri *b)
{
    return a->port == b->port && acme_str_equal_nocase(url_a + a->host_offset, a->host_len,
                                                       url_b + b->host_offset, b->host_len);
}

static bool is_label(const char *label, size_t len)
{
    if (len == 0 || len > 63 || label[0] == '-' || label[len - 1] == '-') {
        return false;
    }
    return !ACME_ENABLED(CONFIG_ACME_IDN_CHECK) || acme_idn_is_label(label, len);
}

static const char *behind_wildcard(const char *name)
{
    return name[0] == '*' && name[1] == '.' ? name + 2 : name;
}

int32_t acme_uri_check_name(const char *name, bool wildcard)
{
    size_t len;

    if (name == NULL || strlen(name) > ACME_URI_HOST_MAX) {
        return ACME_ERR_NAME;
    }
    if (wildcard) {
        name = behind_wildcard(name);
    }
    for (;; name += len + 1) {
        len = acme_word_len(name, SIZE_MAX, "-");
        if (!is_label(name, len)) {
            return ACME_ERR_NAME;
        }
        if (name[len] != '.') {
            break;
        }
    }
    /* A last label of digits makes it look like an IPv4 address. */
    return name[len] == '\0' && strspn(name, "0123456789") != len ? ACME_OK : ACME_ERR_NAME;
}
