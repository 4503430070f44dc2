/*
 * A DNS provider of one's own (acme/dns.h): hands TXT records to a name server that has an HTTP
 * interface, here that of pebble-challtestsrv, a test server for bench use (POST /set-txt and
 * /clear-txt). One request after the other over the port's streams; each call does what it can at
 * once and says ACME_ERR_AGAIN for the rest. A service on the internet is https: there the request
 * goes through a TLS of yours, or a hook or acme-dns does it.
 */
#include "dns_http.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Writes a request and begins to connect. One at a time: the core does not ask for more. */
static int32_t begin(struct dns_http *p, const char *path, const struct acme_dns_record *record,
                     bool with_value)
{
    char body[512];
    int n = with_value ? snprintf(body, sizeof(body), "{\"host\":\"%s.\",\"value\":\"%s\"}",
                                  record->name, record->value)
                       : snprintf(body, sizeof(body), "{\"host\":\"%s.\"}", record->name);

    if (n < 0 || (size_t)n >= sizeof(body)) {
        return ACME_ERR_BUFFER;
    }
    n = snprintf(p->request, sizeof(p->request),
                 "POST %s HTTP/1.0\r\nHost: %s\r\nContent-Type: application/json\r\n"
                 "Content-Length: %zu\r\n\r\n%s",
                 path, p->host, strlen(body), body);
    if (n < 0 || (size_t)n >= sizeof(p->request)) {
        return ACME_ERR_BUFFER;
    }
    p->len = (size_t)n;
    p->sent = p->got = 0;
    p->stream = p->port->net->connect(p->port->net_ctx, p->host, p->http_port);
    return p->stream < 0 ? p->stream : ACME_ERR_AGAIN;
}

static void end(struct dns_http *p)
{
    if (p->stream >= 0) {
        p->port->net->close(p->port->net_ctx, p->stream);
    }
    p->stream = ACME_HANDLE_NONE;
}

/* Whether the reply so far begins with a status of 200. */
static bool is_ok(struct dns_http *p)
{
    p->reply[p->got] = '\0';
    return strncmp(p->reply, "HTTP/1.", 7) == 0 && strncmp(p->reply + 8, " 200", 4) == 0;
}

/* Sends what is left of the request. Not negative: all of it. */
static int32_t send_request(struct dns_http *p)
{
    const struct acme_net_ops *net = p->port->net;
    int32_t n = p->sent == 0 ? net->connected(p->port->net_ctx, p->stream) : ACME_OK;

    while (n >= 0 && p->sent < p->len) {
        n = net->send(p->port->net_ctx, p->stream, (const uint8_t *)p->request + p->sent,
                      p->len - p->sent);
        p->sent += n > 0 ? (size_t)n : 0;
    }
    return n;
}

/* Takes the reply, until it ends or is longer than anybody needs. Not negative: that long. */
static int32_t take_reply(struct dns_http *p)
{
    int32_t n = ACME_OK;

    while (n >= 0 && p->got < sizeof(p->reply) - 1) {
        n = p->port->net->recv(p->port->net_ctx, p->stream, (uint8_t *)p->reply + p->got,
                               sizeof(p->reply) - 1 - p->got);
        p->got += n > 0 ? (size_t)n : 0;
    }
    return n;
}

/* Connects, sends, and reads the status line. ACME_OK, ACME_ERR_AGAIN, or why it failed. */
static int32_t carry(struct dns_http *p)
{
    int32_t n = send_request(p);

    if (n >= 0) {
        n = take_reply(p);
    }
    if (n < 0 && n != ACME_ERR_CLOSED) {
        return n;
    }
    return is_ok(p) ? ACME_OK : ACME_ERR_DNS;
}

static int32_t ask(struct dns_http *p, const char *path, const struct acme_dns_record *record,
                   bool with_value)
{
    int32_t rc = p->stream < 0 ? begin(p, path, record, with_value) : carry(p);

    if (rc != ACME_ERR_AGAIN) {
        end(p);
    }
    return rc;
}

static int32_t present(void *ctx, const struct acme_dns_record *record, uint32_t *wait_ms)
{
    *wait_ms = 100; /* the stream's events wake the client; this bounds what it may miss */
    return ask(ctx, "/set-txt", record, true);
}

/* Removes all values of the name: this interface has no other way. Yours should remove one. */
static int32_t cleanup(void *ctx, const struct acme_dns_record *record, uint32_t *wait_ms)
{
    *wait_ms = 100;
    return ask(ctx, "/clear-txt", record, false);
}

static void stop(void *ctx)
{
    end(ctx);
}

/* No ready: what this server is told, it answers at once. */
const struct acme_dns_ops dns_http_ops = {.present = present, .cleanup = cleanup, .stop = stop};

void dns_http_init(struct dns_http *p, const struct acme_port *port, const char *host,
                   uint16_t http_port)
{
    memset(p, 0, sizeof(*p));
    p->port = port;
    p->host = host;
    p->http_port = http_port;
    p->stream = ACME_HANDLE_NONE;
}
