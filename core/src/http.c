/*
 * The small HTTP/1.1 client: request heads out, responses in, as a byte-wise state machine. It
 * must not know sockets, TLS, or what a body means. Ambiguity is refused rather than resolved:
 * whatever two readers could read in two ways is an error (RFC 9112 section 11).
 */
#include "http.h"

#include <string.h>

#include "buf.h"

#define YEAR_S INT64_C(31536000)

enum state {
    STATE_STATUS,
    STATE_HEADER,
    STATE_BODY_LENGTH,
    STATE_BODY_CLOSE,
    STATE_CHUNK_SIZE,
    STATE_CHUNK_DATA,
    STATE_CHUNK_END,
    STATE_TRAILER,
    STATE_DONE
};

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool equal_nocase(const char *text, size_t len, const char *want)
{
    size_t i;

    for (i = 0; i < len; i++) {
        if (want[i] == '\0' || lower(text[i]) != want[i]) {
            return false;
        }
    }
    return want[len] == '\0';
}

/* ---- dates (RFC 9110 5.6.7) ---- */

struct cursor {
    const char *at, *end;
    bool bad;
};

static void expect(struct cursor *c, const char *text)
{
    size_t len = strlen(text);

    if (c->bad || (size_t)(c->end - c->at) < len || memcmp(c->at, text, len) != 0) {
        c->bad = true;
        return;
    }
    c->at += len;
}

static int32_t digits(struct cursor *c, size_t count)
{
    int32_t value = 0;
    size_t i;

    if (c->bad || (size_t)(c->end - c->at) < count) {
        c->bad = true;
        return 0;
    }
    for (i = 0; i < count; i++) {
        char d = c->at[i];

        /* asctime pads the day with a space */
        if (d == ' ' && i == 0 && count == 2) {
            d = '0';
        }
        if (d < '0' || d > '9') {
            c->bad = true;
            return 0;
        }
        value = value * 10 + (d - '0');
    }
    c->at += count;
    return value;
}

static int32_t month(struct cursor *c)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    int32_t i;

    for (i = 0; i < 12 && !c->bad && c->end - c->at >= 3; i++) {
        if (memcmp(c->at, names + 3 * i, 3) == 0) {
            c->at += 3;
            return i + 1;
        }
    }
    c->bad = true;
    return 1;
}

static bool is_leap(int32_t y)
{
    return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
}

struct date {
    int32_t year, month, day, hour, minute, second;
};

static int64_t to_unix(const struct date *d)
{
    /* Days from civil, with March as the first month, so that the leap day ends a year. */
    int64_t y = d->year - (d->month <= 2 ? 1 : 0);
    int64_t era = y / 400;
    int64_t yoe = y - era * 400;
    int64_t doy = (153 * (d->month + (d->month > 2 ? -3 : 9)) + 2) / 5 + d->day - 1;
    int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    int64_t days = era * 146097 + doe - 719468;

    return ((days * 24 + d->hour) * 60 + d->minute) * 60 + d->second;
}

static bool is_real(const struct date *d)
{
    static const uint8_t lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int32_t last = lengths[d->month - 1] + (d->month == 2 && is_leap(d->year) ? 1 : 0);

    return d->year >= 1970 && d->day >= 1 && d->day <= last && d->hour <= 23 && d->minute <= 59 &&
           d->second <= 60;
}

static void time_of_day(struct cursor *c, struct date *d)
{
    d->hour = digits(c, 2);
    expect(c, ":");
    d->minute = digits(c, 2);
    expect(c, ":");
    d->second = digits(c, 2);
}

static void imf_or_rfc850(struct cursor *c, struct date *d)
{
    bool dashes;

    expect(c, ", ");
    d->day = digits(c, 2);
    dashes = !c->bad && c->at < c->end && *c->at == '-';
    expect(c, dashes ? "-" : " ");
    d->month = month(c);
    expect(c, dashes ? "-" : " ");
    d->year = digits(c, dashes ? 2 : 4);
    if (dashes) {
        d->year += d->year < 70 ? 2000 : 1900;
    }
    expect(c, " ");
    time_of_day(c, d);
    expect(c, " GMT");
}

static void asctime_form(struct cursor *c, struct date *d)
{
    expect(c, " ");
    d->month = month(c);
    expect(c, " ");
    d->day = digits(c, 2);
    expect(c, " ");
    time_of_day(c, d);
    expect(c, " ");
    d->year = digits(c, 4);
}

int32_t acme_http_parse_date(const char *text, size_t len, int64_t *unix_s)
{
    struct cursor c = {text, text + len, false};
    struct date d = {0, 1, 0, 0, 0, 0};

    while (c.at < c.end && ((*c.at >= 'A' && *c.at <= 'Z') || (*c.at >= 'a' && *c.at <= 'z'))) {
        c.at++;
    }
    if (c.at < c.end && *c.at == ',') {
        imf_or_rfc850(&c, &d);
    } else {
        asctime_form(&c, &d);
    }
    if (c.bad || c.at != c.end || !is_real(&d)) {
        return ACME_ERR_HTTP;
    }
    *unix_s = to_unix(&d);
    return ACME_OK;
}

/* ---- requests ---- */

static bool is_visible(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((uint8_t)*text <= ' ' || (uint8_t)*text > '~') {
            return false;
        }
    }
    return true;
}

int32_t acme_http_request_write(const struct acme_http_request *request, char *out, size_t size)
{
    struct acme_buf b;

    if (size == 0) {
        return ACME_ERR_BUFFER;
    }
    if (!is_visible(request->method) || !is_visible(request->host) || !is_visible(request->path) ||
        request->path[0] != '/' ||
        (request->content_type != NULL && !is_visible(request->content_type))) {
        return ACME_ERR_ARGUMENT;
    }
    acme_buf_init(&b, out, size);
    acme_buf_add(&b, request->method);
    acme_buf_add_char(&b, ' ');
    acme_buf_add(&b, request->path);
    acme_buf_add(&b, " HTTP/1.1\r\nHost: ");
    acme_buf_add(&b, request->host);
    acme_buf_add(&b, "\r\nUser-Agent: nanoacme\r\nAccept: */*\r\n");
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

static int32_t status_line(struct acme_http_parser *p)
{
    const char *l = p->line;
    struct acme_http_response *r = &p->response;

    if (p->line_overflow || p->line_len < 12 || memcmp(l, "HTTP/1.", 7) != 0 ||
        (l[7] != '0' && l[7] != '1') || l[8] != ' ' || (p->line_len > 12 && l[12] != ' ')) {
        return ACME_ERR_HTTP;
    }
    if (l[9] < '1' || l[9] > '5' || l[10] < '0' || l[10] > '9' || l[11] < '0' || l[11] > '9') {
        return ACME_ERR_HTTP;
    }
    r->status = (uint16_t)((l[9] - '0') * 100 + (l[10] - '0') * 10 + (l[11] - '0'));
    r->close = l[7] == '0';
    p->state = STATE_HEADER;
    return ACME_ERR_AGAIN;
}

static int32_t decimal(const char *text, size_t len, uint32_t *value)
{
    uint64_t v = 0;
    size_t i;

    if (len == 0) {
        return ACME_ERR_HTTP;
    }
    for (i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return ACME_ERR_HTTP;
        }
        v = v * 10 + (uint64_t)(text[i] - '0');
        if (v > UINT32_MAX) {
            v = UINT32_MAX;
        }
    }
    *value = (uint32_t)v;
    return ACME_OK;
}

static int32_t on_content_length(struct acme_http_parser *p, const char *v, size_t len)
{
    uint32_t value;

    if (decimal(v, len, &value) != ACME_OK || p->chunked ||
        (p->have_length && value != p->remaining)) {
        return ACME_ERR_HTTP;
    }
    p->have_length = true;
    p->remaining = value;
    return ACME_OK;
}

static int32_t on_transfer_encoding(struct acme_http_parser *p, const char *v, size_t len)
{
    if (p->have_length || p->chunked || !equal_nocase(v, len, "chunked")) {
        return ACME_ERR_HTTP;
    }
    p->chunked = true;
    return ACME_OK;
}

static int32_t on_connection(struct acme_http_parser *p, const char *v, size_t len)
{
    if (equal_nocase(v, len, "close")) {
        p->response.close = true;
    }
    return ACME_OK;
}

static int32_t on_content_type(struct acme_http_parser *p, const char *v, size_t len)
{
    size_t end = 0;

    while (end < len && v[end] != ';' && v[end] != ' ' && v[end] != '\t') {
        end++;
    }
    if (equal_nocase(v, end, "application/json")) {
        p->response.content = ACME_HTTP_CONTENT_JSON;
    } else if (equal_nocase(v, end, "application/problem+json")) {
        p->response.content = ACME_HTTP_CONTENT_PROBLEM;
    } else if (equal_nocase(v, end, "application/pem-certificate-chain")) {
        p->response.content = ACME_HTTP_CONTENT_PEM;
    } else {
        p->response.content = ACME_HTTP_CONTENT_OTHER;
    }
    return ACME_OK;
}

static bool is_b64url(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           c == '-' || c == '_';
}

/* RFC 8555 6.5.1: a client must ignore an invalid Replay-Nonce. */
static int32_t on_nonce(struct acme_http_parser *p, const char *v, size_t len)
{
    size_t i;

    p->response.nonce[0] = '\0';
    if (len == 0 || len > CONFIG_ACME_NONCE_MAX) {
        return ACME_OK;
    }
    for (i = 0; i < len; i++) {
        if (!is_b64url(v[i])) {
            return ACME_OK;
        }
    }
    memcpy(p->response.nonce, v, len);
    p->response.nonce[len] = '\0';
    return ACME_OK;
}

static int32_t on_location(struct acme_http_parser *p, const char *v, size_t len)
{
    size_t i;

    if (len > CONFIG_ACME_URL_MAX) {
        return ACME_ERR_HTTP_LIMIT;
    }
    for (i = 0; i < len; i++) {
        if ((uint8_t)v[i] <= ' ' || (uint8_t)v[i] > '~') {
            return ACME_ERR_HTTP;
        }
    }
    memcpy(p->response.location, v, len);
    p->response.location[len] = '\0';
    return ACME_OK;
}

/* RFC 9110 10.2.3: delay seconds, or a date. What is neither is ignored: it is only a hint. */
static int32_t on_retry_after(struct acme_http_parser *p, const char *v, size_t len)
{
    struct acme_http_response *r = &p->response;
    uint32_t seconds;

    if (decimal(v, len, &seconds) == ACME_OK) {
        r->retry_after = seconds > YEAR_S ? YEAR_S : (int64_t)seconds;
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

static const struct {
    const char *name;
    int32_t (*fn)(struct acme_http_parser *p, const char *value, size_t len);
} fields[] = {
    {"content-length", on_content_length}, {"transfer-encoding", on_transfer_encoding},
    {"connection", on_connection},         {"content-type", on_content_type},
    {"replay-nonce", on_nonce},            {"location", on_location},
    {"retry-after", on_retry_after},       {"date", on_date},
};

static bool is_token_char(char c)
{
    return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static int32_t header_line(struct acme_http_parser *p)
{
    const char *l = p->line;
    size_t name = 0, start, end = p->line_len, i;

    while (name < p->line_len && is_token_char(l[name])) {
        name++;
    }
    if (name == 0 || name >= p->line_len || l[name] != ':') {
        return ACME_ERR_HTTP; /* obs-fold and "Name :" are refused here, too */
    }
    start = name + 1;
    while (start < end && (l[start] == ' ' || l[start] == '\t')) {
        start++;
    }
    while (end > start && (l[end - 1] == ' ' || l[end - 1] == '\t')) {
        end--;
    }
    for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        if (equal_nocase(l, name, fields[i].name)) {
            return p->line_overflow ? ACME_ERR_HTTP_LIMIT : fields[i].fn(p, l + start, end - start);
        }
    }
    return ACME_OK;
}

static int32_t headers_end(struct acme_http_parser *p)
{
    uint16_t status = p->response.status;

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
        p->state = STATE_BODY_CLOSE;
    }
    return p->state == STATE_DONE ? ACME_OK : ACME_ERR_AGAIN;
}

static int32_t hex_digit(char c)
{
    c = lower(c);
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int32_t chunk_size_line(struct acme_http_parser *p)
{
    uint32_t size = 0;
    size_t i;

    for (i = 0; i < p->line_len && hex_digit(p->line[i]) >= 0; i++) {
        if (size > (UINT32_MAX >> 4)) {
            return ACME_ERR_HTTP_LIMIT;
        }
        size = (size << 4) | (uint32_t)hex_digit(p->line[i]);
    }
    if (i == 0 || (i < p->line_len && p->line[i] != ';' && p->line[i] != ' ')) {
        return ACME_ERR_HTTP;
    }
    if (size > p->body_limit - p->response.body_len) {
        return ACME_ERR_HTTP_LIMIT;
    }
    p->remaining = size;
    p->state = size == 0 ? STATE_TRAILER : STATE_CHUNK_DATA;
    return ACME_ERR_AGAIN;
}

static int32_t line_done(struct acme_http_parser *p)
{
    int32_t rc;

    switch (p->state) {
    case STATE_STATUS:
        return status_line(p);
    case STATE_HEADER:
        if (p->line_len == 0) {
            return headers_end(p);
        }
        rc = header_line(p);
        return rc == ACME_OK ? ACME_ERR_AGAIN : rc;
    case STATE_CHUNK_SIZE:
        return chunk_size_line(p);
    case STATE_CHUNK_END:
        p->state = STATE_CHUNK_SIZE;
        return p->line_len == 0 ? ACME_ERR_AGAIN : ACME_ERR_HTTP;
    default: /* STATE_TRAILER: fields there say nothing that ACME needs */
        if (p->line_len == 0) {
            p->state = STATE_DONE;
            return ACME_OK;
        }
        return ACME_ERR_AGAIN;
    }
}

/* Collects a line; '\n' must follow '\r', and both must stand nowhere else. */
static int32_t line_byte(struct acme_http_parser *p, char c)
{
    int32_t rc;

    if (p->header_bytes >= CONFIG_ACME_HTTP_HEADERS_MAX) {
        return ACME_ERR_HTTP_LIMIT;
    }
    /* Chunk framing is bounded by the chunks' data; only what has no data counts. */
    if (p->state != STATE_CHUNK_END) {
        p->header_bytes++;
    }
    if (p->line_cr) {
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
    if (c == '\r') {
        p->line_cr = true;
        return ACME_ERR_AGAIN;
    }
    if (((uint8_t)c < ' ' && c != '\t') || c == 0x7f) {
        return ACME_ERR_HTTP;
    }
    if (p->line_len < CONFIG_ACME_HTTP_LINE_MAX) {
        p->line[p->line_len++] = c;
    } else {
        p->line_overflow = true;
    }
    return ACME_ERR_AGAIN;
}

static int32_t body_bytes(struct acme_http_parser *p, const uint8_t *data, size_t len, size_t *took)
{
    size_t n = len;
    int32_t rc;

    if (p->state != STATE_BODY_CLOSE && n > p->remaining) {
        n = p->remaining;
    }
    if (n > p->body_limit - p->response.body_len) {
        return ACME_ERR_HTTP_LIMIT;
    }
    rc = p->body_fn != NULL ? p->body_fn(p->body_ctx, data, n) : ACME_OK;
    if (rc != ACME_OK) {
        return rc;
    }
    p->response.body_len += (uint32_t)n;
    *took = n;
    if (p->state == STATE_BODY_CLOSE) {
        return ACME_ERR_AGAIN;
    }
    p->remaining -= (uint32_t)n;
    if (p->remaining > 0) {
        return ACME_ERR_AGAIN;
    }
    p->state = p->state == STATE_CHUNK_DATA ? STATE_CHUNK_END : STATE_DONE;
    return p->state == STATE_DONE ? ACME_OK : ACME_ERR_AGAIN;
}

int32_t acme_http_parser_feed(struct acme_http_parser *p, const uint8_t *data, size_t len,
                              size_t *used)
{
    int32_t rc = p->state == STATE_DONE ? ACME_OK : ACME_ERR_AGAIN;

    *used = 0;
    while (rc == ACME_ERR_AGAIN && *used < len) {
        size_t took = 1;

        if (p->state == STATE_BODY_LENGTH || p->state == STATE_BODY_CLOSE ||
            p->state == STATE_CHUNK_DATA) {
            rc = body_bytes(p, data + *used, len - *used, &took);
        } else {
            rc = line_byte(p, (char)data[*used]);
        }
        if (rc == ACME_OK || rc == ACME_ERR_AGAIN) {
            *used += took;
        }
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
