/*
 * The LM3S6965 evaluation board: clock and serial line (PL011 UART 0). It must not know the
 * application.
 */
#include "board.h"

#include "board_config.h"
#include "cortex_m.h"

#define BAUD  115200u
#define TRIES 100000u

#define SYSCTL(offset)    (*(volatile uint32_t *)(0x400FE000u + (offset)))
#define SYSCTL_RIS        SYSCTL(0x050)
#define SYSCTL_RCC        SYSCTL(0x060)
#define SYSCTL_RCGC0      SYSCTL(0x100)
#define SYSCTL_RCGC1      SYSCTL(0x104)
#define SYSCTL_RCGC2      SYSCTL(0x108)
#define RIS_PLL_LOCKED    (1u << 6)
#define RCC_BYPASS        (1u << 11)
#define RCC_POWER_DOWN    (1u << 13)
#define RCC_OUTPUT_OFF    (1u << 12)
#define RCC_USE_DIVIDER   (1u << 22)
#define RCC_DIVIDE_BY_4   (3u << 23) /* the PLL gives 200 MHz */
#define RCC_CRYSTAL_8_MHZ (0xEu << 6)
#define RCGC0_WATCHDOG    8u
#define RCGC1_UART0       1u
#define RCGC2_ETHERNET    0x50000000u
#define RCGC2_GPIOA       1u

#define GPIOA(offset) (*(volatile uint32_t *)(0x40004000u + (offset)))
#define GPIOA_AFSEL   GPIOA(0x420)
#define GPIOA_DEN     GPIOA(0x51C)

#define UART(offset)  (*(volatile uint32_t *)(0x4000C000u + (offset)))
#define UART_DR       UART(0x00)
#define UART_FR       UART(0x18)
#define UART_IBRD     UART(0x24)
#define UART_FBRD     UART(0x28)
#define UART_LCRH     UART(0x2C)
#define UART_CTL      UART(0x30)
#define FR_TX_FULL    0x20u
#define FR_RX_EMPTY   0x10u
#define LCRH_8N1_FIFO 0x70u
#define CTL_ON        0x301u

/* The crystal's 8 MHz through the PLL to 50 MHz, in the order that the data sheet gives. */
static void start_clock(void)
{
    uint32_t rcc = (SYSCTL_RCC | RCC_BYPASS) & ~RCC_USE_DIVIDER;

    SYSCTL_RCC = rcc;
    rcc &= ~(RCC_POWER_DOWN | RCC_OUTPUT_OFF | 0xFu << 6 | 3u << 4 | 1u);
    rcc |= RCC_CRYSTAL_8_MHZ;
    SYSCTL_RCC = rcc;
    rcc = (rcc & ~(0xFu << 23)) | RCC_DIVIDE_BY_4 | RCC_USE_DIVIDER;
    SYSCTL_RCC = rcc;
    for (uint32_t i = 0; i < TRIES && (SYSCTL_RIS & RIS_PLL_LOCKED) == 0; i++) {
    }
    SYSCTL_RCC = rcc & ~RCC_BYPASS;
}

static void start_uart(void)
{
    SYSCTL_RCGC1 |= RCGC1_UART0;
    SYSCTL_RCGC2 |= RCGC2_GPIOA;
    GPIOA_AFSEL |= 3;
    GPIOA_DEN |= 3;
    UART_CTL = 0;
    UART_IBRD = BOARD_CLOCK_HZ / (16u * BAUD);
    UART_FBRD = (BOARD_CLOCK_HZ % (16u * BAUD) * 64u + 8u * BAUD) / (16u * BAUD);
    UART_LCRH = LCRH_8N1_FIFO;
    UART_CTL = CTL_ON;
}

void board_init(void)
{
    start_clock();
    start_uart();
    SYSCTL_RCGC0 |= RCGC0_WATCHDOG;
    SYSCTL_RCGC2 |= RCGC2_ETHERNET;
    cortex_m_start_tick(BOARD_CLOCK_HZ);
    board_open_flash();
}

void board_write(const char *text)
{
    for (; *text != '\0'; text++) {
        while ((UART_FR & FR_TX_FULL) != 0) {
        }
        UART_DR = (uint8_t)*text;
    }
}

int board_read(void)
{
    return (UART_FR & FR_RX_EMPTY) == 0 ? (int)(UART_DR & 0xffu) : -1;
}
