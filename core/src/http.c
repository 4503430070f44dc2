/*
 * The small HTTP/1.1 client: request heads out, responses in, as a byte-wise state machine. It
 * must not know sockets, TLS, or what a body means. Ambiguity is refused rather than resolved:
 * whatever two readers could read in two ways is an error (RFC 9112 section 11).
 */
#include "http.h"

#include <string.h>

#include "acme/client.h" /* ACME_VERSION */
#include "buf.h"
#include "date.h"

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

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_alnum(char c)
{
    return is_digit(c) || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool is_visible(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] <= ' ' || text[i] > '~') {
            return false;
        }
    }
    return true;
}

static bool equals(const char *text, size_t len, const char *word)
{
    return acme_str_equal_nocase(text, len, word, strlen(word));
}

static uint32_t digit_value(char c)
{
    if (is_digit(c)) {
        return (uint32_t)(c - '0');
    }
    if (c >= 'a' && c <= 'f') {
        return (uint32_t)(c - 'a') + 10U;
    }
    return c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A') + 10U : 16U;
}

/* Reads the digits of base 10 or 16 at the start of text. Returns how many there are; the value is
 * TOO_LARGE if it does not fit. */
static size_t read_number(const char *text, size_t len, uint32_t base, uint32_t *value)
{
    size_t n = 0;

    *value = 0;
    while (n < len && digit_value(text[n]) < base) {
        uint64_t wide = (uint64_t)*value * base + digit_value(text[n]);

        *value = wide > TOO_LARGE ? TOO_LARGE : (uint32_t)wide;
        n++;
    }
    return n;
}

/* ---- dates (RFC 9110 5.6.7) ---- */

/* What is left of the text, and what was read of it. */
struct date {
    const char *text;
    size_t len;
    uint32_t year, month, day, hour, minute, second; /* month from 0 */
};

/* A lower-case letter or Y is a field, see read_field; all else stands for itself. */
static const char *const date_forms[] = {
    "a, d b Y h:m:s GMT", /* IMF-fixdate */
    "l, d-b-y h:m:s GMT", /* RFC 850 */
    "a b e h:m:s Y"       /* asctime */
};
static const char day_names[7][10] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                      "Thursday", "Friday", "Saturday"};
static const char month_names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

static bool take(struct date *d, const char *word, size_t len)
{
    if (d->len < len || memcmp(d->text, word, len) != 0) {
        return false;
    }
    d->text += len;
    d->len -= len;
    return true;
}

/* The day of the week is not compared with the date: that would catch no more than typing errors.
 */
static bool take_day_name(struct date *d, bool whole)
{
    for (size_t i = 0; i < 7; i++) {
        if (take(d, day_names[i], whole ? strlen(day_names[i]) : 3)) {
            return true;
        }
    }
    return false;
}

static bool take_month(struct date *d)
{
    for (d->month = 0; d->month < 12; d->month++) {
        if (take(d, month_names + (size_t)3 * d->month, 3)) {
            return true;
        }
    }
    return false;
}

static bool take_digits(struct date *d, size_t count, uint32_t *value)
{
    if (d->len < count || read_number(d->text, count, 10, value) != count) {
        return false;
    }
    d->text += count;
    d->len -= count;
    return true;
}

static bool read_field(struct date *d, char field)
{
    bool ok;

    switch (field) {
    case 'a':
    case 'l':
        return take_day_name(d, field == 'l');
    case 'b':
        return take_month(d);
    case 'd':
        return take_digits(d, 2, &d->day);
    case 'e': /* padded with a space */
        return take_digits(d, take(d, " ", 1) ? 1 : 2, &d->day);
    case 'h':
        return take_digits(d, 2, &d->hour);
    case 'm':
        return take_digits(d, 2, &d->minute);
    case 's':
        return take_digits(d, 2, &d->second);
    case 'Y':
        return take_digits(d, 4, &d->year);
    case 'y': /* the window of POSIX; the sliding one of RFC 9110 would need a clock */
        ok = take_digits(d, 2, &d->year);
        d->year += d->year < 70 ? 2000U : 1900U;
        return ok;
    default:
        return take(d, &field, 1);
    }
}

static bool is_leap(uint32_t y)
{
    return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
}

static bool is_real(const struct date *d)
{
    static const uint8_t lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    uint32_t last = lengths[d->month] + (d->month == 1 && is_leap(d->year) ? 1U : 0U);

    return d->year >= 1970 && d->day >= 1 && d->day <= last && d->hour <= 23 && d->minute <= 59 &&
           d->second <= 60;
}

static bool read_form(struct date *d, const char *form)
{
    for (; *form != '\0'; form++) {
        if (!read_field(d, *form)) {
            return false;
        }
    }
    return d->len == 0 && is_real(d);
}

int32_t acme_http_parse_date(const char *text, size_t len, int64_t *unix_s)
{
    for (size_t i = 0; i < sizeof(date_forms) / sizeof(date_forms[0]); i++) {
        struct date d = {.text = text, .len = len};

        if (read_form(&d, date_forms[i])) {
            *unix_s = acme_date_to_unix((int32_t)d.year, (int32_t)d.month + 1, (int32_t)d.day,
                                        (int32_t)d.hour, (int32_t)d.minute, (int32_t)d.second);
            return ACME_OK;
        }
    }
    return ACME_ERR_HTTP;
}

/* ---- requests ---- */

/* Blanks and line ends in a field would end it early, and begin another one. */
static bool is_sendable(const char *text)
{
    return text != NULL && text[0] != '\0' && is_visible(text, strlen(text));
}

int32_t acme_http_request_write(const struct acme_http_request *request, char *out, size_t size)
{
    struct acme_buf b;

    if (size == 0) {
        return ACME_ERR_BUFFER;
    }
    if (!is_sendable(request->method) || !is_sendable(request->host) ||
        !is_sendable(request->path) || request->path[0] != '/' ||
        (request->content_type != NULL && !is_sendable(request->content_type))) {
        return ACME_ERR_ARGUMENT;
    }
    acme_buf_init(&b, out, size);
    acme_buf_add(&b, request->method);
    acme_buf_add_char(&b, ' ');
    acme_buf_add(&b, request->path);
    acme_buf_add(&b, " HTTP/1.1\r\nHost: ");
    acme_buf_add(&b, request->host);
    acme_buf_add(&b, "\r\nUser-Agent: nanoacme/" ACME_VERSION "\r\nAccept: */*\r\n");
    if (request->content_type != NULL) {
        acme_buf_add(&b, "Content-Type: ");
        acme_buf_add(&b, request->content_type);
        acme_buf_add(&b, "\r\nContent-Length: ");
        acme_buf_add_u32(&b, request->content_length);
        acme_buf_add(&b, "\r\n");
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

/* Only the first twelve characters count; the reason may be of any length. */
static int32_t status_line(struct acme_http_parser *p)
{
    const char *l = p->line;
    uint32_t status;

    if (p->line_len < 12 || memcmp(l, "HTTP/1.", 7) != 0 || (l[7] != '0' && l[7] != '1') ||
        l[8] != ' ' || read_number(l + 9, 3, 10, &status) != 3 || status < 100 || status > 599 ||
        (p->line_len > 12 && l[12] != ' ')) {
        return ACME_ERR_HTTP;
    }
    p->response.status = (uint16_t)status;
    p->http10 = l[7] == '0';
    p->response.close = p->http10;
    p->state = STATE_HEADER;
    return ACME_ERR_AGAIN;
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
    if (p->have_length || p->chunked || p->http10 || !equals(v, len, "chunked")) {
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
        if (equals(v + start, i - start, "close")) {
            p->response.close = true;
        }
        start = i + 1;
    }
    return ACME_OK;
}

/* As in enum acme_http_content, from ACME_HTTP_CONTENT_JSON to ACME_HTTP_CONTENT_OTHER. */
static const char *const content_types[] = {"application/json", "application/problem+json",
                                            "application/pem-certificate-chain"};

static int32_t on_content_type(struct acme_http_parser *p, const char *v, size_t len)
{
    size_t end = 0;
    unsigned type = 0;

    while (end < len && v[end] != ';' && !is_blank(v[end])) {
        end++;
    }
    while (type < 3 && !equals(v, end, content_types[type])) {
        type++;
    }
    p->response.content = (uint8_t)(ACME_HTTP_CONTENT_JSON + type);
    return ACME_OK;
}

/* RFC 8555 6.5.1: a client must ignore an invalid Replay-Nonce. */
static int32_t on_nonce(struct acme_http_parser *p, const char *v, size_t len)
{
    p->response.nonce[0] = '\0';
    if (len == 0 || len > CONFIG_ACME_NONCE_MAX) {
        return ACME_OK;
    }
    for (size_t i = 0; i < len; i++) {
        if (!is_alnum(v[i]) && v[i] != '-' && v[i] != '_') {
            return ACME_OK;
        }
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
        return ACME_ERR_HTTP_LIMIT;
    }
    if (!is_visible(v, len) || (old_len > 0 && (old_len != len || memcmp(location, v, len) != 0))) {
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
            equals(v + i, sizeof(rel) - 1, rel)) {
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
        if (equals(v + start, i - start, word)) {
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
        is_visible(url, len)) {
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

static const struct {
    const char *name;
    int32_t (*fn)(struct acme_http_parser *p, const char *value, size_t len);
} fields[] = {
    {"content-length", on_content_length},
    {"transfer-encoding", on_transfer_encoding},
    {"connection", on_connection},
    {"content-type", on_content_type},
    {"replay-nonce", on_nonce},
    {"location", on_location},
    {"retry-after", on_retry_after},
    {"date", on_date},
#if defined(CONFIG_ACME_ALTERNATE_CHAINS)
    {"link", on_link},
#endif
};

static bool is_token_char(char c)
{
    return is_alnum(c) || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

/* Hands a field of interest, without the blanks around its value, to its function. */
static int32_t dispatch(struct acme_http_parser *p, size_t name_len)
{
    const char *l = p->line;
    size_t start = name_len + 1, end = p->line_len;

    while (start < end && is_blank(l[start])) {
        start++;
    }
    while (end > start && is_blank(l[end - 1])) {
        end--;
    }
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        if (equals(l, name_len, fields[i].name)) {
            if (!p->line_overflow) {
                return fields[i].fn(p, l + start, end - start);
            }
#if defined(CONFIG_ACME_ALTERNATE_CHAINS)
            return fields[i].fn == on_link ? ACME_OK : ACME_ERR_HTTP_LIMIT;
#else
            return ACME_ERR_HTTP_LIMIT;
#endif
        }
    }
    return ACME_OK;
}

static int32_t header_line(struct acme_http_parser *p)
{
    size_t name_len = 0;
    int32_t rc;

    while (name_len < p->line_len && is_token_char(p->line[name_len])) {
        name_len++;
    }
    if (name_len == CONFIG_ACME_HTTP_LINE_MAX) {
        return ACME_ERR_HTTP_LIMIT; /* its colon was not seen */
    }
    if (name_len == 0 || p->line[name_len] != ':') {
        return ACME_ERR_HTTP; /* obs-fold and "Name :" are refused here, too */
    }
    rc = dispatch(p, name_len);
    return rc == ACME_OK ? ACME_ERR_AGAIN : rc;
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
        return ACME_ERR_AGAIN;
    }
    if (p->head_request || status == 204 || status == 304) {
        p->state = STATE_DONE;
    } else if (p->chunked) {
        p->state = STATE_CHUNK_SIZE;
    } else if (p->have_length) {
        if (p->remaining > p->body_limit) {
            return ACME_ERR_HTTP_LIMIT;
        }
        p->state = p->remaining == 0 ? STATE_DONE : STATE_BODY_LENGTH;
    } else {
        p->response.close = true;
        p->remaining = p->body_limit;
        p->state = STATE_BODY_CLOSE;
    }
    return p->state == STATE_DONE ? ACME_OK : ACME_ERR_AGAIN;
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
    return ACME_ERR_AGAIN;
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
        return ACME_ERR_AGAIN;
    default: /* STATE_TRAILER: fields there say nothing that ACME needs */
        if (p->line_len > 0) {
            return ACME_ERR_AGAIN;
        }
        p->state = STATE_DONE;
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
        return ACME_ERR_AGAIN;
    }
    p->line_overflow = true;
    return p->state == STATE_CHUNK_SIZE ? ACME_ERR_HTTP_LIMIT : ACME_ERR_AGAIN;
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
        return p->line_cr ? ACME_ERR_AGAIN : line_store(p, c);
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
    size_t n = len < p->remaining ? len : p->remaining;
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
    p->response.body_len += (uint32_t)n;
    p->remaining -= (uint32_t)n;
    *took = n;
    if (p->remaining > 0 || p->state == STATE_BODY_CLOSE) {
        return ACME_ERR_AGAIN;
    }
    if (p->state == STATE_BODY_CHUNK) {
        p->state = STATE_CHUNK_END;
        return ACME_ERR_AGAIN;
    }
    p->state = STATE_DONE;
    return ACME_OK;
}

int32_t acme_http_parser_feed(struct acme_http_parser *p, const uint8_t *data, size_t len,
                              size_t *used)
{
    int32_t rc = p->state == STATE_DONE ? ACME_OK : ACME_ERR_AGAIN;

    *used = 0;
    if (p->state == STATE_FAILED) {
        return ACME_ERR_HTTP;
    }
    while (rc == ACME_ERR_AGAIN && *used < len) {
        size_t took = 1;

        if (p->state >= STATE_BODY_LENGTH) {
            rc = body_bytes(p, data + *used, len - *used, &took);
        } else {
            rc = line_byte(p, (char)data[*used]);
        }
        if (rc != ACME_OK && rc != ACME_ERR_AGAIN) {
            p->state = STATE_FAILED;
            return rc;
        }
        *used += took;
    }
    return rc;
}

int32_t acme_http_parser_finish(struct acme_http_parser *p)
{
    if (p->state == STATE_BODY_CLOSE) {
        p->state = STATE_DONE;
    }
    return p->state == STATE_DONE ? ACME_OK : ACME_ERR_CLOSED;
}
