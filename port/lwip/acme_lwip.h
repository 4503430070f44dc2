/*
 * What the two lwIP ports have in common: the wall clock that SNTP sets, and looking a host up in
 * every address family. Each port compiles these files itself; an integrator uses the clock
 * through the header of the port. It must not know who connects, and by which API.
 *
 * "In lwIP's context" means: in the loop that runs lwIP (NO_SYS=1), or in its thread or under its
 * core lock (NO_SYS=0).
 */
#ifndef ACME_LWIP_H
#define ACME_LWIP_H

#include <stdbool.h>

#include <lwip/dns.h>
#include <lwip/ip_addr.h>

#include "acme/port.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- the clock ---- */

/** A clock of the board's tick and SNTP; zero-initialize, then set uptime_ms where there is one. */
struct acme_lwip_clock {
    /** Of the board; monotonic, never wraps. NULL: lwIP's sys_now, widened to 64 bits here, which
     * is right as long as the clock is read once in 49 days. */
    uint64_t (*uptime_ms)(void);
    int64_t unix_s;     /**< what SNTP said last; 0: nothing yet */
    uint64_t set_at_ms; /**< uptime when it did */
    uint32_t last_ms;   /**< of sys_now */
    uint32_t wraps;     /**< of sys_now */
};

/** Its context is a struct acme_lwip_clock. */
extern const struct acme_clock_ops acme_lwip_clock_ops;

/** Binds lwIP's SNTP client to the clock, takes servers from DHCP and, when not NULL, this one (an
 * address or a name that lives on), and starts it. Once, after lwIP is up; with NO_SYS=0 from any
 * thread but lwIP's own (it hands the work over to that one and does not wait). ACME_OK, or
 * ACME_ERR_NET: lwIP has no message free. lwipopts.h defines
 * SNTP_SET_SYSTEM_TIME(s) as acme_lwip_set_time(s). */
int32_t acme_lwip_sntp_start(struct acme_lwip_clock *clock, const char *server);
/** What SNTP calls, in lwIP's context: seconds since 1970, modulo 2^32. */
void acme_lwip_set_time(uint32_t unix_s);

/* ---- looking up, for the ports ---- */

/** Look-ups at once, of connections to a name: the client needs one, and another for as long as
 * lwIP has not let go of one that was given up. lwipopts.h may set it. */
#ifndef ACME_LWIP_LOOKUPS
#define ACME_LWIP_LOOKUPS 2
#endif
/** Addresses of each family that are kept of a host; the first ones that a server names. */
#ifndef ACME_LWIP_ADDRESSES
#define ACME_LWIP_ADDRESSES 4
#endif
/** Address families that lwIP is built with. */
#define ACME_LWIP_FAMILIES (LWIP_IPV4 + LWIP_IPV6)

/** How far a question is. */
enum acme_lwip_question_state {
    ACME_LWIP_QUESTION_DONE = 0, /**< what there is is in the list */
    ACME_LWIP_QUESTION_ASKED,    /**< at a server */
    ACME_LWIP_QUESTION_TRUNCATED /**< answered in part: the rest comes over TCP */
};

/** The addresses of one family. Its members are its own. */
struct acme_lwip_answers {
    ip_addr_t addresses[ACME_LWIP_ADDRESSES];
    uint16_t id;   /* of the question */
    uint8_t state; /* the list is lwIP's until this says that it is done */
    uint8_t found; /* addresses in the list */
    uint8_t taken; /* of them, by who connects */
    bool failed;   /* the server said that it cannot tell */
};

struct udp_pcb;
struct tcp_pcb;
struct pbuf;

/** One host's addresses, all families asked for side by side. Its members are its own. */
struct acme_lwip_lookup {
    struct acme_lwip_answers answers[ACME_LWIP_FAMILIES];
    struct udp_pcb *udp;
    struct tcp_pcb *tcp;
    struct pbuf *reply; /* over TCP, as far as it has come */
    uint32_t begun_ms;
    uint32_t tried_ms;
    uint8_t stage;
    uint8_t tries;
    uint8_t over_tcp; /* whose question is */
    bool any;         /* an address was taken */
    bool handed_over; /* a step is on its way into lwIP's context */
    char host[DNS_MAX_NAME_LENGTH];
};

/** Begins to look a host up, in any context: ACME_OK, ACME_ERR_RESOLVE (it cannot be a name). A
 * step has to follow. */
int32_t acme_lwip_lookup_begin(struct acme_lwip_lookup *lookup, const char *host);
/** Does what is due for a struct acme_lwip_lookup, in lwIP's context: asks, asks again, lets go. */
void acme_lwip_lookup_step(void *lookup);
/** Whether a step is due that is not on its way: asked at least once a second, in any context. */
bool acme_lwip_lookup_is_due(const struct acme_lwip_lookup *lookup);
/** Says that a step is on its way: before it is handed to lwIP's thread; or that it is not. */
void acme_lwip_lookup_hand_over(struct acme_lwip_lookup *lookup, bool handed_over);
/** Gives it up, in any context. It is free after a step. */
void acme_lwip_lookup_end(struct acme_lwip_lookup *lookup);
/** Whether it may begin anew. */
bool acme_lwip_lookup_is_free(const struct acme_lwip_lookup *lookup);
/** Takes the next address to try, in turn of each family, the preferred one first
 * (LWIP_DNS_ADDRTYPE_DEFAULT): ACME_OK; ACME_ERR_AGAIN (answers are to come); ACME_ERR_RESOLVE
 * (there is none); ACME_ERR_CONNECT (there is no other). */
int32_t acme_lwip_lookup_next(struct acme_lwip_lookup *lookup, ip_addr_t *address);
/** Whether next would say something else than ACME_ERR_AGAIN. */
bool acme_lwip_lookup_has_news(struct acme_lwip_lookup *lookup);
/** Whether there is another address to try now. */
bool acme_lwip_lookup_has_next(struct acme_lwip_lookup *lookup);

#ifdef __cplusplus
}
#endif
#endif
