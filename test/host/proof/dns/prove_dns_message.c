/*
 * dns_message: the reader, by induction over the entries of a message, and the writer's names. The
 * limits of a name are lowered, to 6 characters as text and 8 bytes in a message, so that small
 * messages meet them; no code depends on them but by comparing.
 */
#include "proof.h"

#include "acme/config.h"
#include "dns/message.h"
#undef ACME_DNS_NAME_SIZE
#define ACME_DNS_NAME_SIZE 7
#undef ACME_DNS_WIRE_SIZE
#define ACME_DNS_WIRE_SIZE 8

#include "base/buf.c"
#include "dns/message.c"

static struct acme_dns_reader reader;

static bool is_reader(size_t len)
{
    return reader.len == len && reader.at <= len && len <= UINT16_MAX;
}

static void any_reader(size_t most)
{
    FORGET(reader);
    reader.data = any_bytes(reader.len, most);
    ASSUME(is_reader(reader.len));
}

/* An entry as acme_dns_read_next leaves it. */
static struct acme_dns_entry any_entry(void)
{
    struct acme_dns_entry e;

    FORGET(e);
    ASSUME(e.rdata <= reader.len && e.rdata_len <= reader.len - e.rdata);
    return e;
}

/* proof: begin; unwind 5; any message of up to 40 bytes */
/* mutant: begin; dns/message.c; "len < ACME_DNS_HEAD_SIZE || len" -> "len < ACME_DNS_HEAD_SIZE - 1
 * || len" */
void begin(void)
{
    size_t len = any_size(40);

    if (acme_dns_read_begin(&reader, any_bytes(len, 40), len) == ACME_OK) {
        PROVE(is_reader(len));
        SHOW(len == ACME_DNS_HEAD_SIZE);
    }
}

/* proof: next; unwind 20; any message of up to 40 bytes, read up to any place: any number of
 * entries */
/* mutant: next; dns/message.c; "r->len - at < (section" -> "r->len - at + 1 < (section" */
/* mutant: next; dns/message.c; "return r->len - at >= 2 ? at + 2 : 0;" -> "return at + 2;" */
void next(void)
{
    struct acme_dns_entry e;

    any_reader(40);
    if (acme_dns_read_next(&reader, &e) == ACME_OK) {
        PROVE(is_reader(reader.len));
        PROVE(e.rdata <= reader.len && e.rdata_len <= reader.len - e.rdata);
        SHOW(e.section == ACME_DNS_ADDITIONAL && e.rdata_len == 4);
    }
}

/* proof: name; unwind 10; any message of up to 9 bytes, a name at any place in it */
/* mutant: name; dns/message.c; "w->total > ACME_DNS_WIRE_SIZE" -> "w->total > ACME_DNS_WIRE_SIZE +
 * 1" */
void name(void)
{
    char text[ACME_DNS_NAME_SIZE];
    size_t end = 0;

    any_reader(9);
    if (acme_dns_read_name(&reader, any_size(9), text, &end) == ACME_OK) {
        PROVE(end > 0 && end <= reader.len);
        SHOW(text[5] != '\0' && text[6] == '\0');
    }
}

/* proof: txt; unwind 8; any record in a message of up to 6 bytes into any room of 1 to 8 */
/* mutant: txt; dns/message.c; "if (n >= size - len) {" -> "if (n > size - len) {" */
void txt(void)
{
    struct acme_dns_entry e;
    size_t size = any_size(8);
    int32_t n;

    any_reader(6);
    ASSUME(size > 0);
    e = any_entry();
    n = acme_dns_read_txt(&reader, &e, any_bytes(size, 8), size);
    PROVE(n < 0 || (size_t)n < size);
    SHOW(n == 5);
}

/* proof: is_txt; unwind 8; any record of up to 6 bytes against any text of up to 4 characters */
void is_txt(void)
{
    struct acme_dns_entry e;

    any_reader(6);
    e = any_entry();
    SHOW(acme_dns_is_txt(&reader, &e, any_text(4)));
}

/* proof: caa; unwind 2; any record in a message of up to 300 bytes */
/* mutant: caa; dns/message.c; "rdata[1] > record->rdata_len - 2" -> "rdata[1] > record->rdata_len -
 * 1" */
void caa(void)
{
    struct acme_dns_entry e;
    struct acme_dns_caa c;

    any_reader(300);
    e = any_entry();
    ASSUME(e.rdata_len <= UINT16_MAX);
    if (acme_dns_read_caa(&reader, &e, &c) == ACME_OK) {
        PROVE(__CPROVER_r_ok(c.tag, c.tag_len) && __CPROVER_r_ok(c.value, c.value_len));
        SHOW(c.tag_len == 255);
    }
}

/* proof: to_wire; unwind 9; any name of up to 6 characters into any room of up to 8 */
/* mutant: to_wire; dns/message.c; "if (size - len < n + 2) {" -> "if (size - len < n) {" */
void to_wire(void)
{
    size_t size = any_size(8);
    int32_t n = acme_dns_name_to_wire(any_text(6), nondet_bool(), any_bytes(size, 8), size);

    PROVE(n < 0 || (size_t)n <= size);
    SHOW(n == 8);
}
