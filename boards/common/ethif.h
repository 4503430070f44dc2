/*
 * The board's Ethernet as lwIP's interface, and lwIP as a part of the loop. With lwIP's thread
 * (NO_SYS=0) ethif_start and ethif_poll are called with its core locked. It must not know who uses
 * the network.
 */
#ifndef ETHIF_H
#define ETHIF_H

#include <stdbool.h>
#include <stdint.h>

/** Starts lwIP and the interface, with DHCP (and, where configured, IPv6 autoconfiguration). */
void ethif_start(void);
/** Feeds what has come to lwIP, runs its timers, follows the link. True: something happened. */
bool ethif_poll(void);
/** Takes frames out of the chip before it has to drop them, and keeps them for ethif_poll: for the
 * time in which lwIP must not run. It takes half of lwIP's buffers at most. */
void ethif_breathe(void);
/** Milliseconds until lwIP's next timer. */
uint32_t ethif_next_ms(void);
/** The interface is up and has an IPv4 address. */
bool ethif_is_ready(void);

#endif
