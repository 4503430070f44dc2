/*
 * Sleep and the painted stack of a board without an operating system: its one stack, and interrupts
 * that end a wait. It must not know the chip.
 */
#include "board.h"
#include "cortex_m.h"

static volatile bool awake;
static volatile uint32_t wakes;

uint32_t board_stack_size(void)
{
    return (uint32_t)((uintptr_t)cortex_m_stack_top - (uintptr_t)cortex_m_stack_bottom);
}

uint32_t board_stack_peak(void)
{
    const volatile uint32_t *p = cortex_m_stack_bottom;

    while (p < cortex_m_stack_top && *p == CORTEX_M_PAINT) {
        p++;
    }
    return (uint32_t)((uintptr_t)cortex_m_stack_top - (uintptr_t)p);
}

void board_wake(void)
{
    awake = true;
    wakes++;
}

uint32_t board_wakes(void)
{
    return wakes;
}

void board_sleep(void)
{
    __asm__ volatile("cpsid i" ::: "memory"); /* an interrupt from here on ends wfi at once */
    if (!awake) {
        __asm__ volatile("wfi" ::: "memory");
    }
    awake = false;
    __asm__ volatile("cpsie i" ::: "memory");
}
