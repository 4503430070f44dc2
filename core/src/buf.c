/*
 * Writes text into memory of a fixed size, and wipes memory. It must not know what the text means
 * or where the memory came from.
 */
#include "buf.h"

#include <string.h>

#include "acme/error.h"

void acme_buf_init(struct acme_buf *b, char *data, size_t size)
{
    b->data = data;
    b->size = size;
    b->len = 0;
    b->overflow = size == 0;
    if (size > 0) {
        data[0] = '\0';
    }
}

void acme_buf_add_n(struct acme_buf *b, const char *text, size_t len)
{
    /* All or nothing, and nothing after the first loss: a text with a hole in the middle could
     * mean something else than what was written. */
    if (b->overflow || len >= b->size - b->len) {
        b->overflow = true;
        return;
    }
    if (len > 0) {
        memcpy(b->data + b->len, text, len);
    }
    b->len += len;
    b->data[b->len] = '\0';
}

void acme_buf_add(struct acme_buf *b, const char *text)
{
    acme_buf_add_n(b, text, strlen(text));
}

void acme_buf_add_char(struct acme_buf *b, char c)
{
    acme_buf_add_n(b, &c, 1);
}

static void add_u64(struct acme_buf *b, uint64_t value)
{
    char digits[20]; /* of UINT64_MAX */
    size_t at = sizeof(digits);

    do {
        digits[--at] = (char)('0' + (char)(value % 10U));
        value /= 10U;
    } while (value > 0);
    acme_buf_add_n(b, digits + at, sizeof(digits) - at);
}

void acme_buf_add_u32(struct acme_buf *b, uint32_t value)
{
    add_u64(b, value);
}

void acme_buf_add_i64(struct acme_buf *b, int64_t value)
{
    uint64_t magnitude = (uint64_t)value;

    if (value < 0) {
        acme_buf_add_char(b, '-');
        magnitude = 0U - magnitude; /* right for INT64_MIN too, which -value is not */
    }
    add_u64(b, magnitude);
}

void acme_buf_add_json(struct acme_buf *b, const char *text)
{
    static const char hex[] = "0123456789abcdef";

    for (; *text != '\0'; text++) {
        unsigned c = (unsigned char)*text;

        if (c == '"' || c == '\\') {
            acme_buf_add_char(b, '\\');
            acme_buf_add_char(b, (char)c);
        } else if (c < 0x20U || c == 0x7fU) {
            acme_buf_add(b, "\\u00");
            acme_buf_add_char(b, hex[c >> 4]);
            acme_buf_add_char(b, hex[c & 15U]);
        } else {
            acme_buf_add_char(b, (char)c);
        }
    }
}

int32_t acme_buf_result(const struct acme_buf *b)
{
    return b->overflow || b->len > INT32_MAX ? ACME_ERR_BUFFER : (int32_t)b->len;
}

int32_t acme_str_copy(char *dst, size_t size, const char *src)
{
    size_t len = strlen(src);

    if (len >= size) {
        if (size > 0) {
            dst[0] = '\0';
        }
        return ACME_ERR_LIMIT;
    }
    memcpy(dst, src, len + 1);
    return ACME_OK;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool acme_str_equal_nocase(const char *a, size_t a_len, const char *b, size_t b_len)
{
    if (a_len != b_len) {
        return false;
    }
    for (size_t i = 0; i < a_len; i++) {
        if (lower(a[i]) != lower(b[i])) {
            return false;
        }
    }
    return true;
}

void acme_zeroize(void *data, size_t len)
{
    /* Volatile, because plain stores to memory that is never read again may be dropped. */
    volatile unsigned char *p = data;

    while (len > 0) {
        *p++ = 0;
        len--;
    }
}
