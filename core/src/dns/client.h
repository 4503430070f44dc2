/*
 * One DNS request and its reply at a time, at one server: over UDP with repeats, over TCP when the
 * reply is truncated, when UDP stays silent, or when the port has none. It checks that a reply
 * belongs to its request; it knows no zone and no record.
 */
#pragma once

#include "acme/config.h"
#include "acme/port.h"
#include "dns/message.h"

#define ACME_DNS_REQUEST_MAX 1024
#define ACME_DNS_PORT        53

/** A server, or nobody (family 0). */
struct acme_dns_server {
    struct acme_address address;
    uint16_t port;
};

struct acme_dns_client {
    const struct acme_port *port;
    struct acme_dns_server server;
    acme_handle socket, stream;
    uint8_t state;
    uint8_t tries; /* begun */
    bool connected;
    bool strays;       /* the last call ended among datagrams of others */
    uint64_t until_ms; /* of the try, or of the pause before the next */
    uint16_t out_sent, in_len;
    uint16_t request_len;
    uint32_t reply_len;
    uint8_t prefix[2]; /* the length of a reply over TCP */
    uint8_t request[ACME_DNS_REQUEST_MAX];
    uint8_t reply[CONFIG_ACME_DNS_MESSAGE_MAX];
};

/** Sets up; port is lent. */
void acme_dns_client_init(struct acme_dns_client *c, const struct acme_port *port);
/** A random number for an id; PSA Crypto must be up. ACME_ERR_CRYPTO. */
int32_t acme_dns_random(uint16_t *value);
/** Sends what stands in request, request_len bytes. ACME_OK, ACME_ERR_ARGUMENT (no server). */
int32_t acme_dns_client_start(struct acme_dns_client *c, const struct acme_dns_server *server);
/** Writes and sends a question: RD as asked. ACME_OK, ACME_ERR_NAME, ACME_ERR_CRYPTO. */
int32_t acme_dns_client_ask(struct acme_dns_client *c, const struct acme_dns_server *server,
                            const char *name, uint16_t type, bool recursive);
/** ACME_OK: the reply is in reply, reply_len bytes, with any response code; a server that fails
 * (SERVFAIL) was asked again first. ACME_ERR_AGAIN: *wait_ms is lowered to when to come again at
 * the latest. ACME_ERR_TIMEOUT, ACME_ERR_CONNECT, ACME_ERR_DNS_MESSAGE: after all tries. */
int32_t acme_dns_client_poll(struct acme_dns_client *c, uint32_t *wait_ms);
/** Forgets the request and closes what is open. */
void acme_dns_client_stop(struct acme_dns_client *c);
/** The response code of the reply. */
uint16_t acme_dns_client_rcode(const struct acme_dns_client *c);
