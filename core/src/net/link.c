/*
 * Takes a Link header field apart. It must not know what a link is for.
 */
#include "net/link.h"

#include <string.h>

#include "base/buf.h"

/* The first comma outside of quotes, from at on; len if there is none. */
static size_t find_comma(const char *value, size_t at, size_t len)
{
    bool quoted = false;

    while (at < len && (quoted || value[at] != ',')) {
        quoted = value[at] == '"' ? !quoted : quoted;
        at++;
    }
    return at;
}

bool acme_link_next(const char *value, size_t len, size_t *at, struct acme_link *link)
{
    const char *end;
    size_t comma;

    while (*at < len && acme_is_blank(value[*at])) {
        (*at)++;
    }
    if (*at >= len || value[*at] != '<') {
        return false;
    }
    end = memchr(value + *at, '>', len - *at);
    if (end == NULL) {
        return false;
    }
    link->url = value + *at + 1;
    link->url_len = (size_t)(end - link->url);
    link->params = end + 1;
    comma = find_comma(value, (size_t)(link->params - value), len);
    link->params_len = (size_t)(value + comma - link->params);
    *at = comma < len ? comma + 1 : len;
    return true;
}

/* Where the value of the parameter rel begins; len if there is none. Only the first counts (RFC
 * 8288 3.3). */
static size_t find_relations(const char *params, size_t len)
{
    static const char name[] = "rel=";
    const size_t name_len = sizeof(name) - 1;
    bool quoted = false, begins = false; /* a parameter's name */

    for (size_t i = 0; i + name_len <= len; i++) {
        if (begins && acme_str_is(params + i, name_len, name)) {
            return i + name_len;
        }
        quoted = params[i] == '"' ? !quoted : quoted;
        begins = !quoted && (params[i] == ';' || (begins && acme_is_blank(params[i])));
    }
    return len;
}

bool acme_link_is(const struct acme_link *link, const char *relation)
{
    const char *params = link->params;
    size_t at = find_relations(params, link->params_len), word;
    char stop = ';';

    if (at < link->params_len && params[at] == '"') { /* a list of relations */
        stop = '"';
        at++;
    }
    for (word = at; at <= link->params_len; at++) {
        bool end = at == link->params_len || params[at] == stop;

        if (!end && !acme_is_blank(params[at])) {
            continue;
        }
        if (acme_str_is(params + word, at - word, relation)) {
            return true;
        }
        if (end) {
            break;
        }
        word = at + 1;
    }
    return false;
}
