/*
 * A store that has grown, of each kind and of several shapes, in which one place of the flash then
 * turns: all values are there, or it is said that something is damaged, and no value is one that
 * was never written. What could be read can be read after the next write and a reset, too. Only the
 * last record of all may be taken for one that a cut has left: then there is all that was before.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "sealed.h"

#define KEYS      6u
#define DATA_MAX  300u
#define CHANGES   120u
#define KEY_OF(i) ACME_KEY(ACME_SPACE_SCHEDULE, i)
#define WITNESS   ACME_KEY(ACME_SPACE_TIME, 7)

struct value {
    bool there;
    uint8_t number; /* of the change that wrote it */
    uint16_t len;
};

static struct value now[KEYS], before[KEYS];
static uint16_t lens[CHANGES + 1]; /* by change; 0: it wrote no value */
static uint8_t keys[CHANGES + 1];
static uint32_t last_at; /* the last record of all, in flash */

static void make(uint8_t *data, uint8_t number, uint16_t len)
{
    memset(data, number ^ 0x5a, len);
    data[0] = number;
}

/* ---- growing ---- */

static void note_last(void)
{
    const struct acme_flashlog *log = &store.log;
    uint32_t unit = log->geometry.program_size;

    last_at =
        log->head * log->geometry.sector_size + log->head_offset - (24 + unit - 1) / unit * unit;
}

static void change(struct script *s, uint8_t number)
{
    uint8_t what = script_byte(s), i = what % KEYS, data[DATA_MAX];
    struct value v = {what % 16u < 13u, number, (uint16_t)(script_word(s) % DATA_MAX + 1u)};
    int32_t rc;

    make(data, number, v.len);
    if (v.there) {
        rc = acme_record_set(&store, KEY_OF(i), data, v.len);
    } else {
        rc = acme_store_remove(&store, ACME_SPACE_SCHEDULE, i);
    }
    CHECK(rc == ACME_OK || rc == ACME_ERR_STORE_FULL);
    if (rc != ACME_OK || (!v.there && !now[i].there)) {
        return;
    }
    memcpy(before, now, sizeof(before));
    now[i] = v;
    lens[number] = v.there ? v.len : 0;
    keys[number] = i;
    note_last();
}

static void grow(struct script *s)
{
    uint8_t count = script_byte(s) % CHANGES, n;

    memset(now, 0, sizeof(now));
    memset(before, 0, sizeof(before));
    memset(lens, 0, sizeof(lens));
    last_at = UINT32_MAX;
    CHECK(sealed_open() == ACME_OK);
    for (n = 1; n <= count && s->len > 0; n++) {
        if (script_byte(s) % 8 == 0) {
            CHECK(sealed_open() == ACME_OK);
        }
        change(s, n);
    }
}

/* ---- reading ---- */

/* The value of a key, or what a read says: a value must have been written at some time. */
static int32_t look(uint8_t i, struct value *v)
{
    uint8_t data[DATA_MAX + 1], want[DATA_MAX];
    int32_t n = acme_record_read(&store, KEY_OF(i), 0, data, sizeof(data));

    memset(v, 0, sizeof(*v));
    CHECK(n > 0 || n == ACME_ERR_NOT_FOUND || n == ACME_ERR_STORE_CORRUPT);
    if (n <= 0) {
        return n;
    }
    v->there = true;
    v->number = data[0];
    v->len = (uint16_t)n;
    CHECK(data[0] >= 1 && data[0] <= CHANGES && keys[data[0]] == i && lens[data[0]] == n);
    make(want, data[0], v->len);
    CHECK(memcmp(data, want, v->len) == 0);
    return ACME_OK;
}

static bool is_same(const struct value *a, const struct value *b)
{
    return a->there == b->there && (!a->there || a->number == b->number);
}

/* Each is there, but for those of which it is said that they are damaged. */
static bool holds(const struct value *all)
{
    uint8_t i;

    for (i = 0; i < KEYS; i++) {
        struct value v;
        int32_t rc = look(i, &v);

        if (rc != ACME_ERR_STORE_CORRUPT && !is_same(&v, &all[i])) {
            return false;
        }
    }
    return true;
}

/* ---- one place turns ---- */

static uint32_t turn(struct script *s, uint32_t size)
{
    uint32_t at = ((uint32_t)script_word(s) << 16 | script_word(s)) % size;
    uint8_t mask = script_byte(s);

    /* Mostly where something is. */
    while (mask % 4 != 0 && flash.data[at] == 0xff && flash.data[(at + 1) % size] == 0xff) {
        at = (at + 1) % size;
        mask = (uint8_t)(at == 0 ? 0 : mask);
    }
    flash.data[at] ^= mask != 0 ? mask : 1;
    return at;
}

/* The log goes on in what is left, and loses nothing more by that. */
static void go_on(void)
{
    struct value seen[KEYS], v;
    int32_t rcs[KEYS], rc;
    char out[8];
    uint8_t i;

    for (i = 0; i < KEYS; i++) {
        rcs[i] = look(i, &seen[i]);
    }
    rc = acme_record_set(&store, WITNESS, "seven", 5);
    if (rc == ACME_ERR_STORE_CORRUPT) { /* as long as nobody gives up what is damaged */
        CHECK(acme_record_set(&store, WITNESS, "seven", 5) == ACME_ERR_STORE_CORRUPT);
        CHECK(acme_place_give_up(&store) == ACME_OK);
        rc = acme_record_set(&store, WITNESS, "seven", 5);
    }
    CHECK(rc == ACME_OK || rc == ACME_ERR_STORE_FULL);
    if (rc == ACME_OK) {
        CHECK(acme_record_read(&store, WITNESS, 0, out, sizeof(out)) == 5);
        rc = sealed_open();
        CHECK(rc == ACME_OK || rc == ACME_ERR_STORE_CORRUPT);
        CHECK(acme_record_read(&store, WITNESS, 0, out, sizeof(out)) == 5);
        CHECK(memcmp(out, "seven", 5) == 0);
    }
    for (i = 0; i < KEYS; i++) {
        CHECK(look(i, &v) == ACME_OK ? rcs[i] == ACME_OK && is_same(&v, &seen[i])
                                     : rcs[i] != ACME_OK);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint32_t shapes[][3] = {
        {256, 12, 4}, {1024, 6, 4}, {512, 8, 1}, {4096, 4, 8}, {2048, 3, 32}};
    struct script s = {data, size};
    uint8_t first = script_byte(&s);
    const uint32_t *shape = shapes[first / SEALED_KINDS % (sizeof(shapes) / sizeof(shapes[0]))];
    enum sealed_kind kind = (enum sealed_kind)(first % SEALED_KINDS);
    uint32_t at, unit = shape[2];
    bool last;
    int32_t rc;

    sealed_blank(kind, shape[0], shape[1], unit);
    grow(&s);
    at = turn(&s, shape[0] * shape[1]);
    last = at >= last_at && at < last_at + (24 + unit - 1) / unit * unit;
    flash_sim_power_on(&flash);
    rc = sealed_open();
    CHECK(flash.operations == 0 || kind != SEALED_NOT); /* a damaged state is written anew */
    if (kind == SEALED_AND_COUNTED && rc == ACME_ERR_STORE_ROLLBACK) {
        return 0; /* closed, and left as it is: nobody can tell how old it is */
    }
    CHECK(rc == ACME_OK || rc == ACME_ERR_STORE_CORRUPT);
    if (rc == ACME_OK) {
        CHECK(holds(now) || (last && holds(before)));
    }
    go_on();
    CHECK(!flash.violation);
    return 0;
}
