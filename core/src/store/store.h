/*
 * All state that survives a reset: accounts, orders, certificates with their chains, schedules, and
 * PSA's internal trusted storage, so that mbedTLS's persistent keys live in the same place. It
 * knows the shape of the records, not what keeps them (record.h) and not when they are written.
 */
#pragma once

#include "acme/client.h"
#include "store/record.h"

/** Spaces of keys. Never renumbered; 14 is record.c's, 15 the log's. */
enum acme_store_space {
    ACME_SPACE_ITS = 1,       /* id: PSA ITS uid */
    ACME_SPACE_ACCOUNT = 2,   /* id: account slot */
    ACME_SPACE_CERT = 3,      /* id: certificate slot */
    ACME_SPACE_CHAIN = 4,     /* id: slot << 24 | generation << 16 | chunk */
    ACME_SPACE_ORDER = 5,     /* id: certificate slot */
    ACME_SPACE_TIME = 6,      /* id: 0 */
    ACME_SPACE_ITS_FLAGS = 7, /* id: PSA ITS uid, only where flags are set */
    ACME_SPACE_NAMES = 8,     /* id: certificate slot; names, separated by commas */
    ACME_SPACE_SCHEDULE = 11  /* id: certificate slot */
};

/** Bytes of chain in one record. */
#define ACME_CHAIN_CHUNK 512u

/* This one and the next begin with three bytes, which texts follow. */
struct acme_account_record {
    uint8_t key_type;
    uint8_t key_generation;
    uint8_t rollover; /* 1 + type of the key of the other generation, which may be the account's */
    char directory_url[CONFIG_ACME_URL_MAX + 1];
    char url[CONFIG_ACME_URL_MAX + 1]; /* "": the key exists, the account may not */
    char tos_url[CONFIG_ACME_URL_MAX + 1];
    /* What follows is 0 in records of version 0.1.0, which reads and writes the others. */
    uint8_t successor; /* 1 + type of the key of the other generation, if that is for a new account
                          in place of this one, which the CA has deactivated */
    uint16_t used;     /* of two records the account of the larger one was in use later */
    uint32_t binding;  /* a number for the external binding that made the account; 0: none known */
};

/** An order under way; its URL is known to the CA and must be taken up again after a reset. */
struct acme_order_record {
    uint8_t key_type;
    uint8_t key_generation;
    uint8_t account_slot;
    char url[CONFIG_ACME_URL_MAX + 1];
    uint64_t names_id;
};

/** An installed certificate. */
struct acme_cert_record {
    uint64_t names_id;
    uint8_t key_type;
    uint8_t key_generation; /* of the key and of the chain */
    bool key_exportable;
    uint8_t chain_count;
    uint16_t lengths[CONFIG_ACME_CHAIN_CERTS_MAX]; /* bytes of DER of each certificate */
    int64_t not_before_s;
    int64_t not_after_s;
};

/** When a certificate is looked at again. Times are Unix seconds; 0: none. */
struct acme_schedule {
    int64_t noted_s;        /* when this was written: an earlier time voids look_at and retry_at */
    int64_t retry_at_s;     /* not before this, after a failure */
    int64_t look_at_s;      /* when the CA is asked for renewal information again */
    int64_t window_start_s; /* of the CA's suggestion */
    int64_t window_end_s;
    int64_t renew_at_s; /* the instant drawn within the window */
    int64_t ordered_s;  /* when the last order was made */
    uint32_t noted_at;  /* not stored: the uptime in seconds when noted_s was true */
    uint32_t ca;        /* the CA that issued, see acme_schedule_ca; 0: unknown */
    uint16_t failures;  /* in a row */
    uint8_t generation; /* of the certificate that the window is for */
    uint8_t burnt;      /* finalized orders that were given up since the last installation */
    uint8_t quick;      /* certificates in a row that were due at their birth */
};

/** Gives psa_its_* the store they live in (open, lent until NULL is given). */
void acme_store_bind_its(struct acme_store *store);
/** How the last call of psa_its_* ended in the log: mbedTLS says "invalid data" of every failure to
 * store a key. */
int32_t acme_store_its_result(void);

/** Whether a read has said what there is: a value, none, or a damaged one. All else is a failure of
 * this time, from which nothing follows. */
static inline bool acme_store_has_said(int32_t rc)
{
#if defined(CONFIG_ACME_STORE_BACKENDS) || defined(CONFIG_ACME_STORE_SEAL)
    return rc >= 0 || rc == ACME_ERR_NOT_FOUND || rc == ACME_ERR_STORE_CORRUPT;
#else
    return rc != ACME_ERR_STORE_IO; /* the log has no other failure */
#endif
}

/* Each read returns ACME_OK, ACME_ERR_NOT_FOUND, ACME_ERR_STORE_CORRUPT or ACME_ERR_STORE_IO; each
 * write ACME_OK, ACME_ERR_STORE_FULL, ACME_ERR_STORE_IO or, where damage is in the way,
 * ACME_ERR_STORE_CORRUPT (acme_flashlog_begin). scratch is the caller's, and big enough for the
 * record: 16 bytes and its strings. */
int32_t acme_store_read_account(struct acme_store *store, uint8_t slot,
                                struct acme_account_record *r, uint8_t *scratch, size_t size);
int32_t acme_store_write_account(struct acme_store *store, uint8_t slot,
                                 const struct acme_account_record *r, uint8_t *scratch,
                                 size_t size);
int32_t acme_store_read_order(struct acme_store *store, uint8_t slot, struct acme_order_record *r,
                              uint8_t *scratch, size_t size);
int32_t acme_store_write_order(struct acme_store *store, uint8_t slot,
                               const struct acme_order_record *r, uint8_t *scratch, size_t size);
/** The names of a stored certificate, separated by commas, NUL-terminated; ACME_ERR_BUFFER when
 * they do not fit. */
int32_t acme_store_read_names(struct acme_store *store, uint8_t slot, char *names, size_t size);
int32_t acme_store_read_cert(struct acme_store *store, uint8_t slot, struct acme_cert_record *r);
/** Writes the certificate's record and removes the slot's order: one batch, all or nothing. */
int32_t acme_store_install(struct acme_store *store, uint8_t slot, const struct acme_cert_record *r,
                           const char *names);
/** Removes a certificate's record and names in one batch. Its key and chain are the caller's. */
int32_t acme_store_remove_cert(struct acme_store *store, uint8_t slot);
/** Removes one record; fine if it is not there. */
int32_t acme_store_remove(struct acme_store *store, enum acme_store_space space, uint64_t id);

/* The schedule and the floor: only with CONFIG_ACME_SCHEDULE. */
int32_t acme_store_read_schedule(struct acme_store *store, uint8_t slot, struct acme_schedule *s);
int32_t acme_store_write_schedule(struct acme_store *store, uint8_t slot,
                                  const struct acme_schedule *s);
/** The time floor that was proven, in Unix seconds. */
int32_t acme_store_read_floor(struct acme_store *store, int64_t *unix_s);
int32_t acme_store_write_floor(struct acme_store *store, int64_t unix_s);

int32_t acme_store_write_chunk(struct acme_store *store, uint8_t slot, uint8_t generation,
                               uint16_t chunk, const uint8_t *data, size_t len);
/** Reads len bytes at an offset of the chain's DER; all of them or an error. */
int32_t acme_store_read_chain(struct acme_store *store, uint8_t slot, uint8_t generation,
                              uint32_t offset, uint8_t *data, size_t len);
/** Looks at all of a chain of so many bytes. ACME_OK; ACME_ERR_STORE_CORRUPT: a chunk is missing,
 * damaged, or not as long as it has to be; what else a read fails with, which says neither. */
int32_t acme_store_check_chain(struct acme_store *store, uint8_t slot, uint8_t generation,
                               uint32_t size);
/** Removes all chunks of a chain. */
int32_t acme_store_remove_chain(struct acme_store *store, uint8_t slot, uint8_t generation);

/** An identifier of a set of names, for finding its slot again: their order, their case, and how
 * often each is there, do not matter. Not for security. */
uint64_t acme_store_names_id(const char *const *names, size_t count);
/** The one that version 0.1 gave a list of names, where all of that mattered. Of one name in lower
 * case it is the same. */
uint64_t acme_store_names_id_v1(const char *const *names, size_t count);
