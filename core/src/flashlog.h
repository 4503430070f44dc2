/*
 * The power-safe log: small values under (space, id) keys on NOR flash, with atomic batches of
 * changes. After a power cut at any program or erase, a reader sees the state before a batch or
 * after it, never between. It knows flash_ops and nothing of what the values mean. See
 * docs/store_format.md for the format. Functions may take as long as the flash driver does.
 */
#ifndef ACME_FLASHLOG_H
#define ACME_FLASHLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "acme/port.h"

/** One key: space separates the owners (see store.h), id is theirs. */
struct acme_flashlog_key {
    uint8_t space; /**< 1 to 15 */
    uint64_t id;
};

/** A mounted log. The caller owns the memory and does not look inside. */
struct acme_flashlog {
    const struct acme_flash_ops *ops;
    void *ctx;
    struct acme_flash_geometry geometry;
    uint32_t head;           /* physical index of the sector being written; UINT32_MAX: none */
    uint32_t head_offset;    /* next free byte in it; sector_size: closed */
    uint32_t head_seq;       /* its sequence number; 0: none */
    uint32_t freed_seq;      /* sectors with sequence numbers up to this one hold nothing needed */
    uint32_t before_oldest;  /* physical index before the oldest sector: where to look first */
    uint32_t version;        /* of the newest batch seen on flash */
    uint32_t bad_sectors[4]; /* physical indices found unusable since mount; UINT32_MAX: none */
    bool in_batch;
    bool read_failed; /* during the call under way */
    bool damaged;     /* a record or sector was found damaged by the last mount or read */
    bool torn;        /* the last mount found an unfinished record: a write was cut short */
};

struct acme_flashlog_stat {
    uint32_t capacity_bytes; /* what live values with overhead may take */
    uint32_t live_bytes;     /* what they take now, with overhead */
    uint32_t sectors_free;
    uint32_t erases_min, erases_max; /* erase counts over the sectors with a valid header */
    uint32_t erases_total;
};

/** Mounts; writes nothing. A blank area (all sectors without a valid header and without foreign
 * data) mounts as empty. ACME_OK, ACME_ERR_STORE_IO, ACME_ERR_STORE_GEOMETRY,
 * ACME_ERR_STORE_FORMAT (newer format version, or not ours: use acme_flashlog_format),
 * ACME_ERR_STORE_CORRUPT (mounted, readable, but something is missing: .damaged is set). */
int32_t acme_flashlog_mount(struct acme_flashlog *log, const struct acme_flash_ops *ops, void *ctx);

/** Erases every sector; the log is mounted empty afterwards. */
int32_t acme_flashlog_format(struct acme_flashlog *log, const struct acme_flash_ops *ops,
                             void *ctx);

/** Opens a batch and makes room for values of data_len bytes in all, in value_count values or
 * deletions; compaction happens here and only here. ACME_ERR_STORE_FULL, ACME_ERR_STORE_IO. */
int32_t acme_flashlog_begin(struct acme_flashlog *log, size_t data_len, size_t value_count);
/** Adds a value to the open batch; not visible before commit. A batch names a key once only. */
int32_t acme_flashlog_put(struct acme_flashlog *log, struct acme_flashlog_key key, const void *data,
                          size_t len);
/** Adds a deletion to the open batch. Deleting what is not there is fine. */
int32_t acme_flashlog_delete(struct acme_flashlog *log, struct acme_flashlog_key key);
/** Makes the batch visible and durable, atomically. */
int32_t acme_flashlog_commit(struct acme_flashlog *log);
/** Forgets the open batch. */
void acme_flashlog_abort(struct acme_flashlog *log);
/** begin, put, commit in one: for a single value. */
int32_t acme_flashlog_set(struct acme_flashlog *log, struct acme_flashlog_key key, const void *data,
                          size_t len);

/** Reads up to size bytes of a committed value from offset on. Returns the number of bytes read
 * (0 at or past its end), ACME_ERR_NOT_FOUND, ACME_ERR_STORE_CORRUPT, ACME_ERR_STORE_IO. */
int32_t acme_flashlog_read(struct acme_flashlog *log, struct acme_flashlog_key key, size_t offset,
                           void *data, size_t size);
/** The length of a committed value (>= 0), or the errors of read. */
int32_t acme_flashlog_length(struct acme_flashlog *log, struct acme_flashlog_key key);
/** Steps through the committed keys: *key is {0,0} to start, and holds the next key, in ascending
 * (space, id) order, after ACME_OK. ACME_ERR_NOT_FOUND at the end. */
int32_t acme_flashlog_next(struct acme_flashlog *log, struct acme_flashlog_key *key);
/** Figures for the status page and the tests. */
int32_t acme_flashlog_stat(struct acme_flashlog *log, struct acme_flashlog_stat *stat);

#endif
