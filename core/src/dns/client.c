/*
 * Carries DNS requests. Identifiers and source ports are random, and a reply must come from where
 * the request went and repeat its question: whoever is not on the path has to guess all of it
 * (RFC 5452). It must not know what a reply says.
 */
#include "acme/config.h"

#if defined(CONFIG_ACME_DNS_CLIENT)

#include "dns/client.h"

#include <string.h>

#include <psa/crypto.h>

#include "net/address.h"
#include "base/assert.h"
#include "base/buf.h"
#include "base/log.h"

#define PORT_LOW   49152u
#define PORT_TRIES 4
#define UDP_MAX    512u /* of a request: more goes over TCP at once */
#define PAUSE_MS   500u /* before a server that failed is asked again; doubled each time */
#define STRAY_MAX  16   /* datagrams of others looked at in one call */

/* "Made progress; go on." Not an error code. */
#define MORE 1

enum state { STATE_IDLE, STATE_UDP, STATE_TCP, STATE_PAUSE };

void acme_dns_client_init(struct acme_dns_client *c, const struct acme_port *port)
{
    memset(c, 0, sizeof(*c));
    c->port = port;
    c->socket = c->stream = ACME_HANDLE_NONE;
}

int32_t acme_dns_random(uint16_t *value)
{
    return psa_generate_random((uint8_t *)value, sizeof(*value)) == PSA_SUCCESS ? ACME_OK
                                                                                : ACME_ERR_CRYPTO;
}

static uint64_t now_ms(const struct acme_dns_client *c)
{
    return c->port->clock->uptime_ms(c->port->clock_ctx);
}

static void close_all(struct acme_dns_client *c)
{
    if (c->socket != ACME_HANDLE_NONE) {
        c->port->udp->close(c->port->udp_ctx, c->socket);
    }
    if (c->stream != ACME_HANDLE_NONE) {
        c->port->net->close(c->port->net_ctx, c->stream);
    }
    c->socket = c->stream = ACME_HANDLE_NONE;
}

void acme_dns_client_stop(struct acme_dns_client *c)
{
    close_all(c);
    c->state = STATE_IDLE;
}

uint16_t acme_dns_client_rcode(const struct acme_dns_client *c)
{
    return c->reply_len < ACME_DNS_HEAD_SIZE ? ACME_DNS_SERVFAIL
                                             : c->reply[3] & ACME_DNS_RCODE_MASK;
}

/* ---- tries ---- */

static int32_t open_tcp(struct acme_dns_client *c)
{
    char host[ACME_IPADDR_TEXT];
    acme_handle stream;

    acme_address_format(&c->server.address, host);
    stream = c->port->net->connect(c->port->net_ctx, host, c->server.port);
    if (stream < 0) {
        return stream;
    }
    c->stream = stream;
    c->state = STATE_TCP;
    c->connected = false;
    c->out_sent = c->in_len = 0;
    return ACME_OK;
}

static int32_t open_udp(struct acme_dns_client *c)
{
    acme_handle socket = ACME_ERR_LISTEN;
    int i;

    for (i = 0; i < PORT_TRIES && socket == ACME_ERR_LISTEN; i++) {
        uint16_t random;

        if (acme_dns_random(&random) != ACME_OK) {
            return ACME_ERR_CRYPTO;
        }
        socket = c->port->udp->open(c->port->udp_ctx, c->server.address.family,
                                    (uint16_t)(PORT_LOW | random));
    }
    if (socket < 0) {
        return socket;
    }
    c->socket = socket;
    c->state = STATE_UDP;
    c->out_sent = 0;
    return ACME_OK;
}

/* The second half of the tries goes over TCP: there are networks without UDP. */
static int32_t begin_try(struct acme_dns_client *c, bool tcp)
{
    close_all(c);
    c->tries++;
    c->reply_len = 0;
    c->until_ms = now_ms(c) + CONFIG_ACME_DNS_REPLY_MS;
    if (c->port->udp == NULL || tcp || c->request_len > UDP_MAX ||
        c->tries > (CONFIG_ACME_DNS_TRIES + 1) / 2) {
        return open_tcp(c);
    }
    return open_udp(c);
}

int32_t acme_dns_client_start(struct acme_dns_client *c, const struct acme_dns_server *server)
{
    acme_dns_client_stop(c);
    if (server->address.family == 0 || c->request_len < ACME_DNS_HEAD_SIZE) {
        return ACME_ERR_ARGUMENT;
    }
    c->server = *server;
    c->tries = 0;
    c->until_ms = 0;
    c->state = STATE_PAUSE; /* which is over */
    return ACME_OK;
}

int32_t acme_dns_client_ask(struct acme_dns_client *c, const struct acme_dns_server *server,
                            const char *name, uint16_t type, bool recursive)
{
    struct acme_dns_writer w;
    uint16_t id;
    int32_t rc = acme_dns_random(&id);

    if (rc != ACME_OK) {
        return rc;
    }
    acme_dns_write_begin(&w, c->request, sizeof(c->request), id, recursive ? ACME_DNS_FLAG_RD : 0);
    acme_dns_write_question(&w, name, type, ACME_DNS_CLASS_IN);
    if (acme_dns_write_result(&w) < 0) {
        return ACME_ERR_NAME;
    }
    c->request_len = (uint16_t)w.len;
    return acme_dns_client_start(c, server);
}

/* ---- replies ---- */

/* A server that did not understand the request may leave its question out. The name of the first
 * entry has nothing before it that could compress it: the same question has the same bytes, the
 * case of letters aside. */
static bool repeats_question(const struct acme_dns_client *c, struct acme_dns_reader *reply)
{
    struct acme_dns_entry question;
    size_t fixed;

    if (reply->left[ACME_DNS_QUESTION] == 0) {
        return (reply->flags & ACME_DNS_RCODE_MASK) != 0;
    }
    if (reply->left[ACME_DNS_QUESTION] != 1 || acme_dns_read_next(reply, &question) != ACME_OK ||
        question.rdata > c->request_len) {
        return false;
    }
    fixed = question.rdata - 4; /* type and class */
    return memcmp(c->request + fixed, c->reply + fixed, 4) == 0 &&
           acme_str_equal_nocase((const char *)c->request + question.start, fixed - question.start,
                                 (const char *)c->reply + question.start, fixed - question.start);
}

/* Whether the len bytes in reply belong to the request. */
static bool is_reply(const struct acme_dns_client *c, size_t len)
{
    uint16_t flags = (uint16_t)(c->request[2] << 8);
    struct acme_dns_reader reply;

    return acme_dns_read_begin(&reply, c->reply, len) == ACME_OK &&
           memcmp(c->reply, c->request, 2) == 0 && (reply.flags & ACME_DNS_FLAG_QR) != 0 &&
           ((reply.flags ^ flags) & ACME_DNS_OPCODE_MASK) == 0 && repeats_question(c, &reply);
}

static int32_t poll_udp(struct acme_dns_client *c)
{
    const struct acme_udp_ops *udp = c->port->udp;
    struct acme_address from;
    uint16_t from_port;
    int32_t n, i;

    if (c->out_sent == 0) {
        n = udp->send_to(c->port->udp_ctx, c->socket, &c->server.address, c->server.port,
                         c->request, c->request_len);
        if (n != ACME_OK) {
            return n;
        }
        c->out_sent = c->request_len;
    }
    for (i = 0; i < STRAY_MAX; i++) {
        n = udp->recv_from(c->port->udp_ctx, c->socket, &from, &from_port, c->reply,
                           sizeof(c->reply));
        if (n < 0) {
            return n;
        }
        if (from_port == c->server.port && acme_address_equal(&from, &c->server.address) &&
            is_reply(c, (size_t)n)) {
            c->reply_len = (uint32_t)n;
            return ACME_OK;
        }
    }
    c->strays = true; /* there may be more: no event will tell */
    return ACME_ERR_AGAIN;
}

/* The length and the message may go out in parts. */
static int32_t send_tcp(struct acme_dns_client *c)
{
    const uint8_t head[2] = {(uint8_t)(c->request_len >> 8), (uint8_t)c->request_len};

    while (c->out_sent < c->request_len + 2u) {
        size_t at = c->out_sent;
        int32_t n = c->port->net->send(c->port->net_ctx, c->stream,
                                       at < 2 ? head + at : c->request + at - 2,
                                       at < 2 ? 2 - at : c->request_len + 2u - at);

        if (n < 0) {
            return n;
        }
        c->out_sent = (uint16_t)(c->out_sent + n);
    }
    return ACME_OK;
}

/* The two bytes in front of the reply, which are its length. */
static int32_t recv_prefix(struct acme_dns_client *c)
{
    while (c->in_len < sizeof(c->prefix)) {
        int32_t n = c->port->net->recv(c->port->net_ctx, c->stream, c->prefix + c->in_len,
                                       sizeof(c->prefix) - c->in_len);

        if (n < 0) {
            return n;
        }
        c->in_len = (uint16_t)(c->in_len + n);
        ACME_ASSERT(c->in_len <= sizeof(c->prefix));
    }
    return ACME_OK;
}

static int32_t recv_tcp(struct acme_dns_client *c)
{
    int32_t n = recv_prefix(c);
    size_t want;

    if (n != ACME_OK) {
        return n;
    }
    want = (size_t)c->prefix[0] << 8 | c->prefix[1];
    if (want > sizeof(c->reply)) {
        return ACME_ERR_BUFFER;
    }
    while (c->reply_len < want) {
        n = c->port->net->recv(c->port->net_ctx, c->stream, c->reply + c->reply_len,
                               want - c->reply_len);
        if (n < 0) {
            return n;
        }
        c->reply_len += (uint32_t)n;
    }
    ACME_ASSERT(c->reply_len == want);
    return is_reply(c, want) ? ACME_OK : ACME_ERR_DNS_MESSAGE;
}

static int32_t poll_tcp(struct acme_dns_client *c)
{
    int32_t rc = ACME_OK;

    if (!c->connected) {
        rc = c->port->net->connected(c->port->net_ctx, c->stream);
        c->connected = rc == ACME_OK;
    }
    if (rc == ACME_OK) {
        rc = send_tcp(c);
    }
    return rc == ACME_OK ? recv_tcp(c) : rc;
}

/* ---- the machine ---- */

/* After a try that failed: another one, or the error. */
static int32_t again(struct acme_dns_client *c, int32_t error, uint32_t pause_ms)
{
    close_all(c);
    if (c->tries >= CONFIG_ACME_DNS_TRIES || error == ACME_ERR_BUFFER) {
        c->state = STATE_IDLE;
        return error;
    }
    ACME_LOG(c->port, ACME_LOG_INFO,
             "dns: asking the server again:", error == ACME_OK ? "it failed" : "no good reply",
             error);
    c->state = STATE_PAUSE;
    c->until_ms = now_ms(c) + pause_ms;
    return ACME_ERR_AGAIN;
}

static int32_t on_reply(struct acme_dns_client *c)
{
    bool truncated = (c->reply[2] & (ACME_DNS_FLAG_TC >> 8)) != 0;

    if (truncated && c->state == STATE_UDP) {
        int32_t rc;

        c->tries--; /* a truncated reply is no failure */
        rc = begin_try(c, true);
        return rc == ACME_OK ? MORE : again(c, rc, PAUSE_MS);
    }
    if (acme_dns_client_rcode(c) == ACME_DNS_SERVFAIL && c->tries < CONFIG_ACME_DNS_TRIES) {
        return again(c, ACME_OK, PAUSE_MS << (c->tries - 1));
    }
    close_all(c);
    c->state = STATE_IDLE;
    return ACME_OK;
}

static int32_t step(struct acme_dns_client *c)
{
    int32_t rc;

    ACME_ASSERT(c->tries <= CONFIG_ACME_DNS_TRIES && c->request_len <= sizeof(c->request));
    if (c->state == STATE_PAUSE) {
        if (now_ms(c) < c->until_ms) {
            return ACME_ERR_AGAIN;
        }
        rc = begin_try(c, false);
        if (rc != ACME_OK) {
            return again(c, rc, PAUSE_MS);
        }
    }
    rc = c->state == STATE_UDP ? poll_udp(c) : poll_tcp(c);
    if (rc == ACME_OK) {
        return on_reply(c);
    }
    if (rc != ACME_ERR_AGAIN) {
        return again(c, rc == ACME_ERR_CLOSED ? ACME_ERR_NET : rc, PAUSE_MS);
    }
    return now_ms(c) < c->until_ms ? ACME_ERR_AGAIN : again(c, ACME_ERR_TIMEOUT, 0);
}

int32_t acme_dns_client_poll(struct acme_dns_client *c, uint32_t *wait_ms)
{
    uint64_t now;
    int32_t rc;

    if (c->state == STATE_IDLE) {
        return ACME_ERR_STATE;
    }
    c->strays = false;
    do {
        rc = step(c); /* goes on once a try, and tries are bounded */
    } while (rc == MORE);
    if (rc == ACME_ERR_AGAIN) {
        now = now_ms(c);
        if (c->until_ms <= now || c->strays) {
            *wait_ms = 0;
        } else if (c->until_ms - now < *wait_ms) {
            *wait_ms = (uint32_t)(c->until_ms - now);
        }
    }
    return rc;
}

#endif
