/*
 * Reset, tick, faults, sleep and the painted stack of a Cortex-M. It must not know the chip.
 */
#include "cortex_m.h"

#include <stddef.h>

#include "board.h"

#define REGISTER(address) (*(volatile uint32_t *)(address))
#define SYST_CSR          REGISTER(0xE000E010u)
#define SYST_RVR          REGISTER(0xE000E014u)
#define SYST_CVR          REGISTER(0xE000E018u)
#define NVIC_ISER(n)      REGISTER(0xE000E100u + 4u * (n))
#define SCB_AIRCR         REGISTER(0xE000ED0Cu)
#define PAINT             0xA5C3F00Du

extern uint32_t cortex_m_data_load[], cortex_m_data[], cortex_m_data_end[];
extern uint32_t cortex_m_bss[], cortex_m_bss_end[];
int main(void);

static volatile uint32_t ticks, ticks_high;
static volatile bool awake;

/* ---- start ---- */

/* What is below the frame of this very function is unused yet. */
static void paint_stack(void)
{
    uint32_t *here = (uint32_t *)__builtin_frame_address(0) - 16;

    for (volatile uint32_t *p = cortex_m_stack_bottom; p < here; p++) {
        *p = PAINT;
    }
}

/* Loops, because memcpy and memset are not to be called before .data is there. */
void cortex_m_reset(void)
{
    const uint32_t *from = cortex_m_data_load;

    for (volatile uint32_t *to = cortex_m_data; to < cortex_m_data_end; to++) {
        *to = *from++;
    }
    for (volatile uint32_t *to = cortex_m_bss; to < cortex_m_bss_end; to++) {
        *to = 0;
    }
    paint_stack();
    (void)main();
    board_panic("main has returned");
}

uint32_t board_stack_size(void)
{
    return (uint32_t)((uintptr_t)cortex_m_stack_top - (uintptr_t)cortex_m_stack_bottom);
}

uint32_t board_stack_peak(void)
{
    const volatile uint32_t *p = cortex_m_stack_bottom;

    while (p < cortex_m_stack_top && *p == PAINT) {
        p++;
    }
    return (uint32_t)((uintptr_t)cortex_m_stack_top - (uintptr_t)p);
}

/* ---- end ---- */

void cortex_m_fault(void)
{
    board_panic("fault");
}

void board_panic(const char *why)
{
    board_write("\r\npanic: ");
    board_write(why);
    board_write("\r\n");
    for (;;) {
        SCB_AIRCR = 0x05FA0004u; /* SYSRESETREQ */
    }
}

/* ---- time and sleep ---- */

void cortex_m_start_tick(uint32_t clock_hz)
{
    SYST_RVR = clock_hz / 1000u - 1u;
    SYST_CVR = 0;
    SYST_CSR = 7; /* enabled, with interrupt, from the core's clock */
}

void cortex_m_tick(void)
{
    ticks++;
    if (ticks == 0) {
        ticks_high++;
    }
}

uint64_t board_uptime_ms(void)
{
    uint32_t low, high;

    do {
        high = ticks_high;
        low = ticks;
    } while (high != ticks_high || low != ticks);
    return (uint64_t)high << 32 | low;
}

uint64_t board_uptime_us(void)
{
    uint64_t ms;
    uint32_t left;

    do {
        ms = board_uptime_ms();
        left = SYST_CVR;
    } while (ms != board_uptime_ms());
    return ms * 1000u + (SYST_RVR - left) / ((SYST_RVR + 1u) / 1000u);
}

void cortex_m_enable_irq(uint32_t number)
{
    NVIC_ISER(number / 32u) = 1u << (number % 32u);
}

void board_wake(void)
{
    awake = true;
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
