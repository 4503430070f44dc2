/*
 * What an application with the client's task includes and calls.
 */
#include "acme_freertos.h"

static struct acme_freertos_task task;
static struct acme_freertos_clock clock;

int32_t app_start(const struct acme_task_config *config);
int32_t app_start(const struct acme_task_config *config)
{
    acme_freertos_clock_set(&clock, 1764547200);
    return acme_freertos_task_start(&task, config, "acme", tskIDLE_PRIORITY + 1);
}
