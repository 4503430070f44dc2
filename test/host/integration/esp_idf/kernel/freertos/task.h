/*
 * Tasks, as FreeRTOS.h here.
 */
#ifndef INC_TASK_H
#define INC_TASK_H

#ifndef INC_FREERTOS_H
#error "include FreeRTOS.h must appear in source files before include task.h"
#endif

typedef struct tskTaskControlBlock *TaskHandle_t;
typedef void (*TaskFunction_t)(void *);

#define tskNO_AFFINITY        ((BaseType_t)0x7FFFFFFF)
#define tskIDLE_PRIORITY      ((UBaseType_t)0U)
#define taskENTER_CRITICAL(x) portENTER_CRITICAL(x)
#define taskEXIT_CRITICAL(x)  portEXIT_CRITICAL(x)

TaskHandle_t xTaskCreateStaticPinnedToCore(TaskFunction_t function, const char *const name,
                                           const uint32_t stack_bytes, void *const parameter,
                                           UBaseType_t priority, StackType_t *const stack,
                                           StaticTask_t *const control, const BaseType_t core);

static inline TaskHandle_t xTaskCreateStatic(TaskFunction_t function, const char *const name,
                                             const uint32_t stack_bytes, void *const parameter,
                                             UBaseType_t priority, StackType_t *const stack,
                                             StaticTask_t *const control)
{
    return xTaskCreateStaticPinnedToCore(function, name, stack_bytes, parameter, priority, stack,
                                         control, tskNO_AFFINITY);
}

void vTaskDelete(TaskHandle_t task);
TickType_t xTaskGetTickCount(void);

#endif
