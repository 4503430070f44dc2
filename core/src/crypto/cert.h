/*
 * Certificates: the CSR, the chain as it streams in, and the checks of a chain before it is
 * accepted. It knows X.509 and the store's chunks, not orders.
 */
#ifndef ACME_CERT_H
#define ACME_CERT_H

#include <psa/crypto.h>

#include "acme/client.h"
#include "base/b64url.h"
#include "base/clock.h"
#include "store/store.h"

/** Whether a request asks for a name; the case of letters aside. */
bool acme_cert_has_name(const struct acme_cert_request *request, const char *name, size_t len);
/** Writes a CSR for names (RFC 8555 7.4) to the end of out, right-aligned. Returns its length,
 * ACME_ERR_BUFFER, ACME_ERR_TLS_MEMORY, ACME_ERR_CRYPTO. */
int32_t acme_cert_write_csr(const struct acme_cert_request *request, psa_key_id_t key, uint8_t *out,
                            size_t size);

/** Takes a PEM chain in pieces, and stores its DER in chunks (RFC 8555 9.1). */
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
};

void acme_chain_sink_init(struct acme_chain_sink *s, struct acme_store *log, uint8_t *chunk,
                          uint8_t slot, uint8_t generation);
/** ACME_OK, ACME_ERR_CERT_PARSE, ACME_ERR_CERT_LIMIT, ACME_ERR_STORE_*. */
int32_t acme_chain_sink_push(struct acme_chain_sink *s, const uint8_t *data, size_t len);
/** The end of the PEM text: stores the rest. At least one certificate, or ACME_ERR_CERT_PARSE. */
int32_t acme_chain_sink_finish(struct acme_chain_sink *s);

/** What a check needs. */
struct acme_chain_check {
    struct acme_store *log;
    const struct acme_clock *clock;
    const struct acme_cert_request *request;
    psa_key_id_t key;
    uint8_t slot, generation;
    uint8_t *scratch; /* CONFIG_ACME_CERT_SIZE_MAX bytes at least */
    size_t scratch_size;
};

/** Checks the stored chain of record->chain_count certificates: the leaf is for the key, has
 * exactly the request's names, is valid now; each certificate is signed by the next. Fills the
 * record's dates. ACME_OK or ACME_ERR_CERT_*, ACME_ERR_STORE_*, ACME_ERR_TLS_MEMORY. */
int32_t acme_cert_check_chain(const struct acme_chain_check *check,
                              struct acme_cert_record *record);

#if defined(CONFIG_ACME_ALTERNATE_CHAINS)
/** Whether the last certificate of the record's chain is issued by this common name. ACME_OK,
 * ACME_ERR_NOT_FOUND, ACME_ERR_CERT_PARSE, ACME_ERR_STORE_*. */
int32_t acme_cert_issued_by(const struct acme_chain_check *check,
                            const struct acme_cert_record *record, const char *name);
#endif

#if defined(CONFIG_ACME_ARI)
/** Room for a certificate's identifier, NUL included. */
#define ACME_CERT_ID_MAX 128u
/** Adds the identifier of RFC 9773 4.1 of the record's leaf: key identifier of the issuer, a dot,
 * serial number. ACME_OK, ACME_ERR_CERT_PARSE (none, too), ACME_ERR_BUFFER, ACME_ERR_STORE_*. */
int32_t acme_cert_id(const struct acme_chain_check *check, const struct acme_cert_record *record,
                     struct acme_buf *out);
#endif

#endif
