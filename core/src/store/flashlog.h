/*
 * The power-safe log: small values under 64-bit keys on NOR flash, with atomic batches of changes.
 * After a power cut at any program or erase, a reader sees the state before a batch or after it,
 * never between. It knows flash_ops and nothing of what the values mean. See docs/store_format.md
 * for the format. Functions may take as long as the flash driver does.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "acme/config.h"
#include "acme/port.h"

/** A key: the space separates the owners (see store.h; 1 to 14, 15 is the log's own), the id is
 * theirs and has 60 bits. */
#define ACME_KEY(space, id) ((uint64_t)(space) << 60 | (id))
#define ACME_KEY_ID_MAX     (((uint64_t)1 << 60) - 1)
#define ACME_KEY_SPACE(key) ((uint8_t)((key) >> 60))
#define ACME_KEY_ID(key)    ((key)&ACME_KEY_ID_MAX)

#define ACME_FLASHLOG_SECTORS_MAX 4095u
/** A multiple of every program unit, and more than a record's head. */
#define ACME_FLASHLOG_CHUNK 64u

/** A mounted log. The caller owns the memory and does not look inside. */
struct acme_flashlog {
    /* What is on its way to or from the flash, keys too: here, to be wiped when a call ends. */
    uint8_t chunk[ACME_FLASHLOG_CHUNK];
    const struct acme_flash_ops *ops;
    void *ctx;
    struct acme_flash_geometry geometry;
    uint32_t start, end;  /* of records in a sector; a FREED mark may lie behind the end */
    uint32_t record_max;  /* bytes of the largest record */
    uint32_t head;        /* physical index of the sector being written */
    uint32_t head_offset; /* next free byte in it; sector_size: closed */
    uint32_t head_seq;    /* its sequence number; 0: there is none */
    uint32_t next_seq;    /* no sector has it, or a higher one */
    uint32_t freed_seq;   /* sectors with sequence numbers up to this one hold nothing needed */
    uint32_t version;     /* of the newest batch */
    uint32_t oldest;      /* physical index of the oldest sector in use, as last found: a hint */
    uint32_t bad; /* the last two unusable sectors: 12 bits each, physical index + 1; 0: none */
    bool in_batch;
#if defined(CONFIG_ACME_STORE_SEAL)
    bool sealed; /* the area is marked so, and differs in that from one that is not */
#endif
    bool read_failed; /* during the call under way */
    bool foreign;     /* a sector of another format was met */
    bool damaged;     /* a record or sector was found damaged by the last mount or read */
    bool refused;     /* a write was, for damage, and none has been given up since */
};

struct acme_flashlog_stat {
    uint32_t capacity_bytes; /* what live values with overhead may take */
    uint32_t live_bytes;     /* what they take now, with overhead */
    uint32_t sectors_free;
    uint32_t sectors_bad;
    uint32_t erases_min, erases_max; /* erase counts over the sectors with a valid header */
    uint32_t erases_total;
};

/** Mounts; writes nothing. A blank area (all sectors without a valid header and without foreign
 * data) mounts as empty. ACME_OK, ACME_ERR_STORE_IO, ACME_ERR_STORE_GEOMETRY,
 * ACME_ERR_STORE_VERSION (a newer format), ACME_ERR_STORE_FORMAT (not ours: acme_flashlog_format),
 * ACME_ERR_STORE_CORRUPT (mounted, readable, but something is missing: .damaged is set). */
int32_t acme_flashlog_mount(struct acme_flashlog *log, const struct acme_flash_ops *ops, void *ctx);

/** The same for an area whose values are sealed; only with CONFIG_ACME_STORE_SEAL. Each refuses
 * what the other has written: ACME_ERR_STORE_VERSION. */
int32_t acme_flashlog_mount_sealed(struct acme_flashlog *log, const struct acme_flash_ops *ops,
                                   void *ctx);

/** Erases every sector; the log is mounted empty afterwards. */
int32_t acme_flashlog_format(struct acme_flashlog *log, const struct acme_flash_ops *ops,
                             void *ctx);

/** Opens a batch and makes room for values of data_len bytes in all, in value_count values or
 * deletions; compaction happens here and only here. One without bytes is of deletions, which may
 * take what values leave free: a full store can always let something go. ACME_ERR_STORE_FULL,
 * ACME_ERR_STORE_IO; ACME_ERR_STORE_CORRUPT: there is room only where something is damaged. All
 * stays as it is until that can be read again, or acme_flashlog_give_up is called. */
int32_t acme_flashlog_begin(struct acme_flashlog *log, size_t data_len, size_t value_count);
#if defined(CONFIG_ACME_STORE_ROLLBACK)
/** The same for deletions that come with a sealed store's count, which replaces the one before. */
int32_t acme_flashlog_begin_counted(struct acme_flashlog *log, size_t data_len, size_t count);
#endif
/** Adds a value to the open batch; not visible before commit. A batch names a key once only. */
int32_t acme_flashlog_put(struct acme_flashlog *log, uint64_t key, const void *data, size_t len);
/** Adds a deletion to the open batch. Deleting what is not there is fine. */
int32_t acme_flashlog_delete(struct acme_flashlog *log, uint64_t key);
/** Makes the batch visible and durable, atomically. */
int32_t acme_flashlog_commit(struct acme_flashlog *log);
/** Gives up what is damaged: moves what can be read in the damaged sectors, and in all older ones,
 * and frees them. What cannot be read is gone then. Takes long. ACME_OK: nothing is damaged any
 * more; ACME_ERR_STATE: a batch is open; ACME_ERR_STORE_FULL: there is no room to move anything;
 * ACME_ERR_STORE_IO. */
int32_t acme_flashlog_give_up(struct acme_flashlog *log);
/** Forgets the open batch. */
void acme_flashlog_abort(struct acme_flashlog *log);
/** begin, put, commit in one: for a single value. */
int32_t acme_flashlog_set(struct acme_flashlog *log, uint64_t key, const void *data, size_t len);

/** Reads up to size bytes of a committed value from offset on; with data NULL it only counts them.
 * Returns their number (0 at or past the end), ACME_ERR_NOT_FOUND, ACME_ERR_STORE_CORRUPT,
 * ACME_ERR_STORE_IO. */
int32_t acme_flashlog_read(struct acme_flashlog *log, uint64_t key, size_t offset, void *data,
                           size_t size);
/** Steps through the committed keys: *key is 0 to start, and holds the next key, in ascending
 * order, after ACME_OK. ACME_ERR_NOT_FOUND at the end. */
int32_t acme_flashlog_next(struct acme_flashlog *log, uint64_t *key);
/** Figures for the status page and the tests. */
int32_t acme_flashlog_stat(struct acme_flashlog *log, struct acme_flashlog_stat *stat);

/** The length of a committed value (>= 0), or the errors of read. */
static inline int32_t acme_flashlog_length(struct acme_flashlog *log, uint64_t key)
{
    return acme_flashlog_read(log, key, 0, NULL, SIZE_MAX);
}
