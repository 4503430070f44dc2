/*
 * Encodes and decodes the records of store.h (docs/store_format.md). It must not decide when a
 * record is written: the client does.
 */
#include "store/store.h"

#include <string.h>

#include "base/assert.h"
#include "base/bytes.h"

#define RECORD_VERSION 1u
#define HEAD_LEN       16u
#define TEXT_SIZE      ((size_t)CONFIG_ACME_URL_MAX + 1)

/* Ends a batch: commits it, or forgets it after an error. */
static int32_t end_batch(struct acme_store *store, int32_t rc)
{
    if (rc != ACME_OK) {
        acme_record_abort(store);
        return rc;
    }
    return acme_record_commit(store);
}

/* ---- records of a head and texts; these are NUL-terminated, one behind the other ---- */

#define TEXTS_AT 3u /* in the structs */
_Static_assert(offsetof(struct acme_account_record, directory_url) == TEXTS_AT &&
                   offsetof(struct acme_account_record, url) == TEXTS_AT + TEXT_SIZE &&
                   offsetof(struct acme_account_record, tos_url) == TEXTS_AT + 2 * TEXT_SIZE &&
                   offsetof(struct acme_order_record, url) == TEXTS_AT,
               "three bytes, and the texts one behind the other");

/* The three bytes that a struct begins with, and count texts of TEXT_SIZE bytes in a row. */
static int32_t read_texts(struct acme_store *store, uint64_t key, uint8_t *raw, size_t size,
                          void *record, size_t count)
{
    int32_t got = acme_record_read(store, key, 0, raw, size);
    size_t at = HEAD_LEN, len = (size_t)got;
    uint8_t *head = record;
    char *out = (char *)record + TEXTS_AT;

    head[0] = raw[1];
    head[1] = raw[2] & 1u;
    head[2] = raw[3];
    if (got < 0) {
        return got;
    }
    if (len < HEAD_LEN || raw[0] != RECORD_VERSION) {
        return ACME_ERR_STORE_CORRUPT;
    }
    for (; count > 0; count--, out += TEXT_SIZE) {
        const uint8_t *end = memchr(raw + at, 0, len - at);
        size_t n = end == NULL ? TEXT_SIZE : (size_t)(end - (raw + at));

        out[0] = '\0';
        if (n >= TEXT_SIZE) {
            return ACME_ERR_STORE_CORRUPT;
        }
        memcpy(out, raw + at, n + 1);
        at += n + 1;
    }
    return ACME_OK;
}

/* The caller has written what is behind the first four bytes of the head. */
static int32_t write_texts(struct acme_store *store, uint64_t key, uint8_t *raw, size_t size,
                           const void *record, size_t count)
{
    size_t at = HEAD_LEN;
    const char *in = (const char *)record + TEXTS_AT;

    ACME_ASSERT(size >= HEAD_LEN);
    raw[0] = RECORD_VERSION;
    memcpy(raw + 1, record, TEXTS_AT);
    for (; count > 0; count--, in += TEXT_SIZE) {
        size_t n = strlen(in) + 1;

        if (n > size - at) {
            return ACME_ERR_BUFFER;
        }
        memcpy(raw + at, in, n);
        at += n;
    }
    return acme_record_set(store, key, raw, at);
}

int32_t acme_store_read_account(struct acme_store *store, uint8_t slot,
                                struct acme_account_record *r, uint8_t *scratch, size_t size)
{
    int32_t rc = read_texts(store, ACME_KEY(ACME_SPACE_ACCOUNT, slot), scratch, size, r, 3);

    r->successor = scratch[4];
    r->used = acme_get16(scratch + 6);
    r->binding = acme_get32(scratch + 8);
    return rc;
}

int32_t acme_store_write_account(struct acme_store *store, uint8_t slot,
                                 const struct acme_account_record *r, uint8_t *scratch, size_t size)
{
    acme_put32(scratch + 4, (uint32_t)r->used << 16 | r->successor);
    acme_put64(scratch + 8, r->binding);
    return write_texts(store, ACME_KEY(ACME_SPACE_ACCOUNT, slot), scratch, size, r, 3);
}

int32_t acme_store_read_order(struct acme_store *store, uint8_t slot, struct acme_order_record *r,
                              uint8_t *scratch, size_t size)
{
    int32_t rc = read_texts(store, ACME_KEY(ACME_SPACE_ORDER, slot), scratch, size, r, 1);

    r->names_id = acme_get64(scratch + 8);
    return rc;
}

int32_t acme_store_write_order(struct acme_store *store, uint8_t slot,
                               const struct acme_order_record *r, uint8_t *scratch, size_t size)
{
    acme_put32(scratch + 4, 0);
    acme_put64(scratch + 8, r->names_id);
    return write_texts(store, ACME_KEY(ACME_SPACE_ORDER, slot), scratch, size, r, 1);
}

/* ---- certificates ---- */

/* version, key_type, generation, exportable, chain_count, 3 unused, names_id, not_before,
 * not_after, lengths */
#define CERT_FIXED 32u
#define CERT_LEN   (CERT_FIXED + 2u * CONFIG_ACME_CHAIN_CERTS_MAX)

int32_t acme_store_read_cert(struct acme_store *store, uint8_t slot, struct acme_cert_record *r)
{
    uint8_t raw[CERT_LEN];
    int32_t len = acme_record_read(store, ACME_KEY(ACME_SPACE_CERT, slot), 0, raw, sizeof(raw));
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
    r->names_id = acme_get64(raw + 8);
    r->not_before_s = (int64_t)acme_get64(raw + 16);
    r->not_after_s = (int64_t)acme_get64(raw + 24);
    for (i = 0; i < r->chain_count; i++) {
        r->lengths[i] = acme_get16(raw + CERT_FIXED + 2 * i);
    }
    return ACME_OK;
}

int32_t acme_store_read_names(struct acme_store *store, uint8_t slot, char *names, size_t size)
{
    int32_t len = acme_record_read(store, ACME_KEY(ACME_SPACE_NAMES, slot), 0, names, size);

    if (len < 0) {
        return len;
    }
    if ((size_t)len == size) {
        return ACME_ERR_BUFFER; /* no room for the NUL */
    }
    names[len] = '\0';
    return ACME_OK;
}

int32_t acme_store_install(struct acme_store *store, uint8_t slot, const struct acme_cert_record *r,
                           const char *names)
{
    uint8_t raw[CERT_LEN];
    size_t len = CERT_FIXED + 2u * r->chain_count, names_len = strlen(names), i;
    int32_t rc;

    ACME_ASSERT(r->chain_count <= CONFIG_ACME_CHAIN_CERTS_MAX);
    memset(raw, 0, CERT_LEN);
    raw[0] = RECORD_VERSION;
    raw[1] = r->key_type;
    raw[2] = r->key_generation;
    raw[3] = r->key_exportable ? 1 : 0;
    raw[4] = r->chain_count;
    acme_put64(raw + 8, r->names_id);
    acme_put64(raw + 16, (uint64_t)r->not_before_s);
    acme_put64(raw + 24, (uint64_t)r->not_after_s);
    for (i = 0; i < r->chain_count; i++) {
        acme_put16(raw + CERT_FIXED + 2 * i, r->lengths[i]);
    }
    rc = acme_record_begin(store, len + names_len, 3);
    if (rc == ACME_OK) {
        rc = acme_record_put(store, ACME_KEY(ACME_SPACE_NAMES, slot), names, names_len);
    }
    if (rc == ACME_OK) {
        rc = acme_record_delete(store, ACME_KEY(ACME_SPACE_ORDER, slot));
    }
    if (rc == ACME_OK) {
        rc = acme_record_put(store, ACME_KEY(ACME_SPACE_CERT, slot), raw, len);
    }
    return end_batch(store, rc);
}

static int32_t remove_key(struct acme_store *store, uint64_t key)
{
    int32_t rc = acme_record_begin(store, 0, 2);

    if (rc == ACME_OK) {
        rc = acme_record_delete(store, key);
    }
    return end_batch(store, rc);
}

int32_t acme_store_remove_cert(struct acme_store *store, uint8_t slot)
{
    int32_t rc = acme_record_begin(store, 0, 2);

    if (rc == ACME_OK) {
        rc = acme_record_delete(store, ACME_KEY(ACME_SPACE_CERT, slot));
    }
    if (rc == ACME_OK) {
        rc = acme_record_delete(store, ACME_KEY(ACME_SPACE_NAMES, slot));
    }
    return end_batch(store, rc);
}

int32_t acme_store_remove(struct acme_store *store, enum acme_store_space space, uint64_t id)
{
    uint64_t key = ACME_KEY(space, id);

    return acme_record_length(store, key) == ACME_ERR_NOT_FOUND ? ACME_OK : remove_key(store, key);
}

/* ---- the schedule ---- */

/* version, generation, failures, ca, and six times; one more, burnt and quick, which records of
 * earlier versions lack */
#define SCHEDULE_OLD_LEN 56u
#define SCHEDULE_LEN     66u

int32_t acme_store_read_schedule(struct acme_store *store, uint8_t slot, struct acme_schedule *s)
{
    uint8_t raw[SCHEDULE_LEN];
    int32_t len = acme_record_read(store, ACME_KEY(ACME_SPACE_SCHEDULE, slot), 0, raw, sizeof(raw));

    memset(s, 0, sizeof(*s));
    if (len < 0) {
        return len;
    }
    if ((size_t)len < SCHEDULE_OLD_LEN || raw[0] != RECORD_VERSION) {
        return ACME_ERR_STORE_CORRUPT;
    }
    memset(raw + len, 0, sizeof(raw) - (size_t)len);
    s->generation = raw[1] & 1u;
    s->failures = (uint16_t)(raw[2] | raw[3] << 8);
    s->ca = (uint32_t)(acme_get64(raw) >> 32);
    s->noted_s = (int64_t)acme_get64(raw + 8);
    s->retry_at_s = (int64_t)acme_get64(raw + 16);
    s->look_at_s = (int64_t)acme_get64(raw + 24);
    s->window_start_s = (int64_t)acme_get64(raw + 32);
    s->window_end_s = (int64_t)acme_get64(raw + 40);
    s->renew_at_s = (int64_t)acme_get64(raw + 48);
    s->ordered_s = (int64_t)acme_get64(raw + 56);
    s->burnt = raw[64];
    s->quick = raw[65];
    return ACME_OK;
}

int32_t acme_store_write_schedule(struct acme_store *store, uint8_t slot,
                                  const struct acme_schedule *s)
{
    uint8_t raw[SCHEDULE_LEN];

    acme_put64(raw, (uint64_t)s->ca << 32 | (uint64_t)s->failures << 16 |
                        (uint64_t)s->generation << 8 | RECORD_VERSION);
    acme_put64(raw + 8, (uint64_t)s->noted_s);
    acme_put64(raw + 16, (uint64_t)s->retry_at_s);
    acme_put64(raw + 24, (uint64_t)s->look_at_s);
    acme_put64(raw + 32, (uint64_t)s->window_start_s);
    acme_put64(raw + 40, (uint64_t)s->window_end_s);
    acme_put64(raw + 48, (uint64_t)s->renew_at_s);
    acme_put64(raw + 56, (uint64_t)s->ordered_s);
    raw[64] = s->burnt;
    raw[65] = s->quick;
    return acme_record_set(store, ACME_KEY(ACME_SPACE_SCHEDULE, slot), raw, sizeof(raw));
}

int32_t acme_store_read_floor(struct acme_store *store, int64_t *unix_s)
{
    uint8_t raw[8];
    int32_t len = acme_record_read(store, ACME_KEY(ACME_SPACE_TIME, 0), 0, raw, sizeof(raw));

    if (len != (int32_t)sizeof(raw)) {
        return len < 0 ? len : ACME_ERR_STORE_CORRUPT;
    }
    *unix_s = (int64_t)acme_get64(raw);
    return ACME_OK;
}

int32_t acme_store_write_floor(struct acme_store *store, int64_t unix_s)
{
    uint8_t raw[8];

    acme_put64(raw, (uint64_t)unix_s);
    return acme_record_set(store, ACME_KEY(ACME_SPACE_TIME, 0), raw, sizeof(raw));
}

/* ---- chains ---- */

static uint64_t chunk_key(uint8_t slot, uint8_t generation, uint32_t chunk)
{
    return ACME_KEY(ACME_SPACE_CHAIN, (uint32_t)slot << 24 | (uint32_t)generation << 16 | chunk);
}

int32_t acme_store_write_chunk(struct acme_store *store, uint8_t slot, uint8_t generation,
                               uint16_t chunk, const uint8_t *data, size_t len)
{
    return acme_record_set(store, chunk_key(slot, generation, chunk), data, len);
}

int32_t acme_store_read_chain(struct acme_store *store, uint8_t slot, uint8_t generation,
                              uint32_t offset, uint8_t *data, size_t len)
{
    while (len > 0) {
        uint32_t inside = offset % ACME_CHAIN_CHUNK;
        size_t n = ACME_CHAIN_CHUNK - inside;
        int32_t got;

        n = n > len ? len : n;
        got = acme_record_read(store, chunk_key(slot, generation, offset / ACME_CHAIN_CHUNK),
                               inside, data, n);
        if (got != (int32_t)n) {
            return acme_store_has_said(got) ? ACME_ERR_STORE_CORRUPT : got;
        }
        offset += (uint32_t)n;
        data += n;
        len -= n;
    }
    return ACME_OK;
}

int32_t acme_store_check_chain(struct acme_store *store, uint8_t slot, uint8_t generation,
                               uint32_t size)
{
    uint32_t chunk;

    for (chunk = 0; size > 0; chunk++) {
        uint32_t n = size < ACME_CHAIN_CHUNK ? size : ACME_CHAIN_CHUNK;
        int32_t len = acme_record_length(store, chunk_key(slot, generation, chunk));

        if (len < (int32_t)n) { /* behind the chain's end there may be what was left out of it */
            return acme_store_has_said(len) ? ACME_ERR_STORE_CORRUPT : len;
        }
        size -= n;
    }
    return chunk > 0 ? ACME_OK : ACME_ERR_STORE_CORRUPT;
}

int32_t acme_store_remove_chain(struct acme_store *store, uint8_t slot, uint8_t generation)
{
    uint32_t count = 0;
    int32_t rc = acme_record_length(store, chunk_key(slot, generation, 0));

    while (rc >= 0 || rc == ACME_ERR_STORE_CORRUPT) { /* damaged ones are removed, too */
        rc = acme_record_length(store, chunk_key(slot, generation, ++count));
    }
    rc = rc == ACME_ERR_NOT_FOUND ? ACME_OK : rc;
    /* The last one first: what a cut leaves is found again from chunk 0 on. */
    while (count > 0 && rc == ACME_OK) {
        rc = remove_key(store, chunk_key(slot, generation, --count));
    }
    return rc;
}

/* ---- names ---- */

#define FNV_START UINT64_C(14695981039346656037)

static uint8_t lower(char ch)
{
    return (uint8_t)(ch >= 'A' && ch <= 'Z' ? ch + ('a' - 'A') : ch);
}

/* As strcmp, in whatever case. */
static int compare(const char *a, const char *b)
{
    for (; lower(*a) == lower(*b) && *a != '\0'; a++, b++) {
    }
    return lower(*a) - lower(*b);
}

/* The least of all names that are greater than this one (NULL: of all), or NULL: so they come
 * sorted, and each once, without memory for a list. */
static const char *next_name(const char *const *names, size_t count, const char *last)
{
    const char *least = NULL;
    size_t i;

    for (i = 0; i < count; i++) {
        if ((last == NULL || compare(names[i], last) > 0) &&
            (least == NULL || compare(names[i], least) < 0)) {
            least = names[i];
        }
    }
    return least;
}

static uint64_t add_byte(uint64_t hash, uint8_t ch)
{
    return (hash ^ ch) * UINT64_C(1099511628211);
}

static uint64_t add_name(uint64_t hash, const char *name, bool as_it_is)
{
    for (; *name != '\0'; name++) {
        hash = add_byte(hash, as_it_is ? (uint8_t)*name : lower(*name));
    }
    return add_byte(hash, 0xffu); /* which is in no name */
}

uint64_t acme_store_names_id(const char *const *names, size_t count)
{
    uint64_t hash = FNV_START;
    const char *name = next_name(names, count, NULL);

    for (; name != NULL; name = next_name(names, count, name)) {
        hash = add_name(hash, name, false);
    }
    return hash;
}

uint64_t acme_store_names_id_v1(const char *const *names, size_t count)
{
    uint64_t hash = FNV_START;
    size_t i;

    for (i = 0; i < count; i++) {
        hash = add_name(hash, names[i], true);
    }
    return hash;
}
