/*
 * The small HTTP/1.1 client: request heads out, responses in, as a byte-wise state machine. It
 * must not know sockets, TLS, or what a body means. Ambiguity is refused rather than resolved:
 * whatever two readers could read in two ways is an error (RFC 9112 section 11).
 */
#include "net/http.h"

#include <string.h>

#include "acme/client.h" /* ACME_VERSION */
#include "base/assert.h"
#include "base/buf.h"
#include "base/option.h"
#include "net/http_date.h"
#include "net/link.h"

#define YEAR_S    31536000U
#define TOO_LARGE UINT32_MAX /* a number that does not fit 32 bits */

_Static_assert(CONFIG_ACME_HTTP_LINE_MAX >= CONFIG_ACME_NONCE_MAX + sizeof("Replay-Nonce: ") &&
                   CONFIG_ACME_HTTP_LINE_MAX >= CONFIG_ACME_URL_MAX + sizeof("Location: "),
               "CONFIG_ACME_HTTP_LINE_MAX is too small for a nonce or a URL");

enum state {
    /* these read lines */
    STATE_STATUS,
    STATE_HEADER,
    STATE_TRAILER,
    STATE_CHUNK_SIZE,
    STATE_CHUNK_END, /* the empty line after a chunk's data */
    /* these read the body */
    STATE_BODY_LENGTH,
    STATE_BODY_CHUNK,
    STATE_BODY_CLOSE, /* until the peer closes */
    /* these read nothing */
    STATE_DONE,
    STATE_FAILED
};

/* ---- characters and numbers ---- */

static uint32_t digit_value(char c)
{
    if (acme_is_digit(c)) {
        return (uint32_t)(c - '0');
    }
    c |= 0x20; /* to lower case */
    return c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a') + 10U : 16U;
}

/* Reads the digits of base 10 or 16 at the start of text. Returns how many there are; the value is
 * TOO_LARGE if the next digit might not fit. */
static size_t read_number(const char *text, size_t len, uint32_t base, uint32_t *value)
{
    size_t n = 0;
    uint32_t sum = 0;

    while (n < len && digit_value(text[n]) < base) {
        sum = sum >> 28 != 0 ? TOO_LARGE : sum * base + digit_value(text[n]);
        n++;
    }
    *value = sum;
    return n;
}

/* ---- requests ---- */

#define NANOACME " nanoacme/" ACME_VERSION "\r\nAccept: */*\r\n"
_Static_assert(sizeof(CONFIG_ACME_USER_AGENT) <= 129, "CONFIG_ACME_USER_AGENT: 128 characters");

int32_t acme_http_request_write(const struct acme_http_request *r, char *out, size_t size)
{
    const char *path = r->url + r->uri.path_offset;
    struct acme_buf b;

    acme_buf_init(&b, out, size);
    acme_buf_add_form(&b, "$ $ HTTP/1.1\r\nHost: ", r->method, *path != '\0' ? path : "/");
    acme_buf_add_n(&b, r->url + ACME_URI_AUTHORITY, r->uri.authority_len);
    acme_buf_add(&b, sizeof(CONFIG_ACME_USER_AGENT) > 1
                         ? "\r\nUser-Agent: " CONFIG_ACME_USER_AGENT NANOACME
                         : "\r\nUser-Agent:" NANOACME);
    if (r->content_length > 0) {
        acme_buf_add_form(&b, "Content-Type: application/jose+json\r\nContent-Length: #\r\n",
                          r->content_length);
    }
    acme_buf_add(&b, "\r\n");
    return acme_buf_result(&b);
}

/* ---- responses ---- */

void acme_http_parser_init(struct acme_http_parser *p, bool head_request, uint32_t body_limit,
                           acme_http_body_fn body_fn, void *body_ctx)
{
    memset(p, 0, sizeof(*p));
    p->head_request = head_request;
    p->body_limit = body_limit < UINT32_MAX ? body_limit : UINT32_MAX - 1U;
    p->body_fn = body_fn;
    p->body_ctx = body_ctx;
    p->state = STATE_STATUS;
}

/* What follows returns ACME_OK to go on, also where the response is complete: STATE_DONE says that.
 */

/* The status, if a line begins with "HTTP/1.0" or "HTTP/1.1" and one; else 0. The reason may be of
 * any length. */
static uint32_t read_status(const char *line)
{
    uint32_t status;

    if (strncmp(line, "HTTP/1.", 7) != 0 || (line[7] != '0' && line[7] != '1') || line[8] != ' ' ||
        read_number(line + 9, 3, 10, &status) != 3) {
        return 0;
    }
    return line[12] == ' ' || line[12] == '\0' ? status : 0;
}

static int32_t status_line(struct acme_http_parser *p)
{
    uint32_t status = read_status(p->line);

    if (status < 100 || status > 599) {
        return ACME_ERR_HTTP;
    }
    p->response.status = (uint16_t)status;
    p->response.close = p->http10 = p->line[7] == '0';
    p->state = STATE_HEADER;
    return ACME_OK;
}

static int32_t on_content_length(struct acme_http_parser *p, const char *v, size_t len)
{
    uint32_t value;

    if (len == 0 || read_number(v, len, 10, &value) != len || p->chunked ||
        (p->have_length && value != p->remaining)) {
        return ACME_ERR_HTTP;
    }
    p->have_length = true;
    p->remaining = value;
    return ACME_OK;
}

/* Where a proxy and we could disagree on the end of the body, somebody may be smuggling. */
static int32_t on_transfer_encoding(struct acme_http_parser *p, const char *v, size_t len)
{
    if (p->have_length || p->chunked || p->http10 || !acme_str_is(v, len, "chunked")) {
        return ACME_ERR_HTTP;
    }
    p->chunked = true;
    return ACME_OK;
}

static int32_t on_connection(struct acme_http_parser *p, const char *v, size_t len)
{
    size_t start = 0;

    for (size_t i = 0; i <= len; i++) {
        if (i < len && v[i] != ',' && !acme_is_blank(v[i])) {
            continue;
        }
        if (acme_str_is(v + start, i - start, "close")) {
            p->response.close = true;
        }
        start = i + 1;
    }
    return ACME_OK;
}

static int32_t on_content_type(struct acme_http_parser *p, const char *v, size_t len)
{
    /* As in enum acme_http_content, from ACME_HTTP_CONTENT_JSON to ACME_HTTP_CONTENT_OTHER. */
    static const char types[] =
        "application/json\0application/problem+json\0application/pem-certificate-chain\0";
    size_t end = 0;

    while (end < len && v[end] != ';' && !acme_is_blank(v[end])) {
        end++;
    }
    p->response.content = (uint8_t)(ACME_HTTP_CONTENT_JSON + acme_str_find(v, end, types));
    return ACME_OK;
}

static int32_t over(struct acme_http_parser *p, enum acme_limit_id limit, size_t size)
{
    acme_limit_note(&p->response.limit, limit, size);
    return ACME_ERR_HTTP_LIMIT;
}

/* RFC 8555 6.5.1: a client must ignore an invalid Replay-Nonce. One that is too long is valid: it
 * is our fault that it cannot be used. */
static int32_t on_nonce(struct acme_http_parser *p, const char *v, size_t len)
{
    p->response.nonce[0] = '\0';
    if (acme_word_len(v, len, "-_") != len) {
        return ACME_OK;
    }
    if (len > CONFIG_ACME_NONCE_MAX) {
        return over(p, ACME_LIMIT_NONCE, len);
    }
    memcpy(p->response.nonce, v, len);
    p->response.nonce[len] = '\0';
    return ACME_OK;
}

static int32_t on_location(struct acme_http_parser *p, const char *v, size_t len)
{
    char *location = p->response.location;
    size_t old_len = strlen(location);

    if (len > CONFIG_ACME_URL_MAX) {
        return over(p, ACME_LIMIT_URL, len);
    }
    if (!acme_str_visible(v, len) ||
        (old_len > 0 && (old_len != len || memcmp(location, v, len) != 0))) {
        return ACME_ERR_HTTP;
    }
    memcpy(location, v, len);
    location[len] = '\0';
    return ACME_OK;
}

/* RFC 9110 10.2.3: delay seconds, or a date. What is neither is ignored: it is only a hint. */
static int32_t on_retry_after(struct acme_http_parser *p, const char *v, size_t len)
{
    struct acme_http_response *r = &p->response;
    uint32_t seconds;

    if (len > 0 && read_number(v, len, 10, &seconds) == len) {
        r->retry_after = seconds > YEAR_S ? YEAR_S : seconds;
        r->retry_after_is_date = false;
        r->has_retry_after = true;
    } else if (acme_http_parse_date(v, len, &r->retry_after) == ACME_OK) {
        r->retry_after_is_date = true;
        r->has_retry_after = true;
    }
    return ACME_OK;
}

static int32_t on_date(struct acme_http_parser *p, const char *v, size_t len)
{
    p->response.has_date = acme_http_parse_date(v, len, &p->response.date_s) == ACME_OK;
    return ACME_OK;
}

/* Where nothing is made of a link, none is looked at. */
#define LINKS_MATTER                                                                               \
    (ACME_ENABLED(CONFIG_ACME_ALTERNATE_CHAINS) || ACME_ENABLED(CONFIG_ACME_PROBLEM_LINKS))

static inline void take_url(const struct acme_link *link, char url[CONFIG_ACME_URL_MAX + 1])
{
    memcpy(url, link->url, link->url_len);
    url[link->url_len] = '\0';
}

#if defined(CONFIG_ACME_ALTERNATE_CHAINS)
static void take_alternate(struct acme_http_response *r, const struct acme_link *link)
{
    if (r->alternate_count < CONFIG_ACME_ALTERNATES_MAX && acme_link_is(link, "alternate")) {
        take_url(link, r->alternates[r->alternate_count++]);
    }
}

static char *alternate(struct acme_http_response *r, size_t index)
{
    return index < r->alternate_count ? r->alternates[index] : NULL;
}
#else
static char *alternate(struct acme_http_response *r, size_t index)
{
    (void)r;
    (void)index;
    return NULL;
}

static void take_alternate(struct acme_http_response *r, const struct acme_link *link)
{
    (void)r;
    (void)link;
}
#endif

#if defined(CONFIG_ACME_PROBLEM_LINKS)
static void take_terms(struct acme_http_response *r, const struct acme_link *link)
{
    if (acme_link_is(link, "terms-of-service")) {
        take_url(link, r->terms);
    }
}

static char *terms(struct acme_http_response *r)
{
    return r->terms;
}
#else
static char *terms(struct acme_http_response *r)
{
    return r->location;
}

static void take_terms(struct acme_http_response *r, const struct acme_link *link)
{
    (void)r;
    (void)link;
}
#endif

/* Links are hints: one that is malformed is left out, with what follows it. */
static int32_t on_link(struct acme_http_parser *p, const char *v, size_t len)
{
    struct acme_link link;
    size_t at = 0;

    while (acme_link_next(v, len, &at, &link)) {
        if (link.url_len <= CONFIG_ACME_URL_MAX && acme_str_visible(link.url, link.url_len)) {
            take_alternate(&p->response, &link);
            take_terms(&p->response, &link);
        }
    }
    return ACME_OK;
}

char *acme_http_response_url(struct acme_http_response *r, size_t index)
{
    switch (index) {
    case 0:
        return r->location;
    case 1:
        return terms(r);
    default:
        return alternate(r, index - 2);
    }
}

/* The fields of interest, and their names in this order. */
enum field {
    FIELD_CONTENT_LENGTH,
    FIELD_TRANSFER_ENCODING,
    FIELD_CONNECTION,
    FIELD_CONTENT_TYPE,
    FIELD_NONCE,
    FIELD_LOCATION,
    FIELD_RETRY_AFTER,
    FIELD_DATE,
    FIELD_LINK,
    FIELD_OTHER
};
static const char field_names[] =
    "content-length\0transfer-encoding\0connection\0content-type\0replay-nonce\0location\0"
    "retry-after\0date\0link\0";

static int32_t on_field(struct acme_http_parser *p, size_t field, const char *v, size_t len)
{
    switch (field) {
    case FIELD_CONTENT_LENGTH:
        return on_content_length(p, v, len);
    case FIELD_TRANSFER_ENCODING:
        return on_transfer_encoding(p, v, len);
    case FIELD_CONNECTION:
        return on_connection(p, v, len);
    case FIELD_CONTENT_TYPE:
        return on_content_type(p, v, len);
    case FIELD_NONCE:
        return on_nonce(p, v, len);
    case FIELD_LOCATION:
        return on_location(p, v, len);
    case FIELD_RETRY_AFTER:
        return on_retry_after(p, v, len);
    case FIELD_LINK:
        return on_link(p, v, len);
    default:
        return on_date(p, v, len);
    }
}

/* Hands a field of interest, without the blanks around its value, to its function. */
static int32_t dispatch(struct acme_http_parser *p, size_t name_len)
{
    const char *l = p->line;
    size_t field = acme_str_find(l, name_len, field_names);
    size_t start = name_len + 1, end = p->line_len;

    /* A link is a hint: one that is too long is left out. */
    if (field == FIELD_OTHER || (field == FIELD_LINK && (!LINKS_MATTER || p->line_overflow))) {
        return ACME_OK;
    }
    if (p->line_overflow) {
        return over(p, ACME_LIMIT_HTTP_LINE, CONFIG_ACME_HTTP_LINE_MAX + p->line_overflow);
    }
    while (start < end && acme_is_blank(l[start])) {
        start++;
    }
    while (end > start && acme_is_blank(l[end - 1])) {
        end--;
    }
    return on_field(p, field, l + start, end - start);
}

static int32_t header_line(struct acme_http_parser *p)
{
    size_t name_len = acme_word_len(p->line, p->line_len, "!#$%&'*+-.^_`|~");

    if (name_len == CONFIG_ACME_HTTP_LINE_MAX) { /* its colon was not seen */
        return over(p, ACME_LIMIT_HTTP_LINE, CONFIG_ACME_HTTP_LINE_MAX + p->line_overflow);
    }
    if (name_len == 0 || p->line[name_len] != ':') {
        return ACME_ERR_HTTP; /* obs-fold and "Name :" are refused here, too */
    }
    return dispatch(p, name_len);
}

/* The reply ends here, with more on its way. */
static int32_t enough(struct acme_http_parser *p)
{
    p->response.truncated = p->response.close = true;
    p->state = STATE_DONE;
    return ACME_OK;
}

/* As many bytes come next as are said, in a body whose end is known: all of them have to fit. Of an
 * error as many as fit are enough, for its status and its fields say what to do. */
static int32_t fit(struct acme_http_parser *p, uint32_t size)
{
    uint32_t room = p->body_limit - p->response.body_len;

    p->remaining = size;
    if (size <= room) {
        return ACME_OK;
    }
    if (p->response.status < 400) {
        room = UINT32_MAX - p->response.body_len;
        return over(p, ACME_LIMIT_HTTP_BODY,
                    size < room ? size + p->response.body_len : UINT32_MAX);
    }
    p->remaining = room;
    p->cut = true;
    return room > 0 ? ACME_OK : enough(p);
}

static int32_t headers_end(struct acme_http_parser *p)
{
    uint16_t status = p->response.status;

    if (status == 101) {
        return ACME_ERR_HTTP; /* to another protocol, which was not asked for */
    }
    if (status < 200) {
        uint16_t seen = p->header_bytes;

        /* An interim response: forget it, but not how many bytes it took. */
        acme_http_parser_init(p, p->head_request, p->body_limit, p->body_fn, p->body_ctx);
        p->header_bytes = seen;
        return ACME_OK;
    }
    p->state = STATE_DONE;
    if (p->head_request || status == 204 || status == 304) {
        return ACME_OK;
    }
    if (p->chunked) {
        p->state = STATE_CHUNK_SIZE;
    } else if (!p->have_length) {
        p->response.close = true;
        p->remaining = p->body_limit;
        p->state = STATE_BODY_CLOSE;
    } else if (p->remaining > 0) {
        p->state = STATE_BODY_LENGTH;
        return fit(p, p->remaining);
    }
    return ACME_OK;
}

/* Whether text is empty, or blanks and then ';'. */
static bool is_extension(const char *text)
{
    const char *p = text;

    while (acme_is_blank(*p)) {
        p++;
    }
    return *p == ';' || *text == '\0';
}

static int32_t chunk_size_line(struct acme_http_parser *p)
{
    uint32_t size;
    size_t digits = read_number(p->line, p->line_len, 16, &size);
    size_t rest = p->line_len - digits;

    if (digits == 0 || !is_extension(p->line + digits)) {
        return ACME_ERR_HTTP;
    }
    /* The data bounds how many chunks come, but not what their extensions add. */
    if (rest > (size_t)CONFIG_ACME_HTTP_HEADERS_MAX - p->header_bytes) {
        return over(p, ACME_LIMIT_HTTP_HEADERS, p->header_bytes + rest);
    }
    p->header_bytes = (uint16_t)(p->header_bytes + rest);
    p->state = size == 0 ? STATE_TRAILER : STATE_BODY_CHUNK;
    return fit(p, size);
}

static int32_t line_done(struct acme_http_parser *p)
{
    switch (p->state) {
    case STATE_STATUS:
        return status_line(p);
    case STATE_HEADER:
        return p->line_len == 0 ? headers_end(p) : header_line(p);
    case STATE_CHUNK_SIZE:
        return chunk_size_line(p);
    case STATE_CHUNK_END:
        p->state = STATE_CHUNK_SIZE;
        return ACME_OK;
    default: /* STATE_TRAILER: fields there say nothing that ACME needs */
        if (p->line_len == 0) {
            p->state = STATE_DONE;
        }
        return ACME_OK;
    }
}

static int32_t line_store(struct acme_http_parser *p, char c)
{
    if (((uint8_t)c < ' ' && c != '\t') || c == 0x7f || p->state == STATE_CHUNK_END) {
        return ACME_ERR_HTTP;
    }
    if (p->line_len < CONFIG_ACME_HTTP_LINE_MAX) {
        p->line[p->line_len++] = c;
        return ACME_OK;
    }
    if (p->state == STATE_CHUNK_SIZE) {
        return over(p, ACME_LIMIT_HTTP_LINE, CONFIG_ACME_HTTP_LINE_MAX + 1);
    }
    p->line_overflow++; /* the head is shorter than this can count */
    return ACME_OK;
}

/* Collects a line; '\n' must follow '\r', and both must stand nowhere else. */
static int32_t line_byte(struct acme_http_parser *p, char c)
{
    int32_t rc;

    /* Of the chunks, only the extensions count, which chunk_size_line adds. */
    if (p->state <= STATE_TRAILER) {
        if (p->header_bytes >= CONFIG_ACME_HTTP_HEADERS_MAX) {
            return over(p, ACME_LIMIT_HTTP_HEADERS, CONFIG_ACME_HTTP_HEADERS_MAX + 1);
        }
        p->header_bytes++;
    }
    if (!p->line_cr) {
        p->line_cr = c == '\r';
        return p->line_cr ? ACME_OK : line_store(p, c);
    }
    if (c != '\n') {
        return ACME_ERR_HTTP;
    }
    p->line[p->line_len] = '\0';
    rc = line_done(p);
    p->line_len = 0;
    p->line_cr = false;
    p->line_overflow = 0;
    return rc;
}

/* Only a body that ends with the connection gets more than remains. What remained was handed over
 * first, so that the outcome does not depend on how the bytes were split. */
static int32_t body_too_long(struct acme_http_parser *p)
{
    return p->response.status >= 400 ? enough(p)
                                     : over(p, ACME_LIMIT_HTTP_BODY, p->body_limit + 1U);
}

static int32_t body_handed_over(struct acme_http_parser *p)
{
    if (p->remaining > 0 || p->state == STATE_BODY_CLOSE) {
        return ACME_OK;
    }
    if (p->cut) {
        return enough(p);
    }
    p->state = p->state == STATE_BODY_CHUNK ? STATE_CHUNK_END : STATE_DONE;
    return ACME_OK;
}

static int32_t body_bytes(struct acme_http_parser *p, const uint8_t *data, size_t len, size_t *took)
{
    uint32_t n = len < p->remaining ? (uint32_t)len : p->remaining;
    int32_t rc = ACME_OK;

    *took = n;
    if (n == 0) {
        return body_too_long(p);
    }
    if (p->body_fn != NULL) {
        rc = p->body_fn(p->body_ctx, data, n);
    }
    if (rc < 0) {
        return rc == ACME_ERR_AGAIN ? ACME_ERR_INTERNAL : rc; /* a sink can not refuse for now */
    }
    p->response.body_len += n;
    p->remaining -= n;
    return rc == ACME_HTTP_ENOUGH ? enough(p) : body_handed_over(p);
}

int32_t acme_http_parser_feed(struct acme_http_parser *p, const uint8_t *data, size_t len,
                              size_t *used)
{
    ACME_ASSERT(p->state <= STATE_FAILED && p->line_len <= CONFIG_ACME_HTTP_LINE_MAX);
    ACME_ASSERT(p->response.body_len <= p->body_limit);
    *used = 0;
    if (p->state == STATE_FAILED) {
        return ACME_ERR_HTTP;
    }
    while (p->state != STATE_DONE && *used < len) {
        size_t took = 1;
        int32_t rc = p->state >= STATE_BODY_LENGTH ? body_bytes(p, data + *used, len - *used, &took)
                                                   : line_byte(p, (char)data[*used]);

        if (rc != ACME_OK) {
            p->state = STATE_FAILED;
            return rc;
        }
        *used += took;
    }
    return p->state == STATE_DONE ? ACME_OK : ACME_ERR_AGAIN;
}

int32_t acme_http_parser_finish(struct acme_http_parser *p, bool whole)
{
    if (p->state == STATE_BODY_CLOSE && whole) {
        p->state = STATE_DONE;
    } else if (p->state > STATE_HEADER && p->state < STATE_DONE && p->response.status >= 400) {
        return enough(p);
    }
    return p->state == STATE_DONE ? ACME_OK : ACME_ERR_CLOSED;
}
