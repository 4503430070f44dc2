/*
 * flashlog: what reads flash. The flash gives any bytes at each read, even others at the same
 * place; a checksum is any number: whatever a cut, an attacker or a worn cell can leave is among
 * that. Each function is proved from any state that is_log() describes, and leaves such a state.
 *
 * The geometry is any that mount accepts with at most 4 sectors of at most 1024 bytes.
 */
#include "proof.h"

#include "acme/port.h"

/* Flash and checksum of the proof. */
static uint32_t flash_size;

static int32_t any_read(void *ctx, uint32_t at, void *data, size_t len)
{
    int32_t rc = nondet_i32();

    (void)ctx;
    PROVE(at <= flash_size && len <= flash_size - at);
    __CPROVER_havoc_slice(data, len);
    return rc;
}

static struct acme_flash_geometry any_geometry;

static int32_t get_geometry(void *ctx, struct acme_flash_geometry *g)
{
    (void)ctx;
    *g = any_geometry;
    return nondet_i32();
}

static const struct acme_flash_ops ops = {.geometry = get_geometry, .read = any_read};

#include "store/flashlog.c"

uint32_t acme_crc32(uint32_t crc, const void *data, size_t len)
{
    (void)crc;
    PROVE(__CPROVER_r_ok(data, len));
    return nondet_u32();
}

static bool is_log(const struct acme_flashlog *log)
{
    const struct acme_flash_geometry *g = &log->geometry;

    return log->start == 2 * pad(log, HEADER_LEN) &&
           log->end == g->sector_size - pad(log, RECORD_LEN) &&
           log->record_max == least(g->sector_size / 4, 1024) && log->head < g->sector_count &&
           log->head_offset <= g->sector_size && log->oldest < g->sector_count;
}

static void any_log(struct acme_flashlog *log)
{
    struct acme_flash_geometry *g = &log->geometry;

    FORGET(*log);
    log->ops = &ops;
    ASSUME(g->sector_size >= 256 && g->sector_size <= 1024 && power_of_two(g->sector_size));
    ASSUME(g->sector_count >= 2 && g->sector_count <= 4);
    ASSUME(g->program_size >= 1 && g->program_size <= PROGRAM_MAX && power_of_two(g->program_size));
    ASSUME(is_log(log));
    flash_size = g->sector_size * g->sector_count;
}

/* A record that read_record has found. */
static bool is_record(const struct acme_flashlog *log, const struct record *r)
{
    return r->data == NULL && len_of(r) + RECORD_LEN <= log->record_max &&
           r->payload >= RECORD_LEN + log->start && r->payload <= flash_size &&
           len_of(r) <= flash_size - r->payload;
}

/* proof: mount_start; unwind 2; any geometry whatever */
/* wraps: start; "program_size - (unsigned int)1"; of zero, which becomes larger than any allowed */
/* of: store/flashlog.c start; any geometry of the port; "g->sector_count < 2 ||" -> "" */
void mount_start(void)
{
    struct acme_flashlog log;

    FORGET(any_geometry);
    if (start(&log, &ops, NULL) == ACME_OK) {
        PROVE(is_log(&log));
        PROVE(log.geometry.sector_size * (uint64_t)log.geometry.sector_count <= INT32_MAX);
        PROVE(log.start + log.record_max < log.end);
        SHOW(log.geometry.program_size == 32 && log.geometry.sector_size == 256);
    }
}

/* proof: header; unwind 5; any header of any sector */
/* of: store/flashlog.c read_header; a mounted log; a sector of it; "sector *" -> "(sector + 1) *"
 */
void header(void)
{
    struct acme_flashlog log;
    uint8_t raw[HEADER_LEN];
    uint32_t sector = nondet_u32();

    any_log(&log);
    ASSUME(sector < log.geometry.sector_count);
    SHOW(read_header(&log, sector, raw) == 7);
}

/* proof: record; unwind 26; whatever is at any offset of any sector */
/* of: store/flashlog.c read_record; a mounted log; a sector; an offset behind its header; "if
 * (offset + RECORD_LEN > log->geometry.sector_size) {" -> "if (offset > log->geometry.sector_size)
 * {" */
/* of: store/flashlog.c is_head; a mounted log; a head that was read; "offset + size_of(log, r) <=
 * log->geometry.sector_size" -> "offset <= log->geometry.sector_size" */
void record(void)
{
    struct acme_flashlog log;
    struct record r;
    uint32_t sector = nondet_u32(), offset = nondet_u32();

    any_log(&log);
    ASSUME(sector < log.geometry.sector_count);
    ASSUME(offset >= log.start && offset <= log.geometry.sector_size + log.record_max);
    if (read_record(&log, sector, offset, &r) == FOUND_RECORD) {
        PROVE(is_record(&log, &r));
        PROVE(offset + size_of(&log, &r) <= log.geometry.sector_size);
        SHOW(len_of(&r) + RECORD_LEN == log.record_max);
    }
}

/* proof: whole; unwind 5; any record of the head: its head and its payload, up to three readings */
/* loop: memcmp.0 26 */
/* of: store/flashlog.c record_crc; a record of the log; "least(CHUNK, len - from)" -> "least(CHUNK,
 * len - from + 1)" */
/* of: store/flashlog.c get_payload; a record of the log; len bytes of it; "r->payload + from" ->
 * "r->payload + from + 4000" */
void whole(void)
{
    struct acme_flashlog log;
    struct record r;

    any_log(&log);
    FORGET(r);
    ASSUME(is_record(&log, &r) && log.geometry.sector_size == 256);
    /* Elsewhere the same is read up to 33 times: the loop's body is this one, with other counts. */
    ASSUME((r.payload - RECORD_LEN) / 256 == log.head && log.head_offset < 256);
    ASSUME((r.payload - RECORD_LEN) % 256 + size_of(&log, &r) <= 256); /* proved of read_record */
    SHOW(is_whole(&log, &r));
}

/* proof: erased; unwind 5; any sector from any offset of its second half on */
/* loop: is_blank.0 66 */
/* of: store/flashlog.c is_erased; a mounted log; a sector; an offset; "least(CHUNK, size - offset)"
 * -> "CHUNK" */
/* of: store/flashlog.c is_blank; len bytes; "while (len > 0 && *p == 0xff) {" -> "while (*p ==
 * 0xff) {" */
void erased(void)
{
    struct acme_flashlog log;
    uint32_t sector = nondet_u32(), offset = nondet_u32();

    any_log(&log);
    ASSUME(sector < log.geometry.sector_count && log.geometry.sector_size == 256);
    ASSUME(offset >= 128 && offset <= 2 * log.geometry.sector_size);
    SHOW(is_erased(&log, sector, offset));
}

/* proof: programmed; unwind 258; any sector of 256 bytes */
/* of: store/flashlog.c count_programmed; a mounted log; a sector; "at < end && count < 2" -> "at <= end &&
 * count < 2" */
void programmed(void)
{
    struct acme_flashlog log;
    uint32_t sector = nondet_u32(), count;

    any_log(&log);
    ASSUME(sector < log.geometry.sector_count && log.geometry.sector_size == 256);
    count = count_programmed(&log, sector);
    PROVE(count <= 2);
    SHOW(count == 2);
}

/* proof: next_sector; unwind 6; from any place of a scan to the next sector */
/* wraps: cursor_next_sector; "after + (unsigned int)1"; where it is the last number, no sector
 * follows */
/* of: store/flashlog.c cursor_next_sector; a mounted log; a cursor in it; "(sector + 1) %
 * log->geometry.sector_count" -> "sector + 1" */
void next_sector(void)
{
    struct acme_flashlog log;
    struct cursor c;

    any_log(&log);
    FORGET(c);
    ASSUME(c.sector < log.geometry.sector_count);
    ASSUME(log.head_seq < UINT32_MAX); /* survey passes over the last number */
    if (cursor_next_sector(&log, &c)) {
        PROVE(c.sector < log.geometry.sector_count && c.offset == log.start);
        SHOW(c.seq == 7);
    }
    PROVE(is_log(&log));
}

/* not: store/flashlog.c *; loops over the readings above, and what is written: proved by power cuts
 * (scripts/test flash), not here */
