/*
 * One bit of a grown store is flipped, each in turn, or one read of an opening gives wrong bytes:
 * all values are there, or the opening says that something is damaged; no value is wrong; and
 * when, after another write, the bit is as it was, everything is there. The stores have the boards'
 * geometries and others; they have seen cuts and compaction; they are plain, sealed, and sealed
 * with a counter. It knows the records and the log under them.
 *
 *   flips [--seconds N] [--seed S] [--geometry G] [--kind K]
 *   flips --geometry G --kind K --at BYTE --bit BIT      repeats one bit
 *
 * Without --seconds all bits and all reads are tried; with it a sample, which the seed chooses. A
 * bit in the last record of the newest sector is like a cut: the state before that record is fine.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <psa/crypto.h>

#include "acme/error.h"
#include "acme_posix.h"
#include "base/entropy.h"
#include "flash_faults.h"
#include "sim_seal.h"
#include "store/record.h"

#define KEYS      10u
#define VALUE_MAX 700u
#define LATER     ACME_KEY(3, 99)

enum kind { PLAIN, SEALED, COUNTED, KINDS };
enum misread { BIT, ONES, ZEROS, NOISE, MISREADS };

static const struct {
    uint32_t size, count, unit, steps;
} shapes[] = {{1024, 24, 4, 150},  {4096, 16, 8, 400}, {131072, 4, 8, 600},
              {4096, 128, 8, 300}, {256, 80, 1, 90},   {1024, 24, 32, 100}};
static const char *const kind_names[] = {"plain", "sealed", "counted"};

static struct flash_sim flash;
static struct flash_faults chip;
static struct acme_store store;
static const struct acme_port port = {.flash = &flash_faults_ops, .flash_ctx = &chip};
static struct acme_config config;
static unsigned long flips, misreads, said, refused, like_a_cut, given_up, losses;

/* What is stored: of each key a number that makes its value; 0: nothing. */
static uint32_t now[KEYS], before[KEYS];
static uint32_t last_from, last_to; /* the last record, by offsets in the area */
static uint32_t counter_now;
static uint64_t state;

static uint32_t draw(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 20);
}

/* Values are short, and of some keys long: as records of accounts, and chunks of chains are. */
static size_t value_of(uint32_t key, uint32_t number, uint8_t *data)
{
    size_t len = key % 4 == 0 ? 300 + number * 7 % 400 : 10 + number * 13 % 120, i;

    len = flash.geometry.sector_size == 256 ? len / 4 : len;
    for (i = 0; i < len; i++) {
        data[i] = (uint8_t)(number * 31u + i * 7u + key);
    }
    return len;
}

static int32_t open_store(void)
{
    flash_sim_power_on(&flash);
    memset(&store, 0, sizeof(store));
    return acme_store_open(&store, &config);
}

static int32_t set(uint32_t key, uint32_t number)
{
    static uint8_t data[VALUE_MAX];
    size_t len = value_of(key, number, data);

    return acme_record_set(&store, ACME_KEY(3, key), data, len);
}

static bool is_value(uint32_t key, uint32_t number)
{
    static uint8_t want[VALUE_MAX], got[VALUE_MAX + 1];
    int32_t n = acme_record_read(&store, ACME_KEY(3, key), 0, got, sizeof(got));
    size_t len = value_of(key, number, want);

    return number == 0 ? n == ACME_ERR_NOT_FOUND : n == (int32_t)len && memcmp(want, got, len) == 0;
}

static bool all_are(const uint32_t *numbers)
{
    uint32_t key = 0;

    while (key < KEYS && is_value(key, numbers[key])) {
        key++;
    }
    return key == KEYS;
}

/* No value that was never there: each is one of those that its key has had, or is missing. */
static bool none_is_wrong(void)
{
    static uint8_t got[VALUE_MAX + 1];
    uint32_t key, number;

    for (key = 0; key < KEYS; key++) {
        int32_t n = acme_record_read(&store, ACME_KEY(3, key), 0, got, sizeof(got));

        for (number = now[key]; n >= 0 && number > 0 && !is_value(key, number); number--) {
        }
        if (n >= 0 && number == 0) {
            return false;
        }
    }
    return true;
}

static void lose(const char *what, const char *how, unsigned long at, unsigned bit)
{
    if (losses++ < 12) {
        printf("flips: LOSS %s: %u sectors of %u bytes, unit %u, %s %lu.%u\n", what,
               flash.geometry.sector_count, flash.geometry.sector_size, flash.geometry.program_size,
               how, at, bit);
    }
}

/* A life of sets and deletions, with resets, and with cuts. Ends with a short value. */
static void grow(unsigned shape, enum kind kind)
{
    static uint8_t data[VALUE_MAX];
    uint32_t step, number = 0, unit;
    struct flash_sim *f = &flash;
    size_t len;

    flash_sim_init(f, shapes[shape].size, shapes[shape].count, shapes[shape].unit, shape + 1);
    flash_faults_init(&chip, f);
    config = sim_seal_board(&port, kind != PLAIN, kind == COUNTED);
    memset(now, 0, sizeof(now));
    sim_seal.counter = 5;
    state = 88172645463325252u + shape * 7u + kind;
    if (open_store() != ACME_OK) {
        lose("it does not open", "step", 0, 0);
    }
    for (step = 0; step <= shapes[shape].steps; step++) {
        uint32_t key = step == shapes[shape].steps ? 1 : draw() % KEYS;
        bool cut = draw() % 11 == 0 && step + 3 < shapes[shape].steps;
        int32_t rc;

        memcpy(before, now, sizeof(now));
        f->cut_at = cut ? f->operations + 1 + draw() % 6 : 0;
        f->cut_kind = (enum flash_sim_cut)(draw() % 3);
        number++;
        rc = set(key, number);
        last_to = store.log.head * shapes[shape].size + store.log.head_offset;
        now[key] = rc == ACME_OK ? number : now[key];
        if (rc != ACME_OK || draw() % 9 == 0) {
            if ((rc != ACME_OK && !f->off) || open_store() != ACME_OK) {
                lose("it does not grow", "step", step, 0);
            }
            now[key] = is_value(key, number) ? number : now[key];
        }
    }
    len = kind == COUNTED ? 0 : value_of(1, number, data) + (kind == SEALED ? 28 : 0);
    unit = shapes[shape].unit;
    last_from = last_to - (24 + (uint32_t)len + unit - 1) / unit * unit;
    counter_now = sim_seal.counter;
    if (open_store() != ACME_OK || !all_are(now)) {
        lose("it has not grown", "step", step, 0);
    }
}

static bool is_said(int32_t rc)
{
    said += rc == ACME_ERR_STORE_CORRUPT ? 1 : 0;
    return rc == ACME_ERR_STORE_CORRUPT;
}

static int32_t lengths[KEYS], lengths_then[KEYS];
static uint8_t values[KEYS][VALUE_MAX + 1], values_then[KEYS][VALUE_MAX + 1];

static void read_all(int32_t length[KEYS], uint8_t value[KEYS][VALUE_MAX + 1])
{
    uint32_t key;

    for (key = 0; key < KEYS; key++) {
        length[key] = acme_record_read(&store, ACME_KEY(3, key), 0, value[key], VALUE_MAX + 1);
    }
}

/* With the bit as it was, what was refused goes well. */
static int32_t reopen_and_write(void)
{
    int32_t rc = open_store();

    return rc == ACME_OK ? acme_record_set(&store, LATER, "later", 5) : rc;
}

/* Gives up what is damaged: all that could be read before can be read, a write goes well, and no
 * opening says anything any more. */
static void give_up(const char *how, unsigned long at, unsigned bit)
{
    uint32_t key;

    read_all(lengths, values);
    if (acme_flashlog_give_up(&store.log) != ACME_OK) {
        lose("it cannot be given up", how, at, bit);
        return;
    }
    if (acme_record_set(&store, LATER, "later", 5) != ACME_OK || open_store() != ACME_OK) {
        lose("what was given up is in the way", how, at, bit);
        return;
    }
    read_all(lengths_then, values_then);
    for (key = 0; key < KEYS; key++) {
        if (lengths[key] >= 0 &&
            (lengths_then[key] != lengths[key] ||
             memcmp(values[key], values_then[key], (size_t)lengths[key]) != 0)) {
            lose("a value that could be read was given up", how, at, bit);
        }
    }
    given_up++;
}

/* Writes once more; then, with the bit as it was, all must be there. Where damage is in the way the
 * write changes nothing, and goes well with the bit as it was. */
static void go_on(const char *how, unsigned long at, unsigned bit, bool flipped)
{
    static struct flash_sim_image *image;
    uint32_t sector = (uint32_t)at / flash.geometry.sector_size, erases = flash.erases[sector];
    int32_t rc = acme_record_set(&store, LATER, "later", 5);
    uint32_t count = sim_seal.counter;
    uint8_t got[8];

    if (rc == ACME_ERR_STORE_CORRUPT && flipped) {
        flash_sim_image_free(image);
        image = flash_sim_save(&flash, NULL);
        give_up(how, at, bit);
        flash_sim_restore(&flash, image);
        sim_seal.counter = count;
    } else if (rc != ACME_OK) {
        lose(acme_error_name(rc), how, at, bit);
        return;
    }
    if (flipped && flash.erases[sector] == erases) {
        flash.data[at] ^= (uint8_t)(1u << bit);
    }
    rc = rc == ACME_OK ? open_store() : reopen_and_write();
    if (rc != ACME_OK && rc != ACME_ERR_STORE_CORRUPT) {
        lose("not to be opened afterwards", how, at, bit);
    } else if (!all_are(now) && !(flipped && at >= last_from && at < last_to && all_are(before))) {
        lose("the next write made it final", how, at, bit);
    } else if (acme_record_read(&store, LATER, 0, got, sizeof(got)) != 5) {
        lose("the write is lost", how, at, bit);
    }
}

static void flip(const struct flash_sim_image *image, unsigned long at, unsigned bit,
                 enum kind kind)
{
    int32_t rc;

    flash_sim_restore(&flash, image);
    sim_seal.counter = counter_now;
    flash.data[at] ^= (uint8_t)(1u << bit);
    rc = open_store();
    flips++;
    if (rc == ACME_OK && !all_are(now)) {
        if (at < last_from || at >= last_to || !all_are(before)) {
            lose("nobody says so", "bit", at, bit);
        }
        like_a_cut++;
        return;
    }
    if (kind != PLAIN && (rc == ACME_ERR_STORE_SEAL || rc == ACME_ERR_STORE_ROLLBACK)) {
        refused++; /* what it was is left as it is */
        return;
    }
    if (rc != ACME_OK && (!is_said(rc) || !none_is_wrong())) {
        lose(acme_error_name(rc), "bit", at, bit);
        return;
    }
    go_on("bit", at, bit, true);
}

/* The n-th read gives something else, once. */
static uint32_t wrong_at, wrong_reads;
static enum misread wrong_how;

static int32_t misreading(void *ctx, uint32_t offset, void *data, size_t len)
{
    int32_t rc = flash_faults_ops.read(ctx, offset, data, len);
    uint8_t *bytes = data;
    size_t i;

    if (++wrong_reads != wrong_at || len == 0) {
        return rc;
    }
    if (wrong_how == BIT) {
        bytes[draw() % len] ^= (uint8_t)(1u << draw() % 8);
    }
    for (i = 0; i < len && wrong_how != BIT; i++) {
        bytes[i] = wrong_how == ONES ? 0xff : wrong_how == ZEROS ? 0 : (uint8_t)draw();
    }
    return rc;
}

/* Returns false when there was no such read. */
static bool misread(const struct flash_sim_image *image, uint32_t n, enum misread how)
{
    struct acme_flash_ops ops = flash_faults_ops;
    struct acme_port wrong = port;
    struct acme_config right = config;
    int32_t rc;

    flash_sim_restore(&flash, image);
    sim_seal.counter = counter_now;
    ops.read = misreading;
    wrong.flash = &ops;
    config.port = &wrong;
    wrong_at = n;
    wrong_reads = 0;
    wrong_how = how;
    rc = open_store();
    config = right;
    if (wrong_reads < n) {
        return false;
    }
    misreads++;
    store.log.ops = &flash_faults_ops;
    if (rc != ACME_OK && !is_said(rc)) {
        lose(acme_error_name(rc), "read", n, how);
    } else if (!all_are(now)) {
        lose("a value is gone", "read", n, how);
    } else {
        go_on("read", n % (flash.geometry.sector_size * flash.geometry.sector_count), how, false);
    }
    return true;
}

static void all_misreads(const struct flash_sim_image *image, uint32_t from, uint32_t stride,
                         time_t end)
{
    uint32_t n = from, how;
    bool more = true;

    for (; more && (end == 0 || time(NULL) < end); n += stride) {
        for (how = 0; how < MISREADS && more; how++) {
            more = misread(image, n, (enum misread)how);
        }
    }
}

/* All bits, or as many of a scattered row as there is time for. */
static void all_flips(const struct flash_sim_image *image, enum kind kind, time_t end)
{
    unsigned long bits = 8ul * flash.geometry.sector_size * flash.geometry.sector_count, i;
    unsigned long at = end == 0 ? 0 : draw() % bits;

    for (i = 0; i < bits && (end == 0 || time(NULL) < end); i++) {
        flip(image, at / 8, at % 8, kind);
        at = (at + (end == 0 ? 1 : 1000003)) % bits;
    }
}

/* One store; how long for its bits, and for its reads. */
static void one(unsigned shape, enum kind kind, unsigned long seconds, unsigned long seed)
{
    unsigned long flips_before = flips, misreads_before = misreads;
    struct flash_sim_image *image;

    grow(shape, kind);
    image = flash_sim_save(&flash, NULL);
    state = 88172645463325252u + seed * 2654435761u;
    all_misreads(image, seconds == 0 ? 1 : 1 + draw() % 7, seconds == 0 ? 1 : 7,
                 seconds == 0 ? 0 : time(NULL) + (time_t)seconds);
    all_flips(image, kind, seconds == 0 ? 0 : time(NULL) + (time_t)seconds);
    flash_sim_image_free(image);
    printf("flips: %u sectors of %u bytes, unit %u, %s: %lu bits, %lu misreads\n",
           shapes[shape].count, shapes[shape].size, shapes[shape].unit, kind_names[kind],
           flips - flips_before, misreads - misreads_before);
}

static int repeat(unsigned shape, enum kind kind, unsigned long at, unsigned bit)
{
    struct flash_sim_image *image;

    grow(shape, kind);
    image = flash_sim_save(&flash, NULL);
    flip(image, at, bit, kind);
    flash_sim_image_free(image);
    printf("flips: the last record is at %u to %u; %lu losses\n", last_from, last_to, losses);
    return losses == 0 ? 0 : 1;
}

static bool set_up(void)
{
    static const uint8_t bytes[32] = {0x42};

    acme_entropy_bind(&acme_posix_entropy_ops, NULL);
    return psa_crypto_init() == PSA_SUCCESS && sim_seal_import(PSA_KEY_TYPE_AES, bytes);
}

int main(int argc, char **argv)
{
    unsigned long seconds = 0, seed = (unsigned long)time(NULL);
    int geometry = -1, only_kind = -1, i, kind;
    unsigned long at = ULONG_MAX, bit = 0;
    unsigned shape;

    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    for (i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--seconds") == 0) {
            seconds = strtoul(argv[i + 1], NULL, 10);
        } else if (strcmp(argv[i], "--seed") == 0) {
            seed = strtoul(argv[i + 1], NULL, 10);
        } else if (strcmp(argv[i], "--geometry") == 0) {
            geometry = atoi(argv[i + 1]);
        } else if (strcmp(argv[i], "--kind") == 0) {
            only_kind = atoi(argv[i + 1]);
        } else if (strcmp(argv[i], "--at") == 0) {
            at = strtoul(argv[i + 1], NULL, 10);
        } else if (strcmp(argv[i], "--bit") == 0) {
            bit = strtoul(argv[i + 1], NULL, 10);
        } else {
            break;
        }
    }
    if (i < argc || !set_up()) {
        fprintf(stderr, "usage: flips [--seconds N] [--seed S] [--geometry G] [--kind K]\n");
        return 2;
    }
    if (at != ULONG_MAX && geometry >= 0 && only_kind >= 0) {
        return repeat((unsigned)geometry, (enum kind)only_kind, at, (unsigned)bit);
    }
    printf("flips: seed %lu\n", seed);
    for (shape = 0; shape < sizeof(shapes) / sizeof(shapes[0]); shape++) {
        for (kind = 0; kind < KINDS; kind++) {
            if ((geometry < 0 || (unsigned)geometry == shape) &&
                (only_kind < 0 || only_kind == kind)) {
                one(shape, (enum kind)kind, seconds, seed);
            }
        }
    }
    printf(
        "flips: %lu bits, %lu misreads; %lu said, %lu of them in the way of a write and given up, "
        "%lu refused, %lu like a cut; %lu losses\n",
        flips, misreads, said, given_up, refused, like_a_cut, losses);
    return losses == 0 ? 0 : 1;
}
