/*
 * What nanoacme uses of FreeRTOS's public API, declared for the tests, which have no kernel:
 * kernel.c makes it over threads. With KERNEL_16_BIT_TICKS the tick is as short as a small
 * kernel's. The real headers have much more; nothing here is theirs.
 */
#ifndef FREERTOS_H
#define FREERTOS_H

#include <stdint.h>

typedef long BaseType_t;
typedef unsigned long UBaseType_t;
typedef uint32_t StackType_t;
#if defined(KERNEL_16_BIT_TICKS)
typedef uint16_t TickType_t;
#define portMAX_DELAY ((TickType_t)0xffffu)
#else
typedef uint32_t TickType_t;
#define portMAX_DELAY ((TickType_t)0xffffffffu)
#endif

#define pdFALSE            ((BaseType_t)0)
#define pdTRUE             ((BaseType_t)1)
#define configTICK_RATE_HZ ((TickType_t)1000u)

typedef struct {
    uint64_t opaque[20];
} StaticTask_t;

typedef struct {
    uint64_t opaque[20];
} StaticSemaphore_t;

#endif
