/*
 * The board under FreeRTOS.
 */
#ifndef KERNEL_H
#define KERNEL_H

#include <FreeRTOS.h>
#include <task.h>

/** Before the scheduler: what board_sleep waits for, and the Ethernet's priority among interrupts.
 */
void kernel_init(void);
/** Whose stack board_stack_peak tells of, and how large that is. */
void kernel_watch_stack(TaskHandle_t task, uint32_t bytes);

#endif
