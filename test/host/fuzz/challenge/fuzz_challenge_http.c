/*
 * Requests to the http-01 responder, from several hostile peers at once, in pieces: the proof goes
 * to whoever asks for it in the one way there is, and to nobody else; each answer is one of two;
 * nobody is listened to for ever, and every connection is closed.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "challenge/challenge.h"
#include "script.h"

#define PEERS 3
#define TOKEN "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0"
#define PROOF TOKEN ".9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI"
#define GOOD  "GET /.well-known/acme-challenge/" TOKEN " HTTP/1."

static struct script script;
static struct {
    char said[10000], heard[1024];
    size_t said_len, heard_len;
    bool open, silent;
} peers[PEERS];
static int accepted;

static acme_handle f_accept(void *ctx, acme_handle listener)
{
    (void)ctx;
    (void)listener;
    if (accepted == PEERS) {
        return ACME_ERR_AGAIN;
    }
    peers[accepted].open = true;
    return accepted++;
}

/* The next piece: of the good request, or whatever the script says. */
static int32_t f_recv(void *ctx, acme_handle h, uint8_t *data, size_t size)
{
    uint8_t what = script_byte(&script);
    const uint8_t *piece;
    size_t len;

    (void)ctx;
    CHECK(h >= 0 && h < PEERS && peers[h].open);
    if (peers[h].silent || what % 8 == 0) {
        return ACME_ERR_AGAIN;
    }
    if (what % 8 == 1 || script.len == 0) {
        return ACME_ERR_CLOSED;
    }
    if (what % 8 < 4) {
        static const char good[] = GOOD "1\r\nHost: device\r\n\r\n";
        size_t at = peers[h].said_len % (sizeof(good) - 1);

        piece = (const uint8_t *)good + at;
        len = sizeof(good) - 1 - at;
        len = what / 8u + 1u < len && what < 128 ? what / 8u + 1u : len;
    } else {
        piece = script_bytes(&script, &len);
    }
    len = len < size ? len : size;
    if (len == 0) {
        return ACME_ERR_AGAIN;
    }
    CHECK(len <= sizeof(peers[h].said) - peers[h].said_len); /* a request has an end */
    memcpy(data, piece, len);
    memcpy(peers[h].said + peers[h].said_len, piece, len);
    peers[h].said_len += len;
    return (int32_t)len;
}

static int32_t f_send(void *ctx, acme_handle h, const uint8_t *data, size_t len)
{
    uint8_t what = script_byte(&script);

    (void)ctx;
    CHECK(h >= 0 && h < PEERS && peers[h].open && len > 0);
    if (what % 4 == 3) {
        return what % 8 == 3 ? ACME_ERR_AGAIN : ACME_ERR_NET;
    }
    len = what % 4 == 2 ? 1 : len;
    CHECK(len <= sizeof(peers[h].heard) - peers[h].heard_len);
    memcpy(peers[h].heard + peers[h].heard_len, data, len);
    peers[h].heard_len += len;
    return (int32_t)len;
}

static void f_close(void *ctx, acme_handle h)
{
    (void)ctx;
    CHECK(h >= 0 && h < PEERS && peers[h].open);
    peers[h].open = false;
}

static acme_handle f_listen(void *ctx, uint16_t port)
{
    (void)ctx;
    (void)port;
    return PEERS;
}

static void f_unlisten(void *ctx, acme_handle listener)
{
    (void)ctx;
    CHECK(listener == PEERS);
}

static const struct acme_net_ops net = {NULL,    NULL,     f_send,   f_recv,
                                        f_close, f_listen, f_accept, f_unlisten};

/* What a peer was told is the beginning of the answer that its request deserves. */
static uint32_t check_peer(int i)
{
    static const char ok[] = "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n"
                             "Content-Length: 87\r\nConnection: close\r\n\r\n" PROOF;
    static const char no[] = "HTTP/1.1 404 Not Found\r\nContent-Type: application/octet-stream\r\n"
                             "Content-Length: 10\r\nConnection: close\r\n\r\nnot found\n";
    bool good =
        peers[i].said_len >= sizeof(GOOD) - 1 && memcmp(peers[i].said, GOOD, sizeof(GOOD) - 1) == 0;
    const char *want = good ? ok : no;

    CHECK(peers[i].heard_len <= strlen(want));
    CHECK(memcmp(peers[i].heard, want, peers[i].heard_len) == 0);
    CHECK(!peers[i].open);
    return good && peers[i].heard_len == strlen(want);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct acme_responder r;
    uint32_t served = 0, told = 0;
    uint64_t now = 0;
    int i;

    script = (struct script){data, size};
    memset(peers, 0, sizeof(peers));
    accepted = 0;
    acme_responder_init(&r, &net, NULL);
    CHECK(acme_responder_open(&r, 80) == ACME_OK);
    acme_responder_set(&r, TOKEN, PROOF);
    for (i = 0; i < 200 && (script.len > 0 || i < 4); i++) {
        acme_responder_poll(&r, now);
        now += 7;
    }
    for (i = 0; i < PEERS; i++) {
        peers[i].silent = true;
    }
    for (i = 0; i < 8; i++) { /* whoever says nothing more is dropped in time */
        acme_responder_poll(&r, now += 10001);
    }
    served = r.served;
    for (i = 0; i < PEERS; i++) {
        told += check_peer(i);
    }
    CHECK(told == served);
    acme_responder_close(&r);
    return 0;
}
