/*
 * Splits and checks https URLs and DNS names. It must not know sockets or ACME resources.
 */
#include "uri.h"

#include <string.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Visible ASCII only; no fragment, and none of the characters RFC 3986 excludes everywhere. */
static bool is_url_text(const char *text, size_t len)
{
    size_t i;

    for (i = 0; i < len; i++) {
        if ((uint8_t)text[i] <= ' ' || (uint8_t)text[i] > '~' || strchr("\"<>\\^`{|}#", text[i]) != NULL) {
            return false;
        }
    }
    return true;
}

static int32_t parse_port(const char *text, size_t len, uint16_t *port)
{
    uint32_t value = 0;
    size_t i;

    if (len == 0 || len > 5) {
        return ACME_ERR_URL;
    }
    for (i = 0; i < len; i++) {
        if (!is_digit(text[i])) {
            return ACME_ERR_URL;
        }
        value = value * 10 + (uint32_t)(text[i] - '0');
    }
    if (value == 0 || value > 65535) {
        return ACME_ERR_URL;
    }
    *port = (uint16_t)value;
    return ACME_OK;
}

static bool is_host_char(char c, bool literal)
{
    if (is_digit(c) || is_alpha(c) || c == '.') {
        return true;
    }
    return literal ? c == ':' : (c == '-' || c == '_');
}

/* authority = host [":" port]; an IPv6 literal is in brackets. */
static int32_t parse_authority(const char *url, size_t at, size_t len, struct acme_uri *uri)
{
    bool literal = len > 0 && url[at] == '[';
    size_t host = literal ? at + 1 : at;
    size_t end = host;

    while (end < at + len && url[end] != (literal ? ']' : ':')) {
        if (!is_host_char(url[end], literal)) {
            return ACME_ERR_URL;
        }
        end++;
    }
    if (end == host || end - host > ACME_URI_HOST_MAX || (literal && end == at + len)) {
        return ACME_ERR_URL;
    }
    uri->host_offset = (uint16_t)host;
    uri->host_len = (uint16_t)(end - host);
    uri->authority_offset = (uint16_t)at;
    uri->authority_len = (uint16_t)len;
    uri->port = 443;
    end += literal ? 1 : 0;
    if (end == at + len) {
        return ACME_OK;
    }
    if (url[end] != ':') {
        return ACME_ERR_URL;
    }
    return parse_port(url + end + 1, at + len - end - 1, &uri->port);
}

int32_t acme_uri_parse(const char *url, struct acme_uri *uri)
{
    static const char scheme[] = "https://";
    size_t len = strlen(url);
    size_t at = sizeof(scheme) - 1;
    size_t i, end;

    memset(uri, 0, sizeof(*uri));
    if (len <= at || len > CONFIG_ACME_URL_MAX || !is_url_text(url, len)) {
        return ACME_ERR_URL;
    }
    for (i = 0; i < at; i++) {
        if (lower(url[i]) != scheme[i]) {
            return ACME_ERR_URL;
        }
    }
    end = at;
    while (end < len && url[end] != '/' && url[end] != '?') {
        end++;
    }
    uri->path_offset = (uint16_t)end;
    uri->path_len = (uint16_t)(len - end);
    /* A query without a path would need a '/' written before it; ACME servers have no such URLs. */
    if (end < len && url[end] == '?') {
        return ACME_ERR_URL;
    }
    return parse_authority(url, at, end - at, uri);
}

bool acme_uri_same_origin(const char *url_a, const struct acme_uri *a, const char *url_b,
                          const struct acme_uri *b)
{
    uint16_t i;

    if (a->port != b->port || a->host_len != b->host_len) {
        return false;
    }
    for (i = 0; i < a->host_len; i++) {
        if (lower(url_a[a->host_offset + i]) != lower(url_b[b->host_offset + i])) {
            return false;
        }
    }
    return true;
}

static int32_t check_label(const char *label, size_t len)
{
    size_t i;

    if (len == 0 || len > 63 || label[0] == '-' || label[len - 1] == '-') {
        return ACME_ERR_NAME;
    }
    for (i = 0; i < len; i++) {
        if (!is_alpha(label[i]) && !is_digit(label[i]) && label[i] != '-') {
            return ACME_ERR_NAME;
        }
    }
    return ACME_OK;
}

static bool all_digits(const char *text, size_t len)
{
    size_t i;

    for (i = 0; i < len; i++) {
        if (!is_digit(text[i])) {
            return false;
        }
    }
    return true;
}

int32_t acme_uri_check_name(const char *name, bool wildcard)
{
    size_t len = strlen(name);
    size_t start = 0, i, last = 0;

    if (len == 0 || len > ACME_URI_HOST_MAX) {
        return ACME_ERR_NAME;
    }
    if (wildcard && strncmp(name, "*.", 2) == 0) {
        start = 2;
    }
    for (i = last = start; i <= len; i++) {
        if (i < len && name[i] != '.') {
            continue;
        }
        if (check_label(name + last, i - last) != ACME_OK) {
            return ACME_ERR_NAME;
        }
        if (i < len) {
            last = i + 1;
        }
    }
    return all_digits(name + last, len - last) ? ACME_ERR_NAME : ACME_OK;
}
