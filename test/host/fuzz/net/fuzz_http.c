/*
 * Fuzzes the response parser. The first byte picks HEAD or not and the body limit, the second how
 * the rest is split; the outcome must not depend on the split. The text is tried as a date, too.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "net/http.h"
#include "net/http_date.h"

#define BODY_MAX 4096

struct outcome {
    struct acme_http_response response;
    int32_t rc, finished;
    size_t used, body_len;
    uint8_t body[BODY_MAX];
};

static int32_t collect(void *ctx, const uint8_t *data, size_t len)
{
    struct outcome *o = ctx;

    CHECK(len > 0 && len <= BODY_MAX - o->body_len);
    memcpy(o->body + o->body_len, data, len);
    o->body_len += len;
    return ACME_OK;
}

/* Feeds in pieces of pseudo-random lengths from seed; all at once if it is 0. */
static void run(const uint8_t *data, size_t len, uint8_t setup, uint32_t seed, struct outcome *o)
{
    struct acme_http_parser p;
    uint32_t limit = (setup >> 1) * 33U; /* 0 to 4191 */

    memset(o, 0, sizeof(*o));
    o->rc = ACME_ERR_AGAIN;
    acme_http_parser_init(&p, setup & 1, limit < BODY_MAX ? limit : BODY_MAX, collect, o);
    while (o->rc == ACME_ERR_AGAIN && o->used < len) {
        size_t n = len - o->used;
        size_t used = SIZE_MAX;

        if (seed != 0) {
            seed = seed * 1664525U + 1013904223U;
            n = (seed >> 16) % 24U < n ? (seed >> 16) % 24U : n; /* 0 is a piece, too */
        }
        o->rc = acme_http_parser_feed(&p, data + o->used, n, &used);
        CHECK(used <= n);
        CHECK(used == n || o->rc != ACME_ERR_AGAIN);
        o->used += used;
    }
    o->response = p.response;
    o->finished = acme_http_parser_finish(&p, true);
}

static void check_text(const char *text, size_t max)
{
    size_t len = strnlen(text, max + 1);

    CHECK(len <= max);
    for (size_t i = 0; i < len; i++) {
        CHECK(text[i] > ' ' && text[i] <= '~');
    }
}

static void check_response(const struct outcome *o)
{
    CHECK(o->rc == ACME_OK || o->rc == ACME_ERR_AGAIN || o->rc == ACME_ERR_HTTP ||
          o->rc == ACME_ERR_HTTP_LIMIT);
    CHECK(o->finished == ACME_OK || o->finished == ACME_ERR_CLOSED);
    CHECK(o->rc != ACME_OK || o->finished == ACME_OK);
    CHECK(o->finished != ACME_OK || (o->response.status >= 200 && o->response.status <= 599));
    CHECK(o->response.content <= ACME_HTTP_CONTENT_OTHER);
    CHECK(o->response.body_len == o->body_len);
    check_text(o->response.nonce, CONFIG_ACME_NONCE_MAX);
    check_text(o->response.location, CONFIG_ACME_URL_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct outcome whole, pieces;
    int64_t unix_s = 0;

    if (size < 2) {
        return 0;
    }
    if (acme_http_parse_date((const char *)data + 2, size - 2, &unix_s) == ACME_OK) {
        CHECK(unix_s >= 0 && unix_s <= INT64_C(253402300800));
    }
    run(data + 2, size - 2, data[0], 0, &whole);
    check_response(&whole);
    run(data + 2, size - 2, data[0], data[1] + 1U, &pieces);
    CHECK(whole.rc == pieces.rc && whole.finished == pieces.finished);
    CHECK(whole.used == pieces.used && whole.body_len == pieces.body_len);
    CHECK(memcmp(whole.body, pieces.body, whole.body_len) == 0);
    CHECK(memcmp(&whole.response, &pieces.response, sizeof(whole.response)) == 0);
    return 0;
}
