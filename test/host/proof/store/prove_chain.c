/*
 * chain: PEM as it streams in. By induction: one byte from any state that the sink may
 * be in leads to such a state, so streams of any length are covered.
 */
#include "proof.h"

#include "acme/config.h"
#undef CONFIG_ACME_CHAIN_CERTS_MAX
#define CONFIG_ACME_CHAIN_CERTS_MAX 3

#include "base/b64url.c"
#include "store/chain.c"

/* The store is another room: it may answer anything, and reads what it is given. */
int32_t acme_record_set(struct acme_store *store, uint64_t key, const void *data, size_t len)
{
    (void)store;
    (void)key;
    PROVE(len > 0 && __CPROVER_r_ok(data, len));
    return nondet_i32();
}

int32_t acme_store_write_chunk(struct acme_store *store, uint8_t slot, uint8_t generation,
                               uint16_t chunk, const uint8_t *data, size_t len)
{
    (void)chunk;
    (void)slot;
    (void)generation;
    return acme_record_set(store, 0, data, len);
}

int32_t acme_store_read_chain(struct acme_store *store, uint8_t slot, uint8_t generation,
                              uint32_t offset, uint8_t *data, size_t len)
{
    (void)store;
    (void)slot;
    (void)generation;
    (void)offset;
    PROVE(len > 0 && __CPROVER_w_ok(data, len));
    return nondet_bool() ? ACME_OK : ACME_ERR_STORE_IO;
}

static bool is_sink(const struct acme_chain_sink *s)
{
    const struct acme_b64_stream *b = &s->b64;

    return s->state <= SINK_END_LINE && s->count <= CONFIG_ACME_CHAIN_CERTS_MAX &&
           (s->state < SINK_BODY || s->count < CONFIG_ACME_CHAIN_CERTS_MAX) &&
           s->cert_len <= CONFIG_ACME_CERT_SIZE_MAX &&
           (uint32_t)s->chunk_count * ACME_CHAIN_CHUNK + s->chunk_len <=
               (uint32_t)s->count * CONFIG_ACME_CERT_SIZE_MAX + s->cert_len &&
           s->chunk_len < ACME_CHAIN_CHUNK &&
           (s->state != SINK_LINE || s->dashes_len < sizeof(BEGIN_LINE) - 1) &&
           (s->state != SINK_END_LINE || s->dashes_len < sizeof(END_LINE) - 1) && b->count <= 3 &&
           b->padding <= 2 && (b->count == 0 || b->count + b->padding <= 3) &&
           (b->padding == 0 || b->count == 0 || b->count >= 2) && b->bits < 1UL << 6 * b->count;
}

static void any_sink(struct acme_chain_sink *s)
{
    __CPROVER_havoc_object(s);
    s->chunk = any_bytes(ACME_CHAIN_CHUNK, ACME_CHAIN_CHUNK);
    s->log = NULL;
    ASSUME(is_sink(s));
}

/* proof: start; unwind 2; a new sink */
/* of: store/chain.c acme_chain_sink_init; a chunk's memory; "memset(s, 0, sizeof(*s));" -> "memset(s, 0, sizeof(*s) + 1);" */
void start(void)
{
    struct acme_chain_sink s;

    acme_chain_sink_init(&s, NULL, any_bytes(8, 8), nondet_u8(), nondet_u8());
    PROVE(is_sink(&s));
    SHOW(s.slot == 1);
}

/* proof: feed; unwind 5; one byte in any state: streams of any length */
/* loop: memchr.0 63 */
/* of: store/chain.c acme_chain_sink_push; a sink that was begun, or pushed without an error; len bytes; "for (; len > 0 && rc" -> "for (; rc" */
/* of: store/chain.c push; a sink; "return end_line(s, c);" -> "return s->state = 99, end_line(s, c);" */
/* of: store/chain.c outside; a sink at the start of a line; "s->dashes_len = 1;" -> "s->dashes_len = 40;" */
/* of: store/chain.c text; a sink in a text; "SINK_OUTSIDE" -> "SINK_END_LINE + 1" */
/* of: store/chain.c begin_cert; a sink behind a first line; "if (s->count == CONFIG_ACME_CHAIN_CERTS_MAX) {" -> "if (s->count > CONFIG_ACME_CHAIN_CERTS_MAX) {" */
/* of: store/chain.c begin_line; a sink in a first line; "BEGIN_LINE[s->dashes_len]" -> "BEGIN_LINE[s->dashes_len + 2]" */
/* of: store/chain.c end_line; a sink in a last line; "END_LINE[s->dashes_len]" -> "END_LINE[s->dashes_len + 2]" */
/* of: store/chain.c end_cert; a sink behind a last line; "s->cert_len = 0;" -> "s->count++;" */
/* of: store/chain.c body; a sink in a certificate; "uint8_t out[3];" -> "uint8_t out[2];" */
/* of: store/chain.c add_der; a sink in a certificate; count bytes; "if (s->chunk_len == ACME_CHAIN_CHUNK) {" -> "if (s->chunk_len > ACME_CHAIN_CHUNK) {" */
/* of: store/chain.c flush_chunk; a sink with a chunk; "s->chunk_len = 0;" -> "s->chunk_len = ACME_CHAIN_CHUNK;" */
void feed(void)
{
    struct acme_chain_sink s;
    int32_t rc;

    any_sink(&s);
    rc = acme_chain_sink_push(&s, any_bytes(1, 1), 1);
    if (rc == ACME_OK) {
        PROVE(is_sink(&s));
        SHOW(s.state == SINK_BODY && s.chunk_len == 0);
        SHOW(s.state == SINK_OUTSIDE && s.count == CONFIG_ACME_CHAIN_CERTS_MAX);
    }
}

/* proof: finish; unwind 5; the end in any state */
/* of: store/chain.c acme_chain_sink_finish; a sink that was begun; "s->chunk_len > 0 ? flush" -> "s->chunk_len < 10 ? flush" */
void finish(void)
{
    struct acme_chain_sink s;

    any_sink(&s);
    SHOW(acme_chain_sink_finish(&s) == ACME_OK);
}

/* proof: moved; unwind 5; a chunk of any chain in which any certificate moves to any place */
/* of: store/chain.c read_moved; a move forwards; len bytes; "offset < m->to + m->len) {\n        memcpy" -> "offset <= m->to + m->len) {\n        memcpy" */
/* of: store/chain.c write_moved; a move forwards; a chunk of the chain; "data + at, len - at" -> "data + at, len - at + 1" */
void moved(void)
{
    struct move m = {NULL, NULL, any_size(40000), any_size(40000), any_size(64), 0, 0};
    uint32_t chunk = (uint32_t)any_size(100), len = (uint32_t)any_size(ACME_CHAIN_CHUNK);

    ASSUME(m.to <= m.from && m.len > 0 && len > 0);
    ASSUME(chunk * ACME_CHAIN_CHUNK + len <= m.from + m.len + 1000);
    m.cert = any_bytes(m.len, 64);
    SHOW(write_moved(&m, chunk, len) == ACME_OK);
}

/* not: store/chain.c acme_chain_move; its loop counts chunks that write_moved is proved for; tests move certificates of every size */
