/*
 * base64url without padding, and padded base64 piece by piece. It must not know whose bytes these
 * are, nor what PEM is.
 */
#include "base/b64url.h"

#include <string.h>

#include "acme/error.h"
#include "base/assert.h"

#define NOT_A_DIGIT 0xffU

size_t acme_b64url_encoded_len(size_t len)
{
    return len > SIZE_MAX / 4U - 1U ? 0 : (len * 4U + 2U) / 3U;
}

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* The value of a digit of either alphabet; c62 and c63 are the two that differ. */
static uint32_t value_of(char c, char c62, char c63)
{
    const char *at = memchr(alphabet, c, 62);

    if (at != NULL) {
        return (uint32_t)(at - alphabet);
    }
    if (c == c62) {
        return 62U;
    }
    return c == c63 ? 63U : NOT_A_DIGIT;
}

int32_t acme_b64url_encode(const uint8_t *in, size_t len, char *out, size_t size)
{
    size_t need = acme_b64url_encoded_len(len);
    size_t at = 0;

    if (need < len || need > size || need > INT32_MAX) {
        return ACME_ERR_BUFFER;
    }
    for (size_t i = 0; i < len; i += 3) {
        size_t n = len - i < 3U ? len - i : 3U;
        /* All three are read before the first is written, since out may overlap in. */
        uint32_t bits = (uint32_t)in[i] << 16;

        bits |= n > 1 ? (uint32_t)in[i + 1] << 8 : 0;
        bits |= n > 2 ? (uint32_t)in[i + 2] : 0;
        for (size_t k = 0; k <= n; k++) {
            out[at++] = alphabet[bits >> 18 & 63U];
            bits <<= 6;
        }
    }
    return (int32_t)at;
}

void acme_b64url_add(struct acme_buf *out, const uint8_t *data, size_t len)
{
    int32_t n = acme_b64url_encode(data, len, out->data + out->len,
                                   out->overflow ? 0 : out->size - out->len - 1);

    if (n < 0 || out->overflow) {
        out->overflow = true;
        return;
    }
    out->len += (size_t)n;
    out->data[out->len] = '\0';
}

int32_t acme_b64url_decode(const char *in, size_t len, uint8_t *out, size_t size)
{
    size_t rest = len % 4U;
    size_t need = len / 4U * 3U + (rest > 0 ? rest - 1U : 0);
    uint32_t bits = 0;
    unsigned held = 0; /* bits that wait for the rest of their byte */
    size_t at = 0;

    if (rest == 1) {
        return ACME_ERR_ARGUMENT;
    }
    if (need > size || need > INT32_MAX) {
        return ACME_ERR_BUFFER;
    }
    for (size_t i = 0; i < len; i++) {
        uint32_t value = value_of(in[i], '-', '_');

        if (value == NOT_A_DIGIT) {
            return ACME_ERR_ARGUMENT;
        }
        bits = bits << 6 | value;
        held += 6;
        if (held >= 8) {
            held -= 8;
            out[at++] = (uint8_t)(bits >> held & 0xffU);
        }
    }
    /* Stray bits would give one value two spellings. */
    return (bits & ((1U << held) - 1U)) != 0 ? ACME_ERR_ARGUMENT : (int32_t)at;
}

/* Puts out what is held: 2 to 4 sextets, the first in the highest bits of 24. */
static int32_t flush(struct acme_b64_stream *s, uint8_t out[3])
{
    uint32_t bits = s->bits << (6U * s->padding);
    int32_t n = 3 - s->padding;

    if ((bits & ((1UL << (8U * s->padding)) - 1U)) != 0) {
        return ACME_ERR_ARGUMENT;
    }
    for (int32_t i = 0; i < n; i++) {
        out[i] = (uint8_t)(bits >> (16 - 8 * i) & 0xffU);
    }
    s->bits = 0;
    s->count = 0;
    return n;
}

int32_t acme_b64_stream_push(struct acme_b64_stream *s, char c, uint8_t out[3])
{
    uint32_t value = value_of(c, '+', '/');

    ACME_ASSERT(s->count + s->padding < 4);
    if (c == '\r' || c == '\n' || c == '\t' || c == ' ') {
        return 0;
    }
    if (c == '=') {
        /* Also refuses one after the end, when no sextet is held. */
        if (s->count < 2) {
            return ACME_ERR_ARGUMENT;
        }
        s->padding++;
    } else {
        if (value == NOT_A_DIGIT || s->padding > 0) {
            return ACME_ERR_ARGUMENT;
        }
        s->bits = s->bits << 6 | value;
        s->count++;
    }
    return s->count + s->padding == 4 ? flush(s, out) : 0;
}

int32_t acme_b64_stream_end(const struct acme_b64_stream *s)
{
    return s->count == 0 ? ACME_OK : ACME_ERR_ARGUMENT;
}
