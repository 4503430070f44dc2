/*
 * Asks for records and walks the reply, along CNAMEs inside it and, where it ends in one, with a
 * new question. It must not know what the records are for.
 */
#include "acme/config.h"

#if defined(CONFIG_ACME_DNS_CLIENT)

#include "dns/lookup.h"

#include <string.h>

#include "base/assert.h"
#include "base/buf.h"

#define HOPS_MAX 16 /* CNAMEs in all */

static int32_t ask(struct acme_dns_lookup *l)
{
    return acme_dns_client_ask(l->client, &l->server, l->name, l->type, l->recursive);
}

int32_t acme_dns_lookup_start(struct acme_dns_lookup *l, struct acme_dns_client *client,
                              const struct acme_dns_server *server, const char *name, uint16_t type,
                              bool recursive)
{
    memset(l, 0, sizeof(*l));
    l->client = client;
    l->server = *server;
    l->type = type;
    l->recursive = recursive;
    if (acme_str_copy(l->name, sizeof(l->name), name) != ACME_OK) {
        return ACME_ERR_NAME;
    }
    return ask(l);
}

void acme_dns_lookup_rewind(struct acme_dns_lookup *l)
{
    /* A reply that does not begin has no entries left to read. */
    (void)acme_dns_read_begin(&l->reader, l->client->reply, l->client->reply_len);
}

/* The next answer of a type that l->name owns. */
static int32_t next_of(struct acme_dns_lookup *l, uint16_t type, struct acme_dns_entry *entry)
{
    int32_t rc = acme_dns_read_next(&l->reader, entry);

    while (rc == ACME_OK) {
        if (entry->section == ACME_DNS_ANSWER && entry->type == type &&
            entry->rclass == ACME_DNS_CLASS_IN &&
            acme_dns_is_name(&l->reader, entry->start, l->name)) {
            return ACME_OK;
        }
        rc = acme_dns_read_next(&l->reader, entry);
    }
    return rc;
}

int32_t acme_dns_lookup_next(struct acme_dns_lookup *l, struct acme_dns_entry *entry)
{
    return next_of(l, l->type, entry) == ACME_OK ? ACME_OK : ACME_ERR_NOT_FOUND;
}

/* Goes on from l->name to what its CNAME in the reply names. ACME_ERR_NOT_FOUND: it has none. */
static int32_t hop(struct acme_dns_lookup *l)
{
    struct acme_dns_entry entry;

    acme_dns_lookup_rewind(l);
    if (next_of(l, ACME_DNS_TYPE_CNAME, &entry) != ACME_OK) {
        return ACME_ERR_NOT_FOUND; /* the reply was read to its end before: it is well-formed */
    }
    if (++l->hops > HOPS_MAX) {
        return ACME_ERR_LIMIT;
    }
    return acme_dns_read_target(&l->reader, &entry, l->name);
}

/* ACME_OK: the reply has what was asked for, or says that there is none. ACME_ERR_AGAIN: it ends in
 * a CNAME, whose target was asked for. */
static int32_t follow(struct acme_dns_lookup *l)
{
    struct acme_dns_entry entry;
    uint8_t before = l->hops;
    int32_t rc;

    do {
        acme_dns_lookup_rewind(l);
        rc = next_of(l, l->type, &entry);
        if (rc != ACME_ERR_NOT_FOUND || l->type == ACME_DNS_TYPE_CNAME) {
            return rc == ACME_ERR_NOT_FOUND ? ACME_OK : rc;
        }
        rc = hop(l);
    } while (rc == ACME_OK);
    if (rc != ACME_ERR_NOT_FOUND) {
        return rc;
    }
    ACME_ASSERT(l->hops <= HOPS_MAX);
    /* A resolver follows to the end by itself. */
    if (l->hops == before || acme_dns_client_rcode(l->client) == ACME_DNS_NXDOMAIN) {
        return ACME_OK;
    }
    rc = ask(l);
    return rc == ACME_OK ? ACME_ERR_AGAIN : rc;
}

int32_t acme_dns_lookup_poll(struct acme_dns_lookup *l, uint32_t *wait_ms)
{
    int32_t rc = acme_dns_client_poll(l->client, wait_ms);

    if (rc != ACME_OK) {
        return rc;
    }
    switch (acme_dns_client_rcode(l->client)) {
    case ACME_DNS_NOERROR:
    case ACME_DNS_NXDOMAIN:
        break;
    case ACME_DNS_REFUSED:
        return ACME_ERR_DNS_REFUSED;
    default:
        return ACME_ERR_DNS_SERVER;
    }
    rc = follow(l);
    if (rc == ACME_ERR_AGAIN) {
        *wait_ms = 0;
    }
    l->exists = acme_dns_client_rcode(l->client) == ACME_DNS_NOERROR;
    acme_dns_lookup_rewind(l);
    return rc;
}

int32_t acme_dns_lookup_address(struct acme_dns_lookup *l, struct acme_address *address)
{
    struct acme_dns_entry entry;
    size_t size = l->type == ACME_DNS_TYPE_AAAA ? 16 : 4;

    while (acme_dns_lookup_next(l, &entry) == ACME_OK) {
        if (entry.rdata_len == size) {
            memset(address, 0, sizeof(*address));
            address->family = size == 16 ? 6 : 4;
            memcpy(address->bytes, l->reader.data + entry.rdata, size);
            return ACME_OK;
        }
    }
    return ACME_ERR_NOT_FOUND;
}

int32_t acme_dns_lookup_poll_host(struct acme_dns_lookup *l, struct acme_address *address,
                                  uint32_t *wait_ms)
{
    int32_t rc = acme_dns_lookup_poll(l, wait_ms);

    if (rc != ACME_OK || acme_dns_lookup_address(l, address) == ACME_OK) {
        return rc;
    }
    if (l->type == ACME_DNS_TYPE_AAAA) {
        return ACME_ERR_RESOLVE;
    }
    l->type = ACME_DNS_TYPE_AAAA;
    rc = ask(l);
    if (rc == ACME_OK) {
        *wait_ms = 0;
    }
    return rc == ACME_OK ? ACME_ERR_AGAIN : rc;
}

int32_t acme_dns_lookup_authority(struct acme_dns_lookup *l, char zone[ACME_DNS_NAME_SIZE],
                                  char primary[ACME_DNS_NAME_SIZE])
{
    struct acme_dns_entry entry;

    acme_dns_lookup_rewind(l);
    while (acme_dns_read_next(&l->reader, &entry) == ACME_OK) {
        if (entry.section == ACME_DNS_AUTHORITY && entry.type == ACME_DNS_TYPE_SOA &&
            entry.rclass == ACME_DNS_CLASS_IN &&
            acme_dns_read_name(&l->reader, entry.start, zone, NULL) == ACME_OK &&
            acme_dns_is_below(l->name, zone)) {
            return acme_dns_read_target(&l->reader, &entry, primary) == ACME_OK
                       ? ACME_OK
                       : ACME_ERR_NOT_FOUND;
        }
    }
    return ACME_ERR_NOT_FOUND;
}

#endif
