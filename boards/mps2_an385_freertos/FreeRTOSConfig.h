/*
 * FreeRTOS on the reference board: preemption, a tick of 1 ms, static allocation for our own tasks.
 * What lwIP's port to FreeRTOS allocates comes from pools (kernel_memory.c).
 */
#ifndef FREERTOS_CONFIG_H
#define FREERTOS_CONFIG_H

#include <stdint.h>

_Noreturn void board_panic(const char *why);

#define configCPU_CLOCK_HZ      25000000u /* as BOARD_CLOCK_HZ */
#define configTICK_RATE_HZ      ((TickType_t)1000)
#define configUSE_16_BIT_TICKS  0
#define configMAX_PRIORITIES    5
#define configMAX_TASK_NAME_LEN 8

#define configUSE_PREEMPTION                    1
#define configUSE_PORT_OPTIMISED_TASK_SELECTION 1
#define configUSE_IDLE_HOOK                     1
#define configUSE_TICK_HOOK                     0
#define configUSE_MUTEXES                       1
#define configUSE_RECURSIVE_MUTEXES             1 /* lwIP's */
#define configUSE_TIMERS                        0
#define configUSE_CO_ROUTINES                   0
#define configNUM_THREAD_LOCAL_STORAGE_POINTERS 1 /* errno */

#define configSUPPORT_STATIC_ALLOCATION  1
#define configSUPPORT_DYNAMIC_ALLOCATION 1 /* lwIP's port knows no other */
#define configMINIMAL_STACK_SIZE         128
#define configSTACK_DEPTH_TYPE           uint32_t

#define configCHECK_FOR_STACK_OVERFLOW 2
#define configASSERT(x)                                                                            \
    do {                                                                                           \
        if (!(x)) {                                                                                \
            board_panic("the kernel's assertion");                                                 \
        }                                                                                          \
    } while (0)

#define INCLUDE_vTaskDelay                  1
#define INCLUDE_vTaskDelayUntil             1
#define INCLUDE_vTaskDelete                 1
#define INCLUDE_vTaskSuspend                1 /* portMAX_DELAY is for ever */
#define INCLUDE_xTaskGetSchedulerState      1
#define INCLUDE_uxTaskGetStackHighWaterMark 1

/* Interrupts from the second number on may call the kernel; of the chip's there is the Ethernet's.
 */
#define configKERNEL_INTERRUPT_PRIORITY      255
#define configMAX_SYSCALL_INTERRUPT_PRIORITY 0x40

#endif
