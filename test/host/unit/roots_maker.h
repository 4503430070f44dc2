/*
 * Makes bundles of roots (acme/roots.h), good ones and, by steps, others. Whoever includes it links
 * sim/ca_pki.c, and has set PSA Crypto up.
 */
#ifndef ROOTS_MAKER_H
#define ROOTS_MAKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <psa/crypto.h>

#include "acme/roots.h"
#include "ca_pki.h"

struct roots_maker {
    uint8_t data[2048];
    size_t len;
};

static const uint8_t roots_maker_root_key[32] = {6};

static inline void roots_maker_put(struct roots_maker *m, size_t at, uint32_t number)
{
    for (size_t i = 0; i < 4; i++) {
        m->data[at + i] = (uint8_t)(number >> (24 - 8 * i));
    }
}

static inline void roots_maker_begin(struct roots_maker *m, uint32_t version)
{
    memset(m, 0, sizeof(*m));
    memcpy(m->data, "NAR1", 4);
    roots_maker_put(m, 4, version);
    m->len = ACME_ROOTS_HEAD_SIZE;
}

static inline void roots_maker_add_bytes(struct roots_maker *m, const void *data, size_t n)
{
    memcpy(m->data + m->len, data, n);
    m->len += n;
    m->data[13]++;
}

static inline bool roots_maker_add_root(struct roots_maker *m, const char *name)
{
    uint8_t point[CA_PKI_POINT];
    struct ca_pki_template t = {.subject = name,
                                .issuer = name,
                                .subject_point = point,
                                .issuer_key = roots_maker_root_key,
                                .issuer_point = point,
                                .serial = {1},
                                .not_before_s = 0,
                                .not_after_s = 20000 * INT64_C(86400),
                                .is_ca = true};
    size_t n = 0;

    if (ca_pki_point(roots_maker_root_key, point)) {
        n = ca_pki_write(&t, m->data + m->len, sizeof(m->data) - m->len);
    }
    m->len += n;
    m->data[13]++;
    return n > 0;
}

static inline bool roots_maker_sign(struct roots_maker *m, const uint8_t key[32])
{
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    psa_key_id_t id;
    size_t n = 0;

    psa_set_key_type(&attributes, PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1));
    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_SIGN_MESSAGE);
    psa_set_key_algorithm(&attributes, PSA_ALG_ECDSA(PSA_ALG_SHA_256));
    if (psa_import_key(&attributes, key, 32, &id) == PSA_SUCCESS) {
        (void)psa_sign_message(id, PSA_ALG_ECDSA(PSA_ALG_SHA_256), m->data, m->len,
                               m->data + m->len, ACME_ROOTS_SIGNATURE_SIZE, &n);
        (void)psa_destroy_key(id);
    }
    m->len += n;
    return n == ACME_ROOTS_SIGNATURE_SIZE;
}

/* As the roots that are in it want it. */
static inline bool roots_maker_finish(struct roots_maker *m, const uint8_t key[32])
{
    roots_maker_put(m, 8, (uint32_t)(m->len - ACME_ROOTS_HEAD_SIZE));
    return roots_maker_sign(m, key);
}

#endif
