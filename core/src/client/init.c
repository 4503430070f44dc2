/*
 * Sets a client up and takes it down: checks the configuration, mounts the store, starts PSA
 * Crypto, finds each request's slot in the store. It must not know the protocol.
 */
#include "base/log.h"
#include "client/account_record.h"
#include "client/keys.h"
#include "client/pool.h"
#include "client/slots.h"
#include "client/state.h"
#include "crypto/jws.h"

#include <string.h>

#include <mbedtls/memory_buffer_alloc.h>
#include <mbedtls/platform.h>

#include "base/blocks.h"
#include "base/breathe.h"
#include "base/entropy.h"
#include "base/ipaddr.h"
#include "client/schedule.h"
#include "net/uri.h"

_Static_assert(sizeof(struct acme_client) <= ACME_MEMORY_SIZE, "ACME_MEMORY_SIZE is too small");
_Static_assert(offsetof(struct acme_config, port) == 0,
               "check_build finds it in any configuration");
_Static_assert(CONFIG_ACME_WORK_SIZE <= UINT16_MAX + 1, "lengths in the work buffer have 16 bits");
_Static_assert(CONFIG_ACME_JSON_ARENA_SIZE >= 1024, "the arena is the JWS's scratch, too");

/* PSA Crypto, its key store and mbedTLS's pool exist once in a process. */
static bool in_use;
/* The application had not set PSA Crypto up before: it is the client's to start and to end. */
static bool crypto_is_ours;

/* ---- mbedTLS ---- */

#if defined(CONFIG_ACME_MBEDTLS_POOL)
static _Alignas(8) uint8_t mbedtls_pool[CONFIG_ACME_MBEDTLS_POOL_SIZE];

#if defined(ACME_BLOCKS)
static void pool_open(void)
{
    acme_blocks_open(mbedtls_pool, sizeof(mbedtls_pool));
    (void)mbedtls_platform_set_calloc_free(acme_blocks_calloc, acme_blocks_free);
}

static void pool_end(void)
{
    acme_blocks_close();
}
#else
static void pool_open(void)
{
    mbedtls_memory_buffer_alloc_init(mbedtls_pool, sizeof(mbedtls_pool));
}

static void pool_end(void)
{
    mbedtls_memory_buffer_alloc_free();
}
#endif

static void pool_close(void)
{
    pool_end();
    acme_zeroize(mbedtls_pool, sizeof(mbedtls_pool));
}
#else
static void pool_open(void)
{
}

static void pool_close(void)
{
}
#endif

/* PSA Crypto is asked for a key that never is: it says whether it runs at all. */
static bool is_crypto_running(void)
{
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;

    return psa_get_key_attributes(PSA_KEY_ID_NULL, &attributes) != PSA_ERROR_BAD_STATE;
}

/* Where the application's PSA Crypto runs, what it holds lies in the application's memory, and
 * goes on to. */
static void take_crypto(void)
{
    crypto_is_ours = !is_crypto_running();
    if (crypto_is_ours) {
        pool_open();
    }
}

static int32_t start_crypto(const struct acme_port *port)
{
    psa_status_t status;

    acme_entropy_bind(port->entropy, port->entropy_ctx);
    status = psa_crypto_init();
    if (status == PSA_SUCCESS) {
        return ACME_OK;
    }
    ACME_LOG(port, ACME_LOG_ERROR, "crypto: psa_crypto_init", NULL, status);
    return acme_entropy_result() != ACME_OK ? ACME_ERR_ENTROPY : ACME_ERR_CRYPTO;
}

/* In the application's PSA Crypto no key of this store stays: another store has keys of the same
 * numbers. */
static void end_crypto(void)
{
    if (crypto_is_ours) {
        mbedtls_psa_crypto_free();
        pool_close();
    } else {
        acme_keys_purge_stored();
    }
}

/* ---- configuration ---- */

/* A wildcard needs a way to prove it, which only the DNS is. */
static int32_t check_name(const char *name)
{
    if (ACME_ENABLED(CONFIG_ACME_IP_IDENTIFIERS) && name != NULL &&
        acme_ipaddr_is_canonical(name)) {
        return ACME_OK;
    }
    return acme_uri_check_name(name, ACME_ENABLED(CONFIG_ACME_DNS));
}

static int32_t check_names(const struct acme_cert_request *request)
{
    size_t i;

    if (request->names == NULL || request->names_count == 0) {
        return ACME_ERR_ARGUMENT;
    }
    if (request->names_count > CONFIG_ACME_NAMES_MAX) {
        return ACME_ERR_LIMIT;
    }
    for (i = 0; i < request->names_count; i++) {
        if (check_name(request->names[i]) != ACME_OK) {
            return ACME_ERR_NAME;
        }
    }
    return ACME_OK;
}

#if defined(ACME_CHALLENGE_CHOICE)
static int32_t check_challenges(const uint8_t *types)
{
    size_t i;

    for (i = 0; i < ACME_CHALLENGE_TYPES && types[i] != ACME_CHALLENGE_NONE; i++) {
        if (acme_challenge_find(types[i]) == NULL) {
            return ACME_ERR_UNSUPPORTED;
        }
    }
    return ACME_OK;
}
#else
/* There is no choice: the lists are not looked at. */
static int32_t check_challenges(const uint8_t *types)
{
    (void)types;
    return ACME_OK;
}
#endif

static int32_t check_ancestor(const char *ancestor)
{
    if (ancestor == NULL) {
        return ACME_OK;
    }
    if (!ACME_ENABLED(CONFIG_ACME_SUBDOMAINS)) {
        return ACME_ERR_UNSUPPORTED;
    }
    return acme_uri_check_name(ancestor, false) == ACME_OK ? ACME_OK : ACME_ERR_NAME;
}

static int32_t check_proofs(const struct acme_cert_request *request)
{
    int32_t rc = check_ancestor(request->ancestor);

    if (rc != ACME_OK) {
        return rc;
    }
    if (!ACME_ENABLED(CONFIG_ACME_PRE_AUTHORIZATION) && request->pre_authorize) {
        return ACME_ERR_UNSUPPORTED;
    }
    return check_challenges(request->challenges);
}

#if defined(CONFIG_ACME_PROFILES)
static bool is_profile_good(const struct acme_cert_request *request)
{
    const char *profile = request->profile;

    return profile == NULL || (profile[0] != '\0' && strlen(profile) <= CONFIG_ACME_URL_MAX);
}
#else
static bool is_profile_good(const struct acme_cert_request *request)
{
    (void)request;
    return true;
}
#endif

static int32_t check_request(const struct acme_cert_request *request)
{
    int32_t rc = check_names(request);

    if (rc == ACME_OK && !is_profile_good(request)) {
        rc = ACME_ERR_ARGUMENT;
    }
    if (rc == ACME_OK) {
        rc = acme_jws_check_key_type(request->key_type);
    }
    if (rc == ACME_OK) {
        rc = check_proofs(request);
    }
    if (!ACME_ENABLED(CONFIG_ACME_KEY_EXPORTABLE) && rc == ACME_OK && request->key_exportable) {
        rc = ACME_ERR_UNSUPPORTED;
    }
    return rc;
}

/* Where a CA is, and both halves of an external account binding or none. */
static int32_t check_ca(const char *directory_url, const char *eab_kid, const char *eab_hmac_key)
{
    struct acme_uri uri;

    if (directory_url == NULL || acme_uri_parse(directory_url, &uri) != ACME_OK) {
        return ACME_ERR_URL;
    }
    if ((eab_kid == NULL) != (eab_hmac_key == NULL)) {
        return ACME_ERR_ARGUMENT;
    }
    /* A key that cannot be read is better known before the CA is asked. */
    return ACME_ENABLED(CONFIG_ACME_EAB) && eab_hmac_key != NULL
               ? acme_jws_check_eab_key(eab_hmac_key)
               : ACME_OK;
}

static int32_t check_texts(const struct acme_config *config)
{
    if (config->contact != NULL && (strlen(config->contact) > CONFIG_ACME_URL_MAX ||
                                    !acme_str_visible(config->contact, strlen(config->contact)))) {
        return ACME_ERR_ARGUMENT;
    }
    if (!ACME_ENABLED(CONFIG_ACME_EAB) && config->eab_kid != NULL) {
        return ACME_ERR_UNSUPPORTED;
    }
    return check_ca(config->directory_url, config->eab_kid, config->eab_hmac_key);
}

/* Whether the records are elsewhere than in flash. */
#if defined(CONFIG_ACME_STORE_BACKENDS)
static bool has_records(const struct acme_config *config)
{
    return config->records != NULL;
}
#else
static bool has_records(const struct acme_config *config)
{
    (void)config;
    return false;
}
#endif

static bool has_port(const struct acme_config *config)
{
    const struct acme_port *port = config->port;

    return port != NULL && port->net != NULL && port->clock != NULL && port->entropy != NULL &&
           (port->flash != NULL || has_records(config));
}

#if defined(CONFIG_ACME_PINNING)
static bool has_pins(const struct acme_config *config)
{
    return config->pins != NULL || config->pins_count == 0;
}
#else
static bool has_pins(const struct acme_config *config)
{
    (void)config;
    return true;
}
#endif

/* Whether every list is there that is said to have something in it. */
static bool has_lists(const struct acme_config *config)
{
    return (config->certs != NULL || config->certs_count == 0) &&
           (config->anchors != NULL || config->anchors_count == 0) && has_pins(config);
}

#if defined(CONFIG_ACME_FALLBACK)
static int32_t check_fallbacks(const struct acme_config *config)
{
    int32_t rc =
        config->fallbacks != NULL || config->fallbacks_count == 0 ? ACME_OK : ACME_ERR_ARGUMENT;
    size_t i;

    for (i = 0; i < config->fallbacks_count && rc == ACME_OK; i++) {
        const struct acme_ca *ca = &config->fallbacks[i];

        rc = ca->anchors != NULL || ca->anchors_count == 0
                 ? check_ca(ca->directory_url, ca->eab_kid, ca->eab_hmac_key)
                 : ACME_ERR_ARGUMENT;
    }
    return rc;
}
#else
static int32_t check_fallbacks(const struct acme_config *config)
{
    (void)config;
    return ACME_OK;
}
#endif

/* What the configuration points to. */
static int32_t check_parts(const struct acme_config *config)
{
    if (!has_port(config) || !has_lists(config)) {
        return ACME_ERR_ARGUMENT;
    }
    /* A watchdog that nobody feeds is better known now. */
    return !ACME_ENABLED(CONFIG_ACME_BREATHE) && config->port->breathe != NULL
               ? ACME_ERR_UNSUPPORTED
               : ACME_OK;
}

static int32_t check_config(const struct acme_config *config)
{
    size_t i;
    int32_t rc;

    rc = check_parts(config);
    if (rc != ACME_OK) {
        return rc;
    }
    if (config->certs_count > CONFIG_ACME_CERT_SLOTS) {
        return ACME_ERR_LIMIT;
    }
    rc = check_fallbacks(config);
    if (rc == ACME_OK) {
        rc = check_texts(config);
    }
    if (rc == ACME_OK) {
        rc = acme_jws_check_key_type(config->account_key_type);
    }
    if (rc == ACME_OK) {
        rc = check_challenges(config->challenges);
    }
    for (i = 0; i < config->certs_count && rc == ACME_OK; i++) {
        rc = check_request(&config->certs[i]);
    }
    return rc;
}

/* ---- slots ---- */

/* What one slot of the store holds. */
struct store_slot {
    bool has_record, has_order;
    bool cert_damaged; /* there is a record that cannot be read: of .record only the generation */
    bool damaged;      /* the same of it or of the order */
    uint64_t names_id; /* of the record, or else of the order */
    struct acme_cert_record record;
};

static bool is_damage(int32_t rc)
{
    return rc != ACME_OK && rc != ACME_ERR_NOT_FOUND;
}

/* Time has reached what a stored certificate says, unless its CA is wrong. */
static int32_t look_at_slot(struct acme_client *c, uint8_t index, struct store_slot *out)
{
    const struct acme_order_record *order;
    int32_t cert_rc, order_rc;

    memset(out, 0, sizeof(*out));
    cert_rc = acme_store_read_cert(&c->log, index, &out->record);
    order_rc = acme_slots_load_order(c, index, &order);
    if (!acme_store_has_said(cert_rc) || !acme_store_has_said(order_rc)) {
        return ACME_ERR_STORE_IO;
    }
    out->has_record = cert_rc == ACME_OK;
    out->has_order = order_rc == ACME_OK;
    out->cert_damaged = is_damage(cert_rc);
    out->damaged = out->cert_damaged || is_damage(order_rc);
    if (out->cert_damaged) { /* what is to come must not take the place of key and chain */
        memset(&out->record, 0, sizeof(out->record));
        out->record.key_generation = acme_jws_key_exists(acme_keys_cert(index, 0)) ? 0 : 1;
    }
    out->names_id = order->names_id;
    if (out->has_record) {
        out->names_id = out->record.names_id;
        acme_clock_raise_born(&c->clock, out->record.not_before_s);
    }
    return ACME_OK;
}

#define SUITS_WELL 4 /* it is the request's certificate */

/* How well a slot suits a request: 0 not at all, more is better. */
static uint8_t suits(const struct acme_client *c, const struct store_slot *s,
                     const struct acme_names_ids *ids)
{
    if (!s->has_record && !s->has_order) {
        return 2;
    }
    if (acme_names_ids_have(ids, s->names_id)) {
        return s->has_record ? SUITS_WELL : 3;
    }
    return c->config.replace_unrequested ? 1 : 0;
}

static bool is_claimed(const struct acme_client *c, uint8_t index)
{
    size_t i;

    for (i = 0; i < c->config.certs_count; i++) {
        if (c->slots[i].store_slot == index) {
            return true;
        }
    }
    return false;
}

/* Gives one request the store slot that suits it at least this well, if there is one. */
static int32_t claim(struct acme_client *c, size_t request, uint8_t at_least)
{
    const struct acme_names_ids ids = acme_slots_names_ids(&c->config.certs[request]);
    uint8_t i;

    for (i = 0; i < CONFIG_ACME_CERT_SLOTS; i++) {
        struct acme_slot *slot = acme_slots_at(c, (uint16_t)request);
        struct store_slot s;
        uint8_t how;
        int32_t rc;

        if (is_claimed(c, i)) {
            continue;
        }
        rc = look_at_slot(c, i, &s);
        if (rc != ACME_OK) {
            return rc;
        }
        how = suits(c, &s, &ids);
        if (how >= at_least) {
            slot->store_slot = i;
            slot->occupied = s.has_record || s.cert_damaged;
            slot->has_cert = how == SUITS_WELL;
            slot->cert = s.record;
            return ACME_OK;
        }
    }
    return at_least == 1 ? ACME_ERR_LIMIT : ACME_OK;
}

/* Known certificates find their slots before new ones take what is free. */
static int32_t map_slots(struct acme_client *c)
{
    uint8_t at_least;
    size_t i;

    for (i = 0; i < CONFIG_ACME_CERT_SLOTS; i++) {
        c->slots[i].store_slot = UINT8_MAX;
    }
    for (at_least = SUITS_WELL; at_least > 0; at_least--) {
        for (i = 0; i < c->config.certs_count; i++) {
            int32_t rc = c->slots[i].store_slot == UINT8_MAX ? claim(c, i, at_least) : ACME_OK;

            if (rc != ACME_OK) {
                return rc;
            }
        }
    }
    return ACME_OK;
}

/* A certificate whose chain is damaged is due. It stays until there is another. */
static int32_t check_chains(struct acme_client *c)
{
    uint16_t i;

    for (i = 0; i < c->config.certs_count; i++) {
        struct acme_slot *s = acme_slots_at(c, i);
        int32_t rc = s->has_cert ? acme_slots_look_at_chain(c, s) : ACME_OK;

        if (!acme_store_has_said(rc)) {
            return rc;
        }
        if (s->damaged) {
            c->slot = (int16_t)i;
            s->error = rc;
            acme_machine_emit_failure(c, ACME_EVENT_ERROR, rc, NULL);
            c->slot = -1;
        }
    }
    return ACME_OK;
}

/* Removes a key and a chain that no certificate and no order names. */
static int32_t remove_generation(struct acme_client *c, uint8_t slot, uint8_t generation)
{
    int32_t rc = acme_jws_destroy_key(acme_keys_cert(slot, generation));

    return rc == ACME_OK ? acme_store_remove_chain(&c->log, slot, generation) : rc;
}

/* What a cut left behind: keys and chains that no certificate and no order will ever use. */
static int32_t remove_remains(struct acme_client *c)
{
    uint8_t i, generation;

    for (i = 0; i < CONFIG_ACME_CERT_SLOTS; i++) {
        struct store_slot s;
        int32_t rc = look_at_slot(c, i, &s);

        if (rc != ACME_OK) {
            return rc;
        }
        for (generation = 0; generation < 2 && !s.has_order && !s.damaged; generation++) {
            if (!s.has_record || s.record.key_generation != generation) {
                rc = remove_generation(c, i, generation);
            }
            if (rc != ACME_OK) {
                return rc;
            }
        }
    }
    return ACME_OK;
}

/* ---- init and deinit ---- */

#if defined(CONFIG_ACME_FALLBACK)
static void keep_first_ca(struct acme_client *c)
{
    c->first_ca.directory_url = c->config.directory_url;
    c->first_ca.anchors = c->config.anchors;
    c->first_ca.anchors_count = c->config.anchors_count;
    c->first_ca.eab_kid = c->config.eab_kid;
    c->first_ca.eab_hmac_key = c->config.eab_hmac_key;
}
#else
static void keep_first_ca(struct acme_client *c)
{
    (void)c;
}
#endif

#if defined(CONFIG_ACME_CLOCK_POLICY)
static void set_policy(struct acme_client *c)
{
    c->clock.policy = c->config.clock_policy;
}
#else
static void set_policy(struct acme_client *c)
{
    (void)c;
}
#endif

static void set_up(struct acme_client *c, const struct acme_config *config)
{
    const struct acme_port *port = config->port;

    memset(c, 0, sizeof(*c));
    c->config = *config;
    keep_first_ca(c);
    c->slot = c->problem_slot = -1;
    c->account.slot = UINT8_MAX;
    c->pool_len = c->pool_order_mark = ACME_POOL_START;
    acme_clock_init(&c->clock, port->clock, port->clock_ctx, config->build_time_s);
    set_policy(c);
    acme_json_init(&c->arena, c->arena_memory.bytes, sizeof(c->arena_memory.bytes));
    acme_challenges_init(&c->challenges, config);
    c->exchange.port = port;
    c->exchange.clock = &c->clock;
    c->exchange.tls.stream = ACME_HANDLE_NONE;
}

/* The store's seal needs PSA Crypto, whose persistent keys are then looked for in the store.
 * *whole: nothing in it is damaged. */
static int32_t open_store(struct acme_client *c, bool *whole)
{
    int32_t rc = start_crypto(c->config.port);

    if (rc == ACME_OK) {
        rc = acme_store_open(&c->log, &c->config);
    }
    *whole = rc != ACME_ERR_STORE_CORRUPT;
    if (rc == ACME_ERR_STORE_CORRUPT) {
        acme_machine_emit_failure(c, ACME_EVENT_ERROR, rc, NULL);
        rc = ACME_OK;
    }
    if (rc == ACME_OK) {
        acme_store_bind_its(&c->log);
    }
    return rc;
}

/* What the store has finds its place in the client. Where something is damaged, what nobody names
 * may be named by what cannot be read now: it stays. */
static int32_t load_all(struct acme_client *c, bool whole)
{
    int32_t rc = ACME_OK;

    if (whole && !ACME_ENABLED(ACME_MUTATE_KEEP_REMAINS)) { /* a bug for the runner of lives */
        rc = remove_remains(c);
        rc = rc == ACME_ERR_STORE_FULL ? ACME_OK : rc; /* no reason not to start: they can wait */
    }
    if (rc == ACME_OK) {
        rc = map_slots(c);
    }
    if (rc == ACME_OK) {
        rc = check_chains(c);
    }
    if (rc == ACME_OK) {
        acme_schedule_load(c);
        rc = acme_account_load(c);
    }
    return rc;
}

static int32_t open_all(struct acme_client *c)
{
    bool whole;
    int32_t rc = open_store(c, &whole);

    if (rc == ACME_OK) {
        rc = acme_request_use_ca(c);
    }
    if (rc == ACME_OK) {
        rc = load_all(c, whole);
    }
    if ((ACME_ENABLED(CONFIG_ACME_KEY_ROLLOVER) || ACME_ENABLED(CONFIG_ACME_ACCOUNT_MANAGEMENT)) &&
        rc == ACME_OK && whole && c->account.recorded && c->account.rollover == 0 &&
        c->account.successor == 0) {
        rc = acme_jws_destroy_key(acme_keys_next_account(c)); /* what a cut left */
    }
    return rc;
}

int32_t acme_store_give_up(acme_client *c)
{
    return acme_machine_is_busy(c) ? ACME_ERR_STATE : acme_place_give_up(&c->log);
}

int32_t acme_store_format(const struct acme_port *port)
{
    struct acme_flashlog log;

    if (port == NULL || port->flash == NULL) {
        return ACME_ERR_ARGUMENT;
    }
    return in_use ? ACME_ERR_STATE : acme_flashlog_format(&log, port->flash, port->flash_ctx);
}

/* A caller that was compiled with another configuration has its members elsewhere. The port is
 * where it is in all of them: what is wrong can be said. */
static int32_t check_build(const struct acme_config *config, uint32_t build)
{
    if (build == ACME_BUILD) {
        return ACME_OK;
    }
    if (config->port != NULL) {
        ACME_LOG(config->port, ACME_LOG_ERROR,
                 "init: the core was built with another configuration than its caller", NULL, 0);
    }
    return ACME_ERR_ARGUMENT;
}

int32_t acme_init_checked(acme_client **client, const struct acme_config *config, void *memory,
                          size_t memory_size, uint32_t build)
{
    struct acme_client *c = memory;
    int32_t rc;

    if (client == NULL || config == NULL || memory == NULL || (uintptr_t)memory % 8u != 0) {
        return ACME_ERR_ARGUMENT;
    }
    *client = NULL;
    rc = check_build(config, build);
    if (rc != ACME_OK) {
        return rc;
    }
    if (in_use) {
        return ACME_ERR_STATE;
    }
    if (memory_size < ACME_MEMORY_SIZE) {
        return ACME_ERR_MEMORY;
    }
    rc = check_config(config);
    if (rc != ACME_OK) {
        return rc;
    }
    set_up(c, config);
    in_use = true;
    acme_breathe_bind(config->port);
    take_crypto();
    rc = open_all(c);
    if (rc != ACME_OK) {
        acme_deinit(c);
        return rc;
    }
    *client = c;
    return ACME_OK;
}

void acme_deinit(acme_client *c)
{
    if (c == NULL || acme_breathe_is_inside()) {
        return;
    }
    if (c->machine.side != NULL) {
        c->machine.side->stop(c);
    }
    acme_challenges_close(&c->challenges);
    acme_request_abort(c);
    acme_exchange_close(&c->exchange);
    acme_tls_free(&c->exchange.tls);
    acme_store_bind_its(NULL);
    end_crypto();
    acme_entropy_bind(NULL, NULL);
    acme_breathe_bind(NULL);
    acme_zeroize(c, sizeof(*c));
    in_use = false;
}
