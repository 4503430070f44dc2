/*
 * Where the client keeps its records, for boards that have another place than a flash area
 * (littlefs, Zephyr settings, ESP-IDF NVS, a folder), and what seals them. Each is a const struct
 * of functions and a context, named in struct acme_config. The core calls them on the caller's
 * thread, never re-entrantly; they may take as long as the storage takes. examples/fram_records.c
 * is a whole back end.
 *
 * @code{.c}
 * #include "acme/record.h"
 *
 * uint32_t board_otp_key(void); // yours: the PSA identifier of a key that the chip holds
 *
 * static int32_t seal_key(void *ctx, uint32_t *key_id)
 * {
 *     (void)ctx;
 *     *key_id = board_otp_key();
 *     return *key_id != 0 ? ACME_OK : ACME_ERR_CRYPTO;
 * }
 *
 * extern const struct acme_seal_ops board_seal; // for acme_config.seal
 * const struct acme_seal_ops board_seal = {.key = seal_key};
 * @endcode
 */
#ifndef ACME_RECORD_H
#define ACME_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "acme/error.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * A record back end: values under 64-bit keys (4 bits of space, 60 bits of id), changed in batches
 * that are atomic and durable: after a cut at any time, a reader sees all of a batch or nothing of
 * it. Needs CONFIG_ACME_STORE_BACKENDS. The errors are ACME_ERR_STORE_IO and those named.
 */
struct acme_record_ops {
    /** Makes the records readable, after a cut, too; called once, first. Also ACME_ERR_STORE_FORMAT
     * (something else is there; it was left as it is), ACME_ERR_STORE_CORRUPT (readable, but
     * something is missing). */
    int32_t (*open)(void *ctx);
    /** Starts a batch of count changes, whose values have len bytes in all: ACME_ERR_STATE when one
     * is under way, ACME_ERR_STORE_FULL. One of 0 bytes lets values go, and must be possible in a
     * full store, too; it may put one value (a sealed store's count) in the place of another that
     * is as long. */
    int32_t (*begin)(void *ctx, size_t len, size_t count);
    /** Adds a value, or a deletion (of what need not be there), to the batch. Nothing is visible
     * before commit. A batch names a key once. ACME_ERR_STATE without a batch, ACME_ERR_STORE_FULL.
     */
    int32_t (*put)(void *ctx, uint64_t key, const void *data, size_t len);
    /** As put, for a deletion. */
    int32_t (*remove)(void *ctx, uint64_t key);
    /** Makes the batch visible and durable, and ends it; it is ended after an error, too. */
    int32_t (*commit)(void *ctx);
    /** Ends the batch without a trace; nothing without one. */
    void (*abort)(void *ctx);
    /** Reads up to size bytes of a committed value from offset on; with data NULL it only counts
     * them. Returns their number (0 at or past the end), ACME_ERR_NOT_FOUND,
     * ACME_ERR_STORE_CORRUPT. */
    int32_t (*read)(void *ctx, uint64_t key, size_t offset, void *data, size_t size);
    /** The smallest committed key above *key into *key; ACME_ERR_NOT_FOUND at the end. */
    int32_t (*next)(void *ctx, uint64_t *key);
};

/**
 * The key that seals records. Needs CONFIG_ACME_STORE_SEAL; NULL in struct acme_config: nothing is
 * sealed. Called by acme_init once PSA Crypto is up and before any record is read: the key must not
 * be one that PSA keeps in its storage, for that is in these records.
 */
struct acme_seal_ops {
    /** Gives the PSA identifier of an AES (for GCM) or ChaCha20 (for ChaCha20-Poly1305) key that
     * may encrypt and decrypt with that algorithm: one that the chip holds (opaque, built in), or a
     * volatile one that this function imports, which lives until acme_deinit. It must be the same
     * key at each boot, and another on each device. ACME_ERR_CRYPTO. */
    int32_t (*key)(void *ctx, uint32_t *key_id);
};

/** A counter that never goes back, whatever happens to the flash. Needs
 * CONFIG_ACME_STORE_ROLLBACK; NULL in struct acme_config: the board has none. */
struct acme_counter_ops {
    /** Its value, from 0 on. */
    int32_t (*read)(void *ctx, uint32_t *value);
    /** Adds 1, durably: once for each batch, some dozens of times for a certificate. */
    int32_t (*increment)(void *ctx);
};

#ifdef __cplusplus
}
#endif
#endif
