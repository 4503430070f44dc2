/*
 * Which exit code an error of the core becomes. It must not know what was done.
 */
#include "exit.h"

#include <stdbool.h>
#include <stddef.h>

#include "acme/error.h"
#include "signals.h"

static const int32_t network[] = {
    ACME_ERR_RESOLVE, ACME_ERR_CONNECT, ACME_ERR_NET,        ACME_ERR_CLOSED,
    ACME_ERR_TIMEOUT, ACME_ERR_TLS,     ACME_ERR_TLS_VERIFY, ACME_ERR_TLS_DATES,
};

/* What a person can mend here: options, files, the store, the machine. */
static const int32_t configuration[] = {
    ACME_ERR_LISTEN,
    ACME_ERR_LIMIT,
    ACME_ERR_URL,
    ACME_ERR_NAME,
    ACME_ERR_KEY_TYPE,
    ACME_ERR_KEY_EXPORT,
    ACME_ERR_ARGUMENT,
    ACME_ERR_TOS,
    ACME_ERR_NOT_FOUND,
    ACME_ERR_CERT_NONE,
    ACME_ERR_NO_CLOCK,
    ACME_ERR_STORE_IO,
    ACME_ERR_STORE_FULL,
    ACME_ERR_STORE_CORRUPT,
    ACME_ERR_STORE_FORMAT,
    ACME_ERR_STORE_VERSION,
    ACME_ERR_STORE_GEOMETRY,
    ACME_ERR_STORE_SEAL,
    ACME_ERR_STORE_ROLLBACK,
};

static bool is_among(const int32_t *list, size_t count, int32_t error)
{
    size_t i = 0;

    while (i < count && list[i] != error) {
        i++;
    }
    return i < count;
}

int cli_exit_code(int32_t error)
{
    if (error == ACME_OK) {
        return CLI_OK;
    }
    if (error == ACME_ERR_AGAIN) {
        return 128 + cli_signal_stop();
    }
    if (is_among(network, sizeof(network) / sizeof(network[0]), error)) {
        return CLI_NETWORK;
    }
    if (is_among(configuration, sizeof(configuration) / sizeof(configuration[0]), error)) {
        return CLI_CONFIG;
    }
    return acme_error_severity(error) == ACME_SEVERITY_FATAL ? CLI_INTERNAL : CLI_REFUSED;
}
