/*
 * The client's task as a FreeRTOS task: its primitives, and its creation. It must not know what the
 * task does.
 */
#include "acme_freertos.h"

static void os_lock(void *ctx, enum acme_task_lock which)
{
    struct acme_freertos_task *t = ctx;

    while (xSemaphoreTake(t->locks[which], portMAX_DELAY) != pdTRUE) {
    }
}

static void os_unlock(void *ctx, enum acme_task_lock which)
{
    struct acme_freertos_task *t = ctx;

    (void)xSemaphoreGive(t->locks[which]);
}

/* Rounded up, so that a short wait is not a busy one; at most half a wrap of the tick, so that the
 * clock sees each wrap. */
static TickType_t ticks_of(uint32_t ms)
{
    const uint64_t most = portMAX_DELAY / 2u;
    uint64_t ticks = ((uint64_t)ms * configTICK_RATE_HZ + 999u) / 1000u;

    return (TickType_t)(ticks < most ? ticks : most);
}

static void os_wait(void *ctx, uint32_t wait_ms)
{
    struct acme_freertos_task *t = ctx;

    (void)xSemaphoreTake(t->wake, ticks_of(wait_ms));
}

static void os_wake(void *ctx)
{
    struct acme_freertos_task *t = ctx;

    (void)xSemaphoreGive(t->wake); /* one that was given already is remembered as one */
}

static const struct acme_task_os os = {os_lock, os_unlock, os_wait, os_wake};

static void body(void *parameter)
{
    struct acme_freertos_task *t = parameter;

    (void)acme_task_run(&t->task);
    vTaskDelete(NULL);
}

int32_t acme_freertos_task_start(struct acme_freertos_task *t,
                                 const struct acme_task_config *config, const char *name,
                                 UBaseType_t priority)
{
    struct acme_task_config with_os = *config;
    int32_t rc;

    with_os.os = &os;
    with_os.os_ctx = t;
    rc = acme_task_init(&t->task, &with_os);
    if (rc != ACME_OK) {
        return rc;
    }
    for (unsigned i = 0; i < 2; i++) {
        t->locks[i] = xSemaphoreCreateMutexStatic(&t->locks_memory[i]);
    }
    t->wake = xSemaphoreCreateBinaryStatic(&t->wake_memory);
    if (t->locks[0] == NULL || t->locks[1] == NULL || t->wake == NULL ||
        xTaskCreateStatic(body, name, ACME_FREERTOS_STACK_WORDS, t, priority, t->stack,
                          &t->control) == NULL) {
        return ACME_ERR_INTERNAL;
    }
    return ACME_OK;
}

void acme_freertos_task_wake_from_isr(struct acme_freertos_task *t, BaseType_t *woken)
{
    (void)xSemaphoreGiveFromISR(t->wake, woken);
}
