/*
 * The watchdog of Arm's CMSDK and of the LM3S, which have the same registers: after half of its
 * time it interrupts, and that says where the program hangs; after the whole it resets. Where it
 * is, the board's board_config.h says. It must not know who feeds it.
 */
#include "board.h"

#include "board_config.h"
#include "cortex_m.h"

#define WATCHDOG(offset) (*(volatile uint32_t *)(BOARD_WATCHDOG_BASE + (offset)))
#define WATCHDOG_LOAD    WATCHDOG(0x000)
#define WATCHDOG_CTRL    WATCHDOG(0x008)
#define WATCHDOG_INTCLR  WATCHDOG(0x00C)
#define WATCHDOG_LOCK    WATCHDOG(0xC00)
#define CTRL_ON          3u /* interrupt, then reset */
#define LOCK_OPEN        0x1ACCE551u
#define LOCK_CLOSE       1u

static bool started;

void board_watchdog_start(uint32_t ms)
{
    WATCHDOG_LOCK = LOCK_OPEN;
    WATCHDOG_LOAD = BOARD_CLOCK_HZ / 1000u * (ms / 2u);
    WATCHDOG_CTRL = CTRL_ON;
    WATCHDOG_LOCK = LOCK_CLOSE;
#if defined(BOARD_WATCHDOG_IRQ)
    cortex_m_enable_irq(BOARD_WATCHDOG_IRQ);
#endif
    started = true;
}

void board_watchdog_feed(void)
{
    if (started) {
        WATCHDOG_LOCK = LOCK_OPEN;
        WATCHDOG_INTCLR = 1; /* begins anew */
        WATCHDOG_LOCK = LOCK_CLOSE;
    }
}
