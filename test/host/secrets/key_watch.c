/*
 * The wrapped psa_its_set. It must not keep what it sees.
 */
#include "key_watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mbedtls/asn1.h>
#include <psa/crypto.h>

#include "memory_search.h"
#include <psa/internal_trusted_storage.h>

#define HEAD_LEN 36u /* magic, version, lifetime, type, bits, policy, length */

psa_status_t __real_psa_its_set(psa_storage_uid_t uid, uint32_t data_length, const void *p_data,
                                psa_storage_create_flags_t create_flags);
psa_status_t __wrap_psa_its_set(psa_storage_uid_t uid, uint32_t data_length, const void *p_data,
                                psa_storage_create_flags_t create_flags);

static unsigned count;

unsigned key_watch_count(void)
{
    return count;
}

/* RSAPrivateKey: version, n, e, and then what is secret, as numbers. */
static void learn_rsa(const uint8_t *data, size_t len)
{
    unsigned char *p = (unsigned char *)(uintptr_t)data;
    const unsigned char *end = data + len;
    size_t n;
    unsigned i;

    if (mbedtls_asn1_get_tag(&p, end, &n, MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE) != 0) {
        abort();
    }
    for (i = 0; i < 9; i++, p += n) {
        if (mbedtls_asn1_get_tag(&p, end, &n, MBEDTLS_ASN1_INTEGER) != 0) {
            abort();
        }
        if (i >= 3) {
            memory_search_add("RSA key", p, n);
        }
    }
}

void key_watch_learn(const uint8_t *data, size_t len)
{
    if (len <= HEAD_LEN || memcmp(data, "PSA\0KEY", 8) != 0) {
        abort();
    }
    count++;
    if (data[HEAD_LEN] == 0x30 && len - HEAD_LEN > 200) {
        learn_rsa(data + HEAD_LEN, len - HEAD_LEN);
    } else {
        char name[32];

        (void)snprintf(name, sizeof(name), "EC key number %u", count);
        memory_search_add(name, data + HEAD_LEN, len - HEAD_LEN);
    }
}

psa_status_t __wrap_psa_its_set(psa_storage_uid_t uid, uint32_t data_length, const void *p_data,
                                psa_storage_create_flags_t create_flags)
{
    key_watch_learn(p_data, data_length);
    return __real_psa_its_set(uid, data_length, p_data, create_flags);
}
