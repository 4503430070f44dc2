/*
 * The flash of an emulated board, by the numbers of its board_config.h: the store, then two sectors
 * for the settings. It must not know what is stored. On silicon this file is replaced, with
 * flash_semihost.c, by a driver of the chip's flash.
 */
#include "board.h"

#include "board_config.h"
#include "flash_semihost.h"

#define SETTINGS_OFFSET (BOARD_SECTOR_SIZE * BOARD_STORE_SECTORS)
#define FLASH_SIZE      (SETTINGS_OFFSET + BOARD_SECTOR_SIZE * 2u)

static const struct flash_semihost store = {
    0, {BOARD_SECTOR_SIZE, BOARD_STORE_SECTORS, BOARD_PROGRAM_SIZE}};
static const struct flash_semihost settings = {SETTINGS_OFFSET,
                                               {BOARD_SECTOR_SIZE, 2, BOARD_PROGRAM_SIZE}};
const struct acme_flash_ops *const board_flash_ops = &flash_semihost_ops;
void *const board_store_flash = (void *)(uintptr_t)&store; /* flash_semihost.c only reads it */
void *const board_settings_flash = (void *)(uintptr_t)&settings;
const char board_name[] = BOARD_NAME;

void board_open_flash(void)
{
    if (flash_semihost_open(BOARD_NAME ".flash", FLASH_SIZE) != ACME_OK) {
        board_panic("the flash image cannot be opened");
    }
}
