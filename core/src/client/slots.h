/*
 * The slots: one for each certificate that is asked for, with what is stored of it. It must not
 * know how a certificate is obtained.
 */
#pragma once

#include "acme/client.h"
#include "store/store.h"

struct acme_client;

struct acme_slot {
    int32_t error;      /* of the last try */
    uint8_t store_slot; /* where its records are */
    bool occupied;      /* cert is a stored record, be it for other names that are no longer wanted;
                           of a damaged one the generation of the key only */
    bool has_cert;      /* cert is for this request */
    bool pending : 1;   /* to be done in this job */
    bool looked : 1;    /* the CA was asked for renewal information in this job */
    bool profile_missing : 1; /* the CA does not have it */
    bool damaged : 1;         /* the chain was found so: the certificate is due */
#if defined(CONFIG_ACME_SCHEDULE)
    struct acme_schedule schedule;
#else
    uint32_t calm_until_s; /* uptime before which the certificate is not renewed */
#endif
    struct acme_cert_record cert;
};

/** Whether the one slot's failure ends the job, whose last problem is then the slot's. Where more
 * may follow, the slot's problem is kept beside. */
#if ACME_MEMORY_PROBLEMS > 1
#define ACME_SLOT_PROBLEM
#endif

/* acme_slots_at, _request and _current are at the end of state.h: where there is one slot they are
 * constants. */

/** The problem that goes with the error of c->problem_slot. */
struct acme_problem *acme_slots_problem(struct acme_client *c);
/** Keeps the problem of the last reply as the current slot's. */
void acme_slots_keep_problem(struct acme_client *c);

/** How many names a request has, without those that are there before, in whatever case: for each
 * of these acme_str_is_repeated is true. */
uint16_t acme_slots_count_names(const struct acme_cert_request *request);
/** Joins a request's names with commas into work. ACME_ERR_BUFFER. */
int32_t acme_slots_join_names(struct acme_client *c, const struct acme_cert_request *request);
/** The identifiers that the names of a request may have in the store: of this version, and of the
 * first. */
struct acme_names_ids {
    uint64_t now, v1;
};
struct acme_names_ids acme_slots_names_ids(const struct acme_cert_request *request);
static inline bool acme_names_ids_have(const struct acme_names_ids *ids, uint64_t names_id)
{
    return ids->now == names_id || ids->v1 == names_id;
}
/** Whether the names of a request are those of an identifier in the store. */
bool acme_slots_names_are(const struct acme_cert_request *request, uint64_t names_id);

/** Looks at all of a stored chain: as acme_store_check_chain. */
int32_t acme_slots_check_chain(struct acme_client *c, uint8_t store_slot,
                               const struct acme_cert_record *record);
/** The same for a slot that has a certificate, which is due from then on if its chain is damaged,
 * and no longer if it is whole. */
int32_t acme_slots_look_at_chain(struct acme_client *c, struct acme_slot *s);

/** Reads the order of a slot of the store. *r is in the arena, until a reply, whatever comes of it.
 * As acme_store_read_order. */
int32_t acme_slots_load_order(struct acme_client *c, uint8_t store_slot,
                              const struct acme_order_record **r);
/** Forgets the order of the current slot. ACME_ERR_STORE_*. */
int32_t acme_slots_drop_order(struct acme_client *c);
