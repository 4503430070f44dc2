/*
 * A bounded writer of text into the caller's memory: the one way in which the core builds strings.
 * It remembers that something did not fit, so that callers check once, at the end. It knows nothing
 * of what the text means.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct acme_buf {
    char *data;
    size_t size; /* bytes of data, the NUL included */
    size_t len;  /* characters written, without the NUL */
    bool overflow;
};

/** Starts an empty string in size (> 0) bytes. The text is NUL-terminated at all times. */
void acme_buf_init(struct acme_buf *b, char *data, size_t size);
void acme_buf_add(struct acme_buf *b, const char *text);
void acme_buf_add_n(struct acme_buf *b, const char *text, size_t len);
void acme_buf_add_char(struct acme_buf *b, char c);
void acme_buf_add_u32(struct acme_buf *b, uint32_t value);
void acme_buf_add_i64(struct acme_buf *b, int64_t value);
/** Adds text as the inside of a JSON string: quotes, backslashes and control characters escaped. */
void acme_buf_add_json(struct acme_buf *b, const char *text);
/** Adds form, in which stand for the next argument: '$' a text, '@' a text as the inside of a JSON
 * string, '#' a uint32_t. */
void acme_buf_add_form(struct acme_buf *b, const char *form, ...);
/** The length if everything fitted, else ACME_ERR_BUFFER. */
int32_t acme_buf_result(const struct acme_buf *b);

/** Copies src to dst of size bytes, NUL included: ACME_OK, or ACME_ERR_LIMIT and dst = "". */
int32_t acme_str_copy(char *dst, size_t size, const char *src);
/** Whether two texts are equal, the case of ASCII letters aside. No locale takes part. */
bool acme_str_equal_nocase(const char *a, size_t a_len, const char *b, size_t b_len);
/** Whether a text of a list is there before it, in whatever case. */
bool acme_str_is_repeated(const char *const *list, size_t index);
/** The same for a whole word. */
bool acme_str_is(const char *text, size_t len, const char *word);
/** The index of a text among words that NULs separate and an empty one ends, the case of ASCII
 * letters aside; if it is none of them, their number. */
size_t acme_str_find(const char *text, size_t len, const char *words);
static inline bool acme_is_digit(char c)
{
    return c >= '0' && c <= '9';
}
static inline bool acme_is_blank(char c)
{
    return c == ' ' || c == '\t';
}
/** Whether all characters are visible ASCII: no blanks, no line ends. */
bool acme_str_visible(const char *text, size_t len);
/** How many characters at the start of text, of len at most, are ASCII letters, digits or in extra.
 */
size_t acme_word_len(const char *text, size_t len, const char *extra);
/** Overwrites memory with zeros in a way the compiler keeps. */
void acme_zeroize(void *data, size_t len);
