/*
 * An application that includes the public headers as an integrator does; compiled in each stand-in.
 */
#include "acme/client.h"

int32_t app_start(acme_client **client, const struct acme_config *config);

int32_t app_start(acme_client **client, const struct acme_config *config)
{
    static _Alignas(8) uint8_t memory[ACME_MEMORY_SIZE];

    return acme_init(client, config, memory, sizeof(memory));
}
