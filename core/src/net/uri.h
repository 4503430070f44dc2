/*
 * Splits and checks https URLs (RFC 3986, the part that ACME uses). Knows nothing of sockets.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "acme/config.h"
#include "acme/error.h"

#define ACME_URI_HOST_MAX 253

/** Where the authority stands in a URL: behind "https://". */
#define ACME_URI_AUTHORITY 8

/** Where a URL points to; offsets are into the URL's text, which is not copied. */
struct acme_uri {
    uint16_t host_offset, host_len; /* without port and without brackets */
    uint16_t authority_len;         /* as for the Host header, from ACME_URI_AUTHORITY on */
    uint16_t path_offset;           /* of the path with its query, to the end; it may be empty */
    uint16_t port;
};

/** Parses an absolute https URL: only the characters of RFC 3986, no userinfo, no fragment, no
 * query without a path, host a name or address and not empty, port 1 to 65535 without leading zeros
 * (default 443), length at most CONFIG_ACME_URL_MAX. ACME_OK or ACME_ERR_URL. */
int32_t acme_uri_parse(const char *url, struct acme_uri *uri);
/** Turns a reference of a reply (Location, Link) into a URL, in place (RFC 3986 5.2), against base,
 * the URL that was asked for, parsed into uri. An absolute one, and "", stay as they are; of others
 * a fragment goes. text has size bytes, CONFIG_ACME_URL_MAX + 1 at most. Returns the length, also
 * where that is size or more: text is then left as it was. */
size_t acme_uri_resolve(const char *base, const struct acme_uri *uri, char *text, size_t size);
/** Whether two parsed URLs have the same host (case-insensitive) and port. */
bool acme_uri_same_origin(const char *url_a, const struct acme_uri *a, const char *url_b,
                          const struct acme_uri *b);
/** Checks a DNS name as a certificate identifier: LDH labels of 1 to 63 (underscore not allowed),
 * at most 253 in all, no trailing dot, optional leading "*." when wildcard is true, not all-numeric
 * last label, A-labels well-formed (CONFIG_ACME_IDN_CHECK). ACME_OK or ACME_ERR_NAME. */
int32_t acme_uri_check_name(const char *name, bool wildcard);
