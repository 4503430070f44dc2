/*
 * The core's own memory for mbedTLS, against a model: blocks do not overlap, keep what is in them,
 * begin as zeros, and when all are gone there is one again. The host's core has mbedTLS's allocator
 * instead, so the source is compiled here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <mbedtls/build_info.h>
#undef MBEDTLS_MEMORY_BUFFER_ALLOC_C

#include "base/blocks.c"

#define POOL_SIZE 16384u
#define HELD_MAX  64u

static _Alignas(8) uint8_t memory[POOL_SIZE];

static struct {
    uint8_t *place;
    size_t size;
    uint8_t fill;
} held[HELD_MAX];

static uint32_t next_random(void)
{
    static uint32_t s = 2463534242u;

    s ^= s << 13;
    s ^= s >> 17;
    s ^= s << 5;
    return s;
}

static bool has_only(const uint8_t *p, size_t len, uint8_t value)
{
    for (size_t i = 0; i < len; i++) {
        if (p[i] != value) {
            return false;
        }
    }
    return true;
}

static void free_held(size_t i)
{
    assert_true(has_only(held[i].place, held[i].size, held[i].fill));
    memset(held[i].place, 0xee, held[i].size);
    acme_blocks_free(held[i].place);
    held[i].place = NULL;
}

static void take_held(size_t i, size_t size)
{
    uint8_t *p = acme_blocks_calloc(1, size);

    if (p == NULL) {
        return;
    }
    assert_true(p >= memory && p + size <= memory + sizeof(memory));
    assert_int_equal((uintptr_t)p % sizeof(size_t), 0);
    assert_true(has_only(p, size, 0));
    held[i].place = p;
    held[i].size = size;
    held[i].fill = (uint8_t)next_random();
    memset(p, held[i].fill, size);
}

/* What is free, in the order of addresses, none beside another. */
static size_t count_free(void)
{
    size_t sum = 0;

    for (const struct block *b = blocks.first; b != NULL; b = b->next) {
        assert_true(b->next == NULL || (const uint8_t *)b + b->size < (const uint8_t *)b->next);
        sum += b->size;
    }
    assert_int_equal(sum + blocks.used, sizeof(memory));
    return sum;
}

static void test_any_order(void **state)
{
    (void)state;
    acme_blocks_open(memory, sizeof(memory));
    for (int round = 0; round < 200000; round++) {
        size_t i = next_random() % HELD_MAX;

        if (held[i].place != NULL) {
            free_held(i);
        } else {
            take_held(i, next_random() % (next_random() % 16 == 0 ? 6000 : 300));
        }
        (void)count_free();
    }
    for (size_t i = 0; i < HELD_MAX; i++) {
        if (held[i].place != NULL) {
            free_held(i);
        }
    }
    assert_int_equal(count_free(), sizeof(memory));
    assert_null(blocks.first->next);
    assert_true(acme_blocks_peak() > sizeof(memory) / 2);
    acme_blocks_close();
}

static void test_limits(void **state)
{
    uint8_t *all;

    (void)state;
    acme_blocks_open(memory, sizeof(memory));
    assert_null(acme_blocks_calloc(1, sizeof(memory)));
    assert_null(acme_blocks_calloc(1, SIZE_MAX));
    assert_null(acme_blocks_calloc(SIZE_MAX / 2 + 2, 2));
    assert_null(acme_blocks_calloc(SIZE_MAX, SIZE_MAX));
    all = acme_blocks_calloc(1, sizeof(memory) - HEAD);
    assert_non_null(all);
    assert_null(acme_blocks_calloc(1, 1));
    acme_blocks_free(NULL);
    acme_blocks_free(all);
    assert_int_equal(count_free(), sizeof(memory));
    assert_int_equal(acme_blocks_peak(), sizeof(memory));
    acme_blocks_close();
    assert_null(acme_blocks_calloc(1, 1));
}

/* A large block that comes back when small ones have come to stay. */
static void test_large_ones_are_apart(void **state)
{
    void *large, *small;

    (void)state;
    acme_blocks_open(memory, sizeof(memory));
    large = acme_blocks_calloc(1, 12000);
    small = acme_blocks_calloc(1, 60);
    assert_true((uint8_t *)small < (uint8_t *)large);
    acme_blocks_free(large);
    assert_non_null(acme_blocks_calloc(1, 60));
    assert_ptr_equal(acme_blocks_calloc(1, 12000), large);
    acme_blocks_close();
}

static void test_shortened(void **state)
{
    uint8_t *first, *second;

    (void)state;
    acme_blocks_open(memory, sizeof(memory));
    acme_blocks_shorten(5000, 1000, 2);
    assert_non_null(acme_blocks_calloc(1, 5000)); /* is not over it */
    first = acme_blocks_calloc(1, 100000);
    assert_non_null(first);
    assert_false(acme_blocks_shortened());
    assert_null(acme_blocks_calloc(1, 100000));
    acme_blocks_shorten(5000, 1000, 1);
    second = acme_blocks_calloc(10, 500 + 1);
    assert_non_null(second);
    assert_true(second + 1000 <= first || first + 1000 <= second);
    assert_true(acme_blocks_shortened());
    acme_blocks_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_order),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_large_ones_are_apart),
        cmocka_unit_test(test_shortened),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
