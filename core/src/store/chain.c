/*
 * PEM in, chunks of DER out, a character at a time. It must not know X.509: what stands between the
 * lines of PEM is bytes.
 */
#include "store/chain.h"

#include <string.h>

#include "base/assert.h"

enum sink_state { SINK_OUTSIDE, SINK_LINE, SINK_BODY, SINK_END_LINE };

#define BEGIN_LINE "-----BEGIN CERTIFICATE-----"
#define END_LINE   "-----END CERTIFICATE-----"

void acme_chain_sink_init(struct acme_chain_sink *s, struct acme_store *log, uint8_t *chunk,
                          uint8_t slot, uint8_t generation)
{
    memset(s, 0, sizeof(*s));
    s->log = log;
    s->chunk = chunk;
    s->slot = slot;
    s->generation = generation;
}

static int32_t flush_chunk(struct acme_chain_sink *s)
{
    int32_t rc = acme_store_write_chunk(s->log, s->slot, s->generation, s->chunk_count, s->chunk,
                                        s->chunk_len);

    s->chunk_count++;
    s->chunk_len = 0;
    return rc;
}

static int32_t add_der(struct acme_chain_sink *s, const uint8_t *bytes, int32_t count)
{
    int32_t i;

    for (i = 0; i < count; i++) {
        if (++s->cert_len > CONFIG_ACME_CERT_SIZE_MAX) {
            return ACME_ERR_CERT_LIMIT;
        }
        s->chunk[s->chunk_len++] = bytes[i];
        if (s->chunk_len == ACME_CHAIN_CHUNK) {
            int32_t rc = flush_chunk(s);

            if (rc != ACME_OK) {
                return rc;
            }
        }
    }
    return ACME_OK;
}

static int32_t end_cert(struct acme_chain_sink *s)
{
    if (acme_b64_stream_end(&s->b64) != ACME_OK || s->cert_len == 0) {
        return ACME_ERR_CERT_PARSE;
    }
    s->lengths[s->count++] = (uint16_t)s->cert_len;
    s->cert_len = 0;
    s->state = SINK_OUTSIDE;
    return ACME_OK;
}

/* Outside a certificate only white space may stand (RFC 8555 9.1 allows nothing else). */
static int32_t outside(struct acme_chain_sink *s, char c)
{
    if (c == '\n' || c == '\r' || c == ' ' || c == '\t') {
        return ACME_OK;
    }
    if (c != '-') {
        return ACME_ERR_CERT_PARSE;
    }
    if (s->count == CONFIG_ACME_CHAIN_CERTS_MAX) {
        return ACME_ERR_CERT_LIMIT;
    }
    s->state = SINK_LINE;
    s->dashes_len = 1;
    return ACME_OK;
}

static int32_t line(struct acme_chain_sink *s, char c, const char *want)
{
    if (want[s->dashes_len++] != c) {
        return ACME_ERR_CERT_PARSE;
    }
    if (want[s->dashes_len] != '\0') {
        return ACME_OK;
    }
    if (s->state == SINK_END_LINE) {
        return end_cert(s);
    }
    memset(&s->b64, 0, sizeof(s->b64));
    s->state = SINK_BODY;
    return ACME_OK;
}

static int32_t body(struct acme_chain_sink *s, char c)
{
    uint8_t out[3];
    int32_t n;

    if (c == '-') {
        s->state = SINK_END_LINE;
        s->dashes_len = 1;
        return ACME_OK;
    }
    n = acme_b64_stream_push(&s->b64, c, out);
    return n < 0 ? ACME_ERR_CERT_PARSE : add_der(s, out, n);
}

int32_t acme_chain_sink_push(struct acme_chain_sink *s, const uint8_t *data, size_t len)
{
    int32_t rc = ACME_OK;

    ACME_ASSERT(s->count <= CONFIG_ACME_CHAIN_CERTS_MAX && s->chunk_len < ACME_CHAIN_CHUNK);
    for (; len > 0 && rc == ACME_OK; data++, len--) {
        char c = (char)*data;

        if (s->state == SINK_OUTSIDE) {
            rc = outside(s, c);
        } else if (s->state == SINK_BODY) {
            rc = body(s, c);
        } else {
            rc = line(s, c, s->state == SINK_LINE ? BEGIN_LINE : END_LINE);
        }
    }
    return rc;
}

int32_t acme_chain_sink_finish(struct acme_chain_sink *s)
{
    if (s->state != SINK_OUTSIDE || s->count == 0) {
        return ACME_ERR_CERT_PARSE;
    }
    return s->chunk_len > 0 ? flush_chunk(s) : ACME_OK;
}
