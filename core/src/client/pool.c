/*
 * The pool of texts. It grows at its end, and is cut back to a mark.
 */
#include "client/pool.h"

#include <string.h>

#include "client/machine.h"
#include "client/state.h"
#include "net/uri.h"

int32_t acme_pool_add(struct acme_client *c, const char *text, uint16_t *offset)
{
    size_t len = strlen(text) + 1;

    ACME_ASSERT(c->pool_len >= ACME_POOL_START && c->pool_len <= sizeof(c->pool));
    if (len > sizeof(c->pool) - c->pool_len) {
        return acme_machine_limit(c, ACME_LIMIT_POOL, c->pool_len + len);
    }
    memcpy(c->pool + c->pool_len, text, len);
    *offset = c->pool_len;
    c->pool_len = (uint16_t)(c->pool_len + len);
    return ACME_OK;
}

int32_t acme_pool_add_url(struct acme_client *c, const char *url, uint16_t *offset)
{
    struct acme_uri uri;

    *offset = 0;
    if (url == NULL || url[0] == '\0') { /* some CAs say "" for none */
        return ACME_ERR_FIELD;
    }
    if (strlen(url) > CONFIG_ACME_URL_MAX) {
        return acme_machine_limit(c, ACME_LIMIT_URL, strlen(url));
    }
    return acme_uri_parse(url, &uri) == ACME_OK ? acme_pool_add(c, url, offset) : ACME_ERR_URL;
}

const char *acme_pool_get(const struct acme_client *c, uint16_t offset)
{
    ACME_ASSERT(offset < c->pool_len || offset == 0);
    return c->pool + offset;
}
