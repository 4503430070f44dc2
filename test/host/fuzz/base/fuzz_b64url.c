/*
 * Fuzzes base64url and streamed base64: what decodes encodes to the same text, and what is encoded
 * decodes to the same bytes.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "acme/error.h"
#include "base/b64url.h"
#include "check.h"

#define TEXT_MAX 1024

static void check_as_bytes(const uint8_t *data, size_t size)
{
    char text[TEXT_MAX * 2];
    uint8_t back[TEXT_MAX];
    int32_t len = acme_b64url_encode(data, size, text, sizeof(text));

    CHECK(len >= 0 && (size_t)len == acme_b64url_encoded_len(size));
    CHECK(acme_b64url_decode(text, (size_t)len, back, size) == (int32_t)size);
    CHECK(size == 0 || memcmp(back, data, size) == 0);
    CHECK(size == 0 || acme_b64url_decode(text, (size_t)len, back, size - 1) == ACME_ERR_BUFFER);
}

static void check_as_text(const uint8_t *data, size_t size)
{
    uint8_t bytes[TEXT_MAX];
    char again[TEXT_MAX];
    int32_t len = acme_b64url_decode((const char *)data, size, bytes, sizeof(bytes));

    CHECK(len >= 0 || len == ACME_ERR_ARGUMENT);
    if (len >= 0) {
        CHECK(acme_b64url_encode(bytes, (size_t)len, again, sizeof(again)) == (int32_t)size);
        CHECK(size == 0 || memcmp(again, data, size) == 0);
    }
}

/* Compares the stream's digits with the strict decoder, in the other alphabet. */
static void check_as_stream(const uint8_t *data, size_t size)
{
    struct acme_b64_stream s = {0};
    char digits[TEXT_MAX];
    uint8_t streamed[TEXT_MAX], decoded[TEXT_MAX];
    size_t at = 0, count = 0;

    for (size_t i = 0; i < size; i++) {
        uint8_t piece[3];
        int32_t n = acme_b64_stream_push(&s, (char)data[i], piece);

        CHECK(n == ACME_ERR_ARGUMENT || (n >= 0 && n <= 3));
        if (n < 0) {
            return;
        }
        memcpy(streamed + at, piece, (size_t)n);
        at += (size_t)n;
        if (strchr("\r\n\t =", data[i]) == NULL) {
            digits[count++] = (char)(data[i] == '+' ? '-' : data[i] == '/' ? '_' : data[i]);
        }
    }
    if (acme_b64_stream_end(&s) == ACME_OK) {
        CHECK(acme_b64url_decode(digits, count, decoded, sizeof(decoded)) == (int32_t)at);
        CHECK(memcmp(decoded, streamed, at) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > TEXT_MAX) {
        return 0;
    }
    check_as_bytes(data, size);
    check_as_text(data, size);
    check_as_stream(data, size);
    return 0;
}
