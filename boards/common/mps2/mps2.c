/*
 * What the images of Arm's MPS2 have in common besides the Ethernet chip: the serial line (CMSDK
 * UART). Where it is, the board's board_config.h says. It must not know the application.
 */
#include "board.h"

#include "board_config.h"
#include "cortex_m.h"

#define BAUD 115200u

#define UART(offset) (*(volatile uint32_t *)(BOARD_UART_BASE + (offset)))
#define UART_DATA    UART(0x00)
#define UART_STATE   UART(0x04)
#define UART_CTRL    UART(0x08)
#define UART_BAUDDIV UART(0x10)
#define TX_FULL      1u
#define RX_FULL      2u

void board_init(void)
{
    UART_BAUDDIV = BOARD_CLOCK_HZ / BAUD;
    UART_CTRL = 3; /* both directions */
    cortex_m_start_tick(BOARD_CLOCK_HZ);
    board_open_flash();
}

void board_write(const char *text)
{
    for (; *text != '\0'; text++) {
        while ((UART_STATE & TX_FULL) != 0) {
        }
        UART_DATA = (uint8_t)*text;
    }
}

int board_read(void)
{
    return (UART_STATE & RX_FULL) != 0 ? (int)(UART_DATA & 0xffu) : -1;
}
