/*
 * See dns_http.c. config.dns is dns_http_ops, config.dns_ctx a struct dns_http.
 */
#ifndef DNS_HTTP_H
#define DNS_HTTP_H

#include "acme/dns.h"
#include "acme/port.h"

struct dns_http {
    const struct acme_port *port;
    const char *host;
    uint16_t http_port;
    acme_handle stream; /* of the request under way; ACME_HANDLE_NONE: none is */
    size_t len, sent, got;
    char request[1024];
    char reply[64];
};

extern const struct acme_dns_ops dns_http_ops;

/** Everything is lent for as long as the provider is used. */
void dns_http_init(struct dns_http *p, const struct acme_port *port, const char *host,
                   uint16_t http_port);

#endif
