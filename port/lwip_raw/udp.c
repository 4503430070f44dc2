/*
 * acme_udp_ops over lwIP's raw UDP. It must not know what the datagrams say.
 */
#include "acme_lwip_raw.h"

#include <string.h>

#include <lwip/udp.h>

#if LWIP_UDP && defined(CONFIG_ACME_DNS_CLIENT)

#define SOCKETS   ACME_LWIP_RAW_DATAGRAM_SOCKETS
#define DATAGRAMS ACME_LWIP_RAW_DATAGRAMS

static void on_datagram(void *arg, struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *from,
                        u16_t port)
{
    struct acme_lwip_raw_datagrams *d = arg;

    (void)pcb;
    if (d->count == DATAGRAMS || p->tot_len == 0) {
        pbuf_free(p); /* datagrams may be lost */
        return;
    }
    d->waiting[d->count] = p;
    d->from[d->count] = *from;
    d->ports[d->count] = port;
    d->count++;
}

static acme_handle udp_open(void *ctx, uint8_t family, uint16_t local_port)
{
    struct acme_lwip_raw *net = ctx;
    acme_handle i = 0;
    struct udp_pcb *pcb;

    while (i < SOCKETS && net->datagrams[i].pcb != NULL) {
        i++;
    }
    pcb = i < SOCKETS ? udp_new_ip_type(family == 6 ? IPADDR_TYPE_V6 : IPADDR_TYPE_V4) : NULL;
    if (pcb == NULL) {
        return ACME_ERR_LIMIT;
    }
    if (udp_bind(pcb, IP_ANY_TYPE, local_port) != ERR_OK) {
        udp_remove(pcb);
        return ACME_ERR_LISTEN;
    }
    memset(&net->datagrams[i], 0, sizeof(net->datagrams[i]));
    net->datagrams[i].pcb = pcb;
    udp_recv(pcb, on_datagram, &net->datagrams[i]);
    return i;
}

static bool to_lwip(const struct acme_address *address, ip_addr_t *out)
{
    memset(out, 0, sizeof(*out));
#if LWIP_IPV6
    if (address->family == 6) {
        IP_SET_TYPE(out, IPADDR_TYPE_V6);
        memcpy(ip_2_ip6(out)->addr, address->bytes, 16);
        return true;
    }
#endif
#if LWIP_IPV4
    if (address->family == 4) {
        IP_SET_TYPE(out, IPADDR_TYPE_V4);
        memcpy(&ip_2_ip4(out)->addr, address->bytes, 4);
        return true;
    }
#endif
    return false;
}

static void from_lwip(const ip_addr_t *address, struct acme_address *out)
{
    memset(out, 0, sizeof(*out));
#if LWIP_IPV6
    if (IP_IS_V6(address)) {
        out->family = 6;
        memcpy(out->bytes, ip_2_ip6(address)->addr, 16);
        return;
    }
#endif
#if LWIP_IPV4
    out->family = 4;
    memcpy(out->bytes, &ip_2_ip4(address)->addr, 4);
#endif
}

static int32_t datagram_send(void *ctx, acme_handle socket, const struct acme_address *to,
                             uint16_t port, const uint8_t *data, size_t len)
{
    struct acme_lwip_raw *net = ctx;
    ip_addr_t address;
    struct pbuf *p;
    err_t err;

    if (!to_lwip(to, &address) || len > UINT16_MAX) {
        return ACME_ERR_CONNECT;
    }
    p = pbuf_alloc(PBUF_TRANSPORT, (u16_t)len, PBUF_RAM);
    if (p == NULL) {
        return ACME_ERR_NET;
    }
    (void)pbuf_take(p, data, (u16_t)len);
    err = udp_sendto(net->datagrams[socket].pcb, p, &address, port);
    pbuf_free(p);
    if (err == ERR_RTE) {
        return ACME_ERR_CONNECT;
    }
    return err == ERR_OK ? ACME_OK : ACME_ERR_NET;
}

static void drop_first(struct acme_lwip_raw_datagrams *d)
{
    pbuf_free(d->waiting[0]);
    d->count--;
    for (size_t i = 0; i < d->count; i++) {
        d->waiting[i] = d->waiting[i + 1];
        d->from[i] = d->from[i + 1];
        d->ports[i] = d->ports[i + 1];
    }
}

static int32_t udp_take(void *ctx, acme_handle socket, struct acme_address *from, uint16_t *port,
                        uint8_t *data, size_t size)
{
    struct acme_lwip_raw *net = ctx;
    struct acme_lwip_raw_datagrams *d = &net->datagrams[socket];
    u16_t n;

    if (d->count == 0) {
        return ACME_ERR_AGAIN;
    }
    n = pbuf_copy_partial(d->waiting[0], data, size < UINT16_MAX ? (u16_t)size : UINT16_MAX, 0);
    from_lwip(&d->from[0], from);
    *port = d->ports[0];
    drop_first(d);
    return n;
}

static void udp_close(void *ctx, acme_handle socket)
{
    struct acme_lwip_raw *net = ctx;
    struct acme_lwip_raw_datagrams *d = &net->datagrams[socket];

    while (d->count > 0) {
        drop_first(d);
    }
    udp_remove(d->pcb);
    d->pcb = NULL;
}

const struct acme_udp_ops acme_lwip_raw_udp_ops = {udp_open, datagram_send, udp_take, udp_close};

#endif
