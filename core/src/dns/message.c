/*
 * Writes and reads DNS messages. Everything is bounded by the message and by the caller's memory.
 * It must not know who sent a message or why.
 */
#include "dns/message.h"

#include <string.h>

#include "base/assert.h"
#include "base/buf.h"

#define LABEL_MAX  63u
#define RECORD_FIX 10u /* type, class, ttl, length */

static uint16_t get16(const uint8_t *at)
{
    return (uint16_t)((uint32_t)at[0] << 8 | at[1]);
}

static void set16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void set32(uint8_t *at, uint32_t value)
{
    set16(at, value >> 16);
    set16(at + 2, value & 0xffffu);
}

/* ---- names ---- */

/* What a label may have so that text can hold it: nothing that needs an escape. */
static bool is_label_byte(uint8_t c)
{
    return c > ' ' && c <= '~' && c != '.' && c != '\\' && c != '"' && c != ';' && c != '(' &&
           c != ')' && c != '@' && c != '$';
}

static uint8_t lower_of(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

static size_t label_len(const char *name)
{
    size_t n = 0;

    while (name[n] != '\0' && name[n] != '.') {
        n++;
    }
    return n;
}

/* Whether a label may have n characters; the last one has no dot behind it. */
static bool is_label_len(const char *label, size_t n)
{
    return n > 0 && n <= LABEL_MAX && (label[n] == '\0' || label[n + 1] != '\0');
}

/* Writes a label of n characters and its length in front. Whether text may hold such a label. */
static bool label_to_wire(const char *label, size_t n, bool lower, uint8_t *out)
{
    size_t i;

    *out++ = (uint8_t)n;
    for (i = 0; i < n; i++) {
        uint8_t c = (uint8_t)label[i];

        if (!is_label_byte(c)) {
            return false;
        }
        out[i] = lower ? lower_of(c) : c;
    }
    return true;
}

int32_t acme_dns_name_to_wire(const char *name, bool lower, uint8_t *out, size_t size)
{
    size_t len = 0;

    if (strlen(name) >= ACME_DNS_NAME_SIZE) {
        return ACME_ERR_NAME;
    }
    while (*name != '\0') {
        size_t n = label_len(name);

        if (!is_label_len(name, n)) {
            return ACME_ERR_NAME;
        }
        if (size - len < n + 2) {
            return ACME_ERR_BUFFER;
        }
        if (!label_to_wire(name, n, lower, out + len)) {
            return ACME_ERR_NAME;
        }
        len += n + 1;
        name += name[n] == '.' ? n + 1 : n;
    }
    if (size - len < 1) {
        return ACME_ERR_BUFFER;
    }
    out[len++] = 0;
    return (int32_t)len;
}

int32_t acme_dns_check_name(const char *name)
{
    uint8_t wire[ACME_DNS_WIRE_SIZE];

    return acme_dns_name_to_wire(name, false, wire, sizeof(wire)) < 0 ? ACME_ERR_NAME : ACME_OK;
}

bool acme_dns_same_name(const char *a, const char *b)
{
    return acme_str_equal_nocase(a, strlen(a), b, strlen(b));
}

bool acme_dns_is_below(const char *name, const char *zone)
{
    size_t n = strlen(name), z = strlen(zone);

    if (z == 0) {
        return true;
    }
    return n >= z && (n == z || name[n - z - 1] == '.') &&
           acme_str_equal_nocase(name + n - z, z, zone, z);
}

const char *acme_dns_parent(const char *name)
{
    size_t n = label_len(name);

    return name[n] == '.' ? name + n + 1 : name + n;
}

/* ---- writing ---- */

void acme_dns_write_begin(struct acme_dns_writer *w, uint8_t *data, size_t size, uint16_t id,
                          uint16_t flags)
{
    w->data = data;
    w->size = size;
    w->len = 0;
    w->failed = size < ACME_DNS_HEAD_SIZE;
    if (!w->failed) {
        memset(data, 0, ACME_DNS_HEAD_SIZE);
        set16(data, id);
        set16(data + 2, flags);
        w->len = ACME_DNS_HEAD_SIZE;
    }
}

/* Room for n bytes, or NULL once and for all. */
static uint8_t *grow(struct acme_dns_writer *w, size_t n)
{
    uint8_t *at;

    if (w->failed || w->size - w->len < n) {
        w->failed = true;
        return NULL;
    }
    at = w->data + w->len;
    w->len += n;
    ACME_ASSERT(w->len <= w->size);
    return at;
}

static void count(struct acme_dns_writer *w, enum acme_dns_section section)
{
    uint8_t *at = w->data + 4 + 2 * (size_t)section;

    set16(at, get16(at) + 1u);
}

static void write_name(struct acme_dns_writer *w, const char *name)
{
    int32_t n;

    if (w->failed) {
        return;
    }
    n = acme_dns_name_to_wire(name, false, w->data + w->len, w->size - w->len);
    if (n < 0) {
        w->failed = true;
    } else {
        w->len += (size_t)n;
    }
}

void acme_dns_write_question(struct acme_dns_writer *w, const char *name, uint16_t type,
                             uint16_t rclass)
{
    uint8_t *at;

    write_name(w, name);
    at = grow(w, 4);
    if (at != NULL) {
        set16(at, type);
        set16(at + 2, rclass);
        count(w, ACME_DNS_QUESTION);
    }
}

/* The head of a record; its data is to be written to what is returned. */
static uint8_t *write_record(struct acme_dns_writer *w, enum acme_dns_section section,
                             const char *name, uint16_t type, uint16_t rclass, uint32_t ttl,
                             size_t rdata_len)
{
    uint8_t *at;

    write_name(w, name);
    at = rdata_len > UINT16_MAX ? NULL : grow(w, RECORD_FIX + rdata_len);
    if (at == NULL) {
        w->failed = true;
        return NULL;
    }
    set16(at, type);
    set16(at + 2, rclass);
    set32(at + 4, ttl);
    set16(at + 8, (uint32_t)rdata_len);
    count(w, section);
    return at + RECORD_FIX;
}

void acme_dns_write_record(struct acme_dns_writer *w, enum acme_dns_section section,
                           const char *name, uint16_t type, uint16_t rclass, uint32_t ttl,
                           const uint8_t *rdata, size_t rdata_len)
{
    uint8_t *at = write_record(w, section, name, type, rclass, ttl, rdata_len);

    if (at != NULL && rdata_len > 0) {
        memcpy(at, rdata, rdata_len);
    }
}

void acme_dns_write_txt(struct acme_dns_writer *w, enum acme_dns_section section, const char *name,
                        uint16_t rclass, uint32_t ttl, const char *text)
{
    size_t left = strlen(text), strings = left == 0 ? 1 : (left + 254) / 255;
    uint8_t *at = write_record(w, section, name, ACME_DNS_TYPE_TXT, rclass, ttl, left + strings);

    for (; at != NULL && strings > 0; strings--) {
        size_t n = left < 255 ? left : 255;

        *at = (uint8_t)n;
        if (n > 0) {
            memcpy(at + 1, text, n);
        }
        at += n + 1;
        text += n;
        left -= n;
    }
}

int32_t acme_dns_write_result(const struct acme_dns_writer *w)
{
    return w->failed ? ACME_ERR_BUFFER : (int32_t)w->len;
}

/* ---- reading ---- */

int32_t acme_dns_read_begin(struct acme_dns_reader *r, const uint8_t *data, size_t len)
{
    size_t i;

    memset(r, 0, sizeof(*r));
    if (len < ACME_DNS_HEAD_SIZE || len > UINT16_MAX) {
        return ACME_ERR_DNS_MESSAGE;
    }
    r->data = data;
    r->len = len;
    r->at = ACME_DNS_HEAD_SIZE;
    r->id = get16(data);
    r->flags = get16(data + 2);
    for (i = 0; i < ACME_DNS_SECTIONS; i++) {
        r->left[i] = get16(data + 4 + 2 * i);
    }
    return ACME_OK;
}

/* Where the name that begins at an offset ends in its place; 0: nowhere. */
static size_t skip_name(const struct acme_dns_reader *r, size_t at)
{
    size_t first = at;

    while (at < r->len && at - first < ACME_DNS_WIRE_SIZE) {
        uint8_t n = r->data[at];

        if (n == 0) {
            return at + 1;
        }
        if (n >= 0xc0) {
            return r->len - at >= 2 ? at + 2 : 0;
        }
        if (n > LABEL_MAX) {
            return 0;
        }
        at += n + 1u;
    }
    return 0;
}

int32_t acme_dns_read_next(struct acme_dns_reader *r, struct acme_dns_entry *record)
{
    uint8_t section = 0;
    const uint8_t *fix;
    size_t at;

    memset(record, 0, sizeof(*record));
    while (section < ACME_DNS_SECTIONS && r->left[section] == 0) {
        section++;
    }
    if (section == ACME_DNS_SECTIONS) {
        return r->at == r->len ? ACME_ERR_NOT_FOUND : ACME_ERR_DNS_MESSAGE;
    }
    at = skip_name(r, r->at);
    if (at == 0 || r->len - at < (section == ACME_DNS_QUESTION ? 4u : RECORD_FIX)) {
        return ACME_ERR_DNS_MESSAGE;
    }
    fix = r->data + at;
    record->section = section;
    record->start = r->at;
    record->type = get16(fix);
    record->rclass = get16(fix + 2);
    record->rdata = at + 4;
    if (section != ACME_DNS_QUESTION) {
        record->ttl = (uint32_t)get16(fix + 4) << 16 | get16(fix + 6);
        record->rdata = at + RECORD_FIX;
        record->rdata_len = get16(fix + 8);
    }
    if (r->len - record->rdata < record->rdata_len) {
        return ACME_ERR_DNS_MESSAGE;
    }
    r->at = record->rdata + record->rdata_len;
    r->left[section]--;
    return ACME_OK;
}

/* A walk over the labels of a name. */
struct walk {
    size_t at;    /* of the label */
    size_t floor; /* a pointer must lead below this: so there are no loops */
    size_t end;   /* in its place; 0: not known yet */
    size_t total; /* bytes of the name without compression */
};

/* Goes where pointers lead, if there are any. Whether they are whole and lead backwards. */
static bool follow_pointers(const struct acme_dns_reader *r, struct walk *w)
{
    while (w->at < r->len && r->data[w->at] >= 0xc0) {
        size_t to;

        if (r->len - w->at < 2) {
            return false;
        }
        to = get16(r->data + w->at) & 0x3fffu;
        if (w->end == 0) {
            w->end = w->at + 2;
        }
        if (to >= w->floor) {
            return false;
        }
        w->at = w->floor = to;
    }
    return true;
}

/* Finds the next label: its length, 0 at the end of the name, or ACME_ERR_DNS_MESSAGE. */
static int32_t next_label(const struct acme_dns_reader *r, struct walk *w)
{
    if (!follow_pointers(r, w) || w->at >= r->len || r->data[w->at] > LABEL_MAX ||
        r->len - w->at - 1 < r->data[w->at]) {
        return ACME_ERR_DNS_MESSAGE;
    }
    ACME_ASSERT(w->at < r->len);
    w->total += r->data[w->at] + 1u;
    if (w->total > ACME_DNS_WIRE_SIZE) {
        return ACME_ERR_DNS_MESSAGE;
    }
    if (r->data[w->at] == 0 && w->end == 0) {
        w->end = w->at + 1;
    }
    return r->data[w->at];
}

/* Appends a label to the text. Whether text can hold it. */
static bool add_label(const uint8_t *label, size_t n, char *name, size_t *len)
{
    size_t i;

    if (*len > 0) {
        name[(*len)++] = '.';
    }
    for (i = 0; i < n; i++) {
        if (!is_label_byte(label[i])) {
            return false;
        }
        name[(*len)++] = (char)label[i];
    }
    return true;
}

int32_t acme_dns_read_name(const struct acme_dns_reader *r, size_t at,
                           char name[ACME_DNS_NAME_SIZE], size_t *end)
{
    struct walk w = {.at = at, .floor = at};
    size_t len = 0;
    int32_t n = next_label(r, &w);

    name[0] = '\0';
    /* A name of 255 bytes in a message has 253 characters: the text always fits. */
    while (n > 0) {
        if (!add_label(r->data + w.at + 1, (size_t)n, name, &len)) {
            name[0] = '\0';
            return ACME_ERR_DNS_MESSAGE;
        }
        w.at += (size_t)n + 1;
        n = next_label(r, &w);
    }
    name[n < 0 ? 0 : len] = '\0';
    if (end != NULL) {
        *end = w.end;
    }
    return n < 0 ? n : ACME_OK;
}

bool acme_dns_is_name(const struct acme_dns_reader *r, size_t at, const char *name)
{
    char text[ACME_DNS_NAME_SIZE];

    return acme_dns_read_name(r, at, text, NULL) == ACME_OK && acme_dns_same_name(text, name);
}

int32_t acme_dns_read_target(const struct acme_dns_reader *r, const struct acme_dns_entry *record,
                             char name[ACME_DNS_NAME_SIZE])
{
    size_t end = 0, limit = record->rdata + record->rdata_len;
    int32_t rc = acme_dns_read_name(r, record->rdata, name, &end);

    if (rc == ACME_OK && (end > limit || (record->type != ACME_DNS_TYPE_SOA && end != limit))) {
        name[0] = '\0';
        return ACME_ERR_DNS_MESSAGE;
    }
    return rc;
}

bool acme_dns_is_txt(const struct acme_dns_reader *r, const struct acme_dns_entry *record,
                     const char *text)
{
    size_t at = record->rdata, end = at + record->rdata_len, left = strlen(text);

    while (at < end) {
        size_t n = r->data[at++];

        if (n > end - at || n > left || memcmp(r->data + at, text, n) != 0) {
            return false;
        }
        at += n;
        text += n;
        left -= n;
    }
    return left == 0 && record->rdata_len > 0;
}

int32_t acme_dns_read_txt(const struct acme_dns_reader *r, const struct acme_dns_entry *record,
                          char *text, size_t size)
{
    size_t at = record->rdata, end = at + record->rdata_len, len = 0;

    if (record->rdata_len == 0) {
        return ACME_ERR_DNS_MESSAGE;
    }
    while (at < end) {
        size_t n = r->data[at++];

        if (n > end - at) {
            return ACME_ERR_DNS_MESSAGE;
        }
        if (n >= size - len) {
            return ACME_ERR_BUFFER;
        }
        memcpy(text + len, r->data + at, n);
        at += n;
        len += n;
    }
    text[len] = '\0';
    return (int32_t)len;
}

int32_t acme_dns_read_caa(const struct acme_dns_reader *r, const struct acme_dns_entry *record,
                          struct acme_dns_caa *caa)
{
    const uint8_t *rdata = r->data + record->rdata;

    if (record->rdata_len < 3 || rdata[1] == 0 || rdata[1] > record->rdata_len - 2) {
        return ACME_ERR_DNS_MESSAGE;
    }
    caa->critical = (rdata[0] & 0x80u) != 0;
    caa->tag_len = rdata[1];
    caa->tag = (const char *)rdata + 2;
    caa->value = caa->tag + caa->tag_len;
    caa->value_len = (uint16_t)(record->rdata_len - 2 - caa->tag_len);
    return ACME_OK;
}
