/*
 * http: the parser of responses, by induction. What the parser is between two bytes is written down
 * once, as is_parser(): a new one is such a parser, and one step from any such parser leads to such
 * a parser, without a bad access or an overflow. So streams of any length are covered, and however
 * they are split. Each function is proved under what its callers keep; where it stands in the way
 * of its caller's proof, a stand-in proves that they keep it, and does anything that the function
 * may do.
 *
 * The lines of the proof have LINE_MAX characters at most instead of CONFIG_ACME_HTTP_LINE_MAX, and
 * its URLs URL_MAX: no code depends on them but by comparing.
 */
#include "proof.h"

#include "acme/config.h"
#define LINE_MAX_PROOF 24
#undef CONFIG_ACME_HTTP_LINE_MAX
#define CONFIG_ACME_HTTP_LINE_MAX LINE_MAX_PROOF
#undef CONFIG_ACME_URL_MAX
#define CONFIG_ACME_URL_MAX 12
#undef CONFIG_ACME_NONCE_MAX
#define CONFIG_ACME_NONCE_MAX 8
#undef CONFIG_ACME_ALTERNATES_MAX
#define CONFIG_ACME_ALTERNATES_MAX 2

/* What a parser is, of a struct: a loop's invariant may not call functions. */
#define IS_RESPONSE(r)                                                                             \
    ((r).location[CONFIG_ACME_URL_MAX] == '\0' && (r).nonce[CONFIG_ACME_NONCE_MAX] == '\0' &&      \
     (r).terms[CONFIG_ACME_URL_MAX] == '\0' && (r).alternates[0][CONFIG_ACME_URL_MAX] == '\0' &&   \
     (r).alternates[1][CONFIG_ACME_URL_MAX] == '\0' &&                                             \
     (r).alternate_count <= CONFIG_ACME_ALTERNATES_MAX && (r).status <= 599)
#define IS_PARSER(p)                                                                               \
    ((p).state <= STATE_FAILED && (p).line_len <= CONFIG_ACME_HTTP_LINE_MAX &&                     \
     (p).header_bytes <= CONFIG_ACME_HTTP_HEADERS_MAX &&                                           \
     (p).response.body_len <= (p).body_limit && (p).line_overflow <= (p).header_bytes &&           \
     (p).body_limit < UINT32_MAX &&                                                                \
     ((p).state < STATE_BODY_LENGTH || (p).state > STATE_BODY_CLOSE ||                             \
      (p).remaining <= (p).body_limit - (p).response.body_len) &&                                  \
     ((p).state >= STATE_TRAILER || (p).state == STATE_CHUNK_SIZE ||                               \
      (p).response.body_len == 0) &&                                                               \
     IS_RESPONSE((p).response))

#include "base/buf.c"
#include "base/date.c"
#include "net/link.c"
#include "net/http_date.c"
#include "net/http.c"

/* A copy, so that CBMC looks at the pointer once, and not for each member. */
static bool is_parser(const struct acme_http_parser *p)
{
    struct acme_http_parser copy = *p;

    return IS_PARSER(copy);
}

/* Takes all of what it is given. */
static int32_t body(void *ctx, const uint8_t *data, size_t len)
{
    (void)ctx;
    PROVE(len > 0 && __CPROVER_r_ok(data, len));
    return nondet_i32();
}

struct acme_http_parser nondet_parser(void);

static void any_parser(struct acme_http_parser *p)
{
    *p = nondet_parser();
    p->body_fn = nondet_bool() ? body : NULL;
    ASSUME(is_parser(p));
}

/* What a step leaves: with an error, feed calls the parser failed. */
static void prove_after(struct acme_http_parser *p, int32_t rc)
{
    PROVE(rc != ACME_OK || p->state < STATE_FAILED);
    if (rc != ACME_OK) {
        p->state = STATE_FAILED;
    }
    PROVE(is_parser(p));
}

/* A parser and a result that a step may leave. */
static int32_t any_after(struct acme_http_parser *p)
{
    int32_t rc = nondet_i32();

    any_parser(p);
    ASSUME((rc != ACME_OK) == (p->state == STATE_FAILED));
    if (rc != ACME_OK) {
        p->state = nondet_u8();
    }
    return rc;
}

/* proof: start; unwind 2; a new parser */
/* of: net/http.c acme_http_parser_init; nothing; "body_limit < UINT32_MAX ?" -> "body_limit <= UINT32_MAX ?" */
void start(void)
{
    struct acme_http_parser p;

    acme_http_parser_init(&p, nondet_bool(), nondet_u32(), body, NULL);
    PROVE(is_parser(&p));
    SHOW(p.body_limit > 0);
}

/* ---- the steps ---- */

int32_t any_line_byte(struct acme_http_parser *p, char c)
{
    (void)c;
    PROVE(is_parser(p) && p->state <= STATE_CHUNK_END);
    return any_after(p);
}

int32_t any_body_bytes(struct acme_http_parser *p, const uint8_t *data, size_t len,
                              size_t *took)
{
    int32_t rc;

    PROVE(len > 0 && __CPROVER_r_ok(data, len));
    PROVE(is_parser(p) && p->state >= STATE_BODY_LENGTH && p->state <= STATE_BODY_CLOSE);
    rc = any_after(p);
    *took = any_size(len);
    ASSUME(*took > 0 || rc != ACME_OK || p->state == STATE_DONE);
    return rc;
}

/* proof: feed; unwind 2; any 0 to 65535 bytes, in any number of steps */
/* calls: line_byte -> any_line_byte */
/* calls: body_bytes -> any_body_bytes */
/* invariant: net/http.c acme_http_parser_feed; "while (p->state != STATE_DONE && *used < len) {";
 * __CPROVER_assigns(*used, __CPROVER_object_whole(p))
 * __CPROVER_loop_invariant(*used <= len && IS_PARSER(*p) && p->state != STATE_FAILED) */
/* of: net/http.c acme_http_parser_feed; a parser that was begun, or fed before; len bytes; "&& *used
 * < len" -> "&& *used <= len" */
/* plant: net/http.c acme_http_parser_feed; "*used += took;" -> "*used += took + 1;" */
void feed(void)
{
    struct acme_http_parser p;
    size_t len = any_size(65535), used;
    int32_t rc;

    any_parser(&p);
    rc = acme_http_parser_feed(&p, any_bytes(len, 65535), len, &used);
    PROVE(used <= len && is_parser(&p));
    PROVE(rc != ACME_OK || p.state == STATE_DONE);
    SHOW(rc == ACME_OK && used == 7);
    SHOW(rc == ACME_ERR_AGAIN && used == 65535);
}

/* A line that is whole, as line_byte hands it over. */
static bool is_line(const struct acme_http_parser *p, enum state state)
{
    return is_parser(p) && p->state == state && p->line[p->line_len] == '\0';
}

int32_t any_line_done(struct acme_http_parser *p)
{
    PROVE(p->state <= STATE_CHUNK_END && is_line(p, p->state));
    return any_after(p);
}

int32_t any_line_store(struct acme_http_parser *p, char c)
{
    (void)c;
    PROVE(is_parser(p) && p->state <= STATE_CHUNK_END && !p->line_cr);
    PROVE(p->state > STATE_TRAILER || p->line_overflow < p->header_bytes); /* it was counted */
    return any_after(p);
}

/* proof: byte; unwind 2; any character in any state that reads a line */
/* calls: line_done -> any_line_done */
/* calls: line_store -> any_line_store */
/* of: net/http.c line_byte; a parser that reads a line; "p->header_bytes >=
 * CONFIG_ACME_HTTP_HEADERS_MAX" -> "p->header_bytes > CONFIG_ACME_HTTP_HEADERS_MAX" */
/* plant: net/http.c line_byte; "p->line[p->line_len] = '\0';" -> "p->line[p->line_len + 1] = '\0';" */
void byte(void)
{
    struct acme_http_parser p;
    int32_t rc;

    any_parser(&p);
    ASSUME(p.state <= STATE_CHUNK_END);
    rc = line_byte(&p, (char)nondet_u8());
    SHOW(rc == ACME_OK && p.line_cr);
    prove_after(&p, rc);
}

/* proof: collect; unwind 4; any character at any place of a line */
/* of: net/http.c line_store; a parser that reads a line, and has counted the character; "p->line_len
 * < CONFIG_ACME_HTTP_LINE_MAX" -> "p->line_len <= CONFIG_ACME_HTTP_LINE_MAX" */
/* of: net/http.c over; a parser; "&p->response.limit" -> "&p->response.limit + 1000" */
void collect(void)
{
    struct acme_http_parser p;
    int32_t rc;

    any_parser(&p);
    ASSUME(p.state <= STATE_CHUNK_END);
    ASSUME(p.state > STATE_TRAILER || p.line_overflow < p.header_bytes);
    rc = line_store(&p, (char)nondet_u8());
    SHOW(rc == ACME_OK && p.line_len == 1);
    prove_after(&p, rc);
}

/* proof: body_step; unwind 2; any 1 to 65535 bytes in any state that reads a body */
/* of: net/http.c body_bytes; a parser that reads a body; 1 byte or more; "len < p->remaining ?" ->
 * "len > 0 ?" */
/* of: net/http.c body_handed_over; a parser that has read of a body; "STATE_CHUNK_END : STATE_DONE"
 * -> "STATE_CHUNK_END : STATE_FAILED + 1" */
/* of: net/http.c body_too_long; a parser that reads a body, of which nothing remains;
 * "p->body_limit + 1U" -> "p->body_limit + 2U" */
/* of: net/http.c enough; a parser; "STATE_DONE" -> "STATE_FAILED + 1" */
void body_step(void)
{
    struct acme_http_parser p;
    size_t len = any_size(65535), took;
    int32_t rc;

    any_parser(&p);
    ASSUME(p.state >= STATE_BODY_LENGTH && p.state <= STATE_BODY_CLOSE);
    ASSUME(len > 0);
    rc = body_bytes(&p, any_bytes(len, 65535), len, &took);
    PROVE(took <= len);
    PROVE(took > 0 || rc != ACME_OK || p.state == STATE_DONE); /* an error's body that is too long */
    SHOW(rc == ACME_OK && took < len);
    prove_after(&p, rc);
}

/* proof: finish; unwind 2; the end of the connection in any state */
/* of: net/http.c acme_http_parser_finish; a parser that was begun, or fed; "p->state = STATE_DONE;"
 * -> "p->state = STATE_FAILED + 1;" */
void finish(void)
{
    struct acme_http_parser p;

    any_parser(&p);
    SHOW(acme_http_parser_finish(&p, nondet_bool()) == ACME_OK);
    PROVE(is_parser(&p));
}

/* ---- lines ---- */

int32_t any_status_line(struct acme_http_parser *p)
{
    PROVE(is_line(p, STATE_STATUS));
    return any_after(p);
}

int32_t any_header_line(struct acme_http_parser *p)
{
    PROVE(is_line(p, STATE_HEADER) && p->line_len > 0);
    return any_after(p);
}

int32_t any_headers_end(struct acme_http_parser *p)
{
    PROVE(is_line(p, STATE_HEADER));
    return any_after(p);
}

int32_t any_chunk_size_line(struct acme_http_parser *p)
{
    PROVE(is_line(p, STATE_CHUNK_SIZE));
    return any_after(p);
}

/* Any line, as line_byte hands it over. */
static void any_line(struct acme_http_parser *p, enum state state)
{
    any_parser(p);
    ASSUME(is_line(p, state));
}

/* proof: line; unwind 2; any line in any state that reads one */
/* calls: status_line -> any_status_line */
/* calls: header_line -> any_header_line */
/* calls: headers_end -> any_headers_end */
/* calls: chunk_size_line -> any_chunk_size_line */
/* of: net/http.c line_done; a line that is whole and ends with NUL; "p->line_len == 0 ?
 * headers_end(p) : header_line(p)" -> "header_line(p)" */
/* plant: net/http.c line_done; "p->state = STATE_CHUNK_SIZE;" -> "p->state = STATE_BODY_CHUNK;" */
void line(void)
{
    struct acme_http_parser p;
    int32_t rc;

    any_parser(&p);
    ASSUME(p.state <= STATE_CHUNK_END && p.line[p.line_len] == '\0');
    rc = line_done(&p);
    SHOW(rc == ACME_OK && p.state == STATE_DONE);
    prove_after(&p, rc);
}

/* proof: status; unwind 9; any line of up to 24 characters */
/* of: net/http.c status_line; a line, which ends with NUL; "status > 599" -> "status > 999" */
/* of: net/http.c read_status; a line in the parser's memory; "line[12] == ' '" ->
 * "line[CONFIG_ACME_HTTP_LINE_MAX + 1] == ' '" */
void status(void)
{
    struct acme_http_parser p;
    int32_t rc;

    any_line(&p, STATE_STATUS);
    rc = status_line(&p);
    SHOW(rc == ACME_OK);
    prove_after(&p, rc);
}

/* proof: head_end; unwind 2; the empty line after any head */
/* of: net/http.c headers_end; a parser that reads a head; "p->remaining = p->body_limit;" ->
 * "p->remaining = p->body_limit + 1U;" */
void head_end(void)
{
    struct acme_http_parser p;
    int32_t rc;

    any_line(&p, STATE_HEADER);
    rc = headers_end(&p);
    SHOW(rc == ACME_OK && p.state == STATE_BODY_LENGTH);
    SHOW(rc == ACME_OK && p.state == STATE_STATUS);
    prove_after(&p, rc);
}

/* proof: chunk_size; unwind 27; any line of up to 24 characters */
/* of: net/http.c chunk_size_line; a line, which ends with NUL; "rest > (size_t)CONFIG" -> "rest > 1
 * + (size_t)CONFIG" */
/* of: net/http.c fit; a parser; "if (size <= room) {" -> "if (size <= p->body_limit) {" */
/* plant: net/http.c fit; "size < room ? size" -> "size <= UINT32_MAX ? size" */
/* of: net/http.c is_extension; a text that ends with NUL; "return *p == ';'" -> "return p[1] ==
 * ';'" */
/* of: net/http.c read_number; len characters; "sum >> 28 != 0" -> "sum >> 29 != 0" */
/* of: net/http.c digit_value; nothing; "c >= 'a' && c <= 'f'" -> "c <= 'f'" */
void chunk_size(void)
{
    struct acme_http_parser p;
    int32_t rc;

    any_line(&p, STATE_CHUNK_SIZE);
    rc = chunk_size_line(&p);
    SHOW(rc == ACME_OK && p.state == STATE_BODY_CHUNK);
    prove_after(&p, rc);
}

/* ---- fields ---- */

int32_t any_dispatch(struct acme_http_parser *p, size_t name_len)
{
    PROVE(is_line(p, STATE_HEADER));
    PROVE(name_len > 0 && name_len < p->line_len && p->line[name_len] == ':');
    return any_after(p);
}

/* proof: header; unwind 27; any header line of up to 24 characters, up to its colon */
/* loop: strchr.0 18 */
/* calls: dispatch -> any_dispatch */
/* of: net/http.c header_line; a line that is not empty, and ends with NUL; "name_len == 0 ||
 * p->line[name_len] != ':'" -> "name_len == 0" */
/* plant: net/http.c header_line; "acme_word_len(p->line, p->line_len," -> "acme_word_len(p->line,
 * p->line_len + 2U," */
void header(void)
{
    struct acme_http_parser p;
    int32_t rc;

    any_line(&p, STATE_HEADER);
    ASSUME(p.line_len > 0);
    rc = header_line(&p);
    SHOW(rc == ACME_OK);
    prove_after(&p, rc);
}

int32_t any_field(struct acme_http_parser *p, size_t field, const char *v, size_t len)
{
    PROVE(is_line(p, STATE_HEADER) && field < FIELD_OTHER);
    PROVE(__CPROVER_same_object(v, p) && v > p->line && v + len <= p->line + p->line_len);
    return any_after(p);
}

size_t any_find(const char *text, size_t len, const char *words)
{
    PROVE(__CPROVER_r_ok(text, len) && words == field_names);
    return any_size(FIELD_OTHER);
}

/* proof: value_of_field; unwind 27; any header line of up to 24 characters, from its colon on */
/* calls: on_field -> any_field */
/* calls: acme_str_find -> any_find */
/* invariant: net/http.c dispatch; "while (start < end && acme_is_blank(l[start])) {";
 * __CPROVER_assigns(start) __CPROVER_loop_invariant(start > name_len && start <= end)
 * __CPROVER_decreases(end - start) */
/* invariant: net/http.c dispatch; "while (end > start && acme_is_blank(l[end - 1])) {";
 * __CPROVER_assigns(end) __CPROVER_loop_invariant(start <= end && end <= p->line_len)
 * __CPROVER_decreases(end) */
/* of: net/http.c dispatch; a line with a colon behind name_len characters; "while (end > start &&
 * acme_is_blank(l[end - 1]))" -> "while (acme_is_blank(l[end - 1]))" */
/* plant: net/http.c dispatch; "while (start < end && acme" -> "while (acme" */
/* plant: net/http.c dispatch; "end = p->line_len;" -> "end = p->line_len + 1U;" */
/* plant: net/http.c dispatch; "end - start);" -> "end - start + 1);" */
void value_of_field(void)
{
    struct acme_http_parser p;
    size_t name_len = nondet_size();
    int32_t rc;

    any_line(&p, STATE_HEADER);
    ASSUME(name_len > 0 && name_len < p.line_len && p.line[name_len] == ':');
    rc = dispatch(&p, name_len);
    SHOW(rc == ACME_OK);
    prove_after(&p, rc);
}

int32_t any_on_field(struct acme_http_parser *p, const char *v, size_t len)
{
    PROVE(is_parser(p) && p->state == STATE_HEADER && __CPROVER_r_ok(v, len));
    return any_after(p);
}

/* Any value of a field, as dispatch hands it over, and any parser for it. */
static struct acme_http_parser parser;
static const char *value;
static size_t value_len;

static void any_value(size_t most)
{
    any_parser(&parser);
    ASSUME(parser.state == STATE_HEADER);
    value_len = any_size(most);
    value = any_bytes(value_len, most);
}

/* proof: field; unwind 2; any value of up to 24 characters of any field */
/* calls: on_content_length -> any_on_field */
/* calls: on_transfer_encoding -> any_on_field */
/* calls: on_connection -> any_on_field */
/* calls: on_content_type -> any_on_field */
/* calls: on_nonce -> any_on_field */
/* calls: on_location -> any_on_field */
/* calls: on_retry_after -> any_on_field */
/* calls: on_link -> any_on_field */
/* calls: on_date -> any_on_field */
/* of: net/http.c on_field; len characters; "return on_nonce(p, v, len);" -> "return on_nonce(p, v,
 * len + 1);" */
/* plant: net/http.c on_field; "return on_date(p, v, len);" -> "return on_date(p, v + 1, len);" */
void field(void)
{
    int32_t rc;

    any_value(24);
    rc = on_field(&parser, any_size(FIELD_OTHER - 1), value, value_len);
    SHOW(rc == ACME_OK);
    prove_after(&parser, rc);
}

/* proof: length; unwind 14; any value of Content-Length of up to 12 characters */
/* of: net/http.c on_content_length; len characters; "read_number(v, len," -> "read_number(v, len +
 * 1," */
void length(void)
{
    int32_t rc;

    any_value(12);
    rc = on_content_length(&parser, value, value_len);
    SHOW(rc == ACME_OK);
    prove_after(&parser, rc);
}

/* proof: encoding; unwind 12; any value of Transfer-Encoding of up to 10 characters */
/* of: net/http.c on_transfer_encoding; len characters; "acme_str_is(v, len," -> "acme_str_is(v, len
 * + 1," */
void encoding(void)
{
    int32_t rc;

    any_value(10);
    rc = on_transfer_encoding(&parser, value, value_len);
    SHOW(rc == ACME_OK);
    prove_after(&parser, rc);
}

/* proof: connection; unwind 12; any value of Connection of up to 8 characters */
/* of: net/http.c on_connection; len characters; "if (i < len && v[i] != ',' &&" -> "if (i <= len &&
 * v[i] != ',' &&" */
void connection(void)
{
    int32_t rc;

    any_value(8);
    rc = on_connection(&parser, value, value_len);
    SHOW(rc == ACME_OK && parser.response.close);
    prove_after(&parser, rc);
}

/* proof: content_type; unwind 20; any value of Content-Type of up to 17 characters */
/* loop: strlen.0 36 */
/* of: net/http.c on_content_type; len characters; "while (end < len &&" -> "while (end <= len &&" */
void content_type(void)
{
    int32_t rc;

    any_value(17);
    rc = on_content_type(&parser, value, value_len);
    SHOW(rc == ACME_OK && parser.response.content == ACME_HTTP_CONTENT_JSON);
    prove_after(&parser, rc);
}

/* proof: nonce; unwind 13; any value of Replay-Nonce of up to 10 characters, of 8 that are kept */
/* of: net/http.c on_nonce; len characters; "if (len > CONFIG_ACME_NONCE_MAX) {" -> "if (len >
 * CONFIG_ACME_NONCE_MAX + 1) {" */
void nonce(void)
{
    int32_t rc;

    any_value(10);
    rc = on_nonce(&parser, value, value_len);
    SHOW(rc == ACME_OK && parser.response.nonce[7] != '\0');
    prove_after(&parser, rc);
}

/* proof: location; unwind 17; any value of Location of up to 14 characters, of 12 that are kept */
/* of: net/http.c on_location; len characters; "if (len > CONFIG_ACME_URL_MAX) {" -> "if (len >
 * CONFIG_ACME_URL_MAX + 1) {" */
void location(void)
{
    int32_t rc;

    any_value(14);
    rc = on_location(&parser, value, value_len);
    SHOW(rc == ACME_OK && parser.response.location[11] != '\0');
    prove_after(&parser, rc);
}

bool any_next(const char *text, size_t len, size_t *at, struct acme_link *link)
{
    size_t begin, end, next;

    PROVE(*at <= len && __CPROVER_r_ok(text, len));
    begin = any_size(len);
    end = any_size(len);
    next = any_size(len);
    ASSUME(*at < begin && begin <= end && end < next);
    *link = (struct acme_link){text + begin, end - begin, text + end + 1, next - end - 1};
    *at = next;
    return nondet_bool();
}

bool any_relation(const struct acme_link *link, const char *relation)
{
    (void)relation;
    PROVE(__CPROVER_r_ok(link->params, link->params_len));
    return nondet_bool();
}

bool any_visible(const char *text, size_t len)
{
    PROVE(__CPROVER_r_ok(text, len));
    return nondet_bool();
}

/* proof: links_of; unwind 2; any value of Link of up to 30 characters */
/* calls: acme_link_next -> any_next */
/* calls: acme_str_visible -> any_visible */
/* invariant: net/http.c on_link; "while (acme_link_next(v, len, &at, &link)) {";
 * __CPROVER_assigns(at, link, __CPROVER_object_whole(p)) __CPROVER_loop_invariant(at <= len &&
 * IS_PARSER(*p) && p->state == STATE_HEADER) __CPROVER_decreases(len - at) */
/* calls: acme_link_is -> any_relation */
/* of: net/http.c on_link; len characters; "link.url_len <= CONFIG_ACME_URL_MAX &&" -> "link.url_len
 * <= CONFIG_ACME_URL_MAX + 1 &&" */
/* plant: net/http.c on_link; "acme_str_visible(link.url, link.url_len)" ->
 * "acme_str_visible(link.url, link.url_len + 20)" */
/* of: net/http.c take_url; a URL of CONFIG_ACME_URL_MAX characters at most; "memcpy(url, link->url, link->url_len);"
 * -> "memcpy(url, link->url, link->url_len + 1);" */
/* of: net/http.c take_alternate; a URL of CONFIG_ACME_URL_MAX characters at most;
 * "r->alternate_count < CONFIG_ACME_ALTERNATES_MAX" -> "r->alternate_count <=
 * CONFIG_ACME_ALTERNATES_MAX" */
/* of: net/http.c take_terms; a URL of CONFIG_ACME_URL_MAX characters at most; "take_url(link,
 * r->terms);" -> "take_url(link, r->terms + 1);" */
void links_of(void)
{
    int32_t rc;

    any_value(30);
    rc = on_link(&parser, value, value_len);
    SHOW(rc == ACME_OK && parser.response.alternate_count == 2);
    SHOW(rc == ACME_OK && parser.response.terms[11] != '\0');
    prove_after(&parser, rc);
}

int32_t any_date(const char *text, size_t len, int64_t *unix_s)
{
    PROVE(__CPROVER_r_ok(text, len) && __CPROVER_w_ok(unix_s, sizeof(*unix_s)));
    *unix_s = nondet_i64();
    return nondet_bool() ? ACME_OK : ACME_ERR_HTTP;
}

/* proof: retry_after; unwind 14; any value of Retry-After or Date of up to 12 characters */
/* calls: acme_http_parse_date -> any_date */
/* of: net/http.c on_retry_after; len characters; "read_number(v, len," -> "read_number(v, len + 1,"
 */
/* of: net/http.c on_date; len characters; "acme_http_parse_date(v, len," ->
 * "acme_http_parse_date(v + 1, len," */
void retry_after(void)
{
    int32_t rc;

    any_value(12);
    rc = nondet_bool() ? on_retry_after(&parser, value, value_len)
                       : on_date(&parser, value, value_len);
    SHOW(rc == ACME_OK && parser.response.has_retry_after);
    prove_after(&parser, rc);
}

/* proof: urls; unwind 2; any index of the URLs of any response */
/* of: net/http.c acme_http_response_url; a response of a parser; "index - 2" -> "index - 3" */
/* of: net/http.c alternate; a response of a parser; "index < r->alternate_count ?" -> "index <= r->alternate_count
 * ?" */
/* of: net/http.c terms; a response of a parser; "return r->terms;" -> "return r->terms + 20;" */
void urls(void)
{
    size_t index = nondet_size();
    const char *url;

    any_parser(&parser);
    url = acme_http_response_url(&parser.response, index);
    PROVE(url == NULL || url[CONFIG_ACME_URL_MAX] == '\0');
    PROVE((url == NULL) == (index >= 2U + parser.response.alternate_count));
    SHOW(index == 3 && url != NULL);
}

/* not: net/http.c acme_http_request_write; it writes: of the URL it reads what acme_uri_parse has
 * found, and buf.c is proved to hold any text */

/* ---- links ---- */

/* proof: relation; unwind 20; any parameters of a link of up to 17 characters */
/* of: net/link.c find_relations; len characters; "i + name_len <= len" -> "i + name_len <= len + 1"
 */
/* of: net/link.c acme_link_is; params_len characters; "at == link->params_len || params[at]" ->
 * "params[at]" */
void relation(void)
{
    struct acme_link link = {NULL, 0, NULL, any_size(17)};

    link.params = any_bytes(link.params_len, 17);
    SHOW(acme_link_is(&link, "alternate"));
}

/* proof: links; unwind 8; the next link of any value of up to 6 characters, from anywhere on */
/* of: net/link.c find_comma; len characters, at within them; "while (at < len &&" -> "while (at <=
 * len &&" */
/* of: net/link.c acme_link_next; len characters, *at within them; "if (*at >= len ||" -> "if (*at >
 * len ||" */
/* plant: net/link.c acme_link_next; "len - *at);" -> "len - *at + 1);" */
void links(void)
{
    struct acme_link link;
    size_t len = any_size(6), at = any_size(6), before;
    const char *text = any_bytes(len, 6);

    ASSUME(at <= len);
    before = at;
    if (acme_link_next(text, len, &at, &link)) {
        PROVE(at <= len && at > before && __CPROVER_r_ok(link.url, link.url_len));
        PROVE(__CPROVER_r_ok(link.params, link.params_len));
        SHOW(link.url_len == 1 && link.params_len == 2);
    }
}

/* ---- dates ---- */

static bool is_read(const int32_t date[FIELDS])
{
    return date[YEAR] >= 0 && date[YEAR] <= 9999 && date[MONTH] >= 0 && date[MONTH] <= 12 &&
           date[DAY] >= 0 && date[DAY] <= 99 && date[HOUR] >= 0 && date[HOUR] <= 99 &&
           date[MINUTE] >= 0 && date[MINUTE] <= 99 && date[SECOND] >= 0 && date[SECOND] <= 99;
}

/* proof: date_form; unwind 29; any text of the length of each of the three forms of a date */
/* loop: find_name.0 14 */
/* of: net/http_date.c read_form; a text as long as the form; "text += 2;" -> "text += 3;" */
/* of: net/http_date.c find_name; three characters; "names += 3" -> "names += 2" */
/* of: net/http_date.c is_real; fields that read_form has read; "days[date[MONTH]]" ->
 * "days[date[MONTH] + 1]" */
void date_form(void)
{
    int32_t read[FIELDS] = {0};
    size_t form = any_size(FORMS - 1);
    size_t len = strlen(forms[form]);

    if (read_form(forms[form], any_bytes(len, 26), read)) {
        PROVE(is_read(read));
        if (is_real(read)) {
            SHOW(form == FORM_IMF && read[MONTH] == 12);
        }
    }
}

bool any_form(const char *form, const char *text, int32_t date[FIELDS])
{
    PROVE(__CPROVER_r_ok(text, strlen(form)) && date[YEAR] == 0 && date[SECOND] == 0);
    __CPROVER_havoc_slice(date, FIELDS * sizeof(date[0]));
    ASSUME(is_read(date));
    return nondet_bool();
}

/* proof: date; unwind 34; any text of up to 32 characters, but for its form */
/* calls: read_form -> any_form */
/* of: net/http_date.c acme_http_parse_date; len characters; "text + name_len, date)" -> "text +
 * name_len + 1, date)" */
/* plant: net/http_date.c acme_http_parse_date; "if (++form == FORMS) {" -> "if (form++ == FORMS) {"
 */
/* of: net/http_date.c is_day_name; len characters; "return len == 3 &&" -> "return len >= 2 &&" */
void date(void)
{
    size_t len = any_size(32);
    int64_t at;
    int32_t rc = acme_http_parse_date(any_bytes(len, 32), len, &at);

    SHOW(rc == ACME_OK && at == 951782400);
}
