/*
 * Certificates: the CSR, and the checks of a stored chain before it is accepted. It knows X.509,
 * not orders.
 */
#pragma once

#include <psa/crypto.h>

#include "acme/client.h"
#include "base/buf.h"
#include "base/clock.h"
#include "store/chain.h"

/** Whether a request asks for a name; the case of letters aside. */
bool acme_cert_has_name(const struct acme_cert_request *request, const char *name, size_t len);
/** Writes a CSR for names (RFC 8555 7.4) to the end of out, right-aligned. Returns its length,
 * ACME_ERR_BUFFER, ACME_ERR_TLS_MEMORY, ACME_ERR_CRYPTO. */
int32_t acme_cert_write_csr(const struct acme_cert_request *request, psa_key_id_t key, uint8_t *out,
                            size_t size);

/** What a check needs. */
struct acme_chain_check {
    struct acme_store *log;
    const struct acme_clock *clock;
    const struct acme_cert_request *request;
    psa_key_id_t key;
    uint8_t slot, generation;
    bool may_add_names; /* the CA may put more names into the certificate than were asked for */
    char *added;        /* gets the first of those that are not allowed, or is NULL */
    size_t added_size;  /* bytes of it */
    uint8_t *scratch;   /* CONFIG_ACME_CERT_SIZE_MAX bytes at least */
    size_t scratch_size;
};

/**
 * Checks the stored chain of record->chain_count certificates, in any order: one of them is for the
 * key, has the request's names, is valid now; each certificate is signed by another. What is given
 * twice, a root, and other ways up are left out; what has nothing to do with the leaf makes the
 * chain ACME_ERR_CERT_CHAIN. Fills the record's dates. With ACME_OK the chain in the store, the
 * record's chain_count and its lengths have the order in which it is served. Otherwise the store is
 * as it was.
 *
 * These two come when everything else is fine, the first one first, so that the same chain may be
 * checked again:
 * ACME_ERR_CERT_NAMES_ADDED: it has more names than were asked for, and !may_add_names;
 * ACME_ERR_CERT_EARLY: the leaf is not valid before record->not_before_s.
 * Others: ACME_ERR_CERT_*, ACME_ERR_STORE_*, ACME_ERR_TLS_MEMORY, ACME_ERR_CRYPTO.
 */
int32_t acme_cert_check_chain(const struct acme_chain_check *check,
                              struct acme_cert_record *record);

/** Whether the chain, in the order in which it would be served, ends with a certificate that is
 * issued by this common name. ACME_OK, ACME_ERR_NOT_FOUND, or what acme_cert_check_chain says of a
 * chain that is not one. */
int32_t acme_cert_issued_by(const struct acme_chain_check *check,
                            const struct acme_cert_record *record, const char *name);

/** Room for a certificate's identifier, NUL included. */
#define ACME_CERT_ID_MAX 128u
/** Adds the identifier of RFC 9773 4.1 of the record's leaf: key identifier of the issuer, a dot,
 * serial number. ACME_OK, ACME_ERR_CERT_PARSE (none, too), ACME_ERR_BUFFER, ACME_ERR_STORE_*. */
int32_t acme_cert_id(const struct acme_chain_check *check, const struct acme_cert_record *record,
                     struct acme_buf *out);
