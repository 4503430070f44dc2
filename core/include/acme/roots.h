/*
 * A bundle of CA roots that a vendor has signed: what a device is sent when its CA moves to roots
 * that the firmware does not know. The firmware pins the vendor's public key, keeps the bundle
 * where it likes, and gives its roots to the client as an anchor.
 *
 * A bundle, numbers with the high byte first:
 *
 *     4 bytes   "NAR1"
 *     4         version: each is higher than those before
 *     4         length of the roots
 *     2         how many roots
 *     2         zero
 *     ...       the roots, DER, one after the other
 *     64        ECDSA with P-256 and SHA-256 over all of the above, r and s
 *
 * scripts/roots makes and signs one. Bundles are taken in this order: write the new one beside the
 * old one, check it where it lies (acme_roots_check), use it (acme_use_anchors), and drop the old
 * one when the CA was reached with the new roots. boards/common/roots.c does so.
 *
 * @code{.c}
 * #include "acme/roots.h"
 *
 * extern const uint8_t vendor_key[ACME_ROOTS_KEY_SIZE];
 *
 * int32_t take_bundle(acme_client *client, const struct acme_port *port, const uint8_t *bundle,
 *                     size_t len, uint32_t version_in_use);
 * int32_t take_bundle(acme_client *client, const struct acme_port *port, const uint8_t *bundle,
 *                     size_t len, uint32_t version_in_use)
 * {
 *     static struct acme_roots roots; // the anchor is lent to the client
 *     int32_t rc = acme_roots_check(port, bundle, len, vendor_key, version_in_use, &roots);
 *
 *     return rc == ACME_OK ? acme_use_anchors(client, &roots.anchor, 1) : rc;
 * }
 * @endcode
 */
#ifndef ACME_ROOTS_H
#define ACME_ROOTS_H

#include "acme/client.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Bytes of a pinned key: an uncompressed point of P-256, 0x04 and its two coordinates. */
#define ACME_ROOTS_KEY_SIZE 65U
/** Bytes of a bundle before its roots. */
#define ACME_ROOTS_HEAD_SIZE 16U
/** Bytes of the signature behind them. */
#define ACME_ROOTS_SIGNATURE_SIZE 64U

/** What a good bundle says. */
struct acme_roots {
    uint32_t version;                /**< of the bundle */
    uint16_t count;                  /**< roots in it */
    struct acme_trust_anchor anchor; /**< all of them, where they lie in the bundle */
};

/** Checks a bundle of len bytes: its form, its signature, its version, and that the client can use
 * a root of it at least; one that it cannot is left out later, as of any anchors. The bundle is
 * memory, or a place that port->read_anchor knows. Takes as long as a signature's check does, a
 * second on a Cortex-M at 25 MHz, in which the firmware breathes. Works between acme_init and
 * acme_deinit of a client. *roots is written with ACME_OK only. Threads: one.
 * @return ACME_OK: it is the vendor's, newer than version after, and of use
 * @return ACME_ERR_ROOTS_FORMAT: it is cut, has more bytes than it says, no root, or something else
 * than certificates in it
 * @return ACME_ERR_ROOTS_SIGNATURE: it is not signed with this key
 * @return ACME_ERR_ROOTS_VERSION: its version is not above after
 * @return ACME_ERR_CERT_PARSE: none of its roots can be read
 * @return ACME_ERR_TLS_MEMORY: mbedTLS's memory is too small, or in use
 * @return ACME_ERR_STORE_IO: read_anchor failed
 * @return ACME_ERR_CRYPTO: key is no point of P-256, or PSA Crypto failed
 * @return ACME_ERR_ARGUMENT: a pointer is NULL */
int32_t acme_roots_check(const struct acme_port *port, const uint8_t *bundle, size_t len,
                         const uint8_t *key, uint32_t after, struct acme_roots *roots);

/** From now on the HTTPS of the configuration's CA is verified against these anchors, which are
 * lent as those of the configuration were. What was believed by the old ones, a connection and a
 * session of TLS, is forgotten. Threads: one.
 * @return ACME_OK: they are in use
 * @return ACME_ERR_STATE: a job is under way, or the firmware breathes
 * @return ACME_ERR_CERT_PARSE: none of them can be read
 * @return ACME_ERR_TLS_MEMORY, ACME_ERR_STORE_IO: they could not be looked at
 * @return ACME_ERR_TLS: mbedTLS could not be set up
 * @return ACME_ERR_ARGUMENT: a pointer is NULL
 * After an error that is not of the arguments or the state the old ones are in use, as before. */
int32_t acme_use_anchors(acme_client *client, const struct acme_trust_anchor *anchors,
                         uint16_t count);

#ifdef __cplusplus
}
#endif
#endif
