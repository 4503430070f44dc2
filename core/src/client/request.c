/*
 * Builds requests in the work buffer, and hands replies to the rooms. It must not know what a
 * resource means.
 */
#include "client/client_state.h"

#include <string.h>

/* Room before the JWS for the request head: fixed words, host and path. */
#define HEAD_RESERVE (256u + CONFIG_ACME_URL_MAX)

int32_t acme_pool_add(struct acme_client *c, const char *text, uint16_t *offset)
{
    size_t len = strlen(text) + 1;

    if (len > sizeof(c->pool) - c->pool_len) {
        return ACME_ERR_LIMIT;
    }
    memcpy(c->pool + c->pool_len, text, len);
    *offset = c->pool_len;
    c->pool_len = (uint16_t)(c->pool_len + len);
    return ACME_OK;
}

int32_t acme_pool_add_url(struct acme_client *c, const char *url, uint16_t *offset)
{
    struct acme_uri uri;

    *offset = 0;
    if (url == NULL) {
        return ACME_ERR_FIELD;
    }
    return acme_uri_parse(url, &uri) == ACME_OK ? acme_pool_add(c, url, offset) : ACME_ERR_URL;
}

const char *acme_pool_get(const struct acme_client *c, uint16_t offset)
{
    return c->pool + offset;
}

/* Where body bytes go: a certificate chain to flash, all else to the work buffer. */
static int32_t on_body(void *ctx, const uint8_t *data, size_t len)
{
    struct acme_client *c = ctx;
    const struct acme_http_response *r = &c->exchange.parser.response;

    if (c->state == ACME_STATE_CERTIFICATE && r->status == 200) {
        if (r->content != ACME_HTTP_CONTENT_PEM) {
            return ACME_ERR_CONTENT_TYPE;
        }
        return acme_chain_sink_push(&c->sink, data, len);
    }
    if (len > sizeof(c->work) - c->body_len) {
        return ACME_ERR_HTTP_LIMIT;
    }
    memcpy(c->work + c->body_len, data, len);
    c->body_len += (uint32_t)len;
    return ACME_OK;
}

/* A URL the CA named must be https, and on the directory's host unless policy says otherwise. */
static int32_t check_policy(const struct acme_client *c, const char *url, struct acme_uri *uri)
{
    struct acme_uri home;
    int32_t rc = acme_uri_parse(url, uri);

    if (rc == ACME_OK && !c->config.allow_foreign_urls) {
        (void)acme_uri_parse(c->config.directory_url, &home); /* acme_init has looked at it */
        if (!acme_uri_same_origin(url, uri, c->config.directory_url, &home)) {
            rc = ACME_ERR_URL_POLICY;
        }
    }
    return rc;
}

/* Writes the request head in front of a body that stands at HEAD_RESERVE, and sends both. */
static int32_t launch(struct acme_client *c, const char *method, const char *url, size_t body_len)
{
    struct acme_http_request request;
    int32_t rc = check_policy(c, url, &request.uri);

    if (rc != ACME_OK) {
        return rc;
    }
    request.method = method;
    request.url = url;
    request.content_length = (uint32_t)body_len;
    rc = acme_http_request_write(&request, c->work, HEAD_RESERVE);
    if (rc < 0) {
        return rc;
    }
    memmove(c->work + rc, c->work + HEAD_RESERVE, body_len);
    c->body_len = 0;
    acme_http_parser_init(&c->exchange.parser, method[0] == 'H',
                          c->state == ACME_STATE_CERTIFICATE
                              ? CONFIG_ACME_CHAIN_CERTS_MAX * 2u * CONFIG_ACME_CERT_SIZE_MAX
                              : CONFIG_ACME_WORK_SIZE,
                          on_body, c);
    ACME_LOG(c->config.port, ACME_LOG_DEBUG, method, url, 0);
    rc = acme_exchange_start(&c->exchange, url, &request.uri, (const uint8_t *)c->work,
                             (size_t)rc + body_len);
    c->in_exchange = rc == ACME_OK;
    return rc;
}

int32_t acme_request_plain(struct acme_client *c, const char *method, const char *url)
{
    return launch(c, method, url, 0);
}

void acme_request_payload(struct acme_client *c, struct acme_buf *payload)
{
    acme_buf_init(payload, c->work, sizeof(c->work));
}

bool acme_request_has_nonce(struct acme_client *c)
{
    if (c->nonce[0] != '\0') {
        return true;
    }
    c->after_nonce = c->state;
    acme_client_go(c, ACME_STATE_NEW_NONCE);
    return false;
}

int32_t acme_request_post(struct acme_client *c, const char *url, const struct acme_buf *payload,
                          enum acme_signer signer)
{
    struct acme_jws_params params = {acme_client_account_key(c), c->account_type, NULL, c->nonce,
                                     url};
    size_t len = 0;
    int32_t rc;

    if (!acme_request_has_nonce(c)) {
        return ACME_OK;
    }
    if (payload != NULL) {
        if (acme_buf_result(payload) < 0) {
            return ACME_ERR_BUFFER;
        }
        len = payload->len;
        memmove(c->work + sizeof(c->work) - len, c->work, len);
    }
    if (signer == ACME_SIGNER_ACCOUNT) {
        params.kid = c->account_url;
    } else if (signer == ACME_SIGNER_CERT_JWK) {
        const struct acme_slot *s = acme_client_slot(c);

        params.key = acme_client_cert_key(s->store_slot, s->cert.key_generation);
        params.key_type = s->cert.key_type;
#if defined(CONFIG_ACME_KEY_ROLLOVER)
    } else if (signer == ACME_SIGNER_NEXT_JWK) {
        params.key = acme_rollover_key(c);
        params.key_type = acme_rollover_type(c);
#endif
    }
    rc = acme_jws_start(&params, c->work, sizeof(c->work), HEAD_RESERVE, len, c->arena_data,
                        sizeof(c->arena_data));
    c->nonce[0] = '\0'; /* a nonce is good for one request */
    c->signing = rc == ACME_OK ? url : NULL;
    return rc;
}

int32_t acme_request_post_at(struct acme_client *c, uint16_t url, const struct acme_buf *payload,
                             enum acme_signer signer)
{
    return acme_request_post(c, acme_pool_get(c, url), payload, signer);
}

int32_t acme_request_sign(struct acme_client *c)
{
    int32_t rc = acme_jws_sign(c->arena_data, sizeof(c->arena_data));
    const char *url = c->signing;

    if (rc == ACME_ERR_AGAIN) {
        return ACME_OK;
    }
    c->signing = NULL;
    return rc < 0 ? rc : launch(c, "POST", url, (size_t)rc);
}

void acme_request_abort(struct acme_client *c)
{
    if (c->signing != NULL) {
        acme_jws_abort(c->arena_data);
        c->signing = NULL;
    }
}

int32_t acme_reply_json(struct acme_client *c, acme_json_value *root)
{
    const struct acme_http_response *r = &c->exchange.parser.response;

    *root = NULL;
    if (r->content != ACME_HTTP_CONTENT_JSON && r->content != ACME_HTTP_CONTENT_PROBLEM) {
        return ACME_ERR_CONTENT_TYPE;
    }
    return acme_json_parse(&c->arena, c->work, c->body_len, root);
}

enum acme_status acme_reply_status(acme_json_value object)
{
    static const char names[][11] = {"pending", "processing", "ready", "valid", "invalid"};
    const char *text = acme_json_string(object, "status");
    uint32_t i;

    if (text == NULL) {
        return ACME_STATUS_NONE;
    }
    for (i = 0; i < sizeof(names) / sizeof(names[0]) && strcmp(names[i], text) != 0; i++) {
    }
    return (enum acme_status)(ACME_STATUS_PENDING + i);
}

uint32_t acme_reply_retry_after(const struct acme_client *c, uint32_t fallback_ms,
                                uint32_t ceiling_ms)
{
    const struct acme_http_response *r = &c->exchange.parser.response;
    int64_t seconds = r->retry_after, now;

    if (!r->has_retry_after) {
        return fallback_ms;
    }
    if (r->retry_after_is_date) {
        if (r->has_date) {
            now = r->date_s; /* the server's own clock is the fair one */
        } else if (acme_clock_now(&c->clock, &now) != ACME_OK) {
            return fallback_ms;
        }
        seconds -= now;
    }
    if (seconds > (int64_t)(ceiling_ms / 1000u)) {
        return ceiling_ms;
    }
    return seconds > 0 ? (uint32_t)seconds * 1000u : 0;
}
