/*
 * Bounded text building. Small and shared by every room; knows none of them.
 */
#include "buf.h"

#include <string.h>

#include "acme/error.h"

void acme_buf_init(struct acme_buf *b, char *data, size_t size)
{
    b->data = data;
    b->size = size;
    b->len = 0;
    b->overflow = false;
    data[0] = '\0';
}

void acme_buf_add_n(struct acme_buf *b, const char *text, size_t len)
{
    if (b->overflow || len >= b->size - b->len) {
        b->overflow = true;
        return;
    }
    memcpy(b->data + b->len, text, len);
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
    char digits[20];
    size_t at = sizeof(digits);

    do {
        digits[--at] = (char)('0' + (char)(value % 10));
        value /= 10;
    } while (value != 0);
    acme_buf_add_n(b, digits + at, sizeof(digits) - at);
}

void acme_buf_add_u32(struct acme_buf *b, uint32_t value)
{
    add_u64(b, value);
}

void acme_buf_add_i64(struct acme_buf *b, int64_t value)
{
    if (value < 0) {
        acme_buf_add_char(b, '-');
        add_u64(b, 0 - (uint64_t)value);
    } else {
        add_u64(b, (uint64_t)value);
    }
}

void acme_buf_add_json(struct acme_buf *b, const char *text)
{
    static const char hex[] = "0123456789abcdef";

    for (; *text != '\0'; text++) {
        uint8_t c = (uint8_t)*text;

        if (c == '"' || c == '\\') {
            acme_buf_add_char(b, '\\');
            acme_buf_add_char(b, (char)c);
        } else if (c < 0x20 || c == 0x7f) {
            acme_buf_add(b, "\\u00");
            acme_buf_add_char(b, hex[c >> 4]);
            acme_buf_add_char(b, hex[c & 15]);
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
        dst[0] = '\0';
        return ACME_ERR_LIMIT;
    }
    memcpy(dst, src, len + 1);
    return ACME_OK;
}

void acme_zeroize(void *data, size_t len)
{
    volatile uint8_t *p = data;

    while (len-- > 0) {
        *p++ = 0;
    }
}
