/*
 * The servers behind the script. Streams are anybody's: a name server over TCP, a CA, a web server;
 * some connect to the device's own listener, and some of those hand back what they were sent.
 */
#include "name_server.h"

#include <string.h>

#define LISTENER 9
#define STREAMS  8

static struct script *script;
static uint8_t request[2048];
static size_t request_len;
static bool answered, reached; /* the datagram; a stream leads back to the listener */
static bool open_streams[STREAMS];
static uint64_t now;
uint32_t name_server_requests;

void name_server_begin(struct script *s)
{
    script = s;
    now = 0;
    name_server_requests = 0;
    request_len = 0;
    answered = true;
    reached = false;
    memset(open_streams, 0, sizeof(open_streams));
}

void name_server_wait(uint32_t ms)
{
    now += ms;
}

static void take_request(const uint8_t *data, size_t len)
{
    if (len <= sizeof(request)) {
        memcpy(request, data, len);
        request_len = len;
    }
    answered = false;
    name_server_requests++;
}

/* The next reply: how it is made, its length, its bytes. */
static size_t make_reply(uint8_t *data, size_t size)
{
    uint8_t how = script_byte(script);
    size_t len = (size_t)script_byte(script) * ((how & 4) != 0 ? 4 : 1), i;

    len = len < size ? len : size;
    for (i = 0; i < len; i++) {
        data[i] = script_byte(script);
    }
    if (len >= 12 && (how & 1) != 0) {
        size_t question = request_len < len ? request_len : len;

        if ((how & 2) != 0) { /* the question too, and as many records as there were */
            uint8_t counts[6];

            memcpy(counts, data + 6, sizeof(counts));
            memcpy(data, request, question < 300 ? question : 300);
            memcpy(data + 6, counts, sizeof(counts));
        }
        memcpy(data, request, 2);
        data[2] = (uint8_t)((request[2] & 0x79) | 0x80 | (data[2] & 6));
    }
    return len;
}

/* ---- UDP ---- */

static acme_handle open_udp(void *ctx, uint8_t family, uint16_t local_port)
{
    (void)ctx;
    (void)family;
    (void)local_port;
    return 100;
}

static int32_t send_to(void *ctx, acme_handle socket, const struct acme_address *to, uint16_t port,
                       const uint8_t *data, size_t len)
{
    (void)ctx;
    (void)to;
    (void)port;
    CHECK(socket == 100 && len >= 12);
    take_request(data, len);
    return ACME_OK;
}

static int32_t recv_from(void *ctx, acme_handle socket, struct acme_address *from, uint16_t *port,
                         uint8_t *data, size_t size)
{
    size_t len;

    (void)ctx;
    (void)socket;
    if (answered) {
        return ACME_ERR_AGAIN;
    }
    answered = true;
    memset(from, 0, sizeof(*from));
    from->family = 4;
    memcpy(from->bytes, "\x7f\0\0\1", 4);
    *port = 53;
    len = make_reply(data, size);
    return len > 0 ? (int32_t)len : ACME_ERR_AGAIN;
}

static void close_udp(void *ctx, acme_handle handle)
{
    (void)ctx;
    CHECK(handle == 100);
}

static const struct acme_udp_ops udp = {open_udp, send_to, recv_from, close_udp};

/* ---- streams ---- */

static acme_handle new_stream(void)
{
    acme_handle i;

    for (i = 0; i < STREAMS; i++) {
        if (!open_streams[i]) {
            open_streams[i] = true;
            return i;
        }
    }
    return ACME_ERR_LIMIT;
}

static acme_handle connect_tcp(void *ctx, const char *host, uint16_t port)
{
    uint8_t how = script_byte(script) % 8;

    (void)ctx;
    CHECK(host != NULL && host[0] != '\0' && port != 0);
    reached = reached || how == 6;
    return how == 7 ? ACME_ERR_CONNECT : new_stream();
}

static int32_t connected(void *ctx, acme_handle handle)
{
    (void)ctx;
    CHECK(handle >= 0 && handle < STREAMS && open_streams[handle]);
    return script->len > 0 && script_byte(script) % 16 == 15 ? ACME_ERR_CONNECT : ACME_OK;
}

static int32_t send_tcp(void *ctx, acme_handle handle, const uint8_t *data, size_t len)
{
    (void)ctx;
    CHECK(handle >= 0 && handle < STREAMS && open_streams[handle]);
    if (len > 2) {
        take_request(data, len);
    }
    return (int32_t)len;
}

/* A stream of whatever comes next, or of what was sent. */
static int32_t recv_tcp(void *ctx, acme_handle handle, uint8_t *data, size_t size)
{
    size_t i, len = script_byte(script) % 64;

    (void)ctx;
    CHECK(handle >= 0 && handle < STREAMS && open_streams[handle]);
    if (len == 0 || script->len == 0) {
        return ACME_ERR_CLOSED;
    }
    len = len < size ? len : size;
    if (len == 63 && request_len > 0) {
        len = request_len < size ? request_len : size;
        memcpy(data, request, len);
        return (int32_t)len;
    }
    for (i = 0; i < len; i++) {
        data[i] = script_byte(script);
    }
    return (int32_t)len;
}

static void close_tcp(void *ctx, acme_handle handle)
{
    (void)ctx;
    CHECK(handle >= 0 && handle < STREAMS && open_streams[handle]);
    open_streams[handle] = false;
}

static acme_handle listen_tcp(void *ctx, uint16_t port)
{
    (void)ctx;
    (void)port;
    return script_byte(script) % 16 == 15 ? ACME_ERR_LISTEN : LISTENER;
}

static acme_handle accept_tcp(void *ctx, acme_handle listener)
{
    (void)ctx;
    CHECK(listener == LISTENER);
    if (!reached) {
        return ACME_ERR_AGAIN;
    }
    reached = false;
    return new_stream();
}

static void unlisten(void *ctx, acme_handle listener)
{
    (void)ctx;
    CHECK(listener == LISTENER);
}

static const struct acme_net_ops net = {connect_tcp, connected,  send_tcp,   recv_tcp,
                                        close_tcp,   listen_tcp, accept_tcp, unlisten};

/* ---- the clock ---- */

static uint64_t uptime_ms(void *ctx)
{
    (void)ctx;
    now += 50; /* time passes */
    return now;
}

static int32_t wall_s(void *ctx, int64_t *unix_s)
{
    (void)ctx;
    *unix_s = 1700000000;
    return ACME_OK;
}

static const struct acme_clock_ops clock_ops = {uptime_ms, wall_s};

const struct acme_port name_server_port = {.net = &net, .clock = &clock_ops, .udp = &udp};
