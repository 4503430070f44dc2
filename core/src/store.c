/*
 * Encodes and decodes the records of store.h (docs/store_format.md). It must not decide when a
 * record is written: the client does.
 */
#include "store.h"

#include <string.h>

#define RECORD_VERSION 1u

static void put64(uint8_t *p, uint64_t v)
{
    size_t i;

    for (i = 0; i < 8; i++) {
        p[i] = (uint8_t)(v >> (8 * i));
    }
}

static uint64_t get64(const uint8_t *p)
{
    uint64_t v = 0;
    size_t i;

    for (i = 0; i < 8; i++) {
        v |= (uint64_t)p[i] << (8 * i);
    }
    return v;
}

static struct acme_flashlog_key key_of(enum acme_store_space space, uint64_t id)
{
    struct acme_flashlog_key key = {(uint8_t)space, id};

    return key;
}

/* ---- strings in records: NUL-terminated, one behind the other ---- */

struct text_reader {
    const uint8_t *at;
    size_t left;
    bool bad;
};

static void read_text(struct text_reader *t, char *out, size_t size)
{
    const uint8_t *end = t->bad ? NULL : memchr(t->at, 0, t->left);
    size_t len = end == NULL ? 0 : (size_t)(end - t->at);

    out[0] = '\0';
    if (end == NULL || len >= size) {
        t->bad = true;
        return;
    }
    memcpy(out, t->at, len + 1);
    t->at += len + 1;
    t->left -= len + 1;
}

static size_t write_text(uint8_t *out, size_t at, size_t size, const char *text)
{
    size_t len = strlen(text) + 1;

    if (at > size || len > size - at) {
        return SIZE_MAX;
    }
    memcpy(out + at, text, len);
    return at + len;
}

#define HEAD_LEN 16u

static int32_t read_head(struct acme_flashlog *log, struct acme_flashlog_key key, uint8_t *raw,
                         size_t size, struct text_reader *text)
{
    int32_t len = acme_flashlog_read(log, key, 0, raw, size);

    if (len < 0) {
        return len;
    }
    if ((size_t)len < HEAD_LEN || raw[0] != RECORD_VERSION) {
        return ACME_ERR_STORE_CORRUPT;
    }
    text->at = raw + HEAD_LEN;
    text->left = (size_t)len - HEAD_LEN;
    text->bad = false;
    return ACME_OK;
}

int32_t acme_store_read_account(struct acme_flashlog *log, uint8_t slot,
                                struct acme_account_record *r, uint8_t *scratch, size_t size)
{
    struct text_reader text;
    int32_t rc = read_head(log, key_of(ACME_SPACE_ACCOUNT, slot), scratch, size, &text);

    if (rc != ACME_OK) {
        return rc;
    }
    r->key_type = scratch[1];
    r->key_generation = scratch[2] & 1u;
#if defined(CONFIG_ACME_KEY_ROLLOVER)
    r->rollover = scratch[3];
#endif
    read_text(&text, r->directory_url, sizeof(r->directory_url));
    read_text(&text, r->url, sizeof(r->url));
    read_text(&text, r->tos_url, sizeof(r->tos_url));
    return text.bad ? ACME_ERR_STORE_CORRUPT : ACME_OK;
}

int32_t acme_store_write_account(struct acme_flashlog *log, uint8_t slot,
                                 const struct acme_account_record *r, uint8_t *scratch, size_t size)
{
    size_t at = HEAD_LEN;

    memset(scratch, 0, HEAD_LEN);
    scratch[0] = RECORD_VERSION;
    scratch[1] = r->key_type;
    scratch[2] = r->key_generation;
#if defined(CONFIG_ACME_KEY_ROLLOVER)
    scratch[3] = r->rollover;
#endif
    at = write_text(scratch, at, size, r->directory_url);
    at = write_text(scratch, at, size, r->url);
    at = write_text(scratch, at, size, r->tos_url);
    if (at == SIZE_MAX) {
        return ACME_ERR_BUFFER;
    }
    return acme_flashlog_set(log, key_of(ACME_SPACE_ACCOUNT, slot), scratch, at);
}

int32_t acme_store_read_order(struct acme_flashlog *log, uint8_t slot, struct acme_order_record *r,
                              uint8_t *scratch, size_t size)
{
    struct text_reader text;
    int32_t rc = read_head(log, key_of(ACME_SPACE_ORDER, slot), scratch, size, &text);

    if (rc != ACME_OK) {
        return rc;
    }
    r->key_type = scratch[1];
    r->key_generation = scratch[2] & 1u;
    r->account_slot = scratch[3];
    r->names_id = get64(scratch + 8);
    read_text(&text, r->url, sizeof(r->url));
    return text.bad ? ACME_ERR_STORE_CORRUPT : ACME_OK;
}

int32_t acme_store_write_order(struct acme_flashlog *log, uint8_t slot,
                               const struct acme_order_record *r, uint8_t *scratch, size_t size)
{
    size_t at;

    memset(scratch, 0, HEAD_LEN);
    scratch[0] = RECORD_VERSION;
    scratch[1] = r->key_type;
    scratch[2] = r->key_generation;
    scratch[3] = r->account_slot;
    put64(scratch + 8, r->names_id);
    at = write_text(scratch, HEAD_LEN, size, r->url);
    if (at == SIZE_MAX) {
        return ACME_ERR_BUFFER;
    }
    return acme_flashlog_set(log, key_of(ACME_SPACE_ORDER, slot), scratch, at);
}

/* version, key_type, generation, exportable, chain_count, 3 unused, names_id, not_before,
 * not_after, lengths */
#define CERT_FIXED 32u
#define CERT_LEN   (CERT_FIXED + 2u * CONFIG_ACME_CHAIN_CERTS_MAX)

int32_t acme_store_read_cert(struct acme_flashlog *log, uint8_t slot, struct acme_cert_record *r)
{
    uint8_t raw[CERT_LEN];
    int32_t len = acme_flashlog_read(log, key_of(ACME_SPACE_CERT, slot), 0, raw, sizeof(raw));
    size_t i;

    if (len < 0) {
        return len;
    }
    if ((size_t)len < CERT_FIXED || raw[0] != RECORD_VERSION ||
        raw[4] > CONFIG_ACME_CHAIN_CERTS_MAX || (size_t)len != CERT_FIXED + 2u * raw[4]) {
        return ACME_ERR_STORE_CORRUPT;
    }
    memset(r, 0, sizeof(*r));
    r->key_type = raw[1];
    r->key_generation = raw[2] & 1u;
    r->key_exportable = raw[3] != 0;
    r->chain_count = raw[4];
    r->names_id = get64(raw + 8);
    r->not_before_s = (int64_t)get64(raw + 16);
    r->not_after_s = (int64_t)get64(raw + 24);
    for (i = 0; i < r->chain_count; i++) {
        r->lengths[i] = (uint16_t)(raw[CERT_FIXED + 2 * i] | raw[CERT_FIXED + 2 * i + 1] << 8);
    }
    return ACME_OK;
}

int32_t acme_store_read_names(struct acme_flashlog *log, uint8_t slot, char *names, size_t size)
{
    struct acme_flashlog_key key = key_of(ACME_SPACE_NAMES, slot);
    int32_t len = acme_flashlog_length(log, key);

    if (len < 0) {
        return len;
    }
    if ((size_t)len >= size) {
        return ACME_ERR_BUFFER;
    }
    len = acme_flashlog_read(log, key, 0, names, (size_t)len);
    names[len > 0 ? len : 0] = '\0';
    return len < 0 ? len : ACME_OK;
}

static size_t encode_cert(const struct acme_cert_record *r, uint8_t raw[CERT_LEN])
{
    size_t i;

    memset(raw, 0, CERT_LEN);
    raw[0] = RECORD_VERSION;
    raw[1] = r->key_type;
    raw[2] = r->key_generation;
    raw[3] = r->key_exportable ? 1 : 0;
    raw[4] = r->chain_count;
    put64(raw + 8, r->names_id);
    put64(raw + 16, (uint64_t)r->not_before_s);
    put64(raw + 24, (uint64_t)r->not_after_s);
    for (i = 0; i < r->chain_count; i++) {
        raw[CERT_FIXED + 2 * i] = (uint8_t)r->lengths[i];
        raw[CERT_FIXED + 2 * i + 1] = (uint8_t)(r->lengths[i] >> 8);
    }
    return CERT_FIXED + 2u * r->chain_count;
}

int32_t acme_store_install(struct acme_flashlog *log, uint8_t slot,
                           const struct acme_cert_record *r, const char *names)
{
    uint8_t raw[CERT_LEN];
    size_t len = encode_cert(r, raw);
    int32_t rc = acme_flashlog_begin(log, len + strlen(names), 3);

    if (rc == ACME_OK) {
        rc = acme_flashlog_put(log, key_of(ACME_SPACE_NAMES, slot), names, strlen(names));
    }
    if (rc == ACME_OK) {
        rc = acme_flashlog_delete(log, key_of(ACME_SPACE_ORDER, slot));
    }
    if (rc == ACME_OK) {
        rc = acme_flashlog_put(log, key_of(ACME_SPACE_CERT, slot), raw, len);
    }
    if (rc != ACME_OK) {
        acme_flashlog_abort(log);
        return rc;
    }
    return acme_flashlog_commit(log);
}

int32_t acme_store_remove_cert(struct acme_flashlog *log, uint8_t slot)
{
    int32_t rc = acme_flashlog_begin(log, 0, 2);

    if (rc == ACME_OK) {
        rc = acme_flashlog_delete(log, key_of(ACME_SPACE_CERT, slot));
    }
    if (rc == ACME_OK) {
        rc = acme_flashlog_delete(log, key_of(ACME_SPACE_NAMES, slot));
    }
    if (rc != ACME_OK) {
        acme_flashlog_abort(log);
        return rc;
    }
    return acme_flashlog_commit(log);
}

int32_t acme_store_remove(struct acme_flashlog *log, enum acme_store_space space, uint64_t id)
{
    int32_t rc = acme_flashlog_length(log, key_of(space, id));

    if (rc == ACME_ERR_NOT_FOUND) {
        return ACME_OK;
    }
    rc = acme_flashlog_begin(log, 0, 1);
    if (rc == ACME_OK) {
        rc = acme_flashlog_delete(log, key_of(space, id));
    }
    if (rc != ACME_OK) {
        acme_flashlog_abort(log);
        return rc;
    }
    return acme_flashlog_commit(log);
}

/* ---- the schedule ---- */

#if defined(CONFIG_ACME_SCHEDULE)
/* version, generation, failures, ca, and six times */
#define SCHEDULE_LEN 56u

int32_t acme_store_read_schedule(struct acme_flashlog *log, uint8_t slot, struct acme_schedule *s)
{
    uint8_t raw[SCHEDULE_LEN];
    int32_t len = acme_flashlog_read(log, key_of(ACME_SPACE_SCHEDULE, slot), 0, raw, sizeof(raw));

    memset(s, 0, sizeof(*s));
    if (len < 0) {
        return len;
    }
    if ((size_t)len < sizeof(raw) || raw[0] != RECORD_VERSION) {
        return ACME_ERR_STORE_CORRUPT;
    }
    s->generation = raw[1] & 1u;
    s->failures = (uint16_t)(raw[2] | raw[3] << 8);
    s->ca = (uint32_t)(get64(raw) >> 32);
    s->noted_s = (int64_t)get64(raw + 8);
    s->retry_at_s = (int64_t)get64(raw + 16);
    s->look_at_s = (int64_t)get64(raw + 24);
    s->window_start_s = (int64_t)get64(raw + 32);
    s->window_end_s = (int64_t)get64(raw + 40);
    s->renew_at_s = (int64_t)get64(raw + 48);
    return ACME_OK;
}

int32_t acme_store_write_schedule(struct acme_flashlog *log, uint8_t slot,
                                  const struct acme_schedule *s)
{
    uint8_t raw[SCHEDULE_LEN];

    put64(raw, (uint64_t)s->ca << 32 | (uint64_t)s->failures << 16 | (uint64_t)s->generation << 8 |
                   RECORD_VERSION);
    put64(raw + 8, (uint64_t)s->noted_s);
    put64(raw + 16, (uint64_t)s->retry_at_s);
    put64(raw + 24, (uint64_t)s->look_at_s);
    put64(raw + 32, (uint64_t)s->window_start_s);
    put64(raw + 40, (uint64_t)s->window_end_s);
    put64(raw + 48, (uint64_t)s->renew_at_s);
    return acme_flashlog_set(log, key_of(ACME_SPACE_SCHEDULE, slot), raw, sizeof(raw));
}

int32_t acme_store_read_floor(struct acme_flashlog *log, int64_t *unix_s)
{
    uint8_t raw[8];
    int32_t len = acme_flashlog_read(log, key_of(ACME_SPACE_TIME, 0), 0, raw, sizeof(raw));

    if (len != (int32_t)sizeof(raw)) {
        return len < 0 ? len : ACME_ERR_STORE_CORRUPT;
    }
    *unix_s = (int64_t)get64(raw);
    return ACME_OK;
}

int32_t acme_store_write_floor(struct acme_flashlog *log, int64_t unix_s)
{
    uint8_t raw[8];

    put64(raw, (uint64_t)unix_s);
    return acme_flashlog_set(log, key_of(ACME_SPACE_TIME, 0), raw, sizeof(raw));
}
#endif

/* ---- chains ---- */

static uint64_t chunk_id(uint8_t slot, uint8_t generation, uint16_t chunk)
{
    return (uint64_t)slot << 24 | (uint64_t)generation << 16 | chunk;
}

int32_t acme_store_write_chunk(struct acme_flashlog *log, uint8_t slot, uint8_t generation,
                               uint16_t chunk, const uint8_t *data, size_t len)
{
    return acme_flashlog_set(log, key_of(ACME_SPACE_CHAIN, chunk_id(slot, generation, chunk)), data,
                             len);
}

int32_t acme_store_read_chain(struct acme_flashlog *log, uint8_t slot, uint8_t generation,
                              uint32_t offset, uint8_t *data, size_t len)
{
    while (len > 0) {
        uint32_t inside = offset % ACME_CHAIN_CHUNK;
        uint16_t chunk = (uint16_t)(offset / ACME_CHAIN_CHUNK);
        size_t n = ACME_CHAIN_CHUNK - inside;
        int32_t got;

        n = n > len ? len : n;
        got = acme_flashlog_read(log, key_of(ACME_SPACE_CHAIN, chunk_id(slot, generation, chunk)),
                                 inside, data, n);
        if (got < 0) {
            return got == ACME_ERR_NOT_FOUND ? ACME_ERR_STORE_CORRUPT : got;
        }
        if ((size_t)got != n) {
            return ACME_ERR_STORE_CORRUPT;
        }
        offset += (uint32_t)n;
        data += n;
        len -= n;
    }
    return ACME_OK;
}

int32_t acme_store_remove_chain(struct acme_flashlog *log, uint8_t slot, uint8_t generation)
{
    struct acme_flashlog_key key = key_of(ACME_SPACE_CHAIN, chunk_id(slot, generation, 0));
    uint64_t end = key.id + 0x10000u;
    int32_t rc = acme_flashlog_length(log, key);

    /* From chunk 0 on without a gap; damaged ones are removed, too. */
    while (rc != ACME_ERR_NOT_FOUND && key.id < end) {
        rc = acme_store_remove(log, ACME_SPACE_CHAIN, key.id);
        if (rc != ACME_OK) {
            return rc;
        }
        key.id++;
        rc = acme_flashlog_length(log, key);
    }
    return ACME_OK;
}

uint64_t acme_store_names_id(const char *const *names, size_t count)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    size_t i;

    for (i = 0; i < count; i++) {
        const char *p;

        for (p = names[i]; *p != '\0'; p++) {
            hash = (hash ^ (uint8_t)*p) * UINT64_C(1099511628211);
        }
        hash = (hash ^ 0xffu) * UINT64_C(1099511628211);
    }
    return hash;
}
