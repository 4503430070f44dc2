/*
 * The neighbourhood in RAM. It must not know what a test expects.
 */
#include "sim_lan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "net/address.h"
#include "dns/message.h"

enum kind { FREE, UDP, TO_SERVER, TO_HOST, LISTENER, WAITING, ACCEPTED };

/* ---- people ---- */

void sim_lan_init(struct sim_lan *l)
{
    memset(l, 0, sizeof(*l));
    l->wall_s = 1700000000;
}

static void must(bool ok, const char *what)
{
    if (!ok) {
        (void)fprintf(stderr, "sim_lan: %s\n", what);
        abort();
    }
}

struct lan_server *sim_lan_server(struct sim_lan *l, const char *address)
{
    struct lan_server *s = &l->servers[l->server_count++];

    must(l->server_count <= LAN_SERVERS && acme_address_parse(address, &s->address) == ACME_OK,
         "a server that cannot be");
    return s;
}

struct lan_host *sim_lan_host(struct sim_lan *l, const char *name, uint16_t port)
{
    struct lan_host *h = &l->hosts[l->host_count++];

    must(l->host_count <= LAN_HOSTS, "too many hosts");
    h->name = name;
    h->port = port;
    return h;
}

struct lan_record *sim_lan_record(struct sim_lan *l, const char *name, uint16_t type,
                                  const void *rdata, size_t len)
{
    struct lan_record *r = &l->records[l->record_count++];

    must(l->record_count <= LAN_RECORDS && strlen(name) < sizeof(r->name) &&
             len <= sizeof(r->rdata),
         "a record that has no room");
    (void)strcpy(r->name, name);
    r->type = type;
    r->rclass = ACME_DNS_CLASS_IN;
    r->rdata_len = (uint16_t)len;
    r->absent = 0;
    memcpy(r->rdata, rdata, len);
    return r;
}

struct lan_record *sim_lan_address(struct sim_lan *l, const char *name, const char *address)
{
    struct acme_address a;

    must(acme_address_parse(address, &a) == ACME_OK, "no address");
    return sim_lan_record(l, name, a.family == 4 ? ACME_DNS_TYPE_A : ACME_DNS_TYPE_AAAA, a.bytes,
                          a.family == 4 ? 4 : 16);
}

struct lan_record *sim_lan_name(struct sim_lan *l, const char *name, uint16_t type,
                                const char *target)
{
    uint8_t wire[ACME_DNS_WIRE_SIZE];
    int32_t n = acme_dns_name_to_wire(target, false, wire, sizeof(wire));

    must(n > 0, "no name");
    return sim_lan_record(l, name, type, wire, (size_t)n);
}

struct lan_record *sim_lan_txt(struct sim_lan *l, const char *name, const char *text)
{
    uint8_t rdata[256];
    size_t n = strlen(text);

    must(n < sizeof(rdata), "a long text");
    rdata[0] = (uint8_t)n;
    memcpy(rdata + 1, text, n);
    return sim_lan_record(l, name, ACME_DNS_TYPE_TXT, rdata, n + 1);
}

struct lan_record *sim_lan_caa(struct sim_lan *l, const char *name, uint8_t flags, const char *tag,
                               const char *value)
{
    uint8_t rdata[256];
    size_t n = strlen(tag), m = strlen(value);

    must(n + m + 2 < sizeof(rdata), "a long CAA");
    rdata[0] = flags;
    rdata[1] = (uint8_t)n;
    memcpy(rdata + 2, tag, n);
    memcpy(rdata + 2 + n, value, m);
    return sim_lan_record(l, name, ACME_DNS_TYPE_CAA, rdata, 2 + n + m);
}

struct lan_record *sim_lan_zone(struct sim_lan *l, const char *name, const char *primary)
{
    struct lan_record *r = sim_lan_name(l, name, ACME_DNS_TYPE_SOA, primary);

    memset(r->rdata + r->rdata_len, 0, 21); /* the mailbox "." and five numbers */
    r->rdata_len = (uint16_t)(r->rdata_len + 21);
    return r;
}

bool sim_lan_has_txt(const struct sim_lan *l, const char *name, const char *text)
{
    size_t i, n = strlen(text);

    for (i = 0; i < l->record_count; i++) {
        const struct lan_record *r = &l->records[i];

        if (r->type == ACME_DNS_TYPE_TXT && strcasecmp(r->name, name) == 0 &&
            r->rdata_len == n + 1 && memcmp(r->rdata + 1, text, n) == 0) {
            return true;
        }
    }
    return false;
}

/* ---- the name servers ---- */

static bool has(const struct sim_lan *l, const struct lan_server *s, const struct lan_record *r)
{
    return (r->absent >> (s - l->servers) & 1u) == 0;
}

static void put(struct acme_dns_writer *w, enum acme_dns_section section,
                const struct lan_record *r)
{
    acme_dns_write_record(w, section, r->name, r->type, r->rclass, 60, r->rdata, r->rdata_len);
}

/* Adds what there is; returns the target of a CNAME that stands there instead, or NULL. */
static const struct lan_record *add_answers(const struct sim_lan *l, const struct lan_server *s,
                                            struct acme_dns_writer *w, const char *name,
                                            uint16_t type, size_t *found)
{
    const struct lan_record *cname = NULL;
    size_t i;

    for (i = 0; i < l->record_count; i++) {
        const struct lan_record *r = &l->records[i];

        if (strcasecmp(r->name, name) != 0 || !has(l, s, r)) {
            continue;
        }
        if (r->type == type) {
            put(w, ACME_DNS_ANSWER, r);
            ++*found;
        } else if (r->type == ACME_DNS_TYPE_CNAME) {
            put(w, ACME_DNS_ANSWER, r);
            ++*found;
            cname = r;
        }
    }
    return cname;
}

static bool exists(const struct sim_lan *l, const struct lan_server *s, const char *name)
{
    size_t i;

    for (i = 0; i < l->record_count; i++) {
        if (acme_dns_is_below(l->records[i].name, name) && has(l, s, &l->records[i])) {
            return true;
        }
    }
    return false;
}

static void add_authority(const struct sim_lan *l, struct acme_dns_writer *w, const char *name)
{
    const struct lan_record *best = NULL;
    size_t i;

    for (i = 0; i < l->record_count; i++) {
        const struct lan_record *r = &l->records[i];

        if (r->type == ACME_DNS_TYPE_SOA && acme_dns_is_below(name, r->name) &&
            (best == NULL || strlen(r->name) > strlen(best->name))) {
            best = r;
        }
    }
    if (best != NULL) {
        put(w, ACME_DNS_AUTHORITY, best);
    }
}

static void query(const struct sim_lan *l, const struct lan_server *s, struct acme_dns_writer *w,
                  const char *question, uint16_t type)
{
    char name[ACME_DNS_NAME_SIZE];
    size_t found = 0;
    int hops;

    (void)strcpy(name, question);
    for (hops = 0; hops < 24; hops++) {
        const struct lan_record *cname = add_answers(l, s, w, name, type, &found);
        const struct acme_dns_reader r = {.data = cname == NULL ? NULL : cname->rdata,
                                          .len = cname == NULL ? 0 : cname->rdata_len};

        if (cname == NULL || s->no_chase || acme_dns_read_name(&r, 0, name, NULL) != ACME_OK) {
            break;
        }
    }
    if (found == 0) {
        w->data[3] |= exists(l, s, name) ? ACME_DNS_NOERROR : ACME_DNS_NXDOMAIN;
        if (!s->no_authority) {
            add_authority(l, w, name);
        }
    }
}

/* A record of the table with this name, type and data, or NULL. */
static struct lan_record *same(struct sim_lan *l, const char *name, const struct acme_dns_reader *r,
                               const struct acme_dns_entry *e)
{
    size_t i;

    for (i = 0; i < l->record_count; i++) {
        struct lan_record *old = &l->records[i];

        if (strcasecmp(old->name, name) == 0 && old->type == e->type &&
            old->rdata_len == e->rdata_len &&
            memcmp(old->rdata, r->data + e->rdata, e->rdata_len) == 0) {
            return old;
        }
    }
    return NULL;
}

static void update(struct sim_lan *l, struct acme_dns_reader *r)
{
    struct acme_dns_entry e;
    char name[ACME_DNS_NAME_SIZE];

    while (acme_dns_read_next(r, &e) == ACME_OK) {
        struct lan_record *old;

        if (e.section != ACME_DNS_UPDATE || acme_dns_read_name(r, e.start, name, NULL) != ACME_OK) {
            continue;
        }
        old = same(l, name, r, &e);
        if (old == NULL && e.rclass == ACME_DNS_CLASS_IN) {
            (void)sim_lan_record(l, name, e.type, r->data + e.rdata, e.rdata_len);
        } else if (old != NULL && e.rclass == ACME_DNS_CLASS_NONE) {
            *old = l->records[--l->record_count];
        }
    }
}

/* The reply to a request. 0: none. */
static size_t serve(struct sim_lan *l, struct lan_server *s, const uint8_t *request, size_t len,
                    uint8_t *reply, bool tcp)
{
    struct acme_dns_reader r;
    struct acme_dns_entry question;
    struct acme_dns_writer w;
    char name[ACME_DNS_NAME_SIZE];
    uint16_t flags;

    must(acme_dns_read_begin(&r, request, len) == ACME_OK &&
             acme_dns_read_next(&r, &question) == ACME_OK &&
             acme_dns_read_name(&r, question.start, name, NULL) == ACME_OK,
         "a request that is none");
    memcpy(s->last, request, len);
    s->last_len = len;
    *(tcp ? &s->tcp : &s->udp) += 1;
    flags = (uint16_t)(ACME_DNS_FLAG_QR | (r.flags & ACME_DNS_OPCODE_MASK) | s->rcode);
    if (s->fail_first > 0) {
        s->fail_first--;
        flags |= ACME_DNS_SERVFAIL;
    }
    acme_dns_write_begin(&w, reply, LAN_MESSAGE, r.id, flags);
    acme_dns_write_question(&w, name, question.type, question.rclass);
    if ((flags & ACME_DNS_RCODE_MASK) == 0 && (flags & ACME_DNS_OPCODE_MASK) != 0) {
        update(l, &r);
    } else if ((flags & ACME_DNS_RCODE_MASK) == 0) {
        query(l, s, &w, name, question.type);
    }
    must(acme_dns_write_result(&w) > 0, "a reply that is too long");
    return s->tamper != NULL ? s->tamper(s, reply, w.len, tcp) : w.len;
}

/* ---- handles ---- */

static int32_t new_handle(struct sim_lan *l, enum kind kind)
{
    int32_t i;

    for (i = 0; i < LAN_HANDLES; i++) {
        if (l->handles[i].kind == FREE) {
            struct lan_handle *h = &l->handles[i];

            h->kind = (uint8_t)kind;
            h->server = NULL;
            h->host = NULL;
            h->peer = -1;
            h->closed = false;
            h->out_len = h->in_len = h->in_at = 0;
            return i;
        }
    }
    return ACME_ERR_LIMIT;
}

static struct lan_handle *at(struct sim_lan *l, acme_handle handle)
{
    must(handle >= 0 && handle < LAN_HANDLES && l->handles[handle].kind != FREE,
         "a handle that is not open");
    return &l->handles[handle];
}

static bool fails(struct sim_lan *l, enum lan_call call)
{
    return ++l->calls[call] == l->fail_at && l->fail_call == (uint32_t)call;
}

size_t sim_lan_open(const struct sim_lan *l)
{
    size_t i, n = 0;

    for (i = 0; i < LAN_HANDLES; i++) {
        n += l->handles[i].kind != FREE && l->handles[i].kind != WAITING ? 1u : 0u;
    }
    return n;
}

void sim_lan_clear(struct sim_lan *l)
{
    memset(l->calls, 0, sizeof(l->calls));
    l->fail_at = 0;
}

static uint16_t port_of(const struct lan_server *s)
{
    return s->port != 0 ? s->port : 53;
}

/* ---- datagrams ---- */

static acme_handle udp_open(void *ctx, uint8_t family, uint16_t local_port)
{
    struct sim_lan *l = ctx;

    must((family == 4 || family == 6) && local_port >= 49152, "a socket that is asked for wrongly");
    return fails(l, LAN_UDP_OPEN) ? l->fail_error : new_handle(l, UDP);
}

static int32_t udp_send(void *ctx, acme_handle socket, const struct acme_address *to, uint16_t port,
                        const uint8_t *data, size_t len)
{
    struct sim_lan *l = ctx;
    struct lan_handle *h = at(l, socket);
    size_t i;

    if (fails(l, LAN_UDP_SEND)) {
        return l->fail_error;
    }
    for (i = 0; i < l->server_count; i++) {
        struct lan_server *s = &l->servers[i];

        if (port == port_of(s) && acme_address_equal(&s->address, to)) {
            h->server = s;
            h->in_at = 0;
            h->in_len = s->dark || s->unreachable ? 0 : serve(l, s, data, len, h->in, false);
        }
    }
    return ACME_OK;
}

static int32_t udp_recv(void *ctx, acme_handle socket, struct acme_address *from, uint16_t *port,
                        uint8_t *data, size_t size)
{
    struct sim_lan *l = ctx;
    struct lan_handle *h = at(l, socket);
    size_t n = h->in_len < size ? h->in_len : size;

    if (fails(l, LAN_UDP_RECV)) {
        return l->fail_error;
    }
    if (n == 0) {
        return h->server != NULL && h->server->unreachable ? ACME_ERR_CONNECT : ACME_ERR_AGAIN;
    }
    *from = h->server->address;
    *port = port_of(h->server);
    memcpy(data, h->in, n);
    h->in_len = 0;
    return (int32_t)n;
}

static void any_close(void *ctx, acme_handle handle)
{
    struct sim_lan *l = ctx;
    struct lan_handle *h = at(l, handle);

    if (h->peer >= 0) {
        struct lan_handle *other = &l->handles[h->peer];

        other->closed = true;
        other->peer = -1;
        other->kind = other->kind == WAITING ? FREE : other->kind;
    }
    h->kind = FREE;
}

const struct acme_udp_ops sim_lan_udp = {udp_open, udp_send, udp_recv, any_close};

/* ---- streams ---- */

static void link_back(struct sim_lan *l, int32_t handle)
{
    uint16_t port = l->handles[handle].host->leads_to;
    int32_t i, in;

    for (i = 0; i < LAN_HANDLES; i++) {
        if (l->handles[i].kind == LISTENER && l->handles[i].port == port) {
            in = new_handle(l, WAITING);
            must(in >= 0, "no handle left");
            l->handles[in].port = port;
            l->handles[in].peer = handle;
            l->handles[handle].peer = in;
            return;
        }
    }
}

static acme_handle net_connect(void *ctx, const char *host, uint16_t port)
{
    struct sim_lan *l = ctx;
    struct lan_server *server = NULL;
    struct lan_host *where = NULL;
    struct acme_address a;
    int32_t handle;
    size_t i;

    if (fails(l, LAN_CONNECT)) {
        return l->fail_error;
    }
    for (i = 0; i < l->server_count && acme_address_parse(host, &a) == ACME_OK; i++) {
        if (port == port_of(&l->servers[i]) && acme_address_equal(&l->servers[i].address, &a)) {
            server = &l->servers[i];
        }
    }
    for (i = 0; i < l->host_count; i++) {
        if (l->hosts[i].port == port && strcmp(l->hosts[i].name, host) == 0) {
            where = &l->hosts[i];
            where->connections++;
        }
    }
    if (where != NULL && where->connect_error != ACME_OK) {
        return where->connect_error;
    }
    handle = new_handle(l, server != NULL ? TO_SERVER : TO_HOST);
    if (handle >= 0) {
        l->handles[handle].server = server;
        l->handles[handle].host = where;
        if (where != NULL && where->leads_to != 0) {
            link_back(l, handle);
        }
    }
    return handle;
}

static int32_t net_connected(void *ctx, acme_handle stream)
{
    struct sim_lan *l = ctx;
    struct lan_handle *h = at(l, stream);

    if (fails(l, LAN_CONNECTED)) {
        return l->fail_error;
    }
    if (l->stutter && l->turns++ % 2 == 0) {
        return ACME_ERR_AGAIN;
    }
    if (h->server != NULL) {
        return h->server->refused ? ACME_ERR_CONNECT : ACME_OK;
    }
    if (h->host == NULL || (h->host->leads_to != 0 && h->peer < 0)) {
        return ACME_ERR_CONNECT;
    }
    return h->host->dark ? ACME_ERR_AGAIN : h->host->connected_error;
}

static void give(struct lan_handle *h, const void *data, size_t len)
{
    must(len <= sizeof(h->in) - h->in_len, "too much at once");
    memcpy(h->in + h->in_len, data, len);
    h->in_len += len;
}

static void to_server(struct sim_lan *l, struct lan_handle *h)
{
    size_t want = h->out_len < 2 ? SIZE_MAX : 2 + ((size_t)h->out[0] << 8 | h->out[1]);
    uint8_t reply[2 + LAN_MESSAGE];
    size_t len;

    if (h->out_len < want) {
        return;
    }
    must(h->out_len == want, "more than one request");
    len = serve(l, h->server, h->out + 2, want - 2, reply + 2, true);
    reply[0] = (uint8_t)(len >> 8);
    reply[1] = (uint8_t)len;
    h->closed = len == 0;
    h->out_len = 0;
    if (len > 0) {
        give(h, reply, len + 2);
    }
}

static void to_host(struct lan_handle *h)
{
    const char *end = memmem(h->out, h->out_len, "\r\n\r\n", 4);
    const char *length = memmem(h->out, h->out_len, "Content-Length: ", 16);
    struct lan_host *host = h->host;
    size_t body = length == NULL ? 0 : strtoul(length + 16, NULL, 10);

    if (end == NULL || h->out_len < (size_t)(end - (const char *)h->out) + 4 + body) {
        return;
    }
    must(h->out_len < sizeof(host->request), "a long request");
    memcpy(host->request, h->out, h->out_len);
    host->request[h->out_len] = '\0';
    host->requests++;
    h->out_len = 0;
    if (host->reply != NULL) {
        give(h, host->reply, strlen(host->reply));
        h->closed = host->close;
    }
}

static bool later(struct sim_lan *l)
{
    return l->stutter && l->turns++ % 2 == 0;
}

static int32_t net_send(void *ctx, acme_handle stream, const uint8_t *data, size_t len)
{
    struct sim_lan *l = ctx;
    struct lan_handle *h = at(l, stream);

    if (fails(l, LAN_SEND)) {
        return l->fail_error;
    }
    len = l->piece != 0 && len > l->piece ? l->piece : len;
    if (later(l) || (h->host != NULL && h->host->deaf)) {
        return ACME_ERR_AGAIN;
    }
    if (h->peer >= 0) {
        give(&l->handles[h->peer], data, len);
    } else if (h->server != NULL || h->host != NULL) {
        must(len <= sizeof(h->out) - h->out_len, "much is sent");
        memcpy(h->out + h->out_len, data, len);
        h->out_len += len;
        if (h->server != NULL) {
            to_server(l, h);
        } else {
            to_host(h);
        }
    }
    return (int32_t)len;
}

static int32_t net_recv(void *ctx, acme_handle stream, uint8_t *data, size_t size)
{
    struct sim_lan *l = ctx;
    struct lan_handle *h = at(l, stream);
    size_t n = h->in_len - h->in_at;

    if (fails(l, LAN_RECV)) {
        return l->fail_error;
    }
    if (later(l)) {
        return ACME_ERR_AGAIN;
    }
    if (n == 0) {
        return h->closed || (h->host != NULL && h->host->reply == NULL && h->host->close)
                   ? ACME_ERR_CLOSED
                   : ACME_ERR_AGAIN;
    }
    n = n < size ? n : size;
    n = l->piece != 0 && n > l->piece ? l->piece : n;
    memcpy(data, h->in + h->in_at, n);
    h->in_at += n;
    return (int32_t)n;
}

static acme_handle net_listen(void *ctx, uint16_t port)
{
    struct sim_lan *l = ctx;
    int32_t handle;

    if (fails(l, LAN_LISTEN)) {
        return l->fail_error;
    }
    handle = new_handle(l, LISTENER);
    if (handle >= 0) {
        l->handles[handle].port = port;
    }
    return handle;
}

static acme_handle net_accept(void *ctx, acme_handle listener)
{
    struct sim_lan *l = ctx;
    uint16_t port = at(l, listener)->port;
    int32_t i;

    if (fails(l, LAN_ACCEPT)) {
        return l->fail_error;
    }
    if (later(l)) {
        return ACME_ERR_AGAIN;
    }
    for (i = 0; i < LAN_HANDLES; i++) {
        if (l->handles[i].kind == WAITING && l->handles[i].port == port) {
            l->handles[i].kind = ACCEPTED;
            return i;
        }
    }
    return ACME_ERR_AGAIN;
}

void sim_lan_call(struct sim_lan *l, uint16_t port, const void *data, size_t len)
{
    int32_t handle = new_handle(l, WAITING);

    must(handle >= 0, "no handle left");
    l->handles[handle].port = port;
    give(&l->handles[handle], data, len);
}

static void net_unlisten(void *ctx, acme_handle listener)
{
    struct sim_lan *l = ctx;

    must(at(l, listener)->kind == LISTENER, "no listener");
    l->handles[listener].kind = FREE;
}

const struct acme_net_ops sim_lan_net = {net_connect, net_connected, net_send,   net_recv,
                                         any_close,   net_listen,    net_accept, net_unlisten};

/* ---- time ---- */

static uint64_t uptime_ms(void *ctx)
{
    return ((const struct sim_lan *)ctx)->now_ms;
}

static int32_t wall_s(void *ctx, int64_t *unix_s)
{
    const struct sim_lan *l = ctx;

    if (l->wall_s == 0) {
        return ACME_ERR_NO_CLOCK;
    }
    *unix_s = l->wall_s + (int64_t)(l->now_ms / 1000u);
    return ACME_OK;
}

const struct acme_clock_ops sim_lan_clock = {uptime_ms, wall_s};

void sim_lan_plug(struct sim_lan *l, struct acme_port *port)
{
    port->net = &sim_lan_net;
    port->udp = &sim_lan_udp;
    port->clock = &sim_lan_clock;
    port->net_ctx = port->udp_ctx = port->clock_ctx = l;
}
