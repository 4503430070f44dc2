/* A C++ program on the installed library: a client without a configuration is refused, and told why. */
#include <cstdio>

#include "acme/client.h"
#include "acme_posix.h"

int main()
{
    alignas(8) static uint8_t memory[ACME_MEMORY_SIZE];
    acme_client *client = nullptr;
    const int32_t rc = acme_init(&client, nullptr, memory, sizeof(memory));

    std::printf("%s %s\n", acme_version(), acme_error_name(rc));
    return rc == ACME_ERR_ARGUMENT ? 0 : 1;
}
