/*
 * The table behind the wrapped driver calls. It must not know what keys are for.
 */
#include "crypto_memo.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <psa/crypto.h>

#define ENTRIES   65536u
#define VALUE_MAX 72u

/* The linker gives the wrapped functions these names. */
psa_status_t __real_mbedtls_psa_ecp_export_public_key(const psa_key_attributes_t *attributes,
                                                      const uint8_t *key, size_t key_size,
                                                      uint8_t *data, size_t size, size_t *len);
psa_status_t __real_mbedtls_psa_ecdsa_sign_hash(const psa_key_attributes_t *attributes,
                                                const uint8_t *key, size_t key_size,
                                                psa_algorithm_t alg, const uint8_t *hash,
                                                size_t hash_len, uint8_t *signature, size_t size,
                                                size_t *len);
psa_status_t __real_mbedtls_psa_ecdsa_verify_hash(const psa_key_attributes_t *attributes,
                                                  const uint8_t *key, size_t key_size,
                                                  psa_algorithm_t alg, const uint8_t *hash,
                                                  size_t hash_len, const uint8_t *signature,
                                                  size_t len);
int __real_mbedtls_psa_get_random(void *state, unsigned char *out, size_t len);
psa_status_t __wrap_mbedtls_psa_ecp_export_public_key(const psa_key_attributes_t *attributes,
                                                      const uint8_t *key, size_t key_size,
                                                      uint8_t *data, size_t size, size_t *len);
psa_status_t __wrap_mbedtls_psa_ecdsa_sign_hash(const psa_key_attributes_t *attributes,
                                                const uint8_t *key, size_t key_size,
                                                psa_algorithm_t alg, const uint8_t *hash,
                                                size_t hash_len, uint8_t *signature, size_t size,
                                                size_t *len);
psa_status_t __wrap_mbedtls_psa_ecdsa_verify_hash(const psa_key_attributes_t *attributes,
                                                  const uint8_t *key, size_t key_size,
                                                  psa_algorithm_t alg, const uint8_t *hash,
                                                  size_t hash_len, const uint8_t *signature,
                                                  size_t len);
int __wrap_mbedtls_psa_get_random(void *state, unsigned char *out, size_t len);

struct entry {
    uint64_t a, b; /* two hashes of the inputs; 0, 0: empty */
    uint32_t len;
    uint8_t value[VALUE_MAX];
};

struct name {
    uint64_t a, b;
};

static struct entry *table;
static bool disabled, blinding, pretending;
static uint64_t found_count, computed_count, blind = 1;

void crypto_memo_enable(bool on)
{
    disabled = !on;
}

void crypto_memo_pretend(bool on)
{
    pretending = on;
}

void crypto_memo_counts(uint64_t *found, uint64_t *computed)
{
    *found = found_count;
    *computed = computed_count;
}

static void name_add(struct name *n, const uint8_t *data, size_t len)
{
    size_t i;

    for (i = 0; i < len; i++) {
        n->a = (n->a ^ data[i]) * 0x100000001b3u;
        n->b = (n->b + data[i] + 1u) * 0x9e3779b97f4a7c15u;
        n->b ^= n->b >> 29;
    }
    n->a = (n->a ^ len) * 0x100000001b3u;
}

static struct name name_of(uint8_t call, const uint8_t *key, size_t key_size)
{
    struct name n = {0xcbf29ce484222325u, 0x2545f4914f6cdd1du};

    name_add(&n, &call, 1);
    name_add(&n, key, key_size);
    return n;
}

static struct entry *entry_of(const struct name *n, bool *known)
{
    struct entry *e;

    if (table == NULL) {
        table = calloc(ENTRIES, sizeof(*table));
    }
    if (table == NULL) {
        abort();
    }
    e = &table[(n->a ^ n->b >> 32) % ENTRIES];
    *known = e->a == n->a && e->b == n->b;
    found_count += *known ? 1u : 0u;
    computed_count += *known ? 0u : 1u;
    return e;
}

static void keep(struct entry *e, const struct name *n, const uint8_t *value, size_t len)
{
    e->a = n->a;
    e->b = n->b;
    e->len = (uint32_t)len;
    if (len > 0) {
        memcpy(e->value, value, len);
    }
}

/* Blinding draws random numbers: from here while a result is computed, so that the generator, and
 * with it the next key, does not depend on what is in the table. */
int __wrap_mbedtls_psa_get_random(void *state, unsigned char *out, size_t len)
{
    size_t i;

    if (!blinding) {
        return __real_mbedtls_psa_get_random(state, out, len);
    }
    for (i = 0; i < len; i++) {
        blind ^= blind << 13;
        blind ^= blind >> 7;
        blind ^= blind << 17;
        out[i] = (unsigned char)(blind >> 24);
    }
    return 0;
}

psa_status_t __wrap_mbedtls_psa_ecp_export_public_key(const psa_key_attributes_t *attributes,
                                                      const uint8_t *key, size_t key_size,
                                                      uint8_t *data, size_t size, size_t *len)
{
    struct name n = name_of(1, key, key_size);
    struct entry *e;
    psa_status_t status;
    bool known;

    if (disabled || size < 65 || psa_get_key_bits(attributes) != 256 ||
        !PSA_KEY_TYPE_IS_ECC_KEY_PAIR(psa_get_key_type(attributes))) {
        return __real_mbedtls_psa_ecp_export_public_key(attributes, key, key_size, data, size, len);
    }
    e = entry_of(&n, &known);
    if (known) {
        memcpy(data, e->value, e->len);
        *len = e->len;
        return PSA_SUCCESS;
    }
    blinding = true;
    status = __real_mbedtls_psa_ecp_export_public_key(attributes, key, key_size, data, size, len);
    blinding = false;
    if (status == PSA_SUCCESS) {
        keep(e, &n, data, *len);
    }
    return status;
}

/* What stands for the signature with a key, a pair or its public half, over a hash. */
static psa_status_t pretend(const psa_key_attributes_t *attributes, const uint8_t *key,
                            size_t key_size, const uint8_t *hash, size_t hash_len,
                            uint8_t signature[64])
{
    uint8_t point[65];
    struct name n;
    size_t len = key_size, i;

    if (PSA_KEY_TYPE_IS_ECC_KEY_PAIR(psa_get_key_type(attributes))) {
        psa_status_t status = __wrap_mbedtls_psa_ecp_export_public_key(attributes, key, key_size,
                                                                       point, sizeof(point), &len);

        if (status != PSA_SUCCESS) {
            return status;
        }
        key = point;
    }
    n = name_of(4, key, len);
    name_add(&n, hash, hash_len);
    for (i = 0; i < 64; i++) {
        name_add(&n, (const uint8_t *)&i, 1);
        signature[i] = (uint8_t)((n.a ^ n.b) >> 24 | (i % 32 == 0));
    }
    return PSA_SUCCESS;
}

psa_status_t __wrap_mbedtls_psa_ecdsa_sign_hash(const psa_key_attributes_t *attributes,
                                                const uint8_t *key, size_t key_size,
                                                psa_algorithm_t alg, const uint8_t *hash,
                                                size_t hash_len, uint8_t *signature, size_t size,
                                                size_t *len)
{
    struct name n = name_of(2, key, key_size);
    struct entry *e;
    psa_status_t status;
    bool known;

    alg = PSA_ALG_DETERMINISTIC_ECDSA(PSA_ALG_SIGN_GET_HASH(alg));
    if (disabled || size < 64 || psa_get_key_bits(attributes) != 256) {
        return __real_mbedtls_psa_ecdsa_sign_hash(attributes, key, key_size, alg, hash, hash_len,
                                                  signature, size, len);
    }
    if (pretending) {
        *len = 64;
        return pretend(attributes, key, key_size, hash, hash_len, signature);
    }
    name_add(&n, hash, hash_len);
    e = entry_of(&n, &known);
    if (known) {
        memcpy(signature, e->value, e->len);
        *len = e->len;
        return PSA_SUCCESS;
    }
    blinding = true;
    status = __real_mbedtls_psa_ecdsa_sign_hash(attributes, key, key_size, alg, hash, hash_len,
                                                signature, size, len);
    blinding = false;
    if (status == PSA_SUCCESS) {
        keep(e, &n, signature, *len);
    }
    return status;
}

psa_status_t __wrap_mbedtls_psa_ecdsa_verify_hash(const psa_key_attributes_t *attributes,
                                                  const uint8_t *key, size_t key_size,
                                                  psa_algorithm_t alg, const uint8_t *hash,
                                                  size_t hash_len, const uint8_t *signature,
                                                  size_t len)
{
    struct name n = name_of(3, key, key_size);
    struct entry *e;
    psa_status_t status;
    bool known;

    if (disabled) {
        return __real_mbedtls_psa_ecdsa_verify_hash(attributes, key, key_size, alg, hash, hash_len,
                                                    signature, len);
    }
    if (pretending && psa_get_key_bits(attributes) == 256) {
        uint8_t want[64];
        psa_status_t made = pretend(attributes, key, key_size, hash, hash_len, want);

        return made != PSA_SUCCESS ? made
               : len == sizeof(want) && memcmp(want, signature, len) == 0
                   ? PSA_SUCCESS
                   : PSA_ERROR_INVALID_SIGNATURE;
    }
    name_add(&n, hash, hash_len);
    name_add(&n, signature, len);
    e = entry_of(&n, &known);
    if (known) {
        return PSA_SUCCESS;
    }
    blinding = true;
    status = __real_mbedtls_psa_ecdsa_verify_hash(attributes, key, key_size, alg, hash, hash_len,
                                                  signature, len);
    blinding = false;
    if (status == PSA_SUCCESS) { /* a refusal is computed each time */
        keep(e, &n, NULL, 0);
    }
    return status;
}
