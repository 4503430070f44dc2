/*
 * A record back end (acme/record.h): for a chip that is written byte by byte and does not wear,
 * FRAM or MRAM, where a log would be a waste. All records are one image, kept in RAM and twice in
 * the chip; a batch is made in RAM, written whole to the place that does not count, and counts from
 * the write of its head on, which is last and has number and checksum. So a cut at any byte leaves
 * the image before or the image after.
 *
 * An image is: head (magic, CRC-32 of all that follows, number, length), then records: key, length,
 * value.
 */
#include "fram_records.h"

#include <stddef.h>
#include <string.h>

#define MAGIC 0x314D5246u /* "FRM1" */

struct head {
    uint32_t magic, crc, number, len;
};

struct entry {
    uint64_t key;
    uint32_t len, reserved;
};

#define FIRST   ((uint32_t)sizeof(struct head))
#define COUNTED ((uint32_t)offsetof(struct head, number)) /* by the checksum, from here on */

static struct head head_of(const uint8_t *image)
{
    struct head h;

    memcpy(&h, image, sizeof(h));
    return h;
}

static uint32_t crc32(const uint8_t *data, size_t len)
{
    uint32_t crc = UINT32_MAX;

    while (len-- > 0) {
        crc ^= *data++;
        for (int bit = 0; bit < 8; bit++) {
            crc = (crc >> 1) ^ (0xEDB88320u & (0u - (crc & 1u)));
        }
    }
    return ~crc;
}

/* Where the entry behind one at this place is; the end of the image at the latest. */
static uint32_t behind(const uint8_t *image, uint32_t at)
{
    struct entry e;

    memcpy(&e, image + at, sizeof(e));
    return at + (uint32_t)sizeof(e) + e.len;
}

/* The place of a key's entry, or 0. */
static uint32_t find(const uint8_t *image, uint64_t key, struct entry *e)
{
    uint32_t end = FIRST + head_of(image).len, at;

    for (at = FIRST; at < end; at = behind(image, at)) {
        memcpy(e, image + at, sizeof(*e));
        if (e->key == key) {
            return at;
        }
    }
    return 0;
}

static void set_len(uint8_t *image, uint32_t len)
{
    struct head h = head_of(image);

    h.len = len;
    memcpy(image, &h, sizeof(h));
}

/* ---- the chip ---- */

static bool is_good(const uint8_t *image)
{
    struct head h = head_of(image);

    return h.magic == MAGIC && h.len <= FRAM_IMAGE - FIRST &&
           h.crc == crc32(image + COUNTED, FIRST - COUNTED + h.len);
}

static int32_t open_records(void *ctx)
{
    struct fram_records *f = ctx;
    bool first, second;

    f->in_batch = false;
    if (!f->read(f->bus, 0, f->image, FRAM_IMAGE) ||
        !f->read(f->bus, FRAM_IMAGE, f->next, FRAM_IMAGE)) {
        return ACME_ERR_STORE_IO;
    }
    first = is_good(f->image);
    second = is_good(f->next);
    f->place = 0;
    if (second && (!first || (int32_t)(head_of(f->next).number - head_of(f->image).number) > 0)) {
        memcpy(f->image, f->next, FRAM_IMAGE);
        f->place = 1;
    } else if (!first) { /* a new chip */
        const struct head empty = {.magic = MAGIC};

        memcpy(f->image, &empty, sizeof(empty));
    }
    return ACME_OK;
}

static int32_t commit(void *ctx)
{
    struct fram_records *f = ctx;
    struct head h = head_of(f->next);
    uint8_t place = f->place ^ 1u;
    uint32_t base = place * FRAM_IMAGE;
    static const struct head none = {0, 0, 0, 0};

    if (!f->in_batch) {
        return ACME_ERR_STATE;
    }
    f->in_batch = false;
    h.number++;
    memcpy(f->next, &h, sizeof(h));
    h.crc = crc32(f->next + COUNTED, FIRST - COUNTED + h.len);
    memcpy(f->next, &h, sizeof(h));
    /* Body first: while it is written, a head that counts must not be there. */
    if (!f->write(f->bus, base, &none, sizeof(none)) ||
        !f->write(f->bus, base + FIRST, f->next + FIRST, h.len) ||
        !f->write(f->bus, base, &h, sizeof(h))) {
        return ACME_ERR_STORE_IO;
    }
    memcpy(f->image, f->next, FRAM_IMAGE);
    f->place = place;
    return ACME_OK;
}

/* ---- a batch ---- */

static int32_t begin(void *ctx, size_t len, size_t count)
{
    struct fram_records *f = ctx;

    if (f->in_batch) {
        return ACME_ERR_STATE;
    }
    /* Letting values go takes no room: the batch is made beside what counts. */
    if (len > 0 &&
        (len > FRAM_IMAGE || count > FRAM_IMAGE / sizeof(struct entry) ||
         len + count * sizeof(struct entry) > FRAM_IMAGE - FIRST - head_of(f->image).len)) {
        return ACME_ERR_STORE_FULL;
    }
    memcpy(f->next, f->image, FRAM_IMAGE);
    f->in_batch = true;
    return ACME_OK;
}

static int32_t remove_record(void *ctx, uint64_t key)
{
    struct fram_records *f = ctx;
    uint32_t len = head_of(f->next).len, at, end;
    struct entry e;

    if (!f->in_batch) {
        return ACME_ERR_STATE;
    }
    at = find(f->next, key, &e);
    if (at != 0) {
        end = behind(f->next, at);
        memmove(f->next + at, f->next + end, FIRST + len - end);
        set_len(f->next, len - (end - at));
    }
    return ACME_OK;
}

static int32_t put(void *ctx, uint64_t key, const void *data, size_t len)
{
    struct fram_records *f = ctx;
    const struct entry e = {key, (uint32_t)len, 0};
    int32_t rc = remove_record(f, key);
    uint32_t at = FIRST + head_of(f->next).len;

    if (rc != ACME_OK) {
        return rc;
    }
    if (len > FRAM_IMAGE - sizeof(e) || at > FRAM_IMAGE - sizeof(e) - len) {
        return ACME_ERR_STORE_FULL;
    }
    memcpy(f->next + at, &e, sizeof(e));
    memcpy(f->next + at + sizeof(e), data, len);
    set_len(f->next, at - FIRST + (uint32_t)(sizeof(e) + len));
    return ACME_OK;
}

static void abort_batch(void *ctx)
{
    ((struct fram_records *)ctx)->in_batch = false;
}

/* ---- reading ---- */

static int32_t read_record(void *ctx, uint64_t key, size_t offset, void *data, size_t size)
{
    const struct fram_records *f = ctx;
    struct entry e;
    uint32_t at = find(f->image, key, &e);
    size_t len;

    if (at == 0) {
        return ACME_ERR_NOT_FOUND;
    }
    if (offset >= e.len) {
        return 0;
    }
    len = e.len - offset < size ? e.len - offset : size;
    if (data != NULL) {
        memcpy(data, f->image + at + sizeof(e) + offset, len);
    }
    return (int32_t)len;
}

static int32_t next(void *ctx, uint64_t *key)
{
    const struct fram_records *f = ctx;
    uint32_t end = FIRST + head_of(f->image).len, at;
    uint64_t best = UINT64_MAX;
    bool found = false;
    struct entry e;

    for (at = FIRST; at < end; at = behind(f->image, at)) {
        memcpy(&e, f->image + at, sizeof(e));
        if (e.key > *key && e.key <= best) {
            best = e.key;
            found = true;
        }
    }
    if (!found) {
        return ACME_ERR_NOT_FOUND;
    }
    *key = best;
    return ACME_OK;
}

const struct acme_record_ops fram_records_ops = {.open = open_records,
                                                 .begin = begin,
                                                 .put = put,
                                                 .remove = remove_record,
                                                 .commit = commit,
                                                 .abort = abort_batch,
                                                 .read = read_record,
                                                 .next = next};
