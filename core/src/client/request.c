/*
 * Builds requests in the work buffer, signs them and sends them. It must not know what a resource
 * means.
 */
#include "client/request.h"

#include <string.h>

#include "base/b64url.h"
#include "base/log.h"
#include "client/account_record.h"
#include "client/keys.h"
#include "client/machine.h"
#include "client/pool.h"
#include "client/slots.h"
#include "client/state.h"
#include "crypto/jws.h"
#include "net/uri.h"

/* Room before the JWS for the request head: fixed words, host and path. */
#define HEAD_RESERVE (256u + CONFIG_ACME_URL_MAX)

/* Where body bytes go: a chain to flash; JSON through the filter into the work buffer, so that what
 * nobody asks for costs nothing, however long; all else nowhere. */
static int32_t on_body(void *ctx, const uint8_t *data, size_t len)
{
    struct acme_client *c = ctx;
    const struct acme_http_response *r = &c->exchange.parser.response;

    if (c->io.chain_to_flash && r->status < 300) {
        if (r->content != ACME_HTTP_CONTENT_PEM) {
            return ACME_ERR_CONTENT_TYPE;
        }
        return acme_chain_sink_push(&c->body.sink, data, len);
    }
    if (!c->io.has_json) { /* the request is sent: the work buffer is free */
        c->io.has_json = true;
        acme_json_filter_init(&c->body.filter, c->work.text, sizeof(c->work.text));
    }
    /* What is wrong with it is said at its end: an error's status is worth more than its text. */
    (void)acme_json_filter_feed(&c->body.filter, data, len);
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

int32_t acme_request_check_url(const struct acme_client *c, const char *url)
{
    struct acme_uri uri;

    return check_policy(c, url, &uri);
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
    rc = acme_http_request_write(&request, c->work.text, HEAD_RESERVE);
    if (rc < 0) {
        return rc;
    }
    memmove(c->work.text + rc, c->work.text + HEAD_RESERVE, body_len);
    c->io.has_json = false;
    acme_machine_note_url(c, url);
    acme_http_parser_init(&c->exchange.parser, method[0] == 'H',
                          c->io.chain_to_flash
                              ? CONFIG_ACME_CHAIN_CERTS_MAX * 2u * CONFIG_ACME_CERT_SIZE_MAX
                              : CONFIG_ACME_HTTP_BODY_MAX,
                          on_body, c);
    ACME_LOG(c->config.port, ACME_LOG_DEBUG, method, url, 0);
    rc = acme_exchange_start(&c->exchange, url, &request.uri, c->work.bytes, (size_t)rc + body_len);
    c->io.in_exchange = rc == ACME_OK;
    return rc;
}

int32_t acme_request_plain(struct acme_client *c, const char *method, const char *url)
{
    c->io.chain_to_flash = false;
    return launch(c, method, url, 0);
}

void acme_request_payload(struct acme_client *c, struct acme_buf *payload)
{
    acme_buf_init(payload, c->work.text, sizeof(c->work.text));
}

bool acme_request_has_nonce(struct acme_client *c)
{
    if (c->nonce[0] != '\0') {
        return true;
    }
    c->io.after_nonce = c->machine.state;
    acme_machine_go(c, ACME_STATE_NEW_NONCE);
    return false;
}

void acme_request_der_payload(struct acme_client *c, struct acme_buf *payload, const char *name,
                              size_t der_len)
{
    ACME_ASSERT(der_len <= sizeof(c->work.bytes));
    acme_request_payload(c, payload);
    acme_buf_add_form(payload, "{\"$\":\"", name);
    acme_b64url_add(payload, c->work.bytes + sizeof(c->work.bytes) - der_len, der_len);
    acme_buf_add(payload, "\"");
}

static void choose_signer(struct acme_client *c, enum acme_signer signer,
                          struct acme_jws_params *params)
{
    if (signer == ACME_SIGNER_ACCOUNT) {
        params->kid = c->account_url;
    } else if (signer == ACME_SIGNER_CERT_JWK) {
        const struct acme_slot *s = acme_slots_current(c);

        params->key = acme_keys_cert(s->store_slot, s->cert.key_generation);
        params->key_type = s->cert.key_type;
    } else if (ACME_ENABLED(CONFIG_ACME_KEY_ROLLOVER) && signer == ACME_SIGNER_NEXT_JWK) {
        params->key = acme_keys_next_account(c);
        params->key_type = acme_account_next_type(c);
    }
}

int32_t acme_request_post(struct acme_client *c, const char *url, const struct acme_buf *payload,
                          enum acme_signer signer)
{
    struct acme_jws_params params = {acme_keys_account(c), c->account.type, NULL, c->nonce, url};
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
        memmove(c->work.text + sizeof(c->work.text) - len, c->work.text, len);
    }
    choose_signer(c, signer, &params);
    c->io.chain_to_flash = false;
    rc = acme_jws_start(&params, c->work.text, sizeof(c->work.text), HEAD_RESERVE, len,
                        c->arena_memory.bytes, sizeof(c->arena_memory.bytes));
    c->nonce[0] = '\0'; /* a nonce is good for one request */
    c->io.signing = rc == ACME_OK ? url : NULL;
    return rc;
}

int32_t acme_request_post_at(struct acme_client *c, uint16_t url, const struct acme_buf *payload,
                             enum acme_signer signer)
{
    return acme_request_post(c, acme_pool_get(c, url), payload, signer);
}

int32_t acme_request_chain(struct acme_client *c, uint16_t url)
{
    int32_t rc = acme_request_post_at(c, url, NULL, ACME_SIGNER_ACCOUNT);

    c->io.chain_to_flash = true;
    return rc;
}

int32_t acme_request_sign(struct acme_client *c)
{
    int32_t rc = acme_jws_sign(c->arena_memory.bytes, sizeof(c->arena_memory.bytes));
    const char *url = c->io.signing;

    if (rc == ACME_ERR_AGAIN) {
        return ACME_OK;
    }
    c->io.signing = NULL;
    return rc < 0 ? rc : launch(c, "POST", url, (size_t)rc);
}

void acme_request_abort(struct acme_client *c)
{
    if (c->io.signing != NULL) {
        acme_jws_abort(c->arena_memory.bytes);
        c->io.signing = NULL;
    }
}

#if defined(CONFIG_ACME_PINNING)
static void set_pins(struct acme_client *c)
{
    c->exchange.tls.pins = c->config.pins;
    c->exchange.tls.pins_count = c->config.pins_count;
}
#else
static void set_pins(struct acme_client *c)
{
    (void)c;
}
#endif

int32_t acme_request_use_ca(struct acme_client *c)
{
    int32_t rc = acme_tls_init(&c->exchange.tls, c->config.port, &c->clock, c->config.anchors,
                               c->config.anchors_count);

    set_pins(c);
    return rc;
}
