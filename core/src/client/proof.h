/*
 * Proofs by a DNS record go in two rounds. First the records of all authorizations are set, so that
 * a wildcard and its base name have both of theirs before a CA looks and a cache remembers. Then
 * the CA is told of one after the other, and in the end all records go. It must not know how a type
 * is chosen, or what follows.
 */
#pragma once

#include "challenge/challenge.h"
#include "json/json.h"

struct acme_client;

#if defined(CONFIG_ACME_DNS)

/** A record that proves a name; names and URLs are in the pool. */
struct acme_proof_record {
    const struct acme_challenge_ops *type;
    uint16_t url, name, value;
    uint16_t authorization, name_index;
    uint8_t alternatives;
    bool by_ancestor;
    bool sent;  /* the CA was told by an earlier run */
    bool stale; /* proven before this run: it only has to go */
};

struct acme_proofs {
    bool proving; /* the second round: records are set, the CA is told */
    uint16_t record, count;
    uint16_t mark;        /* of the pool, before the first record */
    uint64_t deadline_ms; /* of the provider's operation */
    uint64_t turn_ms;     /* its next turn is at this time at the latest */
    struct acme_proof_record records[CONFIG_ACME_NAMES_MAX];
};

int32_t acme_enter_present(struct acme_client *c);
int32_t acme_enter_ready(struct acme_client *c);
int32_t acme_enter_clean_up(struct acme_client *c);

/** Forgets all records. */
void acme_proof_reset(struct acme_client *c);
/** Takes up a challenge that wants a record: PRESENT. ACME_ERR_FIELD, _NAME, _URL, _LIMIT. */
int32_t acme_proof_take(struct acme_client *c, acme_json_value challenge);
/** A record that an earlier run set for an authorization that is proven meanwhile: it has to go. */
void acme_proof_take_stale(struct acme_client *c, acme_json_value authorization);
/** Whether the type under way wants a record. */
bool acme_proof_is_wanted(const struct acme_client *c);
/** Whether there are records of ours in the DNS. */
bool acme_proof_has_records(const struct acme_client *c);
/** Removes the records, where there are any: CLEAN_UP, which leads to order.next. */
bool acme_proof_clean_up(struct acme_client *c);
/** Whether the CA is being told, and so which authorization is under way. */
bool acme_proof_is_told(const struct acme_client *c, uint16_t *authorization);
/** Goes to the next record that the CA has not been told about: READY; or, behind the last,
 * removes all and goes on with NEXT_AUTHORIZATION. */
int32_t acme_proof_next(struct acme_client *c);
/** The name under way is proven. */
int32_t acme_proof_is_done(struct acme_client *c);
/** When a state that asks a provider has its next turn, at the latest. */
uint64_t acme_proof_turn_ms(const struct acme_client *c);

#else

static inline uint64_t acme_proof_turn_ms(const struct acme_client *c)
{
    (void)c;
    return 0;
}

static inline void acme_proof_reset(struct acme_client *c)
{
    (void)c;
}
static inline bool acme_proof_is_wanted(const struct acme_client *c)
{
    (void)c;
    return false;
}
static inline bool acme_proof_has_records(const struct acme_client *c)
{
    (void)c;
    return false;
}
static inline bool acme_proof_clean_up(struct acme_client *c)
{
    (void)c;
    return false;
}
static inline bool acme_proof_is_told(const struct acme_client *c, uint16_t *authorization)
{
    (void)c;
    (void)authorization;
    return false;
}
static inline void acme_proof_take_stale(struct acme_client *c, acme_json_value authorization)
{
    (void)c;
    (void)authorization;
}
/* These are never called: a build without optimization links them all the same. */
static inline int32_t acme_proof_take(struct acme_client *c, acme_json_value challenge)
{
    (void)c;
    (void)challenge;
    return ACME_ERR_UNSUPPORTED;
}
static inline int32_t acme_proof_next(struct acme_client *c)
{
    (void)c;
    return ACME_ERR_UNSUPPORTED;
}
static inline int32_t acme_proof_is_done(struct acme_client *c)
{
    (void)c;
    return ACME_ERR_UNSUPPORTED;
}

#endif
