/*
 * trust: how long a certificate says it is, of any bytes.
 */
#include "proof.h"

#include "net/trust.c"

/* proof: der_len; unwind 6; any bytes, up to 65535 */
/* of: net/trust.c acme_trust_der_len; left bytes that are there; "left < sizeof(head) ? left :
 * sizeof(head)" -> "sizeof(head)" */
/* of: net/trust.c acme_trust_read; len bytes on both sides; "memcpy(to, at, len);" -> "memcpy(to,
 * at, len + 1);" */
/* plant: net/trust.c acme_trust_der_len; "*len > left - used" -> "*len > left" */
void der_len(void)
{
    size_t left = any_size(65535), len;
    const uint8_t *at = any_bytes(left, 65535);

    if (acme_trust_der_len(NULL, at, left, &len) == ACME_OK) {
        PROVE(len <= left);
        SHOW(len == 0 && left > 4);
        SHOW(len == 2 + 7);
        SHOW(len == 3 + 130);
        SHOW(len == 4 + 1391);
    }
}

/* not: net/trust.c *; the firmware's own anchors, which mbedTLS parses */
