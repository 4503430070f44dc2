/*
 * The MPS2 with the AN521 image in numbers. The processor starts in the Secure state and stays in
 * it, so the addresses are the Secure ones, those with bit 28.
 */
#ifndef BOARD_CONFIG_H
#define BOARD_CONFIG_H

#define BOARD_NAME          "mps2_an521"
#define BOARD_CLOCK_HZ      20000000u
#define BOARD_UART_BASE     0x50200000u
#define BOARD_LAN9118_BASE  0x52000000u
#define BOARD_ETH_IRQ       48
#define BOARD_WATCHDOG_BASE 0x50081000u /* its interrupt is the NMI */

/* The flash map: the store, the settings, and three areas for signed roots. */
#define BOARD_SECTOR_SIZE      4096u
#define BOARD_STORE_SECTORS    16u
#define BOARD_SETTINGS_SECTORS 2u
#define BOARD_ROOTS_SECTORS    2u
#define BOARD_PROGRAM_SIZE     8u

#endif
