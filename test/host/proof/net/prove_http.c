/*
 * http: the parser of responses, by induction. What the parser is between two bytes is written down
 * once, as is_parser(): a new one is such a parser, and one step from any such parser leads to such
 * a parser, without a bad access or an overflow. So streams of any length are covered, and however
 * they are split. What a line means is proved apart, for each line handler, since a line is the one
 * thing whose length is bounded here; the step stands for it by any result that the handler may
 * have.
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

#include "base/buf.c"
#include "base/date.c"
#include "net/link.c"
#include "net/http_date.c"
#include "net/http.c"

/* Takes all of what it is given. */
static int32_t body(void *ctx, const uint8_t *data, size_t len)
{
    (void)ctx;
    PROVE(len > 0 && __CPROVER_r_ok(data, len));
    return nondet_i32();
}

static bool is_parser(const struct acme_http_parser *p)
{
    const struct acme_http_response *r = &p->response;

    return p->state <= STATE_FAILED && p->line_len <= CONFIG_ACME_HTTP_LINE_MAX &&
           p->header_bytes <= CONFIG_ACME_HTTP_HEADERS_MAX && r->body_len <= p->body_limit &&
           p->line_overflow <= p->header_bytes && p->body_limit < UINT32_MAX &&
           (p->state < STATE_BODY_LENGTH || p->state > STATE_BODY_CLOSE ||
            p->remaining <= p->body_limit - r->body_len) &&
           r->location[CONFIG_ACME_URL_MAX] == '\0' && r->nonce[CONFIG_ACME_NONCE_MAX] == '\0' &&
           r->terms[CONFIG_ACME_URL_MAX] == '\0' &&
           r->alternate_count <= CONFIG_ACME_ALTERNATES_MAX && r->status <= 599 &&
           (p->state >= STATE_TRAILER || p->state == STATE_CHUNK_SIZE || r->body_len == 0);
}

static void any_parser(struct acme_http_parser *p)
{
    __CPROVER_havoc_object(p);
    p->body_fn = nondet_bool() ? body : NULL;
    ASSUME(is_parser(p));
}

/* proof: start; unwind 2; a new parser */
void start(void)
{
    struct acme_http_parser p;

    acme_http_parser_init(&p, nondet_bool(), nondet_u32(), body, NULL);
    PROVE(is_parser(&p));
    SHOW(p.body_limit > 0);
}

/* proof: collect; unwind 4; any character at any place of a line */
/* mutant: collect; net/http.c; "p->line_len < CONFIG_ACME_HTTP_LINE_MAX" -> "p->line_len <=
 * CONFIG_ACME_HTTP_LINE_MAX" */
void collect(void)
{
    struct acme_http_parser p;

    any_parser(&p);
    ASSUME(p.line_overflow < p.header_bytes); /* line_byte has counted it */
    SHOW(line_store(&p, (char)nondet_u8()) == ACME_OK);
    PROVE(is_parser(&p));
}

/* proof: body_step; unwind 2; any 1 to 65535 bytes in any state that reads a body */
void body_step(void)
{
    struct acme_http_parser p;
    size_t len = any_size(65535), took;

    any_parser(&p);
    ASSUME(p.state >= STATE_BODY_LENGTH && p.state <= STATE_BODY_CLOSE);
    ASSUME(len > 0);
    if (body_bytes(&p, any_bytes(len, 65535), len, &took) == ACME_OK) {
        PROVE(took <= len && is_parser(&p));
        PROVE(took > 0 || p.state == STATE_DONE); /* an error's body that is too long */
        SHOW(took < len);
    }
}

/* Any line, as line_byte hands it over. */
static void any_line(struct acme_http_parser *p, enum state state)
{
    any_parser(p);
    ASSUME(p->state == state);
    ASSUME(p->line[p->line_len] == '\0');
}

/* proof: status; unwind 9; any line of up to 24 characters */
void status(void)
{
    struct acme_http_parser p;

    any_line(&p, STATE_STATUS);
    SHOW(status_line(&p) == ACME_OK);
    PROVE(is_parser(&p));
}

/* proof: head_end; unwind 2; the empty line after any head */
void head_end(void)
{
    struct acme_http_parser p;

    any_line(&p, STATE_HEADER);
    if (headers_end(&p) == ACME_OK) {
        PROVE(is_parser(&p));
        SHOW(p.state == STATE_BODY_LENGTH);
        SHOW(p.state == STATE_STATUS);
    }
}

/* proof: chunk_size; unwind 27; any line of up to 24 characters */
/* mutant: chunk_size; net/http.c; "if (size <= room) {" -> "if (size <= p->body_limit) {" */
void chunk_size(void)
{
    struct acme_http_parser p;

    any_line(&p, STATE_CHUNK_SIZE);
    if (chunk_size_line(&p) == ACME_OK) {
        PROVE(is_parser(&p));
        SHOW(p.state == STATE_BODY_CHUNK);
    }
}

/* proof: name; unwind 27; any header line of up to 24 characters, up to its colon */
/* loop: strchr.0 18 */
void name(void)
{
    struct acme_http_parser p;
    size_t n;

    any_line(&p, STATE_HEADER);
    n = acme_word_len(p.line, p.line_len, "!#$%&'*+-.^_`|~");
    PROVE(n <= p.line_len);
    SHOW(n > 0 && p.line[n] == ':');
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

/* proof: length; unwind 14; any value of Content-Length of up to 12 characters */
void length(void)
{
    any_value(12);
    SHOW(on_content_length(&parser, value, value_len) == ACME_OK);
    PROVE(is_parser(&parser));
}

/* proof: encoding; unwind 12; any value of Transfer-Encoding of up to 10 characters */
void encoding(void)
{
    any_value(10);
    SHOW(on_transfer_encoding(&parser, value, value_len) == ACME_OK);
    PROVE(is_parser(&parser));
}

/* proof: connection; unwind 12; any value of Connection of up to 8 characters */
/* mutant: connection; net/http.c; "if (i < len && v[i] != ',' && !acme_is_blank(v[i])) {" -> "if (i
 * <= len && v[i] != ',' && !acme_is_blank(v[i])) {" */
void connection(void)
{
    any_value(8);
    SHOW(on_connection(&parser, value, value_len) == ACME_OK && parser.response.close);
    PROVE(is_parser(&parser));
}

/* proof: content_type; unwind 20; any value of Content-Type of up to 17 characters */
/* loop: strlen.0 36 */
void content_type(void)
{
    any_value(17);
    SHOW(on_content_type(&parser, value, value_len) == ACME_OK &&
         parser.response.content == ACME_HTTP_CONTENT_JSON);
    PROVE(is_parser(&parser));
}

/* proof: nonce; unwind 13; any value of Replay-Nonce of up to 10 characters, of 8 that are kept */
/* mutant: nonce; net/http.c; "if (len > CONFIG_ACME_NONCE_MAX) {" -> "if (len >
 * CONFIG_ACME_NONCE_MAX
 * + 1) {" */
void nonce(void)
{
    any_value(10);
    SHOW(on_nonce(&parser, value, value_len) == ACME_OK && parser.response.nonce[7] != '\0');
    PROVE(is_parser(&parser));
}

/* proof: location; unwind 17; any value of Location of up to 14 characters, of 12 that are kept */
/* mutant: location; net/http.c; "if (len > CONFIG_ACME_URL_MAX) {" -> "if (len >
 * CONFIG_ACME_URL_MAX + 1) {" */
void location(void)
{
    any_value(14);
    SHOW(on_location(&parser, value, value_len) == ACME_OK && parser.response.location[11] != '\0');
    PROVE(is_parser(&parser));
}

/* proof: relation; unwind 20; any parameters of a link of up to 17 characters */
/* mutant: relation; net/link.c; "i + name_len <= len" -> "i + name_len <= len + 1" */
void relation(void)
{
    struct acme_link link = {NULL, 0, NULL, any_size(17)};

    link.params = any_bytes(link.params_len, 17);
    SHOW(acme_link_is(&link, "alternate"));
}

/* proof: links; unwind 8; the next link of any value of up to 6 characters, from anywhere on */
void links(void)
{
    struct acme_link link;
    size_t len = any_size(6), at = any_size(6);
    const char *text = any_bytes(len, 6);

    ASSUME(at <= len);
    if (acme_link_next(text, len, &at, &link)) {
        PROVE(at <= len && __CPROVER_r_ok(link.url, link.url_len));
        PROVE(__CPROVER_r_ok(link.params, link.params_len));
        SHOW(link.url_len == 1 && link.params_len == 2);
    }
}

/* proof: retry_after; unwind 14; any value of Retry-After of up to 12 characters */
/* loop: strlen.0 30 */
void retry_after(void)
{
    any_value(12);
    SHOW(on_retry_after(&parser, value, value_len) == ACME_OK && parser.response.has_retry_after);
    PROVE(is_parser(&parser));
}

/* proof: date_form; unwind 29; any text of the length of each of the three forms of a date */
/* loop: find_name.0 14 */
void date_form(void)
{
    int32_t read[FIELDS] = {0};
    size_t form = any_size(FORMS - 1);
    size_t len = strlen(forms[form]);

    if (read_form(forms[form], any_bytes(len, 26), read) && is_real(read)) {
        SHOW(form == FORM_IMF && read[MONTH] == 12);
    }
}

/* proof: date; unwind 13; any text of up to 32 characters, up to its form */
/* loop: strlen.0 28 */
void date(void)
{
    size_t len = any_size(32), name_len = any_size(32);
    const char *text = any_bytes(len, 32);

    ASSUME(name_len <= len);
    SHOW(is_day_name(text, name_len, nondet_bool() ? FORM_RFC850 : FORM_IMF));
}
