/*
 * The port's addresses between text and bytes, and endpoints. It knows no network.
 */
#pragma once

#include "acme/port.h"
#include "base/ipaddr.h"

/** Reads an IPv4 or IPv6 address, without brackets: ACME_OK or ACME_ERR_ARGUMENT. */
int32_t acme_address_parse(const char *text, struct acme_address *address);
/** Writes an address. */
void acme_address_format(const struct acme_address *address, char text[ACME_IPADDR_TEXT]);
bool acme_address_equal(const struct acme_address *a, const struct acme_address *b);

/** Splits "host", "host:port", "address", "[address]:port"; without a port it is fallback. The host
 * goes to host of host_size bytes. ACME_OK, ACME_ERR_ARGUMENT. */
int32_t acme_endpoint_split(const char *text, uint16_t fallback, char *host, size_t host_size,
                            uint16_t *port);
