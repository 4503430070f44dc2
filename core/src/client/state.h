/*
 * The client's whole state in RAM: what each of its rooms keeps, and the memory that they share.
 * State that survives a reset is in store.h, nowhere else. It must not know what anything is for:
 * each room's header says it.
 */
#pragma once

#include "base/assert.h"
#include "base/option.h"
#include "client/account_record.h"
#include "client/directory.h"
#include "client/hold.h"
#include "client/machine.h"
#include "client/order_state.h"
#include "client/proof.h"
#include "client/request.h"
#include "client/schedule.h"
#include "client/slots.h"
#include "client/way.h"
#include "crypto/cert.h"
#include "json/filter.h"
#include "json/json.h"
#include "json/problem.h"
#include "net/exchange.h"

/** The work buffer's lives. A request is built in it and sent from it; then it has the body of the
 * reply, until that is parsed into the arena; between requests it is scratch memory. */
union acme_work_memory {
    char text[CONFIG_ACME_WORK_SIZE];     /* a request: head and JWS; then the reply's body */
    uint8_t bytes[CONFIG_ACME_WORK_SIZE]; /* a record as it is stored; DER at the end */
    struct {
        char text[512], value[512], name[ACME_URI_HOST_MAX + 1];
    } proof; /* a DNS record on its way into the pool */
};

/** The arena's lives. A reply's JSON lives in it until the next request; a record lives in it
 * between two of them; a JWS takes it while it is signed. */
union acme_arena_memory {
    uint8_t bytes[CONFIG_ACME_JSON_ARENA_SIZE]; /* JSON, or the scratch memory of a JWS */
    struct acme_account_record account;
    struct acme_order_record order;
    uint8_t chunk[ACME_CHAIN_CHUNK]; /* of a chain on its way to flash */
    char url[CONFIG_ACME_URL_MAX + 1];
};

/** What the body of a reply goes through: JSON, of which what is asked for stays in work, or a
 * chain on its way to flash. The chain's counts are needed until it is installed; no JSON comes
 * between. */
union acme_body_memory {
    struct acme_json_filter filter;
    struct acme_chain_sink sink;
};

struct acme_client {
    /* What is used most comes first: its offsets then fit the short instructions of Thumb. */
    struct acme_machine machine;
    struct acme_account account;
    int16_t slot; /* the request being worked on, or -1 */
    int16_t problem_slot;
    uint16_t pool_len, pool_order_mark;
    struct acme_request io;
    struct acme_order order;
    bool forced_once : 1;    /* config.force_renewal holds for this job only */
    bool due_only : 1;       /* the job keeps the pauses after failures */
    bool time_asked : 1;     /* a CA was asked since the start, be it that it tells no time */
    bool began_lost : 1;     /* the job did not know the time, and so not what is due */
    bool pre_authorized : 1; /* the slot's names are proven */
    bool revoke_with_cert_key : 1;
    uint8_t revoke_reason;
    uint16_t failed_starts; /* jobs that failed in a row, for acme_next_start_s */
#if defined(CONFIG_ACME_SCHEDULE)
    int64_t floor_written_s;
    uint32_t ask_at_s; /* uptime before which nobody is asked for the time again; 0: none */
#endif
#if defined(CONFIG_ACME_CERT_HOLD)
    struct acme_hold hold;
#endif
#if defined(CONFIG_ACME_FALLBACK)
    uint16_t ca_index; /* 0: the first; config has the values of the one in use */
    struct acme_ca first_ca;
#endif
    struct acme_config config;
    struct acme_clock clock;
    struct acme_json_arena arena;
    struct acme_store log;
    struct acme_directory directory;
    uint32_t served_seen;
    uint32_t new_orders;
    struct acme_exchange exchange;
    struct acme_challenges challenges;
    struct acme_where where;
    struct acme_problem problem; /* of the request under way */
#if defined(ACME_SLOT_PROBLEM)
    struct acme_problem slot_problem; /* of problem_slot, for its status */
#endif
    union acme_body_memory body;
    struct acme_slot slots[CONFIG_ACME_CERT_SLOTS];
#if defined(ACME_CHALLENGE_CHOICE)
    struct acme_ways ways;
#endif
#if defined(CONFIG_ACME_DNS)
    struct acme_proofs proofs;
#endif
    char thumbprint[44];
    char nonce[CONFIG_ACME_NONCE_MAX + 1];
    char account_url[CONFIG_ACME_URL_MAX + 1];
    char pool[CONFIG_ACME_URL_POOL_SIZE];
    _Alignas(8) union acme_arena_memory arena_memory;
    _Alignas(8) union acme_work_memory work;
};

_Static_assert(sizeof(union acme_work_memory) <=
                   (CONFIG_ACME_WORK_SIZE + 7u) / 8u * sizeof(uint64_t),
               "CONFIG_ACME_WORK_SIZE is too small for a DNS record");
_Static_assert(sizeof(union acme_arena_memory) <=
                   (CONFIG_ACME_JSON_ARENA_SIZE + 7u) / 8u * sizeof(uint64_t),
               "CONFIG_ACME_JSON_ARENA_SIZE is too small for a record");

#if CONFIG_ACME_CERT_SLOTS > 1
/** The slot of a request that there is. */
struct acme_slot *acme_slots_at(struct acme_client *c, uint16_t request);
/** The request being worked on, and its slot: not to be asked for when there is none. */
const struct acme_cert_request *acme_slots_request(const struct acme_client *c);
struct acme_slot *acme_slots_current(struct acme_client *c);
#else
static inline struct acme_slot *acme_slots_at(struct acme_client *c, uint16_t request)
{
    (void)request;
    return c->slots;
}
static inline const struct acme_cert_request *acme_slots_request(const struct acme_client *c)
{
    return c->config.certs;
}
static inline struct acme_slot *acme_slots_current(struct acme_client *c)
{
    return c->slots;
}
#endif
