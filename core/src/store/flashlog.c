/*
 * The power-safe log (format: docs/store_format.md). It must not know what the values mean, and
 * keeps no index: every answer is read from flash, so that nothing in RAM can disagree with it.
 *
 * Why it is safe: a batch's fragments are invisible until its COMMIT is whole on flash; compaction
 * only copies, and a sector's data stay where they are until a FREED record says that all copies
 * are made; a free sector is erased only when it is about to be written. Batches never take the
 * last free sector: it is for compaction. A newest sector that has nothing but copies, and no FREED
 * record, is what an interrupted compaction leaves: mount treats it as free again.
 *
 * Each record and each erase is synced before the next thing is written. So a cut can spoil one
 * record only, the last of the newest sector. Writing then goes on in another sector, whose first
 * record, the end mark, says how far the one before it was whole. Whatever else is not understood
 * is damage: it is said, and stays where it is. A write that would have to free its sector is
 * refused, until it can be read again or acme_flashlog_give_up lets it go.
 *
 * A read or a sync that fails is remembered: until the call that met it has failed as a whole,
 * nothing is written or erased, so that what could not be read never passes for absent. Only where
 * the driver says that a place is damaged for good, it is taken as such, and what it held as lost.
 */
#include "store/flashlog.h"

#include <string.h>

#include "base/assert.h"
#include "base/breathe.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "base/crc.h"

#define FORMAT_VERSION 1u
#define FORMAT_SEALED  0x81u /* the same, but with sealed values */
#define HEADER_LEN     24u
#define RECORD_LEN     24u
#define RECORD_MAGIC   0xacu
#define FRAG_LAST      0x8000u
#define SPACE_LOG      15u /* of the keys of end marks */
#define PROGRAM_MAX    32u
#define SECTOR_MAX     (1u << 27) /* its offsets fit into an end mark */
/* Records that only deletions may use; where each batch writes the counter's next value, that too.
 */
#if defined(CONFIG_ACME_STORE_ROLLBACK)
#define DELETION_RESERVE(log) ((log)->sealed ? 9u : 5u)
#else
#define DELETION_RESERVE(log) 5u
#endif
#define STABLE_READS 32u
#define CHUNK        ACME_FLASHLOG_CHUNK

#if defined(CONFIG_ACME_STORE_SEAL)
#define FORMAT(log)           ((log)->sealed ? FORMAT_SEALED : FORMAT_VERSION)
#define SET_SEALED(log, what) ((log)->sealed = (what))
#else
#define FORMAT(log)           FORMAT_VERSION
#define SET_SEALED(log, what) ((void)(what))
#endif

/* Whether a fragment tells that its change is committed: the last one does. */
#if defined(ACME_MUTATE_COMMIT_ORDER) /* a deliberate bug, for the power-cut runner to find */
#define TELLS_COMMIT(fragment, left) ((fragment) == 0)
#else
#define TELLS_COMMIT(fragment, left) ((left) == 0)
#endif

/* The second byte of a record: the kind, flags, and the space of the key in the high half. */
enum kind { KIND_PUT = 0, KIND_DELETE = 1, KIND_COMMIT = 2, KIND_FREED = 3 };
#define KIND_MASK   0x03u
#define FLAG_COPIED 0x04u
#define FLAG_COMMIT 0x08u
/* An end mark: a deletion of a key that nobody has, and as good as a copy. The key says of which
 * sector, by its number, and how far that was whole. */
#define END_MARK (SPACE_LOG << 4 | FLAG_COPIED | KIND_DELETE)

static const uint8_t magic[4] = {'n', 'A', 'C', 'M'};

/* A record's head as it is on flash, and where its payload is: in memory, or without data on flash.
 */
struct record {
    _Alignas(4) uint8_t raw[RECORD_LEN];
    const uint8_t *data;
    uint32_t payload;
};

struct cursor {
    uint32_t seq, sector, offset;
};

/* What a sector's records say, and what comes behind them. */
struct walk {
    uint32_t end;                /* up to here all is whole */
    uint32_t heads;              /* up to here records follow one another, whole or not */
    uint32_t freed;              /* the newest FREED mark; 0: none */
    uint32_t marked, marked_end; /* the end mark: of which sector, and where; 0: none */
    bool only_copies;
    bool blank; /* nothing is behind the end */
    bool torn;  /* at most one record is, as a cut leaves it */
};

/* ---- bytes ---- */

static bool is_blank(const uint8_t *p, size_t len)
{
    while (len > 0 && *p == 0xff) {
        p++;
        len--;
    }
    return len == 0;
}

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* ---- a record's fields ---- */

static uint32_t kind_of(const struct record *r)
{
    return r->raw[1] & KIND_MASK;
}

static uint32_t len_of(const struct record *r)
{
    return acme_get16(r->raw + 2);
}

static uint32_t version_of(const struct record *r)
{
    return acme_get32(r->raw + 4);
}

static uint64_t key_of(const struct record *r)
{
    uint32_t high = acme_get32(r->raw + 12) | (uint32_t)(r->raw[1] >> 4) << 28;

    return (uint64_t)high << 32 | acme_get32(r->raw + 8);
}

/* A PUT of the newest version, without a payload. */
static void make_record(const struct acme_flashlog *log, struct record *r, uint64_t key)
{
    r->data = NULL;
    r->raw[0] = RECORD_MAGIC;
    r->raw[1] = (uint8_t)((uint32_t)(key >> 60) << 4);
    acme_put32(r->raw + 4, log->version);
    acme_put32(r->raw + 8, (uint32_t)key);
    acme_put32(r->raw + 12, (uint32_t)(key >> 32) & 0x0fffffffu);
    acme_put32(r->raw + 16, 0); /* fragment */
    acme_put16(r->raw + 2, 0);
    r->payload = 0;
}

/* ---- geometry ---- */

static uint32_t pad(const struct acme_flashlog *log, uint32_t len)
{
    uint32_t unit = log->geometry.program_size;

    return (len + unit - 1) & ~(unit - 1);
}

static uint32_t size_of(const struct acme_flashlog *log, const struct record *r)
{
    return pad(log, RECORD_LEN + len_of(r));
}

/* What some sectors but a few hold for sure, whatever the sizes of the records: something is lost
 * at the end of each, and to the FREED mark of an older one. */
static uint32_t room_of(const struct acme_flashlog *log, uint32_t count, uint32_t but)
{
    return count > but ? (count - but) * (log->end - log->start - log->record_max +
                                          log->geometry.program_size - pad(log, RECORD_LEN))
                       : 0;
}

static bool power_of_two(uint32_t v)
{
    return (v & (v - 1)) == 0;
}

/* ---- flash ---- */

static void flash_read(struct acme_flashlog *log, uint32_t at, void *data, uint32_t len)
{
    int32_t rc = log->ops->read(log->ctx, at, data, len);

    acme_breathe_after(len); /* a log of many sectors takes long to look through */
    if (rc != ACME_OK) {
        memset(data, 0, len);
        if (rc != ACME_ERR_STORE_CORRUPT) {
            log->read_failed = true;
        }
    }
}

/* Programs what is in the chunk, filled up to the program unit. */
static bool flash_program(struct acme_flashlog *log, uint32_t at, uint32_t fill)
{
    uint32_t len = pad(log, fill);

    memset(log->chunk + fill, 0xff, len - fill);
    return !log->read_failed && log->ops->program(log->ctx, at, log->chunk, len) == ACME_OK;
}

static void flash_sync(struct acme_flashlog *log)
{
    if (log->ops->sync(log->ctx) != ACME_OK) {
        log->read_failed = true;
    }
}

/* What a public call returns. */
static int32_t outcome(struct acme_flashlog *log, int32_t rc)
{
    bool failed = log->read_failed;

    ACME_ASSERT(log->head < log->geometry.sector_count);
    ACME_ASSERT(log->head_offset <= log->geometry.sector_size);
    ACME_ASSERT(log->freed_seq <= log->head_seq && log->head_seq < log->next_seq);
    log->read_failed = false;
    acme_zeroize(log->chunk, sizeof(log->chunk));
    return failed ? ACME_ERR_STORE_IO : rc;
}

/* ---- sectors ---- */

/* The sequence number in a sector's header, 0 when there is no valid one. */
static uint32_t read_header(struct acme_flashlog *log, uint32_t sector, uint8_t raw[HEADER_LEN])
{
    uint32_t at = sector * log->geometry.sector_size, copy;

    for (copy = 0; copy < 2; copy++, at += log->start / 2) {
        flash_read(log, at, raw, HEADER_LEN);
        if (memcmp(raw, magic, sizeof(magic)) == 0 &&
            acme_get32(raw + 20) == acme_crc32(0, raw, 20)) {
            if (raw[4] == FORMAT(log)) {
                return acme_get32(raw + 8);
            }
            log->foreign = true;
        }
    }
    return 0;
}

static bool is_bad(const struct acme_flashlog *log, uint32_t sector)
{
    return (log->bad & 0xfffu) == sector + 1 || log->bad >> 12 == sector + 1;
}

/* How many sectors are free; *next is the one to be used next. */
static uint32_t count_free(struct acme_flashlog *log, uint32_t *next)
{
    uint32_t sector = log->head, count = 0, i;

    for (i = 0; i < log->geometry.sector_count; i++) {
        uint8_t raw[HEADER_LEN];
        uint32_t seq;

        sector = (sector + 1) % log->geometry.sector_count;
        seq = read_header(log, sector, raw);
        if ((seq <= log->freed_seq || seq > log->head_seq) && !is_bad(log, sector)) {
            if (count++ == 0) {
                *next = sector;
            }
        }
    }
    return count;
}

/* ---- reading records ---- */

enum found { FOUND_RECORD, FOUND_BLANK, FOUND_RUBBISH };

static bool is_head(const struct acme_flashlog *log, const struct record *r, uint32_t offset)
{
    uint32_t crc = r->raw[0] == RECORD_MAGIC ? acme_crc32(0, r->raw, 18) : 0;

    return r->raw[0] == RECORD_MAGIC && acme_get16(r->raw + 18) == (uint16_t)(crc ^ crc >> 16) &&
           len_of(r) + RECORD_LEN <= log->record_max &&
           offset + size_of(log, r) <= log->geometry.sector_size;
}

/* What is at an offset of a sector. Where it is no record, it was read twice. */
static enum found read_record(struct acme_flashlog *log, uint32_t sector, uint32_t offset,
                              struct record *r)
{
    uint32_t at = sector * log->geometry.sector_size + offset, looks;
    enum found found = FOUND_BLANK;

    r->data = NULL;
    r->payload = at + RECORD_LEN;
    for (looks = 0; looks < 2 && found != FOUND_RECORD; looks++) {
        if (offset + RECORD_LEN > log->geometry.sector_size) {
            break;
        }
        flash_read(log, at, r->raw, RECORD_LEN);
        found = is_blank(r->raw, RECORD_LEN) ? FOUND_BLANK
                : is_head(log, r, offset)    ? FOUND_RECORD
                                             : FOUND_RUBBISH;
    }
    return found;
}

/* A part of a record's payload. */
static void get_payload(struct acme_flashlog *log, const struct record *r, uint32_t from,
                        uint8_t *out, uint32_t len)
{
    if (r->data != NULL) {
        memcpy(out, r->data + from, len);
    } else if (len > 0) {
        flash_read(log, r->payload + from, out, len);
    }
}

static uint32_t record_crc(struct acme_flashlog *log, const struct record *r)
{
    uint32_t crc = acme_crc32(0, r->raw, 18), len = len_of(r), from, n;

    for (from = 0; from < len; from += n) {
        n = least(CHUNK, len - from);
        get_payload(log, r, from, log->chunk, n);
        crc = acme_crc32(crc, log->chunk, n);
    }
    return crc;
}

/* Reads the payload, so it is called only where the answer matters; twice where it is bad, for not
 * every misreading is one for good. What nothing follows in a sector of before may be what a cut
 * has left half done, and read differently each time: it has to be whole many times on end. */
static bool is_whole(struct acme_flashlog *log, const struct record *r)
{
    uint32_t at = r->payload - RECORD_LEN, next = at + size_of(log, r);
    uint32_t size = log->geometry.sector_size, reads = STABLE_READS, good = 0, bad = 0;
    struct record again;

    again.raw[0] = 0xff;
    if (next % size != 0) {
        flash_read(log, next, again.raw, 1);
    }
    if (again.raw[0] != 0xff || (at / size == log->head && log->head_offset < size)) {
        reads = 1;
    }
    while (good < reads && bad < 2) {
        good++;
        flash_read(log, at, again.raw, RECORD_LEN);
        /* What the head's own sum does not cover is taken from this reading. */
        if (memcmp(again.raw, r->raw, 20) != 0 ||
            record_crc(log, r) != acme_get32(again.raw + 20)) {
            good = 0;
            bad++;
        }
    }
    return bad < 2;
}

/* To the next younger sector in use. They mostly follow one another. One that could not be opened
 * has nothing, whatever it still shows: what an interrupted compaction had copied there is no copy.
 */
static bool cursor_next_sector(struct acme_flashlog *log, struct cursor *c)
{
    uint32_t sector = c->sector, after = c->seq, best = log->head_seq + 1, i;

    for (i = 0; i < log->geometry.sector_count && best != after + 1; i++) {
        uint8_t raw[HEADER_LEN];
        uint32_t seq;

        sector = (sector + 1) % log->geometry.sector_count;
        seq = read_header(log, sector, raw);
        if (seq > after && seq < best && !is_bad(log, sector)) {
            best = c->seq = seq;
            c->sector = sector;
        }
    }
    c->offset = log->start;
    if (after == log->freed_seq) {
        log->oldest = c->sector;
    }
    return c->seq != after;
}

static void cursor_start(struct acme_flashlog *log, struct cursor *c)
{
    c->seq = log->freed_seq;
    /* The sector before the one to look at first; the search goes once around if it has to. */
    c->sector = (log->oldest > 0 ? log->oldest : log->geometry.sector_count) - 1;
    c->offset = log->geometry.sector_size;
}

/* The next record in the order of writing. */
static bool cursor_next(struct acme_flashlog *log, struct cursor *c, struct record *r)
{
    while (read_record(log, c->sector, c->offset, r) != FOUND_RECORD) {
        if (!cursor_next_sector(log, c)) {
            return false;
        }
    }
    c->offset += size_of(log, r);
    return true;
}

static bool is_space(const struct record *r, const struct record *key)
{
    return ((r->raw[1] ^ key->raw[1]) & 0xf0u) == 0;
}

static bool is_key(const struct record *r, const struct record *key)
{
    return is_space(r, key) && memcmp(r->raw + 8, key->raw + 8, 8) == 0;
}

/* The version of a record's key that is committed, and its kind; 0: none. */
static uint32_t newest(struct acme_flashlog *log, const struct record *key, uint32_t *kind_out)
{
    uint32_t best = 0, best_kind = KIND_DELETE, pending = 0, pending_kind = KIND_DELETE;
    struct cursor c;
    struct record r;

    cursor_start(log, &c);
    while (cursor_next(log, &c, &r)) {
        uint32_t kind = kind_of(&r), version = version_of(&r);
        bool commits = kind == KIND_COMMIT && version == pending;

        if (kind <= KIND_DELETE && is_key(&r, key)) {
            pending = version;
            pending_kind = kind;
            commits = (r.raw[1] & (FLAG_COPIED | FLAG_COMMIT)) != 0;
        }
        /* Only a whole record may commit: a torn one never happened. A copy was committed before
         * it was made, even when it is damaged. */
        if (commits && pending >= best && ((r.raw[1] & FLAG_COPIED) != 0 || is_whole(log, &r))) {
            best = pending;
            best_kind = pending_kind;
        }
    }
    *kind_out = best_kind;
    return best;
}

/* The same of a value; 0: none, or deleted. */
static uint32_t lookup(struct acme_flashlog *log, const struct record *key)
{
    uint32_t kind, version = newest(log, key, &kind);

    return kind == KIND_DELETE ? 0 : version;
}

/* The youngest whole record with the key, version and fragment number of another. */
static bool find(struct acme_flashlog *log, const struct record *like, struct record *out)
{
    struct cursor c;
    struct record r;
    bool found = false;

    cursor_start(log, &c);
    while (cursor_next(log, &c, &r)) {
        if (kind_of(&r) == KIND_PUT && is_space(&r, like) &&
            memcmp(r.raw + 4, like->raw + 4, 12) == 0 && /* version and the rest of the key */
            ((acme_get16(r.raw + 16) ^ acme_get16(like->raw + 16)) & ~FRAG_LAST) == 0 &&
            is_whole(log, &r)) {
            *out = r;
            found = true;
        }
    }
    return found;
}

/* Reads until two readings agree, for these bytes have no checksum of their own. */
static void read_twice(struct acme_flashlog *log, uint32_t at, uint8_t *data, uint32_t len)
{
    int32_t tries = 4;
    uint32_t n;

    for (; len > 0; at += n, data += n, len -= n) {
        n = least(CHUNK, len);
        do {
            flash_read(log, at, data, n);
            flash_read(log, at, log->chunk, n);
        } while (memcmp(data, log->chunk, n) != 0 && --tries > 0);
        log->read_failed = log->read_failed || tries <= 0;
    }
}

static int32_t log_read(struct acme_flashlog *log, uint64_t key, size_t offset, uint8_t *data,
                        size_t size)
{
    size_t got = 0;
    uint32_t frag = 0, version;
    struct record want, r;

    make_record(log, &want, key);
    version = lookup(log, &want);
    if (version == 0) {
        return ACME_ERR_NOT_FOUND;
    }
    acme_put32(want.raw + 4, version);
    do {
        uint32_t len;

        acme_put16(want.raw + 16, frag++);
        if (!find(log, &want, &r)) {
            if (!log->read_failed) {
                log->damaged = true;
            }
            return ACME_ERR_STORE_CORRUPT;
        }
        len = len_of(&r);
        if (offset >= len) {
            offset -= len;
            continue;
        }
        len -= (uint32_t)offset;
        len = len < size - got ? len : (uint32_t)(size - got);
        if (data != NULL) {
            read_twice(log, r.payload + (uint32_t)offset, data + got, len);
        }
        got += len;
        offset = 0;
    } while ((acme_get16(r.raw + 16) & FRAG_LAST) == 0 && got < size);
    return (int32_t)got;
}

int32_t acme_flashlog_read(struct acme_flashlog *log, uint64_t key, size_t offset, void *data,
                           size_t size)
{
    return outcome(log, log_read(log, key, offset, data, size));
}

/* The smallest key above *key that any PUT names, live or not. */
static bool next_named(struct acme_flashlog *log, uint64_t *key, struct record *best)
{
    uint64_t after = *key;
    struct cursor c;
    struct record r;

    *key = UINT64_MAX;
    cursor_start(log, &c);
    while (cursor_next(log, &c, &r)) {
        if (kind_of(&r) == KIND_PUT && key_of(&r) > after && key_of(&r) < *key) {
            *key = key_of(&r);
            *best = r;
        }
    }
    return *key != UINT64_MAX;
}

int32_t acme_flashlog_next(struct acme_flashlog *log, uint64_t *key)
{
    struct record r;

    while (next_named(log, key, &r)) {
        if (lookup(log, &r) != 0) {
            return outcome(log, ACME_OK);
        }
    }
    return outcome(log, ACME_ERR_NOT_FOUND);
}

/* ---- writing ---- */

/* Writes one record at the head, which has room for it, and reads it again. */
static bool write_record(struct acme_flashlog *log, struct record *r)
{
    uint32_t at = log->head * log->geometry.sector_size + log->head_offset;
    uint32_t len = len_of(r), from = 0, fill = RECORD_LEN, crc;
    struct record written;

    ACME_ASSERT(log->head_offset <= log->geometry.sector_size - size_of(log, r));
    crc = acme_crc32(0, r->raw, 18);
    acme_put16(r->raw + 18, crc ^ crc >> 16);
    acme_put32(r->raw + 20, record_crc(log, r));
    memcpy(log->chunk, r->raw, RECORD_LEN);
    do {
        uint32_t n = least(CHUNK - fill, len - from);

        get_payload(log, r, from, log->chunk + fill, n);
        fill += n;
        from += n;
        if (!flash_program(log, at, fill)) {
            return false;
        }
        at += fill;
        fill = 0;
    } while (from < len);
    flash_sync(log);
    at = log->head_offset;
    log->head_offset += size_of(log, r);
    return read_record(log, log->head, at, &written) == FOUND_RECORD && is_whole(log, &written) &&
           !log->read_failed;
}

/* Whether everything in a sector from an offset on is erased. What is not was read twice. */
static bool is_erased(struct acme_flashlog *log, uint32_t sector, uint32_t offset)
{
    uint32_t size = log->geometry.sector_size, looks = 0, n;

    while (offset < size && looks < 2) {
        n = least(CHUNK, size - offset);
        flash_read(log, sector * size + offset, log->chunk, n);
        looks++;
        if (is_blank(log->chunk, n)) {
            offset += n;
            looks = 0;
        }
    }
    return offset >= size;
}

/* Whether behind the records there is at most what a cut leaves of one: within its bounds, and
 * nothing in it that is understood. What reads as blank now may not in a moment. */
static bool is_one_torn(struct acme_flashlog *log, uint32_t sector, uint32_t end)
{
    uint32_t behind = end + log->record_max, offset = end + log->geometry.program_size;
    struct record r;

    while (offset < behind && read_record(log, sector, offset, &r) != FOUND_RECORD) {
        offset += log->geometry.program_size;
    }
    return offset >= behind && is_erased(log, sector, behind);
}

/* Takes in what a whole record says. */
static void note(struct walk *w, const struct record *r)
{
    uint32_t number = acme_get32(r->raw + 8);

    w->only_copies = w->only_copies && (r->raw[1] & FLAG_COPIED) != 0;
    if (r->raw[1] == END_MARK) {
        w->marked = number;
        w->marked_end = acme_get32(r->raw + 12);
    }
    if (r->raw[1] == KIND_FREED && number > w->freed) {
        w->freed = number;
    }
}

/* Reads a sector. The newest version is noted in the log. */
static void walk_sector(struct acme_flashlog *log, uint32_t sector, struct walk *w)
{
    uint32_t offset = log->start;
    bool all = true;
    struct record r;

    memset(w, 0, sizeof(*w));
    w->only_copies = true;
    while (read_record(log, sector, offset, &r) == FOUND_RECORD) {
        if (version_of(&r) > log->version) {
            log->version = version_of(&r);
        }
        all = all && is_whole(log, &r);
        if (all) {
            note(w, &r);
            w->end = offset + size_of(log, &r);
        }
        offset += size_of(log, &r);
    }
    w->heads = offset;
    w->end = w->end > 0 ? w->end : log->start;
    w->blank = is_erased(log, sector, w->end);
    w->torn = w->blank || is_one_torn(log, sector, w->end);
}

static bool open_sector(struct acme_flashlog *log, uint32_t sector)
{
    uint32_t at = sector * log->geometry.sector_size, copy, erases;
    uint8_t *raw = log->chunk;

    if (read_header(log, sector, raw) == 0) {
        /* The count is lost with the header; the head's is the best guess, for wear is even. */
        (void)read_header(log, log->head, raw);
        acme_put32(raw + 12, log->head_seq == 0 ? 0 : acme_get32(raw + 12) - 1);
    }
    erases = acme_get32(raw + 12);
    if (log->read_failed || log->ops->erase(log->ctx, at) != ACME_OK) {
        return false;
    }
    flash_sync(log);
    if (!is_erased(log, sector, 0)) {
        return false;
    }
    memcpy(raw, magic, sizeof(magic));
    acme_put32(raw + 4, FORMAT(log) | log->bad << 8);
    acme_put32(raw + 8, log->next_seq);
    acme_put32(raw + 12, erases + 1);
    acme_put32(raw + 16, log->version);
    acme_put32(raw + 20, acme_crc32(0, raw, 20));
    for (copy = 0; copy < 2; copy++, at += log->start / 2) {
        if (!flash_program(log, at, HEADER_LEN)) {
            return false;
        }
    }
    return read_header(log, sector, raw) == log->next_seq;
}

/* Erases a free sector and makes it the head. Where the head before it was left before its end,
 * the new one begins with a mark of how far that is whole; if more than a cut was at work there, no
 * mark excuses it. */
static bool make_head(struct acme_flashlog *log, uint32_t sector, uint32_t whole_to)
{
    uint32_t before = log->head, offset = log->head_offset;
    struct record r;

    if (!open_sector(log, sector)) {
        return false;
    }
    log->head = sector;
    log->head_offset = log->start;
    make_record(log, &r, ACME_KEY(SPACE_LOG, (uint64_t)whole_to << 32 | log->head_seq));
    r.raw[1] = END_MARK;
    if (whole_to > 0 && !write_record(log, &r)) {
        log->head = before;
        log->head_offset = offset;
        return false;
    }
    log->head_seq = log->next_seq++;
    return true;
}

static bool is_closed(const struct acme_flashlog *log)
{
    return log->head_offset == log->geometry.sector_size && log->head_seq > log->freed_seq;
}

/* Makes the next free sector the head. Sectors that fail are passed over: a few, so that not all
 * are spoilt for nothing. */
static int32_t open_next(struct acme_flashlog *log)
{
    uint32_t tries, sector = 0;
    struct walk w = {0};

    if (is_closed(log)) {
        walk_sector(log, log->head, &w);
    }
    for (tries = 0; tries < 3; tries++) {
        if (count_free(log, &sector) <= (log->in_batch ? 1u : 0u)) {
            return ACME_ERR_STORE_FULL;
        }
        if (make_head(log, sector, w.torn ? w.end : 0)) {
            return ACME_OK;
        }
        if (log->read_failed) {
            break;
        }
        /* It may have got as far as a header: no other one may have the same number. */
        log->next_seq++;
        log->bad = (log->bad << 12 | (sector + 1)) & 0xffffffu;
    }
    return ACME_ERR_STORE_IO;
}

/* Appends a record, in the next sector if the head has no room or cannot be programmed. */
static int32_t append(struct acme_flashlog *log, struct record *r)
{
    uint32_t tries;

    for (tries = 0; tries < 3; tries++) {
        uint32_t end = log->head_offset + size_of(log, r);

        if (end > (kind_of(r) == KIND_FREED ? log->geometry.sector_size : log->end)) {
            int32_t rc = open_next(log);

            if (rc != ACME_OK) {
                return rc;
            }
        }
        if (write_record(log, r)) {
            return ACME_OK;
        }
        /* Its remainder is not to be trusted; what it holds already is. */
        log->head_offset = log->geometry.sector_size;
    }
    return ACME_ERR_STORE_IO;
}

/* ---- compaction ---- */

/* Whether a record is to be kept: of the committed version of its key the youngest copy. */
static bool is_live(struct acme_flashlog *log, const struct record *r)
{
    struct record youngest;

    return kind_of(r) == KIND_PUT && lookup(log, r) == version_of(r) && find(log, r, &youngest) &&
           youngest.payload == r->payload;
}

/* Makes the head a free sector: it is what an interrupted compaction has left. Its number is used
 * again if it is the next one that is opened: not if it is known as bad, and keeps its number. */
static void drop_head(struct acme_flashlog *log)
{
    log->next_seq -= log->next_seq == log->head_seq + 1 && !is_bad(log, log->head);
    log->head_seq--;
    log->head = (log->head + log->geometry.sector_count - 1) % log->geometry.sector_count;
    log->head_offset = log->geometry.sector_size;
}

/* Whether the newest sector has nothing but copies: that is what an interrupted compaction has
 * left, and it is begun anew. */
static bool is_interrupted(struct acme_flashlog *log)
{
    struct walk w;

    walk_sector(log, log->head, &w);
    return w.only_copies && w.torn && !log->read_failed;
}

/* After a drop the place before is the head's only if no bad sector is between them. */
static void drop_interrupted(struct acme_flashlog *log)
{
    uint8_t raw[HEADER_LEN];

    if (log->head_seq > log->freed_seq + 1 && read_header(log, log->head, raw) == log->head_seq &&
        is_interrupted(log)) {
        drop_head(log);
    }
}

/* Goes to the next sector in use and reads it. Returns whether the one before it, of which *w
 * tells, is understood to its end. */
static bool check_next(struct acme_flashlog *log, struct cursor *c, struct walk *w)
{
    struct walk before = *w;
    uint32_t seq = c->seq;

    if (!cursor_next_sector(log, c)) {
        return before.torn;
    }
    walk_sector(log, c->sector, w);
    return before.blank || (w->marked == seq && w->marked_end <= before.end);
}

/* Whether a sector without headers has records. */
static bool has_lost_headers(struct acme_flashlog *log)
{
    uint32_t sector = 0;
    uint8_t raw[HEADER_LEN];
    struct record r;

    while (sector < log->geometry.sector_count &&
           (read_header(log, sector, raw) != 0 ||
            read_record(log, sector, log->start, &r) != FOUND_RECORD)) {
        sector++;
    }
    return sector < log->geometry.sector_count;
}

/* Whether the sector that is missing before the oldest one may be one that was let go: then the log
 * was full, and an erase has begun. */
static bool was_let_go(struct acme_flashlog *log)
{
    uint32_t next;

    return count_free(log, &next) <= 2 && !has_lost_headers(log);
}

/* Whether all is understood that is in use. Leaves the newest sequence number. */
static bool is_sound(struct acme_flashlog *log, uint32_t *newest_seq)
{
    struct walk w = {.blank = true, .torn = true};
    uint32_t before;
    struct cursor c;
    bool sound = true;

    cursor_start(log, &c);
    do {
        before = c.seq;
        sound = check_next(log, &c, &w) && sound;
        /* A number is left out only where a sector could not be opened, or was let go. */
        if (c.seq > before + 1 && log->bad == 0) {
            sound = sound && before == log->freed_seq && was_let_go(log);
        }
    } while (c.seq != before);
    *newest_seq = c.seq;
    return sound;
}

/* Whether something may be lost with a record: a part of a batch whose end was not read, which a
 * cut may have prevented, or damage hides; or a part of a value that cannot be read. */
static bool is_needed(struct acme_flashlog *log, const struct record *r)
{
    uint32_t kind = kind_of(r), version;
    struct record copy;

    if (kind > KIND_DELETE) {
        return false;
    }
    version = newest(log, r, &kind);
    return version < version_of(r) ||
           (version == version_of(r) && kind == KIND_PUT && !find(log, r, &copy));
}

/* Whether the oldest sector, at which the cursor stands, has a record that is such. */
static bool has_any(struct acme_flashlog *log, struct cursor c,
                    bool (*is_such)(struct acme_flashlog *log, const struct record *r))
{
    uint32_t oldest = c.seq;
    struct record r;
    bool any = false;

    while (!any && cursor_next(log, &c, &r) && c.seq == oldest) {
        any = is_such(log, &r);
    }
    return any;
}

/* Whether the oldest sector, at which the cursor stands and of which *w tells, can be freed without
 * a loss. Where there is damage anywhere, all heads of its records are understood, what is not
 * whole was replaced since, and no damage can hide that something in it was committed. */
static bool can_be_freed(struct acme_flashlog *log, const struct cursor *c, struct walk *w)
{
    struct cursor next = *c;
    uint32_t heads = w->heads, seq;

    return is_sound(log, &seq) ||
           ((check_next(log, &next, w) || is_erased(log, c->sector, heads)) &&
            !has_any(log, *c, is_needed));
}

/* Copies what lives in the oldest sector, at which the cursor stands, to the head. */
static int32_t copy_live(struct acme_flashlog *log, struct cursor *c)
{
    uint32_t oldest = c->seq;
    struct record r;
    int32_t rc = ACME_OK;

    while (rc == ACME_OK && cursor_next(log, c, &r) && c->seq == oldest) {
        if (is_live(log, &r)) {
            r.raw[1] = (uint8_t)((r.raw[1] & ~FLAG_COMMIT) | FLAG_COPIED);
            rc = append(log, &r);
        }
    }
    return rc;
}

/* Says on flash that all sectors up to this sequence number are free. */
static int32_t mark_freed(struct acme_flashlog *log, uint32_t seq)
{
    struct record r;
    int32_t rc;

    ACME_ASSERT(seq > log->freed_seq && seq < log->head_seq);
    make_record(log, &r, seq);
    r.raw[1] = KIND_FREED;
    rc = append(log, &r);
    if (rc == ACME_OK) {
        log->freed_seq = seq;
    }
    return rc;
}

/* Frees the oldest sector, at which the cursor stands, if nothing in it lives. A FREED mark that is
 * damaged leaves no other way: what it had freed is in use again, and no sector is left to write a
 * mark into. */
static int32_t let_go(struct acme_flashlog *log, const struct cursor *c)
{
    if (has_any(log, *c, is_live) || log->read_failed || c->seq == log->head_seq) {
        return ACME_ERR_STORE_FULL;
    }
    log->freed_seq = c->seq;
    return ACME_OK;
}

/* Moves what lives in the oldest sector to the head, and frees it; with what is not understood
 * there only for acme_flashlog_give_up. */
static int32_t reclaim(struct acme_flashlog *log, bool gives_up)
{
    struct walk w = {.blank = true};
    struct cursor c;
    uint32_t oldest;
    int32_t rc = ACME_OK;

    drop_interrupted(log);
    cursor_start(log, &c);
    (void)check_next(log, &c, &w);
    oldest = c.seq;
    if (!gives_up && !can_be_freed(log, &c, &w) && !log->read_failed) {
        log->damaged = log->refused = true;
        return ACME_ERR_STORE_CORRUPT;
    }
    if (is_closed(log) && count_free(log, &w.end) == 0) {
        return let_go(log, &c);
    }
    if (oldest == log->head_seq) {
        rc = open_next(log); /* the head itself is the oldest: go on in another one first */
    }
    if (rc == ACME_OK) {
        rc = copy_live(log, &c);
    }
    return rc == ACME_OK ? mark_freed(log, oldest) : rc;
}

static uint32_t bad_count(const struct acme_flashlog *log)
{
    return log->bad > 0xfffu ? 2 : log->bad > 0 ? 1 : 0;
}

/* Sectors that values leave free: one for compaction, and where there are enough one for deletions,
 * so that a full store can let something go, even after a reset that has closed the head. */
static uint32_t spare(const struct acme_flashlog *log)
{
    return log->geometry.sector_count > 3 ? 2 : 1;
}

static uint32_t capacity(const struct acme_flashlog *log)
{
    uint32_t lost = spare(log) + bad_count(log), count = log->geometry.sector_count;
    uint32_t room = room_of(log, count, lost), mark = pad(log, RECORD_LEN);

    return room > mark ? room - mark : 0;
}

/* What all values take that sectors in use have, or those that live. */
static uint32_t bytes_put(struct acme_flashlog *log, bool live)
{
    struct cursor c;
    struct record r;
    uint32_t bytes = 0;

    cursor_start(log, &c);
    while (cursor_next(log, &c, &r)) {
        bool counts = live ? is_live(log, &r) : kind_of(&r) == KIND_PUT;

        bytes += counts ? size_of(log, &r) : 0;
    }
    return bytes;
}

/* Whether a batch fits without compaction, leaving some sectors free. */
static bool has_room(struct acme_flashlog *log, uint32_t need, uint32_t leave)
{
    uint32_t next, free_count = count_free(log, &next);
    uint32_t bytes = room_of(log, free_count, leave);
    uint32_t head_end = log->head_offset + log->record_max;

    need += is_closed(log) ? pad(log, RECORD_LEN) : 0;
    return need <= bytes + (head_end < log->end ? log->end - head_end : 0);
}

/* Where no sector is spared for deletions, what lives may not become more than compaction can pack:
 * a reset closes the head, and its rest would be all that is left to let something go. Counting
 * takes long; mostly all that was ever put is little enough. */
static bool is_too_much(struct acme_flashlog *log, uint32_t need)
{
    uint32_t most = capacity(log);

    return spare(log) == 1 && (need > most || (bytes_put(log, false) > most - need &&
                                               bytes_put(log, true) > most - need));
}

static int32_t make_room(struct acme_flashlog *log, uint32_t need, bool deletes)
{
    uint32_t round, leave = deletes ? 1 : spare(log);

    for (round = 0; !has_room(log, need, leave); round++) {
        uint32_t most = capacity(log);
        int32_t rc;

        /* Counting what lives takes long, and most often two sectors give room. */
        if (need > most || round == 2 * log->geometry.sector_count ||
            (round == 2 && !deletes && bytes_put(log, true) > most - need)) {
            return ACME_ERR_STORE_FULL;
        }
        rc = reclaim(log, false);
        if (rc != ACME_OK) {
            return rc;
        }
    }
    return ACME_OK;
}

static int32_t begin(struct acme_flashlog *log, size_t data_len, size_t value_count, bool deletes)
{
    size_t records;
    uint32_t need;
    int32_t rc;

    if (log->in_batch) {
        return ACME_ERR_STATE;
    }
    if (data_len > INT32_MAX / 4 || value_count > 4096) {
        return ACME_ERR_STORE_FULL;
    }
    /* A full store must still be able to let something go. */
    records = data_len / (log->record_max - RECORD_LEN) + 2 * value_count + 1 +
              (deletes ? 0 : DELETION_RESERVE(log));
    need = (uint32_t)(data_len + records * (RECORD_LEN + log->geometry.program_size));
    rc = !deletes && is_too_much(log, need) ? ACME_ERR_STORE_FULL : make_room(log, need, deletes);
    rc = outcome(log, rc);
    log->in_batch = rc == ACME_OK;
    log->version += log->in_batch;
    return rc;
}

int32_t acme_flashlog_begin(struct acme_flashlog *log, size_t data_len, size_t value_count)
{
    return begin(log, data_len, value_count, data_len == 0);
}

#if defined(CONFIG_ACME_STORE_ROLLBACK)
int32_t acme_flashlog_begin_counted(struct acme_flashlog *log, size_t data_len, size_t count)
{
    return begin(log, data_len, count, true);
}
#endif

/* Appends the records of one change; what the last one is, and its flags. Only a PUT has more. */
static int32_t put(struct acme_flashlog *log, uint32_t what, uint64_t key, const uint8_t *data,
                   size_t len)
{
    uint32_t max = log->record_max - RECORD_LEN, frag = 0;
    struct record r;
    int32_t rc;

    if (!log->in_batch) {
        return ACME_ERR_STATE;
    }
    if (((what & KIND_MASK) == KIND_PUT && ACME_KEY_SPACE(key) == 0) ||
        len / max >= FRAG_LAST - 1) {
        return ACME_ERR_ARGUMENT;
    }
    make_record(log, &r, key);
    r.data = data;
    do {
        uint32_t n = least((uint32_t)len, max);

        len -= n;
        acme_put16(r.raw + 2, n);
        acme_put16(r.raw + 16, frag | (len == 0 ? FRAG_LAST : 0));
        r.raw[1] |= (uint8_t)(TELLS_COMMIT(frag, len) ? what : 0);
        rc = append(log, &r);
        frag++;
        if (len > 0) {
            r.data += n;
        }
    } while (rc == ACME_OK && len > 0);
    return outcome(log, rc);
}

int32_t acme_flashlog_put(struct acme_flashlog *log, uint64_t key, const void *data, size_t len)
{
    return put(log, KIND_PUT, key, data, len);
}

int32_t acme_flashlog_delete(struct acme_flashlog *log, uint64_t key)
{
    return put(log, KIND_DELETE, key, NULL, 0);
}

int32_t acme_flashlog_commit(struct acme_flashlog *log)
{
    int32_t rc = put(log, KIND_COMMIT, 0, NULL, 0);

    log->in_batch = false;
    return rc;
}

void acme_flashlog_abort(struct acme_flashlog *log)
{
    log->in_batch = false;
}

int32_t acme_flashlog_set(struct acme_flashlog *log, uint64_t key, const void *data, size_t len)
{
    int32_t rc = begin(log, len, 1, false);

    if (rc != ACME_OK) {
        return rc;
    }
    rc = put(log, KIND_PUT | FLAG_COMMIT, key, data, len);
    log->in_batch = false;
    return rc;
}

/* ---- mount ---- */

/* Bytes of a sector that are not erased; 2: two or more. */
static uint32_t count_programmed(struct acme_flashlog *log, uint32_t sector)
{
    uint32_t at = sector * log->geometry.sector_size, end = at + log->geometry.sector_size;
    uint32_t count = 0;
    uint8_t byte = 0;

    for (; at < end && count < 2; at++) {
        flash_read(log, at, &byte, 1);
        count += byte != 0xff ? 1 : 0;
    }
    return count;
}

/* No sector has a valid header: an area never used is empty, but for a bit that has turned by
 * itself, and so is one whose first opening was cut short, which leaves sector 0 half erased or
 * with half a header, but without a record. Anything else belongs to somebody. */
static int32_t check_unused(struct acme_flashlog *log)
{
    uint32_t sector, programmed = 0;
    struct record r;

    for (sector = 1; sector < log->geometry.sector_count; sector++) {
        if (!is_erased(log, sector, log->start)) {
            programmed += count_programmed(log, sector);
        }
    }
    if (programmed > 1) {
        return ACME_ERR_STORE_FORMAT;
    }
    return read_record(log, 0, log->start, &r) == FOUND_RECORD ? ACME_ERR_STORE_FORMAT : ACME_OK;
}

/* Finds the newest sector, the newest FREED mark and version over all sectors. Returns whether
 * there is any. */
static bool survey(struct acme_flashlog *log)
{
    uint32_t sector;
    bool any = false, only_copies = false;

    log->next_seq = 1;
    for (sector = 0; sector < log->geometry.sector_count; sector++) {
        uint8_t raw[HEADER_LEN];
        uint32_t seq = read_header(log, sector, raw);
        struct walk w;

        if (seq + 1 < 2) { /* none, or none that could have a successor */
            continue;
        }
        walk_sector(log, sector, &w);
        if (w.freed > log->freed_seq && w.freed < seq) {
            log->freed_seq = w.freed;
        }
        if (seq >= log->next_seq) {
            log->next_seq = seq + 1;
            log->bad = acme_get32(raw + 4) >> 8;
            log->head = sector;
            only_copies = w.only_copies && w.torn;
            any = true;
        }
        if (acme_get32(raw + 16) > log->version) {
            log->version = acme_get32(raw + 16);
        }
    }
    log->head_seq = log->next_seq - 1;
    /* Not before it was read twice; its header may read differently in a moment. */
    if (only_copies && is_interrupted(log)) {
        drop_head(log);
    }
    return any;
}

static int32_t start(struct acme_flashlog *log, const struct acme_flash_ops *ops, void *ctx)
{
    struct acme_flash_geometry *g = &log->geometry;

    memset(log, 0, sizeof(*log));
    log->ops = ops;
    log->ctx = ctx;
    if (ops->geometry(ctx, g) != ACME_OK) {
        return ACME_ERR_STORE_IO;
    }
    if (g->sector_size < 256 || !power_of_two(g->sector_size) || g->sector_count < 2 ||
        g->sector_count > ACME_FLASHLOG_SECTORS_MAX || g->program_size - 1 >= PROGRAM_MAX ||
        !power_of_two(g->program_size) || g->sector_size > INT32_MAX / g->sector_count ||
        g->sector_size > SECTOR_MAX) {
        return ACME_ERR_STORE_GEOMETRY;
    }
    log->start = 2 * pad(log, HEADER_LEN);
    log->end = g->sector_size - pad(log, RECORD_LEN);
    /* A quarter of a sector, so that little is lost at a sector's end. */
    log->record_max = least(g->sector_size / 4, 1024);
    log->head = g->sector_count - 1;
    log->next_seq = 1;
    log->head_offset = g->sector_size;
    return ACME_OK;
}

static int32_t mount_started(struct acme_flashlog *log)
{
    uint32_t newest_seq;
    bool any = survey(log);

    if (log->foreign) {
        return ACME_ERR_STORE_VERSION;
    }
    if (!any) {
        return check_unused(log);
    }
    log->damaged = !is_sound(log, &newest_seq);
    log->head_seq = newest_seq;
    if (log->bad == 0) { /* what was dropped is opened next: it leaves no gap */
        log->next_seq = newest_seq + 1;
    }
    /* A torn record may have the next version, unseen now and seen later; what is damaged may have
     * as many as a sector has records: only the newest sector's are above all headers. */
    log->version += log->damaged ? log->geometry.sector_size / RECORD_LEN : 1;
    return log->damaged ? ACME_ERR_STORE_CORRUPT : ACME_OK;
}

int32_t acme_flashlog_mount(struct acme_flashlog *log, const struct acme_flash_ops *ops, void *ctx)
{
    int32_t rc = start(log, ops, ctx);

    return rc == ACME_OK ? outcome(log, mount_started(log)) : rc;
}

int32_t acme_flashlog_mount_sealed(struct acme_flashlog *log, const struct acme_flash_ops *ops,
                                   void *ctx)
{
    int32_t rc = start(log, ops, ctx);

    SET_SEALED(log, true);
    return rc == ACME_OK ? outcome(log, mount_started(log)) : rc;
}

int32_t acme_flashlog_format(struct acme_flashlog *log, const struct acme_flash_ops *ops, void *ctx)
{
    int32_t rc = start(log, ops, ctx);
    uint32_t sector;

    for (sector = 0; rc == ACME_OK && sector < log->geometry.sector_count; sector++) {
        /* A sector that cannot be erased is passed over later, when it is opened. */
        (void)ops->erase(ctx, sector * log->geometry.sector_size);
    }
    if (rc == ACME_OK) {
        flash_sync(log);
        rc = outcome(log, rc);
    }
    return rc;
}

int32_t acme_flashlog_give_up(struct acme_flashlog *log)
{
    uint32_t last = log->head_seq, seq;
    int32_t rc = log->in_batch ? ACME_ERR_STATE : ACME_OK;

    while (rc == ACME_OK && log->freed_seq < last && !is_sound(log, &seq)) {
        rc = reclaim(log, true);
    }
    if (rc == ACME_OK && !log->read_failed) {
        log->damaged = log->refused = false;
    }
    return outcome(log, rc);
}

int32_t acme_flashlog_stat(struct acme_flashlog *log, struct acme_flashlog_stat *stat)
{
    uint32_t sector;

    memset(stat, 0, sizeof(*stat));
    stat->capacity_bytes = capacity(log);
    stat->sectors_free = count_free(log, &sector);
    stat->sectors_bad = bad_count(log);
    stat->erases_min = UINT32_MAX;
    for (sector = 0; sector < log->geometry.sector_count; sector++) {
        uint8_t raw[HEADER_LEN];
        uint32_t erases = read_header(log, sector, raw) != 0 ? acme_get32(raw + 12) : 0;

        stat->erases_total += erases;
        stat->erases_min = least(erases, stat->erases_min);
        stat->erases_max = erases > stat->erases_max ? erases : stat->erases_max;
    }
    stat->live_bytes = bytes_put(log, true);
    return outcome(log, ACME_OK);
}
