/*
 * The network port over lwIP's socket API (NO_SYS=0), for firmware with an RTOS: acme_net_ops by
 * non-blocking sockets on IPv4, IPv6 or both, names by port/lwip's questions in lwIP's thread.
 * The clock that SNTP sets is acme_lwip.h's. It must not know the RTOS or the network driver.
 *
 * What the integrator owns: tcpip_init, the netif and its address, and a task that calls
 * acme_poll and, when that wants an event, acme_lwip_socket_wait. The context is used by one task
 * at a time; lwIP's thread touches only the look-ups, under SYS_LIGHTWEIGHT_PROT.
 *
 * lwipopts.h needs LWIP_SOCKET, LWIP_DNS, SYS_LIGHTWEIGHT_PROT, LWIP_SOCKET_SELECT, and for a bound
 * on callers TCP_LISTEN_BACKLOG; a netconn and a TCP pcb for each socket here; with
 * LWIP_NETCONN_SEM_PER_THREAD what that asks of tasks; and an errno of each task's own. A look-up
 * takes a UDP pcb, and a TCP pcb when an answer does not fit into a datagram.
 * LWIP_NETCONN_FULLDUPLEX is not needed; in lwIP 2.2.1 it has an assertion that fails when a
 * listener is closed while a caller waits. Memory is lwIP's pools and the struct below, nothing
 * else.
 */
#ifndef ACME_LWIP_SOCKET_H
#define ACME_LWIP_SOCKET_H

#include <stdbool.h>

#include "acme_lwip.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Sockets at once, listeners included: one to the CA, the responder's listener and streams, and
 * those of the application. */
#ifndef ACME_LWIP_SOCKET_MAX
#define ACME_LWIP_SOCKET_MAX 8
#endif

/** A socket. Its members are its own. */
struct acme_lwip_socket_slot {
    int fd; /* of lwIP; -1: none */
    uint8_t state;
    bool want_read, want_write;
    bool finished; /* the peer's FIN was seen: lwIP says so once only */
    uint16_t port;
    uint32_t attempt_ms;             /* when the address under way was begun */
    struct acme_lwip_lookup *lookup; /* of the host's name; NULL: none, or no more */
};

/** The port's context; make it static. Its members are its own. */
struct acme_lwip_socket {
    struct acme_lwip_socket_slot slots[ACME_LWIP_SOCKET_MAX];
    struct acme_lwip_lookup lookups[ACME_LWIP_LOOKUPS];
    bool starved; /* lwIP had no memory for a call, which no socket's event will tell the end of */
};

/** Its context is a struct acme_lwip_socket. */
extern const struct acme_net_ops acme_lwip_socket_net_ops;

/** Sets the context up; once, after tcpip_init. It must live as long as lwIP, whose thread lets go
 * of a look-up that was given up when it comes to it. */
void acme_lwip_socket_init(struct acme_lwip_socket *net);

/** Blocks the calling task until a socket that said ACME_ERR_AGAIN can go on, a name was answered,
 * an address has had its time, or wait_ms are over. The only function here that waits. While a
 * name is looked up, which select cannot see, it looks every few milliseconds. */
void acme_lwip_socket_wait(struct acme_lwip_socket *net, uint32_t wait_ms);

#ifdef __cplusplus
}
#endif
#endif
