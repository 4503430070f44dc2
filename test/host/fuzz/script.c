/*
 * The ways in which a reply is spoiled. Each keeps the framing where it can, so that what is wrong
 * comes as far as the rooms that have to notice it; some break the framing.
 */
#include "script.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

uint8_t script_byte(struct script *s)
{
    uint8_t b = s->len > 0 ? *s->data : 0;

    s->data += s->len > 0 ? 1 : 0;
    s->len -= s->len > 0 ? 1 : 0;
    return b;
}

uint16_t script_word(struct script *s)
{
    uint8_t high = script_byte(s);

    return (uint16_t)(high << 8 | script_byte(s));
}

const uint8_t *script_bytes(struct script *s, size_t *len)
{
    const uint8_t *data;
    uint8_t n = script_byte(s);

    *len = n < 240 ? n : (n - 239u) * 240u;
    *len = *len < s->len ? *len : s->len;
    data = s->data;
    s->data += *len;
    s->len -= *len;
    return data;
}

/* ---- text ---- */

static const char *const words[] = {
    "",
    "valid",
    "invalid",
    "pending",
    "processing",
    "ready",
    "deactivated",
    "revoked",
    "expired",
    "http-01",
    "dns-01",
    "dns",
    "ip",
    "device.example.org",
    "evil.example.net",
    "*.example.org",
    "https://ca.example.org/directory",
    "https://ca.example.org/new-nonce",
    "https://ca.example.org/order/0",
    "https://ca.example.org/order/1",
    "https://ca.example.org/authorization/0/0",
    "https://ca.example.org/challenge/0/0",
    "https://ca.example.org/certificate/0",
    "https://ca.example.org/certificate/1",
    "https://ca.example.org/order/0/finalize",
    "https://ca.example.org/account/1",
    "https://ca.example.org:444/x",
    "https://evil.example.net/x",
    "http://ca.example.org/x",
    "https://ca.example.org/a\\r\\nX-Injected: 1\\r\\n\\r\\n",
    "https://ca.example.org/\\u0000x",
    "https://user@ca.example.org/",
    "2026-01-02T00:00:00Z",
    "9999-12-31T23:59:59Z",
    "1970-01-01T00:00:00+24:00",
    "a\\\"b\\\\c\\u00e9\\ud83d\\ude00",
    "urn:ietf:params:acme:error:badNonce",
    "urn:ietf:params:acme:error:accountDoesNotExist",
    "urn:ietf:params:acme:error:rateLimited",
    "urn:ietf:params:acme:error:alreadyReplaced",
    "urn:ietf:params:acme:error:userActionRequired",
    "urn:ietf:params:acme:error:orderNotReady",
    "urn:ietf:params:acme:error:badCSR",
    "urn:ietf:params:acme:error:unauthorized",
    "urn:ietf:params:acme:error:malformed",
    "urn:ietf:params:acme:error:serverInternal",
};
#define WORDS (sizeof(words) / sizeof(words[0]))

static const char *const fields[] = {
    "Retry-After: 0\r\n",
    "Retry-After: 4294967296\r\n",
    "Retry-After: 86400\r\n",
    "Retry-After: Fri, 31 Dec 9999 23:59:59 GMT\r\n",
    "Replay-Nonce: AAAA\r\n",
    "Replay-Nonce: a b\r\n",
    "Location: https://ca.example.org/order/0\r\n",
    "Location: https://evil.example.net/order/0\r\n",
    "Location: https://ca.example.org/account/0\r\n",
    "Location: /relative\r\n",
    "Content-Type: text/html\r\n",
    "Content-Type: application/json\r\n",
    "Content-Type: application/problem+json\r\n",
    "Content-Type: application/pem-certificate-chain\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Transfer-Encoding: gzip, chunked\r\n",
    "Content-Length: 0\r\n",
    "Content-Length: 99999999999999999999\r\n",
    "Content-Encoding: gzip\r\n",
    "Connection: close\r\n",
    "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n",
    "Date: Fri, 31 Dec 9999 23:59:59 GMT\r\n",
    "Link: <https://ca.example.org/certificate/0>;rel=\"alternate\"\r\n",
    " folded: 1\r\n",
};
#define FIELDS (sizeof(fields) / sizeof(fields[0]))

static const char *const statuses[] = {"100", "101", "199", "200", "201", "202", "204", "301",
                                       "303", "304", "307", "400", "401", "403", "404", "405",
                                       "409", "410", "412", "429", "500", "502", "503", "504"};
#define STATUSES (sizeof(statuses) / sizeof(statuses[0]))

/* Puts len bytes in the place of the `out` bytes at `at`, as far as there is room. */
static void splice(struct spoiled *r, size_t at, size_t out, const void *data, size_t len)
{
    at = at < r->len ? at : r->len;
    out = out < r->len - at ? out : r->len - at;
    if (len > r->size - (r->len - out)) {
        return;
    }
    memmove(r->text + at + len, r->text + at + out, r->len - at - out);
    if (len > 0) {
        memcpy(r->text + at, data, len);
    }
    r->len = r->len - out + len;
}

/* Where the body begins, or the end. */
static size_t body_at(const struct spoiled *r)
{
    const char *end = memmem(r->text, r->len, "\r\n\r\n", 4);

    return end == NULL ? r->len : (size_t)(end - r->text) + 4;
}

/* The first field of this name, as the offset of its line; false if there is none. */
static bool find_field(const struct spoiled *r, const char *name, size_t *at, size_t *len)
{
    size_t end = body_at(r), i = 0;

    while (i + 2 < end) {
        const char *line = r->text + i, *stop = memchr(line, '\n', end - i);
        size_t n = stop == NULL ? end - i : (size_t)(stop - line) + 1;

        if (n > strlen(name) && strncasecmp(line, name, strlen(name)) == 0) {
            *at = i;
            *len = n;
            return true;
        }
        i += n;
    }
    return false;
}

/* The length said in the head follows the body. */
static void fix_length(struct spoiled *r)
{
    char line[48];
    size_t at, len;

    if (find_field(r, "content-length:", &at, &len)) {
        int n = snprintf(line, sizeof(line), "Content-Length: %zu\r\n", r->len - body_at(r));

        splice(r, at, len, line, (size_t)n);
    }
}

/* Where the n-th text between quotes is in the body, counted around. */
static bool find_quoted(const struct spoiled *r, size_t n, size_t *at, size_t *len)
{
    size_t i, start = 0, count = 0, round;

    for (round = 0; round < 2; round++) {
        bool inside = false;
        size_t seen = 0;

        for (i = body_at(r); i < r->len; i++) {
            if (r->text[i] != '"') {
                continue;
            }
            if (inside && round == 1 && seen++ == n % count) {
                *at = start;
                *len = i - start;
                return true;
            }
            count += inside && round == 0 ? 1 : 0;
            inside = !inside;
            start = i + 1;
        }
        if (count == 0) {
            return false;
        }
    }
    return false;
}

/* ---- ways ---- */

static void change_status(struct script *s, struct spoiled *r)
{
    splice(r, 9, 3, statuses[script_byte(s) % STATUSES], 3);
}

static void add_field(struct script *s, struct spoiled *r)
{
    const char *field = fields[script_byte(s) % FIELDS];
    const char *line = memchr(r->text, '\n', r->len);

    splice(r, line == NULL ? 0 : (size_t)(line - r->text) + 1, 0, field, strlen(field));
}

static void replace_field(struct script *s, struct spoiled *r)
{
    const char *field = fields[script_byte(s) % FIELDS];
    char name[24];
    size_t at, len;

    (void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(field, ":"), field);
    if (find_field(r, name, &at, &len)) {
        splice(r, at, len, field, strlen(field));
    }
}

static void drop_field(struct script *s, struct spoiled *r)
{
    static const char *const names[] = {
        "date:", "content-length:", "content-type:", "replay-nonce:", "location:", "retry-after:"};
    size_t at, len;

    if (find_field(r, names[script_byte(s) % 6], &at, &len)) {
        splice(r, at, len, NULL, 0);
    }
}

static void replace_word(struct script *s, struct spoiled *r)
{
    uint8_t which = script_byte(s);
    const char *word = words[script_byte(s) % WORDS];
    size_t at, len;

    if (find_quoted(r, which, &at, &len)) {
        splice(r, at, len, word, strlen(word));
        fix_length(r);
    }
}

static void replace_text(struct script *s, struct spoiled *r, bool whole)
{
    size_t at = whole ? 0 : script_word(s), out = whole ? r->len : script_byte(s), len;
    const uint8_t *data = script_bytes(s, &len);

    splice(r, body_at(r) + at, out, data, len);
    fix_length(r);
}

/* One element or member more than once, which no one expects. */
static void repeat_text(struct script *s, struct spoiled *r)
{
    static char copy[512];
    size_t at = body_at(r) + script_word(s) % 1024u, len = script_word(s) % sizeof(copy);
    uint8_t times = script_byte(s);

    at = at < r->len ? at : r->len;
    len = len < r->len - at ? len : r->len - at;
    memcpy(copy, r->text + at, len);
    while (len > 0 && times-- > 0) {
        splice(r, at, 0, copy, len);
    }
    fix_length(r);
}

static void cut(struct script *s, struct spoiled *r)
{
    r->len = r->len * script_byte(s) / 256u;
    r->close = true;
}

static void make_chunked(struct script *s, struct spoiled *r)
{
    static char copy[32768];
    size_t at, len, from = body_at(r), left = r->len - from, done = 0;
    char line[24];

    if (left > sizeof(copy) || !find_field(r, "content-length:", &at, &len)) {
        return;
    }
    memcpy(copy, r->text + from, left);
    r->len = from;
    while (done <= left) {
        size_t n = script_byte(s) * 8u + 1u;
        int k;

        n = n < left - done ? n : left - done;
        k = snprintf(line, sizeof(line), "%zx%s\r\n", n, n % 8 == 3 ? ";a=\"b\"" : "");
        splice(r, r->len, 0, line, (size_t)k);
        splice(r, r->len, 0, copy + done, n);
        splice(r, r->len, 0, "\r\n", 2);
        done += n > 0 ? n : left + 1;
    }
    splice(r, at, len, "Transfer-Encoding: chunked\r\n", 28);
}

static void make_problem(struct script *s, struct spoiled *r)
{
    const char *type = words[WORDS - 10 + script_byte(s) % 10];
    const char *status = statuses[script_byte(s) % STATUSES];
    char text[512];
    size_t at, len;
    int n = snprintf(text, sizeof(text),
                     "{\"type\":\"%s\",\"detail\":\"a sentence\",\"status\":%s,\"subproblems\":"
                     "[{\"type\":\"%s\",\"identifier\":{\"type\":\"dns\",\"value\":\"x\"}}]}",
                     type, status, type);

    splice(r, body_at(r), r->len, text, (size_t)n);
    splice(r, 9, 3, status, 3);
    if (find_field(r, "content-type:", &at, &len)) {
        splice(r, at, len, "Content-Type: application/problem+json\r\n", 40);
    }
    fix_length(r);
}

static void flip(struct script *s, struct spoiled *r)
{
    size_t at = script_word(s);

    if (r->len > 0) {
        r->text[at % r->len] = (char)((uint8_t)r->text[at % r->len] ^ (script_byte(s) | 1u));
    }
}

static void say_again(struct spoiled *r, const char *kept, size_t kept_len)
{
    size_t from = kept_len;

    if (kept_len > 0 && kept_len <= r->size) {
        struct spoiled k = {.text = (char *)(uintptr_t)kept, .len = kept_len};

        from = body_at(&k);
        splice(r, body_at(r), r->len, kept + from, kept_len - from);
        fix_length(r);
    }
}

static void spoil(struct script *s, struct spoiled *r, const char *kept, size_t kept_len)
{
    size_t len;
    const uint8_t *data;

    switch (script_byte(s) % 16) {
    case 0:
        change_status(s, r);
        break;
    case 1:
        add_field(s, r);
        break;
    case 2:
        replace_field(s, r);
        break;
    case 3:
        drop_field(s, r);
        break;
    case 4:
    case 5:
    case 6:
        replace_word(s, r);
        break;
    case 7:
        replace_text(s, r, false);
        break;
    case 8:
        replace_text(s, r, true);
        break;
    case 9:
        repeat_text(s, r);
        break;
    case 10:
        cut(s, r);
        break;
    case 11:
        make_chunked(s, r);
        break;
    case 12:
        make_problem(s, r);
        break;
    case 13:
        flip(s, r);
        break;
    case 14:
        say_again(r, kept, kept_len);
        break;
    default: /* nothing of it remains */
        data = script_bytes(s, &len);
        splice(r, 0, r->len, data, len);
        r->close = script_byte(s) % 2 != 0;
    }
}

void script_spoil(struct script *s, struct spoiled *r, const char *kept, size_t kept_len)
{
    char date[64] = "";
    size_t at, len;

    if (find_field(r, "date:", &at, &len) && len < sizeof(date)) {
        memcpy(date, r->text + at, len);
    }
    spoil(s, r, kept, kept_len);
    if (!find_field(r, "date:", &at, &len) || strlen(date) != len ||
        memcmp(date, r->text + at, len) != 0) {
        r->lied = true; /* a Date behind it counts as well, but none comes without the first */
    }
    if (r->len < r->size) {
        r->text[r->len] = '\0';
    }
}
