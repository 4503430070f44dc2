/*
 * base64url and streamed base64. Small and shared; knows nothing of what it encodes.
 */
#include "b64url.h"

#include "acme/error.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static int32_t sextet(char c, char c62, char c63)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    if (c == c62) {
        return 62;
    }
    return c == c63 ? 63 : -1;
}

size_t acme_b64url_encoded_len(size_t len)
{
    size_t rest = len % 3;
    size_t groups = len / 3;

    if (groups > (SIZE_MAX - 4) / 4) {
        return 0;
    }
    return groups * 4 + (rest == 0 ? 0 : rest + 1);
}

int32_t acme_b64url_encode(const uint8_t *in, size_t len, char *out, size_t size)
{
    size_t need = acme_b64url_encoded_len(len);
    size_t i, at = 0;

    if (need > size || need > INT32_MAX || (need == 0 && len != 0)) {
        return ACME_ERR_BUFFER;
    }
    for (i = 0; i < len; i += 3) {
        size_t have = len - i < 3 ? len - i : 3;
        uint32_t bits = (uint32_t)in[i] << 16;

        bits |= have > 1 ? (uint32_t)in[i + 1] << 8 : 0;
        bits |= have > 2 ? in[i + 2] : 0;
        out[at++] = alphabet[bits >> 18];
        out[at++] = alphabet[(bits >> 12) & 63];
        if (have > 1) {
            out[at++] = alphabet[(bits >> 6) & 63];
        }
        if (have > 2) {
            out[at++] = alphabet[bits & 63];
        }
    }
    return (int32_t)at;
}

int32_t acme_b64url_decode(const char *in, size_t len, uint8_t *out, size_t size)
{
    uint32_t bits = 0;
    unsigned held = 0;
    size_t i, at = 0;

    if (len % 4 == 1 || len > INT32_MAX) {
        return ACME_ERR_ARGUMENT;
    }
    for (i = 0; i < len; i++) {
        int32_t v = sextet(in[i], '-', '_');

        if (v < 0) {
            return ACME_ERR_ARGUMENT;
        }
        bits = (bits << 6) | (uint32_t)v;
        held += 6;
        if (held >= 8) {
            if (at >= size) {
                return ACME_ERR_BUFFER;
            }
            held -= 8;
            out[at++] = (uint8_t)(bits >> held);
            bits &= (1u << held) - 1u;
        }
    }
    /* RFC 4648 3.5: bits that belong to no byte must be zero, so that one value has one text. */
    return bits == 0 ? (int32_t)at : ACME_ERR_ARGUMENT;
}

static int32_t push_padding(struct acme_b64_stream *s, uint8_t out[3])
{
    s->padding++;
    if (s->count + s->padding > 4 || s->count < 2) {
        return ACME_ERR_ARGUMENT;
    }
    if (s->count + s->padding < 4) {
        return 0;
    }
    if (s->count == 2) {
        out[0] = (uint8_t)(s->bits >> 4);
        return (s->bits & 0x0f) == 0 ? 1 : ACME_ERR_ARGUMENT;
    }
    out[0] = (uint8_t)(s->bits >> 10);
    out[1] = (uint8_t)(s->bits >> 2);
    return (s->bits & 0x03) == 0 ? 2 : ACME_ERR_ARGUMENT;
}

int32_t acme_b64_stream_push(struct acme_b64_stream *s, char c, uint8_t out[3])
{
    int32_t v;

    if (c == '\r' || c == '\n' || c == ' ' || c == '\t') {
        return 0;
    }
    if (c == '=') {
        return push_padding(s, out);
    }
    v = sextet(c, '+', '/');
    if (v < 0 || s->padding != 0) {
        return ACME_ERR_ARGUMENT;
    }
    s->bits = (s->bits << 6) | (uint32_t)v;
    if (++s->count < 4) {
        return 0;
    }
    out[0] = (uint8_t)(s->bits >> 16);
    out[1] = (uint8_t)(s->bits >> 8);
    out[2] = (uint8_t)s->bits;
    s->bits = 0;
    s->count = 0;
    return 3;
}

int32_t acme_b64_stream_end(const struct acme_b64_stream *s)
{
    return s->count == 0 || s->count + s->padding == 4 ? ACME_OK : ACME_ERR_ARGUMENT;
}
