/*
 * Writes text into memory of a fixed size, and wipes memory. It must not know what the text means
 * or where the memory came from.
 */
#include "base/buf.h"

#include <stdarg.h>
#include <string.h>

#include "acme/error.h"
#include "base/assert.h"

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
    ACME_ASSERT(b->overflow ? b->len <= b->size : b->len < b->size);
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

void acme_buf_add_u32(struct acme_buf *b, uint32_t value)
{
    char digits[10]; /* of UINT32_MAX */
    size_t at = sizeof(digits);

    do {
        digits[--at] = (char)('0' + (char)(value % 10U));
        value /= 10U;
    } while (value > 0);
    acme_buf_add_n(b, digits + at, sizeof(digits) - at);
}

void acme_buf_add_i64(struct acme_buf *b, int64_t value)
{
    uint64_t magnitude = (uint64_t)value;
    char digits[20]; /* of UINT64_MAX */
    size_t at = sizeof(digits);

    if (value < 0) {
        acme_buf_add_char(b, '-');
        magnitude = 0U - magnitude; /* right for INT64_MIN too, which -value is not */
    }
    do {
        digits[--at] = (char)('0' + (char)(magnitude % 10U));
        magnitude /= 10U;
    } while (magnitude > 0);
    acme_buf_add_n(b, digits + at, sizeof(digits) - at);
}

void acme_buf_add_json(struct acme_buf *b, const char *text)
{
    static const char hex[] = "0123456789abcdef";

    for (; *text != '\0'; text++) {
        unsigned c = (unsigned char)*text;

        if (c < 0x20U || c == 0x7fU) {
            acme_buf_add(b, "\\u00");
            acme_buf_add_char(b, hex[c >> 4]);
            c = (unsigned char)hex[c & 15U];
        } else if (c == '"' || c == '\\') {
            acme_buf_add_char(b, '\\');
        }
        acme_buf_add_char(b, (char)c);
    }
}

void acme_buf_add_form(struct acme_buf *b, const char *form, ...)
{
    va_list args;

    va_start(args, form);
    for (; *form != '\0'; form++) {
        if (*form == '$') {
            acme_buf_add(b, va_arg(args, const char *));
        } else if (*form == '@') {
            acme_buf_add_json(b, va_arg(args, const char *));
        } else if (*form == '#') {
            acme_buf_add_u32(b, va_arg(args, uint32_t));
        } else {
            acme_buf_add_char(b, *form);
        }
    }
    va_end(args);
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

bool acme_str_visible(const char *text, size_t len)
{
    for (; len > 0; text++, len--) {
        if (*text <= ' ' || *text > '~') {
            return false;
        }
    }
    return true;
}

size_t acme_word_len(const char *text, size_t len, const char *extra)
{
    size_t n = 0;

    while (n < len && text[n] != '\0' &&
           (acme_is_digit(text[n]) || (lower(text[n]) >= 'a' && lower(text[n]) <= 'z') ||
            strchr(extra, text[n]) != NULL)) {
        n++;
    }
    return n;
}

bool acme_str_equal_nocase(const char *a, size_t a_len, const char *b, size_t b_len)
{
    if (a_len != b_len) {
        return false;
    }
    for (; a_len > 0; a++, b++, a_len--) {
        if (lower(*a) != lower(*b)) {
            return false;
        }
    }
    return true;
}

bool acme_str_is(const char *text, size_t len, const char *word)
{
    return acme_str_equal_nocase(text, len, word, strlen(word));
}

bool acme_str_is_repeated(const char *const *list, size_t index)
{
    size_t i;

    for (i = 0; i < index; i++) {
        if (acme_str_is(list[i], strlen(list[i]), list[index])) {
            return true;
        }
    }
    return false;
}

size_t acme_str_find(const char *text, size_t len, const char *words)
{
    size_t i;

    for (i = 0; *words != '\0' && !acme_str_is(text, len, words); i++) {
        words += strlen(words) + 1;
    }
    return i;
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
