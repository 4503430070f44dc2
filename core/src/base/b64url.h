/*
 * base64url without padding (RFC 7515 section 2), and the padded base64 of PEM, piece by piece. It
 * knows neither JSON nor PEM.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/** Characters for len bytes; 0 when len is beyond a quarter of what a size_t counts. */
size_t acme_b64url_encoded_len(size_t len);
/** Encodes len bytes to out (not NUL-terminated). out may lie before in within one buffer if it
 * ends no later than in does. Returns the characters written, or ACME_ERR_BUFFER. */
int32_t acme_b64url_encode(const uint8_t *in, size_t len, char *out, size_t size);
/** Adds the base64url of len bytes to out, which remembers overflow. data may stand further on in
 * the same buffer, as for acme_b64url_encode. */
void acme_b64url_add(struct acme_buf *out, const uint8_t *data, size_t len);
/** Decodes; strict: no padding, no white space, no stray bits. Returns bytes written (>= 0),
 * ACME_ERR_ARGUMENT (not base64url) or ACME_ERR_BUFFER. */
int32_t acme_b64url_decode(const char *in, size_t len, uint8_t *out, size_t size);

/** Decoder of padded standard base64 (RFC 4648 section 4) in pieces, as in PEM; skips CR, LF, tab
 * and space. Zero-initialize. */
struct acme_b64_stream {
    uint32_t bits;
    uint8_t count;   /* sextets held, 0 to 3 */
    uint8_t padding; /* '=' seen */
};
/** Takes one character. Returns the number of bytes put to out (0 to 3) or ACME_ERR_ARGUMENT. */
int32_t acme_b64_stream_push(struct acme_b64_stream *s, char c, uint8_t out[3]);
/** ACME_OK if the text ended at a full quantum, else ACME_ERR_ARGUMENT. */
int32_t acme_b64_stream_end(const struct acme_b64_stream *s);
