/*
 * One request and its response at a time over one kept-alive TLS connection: connects when there is
 * none, sends what stands in the caller's buffer, and feeds the parser. It knows origins, not ACME.
 */
#pragma once

#include "net/http.h"
#include "net/tls.h"
#include "net/uri.h"

/* A host is part of a URL. */
#define ACME_ORIGIN_MAX                                                                            \
    (CONFIG_ACME_URL_MAX < ACME_URI_HOST_MAX ? CONFIG_ACME_URL_MAX : ACME_URI_HOST_MAX)

enum acme_exchange_state {
    ACME_EXCHANGE_IDLE,
    ACME_EXCHANGE_CONNECT,
    ACME_EXCHANGE_SEND,
    ACME_EXCHANGE_RECEIVE
};

struct acme_exchange {
    const struct acme_port *port;
    const struct acme_clock *clock;
    const char *url; /* that is asked for; lent until the response is complete */
    uint16_t origin_port;
    uint8_t state;
    bool reused;    /* the connection has carried a request before */
    bool got_bytes; /* of the response */
    bool more;      /* the last poll ended early: there may be more without a network event */
    const uint8_t *out;
    uint32_t out_len, out_sent;
    uint64_t deadline_ms;
    uint32_t requests, connections;
    struct acme_tls tls;
    struct acme_http_parser parser;
    char origin[ACME_ORIGIN_MAX + 1]; /* host of the open connection */
};

/** Starts the exchange with the server of url, parsed into uri; url is lent until the response is
 * complete, whose relative Location and Link fields are resolved against it. out (lent until the
 * first byte of the response) is the whole request; the parser is set up by the caller before.
 * ACME_OK, ACME_ERR_LIMIT, ACME_ERR_RESOLVE, ACME_ERR_CONNECT. */
int32_t acme_exchange_start(struct acme_exchange *x, const char *url, const struct acme_uri *uri,
                            const uint8_t *out, size_t out_len);
/** Moves on. ACME_OK: the response is complete. ACME_ERR_AGAIN, or an error (the connection is then
 * closed). A kept-alive connection that the server closed meanwhile is made anew, once. */
int32_t acme_exchange_poll(struct acme_exchange *x);
/** While it is under way: when it has to be polled again, be there a network event or not. */
uint64_t acme_exchange_turn_ms(const struct acme_exchange *x);
/** Closes the connection and forgets the exchange. */
void acme_exchange_close(struct acme_exchange *x);
