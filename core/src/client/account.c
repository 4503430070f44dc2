/*
 * Directory, nonces and the account (RFC 8555 7.1.1, 7.2, 7.3). It must not know orders.
 */
#include "client/client_state.h"

#include <string.h>

/* The account record shares memory with the JSON arena: neither outlives a state. */
_Static_assert(sizeof(struct acme_account_record) <= CONFIG_ACME_JSON_ARENA_SIZE,
               "CONFIG_ACME_JSON_ARENA_SIZE is too small for three URLs");

static struct acme_account_record *arena_record(struct acme_client *c)
{
    return (struct acme_account_record *)(void *)c->arena_data;
}

static int32_t read_record(struct acme_client *c, uint8_t slot)
{
    acme_json_reset(&c->arena);
    return acme_store_read_account(&c->log, slot, arena_record(c), (uint8_t *)c->work,
                                   sizeof(c->work));
}

int32_t acme_account_load(struct acme_client *c)
{
    struct acme_account_record *r = arena_record(c);
    uint8_t i, unused = UINT8_MAX;

    for (i = 0; i < CONFIG_ACME_ACCOUNT_SLOTS; i++) {
        int32_t rc = read_record(c, i);

        if (rc == ACME_ERR_STORE_IO) {
            return rc;
        }
        if (rc != ACME_OK) {
            unused = unused == UINT8_MAX ? i : unused;
        } else if (strcmp(r->directory_url, c->config.directory_url) == 0) {
            c->account_slot = i;
            c->account_type = r->key_type;
            c->account_generation = r->key_generation;
#if defined(CONFIG_ACME_KEY_ROLLOVER)
            /* A key of the firmware's ends whatever was under way with the client's own. */
            c->rollover = acme_rollover_key(c) != PSA_KEY_ID_NULL ? r->rollover : 0;
            c->rollover_in_doubt = c->rollover != 0;
#endif
            c->account_exists =
                r->url[0] != '\0' && acme_jws_key_exists(acme_client_account_key(c));
            return acme_str_copy(c->account_url, sizeof(c->account_url), r->url);
        }
    }
    c->account_slot = unused;
    c->account_type = c->config.account_key_type;
    c->account_generation = 0;
#if defined(CONFIG_ACME_KEY_ROLLOVER)
    c->rollover = 0;
    c->rollover_in_doubt = false;
#endif
    c->account_exists = false;
    c->account_url[0] = '\0';
    return ACME_OK;
}

/* All three texts were measured by CONFIG_ACME_URL_MAX when they came. */
static int32_t write_record(struct acme_client *c, const char *tos_url)
{
    struct acme_account_record *r = arena_record(c);

    acme_json_reset(&c->arena);
    r->rollover = 0;
    r->key_type = c->account_type;
    r->key_generation = c->account_generation;
    (void)acme_str_copy(r->directory_url, sizeof(r->directory_url), c->config.directory_url);
    (void)acme_str_copy(r->url, sizeof(r->url), c->account_url);
    (void)acme_str_copy(r->tos_url, sizeof(r->tos_url), tos_url);
    return acme_store_write_account(&c->log, c->account_slot, r, (uint8_t *)c->work,
                                    sizeof(c->work));
}

int32_t acme_account_rewrite(struct acme_client *c)
{
    struct acme_account_record *r = arena_record(c);
    int32_t rc = read_record(c, c->account_slot);

    r->key_type = c->account_type;
    r->key_generation = c->account_generation;
#if defined(CONFIG_ACME_KEY_ROLLOVER)
    r->rollover = c->rollover;
#endif
    return rc != ACME_OK ? rc
                         : acme_store_write_account(&c->log, c->account_slot, r, (uint8_t *)c->work,
                                                    sizeof(c->work));
}

/* ---- directory ---- */

int32_t acme_enter_directory(struct acme_client *c)
{
    return acme_request_plain(c, "GET", c->config.directory_url);
}

static int32_t take_urls(struct acme_client *c, acme_json_value root)
{
    static const char names[ACME_URL_COUNT][12] = {
        [ACME_URL_NEW_NONCE] = "newNonce",
        [ACME_URL_NEW_ACCOUNT] = "newAccount",
        [ACME_URL_NEW_ORDER] = "newOrder",
        [ACME_URL_REVOKE_CERT] = "revokeCert",
#if defined(CONFIG_ACME_KEY_ROLLOVER)
        [ACME_URL_KEY_CHANGE] = "keyChange",
#endif
#if defined(CONFIG_ACME_ARI)
        [ACME_URL_RENEWAL_INFO] = "renewalInfo",
#endif
#if defined(CONFIG_ACME_PRE_AUTHORIZATION)
        [ACME_URL_NEW_AUTHZ] = "newAuthz",
#endif
    };
    uint32_t i;

    for (i = 0; i < ACME_URL_COUNT; i++) {
        int32_t rc = acme_pool_add_url(c, acme_json_string(root, names[i]), &c->directory.urls[i]);

        if (rc != ACME_OK && (rc != ACME_ERR_FIELD || i < ACME_URL_REVOKE_CERT)) {
            return rc;
        }
    }
    return ACME_OK;
}

#if defined(CONFIG_ACME_PROFILES)
/* A profile must not be asked for that the CA does not name. */
static void check_profiles(struct acme_client *c, acme_json_value meta)
{
    acme_json_value profiles = acme_json_object(meta, "profiles");
    uint16_t i;

    for (i = 0; i < c->config.certs_count; i++) {
        const char *profile = c->config.certs[i].profile;

        c->slots[i].profile_missing =
            profile != NULL && acme_json_string(profiles, profile) == NULL;
    }
}
#endif

int32_t acme_reply_directory(struct acme_client *c)
{
    struct acme_directory *d = &c->directory;
    acme_json_value root, meta;
    const char *terms;
    int32_t rc = acme_reply_json(c, &root);

    c->pool_len = 1; /* offset 0 is the empty string */
    d->tos = 0;
    if (rc == ACME_OK) {
        rc = take_urls(c, root);
    }
    if (rc != ACME_OK) {
        return rc;
    }
    meta = acme_json_object(root, "meta");
#if defined(CONFIG_ACME_PROFILES)
    check_profiles(c, meta);
#endif
    terms = acme_json_string(meta, "termsOfService");
    if (terms != NULL) {
        size_t len = strlen(terms);

        /* Shown to people: nothing that a terminal would obey. */
        rc = len > CONFIG_ACME_URL_MAX       ? ACME_ERR_LIMIT
             : !acme_str_visible(terms, len) ? ACME_ERR_URL
                                             : acme_pool_add(c, terms, &d->tos);
    }
    if (rc == ACME_OK && acme_json_true(meta, "externalAccountRequired") &&
        c->config.eab_kid == NULL && !c->account_exists) {
        rc = ACME_ERR_EAB;
    }
    if (rc == ACME_OK) {
        rc = acme_authorization_read_directory(c, root);
    }
    c->pool_order_mark = c->pool_len;
    if (rc == ACME_OK) {
        acme_client_go(c, ACME_STATE_ACCOUNT);
    }
    return rc;
}

/* ---- nonces ---- */

int32_t acme_enter_new_nonce(struct acme_client *c)
{
    return acme_request_plain(c, "HEAD", acme_pool_get(c, c->directory.urls[ACME_URL_NEW_NONCE]));
}

int32_t acme_reply_new_nonce(struct acme_client *c)
{
    if (c->nonce[0] == '\0') {
        return ACME_ERR_NONCE_NONE;
    }
    return acme_client_go(c, (enum acme_state)c->after_nonce);
}

/* ---- account ---- */

/* RFC 8555 7.3.3: the terms may change; the operator's policy decides. */
static int32_t check_terms(struct acme_client *c, bool *agreed_to_others)
{
    const char *terms = acme_pool_get(c, c->directory.tos);

    *agreed_to_others = false;
    if (terms[0] == '\0') {
        return ACME_OK;
    }
    if (read_record(c, c->account_slot) == ACME_OK &&
        strcmp(arena_record(c)->tos_url, terms) == 0) {
        return ACME_OK;
    }
    *agreed_to_others = true;
    if (!c->config.tos_agreed) {
        return ACME_ERR_TOS;
    }
    if (c->config.tos_policy == ACME_TOS_STOP &&
        (c->config.tos_accepted_url == NULL || strcmp(c->config.tos_accepted_url, terms) != 0)) {
        return ACME_ERR_TOS;
    }
    return ACME_OK;
}

static int32_t ensure_account_key(struct acme_client *c, bool *made)
{
    psa_key_id_t key = acme_client_account_key(c);

#if defined(CONFIG_ACME_ACCOUNT_KEY_EXTERNAL)
    if (key == c->config.account_key_id) {
        *made = false;
        c->account_type = c->config.account_key_type;
        return acme_jws_key_exists(key) ? ACME_OK : ACME_ERR_NOT_FOUND;
    }
#endif
    return acme_jws_ensure_key(key, c->account_type, false, made);
}

int32_t acme_enter_account(struct acme_client *c)
{
    bool made, changed = false;
    int32_t rc;

#if defined(CONFIG_ACME_REVOCATION)
    if (c->job == ACME_JOB_REVOKE && c->revoke_with_cert_key) {
        return acme_client_go(c, ACME_STATE_REVOKE); /* the certificate's key speaks for itself */
    }
#endif
#if defined(CONFIG_ACME_KEY_ROLLOVER)
    if (c->rollover_in_doubt) {
        return acme_client_go(c, ACME_STATE_KEY_PROBE);
    }
#endif
    if (!c->account_exists && c->account_slot == UINT8_MAX) {
        return ACME_ERR_LIMIT;
    }
    if (c->account_exists || !c->config.account_only_existing) {
        rc = check_terms(c, &changed);
        if (rc != ACME_OK) {
            return rc;
        }
    }
    if (c->account_exists && !changed) {
        return acme_client_go(c, ACME_STATE_ACCOUNT_READY);
    }
    /* newAccount with a known key finds the account again, and carries a new agreement. */
    /* The key is on flash before anybody hears of it. */
    rc = ensure_account_key(c, &made);
    if (rc == ACME_OK && !c->account_exists) {
        c->account_url[0] = '\0';
        rc = write_record(c, "");
    }
    if (rc != ACME_OK) {
        return rc;
    }
    return acme_client_go(c, ACME_STATE_NEW_ACCOUNT);
}

int32_t acme_enter_new_account(struct acme_client *c)
{
    struct acme_buf payload;

    if (!acme_request_has_nonce(c)) {
        return ACME_OK;
    }
    acme_request_payload(c, &payload);
    /* A CA without terms wants no agreement, and takes one all the same. */
    acme_buf_add(&payload, c->config.tos_agreed || c->directory.tos == 0
                               ? "{\"termsOfServiceAgreed\":true"
                               : "{\"termsOfServiceAgreed\":false");
    if (c->config.account_only_existing) {
        acme_buf_add(&payload, ",\"onlyReturnExisting\":true");
    }
    if (c->config.contact != NULL) {
        acme_buf_add_form(&payload, ",\"contact\":[\"@\"]", c->config.contact);
    }
#if defined(CONFIG_ACME_EAB)
    if (c->config.eab_kid != NULL) {
        int32_t rc;

        acme_buf_add(&payload, ",\"externalAccountBinding\":");
        rc = acme_jws_add_eab(&payload, acme_client_account_key(c), c->config.eab_kid,
                              c->config.eab_hmac_key,
                              acme_pool_get(c, c->directory.urls[ACME_URL_NEW_ACCOUNT]),
                              c->arena_data, sizeof(c->arena_data));
        if (rc != ACME_OK) {
            return rc;
        }
    }
#endif
    acme_buf_add(&payload, "}");
    return acme_request_post_at(c, c->directory.urls[ACME_URL_NEW_ACCOUNT], &payload,
                                ACME_SIGNER_ACCOUNT_JWK);
}

int32_t acme_reply_new_account(struct acme_client *c)
{
    const struct acme_http_response *r = &c->exchange.parser.response;
    acme_json_value root;
    enum acme_status status;
    struct acme_uri uri;
    int32_t rc;

    if (r->status != 200 && r->status != 201) {
        return ACME_ERR_HTTP_STATUS;
    }
    rc = acme_reply_json(c, &root);
    if (rc != ACME_OK) {
        return rc;
    }
    status = acme_reply_status(root);
    if (status == ACME_STATUS_NONE || r->location[0] == '\0') {
        return ACME_ERR_FIELD;
    }
    if (status != ACME_STATUS_VALID) {
#if defined(CONFIG_ACME_ACCOUNT_MANAGEMENT)
        return acme_account_replace(c);
#else
        return ACME_ERR_ACCOUNT;
#endif
    }
    rc = acme_uri_parse(r->location, &uri);
    if (rc != ACME_OK) {
        return rc;
    }
    (void)acme_str_copy(c->account_url, sizeof(c->account_url), r->location);
    rc = write_record(c, acme_pool_get(c, c->directory.tos));
    if (rc != ACME_OK) {
        return rc;
    }
    c->account_exists = true;
    if (c->directory.tos != 0) {
        acme_client_emit(c, ACME_EVENT_TOS, acme_pool_get(c, c->directory.tos));
    }
    return acme_client_go(c, ACME_STATE_ACCOUNT_READY);
}

int32_t acme_account_lost(struct acme_client *c)
{
    int32_t rc;

    if (c->account_retried || c->config.account_only_existing) {
        return ACME_ERR_ACCOUNT_NONE;
    }
    c->account_retried = true;
    c->account_exists = false;
    c->account_url[0] = '\0';
    rc = write_record(c, "");
    if (rc == ACME_OK) {
        c->slot = c->job == ACME_JOB_RUN ? -1 : c->slot;
        acme_client_go(c, ACME_STATE_ACCOUNT);
    }
    return rc;
}

/* Every job needs the account; here they part. */
int32_t acme_enter_account_ready(struct acme_client *c)
{
    int32_t rc = acme_jws_thumbprint(acme_client_account_key(c), c->thumbprint, c->arena_data,
                                     sizeof(c->arena_data));

    if (rc != ACME_OK) {
        return rc;
    }
    acme_client_emit(c, ACME_EVENT_ACCOUNT, c->account_url);
    switch (c->job) {
    case ACME_JOB_RUN:
        acme_client_go(c, ACME_STATE_SELECT);
        break;
#if defined(CONFIG_ACME_REVOCATION)
    case ACME_JOB_REVOKE:
        acme_client_go(c, ACME_STATE_REVOKE);
        break;
#endif
#if defined(CONFIG_ACME_ACCOUNT_MANAGEMENT)
    case ACME_JOB_ACCOUNT_UPDATE:
        acme_client_go(c, ACME_STATE_ACCOUNT_UPDATE);
        break;
    case ACME_JOB_ACCOUNT_DEACTIVATE:
        acme_client_go(c, ACME_STATE_ACCOUNT_DEACTIVATE);
        break;
#endif
#if defined(CONFIG_ACME_KEY_ROLLOVER)
    case ACME_JOB_ACCOUNT_ROLLOVER:
        acme_client_go(c, ACME_STATE_KEY_CHANGE);
        break;
#endif
#if defined(CONFIG_ACME_DEAUTHORIZATION)
    case ACME_JOB_DEAUTHORIZE:
        return acme_order_take_up(c);
#endif
    default:
        acme_client_finish(c, ACME_OK);
        break;
    }
    return ACME_OK;
}

#if defined(CONFIG_ACME_ACCOUNT_MANAGEMENT)
static bool is_external(const struct acme_client *c)
{
#if defined(CONFIG_ACME_ACCOUNT_KEY_EXTERNAL)
    return c->config.account_key_id != 0;
#else
    (void)c;
    return false;
#endif
}

int32_t acme_account_replace(struct acme_client *c)
{
    psa_key_id_t old = acme_client_account_key(c);
    int32_t rc;

    if (c->account_replaced || c->config.account_only_existing || is_external(c)) {
        return ACME_ERR_ACCOUNT;
    }
    /* The record without a URL comes first: then the old key is nobody's. */
    c->account_replaced = true;
    c->account_exists = false;
    c->account_url[0] = '\0';
    c->account_generation ^= 1u;
    c->account_type = c->config.account_key_type;
    rc = write_record(c, "");
    if (rc == ACME_OK) {
        rc = acme_jws_destroy_key(old);
    }
    if (rc == ACME_OK) {
        acme_client_go(c, ACME_STATE_ACCOUNT);
    }
    return rc;
}

int32_t acme_enter_account_update(struct acme_client *c)
{
    struct acme_buf payload;

    acme_request_payload(c, &payload);
    acme_buf_add(&payload, "{\"contact\":[");
    if (c->config.contact != NULL) {
        acme_buf_add_form(&payload, "\"@\"", c->config.contact);
    }
    acme_buf_add(&payload, "]}");
    return acme_request_post(c, c->account_url, &payload, ACME_SIGNER_ACCOUNT);
}

int32_t acme_reply_account_update(struct acme_client *c)
{
    acme_client_finish(c, ACME_OK);
    return ACME_OK;
}

int32_t acme_enter_account_deactivate(struct acme_client *c)
{
    struct acme_buf payload;

    acme_request_payload(c, &payload);
    acme_buf_add(&payload, "{\"status\":\"deactivated\"}");
    return acme_request_post(c, c->account_url, &payload, ACME_SIGNER_ACCOUNT);
}

/* The key goes first: after a cut there is a record without a key, which is no account, and never
 * the key of a deactivated account that a next one could take for its own. */
int32_t acme_reply_account_deactivate(struct acme_client *c)
{
    int32_t rc = is_external(c) ? ACME_OK : acme_jws_destroy_key(acme_client_account_key(c));

    if (rc == ACME_OK) {
        rc = acme_store_remove(&c->log, ACME_SPACE_ACCOUNT, c->account_slot);
    }
    c->account_exists = false;
    c->account_url[0] = '\0';
    if (rc == ACME_OK) {
        acme_client_finish(c, ACME_OK);
    }
    return rc;
}
#endif
