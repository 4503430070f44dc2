/*
 * The roots of a board (boards/common/roots.c) and its settings, over simulated flash: power cuts
 * at each operation while bundles come, take turns and are confirmed; playing back; what is typed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "board.h"
#include "crypto_bench.h"
#include "root_list.h"
#include "roots.h"
#include "roots_maker.h"

#define SECTOR  512u
#define SECTORS 4u /* of each area: the settings, and three for signed roots */
#define AREAS   (1u + BOARD_ROOTS_AREAS)

static const uint8_t vendor_key[32] = {0x44, 4};
static uint8_t vendor_point[CA_PKI_POINT];
static struct flash_sim chip;
static struct settings settings;
static struct roots_maker bundles[6]; /* by version */
static const struct acme_port port = {.read_anchor = roots_read};

/* ---- the board ---- */

/* In front of the weak one. */
const struct roots_build roots_build = {NULL, 0, vendor_point};

static const uint32_t areas[AREAS] = {0, SECTOR *SECTORS, 2 * SECTOR *SECTORS, 3 * SECTOR *SECTORS};

static int32_t area_geometry(void *ctx, struct acme_flash_geometry *g)
{
    int32_t rc = flash_sim_ops.geometry(&chip, g);

    (void)ctx;
    g->sector_count = SECTORS;
    return rc;
}

static int32_t area_read(void *ctx, uint32_t at, void *to, size_t len)
{
    if (at > SECTOR * SECTORS || len > SECTOR * SECTORS - at) {
        return ACME_ERR_STORE_IO; /* of a larger area of before */
    }
    return flash_sim_ops.read(&chip, *(uint32_t *)ctx + at, to, len);
}

static int32_t area_program(void *ctx, uint32_t at, const void *data, size_t len)
{
    assert_true(at + len <= SECTOR * SECTORS);
    return flash_sim_ops.program(&chip, *(uint32_t *)ctx + at, data, len);
}

static int32_t area_erase(void *ctx, uint32_t at)
{
    assert_true(at < SECTOR * SECTORS);
    return flash_sim_ops.erase(&chip, *(uint32_t *)ctx + at);
}

static int32_t area_sync(void *ctx)
{
    (void)ctx;
    return flash_sim_ops.sync(&chip);
}

static const struct acme_flash_ops area_ops = {area_geometry, area_read, area_program, area_erase,
                                               area_sync};
const struct acme_flash_ops *const board_flash_ops = &area_ops;
void *const board_settings_flash = (void *)(uintptr_t)&areas[0];
void *const board_roots_flash[BOARD_ROOTS_AREAS] = {
    (void *)(uintptr_t)&areas[1], (void *)(uintptr_t)&areas[2], (void *)(uintptr_t)&areas[3]};

void board_watchdog_feed(void)
{
}

/* ---- the bench ---- */

static void boot(void)
{
    flash_sim_power_on(&chip);
    (void)settings_load(&settings);
    roots_load(&settings);
}

static void new_device(uint64_t seed)
{
    static uint8_t typed[1024];
    struct roots_maker m;

    flash_sim_init(&chip, SECTOR, AREAS * SECTORS, 8, seed);
    memset(&settings, 0, sizeof(settings));
    assert_null(settings_take_line(&settings, "name device.example.org"));
    assert_null(settings_take_line(&settings, "directory https://ca.example/dir"));
    roots_maker_begin(&m, 1);
    assert_true(roots_maker_add_root(&m, "CN=Typed"));
    memcpy(typed, m.data + ACME_ROOTS_HEAD_SIZE, m.len - ACME_ROOTS_HEAD_SIZE);
    assert_true(settings_write(&settings, typed, (uint32_t)(m.len - ACME_ROOTS_HEAD_SIZE)));
    assert_true(settings_seal());
    boot();
}

static int32_t deliver_bytes(const uint8_t *data, size_t len)
{
    if (roots_begin() != NULL) {
        return ACME_ERR_STORE_IO;
    }
    for (size_t at = 0; at < len; at += 50) { /* no multiple of a chunk */
        if (roots_add(data + at, (uint32_t)(len - at < 50 ? len - at : 50)) != NULL) {
            return ACME_ERR_STORE_IO;
        }
    }
    return roots_end(&port);
}

static int32_t deliver(uint32_t version)
{
    return deliver_bytes(bundles[version].data, bundles[version].len);
}

static void name_of(struct acme_trust_anchor anchor, char name[32])
{
    uint8_t der[1024];

    assert_in_range(anchor.len, 1, sizeof(der));
    assert_int_equal(roots_read(NULL, anchor.der, der, anchor.len), ACME_OK);
    assert_true(root_list_name(der, (uint32_t)anchor.len, name, 32));
}

static bool is_in_use(enum roots_which which, const char *expected)
{
    char name[32];

    name_of(roots_anchor(which), name);
    return strcmp(name, expected) == 0;
}

/* ---- tests ---- */

static void test_a_life(void **state)
{
    (void)state;
    new_device(1);
    assert_true(is_in_use(ROOTS_NEWEST, "Typed") && is_in_use(ROOTS_BEFORE, "Typed"));
    assert_int_equal(roots_version(), 0);
    assert_int_equal(deliver(1), ACME_OK);
    assert_true(roots_on_trial());
    assert_true(is_in_use(ROOTS_NEWEST, "V1") && is_in_use(ROOTS_BEFORE, "Typed"));
    boot();
    assert_true(roots_on_trial());
    assert_true(is_in_use(ROOTS_NEWEST, "V1") && is_in_use(ROOTS_BEFORE, "Typed"));
    assert_true(roots_confirm());
    assert_int_equal(deliver(1), ACME_ERR_ROOTS_VERSION);
    assert_true(is_in_use(ROOTS_NEWEST, "V1") && is_in_use(ROOTS_BEFORE, "V1"));
    assert_int_equal(deliver(3), ACME_OK);
    assert_true(is_in_use(ROOTS_NEWEST, "V3") && is_in_use(ROOTS_BEFORE, "V1"));
    assert_int_equal(deliver(2), ACME_ERR_ROOTS_VERSION);
    assert_true(is_in_use(ROOTS_NEWEST, "V3") && is_in_use(ROOTS_BEFORE, "V1"));
    boot();
    assert_int_equal(deliver(3), ACME_ERR_ROOTS_VERSION);
    assert_int_equal(deliver(4), ACME_OK); /* in place of the one on trial */
    assert_true(is_in_use(ROOTS_NEWEST, "V4") && is_in_use(ROOTS_BEFORE, "V1"));
    assert_true(roots_confirm());
    boot();
    assert_false(roots_on_trial());
    assert_int_equal(deliver(5), ACME_OK);
    assert_true(roots_confirm() && roots_confirm());
    boot();
    assert_true(is_in_use(ROOTS_NEWEST, "V5") && is_in_use(ROOTS_BEFORE, "V5"));
    for (uint32_t v = 1; v <= 5; v++) {
        assert_int_equal(deliver(v), ACME_ERR_ROOTS_VERSION);
    }
    assert_true(roots_forget()); /* a person has typed others */
    assert_true(is_in_use(ROOTS_NEWEST, "Typed"));
    boot();
    assert_true(is_in_use(ROOTS_NEWEST, "Typed"));
    assert_false(chip.violation);
}

/* One on trial after the other, as often as a vendor errs, and none of them comes back. */
static void test_many_on_trial(void **state)
{
    static struct roots_maker m;

    (void)state;
    new_device(2);
    assert_int_equal(deliver(1), ACME_OK);
    assert_true(roots_confirm());
    for (uint32_t v = 10; v < 19; v++) {
        roots_maker_begin(&m, v);
        assert_true(roots_maker_add_root(&m, "CN=Trial") && roots_maker_finish(&m, vendor_key));
        assert_int_equal(deliver_bytes(m.data, m.len), ACME_OK);
        boot();
        assert_true(is_in_use(ROOTS_NEWEST, "Trial") && is_in_use(ROOTS_BEFORE, "V1"));
        assert_int_equal(roots_version(), v);
        assert_int_equal(deliver_bytes(m.data, m.len), ACME_ERR_ROOTS_VERSION);
    }
    assert_false(chip.violation);
}

static void test_what_is_wrong(void **state)
{
    static const uint8_t more[64];
    uint8_t flawed[2048];
    size_t n;

    (void)state;
    new_device(3);
    assert_int_equal(roots_end(&port), ACME_ERR_STATE);
    assert_non_null(roots_add(more, 1));
    for (n = 0; n < bundles[1].len; n += 31) {
        assert_int_not_equal(deliver_bytes(bundles[1].data, n), ACME_OK);
        memcpy(flawed, bundles[1].data, bundles[1].len);
        flawed[n] ^= 4;
        assert_int_not_equal(deliver_bytes(flawed, bundles[1].len), ACME_OK);
        assert_int_equal(roots_end(&port), ACME_ERR_STATE);
        assert_true(is_in_use(ROOTS_NEWEST, "Typed") && !roots_on_trial());
    }
    assert_null(roots_begin());
    for (n = 0; roots_add(more, sizeof(more)) == NULL; n += sizeof(more)) {
        assert_true(n < SECTOR * SECTORS);
    }
    assert_non_null(strstr(roots_add(more, 1), "first"));
    assert_true(n > 1000);
    boot();
    assert_true(is_in_use(ROOTS_NEWEST, "Typed"));
    assert_int_equal(deliver(1), ACME_OK);
    /* What is damaged later does not count. */
    assert_true(roots_confirm());
    for (uint32_t area = 1; area < AREAS; area++) {
        chip.data[area * SECTOR * SECTORS + 200] ^= 1;
    }
    boot();
    assert_true(is_in_use(ROOTS_NEWEST, "Typed"));
    assert_false(chip.violation);
}

/* What a life does, in steps; the version that is in force before a step, and what it may be after
 * a cut in it. */
static bool do_step(int step)
{
    switch (step) {
    case 0:
        return deliver(1) == ACME_OK;
    case 1:
        return roots_confirm();
    case 2:
        return deliver(2) == ACME_OK; /* into the second area */
    case 3:
        return deliver(3) == ACME_OK; /* in place of the one on trial */
    case 4:
        return roots_confirm();
    case 5:
        return deliver(4) == ACME_OK; /* over the first one */
    default:
        return roots_confirm();
    }
}

static void check_after_cut(int step)
{
    static const char *const names[] = {"Typed", "V1", "V2", "V3", "V4"};
    static const uint32_t before[] = {0, 1, 1, 2, 3, 3, 4}, after[] = {1, 1, 2, 3, 3, 4, 4},
                          proven[] = {0, 0, 1, 1, 1, 3, 3};
    uint32_t v = roots_version();

    assert_true(v == before[step] || v == after[step]);
    assert_true(is_in_use(ROOTS_NEWEST, names[v]));
    /* What the CA was reached with is there, until its successor is confirmed. */
    if (roots_on_trial()) {
        assert_true(is_in_use(ROOTS_BEFORE, names[proven[step]]));
    }
    /* Nothing that was there before comes back. */
    for (uint32_t old = 1; old <= before[step]; old++) {
        assert_int_equal(deliver(old), ACME_ERR_ROOTS_VERSION);
    }
}

static bool live(int cut_step, uint32_t cut_at, enum flash_sim_cut kind)
{
    new_device(cut_at);
    for (int step = 0; step < cut_step; step++) {
        assert_true(do_step(step));
    }
    chip.operations = 0;
    chip.cut_at = cut_at;
    chip.cut_kind = kind;
    (void)do_step(cut_step);
    if (!chip.off) {
        return false; /* it has no more operations */
    }
    boot();
    check_after_cut(cut_step);
    boot();
    /* The vendor sends the newest once more, as often as it takes. */
    assert_int_equal(deliver(5), ACME_OK);
    assert_true(roots_confirm());
    boot();
    assert_true(is_in_use(ROOTS_NEWEST, "V5") && !roots_on_trial());
    assert_false(chip.violation);
    return true;
}

static void test_cuts(void **state)
{
    uint32_t cuts = 0;

    (void)state;
    for (int step = 0; step < 7; step++) {
        for (int kind = 0; kind < FLASH_SIM_CUTS; kind++) {
            for (uint32_t at = 1; live(step, at, (enum flash_sim_cut)kind); at++) {
                cuts++;
            }
        }
    }
    assert_true(cuts > 150);
}

/* What was typed is there when it is sealed, and not before. */
static void test_settings_that_are_cut(void **state)
{
    static const uint8_t roots[300] = {0x30, 0x82, 0x01, 0x28};
    uint32_t at;
    bool sealed;

    (void)state;
    for (int kind = 0; kind < FLASH_SIM_CUTS; kind++) {
        for (at = 1;; at++) {
            new_device(at);
            chip.operations = 0;
            chip.cut_at = at;
            chip.cut_kind = (enum flash_sim_cut)kind;
            settings.names[0][0] = 'X';
            sealed = settings_write(&settings, roots, sizeof(roots)) && settings_seal();
            if (!chip.off) {
                break;
            }
            flash_sim_power_on(&chip);
            if (settings_load(&settings)) { /* the erase had not begun, or all was there */
                assert_true(strcmp(settings.names[0], "device.example.org") == 0 ||
                            strcmp(settings.names[0], "Xevice.example.org") == 0);
            }
        }
        assert_true(sealed && at > 8);
        boot();
        assert_int_equal(settings.anchor_len, sizeof(roots));
    }
    assert_true(settings_write(&settings, roots, sizeof(roots)));
    assert_false(settings_load(&settings)); /* not yet */
}

static int group_up(void **state)
{
    static const char *const names[] = {"", "CN=V1", "CN=V2", "CN=V3", "CN=V4", "CN=V5"};

    if (bench_up(state) != 0 || !ca_pki_point(vendor_key, vendor_point)) {
        return -1;
    }
    for (uint32_t v = 1; v <= 5; v++) {
        roots_maker_begin(&bundles[v], v);
        if (!roots_maker_add_root(&bundles[v], names[v]) ||
            !roots_maker_finish(&bundles[v], vendor_key)) {
            return -1;
        }
    }
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_life),
        cmocka_unit_test(test_many_on_trial),
        cmocka_unit_test(test_what_is_wrong),
        cmocka_unit_test(test_cuts),
        cmocka_unit_test(test_settings_that_are_cut),
    };
    return cmocka_run_group_tests(tests, group_up, bench_down);
}
