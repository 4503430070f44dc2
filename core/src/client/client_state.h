/*
 * The client's whole state in RAM, and what its rooms share. Private to core/src/{client,status,
 * request,account,order,authorization}.c. State that survives a reset is in store.h, nowhere else.
 */
#ifndef ACME_CLIENT_STATE_H
#define ACME_CLIENT_STATE_H

#include "acme/client.h"
#include "crypto/cert.h"
#include "challenge/challenge.h"
#include "net/exchange.h"
#include "json/json.h"
#include "crypto/jws.h"
#include "base/log.h"
#include "json/problem.h"
#include "store/store.h"

/** The states, named after RFC 8555's resources. The table is in client.c. */
enum acme_state {
    ACME_STATE_IDLE,
    ACME_STATE_DIRECTORY,
    ACME_STATE_NEW_NONCE,
    ACME_STATE_ACCOUNT,
    ACME_STATE_NEW_ACCOUNT,
    ACME_STATE_ACCOUNT_READY,
    ACME_STATE_SELECT,
    ACME_STATE_NEW_AUTHORIZATION,
    ACME_STATE_NEW_ORDER,
    ACME_STATE_ORDER,
    ACME_STATE_AUTHORIZATION,
    ACME_STATE_PRESENT,
    ACME_STATE_READY,
    ACME_STATE_CHALLENGE,
    ACME_STATE_AUTHORIZATION_WAIT,
    ACME_STATE_CLEAN_UP,
    ACME_STATE_FINALIZE,
    ACME_STATE_ORDER_WAIT,
    ACME_STATE_CERTIFICATE,
    ACME_STATE_INSTALL,
#if defined(CONFIG_ACME_REVOCATION)
    ACME_STATE_REVOKE,
#endif
#if defined(CONFIG_ACME_ACCOUNT_MANAGEMENT)
    ACME_STATE_ACCOUNT_UPDATE,
    ACME_STATE_ACCOUNT_DEACTIVATE,
#endif
#if defined(CONFIG_ACME_ARI)
    ACME_STATE_RENEWAL_INFO,
#endif
#if defined(CONFIG_ACME_KEY_ROLLOVER)
    ACME_STATE_KEY_CHANGE,
    ACME_STATE_KEY_PROBE,
#endif
#if defined(CONFIG_ACME_DEAUTHORIZATION)
    ACME_STATE_DEAUTHORIZE,
#endif
#if defined(CONFIG_ACME_REVOKE_REPLACED)
    ACME_STATE_REVOKE_REPLACED,
#endif
    ACME_STATE_COUNT
};

enum acme_job {
    ACME_JOB_NONE,
    ACME_JOB_RUN,
    ACME_JOB_ACCOUNT,
    ACME_JOB_ACCOUNT_UPDATE,
    ACME_JOB_ACCOUNT_DEACTIVATE,
    ACME_JOB_REVOKE,
    ACME_JOB_DOCTOR, /* doctor.c drives it */
    ACME_JOB_ACCOUNT_RECOVER,
    ACME_JOB_ACCOUNT_ROLLOVER,
    ACME_JOB_DEAUTHORIZE
};

/* What a state's enter function says: a request is under way, or it has changed the state without
 * one (ACME_OK); wait until wait_until_ms (ACME_ERR_AGAIN). */

struct acme_slot {
    int32_t error;      /* of the last try */
    uint8_t store_slot; /* where its records are */
    bool occupied; /* cert is a stored record, be it for other names that are no longer wanted */
    bool has_cert; /* cert is for this request */
    bool pending;  /* to be done in this job */
#if defined(CONFIG_ACME_SCHEDULE)
    struct acme_schedule schedule;
#endif
#if defined(CONFIG_ACME_ARI)
    bool looked; /* the CA was asked in this job */
#endif
#if defined(CONFIG_ACME_PROFILES)
    bool profile_missing; /* the CA does not have it */
#endif
    struct acme_cert_record cert;
};

/* What a directory names with a URL, in the order of account.c's list. */
enum acme_directory_url {
    ACME_URL_NEW_NONCE,
    ACME_URL_NEW_ACCOUNT,
    ACME_URL_NEW_ORDER,
    ACME_URL_REVOKE_CERT, /* this one and the next are missed only by who wants them */
#if defined(CONFIG_ACME_KEY_ROLLOVER)
    ACME_URL_KEY_CHANGE,
#endif
#if defined(CONFIG_ACME_ARI)
    ACME_URL_RENEWAL_INFO,
#endif
#if defined(CONFIG_ACME_PRE_AUTHORIZATION)
    ACME_URL_NEW_AUTHZ,
#endif
    ACME_URL_COUNT
};

/* Offsets into the URL pool; 0: none, for the pool starts with an empty string. */
struct acme_directory {
    uint16_t urls[ACME_URL_COUNT];
    uint16_t tos;
#if defined(CONFIG_ACME_DNS_PERSIST_01)
    uint16_t issuers; /* the CA's names for itself, with spaces between */
#endif
#if defined(CONFIG_ACME_SUBDOMAINS)
    bool subdomains; /* the CA takes proofs of a domain above (RFC 9444) */
#endif
};

/* What follows when no record of ours is left in the DNS. */
enum acme_after {
    ACME_AFTER_GO_ON,     /* all is well */
    ACME_AFTER_RESTART,   /* other ways in the same order */
    ACME_AFTER_NEW_ORDER, /* other ways in a new order */
    ACME_AFTER_GONE,      /* the order has failed; one of an earlier run is replaced */
    ACME_AFTER_ERROR
};

/* A record that proves a name; names and URLs are in the pool. */
struct acme_proof_record {
    const struct acme_challenge_ops *type;
    uint16_t url, name, value;
    uint16_t authorization, name_index;
    uint8_t alternatives;
    bool by_ancestor;
    bool sent;  /* the CA was told by an earlier run */
    bool stale; /* proven before this run: it only has to go */
};

struct acme_order_state {
    uint8_t generation;
    bool resumed;
    bool challenge_sent; /* the CA was told before a reset */
    uint16_t url, finalize, certificate;
    uint16_t authorization_count, authorization_index;
    uint16_t challenge; /* URL of the one that is with the CA; 0: none */
    uint16_t token, key_authorization;
    uint16_t name;           /* index of the one under way */
    uint16_t pool_mark;      /* the pool is cut back to here when the order is read again */
    uint16_t challenge_mark; /* the pool is cut back to here for the next authorization */
    uint16_t finalize_polls;
#if defined(CONFIG_ACME_EARLY_FINALIZE)
    bool proof_fetched; /* by the CA, since it was told of the challenge */
    bool early;         /* finalize is under way, in the belief that all is proven */
    bool early_tried;
#endif
#if defined(CONFIG_ACME_ALTERNATE_CHAINS)
    uint16_t chains[CONFIG_ACME_ALTERNATES_MAX + 1]; /* URLs; the first is the CA's choice */
    uint8_t chains_count, chain_index;               /* the one that was fetched last */
    uint8_t best_index, best_count;
    bool chain_chosen;
#endif
#if defined(CONFIG_ACME_KEY_REUSE)
    bool key_refused; /* the CA will not have the old key any more */
#endif
#if defined(CONFIG_ACME_REVOKE_REPLACED)
    uint16_t replaced_len; /* of the old leaf; 0: there is none to revoke */
#endif
#if defined(CONFIG_ACME_ARI)
    bool says_replaces; /* the order names the certificate that it replaces */
    bool no_replaces;   /* and the CA did not like that */
#endif
    uint16_t authorizations[CONFIG_ACME_NAMES_MAX];
#if defined(ACME_CHALLENGE_CHOICE)
    const struct acme_challenge_ops *type; /* the way under way, or NULL */
    uint8_t alternatives; /* types that can be tried when this one fails, as bits */
#endif
#if defined(CONFIG_ACME_PRE_AUTHORIZATION)
    bool pre_authorizing; /* there is no order yet */
    uint16_t next_name;   /* to ask an authorization for */
#endif
#if defined(CONFIG_ACME_SUBDOMAINS)
    bool by_ancestor; /* the authorization under way is for request->ancestor */
#endif
#if defined(CONFIG_ACME_DNS)
    bool proving; /* the second round: records are set, the CA is told */
    uint8_t after;
    int32_t error;
    uint16_t record, record_count, records_mark;
    uint64_t deadline_ms; /* of the provider's operation */
    struct acme_proof_record records[CONFIG_ACME_NAMES_MAX];
#endif
};

/* The one slot's failure ends the job, whose last problem is then the slot's; where more may
 * follow, it is kept. */
#if ACME_MEMORY_PROBLEM > 0
#define ACME_SLOT_PROBLEM
#endif

struct acme_doctor;

struct acme_client {
    /* What is used most comes first: its offsets then fit the short instructions of Thumb. */
    uint8_t state, job, after_nonce;
    bool in_exchange; /* a request is under way */
    bool account_exists;
    uint8_t account_slot, account_type, account_generation;
    int16_t slot; /* the request being worked on, or -1 */
    int16_t problem_slot;
    uint16_t nonce_retries, transient_retries, polls;
    uint16_t settle_ms; /* the first look at what the CA is doing: see settle_time */
    uint16_t pool_len, pool_order_mark;
    bool forced_once;     /* config.force_renewal holds for this job only */
    bool account_retried; /* a lost account was made anew in this job */
#if defined(CONFIG_ACME_SCHEDULE)
    bool due_only;   /* the job keeps the pauses after failures */
    bool time_asked; /* a CA that tells no time was asked since the start */
    int64_t floor_written_s;
#endif
#if defined(CONFIG_ACME_PRE_AUTHORIZATION)
    bool pre_authorized; /* the slot's names are proven */
#endif
    uint8_t revoke_reason;
    bool revoke_with_cert_key;
    struct acme_order_state order;
    const char *signing; /* a request is being signed for this URL, which outlives it; or NULL */
    int32_t result;      /* of the job */
    uint32_t body_len;   /* of a reply, in work */
#if defined(CONFIG_ACME_ACCOUNT_MANAGEMENT)
    bool account_replaced; /* a deactivated account got a new key in this job */
#endif
#if defined(CONFIG_ACME_KEY_ROLLOVER)
    uint8_t rollover;       /* as in the account's record */
    bool rollover_in_doubt; /* the CA may have taken the new key */
#endif
#if defined(CONFIG_ACME_CERT_HOLD)
    uint16_t held; /* how many use the keys of the stored certificates */
#endif
#if defined(CONFIG_ACME_FALLBACK)
    uint16_t ca_index; /* 0: the first; config has the values of the one in use */
    struct acme_ca first_ca;
#endif
    uint64_t wait_until_ms;
#if defined(CONFIG_ACME_CERT_HOLD)
    uint64_t held_up_to_ms; /* the wait for whoever holds them ends; 0: none waits */
#endif
    struct acme_config config;
    struct acme_clock clock;
    struct acme_json_arena arena;
    struct acme_store log;
    struct acme_directory directory;
#if defined(CONFIG_ACME_DNS)
    uint64_t call_again_ms; /* a state that polls: the latest time of its next turn */
#endif
#if defined(CONFIG_ACME_DOCTOR)
    struct acme_doctor *doctor; /* of the job under way, or NULL */
#endif
    uint32_t served_seen;
    uint32_t bad_nonces, new_orders;
    struct acme_exchange exchange;
    struct acme_challenges challenges;
    struct acme_problem problem; /* of the request under way */
#if defined(ACME_SLOT_PROBLEM)
    struct acme_problem slot_problem; /* of problem_slot, for its status */
#endif
    struct acme_chain_sink sink;
    struct acme_slot slots[CONFIG_ACME_CERT_SLOTS];
#if defined(ACME_CHALLENGE_CHOICE)
    uint8_t failed[CONFIG_ACME_NAMES_MAX]; /* types that failed for a name in this job, as bits */
    uint8_t failed_once;                   /* types that failed for any of them */
#endif
    char thumbprint[44];
    char nonce[CONFIG_ACME_NONCE_MAX + 1];
    char account_url[CONFIG_ACME_URL_MAX + 1];
    char pool[CONFIG_ACME_URL_POOL_SIZE];
    _Alignas(8) uint8_t arena_data[CONFIG_ACME_JSON_ARENA_SIZE];
    _Alignas(8) char work[CONFIG_ACME_WORK_SIZE];
};

/* ---- client.c ---- */

/** Changes the state. Always ACME_OK, so that a step can end with it. */
int32_t acme_client_go(struct acme_client *c, enum acme_state state);
/** Enters the state again after ms, or sooner when the responder has answered the CA. */
void acme_client_wait(struct acme_client *c, uint32_t ms);
void acme_client_emit(struct acme_client *c, enum acme_event_type type, const char *text);
/** The same with an error, and the problem of the CA that goes with it. */
void acme_client_emit_failure(struct acme_client *c, enum acme_event_type type, int32_t error,
                              const char *text);
/** The job ends. */
void acme_client_finish(struct acme_client *c, int32_t error);
/** The current slot's work ends; others go on. */
void acme_client_slot_done(struct acme_client *c, int32_t error);
psa_key_id_t acme_client_account_key(const struct acme_client *c);
psa_key_id_t acme_client_cert_key(uint8_t store_slot, uint8_t generation);
/** The slot of a request that there is. */
static inline struct acme_slot *acme_client_slot_of(struct acme_client *c, uint16_t request)
{
    return &c->slots[CONFIG_ACME_CERT_SLOTS > 1 ? request : 0];
}
/* The request being worked on, and its slot: not to be asked for when there is none. */
#if CONFIG_ACME_CERT_SLOTS > 1
const struct acme_cert_request *acme_client_request(const struct acme_client *c);
struct acme_slot *acme_client_slot(struct acme_client *c);
#else
static inline const struct acme_cert_request *acme_client_request(const struct acme_client *c)
{
    return c->config.certs;
}
static inline struct acme_slot *acme_client_slot(struct acme_client *c)
{
    return c->slots;
}
#endif
/** The problem of problem_slot. */
static inline struct acme_problem *acme_client_slot_problem(struct acme_client *c)
{
#if defined(ACME_SLOT_PROBLEM)
    return &c->slot_problem;
#else
    return &c->problem;
#endif
}
/** Joins a request's names with commas into work. ACME_ERR_BUFFER. */
int32_t acme_client_join_names(struct acme_client *c, const struct acme_cert_request *request);

/* ---- request.c: requests out of the work buffer, replies into it ---- */

/** Copies a string into the URL pool; *offset names it. ACME_ERR_LIMIT. */
int32_t acme_pool_add(struct acme_client *c, const char *text, uint16_t *offset);
/** The same for a URL, which must be an https one: ACME_ERR_FIELD (NULL), ACME_ERR_URL. */
int32_t acme_pool_add_url(struct acme_client *c, const char *url, uint16_t *offset);
const char *acme_pool_get(const struct acme_client *c, uint16_t offset);

/** Who signs. */
enum acme_signer {
    ACME_SIGNER_ACCOUNT,
    ACME_SIGNER_ACCOUNT_JWK,
    ACME_SIGNER_CERT_JWK,
    ACME_SIGNER_NEXT_JWK /* the account key that a rollover brings */
};

/** Starts a GET or HEAD. */
int32_t acme_request_plain(struct acme_client *c, const char *method, const char *url);
/** A buffer at the start of work for a payload. */
void acme_request_payload(struct acme_client *c, struct acme_buf *payload);
/** Starts a signed POST with the payload in the buffer (NULL: POST-as-GET); url stays valid until
 * it is sent. Without a nonce it moves to NEW_NONCE, which comes back. */
int32_t acme_request_post(struct acme_client *c, const char *url, const struct acme_buf *payload,
                          enum acme_signer signer);
/** The same with a URL of the pool. */
int32_t acme_request_post_at(struct acme_client *c, uint16_t url, const struct acme_buf *payload,
                             enum acme_signer signer);
/** Goes on signing, and sends the request when that is done. */
int32_t acme_request_sign(struct acme_client *c);
/** Forgets a request that is being signed. */
void acme_request_abort(struct acme_client *c);
/** Whether a nonce is at hand; otherwise moves to NEW_NONCE. Ask before costly payloads. */
bool acme_request_has_nonce(struct acme_client *c);
/** The reply's JSON object; the content type must be JSON. ACME_ERR_CONTENT_TYPE, _JSON, _ARENA. */
int32_t acme_reply_json(struct acme_client *c, acme_json_value *root);
/** The pause that the reply asks for, in ms, or fallback_ms; at most ceiling_ms. */
uint32_t acme_reply_retry_after(const struct acme_client *c, uint32_t fallback_ms,
                                uint32_t ceiling_ms);

/** The status of an account, order, authorization or challenge (RFC 8555 7.1.6). */
enum acme_status {
    ACME_STATUS_NONE, /* it has none */
    ACME_STATUS_PENDING,
    ACME_STATUS_PROCESSING,
    ACME_STATUS_READY,
    ACME_STATUS_VALID,
    ACME_STATUS_INVALID,
    ACME_STATUS_OTHER
};
enum acme_status acme_reply_status(acme_json_value object);

/* ---- states of account.c, order.c and authorization.c ---- */

#define ACME_STATE_FN(name)                                                                        \
    int32_t acme_enter_##name(struct acme_client *c);                                              \
    int32_t acme_reply_##name(struct acme_client *c);
ACME_STATE_FN(directory)
ACME_STATE_FN(new_nonce)
ACME_STATE_FN(new_account)
ACME_STATE_FN(new_order)
ACME_STATE_FN(order)
ACME_STATE_FN(authorization)
ACME_STATE_FN(new_authorization)
ACME_STATE_FN(challenge)
ACME_STATE_FN(finalize)
ACME_STATE_FN(certificate)
ACME_STATE_FN(revoke)
ACME_STATE_FN(account_update)
ACME_STATE_FN(account_deactivate)
#if defined(CONFIG_ACME_KEY_ROLLOVER)
ACME_STATE_FN(key_change)
ACME_STATE_FN(key_probe)
#endif
#if defined(CONFIG_ACME_DEAUTHORIZATION)
ACME_STATE_FN(deauthorize)
#endif
#if defined(CONFIG_ACME_REVOKE_REPLACED)
ACME_STATE_FN(revoke_replaced)
#endif
#if defined(CONFIG_ACME_ARI)
ACME_STATE_FN(renewal_info)
#endif
#undef ACME_STATE_FN
int32_t acme_enter_account(struct acme_client *c);
int32_t acme_enter_account_ready(struct acme_client *c);
int32_t acme_enter_select(struct acme_client *c);
int32_t acme_enter_authorization_wait(struct acme_client *c);
int32_t acme_enter_order_wait(struct acme_client *c);
int32_t acme_enter_install(struct acme_client *c);
#if defined(CONFIG_ACME_DNS)
int32_t acme_enter_present(struct acme_client *c);
int32_t acme_enter_ready(struct acme_client *c);
int32_t acme_enter_clean_up(struct acme_client *c);
#endif

#if defined(CONFIG_ACME_ARI)
/** Goes to RENEWAL_INFO for the next certificate whose CA is to be asked; false: there is none. */
bool acme_ari_next(struct acme_client *c);
/** The CA has no answer for the current slot: back to SELECT. */
void acme_ari_failed(struct acme_client *c, int32_t error);
/** The identifier of a slot's certificate; overwrites work. */
int32_t acme_ari_cert_id(struct acme_client *c, const struct acme_slot *s, char *out, size_t size);
#endif
/** A problem document in a state of an order: handles it (ACME_OK), or names the error. */
int32_t acme_order_refused(struct acme_client *c, int32_t error);
/** Counts a poll; an order gets a bounded number of them, whatever the CA says.
 * ACME_ERR_POLL_LIMIT.
 */
int32_t acme_order_count_poll(struct acme_client *c);
/** An order of an earlier run may have died meanwhile: then a new one takes its place, once
 * (ACME_OK). Else the error. */
int32_t acme_order_is_gone(struct acme_client *c, int32_t error);
/** Takes from a directory what authorizations need. ACME_ERR_LIMIT. */
int32_t acme_authorization_read_directory(struct acme_client *c, acme_json_value root);
/** Starts without an order: at NEW_ORDER, or before it. */
void acme_authorization_start(struct acme_client *c);
/** Whether a name has an ancestor (RFC 9444) that the CA will take proof of in its place. */
bool acme_authorization_has_ancestor(const struct acme_client *c, const char *name);
/** Drops the order for a new one, to try other ways of proving. */
int32_t acme_order_again(struct acme_client *c);
/** Takes back what answers the CA. */
void acme_authorization_stop(struct acme_client *c);
#if defined(ACME_CHALLENGE_CHOICE)
/** A slot's work begins: no way of proving has failed yet. */
void acme_authorization_begin(struct acme_client *c);
#else
static inline void acme_authorization_begin(struct acme_client *c)
{
    (void)c;
}
#endif
#if defined(CONFIG_ACME_DNS)
/** Whether there are records of ours in the DNS: then they go first, and what is to follow is
 * remembered. */
bool acme_authorization_clean_up(struct acme_client *c, enum acme_after after, int32_t error);
#else
static inline bool acme_authorization_clean_up(struct acme_client *c, enum acme_after after,
                                               int32_t error)
{
    (void)c;
    (void)after;
    (void)error;
    return false;
}
#endif
#if defined(CONFIG_ACME_EARLY_FINALIZE)
/** The CA took the order for ready: so the last authorization is valid. */
void acme_authorization_was_early(struct acme_client *c);
/** It did not: then the authorization is looked at again. ACME_ERR_POLL_LIMIT. */
int32_t acme_authorization_not_yet(struct acme_client *c);
#endif
/** Looks at the authorization again when the CA may have made up its mind. ACME_ERR_POLL_LIMIT. */
int32_t acme_authorization_wait(struct acme_client *c);
/** The account is unknown to the CA: forgets its URL, and starts over with newAccount. */
int32_t acme_account_lost(struct acme_client *c);
#if defined(CONFIG_ACME_ACCOUNT_MANAGEMENT)
/** The CA has deactivated the account: goes on with a new one and a new key, once in a job. */
int32_t acme_account_replace(struct acme_client *c);
#endif
#if defined(CONFIG_ACME_KEY_ROLLOVER)
/** The account key of the other generation; PSA_KEY_ID_NULL where the key is the firmware's. */
psa_key_id_t acme_rollover_key(const struct acme_client *c);
uint8_t acme_rollover_type(const struct acme_client *c);
/** The CA refused the change (or has not heard of it): the old key stays, the new one goes. */
int32_t acme_rollover_undo(struct acme_client *c);
#endif
#if defined(CONFIG_ACME_ALTERNATE_CHAINS)
/** What a check of the current slot's new chain needs. */
void acme_order_chain_check(struct acme_client *c, struct acme_chain_check *check);
/** A chain is stored: installs it, or fetches another that may suit better. */
int32_t acme_alternate_next(struct acme_client *c);
/** A chain could not be had: false, or it goes back to the CA's first choice. */
bool acme_alternate_failed(struct acme_client *c, int32_t error);
#endif
#if defined(CONFIG_ACME_FALLBACK)
/** Turns to the first CA, when a job begins. ACME_ERR_CERT_PARSE, ACME_ERR_STORE_*. */
int32_t acme_fallback_reset(struct acme_client *c);
/** At the end of a job: begins anew with the next CA for the certificates that want it. */
bool acme_fallback_next(struct acme_client *c);
#endif
/** Writes the account's record again with the keys as the client has them. */
int32_t acme_account_rewrite(struct acme_client *c);
/** Reads the order of a slot of the store. *r is in the arena, until a reply, whatever comes of it.
 */
int32_t acme_order_load(struct acme_client *c, uint8_t store_slot,
                        const struct acme_order_record **r);
/** Takes up the current slot's order, or begins one. */
int32_t acme_order_take_up(struct acme_client *c);
/** Loads the account of the directory URL, if the store has one. */
int32_t acme_account_load(struct acme_client *c);

#endif
