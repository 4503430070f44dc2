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

#define PROOF_REAL_MESSAGE
#include "proof_dns.h"

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
/* of: dns/message.c acme_dns_read_begin; len bytes; "len < ACME_DNS_HEAD_SIZE || len" -> "len <
 * ACME_DNS_HEAD_SIZE - 1 || len" */
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
/* of: dns/message.c acme_dns_read_next; a reader that was begun; "r->len - at < (section" ->
 * "r->len - at + 1 < (section" */
/* of: dns/message.c skip_name; a reader that was begun; an offset of its message; "return r->len -
 * at >= 2 ? at + 2 : 0;" -> "return at + 2;" */
/* of: dns/message.c get16; two bytes; "at[1]" -> "at[200]" */
void next(void)
{
    struct acme_dns_entry e;
    size_t before;
    int32_t rc;

    any_reader(40);
    ASSUME(reader.at >= ACME_DNS_HEAD_SIZE); /* where acme_dns_read_begin sets it */
    before = reader.at;
    rc = acme_dns_read_next(&reader, &e);
    PROVE(is_reader(reader.len) && reader.at >= before);
    PROVE(rc != ACME_ERR_NOT_FOUND || reader.at == reader.len);
    if (rc == ACME_OK) { /* as proof_dns.h says */
        PROVE(IS_READER(reader) && IS_ENTRY(reader, e) && e.start == before);
        PROVE(reader.at == e.rdata + e.rdata_len);
        SHOW(e.section == ACME_DNS_ADDITIONAL && e.rdata_len == 4);
    }
}

/* proof: name; unwind 10; any message of up to 9 bytes, a name at any place in it */
/* of: dns/message.c acme_dns_read_name; a reader that was begun; any offset; "name[n < 0 ? 0 :
 * len]" -> "name[len + 1]" */
/* of: dns/message.c next_label; a walk in the reader's message; "w->total > ACME_DNS_WIRE_SIZE" ->
 * "w->total > ACME_DNS_WIRE_SIZE + 1" */
/* of: dns/message.c follow_pointers; a walk in the reader's message; "r->len - w->at < 2" ->
 * "r->len - w->at < 1" */
/* of: dns/message.c add_label; n characters, and room for them; "(char)label[i]" -> "(char)label[i
 * + 9]" */
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
/* of: dns/message.c acme_dns_read_txt; an entry of the reader; size bytes; "if (n >= size - len) {"
 * -> "if (n > size - len) {" */
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
/* of: dns/message.c acme_dns_is_txt; an entry of the reader; a string; "n > end - at || n > left"
 * -> "n > left" */
void is_txt(void)
{
    struct acme_dns_entry e;

    any_reader(6);
    e = any_entry();
    SHOW(acme_dns_is_txt(&reader, &e, any_text(4)));
}

/* proof: caa; unwind 2; any record in a message of up to 300 bytes */
/* of: dns/message.c acme_dns_read_caa; an entry of the reader; "rdata[1] > record->rdata_len - 2"
 * -> "rdata[1] > record->rdata_len - 1" */
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
/* of: dns/message.c acme_dns_name_to_wire; a string; size bytes; "if (size - len < n + 2) {" -> "if
 * (size - len < n) {" */
/* of: dns/message.c label_len; a string; "name[n] != '\0' && name" -> "name" */
/* of: dns/message.c is_label_len; a string, n characters of it; "label[n + 1]" -> "label[n + 2]" */
/* of: dns/message.c label_to_wire; n characters, and room for n + 1; "out[i] =" -> "out[i + 2] ="
 */
/* of: dns/message.c is_label_byte; nothing; "c > ' ' && c" -> "c" */
/* of: dns/message.c lower_of; nothing; "c >= 'A' && c" -> "c" */
void to_wire(void)
{
    size_t size = any_size(8);
    uint8_t any = nondet_u8();
    int32_t n = acme_dns_name_to_wire(any_text(6), nondet_bool(), any_bytes(size, 8), size);

    PROVE(n < 0 || (size_t)n <= size);
    SHOW(n == 8);
    PROVE(!is_label_byte(any) || (any > ' ' && any < 0x7f && any != '.'));
    PROVE(lower_of(any) == any || (any >= 'A' && any <= 'Z'));
}

/* proof: texts; unwind 5; any two names of up to 3 characters */
/* of: dns/message.c acme_dns_same_name; two strings; "strlen(b)" -> "strlen(a)" */
/* of: dns/message.c acme_dns_is_below; two strings; "n >= z && (n" -> "(n" */
/* of: dns/message.c acme_dns_parent; a string; "name + n + 1 : name + n" -> "name + n + 1 : name +
 * n + 1" */
void texts(void)
{
    const char *a = any_text(3), *b = any_text(3);

    SHOW(acme_dns_same_name(a, b));
    SHOW(acme_dns_is_below(a, b) && *b != '\0');
    SHOW(*acme_dns_parent(a) != '\0');
}

/* proof: checked; unwind 9; any name of up to 6 characters */
/* of: dns/message.c acme_dns_check_name; a string; "false, wire, sizeof" -> "false, wire + 1,
 * sizeof" */
void checked(void)
{
    SHOW(acme_dns_check_name(any_text(6)) == ACME_OK);
}

/* proof: target; unwind 8; any record in a message of up to 7 bytes */
/* of: dns/message.c acme_dns_read_target; an entry of the reader; "name, &end);" -> "name + 1,
 * &end);" */
/* of: dns/message.c acme_dns_is_name; a reader that was begun; any offset; a string;
 * "acme_dns_same_name(text, name)"
 * -> "acme_dns_same_name(text + ACME_DNS_NAME_SIZE, name)" */
void target(void)
{
    char name[ACME_DNS_NAME_SIZE];
    struct acme_dns_entry e;

    any_reader(7);
    e = any_entry();
    if (nondet_bool()) {
        SHOW(acme_dns_is_name(&reader, e.start, any_text(2)));
    } else if (acme_dns_read_target(&reader, &e, name) == ACME_OK) {
        PROVE(strlen(name) < ACME_DNS_NAME_SIZE);
        SHOW(name[2] != '\0');
    }
}

/* not: dns/message.c set16 set32 acme_dns_write_begin grow count write_name acme_dns_write_question
 * write_record acme_dns_write_record acme_dns_write_txt acme_dns_write_result; they write: names
 * and values of our own */
