/*
 * A challenge that is answered over the network (RFC 8555 7.5.1): taken up, answered, taken back.
 * It must not know how it is chosen.
 */
#pragma once

#include "base/buf.h"
#include "challenge/challenge.h"
#include "json/json.h"

struct acme_client;

int32_t acme_enter_challenge(struct acme_client *c);
int32_t acme_reply_challenge(struct acme_client *c);
int32_t acme_problem_challenge(struct acme_client *c, int32_t error);

/** Takes up the challenge of the type under way: CHALLENGE. ACME_ERR_FIELD, _URL, _LIMIT. */
int32_t acme_challenge_take(struct acme_client *c, acme_json_value challenge);
/** Takes back what answers the CA. */
void acme_challenge_stop(struct acme_client *c);
/** Describes the challenge of the name under way, as the types see it; everything is lent. */
void acme_challenge_describe(const struct acme_client *c, struct acme_challenge *challenge);
/** Adds the key authorization (RFC 8555 8.1): token, a dot, the thumbprint of the account key.
 * ACME_ERR_FIELD for what is no token. */
int32_t acme_challenge_add_key_authorization(const struct acme_client *c, const char *token,
                                             struct acme_buf *out);
