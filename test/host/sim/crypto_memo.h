/*
 * Remembers what elliptic curves have computed. Lives that differ in where they are cut mostly sign
 * and verify the same bytes again: mbedTLS computes each result once, with ECDSA made deterministic
 * (RFC 6979), and it is looked up after that. Linked in front of mbedTLS's PSA driver by --wrap, so
 * neither the core nor mbedTLS is changed. It knows no ACME.
 */
#ifndef CRYPTO_MEMO_H
#define CRYPTO_MEMO_H

#include <stdbool.h>
#include <stdint.h>

/** Off: every call is computed, which tests of mbedTLS's memory need. On by default. */
void crypto_memo_enable(bool on);
/** On: signatures are no ECDSA but a mix of the public key and the hash, which verifies when it is
 * the same. For fuzzing, where no two lives sign the same bytes; whoever has only the public key
 * could forge them. Off by default; switch it before anything is signed. */
void crypto_memo_pretend(bool on);
/** Calls that were looked up, and calls that were computed. */
void crypto_memo_counts(uint64_t *found, uint64_t *computed);

#endif
