/*
 * The links of a Link header field (RFC 8288). It knows no relation by name.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/** One link; the texts are inside the field's value, without NULs. */
struct acme_link {
    const char *url;
    size_t url_len;
    const char *params; /* all that follows the URL, from its first ';' on */
    size_t params_len;
};

/** Takes the next link from *at on in a field's value of len characters, and moves *at behind it.
 * False at the end, and where what follows is no link: links are hints. */
bool acme_link_next(const char *value, size_t len, size_t *at, struct acme_link *link);
/** Whether the link has this relation, among others perhaps; the case of letters aside. */
bool acme_link_is(const struct acme_link *link, const char *relation);
