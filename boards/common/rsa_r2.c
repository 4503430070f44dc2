/*
 * What the linker takes in place of mbedTLS's R^2 mod N, with which each check of an RSA signature
 * begins. A long division needs 6 KB of memory for it where the key has 4096 bits, more than all
 * else in the check; Montgomery's multiplication, which comes next anyway, needs 1 KB. It must not
 * know whose key it is.
 */
#define MBEDTLS_ALLOW_PRIVATE_ACCESS /* the limbs of a number */
#include <string.h>

#include <mbedtls/platform.h>

#include "bignum_core.h" /* mbedTLS's own */

int __real_mbedtls_mpi_core_get_mont_r2_unsafe(mbedtls_mpi *x, const mbedtls_mpi *n);
int __wrap_mbedtls_mpi_core_get_mont_r2_unsafe(mbedtls_mpi *x, const mbedtls_mpi *n);

/* x = 2^bits - n, of which n has so many: that is 2^bits mod n. */
static void set_power(mbedtls_mpi_uint *x, const mbedtls_mpi_uint *n, size_t limbs, size_t bits)
{
    size_t i = bits / biL;

    memset(x, 0, limbs * ciL);
    (void)mbedtls_mpi_core_sub(x, x, n, limbs);
    if (i < limbs) {
        x[i] &= ((mbedtls_mpi_uint)1 << bits % biL) - 1;
        memset(x + i + 1, 0, (limbs - i - 1) * ciL);
    }
}

/* x = 2x mod n */
static void double_it(mbedtls_mpi_uint *x, const mbedtls_mpi_uint *n, size_t limbs)
{
    mbedtls_mpi_uint carry = x[limbs - 1] >> (biL - 1);

    mbedtls_mpi_core_shift_l(x, limbs, 1);
    carry -= mbedtls_mpi_core_sub(x, x, n, limbs);
    (void)mbedtls_mpi_core_add_if(x, n, limbs, carry != 0);
}

/* From 2^bits up to 2R, and on to R^2 = 2^e R, where e are R's bits: a doubling adds one to the
 * exponent of what is before R, and squaring, as Montgomery does it, doubles that. */
static void raise(mbedtls_mpi_uint *x, const mbedtls_mpi *n, size_t bits, mbedtls_mpi_uint *t)
{
    mbedtls_mpi_uint mm = mbedtls_mpi_core_montmul_init(n->p);
    size_t limbs = n->n, e = limbs * biL, bit = 1;

    for (; bits <= e; bits++) {
        double_it(x, n->p, limbs);
    }
    while (bit <= e / 2) {
        bit *= 2;
    }
    for (bit /= 2; bit > 0; bit /= 2) {
        mbedtls_mpi_core_montmul(x, x, x, limbs, n->p, limbs, mm, t);
        if ((e & bit) != 0) {
            double_it(x, n->p, limbs);
        }
    }
}

int __wrap_mbedtls_mpi_core_get_mont_r2_unsafe(mbedtls_mpi *x, const mbedtls_mpi *n)
{
    size_t limbs = n->n, bits = mbedtls_mpi_bitlen(n);
    mbedtls_mpi_uint *t;
    int ret;

    if (bits < biL || n->p[0] % 2 == 0) { /* no RSA key */
        return __real_mbedtls_mpi_core_get_mont_r2_unsafe(x, n);
    }
    ret = mbedtls_mpi_lset(x, 0);
    if (ret == 0) {
        ret = mbedtls_mpi_grow(x, limbs);
    }
    if (ret == 0) {
        ret = mbedtls_mpi_shrink(x, limbs);
    }
    t = ret == 0 ? mbedtls_calloc(2 * limbs + 1, ciL) : NULL;
    if (t == NULL) {
        return MBEDTLS_ERR_MPI_ALLOC_FAILED;
    }
    set_power(x->p, n->p, limbs, bits);
    raise(x->p, n, bits, t);
    mbedtls_free(t);
    return 0;
}
