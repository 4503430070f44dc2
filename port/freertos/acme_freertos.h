/*
 * The client under FreeRTOS: a clock over the kernel's tick, and the client's task (see
 * acme_task.h) with the kernel's mutexes and a semaphore. Only the kernel's public API is used, and
 * static allocation (configSUPPORT_STATIC_ALLOCATION 1); also needed: configUSE_MUTEXES 1,
 * INCLUDE_vTaskDelete 1. The integrator has the kernel, its FreeRTOSConfig.h and a network port.
 */
#ifndef ACME_FREERTOS_H
#define ACME_FREERTOS_H

#if defined(ESP_PLATFORM) /* ESP-IDF's kernel lies in a folder */
#include <freertos/FreeRTOS.h>
#include <freertos/task.h>
#include <freertos/semphr.h>
#else
#include <FreeRTOS.h>
#include <task.h>
#include <semphr.h>
#endif

#include "acme_task.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- clock ---- */

/** Zero-initialize. uptime_ms must be called at least once in each wrap of the tick (49 days at
 * 1000 Hz; 65 s with 16-bit ticks): the client's task does, and so does whoever reads the clock. */
struct acme_freertos_clock {
    uint64_t ticks;     /**< since the start */
    TickType_t last;    /**< what the kernel said last */
    int64_t unix_s;     /**< what acme_freertos_clock_set said last; 0: nothing yet */
    uint64_t set_at_ms; /**< uptime when it did */
};

/** Its context is a struct acme_freertos_clock. Any task may call it, interrupts may not. */
extern const struct acme_clock_ops acme_freertos_clock_ops;

/** Sets the wall clock, when SNTP or a battery-backed clock has said what time it is. Any task. */
void acme_freertos_clock_set(struct acme_freertos_clock *clock, int64_t unix_s);

/* ---- task ---- */

/** Stack of the client's task in words, which ESP-IDF's are bytes (the peak is in TLS handshakes:
 * see docs/porting.md). */
#ifndef ACME_FREERTOS_STACK_WORDS
#define ACME_FREERTOS_STACK_WORDS (8192u / sizeof(StackType_t))
#endif

/** Everything that the task needs. Static, and never reused. */
struct acme_freertos_task {
    struct acme_task task;             /**< for acme_task_request and its kin */
    SemaphoreHandle_t locks[2];        /**< by enum acme_task_lock */
    SemaphoreHandle_t wake;            /**< what the task waits for */
    StaticSemaphore_t locks_memory[2]; /**< of locks */
    StaticSemaphore_t wake_memory;     /**< of wake */
    StaticTask_t control;              /**< the kernel's, of the task */
    /** The task's stack. */
    StackType_t stack[ACME_FREERTOS_STACK_WORDS];
};

/** Creates the client's task. config is as for acme_task_init; its os and os_ctx are set here.
 * Before or after vTaskStartScheduler. ACME_OK, ACME_ERR_ARGUMENT, or ACME_ERR_INTERNAL when the
 * kernel refuses. */
int32_t acme_freertos_task_start(struct acme_freertos_task *task,
                                 const struct acme_task_config *config, const char *name,
                                 UBaseType_t priority);

/** acme_task_wake for interrupts: as xSemaphoreGiveFromISR. */
void acme_freertos_task_wake_from_isr(struct acme_freertos_task *task, BaseType_t *woken);

#ifdef __cplusplus
}
#endif
#endif
