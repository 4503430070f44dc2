/*
 * The reference board's numbers, and the handlers that are FreeRTOS's.
 */
#ifndef FREERTOS_BOARD_CONFIG_H
#define FREERTOS_BOARD_CONFIG_H

#include "../mps2_an385/board_config.h"

#undef BOARD_NAME
#define BOARD_NAME "mps2_an385_freertos"

#define BOARD_TICK_HANDLER   kernel_tick
#define BOARD_SVC_HANDLER    vPortSVCHandler
#define BOARD_PENDSV_HANDLER xPortPendSVHandler

#endif
