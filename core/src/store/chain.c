/*
 * PEM in, chunks of DER out, a character at a time; and certificates in another order. It must not
 * know X.509: what stands between the lines of PEM is bytes.
 */
#include "store/chain.h"

#include <string.h>

#include "base/assert.h"

enum sink_state { SINK_OUTSIDE, SINK_TEXT, SINK_LINE, SINK_BODY, SINK_END_LINE };

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
            acme_limit_note(&s->limit, ACME_LIMIT_CERT_SIZE, s->cert_len);
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

/* At the start of a line, or behind a certificate. */
static int32_t outside(struct acme_chain_sink *s, char c)
{
    if (c == '-') {
        s->state = SINK_LINE;
        s->dashes_len = 1;
    } else if (c != '\n' && c != '\r' && c != ' ' && c != '\t') {
        s->state = SINK_TEXT;
    }
    return ACME_OK;
}

/* Text for people, and what is no certificate, may stand around certificates (RFC 7468 2): it is
 * left out, line by line. */
static int32_t text(struct acme_chain_sink *s, char c)
{
    if (c == '\n' || c == '\r') {
        s->state = SINK_OUTSIDE;
    }
    return ACME_OK;
}

static int32_t begin_cert(struct acme_chain_sink *s)
{
    if (s->count == CONFIG_ACME_CHAIN_CERTS_MAX) {
        acme_limit_note(&s->limit, ACME_LIMIT_CHAIN_CERTS, s->count + 1u);
        return ACME_ERR_CERT_LIMIT;
    }
    memset(&s->b64, 0, sizeof(s->b64));
    s->state = SINK_BODY;
    return ACME_OK;
}

static int32_t begin_line(struct acme_chain_sink *s, char c)
{
    if (BEGIN_LINE[s->dashes_len] != c) {
        s->state = SINK_TEXT;
        return text(s, c);
    }
    return BEGIN_LINE[++s->dashes_len] == '\0' ? begin_cert(s) : ACME_OK;
}

static int32_t end_line(struct acme_chain_sink *s, char c)
{
    if (END_LINE[s->dashes_len] != c) {
        return ACME_ERR_CERT_PARSE;
    }
    return END_LINE[++s->dashes_len] == '\0' ? end_cert(s) : ACME_OK;
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

static int32_t push(struct acme_chain_sink *s, char c)
{
    switch (s->state) {
    case SINK_OUTSIDE:
        return outside(s, c);
    case SINK_TEXT:
        return text(s, c);
    case SINK_LINE:
        return begin_line(s, c);
    case SINK_BODY:
        return body(s, c);
    default:
        return end_line(s, c);
    }
}

int32_t acme_chain_sink_push(struct acme_chain_sink *s, const uint8_t *data, size_t len)
{
    int32_t rc = ACME_OK;

    ACME_ASSERT(s->count <= CONFIG_ACME_CHAIN_CERTS_MAX && s->chunk_len < ACME_CHAIN_CHUNK);
    for (; len > 0 && rc == ACME_OK; data++, len--) {
        rc = push(s, (char)*data);
    }
    return rc;
}

int32_t acme_chain_sink_finish(struct acme_chain_sink *s)
{
    if (s->state == SINK_BODY || s->state == SINK_END_LINE || s->count == 0) {
        return ACME_ERR_CERT_PARSE;
    }
    return s->chunk_len > 0 ? flush_chunk(s) : ACME_OK;
}

/* ---- another order ---- */

/* The bytes of a chain with a certificate moved to the front of others: at x those of the old chain
 * at x, but for what lies from `to` up to the certificate's old end. */
struct move {
    struct acme_store *log;
    const uint8_t *cert;
    uint32_t to, from, len; /* places, and bytes, of the certificate */
    uint8_t slot, generation;
};

/* Reads up to len bytes of the new chain at offset. Returns how many, or an error. */
static int32_t read_moved(const struct move *m, uint32_t offset, uint8_t *data, uint32_t len)
{
    uint32_t end = UINT32_MAX, source = offset;
    int32_t rc;

    if (offset < m->to) {
        end = m->to;
    } else if (offset < m->to + m->len) {
        end = m->to + m->len;
    } else if (offset < m->from + m->len) {
        end = m->from + m->len;
        source = offset - m->len;
    }
    len = len < end - offset ? len : end - offset;
    if (offset >= m->to && offset < m->to + m->len) {
        memcpy(data, m->cert + (offset - m->to), len);
        return (int32_t)len;
    }
    rc = acme_store_read_chain(m->log, m->slot, m->generation, source, data, len);
    return rc == ACME_OK ? (int32_t)len : rc;
}

static int32_t write_moved(const struct move *m, uint32_t chunk, uint32_t len)
{
    uint8_t data[ACME_CHAIN_CHUNK];
    uint32_t at = 0;

    while (at < len) {
        int32_t n = read_moved(m, chunk * ACME_CHAIN_CHUNK + at, data + at, len - at);

        if (n < 0) {
            return n;
        }
        at += (uint32_t)n;
    }
    return acme_store_write_chunk(m->log, m->slot, m->generation, (uint16_t)chunk, data, len);
}

int32_t acme_chain_move(struct acme_store *log, uint8_t slot, uint8_t generation,
                        struct acme_cert_record *record, uint8_t from, uint8_t to, uint8_t *scratch)
{
    struct move m = {log, scratch, 0, 0, record->lengths[from], slot, generation};
    uint32_t total = 0, chunk;
    int32_t rc;

    ACME_ASSERT(to <= from && from < record->chain_count);
    for (uint8_t i = 0; i < record->chain_count; i++) {
        m.to += i < to ? record->lengths[i] : 0;
        m.from += i < from ? record->lengths[i] : 0;
        total += record->lengths[i];
    }
    rc = acme_store_read_chain(log, slot, generation, m.from, scratch, m.len);
    /* From the end on: what is read lies in front of what was written, or in the same chunk. */
    chunk = (m.from + m.len - 1) / ACME_CHAIN_CHUNK + 1;
    while (rc == ACME_OK && chunk > m.to / ACME_CHAIN_CHUNK) {
        uint32_t rest;

        chunk--;
        rest = total - chunk * ACME_CHAIN_CHUNK;
        rc = write_moved(&m, chunk, rest < ACME_CHAIN_CHUNK ? rest : ACME_CHAIN_CHUNK);
    }
    memmove(record->lengths + to + 1, record->lengths + to,
            (from - to) * sizeof(record->lengths[0]));
    record->lengths[to] = (uint16_t)m.len;
    return rc;
}
