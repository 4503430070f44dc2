/*
 * The life-cycle's machine: which state it is in, how long it waits, what it tells the firmware. It
 * must not know what a state does.
 */
#pragma once

#include "acme/client.h"
#include "base/error.h"
#include "base/limit.h"

struct acme_client;

/* Every state, in the order of a first boot, named after RFC 8555's resources; those that an option
 * brings stand behind the others. What they do is the table in client.c. */
#define ACME_STATE_LIST(X)                                                                         \
    X(IDLE)                                                                                        \
    X(DIRECTORY)                                                                                   \
    X(NEW_NONCE)                                                                                   \
    X(ACCOUNT)                                                                                     \
    X(NEW_ACCOUNT)                                                                                 \
    X(TERMS)                                                                                       \
    X(ACCOUNT_READY)                                                                               \
    X(SELECT)                                                                                      \
    X(NEW_ORDER)                                                                                   \
    X(ORDER)                                                                                       \
    X(NEXT_AUTHORIZATION)                                                                          \
    X(AUTHORIZATION)                                                                               \
    X(CHALLENGE)                                                                                   \
    X(AUTHORIZATION_WAIT)                                                                          \
    X(FINALIZE)                                                                                    \
    X(ORDER_WAIT)                                                                                  \
    X(CERTIFICATE)                                                                                 \
    X(INSTALL)                                                                                     \
    X(LEAVE_ORDER)                                                                                 \
    X(ORDER_AGAIN)                                                                                 \
    X(ORDER_GONE)                                                                                  \
    X(SLOT_DONE)                                                                                   \
    X(DONE)                                                                                        \
    X(NEW_AUTHORIZATION)                                                                           \
    X(PRESENT)                                                                                     \
    X(READY)                                                                                       \
    X(CLEAN_UP)                                                                                    \
    X(CHAIN_CHOICE)                                                                                \
    X(REVOKE)                                                                                      \
    X(REVOKE_REPLACED)                                                                             \
    X(ACCOUNT_UPDATE)                                                                              \
    X(ACCOUNT_DEACTIVATE)                                                                          \
    X(KEY_CHANGE)                                                                                  \
    X(KEY_PROBE)                                                                                   \
    X(DEAUTHORIZE)                                                                                 \
    X(RENEWAL_INFO)                                                                                \
    X(NEXT_CA)

enum acme_state {
#define ACME_STATE_NUMBER(name) ACME_STATE_##name,
    ACME_STATE_LIST(ACME_STATE_NUMBER)
#undef ACME_STATE_NUMBER
        ACME_STATE_COUNT
};

enum acme_job {
    ACME_JOB_NONE,
    ACME_JOB_RUN,
    ACME_JOB_ACCOUNT,
    ACME_JOB_ACCOUNT_UPDATE,
    ACME_JOB_ACCOUNT_DEACTIVATE,
    ACME_JOB_REVOKE,
    ACME_JOB_SIDE, /* somebody else drives it: see struct acme_side */
    ACME_JOB_ACCOUNT_RECOVER,
    ACME_JOB_ACCOUNT_ROLLOVER,
    ACME_JOB_DEAUTHORIZE
};

/** A job that is not the machine's, on a client that is idle: whoever starts it sets it. */
struct acme_side {
    /** Goes on. ACME_OK: call again at once; ACME_ERR_AGAIN: *wait_ms is lowered. */
    int32_t (*poll)(struct acme_client *c, uint32_t *wait_ms);
    /** Gives it up: the client is idle again. */
    void (*stop)(struct acme_client *c);
};

/** Where the client is, for whoever has to mend what goes wrong. */
struct acme_where {
    const char *url;         /* asked last, or NULL; it outlives its use here */
    struct acme_limit limit; /* that was hit since then */
};

struct acme_machine {
    uint8_t state; /* enum acme_state */
    uint8_t job;   /* enum acme_job */
    uint8_t goal;  /* the state where the job begins once the account is known */
    int32_t error; /* what DONE or SLOT_DONE ends with */
    int32_t result;
    struct acme_error_place place; /* of the request under way, and what of its reply is wrong */
    struct acme_error_place slot_place; /* of c->problem_slot's error, for its status */
    const struct acme_side *side;
    uint64_t wait_until_ms;
};

/** A job is under way, or the firmware's breathe, in which nothing may begin. */
bool acme_machine_is_busy(const struct acme_client *c);
/** Changes the state. Always ACME_OK, so that a step can end with it. */
int32_t acme_machine_go(struct acme_client *c, enum acme_state state);
/** A request is under way, or has failed: errors from now on are about the state's, as a whole. */
void acme_machine_set_place(struct acme_client *c);
/** Enters the state again after ms, or sooner when the responder has answered the CA. */
void acme_machine_wait(struct acme_client *c, uint32_t ms);
/** The job ends: DONE. Always ACME_OK. */
int32_t acme_machine_end(struct acme_client *c, int32_t error);
/** The current slot's work ends, others go on: SLOT_DONE. Always ACME_OK. */
int32_t acme_machine_end_slot(struct acme_client *c, int32_t error);

/** A request begins, to a URL that stays valid (NULL: something else than a request does). */
void acme_machine_note_url(struct acme_client *c, const char *url);
/** Notes a limit that was hit: ACME_ERR_LIMIT. */
int32_t acme_machine_limit(struct acme_client *c, enum acme_limit_id id, size_t size);

/** Tells the firmware of something. */
void acme_machine_emit(struct acme_client *c, enum acme_event_type type, const char *text);
/** The same with an error, and the problem of the CA that goes with it. */
void acme_machine_emit_failure(struct acme_client *c, enum acme_event_type type, int32_t error,
                               const char *text);
/** When there is something to do again, at the end of a job. */
void acme_machine_emit_next(struct acme_client *c, uint32_t next_s);
