/*
 * A name server's half of TSIG for tests: signs a reply with HMAC-SHA256, whatever it says.
 */
#ifndef TSIG_REPLY_H
#define TSIG_REPLY_H

#include <string.h>

#include <psa/crypto.h>

#include "dns/tsig.h"

#define TSIG_REPLY_MAX 4096u /* of the reply's memory */

/** What the record says. */
struct tsig_reply {
    const char *name; /**< of the key */
    const uint8_t *secret;
    size_t secret_len;
    uint64_t time_s;
    uint16_t error;
    const uint8_t *other;
    uint16_t other_len;
};

static inline void tsig_put(uint8_t *out, uint64_t value, size_t bytes)
{
    while (bytes-- > 0) {
        out[bytes] = (uint8_t)value;
        value >>= 8;
    }
}

static inline bool tsig_mac(const struct tsig_reply *t, const uint8_t *data, size_t len,
                            uint8_t mac[32])
{
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    psa_key_id_t key;
    size_t mac_len;
    bool ok;

    psa_set_key_type(&attributes, PSA_KEY_TYPE_HMAC);
    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_SIGN_MESSAGE);
    psa_set_key_algorithm(&attributes, PSA_ALG_HMAC(PSA_ALG_SHA_256));
    if (psa_import_key(&attributes, t->secret, t->secret_len, &key) != PSA_SUCCESS) {
        return false;
    }
    ok = psa_mac_compute(key, PSA_ALG_HMAC(PSA_ALG_SHA_256), data, len, mac, 32, &mac_len) ==
         PSA_SUCCESS;
    return psa_destroy_key(key) == PSA_SUCCESS && ok;
}

/** Appends the record to a reply of len bytes; request is the MAC of the request (of 32 bytes). The
 * new length, 0 when it cannot be. */
static inline size_t tsig_sign_reply(const struct tsig_reply *t, const uint8_t request[32],
                                     uint8_t *reply, size_t len)
{
    static uint8_t input[TSIG_REPLY_MAX + 512];
    struct acme_dns_writer w = {.data = reply, .size = TSIG_REPLY_MAX, .len = len};
    uint8_t rdata[13 + 10 + 32 + 6 + 64] = "\x0bhmac-sha256";
    size_t n = 34;

    tsig_put(input, 32, 2);
    memcpy(input + 2, request, 32);
    memcpy(input + n, reply, len);
    n += len;
    n += (size_t)acme_dns_name_to_wire(t->name, true, input + n, 255);
    tsig_put(input + n, ACME_DNS_CLASS_ANY, 2);
    tsig_put(input + n + 2, 0, 4);
    memcpy(input + n + 6, rdata, 13);
    n += 19;
    tsig_put(input + n, t->time_s, 6);
    tsig_put(input + n + 6, ACME_TSIG_FUDGE_S, 2);
    tsig_put(input + n + 8, t->error, 2);
    tsig_put(input + n + 10, t->other_len, 2);
    if (t->other_len > 0) {
        memcpy(input + n + 12, t->other, t->other_len);
        memcpy(rdata + 13 + 48, t->other, t->other_len);
    }
    memcpy(rdata + 13, input + n, 8);
    tsig_put(rdata + 13 + 8, 32, 2);
    memcpy(rdata + 13 + 42, reply, 2); /* the id */
    tsig_put(rdata + 13 + 44, t->error, 2);
    tsig_put(rdata + 13 + 46, t->other_len, 2);
    if (!tsig_mac(t, input, n + 12 + t->other_len, rdata + 13 + 10)) {
        return 0;
    }
    acme_dns_write_record(&w, ACME_DNS_ADDITIONAL, t->name, ACME_DNS_TYPE_TSIG, ACME_DNS_CLASS_ANY,
                          0, rdata, 13u + 48 + t->other_len);
    return w.failed ? 0 : w.len;
}

#endif
