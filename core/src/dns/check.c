/*
 * Looks for a TXT record at all name servers of a zone. It must not know who put it there.
 */
#include "acme/config.h"

#if defined(CONFIG_ACME_DNS_CLIENT)

#include "dns/check.h"

#include <string.h>

#include "base/assert.h"
#include "base/buf.h"
#include "base/log.h"

#define PAUSE_FIRST_MS 500u
#define PAUSE_MAX_MS   8000u

enum state { STATE_NS, STATE_ADDRESS, STATE_TXT, STATE_PAUSE };

int32_t acme_dns_check_start(struct acme_dns_check *c, struct acme_dns_lookup *lookup,
                             struct acme_dns_client *client, const struct acme_dns_server *resolver,
                             uint16_t ns_port, const char *zone, const char *target)
{
    memset(c, 0, sizeof(*c));
    c->resolver = *resolver;
    c->ns_port = ns_port;
    c->zone = zone;
    c->target = target;
    c->state = STATE_NS;
    return acme_dns_lookup_start(lookup, client, resolver, zone, ACME_DNS_TYPE_NS, true);
}

static uint64_t now_ms(const struct acme_dns_lookup *l)
{
    const struct acme_port *port = l->client->port;

    return port->clock->uptime_ms(port->clock_ctx);
}

/* ---- the servers ---- */

static int32_t ask_txt(struct acme_dns_check *c, struct acme_dns_lookup *l)
{
    c->state = STATE_TXT;
    if (c->count == 0) { /* no name server has an address: what the resolver sees has to do */
        return acme_dns_lookup_start(l, l->client, &c->resolver, c->target, ACME_DNS_TYPE_TXT,
                                     true);
    }
    return acme_dns_lookup_start(l, l->client, &c->servers[c->index], c->target, ACME_DNS_TYPE_TXT,
                                 false);
}

static int compare(const char *a, const char *b)
{
    while (*a != '\0' && (*a | 0x20) == (*b | 0x20)) {
        a++;
        b++;
    }
    return (*a | 0x20) - (*b | 0x20);
}

/* The names come in any order, each time another one, and there is no room for a list: the next
 * one is the least that is greater than the last one. */
static bool next_ns(struct acme_dns_check *c, struct acme_dns_lookup *l)
{
    char name[ACME_DNS_NAME_SIZE], best[ACME_DNS_NAME_SIZE] = "";
    struct acme_dns_entry entry;

    while (acme_dns_lookup_next(l, &entry) == ACME_OK) {
        if (acme_dns_read_target(&l->reader, &entry, name) == ACME_OK && compare(name, c->ns) > 0 &&
            (best[0] == '\0' || compare(name, best) < 0)) {
            memcpy(best, name, sizeof(best));
        }
    }
    memcpy(c->ns, best, sizeof(best));
    return best[0] != '\0';
}

static int32_t on_ns(struct acme_dns_check *c, struct acme_dns_lookup *l)
{
    if (c->count == CONFIG_ACME_DNS_SERVERS_MAX || !next_ns(c, l)) {
        return ask_txt(c, l);
    }
    c->state = STATE_ADDRESS;
    return acme_dns_lookup_start(l, l->client, &c->resolver, c->ns, ACME_DNS_TYPE_A, true);
}

static bool is_known(const struct acme_dns_check *c, const struct acme_address *address)
{
    uint8_t i;

    for (i = 0; i < c->count; i++) {
        if (memcmp(&c->servers[i].address, address, sizeof(*address)) == 0) {
            return true;
        }
    }
    return false;
}

static int32_t on_address(struct acme_dns_check *c, struct acme_dns_lookup *l, int32_t rc,
                          const struct acme_address *address)
{
    if (rc == ACME_OK && !is_known(c, address)) {
        c->servers[c->count].address = *address;
        c->servers[c->count].port = c->ns_port;
        c->count++;
    }
    c->state = STATE_NS;
    return acme_dns_lookup_start(l, l->client, &c->resolver, c->zone, ACME_DNS_TYPE_NS, true);
}

/* ---- the record ---- */

static bool has_value(struct acme_dns_lookup *l, const char *value)
{
    struct acme_dns_entry entry;

    while (acme_dns_lookup_next(l, &entry) == ACME_OK) {
        if (acme_dns_is_txt(&l->reader, &entry, value)) {
            return true;
        }
    }
    return false;
}

static int32_t pause_for(struct acme_dns_check *c, const struct acme_dns_lookup *l)
{
    uint32_t ms = PAUSE_FIRST_MS << c->rounds;

    if (ms < PAUSE_MAX_MS) {
        c->rounds++;
    }
    c->state = STATE_PAUSE;
    c->pause_until_ms = now_ms(l) + (ms < PAUSE_MAX_MS ? ms : PAUSE_MAX_MS);
    return ACME_ERR_AGAIN;
}

/* A server that is out of order keeps nobody from issuing, as long as another one has the record.
 */
static int32_t on_txt(struct acme_dns_check *c, struct acme_dns_lookup *l, int32_t rc,
                      const char *value)
{
    if (rc == ACME_OK && !has_value(l, value)) {
        return pause_for(c, l);
    }
    if (rc == ACME_OK) {
        c->seen++;
    } else {
        ACME_LOG(l->client->port, ACME_LOG_WARNING, "dns: a name server does not answer for",
                 c->zone, rc);
    }
    c->index++;
    ACME_ASSERT(c->count <= CONFIG_ACME_DNS_SERVERS_MAX && c->seen <= c->index);
    if (c->index < c->count) {
        rc = ask_txt(c, l);
        return rc == ACME_OK ? ACME_ERR_AGAIN : rc;
    }
    if (c->seen > 0) {
        return ACME_OK;
    }
    c->index = 0;
    return pause_for(c, l);
}

/* A reply is there: what is next. ACME_OK and ACME_ERR_AGAIN as in poll. */
static int32_t advance(struct acme_dns_check *c, struct acme_dns_lookup *l, int32_t rc,
                       const struct acme_address *address, const char *value)
{
    if (c->state == STATE_TXT) {
        return on_txt(c, l, rc, value);
    }
    rc = c->state == STATE_NS ? on_ns(c, l) : on_address(c, l, rc, address);
    return rc == ACME_OK ? ACME_ERR_AGAIN : rc;
}

static int32_t poll_pause(struct acme_dns_check *c, struct acme_dns_lookup *l, uint32_t *wait_ms)
{
    uint64_t now = now_ms(l);

    if (now < c->pause_until_ms) {
        *wait_ms = (uint32_t)(c->pause_until_ms - now);
        return ACME_ERR_AGAIN;
    }
    return ask_txt(c, l);
}

int32_t acme_dns_check_poll(struct acme_dns_check *c, struct acme_dns_lookup *l, const char *value,
                            uint32_t *wait_ms)
{
    struct acme_address address = {0};
    int32_t rc = c->state == STATE_PAUSE ? poll_pause(c, l, wait_ms) : ACME_OK;

    if (rc != ACME_OK) {
        return rc;
    }
    rc = c->state == STATE_ADDRESS ? acme_dns_lookup_poll_host(l, &address, wait_ms)
                                   : acme_dns_lookup_poll(l, wait_ms);
    if (rc == ACME_ERR_AGAIN || (rc != ACME_OK && c->state == STATE_NS)) {
        return rc;
    }
    rc = advance(c, l, rc, &address, value);
    if (rc == ACME_ERR_AGAIN) {
        *wait_ms = 0; /* a question has been written, or a pause begins */
    }
    return rc;
}

#endif
