/*
 * Where an order stands, and the steps between its states that several rooms take: to begin, to
 * wait for the CA, to leave. It must not know requests.
 */
#pragma once

#include "challenge/challenge.h"
#include "client/machine.h"

struct acme_client;

#if defined(CONFIG_ACME_ALTERNATE_CHAINS)
/** The choice among the chains that a CA offers: alternate.c makes it. */
struct acme_chain_choice {
    uint16_t chains[CONFIG_ACME_ALTERNATES_MAX + 1]; /* URLs; the first is the CA's choice */
    uint8_t chains_count, chain_index;               /* the one that was fetched last */
    uint8_t best_index, best_count;
    bool best_fits, chain_chosen;
};
#endif

/** Texts and URLs are in the pool; 0: none. */
struct acme_order {
    uint8_t generation; /* of the key that the certificate is going to have */
    bool resumed;
    bool challenge_sent; /* the CA was told before a reset */
    bool proof_fetched;  /* by the CA, since it was told of the challenge */
    bool early : 1;      /* finalize is under way, in the belief that all is proven */
    bool early_tried : 1;
    bool key_refused : 1;     /* the CA will not have the old key any more */
    bool says_replaces : 1;   /* the order names the certificate that it replaces */
    bool no_replaces : 1;     /* and the CA did not like that */
    bool pre_authorizing : 1; /* there is no order yet */
    bool by_ancestor : 1;     /* the authorization under way is for request->ancestor */
    bool finalized : 1;       /* the CA has taken the request for the certificate */
    bool waited : 1;          /* for the leaf's first second */
    bool known : 1;           /* its names were compared */
    uint8_t missing;          /* how often in a row the CA did not know what was asked for */
    uint8_t alternatives;     /* types that can be tried when this one fails, as bits */
    uint8_t next;             /* the state that LEAVE_ORDER and CLEAN_UP lead to */
    uint16_t polls;
    uint16_t url, finalize, certificate;
    uint16_t authorization_count, authorization_index;
    uint16_t challenge; /* URL of the one that is with the CA */
    uint16_t token, key_authorization;
    uint16_t name;           /* index of the one under way */
    uint16_t pool_mark;      /* the pool is cut back to here when the order is read again */
    uint16_t challenge_mark; /* the pool is cut back to here for the next authorization */
    uint16_t finalize_polls;
    union {
        uint16_t next_name;    /* before the order: to ask an authorization for */
        uint16_t replaced_len; /* after it: of the old leaf; 0: there is none to revoke */
    } use;
    uint16_t authorizations[CONFIG_ACME_NAMES_MAX];
    const struct acme_challenge_ops *type; /* the way under way, or NULL */
#if defined(CONFIG_ACME_ALTERNATE_CHAINS)
    struct acme_chain_choice choice;
#endif
};

/** Begins without an order: NEW_ORDER, or NEW_AUTHORIZATION before it. Nothing is kept but the
 * generation of the key. Always ACME_OK. */
int32_t acme_order_begin(struct acme_client *c);
/** Leaves what is under way, by LEAVE_ORDER, which stops what answers the CA and removes what is in
 * the DNS, for the state `next`. ORDER_GONE, SLOT_DONE and DONE end with the error. Always ACME_OK.
 */
int32_t acme_order_leave(struct acme_client *c, enum acme_state next, int32_t error);
/** Counts a poll; an order gets a bounded number of them, whatever the CA says.
 * ACME_ERR_POLL_LIMIT. */
int32_t acme_order_count_poll(struct acme_client *c);
/** Enters a state, which looks again at what the CA is doing, after what the reply asks for, or
 * default_ms. Where that is too long for a job, ACME_ERR_POLL_LIMIT: the slot's work ends, its
 * order stays, and the schedule keeps the pause. Counts a poll, as above. */
int32_t acme_order_wait(struct acme_client *c, enum acme_state state, uint32_t default_ms);
/** The same, but where the reply asks for seconds only, the first looks come after early_ms. */
int32_t acme_order_wait_early(struct acme_client *c, enum acme_state state, uint32_t early_ms);
/** Looks at the authorization again when the CA may have made up its mind: as acme_order_wait. */
int32_t acme_order_wait_for_verdict(struct acme_client *c, uint32_t default_ms);

/** A problem document in a state of an order that has no answer of its own: the CA may no longer
 * know what was under way. ACME_OK, or the error. */
int32_t acme_order_problem(struct acme_client *c, int32_t error);

/** Whether a failure leaves the order where it is: once it is finalized, its certificate is fetched
 * until it is installed or the CA says that it will never be had. */
bool acme_order_is_kept(const struct acme_client *c);

/** The pause between looks at what the CA is doing, where it does not say. */
#define ACME_POLL_DEFAULT_MS 3000u
