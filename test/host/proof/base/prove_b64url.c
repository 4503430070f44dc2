/*
 * b64url: the encoder, also in place over the input's end, the decoder, and the stream that PEM is
 * read with, of which one step from any state proves the whole.
 */
#include "proof.h"

#include "base/b64url.c"
#include "base/buf.c"
#include "proof_buf.h"

/* proof: encode; unwind 14; any 0 to 12 bytes into any room of up to 20 */
/* of: base/b64url.c acme_b64url_encode; len bytes in, size bytes out; "need < len || need > size" -> "need < len || need > size + 1" */
void encode(void)
{
    size_t len = any_size(12), size = any_size(20);
    const uint8_t *in = any_bytes(len, 12);
    int32_t n = acme_b64url_encode(in, len, any_bytes(size, 20), size);

    PROVE(n == ACME_ERR_BUFFER || (size_t)n == acme_b64url_encoded_len(len));
    SHOW(n == 16);
}

/* proof: encode_in_place; unwind 14; any 0 to 12 bytes at the end of a room of 16 that is written
 * over */
void encode_in_place(void)
{
    size_t len = any_size(12);
    uint8_t *room = any_bytes(16, 16);
    int32_t n = acme_b64url_encode(room + 16 - len, len, (char *)room, 16);

    PROVE(n >= 0);
    SHOW(n == 16);
}

/* proof: encoded_len; unwind 2; any length */
/* of: base/b64url.c acme_b64url_encoded_len; nothing; "len > SIZE_MAX / 4U - 1U ? 0 :" -> "len > SIZE_MAX / 2U ? 0 :" */
void encoded_len(void)
{
    size_t len = nondet_size();
    size_t n = acme_b64url_encoded_len(len);

    PROVE(n == 0 || n >= len);
    SHOW(n > len);
}

/* proof: add; unwind 10; any 0 to 8 bytes behind any text in any buffer of up to 16 */
/* of: base/b64url.c acme_b64url_add; a text under construction; len bytes; "out->overflow ? 0 : out->size - out->len - 1" -> "out->size - out->len - 1" */
void add(void)
{
    size_t len = any_size(8), size = any_size(16);
    struct acme_buf b = any_buf(size, 16);

    acme_b64url_add(&b, any_bytes(len, 8), len);
    PROVE(is_buf(&b));
    SHOW(!b.overflow && b.len > 4);
}

/* proof: decode; unwind 17; any 0 to 16 characters into any room of up to 12 */
/* loop: memchr.0 63 */
/* of: base/b64url.c acme_b64url_decode; len characters in, size bytes out; "(rest > 0 ? rest - 1U : 0)" -> "0" */
/* of: base/b64url.c value_of; nothing; "memchr(alphabet, c, 62)" -> "memchr(alphabet + 4, c, 62)" */
void decode(void)
{
    size_t len = any_size(16), size = any_size(12);
    int32_t n = acme_b64url_decode(any_bytes(len, 16), len, any_bytes(size, 12), size);

    PROVE(n < 0 || (size_t)n <= size);
    SHOW(n == 12);
}

/* What a stream may be between two characters; all zero is one. */
static bool is_stream(const struct acme_b64_stream *s)
{
    return s->count <= 3 && s->padding <= 2 && (s->count == 0 || s->count + s->padding <= 3) &&
           (s->padding == 0 || s->count == 0 || s->count >= 2) && s->bits < 1UL << 6 * s->count;
}

/* proof: stream; unwind 64; one character in any state: streams of any length */
/* of: base/b64url.c acme_b64_stream_push; a stream of zeros, or one that was pushed without an error; "s->count + s->padding == 4 ?" -> "s->count == 4 ?" */
/* of: base/b64url.c flush; a stream of four, with padding; "16 - 8 * i" -> "16 - 12 * i" */
/* of: base/b64url.c acme_b64_stream_end; a stream; "s->count == 0" -> "s->count <= 1" */
void stream(void)
{
    struct acme_b64_stream s;
    uint8_t out[3];
    int32_t n;

    FORGET(s);
    ASSUME(is_stream(&s));
    n = acme_b64_stream_push(&s, (char)nondet_u8(), out);
    PROVE(n >= ACME_ERR_ARGUMENT && n <= 3);
    if (n >= 0) { /* and the next one meets such a state, too */
        PROVE(is_stream(&s));
        PROVE((acme_b64_stream_end(&s) == ACME_OK) == (s.count == 0));
    }
    SHOW(n == 3);
    SHOW(n == 1);
}
