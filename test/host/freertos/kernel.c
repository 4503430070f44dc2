/*
 * FreeRTOS's API over threads, as far as nanoacme uses it. A task is a thread; a critical section
 * is one lock of the process; ticks are the kernel clock's milliseconds, or stand still for a test.
 * Unlike the real kernel it does not schedule by priority: any interleaving may happen, which is
 * what the tests want.
 */
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "kernel.h"
#include "semphr.h"
#include "task.h"

struct kernel_semaphore {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool given, is_mutex;
    pthread_t owner;
};

struct kernel_task {
    TaskFunction_t function;
    void *parameter;
};

_Static_assert(sizeof(struct kernel_semaphore) <= sizeof(StaticSemaphore_t),
               "memory of a semaphore");
_Static_assert(sizeof(struct kernel_task) <= sizeof(StaticTask_t), "memory of a task");

static pthread_mutex_t critical = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER; /* of what follows */
static TickType_t first_tick;
static bool stopped;
static TickType_t stopped_at;
static unsigned creations_left = 1000, deleted;

void kernel_enter_critical(void)
{
    (void)pthread_mutex_lock(&critical);
}

void kernel_exit_critical(void)
{
    (void)pthread_mutex_unlock(&critical);
}

static uint64_t milliseconds(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

static TickType_t tick_count(void)
{
    static uint64_t start;

    if (start == 0) {
        start = milliseconds();
    }
    return stopped ? stopped_at : (TickType_t)(first_tick + milliseconds() - start);
}

TickType_t xTaskGetTickCount(void)
{
    TickType_t now;

    (void)pthread_mutex_lock(&guard);
    now = tick_count();
    (void)pthread_mutex_unlock(&guard);
    return now;
}

void kernel_set_first_tick(TickType_t tick)
{
    first_tick = tick;
}

void kernel_stop_time(void)
{
    (void)pthread_mutex_lock(&guard);
    stopped_at = tick_count();
    stopped = true;
    (void)pthread_mutex_unlock(&guard);
}

void kernel_advance(TickType_t ticks)
{
    (void)pthread_mutex_lock(&guard);
    stopped_at = (TickType_t)(stopped_at + ticks);
    (void)pthread_mutex_unlock(&guard);
}

void kernel_refuse_after(unsigned creations)
{
    (void)pthread_mutex_lock(&guard);
    creations_left = creations;
    (void)pthread_mutex_unlock(&guard);
}

static bool may_create(void)
{
    bool may;

    (void)pthread_mutex_lock(&guard);
    may = creations_left > 0;
    creations_left = may ? creations_left - 1 : 1000;
    (void)pthread_mutex_unlock(&guard);
    return may;
}

unsigned kernel_deleted(void)
{
    unsigned count;

    (void)pthread_mutex_lock(&guard);
    count = deleted;
    (void)pthread_mutex_unlock(&guard);
    return count;
}

/* ---- tasks ---- */

static void *run(void *argument)
{
    struct kernel_task *task = argument;

    task->function(task->parameter);
    abort(); /* a FreeRTOS task must never return */
}

TaskHandle_t xTaskCreateStatic(TaskFunction_t function, const char *const name,
                               const uint32_t stack_words, void *const parameter,
                               UBaseType_t priority, StackType_t *const stack,
                               StaticTask_t *const control)
{
    struct kernel_task *task = (struct kernel_task *)(void *)control;
    pthread_t thread;

    (void)name;
    (void)priority;
    if (stack_words < 128 || stack == NULL || !may_create()) {
        return NULL;
    }
    task->function = function;
    task->parameter = parameter;
    if (pthread_create(&thread, NULL, run, task) != 0) {
        return NULL;
    }
    (void)pthread_detach(thread);
    return task;
}

void vTaskDelete(TaskHandle_t task)
{
    if (task != NULL) {
        abort(); /* a task here deletes itself only */
    }
    (void)pthread_mutex_lock(&guard);
    deleted++;
    (void)pthread_mutex_unlock(&guard);
    pthread_exit(NULL);
}

/* ---- semaphores ---- */

static SemaphoreHandle_t create(StaticSemaphore_t *memory, bool is_mutex)
{
    struct kernel_semaphore *s = (struct kernel_semaphore *)(void *)memory;
    pthread_condattr_t attributes;

    if (!may_create()) {
        return NULL;
    }
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_mutex_init(&s->mutex, NULL);
    (void)pthread_cond_init(&s->changed, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    s->given = s->is_mutex = is_mutex;
    return s;
}

SemaphoreHandle_t xSemaphoreCreateMutexStatic(StaticSemaphore_t *memory)
{
    return create(memory, true);
}

SemaphoreHandle_t xSemaphoreCreateBinaryStatic(StaticSemaphore_t *memory)
{
    return create(memory, false);
}

BaseType_t xSemaphoreTake(SemaphoreHandle_t s, TickType_t ticks)
{
    struct timespec end;
    BaseType_t taken;
    int ret = 0;

    (void)clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += (time_t)(ticks / 1000u);
    end.tv_nsec += (long)(ticks % 1000u) * 1000000;
    if (end.tv_nsec >= 1000000000) {
        end.tv_sec++;
        end.tv_nsec -= 1000000000;
    }
    (void)pthread_mutex_lock(&s->mutex);
    if (s->is_mutex && !s->given && pthread_equal(s->owner, pthread_self())) {
        abort(); /* a mutex is not recursive */
    }
    while (!s->given && ret != ETIMEDOUT) {
        ret = pthread_cond_timedwait(&s->changed, &s->mutex, &end);
    }
    taken = s->given ? pdTRUE : pdFALSE;
    if (s->given) {
        s->given = false;
        s->owner = pthread_self();
    }
    (void)pthread_mutex_unlock(&s->mutex);
    return taken;
}

BaseType_t xSemaphoreGive(SemaphoreHandle_t s)
{
    BaseType_t rc;

    (void)pthread_mutex_lock(&s->mutex);
    if (s->is_mutex && (s->given || !pthread_equal(s->owner, pthread_self()))) {
        abort(); /* only its owner gives a mutex back */
    }
    rc = s->given ? pdFALSE : pdTRUE;
    s->given = true;
    (void)pthread_cond_signal(&s->changed);
    (void)pthread_mutex_unlock(&s->mutex);
    return rc;
}

BaseType_t xSemaphoreGiveFromISR(SemaphoreHandle_t s, BaseType_t *woken)
{
    *woken = xSemaphoreGive(s);
    return *woken;
}
