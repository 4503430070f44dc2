/*
 * ESP-IDF's FreeRTOS as far as port/freertos uses it, and as strict: its headers lie in a folder
 * and are found only there, a critical section wants a spinlock whose free state is not zeros, and
 * stacks are counted in bytes. Declarations after the public documentation; the kernel itself is
 * not here.
 */
#ifndef INC_FREERTOS_H
#define INC_FREERTOS_H

#include <stdint.h>

typedef uint8_t StackType_t;
typedef int BaseType_t;
typedef unsigned int UBaseType_t;
typedef uint32_t TickType_t;

#define portMAX_DELAY ((TickType_t)0xffffffffUL)
#define pdFALSE       ((BaseType_t)0)
#define pdTRUE        ((BaseType_t)1)

#define configTICK_RATE_HZ 100

typedef struct {
    uint32_t owner;
    uint32_t count;
} spinlock_t;
typedef spinlock_t portMUX_TYPE;
#define portMUX_INITIALIZER_UNLOCKED                                                               \
    {                                                                                              \
        .owner = 0xB33FFFFF, .count = 0                                                            \
    }

void vPortEnterCritical(portMUX_TYPE *mux);
void vPortExitCritical(portMUX_TYPE *mux);
#define portENTER_CRITICAL(mux) vPortEnterCritical(mux)
#define portEXIT_CRITICAL(mux)  vPortExitCritical(mux)

typedef struct {
    uint32_t opaque[88];
} StaticTask_t;

typedef struct {
    uint32_t opaque[21];
} StaticQueue_t;
typedef StaticQueue_t StaticSemaphore_t;

#endif
