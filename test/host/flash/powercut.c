/*
 * The power-cut runner: drives the real flash log over the simulated flash, cuts at every
 * operation of scripted lives, and at every pair of operations near one another, mounts again, and
 * holds what it reads against a model; once with a chip that cannot read what a cut has left half
 * done. Then faults: each read, program and erase fails once, or lies once; sectors go bad, or wear
 * out, also with cuts. It knows the log's interface only. "powercut [--seconds N] [--seed S]" adds
 * a long random run, "--geometry G" has one of the geometries, "powercut --every-read" fails each
 * read instead of each 37th, "powercut
 * --first-loss" ends with the first geometry that has a loss.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "acme/error.h"
#include "store/flashlog.h"
#include "flash_faults.h"

#define KEYS       6
#define STEPS      24
#define WORN_STEPS 200
#define VALUE_MAX  700
#define KIND_WORN  31 /* how a loss by a cut and a sector that fails is reported */

struct model {
    bool there[KEYS];
    uint32_t tag[KEYS]; /* value contents are derived from this */
    uint16_t len[KEYS];
};

static struct flash_sim flash;
static struct flash_faults chip;
static bool ecc;
static uint32_t keys = KEYS;      /* of the values, which are long where it is less */
static uint32_t read_stride = 37; /* of the reads that fail; --every-read: 1 */
static unsigned long cuts, pairs, faults, worn, worn_cuts, retired, unborn, losses, runs;
static bool first_only; /* end with the first loss */

static void value_of(uint32_t tag, uint8_t *data, size_t len)
{
    size_t i;

    for (i = 0; i < len; i++) {
        data[i] = (uint8_t)(tag * 31u + i * 7u + (tag >> 8));
    }
}

static uint32_t mix(uint32_t a, uint32_t b)
{
    uint32_t x = a * 2654435761u ^ (b + 0x9e3779b9u);

    x ^= x >> 15;
    x *= 2246822519u;
    return x ^ (x >> 13);
}

static uint16_t value_len(uint32_t r)
{
    /* What is live must fit, with the overhead of large program units in small sectors. */
    uint32_t share = flash.geometry.program_size * 8 >= flash.geometry.sector_size ? 64 : 36;
    uint32_t limit = flash.geometry.sector_size * (flash.geometry.sector_count - 1) / share;

    if (keys < KEYS) { /* several fragments */
        return (uint16_t)(300 + r % 200);
    }
    return (uint16_t)(r % (limit > VALUE_MAX ? VALUE_MAX : limit));
}

/* Applies step number `step` of script `seed` to the log (when log is not NULL) and the model. */
static int32_t apply(struct acme_flashlog *log, struct model *m, uint32_t seed, uint32_t step)
{
    static uint8_t data[VALUE_MAX];
    uint32_t r = mix(seed, step);
    uint32_t k = r % keys, count = 1 + (r >> 8) % 3, i;
    int32_t rc = ACME_OK;

    if (keys == KEYS && (r >> 4) % 4 == 0) { /* a batch over several keys */
        if (log != NULL && (rc = acme_flashlog_begin(log, 3 * VALUE_MAX / 4, count)) != ACME_OK) {
            return rc;
        }
        for (i = 0; i < count && rc == ACME_OK; i++) {
            uint32_t key = (k + i) % keys, tag = mix(r, i);
            uint16_t len = (uint16_t)(value_len(tag) / 4);

            value_of(tag, data, len);
            m->there[key] = (tag & 3) != 0;
            m->tag[key] = tag;
            m->len[key] = len;
            if (log != NULL && m->there[key]) {
                rc = acme_flashlog_put(log, ACME_KEY(3, key), data, len);
            } else if (log != NULL) {
                rc = acme_flashlog_delete(log, ACME_KEY(3, key));
            }
        }
        if (log == NULL) {
            return ACME_OK;
        }
        if (rc != ACME_OK) {
            acme_flashlog_abort(log);
            return rc;
        }
        return acme_flashlog_commit(log);
    }
    m->there[k] = true;
    m->tag[k] = r;
    m->len[k] = value_len(r >> 3);
    value_of(r, data, m->len[k]);
    return log == NULL ? ACME_OK : acme_flashlog_set(log, ACME_KEY(3, k), data, m->len[k]);
}

static bool matches(struct acme_flashlog *log, const struct model *m)
{
    static uint8_t want[VALUE_MAX], got[VALUE_MAX + 1];
    uint32_t k;

    for (k = 0; k < KEYS; k++) {
        uint64_t key = ACME_KEY(3, k);
        int32_t n = acme_flashlog_read(log, key, 0, got, sizeof(got));

        if (!m->there[k]) {
            if (n != ACME_ERR_NOT_FOUND) {
                return false;
            }
            continue;
        }
        value_of(m->tag[k], want, m->len[k]);
        if (n != m->len[k] || memcmp(want, got, m->len[k]) != 0 ||
            acme_flashlog_length(log, key) != n) {
            return false;
        }
    }
    return true;
}

static void lose(const char *what, uint32_t seed, uint32_t step, uint32_t cut, int kind)
{
    losses++;
    if (losses <= 10) {
        printf("powercut: LOSS %s: sector %u x %u, unit %u, script %u, step %u, cut %u kind %d\n",
               what, flash.geometry.sector_size, flash.geometry.sector_count,
               flash.geometry.program_size, seed, step, cut, kind);
    }
}

static bool is_empty(const struct model *m)
{
    uint32_t k = 0;

    while (k < KEYS && !m->there[k]) {
        k++;
    }
    return k == KEYS;
}

/* After a cut: mounts, and finds the state before or after the step; then life goes on. */
static bool recover(struct acme_flashlog *log, const struct model *before, struct model *m,
                    uint32_t seed, uint32_t step, uint32_t cut, int kind)
{
    int32_t rc;

    flash_sim_power_on(&flash);
    rc = acme_flashlog_mount(log, &flash_faults_ops, &chip);
    if (rc == ACME_ERR_STORE_FORMAT && kind == KIND_WORN && is_empty(before)) {
        unborn++; /* sector 0 failed, and another one is half erased: nothing was stored yet */
        return false;
    }
    if (rc != ACME_OK) {
        lose(acme_error_name(rc), seed, step, cut, kind);
        return false;
    }
    if (matches(log, before)) {
        *m = *before;
    } else if (!matches(log, m)) {
        lose("neither the state before nor after", seed, step, cut, kind);
        return false;
    }
    return true;
}

/* One life: the script from a blank flash, with power cut at operation `cut` of the whole life, and
 * again `second` operations after (0: no second cut). Returns false when the life had no such
 * operation. */
static bool life(uint32_t size, uint32_t count, uint32_t unit, uint32_t seed, uint32_t cut,
                 int kind, uint32_t second)
{
    struct acme_flashlog log;
    struct model m, before;
    uint32_t step;
    bool was_cut = false;

    memset(&m, 0, sizeof(m));
    flash_sim_init(&flash, size, count, unit, seed * 1000003u + cut);
    flash_faults_init(&chip, &flash);
    chip.ecc = ecc;
    if (acme_flashlog_mount(&log, &flash_faults_ops, &chip) != ACME_OK) {
        lose("a blank flash does not mount", seed, 0, cut, kind);
        return false;
    }
    flash.cut_at = cut;
    flash.cut_kind = (enum flash_sim_cut)kind;
    for (step = 0; step < (keys == KEYS ? STEPS : 10); step++) {
        int32_t rc;

        before = m;
        rc = apply(&log, &m, seed, step);
        if (rc == ACME_OK && !flash.off) {
            continue;
        }
        if (!flash.off && rc == ACME_ERR_STORE_FULL) {
            m = before; /* refused as a whole */
            if (!matches(&log, &m)) {
                lose("a refused batch left its traces", seed, step, cut, kind);
            }
            continue;
        }
        if (!flash.off) {
            lose(acme_error_name(rc), seed, step, cut, kind);
            return false; /* it fails without a cut: no other cut point tells more */
        }
        was_cut = true;
        cuts++;
        if (!recover(&log, &before, &m, seed, step, cut, kind)) {
            return true;
        }
        if (second != 0) {
            pairs++;
            flash.cut_at = second;
            flash.cut_kind = (enum flash_sim_cut)((kind + 1) % FLASH_SIM_CUTS);
            second = 0;
        }
    }
    if (flash.violation) {
        lose("the rules of the flash were broken", seed, step, cut, kind);
    }
    if (!matches(&log, &m)) {
        lose("the end of the life differs", seed, step, cut, kind);
    }
    runs++;
    return was_cut;
}

static void linear(uint32_t size, uint32_t count, uint32_t unit, uint32_t seed)
{
    int kind;

    for (kind = 0; kind < FLASH_SIM_CUTS; kind++) {
        uint32_t cut = 1, second;

        while (life(size, count, unit, seed, cut, kind, 0)) {
            for (second = 1; second <= (seed == 1 && kind == 1 ? 8u : cut % 7 == 0); second++) {
                (void)life(size, count, unit, seed, cut, kind, second);
            }
            cut++;
        }
    }
}

/* ---- faults ---- */

enum fault {
    FAULT_READ,
    FAULT_PROGRAM,
    FAULT_ERASE,
    FAULT_FLIP,
    FAULT_LYING_PROGRAM,
    FAULT_LYING_ERASE,
    FAULT_COUNT
};

static bool arm(enum fault fault, uint32_t n)
{
    flash.fail_read_at = fault == FAULT_READ ? n : 0;
    flash.fail_program_at = fault == FAULT_PROGRAM ? n : 0;
    flash.fail_erase_at = fault == FAULT_ERASE ? n : 0;
    chip.flip_read_at = fault == FAULT_FLIP ? n : 0;
    chip.lie_program_at = fault == FAULT_LYING_PROGRAM ? n : 0;
    chip.lie_erase_at = fault == FAULT_LYING_ERASE ? n : 0;
    return true;
}

static bool has_happened(enum fault fault, uint32_t n)
{
    return fault == FAULT_READ      ? flash.reads >= n
           : fault == FAULT_PROGRAM ? flash.programs >= n
           : fault == FAULT_ERASE   ? flash.erase_calls >= n
                                    : chip.happened;
}

/* After a step that failed: the state before it or after it, and nothing else. */
static bool settle(struct acme_flashlog *log, const struct model *before, struct model *m)
{
    if (matches(log, m)) {
        return true;
    }
    *m = *before;
    return matches(log, before);
}

/* One life with one fault at its n-th operation, without a cut; it goes on, and is mounted again at
 * its end. Returns false when it had no such operation. */
static bool faulty_life(uint32_t size, uint32_t count, uint32_t unit, uint32_t seed,
                        enum fault fault, uint32_t n)
{
    struct acme_flashlog log;
    struct model m = {0}, before;
    uint32_t step, errors = 0;
    bool armed;

    flash_sim_init(&flash, size, count, unit, seed * 77u + n);
    flash_sim_power_on(&flash);
    flash_faults_init(&chip, &flash);
    (void)acme_flashlog_mount(&log, &flash_faults_ops, &chip);
    flash.reads = 0;
    armed = arm(fault, n);
    for (step = 0; step < STEPS; step++) {
        int32_t rc;

        before = m;
        rc = apply(&log, &m, seed, step);
        if (rc == ACME_OK) {
            continue;
        }
        errors += rc == ACME_ERR_STORE_FULL ? 0 : 1;
        if (armed && has_happened(fault, n)) {
            armed = !arm(FAULT_COUNT, 0);
        }
        if (errors > 1 || !settle(&log, &before, &m)) {
            lose(acme_error_name(rc), seed, step, n, 10 + (int)fault);
            return true;
        }
    }
    if (!has_happened(fault, n)) {
        return false;
    }
    faults++;
    (void)arm(FAULT_COUNT, 0);
    if (!matches(&log, &m)) {
        lose("the end of the life differs", seed, step, n, 10 + (int)fault);
    }
    if (acme_flashlog_mount(&log, &flash_faults_ops, &chip) != ACME_OK || !matches(&log, &m)) {
        lose("the mounted end differs", seed, step, n, 10 + (int)fault);
    }
    return true;
}

static void all_faults(uint32_t size, uint32_t count, uint32_t unit, uint32_t seed)
{
    int fault;

    for (fault = 0; fault < FAULT_COUNT; fault++) {
        /* There are many more reads than anything else. */
        uint32_t stride = fault == FAULT_READ || fault == FAULT_FLIP ? read_stride : 1, n = 1;

        while (faulty_life(size, count, unit, seed, (enum fault)fault, n)) {
            n += stride;
        }
    }
}

/* Two sectors cannot be erased or programmed any more from a step on; with resets in between. */
static void bad_sectors(uint32_t size, uint32_t count, uint32_t unit, uint32_t seed)
{
    uint32_t pair, step;

    for (pair = 0; pair < count * count; pair += 1 + count / 8) {
        struct acme_flashlog log;
        struct model m = {0}, before;

        flash_sim_init(&flash, size, count, unit, seed + pair);
        flash_faults_init(&chip, &flash);
        (void)acme_flashlog_mount(&log, &flash_faults_ops, &chip);
        for (step = 0; step < 2 * STEPS; step++) {
            int32_t rc;

            if (step == pair % STEPS) {
                flash.bad[pair % count] = true;
            }
            if (step == pair % STEPS + 9) {
                flash.bad[pair / count] = true;
            }
            before = m;
            rc = apply(&log, &m, seed, step);
            if (rc != ACME_OK && !settle(&log, &before, &m)) {
                lose("a bad sector", seed, step, pair, 20);
                break;
            }
            if (rc != ACME_OK && rc != ACME_ERR_STORE_FULL) {
                lose(acme_error_name(rc), seed, step, pair, 20);
            }
            if (step % 5 == 4) {
                rc = acme_flashlog_mount(&log, &flash_faults_ops, &chip);
                if (!matches(&log, &m)) {
                    lose("a bad sector after a reset", seed, step, pair, 20);
                    break;
                }
            }
        }
        faults++;
    }
}

/* Whether what wears out is left alone: where a sector has fallen behind the others, which wear
 * alike, the log remembers why. */
static bool is_retired(struct acme_flashlog *log, uint32_t sector, uint32_t seed)
{
    struct acme_flashlog_stat stat;
    uint32_t i, most = 0;

    for (i = 0; i < flash.geometry.sector_count; i++) {
        most = flash.erases[i] > most ? flash.erases[i] : most;
    }
    if (flash.erases[sector] + 4 >= most) {
        return false;
    }
    if (acme_flashlog_stat(log, &stat) != ACME_OK || stat.sectors_bad == 0) {
        lose("a worn sector is not remembered", seed, sector, most, 30);
    }
    return true;
}

/* The next of a row of cuts, if the one before it has come. */
static void arm_cut(uint32_t seed, uint32_t step)
{
    if (flash.cut_at == 0) {
        flash.operations = 0;
        flash.cut_at = 1 + mix(seed, step + 1000) % 60;
        flash.cut_kind = (enum flash_sim_cut)(mix(seed, step + 2000) % FLASH_SIM_CUTS);
    }
}

/* A sector begins to fail programs and erases after some cycles, more and more, with resets in
 * between, or with one cut after another too. No call fails for it. */
static void worn_life(uint32_t size, uint32_t count, uint32_t unit, uint32_t seed, bool with_cuts)
{
    uint32_t sector = mix(seed, 1) % count, step;
    struct model m = {0}, before;
    struct acme_flashlog log;

    flash_sim_init(&flash, size, count, unit, seed);
    flash_faults_init(&chip, &flash);
    flash.endurance[sector] = 2 + mix(seed, 2) % 6;
    (void)acme_flashlog_mount(&log, &flash_faults_ops, &chip);
    for (step = 0; step < WORN_STEPS; step++) {
        int32_t rc;

        before = m;
        if (with_cuts) {
            arm_cut(seed, step);
        }
        rc = apply(&log, &m, seed, step);
        if (flash.off) {
            worn_cuts++;
            if (!recover(&log, &before, &m, seed, step, 0, KIND_WORN)) {
                return;
            }
            continue;
        }
        if (rc == ACME_ERR_STORE_FULL) {
            m = before;
        } else if (rc != ACME_OK) {
            lose(acme_error_name(rc), seed, step, 0, 30);
            return;
        }
        if (mix(seed, step) % 8 == 0) {
            rc = acme_flashlog_mount(&log, &flash_faults_ops, &chip);
        }
        if ((rc != ACME_OK && rc != ACME_ERR_STORE_FULL) || !matches(&log, &m)) {
            lose("a worn sector", seed, step, 0, 30);
            return;
        }
    }
    worn++;
    retired += !with_cuts && is_retired(&log, sector, seed) ? 1 : 0;
}

static void worn_sectors(uint32_t size, uint32_t count, uint32_t unit)
{
    uint32_t seed, retired_before = (uint32_t)retired;

    for (seed = 1; seed <= 12; seed++) {
        worn_life(size, count, unit, seed * 7919u + unit, false);
    }
    if (retired == retired_before) {
        lose("no sector has worn out", 0, 0, 0, 30);
    }
}

/* The same with cuts: some come where a sector that fails holds what the next mount drops. */
static void worn_and_cut(uint32_t size, uint32_t count, uint32_t unit)
{
    uint32_t seed;

    for (seed = 1; seed <= 24; seed++) {
        ecc = seed % 3 == 0;
        worn_life(size, count, unit, seed * 7919u + unit, true);
    }
    ecc = false;
}

/* A first boot whose sector 0 fails, cut at each operation: what was stored is there. Only a cut in
 * the erase of the sector that is the first instead may leave an area that looks like another's. */
static void bad_first(uint32_t size, uint32_t count, uint32_t unit)
{
    unsigned long unborn_before = unborn;
    struct acme_flashlog log;
    struct model m, before;
    uint32_t cut, step;

    for (cut = 1; cut <= 10 * FLASH_SIM_CUTS; cut++) {
        memset(&m, 0, sizeof(m));
        flash_sim_init(&flash, size, count, unit, cut);
        flash_faults_init(&chip, &flash);
        flash.bad[0] = true;
        (void)acme_flashlog_mount(&log, &flash_faults_ops, &chip);
        flash.cut_at = 1 + cut / FLASH_SIM_CUTS;
        flash.cut_kind = (enum flash_sim_cut)(cut % FLASH_SIM_CUTS);
        for (step = 0; step < STEPS && !flash.off; step++) {
            before = m;
            (void)apply(&log, &m, 7, step);
        }
        worn_cuts++;
        (void)recover(&log, &before, &m, 7, step, cut, KIND_WORN);
    }
    if (unborn > unborn_before + 2) {
        lose("more first boots end than one erase explains", 7, 0, 0, KIND_WORN);
    }
}

/* What was formatted is empty, also when power goes right behind it. */
static void formatted(uint32_t size, uint32_t count, uint32_t unit)
{
    struct acme_flashlog log;
    struct model m = {0};
    const struct model nothing = {0};
    uint32_t seed, step;

    for (seed = 1; seed <= 16; seed++) {
        flash_sim_init(&flash, size, count, unit, seed);
        flash_faults_init(&chip, &flash);
        (void)acme_flashlog_mount(&log, &flash_faults_ops, &chip);
        for (step = 0; step < STEPS; step++) {
            (void)apply(&log, &m, seed, step);
        }
        if (acme_flashlog_format(&log, &flash_faults_ops, &chip) != ACME_OK) {
            lose("it cannot be formatted", seed, step, 0, 0);
        }
        flash_sim_power_on(&flash);
        if (acme_flashlog_mount(&log, &flash_faults_ops, &chip) != ACME_OK ||
            !matches(&log, &nothing)) {
            lose("it was formatted, and is not empty", seed, step, 0, 0);
        }
    }
}

static void random_run(unsigned long seconds, uint32_t seed)
{
    static const uint32_t sizes[] = {256, 1024, 4096}, units[] = {1, 4, 8, 32};
    time_t end = time(NULL) + (time_t)seconds;
    uint32_t n = 0;

    keys = KEYS;
    printf("powercut: random run of %lu s, seed %u\n", seconds, seed);
    while (time(NULL) < end && losses == 0) {
        uint32_t r = mix(seed, n++), size = sizes[r % 3];

        ecc = (r >> 12) % 2 == 0;
        if ((r >> 13) % 4 == 0) {
            worn_life(size, (size == 256 ? 20 : 5) + (r >> 6) % 8, units[(r >> 3) % 4], r,
                      (r >> 15) % 2 == 0);
            continue;
        }
        (void)life(size, (size == 256 ? 20 : 4) + (r >> 6) % 8, units[(r >> 3) % 4], r,
                   1 + mix(r, 1) % 300, (int)((r >> 9) % FLASH_SIM_CUTS), 1 + mix(r, 2) % 60);
    }
}

int main(int argc, char **argv)
{
    static const uint32_t units[] = {1, 4, 8, 32};
    static const struct {
        uint32_t size, count, keys;
    } shapes[] = {{256, 24, KEYS}, {1024, 6, KEYS}, {4096, 2, KEYS}, {4096, 4, KEYS}, {1024, 4, 2}};
    unsigned long seconds = 0, passed = 0, failed = 0;
    uint32_t seed = (uint32_t)time(NULL), script, s, u;
    int i, only = -1;

    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    for (; argc > 1; argv++, argc--) {
        if (strcmp(argv[1], "--every-read") == 0) {
            read_stride = 1;
        } else if (strcmp(argv[1], "--first-loss") == 0) {
            first_only = true;
        } else {
            break;
        }
    }
    for (i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--seconds") == 0) {
            seconds = strtoul(argv[i + 1], NULL, 10);
        } else if (strcmp(argv[i], "--seed") == 0) {
            seed = (uint32_t)strtoul(argv[i + 1], NULL, 10);
        } else if (strcmp(argv[i], "--geometry") == 0) {
            only = atoi(argv[i + 1]);
        } else {
            fprintf(stderr,
                    "usage: powercut [--every-read] [--first-loss] [--seconds N] [--seed S] "
                    "[--geometry G]\n");
            return 2;
        }
    }
    for (s = 0; s < 5; s++) {
        keys = shapes[s].keys;
        for (u = 0; u < 4 && !(first_only && losses > 0); u++) {
            if (only >= 0 && (uint32_t)only != s * 4 + u) {
                continue;
            }
            unsigned long lost = losses, before = cuts, pairs_before = pairs, faulty = faults;

            for (script = keys == KEYS ? 1 : 3; script <= 4; script++) {
                ecc = script == 4;
                linear(shapes[s].size, shapes[s].count, units[u], script);
            }
            ecc = false;
            if (keys == KEYS) {
                all_faults(shapes[s].size, shapes[s].count, units[u], 5);
            }
            if (shapes[s].count > 4) {
                bad_sectors(shapes[s].size, shapes[s].count, units[u], 6);
                worn_sectors(shapes[s].size, shapes[s].count, units[u]);
            }
            if (shapes[s].count > 2) { /* of two, none may be lost */
                worn_and_cut(shapes[s].size, shapes[s].count, units[u]);
                bad_first(shapes[s].size, shapes[s].count, units[u]);
            }
            formatted(shapes[s].size, shapes[s].count, units[u]);
            printf("powercut: %u sectors of %u bytes, unit %u: %lu cut points, %lu pairs, %lu "
                   "faults\n",
                   shapes[s].count, shapes[s].size, units[u], cuts - before, pairs - pairs_before,
                   faults - faulty);
            passed += losses == lost ? 1 : 0;
            failed += losses == lost ? 0 : 1;
        }
    }
    if (seconds > 0) {
        random_run(seconds, seed);
    }
    printf("powercut: %lu cut points, %lu of them pairs, %lu faults, %lu lives, %lu with a "
           "worn sector (%lu cuts, %lu retired, %lu ended at the first boot), 4 scripts, 20 "
           "geometries, %lu losses\n",
           cuts, pairs, faults, runs + worn, worn, worn_cuts, retired, unborn, losses);
    printf("%lu passed, %lu failed\n", passed, failed);
    return losses == 0 ? 0 : 1;
}
