/*
 * What the two lwIP ports have in common: the wall clock that SNTP sets, and looking a host up in
 * every address family. Each port compiles these files itself; an integrator uses the clock
 * through the header of the port. It must not know sockets or TCP.
 *
 * "In lwIP's context" means: in the loop that runs lwIP (NO_SYS=1), or in its thread or under its
 * core lock (NO_SYS=0).
 */
#ifndef ACME_LWIP_H
#define ACME_LWIP_H

#include <stdbool.h>

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

/** Address families that lwIP is built with. */
#define ACME_LWIP_FAMILIES (LWIP_IPV4 + LWIP_IPV6)

/** How far the look-up of an address is. */
enum acme_lwip_answer_state {
    ACME_LWIP_ANSWER_NONE = 0, /**< there is no address, or it was taken */
    ACME_LWIP_ANSWER_PENDING,  /**< lwIP has it under way */
    ACME_LWIP_ANSWER_FOUND     /**< it is there, to be taken */
};

/** An address of one family. Its members are its own. */
struct acme_lwip_answer {
    ip_addr_t address;
    uint8_t state;
};

/** One host's addresses, one of each family, asked for side by side. lwIP keeps pointers into it
 * until it is over, so what embeds it may not be used anew before; and lwIP gives up on a silent
 * name server after seconds, never sooner. Its members are its own. */
struct acme_lwip_lookup {
    struct acme_lwip_answer answers[ACME_LWIP_FAMILIES];
    bool any; /* an address was found */
};

/** Takes the host for the lookup's only address, at once and in any context: true, and it is over;
 * false: the host is none, or has a zone. */
bool acme_lwip_lookup_literal(struct acme_lwip_lookup *lookup, const char *host);
/** Declares it under way: every answer is pending. */
void acme_lwip_lookup_begin(struct acme_lwip_lookup *lookup);
/** Asks, in lwIP's context, after begin. host (a name or an address literal) is lent for the
 * call. */
void acme_lwip_lookup_ask(struct acme_lwip_lookup *lookup, const char *host);
/** Takes back a begin that no ask follows. */
void acme_lwip_lookup_drop(struct acme_lwip_lookup *lookup);
/** Takes the next address to try, the preferred family (LWIP_DNS_ADDRTYPE_DEFAULT) first: ACME_OK;
 * ACME_ERR_AGAIN (its answer is to come); ACME_ERR_RESOLVE (there is none); ACME_ERR_CONNECT (there
 * is no other). */
int32_t acme_lwip_lookup_next(struct acme_lwip_lookup *lookup, ip_addr_t *address);
/** Whether the next address is there. */
bool acme_lwip_lookup_has_next(struct acme_lwip_lookup *lookup);
/** Whether lwIP has let go of it. */
bool acme_lwip_lookup_is_over(const struct acme_lwip_lookup *lookup);

#ifdef __cplusplus
}
#endif
#endif
