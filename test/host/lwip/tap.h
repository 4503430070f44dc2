/*
 * A lwIP netif on a Linux TAP interface, with the bench's addresses. It must not know whether lwIP
 * has threads.
 */
#ifndef TAP_H
#define TAP_H

#include <stdbool.h>
#include <stdint.h>

/** Adds the netif and the name server, in lwIP's context. Ends the program when it cannot. input is
 * a netif_input_fn. */
struct pbuf;
struct netif;
void tap_start(signed char (*input)(struct pbuf *frame, struct netif *netif));
/** Waits for a frame, at most for wait_ms (-1: for ever), and hands over what is there. */
void tap_receive(int wait_ms);

#endif
