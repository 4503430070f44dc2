/*
 * The LM3S6965 evaluation board in numbers.
 */
#ifndef BOARD_CONFIG_H
#define BOARD_CONFIG_H

#define BOARD_NAME          "lm3s6965evb"
#define BOARD_CLOCK_HZ      50000000u
#define BOARD_ETH_IRQ       42
#define BOARD_WATCHDOG_BASE 0x40000000u
#define BOARD_WATCHDOG_IRQ  18

/* The flash map: the store, the settings, and three areas for signed roots. */
#define BOARD_SECTOR_SIZE      1024u
#define BOARD_STORE_SECTORS    24u
#define BOARD_SETTINGS_SECTORS 8u
#define BOARD_ROOTS_SECTORS    6u
#define BOARD_PROGRAM_SIZE     4u

#endif
