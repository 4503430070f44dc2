/*
 * IP addresses between text and bytes. It knows no network.
 */
#ifndef ACME_ADDRESS_H
#define ACME_ADDRESS_H

#include <stdbool.h>

#include "acme/port.h"

#define ACME_ADDRESS_TEXT 40 /* of an address as text, the NUL included */

/** Reads an IPv4 address in dotted form or an IPv6 address (RFC 4291 2.2) of len characters,
 * without brackets: ACME_OK or ACME_ERR_ARGUMENT. */
int32_t acme_address_parse(const char *text, size_t len, struct acme_address *address);
/** Writes an address. */
void acme_address_format(const struct acme_address *address, char text[ACME_ADDRESS_TEXT]);
bool acme_address_equal(const struct acme_address *a, const struct acme_address *b);

/** Splits "host", "host:port", "address", "[address]:port"; without a port it is fallback. The host
 * goes to host of host_size bytes. ACME_OK, ACME_ERR_ARGUMENT. */
int32_t acme_endpoint_split(const char *text, uint16_t fallback, char *host, size_t host_size,
                            uint16_t *port);

#endif
