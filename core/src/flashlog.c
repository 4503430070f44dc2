/*
 * The power-safe log (format: docs/store_format.md). It must not know what the values mean, and
 * keeps no index: every answer is read from flash, so that nothing in RAM can disagree with it.
 *
 * Why it is safe: a batch's fragments are invisible until its COMMIT is whole on flash; compaction
 * only copies, and a sector's data stay where they are until a FREED record says that all copies
 * are made; a free sector is erased only when it is about to be written. At rest at least one
 * sector is free. "No free sector" can thus only mean an interrupted compaction, whose target holds
 * nothing but copies: mount then treats that target as free again.
 */
#include "flashlog.h"

#include <string.h>

#include "crc.h"

#define FORMAT_VERSION   1u
#define HEADER_LEN       24u
#define RECORD_LEN       24u
#define RECORD_MAGIC     0xacu
#define FRAG_LAST        0x8000u
#define NO_SECTOR        UINT32_MAX
#define PROGRAM_MAX      32u
#define DELETION_RESERVE 5u   /* records that only deletions may use */
#define STAGE_LEN        128u /* a multiple of every program unit */

enum kind { KIND_PUT = 0, KIND_DELETE = 1, KIND_COMMIT = 2, KIND_FREED = 3 };
#define FLAG_COPIED 0x04u
#define FLAG_COMMIT 0x08u

static const uint8_t magic[4] = {'n', 'A', 'C', 'M'};

struct header {
    uint32_t seq, erases, version;
};

struct record {
    uint8_t kind, flags, space;
    uint16_t len, frag;
    uint32_t version;
    uint64_t id;
    uint32_t payload;        /* offset on flash */
    uint32_t size;           /* on flash, padding included */
    uint32_t head_crc, want; /* checksum so far, and as stored */
    bool whole;              /* its checksum holds; set by check_whole, which reads the payload */
};

struct cursor {
    uint32_t seq, sector, offset;
    bool stopped_dirty; /* the last sector ended in something that is no record */
};

/* ---- bytes ---- */

static void put16(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
}

static void put32(uint8_t *p, uint32_t v)
{
    put16(p, v);
    put16(p + 2, v >> 16);
}

static uint16_t get16(const uint8_t *p)
{
    return (uint16_t)(p[0] | (uint16_t)(p[1] << 8));
}

static uint32_t get32(const uint8_t *p)
{
    return get16(p) | ((uint32_t)get16(p + 2) << 16);
}

static uint16_t fold16(uint32_t crc)
{
    return (uint16_t)(crc ^ (crc >> 16));
}

static bool is_blank(const uint8_t *p, size_t len)
{
    while (len-- > 0) {
        if (*p++ != 0xff) {
            return false;
        }
    }
    return true;
}

/* ---- geometry ---- */

static uint32_t pad(struct acme_flashlog *log, uint32_t len)
{
    uint32_t unit = log->geometry.program_size;

    return (len + unit - 1) & ~(unit - 1);
}

static uint32_t data_start(struct acme_flashlog *log)
{
    return 2 * pad(log, HEADER_LEN);
}

/* The largest record: a quarter of a sector, so that little is lost at a sector's end. */
static uint32_t record_max(struct acme_flashlog *log)
{
    uint32_t max = log->geometry.sector_size / 4;

    return max > 1024 ? 1024 : max;
}

static uint32_t payload_max(struct acme_flashlog *log)
{
    return record_max(log) - RECORD_LEN;
}

/* Ordinary records end here: the rest is kept for one FREED record. */
static uint32_t data_end(struct acme_flashlog *log)
{
    return log->geometry.sector_size - pad(log, RECORD_LEN);
}

/* What one sector holds for sure, whatever the sizes of the records. */
static uint32_t sector_room(struct acme_flashlog *log)
{
    return data_end(log) - data_start(log) - record_max(log) + log->geometry.program_size;
}

static uint32_t at_sector(struct acme_flashlog *log, uint32_t sector)
{
    return sector * log->geometry.sector_size;
}

static bool power_of_two(uint32_t v)
{
    return v != 0 && (v & (v - 1)) == 0;
}

static int32_t check_geometry(const struct acme_flash_geometry *g)
{
    if (!power_of_two(g->sector_size) || g->sector_size < 256 || g->sector_count < 2 ||
        !power_of_two(g->program_size) || g->program_size > PROGRAM_MAX ||
        (uint64_t)g->sector_size * g->sector_count > INT32_MAX) {
        return ACME_ERR_STORE_GEOMETRY;
    }
    return ACME_OK;
}

/* ---- sectors ---- */

static void encode_header(const struct header *h, uint8_t raw[HEADER_LEN])
{
    memcpy(raw, magic, sizeof(magic));
    put32(raw + 4, FORMAT_VERSION);
    put32(raw + 8, h->seq);
    put32(raw + 12, h->erases);
    put32(raw + 16, h->version);
    put32(raw + 20, acme_crc32(0, raw, 20));
}

/* Every read of the flash. One that fails is remembered: what could not be read must never pass for
 * something that is not there, so nothing is written or erased after it, and the call that met it
 * fails as a whole. */
static int32_t flash_read(struct acme_flashlog *log, uint32_t at, void *data, size_t len)
{
    if (log->ops->read(log->ctx, at, data, len) != ACME_OK) {
        log->read_failed = true;
        return ACME_ERR_STORE_IO;
    }
    return ACME_OK;
}

static int32_t flash_program(struct acme_flashlog *log, uint32_t at, const void *data, size_t len)
{
    return log->read_failed ? ACME_ERR_STORE_IO : log->ops->program(log->ctx, at, data, len);
}

static int32_t flash_erase(struct acme_flashlog *log, uint32_t sector)
{
    return log->read_failed ? ACME_ERR_STORE_IO : log->ops->erase(log->ctx, at_sector(log, sector));
}

/* What a public call returns. */
static int32_t outcome(struct acme_flashlog *log, int32_t rc)
{
    bool failed = log->read_failed;

    log->read_failed = false;
    return failed ? ACME_ERR_STORE_IO : rc;
}

/* ACME_OK, ACME_ERR_NOT_FOUND (no valid header), ACME_ERR_STORE_FORMAT, ACME_ERR_STORE_IO. */
static int32_t read_header(struct acme_flashlog *log, uint32_t sector, struct header *h)
{
    uint32_t copy;

    for (copy = 0; copy < 2; copy++) {
        uint8_t raw[HEADER_LEN];
        uint32_t at = at_sector(log, sector) + copy * pad(log, HEADER_LEN);

        if (flash_read(log, at, raw, sizeof(raw)) != ACME_OK) {
            return ACME_ERR_STORE_IO;
        }
        if (memcmp(raw, magic, sizeof(magic)) != 0 || get32(raw + 20) != acme_crc32(0, raw, 20)) {
            continue;
        }
        if (get32(raw + 4) != FORMAT_VERSION) {
            return ACME_ERR_STORE_FORMAT;
        }
        h->seq = get32(raw + 8);
        h->erases = get32(raw + 12);
        h->version = get32(raw + 16);
        return h->seq != 0 ? ACME_OK : ACME_ERR_NOT_FOUND;
    }
    return ACME_ERR_NOT_FOUND;
}

static bool is_bad(struct acme_flashlog *log, uint32_t sector)
{
    size_t i;

    for (i = 0; i < sizeof(log->bad_sectors) / sizeof(log->bad_sectors[0]); i++) {
        if (log->bad_sectors[i] == sector) {
            return true;
        }
    }
    return false;
}

static int32_t mark_bad(struct acme_flashlog *log, uint32_t sector)
{
    size_t i;

    for (i = 0; i < sizeof(log->bad_sectors) / sizeof(log->bad_sectors[0]); i++) {
        if (log->bad_sectors[i] == NO_SECTOR) {
            log->bad_sectors[i] = sector;
            return ACME_OK;
        }
    }
    return ACME_ERR_STORE_IO;
}

static bool is_used(struct acme_flashlog *log, const struct header *h)
{
    return h->seq > log->freed_seq && h->seq <= log->head_seq;
}

static uint32_t count_free(struct acme_flashlog *log)
{
    uint32_t sector, free_count = 0;

    for (sector = 0; sector < log->geometry.sector_count; sector++) {
        struct header h;
        int32_t rc = read_header(log, sector, &h);

        if (!is_bad(log, sector) &&
            (rc == ACME_ERR_NOT_FOUND || (rc == ACME_OK && !is_used(log, &h)))) {
            free_count++;
        }
    }
    return free_count;
}

/* The sector with a sequence number; hint is looked at first, for sectors follow one another. */
static uint32_t find_sector(struct acme_flashlog *log, uint32_t seq, uint32_t hint)
{
    uint32_t i;

    for (i = 0; i < log->geometry.sector_count; i++) {
        uint32_t sector = (hint + i) % log->geometry.sector_count;
        struct header h;

        if (read_header(log, sector, &h) == ACME_OK && h.seq == seq) {
            return sector;
        }
    }
    return NO_SECTOR;
}

/* ---- reading records ---- */

static int32_t payload_crc(struct acme_flashlog *log, uint32_t at, uint32_t len, uint32_t *crc)
{
    uint8_t chunk[64];

    while (len > 0) {
        uint32_t n = len < sizeof(chunk) ? len : (uint32_t)sizeof(chunk);

        if (flash_read(log, at, chunk, n) != ACME_OK) {
            return ACME_ERR_STORE_IO;
        }
        *crc = acme_crc32(*crc, chunk, n);
        at += n;
        len -= n;
    }
    return ACME_OK;
}

static void decode_record(const uint8_t *raw, struct record *r)
{
    r->kind = raw[1] & 3u;
    r->flags = raw[1] & (FLAG_COPIED | FLAG_COMMIT);
    r->space = raw[1] >> 4;
    r->len = get16(raw + 2);
    r->version = get32(raw + 4);
    r->id = get32(raw + 8) | ((uint64_t)get32(raw + 12) << 32);
    r->frag = get16(raw + 16);
}

/* Reads the record at an offset of a sector: ACME_OK, ACME_ERR_NOT_FOUND (blank: the end),
 * ACME_ERR_STORE_CORRUPT (no record), ACME_ERR_STORE_IO. */
static int32_t read_record(struct acme_flashlog *log, uint32_t sector, uint32_t offset,
                           struct record *r)
{
    uint8_t raw[RECORD_LEN];
    uint32_t at = at_sector(log, sector) + offset;
    uint32_t crc;

    if (offset + RECORD_LEN > log->geometry.sector_size) {
        return ACME_ERR_NOT_FOUND;
    }
    if (flash_read(log, at, raw, sizeof(raw)) != ACME_OK) {
        return ACME_ERR_STORE_IO;
    }
    if (is_blank(raw, sizeof(raw))) {
        return ACME_ERR_NOT_FOUND;
    }
    crc = acme_crc32(0, raw, 18);
    if (raw[0] != RECORD_MAGIC || get16(raw + 18) != fold16(crc)) {
        return ACME_ERR_STORE_CORRUPT;
    }
    decode_record(raw, r);
    r->payload = at + RECORD_LEN;
    r->size = pad(log, RECORD_LEN + r->len);
    if (r->len > payload_max(log) || r->size > log->geometry.sector_size - offset) {
        return ACME_ERR_STORE_CORRUPT;
    }
    r->head_crc = crc;
    r->want = get32(raw + 20);
    r->whole = false;
    return ACME_OK;
}

/* Reads the payload, so it is called only where the answer matters. */
static bool check_whole(struct acme_flashlog *log, struct record *r)
{
    uint32_t crc = r->head_crc;

    r->whole = payload_crc(log, r->payload, r->len, &crc) == ACME_OK && crc == r->want;
    return r->whole;
}

static void cursor_start(struct acme_flashlog *log, struct cursor *c)
{
    c->seq = log->freed_seq;
    c->sector = log->before_oldest;
    c->offset = log->geometry.sector_size;
    c->stopped_dirty = false;
}

static bool cursor_next_sector(struct acme_flashlog *log, struct cursor *c)
{
    while (c->seq < log->head_seq) {
        uint32_t sector;

        c->seq++;
        sector = find_sector(log, c->seq, (c->sector + 1) % log->geometry.sector_count);
        if (sector != NO_SECTOR) {
            c->sector = sector;
            c->offset = data_start(log);
            return true;
        }
    }
    return false;
}

/* The next record in the order of writing: ACME_OK, ACME_ERR_NOT_FOUND (end), ACME_ERR_STORE_IO. */
static int32_t cursor_next(struct acme_flashlog *log, struct cursor *c, struct record *r)
{
    for (;;) {
        int32_t rc = read_record(log, c->sector, c->offset, r);

        if (rc == ACME_OK) {
            c->offset += r->size;
            return ACME_OK;
        }
        if (rc == ACME_ERR_STORE_IO) {
            return rc;
        }
        c->stopped_dirty = rc == ACME_ERR_STORE_CORRUPT;
        if (!cursor_next_sector(log, c)) {
            return ACME_ERR_NOT_FOUND;
        }
    }
}

static bool is_key(const struct record *r, const struct acme_flashlog_key *key)
{
    return (r->kind == KIND_PUT || r->kind == KIND_DELETE) && r->space == key->space &&
           r->id == key->id;
}

struct found {
    bool any, deleted;
    uint32_t version;
};

/* The committed state of a key. */
static int32_t lookup(struct acme_flashlog *log, const struct acme_flashlog_key *key,
                      struct found *best)
{
    struct found pending = {false, false, 0};
    struct cursor c;
    struct record r;
    int32_t rc;

    memset(best, 0, sizeof(*best));
    cursor_start(log, &c);
    while ((rc = cursor_next(log, &c, &r)) == ACME_OK) {
        bool commits = false;

        if (is_key(&r, key)) {
            pending.any = true;
            pending.deleted = r.kind == KIND_DELETE;
            pending.version = r.version;
            /* Only a whole record may commit: a torn one never happened. A copy was committed
             * before it was made, even when it is damaged. */
            commits = (r.flags & FLAG_COPIED) != 0 ||
                      ((r.flags & FLAG_COMMIT) != 0 && check_whole(log, &r));
        } else if (r.kind == KIND_COMMIT && pending.any && r.version == pending.version) {
            commits = check_whole(log, &r);
        }
        if (commits && (!best->any || pending.version >= best->version)) {
            *best = pending;
        }
    }
    return rc == ACME_ERR_NOT_FOUND ? ACME_OK : rc;
}

/* Finds a whole fragment of a committed value, from the cursor on and then once from the start, for
 * fragments mostly follow one another: ACME_OK, ACME_ERR_STORE_CORRUPT, ACME_ERR_STORE_IO. */
static int32_t find_fragment(struct acme_flashlog *log, struct cursor *c,
                             const struct acme_flashlog_key *key, uint32_t version, uint32_t index,
                             struct record *r)
{
    int32_t rc = ACME_OK;
    int round;

    for (round = 0; round < 2; round++) {
        while ((rc = cursor_next(log, c, r)) == ACME_OK) {
            if (r->kind == KIND_PUT && is_key(r, key) && r->version == version &&
                (r->frag & ~FRAG_LAST) == index && check_whole(log, r)) {
                return ACME_OK;
            }
        }
        cursor_start(log, c);
    }
    return rc == ACME_ERR_NOT_FOUND ? ACME_ERR_STORE_CORRUPT : rc;
}

/* Copies what a fragment has from `inside` on. Returns the number of bytes. */
static int32_t copy_fragment(struct acme_flashlog *log, const struct record *r, size_t inside,
                             uint8_t *data, size_t size)
{
    size_t n = r->len > inside ? r->len - inside : 0;

    n = n > size ? size : n;
    if (n > 0 && flash_read(log, r->payload + (uint32_t)inside, data, n) != ACME_OK) {
        return ACME_ERR_STORE_IO;
    }
    return (int32_t)n;
}

static int32_t log_read(struct acme_flashlog *log, struct acme_flashlog_key key, size_t offset,
                        void *data, size_t size)
{
    uint32_t index = (uint32_t)(offset / payload_max(log));
    size_t inside = offset % payload_max(log);
    struct cursor c;
    struct record r = {0};
    struct found f;
    size_t got = 0;
    int32_t rc = lookup(log, &key, &f);

    if (rc == ACME_OK && (!f.any || f.deleted)) {
        rc = ACME_ERR_NOT_FOUND;
    }
    cursor_start(log, &c);
    while (rc >= 0 && got < size && (r.frag & FRAG_LAST) == 0) {
        rc = find_fragment(log, &c, &key, f.version, index++, &r);
        if (rc == ACME_OK) {
            rc = copy_fragment(log, &r, inside, (uint8_t *)data + got, size - got);
            got += rc > 0 ? (size_t)rc : 0;
        }
        inside = 0;
    }
    log->damaged = log->damaged || rc == ACME_ERR_STORE_CORRUPT;
    return rc < 0 ? rc : (int32_t)got;
}

int32_t acme_flashlog_read(struct acme_flashlog *log, struct acme_flashlog_key key, size_t offset,
                           void *data, size_t size)
{
    return outcome(log, log_read(log, key, offset, data, size));
}

static int32_t log_length(struct acme_flashlog *log, struct acme_flashlog_key key)
{
    struct found f;
    struct cursor c;
    struct record r;
    int32_t rc = lookup(log, &key, &f);

    if (rc != ACME_OK) {
        return rc;
    }
    if (!f.any || f.deleted) {
        return ACME_ERR_NOT_FOUND;
    }
    cursor_start(log, &c);
    while ((rc = cursor_next(log, &c, &r)) == ACME_OK) {
        if (r.kind == KIND_PUT && is_key(&r, &key) && r.version == f.version &&
            (r.frag & FRAG_LAST) != 0 && check_whole(log, &r)) {
            return (int32_t)((r.frag & ~FRAG_LAST) * payload_max(log) + r.len);
        }
    }
    log->damaged = log->damaged || rc == ACME_ERR_NOT_FOUND;
    return rc == ACME_ERR_NOT_FOUND ? ACME_ERR_STORE_CORRUPT : rc;
}

int32_t acme_flashlog_length(struct acme_flashlog *log, struct acme_flashlog_key key)
{
    return outcome(log, log_length(log, key));
}

static bool key_less(uint8_t space_a, uint64_t id_a, uint8_t space_b, uint64_t id_b)
{
    return space_a != space_b ? space_a < space_b : id_a < id_b;
}

/* The smallest key above *key that any PUT names, live or not. */
static int32_t next_named(struct acme_flashlog *log, struct acme_flashlog_key *key)
{
    struct acme_flashlog_key best = {0, 0};
    struct cursor c;
    struct record r;
    int32_t rc;

    cursor_start(log, &c);
    while ((rc = cursor_next(log, &c, &r)) == ACME_OK) {
        if (r.kind == KIND_PUT && key_less(key->space, key->id, r.space, r.id) &&
            (best.space == 0 || key_less(r.space, r.id, best.space, best.id))) {
            best.space = r.space;
            best.id = r.id;
        }
    }
    if (rc == ACME_ERR_NOT_FOUND && best.space != 0) {
        *key = best;
        return ACME_OK;
    }
    return rc;
}

static int32_t log_next(struct acme_flashlog *log, struct acme_flashlog_key *key)
{
    int32_t rc;

    while ((rc = next_named(log, key)) == ACME_OK) {
        struct found f;

        rc = lookup(log, key, &f);
        if (rc != ACME_OK || (f.any && !f.deleted)) {
            return rc;
        }
    }
    return rc;
}

int32_t acme_flashlog_next(struct acme_flashlog *log, struct acme_flashlog_key *key)
{
    return outcome(log, log_next(log, key));
}

/* ---- writing ---- */

/* Collects bytes into program units. */
struct writer {
    struct acme_flashlog *log;
    uint32_t at;
    uint32_t fill;
    int32_t rc;
    uint8_t stage[STAGE_LEN];
};

static void writer_flush(struct writer *w)
{
    if (w->rc == ACME_OK && w->fill > 0) {
        uint32_t len = pad(w->log, w->fill);

        memset(w->stage + w->fill, 0xff, len - w->fill);
        w->rc = flash_program(w->log, w->at, w->stage, len);
        w->at += len;
        w->fill = 0;
    }
}

static void writer_add(struct writer *w, const uint8_t *data, size_t len)
{
    while (len > 0 && w->rc == ACME_OK) {
        size_t n = STAGE_LEN - w->fill;

        n = n > len ? len : n;
        memcpy(w->stage + w->fill, data, n);
        w->fill += (uint32_t)n;
        data += n;
        len -= n;
        if (w->fill == STAGE_LEN) {
            writer_flush(w);
        }
    }
}

static int32_t write_headers(struct acme_flashlog *log, uint32_t sector, const struct header *h)
{
    uint32_t copy;

    for (copy = 0; copy < 2; copy++) {
        struct writer w = {
            log, at_sector(log, sector) + copy * pad(log, HEADER_LEN), 0, ACME_OK, {0}};
        uint8_t raw[HEADER_LEN];

        encode_header(h, raw);
        writer_add(&w, raw, sizeof(raw));
        writer_flush(&w);
        if (w.rc != ACME_OK) {
            return w.rc;
        }
    }
    return ACME_OK;
}

static uint32_t next_free(struct acme_flashlog *log, struct header *old)
{
    uint32_t start = log->head == NO_SECTOR ? 0 : log->head + 1;
    uint32_t i;

    for (i = 0; i < log->geometry.sector_count; i++) {
        uint32_t sector = (start + i) % log->geometry.sector_count;
        int32_t rc = read_header(log, sector, old);

        if (is_bad(log, sector) || rc == ACME_ERR_STORE_IO) {
            continue;
        }
        if (rc == ACME_ERR_NOT_FOUND) {
            struct header head;

            /* The count is lost with the header; the head's is the best guess, for wear is even. */
            old->erases = 0;
            if (log->head != NO_SECTOR && read_header(log, log->head, &head) == ACME_OK) {
                old->erases = head.erases > 0 ? head.erases - 1 : 0;
            }
            return sector;
        }
        if (!is_used(log, old)) {
            return sector;
        }
    }
    return NO_SECTOR;
}

/* Erases the next free sector and makes it the head. Sectors that fail are passed over. */
static int32_t open_next(struct acme_flashlog *log)
{
    for (;;) {
        struct header h;
        uint32_t sector = next_free(log, &h);

        if (sector == NO_SECTOR) {
            return ACME_ERR_STORE_FULL;
        }
        h.seq = log->head_seq + 1;
        h.erases++;
        h.version = log->version;
        if (flash_erase(log, sector) == ACME_OK && write_headers(log, sector, &h) == ACME_OK) {
            log->head = sector;
            log->head_seq = h.seq;
            log->head_offset = data_start(log);
            if (h.seq == log->freed_seq + 1) {
                log->before_oldest = sector + log->geometry.sector_count - 1;
            }
            return ACME_OK;
        }
        if (mark_bad(log, sector) != ACME_OK) {
            return ACME_ERR_STORE_IO;
        }
    }
}

static void encode_record(const struct record *r, uint8_t raw[RECORD_LEN])
{
    raw[0] = RECORD_MAGIC;
    raw[1] = (uint8_t)(r->kind | r->flags | (unsigned)(r->space << 4));
    put16(raw + 2, r->len);
    put32(raw + 4, r->version);
    put32(raw + 8, (uint32_t)r->id);
    put32(raw + 12, (uint32_t)(r->id >> 32));
    put16(raw + 16, r->frag);
    put16(raw + 18, fold16(acme_crc32(0, raw, 18)));
}

/* Where a payload comes from: memory, or a place on flash (when data is NULL). */
struct source {
    const uint8_t *data;
    uint32_t flash;
};

static void write_payload(struct writer *w, const struct source *from, uint32_t len)
{
    uint32_t done = 0;

    if (from->data != NULL) {
        writer_add(w, from->data, len);
        return;
    }
    while (done < len && w->rc == ACME_OK) {
        uint8_t chunk[64];
        uint32_t n = len - done < sizeof(chunk) ? len - done : (uint32_t)sizeof(chunk);

        w->rc = flash_read(w->log, from->flash + done, chunk, n);
        writer_add(w, chunk, n);
        done += n;
    }
}

/* Writes one record at the head, which has room for it. */
static int32_t write_record(struct acme_flashlog *log, const struct record *r,
                            const struct source *from)
{
    struct writer w = {log, at_sector(log, log->head) + log->head_offset, 0, ACME_OK, {0}};
    uint8_t raw[RECORD_LEN];
    uint32_t crc;

    encode_record(r, raw);
    crc = acme_crc32(0, raw, 18);
    if (from->data != NULL) {
        crc = acme_crc32(crc, from->data, r->len);
    } else if (payload_crc(log, from->flash, r->len, &crc) != ACME_OK) {
        return ACME_ERR_STORE_IO;
    }
    /* What was damaged stays damaged: a copy must not give it a good checksum. */
    put32(raw + 20, r->whole ? crc : ~crc);
    writer_add(&w, raw, sizeof(raw));
    write_payload(&w, from, r->len);
    writer_flush(&w);
    if (w.rc == ACME_OK) {
        log->head_offset += pad(log, RECORD_LEN + r->len);
    }
    return w.rc;
}

/* Appends a record, in the next sector if the head has no room or cannot be programmed. */
static int32_t append(struct acme_flashlog *log, const struct record *r, const struct source *from)
{
    uint32_t size = pad(log, RECORD_LEN + r->len);
    uint32_t end = r->kind == KIND_FREED ? log->geometry.sector_size : data_end(log);
    uint32_t tries;

    for (tries = 0; tries < 3; tries++) {
        int32_t rc;

        if (log->head == NO_SECTOR || log->head_offset + size > end) {
            rc = open_next(log);
            if (rc != ACME_OK) {
                return rc;
            }
        }
        rc = write_record(log, r, from);
        if (rc == ACME_OK) {
            return rc;
        }
        /* Its remainder is not to be trusted; what it holds already is. */
        log->head_offset = log->geometry.sector_size;
    }
    return ACME_ERR_STORE_IO;
}

/* ---- compaction ---- */

/* Whether a record of the oldest sector must be kept: it is the committed version of its key, and
 * no younger copy exists. */
static int32_t is_live(struct acme_flashlog *log, struct record *r, const struct cursor *place,
                       bool *live)
{
    struct acme_flashlog_key key = {r->space, r->id};
    struct cursor c = *place;
    struct record other;
    struct found f;
    int32_t rc;

    *live = false;
    if (r->kind != KIND_PUT) {
        return ACME_OK;
    }
    rc = lookup(log, &key, &f);
    if (rc != ACME_OK || !f.any || f.deleted || f.version != r->version) {
        return rc;
    }
    (void)check_whole(log, r);
    while ((rc = cursor_next(log, &c, &other)) == ACME_OK) {
        if (other.kind == KIND_PUT && is_key(&other, &key) && other.version == r->version &&
            other.frag == r->frag && (!r->whole || check_whole(log, &other))) {
            return ACME_OK;
        }
    }
    *live = rc == ACME_ERR_NOT_FOUND;
    return rc == ACME_ERR_NOT_FOUND ? ACME_OK : rc;
}

static int32_t copy_oldest(struct acme_flashlog *log, uint32_t oldest_seq)
{
    struct cursor c;
    struct record r;
    int32_t rc;

    cursor_start(log, &c);
    while ((rc = cursor_next(log, &c, &r)) == ACME_OK && c.seq <= oldest_seq) {
        struct source from = {NULL, r.payload};
        bool live;

        rc = is_live(log, &r, &c, &live);
        if (rc == ACME_OK && live) {
            r.flags = FLAG_COPIED;
            rc = append(log, &r, &from);
        }
        if (rc != ACME_OK) {
            return rc;
        }
    }
    return rc == ACME_ERR_NOT_FOUND ? ACME_OK : rc;
}

/* Moves what lives in the oldest sector to the head, and frees it. */
static int32_t reclaim(struct acme_flashlog *log)
{
    static const uint8_t nothing[1] = {0};
    struct source from = {nothing, 0};
    struct record freed;
    uint32_t oldest = log->freed_seq + 1;
    int32_t rc;

    if (oldest >= log->head_seq && log->head_offset < log->geometry.sector_size) {
        /* The head itself is the oldest: go on in another sector first. */
        log->head_offset = log->geometry.sector_size;
    }
    if (oldest >= log->head_seq) {
        rc = open_next(log);
        if (rc != ACME_OK) {
            return rc;
        }
    }
    rc = copy_oldest(log, oldest);
    if (rc != ACME_OK) {
        return rc;
    }
    rc = log->ops->sync(log->ctx);
    if (rc != ACME_OK) {
        return rc;
    }
    memset(&freed, 0, sizeof(freed));
    freed.kind = KIND_FREED;
    freed.space = 0;
    freed.version = log->version;
    freed.id = oldest;
    freed.whole = true;
    rc = append(log, &freed, &from);
    if (rc == ACME_OK) {
        log->before_oldest = find_sector(log, oldest, log->before_oldest + 1);
        log->freed_seq = oldest;
        rc = log->ops->sync(log->ctx);
    }
    return rc;
}

static uint32_t bad_count(struct acme_flashlog *log)
{
    uint32_t i, count = 0;

    for (i = 0; i < sizeof(log->bad_sectors) / sizeof(log->bad_sectors[0]); i++) {
        count += log->bad_sectors[i] != NO_SECTOR ? 1u : 0u;
    }
    return count;
}

static uint32_t capacity(struct acme_flashlog *log)
{
    uint32_t lost = 1 + bad_count(log);

    return log->geometry.sector_count > lost
               ? (log->geometry.sector_count - lost) * sector_room(log)
               : 0;
}

static int32_t live_bytes(struct acme_flashlog *log, uint32_t *bytes)
{
    struct cursor c;
    struct record r;
    int32_t rc;

    *bytes = 0;
    cursor_start(log, &c);
    while ((rc = cursor_next(log, &c, &r)) == ACME_OK) {
        bool live;

        rc = is_live(log, &r, &c, &live);
        if (rc != ACME_OK) {
            return rc;
        }
        *bytes += live ? r.size : 0;
    }
    return rc == ACME_ERR_NOT_FOUND ? ACME_OK : rc;
}

/* Bytes that a batch can take without compaction, leaving one sector free. */
static uint32_t room(struct acme_flashlog *log)
{
    uint32_t free_count = count_free(log);
    uint32_t bytes = free_count > 1 ? (free_count - 1) * sector_room(log) : 0;

    if (log->head != NO_SECTOR && log->head_offset + record_max(log) < data_end(log)) {
        bytes += data_end(log) - log->head_offset - record_max(log);
    }
    return bytes;
}

static int32_t make_room(struct acme_flashlog *log, uint32_t need)
{
    uint32_t live, rounds;
    int32_t rc;

    if (room(log) >= need) {
        return ACME_OK;
    }
    rc = live_bytes(log, &live);
    if (rc != ACME_OK) {
        return rc;
    }
    if (need > capacity(log) || live > capacity(log) - need) {
        return ACME_ERR_STORE_FULL;
    }
    for (rounds = 0; rounds < 2 * log->geometry.sector_count; rounds++) {
        rc = reclaim(log);
        if (rc != ACME_OK || room(log) >= need) {
            return rc;
        }
    }
    return ACME_ERR_STORE_FULL;
}

static int32_t log_begin(struct acme_flashlog *log, size_t data_len, size_t value_count)
{
    size_t overhead = RECORD_LEN + log->geometry.program_size;
    size_t fragments;
    int32_t rc;

    if (log->in_batch) {
        return ACME_ERR_STATE;
    }
    if (data_len > INT32_MAX / 4 || value_count > 4096) {
        return ACME_ERR_STORE_FULL;
    }
    fragments = data_len / payload_max(log) + 2 * value_count + 1;
    /* A full store must still be able to let something go. */
    if (data_len > 0) {
        fragments += DELETION_RESERVE;
    }
    rc = make_room(log, (uint32_t)(data_len + fragments * overhead));
    if (rc == ACME_OK) {
        log->version++;
        log->in_batch = true;
    }
    return rc;
}

int32_t acme_flashlog_begin(struct acme_flashlog *log, size_t data_len, size_t value_count)
{
    return outcome(log, log_begin(log, data_len, value_count));
}

static int32_t put_value(struct acme_flashlog *log, struct acme_flashlog_key key, const void *data,
                         size_t len, uint8_t last_flags)
{
    struct source from = {data != NULL ? data : (const uint8_t *)"", 0};
    struct record r;
    size_t left = len;
    uint32_t index = 0;
    int32_t rc;

    if (key.space == 0 || key.space > 15 || len / payload_max(log) >= FRAG_LAST - 1) {
        return ACME_ERR_ARGUMENT;
    }
    do {
        memset(&r, 0, sizeof(r));
        r.kind = KIND_PUT;
        r.space = key.space;
        r.id = key.id;
        r.version = log->version;
        r.whole = true;
        r.len = (uint16_t)(left < payload_max(log) ? left : payload_max(log));
        left -= r.len;
        r.frag = (uint16_t)(index | (left == 0 ? FRAG_LAST : 0));
#ifdef ACME_MUTATE_COMMIT_ORDER
        /* A deliberate bug, for the power-cut runner to find: the commit is ahead of the data. */
        r.flags = index == 0 ? last_flags : 0;
#else
        r.flags = left == 0 ? last_flags : 0;
#endif
        rc = append(log, &r, &from);
        from.data += r.len;
        index++;
    } while (rc == ACME_OK && left > 0);
    return rc;
}

static int32_t put_mark(struct acme_flashlog *log, struct acme_flashlog_key key, uint8_t kind)
{
    static const uint8_t nothing[1] = {0};
    struct source from = {nothing, 0};
    struct record r;

    memset(&r, 0, sizeof(r));
    r.kind = kind;
    r.space = key.space;
    r.id = key.id;
    r.version = log->version;
    r.whole = true;
    return append(log, &r, &from);
}

static int32_t log_put(struct acme_flashlog *log, struct acme_flashlog_key key, const void *data,
                       size_t len)
{
    return log->in_batch ? put_value(log, key, data, len, 0) : ACME_ERR_STATE;
}

int32_t acme_flashlog_put(struct acme_flashlog *log, struct acme_flashlog_key key, const void *data,
                          size_t len)
{
    return outcome(log, log_put(log, key, data, len));
}

static int32_t log_delete(struct acme_flashlog *log, struct acme_flashlog_key key)
{
    if (!log->in_batch) {
        return ACME_ERR_STATE;
    }
    return key.space == 0 || key.space > 15 ? ACME_ERR_ARGUMENT : put_mark(log, key, KIND_DELETE);
}

int32_t acme_flashlog_delete(struct acme_flashlog *log, struct acme_flashlog_key key)
{
    return outcome(log, log_delete(log, key));
}

static int32_t log_commit(struct acme_flashlog *log)
{
    struct acme_flashlog_key none = {0, 0};
    int32_t rc;

    if (!log->in_batch) {
        return ACME_ERR_STATE;
    }
    log->in_batch = false;
    rc = log->ops->sync(log->ctx);
    if (rc == ACME_OK) {
        rc = put_mark(log, none, KIND_COMMIT);
    }
    return rc == ACME_OK ? log->ops->sync(log->ctx) : rc;
}

int32_t acme_flashlog_commit(struct acme_flashlog *log)
{
    return outcome(log, log_commit(log));
}

void acme_flashlog_abort(struct acme_flashlog *log)
{
    log->in_batch = false;
}

static int32_t log_set(struct acme_flashlog *log, struct acme_flashlog_key key, const void *data,
                       size_t len)
{
    int32_t rc = log_begin(log, len, 1);

    if (rc != ACME_OK) {
        return rc;
    }
    rc = put_value(log, key, data, len, FLAG_COMMIT);
    log->in_batch = false;
    return rc == ACME_OK ? log->ops->sync(log->ctx) : rc;
}

int32_t acme_flashlog_set(struct acme_flashlog *log, struct acme_flashlog_key key, const void *data,
                          size_t len)
{
    return outcome(log, log_set(log, key, data, len));
}

/* ---- mount ---- */

static int32_t sector_is_foreign(struct acme_flashlog *log, uint32_t sector, bool *foreign)
{
    uint32_t offset = data_start(log);

    *foreign = false;
    while (offset < log->geometry.sector_size && !*foreign) {
        uint8_t chunk[64];
        uint32_t n = log->geometry.sector_size - offset;

        n = n < sizeof(chunk) ? n : (uint32_t)sizeof(chunk);
        if (flash_read(log, at_sector(log, sector) + offset, chunk, n) != ACME_OK) {
            return ACME_ERR_STORE_IO;
        }
        *foreign = !is_blank(chunk, n);
        offset += n;
    }
    return ACME_OK;
}

/* No sector has a valid header: an area never used is empty, and so is one whose first opening was
 * cut short, which leaves sector 0 half erased or with half a header, but without a record.
 * Anything else belongs to somebody. */
static int32_t check_unused(struct acme_flashlog *log)
{
    uint32_t sector;

    for (sector = 0; sector < log->geometry.sector_count; sector++) {
        bool foreign;
        struct record r;
        int32_t rc = sector_is_foreign(log, sector, &foreign);

        if (rc == ACME_OK && sector == 0) {
            foreign = read_record(log, 0, data_start(log), &r) == ACME_OK;
        }
        if (rc != ACME_OK || foreign) {
            return rc != ACME_OK ? rc : ACME_ERR_STORE_FORMAT;
        }
    }
    return ACME_OK;
}

/* Finds the newest sector, and the newest FREED mark and version over all sectors. */
static int32_t survey(struct acme_flashlog *log)
{
    uint32_t sector, offset;

    for (sector = 0; sector < log->geometry.sector_count; sector++) {
        struct header h;
        struct record r;
        int32_t rc = read_header(log, sector, &h);

        if (rc == ACME_ERR_NOT_FOUND) {
            continue;
        }
        if (rc != ACME_OK) {
            return rc;
        }
        if (h.seq > log->head_seq) {
            log->head_seq = h.seq;
            log->head = sector;
        }
        log->version = h.version > log->version ? h.version : log->version;
        for (offset = data_start(log); read_record(log, sector, offset, &r) == ACME_OK;
             offset += r.size) {
            log->version = r.version > log->version ? r.version : log->version;
            if (r.kind == KIND_FREED && r.id > log->freed_seq && check_whole(log, &r)) {
                log->freed_seq = (uint32_t)r.id;
            }
        }
    }
    return ACME_OK;
}

/* Whether anything is programmed in a sector behind an offset. */
static bool data_behind(struct acme_flashlog *log, uint32_t sector, uint32_t offset)
{
    for (; offset < log->geometry.sector_size; offset += log->geometry.program_size) {
        uint8_t unit[PROGRAM_MAX];

        if (flash_read(log, at_sector(log, sector) + offset, unit, log->geometry.program_size) !=
                ACME_OK ||
            !is_blank(unit, log->geometry.program_size)) {
            return true;
        }
    }
    return false;
}

/* A sector may end in one torn record. More than that is damage. */
static int32_t check_sector(struct acme_flashlog *log, uint32_t sector)
{
    uint32_t offset = data_start(log);
    struct record r;
    int32_t rc;

    while ((rc = read_record(log, sector, offset, &r)) == ACME_OK) {
        if (!check_whole(log, &r) && data_behind(log, sector, offset + r.size)) {
            log->damaged = true;
        }
        log->torn = log->torn || !r.whole;
        offset += r.size;
    }
    if (rc == ACME_ERR_STORE_CORRUPT) {
        log->torn = true;
        if (offset + record_max(log) < log->geometry.sector_size &&
            data_behind(log, sector, offset + record_max(log))) {
            log->damaged = true;
        }
    }
    return rc == ACME_ERR_STORE_IO ? rc : ACME_OK;
}

/* Where the oldest sector in use is; anywhere, when damage took it. */
static uint32_t find_oldest(struct acme_flashlog *log)
{
    uint32_t sector = find_sector(log, log->freed_seq + 1, log->head + 1);

    return sector == NO_SECTOR ? 0 : sector;
}

static int32_t check_sectors(struct acme_flashlog *log)
{
    uint32_t seq, hint = log->before_oldest + 1;

    for (seq = log->freed_seq + 1; seq <= log->head_seq; seq++) {
        uint32_t sector = find_sector(log, seq, hint);
        int32_t rc;

        if (sector == NO_SECTOR) {
            log->damaged = true;
            continue;
        }
        hint = sector + 1;
        rc = check_sector(log, sector);
        if (rc != ACME_OK) {
            return rc;
        }
    }
    return ACME_OK;
}

static int32_t start(struct acme_flashlog *log, const struct acme_flash_ops *ops, void *ctx)
{
    size_t i;

    memset(log, 0, sizeof(*log));
    log->ops = ops;
    log->ctx = ctx;
    log->head = NO_SECTOR;
    for (i = 0; i < sizeof(log->bad_sectors) / sizeof(log->bad_sectors[0]); i++) {
        log->bad_sectors[i] = NO_SECTOR;
    }
    if (ops->geometry(ctx, &log->geometry) != ACME_OK) {
        return ACME_ERR_STORE_IO;
    }
    return check_geometry(&log->geometry);
}

static int32_t log_mount(struct acme_flashlog *log, const struct acme_flash_ops *ops, void *ctx)
{
    int32_t rc = start(log, ops, ctx);

    if (rc == ACME_OK) {
        rc = survey(log);
    }
    if (rc != ACME_OK) {
        return rc;
    }
    if (log->head == NO_SECTOR) {
        return check_unused(log);
    }
    if (log->freed_seq >= log->head_seq) {
        return ACME_ERR_STORE_CORRUPT; /* a FREED mark never names its own sector */
    }
    if (count_free(log) == 0) {
        /* An interrupted compaction: its target holds only copies. */
        log->head_seq--;
        log->head = find_sector(log, log->head_seq, log->head);
    }
    log->head_offset = log->geometry.sector_size;
    log->before_oldest = find_oldest(log) + log->geometry.sector_count - 1;
    rc = check_sectors(log);
    if (rc != ACME_OK) {
        return rc;
    }
    return log->damaged ? ACME_ERR_STORE_CORRUPT : ACME_OK;
}

int32_t acme_flashlog_mount(struct acme_flashlog *log, const struct acme_flash_ops *ops, void *ctx)
{
    return outcome(log, log_mount(log, ops, ctx));
}

int32_t acme_flashlog_format(struct acme_flashlog *log, const struct acme_flash_ops *ops, void *ctx)
{
    uint32_t sector;
    int32_t rc = start(log, ops, ctx);

    for (sector = 0; rc == ACME_OK && sector < log->geometry.sector_count; sector++) {
        /* A sector that cannot be erased is passed over later, when it is opened. */
        if (flash_erase(log, sector) != ACME_OK) {
            rc = mark_bad(log, sector);
        }
    }
    return rc;
}

static int32_t log_stat(struct acme_flashlog *log, struct acme_flashlog_stat *stat)
{
    uint32_t sector;

    memset(stat, 0, sizeof(*stat));
    stat->capacity_bytes = capacity(log);
    stat->sectors_free = count_free(log);
    stat->erases_min = UINT32_MAX;
    for (sector = 0; sector < log->geometry.sector_count; sector++) {
        struct header h;

        if (read_header(log, sector, &h) != ACME_OK) {
            stat->erases_min = 0;
            continue;
        }
        stat->erases_total += h.erases;
        stat->erases_min = h.erases < stat->erases_min ? h.erases : stat->erases_min;
        stat->erases_max = h.erases > stat->erases_max ? h.erases : stat->erases_max;
    }
    return live_bytes(log, &stat->live_bytes);
}

int32_t acme_flashlog_stat(struct acme_flashlog *log, struct acme_flashlog_stat *stat)
{
    return outcome(log, log_stat(log, stat));
}
