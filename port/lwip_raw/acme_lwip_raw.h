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

/** Listeners at once. */
#ifndef ACME_LWIP_RAW_LISTENERS
#define ACME_LWIP_RAW_LISTENERS 2
#endif
/** Streams at once: one is always the device's own, to the CA; the others are shared out among the
 * listeners. The http-01 responder's share is better one more than CONFIG_ACME_HTTP_01_STREAMS: it
 * parts with who is slow when it sees that another waits. lwipopts.h may set it, and needs a
 * MEMP_NUM_TCP_PCB for each. */
#ifndef ACME_LWIP_RAW_STREAMS
#define ACME_LWIP_RAW_STREAMS 9
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
    struct tcp_pcb *pcb;             /* NULL between two addresses, and after an error */
    struct pbuf *first;              /* received, not taken yet */
    int32_t error;                   /* ACME_OK, or why pcb is gone */
    struct acme_lwip_lookup *lookup; /* of the host's name; NULL: none, or no more */
    uint32_t since_ms;               /* when the address under way was begun, or the caller came */
    uint16_t port;                   /* to connect to */
    uint16_t offset;                 /* bytes of first that were taken */
    int8_t listener;                 /* waits to be accepted from this one; else -1 */
    bool used, connected;
    bool inbound;
    bool finished; /* the peer's FIN came */
    bool answered; /* something was sent to the caller */
};

/** The port's context: zero-initialize, then acme_lwip_raw_init. Its members are its own. */
struct acme_lwip_raw {
    struct acme_lwip_raw_stream streams[ACME_LWIP_RAW_STREAMS];
    struct acme_lwip_lookup lookups[ACME_LWIP_LOOKUPS];
    struct tcp_pcb *listeners[ACME_LWIP_RAW_LISTENERS];
    uint16_t reserved_port;   /* of the listener that has streams set aside; 0: none */
    uint8_t reserved_streams; /* how many */
#if LWIP_UDP && defined(CONFIG_ACME_DNS_CLIENT)
    struct acme_lwip_raw_datagrams datagrams[ACME_LWIP_RAW_DATAGRAM_SOCKETS];
#endif
};

/** Its context is a struct acme_lwip_raw. */
extern const struct acme_net_ops acme_lwip_raw_net_ops;
/** For acme_port.udp, with the same context; needs CONFIG_ACME_DNS_CLIENT. */
extern const struct acme_udp_ops acme_lwip_raw_udp_ops;

/** Sets the context up; once, after lwip_init. The context lives as long as lwIP. Only one. */
void acme_lwip_raw_init(struct acme_lwip_raw *net);

/** How many streams (1 to ACME_LWIP_RAW_STREAMS - 2) the callers of one TCP port may have at once:
 * the application's server's, so that whoever keeps those busy never takes the ones by which a CA
 * looks for the proof. The other listeners share the rest; without this all have equal shares.
 * Once, after init and before that port is listened on. A listener whose streams are all in use
 * leaves a new caller's SYN unanswered, and TCP asks again. */
void acme_lwip_raw_reserve(struct acme_lwip_raw *net, uint16_t port, uint8_t streams);

#ifdef __cplusplus
}
#endif
#endif
