/*
 * DNS UPDATE: adds and removes one TXT record. It must not know what the record proves.
 */
#include "acme/config.h"

#if defined(CONFIG_ACME_DNS_UPDATE)

#include "acme/dns_update.h"

#include <string.h>

#include "net/address.h"
#include "base/assert.h"
#include "base/buf.h"
#include "dns/provider.h"
#include "base/log.h"
#include "dns/tsig.h"

#define TTL_S 60u

/* Steps after those of acme_dns_base_zone. */
enum step { STEP_SERVER = 2, STEP_RESOLVE, STEP_UPDATE, STEP_REPLY };

struct acme_dns_update {
    struct acme_dns_base base;
    struct acme_dns_update_config config;
    struct acme_dns_server server;
    struct acme_tsig_request request;
    uint16_t server_port;
    char server_name[ACME_DNS_NAME_SIZE]; /* "" where the SOA names it */
};

_Static_assert(sizeof(struct acme_dns_update) <= ACME_DNS_UPDATE_SIZE, "ACME_DNS_UPDATE_SIZE");

static bool has_all(acme_dns_update **update, const struct acme_dns_update_config *config,
                    const void *memory)
{
    return update != NULL && config != NULL && config->port != NULL && memory != NULL &&
           (uintptr_t)memory % 8u == 0;
}

int32_t acme_dns_update_init(acme_dns_update **update, const struct acme_dns_update_config *config,
                             void *memory, size_t memory_size)
{
    acme_dns_update *u = memory;
    int32_t rc;

    if (!has_all(update, config, memory)) {
        return ACME_ERR_ARGUMENT;
    }
    if (memory_size < sizeof(*u)) {
        return ACME_ERR_MEMORY;
    }
    *update = u;
    memset(u, 0, sizeof(*u));
    rc = acme_dns_base_init(&u->base, config->port,
                            config->resolver != NULL ? config->resolver : config->server,
                            config->ns_port);
    u->config = *config;
    if (rc == ACME_OK && config->server != NULL) {
        rc = acme_endpoint_split(config->server, ACME_DNS_PORT, u->server_name,
                                 sizeof(u->server_name), &u->server_port);
    }
    if (rc == ACME_OK && config->key != NULL) {
        rc = acme_tsig_check_key(config->key);
    }
    return rc;
}

/* ---- the server ---- */

static int32_t find_server(acme_dns_update *u)
{
    const char *name = u->server_name[0] != '\0' ? u->server_name : u->base.zone.primary;

    u->server.port = u->server_name[0] != '\0' ? u->server_port : u->base.ns_port;
    if (acme_address_parse(name, &u->server.address) == ACME_OK) {
        u->base.step = STEP_UPDATE;
        return ACME_OK;
    }
    u->base.step = STEP_RESOLVE;
    return acme_dns_lookup_start(&u->base.lookup, &u->base.client, &u->base.resolver, name,
                                 ACME_DNS_TYPE_A, true);
}

/* ---- the update ---- */

/* RFC 2136 2.5.1 and 2.5.4: add to the set, or delete this record from it. */
static int32_t write_update(acme_dns_update *u, const struct acme_dns_record *record, bool add)
{
    struct acme_dns_client *client = &u->base.client;
    struct acme_dns_writer w;
    uint16_t id;
    int32_t rc = acme_dns_random(&id);

    if (rc != ACME_OK) {
        return rc;
    }
    acme_dns_write_begin(&w, client->request, sizeof(client->request), id, ACME_DNS_OPCODE_UPDATE);
    acme_dns_write_question(&w, u->base.zone.name, ACME_DNS_TYPE_SOA, ACME_DNS_CLASS_IN);
    if (add) {
        acme_dns_write_txt(&w, ACME_DNS_UPDATE, u->base.zone.target, ACME_DNS_CLASS_IN,
                           u->config.ttl_s != 0 ? u->config.ttl_s : TTL_S, record->value);
    } else {
        acme_dns_write_txt(&w, ACME_DNS_UPDATE, u->base.zone.target, ACME_DNS_CLASS_NONE, 0,
                           record->value);
    }
    rc = acme_dns_write_result(&w);
    ACME_ASSERT(rc <= (int32_t)sizeof(client->request));
    if (rc > 0) {
        client->request_len = (uint16_t)rc;
    }
    return rc > 0 ? ACME_OK : rc;
}

static int32_t sign(acme_dns_update *u, int64_t now_s)
{
    struct acme_dns_client *client = &u->base.client;
    int32_t rc;

    if (u->config.key == NULL) {
        return ACME_OK;
    }
    if (now_s <= 0) {
        return ACME_ERR_NO_CLOCK;
    }
    rc = acme_tsig_sign(u->config.key, client->request, client->request_len,
                        sizeof(client->request), now_s, &u->request);
    if (rc > 0) {
        client->request_len = (uint16_t)rc;
    }
    return rc > 0 ? ACME_OK : rc;
}

static int32_t send_update(acme_dns_update *u, const struct acme_dns_record *record, bool add)
{
    int32_t rc = write_update(u, record, add);

    if (rc == ACME_OK) {
        rc = sign(u, record->now_s);
    }
    if (rc == ACME_OK) {
        rc = acme_dns_client_start(&u->base.client, &u->server);
    }
    u->base.step = STEP_REPLY;
    return rc;
}

static int32_t rcode_error(uint16_t rcode)
{
    switch (rcode) {
    case ACME_DNS_NOERROR:
        return ACME_OK;
    case ACME_DNS_NOTAUTH:
    case ACME_DNS_NOTZONE:
        return ACME_ERR_DNS_ZONE;
    case ACME_DNS_REFUSED:
    case ACME_DNS_NOTIMP:
    case ACME_DNS_FORMERR:
        return ACME_ERR_DNS_REFUSED;
    default:
        return ACME_ERR_DNS_SERVER;
    }
}

/* What the server says of the key comes first; and only a reply that it signed says yes. */
static int32_t on_reply(acme_dns_update *u, int64_t now_s)
{
    struct acme_dns_client *client = &u->base.client;
    int32_t rc = ACME_OK, error = rcode_error(acme_dns_client_rcode(client));
    int64_t server = 0;

    if (u->config.key != NULL) {
        rc = acme_tsig_verify(u->config.key, client->reply, client->reply_len, &u->request, now_s,
                              &server);
    }
    if (server != 0) {
        ACME_LOG(u->config.port, ACME_LOG_WARNING, "dns: the name server's clock is ahead by",
                 "seconds", (int32_t)(server - u->request.time_s));
    }
    if (rc == ACME_ERR_DNS_KEY || rc == ACME_ERR_DNS_SIG || rc == ACME_ERR_DNS_TIME) {
        return rc;
    }
    return error != ACME_OK ? error : rc;
}

/* Finds the zone and the address of its server. */
static int32_t poll_server(acme_dns_update *u, const char *name, uint32_t *wait_ms)
{
    struct acme_dns_base *b = &u->base;
    int32_t rc = ACME_OK;

    if (b->step < STEP_SERVER) {
        rc = acme_dns_base_zone(b, name, wait_ms);
    }
    if (rc == ACME_OK && b->step == STEP_SERVER) {
        rc = find_server(u);
    }
    if (rc == ACME_OK && b->step == STEP_RESOLVE) {
        rc = acme_dns_lookup_poll_host(&b->lookup, &u->server.address, wait_ms);
        b->step = rc == ACME_OK ? STEP_UPDATE : b->step;
    }
    return rc;
}

static int32_t poll_update(acme_dns_update *u, const struct acme_dns_record *record, bool add,
                           uint32_t *wait_ms)
{
    struct acme_dns_base *b = &u->base;
    int32_t rc = poll_server(u, record->name, wait_ms);

    if (rc == ACME_OK && b->step == STEP_UPDATE) {
        rc = send_update(u, record, add);
    }
    if (rc == ACME_OK) {
        rc = acme_dns_client_poll(&b->client, wait_ms);
    }
    return rc == ACME_OK ? on_reply(u, record->now_s) : rc;
}

/* ---- the provider ---- */

static int32_t update_present(void *ctx, const struct acme_dns_record *record, uint32_t *wait_ms)
{
    acme_dns_update *u = ctx;

    acme_dns_base_enter(&u->base, ACME_DNS_OP_PRESENT);
    return acme_dns_base_leave(&u->base, poll_update(u, record, true, wait_ms));
}

static int32_t update_ready(void *ctx, const struct acme_dns_record *record, uint32_t *wait_ms)
{
    acme_dns_update *u = ctx;

    return acme_dns_base_ready(&u->base, record, wait_ms);
}

static int32_t update_cleanup(void *ctx, const struct acme_dns_record *record, uint32_t *wait_ms)
{
    acme_dns_update *u = ctx;

    acme_dns_base_enter(&u->base, ACME_DNS_OP_CLEANUP);
    return acme_dns_base_leave(&u->base, poll_update(u, record, false, wait_ms));
}

static int32_t update_lookup(void *ctx, const char *name, acme_dns_txt_fn found, void *found_ctx,
                             uint32_t *wait_ms)
{
    acme_dns_update *u = ctx;

    return acme_dns_base_lookup(&u->base, name, found, found_ctx, wait_ms);
}

static void update_stop(void *ctx)
{
    acme_dns_update *u = ctx;

    acme_dns_base_stop(&u->base);
}

static void update_end(void *ctx)
{
    acme_dns_update *u = ctx;

    acme_dns_base_forget(&u->base);
}

const struct acme_dns_ops acme_dns_update_ops = {
    .present = update_present,
    .ready = update_ready,
    .cleanup = update_cleanup,
    .lookup = update_lookup,
    .stop = update_stop,
    .end = update_end,
};

#endif
