/*
 * roots: the head of any bundle, and any roots in it, as the network or a flash chip may give them.
 * The bytes are read by a stand-in, which proves that what is asked for is there, and may give
 * anything.
 */
#include "proof.h"

#include "net/roots.c"

#define MOST 65535
#define FEW  (ACME_ROOTS_HEAD_SIZE + ACME_ROOTS_SIGNATURE_SIZE + 12)

static const uint8_t *first; /* of the bundle */
static size_t whole;         /* bytes of it */

static bool is_inside(const uint8_t *at, size_t len)
{
    return __CPROVER_same_object(at, first) && at >= first && (size_t)(at - first) <= whole &&
           len <= whole - (size_t)(at - first);
}

int32_t acme_trust_read(const struct acme_port *port, const uint8_t *at, void *to, size_t len)
{
    (void)port;
    PROVE(is_inside(at, len) && __CPROVER_w_ok(to, len));
    if (len > 0) {
        __CPROVER_havoc_slice(to, len);
    }
    return nondet_bool() ? ACME_OK : ACME_ERR_STORE_IO;
}

int32_t acme_trust_der_len(const struct acme_port *port, const uint8_t *at, size_t left,
                           size_t *len)
{
    (void)port;
    PROVE(left > 0 && is_inside(at, left) && __CPROVER_w_ok(len, sizeof(*len)));
    *len = any_size(left);
    ASSUME(*len == 0 || *len >= 4); /* what is shorter only makes for more rounds */
    return nondet_bool() ? ACME_OK : ACME_ERR_STORE_IO;
}

static struct bundle any_bundle(void)
{
    struct bundle b = {NULL, NULL, any_size(MOST), 0, nondet_u32(), nondet_u16()};

    whole = b.len;
    first = b.at = any_bytes(whole, MOST);
    return b;
}

/* proof: head; unwind 17; any bundle of up to 65535 bytes */
/* of: net/roots.c read_head; bytes that are there; "b->len < ACME_ROOTS_HEAD_SIZE +
 * ACME_ROOTS_SIGNATURE_SIZE" -> "b->len < ACME_ROOTS_SIGNATURE_SIZE" */
/* of: net/roots.c number_at; four bytes; "p[3]" -> "p[20]" */
void head(void)
{
    struct bundle b = any_bundle();

    if (read_head(&b) == ACME_OK) {
        PROVE(b.roots + ACME_ROOTS_HEAD_SIZE + ACME_ROOTS_SIGNATURE_SIZE == b.len);
        SHOW(b.roots == 0);
        SHOW(b.roots == 1000);
    }
}

/* proof: walk; unwind 5; any bundle with up to 12 bytes of roots, of up to three roots */
/* of: net/roots.c walk_roots; a head that was read; "left -= len;" -> "left -= len - 1;" */
/* plant: net/roots.c walk_roots; "at += len;" -> "at += len + 1;" */
void walk(void)
{
    struct bundle b = {NULL, NULL, any_size(FEW), 0, nondet_u32(), nondet_u16()};

    ASSUME(b.len >= ACME_ROOTS_HEAD_SIZE + ACME_ROOTS_SIGNATURE_SIZE);
    first = b.at = any_bytes(b.len, FEW);
    b.roots = b.len - ACME_ROOTS_HEAD_SIZE - ACME_ROOTS_SIGNATURE_SIZE;
    whole = ACME_ROOTS_HEAD_SIZE + b.roots; /* the signature is no root */
    SHOW(walk_roots(&b) == ACME_OK && b.count == 3);
}

/* not: net/roots.c *; they hand bytes to PSA Crypto, chunk by chunk; tests and the fuzz target
 * run them */
