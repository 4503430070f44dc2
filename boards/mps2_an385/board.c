/*
 * The MPS2 AN385: clock, serial line (CMSDK UART 0) and flash map. It must not know the application.
 */
#include "board.h"

#include "cortex_m.h"
#include "flash_semihost.h"

#define CLOCK_HZ 25000000u
#define BAUD     115200u

#define UART(offset) (*(volatile uint32_t *)(0x40004000u + (offset)))
#define UART_DATA    UART(0x00)
#define UART_STATE   UART(0x04)
#define UART_CTRL    UART(0x08)
#define UART_BAUDDIV UART(0x10)
#define TX_FULL      1u
#define RX_FULL      2u

/* The flash map: the store, then the settings. */
#define SECTOR_SIZE     4096u
#define STORE_SECTORS   16u
#define SETTINGS_OFFSET (SECTOR_SIZE * STORE_SECTORS)
#define FLASH_SIZE      (SETTINGS_OFFSET + SECTOR_SIZE * 2u)

const char board_name[] = "mps2_an385";

static struct flash_semihost store = {0, {SECTOR_SIZE, STORE_SECTORS, 8}};
static struct flash_semihost settings = {SETTINGS_OFFSET, {SECTOR_SIZE, 2, 8}};
const struct acme_flash_ops *const board_flash_ops = &flash_semihost_ops;
void *const board_store_flash = &store;
void *const board_settings_flash = &settings;

void board_init(void)
{
    UART_BAUDDIV = CLOCK_HZ / BAUD;
    UART_CTRL = 3; /* both directions */
    cortex_m_start_tick(CLOCK_HZ);
    if (flash_semihost_open("mps2_an385.flash", FLASH_SIZE) != ACME_OK) {
        board_panic("the flash image cannot be opened");
    }
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
