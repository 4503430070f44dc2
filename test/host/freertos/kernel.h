/*
 * What a test may set of the kernel over threads.
 */
#ifndef KERNEL_H
#define KERNEL_H

#include "FreeRTOS.h"

/** The tick at the start of the program (before the first call). */
void kernel_set_first_tick(TickType_t tick);
/** The tick stands still, and moves by this much only when told. */
void kernel_stop_time(void);
void kernel_advance(TickType_t ticks);
/** The next creations of this many semaphores and tasks succeed, the one after them is refused. */
void kernel_refuse_after(unsigned creations);
/** Tasks that have deleted themselves. */
unsigned kernel_deleted(void);

#endif
