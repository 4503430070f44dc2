/*
 * The http-01 responder. Requests are hostile: only the request line is looked at, everything is
 * bounded in bytes and time, and nothing of the request is ever sent back. It must not know what
 * it proves.
 */
#include "challenge/http.h"

#if defined(CONFIG_ACME_HTTP_01)
#include <string.h>

#include "base/assert.h"
#include "base/buf.h"

#define PREFIX       "/.well-known/acme-challenge/"
#define HEAD_MAX     8192u
#define TIMEOUT_MS   10000u
#define YIELD_MS     250u  /* a connection that speaks has spoken by then */
#define STALLED_MS   2000u /* and has said what it wants, if a segment of it was lost */
#define TOKEN_KNOWN  8u    /* who begins with so much of a token has been told it */
#define RESPONSE_MAX 512u

enum stream_state { STREAM_FREE, STREAM_READ, STREAM_ANSWER, STREAM_REFUSE };

void acme_responder_init(struct acme_responder *r, const struct acme_net_ops *net, void *net_ctx)
{
    memset(r, 0, sizeof(*r));
    r->net = net;
    r->net_ctx = net_ctx;
    r->listener = ACME_HANDLE_NONE;
}

int32_t acme_responder_open(struct acme_responder *r, uint16_t port)
{
    if (r->listener == ACME_HANDLE_NONE) {
        acme_handle handle = r->net->listen(r->net_ctx, port);

        if (handle < 0) {
            return handle;
        }
        r->listener = handle;
    }
    return ACME_OK;
}

void acme_responder_set(struct acme_responder *r, const char *token, const char *key_authorization)
{
    r->token = token;
    r->key_authorization = key_authorization;
    r->served = 0;
}

static void drop(struct acme_responder *r, struct acme_responder_stream *s)
{
    ACME_ASSERT(s->state != STREAM_FREE);
    r->net->close(r->net_ctx, s->handle);
    s->state = STREAM_FREE;
}

/* Takes a connection that waits, and drops the one that the stream has had, if any. Whether there
 * may be more. */
static bool accept_one(struct acme_responder *r, struct acme_responder_stream *s, uint32_t now_ms)
{
    acme_handle handle = r->net->accept(r->net_ctx, r->listener);

    if (handle < 0) {
        return false;
    }
    if (s->state != STREAM_FREE) {
        drop(r, s);
    }
    memset(s, 0, sizeof(*s));
    s->handle = handle;
    s->state = STREAM_READ;
    s->deadline_ms = now_ms + TIMEOUT_MS;
    return true;
}

/* A character of the beginning of the one good request, and NUL after it: GET, the path with our
 * token, and HTTP/1.x. */
static char wanted(const struct acme_responder *r, size_t at)
{
    static const char head[] = "GET " PREFIX, tail[] = " HTTP/1.";
    size_t len;

    if (r->token == NULL) {
        return '\0';
    }
    if (at < sizeof(head) - 1) {
        return head[at];
    }
    at -= sizeof(head) - 1;
    len = strlen(r->token);
    if (at < len) {
        return r->token[at];
    }
    at -= len;
    /* A stream may have matched more than there is to match: the token of before was longer. */
    return at < sizeof(tail) ? tail[at] : '\0';
}

static void take(const struct acme_responder *r, struct acme_responder_stream *s,
                 const uint8_t *data, size_t len)
{
    ACME_ASSERT(s->matched <= s->head_len);
    for (; len > 0 && s->newlines < 2; data++, len--) {
        if (s->matched == s->head_len && *data != '\0' && *data == (uint8_t)wanted(r, s->matched)) {
            s->matched++;
        }
        s->head_len++;
        if (*data == '\n') {
            s->newlines++;
        } else if (*data != '\r') {
            s->newlines = 0;
        }
    }
}

/* Reads until the port says "try later": only then will it call again. The head's limit ends it. */
static int32_t read_some(struct acme_responder *r, struct acme_responder_stream *s)
{
    while (s->newlines < 2) {
        uint8_t data[128];
        int32_t n = r->net->recv(r->net_ctx, s->handle, data, sizeof(data));

        if (n < 0) {
            return n;
        }
        take(r, s, data, (size_t)n);
        if (s->head_len > HEAD_MAX) {
            return ACME_ERR_HTTP_LIMIT;
        }
    }
    s->state = r->token != NULL && wanted(r, s->matched) == '\0' ? STREAM_ANSWER : STREAM_REFUSE;
    return ACME_OK;
}

static int32_t answer(struct acme_responder *r, struct acme_responder_stream *s)
{
    char text[RESPONSE_MAX];
    struct acme_buf b;
    bool ours = s->state == STREAM_ANSWER && r->key_authorization != NULL;
    const char *content = ours ? r->key_authorization : "not found\n";

    acme_buf_init(&b, text, sizeof(text));
    acme_buf_add_form(&b,
                      "HTTP/1.1 $\r\nContent-Type: application/octet-stream\r\n"
                      "Content-Length: #\r\nConnection: close\r\n\r\n$",
                      ours ? "200 OK" : "404 Not Found", (uint32_t)strlen(content), content);
    ACME_ASSERT(s->state == STREAM_ANSWER || s->state == STREAM_REFUSE);
    while (s->sent < b.len) {
        int32_t n =
            r->net->send(r->net_ctx, s->handle, (const uint8_t *)text + s->sent, b.len - s->sent);

        if (n < 0) {
            return n;
        }
        s->sent = (uint16_t)(s->sent + n);
    }
    r->served += ours;
    return ACME_OK;
}

static void serve(struct acme_responder *r, struct acme_responder_stream *s, uint32_t now_ms)
{
    int32_t rc = ACME_OK;

    if (s->state == STREAM_READ) {
        rc = read_some(r, s);
    }
    if (s->state >= STREAM_ANSWER) {
        rc = answer(r, s);
    }
    if (s->state != STREAM_FREE &&
        (rc != ACME_ERR_AGAIN || (int32_t)(now_ms - s->deadline_ms) > 0)) {
        drop(r, s);
    }
}

/* Whether a stream may go when another is wanted: it has said nothing for a while, or words that
 * are not the CA's; or what anybody could say, and not all of it for longer. */
static bool may_yield(const struct acme_responder *r, const struct acme_responder_stream *s,
                      uint32_t now_ms)
{
    uint32_t age_ms = now_ms + TIMEOUT_MS - s->deadline_ms;

    if (s->state == STREAM_READ && s->head_len == 0) {
        return age_ms >= YIELD_MS;
    }
    if (s->state == STREAM_READ && (s->head_len == s->matched || wanted(r, s->matched) == '\0')) {
        return s->matched < sizeof(PREFIX) + sizeof("GET") + TOKEN_KNOWN - 1 &&
               age_ms >= STALLED_MS;
    }
    return s->state != STREAM_ANSWER;
}

/* A stream for a connection that waits: a free one, else the oldest of those that may yield. Or
 * NULL. */
static struct acme_responder_stream *find_room(struct acme_responder *r, uint32_t now_ms)
{
    struct acme_responder_stream *found = NULL;
    size_t i;

    for (i = 0; i < CONFIG_ACME_HTTP_01_STREAMS; i++) {
        struct acme_responder_stream *s = &r->streams[i];

        if (s->state == STREAM_FREE) {
            return s;
        }
        if (may_yield(r, s, now_ms) &&
            (found == NULL || (int32_t)(s->deadline_ms - found->deadline_ms) < 0)) {
            found = s;
        }
    }
    return found;
}

void acme_responder_poll(struct acme_responder *r, uint64_t now_ms)
{
    uint32_t now = (uint32_t)now_ms; /* its wrap is no matter for what ends in seconds */
    size_t i;

    for (i = 0; i < CONFIG_ACME_HTTP_01_STREAMS; i++) {
        serve(r, &r->streams[i], now);
    }
    /* As many may come in one call as there are streams: nobody can keep it busy. */
    for (i = 0; i < CONFIG_ACME_HTTP_01_STREAMS && r->listener != ACME_HANDLE_NONE; i++) {
        struct acme_responder_stream *s = find_room(r, now);

        if (s == NULL || !accept_one(r, s, now)) {
            return;
        }
        serve(r, s, now);
    }
}

void acme_responder_close(struct acme_responder *r)
{
    size_t i;

    for (i = 0; i < CONFIG_ACME_HTTP_01_STREAMS; i++) {
        if (r->streams[i].state != STREAM_FREE) {
            drop(r, &r->streams[i]);
        }
    }
    if (r->listener != ACME_HANDLE_NONE) {
        r->net->unlisten(r->net_ctx, r->listener);
        r->listener = ACME_HANDLE_NONE;
    }
    acme_responder_set(r, NULL, NULL);
}
#endif
