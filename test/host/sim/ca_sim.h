/*
 * A certificate authority in RAM: a small and strict ACME server (RFC 8555, RFC 9773) for tests
 * that drive the real client in virtual time. One call answers one HTTP request; one call a tick
 * moves what takes time: validation, which really fetches the proof from the device, and issuance.
 *
 * Strict: each request's nonce is good once, its url is compared, its signature verified (PSA), its
 * kid or jwk where RFC 8555 wants it; a CSR is parsed by mbedTLS, its signature, names and key
 * checked. Certificates are real X.509: leaf and intermediate, P-256, ECDSA with SHA-256.
 *
 * Cheap: no certificate is kept, only what it is made from, and it is signed again for a download;
 * an account takes about 300 bytes, an order about 700, all in one block without pointers of its
 * own, which ca_sim_copy copies: a world can be saved and restored. Orders are never forgotten: the
 * tests count them.
 *
 * It must not know the client's internals. mbedTLS's memory and PSA must be up in the calls that
 * sign or verify: ca_sim_init, ca_sim_request and ca_sim_chain.
 */
#ifndef CA_SIM_H
#define CA_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CA_SIM_HOST      "ca.example.org"
#define CA_SIM_DIRECTORY "https://" CA_SIM_HOST "/directory"
#define CA_SIM_NAMES_MAX 4u
#define CA_SIM_NAME_MAX  64u
#define CA_SIM_POINT     65u /* an uncompressed P-256 point */
#define CA_SIM_NONCES    4096u
#define CA_SIM_FAULTS    4u

enum ca_sim_route {
    CA_SIM_DIRECTORY_GET,
    CA_SIM_NEW_NONCE,
    CA_SIM_NEW_ACCOUNT,
    CA_SIM_ACCOUNT,
    CA_SIM_KEY_CHANGE,
    CA_SIM_NEW_ORDER,
    CA_SIM_NEW_AUTHORIZATION,
    CA_SIM_ORDER,
    CA_SIM_AUTHORIZATION,
    CA_SIM_CHALLENGE,
    CA_SIM_FINALIZE,
    CA_SIM_CERTIFICATE,
    CA_SIM_REVOKE,
    CA_SIM_RENEWAL_INFO,
    CA_SIM_ROUTES
};

enum ca_sim_status {
    CA_SIM_PENDING,
    CA_SIM_READY,
    CA_SIM_PROCESSING,
    CA_SIM_VALID,
    CA_SIM_INVALID,
    CA_SIM_DEACTIVATED,
    CA_SIM_REVOKED
};

struct ca_sim_account {
    uint8_t key[CA_SIM_POINT];
    uint8_t status;  /* CA_SIM_VALID, _DEACTIVATED or _REVOKED */
    uint32_t agreed; /* version of the terms, 0: none */
    uint32_t orders;
    char contact[128];
    char thumbprint[44];
};

struct ca_sim_authorization {
    uint8_t status;
    uint8_t challenge; /* CA_SIM_PENDING, _PROCESSING, _VALID, _INVALID */
    uint16_t tries;
    int32_t probe; /* handle of a fetch under way, or -1 */
    uint64_t next_ms;
    uint64_t valid_until_ms;
    char name[CA_SIM_NAME_MAX];
};

struct ca_sim_order {
    uint32_t account;
    uint8_t status;
    uint8_t names_count;
    bool touched; /* the client has asked for it, or for anything of it, since it was made */
    bool revoked;
    uint8_t revoke_reason;
    uint32_t replaces;    /* number of the order + 1, or 0 (RFC 9773 5) */
    uint32_t replaced_by; /* likewise */
    uint64_t created_ms;
    uint64_t ready_ms; /* of issuance */
    int64_t not_before_s, not_after_s;
    int64_t window_start_s, window_end_s; /* a renewal window of its own, or 0 */
    uint8_t key[CA_SIM_POINT];
    struct ca_sim_authorization authorizations[CA_SIM_NAMES_MAX];
};

/** The next count requests to route are answered with status and a problem of this type. */
struct ca_sim_fault {
    uint8_t route;
    uint16_t count, status;
    uint32_t retry_after_s; /* 0: no header */
    const char *type;       /* without the urn's prefix; a constant; NULL: no document at all */
};

/** What a test sets, at any time. Zero means the default. */
struct ca_sim_options {
    uint32_t lifetime_s;        /* of a leaf; default 90 days */
    uint32_t backdate_s;        /* notBefore is this much ago; default 1 hour */
    uint32_t validate_ms;       /* from the challenge to the first fetch; default 1 s */
    uint32_t validate_retry_ms; /* between fetches; default 3 s */
    uint16_t validate_tries;    /* default 1000: a patient CA; 1: one look decides */
    uint32_t issue_ms;          /* from finalize to valid; default 500 ms */
    uint32_t authorization_s;   /* how long a proof is good for further orders; default: for one */
    uint32_t bad_nonce_every;   /* each n-th good nonce is refused; 0: never */
    uint32_t orders_per_day;    /* of one account; 0: no limit */
    uint32_t terms;             /* version of the terms of service: their URL changes with it */
    bool terms_enforced;        /* userActionRequired until the account has agreed to them */
    bool no_renewal_info;       /* the directory lacks it */
    bool bindings;              /* a new account needs an external binding, good once */
    bool binding_is_malformed;  /* what a used one is answered with: 400, not 403 */
    bool shows_account; /* newAccount answers with an account that is closed, not with 403 */
    uint32_t window_from_permille; /* of a certificate's life; default 667 .. 700 */
    uint32_t window_to_permille;
    uint32_t ari_retry_after_s;           /* default 6 hours */
    uint64_t down_from_ms, down_until_ms; /* 503 with Retry-After in this time */
    uint32_t down_retry_after_s;
    const char *types;      /* of challenges, with spaces between; a constant; default http-01 */
    bool pre_authorization; /* newAuthz is there (RFC 8555 7.4.1) */
    bool trusting;          /* who says that a challenge is met is believed */
    int64_t date_skew_s;    /* its Date is wrong by this */
    uint32_t date_lies;     /* in so many answers, and then right; 0: in all */
    int64_t birth_skew_s;   /* and so are the dates of its certificates */
    uint32_t
        https_life_s;     /* of its server's own certificate; default 61 years, and never renewed */
    uint32_t https_age_s; /* of the first of them when the world began */
    uint32_t https_left_s; /* what is left of one when the next follows */
};

/** What happened, in all. */
struct ca_sim_counters {
    uint32_t requests[CA_SIM_ROUTES];
    uint32_t accounts, orders, certificates, revocations, key_changes, fetches;
    uint32_t bindings; /* newAccount with a binding */
    uint32_t lookups;  /* newAccount with onlyReturnExisting */
    uint32_t problems, bad_nonces;
    uint32_t violations; /* requests that a client following RFC 8555 does not send */
    char violation[96];  /* the last of them */
};

/** How the CA reaches a device: start a fetch of path on host, and look at it again later. */
struct ca_sim_fetcher {
    void *ctx;
    int32_t (*start)(void *ctx, const char *host, const char *path); /* a handle or < 0 */
    /** The whole HTTP response: its length; ACME_ERR_AGAIN; else it failed. */
    int32_t (*poll)(void *ctx, int32_t handle, char *data, size_t size);
    void (*cancel)(void *ctx, int32_t handle);
};

struct ca_sim {
    struct ca_sim_options options;
    struct ca_sim_fetcher fetcher;
    struct ca_sim_counters counters;
    struct ca_sim_fault faults[CA_SIM_FAULTS];
    uint64_t now_ms;
    int64_t epoch_s;
    uint64_t seed;
    uint64_t nonce_next;
    uint32_t nonces_taken;
    uint32_t accounts_max, accounts_count, orders_max, orders_count;
    uint32_t active_count;
    uint8_t route;                 /* enum ca_sim_route of the last request */
    char binding[32];              /* the key identifier of the one that was used last */
    uint8_t key[32], root_key[32]; /* private scalars of the intermediate and the root */
    uint8_t point[CA_SIM_POINT];
    uint8_t nonce_used[CA_SIM_NONCES / 8];
    uint16_t root_len, intermediate_len;
    uint8_t root[512], intermediate[640]; /* DER */
    /* orders, accounts and the list of active orders follow in the same block */
};

/** Bytes of the block for this many accounts and orders. */
size_t ca_sim_size(uint32_t accounts_max, uint32_t orders_max);
/** Sets up a CA in a block of ca_sim_size bytes, 8-byte aligned. Its keys come from seed. False: a
 * crypto call failed. */
bool ca_sim_init(struct ca_sim *ca, uint32_t accounts_max, uint32_t orders_max, uint64_t seed,
                 int64_t epoch_s, const struct ca_sim_fetcher *fetcher);
/** Copies a CA at rest, in use only, to a block of the same size. */
void ca_sim_copy(struct ca_sim *to, const struct ca_sim *from);

struct ca_sim_order *ca_sim_order(struct ca_sim *ca, uint32_t index);
struct ca_sim_account *ca_sim_account(struct ca_sim *ca, uint32_t index);
/** Writes the URL of an order. */
void ca_sim_order_url(uint32_t index, char *url, size_t size);
/** How many orders, of all accounts, are in a status. */
uint32_t ca_sim_count_orders(struct ca_sim *ca, enum ca_sim_status status);

/** Answers one whole HTTP/1.1 request at the virtual time now_ms: the length of the reply, or 0
 * when size is too small. As sim_server.request. */
size_t ca_sim_request(void *ca, const char *request, size_t len, char *reply, size_t size,
                      bool *close);
/** Time passes: validations and issuance go on. */
void ca_sim_tick(struct ca_sim *ca, uint64_t now_ms);
/** When the next of them is due, or UINT64_MAX. */
uint64_t ca_sim_next_ms(struct ca_sim *ca);
/** Ends all fetches under way; they are tried again later. */
void ca_sim_hang_up(struct ca_sim *ca);

/** The DER of the leaf of a valid order. Its length, 0 on failure. */
size_t ca_sim_leaf(struct ca_sim *ca, uint32_t order, uint8_t *der, size_t size);
/** The dates of the server's own certificate that is in use at a true time. */
void ca_sim_https_dates(const struct ca_sim *ca, int64_t now_s, int64_t *from_s, int64_t *to_s);
/** A certificate of the root for a TLS server at CA_SIM_HOST with this private scalar, that is in
 * use at a true time. */
size_t ca_sim_server_certificate(struct ca_sim *ca, const uint8_t key[32], int64_t now_s,
                                 uint8_t *der, size_t size);

#endif
