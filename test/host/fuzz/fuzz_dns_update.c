/*
 * Fuzzes what name servers answer to the DNS UPDATE provider, and to the check after it: replies of
 * any kind, with the id and question that belong to the request or without. Each operation ends in
 * a bounded number of requests, and none without the key is taken for done.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <psa/crypto.h>

#include "acme/dns_update.h"
#include "acme_posix.h"
#include "dns_message.h"
#include "entropy.h"

static const uint8_t *input;
static size_t input_len;
static uint8_t request[2048];
static size_t request_len;
static bool answered, stream;
static uint64_t now;
static uint32_t requests;

static void check(bool condition)
{
    if (!condition) {
        abort();
    }
}

static uint8_t next_byte(void)
{
    uint8_t b = input_len > 0 ? *input : 0;

    input += input_len > 0 ? 1 : 0;
    input_len -= input_len > 0 ? 1 : 0;
    return b;
}

/* The next reply: how it is made, its length, its bytes. */
static size_t make_reply(uint8_t *data, size_t size)
{
    uint8_t how = next_byte();
    size_t len = (size_t)next_byte() * ((how & 4) != 0 ? 4 : 1), i;

    len = len < size ? len : size;
    for (i = 0; i < len; i++) {
        data[i] = next_byte();
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

static acme_handle open_udp(void *ctx, uint8_t family, uint16_t local_port)
{
    (void)ctx;
    (void)family;
    (void)local_port;
    return 1;
}

static int32_t send_to(void *ctx, acme_handle socket, const struct acme_address *to, uint16_t port,
                       const uint8_t *data, size_t len)
{
    (void)ctx;
    (void)socket;
    (void)to;
    (void)port;
    check(len <= sizeof(request) && len >= 12);
    memcpy(request, data, len);
    request_len = len;
    answered = false;
    requests++;
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

static void close_any(void *ctx, acme_handle handle)
{
    (void)ctx;
    (void)handle;
}

static const struct acme_udp_ops udp = {open_udp, send_to, recv_from, close_any};

static acme_handle connect_tcp(void *ctx, const char *host, uint16_t port)
{
    (void)ctx;
    (void)host;
    (void)port;
    stream = false;
    return next_byte() % 8 == 7 ? ACME_ERR_CONNECT : 2;
}

static int32_t connected(void *ctx, acme_handle handle)
{
    (void)ctx;
    (void)handle;
    return ACME_OK;
}

static int32_t send_tcp(void *ctx, acme_handle handle, const uint8_t *data, size_t len)
{
    (void)ctx;
    (void)handle;
    if (len > 2 && len <= sizeof(request)) {
        memcpy(request, data, len);
        request_len = len;
        requests++;
    }
    return (int32_t)len;
}

/* A stream of whatever comes next. */
static int32_t recv_tcp(void *ctx, acme_handle handle, uint8_t *data, size_t size)
{
    size_t i, len = next_byte() % 64;

    (void)ctx;
    (void)handle;
    if (len == 0 || input_len == 0) {
        return ACME_ERR_CLOSED;
    }
    len = len < size ? len : size;
    for (i = 0; i < len; i++) {
        data[i] = next_byte();
    }
    return (int32_t)len;
}

static const struct acme_net_ops net = {connect_tcp, connected, send_tcp, recv_tcp,
                                        close_any,   NULL,      NULL,     NULL};

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
static const struct acme_port port = {.net = &net, .clock = &clock_ops, .udp = &udp};

static void found(void *ctx, const char *text, size_t len)
{
    (void)ctx;
    check(memchr(text, 0, len) == NULL || len > 0);
}

static int32_t run(acme_dns_update *u, const struct acme_dns_record *record, int what)
{
    const struct acme_dns_ops *ops = &acme_dns_update_ops;
    int32_t rc = ACME_ERR_AGAIN;
    uint32_t wait;
    int i;

    requests = 0;
    for (i = 0; i < 3000 && rc == ACME_ERR_AGAIN; i++) {
        wait = 1000;
        now += 200;
        rc = what == 0   ? ops->present(u, record, &wait)
             : what == 1 ? ops->ready(u, record, &wait)
             : what == 2 ? ops->cleanup(u, record, &wait)
                         : ops->lookup(u, record->name, found, NULL, &wait);
    }
    if (what != 1) { /* ready goes on until the caller ends it */
        check(rc != ACME_ERR_AGAIN && requests < 2000);
    }
    ops->stop(u);
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static _Alignas(8) uint8_t memory[ACME_DNS_UPDATE_SIZE];
    static const uint8_t secret[] = "a secret that no input knows";
    static const struct acme_tsig_key key = {
        .name = "key.example", .secret = secret, .secret_len = sizeof(secret)};
    static const struct acme_dns_update_config config = {
        .port = &port, .server = "127.0.0.1", .key = &key};
    static const struct acme_dns_record record = {"_acme-challenge.example.org", "value"};
    static bool ready;
    acme_dns_update *update;

    if (!ready) {
        acme_entropy_bind(&acme_posix_entropy_ops, NULL);
        check(psa_crypto_init() == PSA_SUCCESS);
        ready = true;
    }
    input = data;
    input_len = size;
    now = 0;
    check(acme_dns_update_init(&update, &config, memory, sizeof(memory)) == ACME_OK);
    check(run(update, &record, 0) != ACME_OK);
    check(run(update, &record, 2) != ACME_OK);
    (void)run(update, &record, 1);
    (void)run(update, &record, 3);
    return 0;
}
