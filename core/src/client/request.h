/*
 * Requests out of the work buffer, and what becomes of the bodies of their replies. It must not
 * know what a resource means.
 */
#pragma once

#include "acme/client.h"
#include "base/buf.h"

struct acme_client;

/** Who signs. */
enum acme_signer {
    ACME_SIGNER_ACCOUNT,
    ACME_SIGNER_ACCOUNT_JWK,
    ACME_SIGNER_CERT_JWK,
    ACME_SIGNER_NEXT_JWK /* the account key that a rollover brings */
};

struct acme_request {
    bool nonce_by_get : 1; /* this CA refuses HEAD */
    bool has_json : 1;     /* the body of the reply is in the filter */
    bool in_exchange;      /* a request is under way */
    bool chain_to_flash;   /* the body of its reply is a chain for the client's sink */
    uint8_t after_nonce;   /* the state that wanted the nonce */
    uint16_t nonce_retries, transient_retries;
    uint16_t settle_ms;  /* the first look at what the CA is doing: acme_reply_settle_time */
    const char *signing; /* a request is being signed for this URL, which outlives it; or NULL */
    uint32_t bad_nonces;
};

/** Whether a URL that the CA named may be asked: ACME_OK, ACME_ERR_URL, ACME_ERR_URL_POLICY. */
int32_t acme_request_check_url(const struct acme_client *c, const char *url);
/** Starts a GET or HEAD. */
int32_t acme_request_plain(struct acme_client *c, const char *method, const char *url);
/** A buffer at the start of work for a payload. */
void acme_request_payload(struct acme_client *c, struct acme_buf *payload);
/** The same, beginning with {"<name>":"<base64url of der>", where der stands at the end of work. */
void acme_request_der_payload(struct acme_client *c, struct acme_buf *payload, const char *name,
                              size_t der_len);
/** Starts a signed POST with the payload in the buffer (NULL: POST-as-GET); url stays valid until
 * it is sent. Without a nonce it moves to NEW_NONCE, which comes back. */
int32_t acme_request_post(struct acme_client *c, const char *url, const struct acme_buf *payload,
                          enum acme_signer signer);
/** The same with a URL of the pool. */
int32_t acme_request_post_at(struct acme_client *c, uint16_t url, const struct acme_buf *payload,
                             enum acme_signer signer);
/** Starts a POST-as-GET of a chain, which goes to the client's sink. */
int32_t acme_request_chain(struct acme_client *c, uint16_t url);
/** Sets TLS up for the CA of c->config: its anchors, and the pins. ACME_ERR_CERT_PARSE,
 * ACME_ERR_TLS_MEMORY. */
int32_t acme_request_use_ca(struct acme_client *c);
/** Goes on signing, and sends the request when that is done. */
int32_t acme_request_sign(struct acme_client *c);
/** Forgets a request that is being signed. */
void acme_request_abort(struct acme_client *c);
/** Whether a nonce is at hand; otherwise moves to NEW_NONCE. Ask before costly payloads. */
bool acme_request_has_nonce(struct acme_client *c);
