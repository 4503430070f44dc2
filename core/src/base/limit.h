/*
 * Which limit of the configuration was hit, and by how much. Whoever finds that something does not
 * fit notes it in the record that its caller sees, and returns the error that fits; who reports the
 * error names the limit. It knows no error and no place.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/** X(name, option): the limits, and the options of Kconfig that set them. */
#define ACME_LIMIT_LIST(X)                                                                         \
    X(ACME_LIMIT_NONE, "")                                                                         \
    X(ACME_LIMIT_NONCE, "CONFIG_ACME_NONCE_MAX")               /* characters of a Replay-Nonce */  \
    X(ACME_LIMIT_URL, "CONFIG_ACME_URL_MAX")                   /* characters of a URL */           \
    X(ACME_LIMIT_HTTP_LINE, "CONFIG_ACME_HTTP_LINE_MAX")       /* characters of a header line */   \
    X(ACME_LIMIT_HTTP_HEADERS, "CONFIG_ACME_HTTP_HEADERS_MAX") /* bytes of all header lines */     \
    X(ACME_LIMIT_HTTP_BODY, "CONFIG_ACME_HTTP_BODY_MAX")       /* bytes of a body */               \
    X(ACME_LIMIT_WORK, "CONFIG_ACME_WORK_SIZE")                /* bytes kept of a JSON reply */    \
    X(ACME_LIMIT_ARENA, "CONFIG_ACME_JSON_ARENA_SIZE")         /* bytes of it, parsed */           \
    X(ACME_LIMIT_POOL, "CONFIG_ACME_URL_POOL_SIZE")            /* bytes of URLs that are kept */   \
    X(ACME_LIMIT_CHAIN_CERTS, "CONFIG_ACME_CHAIN_CERTS_MAX")   /* certificates of a chain */       \
    X(ACME_LIMIT_CERT_SIZE, "CONFIG_ACME_CERT_SIZE_MAX")       /* bytes of a certificate */        \
    X(ACME_LIMIT_NAMES, "CONFIG_ACME_NAMES_MAX")               /* authorizations of an order */

enum acme_limit_id {
#define ACME_LIMIT_ENUM(name, option) name,
    ACME_LIMIT_LIST(ACME_LIMIT_ENUM)
#undef ACME_LIMIT_ENUM
};

/** A limit that was hit; all zero: none. */
struct acme_limit {
    uint32_t size; /* what came, as far as it was counted: at least one more than the limit */
    uint8_t id;    /* enum acme_limit_id */
};

static inline void acme_limit_note(struct acme_limit *limit, enum acme_limit_id id, size_t size)
{
    limit->id = (uint8_t)id;
    limit->size = size > UINT32_MAX ? UINT32_MAX : (uint32_t)size;
}

/** The option's name in Kconfig; "" for none, and where CONFIG_ACME_ERROR_TEXTS is off. Never NULL,
 * static. */
const char *acme_limit_name(uint8_t id);
