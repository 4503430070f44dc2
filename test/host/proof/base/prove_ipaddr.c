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
/* mutant: parse; base/ipaddr.c; "text += n + 1;" -> "text += n + 2;" */
void parse(void)
{
    parse_any(any_text(7));
}

/* proof: parse_long; unwind 21; any string of up to 18 characters */
/* loop: parse_v6.0 12 */
/* loop: parse_group.0 6 */
void parse_long(void)
{
    parse_any(any_long_text(18));
}

/* proof: text; unwind 14; any address */
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
