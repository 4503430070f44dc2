/*
 * A control loop of 10 ms: it holds a value that drifts near its aim, and measures by how much it
 * begins late. The client must not disturb it. It must not know the client or the network.
 */
#include "control.h"

#include <FreeRTOS.h>
#include <task.h>

#include "board.h"

#define PERIOD_MS 10u
#define AIM       1000

static StaticTask_t task_control;
static StackType_t stack[configMINIMAL_STACK_SIZE * 2];
static uint32_t worst_us, periods_done;

static void note(uint64_t due_us)
{
    uint32_t late_us = (uint32_t)(board_uptime_us() - due_us);

    taskENTER_CRITICAL();
    worst_us = late_us > worst_us ? late_us : worst_us;
    periods_done++;
    taskEXIT_CRITICAL();
}

/* A controller with a proportional and an integral part, in whole numbers, and what it controls. */
static void control(void)
{
    static int32_t value, integral;
    int32_t error = AIM - value;

    integral += error;
    value += error / 4 + integral / 64 - value / 16;
}

static void body(void *unused)
{
    TickType_t last = xTaskGetTickCount();
    uint64_t due_us = board_uptime_ms() * 1000u;

    (void)unused;
    for (;;) {
        vTaskDelayUntil(&last, pdMS_TO_TICKS(PERIOD_MS));
        due_us += PERIOD_MS * 1000u;
        note(due_us);
        control();
    }
}

void control_start(UBaseType_t priority)
{
    (void)xTaskCreateStatic(body, "control", sizeof(stack) / sizeof(stack[0]), NULL, priority,
                            stack, &task_control);
}

uint32_t control_worst_us(uint32_t *periods)
{
    uint32_t worst;

    taskENTER_CRITICAL();
    worst = worst_us;
    *periods = periods_done;
    worst_us = periods_done = 0;
    taskEXIT_CRITICAL();
    return worst;
}
