/*
 * The network port over lwIP's raw API (NO_SYS=1): acme_net_ops by callbacks, DNS included, on
 * IPv4, IPv6 or both. For bare metal: lwIP and the client run in one loop, never in interrupts. The
 * clock that SNTP sets is acme_lwip.h's. It must not know the board's Ethernet driver.
 *
 * What the integrator owns: lwip_init, the netif and its address (DHCP or fixed),
 * sys_check_timeouts in the loop, and calling the client again after lwIP was fed (any frame may be
 * a network event).
 */
#ifndef ACME_LWIP_RAW_H
#define ACME_LWIP_RAW_H

#include <stdbool.h>

#include <lwip/tcp.h>

#include "acme/config.h"
#include "acme_lwip.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Streams at once: one to the CA, the responder's, and those of the application. */
#ifndef ACME_LWIP_RAW_STREAMS
#define ACME_LWIP_RAW_STREAMS 6
#endif
/** Listeners at once. */
#ifndef ACME_LWIP_RAW_LISTENERS
#define ACME_LWIP_RAW_LISTENERS 2
#endif

/** Datagram sockets at once. */
#ifndef ACME_LWIP_RAW_DATAGRAM_SOCKETS
#define ACME_LWIP_RAW_DATAGRAM_SOCKETS 1
#endif
/** Datagrams that one keeps until they are taken. */
#define ACME_LWIP_RAW_DATAGRAMS 2

struct udp_pcb;

/** A datagram socket. Its members are its own. */
struct acme_lwip_raw_datagrams {
    struct udp_pcb *pcb; /* NULL: free */
    struct pbuf *waiting[ACME_LWIP_RAW_DATAGRAMS];
    ip_addr_t from[ACME_LWIP_RAW_DATAGRAMS];
    uint16_t ports[ACME_LWIP_RAW_DATAGRAMS];
    uint8_t count;
};

/** A stream. Its members are its own. */
struct acme_lwip_raw_stream {
    struct tcp_pcb *pcb; /* NULL between two addresses, and after an error */
    struct pbuf *first;  /* received, not taken yet */
    int32_t error;       /* ACME_OK, or why pcb is gone */
    struct acme_lwip_lookup lookup;
    uint32_t attempt_ms; /* when the address under way was begun */
    uint16_t port;       /* to connect to */
    uint16_t offset;     /* bytes of first that were taken */
    int8_t listener;     /* waits to be accepted from this one; else -1 */
    bool used, connected;
    bool inbound;
    bool finished; /* the peer's FIN came */
};

/** The port's context: zero-initialize, then acme_lwip_raw_init. Its members are its own. */
struct acme_lwip_raw {
    struct acme_lwip_raw_stream streams[ACME_LWIP_RAW_STREAMS];
    struct tcp_pcb *listeners[ACME_LWIP_RAW_LISTENERS];
#if LWIP_UDP && defined(CONFIG_ACME_DNS_CLIENT)
    struct acme_lwip_raw_datagrams datagrams[ACME_LWIP_RAW_DATAGRAM_SOCKETS];
#endif
};

/** Its context is a struct acme_lwip_raw. */
extern const struct acme_net_ops acme_lwip_raw_net_ops;
/** For acme_port.udp, with the same context; needs CONFIG_ACME_DNS_CLIENT. */
extern const struct acme_udp_ops acme_lwip_raw_udp_ops;

/** Sets the context up; once, after lwip_init. The context lives as long as lwIP: a DNS answer may
 * come late, and the stream that asked is not free before. Only one. */
void acme_lwip_raw_init(struct acme_lwip_raw *net);

#ifdef __cplusplus
}
#endif
#endif
