/*
 * Splits and checks https URLs and DNS names. It must not know sockets, DNS, or which URLs the
 * client's policy lets it visit.
 */
#include "uri.h"

#include <string.h>

#include "buf.h"
#include "idn.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_alnum(char c)
{
    return is_digit(c) || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* Whether all characters may stand in a URL that we send: RFC 3986's, and no fragment. */
static bool is_clean(const char *url, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (url[i] <= ' ' || url[i] > '~' || strchr("\"#<>\\^`{|}", url[i]) != NULL) {
            return false;
        }
    }
    return true;
}

/* The port after the colon, which fills the rest of the authority; 0 is malformed. One number has
 * one spelling, so that equal origins look equal. */
static uint32_t parse_port(const char *text, size_t len)
{
    uint32_t port = 0;

    if (len == 0 || len > 5 || text[0] == '0') {
        return 0;
    }
    for (size_t i = 0; i < len; i++) {
        if (!is_digit(text[i])) {
            return 0;
        }
        port = port * 10U + (uint32_t)(text[i] - '0');
    }
    return port <= UINT16_MAX ? port : 0;
}

/* The length of a name or IPv4 address at the start of text. */
static size_t name_len(const char *text, size_t len)
{
    size_t n = 0;

    while (n < len && (is_alnum(text[n]) || text[n] == '-' || text[n] == '.' || text[n] == '_')) {
        n++;
    }
    return n;
}

/* The length of an IPv6 address up to its bracket; 0 is malformed. Zones are refused. */
static size_t address_len(const char *text, size_t len)
{
    static const char allowed[] = "0123456789abcdefABCDEF:.";
    size_t n = 0;

    while (n < len && strchr(allowed, text[n]) != NULL) {
        n++;
    }
    return n < len && text[n] == ']' ? n : 0;
}

/* Splits the authority into host and port. Userinfo fails at its '@', as all else that is neither
 * host nor port. */
static int32_t parse_authority(const char *url, size_t start, size_t end, struct acme_uri *uri)
{
    size_t bracket = url[start] == '[' ? 1 : 0;
    size_t host = start + bracket;
    size_t len =
        bracket > 0 ? address_len(url + host, end - host) : name_len(url + host, end - host);
    size_t after = host + len + bracket;
    uint32_t port = 443;

    if (len == 0 || len > ACME_URI_HOST_MAX) {
        return ACME_ERR_URL;
    }
    if (after < end) {
        port = url[after] == ':' ? parse_port(url + after + 1, end - after - 1) : 0;
        if (port == 0) {
            return ACME_ERR_URL;
        }
    }
    uri->host_offset = (uint16_t)host;
    uri->host_len = (uint16_t)len;
    uri->authority_offset = (uint16_t)start;
    /* Host: leaves the default port out, also where the URL spells it. */
    uri->authority_len = (uint16_t)((port == 443 ? after : end) - start);
    uri->port = (uint16_t)port;
    return ACME_OK;
}

int32_t acme_uri_parse(const char *url, struct acme_uri *uri)
{
    static const char scheme[] = "https://";
    const size_t start = sizeof(scheme) - 1;
    size_t len;
    size_t end;

    memset(uri, 0, sizeof(*uri));
    if (url == NULL) {
        return ACME_ERR_URL;
    }
    len = strlen(url);
    if (len <= start || len > CONFIG_ACME_URL_MAX || !is_clean(url, len) ||
        !acme_str_equal_nocase(url, start, scheme, start)) {
        return ACME_ERR_URL;
    }
    end = start + strcspn(url + start, "/?");
    /* A query right after the host has no path to ask for. */
    if (end == start || url[end] == '?') {
        return ACME_ERR_URL;
    }
    uri->path_offset = (uint16_t)end;
    uri->path_len = (uint16_t)(len - end);
    return parse_authority(url, start, end, uri);
}

bool acme_uri_same_origin(const char *url_a, const struct acme_uri *a, const char *url_b,
                          const struct acme_uri *b)
{
    return a->port == b->port && acme_str_equal_nocase(url_a + a->host_offset, a->host_len,
                                                       url_b + b->host_offset, b->host_len);
}

/* Whether the text begins with a label; says its length, and whether it has digits only. */
static bool check_label(const char *text, size_t *len, bool *numeric)
{
    size_t n = 0;

    *numeric = true;
    while (is_alnum(text[n]) || text[n] == '-') {
        *numeric = *numeric && is_digit(text[n]);
        n++;
    }
    *len = n;
#if defined(CONFIG_ACME_IDN_CHECK)
    if (n <= 63 && !acme_idn_is_label(text, n)) {
        return false;
    }
#endif
    return n >= 1 && n <= 63 && text[0] != '-' && text[n - 1] != '-';
}

int32_t acme_uri_check_name(const char *name, bool wildcard)
{
    size_t len;
    bool numeric;

    if (name == NULL || strlen(name) > ACME_URI_HOST_MAX) {
        return ACME_ERR_NAME;
    }
    if (wildcard && name[0] == '*' && name[1] == '.') {
        name += 2;
    }
    while (check_label(name, &len, &numeric)) {
        name += len;
        if (*name == '\0') {
            /* A last label of digits makes it look like an IPv4 address. */
            return numeric ? ACME_ERR_NAME : ACME_OK;
        }
        if (*name != '.') {
            return ACME_ERR_NAME;
        }
        name++;
    }
    return ACME_ERR_NAME;
}
