/*
 * Chunked bodies (RFC 9112 7.1): whatever is cut into chunks, with extensions and trailers, comes
 * out as it was, however it arrives; what ends early is not taken for whole; what follows is not
 * touched. The first bytes say how it is cut.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "net/http.h"
#include "script.h"

#define BODY_MAX 2048u

static uint8_t got[BODY_MAX];
static size_t got_len;

static int32_t collect(void *ctx, const uint8_t *data, size_t len)
{
    (void)ctx;
    CHECK(len > 0 && len <= sizeof(got) - got_len);
    memcpy(got + got_len, data, len);
    got_len += len;
    return ACME_OK;
}

/* A response with the body in chunks of the script's lengths. */
static size_t write_response(struct script *s, const uint8_t *body, size_t len, char *out,
                             size_t size)
{
    static const char *const ends[] = {"", ";a", ";a=\"b;c\"", ";x=y;z=\"\\\"\""};
    size_t at =
        (size_t)snprintf(out, size, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    size_t done = 0;

    while (done < len) {
        uint8_t how = script_byte(s);
        size_t n = how % 64u + 1u;

        n = n < len - done ? n : len - done;
        at += (size_t)snprintf(out + at, size - at, how % 3 == 0 ? "%zX%s\r\n" : "%04zx%s\r\n", n,
                               ends[how / 64u]);
        memcpy(out + at, body + done, n);
        memcpy(out + at + n, "\r\n", 2);
        at += n + 2;
        done += n;
    }
    return at + (size_t)snprintf(out + at, size - at, "0\r\n%s\r\n",
                                 script_byte(s) % 2 == 0 ? "" : "X-Trailer: 1\r\n");
}

static int32_t feed(const char *text, size_t len, uint32_t limit, size_t piece, size_t *taken)
{
    struct acme_http_parser p;
    int32_t rc = ACME_ERR_AGAIN;

    *taken = got_len = 0;
    acme_http_parser_init(&p, false, limit, collect, NULL);
    while (rc == ACME_ERR_AGAIN && *taken < len) {
        size_t n = piece < len - *taken ? piece : len - *taken, used = SIZE_MAX;

        rc = acme_http_parser_feed(&p, (const uint8_t *)text + *taken, n, &used);
        CHECK(used <= n);
        *taken += used;
    }
    CHECK(rc != ACME_ERR_AGAIN || acme_http_parser_finish(&p, true) == ACME_ERR_CLOSED);
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char text[BODY_MAX * 24u];
    struct script s = {data, size};
    size_t piece = script_byte(&s) + 1u, cut = script_word(&s), taken, len, body_len;
    const uint8_t *body = data;

    body_len = size / 2 < BODY_MAX ? size / 2 : BODY_MAX;
    body += size - body_len;
    len = write_response(&s, body, body_len, text, sizeof(text) - 8);
    memcpy(text + len, "HTTP/1.1", 8); /* of the next response */
    CHECK(feed(text, len + 8, BODY_MAX, piece, &taken) == ACME_OK && taken == len);
    CHECK(got_len == body_len && (body_len == 0 || memcmp(got, body, body_len) == 0));
    CHECK(feed(text, cut % len, BODY_MAX, piece, &taken) == ACME_ERR_AGAIN);
    CHECK(got_len <= body_len && (got_len == 0 || memcmp(got, body, got_len) == 0));
    if (body_len > 0) {
        CHECK(feed(text, len, (uint32_t)body_len - 1u, piece, &taken) == ACME_ERR_HTTP_LIMIT);
    }
    return 0;
}
