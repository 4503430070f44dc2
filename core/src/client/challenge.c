/*
 * Challenges that are answered over the network. It must not know how one is chosen.
 */
#include "client/challenge.h"

#include <string.h>

#include "acme/tls_alpn.h"

#include "base/breathe.h"
#include "client/order_state.h"
#include "client/pool.h"
#include "client/reply.h"
#include "client/request.h"
#include "client/state.h"
#include "client/way.h"

#define TOKEN_MAX 128u

/* A token goes into a URL path and a file of ours: base64url only (RFC 8555 8.3). */
static bool is_token(const char *token)
{
    size_t len = strlen(token);

    /* 128 bits of entropy at least */
    return len >= 22 && len <= TOKEN_MAX && acme_word_len(token, len, "-_") == len;
}

int32_t acme_challenge_add_key_authorization(const struct acme_client *c, const char *token,
                                             struct acme_buf *out)
{
    if (token == NULL || !is_token(token)) {
        return ACME_ERR_FIELD;
    }
    acme_buf_add_form(out, "$.$", token, c->thumbprint);
    return ACME_OK;
}

int32_t acme_challenge_take(struct acme_client *c, acme_json_value challenge)
{
    const char *token = acme_json_string(challenge, "token");
    struct acme_order *o = &c->order;
    char text[TOKEN_MAX + 1 + 43 + 1];
    struct acme_buf b;
    int32_t rc;

    acme_buf_init(&b, text, sizeof(text));
    rc = acme_error_at(&c->machine.place, "token",
                       acme_challenge_add_key_authorization(c, token, &b));
    if (rc == ACME_OK) {
        rc = acme_error_at(&c->machine.place, "url",
                           acme_pool_add_url(c, acme_json_string(challenge, "url"), &o->challenge));
    }
    if (rc == ACME_OK) {
        rc = acme_pool_add(c, token, &o->token);
    }
    if (rc == ACME_OK) {
        rc = acme_pool_add(c, text, &o->key_authorization);
    }
    o->challenge_sent = acme_reply_status(challenge) == ACME_STATUS_PROCESSING;
    return rc == ACME_OK ? acme_machine_go(c, ACME_STATE_CHALLENGE) : rc;
}

#if defined(ACME_CHALLENGE_CHOICE)
void acme_challenge_describe(const struct acme_client *c, struct acme_challenge *challenge)
{
    const struct acme_order *o = &c->order;
    const char *name = acme_way_name(c);

    memset(challenge, 0, sizeof(*challenge));
    challenge->wildcard = name[0] == '*';
    challenge->identifier = name + (challenge->wildcard ? 2 : 0);
    challenge->token = acme_pool_get(c, o->token);
    challenge->key_authorization = acme_pool_get(c, o->key_authorization);
    challenge->account_url = c->account_url;
    if (ACME_ENABLED(CONFIG_ACME_DNS_PERSIST_01)) {
        (void)acme_clock_now(&c->clock, &challenge->now_s);
    }
}

/* From now on the CA is answered, if the way is one that answers. */
static int32_t answer(struct acme_client *c)
{
    struct acme_challenge challenge;

    if (c->order.type->answer == NULL) {
        return ACME_OK;
    }
    acme_challenge_describe(c, &challenge);
    return c->order.type->answer(&c->challenges, &challenge);
}

static void stop(struct acme_client *c)
{
    if (c->order.type != NULL && c->order.type->stop != NULL) {
        c->order.type->stop(&c->challenges);
    }
    c->order.type = NULL;
}
#else
static int32_t answer(struct acme_client *c)
{
    struct acme_challenges *s = &c->challenges;
    int32_t rc = acme_responder_open(&s->http, s->http_port);

    if (rc == ACME_OK) {
        acme_responder_set(&s->http, acme_pool_get(c, c->order.token),
                           acme_pool_get(c, c->order.key_authorization));
    }
    return rc;
}

static void stop(struct acme_client *c)
{
    acme_responder_set(&c->challenges.http, NULL, NULL);
}
#endif

void acme_challenge_stop(struct acme_client *c)
{
    stop(c);
    /* Their texts may leave the pool now. */
    c->order.challenge = c->order.token = c->order.key_authorization = 0;
}

int32_t acme_enter_challenge(struct acme_client *c)
{
    struct acme_order *o = &c->order;
    struct acme_buf payload;
    int32_t rc = answer(c);

    if (rc != ACME_OK) {
        return acme_way_fail_here(c, rc);
    }
    c->served_seen = acme_challenges_served(&c->challenges);
    o->proof_fetched = false;
    if (o->challenge_sent) { /* by an earlier run: the CA may come at any time */
        return acme_order_wait_for_verdict(c, ACME_POLL_DEFAULT_MS);
    }
    acme_request_payload(c, &payload);
    acme_buf_add(&payload, "{}");
    return acme_request_post_at(c, o->challenge, &payload, ACME_SIGNER_ACCOUNT);
}

int32_t acme_reply_challenge(struct acme_client *c)
{
    return acme_order_wait_for_verdict(c, ACME_POLL_DEFAULT_MS);
}

/* A challenge that was sent before a reset may be refused now; the authorization knows best. */
int32_t acme_problem_challenge(struct acme_client *c, int32_t error)
{
    return error == ACME_ERR_PROBLEM ? acme_order_wait_for_verdict(c, ACME_POLL_DEFAULT_MS)
                                     : acme_order_problem(c, error);
}

/* ---- tls-alpn-01 on the firmware's own port ---- */

#if defined(CONFIG_ACME_TLS_ALPN_01)
bool acme_tls_alpn_is_wanted(acme_client *c)
{
    return c->challenges.tls.identifier != NULL;
}

int acme_tls_alpn_select(acme_client *c, mbedtls_ssl_context *ssl)
{
    int verdict = acme_breathe_is_inside() ? ACME_TLS_ALPN_REFUSE
                                           : acme_tls_alpn_choose(&c->challenges.tls, ssl);

    if (verdict == ACME_TLS_ALPN_OURS) {
        c->challenges.tls.served++;
    }
    return verdict;
}
#endif
