/*
 * The vector table of a Cortex-M that has one interrupt besides the tick, the Ethernet's, and one
 * of a watchdog that bites. It must not know what they are of.
 */
#include "board_config.h"
#include "cortex_m.h"

/* With an operating system these are its own. */
#if !defined(BOARD_TICK_HANDLER)
#define BOARD_TICK_HANDLER   cortex_m_tick
#define BOARD_SVC_HANDLER    cortex_m_fault
#define BOARD_PENDSV_HANDLER cortex_m_fault
#endif
void BOARD_TICK_HANDLER(void);
void BOARD_SVC_HANDLER(void);
void BOARD_PENDSV_HANDLER(void);

__attribute__((section(".vectors"),
               used)) static const cortex_m_handler vectors[16 + BOARD_ETH_IRQ + 1] = {
    (cortex_m_handler)cortex_m_stack_top,
    cortex_m_reset,
    [2] = cortex_m_fault, /* NMI, a watchdog's */
    [3] = cortex_m_fault, /* HardFault, which the other faults become */
    [4] = cortex_m_fault,
    [5] = cortex_m_fault,
    [6] = cortex_m_fault,
    [7] = cortex_m_fault, /* SecureFault, where there is a TrustZone */
    [11] = BOARD_SVC_HANDLER,
    [14] = BOARD_PENDSV_HANDLER,
    [15] = BOARD_TICK_HANDLER,
    [16 + BOARD_ETH_IRQ] = cortex_m_eth,
#if defined(BOARD_WATCHDOG_IRQ)
    [16 + BOARD_WATCHDOG_IRQ] = cortex_m_fault,
#endif
};
