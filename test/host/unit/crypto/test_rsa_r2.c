/*
 * The boards' R^2 mod N (boards/common/rsa_r2.c) against mbedTLS's own, which the linker still has
 * under another name; and what memory it takes, which is why it is there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../../../boards/common/rsa_r2.c"

#define LIMBS_MAX (4096u / 8u / sizeof(mbedtls_mpi_uint))

static size_t taken; /* of memory, since it was set to 0 */
static int left;     /* allocations until one fails; negative: none does */

void *__real_mbedtls_calloc(size_t n, size_t size);
void *__wrap_mbedtls_calloc(size_t n, size_t size);

void *__wrap_mbedtls_calloc(size_t n, size_t size)
{
    if (left == 0) {
        return NULL;
    }
    left -= left > 0 ? 1 : 0;
    taken += n * size;
    return __real_mbedtls_calloc(n, size);
}

static uint64_t next_random(void)
{
    static uint64_t s = 0x9E3779B97F4A7C15u;

    s ^= s << 13;
    s ^= s >> 7;
    s ^= s << 17;
    return s;
}

/* An odd number of so many limbs, whose highest is this one. */
static void set_modulus(mbedtls_mpi *n, size_t limbs, mbedtls_mpi_uint top)
{
    assert_int_equal(mbedtls_mpi_grow(n, limbs), 0);
    for (size_t i = 0; i < limbs; i++) {
        n->p[i] = (mbedtls_mpi_uint)next_random();
    }
    n->p[limbs - 1] = top;
    n->p[0] |= 1;
}

static void compare(const mbedtls_mpi *n)
{
    mbedtls_mpi ours, theirs;

    mbedtls_mpi_init(&ours);
    mbedtls_mpi_init(&theirs);
    assert_int_equal(__wrap_mbedtls_mpi_core_get_mont_r2_unsafe(&ours, n), 0);
    assert_int_equal(__real_mbedtls_mpi_core_get_mont_r2_unsafe(&theirs, n), 0);
    assert_int_equal(ours.n, n->n);
    assert_int_equal(mbedtls_mpi_cmp_mpi(&ours, &theirs), 0);
    mbedtls_mpi_free(&ours);
    mbedtls_mpi_free(&theirs);
}

static void test_all_lengths(void **state)
{
    static const mbedtls_mpi_uint high = (mbedtls_mpi_uint)1 << (biL - 1);
    static const mbedtls_mpi_uint tops[] = {high, high | 12345, ~(mbedtls_mpi_uint)0, high / 2, 1,
                                            0 /* as mbedTLS reads a number of DER */};

    (void)state;
    left = -1;
    for (size_t limbs = 1; limbs <= LIMBS_MAX + 1; limbs++) {
        for (size_t i = 0; i < sizeof(tops) / sizeof(tops[0]); i++) {
            mbedtls_mpi n;

            mbedtls_mpi_init(&n);
            set_modulus(&n, limbs, tops[i]);
            compare(&n);
            mbedtls_mpi_free(&n);
        }
    }
}

/* Next to R, and next to half of it. */
static void test_edges(void **state)
{
    (void)state;
    left = -1;
    for (size_t limbs = 1; limbs <= LIMBS_MAX; limbs += 7) {
        mbedtls_mpi n;

        mbedtls_mpi_init(&n);
        assert_int_equal(mbedtls_mpi_grow(&n, limbs), 0);
        n.p[limbs - 1] = (mbedtls_mpi_uint)1 << (biL - 1);
        n.p[0] |= 1;
        compare(&n);
        memset(n.p, 0xff, limbs * ciL);
        compare(&n);
        mbedtls_mpi_free(&n);
    }
}

static void test_memory(void **state)
{
    mbedtls_mpi n, x;

    (void)state;
    left = -1;
    mbedtls_mpi_init(&n);
    mbedtls_mpi_init(&x);
    set_modulus(&n, LIMBS_MAX, ~(mbedtls_mpi_uint)0);
    taken = 0;
    assert_int_equal(__wrap_mbedtls_mpi_core_get_mont_r2_unsafe(&x, &n), 0);
    assert_true(taken <= 3 * 512 + 2 * ciL);
    for (int i = 0; i < 2; i++) {
        mbedtls_mpi_free(&x);
        left = i;
        assert_int_equal(__wrap_mbedtls_mpi_core_get_mont_r2_unsafe(&x, &n),
                         MBEDTLS_ERR_MPI_ALLOC_FAILED);
    }
    left = -1;
    mbedtls_mpi_free(&x);
    mbedtls_mpi_free(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_lengths),
        cmocka_unit_test(test_edges),
        cmocka_unit_test(test_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
