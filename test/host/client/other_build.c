/*
 * A caller of the client: OTHER says what of its configuration is not the core's. 0 is the core's
 * own. It must not know what the core says of it.
 */
#include "other_build.h"

/* The core's configuration, then what is changed; acme/config.h finds nothing more to read. */
#include ACME_KCONFIG_HEADER
#undef ACME_KCONFIG_HEADER
#define ACME_KCONFIG_HEADER "other_nothing.h"

#if OTHER == 0
#define HOW "as the core"
#elif OTHER == 1
#define HOW "another number of the configuration"
#undef ACME_KCONFIG_HASH
#define ACME_KCONFIG_HASH 0x12345678
#else
#undef ACME_KCONFIG_HASH /* as with the headers of Zephyr and ESP-IDF: the rest has to tell */
#endif
#if OTHER == 2
#define HOW "without a number"
#elif OTHER == 3
#define HOW "without pins"
#undef CONFIG_ACME_PINNING
#elif OTHER == 4
#define HOW "without other CAs" /* the structures have the sizes of 3, and other members */
#undef CONFIG_ACME_FALLBACK
#elif OTHER == 5
#define HOW "fewer certificates"
#undef CONFIG_ACME_CERT_SLOTS
#define CONFIG_ACME_CERT_SLOTS 31
#elif OTHER == 6
#define HOW "short enumerations" /* by an option of the compiler: see CMakeLists.txt */
#endif

#include "acme/client.h"

#define JOIN(a, b)  a##b
#define NAMED(a, b) JOIN(a, b)

static int32_t init(struct acme_client **client, const struct acme_port *port, void *memory,
                    size_t memory_size)
{
    const struct acme_config config = {.port = port, .directory_url = "https://ca.example.org/"};

    return acme_init(client, &config, memory, memory_size);
}

const struct other_build NAMED(other_build_, OTHER) = {HOW, ACME_BUILD, init};
