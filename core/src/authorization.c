/*
 * Authorizations and challenges (RFC 8555 7.5): proving that the names are ours, one after the
 * other. It must not know how an order begins or ends.
 */
#include "client_state.h"

#include <string.h>

#define POLL_DEFAULT_MS 3000u
#define POLL_CEILING_MS 300000u

int32_t acme_enter_authorization(struct acme_client *c)
{
    struct acme_order_state *o = &c->order;

    return acme_request_post(c, acme_pool_get(c, o->authorizations[o->authorization_index]), NULL,
                             ACME_SIGNER_ACCOUNT);
}

static acme_json_value find_challenge(acme_json_value root, const char *type)
{
    acme_json_value item = acme_json_first(acme_json_array(root, "challenges"));

    for (; item != NULL; item = acme_json_next(item)) {
        const char *have = acme_json_string(item, "type");

        if (have != NULL && strcmp(have, type) == 0) {
            return item;
        }
    }
    return NULL;
}

/* The problem is in the challenge that failed; the name is the authorization's. */
static int32_t authorization_failed(struct acme_client *c, acme_json_value root)
{
    acme_json_value item = acme_json_first(acme_json_array(root, "challenges"));
    const char *name = acme_json_string(acme_json_object(root, "identifier"), "value");
    char identifier[sizeof(c->problem.identifier)];

    for (; item != NULL; item = acme_json_next(item)) {
        acme_json_value error = acme_json_object(item, "error");

        if (error != NULL) {
            acme_problem_read(&c->problem, error, (uint16_t)acme_json_int(error, "status", 0));
        }
    }
    if (name != NULL && acme_str_copy(identifier, sizeof(identifier), name) == ACME_OK &&
        acme_cert_has_name(acme_client_request(c), identifier, strlen(identifier))) {
        memcpy(c->problem.identifier, identifier, sizeof(identifier));
    }
    return acme_order_is_gone(c, ACME_ERR_AUTHORIZATION);
}

static int32_t next_authorization(struct acme_client *c, acme_json_value root)
{
    const char *name = acme_json_string(acme_json_object(root, "identifier"), "value");
    struct acme_order_state *o = &c->order;

    if (name == NULL) {
        return ACME_ERR_FIELD;
    }
    acme_client_emit(c, ACME_EVENT_AUTHORIZED, name);
    acme_responder_set(&c->responder, NULL, NULL);
    c->pool_len = o->challenge_mark;
    o->challenge = 0;
    o->authorization_index++;
    acme_client_go(c, o->authorization_index < o->authorization_count ? ACME_STATE_AUTHORIZATION
                                                                      : ACME_STATE_FINALIZE);
    return ACME_OK;
}

/* A token goes into a URL path and a file of ours: base64url only (RFC 8555 8.3). */
static bool is_token(const char *token)
{
    size_t i;

    for (i = 0; token[i] != '\0'; i++) {
        char ch = token[i];

        if (!(ch >= 'a' && ch <= 'z') && !(ch >= 'A' && ch <= 'Z') && !(ch >= '0' && ch <= '9') &&
            ch != '-' && ch != '_') {
            return false;
        }
    }
    return i >= 22 && i <= 128; /* 128 bits of entropy at least */
}

/* The key authorization (RFC 8555 8.1): token, a dot, the thumbprint of the account key. */
static int32_t take_challenge(struct acme_client *c, acme_json_value challenge)
{
    const char *token = acme_json_string(challenge, "token");
    const char *status;
    struct acme_order_state *o = &c->order;
    char text[128 + 1 + 43 + 1];
    struct acme_buf b;
    int32_t rc;

    if (token == NULL || !is_token(token)) {
        return ACME_ERR_FIELD;
    }
    acme_buf_init(&b, text, sizeof(text));
    acme_buf_add(&b, token);
    acme_buf_add_char(&b, '.');
    acme_buf_add(&b, c->thumbprint);
    rc = acme_pool_add_url(c, acme_json_string(challenge, "url"), &o->challenge);
    if (rc == ACME_OK) {
        rc = acme_pool_add(c, token, &o->token);
    }
    if (rc == ACME_OK) {
        rc = acme_pool_add(c, text, &o->key_authorization);
    }
    status = acme_json_string(challenge, "status");
    o->challenge_sent = status != NULL && strcmp(status, "processing") == 0;
    return rc;
}

int32_t acme_authorization_wait(struct acme_client *c)
{
    int32_t rc = acme_order_count_poll(c);

    if (rc == ACME_OK) {
        acme_client_go(c, ACME_STATE_AUTHORIZATION_WAIT);
        acme_client_wait(c, acme_reply_retry_after(c, POLL_DEFAULT_MS, POLL_CEILING_MS));
    }
    return rc;
}

static int32_t authorization_pending(struct acme_client *c, acme_json_value root)
{
    acme_json_value challenge = NULL;
    int32_t rc;

    if (c->order.challenge != 0) {
        return acme_authorization_wait(c); /* our challenge is with the CA already */
    }
#if defined(CONFIG_ACME_HTTP_01)
    challenge = find_challenge(root, "http-01");
#endif
    if (challenge == NULL) {
        return ACME_ERR_CHALLENGE_NONE;
    }
    rc = take_challenge(c, challenge);
    if (rc == ACME_OK) {
        acme_client_go(c, ACME_STATE_CHALLENGE);
    }
    return rc;
}

int32_t acme_reply_authorization(struct acme_client *c)
{
    const char *status, *name;
    acme_json_value root;
    int32_t rc = acme_reply_json(c, &root);

    if (rc != ACME_OK) {
        return rc;
    }
    status = acme_json_string(root, "status");
    name = acme_json_string(acme_json_object(root, "identifier"), "value");
    if (status == NULL || name == NULL) {
        return ACME_ERR_FIELD;
    }
    if (!acme_cert_has_name(acme_client_request(c), name, strlen(name))) {
        return ACME_ERR_ORDER_IDENTIFIERS;
    }
    if (strcmp(status, "valid") == 0) {
        return next_authorization(c, root);
    }
    if (strcmp(status, "pending") == 0) {
        return authorization_pending(c, root);
    }
    return authorization_failed(c, root); /* invalid, deactivated, expired, revoked */
}

int32_t acme_enter_challenge(struct acme_client *c)
{
    struct acme_order_state *o = &c->order;
    uint16_t port = c->config.http_port != 0 ? c->config.http_port : CONFIG_ACME_HTTP_PORT;
    struct acme_buf payload;
    int32_t rc = acme_responder_open(&c->responder, port);

    if (rc != ACME_OK) {
        return rc;
    }
    acme_responder_set(&c->responder, acme_pool_get(c, o->token),
                       acme_pool_get(c, o->key_authorization));
    c->served_seen = 0;
    if (o->challenge_sent) { /* by an earlier run: the CA may come at any time */
        rc = acme_authorization_wait(c);
        return rc == ACME_OK ? ACME_STEP_MOVED : rc;
    }
    acme_request_payload(c, &payload);
    acme_buf_add(&payload, "{}");
    return acme_request_post(c, acme_pool_get(c, o->challenge), &payload, ACME_SIGNER_ACCOUNT);
}

int32_t acme_reply_challenge(struct acme_client *c)
{
    return acme_authorization_wait(c);
}

/* The wait ends at wait_until_ms, which acme_poll watches. */
int32_t acme_enter_authorization_wait(struct acme_client *c)
{
    acme_client_go(c, ACME_STATE_AUTHORIZATION);
    return ACME_STEP_MOVED;
}
