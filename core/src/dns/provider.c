/*
 * The shared half of the providers. It must not know how a record gets into its zone.
 */
#include "acme/config.h"

#if defined(CONFIG_ACME_DNS_CLIENT)

#include "dns/provider.h"

#include <string.h>

#include "acme/dns_resolver.h"
#include "net/address.h"
#include "base/assert.h"
#include "base/buf.h"

#define TXT_MAX 1024

int32_t acme_dns_base_init(struct acme_dns_base *b, const struct acme_port *port,
                           const char *resolver, uint16_t ns_port)
{
    char host[ACME_IPADDR_TEXT + 1];
    int32_t rc;

    memset(b, 0, sizeof(*b));
    acme_dns_client_init(&b->client, port);
    b->ns_port = ns_port != 0 ? ns_port : ACME_DNS_PORT;
    if (resolver == NULL || port->net == NULL || port->clock == NULL) {
        return ACME_ERR_ARGUMENT;
    }
    rc = acme_endpoint_split(resolver, ACME_DNS_PORT, host, sizeof(host), &b->resolver.port);
    return rc == ACME_OK ? acme_address_parse(host, &b->resolver.address) : rc;
}

void acme_dns_base_enter(struct acme_dns_base *b, enum acme_dns_op op)
{
    if (b->op != op) {
        acme_dns_base_stop(b);
        b->op = (uint8_t)op;
    }
}

int32_t acme_dns_base_leave(struct acme_dns_base *b, int32_t rc)
{
    if (rc != ACME_ERR_AGAIN) {
        /* A record that was set is removed where it was set, whatever comes in between. */
        b->zone_known = b->zone_known && (rc == ACME_OK || b->op != ACME_DNS_OP_PRESENT);
        acme_dns_base_stop(b);
    }
    return rc;
}

void acme_dns_base_forget(struct acme_dns_base *b)
{
    b->zone_known = false;
}

void acme_dns_base_stop(struct acme_dns_base *b)
{
    acme_dns_client_stop(&b->client);
    b->op = ACME_DNS_OP_NONE;
    b->step = 0;
}

int32_t acme_dns_base_zone(struct acme_dns_base *b, const char *name, uint32_t *wait_ms)
{
    int32_t rc;

    if (b->step == 0) {
        if (b->zone_known && acme_dns_same_name(name, b->name)) {
            b->step = 2;
            return ACME_OK;
        }
        b->zone_known = false;
        if (acme_str_copy(b->name, sizeof(b->name), name) != ACME_OK) {
            return ACME_ERR_NAME;
        }
        rc = acme_dns_zone_start(&b->zone, &b->lookup, &b->client, &b->resolver, name);
        if (rc != ACME_OK) {
            return rc;
        }
        b->step = 1;
    }
    rc = acme_dns_zone_poll(&b->zone, &b->lookup, wait_ms);
    if (rc == ACME_OK) {
        b->zone_known = true;
        b->step = 2;
    }
    return rc;
}

static int32_t poll_ready(struct acme_dns_base *b, const struct acme_dns_record *record,
                          uint32_t *wait_ms)
{
    int32_t rc;

    if (b->step < 2) {
        rc = acme_dns_base_zone(b, record->name, wait_ms);
        if (rc != ACME_OK) {
            return rc;
        }
    }
    ACME_ASSERT(b->op == ACME_DNS_OP_READY && (b->step == 3 || b->zone_known));
    if (b->step == 2) {
        rc = acme_dns_check_start(&b->check, &b->lookup, &b->client, &b->resolver, b->ns_port,
                                  b->zone.name, b->zone.target);
        if (rc != ACME_OK) {
            return rc;
        }
        b->step = 3;
    }
    return acme_dns_check_poll(&b->check, &b->lookup, record->value, wait_ms);
}

int32_t acme_dns_base_ready(struct acme_dns_base *b, const struct acme_dns_record *record,
                            uint32_t *wait_ms)
{
    acme_dns_base_enter(b, ACME_DNS_OP_READY);
    return acme_dns_base_leave(b, poll_ready(b, record, wait_ms));
}

static void hand_over(struct acme_dns_base *b, acme_dns_txt_fn found, void *found_ctx)
{
    struct acme_dns_entry entry;
    char text[TXT_MAX];

    while (acme_dns_lookup_next(&b->lookup, &entry) == ACME_OK) {
        int32_t n = acme_dns_read_txt(&b->lookup.reader, &entry, text, sizeof(text));

        if (n >= 0) {
            found(found_ctx, text, (size_t)n);
        }
    }
}

static int32_t poll_lookup(struct acme_dns_base *b, const char *name, acme_dns_txt_fn found,
                           void *found_ctx, uint32_t *wait_ms)
{
    int32_t rc;

    if (b->step == 0) {
        rc = acme_dns_lookup_start(&b->lookup, &b->client, &b->resolver, name, ACME_DNS_TYPE_TXT,
                                   true);
        if (rc != ACME_OK) {
            return rc;
        }
        b->step = 1;
    }
    rc = acme_dns_lookup_poll(&b->lookup, wait_ms);
    if (rc == ACME_OK) {
        hand_over(b, found, found_ctx);
    }
    return rc;
}

int32_t acme_dns_base_lookup(struct acme_dns_base *b, const char *name, acme_dns_txt_fn found,
                             void *found_ctx, uint32_t *wait_ms)
{
    acme_dns_base_enter(b, ACME_DNS_OP_LOOKUP);
    return acme_dns_base_leave(b, poll_lookup(b, name, found, found_ctx, wait_ms));
}

/* ---- a provider that only looks ---- */

struct acme_dns_resolver {
    struct acme_dns_base base;
};

_Static_assert(sizeof(struct acme_dns_resolver) <= ACME_DNS_RESOLVER_SIZE,
               "ACME_DNS_RESOLVER_SIZE");

int32_t acme_dns_resolver_init(acme_dns_resolver **resolver, const struct acme_port *port,
                               const char *server, uint16_t ns_port, void *memory,
                               size_t memory_size)
{
    acme_dns_resolver *r = memory;

    if (resolver == NULL || r == NULL || port == NULL || (uintptr_t)memory % 8u != 0) {
        return ACME_ERR_ARGUMENT;
    }
    if (memory_size < sizeof(*r)) {
        return ACME_ERR_MEMORY;
    }
    *resolver = r;
    return acme_dns_base_init(&r->base, port, server, ns_port);
}

static int32_t resolver_lookup(void *ctx, const char *name, acme_dns_txt_fn found, void *found_ctx,
                               uint32_t *wait_ms)
{
    acme_dns_resolver *r = ctx;

    return acme_dns_base_lookup(&r->base, name, found, found_ctx, wait_ms);
}

static int32_t resolver_ready(void *ctx, const struct acme_dns_record *record, uint32_t *wait_ms)
{
    acme_dns_resolver *r = ctx;

    return acme_dns_base_ready(&r->base, record, wait_ms);
}

static void resolver_stop(void *ctx)
{
    acme_dns_resolver *r = ctx;

    acme_dns_base_stop(&r->base);
}

static void resolver_end(void *ctx)
{
    acme_dns_resolver *r = ctx;

    acme_dns_base_forget(&r->base);
}

const struct acme_dns_ops acme_dns_resolver_ops = {
    .ready = resolver_ready,
    .lookup = resolver_lookup,
    .stop = resolver_stop,
    .end = resolver_end,
};

#endif
