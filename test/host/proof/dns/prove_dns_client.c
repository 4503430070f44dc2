/*
 * client: replies over UDP and TCP. The network and the message's reader are stand-ins: the network
 * gives any bytes in any pieces, the reader finds anything that it is proved to find. Requests and
 * replies have 64 bytes at most here; no code depends on it but by comparing.
 */
#include "proof.h"

#include "acme/config.h"
#undef CONFIG_ACME_DNS_MESSAGE_MAX
#define CONFIG_ACME_DNS_MESSAGE_MAX 64

#include "acme/error.h"
#include "dns/client.h"
#include "proof_dns.h"

static struct acme_dns_client client;

/* Whether a piece of memory is the client's reply, or its request: an access from one into the
 * other would leave no object. */
static bool is_in(const void *data, size_t len, const uint8_t *memory, size_t size)
{
    const uint8_t *p = data;

    return __CPROVER_same_object(p, memory) && p >= memory && len <= size &&
           (size_t)(p - memory) <= size - len;
}

static bool is_message(const void *data, size_t len)
{
    return is_in(data, len, client.request, client.request_len) ||
           is_in(data, len, client.reply, sizeof(client.reply));
}

int any_compare(const void *a, const void *b, size_t len)
{
    PROVE(is_message(a, len) && is_message(b, len));
    return nondet_i32();
}

bool acme_str_equal_nocase(const char *a, size_t a_len, const char *b, size_t b_len)
{
    PROVE(is_message(a, a_len) && is_message(b, b_len));
    return nondet_bool();
}

bool acme_address_equal(const struct acme_address *a, const struct acme_address *b)
{
    PROVE(__CPROVER_r_ok(a, sizeof(*a)) && __CPROVER_r_ok(b, sizeof(*b)));
    return nondet_bool();
}

/* For the loops' invariants. */
static const struct acme_port port;
#define IS_CLIENT(c)                                                                               \
    ((c).request_len >= ACME_DNS_HEAD_SIZE && (c).request_len <= ACME_DNS_REQUEST_MAX &&           \
     (c).tries <= CONFIG_ACME_DNS_TRIES && (c).reply_len <= CONFIG_ACME_DNS_MESSAGE_MAX &&         \
     (c).out_sent <= (c).request_len + 2U && (c).in_len <= 2 && (c).state <= STATE_PAUSE)

#include "dns/client.c"

/* ---- the port: what acme/port.h promises ---- */

static int32_t any_recv(void *ctx, acme_handle stream, uint8_t *data, size_t size)
{
    int32_t n = nondet_i32();

    (void)ctx;
    (void)stream;
    PROVE(size > 0 && (is_in(data, size, client.reply, sizeof(client.reply)) ||
                       is_in(data, size, client.prefix, sizeof(client.prefix))));
    if (data >= client.reply) {
        uint8_t any[CONFIG_ACME_DNS_MESSAGE_MAX];

        memcpy(client.reply, any, sizeof(any));
    } else {
        client.prefix[0] = nondet_u8();
        client.prefix[1] = nondet_u8();
    }
    ASSUME(n < 0 || (n > 0 && (size_t)n <= size));
    return n;
}

static int32_t any_send(void *ctx, acme_handle stream, const uint8_t *data, size_t len)
{
    int32_t n = nondet_i32();

    (void)ctx;
    (void)stream;
    PROVE(len > 0 && __CPROVER_r_ok(data, len));
    PROVE(!__CPROVER_same_object(data, &client) ||
          is_in(data, len, client.request, client.request_len));
    ASSUME(n < 0 || (n > 0 && (size_t)n <= len));
    return n;
}

static int32_t any_connected(void *ctx, acme_handle stream)
{
    (void)ctx;
    (void)stream;
    return nondet_i32();
}

static int32_t any_send_to(void *ctx, acme_handle socket, const struct acme_address *to,
                           uint16_t to_port, const uint8_t *data, size_t len)
{
    (void)ctx;
    (void)socket;
    (void)to_port;
    PROVE(__CPROVER_r_ok(to, sizeof(*to)) && is_in(data, len, client.request, client.request_len));
    return nondet_i32();
}

static int32_t any_recv_from(void *ctx, acme_handle socket, struct acme_address *from,
                             uint16_t *from_port, uint8_t *data, size_t size)
{
    *from_port = nondet_u16();
    PROVE(__CPROVER_w_ok(from, sizeof(*from)));
    return any_recv(ctx, socket, data, size);
}

static uint64_t any_uptime(void *ctx)
{
    uint64_t ms = nondet_u64();

    (void)ctx;
    ASSUME(ms < UINT64_MAX / 2); /* it never wraps in the device's life */
    return ms;
}

static const struct acme_net_ops net = {
    .recv = any_recv, .send = any_send, .connected = any_connected};
static const struct acme_udp_ops udp = {.send_to = any_send_to, .recv_from = any_recv_from};
static const struct acme_clock_ops times = {.uptime_ms = any_uptime};
static const struct acme_port port = {.net = &net, .udp = &udp, .clock = &times};

struct acme_dns_client nondet_client(void);

static void any_client(void)
{
    client = nondet_client();
    client.port = &port;
    ASSUME(IS_CLIENT(client));
}

/* proof: question; unwind 2; any reply to any request */
/* calls: memcmp -> any_compare */
/* of: dns/client.c repeats_question; a reply that was begun; "question.rdata > c->request_len" ->
 * "question.rdata > c->request_len + 1u" */
/* plant: dns/client.c repeats_question; "c->reply + fixed, 4)" -> "c->reply + fixed, 40)" */
/* of: dns/client.c is_reply; len bytes of the reply; "acme_dns_read_begin(&reply, c->reply, len) ==
 * ACME_OK &&" -> "" */
void question(void)
{
    any_client();
    SHOW(is_reply(&client, any_size(sizeof(client.reply))));
}

bool any_is_reply(const struct acme_dns_client *c, size_t len)
{
    PROVE(c == &client && len <= sizeof(client.reply));
    return nondet_bool();
}

/* proof: datagrams; unwind 17; any datagrams of any number */
/* calls: is_reply -> any_is_reply */
/* of: dns/client.c poll_udp; a client with a socket; "sizeof(c->reply));" -> "sizeof(c->reply) +
 * 1);"
 */
void datagrams(void)
{
    int32_t rc;

    any_client();
    rc = poll_udp(&client);
    PROVE(IS_CLIENT(client));
    SHOW(rc == ACME_OK && client.reply_len == 64);
}

/* proof: stream; unwind 4; a reply in any pieces */
/* calls: is_reply -> any_is_reply */
/* invariant: dns/client.c recv_tcp; "while (c->reply_len < want) {"; __CPROVER_assigns(n,
 * __CPROVER_object_whole(c)) __CPROVER_loop_invariant(IS_CLIENT(*c) && c->port == &port &&
 * c->reply_len <= want) __CPROVER_decreases(want - c->reply_len) */
/* invariant: dns/client.c send_tcp; "while (c->out_sent < c->request_len + 2u) {";
 * __CPROVER_assigns(c->out_sent) __CPROVER_loop_invariant(c->out_sent <= c->request_len + 2u)
 * __CPROVER_decreases(c->request_len + 2u - c->out_sent) */
/* of: dns/client.c recv_tcp; a client with a stream, of which no more was read than the prefix
 * says; "want > sizeof(c->reply)" -> "want > sizeof(c->reply) + 1" */
/* plant: dns/client.c recv_tcp; "want - c->reply_len);" -> "sizeof(c->reply));" */
/* of: dns/client.c recv_prefix; a client with a stream; "sizeof(c->prefix) - c->in_len" ->
 * "sizeof(c->prefix)" */
/* of: dns/client.c send_tcp; a client with a stream; "at < 2 ? 2 - at" -> "at < 2 ? 2" */
/* of: dns/client.c poll_tcp; a client with a stream; "? recv_tcp(c) : rc" -> "? (c->in_len++,
 * recv_tcp(c)) : rc" */
void stream(void)
{
    int32_t rc;

    any_client();
    /* What the first calls have read: nothing of the reply before its length is known. */
    ASSUME(client.in_len == 2 || client.reply_len == 0);
    ASSUME(client.reply_len <= ((size_t)client.prefix[0] << 8 | client.prefix[1]));
    rc = poll_tcp(&client);
    PROVE(IS_CLIENT(client));
    SHOW(rc == ACME_OK && client.reply_len == 64);
}

int32_t any_again(struct acme_dns_client *c, int32_t error, uint32_t pause_ms)
{
    (void)error;
    (void)pause_ms;
    PROVE(IS_CLIENT(*c));
    c->state = nondet_bool() ? STATE_IDLE : STATE_PAUSE;
    return c->state == STATE_IDLE ? error : ACME_ERR_AGAIN;
}

int32_t any_try(struct acme_dns_client *c, bool tcp)
{
    (void)tcp;
    PROVE(c->tries < CONFIG_ACME_DNS_TRIES);
    c->tries++;
    c->state = tcp || nondet_bool() ? STATE_TCP : STATE_UDP;
    return nondet_bool() ? ACME_OK : ACME_ERR_NET;
}

void any_close(struct acme_dns_client *c)
{
    (void)c;
}

int32_t any_poll(struct acme_dns_client *c)
{
    int32_t rc = nondet_i32();

    PROVE(IS_CLIENT(*c) && c->tries > 0);
    c->reply_len = (uint32_t)any_size(sizeof(c->reply));
    ASSUME(rc <= 0); /* as acme/port.h says */
    return rc;
}

/* proof: machine; unwind 2; one step with any reply or none */
/* calls: again -> any_again */
/* calls: begin_try -> any_try */
/* calls: close_all -> any_close */
/* calls: poll_udp -> any_poll */
/* calls: poll_tcp -> any_poll */
/* of: dns/client.c on_reply; a client that has a reply; "PAUSE_MS << (c->tries - 1)" -> "PAUSE_MS
 * << (c->tries + 31)" */
/* of: dns/client.c step; a client that was started; "rc = begin_try(c, false);" -> "rc =
 * begin_try(c, false);\n        c->tries = 0;" */
/* of: dns/client.c acme_dns_client_rcode; a client; "c->reply[3]" -> "c->reply[sizeof(c->reply)]"
 */
void machine(void)
{
    int32_t rc;

    any_client();
    ASSUME(client.state != STATE_IDLE);
    ASSUME(client.state == STATE_PAUSE ? client.tries < CONFIG_ACME_DNS_TRIES : client.tries > 0);
    rc = step(&client);
    PROVE(IS_CLIENT(client));
    PROVE(rc != MORE || client.state == STATE_TCP); /* so that poll goes on once */
    SHOW(rc == ACME_OK);
    SHOW(rc == MORE);
}

/* not: dns/client.c acme_dns_client_init acme_dns_random now_ms close_all acme_dns_client_stop
 * open_tcp open_udp begin_try acme_dns_client_start acme_dns_client_ask again acme_dns_client_poll;
 * they read no foreign byte: sockets, times and what is asked */
