/*
 * Reset, tick and faults of a Cortex-M. It must not know the chip, nor whether there are tasks.
 */
#include "cortex_m.h"

#include <stddef.h>

#include "board.h"
#include "text.h"

#define REGISTER(address) (*(volatile uint32_t *)(address))
#define SYST_CSR          REGISTER(0xE000E010u)
#define SYST_RVR          REGISTER(0xE000E014u)
#define SYST_CVR          REGISTER(0xE000E018u)
#define NVIC_ISER(n)      REGISTER(0xE000E100u + 4u * (n))
#define SCB_AIRCR         REGISTER(0xE000ED0Cu)
#define SCB_CCR           REGISTER(0xE000ED14u)
#define SCB_CFSR          REGISTER(0xE000ED28u)
#define CCR_STKALIGN      (1u << 9)
#define CSR_ON            1u
#define CSR_CORE_CLOCK    4u
#define CSR_WRAPPED       (1u << 16)

extern uint32_t cortex_m_data_load[], cortex_m_data[], cortex_m_data_end[];
extern uint32_t cortex_m_bss[], cortex_m_bss_end[];
int main(void);

static volatile uint32_t ticks, ticks_high;

/* ---- start ---- */

/* What is below the frame of this very function is unused yet. */
static void paint_stack(void)
{
    uint32_t *here = (uint32_t *)__builtin_frame_address(0) - 16;

    for (volatile uint32_t *p = cortex_m_stack_bottom; p < here; p++) {
        *p = CORTEX_M_PAINT;
    }
}

/* Loops, because memcpy and memset are not to be called before .data is there. FPU, MPU, caches and
 * SAU stay as a reset leaves them, off. Only the stack's alignment in interrupts is not everywhere
 * what the ABI wants: early Cortex-M3s, the LM3S6965's among them, begin with four bytes. */
void cortex_m_reset(void)
{
    const uint32_t *from = cortex_m_data_load;

    SCB_CCR |= CCR_STKALIGN;
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

/* ---- end ---- */

/* Its interrupt is the NMI or one of the chip's; the others are the architecture's faults. */
static bool is_watchdog(void)
{
    uint32_t number;

    __asm__ volatile("mrs %0, ipsr" : "=r"(number));
    return number == 2u || number >= 16u;
}

/* What kind of fault (the architecture's CFSR), and where it was, for addr2line. The frame cannot
 * be read if it is the stack that has overflowed. */
__attribute__((used)) static void report_fault(const uint32_t *frame)
{
    char line[48];
    struct text t;

    text_init(&t, line, sizeof(line));
    if (is_watchdog()) {
        text_add(&t, "watchdog");
    } else {
        text_add(&t, "fault ");
        text_add_hex(&t, SCB_CFSR);
    }
    if (frame >= cortex_m_stack_bottom &&
        frame + 8 <= cortex_m_bss_end) { /* or in a task's stack */
        text_add(&t, " at ");
        text_add_hex(&t, frame[6]);
    }
    board_panic(line);
}

/* Hands the frame over, which is on a task's stack where there are tasks; with little or nothing
 * left of the main stack, that is begun anew at its top. */
__attribute__((naked)) void cortex_m_fault(void)
{
    __asm__("mrs r0, msp\n\t"
            "mov r2, r0\n\t"
            "tst lr, #4\n\t"
            "it ne\n\t"
            "mrsne r0, psp\n\t"
            "ldr r1, =cortex_m_stack_bottom + 256\n\t"
            "cmp r2, r1\n\t"
            "bhs 1f\n\t"
            "ldr r1, =cortex_m_stack_top\n\t"
            "msr msp, r1\n"
            "1:\tb report_fault");
}

/* Without interrupts, which may be off, or masked by this one: by the timer's flag, which it sets
 * each millisecond (it may not have been started yet: then each 65536 cycles). */
void cortex_m_wait_ms(uint32_t ms)
{
    if ((SYST_CSR & CSR_ON) == 0) {
        SYST_RVR = 0xffffu;
        SYST_CSR = CSR_ON | CSR_CORE_CLOCK;
    }
    while (ms > 0) {
        board_watchdog_feed();
        ms -= (SYST_CSR & CSR_WRAPPED) != 0 ? 1 : 0;
    }
}

void cortex_m_restart(void)
{
    for (;;) {
        SCB_AIRCR = 0x05FA0004u; /* SYSRESETREQ */
    }
}

/* ---- time ---- */

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
