/*
 * ipaddr: text to bytes and back.
 */
#include "proof.h"

#include "base/ipaddr.c"

/* A buffer that counts what it is given: that it holds as much without harm is proved of buf.c. */
void acme_buf_init(struct acme_buf *b, char *data, size_t size)
{
    b->data = data;
    b->size = size;
    b->len = 0;
    b->overflow = false;
}

void acme_buf_add(struct acme_buf *b, const char *text)
{
    b->len += strlen(text);
}

void acme_buf_add_char(struct acme_buf *b, char c)
{
    PROVE(c != '\0');
    b->len++;
}

void acme_buf_add_u32(struct acme_buf *b, uint32_t value)
{
    b->len += value < 10 ? 1 : value < 100 ? 2 : value < 1000 ? 3 : 10;
}

static void parse_any(const char *text)
{
    uint8_t out[16];
    int32_t n = acme_ipaddr_parse(text, out);

    PROVE(n == 4 || n == 16 || n == ACME_ERR_NAME);
    SHOW(n == 4);
    SHOW(n == 16);
}

/* proof: parse; unwind 9; any string of up to 7 characters */
/* loop: parse_group.0 6 */
/* loop: parse_v4.0 5 */
/* loop: parse_byte.0 5 */
/* of: base/ipaddr.c parse_v4; a string; "text += n + 1;" -> "text += n + 2;" */
/* of: base/ipaddr.c parse_byte; a string; "acme_is_digit(text[n])" -> "text[n] != '.'" */
/* of: base/ipaddr.c acme_ipaddr_parse; a string; "parse_v4(text, out) ? 4" -> "parse_v4(text + 1, out) ? 4" */
/* of: base/ipaddr.c parse_v6; a string; "text += n;" -> "text += n + 1;" */
/* of: base/ipaddr.c hex_digit; nothing; "c - 'a' + 10 : -1" -> "c - 'a' + 10 : 16" */
/* of: base/ipaddr.c parse_group; a string; "hex_digit(text[n]) >= 0" -> "hex_digit(text[n]) >= -1" */
/* of: base/ipaddr.c ends_group; a string; "text[1] != '\\0'" -> "text[2] != '\\0'" */
void parse(void)
{
    parse_any(any_text(7));
}

/* proof: parse_long; unwind 21; any string of up to 18 characters */
/* loop: parse_v6.0 12 */
/* loop: parse_group.0 6 */
/* of: base/ipaddr.c take_part; a string; up to 16 bytes that were read; "v->len > 14 ||" -> "v->len > 15 ||" */
/* of: base/ipaddr.c close_gap; up to 16 bytes that were read; "16 - v->len);" -> "17 - v->len);" */
void parse_long(void)
{
    parse_any(any_long_text(18));
}

/* proof: text; unwind 14; any address */
/* of: base/ipaddr.c acme_ipaddr_add; 4 or 16 bytes; "mapped, sizeof(mapped))" -> "mapped, sizeof(mapped) + 8)" */
/* of: base/ipaddr.c add_v4; 4 bytes; "i < 4" -> "i < 5" */
/* of: base/ipaddr.c group_of; 16 bytes; "bytes[2 * i + 1]" -> "bytes[2 * i + 2]" */
/* of: base/ipaddr.c find_zeros; 16 bytes; "i + n < 8 &&" -> "i + n <= 8 &&" */
/* of: base/ipaddr.c add_group; nothing; "& 15U]" -> "& 31U]" */
void text(void)
{
    size_t len = nondet_bool() ? 4 : 16;
    char out[ACME_IPADDR_TEXT];
    struct acme_buf b;

    acme_buf_init(&b, out, sizeof(out));
    acme_ipaddr_add(&b, any_bytes(len, 16), len);
    PROVE(b.len < sizeof(out));
    SHOW(b.len == 39);
}

/* proof: reverse; unwind 18; any address */
/* of: base/ipaddr.c acme_ipaddr_add_reverse; 4 or 16 bytes; "bytes[i - 1] & 15U" -> "bytes[i] & 15U" */
void reverse(void)
{
    size_t len = nondet_bool() ? 4 : 16;
    char out[ACME_IPADDR_REVERSE];
    struct acme_buf b;

    acme_buf_init(&b, out, sizeof(out));
    acme_ipaddr_add_reverse(&b, any_bytes(len, 16), len);
    PROVE(b.len < sizeof(out));
    SHOW(b.len == 72);
}

/* not: base/ipaddr.c acme_ipaddr_is_canonical; it reads the application's names, by the functions
 * above */
