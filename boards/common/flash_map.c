/*
 * The flash of an emulated board, by the numbers of its board_config.h: the store, then the
 * settings, then three areas for signed roots. It must not know what is stored. On silicon this
 * file is replaced, with flash_semihost.c, by a driver of the chip's flash.
 */
#include "board.h"

#include "board_config.h"
#include "flash_semihost.h"

#define AREA(offset, sectors)                                                                      \
    {                                                                                              \
        (offset),                                                                                  \
        {                                                                                          \
            BOARD_SECTOR_SIZE, (sectors), BOARD_PROGRAM_SIZE                                       \
        }                                                                                          \
    }

#define SETTINGS_OFFSET (BOARD_SECTOR_SIZE * BOARD_STORE_SECTORS)
#define ROOTS_SIZE      (BOARD_SECTOR_SIZE * BOARD_ROOTS_SECTORS)
#define ROOTS_OFFSET    (SETTINGS_OFFSET + BOARD_SECTOR_SIZE * BOARD_SETTINGS_SECTORS)
#define FLASH_SIZE      (ROOTS_OFFSET + BOARD_ROOTS_AREAS * ROOTS_SIZE)

static const struct flash_semihost store = AREA(0, BOARD_STORE_SECTORS);
static const struct flash_semihost settings = AREA(SETTINGS_OFFSET, BOARD_SETTINGS_SECTORS);
#define ROOTS(n) AREA(ROOTS_OFFSET + (n)*ROOTS_SIZE, BOARD_ROOTS_SECTORS)
static const struct flash_semihost roots[BOARD_ROOTS_AREAS] = {ROOTS(0), ROOTS(1), ROOTS(2)};
const struct acme_flash_ops *const board_flash_ops = &flash_semihost_ops;
void *const board_store_flash = (void *)(uintptr_t)&store; /* flash_semihost.c only reads it */
void *const board_settings_flash = (void *)(uintptr_t)&settings;
void *const board_roots_flash[BOARD_ROOTS_AREAS] = {
    (void *)(uintptr_t)&roots[0], (void *)(uintptr_t)&roots[1], (void *)(uintptr_t)&roots[2]};
const char board_name[] = BOARD_NAME;

void board_open_flash(void)
{
    if (flash_semihost_open(BOARD_NAME ".flash", FLASH_SIZE) != ACME_OK) {
        board_panic("the flash image cannot be opened");
    }
}
