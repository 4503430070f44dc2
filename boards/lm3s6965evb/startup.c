/*
 * The vector table of the LM3S6965.
 */
#include "cortex_m.h"
#include "stellaris_enet.h"

__attribute__((section(".vectors"), used)) static const cortex_m_handler
    vectors[16 + STELLARIS_ENET_IRQ + 1] = {
        (cortex_m_handler)cortex_m_stack_top,
        cortex_m_reset,
        [2] = cortex_m_fault, /* NMI */
        [3] = cortex_m_fault, /* HardFault, which the other faults become */
        [4] = cortex_m_fault,
        [5] = cortex_m_fault,
        [6] = cortex_m_fault,
        [11] = cortex_m_fault,
        [14] = cortex_m_fault,
        [15] = cortex_m_tick,
        [16 + STELLARIS_ENET_IRQ] = stellaris_enet_irq,
};
