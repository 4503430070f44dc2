/*
 * The behaviour of http: every sample response is parsed at once, byte by byte and split at each
 * position, and must come out the same; every refusal has its own case.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "net/http.h"
#include "net/http_date.h"

#define BODY_LIMIT 64
#define OK_LINE    "HTTP/1.1 200 OK\r\n"
#define EMPTY      "Content-Length: 0\r\n"
#define CHUNKED    OK_LINE "Transfer-Encoding: chunked\r\n\r\n"
/* A response with no more than these fields, and no body. */
#define WITH(fields) OK_LINE fields EMPTY "\r\n"

struct outcome {
    struct acme_http_response response;
    int32_t rc;       /* of the last feed */
    int32_t finished; /* of finish */
    size_t used;
    size_t body_len;
    uint8_t body[BODY_LIMIT];
};

static int32_t collect(void *ctx, const uint8_t *data, size_t len)
{
    struct outcome *o = ctx;

    assert_true(len > 0 && len <= sizeof(o->body) - o->body_len);
    memcpy(o->body + o->body_len, data, len);
    o->body_len += len;
    return ACME_OK;
}

/* Feeds text in pieces: the first of `first` bytes, the rest of `step` bytes each. */
static void run_split(const char *text, size_t len, bool head, size_t first, size_t step,
                      struct outcome *o)
{
    struct acme_http_parser p;
    size_t at = 0, piece = first;

    memset(o, 0, sizeof(*o));
    acme_http_parser_init(&p, head, BODY_LIMIT, collect, o);
    o->rc = ACME_ERR_AGAIN;
    while (o->rc == ACME_ERR_AGAIN && at < len) {
        size_t n = piece < len - at ? piece : len - at;
        size_t used = SIZE_MAX;

        o->rc = acme_http_parser_feed(&p, (const uint8_t *)text + at, n, &used);
        assert_true(used <= n && (used == n || o->rc != ACME_ERR_AGAIN));
        at += used;
        piece = step;
    }
    o->used = at;
    o->response = p.response;
    o->finished = acme_http_parser_finish(&p, true);
}

static void assert_same(const struct outcome *a, const struct outcome *b)
{
    assert_int_equal(a->rc, b->rc);
    assert_int_equal(a->finished, b->finished);
    assert_int_equal(a->used, b->used);
    assert_int_equal(a->body_len, b->body_len);
    assert_memory_equal(a->body, b->body, a->body_len);
    assert_memory_equal(&a->response, &b->response, sizeof(a->response));
}

static void parse_n(const char *text, size_t len, bool head, struct outcome *o)
{
    struct outcome other;

    run_split(text, len, head, len, 1, o);
    run_split(text, len, head, 1, 1, &other);
    assert_same(o, &other);
    for (size_t first = 0; first < len && first < 1000; first++) {
        run_split(text, len, head, first, len, &other);
        assert_same(o, &other);
    }
}

static void parse(const char *text, struct outcome *o)
{
    parse_n(text, strlen(text), false, o);
}

static void assert_parses(const char *text, struct outcome *o)
{
    parse(text, o);
    assert_int_equal(o->rc, ACME_OK);
    assert_int_equal(o->finished, ACME_OK);
    assert_int_equal(o->used, strlen(text));
}

static void assert_refused(const char *text, int32_t want)
{
    struct outcome o;

    parse(text, &o);
    if (o.rc != want) {
        print_message("not refused as it should be: %s\n", text);
    }
    assert_int_equal(o.rc, want);
    assert_int_equal(o.finished, ACME_ERR_CLOSED);
}

static void assert_limit(const char *text, int id, size_t size)
{
    struct outcome o;

    assert_refused(text, ACME_ERR_HTTP_LIMIT);
    run_split(text, strlen(text), false, 1, 1, &o);
    assert_int_equal(o.response.limit.id, id);
    assert_int_equal(o.response.limit.size, size);
}

static void assert_body(const struct outcome *o, const char *want)
{
    assert_int_equal(o->body_len, strlen(want));
    assert_int_equal(o->response.body_len, o->body_len);
    assert_memory_equal(o->body, want, o->body_len);
}

static void test_new_order(void **state)
{
    struct outcome o;

    (void)state;
    assert_parses("HTTP/1.1 201 Created\r\n"
                  "Server: nginx\r\n"
                  "DATE: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                  "content-type: application/json\r\n"
                  "Content-Length: 20\r\n"
                  "Cache-Control: public, max-age=0, no-cache\r\n"
                  "Link: <https://ca.example/dir>;rel=\"index\"\r\n"
                  "Location:\t https://ca.example/order/7 \t\r\n"
                  "replay-nonce:oFvnlFP1wIhRlYS2jTaXbA_-\r\n"
                  "Retry-After: 3\r\n"
                  "\r\n"
                  "{\"status\":\"pending\"}",
                  &o);
    assert_int_equal(o.response.status, 201);
    assert_int_equal(o.response.content, ACME_HTTP_CONTENT_JSON);
    assert_false(o.response.close);
    assert_true(o.response.has_date);
    assert_true(o.response.date_s == 784111777);
    assert_true(o.response.has_retry_after && !o.response.retry_after_is_date);
    assert_true(o.response.retry_after == 3);
    assert_string_equal(o.response.nonce, "oFvnlFP1wIhRlYS2jTaXbA_-");
    assert_string_equal(o.response.location, "https://ca.example/order/7");
    assert_body(&o, "{\"status\":\"pending\"}");
}

static void test_nothing_said(void **state)
{
    struct outcome o;

    (void)state;
    assert_parses("HTTP/1.1 200\r\nContent-Length: 00\r\n\r\n", &o);
    assert_int_equal(o.response.content, ACME_HTTP_CONTENT_NONE);
    assert_false(o.response.close || o.response.has_date || o.response.has_retry_after);
    assert_string_equal(o.response.nonce, "");
    assert_string_equal(o.response.location, "");
    assert_body(&o, "");
}

static void test_status_lines(void **state)
{
    static const char *const bad[] = {"HTTP/1.2 200 OK\r\n",  "HTTP/2.0 200 OK\r\n",
                                      "HTTP/0.9 200 OK\r\n",  "http/1.1 200 OK\r\n",
                                      "HTTP/1.1  200 OK\r\n", "HTTP/1.1 20 OK\r\n",
                                      "HTTP/1.1 20\r\n",      "HTTP/1.1 2000 OK\r\n",
                                      "HTTP/1.1 099 OK\r\n",  "HTTP/1.1 600 OK\r\n",
                                      "HTTP/1.1 2x0 OK\r\n",  "HTTP/1.1\t200 OK\r\n",
                                      "HTTP/1.1 200\tOK\r\n", "\r\n",
                                      "HTTP/1.1 200 OK\n",    "ICY 200 OK\r\n",
                                      " HTTP/1.1 200 OK\r\n"};
    struct outcome o;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_refused(bad[i], ACME_ERR_HTTP);
    }
    assert_parses("HTTP/1.1 503 \r\n" EMPTY "\r\n", &o);
    assert_int_equal(o.response.status, 503);
    assert_parses("HTTP/1.1 404 S\xc3\xa9lection\tnon trouv\xc3\xa9\r\n" EMPTY "\r\n", &o);
    assert_int_equal(o.response.status, 404);
    assert_parses("HTTP/1.0 200 OK\r\n" EMPTY "\r\n", &o);
    assert_true(o.response.close);
    assert_parses("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n" EMPTY "\r\n", &o);
    assert_true(o.response.close);
}

static void test_line_ends_and_controls(void **state)
{
    static const char *const bad[] = {OK_LINE "A: b\nC: d\r\n",
                                      OK_LINE "A: b\rC: d\r\n",
                                      OK_LINE "A: b\r\r\n",
                                      OK_LINE "A: \x01\r\n",
                                      OK_LINE "A: \x7f\r\n",
                                      OK_LINE "A: \x1b[0m\r\n",
                                      OK_LINE "\n",
                                      CHUNKED "1\n",
                                      CHUNKED "1\r\na\n",
                                      CHUNKED "1\r\nab",
                                      CHUNKED "0\r\n\n"};
    struct outcome o;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_refused(bad[i], ACME_ERR_HTTP);
    }
    parse_n(OK_LINE "A: \0\r\n", sizeof(OK_LINE) + 5, false, &o);
    assert_int_equal(o.rc, ACME_ERR_HTTP);
}

static void test_field_lines(void **state)
{
    static const char *const bad[] = {OK_LINE "A: b\r\n c\r\n", OK_LINE "A: b\r\n\tc\r\n",
                                      OK_LINE " A: b\r\n",      OK_LINE ": b\r\n",
                                      OK_LINE "A : b\r\n",      OK_LINE "A\r\n",
                                      OK_LINE "A(: b\r\n",      OK_LINE "\xc3: b\r\n",
                                      OK_LINE "A B: c\r\n",     OK_LINE "Content-Length : 0\r\n",
                                      OK_LINE "A@: b\r\n"};
    struct outcome o;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_refused(bad[i], ACME_ERR_HTTP);
    }
    assert_parses(WITH("!#$%&'*+-.^_`|~09AZaz: x\r\nEmpty:\r\nBlank: \t \r\nBytes: \xff\x80\r\n"),
                  &o);
}

static void test_no_body(void **state)
{
    static const char head[] = OK_LINE "Content-Length: 100000\r\nReplay-Nonce: a\r\n\r\n";
    struct outcome o;

    (void)state;
    parse_n(head, sizeof(head) - 1, true, &o);
    assert_int_equal(o.rc, ACME_OK);
    assert_string_equal(o.response.nonce, "a");
    parse_n(OK_LINE "\r\n", sizeof(OK_LINE) + 1, true, &o);
    assert_int_equal(o.rc, ACME_OK);
    assert_false(o.response.close);
    assert_parses("HTTP/1.1 204 No Content\r\nReplay-Nonce: b\r\n\r\n", &o);
    assert_string_equal(o.response.nonce, "b");
    assert_parses("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", &o);
    assert_parses("HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", &o);
}

static void test_next_response_is_left(void **state)
{
    static const char two[] = OK_LINE "Content-Length: 2\r\n\r\nhi" OK_LINE;
    struct acme_http_parser p;
    struct outcome o;
    size_t used;

    (void)state;
    parse(two, &o);
    assert_int_equal(o.rc, ACME_OK);
    assert_int_equal(o.used, sizeof(two) - sizeof(OK_LINE));
    assert_body(&o, "hi");
    acme_http_parser_init(&p, false, BODY_LIMIT, NULL, NULL);
    assert_int_equal(acme_http_parser_feed(&p, (const uint8_t *)two, sizeof(two) - 1, &used),
                     ACME_OK);
    assert_int_equal(acme_http_parser_feed(&p, (const uint8_t *)"x", 1, &used), ACME_OK);
    assert_int_equal(used, 0);
}

static void test_content_length(void **state)
{
    static const char *const bad[] = {"", "x", "-1", "+1", "1 2", "1,1", "0x1", "1.", "\xb2"};
    char text[200];
    struct outcome o;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        strcpy(text, OK_LINE "Content-Length: ");
        strcat(text, bad[i]);
        strcat(text, "\r\n");
        assert_refused(text, ACME_ERR_HTTP);
    }
    assert_parses(OK_LINE "Content-Length: 1\r\ncontent-length:01\r\n\r\na", &o);
    assert_body(&o, "a");
    assert_refused(OK_LINE "Content-Length: 1\r\nContent-Length: 2\r\n", ACME_ERR_HTTP);
    assert_refused(OK_LINE "Content-Length: 65\r\n\r\n", ACME_ERR_HTTP_LIMIT);
    assert_refused(OK_LINE "Content-Length: 4294967295\r\n\r\n", ACME_ERR_HTTP_LIMIT);
    assert_refused(OK_LINE "Content-Length: 4294967297\r\n\r\n", ACME_ERR_HTTP_LIMIT);
    assert_refused(OK_LINE "Content-Length: 18446744073709551617\r\n\r\n", ACME_ERR_HTTP_LIMIT);
    assert_refused(OK_LINE "Content-Length: 340282366920938463463374607431768211457\r\n\r\n",
                   ACME_ERR_HTTP_LIMIT);
}

static void test_truncated(void **state)
{
    static const char *const cut[] = {"",
                                      "HTTP/1.1 2",
                                      OK_LINE,
                                      OK_LINE "Content-Length: 3\r\n\r\nab",
                                      CHUNKED "1\r\na\r\n",
                                      CHUNKED "0\r\n",
                                      CHUNKED "0\r\nA: b\r\n",
                                      "HTTP/1.1 100 Continue\r\n\r\n"};
    struct outcome o;

    (void)state;
    for (size_t i = 0; i < sizeof(cut) / sizeof(cut[0]); i++) {
        parse(cut[i], &o);
        assert_int_equal(o.rc, ACME_ERR_AGAIN);
        assert_int_equal(o.finished, ACME_ERR_CLOSED);
    }
}

static void test_until_close(void **state)
{
    char text[300] = OK_LINE "\r\n";
    struct outcome o;

    (void)state;
    parse(OK_LINE "\r\nabc", &o);
    assert_int_equal(o.rc, ACME_ERR_AGAIN);
    assert_int_equal(o.finished, ACME_OK);
    assert_true(o.response.close);
    assert_body(&o, "abc");
    memset(text + strlen(text), 'x', BODY_LIMIT);
    parse(text, &o);
    assert_int_equal(o.finished, ACME_OK);
    assert_int_equal(o.body_len, BODY_LIMIT);
    strcat(text, "x");
    parse(text, &o);
    assert_int_equal(o.rc, ACME_ERR_HTTP_LIMIT);
    assert_int_equal(o.finished, ACME_ERR_CLOSED);
}

static void test_chunked(void **state)
{
    struct outcome o;

    (void)state;
    assert_parses(OK_LINE "TRANSFER-ENCODING: Chunked\r\n\r\n"
                          "3\r\nabc\r\n0004;name=\"value\";x\r\nd\r\nf\r\nA \t; y\r\n0123456789\r\n"
                          "0;last\r\nExpires: never\r\nContent-Length: 7\r\n\r\n",
                  &o);
    assert_body(&o, "abcd\r\nf0123456789");
    assert_parses(CHUNKED "000\r\n\r\n", &o);
    assert_body(&o, "");
    assert_parses(CHUNKED "0a\r\n0123456789\r\n36\r\n"
                          "012345678901234567890123456789012345678901234567890123\r\n0\r\n\r\n",
                  &o);
}

static void test_chunk_limits(void **state)
{
    static const char *const bad[] = {CHUNKED "\r\n",   CHUNKED "g\r\n",   CHUNKED ";x\r\n",
                                      CHUNKED " 1\r\n", CHUNKED "-1\r\n",  CHUNKED "0x1\r\n",
                                      CHUNKED "1 \r\n", CHUNKED "1 2\r\n", CHUNKED "1,\r\n",
                                      CHUNKED "1\r\nab"};
    static const char *const large[] = {CHUNKED "41\r\n",
                                        CHUNKED "FFFFFFFF\r\n",
                                        CHUNKED "100000001\r\n",
                                        CHUNKED "10000000000000001\r\n",
                                        CHUNKED "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF\r\n",
                                        CHUNKED "1\r\na\r\n40\r\n"};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_refused(bad[i], ACME_ERR_HTTP);
    }
    for (size_t i = 0; i < sizeof(large) / sizeof(large[0]); i++) {
        assert_refused(large[i], ACME_ERR_HTTP_LIMIT);
    }
}

static void test_unlimited_body_is_no_wrap(void **state)
{
    static const char *const large[] = {CHUNKED "100000005\r\n", CHUNKED "FFFFFFFF\r\n",
                                        CHUNKED "1\r\na\r\nFFFFFFFF\r\n",
                                        OK_LINE "Content-Length: 4294967301\r\n\r\n"};

    (void)state;
    for (size_t i = 0; i < sizeof(large) / sizeof(large[0]); i++) {
        struct acme_http_parser p;
        size_t used;

        acme_http_parser_init(&p, false, UINT32_MAX, NULL, NULL);
        assert_int_equal(
            acme_http_parser_feed(&p, (const uint8_t *)large[i], strlen(large[i]), &used),
            ACME_ERR_HTTP_LIMIT);
    }
}

static void test_smuggling(void **state)
{
    static const char *const bad[] = {
        OK_LINE "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
        OK_LINE "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n",
        OK_LINE "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        OK_LINE "Transfer-Encoding: gzip, chunked\r\n",
        OK_LINE "Transfer-Encoding: chunked, chunked\r\n",
        OK_LINE "Transfer-Encoding: identity\r\n",
        OK_LINE "Transfer-Encoding: chunked;q=1\r\n",
        OK_LINE "Transfer-Encoding: xchunked\r\n",
        OK_LINE "Transfer-Encoding:\r\n",
        OK_LINE "Transfer-Encoding: \"chunked\"\r\n",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n"};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_refused(bad[i], ACME_ERR_HTTP);
    }
}

static void test_interim(void **state)
{
    char text[CONFIG_ACME_HTTP_HEADERS_MAX + 100] = "";
    struct outcome o;

    (void)state;
    assert_parses(
        "HTTP/1.1 100 Continue\r\n\r\n"
        "HTTP/1.0 103 Early Hints\r\nLocation: /x\r\nReplay-Nonce: old\r\n"
        "Content-Length: 9\r\nContent-Type: application/json\r\nRetry-After: 1\r\n\r\n" OK_LINE
        "Content-Length: 1\r\n\r\na",
        &o);
    assert_int_equal(o.response.status, 200);
    assert_string_equal(o.response.location, "");
    assert_string_equal(o.response.nonce, "");
    assert_int_equal(o.response.content, ACME_HTTP_CONTENT_NONE);
    assert_false(o.response.has_retry_after || o.response.close);
    assert_body(&o, "a");
    assert_refused("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", ACME_ERR_HTTP);
    while (strlen(text) <= CONFIG_ACME_HTTP_HEADERS_MAX) {
        strcat(text, "HTTP/1.1 100 Continue\r\n\r\n");
    }
    assert_refused(text, ACME_ERR_HTTP_LIMIT);
}

/* Appends n copies of c. */
static void append(char *text, char c, size_t n)
{
    size_t len = strlen(text);

    memset(text + len, c, n);
    text[len + n] = '\0';
}

static void test_long_lines(void **state)
{
    static const char *const known[] = {"Location",    "Replay-Nonce",     "Content-Length",
                                        "Retry-After", "Connection",       "Content-Type",
                                        "Date",        "Transfer-Encoding"};
    char text[2 * CONFIG_ACME_HTTP_LINE_MAX + 200];
    struct outcome o;

    (void)state;
    strcpy(text, "HTTP/1.1 200 ");
    append(text, 'x', CONFIG_ACME_HTTP_LINE_MAX);
    strcat(text, "\r\nLink: ");
    append(text, 'x', CONFIG_ACME_HTTP_LINE_MAX);
    strcat(text, "\r\n" EMPTY "\r\n");
    assert_parses(text, &o);
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        strcpy(text, OK_LINE);
        strcat(text, known[i]);
        strcat(text, ": ");
        append(text, ' ', CONFIG_ACME_HTTP_LINE_MAX);
        strcat(text, "\r\n");
        assert_refused(text, ACME_ERR_HTTP_LIMIT);
    }
    strcpy(text, OK_LINE);
    append(text, 'x', CONFIG_ACME_HTTP_LINE_MAX);
    strcat(text, ": a\r\n");
    assert_refused(text, ACME_ERR_HTTP_LIMIT);
    strcpy(text, CHUNKED "1;");
    append(text, 'x', CONFIG_ACME_HTTP_LINE_MAX);
    assert_refused(text, ACME_ERR_HTTP_LIMIT);
}

static void test_header_limit(void **state)
{
    char text[CONFIG_ACME_HTTP_HEADERS_MAX + 200] = OK_LINE "A: ";
    const size_t rest = sizeof("\r\n" EMPTY "\r\n") - 1;
    struct outcome o;

    (void)state;
    append(text, 'x', CONFIG_ACME_HTTP_HEADERS_MAX - strlen(text) - rest);
    strcat(text, "\r\n" EMPTY "\r\n");
    assert_parses(text, &o);
    text[sizeof(OK_LINE "A: ") - 1] = '\0';
    append(text, 'x', CONFIG_ACME_HTTP_HEADERS_MAX - strlen(text) - rest + 1);
    strcat(text, "\r\n" EMPTY "\r\n");
    assert_refused(text, ACME_ERR_HTTP_LIMIT);
    strcpy(text, CHUNKED "0\r\nA: ");
    append(text, 'x', CONFIG_ACME_HTTP_HEADERS_MAX);
    assert_refused(text, ACME_ERR_HTTP_LIMIT);
}

/* Many chunks are fine, as their data bounds them; many extensions are not. */
static void test_many_chunks(void **state)
{
    struct acme_http_parser p;
    size_t used;
    int32_t rc = ACME_ERR_AGAIN;
    int i;

    (void)state;
    acme_http_parser_init(&p, false, UINT32_MAX, NULL, NULL);
    acme_http_parser_feed(&p, (const uint8_t *)CHUNKED, sizeof(CHUNKED) - 1, &used);
    for (i = 0; i < CONFIG_ACME_HTTP_HEADERS_MAX; i++) {
        assert_int_equal(acme_http_parser_feed(&p, (const uint8_t *)"1\r\na\r\n", 6, &used),
                         ACME_ERR_AGAIN);
    }
    for (i = 0; i < CONFIG_ACME_HTTP_HEADERS_MAX && rc == ACME_ERR_AGAIN; i++) {
        rc = acme_http_parser_feed(&p, (const uint8_t *)"1;x\r\na\r\n", 8, &used);
    }
    assert_int_equal(rc, ACME_ERR_HTTP_LIMIT);
    assert_in_range(i, CONFIG_ACME_HTTP_HEADERS_MAX / 2 - 100, CONFIG_ACME_HTTP_HEADERS_MAX / 2);
}

static void test_nonce(void **state)
{
    static const char *const ignored[] = {"", "a b", "a=", "a+b", "a/b", "a,b", "\xc3\xa9", "a\tb"};
    char text[2 * CONFIG_ACME_NONCE_MAX + 200];
    struct outcome o;

    (void)state;
    for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++) {
        strcpy(text, OK_LINE "Replay-Nonce: ");
        strcat(text, ignored[i]);
        strcat(text, "\r\n" EMPTY "\r\n");
        assert_parses(text, &o);
        assert_string_equal(o.response.nonce, "");
    }
    /* No CA's nonce is too long, and one that is does not go without a word. */
    for (size_t len = 1; len <= CONFIG_ACME_NONCE_MAX; len++) {
        strcpy(text, OK_LINE "Replay-Nonce: ");
        append(text, 'N', len);
        strcat(text, "\r\n" EMPTY "\r\n");
        assert_parses(text, &o);
        assert_int_equal(strlen(o.response.nonce), len);
        assert_int_equal(o.response.limit.id, ACME_LIMIT_NONE);
    }
    assert_true(CONFIG_ACME_NONCE_MAX >= 192);
    strcpy(text, OK_LINE "Replay-Nonce: ");
    append(text, 'N', CONFIG_ACME_NONCE_MAX + 7);
    strcat(text, "\r\n");
    assert_limit(text, ACME_LIMIT_NONCE, CONFIG_ACME_NONCE_MAX + 7);
}

/* Whatever is too long is said with its limit and its size. */
static void test_limits_have_names(void **state)
{
    static char text[CONFIG_ACME_HTTP_HEADERS_MAX + 200];

    (void)state;
    strcpy(text, OK_LINE "Location: ");
    append(text, 'u', CONFIG_ACME_URL_MAX + 3);
    strcat(text, "\r\n");
    assert_limit(text, ACME_LIMIT_URL, CONFIG_ACME_URL_MAX + 3);
    strcpy(text, OK_LINE "Replay-Nonce: ");
    append(text, 'N', CONFIG_ACME_HTTP_LINE_MAX);
    strcat(text, "\r\n");
    assert_limit(text, ACME_LIMIT_HTTP_LINE, CONFIG_ACME_HTTP_LINE_MAX + 14);
    strcpy(text, OK_LINE);
    append(text, 'n', CONFIG_ACME_HTTP_LINE_MAX + 5);
    strcat(text, "\r\n");
    assert_limit(text, ACME_LIMIT_HTTP_LINE, CONFIG_ACME_HTTP_LINE_MAX + 5);
    strcpy(text, OK_LINE "a:");
    append(text, 'x', CONFIG_ACME_HTTP_HEADERS_MAX);
    assert_limit(text, ACME_LIMIT_HTTP_HEADERS, CONFIG_ACME_HTTP_HEADERS_MAX + 1);
    assert_limit(OK_LINE "Content-Length: 65\r\n\r\n", ACME_LIMIT_HTTP_BODY, 65);
    assert_limit(OK_LINE "Content-Length: 4294967297\r\n\r\n", ACME_LIMIT_HTTP_BODY, UINT32_MAX);
    assert_limit(CHUNKED "1\r\na\r\n40\r\n", ACME_LIMIT_HTTP_BODY, 65);
    strcpy(text, OK_LINE "\r\n");
    append(text, 'x', BODY_LIMIT + 9);
    assert_limit(text, ACME_LIMIT_HTTP_BODY, BODY_LIMIT + 1);
    assert_string_equal(acme_limit_name(ACME_LIMIT_NONCE), "CONFIG_ACME_NONCE_MAX");
    assert_string_equal(acme_limit_name(ACME_LIMIT_CERT_SIZE), "CONFIG_ACME_CERT_SIZE_MAX");
    assert_string_equal(acme_limit_name(ACME_LIMIT_NONE), "");
    assert_string_equal(acme_limit_name(UINT8_MAX), "");
}

/* Of an error what fits is kept, and its status and fields count, however long its page is. */
static void test_long_errors_are_cut(void **state)
{
    static const char *const ends[] = {"Content-Length: 61440\r\n\r\n",
                                       "Content-Length: 99999999999999\r\n\r\n",
                                       "\r\n",
                                       "Transfer-Encoding: chunked\r\n\r\nF000\r\n",
                                       "Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFF\r\n",
                                       "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n3F\r\n"};
    static char text[2000];

    (void)state;
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        static const int statuses[] = {400, 429, 500, 503};

        for (size_t k = 0; k < sizeof(statuses) / sizeof(statuses[0]); k++) {
            struct outcome o;
            bool last = i == sizeof(ends) / sizeof(ends[0]) - 1;

            snprintf(text, sizeof(text),
                     "HTTP/1.1 %d No\r\nRetry-After: 3600\r\nReplay-Nonce: abc\r\n%s", statuses[k],
                     ends[i]);
            append(text, 'x', last ? 63 : 1000);
            strcat(text, last ? "\r\n1\r\nx" : "");
            parse(text, &o);
            assert_int_equal(o.rc, ACME_OK);
            assert_int_equal(o.finished, ACME_OK);
            assert_int_equal(o.body_len, BODY_LIMIT);
            assert_true(o.response.truncated && o.response.close);
            assert_int_equal(o.response.status, statuses[k]);
            assert_true(o.response.retry_after == 3600);
            assert_string_equal(o.response.nonce, "abc");
            assert_int_equal(o.response.limit.id, ACME_LIMIT_NONE);
        }
    }
}

static void test_errors_that_fit_are_whole(void **state)
{
    struct outcome o;
    char text[200] = "HTTP/1.1 500 No\r\nContent-Length: 64\r\n\r\n";

    (void)state;
    append(text, 'x', BODY_LIMIT);
    assert_parses(text, &o);
    assert_int_equal(o.body_len, BODY_LIMIT);
    assert_false(o.response.truncated || o.response.close);
}

static int32_t enough(void *ctx, const uint8_t *data, size_t len)
{
    (void)data;
    *(size_t *)ctx += len;
    return ACME_HTTP_ENOUGH;
}

/* Who reads the body may have had enough of it. */
static void test_enough(void **state)
{
    static const char text[] = OK_LINE "Content-Length: 60\r\n\r\nabc";
    struct acme_http_parser p;
    size_t used, took = 0;

    (void)state;
    acme_http_parser_init(&p, false, BODY_LIMIT, enough, &took);
    assert_int_equal(acme_http_parser_feed(&p, (const uint8_t *)text, sizeof(text) - 1, &used),
                     ACME_OK);
    assert_int_equal(took, 3);
    assert_true(p.response.truncated && p.response.close);
}

/* RFC 9112 9.8: without its goodbye, an end of the connection may be anybody's. */
static void test_a_body_ends_with_a_goodbye(void **state)
{
    static const struct {
        const char *text;
        bool whole;
        int32_t finished;
    } cases[] = {{OK_LINE "\r\nabc", true, ACME_OK},
                 {OK_LINE "\r\nabc", false, ACME_ERR_CLOSED},
                 {OK_LINE "\r\n", false, ACME_ERR_CLOSED},
                 {OK_LINE "Content-Length: 3\r\n\r\nabc", false, ACME_OK},
                 {OK_LINE "Content-Length: 3\r\n\r\nab", true, ACME_ERR_CLOSED},
                 {CHUNKED "3\r\nabc\r\n", true, ACME_ERR_CLOSED},
                 {"HTTP/1.1 503 No\r\n\r\nabc", false, ACME_OK},
                 {"HTTP/1.1 503 No\r\nContent-Length: 5\r\n\r\nabc", false, ACME_OK},
                 {"HTTP/1.1 503 No\r\nTransfer-Encoding: chunked\r\n\r\n", true, ACME_OK},
                 {"HTTP/1.1 503 No\r\nContent-Length: 5\r\n", true, ACME_ERR_CLOSED}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct acme_http_parser p;
        size_t used;

        acme_http_parser_init(&p, false, BODY_LIMIT, NULL, NULL);
        (void)acme_http_parser_feed(&p, (const uint8_t *)cases[i].text, strlen(cases[i].text),
                                    &used);
        assert_int_equal(acme_http_parser_finish(&p, cases[i].whole), cases[i].finished);
    }
}

#if defined(CONFIG_ACME_PROBLEM_LINKS)
static void test_terms(void **state)
{
    struct outcome o;

    (void)state;
    assert_parses(WITH("Link: <https://ca/dir>;rel=\"index\"\r\n"
                       "Link: <https://ca/terms>;rel=\"terms-of-service\"\r\n"),
                  &o);
    assert_string_equal(o.response.terms, "https://ca/terms");
    assert_parses(WITH("Link: <https://ca/terms>;rel=up\r\n"), &o);
    assert_string_equal(o.response.terms, "");
}
#endif

static void test_location(void **state)
{
    static const char *const bad[] = {"https://h/a b", "https://h/\xc3\xa9", "https://h/\tx",
                                      "\xff"};
    char text[2 * CONFIG_ACME_URL_MAX + 200];
    struct outcome o;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        strcpy(text, OK_LINE "Location: ");
        strcat(text, bad[i]);
        strcat(text, "\r\n");
        assert_refused(text, ACME_ERR_HTTP);
    }
    assert_parses(WITH("Location:\r\n"), &o);
    assert_string_equal(o.response.location, "");
    assert_parses(WITH("Location: /a\r\nLocation: /a\r\n"), &o);
    assert_refused(OK_LINE "Location: /a\r\nLocation: /b\r\n", ACME_ERR_HTTP);
    assert_refused(OK_LINE "Location: /a\r\nLocation: /ab\r\n", ACME_ERR_HTTP);
    strcpy(text, OK_LINE "Location: ");
    append(text, 'u', CONFIG_ACME_URL_MAX);
    strcat(text, "\r\n" EMPTY "\r\n");
    assert_parses(text, &o);
    assert_int_equal(strlen(o.response.location), CONFIG_ACME_URL_MAX);
    strcpy(text, OK_LINE "Location: ");
    append(text, 'u', CONFIG_ACME_URL_MAX + 1);
    strcat(text, "\r\n");
    assert_refused(text, ACME_ERR_HTTP_LIMIT);
}

static void test_retry_after(void **state)
{
    static const char *const years[] = {
        WITH("Retry-After: 31536000\r\n"), WITH("Retry-After: 31536001\r\n"),
        WITH("Retry-After: 4294967296\r\n"), WITH("Retry-After: 99999999999999999999999\r\n")};
    static const char *const ignored[] = {WITH("Retry-After:\r\n"), WITH("Retry-After: -1\r\n"),
                                          WITH("Retry-After: 1.5\r\n"),
                                          WITH("Retry-After: soon\r\n")};
    struct outcome o;

    (void)state;
    assert_parses(WITH("Retry-After: 0\r\n"), &o);
    assert_true(o.response.has_retry_after && o.response.retry_after == 0);
    for (size_t i = 0; i < sizeof(years) / sizeof(years[0]); i++) {
        assert_parses(years[i], &o);
        assert_true(o.response.has_retry_after && !o.response.retry_after_is_date);
        assert_true(o.response.retry_after == 31536000);
    }
    for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++) {
        assert_parses(ignored[i], &o);
        assert_false(o.response.has_retry_after);
    }
    assert_parses(WITH("Retry-After: Fri, 31 Dec 1999 23:59:59 GMT\r\n"), &o);
    assert_true(o.response.has_retry_after && o.response.retry_after_is_date);
    assert_true(o.response.retry_after == 946684799);
    assert_parses(WITH("Date: today\r\n"), &o);
    assert_false(o.response.has_date);
}

#if defined(CONFIG_ACME_ALTERNATE_CHAINS)
static void test_links(void **state)
{
    static const char *const none[] = {WITH("Link:\r\n"),
                                       WITH("Link: https://ca/1;rel=\"alternate\"\r\n"),
                                       WITH("Link: <https://ca/1\r\n"),
                                       WITH("Link: <https://ca/1>\r\n"),
                                       WITH("Link: <https://ca/1>;rel=index\r\n"),
                                       WITH("Link: <https://ca/1>;rel=up;x=alternate\r\n"),
                                       WITH("Link: <https://ca/1>;rel=\"alternates\"\r\n"),
                                       WITH("Link: <https://ca/1>;title=\"rel=alternate\"\r\n"),
                                       WITH("Link: <https://ca/1>;title=\"a; rel=alternate\"\r\n"),
                                       WITH("Link: <https://ca/1>;title=\" rel=alternate\"\r\n"),
                                       WITH("Link: <https://ca/1>;rel=up;rel=alternate\r\n"),
                                       WITH("Link: <https://ca/1>;xrel=alternate\r\n"),
                                       WITH("Link: <https://c a/1>;rel=alternate\r\n")};
    static char text[CONFIG_ACME_HTTP_LINE_MAX + 200];
    struct outcome o;

    (void)state;
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        assert_parses(none[i], &o);
        assert_int_equal(o.response.alternate_count, 0);
    }
    assert_parses(WITH("Link: <https://ca/up>;rel=\"up\"\r\n"
                       "Link: <https://ca/1>; title=\"a, <b>\"; REL=\"other Alternate\", "
                       "<https://ca/2>;rel=alternate;x=y\r\n"),
                  &o);
    assert_int_equal(o.response.alternate_count, 2);
    assert_string_equal(o.response.alternates[0], "https://ca/1");
    assert_string_equal(o.response.alternates[1], "https://ca/2");
    /* More than there is room for, and a line that is too long: left out. */
    assert_parses(WITH("Link: <1>;rel=alternate,<2>;rel=alternate,<3>;rel=alternate,"
                       "<4>;rel=alternate,<5>;rel=alternate,<6>;rel=alternate,"
                       "<7>;rel=alternate,<8>;rel=alternate,<9>;rel=alternate\r\n"),
                  &o);
    assert_int_equal(o.response.alternate_count, CONFIG_ACME_ALTERNATES_MAX);
    strcpy(text, OK_LINE EMPTY "Link: <");
    append(text, 'u', CONFIG_ACME_HTTP_LINE_MAX);
    strcat(text, ">;rel=alternate\r\n\r\n");
    assert_parses(text, &o);
    assert_int_equal(o.response.alternate_count, 0);
    /* as long as a URL may be, and one more */
    strcpy(text, OK_LINE EMPTY "Link: <");
    append(text, 'u', CONFIG_ACME_URL_MAX);
    strcat(text, ">;rel=alternate\r\n\r\n");
    assert_parses(text, &o);
    assert_int_equal(o.response.alternate_count, 1);
    assert_int_equal(strlen(o.response.alternates[0]), CONFIG_ACME_URL_MAX);
    strcpy(text, OK_LINE EMPTY "Link: <u");
    append(text, 'u', CONFIG_ACME_URL_MAX);
    strcat(text, ">;rel=alternate\r\n\r\n");
    assert_parses(text, &o);
    assert_int_equal(o.response.alternate_count, 0);
}
#endif

static void test_connection(void **state)
{
    static const char *const closes[] = {WITH("Connection: close\r\n"),
                                         WITH("connection: Close\r\n"),
                                         WITH("Connection: TE, close\r\n"),
                                         WITH("Connection: close,TE\r\n"),
                                         WITH("Connection: a ,\tCLOSE , b\r\n"),
                                         WITH("Connection: close\r\nConnection: keep-alive\r\n")};
    static const char *const keeps[] = {WITH("Connection: keep-alive\r\n"), WITH("Connection:\r\n"),
                                        WITH("Connection: closed, xclose\r\n"),
                                        WITH("Connection: ,,\r\n")};
    struct outcome o;

    (void)state;
    for (size_t i = 0; i < sizeof(closes) / sizeof(closes[0]); i++) {
        assert_parses(closes[i], &o);
        assert_true(o.response.close);
    }
    for (size_t i = 0; i < sizeof(keeps) / sizeof(keeps[0]); i++) {
        assert_parses(keeps[i], &o);
        assert_false(o.response.close);
    }
}

static void test_content_type(void **state)
{
    static const struct {
        const char *text;
        int content;
    } cases[] = {
        {WITH("Content-Type: application/json\r\n"), ACME_HTTP_CONTENT_JSON},
        {WITH("Content-Type: APPLICATION/JSON; charset=utf-8\r\n"), ACME_HTTP_CONTENT_JSON},
        {WITH("Content-Type: application/problem+json;x\r\n"), ACME_HTTP_CONTENT_PROBLEM},
        {WITH("Content-Type: application/pem-certificate-chain ;x\r\n"), ACME_HTTP_CONTENT_PEM},
        {WITH("Content-Type: application/jsonx\r\n"), ACME_HTTP_CONTENT_OTHER},
        {WITH("Content-Type: application/jso\r\n"), ACME_HTTP_CONTENT_OTHER},
        {WITH("Content-Type: text/html\r\n"), ACME_HTTP_CONTENT_OTHER},
        {WITH("Content-Type:\r\n"), ACME_HTTP_CONTENT_OTHER},
    };
    struct outcome o;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_parses(cases[i].text, &o);
        assert_int_equal(o.response.content, cases[i].content);
    }
}

static int32_t refuse(void *ctx, const uint8_t *data, size_t len)
{
    (void)data;
    (void)len;
    return *(int32_t *)ctx;
}

static void test_body_error_and_failed(void **state)
{
    static const char text[] = OK_LINE "Content-Length: 1\r\n\r\na";
    struct acme_http_parser p;
    int32_t error = ACME_ERR_STORE_FULL;
    size_t used;

    (void)state;
    acme_http_parser_init(&p, false, BODY_LIMIT, refuse, &error);
    assert_int_equal(acme_http_parser_feed(&p, (const uint8_t *)text, sizeof(text) - 1, &used),
                     error);
    assert_int_equal(used, sizeof(text) - 2);
    assert_int_equal(acme_http_parser_feed(&p, (const uint8_t *)"a", 1, &used), ACME_ERR_HTTP);
    assert_int_equal(used, 0);
    assert_int_equal(acme_http_parser_finish(&p, true), ACME_ERR_CLOSED);
    error = ACME_ERR_AGAIN;
    acme_http_parser_init(&p, false, BODY_LIMIT, refuse, &error);
    assert_int_equal(acme_http_parser_feed(&p, (const uint8_t *)text, sizeof(text) - 1, &used),
                     ACME_ERR_INTERNAL);
}

static void assert_date(const char *text, int64_t want)
{
    int64_t got = -1;

    assert_int_equal(acme_http_parse_date(text, strlen(text), &got), ACME_OK);
    assert_true(got == want);
}

static void test_dates(void **state)
{
    (void)state;
    /* the examples of RFC 9110 5.6.7 */
    assert_date("Sun, 06 Nov 1994 08:49:37 GMT", 784111777);
    assert_date("Sunday, 06-Nov-94 08:49:37 GMT", 784111777);
    assert_date("Sun Nov  6 08:49:37 1994", 784111777);
    assert_date("Wed Nov 16 08:49:37 1994", 784975777);
    assert_date("Thu, 01 Jan 1970 00:00:00 GMT", 0);
    assert_date("Thursday, 01-Jan-70 00:00:01 GMT", 1);
    assert_date("Sunday, 01-Jan-69 00:00:00 GMT", INT64_C(3124224000));
    assert_date("Fri, 31 Dec 1999 23:59:59 GMT", 946684799);
    assert_date("Tue, 29 Feb 2000 12:00:00 GMT", 951825600);
    assert_date("Wed, 01 Mar 2000 00:00:00 GMT", 951868800);
    assert_date("Thu, 29 Feb 2024 00:00:00 GMT", 1709164800);
    assert_date("Tue, 31 Dec 2024 23:59:59 GMT", 1735689599);
    assert_date("Sat, 31 Dec 2016 23:59:60 GMT", 1483228800);
    assert_date("Tue, 19 Jan 2038 03:14:08 GMT", INT64_C(2147483648));
    assert_date("Sun, 07 Feb 2106 06:28:16 GMT", INT64_C(4294967296));
    assert_date("Mon, 01 Mar 2100 00:00:00 GMT", INT64_C(4107542400));
    assert_date("Fri, 31 Dec 9999 23:59:59 GMT", INT64_C(253402300799));
}

/* Every day from 1970 to 2400 follows the day before. */
static void test_calendar(void **state)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    int64_t want = 0;

    (void)state;
    for (int year = 1970; year <= 2400; year++) {
        for (int month = 0; month < 12; month++) {
            for (int day = 1; day <= 31; day++) {
                char text[] = "Mon, 00 xxx 0000 00:00:00 GMT";
                int64_t got;

                text[5] = (char)('0' + day / 10);
                text[6] = (char)('0' + day % 10);
                memcpy(text + 8, months + 3 * month, 3);
                for (int i = 0, y = year; i < 4; i++, y /= 10) {
                    text[15 - i] = (char)('0' + y % 10);
                }
                if (acme_http_parse_date(text, sizeof(text) - 1, &got) == ACME_OK) {
                    assert_true(got == want);
                    want += 86400;
                } else {
                    assert_true(day >= 29);
                }
            }
        }
    }
    assert_true(want == INT64_C(13601088000)); /* 2401-01-01 */
}

static void test_bad_dates(void **state)
{
    static const char *const bad[] = {"",
                                      "Sun",
                                      "Sun,",
                                      "Sun, 06 Nov 1994 08:49:37 GM",
                                      "Sun, 06 Nov 1994 08:49:37 GMT ",
                                      "Sun, 06 Nov 1994 08:49:37 UTC",
                                      "Sun, 06 Nov 1994 08:49:37 +0000",
                                      "Sun, 6 Nov 1994 08:49:37 GMT",
                                      "Sun,  6 Nov 1994 08:49:37 GMT",
                                      "Sun, 06 Nov 1994  8:49:37 GMT",
                                      "Sun, 06 Nov 94 08:49:37 GMT",
                                      "Sun, 06-Nov-94 08:49:37 GMT",
                                      "Sunday, 06 Nov 1994 08:49:37 GMT",
                                      "Sunday, 06-Nov-1994 08:49:37 GMT",
                                      "sun, 06 Nov 1994 08:49:37 GMT",
                                      "Sun, 06 nov 1994 08:49:37 GMT",
                                      "Sun, 06 Nox 1994 08:49:37 GMT",
                                      "Xxx, 06 Nov 1994 08:49:37 GMT",
                                      ", 06 Nov 1994 08:49:37 GMT",
                                      " Sun, 06 Nov 1994 08:49:37 GMT",
                                      "Sun, 00 Nov 1994 08:49:37 GMT",
                                      "Sun, 31 Nov 1994 08:49:37 GMT",
                                      "Sun, 32 Dec 1994 08:49:37 GMT",
                                      "Wed, 29 Feb 2023 00:00:00 GMT",
                                      "Mon, 29 Feb 2100 00:00:00 GMT",
                                      "Wed, 30 Feb 2000 00:00:00 GMT",
                                      "Sun, 06 Nov 1994 24:00:00 GMT",
                                      "Sun, 06 Nov 1994 08:60:00 GMT",
                                      "Sun, 06 Nov 1994 08:49:61 GMT",
                                      "Sun, 06 Nov 1994 08.49.37 GMT",
                                      "Wed, 31 Dec 1969 23:59:59 GMT",
                                      "Sat, 01 Jan 0000 00:00:00 GMT",
                                      "Sun, 06 Nov 1994 -8:49:37 GMT",
                                      "Sun, 0a Nov 1994 08:49:37 GMT",
                                      "Sun, 06 Nov11994 08:49:37 GMT",
                                      "Sunnight, 06-Nov-94 08:49:37 GMT",
                                      "Sun Nov 6 08:49:37 1994",
                                      "Sun Nov 06  08:49:37 1994",
                                      "Sun Nov  6 08:49:37 94",
                                      " Nov  6 08:49:37 1994",
                                      "Sun Nov  6 08:49:37 1994 GMT",
                                      "Sun Nov  06 08:49:37 1994",
                                      "784111777"};
    int64_t got = -1;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(acme_http_parse_date(bad[i], strlen(bad[i]), &got), ACME_ERR_HTTP);
    }
    /* Not beyond len, whatever follows. */
    assert_int_equal(acme_http_parse_date("Sun Nov  6 08:49:37 1994", 23, &got), ACME_ERR_HTTP);
    assert_true(got == -1);
}

static struct acme_http_request request_of(const char *method, const char *url, uint32_t len)
{
    struct acme_http_request r = {.method = method, .url = url, .content_length = len};

    assert_int_equal(acme_uri_parse(url, &r.uri), ACME_OK);
    return r;
}

static void test_request(void **state)
{
    struct acme_http_request r =
        request_of("POST", "https://ca.example:14000/new-order?x", 4294967295U);
    char out[300], small[300];
    int32_t len = acme_http_request_write(&r, out, sizeof(out));

    (void)state;
    assert_int_equal(len, strlen(out));
    assert_memory_equal(out, "POST /new-order?x HTTP/1.1\r\nHost: ca.example:14000\r\n", 51);
    assert_non_null(strstr(out, "\r\nUser-Agent: nanoacme/"));
    assert_non_null(strstr(out, "\r\nContent-Type: application/jose+json\r\n"));
    assert_non_null(strstr(out, "\r\nContent-Length: 4294967295\r\n"));
    assert_string_equal(out + len - 4, "\r\n\r\n");
    for (size_t size = 0; size <= (size_t)len; size++) {
        assert_int_equal(acme_http_request_write(&r, small, size), ACME_ERR_BUFFER);
    }
    assert_int_equal(acme_http_request_write(&r, small, (size_t)len + 1), len);
    r = request_of("HEAD", "https://[::1]:443", 0);
    len = acme_http_request_write(&r, out, sizeof(out));
    assert_int_equal(len, strlen(out));
    assert_memory_equal(out, "HEAD / HTTP/1.1\r\nHost: [::1]\r\n", 30);
    assert_null(strstr(out, "Content-"));
    assert_string_equal(out + len - 4, "\r\n\r\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_new_order),
        cmocka_unit_test(test_nothing_said),
        cmocka_unit_test(test_status_lines),
        cmocka_unit_test(test_line_ends_and_controls),
        cmocka_unit_test(test_field_lines),
        cmocka_unit_test(test_no_body),
        cmocka_unit_test(test_next_response_is_left),
        cmocka_unit_test(test_content_length),
        cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_until_close),
        cmocka_unit_test(test_chunked),
        cmocka_unit_test(test_chunk_limits),
        cmocka_unit_test(test_unlimited_body_is_no_wrap),
        cmocka_unit_test(test_smuggling),
        cmocka_unit_test(test_interim),
        cmocka_unit_test(test_long_lines),
        cmocka_unit_test(test_header_limit),
        cmocka_unit_test(test_many_chunks),
        cmocka_unit_test(test_nonce),
        cmocka_unit_test(test_limits_have_names),
        cmocka_unit_test(test_long_errors_are_cut),
        cmocka_unit_test(test_errors_that_fit_are_whole),
        cmocka_unit_test(test_enough),
        cmocka_unit_test(test_a_body_ends_with_a_goodbye),
#if defined(CONFIG_ACME_PROBLEM_LINKS)
        cmocka_unit_test(test_terms),
#endif

        cmocka_unit_test(test_location),
        cmocka_unit_test(test_retry_after),
#if defined(CONFIG_ACME_ALTERNATE_CHAINS)
        cmocka_unit_test(test_links),
#endif
        cmocka_unit_test(test_connection),
        cmocka_unit_test(test_content_type),
        cmocka_unit_test(test_body_error_and_failed),
        cmocka_unit_test(test_dates),
        cmocka_unit_test(test_calendar),
        cmocka_unit_test(test_bad_dates),
        cmocka_unit_test(test_request),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
