/*
 * The doctor's look at one name: its addresses, whether they lead back to this device, and CAA. It
 * must not know how certificates are ordered.
 */
#include "acme/config.h"

#if defined(CONFIG_ACME_DOCTOR)

#include <string.h>

#include <psa/crypto.h>

#include "net/address.h"
#include "base/assert.h"
#include "base/buf.h"
#include "doctor/steps.h"

static uint16_t local_port(const struct acme_doctor *d, uint8_t way)
{
    return way == 0 ? d->config.http_port : d->config.tls_port;
}

static uint16_t public_port(const struct acme_doctor *d, uint8_t way)
{
    if (way == 0) {
        return d->config.http_public != 0 ? d->config.http_public : 80;
    }
    return d->config.tls_public != 0 ? d->config.tls_public : 443;
}

static void tell_address(struct acme_doctor *d, enum acme_finding_code code,
                         const struct acme_address *address, uint16_t port, int32_t error)
{
    struct acme_finding more = {.error = error, .address = *address, .port = port};
    char text[ACME_IPADDR_TEXT];

    acme_address_format(address, text);
    acme_doctor_tell(d, code, d->host, text, &more);
}

/* ---- ports ---- */

int32_t acme_doctor_ports(struct acme_doctor *d, uint32_t *wait_ms)
{
    const struct acme_port *port = d->client->config.port;
    uint8_t way;

    (void)wait_ms;
    for (way = 0; way < 2; way++) {
        struct acme_finding more = {.port = local_port(d, way)};
        acme_handle handle;

        if (more.port == 0) {
            continue;
        }
        handle = port->net->listen(port->net_ctx, more.port);
        if (handle < 0) {
            more.error = handle;
            acme_doctor_tell(d, ACME_FINDING_PORT_TAKEN, "", "", &more);
        } else {
            d->listeners[way] = handle;
        }
    }
    if (!d->has_resolver) {
        acme_doctor_tell(d, ACME_FINDING_RESOLVER, "", "", NULL);
    }
    return ACME_OK;
}

/* ---- addresses ---- */

static int32_t on_addresses(struct acme_doctor *d)
{
    while (d->address_count < ACME_DOCTOR_ADDRESSES &&
           acme_dns_lookup_address(&d->lookup, &d->addresses[d->address_count]) == ACME_OK) {
        d->address_count++;
    }
    if (d->lookup.type == ACME_DNS_TYPE_A) {
        return acme_dns_lookup_start(&d->lookup, &d->dns, &d->resolver, d->host, ACME_DNS_TYPE_AAAA,
                                     true);
    }
    if (d->address_count == 0 && (d->config.http_port != 0 || d->config.tls_port != 0) &&
        !d->wildcard) {
        acme_doctor_tell(d, ACME_FINDING_NAME_UNRESOLVED, d->host, "", NULL);
    }
    return ACME_ERR_NOT_FOUND; /* both types are done */
}

/* Without an answer nothing can be said of the names; one word about it is enough. */
static int32_t on_silence(struct acme_doctor *d, int32_t error)
{
    struct acme_finding more = {.error = error};

    if (error == ACME_ERR_DNS_SERVER || error == ACME_ERR_DNS_REFUSED || error == ACME_ERR_LIMIT) {
        acme_doctor_tell(d, ACME_FINDING_NAME_UNRESOLVED, d->host, "", &more);
    } else {
        acme_doctor_tell(d, ACME_FINDING_RESOLVER, d->host, "", &more);
        d->has_resolver = false;
    }
    return ACME_OK;
}

int32_t acme_doctor_addresses(struct acme_doctor *d, uint32_t *wait_ms)
{
    int32_t rc = ACME_OK;

    if (d->is_address || !d->has_resolver) {
        return ACME_OK;
    }
    if (d->sub == 0) {
        d->sub = 1;
        rc = acme_dns_lookup_start(&d->lookup, &d->dns, &d->resolver, d->host, ACME_DNS_TYPE_A,
                                   true);
    }
    while (rc == ACME_OK) {
        rc = acme_dns_lookup_poll(&d->lookup, wait_ms);
        rc = rc == ACME_OK ? on_addresses(d) : rc;
    }
    if (rc == ACME_ERR_AGAIN) {
        return rc;
    }
    return rc == ACME_ERR_NOT_FOUND ? ACME_OK : on_silence(d, rc);
}

/* Nothing is said of a family of which no address is known: it may be translated on the way. */
static bool is_own(const struct acme_doctor *d, const struct acme_address *address)
{
    bool family_known = false;
    uint16_t i;

    for (i = 0; i < d->config.own_count; i++) {
        family_known = family_known || d->config.own[i].family == address->family;
        if (acme_address_equal(address, &d->config.own[i])) {
            return true;
        }
    }
    return !family_known;
}

int32_t acme_doctor_compare(struct acme_doctor *d, uint32_t *wait_ms)
{
    uint8_t i;

    (void)wait_ms;
    for (i = 0; i < d->address_count; i++) {
        if (!is_own(d, &d->addresses[i])) {
            tell_address(d, ACME_FINDING_NAME_ELSEWHERE, &d->addresses[i], 0, ACME_OK);
        }
    }
    return ACME_OK;
}

/* ---- the way back ---- */

enum trip_state { TRIP_NONE, TRIP_CONNECT, TRIP_BACK };

static int32_t trip_begin(struct acme_doctor *d)
{
    const struct acme_port *port = d->client->config.port;
    struct acme_doctor_trip *t = &d->trip;
    char host[ACME_IPADDR_TEXT];

    if (psa_generate_random(t->nonce, sizeof(t->nonce)) != PSA_SUCCESS) {
        return ACME_ERR_CRYPTO;
    }
    acme_address_format(&d->addresses[d->address], host);
    t->out = port->net->connect(port->net_ctx, host, public_port(d, d->way));
    if (t->out < 0) {
        int32_t rc = t->out;

        t->out = ACME_HANDLE_NONE;
        return rc;
    }
    t->state = TRIP_CONNECT;
    t->sent = t->got = 0;
    t->deadline_ms = acme_doctor_now_ms(d) + ACME_DOCTOR_CONNECT_MS;
    return ACME_OK;
}

static void trip_end(struct acme_doctor *d)
{
    const struct acme_port *port = d->client->config.port;

    if (d->trip.out != ACME_HANDLE_NONE) {
        port->net->close(port->net_ctx, d->trip.out);
    }
    if (d->trip.in != ACME_HANDLE_NONE) {
        port->net->close(port->net_ctx, d->trip.in);
    }
    d->trip.out = d->trip.in = ACME_HANDLE_NONE;
    d->trip.state = TRIP_NONE;
}

static int32_t trip_connect(struct acme_doctor *d)
{
    const struct acme_port *port = d->client->config.port;
    int32_t rc = port->net->connected(port->net_ctx, d->trip.out);

    if (rc == ACME_OK) {
        d->trip.state = TRIP_BACK;
        /* What answers has this long to be us. */
        d->trip.deadline_ms = acme_doctor_now_ms(d) + ACME_DOCTOR_CONNECT_MS / 2;
    }
    return rc;
}

/* ACME_OK once the nonce is out. */
static int32_t trip_send(struct acme_doctor *d)
{
    const struct acme_port *port = d->client->config.port;
    struct acme_doctor_trip *t = &d->trip;

    while (t->sent < sizeof(t->nonce)) {
        int32_t n =
            port->net->send(port->net_ctx, t->out, t->nonce + t->sent, sizeof(t->nonce) - t->sent);

        if (n < 0) {
            return n == ACME_ERR_AGAIN ? n : ACME_ERR_NOT_FOUND;
        }
        t->sent = (uint8_t)(t->sent + n);
        ACME_ASSERT(t->sent <= sizeof(t->nonce));
    }
    return ACME_OK;
}

/* ACME_OK once as many bytes have come in as a nonce has. */
static int32_t trip_receive(struct acme_doctor *d)
{
    const struct acme_port *port = d->client->config.port;
    struct acme_doctor_trip *t = &d->trip;

    if (t->in == ACME_HANDLE_NONE) {
        acme_handle handle = port->net->accept(port->net_ctx, d->listeners[d->way]);

        if (handle < 0) {
            return ACME_ERR_AGAIN;
        }
        t->in = handle;
    }
    while (t->got < sizeof(t->back)) {
        int32_t n =
            port->net->recv(port->net_ctx, t->in, t->back + t->got, sizeof(t->back) - t->got);

        if (n < 0) {
            return n == ACME_ERR_AGAIN ? n : ACME_ERR_NOT_FOUND;
        }
        t->got = (uint8_t)(t->got + n);
        ACME_ASSERT(t->got <= sizeof(t->back));
    }
    return ACME_OK;
}

/* The nonce goes out; whether it comes in again through the listener says who is there. ACME_OK: it
 * did. ACME_ERR_NOT_FOUND: something else is there. */
static int32_t trip_back(struct acme_doctor *d)
{
    int32_t rc = trip_send(d);

    if (rc == ACME_OK) {
        rc = trip_receive(d);
    }
    if (rc != ACME_OK) {
        return rc;
    }
    return memcmp(d->trip.back, d->trip.nonce, sizeof(d->trip.nonce)) == 0 ? ACME_OK
                                                                           : ACME_ERR_NOT_FOUND;
}

static void trip_judge(struct acme_doctor *d, int32_t rc)
{
    const struct acme_address *address = &d->addresses[d->address];
    uint16_t port = public_port(d, d->way);

    if (rc == ACME_OK) {
        return;
    }
    if (d->trip.state == TRIP_BACK) {
        /* Whose port it is was said already where this device could not open it. */
        if (d->listeners[d->way] != ACME_HANDLE_NONE) {
            tell_address(d, ACME_FINDING_PORT_FOREIGN, address, port, ACME_OK);
        }
        return;
    }
    tell_address(d, address->family == 6 ? ACME_FINDING_IPV6_DEAD : ACME_FINDING_PORT_UNREACHABLE,
                 address, port, rc);
}

static int32_t trip_poll(struct acme_doctor *d, uint32_t *wait_ms)
{
    uint64_t now = acme_doctor_now_ms(d);
    int32_t rc = d->trip.state == TRIP_NONE ? trip_begin(d) : ACME_OK;

    if (rc == ACME_OK && d->trip.state == TRIP_CONNECT) {
        rc = trip_connect(d);
    }
    if (rc == ACME_OK && d->listeners[d->way] == ACME_HANDLE_NONE) {
        rc = ACME_ERR_NOT_FOUND;
    }
    if (rc == ACME_OK) {
        rc = trip_back(d);
    }
    if (rc != ACME_ERR_AGAIN) {
        return rc;
    }
    if (now >= d->trip.deadline_ms) {
        return ACME_ERR_TIMEOUT;
    }
    if (d->trip.deadline_ms - now < *wait_ms) {
        *wait_ms = (uint32_t)(d->trip.deadline_ms - now);
    }
    return rc;
}

int32_t acme_doctor_reach(struct acme_doctor *d, uint32_t *wait_ms)
{
    int32_t rc;

    if (d->sub == 0) {
        d->sub = 1;
        d->address = d->way = 0;
    }
    for (; d->address < d->address_count; d->address++, d->way = 0) {
        for (; d->way < 2; d->way++) {
            if (local_port(d, d->way) == 0 || d->wildcard) {
                continue;
            }
            rc = trip_poll(d, wait_ms);
            if (rc == ACME_ERR_AGAIN) {
                return rc;
            }
            trip_judge(d, rc);
            trip_end(d);
        }
    }
    return ACME_OK;
}

/* ---- CAA (RFC 8659) ---- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* The issuer's name: what stands before the first ';', blanks aside. */
static bool names_ca(const struct acme_doctor *d, const struct acme_dns_caa *caa)
{
    const char *id = d->identities;
    size_t from = 0, to = 0;

    while (to < caa->value_len && caa->value[to] != ';') {
        to++;
    }
    while (from < to && is_blank(caa->value[from])) {
        from++;
    }
    while (to > from && is_blank(caa->value[to - 1])) {
        to--;
    }
    for (; *id != '\0'; id += strlen(id) + 1) {
        if (acme_str_equal_nocase(caa->value + from, to - from, id, strlen(id))) {
            return true;
        }
    }
    return false;
}

/* Properties that this client knows; those behind the first two say nothing of who may issue. */
enum property { PROPERTY_ISSUE, PROPERTY_ISSUEWILD, PROPERTY_OTHER, PROPERTY_UNKNOWN = 6 };

static size_t property_of(const struct acme_dns_caa *caa)
{
    static const char tags[] = "issue\0issuewild\0iodef\0issuemail\0contactemail\0contactphone\0";

    return acme_str_find(caa->tag, caa->tag_len, tags);
}

/* What a set of CAA records says. */
struct verdict {
    bool any, issue, issue_ok, wild, wild_ok, critical;
};

static struct verdict read_set(struct acme_doctor *d)
{
    struct verdict v = {0};
    struct acme_dns_entry entry;
    struct acme_dns_caa caa;

    while (acme_dns_lookup_next(&d->lookup, &entry) == ACME_OK) {
        v.any = true;
        if (acme_dns_read_caa(&d->lookup.reader, &entry, &caa) != ACME_OK) {
            v.critical = true; /* nobody can say what it means */
            continue;
        }
        switch (property_of(&caa)) {
        case PROPERTY_ISSUE:
            v.issue = true;
            v.issue_ok = v.issue_ok || names_ca(d, &caa);
            break;
        case PROPERTY_ISSUEWILD:
            v.wild = true;
            v.wild_ok = v.wild_ok || names_ca(d, &caa);
            break;
        case PROPERTY_UNKNOWN:
            v.critical = v.critical || caa.critical;
            break;
        default:
            break;
        }
    }
    return v;
}

static void judge(struct acme_doctor *d, const struct verdict *v)
{
    bool forbids = v->critical;

    if (d->wildcard && v->wild) {
        forbids = forbids || !v->wild_ok;
    } else if (v->issue) {
        forbids = forbids || !v->issue_ok;
    }
    if (forbids) {
        acme_doctor_tell(d, ACME_FINDING_CAA_FORBIDS, d->host, d->caa_at, NULL);
    }
}

int32_t acme_doctor_caa(struct acme_doctor *d, uint32_t *wait_ms)
{
    struct acme_finding more = {0};
    struct verdict v;
    int32_t rc = ACME_OK;

    if (d->identities[0] == '\0' || !d->has_resolver || d->is_address) {
        return ACME_OK; /* the CA does not say who it is, or there is nothing to ask for */
    }
    if (d->sub == 0) {
        d->sub = 1;
        d->caa_at = d->host;
        rc = acme_dns_lookup_start(&d->lookup, &d->dns, &d->resolver, d->caa_at, ACME_DNS_TYPE_CAA,
                                   true);
    }
    while (rc == ACME_OK) {
        rc = acme_dns_lookup_poll(&d->lookup, wait_ms);
        if (rc != ACME_OK) {
            break;
        }
        v = read_set(d);
        if (v.any) {
            judge(d, &v);
            return ACME_OK;
        }
        d->caa_at = acme_dns_parent(d->caa_at);
        if (d->caa_at[0] == '\0') {
            return ACME_OK; /* no CAA: anybody may issue */
        }
        rc = acme_dns_lookup_start(&d->lookup, &d->dns, &d->resolver, d->caa_at, ACME_DNS_TYPE_CAA,
                                   true);
    }
    if (rc == ACME_ERR_AGAIN) {
        return rc;
    }
    more.error = rc;
    acme_doctor_tell(d, ACME_FINDING_CAA_FAILED, d->host, d->caa_at, &more);
    return ACME_OK;
}

#endif
