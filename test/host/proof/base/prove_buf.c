/*
 * buf: each writer adds to any text under construction and leaves one; the helpers over strings.
 */
#include "proof.h"

#include "base/buf.c"
#include "proof_buf.h"

/* proof: init; unwind 2; any room of up to 8 bytes */
/* of: base/buf.c acme_buf_init; size bytes; "b->overflow = size == 0" -> "b->overflow = false" */
void init(void)
{
    size_t size = any_size(8);
    struct acme_buf b;

    acme_buf_init(&b, any_bytes(size, 8), size);
    PROVE(is_buf(&b));
    SHOW(!b.overflow);
}

/* proof: add_n; unwind 2; any 0 to 64 bytes to any text in any room of up to 64 */
/* of: base/buf.c acme_buf_add_n; a text under construction; len characters; "len >= b->size - b->len" -> "len > b->size - b->len" */
void add_n(void)
{
    size_t len = any_size(64);
    struct acme_buf b = any_buf(any_size(64), 64);

    acme_buf_add_n(&b, any_bytes(len, 64), len);
    PROVE(is_buf(&b));
    SHOW(b.len == 63);
}

/* proof: add; unwind 18; any string of up to 16 characters */
/* of: base/buf.c acme_buf_add; a text under construction; a string; "strlen(text)" -> "strlen(text) + 2" */
/* of: base/buf.c acme_buf_result; a text under construction; "(int32_t)b->len" -> "(int32_t)b->len + 1" */
void add(void)
{
    struct acme_buf b = any_buf(any_size(24), 24);

    acme_buf_add(&b, any_text(16));
    PROVE(is_buf(&b));
    PROVE(acme_buf_result(&b) == (b.overflow ? ACME_ERR_BUFFER : (int32_t)b.len));
    SHOW(b.len == 16);
}

/* proof: add_u32; unwind 12; any number */
/* of: base/buf.c acme_buf_add_u32; a text under construction; "char digits[10];" -> "char digits[9];" */
void add_u32(void)
{
    struct acme_buf b = any_buf(12, 12);

    acme_buf_add_u32(&b, nondet_u32());
    PROVE(is_buf(&b));
    SHOW(b.len == 10);
}

/* proof: add_i64; unwind 22; any number */
/* wraps: acme_buf_add_i64; "0u - magnitude"; the two's complement of a number, on purpose */
/* of: base/buf.c acme_buf_add_i64; a text under construction; "char digits[20];" -> "char digits[19];" */
void add_i64(void)
{
    struct acme_buf b = any_buf(24, 24);

    acme_buf_add_i64(&b, nondet_i64());
    PROVE(is_buf(&b));
    SHOW(b.len == 20);
}

/* proof: add_json; unwind 8; any string of up to 2 characters */
/* of: base/buf.c acme_buf_add_json; a text under construction; a string; "hex[c >> 4]" -> "hex[c >> 2]" */
/* of: base/buf.c acme_buf_add_char; a text under construction; "&c, 1" -> "&c, 2" */
void add_json(void)
{
    struct acme_buf b = any_buf(any_size(14), 14);

    acme_buf_add_json(&b, any_text(2));
    PROVE(is_buf(&b));
    SHOW(b.len == 12);
}

/* proof: str_copy; unwind 18; any string of up to 16 characters into any room of up to 16 */
/* of: base/buf.c acme_str_copy; size bytes; a string; "if (len >= size) {" -> "if (len > size) {" */
void str_copy(void)
{
    size_t size = any_size(16);
    int32_t rc = acme_str_copy(any_bytes(size, 16), size, any_text(16));

    SHOW(rc == ACME_OK);
}

/* proof: words; unwind 12; any two texts of up to 4 characters, and a list of two words of up to 4
 */
/* of: base/buf.c acme_str_visible; len characters; "for (; len > 0; text++" -> "for (; *text > 0; text++" */
/* of: base/buf.c acme_word_len; len characters, or a string; "n < len && text" -> "text" */
/* of: base/buf.c acme_str_equal_nocase; a_len and b_len characters; "a_len != b_len" -> "a_len < b_len" */
/* of: base/buf.c acme_str_is; len characters; a string; "strlen(word)" -> "len" */
/* of: base/buf.c acme_str_find; len characters; words that end with an empty one; "strlen(words) + 1" -> "strlen(words) + 2" */
/* of: base/buf.c lower; nothing; "c >= 'A' && c <= 'Z' ?" -> "c >= 'A' ?" */
void words(void)
{
    size_t a_len = any_size(4), b_len = any_size(4);
    const char *a = any_bytes(a_len, 4), *b = any_bytes(b_len, 4);
    char *list = any_bytes(11, 11);

    list[4] = list[9] = list[10] = '\0';
    SHOW(acme_str_visible(a, a_len));
    SHOW(acme_word_len(a, a_len, "-_") == 4);
    SHOW(acme_str_equal_nocase(a, a_len, b, b_len));
    PROVE(acme_str_find(a, a_len, list) <= 10);
    PROVE(a_len == 0 || lower(*a) == *a || (*a >= 'A' && *a <= 'Z'));
}

/* proof: zeroize; unwind 34; any memory of up to 32 bytes */
/* of: base/buf.c acme_zeroize; len bytes; "while (len > 0) {" -> "while (len + 1 > 0) {" */
void zeroize(void)
{
    size_t len = any_size(32), i = nondet_size();
    uint8_t *data = any_bytes(len, 32);

    acme_zeroize(data, len);
    PROVE(i >= len || data[i] == 0);
    SHOW(len == 32);
}

/* not: base/buf.c acme_buf_add_form; its forms are constants of the core, and all that it adds goes
 * through the functions above */
/* not: base/buf.c acme_str_is_repeated; it reads the application's names */
