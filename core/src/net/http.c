/*
 * The small HTTP/1.1 client: request heads out, responses in, as a byte-wise state machine. It
 * must not know sockets, TLS, or what a body means. Ambiguity is refused rather than resolved:
 * whatever two readers could read in two ways is an error (RFC 9112 section 11).
 */
#include "net/http.h"

#include <string.h>

#include "acme/client.h" /* ACME_VERSION */
#include "base/buf.h"
#include "base/date.h"

#define YEAR_S    31536000U
#define TOO_LARGE UINT32_MAX /* a number that does not fit 32 bits */

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

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

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

/* ---- dates (RFC 9110 5.6.7) ---- */

/* What follows the day of the week: 0 to 5 is a digit of the year, month, day, hour, minute or
 * second, mmm the month's name, _ a digit of the day or a space; all else stands for itself. */
static const char *const date_forms[] = {
    ", 22 mmm 0000 33:44:55 GMT", /* IMF-fixdate */
    ", 22-mmm-00 33:44:55 GMT",   /* RFC 850 */
    " mmm _2 33:44:55 0000"       /* asctime */
};
#define FORM_RFC850 1U

static const char day_names[] = "SunMonTueWedThuFriSat";
static const char month_names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

/* The number of the name that text begins with, from 1; 0: none. */
static int32_t find_name(const char *names, const char *text)
{
    for (int32_t i = 1; *names != '\0'; i++, names += 3) {
        if (memcmp(names, text, 3) == 0) {
            return i;
        }
    }
    return 0;
}

/* The day of the week is not compared with the date: that would catch no more than typing errors.
 */
static bool is_day_name(const char *text, size_t len, bool whole)
{
    return whole ? len >= 6 && memcmp(text + len - 3, "day", 3) == 0
                 : len == 3 && find_name(day_names, text) != 0;
}

static bool read_form(const char *form, const char *text, int32_t v[6])
{
    for (; *form != '\0'; form++, text++) {
        if (*form == 'm') {
            v[1] = find_name(month_names, text);
            form += 2;
            text += 2;
        } else if (acme_is_digit(*text) && *form >= '0' && *form <= '5') {
            v[*form - '0'] = v[*form - '0'] * 10 + (*text - '0');
        } else if (*form == '_' && acme_is_digit(*text)) {
            v[2] = *text - '0';
        } else if (*text != (*form == '_' ? ' ' : *form)) {
            return false;
        }
    }
    return true;
}

static bool is_real(const int32_t v[6])
{
    static const uint8_t lengths[] = {0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = v[1] == 2 && v[0] % 4 == 0 && (v[0] % 100 != 0 || v[0] % 400 == 0);

    return v[0] >= 1970 && v[2] >= 1 && v[2] <= lengths[v[1]] + leap && v[3] <= 23 && v[4] <= 59 &&
           v[5] <= 60;
}

int32_t acme_http_parse_date(const char *text, size_t len, int64_t *unix_s)
{
    size_t name_len = acme_word_len(text, len, "");
    size_t form = 0;
    int32_t v[6] = {0};

    while (strlen(date_forms[form]) != len - name_len) {
        if (++form == sizeof(date_forms) / sizeof(date_forms[0])) {
            return ACME_ERR_HTTP;
        }
    }
    if (!is_day_name(text, name_len, form == FORM_RFC850) ||
        !read_form(date_forms[form], text + name_len, v)) {
        return ACME_ERR_HTTP;
    }
    if (form == FORM_RFC850) { /* the window of POSIX; that of RFC 9110 would need a clock */
        v[0] += v[0] < 70 ? 2000 : 1900;
    }
    if (!is_real(v)) {
        return ACME_ERR_HTTP;
    }
    *unix_s = acme_date_to_unix(v[0], v[1], v[2], v[3], v[4], v[5]);
    return ACME_OK;
}

/* ---- requests ---- */

int32_t acme_http_request_write(const struct acme_http_request *r, char *out, size_t size)
{
    const char *path = r->url + r->uri.path_offset;
    struct acme_buf b;

    acme_buf_init(&b, out, size);
    acme_buf_add_form(&b, "$ $ HTTP/1.1\r\nHost: ", r->method, *path != '\0' ? path : "/");
    acme_buf_add_n(&b, r->url + ACME_URI_AUTHORITY, r->uri.authority_len);
    acme_buf_add(&b, "\r\nUser-Agent: nanoacme/" ACME_VERSION "\r\nAccept: */*\r\n");
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
    p->body_limit = body_limit;
    p->body_fn = body_fn;
    p->body_ctx = body_ctx;
    p->state = STATE_STATUS;
}

/* What follows returns ACME_OK to go on, also where the response is complete: STATE_DONE says that.
 */

/* Only the first twelve characters count; the reason may be of any length. */
static int32_t status_line(struct acme_http_parser *p)
{
    const char *l = p->line;
    uint32_t status;

    if (p->line_len < 12 || memcmp(l, "HTTP/1.", 7) != 0 || (l[7] != '0' && l[7] != '1') ||
        l[8] != ' ' || read_number(l + 9, 3, 10, &status) != 3 || status < 100 || status > 599 ||
        (l[12] != ' ' && l[12] != '\0')) {
        return ACME_ERR_HTTP;
    }
    p->response.status = (uint16_t)status;
    p->response.close = p->http10 = l[7] == '0';
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
    return value == TOO_LARGE ? ACME_ERR_HTTP_LIMIT : ACME_OK;
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
        if (i < len && v[i] != ',' && !is_blank(v[i])) {
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

    while (end < len && v[end] != ';' && !is_blank(v[end])) {
        end++;
    }
    p->response.content = (uint8_t)(ACME_HTTP_CONTENT_JSON + acme_str_find(v, end, types));
    return ACME_OK;
}

/* RFC 8555 6.5.1: a client must ignore an invalid Replay-Nonce. */
static int32_t on_nonce(struct acme_http_parser *p, const char *v, size_t len)
{
    p->response.nonce[0] = '\0';
    if (len <= CONFIG_ACME_NONCE_MAX && acme_word_len(v, len, "-_") == len) {
        memcpy(p->response.nonce, v, len);
        p->response.nonce[len] = '\0';
    }
    return ACME_OK;
}

static int32_t on_location(struct acme_http_parser *p, const char *v, size_t len)
{
    char *location = p->response.location;
    size_t old_len = strlen(location);

    if (len > CONFIG_ACME_URL_MAX) {
        return ACME_ERR_HTTP_LIMIT;
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

#if defined(CONFIG_ACME_ALTERNATE_CHAINS)
/* Whether the parameters of a link (RFC 8288 3) say that it is an alternate. */
static bool is_alternate(const char *v, size_t len)
{
    static const char rel[] = "rel=", word[] = "alternate";
    size_t start, i;

    for (i = 0; i + sizeof(rel) - 1 <= len; i++) {
        if ((i == 0 || v[i - 1] == ';' || is_blank(v[i - 1])) &&
            acme_str_equal_nocase(v + i, sizeof(rel) - 1, rel, sizeof(rel) - 1)) {
            break;
        }
    }
    start = i + sizeof(rel) - 1;
    if (start > len) {
        return false;
    }
    for (i = start; i <= len; i++) { /* one word, or a quoted list of them */
        if (i < len && v[i] != '"' && v[i] != ';' && !is_blank(v[i])) {
            continue;
        }
        if (acme_str_equal_nocase(v + start, i - start, word, sizeof(word) - 1)) {
            return true;
        }
        if (i < len && v[i] == ';') {
            return false;
        }
        start = i + 1;
    }
    return false;
}

static void take_link(struct acme_http_response *r, const char *url, size_t len)
{
    if (r->alternate_count < CONFIG_ACME_ALTERNATES_MAX && len <= CONFIG_ACME_URL_MAX &&
        acme_str_visible(url, len)) {
        memcpy(r->alternates[r->alternate_count], url, len);
        r->alternates[r->alternate_count][len] = '\0';
        r->alternate_count++;
    }
}

/* Links are hints: one that is malformed is left out, with what follows it. */
static int32_t on_link(struct acme_http_parser *p, const char *v, size_t len)
{
    size_t at = 0;

    while (at < len && v[at] == '<') {
        const char *end = memchr(v + at, '>', len - at);
        size_t url_end = end == NULL ? len : (size_t)(end - v);
        size_t next = url_end;
        bool quoted = false;

        while (next < len && (quoted || v[next] != ',')) {
            quoted = v[next] == '"' ? !quoted : quoted;
            next++;
        }
        if (url_end < len && is_alternate(v + url_end + 1, next - url_end - 1)) {
            take_link(&p->response, v + at + 1, url_end - at - 1);
        }
        for (at = next < len ? next + 1 : len; at < len && is_blank(v[at]); at++) {
        }
    }
    return ACME_OK;
}
#endif

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
#if defined(CONFIG_ACME_ALTERNATE_CHAINS)
    FIELD_LINK,
#endif
    FIELD_OTHER
};
static const char field_names[] =
    "content-length\0transfer-encoding\0connection\0content-type\0replay-nonce\0location\0"
    "retry-after\0date\0"
#if defined(CONFIG_ACME_ALTERNATE_CHAINS)
    "link\0"
#endif
    ;

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
#if defined(CONFIG_ACME_ALTERNATE_CHAINS)
    case FIELD_LINK:
        return on_link(p, v, len);
#endif
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

    if (field == FIELD_OTHER) {
        return ACME_OK;
    }
    if (p->line_overflow) {
#if defined(CONFIG_ACME_ALTERNATE_CHAINS)
        if (field == FIELD_LINK) {
            return ACME_OK;
        }
#endif
        return ACME_ERR_HTTP_LIMIT;
    }

    while (start < end && is_blank(l[start])) {
        start++;
    }
    while (end > start && is_blank(l[end - 1])) {
        end--;
    }
    return on_field(p, field, l + start, end - start);
}

static int32_t header_line(struct acme_http_parser *p)
{
    size_t name_len = acme_word_len(p->line, p->line_len, "!#$%&'*+-.^_`|~");

    if (name_len == CONFIG_ACME_HTTP_LINE_MAX) {
        return ACME_ERR_HTTP_LIMIT; /* its colon was not seen */
    }
    if (name_len == 0 || p->line[name_len] != ':') {
        return ACME_ERR_HTTP; /* obs-fold and "Name :" are refused here, too */
    }
    return dispatch(p, name_len);
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
    } else if (p->remaining > p->body_limit) {
        return ACME_ERR_HTTP_LIMIT;
    } else if (p->remaining > 0) {
        p->state = STATE_BODY_LENGTH;
    }
    return ACME_OK;
}

/* Whether text is empty, or blanks and then ';'. */
static bool is_extension(const char *text)
{
    const char *p = text;

    while (is_blank(*p)) {
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
    if (size == TOO_LARGE || size > p->body_limit - p->response.body_len ||
        rest > (size_t)CONFIG_ACME_HTTP_HEADERS_MAX - p->header_bytes) {
        return ACME_ERR_HTTP_LIMIT;
    }
    p->header_bytes = (uint16_t)(p->header_bytes + rest);
    p->remaining = size;
    p->state = size == 0 ? STATE_TRAILER : STATE_BODY_CHUNK;
    return ACME_OK;
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
    p->line_overflow = true;
    return p->state == STATE_CHUNK_SIZE ? ACME_ERR_HTTP_LIMIT : ACME_OK;
}

/* Collects a line; '\n' must follow '\r', and both must stand nowhere else. */
static int32_t line_byte(struct acme_http_parser *p, char c)
{
    int32_t rc;

    /* Of the chunks, only the extensions count, which chunk_size_line adds. */
    if (p->state <= STATE_TRAILER) {
        if (p->header_bytes >= CONFIG_ACME_HTTP_HEADERS_MAX) {
            return ACME_ERR_HTTP_LIMIT;
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
    p->line_overflow = false;
    return rc;
}

static int32_t body_bytes(struct acme_http_parser *p, const uint8_t *data, size_t len, size_t *took)
{
    uint32_t n = len < p->remaining ? (uint32_t)len : p->remaining;
    int32_t rc = ACME_OK;

    /* Only a body that ends with the connection gets more than remains. What remained was handed
     * over first, so that the outcome does not depend on how the bytes were split. */
    if (n == 0) {
        return ACME_ERR_HTTP_LIMIT;
    }
    if (p->body_fn != NULL) {
        rc = p->body_fn(p->body_ctx, data, n);
    }
    if (rc != ACME_OK) {
        return rc == ACME_ERR_AGAIN ? ACME_ERR_INTERNAL : rc; /* a sink can not refuse for now */
    }
    p->response.body_len += n;
    p->remaining -= n;
    *took = n;
    if (p->remaining == 0 && p->state != STATE_BODY_CLOSE) {
        p->state = p->state == STATE_BODY_CHUNK ? STATE_CHUNK_END : STATE_DONE;
    }
    return ACME_OK;
}

int32_t acme_http_parser_feed(struct acme_http_parser *p, const uint8_t *data, size_t len,
                              size_t *used)
{
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

int32_t acme_http_parser_finish(struct acme_http_parser *p)
{
    if (p->state == STATE_BODY_CLOSE) {
        p->state = STATE_DONE;
    }
    return p->state == STATE_DONE ? ACME_OK : ACME_ERR_CLOSED;
}
