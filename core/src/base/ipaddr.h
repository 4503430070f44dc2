/*
 * IP addresses: text to bytes, bytes to the one text form that ACME wants (RFC 5952), and their
 * names in the reverse tree. Certificates may be for them (RFC 8738). It knows no network.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "acme/config.h"
#include "acme/error.h"
#include "base/buf.h"

#define ACME_IPADDR_TEXT    46 /* the longest address, and NUL */
#define ACME_IPADDR_REVERSE 74 /* the longest reverse name, and NUL */

/** Reads an IPv4 or IPv6 address in any of its usual spellings, without zone and brackets. Returns
 * its length in bytes, 4 or 16, or ACME_ERR_NAME. */
int32_t acme_ipaddr_parse(const char *text, uint8_t out[16]);
/** Adds the canonical text of an address of 4 or 16 bytes. */
void acme_ipaddr_add(struct acme_buf *b, const uint8_t *bytes, size_t len);
/** Whether text is an address, and spelled the canonical way. */
bool acme_ipaddr_is_canonical(const char *text);
/** Adds the name in in-addr.arpa or ip6.arpa, without a dot at the end (RFC 8738 section 6). */
void acme_ipaddr_add_reverse(struct acme_buf *b, const uint8_t *bytes, size_t len);

/** Reads the identifier of a certificate, as acme_ipaddr_parse; where certificates are for names
 * only, nothing is an address. */
#if defined(CONFIG_ACME_IP_IDENTIFIERS)
static inline int32_t acme_ipaddr_identifier(const char *text, uint8_t out[16])
{
    return acme_ipaddr_parse(text, out);
}
#else
static inline int32_t acme_ipaddr_identifier(const char *text, uint8_t out[16])
{
    (void)text;
    (void)out;
    return ACME_ERR_NAME;
}
#endif
