/*
 * What a board gives to the application in this folder: time, a serial line, sleep, Ethernet, flash
 * and entropy. A new board implements these, and nothing else here changes; what boards have in
 * common (cortex_m.c, lan9118.c, mps2, flash_map.c, entropy_insecure.c) is written already. Nothing
 * blocks unless it says so.
 */
#ifndef BOARD_H
#define BOARD_H

#include <stdbool.h>
#include <stdint.h>

#include <lwip/err.h>

#include "acme/port.h"

struct pbuf;

/** The board's name, as in its folder's. */
extern const char board_name[];

/** Clocks, tick and serial line; interrupts are on afterwards. */
void board_init(void);
/** Ends the program with a line on the serial port; resets the chip. */
_Noreturn void board_panic(const char *why);

/** Milliseconds since the start. */
uint64_t board_uptime_ms(void);
/** Microseconds since the start, to measure with. */
uint64_t board_uptime_us(void);
/** Sleeps until an interrupt (the tick is one) unless the Ethernet has asked for attention. */
void board_sleep(void);
/** Interrupts call it to keep board_sleep awake once. */
void board_wake(void);
/** How often they have. */
uint32_t board_wakes(void);

/** Writes text to the serial line; waits for room in its FIFO. */
void board_write(const char *text);
/** From now on the chip resets when it is not fed for so long; the half of it interrupts, and is
 * reported as a fault is. */
void board_watchdog_start(uint32_t ms);
/** Feeds the watchdog; nothing happens before it is started. Interrupts may come in between. */
void board_watchdog_feed(void);

/** A character from the serial line, or -1. */
int board_read(void);

/** Bytes of the stack, and of these how many were ever used. */
uint32_t board_stack_size(void);
uint32_t board_stack_peak(void);

/** Sets the Ethernet chip up; false: no such chip. Fills the MAC address it has. */
bool board_eth_init(uint8_t mac[6]);
bool board_eth_link_is_up(void);
/** The next frame from the wire (the caller's to free), or NULL. */
struct pbuf *board_eth_receive(void);
/** Puts a frame on the wire. */
err_t board_eth_send(const struct pbuf *frame);

/** Makes the flash ready; board_init calls it. Panics if there is none. */
void board_open_flash(void);
#define BOARD_ROOTS_AREAS 3
/** The store's flash area, the one that keeps the settings, and three for signed roots. */
extern const struct acme_flash_ops *const board_flash_ops;
extern void *const board_store_flash, *const board_settings_flash;
extern void *const board_roots_flash[BOARD_ROOTS_AREAS];

/** Random bytes. */
extern const struct acme_entropy_ops board_entropy_ops;
/** 32 of them; for lwIP's LWIP_RAND. */
uint32_t board_random(void);

#endif
