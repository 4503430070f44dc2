/*
 * dns-01 (RFC 8555 8.4) and dns-account-01 (draft-ietf-acme-dns-account-label): the record that the
 * CA wants, set through the provider. It must not know how a provider works.
 */
#include "challenge/dns.h"

#include "challenge/challenge.h"

#if defined(CONFIG_ACME_DNS)
#include <string.h>

#include <psa/crypto.h>

#include "base/assert.h"
#include "base/b64url.h"

/* base64url of the SHA-256 of the key authorization; nothing on failure, which nobody accepts. */
static void add_value(struct acme_buf *value, const struct acme_challenge *challenge)
{
    uint8_t hash[32];
    size_t len;

    if (psa_hash_compute(PSA_ALG_SHA_256, (const uint8_t *)challenge->key_authorization,
                         strlen(challenge->key_authorization), hash, sizeof(hash),
                         &len) == PSA_SUCCESS) {
        acme_b64url_add(value, hash, len);
    }
}

static int32_t ready(struct acme_challenges *s, const struct acme_challenge *challenge,
                     const struct acme_dns_record *record, uint32_t *wait_ms)
{
    (void)challenge;
    ACME_ASSERT(s->dns != NULL);
    return s->dns->ready != NULL ? s->dns->ready(s->dns_ctx, record, wait_ms) : ACME_OK;
}

/* ---- dns-01 ---- */

static void record(const struct acme_challenge *challenge, struct acme_buf *name,
                   struct acme_buf *value)
{
    acme_buf_add(name, "_acme-challenge.");
    acme_buf_add(name, challenge->identifier);
    add_value(value, challenge);
}

const struct acme_challenge_ops acme_challenge_dns_01 = {
    .name = "dns-01",
    .type = ACME_CHALLENGE_DNS_01,
    .proves = ACME_PROVES_NAME | ACME_PROVES_WILDCARD,
    .record = record,
    .ready = ready,
    .publishes = true,
};

/* ---- dns-account-01 ---- */

void acme_challenge_add_account_label(struct acme_buf *out, const char *account_url)
{
    static const char base32[] = "abcdefghijklmnopqrstuvwxyz234567";
    uint8_t hash[32];
    size_t len, bit;

    if (psa_hash_compute(PSA_ALG_SHA_256, (const uint8_t *)account_url, strlen(account_url), hash,
                         sizeof(hash), &len) != PSA_SUCCESS) {
        return;
    }
    acme_buf_add_char(out, '_');
    for (bit = 0; bit < 80; bit += 5) { /* five bits from two bytes */
        uint32_t pair = (uint32_t)hash[bit / 8] << 8 | hash[bit / 8 + 1];

        acme_buf_add_char(out, base32[pair >> (11 - bit % 8) & 31U]);
    }
    acme_buf_add(out, "._acme-challenge.");
}

static void account_record(const struct acme_challenge *challenge, struct acme_buf *name,
                           struct acme_buf *value)
{
    acme_challenge_add_account_label(name, challenge->account_url);
    acme_buf_add(name, challenge->identifier);
    add_value(value, challenge);
}

const struct acme_challenge_ops acme_challenge_dns_account_01 = {
    .name = "dns-account-01",
    .type = ACME_CHALLENGE_DNS_ACCOUNT_01,
    .proves = ACME_PROVES_NAME | ACME_PROVES_WILDCARD,
    .record = account_record,
    .ready = ready,
    .publishes = true,
};
#endif
