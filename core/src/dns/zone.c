/*
 * Follows CNAMEs and finds the zone by its SOA. It must not know what is going to be written there.
 */
#include "acme/config.h"

#if defined(CONFIG_ACME_DNS_CLIENT)

#include "dns/zone.h"

#include <string.h>

#include "base/assert.h"
#include "base/buf.h"

#define HOPS_MAX 8

enum state { STATE_CNAME, STATE_SOA, STATE_DONE };

int32_t acme_dns_zone_start(struct acme_dns_zone *z, struct acme_dns_lookup *lookup,
                            struct acme_dns_client *client, const struct acme_dns_server *resolver,
                            const char *name)
{
    memset(z, 0, sizeof(*z));
    if (acme_str_copy(z->target, sizeof(z->target), name) != ACME_OK) {
        return ACME_ERR_NAME;
    }
    z->state = STATE_CNAME;
    /* Not TXT: that there is none yet would stay in the resolver's cache. */
    return acme_dns_lookup_start(lookup, client, resolver, name, ACME_DNS_TYPE_CNAME, true);
}

static int32_t ask(struct acme_dns_lookup *l, const char *name, uint16_t type)
{
    struct acme_dns_server server = l->server;
    int32_t rc = acme_dns_lookup_start(l, l->client, &server, name, type, true);

    return rc == ACME_OK ? ACME_ERR_AGAIN : rc;
}

static int32_t on_cname(struct acme_dns_zone *z, struct acme_dns_lookup *l)
{
    struct acme_dns_entry entry;

    if (acme_dns_lookup_next(l, &entry) == ACME_OK) {
        if (++z->hops > HOPS_MAX) {
            return ACME_ERR_LIMIT;
        }
        if (acme_dns_read_target(&l->reader, &entry, z->target) != ACME_OK) {
            return ACME_ERR_DNS_MESSAGE;
        }
        return ask(l, z->target, ACME_DNS_TYPE_CNAME);
    }
    z->state = STATE_SOA;
    z->asked = z->target;
    return ask(l, z->asked, ACME_DNS_TYPE_SOA);
}

static int32_t on_soa(struct acme_dns_zone *z, struct acme_dns_lookup *l)
{
    struct acme_dns_entry entry;

    /* A CNAME on the way up would lead out of the zone. */
    if (acme_dns_same_name(l->name, z->asked)) {
        if (acme_dns_lookup_next(l, &entry) == ACME_OK &&
            acme_dns_read_target(&l->reader, &entry, z->primary) == ACME_OK) {
            z->state = STATE_DONE;
            return acme_str_copy(z->name, sizeof(z->name), z->asked);
        }
        if (acme_dns_lookup_authority(l, z->name, z->primary) == ACME_OK) {
            z->state = STATE_DONE;
            return ACME_OK;
        }
    }
    ACME_ASSERT(z->asked >= z->target && z->asked < z->target + sizeof(z->target));
    z->asked = acme_dns_parent(z->asked);
    if (z->asked[0] == '\0') {
        return ACME_ERR_DNS_ZONE;
    }
    return ask(l, z->asked, ACME_DNS_TYPE_SOA);
}

int32_t acme_dns_zone_poll(struct acme_dns_zone *z, struct acme_dns_lookup *l, uint32_t *wait_ms)
{
    int32_t rc = acme_dns_lookup_poll(l, wait_ms);

    if (rc == ACME_ERR_DNS_REFUSED) {
        return ACME_ERR_DNS_ZONE; /* a server that answers for its own zones only */
    }
    if (rc != ACME_OK) {
        return rc;
    }
    rc = z->state == STATE_CNAME ? on_cname(z, l) : on_soa(z, l);
    if (rc == ACME_ERR_AGAIN) {
        *wait_ms = 0;
    }
    return rc;
}

#endif
