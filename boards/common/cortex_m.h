/*
 * What all Cortex-M boards here share: reset, tick, faults, stack painting.
 */
#ifndef CORTEX_M_H
#define CORTEX_M_H

#include <stdint.h>

typedef void (*cortex_m_handler)(void);

/* What the unused part of the stack is filled with. */
#define CORTEX_M_PAINT 0xA5C3F00Du

/* Symbols of the linker script. */
extern uint32_t cortex_m_stack_bottom[], cortex_m_stack_top[];

/** Entries of the vector table. The Ethernet driver has the last. */
void cortex_m_reset(void);
void cortex_m_fault(void);
void cortex_m_tick(void);
void cortex_m_eth(void);

/** Waits, also where interrupts are off or masked, and feeds the watchdog. */
void cortex_m_wait_ms(uint32_t ms);
_Noreturn void cortex_m_restart(void);

/** 1 kHz from the core's clock. */
void cortex_m_start_tick(uint32_t clock_hz);
void cortex_m_enable_irq(uint32_t number);

#endif
