/*
 * A certificate chain on its way from a CA to the store: PEM text comes in pieces of any size, and
 * its certificates are stored as DER, in chunks, without being whole in RAM. It knows PEM and the
 * store's chunks, not what a certificate says.
 */
#pragma once

#include "base/b64url.h"
#include "base/limit.h"
#include "store/store.h"

/** Takes a PEM chain in pieces, and stores its DER in chunks (RFC 8555 9.1). Text around the
 * certificates is left out (RFC 7468 2). */
struct acme_chain_sink {
    struct acme_store *log;
    uint8_t *chunk; /* ACME_CHAIN_CHUNK bytes, the caller's */
    uint16_t chunk_len, chunk_count;
    uint8_t slot, generation;
    uint8_t state;
    uint8_t dashes_len; /* of the encapsulation line under way */
    struct acme_b64_stream b64;
    uint32_t cert_len;
    uint8_t count;
    uint16_t lengths[CONFIG_ACME_CHAIN_CERTS_MAX];
    struct acme_limit limit; /* that made a push fail with ACME_ERR_CERT_LIMIT */
};

void acme_chain_sink_init(struct acme_chain_sink *s, struct acme_store *log, uint8_t *chunk,
                          uint8_t slot, uint8_t generation);
/** ACME_OK, ACME_ERR_CERT_PARSE, ACME_ERR_CERT_LIMIT, ACME_ERR_STORE_*. */
int32_t acme_chain_sink_push(struct acme_chain_sink *s, const uint8_t *data, size_t len);
/** The end of the PEM text: stores the rest. At least one certificate, or ACME_ERR_CERT_PARSE. */
int32_t acme_chain_sink_finish(struct acme_chain_sink *s);

/** Moves certificate number from of a stored chain to the front of number to (to <= from), in the
 * store and in the record's lengths. scratch has room for that certificate. A cut in the middle
 * leaves no chain behind that is of use: it is for chains that no record names yet. ACME_OK,
 * ACME_ERR_STORE_*. */
int32_t acme_chain_move(struct acme_store *log, uint8_t slot, uint8_t generation,
                        struct acme_cert_record *record, uint8_t from, uint8_t to,
                        uint8_t *scratch);
