/*
 * Tasks, as FreeRTOS.h here.
 */
#ifndef TASK_H
#define TASK_H

#include "FreeRTOS.h"

typedef struct kernel_task *TaskHandle_t;
typedef void (*TaskFunction_t)(void *);

TaskHandle_t xTaskCreateStatic(TaskFunction_t function, const char *const name,
                               const uint32_t stack_words, void *const parameter,
                               UBaseType_t priority, StackType_t *const stack,
                               StaticTask_t *const control);
void vTaskDelete(TaskHandle_t task);
#define tskIDLE_PRIORITY ((UBaseType_t)0U)

TickType_t xTaskGetTickCount(void);

void kernel_enter_critical(void);
void kernel_exit_critical(void);
#define taskENTER_CRITICAL() kernel_enter_critical()
#define taskEXIT_CRITICAL()  kernel_exit_critical()

#endif
