/*
 * Records and PSA's storage against a model: the input is a list of operations on a few keys, with
 * resets, power cuts and failing flash in between. What was committed is there, and nothing else;
 * what a cut has hit is as before or as after, whole batches together; the flash's rules are kept.
 * The store is plain, sealed, or sealed with a counter, for which an older image is none.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <psa/internal_trusted_storage.h>

#include "sealed.h"

#define KEYS     6u
#define DATA_MAX 300u

struct value {
    bool there;
    uint16_t len;
    uint8_t data[DATA_MAX];
};

struct model {
    struct value values[KEYS];
};

static struct model now, next; /* committed; with what is under way */
static bool in_doubt;          /* the flash has failed: the one or the other */

/* The last two are what psa_its_* keeps. */
static uint64_t key_of(size_t i)
{
    return i < 4 ? ACME_KEY(ACME_SPACE_SCHEDULE, i) : ACME_KEY(ACME_SPACE_ITS, 100 + i);
}

static bool holds(const struct model *m)
{
    static uint8_t data[DATA_MAX + 1];
    size_t i;

    for (i = 0; i < KEYS; i++) {
        const struct value *v = &m->values[i];
        int32_t n = acme_record_read(&store, key_of(i), 0, data, sizeof(data));

        if (n < 0 ? n != ACME_ERR_NOT_FOUND || v->there
                  : !v->there || n != v->len || memcmp(data, v->data, v->len) != 0) {
            return false;
        }
    }
    return true;
}

static void mount(void)
{
    CHECK(sealed_open() == ACME_OK);
    acme_store_bind_its(&store);
}

/* Power comes back, and whatever was to fail is over. */
static void look(void)
{
    flash_sim_power_on(&flash);
    flash.cut_at = flash.fail_read_at = flash.fail_program_at = flash.fail_erase_at = 0;
    mount();
    if (in_doubt && holds(&next)) {
        now = next;
    }
    CHECK(holds(&now));
    next = now;
    in_doubt = false;
}

static void finish(int32_t rc)
{
    if (rc == ACME_OK) {
        now = next;
    } else if (rc == ACME_ERR_STORE_FULL) {
        next = now;
    } else {
        in_doubt = true; /* an operation failed: a reset says which way it went */
        look();
    }
}

static void plan(struct script *s, size_t i, bool there)
{
    struct value *v = &next.values[i];
    uint8_t seed = script_byte(s);

    v->there = there;
    v->len = there ? (uint16_t)(script_word(s) % (DATA_MAX + 1u)) : 0;
    memset(v->data, seed, v->len);
}

static void batch(struct script *s)
{
    size_t count = script_byte(s) % 4u + 1u, i, size = 0, order[4];
    int32_t rc;

    for (i = 0; i < count; i++) {
        uint8_t what = script_byte(s);

        order[i] = what % 4u;
        plan(s, order[i], what % 8u < 6u);
        size += next.values[order[i]].len;
    }
    rc = acme_record_begin(&store, size, count);
    for (i = 0; i < count && rc == ACME_OK; i++) {
        const struct value *v = &next.values[order[i]];

        rc = v->there ? acme_record_put(&store, key_of(order[i]), v->data, v->len)
                      : acme_record_delete(&store, key_of(order[i]));
    }
    if (rc == ACME_OK && script_byte(s) % 8 == 0) {
        acme_record_abort(&store);
        next = now;
        CHECK(holds(&now));
        return;
    }
    if (rc == ACME_OK) {
        rc = acme_record_commit(&store);
    }
    finish(rc);
}

static void its(struct script *s)
{
    uint8_t what = script_byte(s);
    size_t i = 4 + what % 2u;
    psa_status_t status;

    plan(s, i, what % 4u < 2u);
    if (next.values[i].there) {
        status =
            psa_its_set(100 + i, next.values[i].len, next.values[i].data, PSA_STORAGE_FLAG_NONE);
    } else {
        status = psa_its_remove(100 + i);
        status = status == PSA_ERROR_DOES_NOT_EXIST && !now.values[i].there ? PSA_SUCCESS : status;
    }
    finish(status == PSA_SUCCESS                      ? ACME_OK
           : status == PSA_ERROR_INSUFFICIENT_STORAGE ? ACME_ERR_STORE_FULL
                                                      : ACME_ERR_STORE_IO);
}

static void disturb(struct script *s)
{
    uint8_t what = script_byte(s);
    uint32_t n = script_byte(s) % 32u + 1u;

    if (what % 8 < 6) {
        flash.cut_kind = (enum flash_sim_cut)(what % FLASH_SIM_CUTS);
        flash.cut_at = flash.operations + n;
    } else if (what % 8 == 6) {
        flash.fail_program_at = flash.programs + n;
    } else {
        flash.fail_erase_at = flash.erase_calls + n;
    }
}

/* Somebody puts back what the flash held before the last batch. Where there is a counter, that is
 * refused, and left as it is; else it is a store like all others. */
static void put_back(struct script *s)
{
    static uint8_t image[4096 * 3], newest[sizeof(image)];
    size_t size = (size_t)flash.geometry.sector_size * flash.geometry.sector_count;
    uint32_t count;

    look();
    count = sealed_counter;
    memcpy(image, flash.data, size);
    batch(s);
    look();
    if (sealed_config.counter == NULL || count == sealed_counter) {
        return;
    }
    memcpy(newest, flash.data, size);
    memcpy(flash.data, image, size);
    CHECK(sealed_open() == ACME_ERR_STORE_ROLLBACK);
    CHECK(memcmp(flash.data, image, size) == 0);
    memcpy(flash.data, newest, size);
    look();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint32_t units[] = {1, 4, 8, 32};
    struct script s = {data, size};
    uint8_t first = script_byte(&s);
    int i;

    sealed_blank((enum sealed_kind)(first / 8u % SEALED_KINDS), first % 2 == 0 ? 1024 : 4096,
                 first % 2 == 0 ? 8 : 3, units[first / 2u % 4u]);
    memset(&now, 0, sizeof(now));
    next = now;
    in_doubt = false;
    mount();
    for (i = 0; i < 50 && s.len > 0; i++) {
        switch (script_byte(&s) % 8) {
        case 0:
            disturb(&s);
            break;
        case 1:
            if (script_byte(&s) % 4 == 0) {
                put_back(&s);
            } else {
                look();
            }
            break;
        case 2:
        case 3:
            its(&s);
            break;
        default:
            batch(&s);
        }
        CHECK(!flash.violation);
    }
    look();
    return 0;
}
