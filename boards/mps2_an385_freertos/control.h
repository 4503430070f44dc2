/*
 * What a device is there for: a control loop with a period, in a task of its own.
 */
#ifndef CONTROL_H
#define CONTROL_H

#include <stdint.h>

#include <FreeRTOS.h>

/** Creates the task. */
void control_start(UBaseType_t priority);
/** The longest time, in us, by which the loop has begun later than its period says, since this was
 * last asked; *periods: how many there were. */
uint32_t control_worst_us(uint32_t *periods);

#endif
