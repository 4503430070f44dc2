/*
 * What the board and the C library need to know of FreeRTOS: a sleep that leaves the processor to
 * other tasks, one line of the serial line at a time, errno of each task, and the kernel's hooks.
 * It must not know the application.
 */
#include "kernel.h"

#include <stddef.h>

#include <semphr.h>

#include "board.h"
#include "board_config.h"
#include "cortex_m.h"

#define NVIC_IPR(n)  (*(volatile uint8_t *)(0xE000E400u + (n)))
#define ETH_PRIORITY 0x80u /* it calls the kernel: configMAX_SYSCALL_INTERRUPT_PRIORITY */
#define SLEEP_MS     10u
#define TASKS_MAX    8u

static StaticSemaphore_t wake_memory, line_memory;
static SemaphoreHandle_t wake, line;
static volatile uint32_t wakes;
static TaskHandle_t watched;
static uint32_t watched_size;

void xPortSysTickHandler(void);
void kernel_tick(void);
int *__errno(void);
void vApplicationIdleHook(void);
void vApplicationGetIdleTaskMemory(StaticTask_t **control, StackType_t **stack,
                                   configSTACK_DEPTH_TYPE *words);
void __real_board_write(const char *text);
void __wrap_board_write(const char *text);

void kernel_init(void)
{
    wake = xSemaphoreCreateBinaryStatic(&wake_memory);
    line = xSemaphoreCreateMutexStatic(&line_memory);
    NVIC_IPR(BOARD_ETH_IRQ) = ETH_PRIORITY;
}

static bool has_tasks(void)
{
    return xTaskGetSchedulerState() != taskSCHEDULER_NOT_STARTED;
}

/* ---- time ---- */

/* The board counts milliseconds from its first instant on. */
void kernel_tick(void)
{
    cortex_m_tick();
    if (has_tasks()) {
        xPortSysTickHandler();
    }
}

void board_wake(void)
{
    BaseType_t woken = pdFALSE;

    wakes++;
    (void)xSemaphoreGiveFromISR(wake, &woken);
    portYIELD_FROM_ISR(woken);
}

uint32_t board_wakes(void)
{
    return wakes;
}

void board_sleep(void)
{
    (void)xSemaphoreTake(wake, pdMS_TO_TICKS(SLEEP_MS));
}

void vApplicationIdleHook(void)
{
    __asm__ volatile("wfi");
}

/* ---- the serial line ---- */

static bool is_interrupt(void)
{
    uint32_t number;

    __asm__ volatile("mrs %0, ipsr" : "=r"(number));
    return number != 0;
}

/* Who reports a fault waits for nobody. */
void __wrap_board_write(const char *text)
{
    if (is_interrupt() || xTaskGetSchedulerState() != taskSCHEDULER_RUNNING) {
        __real_board_write(text);
        return;
    }
    (void)xSemaphoreTake(line, portMAX_DELAY);
    __real_board_write(text);
    (void)xSemaphoreGive(line);
}

/* ---- tasks ---- */

/* A task that asks for its errno for the first time gets one; none of ours ends. */
int *__errno(void)
{
    static int numbers[TASKS_MAX + 1u]; /* the first is main's */
    static uint32_t used = 1;
    int *mine;

    if (!has_tasks()) {
        return &numbers[0];
    }
    mine = pvTaskGetThreadLocalStoragePointer(NULL, 0);
    if (mine == NULL) {
        taskENTER_CRITICAL();
        configASSERT(used <= TASKS_MAX);
        mine = &numbers[used++];
        taskEXIT_CRITICAL();
        vTaskSetThreadLocalStoragePointer(NULL, 0, mine);
    }
    return mine;
}

void kernel_watch_stack(TaskHandle_t task, uint32_t bytes)
{
    watched = task;
    watched_size = bytes;
}

uint32_t board_stack_size(void)
{
    return watched_size;
}

uint32_t board_stack_peak(void)
{
    return watched_size - (uint32_t)(uxTaskGetStackHighWaterMark(watched) * sizeof(StackType_t));
}

void vApplicationGetIdleTaskMemory(StaticTask_t **control, StackType_t **stack,
                                   configSTACK_DEPTH_TYPE *words)
{
    static StaticTask_t idle_control;
    static StackType_t idle_stack[configMINIMAL_STACK_SIZE];

    *control = &idle_control;
    *stack = idle_stack;
    *words = configMINIMAL_STACK_SIZE;
}

void vApplicationStackOverflowHook(TaskHandle_t task, char *name);
void vApplicationStackOverflowHook(TaskHandle_t task, char *name)
{
    (void)task;
    board_panic(name);
}
